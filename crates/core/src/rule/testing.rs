//! Typed expressions of every kind for property tests, and names that they can refer to.

use std::sync::{Arc, LazyLock};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

use super::custom::Custom;
use super::environment::Environment;
use super::expr::{Affix, Expr, Quantifier, Relation};
use super::fact::{Fact, Fixed, Party, SAN_KINDS};
use super::literal::Literal;
use super::regular::Regular;
use super::value::{Scalar, Type};
use crate::certificate::{AttributeType, Fingerprint, Oid, SanKind};
use crate::role::{Hierarchy, Role};

pub(super) const ROLES: [&str; 3] = ["admin", "a role with 'quotes'", "Über"];
const ANCHORS: [&str; 2] = ["staff", "mesh"];
const PARAMS: [&str; 3] = ["name", "in", "rest"];
const FIELDS: [(&str, Scalar); 4] =
    [("owner", Scalar::String), ("level", Scalar::Int), ("public", Scalar::Bool), ("at", Scalar::Timestamp)];
const VARIABLES: [&str; 2] = ["x", "_y1"];
const SCALARS: [Scalar; 9] = [
    Scalar::Bool,
    Scalar::Int,
    Scalar::String,
    Scalar::Timestamp,
    Scalar::Ip,
    Scalar::Fingerprint,
    Scalar::Serial,
    Scalar::Purpose,
    Scalar::Oid,
];

/// Names that [`conditions`] refers to.
pub(super) struct Names {
    hierarchy: Arc<Hierarchy>,
    customs: Vec<Custom>,
}

impl Names {
    fn new() -> Self {
        let roles: Vec<_> = ROLES.iter().map(|role| (Role::new(role).unwrap(), Vec::new())).collect();
        let customs = vec![
            Custom::new("yes", |_| true).unwrap(),
            Custom::new("office hours", |_| Err::<bool, _>("closed")).unwrap(),
        ];
        Self { hierarchy: Arc::new(Hierarchy::build(&roles).unwrap()), customs }
    }

    pub(super) fn hierarchy(&self) -> &Arc<Hierarchy> {
        &self.hierarchy
    }

    /// Where every name is known that a rule about a resource can have; path parameters are not checked.
    pub(super) fn environment(&self) -> Environment<'_> {
        Environment {
            roles: Some(&self.hierarchy),
            anchors: Some(&ANCHORS),
            params: None,
            resource: Some(&FIELDS),
            customs: Some(&self.customs),
            certificate_only: false,
        }
    }

    /// The same in a route, which has path parameters and no resource.
    pub(super) fn of_route(&self) -> Environment<'_> {
        Environment { params: Some(&PARAMS), resource: None, ..self.environment() }
    }
}

/// Closures are equal to themselves alone, so all tests share them.
pub(super) static NAMES: LazyLock<Names> = LazyLock::new(Names::new);

/// Conditions that the language has a text for, nested up to so many levels.
pub(super) fn conditions(levels: u32) -> BoxedStrategy<Expr> {
    Generator { lists: Vec::new() }.condition(levels)
}

/// Every fact, of those with a free name one or two.
pub(super) fn facts() -> Vec<Fact> {
    let oid: Oid = "1.2.840.113549.1.9.2".parse().unwrap();
    let mut facts: Vec<_> = Fixed::EACH.iter().copied().map(Fact::Fixed).collect();
    for attribute in [AttributeType::CN, AttributeType::SERIAL_NUMBER, oid.into()] {
        for party in [Party::Subject, Party::Issuer] {
            facts.push(Fact::Attribute(party, attribute.clone()));
            facts.push(Fact::Attributes(party, attribute.clone()));
        }
    }
    facts.extend(SAN_KINDS.map(Fact::San));
    facts.extend(PARAMS.map(|name| Fact::Param(name.into())));
    facts.extend(FIELDS.map(|(name, scalar)| Fact::Resource(name.into(), scalar)));
    facts.extend(["department", "a-b/c d"].map(|name| Fact::PrincipalAttribute(name.into())));
    facts
}

