//! The forms in which a secret can slip into a text.

use std::error::Error;
use std::fmt::Debug;

pub(crate) const PASSPHRASE: &str = "correct-horse-battery-staple";
pub(crate) const SALT: &str = "a-salt-that-makes-pseudonyms-guessable";

/// Everything that must not be printed, in every form that a careless `Debug` or message would give it.
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Those of a private key in PKCS#8.
    pub(crate) fn of(key: &[u8]) -> Self {
        let secret = private_part(key);
        let mut forms = vec![PASSPHRASE.to_owned(), SALT.to_owned()];
        for window in secret.chunks_exact(8) {
            let joined = |separator: &str, form: fn(&u8) -> String| {
                window.iter().map(form).collect::<Vec<_>>().join(separator)
            };
            forms.extend([
                joined(", ", u8::to_string),
                joined(",", u8::to_string),
                joined("", |byte| format!("{byte:02x}")),
                joined("", |byte| format!("{byte:02X}")),
                joined(":", |byte| format!("{byte:02x}")),
                joined(", ", |byte| format!("{byte:#04x}")),
                joined(", ", |byte| format!("{byte:02x}")),
                window.escape_ascii().to_string(),
            ]);
        }
        // Base64 looks different depending on where in the text a byte stands.
        for skipped in 0..3 {
            let text = base64(&secret[skipped..]);
            forms.extend(
                text.as_bytes().chunks_exact(12).map(|part| String::from_utf8(part.to_vec()).unwrap()),
            );
        }
        Self(forms)
    }

    /// Those of an audit.
    pub(crate) fn of_audit() -> Self {
        Self(vec![SALT.into(), format!("{:?}", SALT.as_bytes()).trim_matches(['[', ']']).to_owned()])
    }

    fn find(&self, text: &str) -> Option<&str> {
        // A pretty-printed list has a line for each number.
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.0.iter().map(String::as_str).find(|secret| text.contains(secret) || flat.contains(secret))
    }

    fn assert_absent(&self, what: &str, text: &str) {
        if let Some(secret) = self.find(text) {
            panic!("{what} prints `{secret}`: {text}");
        }
    }

    pub(crate) fn assert_hidden(&self, what: &str, value: &impl Debug) {
        self.assert_absent(what, &format!("{value:?}"));
        self.assert_absent(what, &format!("{value:#?}"));
    }

    /// An error with all its causes.
    pub(crate) fn assert_quiet(&self, what: &str, error: &dyn Error) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.assert_absent(what, &error.to_string());
            self.assert_absent(what, &format!("{error:?} {error:#?}"));
            next = error.source();
        }
    }
}

/// The bytes of PKCS#8 that are not public: of RSA the second half, of curves the scalar.
fn private_part(key: &[u8]) -> &[u8] {
    const RSA: usize = 500;
    if key.len() > RSA {
        return &key[key.len() / 2..];
    }
    let scalar = [(32, [0x04, 0x20]), (48, [0x04, 0x30])].into_iter().find_map(|(length, head)| {
        let at = key[..40].windows(2).position(|window| window == head)?;
        key.get(at + 2..at + 2 + length)
    });
    scalar.expect("the scalar")
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks_exact(3).map(|group| {
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift & 63) as usize]))
    });
    groups.flatten().collect()
}

#[test]
fn o11_what_is_looked_for_would_be_found() {
    for key in crate::KEYS {
        let issued = crate::server(key);
        let (der, secrets) = (issued.key_der(), Secrets::of(issued.key_der()));
        assert!(secrets.find(&format!("{der:?}")).is_some(), "{key:?}: as a list");
        assert!(secrets.find(&format!("{der:#?}")).is_some(), "{key:?}: as a list in lines");
        assert!(secrets.find(&format!("{der:02x?}")).is_some(), "{key:?}: as a list in hexadecimal");
        assert!(secrets.find(&der.escape_ascii().to_string()).is_some(), "{key:?}: as a byte string");
        let hex: String = der.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(secrets.find(&hex).is_some(), "{key:?}: in hexadecimal");
        assert!(secrets.find(&issued.key_pem().unwrap()).is_some(), "{key:?}: as PEM");
        assert!(
            secrets.find(&format!("{:?}", issued.key_pem().unwrap())).is_some(),
            "{key:?}: as quoted PEM"
        );
        assert!(
            secrets.find(&format!("{:?}", issued.key_pem().unwrap().as_bytes())).is_none(),
            "of another form"
        );
        assert!(secrets.find(&format!("wrong passphrase `{PASSPHRASE}`")).is_some());
        assert_eq!(secrets.find(&issued.certificate_pem().unwrap()), None, "a certificate is no secret");
    }
    assert_eq!(base64(b"any carnal pleas"), "YW55IGNhcm5hbCBwbGVh");
}
