//! Comparisons: both sides of one type, and literals that the other side can have.

use super::{Checker, Term};
use crate::certificate::SpiffeId;
use crate::request::firewall::authority::Authority;
use crate::rule::diagnostic::Diagnostic;
use crate::rule::environment::Complaint;
use crate::rule::expr::{Expr, Relation};
use crate::rule::fact::{Fact, Fixed};
use crate::rule::literal::Literal;
use crate::rule::parse::{Ast, Span};
use crate::rule::value::{Scalar, Type};

impl Checker<'_> {
    pub(super) fn relation(&mut self, relation: Relation, pair: &[Ast<'_>; 2]) -> Option<Expr> {
        let [left_ast, right_ast] = pair;
        let (left, right) = (self.term(left_ast), self.term(right_ast));
        let (mut left, mut right) = (left?, right?);
        self.read_as(&mut left, right.term_type, &left_ast.span)?;
        self.read_as(&mut right, left.term_type, &right_ast.span)?;
        let span = left_ast.span.start..right_ast.span.end;
        let symbol = relation.symbol();
        match (left.term_type, right.term_type) {
            (Type::One(a), Type::One(b)) if a == b => {
                if relation.is_order() && !a.is_ordered() {
                    return self.wrong(&span, format!("`{symbol}` has no meaning for {}", left.term_type));
                }
            }
            (Type::One(_), Type::One(_)) => {
                let message = format!("`{symbol}` compares {} with {}", left.term_type, right.term_type);
                let help = "both sides must be of one type".to_owned();
                return self.report(Diagnostic::new(span, message).help(help));
            }
            _ => {
                let message = format!("`{symbol}` does not compare lists");
                let help = "ask with `in`, `exists` or `all`".to_owned();
                return self.report(Diagnostic::new(span, message).help(help));
            }
        }
        self.check_literals(&left.expr, &right.expr, &right_ast.span)?;
        self.check_literals(&right.expr, &left.expr, &left_ast.span)?;
        Some(Expr::Compare(relation, Box::new([left.expr, right.expr])))
    }

    pub(super) fn membership(&mut self, pair: &[Ast<'_>; 2]) -> Option<Expr> {
        let [needle_ast, list_ast] = pair;
        let (needle, list) = (self.term(needle_ast), self.term(list_ast));
        let (mut needle, mut list) = (needle?, list?);
        let Type::List(element) = list.term_type else {
            return self.no_list("in", &list, &list_ast.span).map(|term| term.expr);
        };
        self.read_as(&mut needle, Type::One(element), &needle_ast.span)?;
        self.read_as(&mut list, needle.term_type, &list_ast.span)?;
        let (Type::One(a), Type::List(b)) = (needle.term_type, list.term_type) else {
            return self.wrong(&needle_ast.span, "a list cannot be in a list");
        };
        if a != b {
            let message = format!("`in` looks for {} in {}", needle.term_type, list.term_type);
            return self.wrong(&(needle_ast.span.start..list_ast.span.end), message);
        }
        self.check_literals(&needle.expr, &list.expr, &list_ast.span)?;
        self.check_literals(&list.expr, &needle.expr, &needle_ast.span)?;
        Some(Expr::In(Box::new([needle.expr, list.expr])))
    }

    /// Strings that are written out become what the other side is: fingerprints, addresses and so on.
    fn read_as(&mut self, term: &mut Term, other: Type, span: &Span) -> Option<()> {
        let (Type::One(scalar) | Type::List(scalar)) = other;
        if scalar == Scalar::String || !matches!(term.term_type, Type::STRING | Type::List(Scalar::String)) {
            return Some(());
        }
        let literals = match &mut term.expr {
            Expr::Literal(literal) => std::slice::from_mut(literal),
            Expr::List(literals) => literals.as_mut_slice(),
            _ => return Some(()),
        };
        if !scalar.is_written_as_string() {
            return Some(());
        }
        for literal in literals {
            let Literal::Str(text) = &*literal else { continue };
            match Literal::read(text, scalar) {
                Ok(read) => *literal = read,
                Err(message) => return self.wrong(span, message),
            }
        }
        term.term_type = match term.term_type {
            Type::One(_) => Type::One(scalar),
            Type::List(_) => Type::List(scalar),
        };
        Some(())
    }

    /// Whether what is written out is something that the fact can be.
    fn check_literals(&mut self, read: &Expr, other: &Expr, span: &Span) -> Option<()> {
        let Some(fact) = self.fact_behind(read).cloned() else { return Some(()) };
        let literals = match other {
            Expr::Literal(literal) => std::slice::from_ref(literal),
            Expr::List(literals) => literals.as_slice(),
            _ => return Some(()),
        };
        for literal in literals {
            let Literal::Str(text) = literal else { continue };
            let answer = match &fact {
                Fact::Fixed(Fixed::AnchorLabel) if !text.is_empty() => self.environment.anchor(text),
                Fact::Fixed(Fixed::PrincipalRoles) if !text.is_empty() => {
                    self.environment.role(text).map(drop)
                }
                fact => can_be(fact, text),
            };
            self.known(answer, span)?;
        }
        Some(())
    }
}

impl Checker<'_> {
    /// The fact that is read; for a variable the one whose elements it goes through.
    fn fact_behind<'a>(&'a self, read: &'a Expr) -> Option<&'a Fact> {
        match read {
            Expr::Fact(fact) => Some(fact),
            Expr::Variable { depth, .. } => match &self.variables.iter().rev().nth(*depth)?.list {
                Expr::Fact(fact) => Some(fact),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Whether the fact can ever be this text. One that it cannot be is a mistake, and under `!` an open door.
fn can_be(fact: &Fact, text: &str) -> Result<(), Complaint> {
    let never = |help: String| {
        let message = format!("`{fact}` is never `{}`", text.escape_debug());
        Err(Complaint { message, help: Some(help) })
    };
    if text.is_empty() && !fact.may_be_empty() {
        let message = format!("`{fact}` is never empty");
        return Err(Complaint { message, help: Some("give the value that is meant".into()) });
    }
    match fact {
        Fact::San(kind) => match kind.canonical(text) {
            Ok(canonical) if *canonical == *text => Ok(()),
            Ok(canonical) => never(format!("write `{canonical}`")),
            Err(error) => Err(Complaint { message: error.to_string(), help: None }),
        },
        Fact::Fixed(Fixed::RequestHost) => match Authority::parse(text) {
            Some(authority) if authority.host == text && text.to_ascii_lowercase() == text => Ok(()),
            Some(authority) => never(format!("write `{}`", authority.host.to_ascii_lowercase())),
            None if text.parse::<std::net::Ipv6Addr>().is_ok() => Ok(()),
            None => never("write a host without port".into()),
        },
        Fact::Fixed(Fixed::RequestPath) if !text.starts_with('/') => {
            never("a path begins with a slash".into())
        }
        Fact::Fixed(Fixed::SpiffeId) => match text.parse::<SpiffeId>() {
            Ok(id) if id.path().is_empty() => never("the identifier of a caller has a path".into()),
            Ok(_) => Ok(()),
            Err(error) => never(error.to_string()),
        },
        Fact::Fixed(Fixed::SpiffeTrustDomain) => match format!("spiffe://{text}").parse::<SpiffeId>() {
            Ok(id) if id.path().is_empty() => Ok(()),
            Ok(_) => never("leave out the path".into()),
            Err(error) => never(error.to_string()),
        },
        Fact::Fixed(Fixed::SpiffePath) => match format!("spiffe://domain{text}").parse::<SpiffeId>() {
            Ok(id) if !id.path().is_empty() => Ok(()),
            Ok(_) => never("a path begins with a slash".into()),
            Err(error) => never(error.to_string()),
        },
        _ => Ok(()),
    }
}