struct Generator {
    /// The lists that the enclosing quantifiers go through.
    lists: Vec<Fact>,
}

impl Generator {
    fn condition(&self, levels: u32) -> BoxedStrategy<Expr> {
        // Built once and shared: strategies that are built anew for each use multiply.
        let inner = levels.checked_sub(1).map(|levels| self.condition(levels));
        let mut kinds = vec![self.simple(), has(), self.affix(inner.as_ref()), self.network()];
        kinds.extend(SCALARS.into_iter().filter_map(|scalar| self.comparison(scalar, inner.as_ref())));
        kinds.extend(SCALARS.into_iter().filter_map(|scalar| self.membership(scalar)));
        if let Some(inner) = inner {
            kinds.push(inner.clone().prop_map(|inner| Expr::Not(Box::new(inner))).boxed());
            for conjunction in [true, false] {
                let parts = vec(inner.clone(), 2..4);
                kinds.push(parts.prop_map(move |parts| Expr::chain(parts, conjunction)).boxed());
            }
            kinds.push(conditional(&inner, &inner));
            if self.lists.len() < VARIABLES.len() {
                let lists = [
                    Fact::Attributes(Party::Subject, AttributeType::CN),
                    Fact::San(SanKind::Dns),
                    Fact::San(SanKind::Ip),
                    Fact::ROLES,
                    Fact::Fixed(Fixed::CertificateEku),
                ];
                kinds.extend(lists.map(|list| self.quantified(list, levels - 1)));
            }
        }
        Union::new(kinds).boxed()
    }

    fn simple(&self) -> BoxedStrategy<Expr> {
        let mut simple = vec![Expr::Anyone, Expr::Nobody, Expr::Authenticated, Expr::Acl("read".into())];
        simple.extend(ROLES.map(|name| Expr::Role { name: name.into(), index: NAMES.hierarchy.index(name) }));
        simple.extend(NAMES.customs.iter().cloned().map(Expr::Custom));
        select(simple).boxed()
    }

    fn network(&self) -> BoxedStrategy<Expr> {
        let networks = ["10.0.0.0/8", "192.0.2.1/32", "0.0.0.0/0", "2001:db8::/32", "::/0"];
        let networks = networks.map(|network| network.parse().unwrap()).to_vec();
        (select(networks), select(self.readable(Scalar::Ip)))
            .prop_map(|(network, ip)| Expr::ContainsIp(network, Box::new(ip)))
            .boxed()
    }

    fn comparison(
        &self,
        scalar: Scalar,
        condition: Option<&BoxedStrategy<Expr>>,
    ) -> Option<BoxedStrategy<Expr>> {
        use Relation::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let relations = if scalar.is_ordered() {
            vec![Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual]
        } else {
            vec![Equal, NotEqual]
        };
        let read = select(Some(self.readable(scalar)).filter(|read| !read.is_empty())?).boxed();
        let with_literal = self.with_literal(scalar, |literal| literal.prop_map(Expr::Literal).boxed());
        let mut pairs = vec![with_literal, (read.clone(), read.clone()).prop_map(|(a, b)| [a, b]).boxed()];
        if let Some(condition) = condition {
            let chosen = conditional(condition, &read);
            pairs.push((chosen, read).prop_map(|(a, b)| [a, b]).boxed());
        }
        let turned = |([a, b], turn): ([Expr; 2], bool)| if turn { [b, a] } else { [a, b] };
        let pair = (Union::new(pairs), any::<bool>()).prop_map(turned);
        Some(
            (select(relations), pair)
                .prop_map(|(relation, pair)| Expr::Compare(relation, pair.into()))
                .boxed(),
        )
    }

