//! Types, and values while a rule is decided: borrowed from the request, the certificate or the rule.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;
use std::ops::ControlFlow;

use super::Fault;
use super::literal::{Literal, Quoted};
use crate::certificate::{AttributeType, ExtendedKeyUsage, Fingerprint, Name, Oid, Serial};
use crate::role::Roles;

/// The type of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Bool,
    Int,
    String,
    Timestamp,
    Ip,
    Fingerprint,
    Serial,
    /// A purpose of an extendedKeyUsage extension.
    Purpose,
    Oid,
}

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    One(Scalar),
    List(Scalar),
}

impl Type {
    pub(crate) const BOOL: Self = Self::One(Scalar::Bool);
    pub(crate) const INT: Self = Self::One(Scalar::Int);
    pub(crate) const STRING: Self = Self::One(Scalar::String);
}

impl Scalar {
    /// Whether `<` means something.
    pub(crate) fn is_ordered(self) -> bool {
        matches!(self, Self::Int | Self::String | Self::Timestamp)
    }

    /// Whether values are written as string literals, which are read when a rule is checked.
    pub(crate) fn is_written_as_string(self) -> bool {
        matches!(self, Self::Ip | Self::Fingerprint | Self::Serial | Self::Purpose | Self::Oid)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::String => "string",
            Self::Timestamp => "timestamp",
            Self::Ip => "IP address",
            Self::Fingerprint => "fingerprint",
            Self::Serial => "serial number",
            Self::Purpose => "key purpose",
            Self::Oid => "object identifier",
        }
    }
}

/// The type with its article, as messages need it.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(scalar @ (Scalar::Int | Scalar::Ip | Scalar::Oid)) => write!(f, "an {}", scalar.name()),
            Self::One(scalar) => write!(f, "a {}", scalar.name()),
            Self::List(Scalar::Ip) => f.write_str("a list of IP addresses"),
            Self::List(scalar) => write!(f, "a list of {}s", scalar.name()),
        }
    }
}

/// A value; a text is owned only if it had to be decoded.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Bool(bool),
    Int(i64),
    Str(Cow<'a, str>),
    /// Seconds since 1970-01-01 00:00:00 UTC.
    Timestamp(i64),
    Ip(IpAddr),
    Fingerprint(&'a Fingerprint),
    Serial(&'a Serial),
    List(List<'a>),
}

/// A list, with its elements where they always were; all of them were found to be readable.
#[derive(Clone, Copy, Debug)]
pub(crate) enum List<'a> {
    Literals(&'a [Literal]),
    Attributes(&'a Name, &'a AttributeType),
    Texts(&'a [Box<str>]),
    Addresses(&'a [IpAddr]),
    Purposes(&'a [ExtendedKeyUsage]),
    Oids(&'a [Oid]),
    Roles(&'a Roles),
}

impl<'a> Value<'a> {
    pub(crate) fn text(text: &'a str) -> Self {
        Self::Str(Cow::Borrowed(text))
    }

    pub(crate) fn equals(&self, other: &Value<'_>) -> Result<bool, Fault> {
        match (self, other) {
            (Self::Str(a), Value::Str(b)) => Ok(a == b),
            (Self::Int(a), Value::Int(b)) | (Self::Timestamp(a), Value::Timestamp(b)) => Ok(a == b),
            (Self::Bool(a), Value::Bool(b)) => Ok(a == b),
            (Self::Ip(a), Value::Ip(b)) => Ok(a == b),
            (Self::Fingerprint(a), Value::Fingerprint(b)) => Ok(a == b),
            (Self::Serial(a), Value::Serial(b)) => Ok(a == b),
            _ => Err(Fault::TypeMismatch),
        }
    }

    pub(crate) fn order(&self, other: &Value<'_>) -> Result<Ordering, Fault> {
        match (self, other) {
            (Self::Int(a), Value::Int(b)) | (Self::Timestamp(a), Value::Timestamp(b)) => Ok(a.cmp(b)),
            // By bytes, which for UTF-8 is by code points, as CEL has it.
            (Self::Str(a), Value::Str(b)) => Ok(a.cmp(b)),
            _ => Err(Fault::TypeMismatch),
        }
    }

    /// The number of characters or elements.
    pub(crate) fn size(&self) -> Result<usize, Fault> {
        match self {
            Self::Str(text) => Ok(text.chars().count()),
            Self::List(list) => Ok(list.len()),
            _ => Err(Fault::TypeMismatch),
        }
    }
}

/// As it would be written in a rule.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Str(text) => Quoted(text).fmt(f),
            Self::Timestamp(time) => Literal::Timestamp(*time).fmt(f),
            Self::Ip(ip) => write!(f, "\"{ip}\""),
            Self::Fingerprint(fingerprint) => write!(f, "\"{fingerprint}\""),
            Self::Serial(serial) => write!(f, "\"{serial}\""),
            Self::List(list) => {
                f.write_str("[")?;
                let mut separator = "";
                let end = list.try_each(|element| match write!(f, "{separator}{element}") {
                    Ok(()) => {
                        separator = ", ";
                        ControlFlow::Continue(())
                    }
                    Err(error) => ControlFlow::Break(error),
                });
                end.break_value().map_or(Ok(()), Err)?;
                f.write_str("]")
            }
        }
    }
}

impl<'a> List<'a> {
    /// Shows the elements to `f` until it breaks off.
    pub(crate) fn try_each<B>(self, mut f: impl FnMut(Value<'a>) -> ControlFlow<B>) -> ControlFlow<B> {
        match self {
            Self::Literals(literals) => literals.iter().map(Literal::value).try_for_each(f),
            Self::Attributes(name, attribute) => {
                name.values(attribute).flatten().map(Value::text).try_for_each(f)
            }
            Self::Texts(texts) => texts.iter().map(|text| Value::text(text)).try_for_each(f),
            Self::Addresses(addresses) => {
                addresses.iter().map(|ip| Value::Ip(ip.to_canonical())).try_for_each(f)
            }
            Self::Purposes(purposes) => purposes.iter().map(|p| Value::text(p.as_str())).try_for_each(f),
            Self::Oids(oids) => oids.iter().map(|oid| Value::text(oid.as_str())).try_for_each(f),
            Self::Roles(roles) => roles.names().map(Value::text).try_for_each(&mut f),
        }
    }

    pub(crate) fn contains(self, needle: &Value<'_>) -> Result<bool, Fault> {
        let found = self.try_each(|element| match element.equals(needle) {
            Ok(false) => ControlFlow::Continue(()),
            decisive => ControlFlow::Break(decisive),
        });
        found.break_value().unwrap_or(Ok(false))
    }

    fn len(self) -> usize {
        match self {
            Self::Literals(literals) => literals.len(),
            Self::Attributes(name, attribute) => name.values(attribute).count(),
            Self::Texts(texts) => texts.len(),
            Self::Addresses(addresses) => addresses.len(),
            Self::Purposes(purposes) => purposes.len(),
            Self::Oids(oids) => oids.len(),
            Self::Roles(roles) => roles.names().count(),
        }
    }
}
