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
    let html = quality(accept, &["text/html", "application/xhtml+xml"]);
    let json = quality(accept, &["application/problem+json", "application/json"]);
    if json > html { Form::Problem } else { Form::Html }
}

/// The highest quality in thousandths among the media types; an exact type beats a range.
fn quality(accept: &str, types: &[&str]) -> u16 {
    let mut best = (0, 0);
    for range in accept.split(',').take(64) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let specificity = if types.contains(&name.as_str()) {
            2
        } else if types.iter().any(|t| name.strip_suffix("/*").is_some_and(|n| t.starts_with(n) && n.contains(char::is_alphabetic))) {
            1
        } else if name == "*/*" {
            0
        } else {
            continue;
        };
        let thousandths = parts.find_map(|p| p.strip_prefix("q=")).map_or(1000, thousandths);
        best = best.max((specificity + 1, thousandths));
    }
    best.1
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