    fn membership(&self, scalar: Scalar) -> Option<BoxedStrategy<Expr>> {
        let lists = lists(scalar);
        let read = self.readable(scalar);
        let mut pairs = Vec::new();
        if !read.is_empty() {
            pairs.push(self.with_literal(scalar, |literal| vec(literal, 1..3).prop_map(Expr::List).boxed()));
        }
        if !lists.is_empty() {
            let pair =
                select(lists.clone()).prop_flat_map(move |list| (literal_for(&list, scalar), Just(list)));
            pairs.push(pair.prop_map(|(a, b)| [Expr::Literal(a), Expr::Fact(b)]).boxed());
        }
        if !lists.is_empty() && !read.is_empty() {
            pairs.push((select(read), select(lists)).prop_map(|(a, b)| [a, Expr::Fact(b)]).boxed());
        }
        let pairs = Some(pairs).filter(|pairs| !pairs.is_empty())?;
        Some(Union::new(pairs).prop_map(|pair| Expr::In(pair.into())).boxed())
    }

    fn affix(&self, condition: Option<&BoxedStrategy<Expr>>) -> BoxedStrategy<Expr> {
        let read = select(self.readable(Scalar::String)).boxed();
        let text = match condition {
            None => read.clone(),
            Some(condition) => prop_oneof![read.clone(), conditional(condition, &read)].boxed(),
        };
        let written = literal(Scalar::String).prop_map(Expr::Literal);
        let affixes = select(vec![Affix::StartsWith, Affix::EndsWith, Affix::Contains]);
        let affix = (affixes, text.clone(), prop_oneof![read, written])
            .prop_map(|(affix, text, part)| Expr::Affix(affix, Box::new([text, part])));
        let regulars = ["^a+$", "[\"'\\\\]", "é|ü\\.", "(?i)x"].map(|text| Regular::new(text).unwrap());
        let matches = (select(regulars.to_vec()), text)
            .prop_map(|(regular, text)| Expr::Matches(regular, Box::new(text)));
        prop_oneof![affix, matches].boxed()
    }

    fn quantified(&self, list: Fact, levels: u32) -> BoxedStrategy<Expr> {
        let name = VARIABLES[self.lists.len()];
        let lists = self.lists.iter().cloned().chain([list.clone()]).collect();
        let body = Generator { lists }.condition(levels);
        (select(vec![Quantifier::Exists, Quantifier::All]), body)
            .prop_map(move |(quantifier, body)| {
                Expr::Quantified(quantifier, name.into(), Box::new([Expr::Fact(list.clone()), body]))
            })
            .boxed()
    }

    /// Everything that can be read, each with what is made of literals that it can be equal to.
    fn with_literal(
        &self,
        scalar: Scalar,
        made: impl Fn(BoxedStrategy<Literal>) -> BoxedStrategy<Expr>,
    ) -> BoxedStrategy<[Expr; 2]> {
        let pairs = self.readable(scalar).into_iter().map(|read| {
            let literal = match &read {
                Expr::Fact(fact) => literal_for(fact, scalar),
                Expr::Variable { depth, .. } => {
                    literal_for(&self.lists[self.lists.len() - 1 - depth], scalar)
                }
                _ => literal(scalar),
            };
            (Just(read), made(literal)).prop_map(|(a, b)| [a, b]).boxed()
        });
        Union::new(pairs).boxed()
    }

    /// Everything of the type that depends on the request.
    fn readable(&self, scalar: Scalar) -> Vec<Expr> {
        let of_type = |fact: &Fact| fact.fact_type() == Type::One(scalar);
        let mut readable: Vec<_> = facts().into_iter().filter(of_type).map(Expr::Fact).collect();
        for (depth, list) in self.lists.iter().rev().enumerate() {
            if list.fact_type() == Type::List(scalar) {
                let name = VARIABLES[self.lists.len() - 1 - depth].into();
                readable.push(Expr::Variable { name, depth });
            }
        }
        if scalar == Scalar::Bool {
            readable.push(Expr::Authenticated);
        }
        if scalar == Scalar::Int {
            let countable = |fact: &Fact| matches!(fact.fact_type(), Type::List(_) | Type::STRING);
            let countable = facts().into_iter().filter(countable);
            readable.extend(countable.map(|fact| Expr::Size(Box::new(Expr::Fact(fact)))));
        }
        readable
    }
}

