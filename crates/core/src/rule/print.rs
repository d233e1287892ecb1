//! A rule as text, in the language of the policy file and with no parentheses too many.

use std::fmt::{self, Write};

use super::Rule;
use super::expr::Expr;
use super::literal::Quoted;

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Nobody => f.write_str("nobody"),
            Self::Authenticated => f.write_str("authenticated"),
            Self::Role { name, .. } => write!(f, "role({})", Quoted(name)),
            Self::Not(_) => {
                f.write_char('!')?;
                self.print_children(f, "")
            }
            Self::All(_) => self.print_children(f, " && "),
            Self::Any(_) => self.print_children(f, " || "),
            Self::Compare(relation, _) => self.print_children(f, &format!(" {} ", relation.symbol())),
            Self::In(_) => self.print_children(f, " in "),
            Self::Has(fact) => write!(f, "has({fact})"),
            Self::Affix(affix, _) => {
                self.print_child(0, f)?;
                write!(f, ".{}(", affix.word())?;
                self.print_child(1, f)?;
                f.write_char(')')
            }
            Self::Matches(regular, _) => {
                self.print_child(0, f)?;
                write!(f, ".matches({})", Quoted(regular.as_str()))
            }
            Self::Quantified(quantifier, variable, _) => {
                self.print_child(0, f)?;
                write!(f, ".{}({variable}, ", quantifier.word())?;
                self.print_child(1, f)?;
                f.write_char(')')
            }
            Self::ContainsIp(network, _) => {
                write!(f, "cidr(\"{network}\").containsIP(")?;
                self.print_child(0, f)?;
                f.write_char(')')
            }
            Self::Custom(custom) => write!(f, "custom({})", Quoted(&custom.name)),
            Self::Acl(permission) => write!(f, "acl({})", Quoted(permission)),
            Self::Invalid(reason) => write!(f, "<{reason}>"),
            Self::Conditional(_) => {
                self.print_child(0, f)?;
                f.write_str(" ? ")?;
                self.print_child(1, f)?;
                f.write_str(" : ")?;
                self.print_child(2, f)
            }
            Self::Literal(literal) => literal.fmt(f),
            Self::List(literals) => {
                f.write_char('[')?;
                for (i, literal) in literals.iter().enumerate() {
                    write!(f, "{}{literal}", if i > 0 { ", " } else { "" })?;
                }
                f.write_char(']')
            }
            Self::Fact(fact) => fact.fmt(f),
            Self::Variable { name, .. } => f.write_str(name),
            Self::Size(_) => {
                f.write_str("size(")?;
                self.print_child(0, f)?;
                f.write_char(')')
            }
        }
    }
}

impl Expr {
    fn print_children(&self, f: &mut fmt::Formatter<'_>, separator: &str) -> fmt::Result {
        for position in 0..self.children().len() {
            if position > 0 {
                f.write_str(separator)?;
            }
            self.print_child(position, f)?;
        }
        Ok(())
    }

    fn print_child(&self, position: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(child) = self.children().get(position) else { return Ok(()) };
        if child.binding() < self.binding_of_child(position) {
            write!(f, "({child})")
        } else {
            fmt::Display::fmt(child, f)
        }
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Rule;
    use super::super::expr::Relation;
    use super::super::parse::{MAX_BYTES, MAX_NESTING};
    use super::super::testing::{NAMES, conditions, facts};
    use super::super::value::Type;
    use super::*;

    fn parsed(text: &str) -> Expr {
        Rule::parse_in(text, &NAMES.environment()).unwrap_or_else(|error| panic!("{error}")).0
    }

    #[test]
    fn every_fact_is_read_again() {
        for fact in facts() {
            let size = match fact.fact_type() {
                Type::STRING | Type::List(_) => Expr::Size(Box::new(Expr::Fact(fact))),
                Type::One(_) => Expr::Fact(fact),
            };
            let compared = Expr::Compare(Relation::Equal, Box::new([size.clone(), size]));
            assert_eq!(parsed(&compared.to_string()), compared);
        }
    }

    #[test]
    fn parentheses_stand_where_they_are_needed_and_nowhere_else() {
        for text in [
            "anyone && authenticated || nobody && anyone",
            "anyone && (authenticated || nobody) && anyone",
            "!anyone && !(anyone && authenticated)",
            "!(params.name == \"a\") || !(params.name in [\"a\", \"b\"])",
            "!!anyone",
            "!has(subject.CN)",
            "!params.name.startsWith(\"a\")",
            "anyone ? authenticated || nobody : nobody ? anyone : nobody",
            "(anyone ? authenticated : nobody) ? anyone : nobody",
            "anyone ? (authenticated ? anyone : nobody) : nobody",
            "anyone && (anyone ? nobody : authenticated)",
            "(authenticated == resource.public) == anyone",
            "(anyone ? params.name : params.rest).startsWith(\"a\")",
            "(anyone ? params.name : params.rest) == params.`in`",
            "!(anyone ? authenticated : nobody)",
            "san.dns.exists(x, san.uri.all(_y1, _y1.contains(x) || x == \"a\"))",
            "size(anyone ? san.dns : san.uri) >= -9223372036854775808",
        ] {
            assert_eq!(parsed(text).to_string(), text);
        }
    }

    #[test]
    fn needless_parentheses_go() {
        for (text, printed) in [
            ("((anyone))", "anyone"),
            ("(anyone && anyone) && (nobody && anyone)", "anyone && anyone && nobody && anyone"),
            ("anyone || (nobody && anyone)", "anyone || nobody && anyone"),
            ("anyone ? nobody : (anyone ? nobody : anyone)", "anyone ? nobody : anyone ? nobody : anyone"),
            ("((params.name)) == (('a'))", "params.name == \"a\""),
            ("!(has(subject.CN))", "!has(subject.CN)"),
        ] {
            assert_eq!(parsed(text).to_string(), printed);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_printed_is_read_again(expr in conditions(3)) {
            let text = expr.to_string();
            prop_assume!(text.len() <= MAX_BYTES && expr.nesting() <= MAX_NESTING);
            prop_assert_eq!(parsed(&text), expr, "{}", text);
        }
    }
}
