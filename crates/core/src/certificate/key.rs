//! Public keys and signature algorithms, in words.

use std::borrow::Cow;

use x509_parser::{
    asn1_rs::{FromDer, Tag},
    public_key::RSAPublicKey,
    signature_algorithm::RsaSsaPssParams,
    x509::AlgorithmIdentifier,
};

use super::{
    der::{Element, Malformed, Reader},
    oid::{Dotted, Oid},
};

/// What kind of key a certificate holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKeyInfo {
    algorithm: Cow<'static, str>,
    oid: Oid,
    bits: Option<u32>,
    rsa_exponent: Option<u64>,
}

impl PublicKeyInfo {
    /// The algorithm in words, such as `RSA`, `EC P-256` or `Ed25519`; an identifier if unknown.
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The identifier of the algorithm; all elliptic curves of X9.62 share one.
    pub fn oid(&self) -> &Oid {
        &self.oid
    }

    /// The size of the key in bits, if the algorithm is known.
    pub fn bits(&self) -> Option<u32> {
        self.bits
    }

    /// The public exponent of an RSA key; none for other keys, and none above 64 bits.
    pub fn rsa_exponent(&self) -> Option<u64> {
        self.rsa_exponent
    }

    /// Whether this is an RSA key.
    pub fn is_rsa(&self) -> bool {
        matches!(self.oid.as_str(), RSA | RSA_PSS)
    }

    /// The key in words, if it can be broken: RSA below 2048 bits or with an odd exponent, elliptic
    /// curves below 256 bits, DSA.
    #[must_use]
    pub fn weakness(&self) -> Option<String> {
        let bits = self.bits.unwrap_or_default();
        if !self.is_rsa() {
            let is_weak = self.algorithm == "DSA" || (self.algorithm.starts_with("EC ") && bits < 256);
            return is_weak.then(|| self.algorithm.to_string());
        }
        if bits < Self::FEWEST_RSA_BITS {
            return Some(format!("RSA {bits}"));
        }
        // 1 signs nothing, even ones are no exponents, and larger ones serve no purpose but to cost time.
        match self.rsa_exponent {
            Some(exponent) if exponent >= 3 && exponent % 2 == 1 && exponent < 1 << 33 => None,
            Some(exponent) => Some(format!("RSA {bits} with exponent {exponent}")),
            None => Some(format!("RSA {bits} with a huge exponent")),
        }
    }

    /// The bits that an RSA key has at least, unless it can be broken.
    pub const FEWEST_RSA_BITS: u32 = 2048;

    /// Reads a SubjectPublicKeyInfo.
    pub(super) fn read(spki: &Element<'_>) -> Result<Self, Malformed> {
        let mut fields = spki.expect(Tag::Sequence)?.reader()?;
        let mut identifier = fields.expect(Tag::Sequence)?.reader()?;
        let key = fields.expect(Tag::BitString)?.content;
        fields.end()?;
        let oid = Oid::from_content(identifier.expect(Tag::Oid)?.content)?;
        let parameters = identifier.next().transpose()?;
        identifier.end()?;
        // The first byte counts the unused bits at the end: none, in every kind of key.
        let Some((0, key)) = key.split_first() else { return Err(Malformed) };

        let (algorithm, bits, rsa_exponent) = match oid.as_str() {
            RSA | RSA_PSS => {
                let (bits, exponent) = rsa(key)?;
                ("RSA".into(), Some(bits), exponent)
            }
            EC => curve(parameters.as_ref())?,
            DSA => ("DSA".into(), parameters.and_then(|parameters| dsa_bits(&parameters)), None),
            other => match KEYS.iter().find(|(known, ..)| *known == other) {
                Some((_, name, bits)) => ((*name).into(), Some(*bits), None),
                None => (other.to_owned().into(), None, None),
            },
        };
        Ok(Self { algorithm, oid, bits, rsa_exponent })
    }
}

const RSA: &str = "1.2.840.113549.1.1.1";
const RSA_PSS: &str = "1.2.840.113549.1.1.10";
const EC: &str = "1.2.840.10045.2.1";
const DSA: &str = "1.2.840.10040.4.1";

