//! A rule as text, in the language of the policy file.

use std::fmt::{self, Write};

use super::{Fact, Node, Rule, Test};

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(&self.0, f)
    }
}

fn print(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match node {
        Node::Anyone => f.write_str("anyone"),
        Node::Nobody => f.write_str("nobody"),
        Node::Authenticated => f.write_str("authenticated"),
        Node::Role { name, .. } => write!(f, "role({})", Quoted(name)),
        Node::Not(inner) => {
            f.write_char('!')?;
            print_operand(inner, f, matches!(**inner, Node::All(_) | Node::Any(_) | Node::Test(..)))
        }
        Node::All(parts) => print_chain(parts, " && ", f, |part| matches!(part, Node::Any(_))),
        Node::Any(parts) => print_chain(parts, " || ", f, |part| matches!(part, Node::All(_))),
        Node::Test(fact, test) => print_test(fact, test, f),
        Node::Custom(custom) => write!(f, "custom({})", Quoted(&custom.name)),
        Node::Invalid(reason) => write!(f, "<{reason}>"),
    }
}

fn print_chain(
    parts: &[Node],
    operator: &str,
    f: &mut fmt::Formatter<'_>,
    needs_parentheses: impl Fn(&Node) -> bool,
) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(operator)?;
        }
        print_operand(part, f, needs_parentheses(part))?;
    }
    Ok(())
}

fn print_operand(node: &Node, f: &mut fmt::Formatter<'_>, parentheses: bool) -> fmt::Result {
    if parentheses {
        f.write_char('(')?;
        print(node, f)?;
        f.write_char(')')
    } else {
        print(node, f)
    }
}

fn print_test(fact: &Fact, test: &Test, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match test {
        Test::Equals(value) => write!(f, "{} == {}", One(fact), Quoted(value)),
        Test::OneOf(values) => {
            write!(f, "{} in [", One(fact))?;
            for (i, value) in values.iter().enumerate() {
                write!(f, "{}{}", if i > 0 { ", " } else { "" }, Quoted(value))?;
            }
            f.write_char(']')
        }
        Test::StartsWith(prefix) => write!(f, "{}.startsWith({})", One(fact), Quoted(prefix)),
        Test::EndsWith(suffix) => write!(f, "{}.endsWith({})", One(fact), Quoted(suffix)),
        Test::Contains(value) => write!(f, "{} in {}", Quoted(value), Every(fact)),
        Test::Exists => match fact {
            Fact::San(_) => write!(f, "size({}) > 0", Every(fact)),
            _ => write!(f, "has({})", One(fact)),
        },
        Test::Fingerprint(fingerprint) => write!(f, "{} == \"{fingerprint}\"", One(fact)),
    }
}

/// A fact that has one value.
struct One<'a>(&'a Fact);

impl fmt::Display for One<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Fact::Subject(attribute) => write!(f, "subject.{attribute}"),
            Fact::Issuer(attribute) => write!(f, "issuer.{attribute}"),
            Fact::San(kind) => write!(f, "san.{kind}"),
            Fact::AnchorLabel => f.write_str("anchor.label"),
            Fact::CertificateSha256 => f.write_str("cert.sha256"),
        }
    }
}

/// All values of a fact.
struct Every<'a>(&'a Fact);

impl fmt::Display for Every<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Fact::Subject(attribute) => write!(f, "subject.all.{attribute}"),
            Fact::Issuer(attribute) => write!(f, "issuer.all.{attribute}"),
            other => One(other).fmt(f),
        }
    }
}

/// A CEL string literal.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                c if c.is_control() => write!(f, "\\u{:04x}", c as u32)?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
