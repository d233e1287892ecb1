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
    let odd = odd_in_blocks(head, tail).or_else(|| Some(odd_in_block(&ends(head)?, &ends(tail)?)));
    let odd = odd.unwrap_or_else(|| {
        head.iter().zip(tail).fold(0, |odd, (&byte, &next)| odd | is_odd(byte) | is_odd_pair(byte, next)) != 0
    });
    !odd && is_odd(last) == 0
}

/// How many bytes a vector register has on every machine.
const BLOCK: usize = 16;

/// Looks at one block after the other, the last of which may overlap the one before.
///
/// `None` if there is not even one.
fn odd_in_blocks(head: &[u8], tail: &[u8]) -> Option<bool> {
    let last = odd_in_block(head.last_chunk()?, tail.last_chunk()?);
    let (heads, _) = head.as_chunks();
    let (tails, _) = tail.as_chunks();
    Some(heads.iter().zip(tails).fold(last, |odd, (head, tail)| odd | odd_in_block(head, tail)))
}

/// The first and the last half of a block, which overlap or meet in a text that is shorter than one.
fn ends(text: &[u8]) -> Option<[u8; BLOCK]> {
    let (first, last) = (u64::from_le_bytes(*text.first_chunk()?), u64::from_le_bytes(*text.last_chunk()?));
    Some((u128::from(last) << 64 | u128::from(first)).to_le_bytes())
}

