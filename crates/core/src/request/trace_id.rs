//! The id that ties a request to a distributed trace.

use std::fmt;
use std::num::NonZeroU128;

/// The id of a distributed trace (W3C Trace Context). Prints as 32 lower-case hexadecimal digits.
///
/// The client chooses it: it helps to find things, and proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(NonZeroU128);

impl TraceId {
    /// Exactly 32 lower-case hexadecimal digits, not all of them zero.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let number = fits.then(|| u128::from_str_radix(text, 16).ok())??;
        NonZeroU128::new(number).map(Self)
    }

    /// The second part of `version-trace-parent-flags`; later versions may add parts, version `ff` is none.
    pub(super) fn of_traceparent(header: &str) -> Option<Self> {
        let mut parts = header.trim_matches([' ', '\t']).split('-');
        let (version, id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let more = parts.next().is_some();
        let fits = version.len() == 2 && version != "ff" && parent.len() == 16 && flags.len() == 2;
        (fits && (version != "00" || !more)).then(|| Self::parse(id))?
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn only_32_hexadecimal_digits_are_an_id() {
        assert_eq!(TraceId::parse(ID).unwrap().to_string(), ID);
        let (zeros, upper, short) = ("0".repeat(32), ID.to_uppercase(), ID.trim_end_matches('6'));
        let (signed, wide) = (format!("+{short}"), format!("{}\u{e9}", short.trim_end_matches('3')));
        assert_eq!((signed.len(), wide.len()), (32, 32));
        for text in ["", "x", &zeros, &upper, short, &signed, &wide, "4bf92f3577b34da6a3ce929d0e0e473\n"] {
            assert_eq!(TraceId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_traceparent_is_read_by_the_letter() {
        let parsed = |header: &str| TraceId::of_traceparent(header).map(|id| id.to_string());
        let good = format!("00-{ID}-00f067aa0ba902b7-01");
        assert_eq!(parsed(&good).as_deref(), Some(ID));
        assert_eq!(parsed(&format!(" {good}\t")).as_deref(), Some(ID));
        assert_eq!(
            parsed(&format!("01-{ID}-00f067aa0ba902b7-01-more")).as_deref(),
            Some(ID),
            "a later version"
        );
        for bad in [
            String::new(),
            ID.to_owned(),
            format!("{good}-more"),
            format!("ff-{ID}-00f067aa0ba902b7-01"),
            format!("00-{ID}-00f067aa0ba902b7"),
            format!("00-{ID}-00f067-01"),
            format!("0-{ID}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
        ] {
            assert_eq!(parsed(&bad), None, "{bad:?}");
        }
    }
}
