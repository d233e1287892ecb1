//! Names: bare words, variables, and facts such as `subject.CN`.

use super::{Checker, Term};
use crate::certificate::AttributeType;
use crate::rule::diagnostic::Diagnostic;
use crate::rule::environment::{Complaint, Environment};
use crate::rule::expr::Expr;
use crate::rule::fact::{Fact, Field, Fixed, Party, SAN_KINDS};
use crate::rule::parse::{Ast, Ident, Node};
use crate::rule::suggest::did_you_mean;
use crate::rule::value::Type;

/// What facts begin with.
const ROOTS: [&str; 10] =
    ["anchor", "cert", "issuer", "params", "principal", "request", "resource", "san", "spiffe", "subject"];

const WORDS: [&str; 3] = ["anyone", "authenticated", "nobody"];

/// Words that CEL keeps for its own future, and no variable can have.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Whether a variable would hide something.
pub(super) fn is_taken(name: &str) -> bool {
    ROOTS.contains(&name) || WORDS.contains(&name) || RESERVED.contains(&name)
}

/// The conditions that are one word.
pub(super) fn word(name: &str) -> Option<Expr> {
    match name {
        "anyone" => Some(Expr::Anyone),
        "nobody" => Some(Expr::Nobody),
        "authenticated" => Some(Expr::Authenticated),
        _ => None,
    }
}

impl Checker<'_> {
    pub(super) fn bare(&mut self, name: &Ident<'_>) -> Option<Term> {
        let Ident { text, span } = name;
        let mut variables = self.variables.iter().rev().enumerate();
        if let Some((depth, variable)) = variables.find(|(_, variable)| *variable.name == **text) {
            let expr = Expr::Variable { name: variable.name.clone(), depth };
            return Some(Term { expr, term_type: Type::One(variable.scalar) });
        }
        if let Some(expr) = word(text) {
            if self.environment.certificate_only && !matches!(expr, Expr::Anyone | Expr::Nobody) {
                return self.known(Err(only_certificate(text)), span);
            }
            return Some(Term { expr, term_type: Type::BOOL });
        }
        if ROOTS.contains(text) {
            let help = match *text {
                "subject" | "issuer" => Some(format!("write `{text}.CN`")),
                "san" => Some("write `san.dns`".into()),
                "params" | "resource" => None,
                root => Fixed::fields(root).next().map(|field| format!("write `{root}.{field}`")),
            };
            return self.report(Diagnostic::new(span.clone(), format!("`{text}` needs a field")).help(help));
        }
        let variables: Vec<_> = self.variables.iter().map(|variable| variable.name.clone()).collect();
        let candidates = ROOTS.into_iter().chain(WORDS).chain(variables.iter().map(|name| &**name));
        let help = did_you_mean(text, candidates, "")
            .or_else(|| Some(format!("text stands in quotes; for a role write `role(\"{text}\")`")));
        self.report(Diagnostic::new(span.clone(), format!("`{text}` is no name of the language")).help(help))
    }

    pub(super) fn field(&mut self, ast: &Ast<'_>) -> Option<Term> {
        let fact = self.fact(ast)?;
        let term_type = fact.fact_type();
        Some(Term { expr: Expr::Fact(fact), term_type })
    }

    /// The fact that `subject.CN` and the like name.
    pub(super) fn fact(&mut self, ast: &Ast<'_>) -> Option<Fact> {
        let Some(path) = path(ast) else {
            return self.wrong(&ast.span, "only names have fields");
        };
        let [root, fields @ ..] = path.as_slice() else { return None };
        if self.variables.iter().any(|variable| *variable.name == *root.text) {
            return self
                .wrong(&ast.span, format!("the variable `{}` is a single value without fields", root.text));
        }
        if !ROOTS.contains(&root.text) {
            return self.bare(root).and_then(|term| {
                self.wrong(&ast.span, format!("`{}` is {} and has no fields", root.text, term.term_type))
            });
        }
        let Some(last) = fields.last() else {
            return self.bare(root).and(None);
        };
        let names: Vec<&str> = fields.iter().map(|field| field.text).collect();
        let known = self.environment.named(root.text, &names);
        self.known(known, &last.span)
    }
}

