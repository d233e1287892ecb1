//! From the syntax tree to the typed tree: names, types, and conditions that mean nothing.

mod call;
mod compare;
mod name;

use std::sync::Arc;

use super::diagnostic::Diagnostic;
use super::environment::{Complaint, Environment};
use super::expr::{Expr, Quantifier};
use super::fact::{Fact, Field};
use super::literal::Literal;
use super::parse::{Ast, Ident, Node, Span};
use super::value::{Scalar, Type};

/// Checks that an expression is a condition; tells all that is wrong with it.
pub(super) fn check(ast: &Ast<'_>, environment: &Environment<'_>) -> Result<Expr, Vec<Diagnostic>> {
    let mut checker = Checker { environment, variables: Vec::new(), diagnostics: Vec::new() };
    match checker.condition(ast) {
        Some(expr) if checker.diagnostics.is_empty() => Ok(expr),
        _ => Err(checker.diagnostics),
    }
}

struct Checker<'e> {
    environment: &'e Environment<'e>,
    /// The variables of the enclosing quantifiers, from the outside in.
    variables: Vec<Variable>,
    diagnostics: Vec<Diagnostic>,
}

/// What goes through the elements of a list.
struct Variable {
    name: Arc<str>,
    scalar: Scalar,
    /// The list.
    list: Expr,
}

/// A checked part. Where there is none, its mistake has been told, and what it is part of keeps quiet.
struct Term {
    expr: Expr,
    term_type: Type,
}

