//! Names for logs and pages: a list of attributes in the order of the certificate.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{Attribute, Name};

impl Serialize for Name {
    /// Writes a list of attributes; those of one relative distinguished name stand side by side.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rdns().iter().flat_map(|rdn| rdn.attributes()))
    }
}

impl Serialize for Attribute {
    /// Writes `type` and `value`; instead of an unusable value, what is wrong and the RFC 4514 text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.value();
        let mut fields = serializer.serialize_struct("Attribute", if value.is_ok() { 2 } else { 3 })?;
        fields.serialize_field("type", self.attribute_type())?;
        match value {
            Ok(value) => fields.serialize_field("value", value)?,
            Err(reason) => {
                fields.serialize_field("unusable", &reason.to_string())?;
                fields.serialize_field("printed", &self.to_string())?;
            }
        }
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::Name;
    use crate::certificate::testing::name;

    #[test]
    fn attributes_are_listed() {
        let der = name(&[&[(&[0x55, 4, 10], 0x0c, b"a,b")], &[(&[0x55, 4, 3], 0x0c, b"x\0")]]);
        let json = serde_json::to_string(&Name::from_der(&der).unwrap()).unwrap();
        let unusable =
            r#"{"type":"CN","unusable":"it holds the control character U+0000","printed":"CN=x\\00"}"#;
        assert_eq!(json, format!(r#"[{{"type":"O","value":"a,b"}},{unusable}]"#));
    }
}