const KEYS: &[(&str, &str, u32)] = &[
    ("1.3.101.110", "X25519", 256),
    ("1.3.101.111", "X448", 448),
    ("1.3.101.112", "Ed25519", 256),
    ("1.3.101.113", "Ed448", 456),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44", 10_496),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65", 15_616),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87", 20_736),
];

const CURVES: &[(&str, &str, u32)] = &[
    ("1.2.840.10045.3.1.1", "EC P-192", 192),
    ("1.3.132.0.33", "EC P-224", 224),
    ("1.2.840.10045.3.1.7", "EC P-256", 256),
    ("1.3.132.0.34", "EC P-384", 384),
    ("1.3.132.0.35", "EC P-521", 521),
    ("1.3.132.0.10", "EC secp256k1", 256),
    ("1.3.36.3.3.2.8.1.1.7", "EC brainpoolP256r1", 256),
    ("1.3.36.3.3.2.8.1.1.11", "EC brainpoolP384r1", 384),
    ("1.3.36.3.3.2.8.1.1.13", "EC brainpoolP512r1", 512),
];

const SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.2", "RSA with MD2"),
    ("1.2.840.113549.1.1.4", "RSA with MD5"),
    ("1.2.840.113549.1.1.5", "RSA with SHA-1"),
    ("1.3.14.3.2.29", "RSA with SHA-1"),
    ("1.2.840.113549.1.1.14", "RSA with SHA-224"),
    ("1.2.840.113549.1.1.11", "RSA with SHA-256"),
    ("1.2.840.113549.1.1.12", "RSA with SHA-384"),
    ("1.2.840.113549.1.1.13", "RSA with SHA-512"),
    ("1.2.840.10045.4.1", "ECDSA with SHA-1"),
    ("1.2.840.10045.4.3.1", "ECDSA with SHA-224"),
    ("1.2.840.10045.4.3.2", "ECDSA with SHA-256"),
    ("1.2.840.10045.4.3.3", "ECDSA with SHA-384"),
    ("1.2.840.10045.4.3.4", "ECDSA with SHA-512"),
    ("1.2.840.10040.4.3", "DSA with SHA-1"),
    ("2.16.840.1.101.3.4.3.1", "DSA with SHA-224"),
    ("2.16.840.1.101.3.4.3.2", "DSA with SHA-256"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
];

const PSS_HASHES: &[(&str, &str)] = &[
    ("1.3.14.3.2.26", "RSA-PSS with SHA-1"),
    ("2.16.840.1.101.3.4.2.1", "RSA-PSS with SHA-256"),
    ("2.16.840.1.101.3.4.2.2", "RSA-PSS with SHA-384"),
    ("2.16.840.1.101.3.4.2.3", "RSA-PSS with SHA-512"),
];

/// Names the algorithm of an AlgorithmIdentifier; its dotted identifier if it has no name here.
pub(super) fn signature_algorithm(element: &Element<'_>) -> Result<Cow<'static, str>, Malformed> {
    let mut fields = element.expect(Tag::Sequence)?.reader()?;
    let oid = Dotted::read(fields.expect(Tag::Oid)?.content)?;
    let _parameters = fields.next().transpose()?;
    fields.end()?;
    if oid.as_str() == RSA_PSS {
        return pss(element.raw).map(Into::into);
    }
    let known = SIGNATURES.iter().find(|(known, _)| *known == oid.as_str());
    Ok(known.map_or_else(|| oid.as_str().to_owned().into(), |(_, name)| (*name).into()))
}

fn pss(identifier: &[u8]) -> Result<&'static str, Malformed> {
    let (_, identifier) = AlgorithmIdentifier::from_der(identifier).map_err(|_| Malformed)?;
    let parameters = identifier.parameters().ok_or(Malformed)?;
    let parameters = RsaSsaPssParams::try_from(parameters).map_err(|_| Malformed)?;
    let hash = Dotted::read(parameters.hash_algorithm_oid().as_bytes())?;
    let known = PSS_HASHES.iter().find(|(known, _)| *known == hash.as_str());
    Ok(known.map_or("RSA-PSS with an unknown hash", |(_, name)| name))
}

