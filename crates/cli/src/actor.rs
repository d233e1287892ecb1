//! The caller that a question is about: by a certificate, or made up.

mod made_up;

use std::path::{Path, PathBuf};

use portcullis_core::principal::TestPrincipal;
use portcullis_core::{Authorizer, Certificate, Principal};

use self::made_up::MadeUp;
use crate::certificates;
use crate::outcome::Failure;

/// A caller without a name that is asked about by its roles only.
const SOMEBODY: &str = "somebody";

/// Who asks; nobody in particular if nothing is said.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Who asks")]
pub(crate) struct Actor {
    /// The certificate of the caller: a file with PEM or DER
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subject", "email", "san"])]
    pub(crate) cert: Option<PathBuf>,
    /// The subject of a made-up certificate, such as `CN=alice,OU=Security`
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// An e-mail address in the made-up certificate
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Vec<String>,
    /// A name in the made-up certificate: `dns:`, `email:`, `uri:`, `upn:` or `ip:` and the value
    #[arg(long, value_name = "KIND:VALUE")]
    pub(crate) san: Vec<String>,
    /// The label of the trust anchor that vouches for the certificate
    #[arg(long, value_name = "LABEL")]
    pub(crate) anchor: Option<String>,
    /// The name of the caller; with a certificate, it must be the one that the policy reads there
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// A role that a source gives the caller
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Vec<String>,
    /// An attribute that a source gives the caller
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    pub(crate) attribute: Vec<(String, String)>,
}

impl Actor {
    /// The caller under the policy of the authorizer.
    pub(crate) fn under(&self, auth: &Authorizer) -> Result<Principal, Failure> {
        let certificate = self.certificate()?;
        let has_grants = !self.role.is_empty() || !self.attribute.is_empty();
        let mut caller = match (&self.name, &certificate) {
            (Some(name), _) => Principal::test(name),
            (None, None) if has_grants => Principal::test(SOMEBODY),
            (None, _) => TestPrincipal::anonymous(),
        };
        if let Some(certificate) = certificate {
            caller = caller.certificate(certificate);
        }
        if let Some(anchor) = &self.anchor {
            caller = caller.anchor(anchor);
        }
        for (name, value) in &self.attribute {
            caller = caller.attribute(name, value);
        }
        principal(&caller.roles(&self.role).source("`--role`"), auth)
    }

    fn certificate(&self) -> Result<Option<Certificate>, Failure> {
        if let Some(path) = &self.cert {
            return leaf(path).map(Some);
        }
        MadeUp { subject: self.subject.as_deref(), emails: &self.email, names: &self.san }.certificate()
    }
}

/// The caller under the policy, or why there is no such caller.
pub(crate) fn principal(caller: &TestPrincipal, auth: &Authorizer) -> Result<Principal, Failure> {
    caller.try_under(auth).map_err(|error| {
        let hint = match error {
            portcullis_core::principal::TestPrincipalError::ChooseAnchor { .. } => " (the flag `--anchor`)",
            _ => "",
        };
        Failure::Input(format!("{error}{hint}"))
    })
}

/// The first certificate of a file.
pub(crate) fn leaf(path: &Path) -> Result<Certificate, Failure> {
    let chain = certificates::chain(path)?;
    let name = crate::input::name(path);
    let Some(der) = chain.first() else {
        return Err(Failure::Input(format!("there is no certificate in `{name}`")));
    };
    Certificate::from_der(der)
        .map_err(|error| Failure::Input(format!("the certificate in `{name}` cannot be used: {error}")))
}

fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("write an attribute as `name=value`".into()),
    }
}
