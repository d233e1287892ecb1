//! The one tree that Rust functions and policy text make, and that is decided, printed and examined.

use std::sync::Arc;

use ipnet::IpNet;

use super::custom::Custom;
use super::fact::Fact;
use super::literal::Literal;
use super::regular::Regular;
use crate::role::RoleIndex;

/// A node of the tree; what a rule is made of was checked for types when it was made.
#[derive(Clone, PartialEq)]
pub(crate) enum Expr {
    // Conditions.
    Anyone,
    Nobody,
    Authenticated,
    Role {
        name: Arc<str>,
        index: Option<RoleIndex>,
    },
    Not(Box<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Compare(Relation, Box<[Expr; 2]>),
    /// A value, and the list that it is in.
    In(Box<[Expr; 2]>),
    Has(Fact),
    /// A text, and what it begins with, ends with or contains.
    Affix(Affix, Box<[Expr; 2]>),
    Matches(Regular, Box<Expr>),
    /// The variable's name, the list, and what is asked of its elements.
    Quantified(Quantifier, Arc<str>, Box<[Expr; 2]>),
    ContainsIp(IpNet, Box<Expr>),
    Custom(Custom),
    /// An entry of the access control list of a resource.
    Acl(Arc<str>),
    /// A constructor was called with something that can never be right; building the policy reports it.
    Invalid(Box<str>),

    // Values, of which those of type bool are conditions, too.
    /// A condition, and the values when it is true and when it is false.
    Conditional(Box<[Expr; 3]>),
    Literal(Literal),
    /// Literals of one type; at least one.
    List(Vec<Literal>),
    Fact(Fact),
    /// The element of an enclosing quantifier, counted from the innermost.
    Variable {
        name: Arc<str>,
        depth: usize,
    },
    Size(Box<Expr>),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Where one text is looked for in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Affix {
    StartsWith,
    EndsWith,
    Contains,
}

/// For how many elements of a list something must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Exists,
    All,
}

/// How tightly the text of a node binds, from the loosest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Binding {
    Conditional,
    Or,
    And,
    Relation,
    Unary,
    Primary,
}

impl Expr {
    /// Joins conditions; chains are kept flat, so that nesting measures what a reader sees.
    pub(crate) fn chain(conditions: impl IntoIterator<Item = Self>, conjunction: bool) -> Self {
        let mut parts = Vec::new();
        for condition in conditions {
            match condition {
                Self::All(inner) if conjunction => parts.extend(inner),
                Self::Any(inner) if !conjunction => parts.extend(inner),
                other => parts.push(other),
            }
        }
        match (parts.len(), conjunction) {
            (0, true) => {
                Self::Invalid("`all` of no rules would let everybody in: name at least one rule".into())
            }
            (0, false) => {
                Self::Invalid("`any` of no rules lets nobody in: write `nobody()` if that is meant".into())
            }
            (1, _) => parts.remove(0),
            (_, true) => Self::All(parts),
            (_, false) => Self::Any(parts),
        }
    }

    /// The nodes directly below, in the order of the text.
    pub(crate) fn children(&self) -> &[Self] {
        match self {
            Self::Not(inner) | Self::Matches(_, inner) | Self::ContainsIp(_, inner) | Self::Size(inner) => {
                std::slice::from_ref(inner)
            }
            Self::All(parts) | Self::Any(parts) => parts,
            Self::Compare(_, pair) | Self::In(pair) | Self::Affix(_, pair) | Self::Quantified(_, _, pair) => {
                &pair[..]
            }
            Self::Conditional(parts) => &parts[..],
            Self::Anyone
            | Self::Nobody
            | Self::Authenticated
            | Self::Role { .. }
            | Self::Has(_)
            | Self::Custom(_)
            | Self::Acl(_)
            | Self::Invalid(_)
            | Self::Literal(_)
            | Self::List(_)
            | Self::Fact(_)
            | Self::Variable { .. } => &[],
        }
    }

    fn children_mut(&mut self) -> &mut [Self] {
        match self {
            Self::Not(inner) | Self::Matches(_, inner) | Self::ContainsIp(_, inner) | Self::Size(inner) => {
                std::slice::from_mut(inner)
            }
            Self::All(parts) | Self::Any(parts) => parts,
            Self::Compare(_, pair) | Self::In(pair) | Self::Affix(_, pair) | Self::Quantified(_, _, pair) => {
                &mut pair[..]
            }
            Self::Conditional(parts) => &mut parts[..],
            Self::Anyone
            | Self::Nobody
            | Self::Authenticated
            | Self::Role { .. }
            | Self::Has(_)
            | Self::Custom(_)
            | Self::Acl(_)
            | Self::Invalid(_)
            | Self::Literal(_)
            | Self::List(_)
            | Self::Fact(_)
            | Self::Variable { .. } => &mut [],
        }
    }

    /// Shows every node, from the top and from the left.
    pub(crate) fn walk<'e>(&'e self, visit: &mut impl FnMut(&'e Self)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    pub(crate) fn walk_mut(&mut self, visit: &mut impl FnMut(&mut Self)) {
        visit(self);
        for child in self.children_mut() {
            child.walk_mut(visit);
        }
    }

    /// Whether a node is of this kind, here or below.
    pub(crate) fn contains(&self, is_wanted: &impl Fn(&Self) -> bool) -> bool {
        is_wanted(self) || self.children().iter().any(|child| child.contains(is_wanted))
    }

    /// How tightly the text of this node binds.
    pub(crate) fn binding(&self) -> Binding {
        match self {
            Self::Conditional(_) => Binding::Conditional,
            Self::Any(_) => Binding::Or,
            Self::All(_) => Binding::And,
            Self::Compare(..) | Self::In(_) => Binding::Relation,
            Self::Not(_) => Binding::Unary,
            _ => Binding::Primary,
        }
    }

    /// How tightly the text of a child must bind to do without parentheses.
    pub(crate) fn binding_of_child(&self, position: usize) -> Binding {
        match (self, position) {
            (Self::Conditional(_), 0 | 1) => Binding::Or,
            (Self::Any(_), _) => Binding::And,
            (Self::All(_), _) => Binding::Relation,
            // Comparisons do not chain.
            (Self::Compare(..) | Self::In(_), _) | (Self::Not(_), _) => Binding::Unary,
            (Self::Affix(..) | Self::Matches(..) | Self::Quantified(..), 0) => Binding::Primary,
            _ => Binding::Conditional,
        }
    }

    /// How deeply the text of this node nests, by the count of the parser.
    pub(crate) fn nesting(&self) -> usize {
        let own = match self {
            Self::Not(_)
            | Self::Conditional(_)
            | Self::Role { .. }
            | Self::Has(_)
            | Self::Affix(..)
            | Self::Matches(..)
            | Self::Quantified(..)
            | Self::ContainsIp(..)
            | Self::Custom(_)
            | Self::Acl(_)
            | Self::List(_)
            | Self::Literal(Literal::Timestamp(_))
            | Self::Size(_) => 1,
            _ => 0,
        };
        let deepest = self.children().iter().enumerate().map(|(position, child)| {
            child.nesting() + usize::from(child.binding() < self.binding_of_child(position))
        });
        own + deepest.max().unwrap_or_default()
    }
}

impl Relation {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    pub(crate) fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

impl Affix {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Contains => "contains",
        }
    }
}

impl Quantifier {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::All => "all",
        }
    }
}
