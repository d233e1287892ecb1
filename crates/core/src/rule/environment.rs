//! What the names in a rule's text can refer to.

use std::fmt;

use super::custom::Custom;
use super::suggest::did_you_mean;
use super::value::Scalar;
use crate::role::{Hierarchy, Role, RoleIndex};

/// What the names in a rule can refer to; where something is not known, it is not checked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Environment<'e> {
    /// The roles of the policy; `None` if they are looked up when the policy is built.
    pub(crate) roles: Option<&'e Hierarchy>,
    /// The labels of the anchors; `None` if the policy declares none.
    pub(crate) anchors: Option<&'e [&'e str]>,
    /// The parameters of the route's pattern.
    pub(crate) params: Option<&'e [&'e str]>,
    /// The fields of the resource that the rule is about; `None` if it is about none.
    pub(crate) resource: Option<&'e [(&'e str, Scalar)]>,
    /// The conditions of the application's own.
    pub(crate) customs: Option<&'e [Custom]>,
    /// Whether the rule gives a role, so that it can read the certificate and nothing else.
    pub(crate) certificate_only: bool,
}

/// What is wrong with a name, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl<'e> Environment<'e> {
    pub(super) fn role(&self, name: &str) -> Result<Option<RoleIndex>, Complaint> {
        Role::new(name).map_err(|error| Complaint { message: error.to_string(), help: None })?;
        let Some(hierarchy) = self.roles else { return Ok(None) };
        hierarchy.index(name).map(Some).ok_or_else(|| {
            let roles = hierarchy.roles().map(|(_, role)| role.name());
            Complaint {
                message: format!("the role `{name}` is not defined"),
                help: did_you_mean(name, roles, "").or(Some("define it or correct the name".into())),
            }
        })
    }

    pub(super) fn anchor(&self, label: &str) -> Result<(), Complaint> {
        match self.anchors {
            Some(anchors) if !anchors.contains(&label) => Err(Complaint {
                message: format!("no trust anchor has the label `{}`", label.escape_debug()),
                help: did_you_mean(label, anchors.iter().copied(), "")
                    .or(Some("declare it under `[anchors]` or correct the label".into())),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn param(&self, name: &str) -> Result<(), Complaint> {
        match self.params {
            Some(_) if self.resource.is_some() => Err(Complaint {
                message: format!("`params.{name}` can be asked in the rule of a route only"),
                help: Some("compare with a field of the resource".into()),
            }),
            Some(params) if !params.contains(&name) => Err(Complaint {
                message: format!("the route has no path parameter `{name}`"),
                help: did_you_mean(name, params.iter().copied(), "params.")
                    .or(Some(format!("write `{{{name}}}` in the route's pattern or correct the name"))),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn field(&self, name: &str) -> Result<Scalar, Complaint> {
        let fields = self.inside_resource("resource.*")?;
        fields.iter().find(|(field, _)| *field == name).map(|(_, scalar)| *scalar).ok_or_else(|| Complaint {
            message: format!("the resource has no field `{name}`"),
            help: did_you_mean(name, fields.iter().map(|(field, _)| *field), "resource.")
                .or(Some("declare it in `fields` or correct the name".into())),
        })
    }

    pub(super) fn inside_resource(&self, what: &str) -> Result<&'e [(&'e str, Scalar)], Complaint> {
        self.resource.ok_or_else(|| Complaint {
            message: format!("`{what}` can be asked in the rule of a resource only"),
            help: Some("move this condition into a `[[resource]]` of the policy".into()),
        })
    }

    pub(super) fn custom(&self, name: &str) -> Result<Custom, Complaint> {
        let Some(customs) = self.customs else {
            return Custom::named(name).map_err(|message| Complaint { message, help: None });
        };
        customs.iter().find(|custom| *custom.name == *name).cloned().ok_or_else(|| Complaint {
            message: format!("no custom condition has the name `{}`", name.escape_debug()),
            help: did_you_mean(name, customs.iter().map(|custom| &*custom.name), "")
                .or(Some("register a closure under this name".into())),
        })
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, ": {help}"),
            None => Ok(()),
        }
    }
}
