//! A denial as `application/problem+json` (RFC 9457).

use super::{Denial, page};

/// The body. Nothing of the rule, the route or anybody's certificate is in it.
pub(super) fn body(denial: &Denial) -> String {
    let text = page::text(denial.kind());
    serde_json::json!({
        "type": format!("urn:portcullis:denial:{}", denial.kind()),
        "title": text.title,
        "status": denial.status(),
        "detail": format!("{} {}", text.what, text.remedy),
        "instance": format!("urn:portcullis:denial-id:{}", denial.id()),
        "id": denial.id().to_string(),
    })
    .to_string()
}
