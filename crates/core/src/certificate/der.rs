//! Strict reading of DER, where x509-parser forgives.
//!
//! x509-parser drops whatever is left over inside a SEQUENCE or SET, accepts lengths in long form
//! and does not look at the class of most tags. What one parser drops another one reads, so the
//! frame of a certificate is walked here, on the same DER layer, and only its leaves are given to
//! x509-parser.

use x509_parser::asn1_rs::{Any, Class, FromDer, Tag};

/// The bytes are not the DER that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// One element: its header taken apart, its content, and all of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    class: Class,
    constructed: bool,
    tag: Tag,
    pub(super) content: &'a [u8],
    pub(super) raw: &'a [u8],
}

impl<'a> Element<'a> {
    /// The element that fills `input` to the last byte.
    pub(super) fn single(input: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(input);
        let element = reader.any()?;
        reader.end()?;
        Ok(element)
    }

    /// The only element inside a constructed element, such as one with an explicit tag.
    pub(super) fn inner(&self) -> Result<Self, Malformed> {
        let mut reader = self.reader()?;
        let element = reader.any()?;
        reader.end()?;
        Ok(element)
    }

    /// The elements inside a constructed element.
    pub(super) fn reader(&self) -> Result<Reader<'a>, Malformed> {
        if self.constructed { Ok(Reader::new(self.content)) } else { Err(Malformed) }
    }

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

    /// The number of the tag, whatever its class.
    pub(super) fn number(&self) -> u32 {
        self.tag.0
    }

    /// The tag, if it is universal and primitive.
    pub(super) fn primitive(&self) -> Option<Tag> {
        (self.class == Class::Universal && !self.constructed).then_some(self.tag)
    }
}

/// Reads element after element; nothing may be left at the end.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    pub(super) fn any(&mut self) -> Result<Element<'a>, Malformed> {
        let (rest, any) = Any::from_der(self.rest).map_err(|_| Malformed)?;
        let length = self.rest.len().checked_sub(rest.len()).ok_or(Malformed)?;
        let raw = self.rest.get(..length).ok_or(Malformed)?;
        // Also refuses tags of several bytes: no structure read here has one.
        if length.checked_sub(any.data.len()) != Some(shortest_header(any.data.len())) {
            return Err(Malformed);
        }
        self.rest = rest;
        Ok(Element {
            class: any.class(),
            constructed: any.header.constructed(),
            tag: any.tag(),
            content: any.data,
            raw,
        })
    }

    pub(super) fn expect(&mut self, tag: Tag) -> Result<Element<'a>, Malformed> {
        self.any()?.expect(tag)
    }

    /// The next element if it carries this context-specific tag.
    pub(super) fn optional(&mut self, tag: u32) -> Result<Option<Element<'a>>, Malformed> {
        let mut ahead = self.clone();
        if ahead.rest.is_empty() {
            return Ok(None);
        }
        let element = ahead.any()?;
        if element.context().is_none_or(|(number, _)| number != tag) {
            return Ok(None);
        }
        *self = ahead;
        Ok(Some(element))
    }

    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Element<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let element = self.any();
        if element.is_err() {
            self.rest = &[];
        }
        Some(element)
    }
}

/// Bytes of a header with a one-byte tag and the shortest form of the length.
fn shortest_header(content: usize) -> usize {
    match content {
        0..=0x7f => 2,
        0x80..=0xff => 3,
        0x100..=0xffff => 4,
        0x1_0000..=0xff_ffff => 5,
        _ => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_element_fills_the_input() {
        assert_eq!(Element::single(b"\x0c\x02hi").unwrap().content, b"hi");
        assert_eq!(Element::single(b"\x0c\x02hi\x00").unwrap_err(), Malformed);
        assert_eq!(Element::single(b"\x0c\x03hi").unwrap_err(), Malformed);
        assert_eq!(Element::single(b"").unwrap_err(), Malformed);
    }

    #[test]
    fn only_the_shortest_header_is_der() {
        assert_eq!(Element::single(b"\x0c\x81\x02hi").unwrap_err(), Malformed);
        assert_eq!(Element::single(b"\x1f\x0c\x02hi").unwrap_err(), Malformed);
        assert_eq!(Element::single(b"\x30\x80\x00\x00").unwrap_err(), Malformed);
        assert_eq!(Element::single(b"\x0c\xff").unwrap_err(), Malformed);
        assert_eq!(Element::single(b"\x0c\x88\xff\xff\xff\xff\xff\xff\xff\xff").unwrap_err(), Malformed);
    }

    #[test]
    fn class_and_form_belong_to_a_tag() {
        assert!(Element::single(b"\x0c\x02hi").unwrap().is(Tag::Utf8String));
        assert!(!Element::single(b"\x8c\x02hi").unwrap().is(Tag::Utf8String));
        assert!(!Element::single(b"\x2c\x04\x0c\x02hi").unwrap().is(Tag::Utf8String));
    }

    #[test]
    fn a_reader_stops_at_the_first_fault() {
        let read: Vec<_> = Reader::new(b"\x05\x00\x0c\x05hi").collect();
        assert_eq!(read.len(), 2);
        assert!(read[0].is_ok() && read[1].is_err());
    }
}