fn odd_in_block(head: &[u8; BLOCK], tail: &[u8; BLOCK]) -> bool {
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
#[inline(never)]
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strict(path: &str) -> Result<(), Ambiguity> {
        check(path.as_bytes(), |_| false)
    }

    #[test]
    fn attacks_are_refused_by_name() {
        use Ambiguity::*;
        for (ambiguity, paths) in [
            (EmptySegment, &["//", "//admin", "/api//secret", "/admin//", "/0123456789abcdef//x"][..]),
            (DotSegment, &["/.", "/..", "/./admin", "/a/.", "/info/../private", "/files/../admin", "/a/../"]),
            (DotSegment, &["/%2e/a", "/admin/%2E", "/x/%2e%2e/admin", "/x/.%2e/admin", "/%2e."]),
            (
                DotSegment,
                &["/x/..;/admin", "/x/..%3b/a", "/x/..%2fadmin", "/x/a%2f..%2fb", "/x/..\\a", "/a%5c.."],
            ),
            (EncodedSlash, &["/files/a%2fb", "/admin%2Fx", "/%2f", "/a/b%2F"]),
            (EncodedBackslash, &["/static/a%5Cb", "/%5c"]),
            (Backslash, &["/a\\b", "/\\", "/admin\\"]),
            (EncodedNul, &["/private%00.png", "/%00"]),
            (EncodedPercent, &["/%2561dmin", "/admin/%25%32%66x", "/a%25"]),
            (Semicolon, &["/admin;x=1", "/admin%3Bx", "/admin/%3bpage", "/x;i18ntranslation", "/;"]),
            (EncodedUnreserved, &["/%61dmin", "/%61%64%6D%69%6E", "/a%2D", "/%7e", "/a%2eb", "/%5F", "/%30"]),
            (InvalidPercent, &["/a%zz", "/a%2", "/a%", "/%", "/%%41", "/%4g", "/%2", "/%é"]),
            (
                InvalidUtf8,
                &["/admin/%ff", "/%c0%ae%c0%ae", "/%C3", "/%C3/%A9", "/%C3a", "/%C3%C3%A9", "/%ed%a0%80"],
            ),
            (InvalidUtf8, &["/%f4%90%80%80", "/%80", "/%F0%9F%98", "/%C3%41", "/%f8%88%80%80%80"]),
            (EncodedControl, &["/admin/%0a", "/admin/a%0d", "/%01", "/%1F", "/%7f", "/admin%09", "/%c2%85"]),
            (EncodedControl, &["/%C2%80", "/%c2%9f", "/%e2%80%a8", "/%E2%80%A9"]),
            (RawControl, &["/a b", "/a\n", "/\0", "/a\x7f", "/a\t/b", "/ "]),
            (NonAscii, &["/é", "/admin\u{85}", "/\u{131}"]),
            (Delimiter, &["/admin?x=1", "/admin?", "/admin#foo", "/#"]),
            (
                MissingSlash,
                &["", "admin", "*", "Service/Method", "?", "\\", "https://a/b", "a:443", "%2fadmin"],
            ),
        ] {
            for path in paths {
                assert_eq!(strict(path), Err(ambiguity), "{path:?}");
            }
        }
        assert_eq!(strict(&format!("/{}", "a".repeat(LONGEST))), Err(Ambiguity::PathTooLong));
    }

    #[test]
    fn plain_paths_pass() {
        for path in [
            "/",
            "/a",
            "/a/",
            "/a.b",
            "/...",
            "/.well-known/acme",
            "/a/..b",
            "/a/b..",
            "/a/.b.",
            "/a%20b",
            "/%C3%A9",
            "/%c3%a9/x",
            "/%F0%9F%98%80",
            "/ADMIN",
            "/adm%C4%B1n",
            "/%ef%bc%8f",
            "/bob%40example.com",
            "/a:b@c!$&'()*+,=~_-",
            "/a|b[c]\"<>^`{}",
            "/0123456789abcdef0123456789/a.b-c_d~",
            "/admin%3fx",
            "/a%23",
            "/%C2%A0",
        ] {
            assert_eq!(strict(path), Ok(()), "{path}");
        }
        assert_eq!(strict(&format!("/{}", "a".repeat(LONGEST - 1))), Ok(()));
    }

    #[test]
    fn an_odd_byte_is_seen_at_every_place_of_every_length() {
        for len in 2..70 {
            for at in 1..len {
                let mut path = vec![b'a'; len];
                path[0] = b'/';
                assert!(is_plain(&path), "{len}");
                for odd in [b'%', b';', b'\\', b'?', b'#', b' ', b'\n', 0, 0x7f, 0x80, 0xff] {
                    path[at] = odd;
                    assert!(!is_plain(&path), "{odd} at {at} of {len}");
                }
                path[at] = b'/';
                assert_eq!(is_plain(&path), at > 1, "slash at {at} of {len}");
                path[at] = b'a';
            }
        }
    }

    #[test]
    fn each_knob_opens_what_it_names_and_nothing_else() {
        use Ambiguity::*;
        let samples = [
            (EmptySegment, "/a//b"),
            (DotSegment, "/a/../b"),
            (EncodedSlash, "/a%2fb"),
            (EncodedBackslash, "/a%5cb"),
            (Backslash, "/a\\b"),
            (EncodedPercent, "/a%25b"),
            (Semicolon, "/a;b%3bc"),
            (EncodedUnreserved, "/%61"),
            (NonAscii, "/é"),
        ];
        for (knob, _) in samples {
            for (ambiguity, path) in samples {
                let expected = if knob == ambiguity { Ok(()) } else { Err(ambiguity) };
                assert_eq!(check(path.as_bytes(), |a| a == knob), expected, "{path} with {knob:?}");
            }
        }
        assert_eq!(check("/é\u{85}".as_bytes(), |a| a == NonAscii), Err(RawControl));
        assert_eq!(check("/é%A9".as_bytes(), |a| a == NonAscii), Err(InvalidUtf8));
        assert_eq!(check("/%C3é".as_bytes(), |a| a == NonAscii), Err(InvalidUtf8));
        assert_eq!(check(b"/a%2f..%2fb", |a| a == EncodedSlash), Err(DotSegment));
        assert_eq!(check(b"/x/..;a/b", |a| a == Semicolon), Err(DotSegment));
        assert_eq!(check(b"/%2e%2e/b", |a| a == EncodedUnreserved), Err(DotSegment));
        assert_eq!(check(b"/%2e%2e/b", |a| a == DotSegment), Err(EncodedUnreserved));
    }

    /// Bytes of paths, with a liking for those that mean something.
    fn path_bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            4 => proptest::sample::select(&b"/.%2e5cfa;\\\x00b/~?#CAE80"[..]),
            3 => b'a'..=b'z',
            1 => any::<u8>(),
        ];
        proptest::collection::vec(byte, 0..70).prop_map(|mut bytes| {
            bytes.insert(0, b'/');
            bytes
        })
    }

    /// Few pieces, so that many a path passes.
    fn path_of_pieces() -> impl Strategy<Value = String> {
        const PIECES: &[&str] =
            &["a", "/", ".", "%20", "%C3%A9", "%2e", "%2", "5c", "..", "%e2%80", "%A8", ";", "%c2", "%3f"];
        let pieces = proptest::collection::vec(proptest::sample::select(PIECES), 0..6);
        pieces.prop_map(|pieces| format!("/{}", pieces.concat()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn the_fast_pass_agrees_with_the_exact_one(path in path_bytes()) {
            prop_assert_eq!(check(&path, |_| false), exact(&path, |_| false));
        }

        #[test]
        fn what_passes_has_one_reading(path in path_of_pieces()) {
            if check(path.as_bytes(), |_| false).is_err() {
                return Ok(());
            }
            let mut segments = path.split('/').skip(1).peekable();
            while let Some(segment) = segments.next() {
                prop_assert!(!segment.is_empty() || segments.peek().is_none());
                let decoded: Vec<u8> = Units::new(segment.as_bytes()).map(Unit::byte).collect();
                let decoded = String::from_utf8(decoded).expect("UTF-8");
                prop_assert!(decoded != "." && decoded != "..");
                prop_assert!(!decoded.contains(|c: char| c.is_control() || "/\\;%".contains(c)));
                // Decoding once more changes nothing.
                prop_assert!(Units::new(decoded.as_bytes()).all(|unit| matches!(unit, Unit::Raw(_))));
            }
        }
    }
}
