//! DER taken apart strictly, on the layer that x509-parser reads with.

use x509_parser::asn1_rs::{Any, Class, FromDer, Tag};

/// The bytes are not the DER that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// One element after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

/// One element: what it is, what is in it, and all of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    class: Class,
    constructed: bool,
    tag: Tag,
    pub(super) content: &'a [u8],
    pub(super) raw: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// What has not been read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next element, whatever it is.
    pub(super) fn any(&mut self) -> Result<Element<'a>, Malformed> {
        let (rest, any) = Any::from_der(self.0).map_err(|_| Malformed)?;
        let raw = self.0.get(..self.0.len() - rest.len()).ok_or(Malformed)?;
        self.0 = rest;
        let (class, constructed, tag) = (any.class(), any.header.constructed(), any.tag());
        Ok(Element { class, constructed, tag, content: any.data, raw })
    }

    /// The next element, which must be of this universal type.
    pub(super) fn expect(&mut self, tag: Tag) -> Result<Element<'a>, Malformed> {
        self.any()?.expect(tag)
    }

    /// The next element if it is of this universal type.
    pub(super) fn optional(&mut self, tag: Tag) -> Option<Element<'a>> {
        let mut ahead = *self;
        let element = ahead.expect(tag).ok()?;
        *self = ahead;
        Some(element)
    }
}

impl<'a> Element<'a> {
    pub(super) fn is(&self, tag: Tag) -> bool {
        let constructed = matches!(tag, Tag::Sequence | Tag::Set);
        self.class == Class::Universal && self.tag == tag && self.constructed == constructed
    }

    pub(super) fn expect(self, tag: Tag) -> Result<Self, Malformed> {
        if self.is(tag) { Ok(self) } else { Err(Malformed) }
    }

    /// The number of a context-specific tag, and whether the element is constructed.
    pub(super) fn context(&self) -> Option<(u32, bool)> {
        (self.class == Class::ContextSpecific).then_some((self.tag.0, self.constructed))
    }

    /// The elements inside a constructed element.
    pub(super) fn reader(&self) -> Result<Reader<'a>, Malformed> {
        if self.constructed { Ok(Reader::new(self.content)) } else { Err(Malformed) }
    }
}
