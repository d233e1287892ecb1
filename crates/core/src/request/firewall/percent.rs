//! Percent-encoding, read once and without allocation.

/// One byte of a path, and how it was spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A byte that stands for itself.
    Raw(u8),
    /// `%XY`.
    Escaped(u8),
    /// A `%` without two hexadecimal digits.
    Broken,
}

impl Unit {
    /// The byte that is meant; a broken `%` means itself.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Unit::Raw(byte) | Unit::Escaped(byte) => byte,
            Unit::Broken => b'%',
        }
    }
}

/// The units of a path or segment, and the bytes that are left behind each.
#[derive(Clone, Debug)]
pub(crate) struct Units<'a> {
    rest: &'a [u8],
}

impl<'a> Units<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        if first != b'%' {
            return Some(Unit::Raw(first));
        }
        let Some((&[high, low], rest)) = rest.split_first_chunk() else {
            return Some(Unit::Broken);
        };
        let (Some(high), Some(low)) = (digit(high), digit(low)) else {
            return Some(Unit::Broken);
        };
        self.rest = rest;
        Some(Unit::Escaped(high << 4 | low))
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<Unit> {
        Units::new(text.as_bytes()).collect()
    }

    #[test]
    fn escapes_are_read_in_either_case() {
        assert_eq!(units("a%2F%c3"), [Unit::Raw(b'a'), Unit::Escaped(b'/'), Unit::Escaped(0xc3)]);
    }

    #[test]
    fn what_follows_a_broken_percent_is_read_on_its_own() {
        assert_eq!(units("%zz"), [Unit::Broken, Unit::Raw(b'z'), Unit::Raw(b'z')]);
        assert_eq!(units("%%41"), [Unit::Broken, Unit::Escaped(b'A')]);
        assert_eq!(units("%4"), [Unit::Broken, Unit::Raw(b'4')]);
        assert_eq!(units("%"), [Unit::Broken]);
        assert_eq!(units("%+1"), [Unit::Broken, Unit::Raw(b'+'), Unit::Raw(b'1')]);
    }
}
