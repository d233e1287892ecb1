//! Subject alternative names for logs and pages: a map from kinds to lists.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{MalformedSan, SanKind, SubjectAlternativeNames, kind::KINDS};

impl Serialize for SubjectAlternativeNames {
    /// Writes the usable kinds that there are, and what is malformed.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for kind in KINDS {
            if let Ok(values @ [_, ..]) = self.values(kind) {
                map.serialize_entry(&kind, values)?;
            }
        }
        if !self.malformed.is_empty() {
            map.serialize_entry("malformed", &self.malformed)?;
        }
        map.end()
    }
}

impl Serialize for MalformedSan {
    /// Writes the kind and the reason, and not the bytes.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("kind", &self.kind)?;
        map.serialize_entry("reason", self.reason)?;
        map.end()
    }
}

impl Serialize for SanKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::SubjectAlternativeNames;
    use crate::certificate::testing::{sequence, tlv};

    #[test]
    fn kinds_are_listed() {
        let der = sequence(&[tlv(0x82, b"A.example"), tlv(0x87, &[10, 0, 0, 1]), tlv(0x86, b"x\0")]);
        let json = serde_json::to_string(&SubjectAlternativeNames::from_der(&der).unwrap()).unwrap();
        let malformed = r#"[{"kind":"uri","reason":"holds a control character"}]"#;
        assert_eq!(json, format!(r#"{{"dns":["a.example"],"ip":["10.0.0.1"],"malformed":{malformed}}}"#));
    }
}
