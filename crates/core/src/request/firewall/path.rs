//! Whether a path can be read in one way only.

use super::ambiguity::Ambiguity;
use super::percent::{Unit, Units};

/// The longest path that is looked at.
pub(crate) const LONGEST: usize = 8 * 1024;

/// Finds the first ambiguity of a path that `allowed` does not hold of.
pub(super) fn check(path: &[u8], allowed: impl Fn(Ambiguity) -> bool) -> Result<(), Ambiguity> {
    if path.len() > LONGEST {
        return Err(Ambiguity::PathTooLong);
    }
    if is_plain(path) { Ok(()) } else { exact(path, allowed) }
}

/// Whether there is nothing in the path that needs a closer look: one pass that vectorises.
fn is_plain(path: &[u8]) -> bool {
    let (Some((b'/', tail)), Some((&last, head))) = (path.split_first(), path.split_last()) else {
        return false;
    };
    // Each byte of `head` is looked at together with its successor, the byte of `tail` beside it.
    let odd = odd_in_blocks::<16>(head, tail).or_else(|| odd_in_blocks::<8>(head, tail));
    let odd = odd.unwrap_or_else(|| {
        head.iter().zip(tail).fold(0, |odd, (&byte, &next)| odd | is_odd(byte) | is_odd_pair(byte, next)) != 0
    });
    !odd && is_odd(last) == 0
}

/// Looks at blocks of `N` bytes, the last of which may overlap the one before.
///
/// `None` if there is not even one block.
fn odd_in_blocks<const N: usize>(head: &[u8], tail: &[u8]) -> Option<bool> {
    let last = odd_in_block::<N>(head.last_chunk()?, tail.last_chunk()?);
    let (heads, _) = head.as_chunks::<N>();
    let (tails, _) = tail.as_chunks::<N>();
    Some(heads.iter().zip(tails).fold(last, |odd, (head, tail)| odd | odd_in_block(head, tail)))
}

fn odd_in_block<const N: usize>(head: &[u8; N], tail: &[u8; N]) -> bool {
    // Or-ing without an early exit is what lets the compiler use vector instructions.
    let mut odd = 0;
    for (&byte, &next) in head.iter().zip(tail) {
        odd |= is_odd(byte) | is_odd_pair(byte, next);
    }
    odd != 0
}

/// 1 for a byte that may be ambiguous whatever surrounds it, else 0.
fn is_odd(byte: u8) -> u8 {
    u8::from(byte.wrapping_sub(0x21) > 0x7e - 0x21)
        | u8::from(byte == b'%')
        | u8::from(byte == b';')
        | u8::from(byte == b'\\')
        | u8::from(byte == b'?')
        | u8::from(byte == b'#')
}

/// 1 for the beginning of an empty segment or of one that begins with a dot, else 0.
fn is_odd_pair(byte: u8, next: u8) -> u8 {
    u8::from(byte == b'/') & (u8::from(next == b'/') | u8::from(next == b'.'))
}

/// Looks at the path byte by byte.
#[cold]
fn exact(path: &[u8], allowed: impl Fn(Ambiguity) -> bool) -> Result<(), Ambiguity> {
    let refuse = |ambiguity| if allowed(ambiguity) { Ok(()) } else { Err(ambiguity) };
    let Some(body) = path.strip_prefix(b"/") else {
        return Err(Ambiguity::MissingSlash);
    };
    let mut segments = body.split(|byte| *byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if segment.is_empty() && !is_last {
            refuse(Ambiguity::EmptySegment)?;
        }
        if has_dot_segment(segment) {
            refuse(Ambiguity::DotSegment)?;
        }
        check_units(segment, refuse)?;
    }
    Ok(())
}

/// Whether `.` or `..` stands between any two bytes that some reader takes for a separator.
fn has_dot_segment(segment: &[u8]) -> bool {
    let mut dots = Some(0);
    for unit in Units::new(segment) {
        match (unit.byte(), dots) {
            (b'/' | b'\\' | b';', Some(1 | 2)) => return true,
            (b'/' | b'\\' | b';', _) => dots = Some(0),
            (b'.', Some(count @ 0..=1)) => dots = Some(count + 1),
            _ => dots = None,
        }
    }
    matches!(dots, Some(1 | 2))
}

fn check_units(segment: &[u8], refuse: impl Fn(Ambiguity) -> Result<(), Ambiguity>) -> Result<(), Ambiguity> {
    let mut character = Character::default();
    for unit in Units::new(segment) {
        match unit {
            Unit::Escaped(byte @ 0x80..) => {
                character.push(byte, Ambiguity::EncodedControl)?;
                continue;
            }
            Unit::Raw(byte @ 0x80..) => {
                refuse(Ambiguity::NonAscii)?;
                character.push(byte, Ambiguity::RawControl)?;
                continue;
            }
            _ => character.end()?,
        }
        match unit {
            Unit::Broken => refuse(Ambiguity::InvalidPercent)?,
            Unit::Escaped(0) => refuse(Ambiguity::EncodedNul)?,
            Unit::Escaped(0x01..=0x1f | 0x7f) => refuse(Ambiguity::EncodedControl)?,
            Unit::Escaped(b'/') => refuse(Ambiguity::EncodedSlash)?,
            Unit::Escaped(b'\\') => refuse(Ambiguity::EncodedBackslash)?,
            Unit::Escaped(b'%') => refuse(Ambiguity::EncodedPercent)?,
            Unit::Escaped(b';') | Unit::Raw(b';') => refuse(Ambiguity::Semicolon)?,
            Unit::Escaped(byte) if is_unreserved(byte) => refuse(Ambiguity::EncodedUnreserved)?,
            Unit::Raw(b'\\') => refuse(Ambiguity::Backslash)?,
            Unit::Raw(b'?' | b'#') => refuse(Ambiguity::Delimiter)?,
            Unit::Raw(0x00..=0x20 | 0x7f) => refuse(Ambiguity::RawControl)?,
            Unit::Escaped(_) | Unit::Raw(_) => {}
        }
    }
    character.end()
}

/// RFC 3986, 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// The bytes of a non-ASCII character, as far as they have been read.
#[derive(Default)]
struct Character {
    bytes: [u8; 4],
    len: usize,
}

impl Character {
    fn push(&mut self, byte: u8, control: Ambiguity) -> Result<(), Ambiguity> {
        let free = self.bytes.get_mut(self.len).ok_or(Ambiguity::InvalidUtf8)?;
        *free = byte;
        self.len += 1;
        match std::str::from_utf8(self.bytes.get(..self.len).unwrap_or_default()) {
            Ok(text) if text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) => {
                Err(control)
            }
            Ok(_) => {
                self.len = 0;
                Ok(())
            }
            Err(error) if error.error_len().is_none() => Ok(()),
            Err(_) => Err(Ambiguity::InvalidUtf8),
        }
    }

    fn end(&self) -> Result<(), Ambiguity> {
        if self.len == 0 { Ok(()) } else { Err(Ambiguity::InvalidUtf8) }
    }
}