/// The size of the modulus, and the exponent if it fits.
fn rsa(key: &[u8]) -> Result<(u32, Option<u64>), Malformed> {
    let element = Element::single(key)?.expect(Tag::Sequence)?;
    let mut fields: Reader<'_> = element.reader()?;
    fields.expect(Tag::Integer)?;
    fields.expect(Tag::Integer)?;
    fields.end()?;
    let (_, key) = RSAPublicKey::from_der(element.raw).map_err(|_| Malformed)?;
    // x509-parser's own `key_size` is eight bits short for a modulus without a leading zero.
    let bits = integer_bits(key.modulus).ok_or(Malformed)?;
    integer_bits(key.exponent).ok_or(Malformed)?;
    let exponent = key
        .exponent
        .iter()
        .try_fold(0_u64, |value, byte| value.checked_mul(256).map(|shifted| shifted | u64::from(*byte)));
    Ok((bits, exponent))
}

type KeyKind = (Cow<'static, str>, Option<u32>, Option<u64>);

fn curve(parameters: Option<&Element<'_>>) -> Result<KeyKind, Malformed> {
    let parameters = parameters.ok_or(Malformed)?;
    if parameters.primitive() != Some(Tag::Oid) {
        return Ok(("EC with explicit parameters".into(), None, None));
    }
    let oid = Dotted::read(parameters.content)?;
    Ok(match CURVES.iter().find(|(known, ..)| *known == oid.as_str()) {
        Some((_, name, bits)) => ((*name).into(), Some(*bits), None),
        None => (format!("EC {}", oid.as_str()).into(), None, None),
    })
}

/// The size of the prime, the first of the parameters.
fn dsa_bits(parameters: &Element<'_>) -> Option<u32> {
    let prime = parameters.expect(Tag::Sequence).ok()?.reader().ok()?.expect(Tag::Integer).ok()?;
    integer_bits(prime.content)
}

/// Bits of a positive INTEGER.
fn integer_bits(content: &[u8]) -> Option<u32> {
    if content.first()? & 0x80 != 0 {
        return None;
    }
    let zeros = content.iter().take_while(|byte| **byte == 0).count();
    let significant = content.get(zeros..)?;
    let bits = u32::try_from(significant.len()).ok()?.checked_mul(8)?;
    bits.checked_sub(significant.first()?.leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::testing::{sequence, tlv};

    const RSA_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    const PSS_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    const EC_OID: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    const DSA_OID: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];

    fn spki(oid: &[u8], parameters: &[u8], key: &[u8]) -> Result<PublicKeyInfo, Malformed> {
        let identifier = sequence(&[tlv(6, oid), parameters.to_vec()]);
        let der = sequence(&[identifier, tlv(3, &[&[0], key].concat())]);
        PublicKeyInfo::read(&Element::single(&der).unwrap())
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<PublicKeyInfo, Malformed> {
        spki(RSA_OID, &tlv(5, b""), &sequence(&[tlv(2, modulus), tlv(2, exponent)]))
    }

    #[test]
    fn rsa_keys_are_measured_in_bits() {
        let zero_first = [&[0, 0x80], [0xff; 127].as_slice()].concat();
        let key = rsa(&zero_first, &[1, 0, 1]).unwrap();
        assert_eq!((key.algorithm(), key.bits(), key.rsa_exponent()), ("RSA", Some(1024), Some(65_537)));
        assert!(key.is_rsa());
        // One bit less: no leading zero.
        assert_eq!(rsa(&[0x7f; 128], &[3]).unwrap().bits(), Some(1023));
        assert_eq!(rsa(&[1], &[1]).unwrap().bits(), Some(1));
        assert_eq!(rsa(&[0x7f; 128], &[1; 9]).unwrap().rsa_exponent(), None);
    }

    #[test]
    fn broken_rsa_keys_are_refused() {
        assert_eq!(rsa(&[0x80; 128], &[3]), Err(Malformed));
        assert_eq!(rsa(&[], &[3]), Err(Malformed));
        assert_eq!(rsa(&[0], &[3]), Err(Malformed));
        assert_eq!(rsa(&[0x7f; 128], &[]), Err(Malformed));
        assert_eq!(rsa(&[0x7f; 128], &[0xff]), Err(Malformed));
        assert_eq!(rsa(&[0x7f; 128], &[0]), Err(Malformed));
        assert_eq!(spki(RSA_OID, &tlv(5, b""), b""), Err(Malformed));
        assert_eq!(spki(RSA_OID, &tlv(5, b""), &sequence(&[tlv(2, &[9])])), Err(Malformed));
    }

    #[test]
    fn other_keys_have_names() {
        let p256 = tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
        let named = |key: PublicKeyInfo| (key.algorithm().to_owned(), key.bits());
        assert_eq!(named(spki(EC_OID, &p256, &[4; 65]).unwrap()), ("EC P-256".to_owned(), Some(256)));
        assert_eq!(named(spki(EC_OID, &tlv(6, &[0x2a, 3]), &[4]).unwrap()), ("EC 1.2.3".to_owned(), None));
        let explicit = sequence(&[tlv(2, &[1])]);
        assert_eq!(
            named(spki(EC_OID, &explicit, &[4]).unwrap()),
            ("EC with explicit parameters".to_owned(), None)
        );
        assert_eq!(spki(EC_OID, b"", &[4]), Err(Malformed));
        assert_eq!(
            named(spki(&[0x2b, 0x65, 0x70], b"", &[4; 32]).unwrap()),
            ("Ed25519".to_owned(), Some(256))
        );
        let prime = sequence(&[tlv(2, &[0x7f; 128]), tlv(2, &[3]), tlv(2, &[2])]);
        assert_eq!(named(spki(DSA_OID, &prime, &[4]).unwrap()), ("DSA".to_owned(), Some(1023)));
        assert_eq!(named(spki(&[0x2a, 3], b"", &[4]).unwrap()), ("1.2.3".to_owned(), None));
    }

    #[test]
    fn loose_keys_are_refused() {
        let identifier = sequence(&[tlv(6, &[0x2a, 3])]);
        let loose = [
            sequence(&[identifier.clone(), tlv(3, &[])]),
            sequence(&[identifier.clone(), tlv(3, &[1, 2])]),
            sequence(&[identifier.clone(), tlv(4, &[0, 2])]),
            sequence(&[identifier.clone(), tlv(3, &[0, 2]), tlv(5, b"")]),
            sequence(&[sequence(&[tlv(6, &[0x2a, 3]), tlv(5, b""), tlv(5, b"")]), tlv(3, &[0, 2])]),
        ];
        for der in loose {
            assert_eq!(PublicKeyInfo::read(&Element::single(&der).unwrap()), Err(Malformed), "{der:x?}");
        }
    }

    #[test]
    fn signatures_have_names() {
        let name = |parts: &[Vec<u8>]| signature_algorithm(&Element::single(&sequence(parts)).unwrap());
        let pss = |hash: u8| {
            let hash = sequence(&[tlv(6, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, hash]), tlv(5, b"")]);
            name(&[tlv(6, PSS_OID), sequence(&[tlv(0xa0, &hash)])])
        };
        assert_eq!(name(&[tlv(6, &[0x2b, 0x65, 0x70])]).as_deref(), Ok("Ed25519"));
        assert_eq!(name(&[tlv(6, &[0x2a, 3])]).as_deref(), Ok("1.2.3"));
        assert_eq!(name(&[tlv(6, &RSA_OID[..8]), tlv(5, b"")]).as_deref(), Ok("1.2.840.113549.1.1"));
        assert_eq!(pss(1).as_deref(), Ok("RSA-PSS with SHA-256"));
        assert_eq!(pss(9).as_deref(), Ok("RSA-PSS with an unknown hash"));
        assert_eq!(name(&[tlv(6, PSS_OID), sequence::<Vec<u8>>(&[])]).as_deref(), Ok("RSA-PSS with SHA-1"));
        assert_eq!(name(&[tlv(6, PSS_OID)]), Err(Malformed));
        assert_eq!(name(&[tlv(6, &[0x2a, 3]), tlv(5, b""), tlv(5, b"")]), Err(Malformed));
    }

    #[test]
    fn the_tables_hold_identifiers() {
        let keys = KEYS.iter().chain(CURVES).map(|(oid, ..)| *oid);
        let signatures = SIGNATURES.iter().chain(PSS_HASHES).map(|(oid, _)| *oid);
        for oid in keys.chain(signatures).chain([RSA, RSA_PSS, EC, DSA]) {
            assert!(oid.parse::<Oid>().is_ok(), "{oid}");
        }
    }
}
