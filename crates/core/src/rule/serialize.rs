//! Rules as text in whatever format serde writes.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Rule;

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::role;

    #[test]
    fn a_rule_is_its_text() {
        let rule = role("admin").and(!role("suspended"));
        let json = serde_json::to_string(&rule).unwrap();
        assert_eq!(json, r#""role(\"admin\") && !role(\"suspended\")""#);
        assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), rule);
        let error = serde_json::from_str::<Rule>(r#""role(admin)""#).unwrap_err();
        assert!(error.to_string().contains("takes one string"), "{error}");
    }
}