fn conditional(condition: &BoxedStrategy<Expr>, value: &BoxedStrategy<Expr>) -> BoxedStrategy<Expr> {
    (condition.clone(), value.clone(), value.clone())
        .prop_map(|(a, b, c)| Expr::Conditional(Box::new([a, b, c])))
        .boxed()
}

fn has() -> BoxedStrategy<Expr> {
    select(facts().into_iter().filter(Fact::may_be_absent).collect::<Vec<_>>()).prop_map(Expr::Has).boxed()
}

fn lists(scalar: Scalar) -> Vec<Fact> {
    facts().into_iter().filter(|fact| fact.fact_type() == Type::List(scalar)).collect()
}

/// A literal that the fact, or an element of it, can be equal to.
fn literal_for(fact: &Fact, scalar: Scalar) -> BoxedStrategy<Literal> {
    let texts: &[&str] = match fact {
        Fact::Fixed(fixed) => match fixed {
            Fixed::AnchorLabel => &ANCHORS,
            Fixed::PrincipalRoles => &ROLES,
            Fixed::RequestHost => &["example.com", "a_b", "10.0.0.1", "::1"],
            Fixed::RequestPath => &["/", "/a%20b"],
            Fixed::SpiffeId => &["spiffe://td/a", "spiffe://x.y/ns/a_b/sa/C"],
            Fixed::SpiffeTrustDomain => &["td", "x.y-z"],
            Fixed::SpiffePath => &["/a", "/ns/a"],
            _ => &[],
        },
        Fact::San(SanKind::Dns) => &["example.com", "*.example.com"],
        Fact::San(SanKind::Email) => &["alice@example.com"],
        Fact::San(SanKind::Uri) => &["spiffe://td/a", "urn:a:b"],
        Fact::San(SanKind::Upn) => &["alice@EXAMPLE"],
        _ => &[],
    };
    if texts.is_empty() {
        literal(scalar)
    } else {
        select(texts.to_vec()).prop_map(|text| Literal::Str(text.into())).boxed()
    }
}

fn literal(scalar: Scalar) -> BoxedStrategy<Literal> {
    let texts = |texts: &[&str]| {
        let literals = texts.iter().map(|text| Literal::read(text, scalar).unwrap());
        select(literals.collect::<Vec<_>>()).boxed()
    };
    match scalar {
        Scalar::Bool => any::<bool>().prop_map(Literal::Bool).boxed(),
        Scalar::Int => {
            prop_oneof![any::<i64>(), select(vec![0, 1, i64::MIN, i64::MAX])].prop_map(Literal::Int).boxed()
        }
        Scalar::String => prop_oneof!["\\PC{1,8}", "[a-c\"'`\\\\\n\r\t\u{0}\u{7f}\u{202e}\u{200b}é🦀]{1,6}"]
            .prop_map(|text| Literal::Str(text.into()))
            .boxed(),
        Scalar::Timestamp => (-62_135_596_800..=253_402_300_799_i64).prop_map(Literal::Timestamp).boxed(),
        Scalar::Ip => texts(&["10.0.0.1", "::1", "2001:db8::a", "0.0.0.0"]),
        Scalar::Fingerprint => {
            any::<[u8; 4]>().prop_map(|bytes| Literal::Fingerprint(Fingerprint::of(&bytes))).boxed()
        }
        Scalar::Serial => texts(&["0", "-1", "c0ffee", "00:ff"]),
        Scalar::Purpose => texts(&["clientAuth", "anyExtendedKeyUsage", "1.2.3"]),
        Scalar::Oid => texts(&["1.2.3", "2.5.29.32.0"]),
    }
}
