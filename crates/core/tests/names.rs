//! A printed name says what the certificate says, whatever that is.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "clippy exempts test functions, not what they call"
)]

mod rfc4514;

use std::collections::HashSet;

use portcullis_core::certificate::{Certificate, Name, SubjectAlternativeNames};
use proptest::{collection::vec, prelude::*, sample::select};
use rfc4514::Value;

const KNOWN: &[(&str, &[u8])] = &[
    ("CN", &[0x55, 4, 3]),
    ("OU", &[0x55, 4, 11]),
    ("SN", &[0x55, 4, 4]),
    ("serialNumber", &[0x55, 4, 5]),
    ("UID", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1]),
    ("emailAddress", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1]),
];
const UNKNOWN: &[(&str, &[u8])] = &[("1.2.3", &[0x2a, 3]), ("2.999", &[0x88, 0x37])];

/// An attribute as it is encoded, and as it must come back.
#[derive(Debug, Clone)]
struct Sample {
    der: Vec<u8>,
    expected: (String, Value),
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header = match length {
        [0, short @ 0..=0x7f] => vec![tag, short],
        [0, long] => vec![tag, 0x81, long],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [header, content.to_vec()].concat()
}

fn text() -> impl Strategy<Value = String> {
    let special = select(
        ",+\"\\<>;#= \0\r\n\t\u{7f}\u{85}\u{9f}\u{200b}\u{202e}\u{2028}\u{2066}\u{feff}aé€😀"
            .chars()
            .collect::<Vec<_>>(),
    );
    vec(prop_oneof![special, any::<char>()], 0..12).prop_map(String::from_iter)
}

fn utf8(text: &str) -> Vec<u8> {
    tlv(0x0c, text.as_bytes())
}

fn universal(text: &str) -> Vec<u8> {
    tlv(0x1c, &text.chars().flat_map(|character| u32::from(character).to_be_bytes()).collect::<Vec<_>>())
}

/// A value with its header, and the text that it stands for, if any.
fn value() -> impl Strategy<Value = (Vec<u8>, Option<String>)> {
    let utf8 = text().prop_map(|text| (utf8(&text), Some(text)));
    let universal = text().prop_map(|text| (universal(&text), Some(text)));
    let bmp = text().prop_map(|text| {
        let text: String = text.chars().filter(|c| u16::try_from(u32::from(*c)).is_ok()).collect();
        (tlv(0x1e, &text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()), Some(text))
    });
    let printable = "[A-Za-z0-9 '()+,./:=?-]{0,12}".prop_map(|text| (tlv(0x13, text.as_bytes()), Some(text)));
    let ia5 = vec(0_u8..0x80, 0..12).prop_map(|bytes| (tlv(0x16, &bytes), String::from_utf8(bytes).ok()));
    let teletex = vec(any::<u8>(), 0..12).prop_map(|bytes| (tlv(0x14, &bytes), None));
    let broken = vec(0xf8_u8..=0xff, 1..6).prop_map(|bytes| (tlv(0x0c, &bytes), None));
    let number = any::<u8>().prop_map(|byte| (tlv(0x02, &[byte]), None));
    prop_oneof![utf8, universal, bmp, printable, ia5, teletex, broken, number]
}

fn sample() -> impl Strategy<Value = Sample> {
    let types: Vec<_> = KNOWN.iter().chain(UNKNOWN).collect();
    (select(types), value()).prop_map(|((name, oid), (der, text))| {
        let known = KNOWN.iter().any(|(known, _)| known == name);
        let value = match text.filter(|_| known) {
            Some(text) => Value::Text(text),
            None => Value::Der(der.clone()),
        };
        Sample { der: tlv(0x30, &[tlv(6, oid), der].concat()), expected: ((*name).to_owned(), value) }
    })
}

fn encode(rdns: &[Vec<Sample>]) -> Vec<u8> {
    let rdn =
        |rdn: &Vec<Sample>| tlv(0x31, &rdn.iter().flat_map(|sample| sample.der.clone()).collect::<Vec<_>>());
    tlv(0x30, &rdns.iter().flat_map(rdn).collect::<Vec<_>>())
}

/// Whether a terminal, a log or a header would do something else with a character than show it.
fn acts(character: char) -> bool {
    character.is_control()
        || "\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}"
            .contains(character)
        || ('\u{2066}'..='\u{2069}').contains(&character)
        || character == '\u{feff}'
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printing_loses_nothing(rdns in vec(vec(sample(), 1..4), 0..5)) {
        let printed = Name::from_der(&encode(&rdns)).unwrap().to_string();
        let expected: Vec<Vec<_>> =
            rdns.into_iter().map(|rdn| rdn.into_iter().map(|sample| sample.expected).collect()).collect();
        prop_assert_eq!(rfc4514::parse(&printed), Some(expected), "{}", printed);
    }

    #[test]
    fn no_control_character_leaves_the_printer(rdns in vec(vec(sample(), 1..4), 0..5)) {
        let name = Name::from_der(&encode(&rdns)).unwrap();
        let shown = format!("{name} {name:?}");
        prop_assert!(!shown.contains(acts), "{shown:?}");
    }

    #[test]
    fn the_string_type_makes_no_difference(texts in vec(text(), 1..5), changed in any::<prop::sample::Index>()) {
        let encode = |texts: &[String], encode: fn(&str) -> Vec<u8>| {
            let sample = |text: &String| Sample {
                der: tlv(0x30, &[tlv(6, KNOWN[0].1), encode(text)].concat()),
                expected: (KNOWN[0].0.to_owned(), Value::Text(text.clone())),
            };
            Name::from_der(&self::encode(&texts.iter().map(|text| vec![sample(text)]).collect::<Vec<_>>())).unwrap()
        };
        let (narrow, wide) = (encode(&texts, utf8), encode(&texts, universal));
        prop_assert_eq!(&narrow, &wide);
        prop_assert_eq!(HashSet::from([narrow.clone(), wide]).len(), 1);
        let mut other = texts.clone();
        changed.get_mut(&mut other).push('x');
        prop_assert_ne!(narrow, encode(&other, universal));
    }

    #[test]
    fn usable_values_are_the_plain_ones(sample in sample()) {
        let name = Name::from_der(&encode(&[vec![sample.clone()]])).unwrap();
        let attribute = &name.rdns()[0].attributes()[0];
        match (attribute.value(), &sample.expected.1) {
            (Ok(value), Value::Text(text)) => prop_assert_eq!(value, text),
            (Ok(value), Value::Der(der)) => prop_assert!(!value.is_empty() && attribute.der() == der),
            (Err(_), Value::Text(text)) => prop_assert!(text.is_empty() || text.contains(acts)),
            (Err(_), Value::Der(_)) => {}
        }
        if let Ok(value) = attribute.value() {
            prop_assert!(!value.contains(char::is_control));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..200), tag in select(&[0x30_u8, 0x31, 0xa0, 0x82][..])) {
        for der in [bytes.clone(), tlv(tag, &bytes), tlv(0x30, &tlv(tag, &bytes))] {
            let _ = Name::from_der(&der).map(|name| name.to_string());
            let _ = SubjectAlternativeNames::from_der(&der);
            prop_assert!(Certificate::from_der(&der).is_err());
        }
    }
}
