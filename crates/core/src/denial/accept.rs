//! Which form of an answer the client likes best (RFC 9110, 12.5.1).

/// The forms in which a denial can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Html,
    Problem,
}

/// The better liked of the two forms; HTML when the client has no preference or none that is understood.
pub(super) fn preferred(accept: Option<&str>) -> Form {
    let accept = accept.unwrap_or("*/*");
    let html = liking(accept, ["text/html", "application/xhtml+xml"]);
    let json = liking(accept, ["application/problem+json", "application/json"]);
    if json > html { Form::Problem } else { Form::Html }
}

/// How well the types are liked: the quality in thousandths, then how exactly they were named.
fn liking(accept: &str, types: [&str; 2]) -> (u16, u8) {
    let mut exactness_and_quality = (0, 0);
    for range in accept.split(',').take(64) {
        let mut parts = range.split(';').map(str::trim);
        let Some(exactness) = parts.next().and_then(|name| exactness(name, types)) else { continue };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
        // The range that names a type most exactly decides about it, whatever the others say.
        exactness_and_quality = exactness_and_quality.max((exactness, quality));
    }
    let (exactness, quality) = exactness_and_quality;
    (quality, exactness)
}

/// How exactly a media range names one of the types: by name, by its first half, or with all others.
fn exactness(range: &str, types: [&str; 2]) -> Option<u8> {
    if types.iter().any(|name| range.eq_ignore_ascii_case(name)) {
        return Some(3);
    }
    let (first, second) = range.split_once('/')?;
    let half = |name: &&str| name.split_once('/').is_some_and(|(half, _)| half.eq_ignore_ascii_case(first));
    match (first, second) {
        ("*", "*") => Some(1),
        (_, "*") if types.iter().any(half) => Some(2),
        _ => None,
    }
}

fn thousandths(q: &str) -> u16 {
    match q.parse::<f32>() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=1000 before the cast"
        )]
        Ok(q) if q.is_finite() => (q.clamp(0.0, 1.0) * 1000.0) as u16,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_curl_get_a_page() {
        for accept in [
            None,
            Some("*/*"),
            Some(""),
            Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            Some("text/*"),
            Some("garbage;;;q=,,,"),
            Some("application/json;q=nan, text/html;q=0.1"),
        ] {
            assert_eq!(preferred(accept), Form::Html, "{accept:?}");
        }
    }

    #[test]
    fn programs_get_a_problem() {
        for accept in [
            "application/json",
            "application/problem+json",
            "application/json, text/plain, */*",
            "application/json, */*;q=0.5",
            "text/html;q=0.5, application/json",
            "application/*, text/html;q=0.9",
            "APPLICATION/JSON",
            "application/json;charset=utf-8;q=0.8, text/html;q=0.7",
        ] {
            assert_eq!(preferred(Some(accept)), Form::Problem, "{accept}");
        }
    }
}