impl Checker<'_> {
    /// Something that is true or false, and not always the same.
    fn condition(&mut self, ast: &Ast<'_>) -> Option<Expr> {
        let Term { expr, term_type } = self.term(ast)?;
        if term_type != Type::BOOL {
            let help = match (&expr, term_type) {
                (Expr::Fact(fact), Type::One(_)) if fact.may_be_absent() => {
                    format!("compare it, or ask `has({fact})`")
                }
                (_, Type::One(_)) => "compare it with something".into(),
                (_, Type::List(_)) => "ask with `in`, `exists`, `all` or `size`".into(),
            };
            return self.report(
                Diagnostic::new(ast.span.clone(), format!("this is {term_type} and no condition")).help(help),
            );
        }
        if let Some(help) = constant(&expr) {
            let message = "this condition reads nothing, so it is always the same";
            return self.report(Diagnostic::new(ast.span.clone(), message).help(help));
        }
        Some(expr)
    }

    fn term(&mut self, ast: &Ast<'_>) -> Option<Term> {
        let condition = |expr| Some(Term { expr, term_type: Type::BOOL });
        match &ast.node {
            Node::Bool(value) => condition(Expr::Literal(Literal::Bool(*value))),
            Node::Int(value) => {
                Some(Term { expr: Expr::Literal(Literal::Int(*value)), term_type: Type::INT })
            }
            Node::Str(text) => {
                Some(Term { expr: Expr::Literal(Literal::Str((&**text).into())), term_type: Type::STRING })
            }
            Node::List(items) => self.list(items, &ast.span),
            Node::Name(name) => self.bare(name),
            Node::Field(..) => self.field(ast),
            Node::Call { receiver: None, function, arguments } => {
                self.function(function, arguments, &ast.span)
            }
            Node::Call { receiver: Some(receiver), function, arguments } => {
                self.method(receiver, function, arguments, &ast.span)
            }
            Node::Not(inner) => condition(Expr::Not(Box::new(self.condition(inner)?))),
            Node::And(parts) => condition(Expr::chain(self.conditions(parts)?, true)),
            Node::Or(parts) => condition(Expr::chain(self.conditions(parts)?, false)),
            Node::Relation(relation, pair) => condition(self.relation(*relation, pair)?),
            Node::In(pair) => condition(self.membership(pair)?),
            Node::Conditional(parts) => self.conditional(parts),
        }
    }

    /// Looks at every part, so that the mistakes of all are told.
    fn conditions(&mut self, parts: &[Ast<'_>]) -> Option<Vec<Expr>> {
        let conditions: Vec<_> = parts.iter().map(|part| self.condition(part)).collect();
        conditions.into_iter().collect()
    }

    fn conditional(&mut self, parts: &[Ast<'_>; 3]) -> Option<Term> {
        let [condition, then, otherwise] = parts;
        let (condition, a, b) = (self.condition(condition), self.term(then), self.term(otherwise));
        let (condition, a, b) = (condition?, a?, b?);
        if a.term_type != b.term_type {
            let message = format!("this is {}, and the other side of `:` is {}", b.term_type, a.term_type);
            return self.report(Diagnostic::new(otherwise.span.clone(), message));
        }
        let term_type = a.term_type;
        Some(Term { expr: Expr::Conditional(Box::new([condition, a.expr, b.expr])), term_type })
    }

    /// Literals of one type. More is not needed: `a == x || a == y` says the rest.
    fn list(&mut self, items: &[Ast<'_>], span: &Span) -> Option<Term> {
        let mut literals = Vec::new();
        let mut list_type = None;
        for item in items {
            let Term { expr, term_type: Type::One(scalar) } = self.term(item)? else {
                return self.wrong(&item.span, "a list cannot stand in a list");
            };
            let Expr::Literal(literal) = expr else {
                let message = "a list holds values that are written out, and nothing that is read";
                let help = "compare with each: `a == b || a == c`".to_owned();
                return self.report(Diagnostic::new(item.span.clone(), message).help(help));
            };
            if *list_type.get_or_insert(scalar) != scalar {
                return self.wrong(&item.span, "the elements of a list are of one type");
            }
            literals.push(literal);
        }
        match list_type {
            Some(scalar) => Some(Term { expr: Expr::List(literals), term_type: Type::List(scalar) }),
            None => self.wrong(span, "nothing is in an empty list"),
        }
    }

    fn quantified(
        &mut self,
        quantifier: Quantifier,
        receiver: &Ast<'_>,
        arguments: &[Ast<'_>],
        call: &Span,
    ) -> Option<Term> {
        let list = self.term(receiver);
        let word = quantifier.word();
        let [Ast { node: Node::Name(variable), .. }, body] = arguments else {
            let message = format!("`{word}` takes a variable and a condition");
            let help = format!("write `list.{word}(x, x == \"..\")`");
            return self.report(Diagnostic::new(call.clone(), message).help(help));
        };
        let list = list?;
        let Type::List(scalar) = list.term_type else {
            return self.no_list(word, &list, &receiver.span);
        };
        self.check_variable(variable)?;
        let name: Arc<str> = variable.text.into();
        self.variables.push(Variable { name: Arc::clone(&name), scalar, list: list.expr });
        let body = self.condition(body);
        let list = self.variables.pop()?.list;
        let pair = Box::new([list, body?]);
        Some(Term { expr: Expr::Quantified(quantifier, name, pair), term_type: Type::BOOL })
    }

    fn check_variable(&mut self, variable: &Ident<'_>) -> Option<()> {
        let Ident { text, span } = variable;
        if name::is_taken(text) || self.variables.iter().any(|variable| *variable.name == **text) {
            return self.wrong(span, format!("`{text}` has a meaning already: choose another name"));
        }
        Some(())
    }

    fn report<T>(&mut self, diagnostic: Diagnostic) -> Option<T> {
        self.diagnostics.push(diagnostic);
        None
    }

    fn wrong<T>(&mut self, span: &Span, message: impl Into<String>) -> Option<T> {
        self.report(Diagnostic::new(span.clone(), message))
    }

    /// Passes on what the environment knows, or tells what it complains of.
    fn known<T>(&mut self, answer: Result<T, Complaint>, span: &Span) -> Option<T> {
        match answer {
            Ok(known) => Some(known),
            Err(Complaint { message, help }) => {
                self.report(Diagnostic::new(span.clone(), message).help(help))
            }
        }
    }
}

/// What to write instead of a condition that reads nothing; `anyone` and `nobody` are meant so.
fn constant(expr: &Expr) -> Option<String> {
    let reads = expr
        .contains(&|expr| expr.children().is_empty() && !matches!(expr, Expr::Literal(_) | Expr::List(_)));
    match expr {
        _ if reads => None,
        Expr::Literal(Literal::Bool(true)) => Some("write `anyone` if everybody may pass".into()),
        Expr::Literal(Literal::Bool(false)) => Some("write `nobody` if nobody may pass".into()),
        _ => Some("leave it out, or write `anyone` or `nobody`".into()),
    }
}

/// How to ask for all values instead of one.
fn all_values(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Fact(Fact::Attribute(party, attribute)) => {
            Some(format!("all values are `{}.all.{}`", party.word(), Field(&attribute.to_string())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::super::environment::Environment;
    use super::super::testing::NAMES;

    fn told(text: &str, environment: &Environment<'_>) -> Vec<String> {
        let error = Rule::parse_in(text, environment).err();
        let mistakes = error.iter().flat_map(|error| error.diagnostics());
        mistakes.map(|mistake| format!("{}: {mistake}", text.get(mistake.span()).unwrap())).collect()
    }

    #[test]
    fn names_that_the_policy_does_not_define_are_mistakes() {
        let environment = NAMES.environment();
        for (text, mistake) in [
            ("role('amdin')", "'amdin': the role `amdin` is not defined: did you mean `admin`?"),
            ("role('x')", "'x': the role `x` is not defined: define it or correct the name"),
            ("'amdin' in principal.roles", "'amdin': the role `amdin` is not defined: did you mean `admin`?"),
            (
                "anchor.label == 'stuff'",
                "'stuff': no trust anchor has the label `stuff`: did you mean `staff`?",
            ),
            (
                "anchor.label in ['mesh', 'other']",
                "['mesh', 'other']: no trust anchor has the label `other`: \
                 declare it under `[anchors]` or correct the label",
            ),
            (
                "!('elsewhere' != anchor.label)",
                "'elsewhere': no trust anchor has the label `elsewhere`: \
                 declare it under `[anchors]` or correct the label",
            ),
            (
                "resource.owmer == 'x'",
                "owmer: the resource has no field `owmer`: did you mean `resource.owner`?",
            ),
            (
                "resource.level == 'x'",
                "resource.level == 'x': `==` compares an int with a string: both sides must be of one type",
            ),
            ("resource.public", ""),
            (
                "resource.owner",
                "resource.owner: this is a string and no condition: compare it, or ask `has(resource.owner)`",
            ),
            ("acl('')", "'': a permission has a name"),
            (
                "custom('office hour')",
                "'office hour': no custom condition has the name `office hour`: did you mean `office hours`?",
            ),
        ] {
            let expected: &[&str] = if mistake.is_empty() { &[] } else { &[mistake] };
            assert_eq!(told(text, &environment), expected, "{text}");
        }
    }

    #[test]
    fn parameters_that_the_route_does_not_have_are_mistakes() {
        for (text, mistake) in [
            (
                "params.nmae == 'x'",
                "nmae: the route has no path parameter `nmae`: did you mean `params.name`?",
            ),
            (
                "params.id == 'x'",
                "id: the route has no path parameter `id`: \
                 write `{id}` in the route's pattern or correct the name",
            ),
            (
                "resource.owner == 'x'",
                "owner: `resource.*` can be asked in the rule of a resource only: \
                 move this condition into a `[[resource]]` of the policy",
            ),
        ] {
            assert_eq!(told(text, &NAMES.of_route()), [mistake], "{text}");
        }
        assert_eq!(told("params.`in` == params.name", &NAMES.of_route()), [] as [&str; 0]);
    }

    #[test]
    fn what_gives_a_role_reads_the_certificate_alone() {
        let environment = Environment { certificate_only: true, ..NAMES.environment() };
        let certificate = "anchor.label == 'staff' && subject.CN.startsWith('a') && has(spiffe.id) \
                           && size(san.dns) > 0 && cert.not_after > timestamp('2027-01-01T00:00:00Z')";
        assert_eq!(told(certificate, &environment), [] as [&str; 0]);
        for (text, part) in [
            ("role('admin')", "role('admin'): `role(..)`"),
            ("authenticated", "authenticated: `authenticated`"),
            ("authenticated()", "authenticated: `authenticated`"),
            ("custom('yes')", "custom('yes'): `custom(..)`"),
            ("principal.name == 'a'", "name: `principal.name`"),
            ("has(principal.attributes.a)", "a: `principal.attributes.a`"),
            ("principal.roles.exists(r, r == 'a')", "roles: `principal.roles`"),
            ("request.time < cert.not_after", "time: `request.time`"),
            ("params.name == subject.CN", "name: `params.name`"),
            ("resource.owner == subject.CN", "owner: `resource.owner`"),
        ] {
            let expected =
                format!("{part} cannot be read where roles are given: the certificate and its anchor can");
            assert_eq!(told(text, &environment), [expected], "{text}");
        }
    }

    #[test]
    fn every_part_tells_its_own_mistake() {
        let text = "subject.cn == 'a' && (role('x') || request.hots == 3) && !(1 == 1)";
        assert_eq!(told(text, &NAMES.environment()).len(), 4);
    }
}