/// The parts of `a.b.c`.
fn path<'a, 's>(ast: &'a Ast<'s>) -> Option<Vec<&'a Ident<'s>>> {
    let mut parts = Vec::new();
    let mut ast = ast;
    loop {
        match &ast.node {
            Node::Field(inner, field) => {
                parts.push(field);
                ast = inner;
            }
            Node::Name(name) => {
                parts.push(name);
                parts.reverse();
                return Some(parts);
            }
            _ => return None,
        }
    }
}

impl Environment<'_> {
    /// Whether everything that the fact names is there.
    pub(in crate::rule) fn knows(&self, fact: &Fact) -> Result<(), Complaint> {
        if self.certificate_only && !fact.is_of_identity() {
            return Err(only_certificate(&fact.to_string()));
        }
        match fact {
            Fact::Param(name) => self.param(name),
            Fact::Resource(name, _) => self.field(name).map(drop),
            _ => Ok(()),
        }
    }

    fn named(&self, root: &str, fields: &[&str]) -> Result<Fact, Complaint> {
        let fact = match (root, fields) {
            ("subject", ["all", attribute]) => {
                Fact::Attributes(Party::Subject, named_attribute("subject.all", attribute)?)
            }
            ("issuer", ["all", attribute]) => {
                Fact::Attributes(Party::Issuer, named_attribute("issuer.all", attribute)?)
            }
            ("subject", [attribute]) => {
                Fact::Attribute(Party::Subject, named_attribute("subject", attribute)?)
            }
            ("issuer", [attribute]) => Fact::Attribute(Party::Issuer, named_attribute("issuer", attribute)?),
            ("san", [kind]) => match SAN_KINDS.into_iter().find(|known| known.as_str() == *kind) {
                Some(kind) => Fact::San(kind),
                None => return Err(no_field("san", kind, SAN_KINDS.map(|kind| kind.as_str()))),
            },
            ("params", [name]) => Fact::Param((*name).into()),
            ("principal", ["attributes", name]) => Fact::PrincipalAttribute((*name).into()),
            ("principal", ["attributes"]) => {
                return Err(Complaint {
                    message: "`principal.attributes` needs a field".into(),
                    help: Some("write `principal.attributes.department`".into()),
                });
            }
            ("resource", [name]) => Fact::Resource((*name).into(), self.field(name)?),
            (_, [field]) => match Fixed::named(root, field) {
                Some(fixed) => Fact::Fixed(fixed),
                None => return Err(no_field(root, field, Fixed::fields(root).chain(attributes(root)))),
            },
            (_, [first, .., last]) => {
                let owner = self.named(root, &[first])?;
                return Err(Complaint {
                    message: format!("`{owner}` is {} and has no field `{last}`", owner.fact_type()),
                    help: None,
                });
            }
            (_, []) => return Err(Complaint { message: format!("`{root}` needs a field"), help: None }),
        };
        self.knows(&fact)?;
        Ok(fact)
    }
}

fn attributes(root: &str) -> Option<&'static str> {
    (root == "principal").then_some("attributes")
}

/// One name for each attribute type, as in RFC 4514, so that a policy can be searched for it.
fn named_attribute(owner: &str, name: &str) -> Result<AttributeType, Complaint> {
    let parsed: Option<AttributeType> = name.parse().ok();
    match parsed {
        Some(attribute) if attribute.to_string() == name => Ok(attribute),
        Some(attribute) => Err(Complaint {
            message: format!("`{owner}` has no field `{name}`"),
            help: Some(format!("did you mean `{owner}.{}`?", Field(&attribute.to_string()))),
        }),
        None => {
            let descriptors = AttributeType::names()
                .chain((owner != "subject.all" && owner != "issuer.all").then_some("all"));
            Err(no_field(owner, name, descriptors))
        }
    }
}

fn no_field<'c>(owner: &str, field: &str, candidates: impl IntoIterator<Item = &'c str>) -> Complaint {
    let candidates: Vec<_> = candidates.into_iter().collect();
    Complaint {
        message: format!("`{owner}` has no field `{field}`"),
        help: did_you_mean(field, candidates.iter().copied(), &format!("{owner}.")).or_else(|| {
            let known: Vec<_> = candidates.iter().map(|name| format!("`{name}`")).collect();
            Some(format!("it has {}", known.join(", ")))
        }),
    }
}

pub(super) fn only_certificate(what: &str) -> Complaint {
    Complaint {
        message: format!("`{what}` cannot be read where roles are given: the certificate and its anchor can"),
        help: None,
    }
}
