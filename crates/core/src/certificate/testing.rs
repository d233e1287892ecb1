//! A tiny writer of DER, so that tests can spell what no library would write.

pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    match length {
        [0, short @ 0..=0x7f] => der.push(short),
        [0, long] => der.extend([0x81, long]),
        long => der.extend([0x82, long[0], long[1]]),
    }
    der.extend_from_slice(content);
    der
}

pub(super) fn sequence<T: AsRef<[u8]>>(elements: &[T]) -> Vec<u8> {
    let content: Vec<u8> = elements.iter().flat_map(AsRef::as_ref).copied().collect();
    tlv(0x30, &content)
}

/// The content of an object identifier, and the tag and the content of a value.
pub(super) type RawAttribute<'a> = (&'a [u8], u8, &'a [u8]);

/// A name, one slice for each relative distinguished name.
pub(super) fn name(rdns: &[&[RawAttribute<'_>]]) -> Vec<u8> {
    let rdn = |attributes: &&[RawAttribute<'_>]| {
        let attribute = |(oid, tag, value): &RawAttribute<'_>| sequence(&[tlv(6, oid), tlv(*tag, value)]);
        tlv(0x31, &attributes.iter().flat_map(attribute).collect::<Vec<_>>())
    };
    sequence(&rdns.iter().map(rdn).collect::<Vec<_>>())
}
