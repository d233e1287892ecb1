//! What is wrong with a rule's text, where, and what to do.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::did_you_mean;

/// One mistake in a text: a rule, or a file that it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    span: Range<usize>,
    message: String,
    help: Option<String>,
}

impl Diagnostic {
    /// A mistake at these bytes of the text.
    #[must_use]
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(self, help: impl Into<Option<String>>) -> Self {
        Self { help: help.into(), ..self }
    }

    /// Asks for one of the words, if one is like what was written; otherwise lists them.
    #[must_use]
    pub fn expected(self, written: &str, words: &[&str]) -> Self {
        let help = did_you_mean(written, words.iter().copied(), "");
        self.help(help.unwrap_or_else(|| format!("expected one of `{}`", words.join("`, `"))))
    }

    /// Where in the text, in bytes.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do, if there is advice.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Draws the mistake into the file that the rule's text stands in.
    ///
    /// Of PEM text only the beginning is drawn: where a file is mistaken for another one it is a key.
    ///
    /// `place` says where in `source` a byte of the rule's text is. Where the two cannot be matched
    /// exactly, because the text is escaped in the file, the picture points near the mistake; line
    /// numbers, message and advice are right nevertheless.
    #[must_use]
    pub fn render(&self, file: &str, source: &str, place: impl Fn(usize) -> usize) -> String {
        let source = &*without_pem(source);
        let start = boundary(source, place(self.span.start));
        let end = boundary(source, place(self.span.end)).max(start);
        let snippet = Snippet::source(source).path(file).annotation(AnnotationKind::Primary.span(start..end));
        let title = Level::ERROR.primary_title(&self.message);
        let mut group: Group<'_> = title.element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        Renderer::plain().decor_style(DecorStyle::Ascii).render(&[group])
    }
}

/// The text with stars for what is in PEM blocks, each byte and each line at its place.
fn without_pem(source: &str) -> Cow<'_, str> {
    const BEGIN: &str = "-----BEGIN ";
    if !source.contains(BEGIN) {
        return Cow::Borrowed(source);
    }
    let mut shown = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, block)) = rest.split_once(BEGIN) {
        let (inside, after) =
            block.find("-----END ").and_then(|end| block.split_at_checked(end)).unwrap_or((block, ""));
        let starred = |c: char| std::iter::repeat_n(if c == '\n' { c } else { '*' }, c.len_utf8());
        shown.extend([before, BEGIN]);
        shown.extend(inside.chars().flat_map(starred));
        rest = after;
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// The next place that a text can be cut at.
fn boundary(source: &str, at: usize) -> usize {
    (at..source.len()).find(|at| source.is_char_boundary(*at)).unwrap_or(source.len())
}

/// The message and the advice in one line.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, ": {help}"),
            None => Ok(()),
        }
    }
}

/// The text is no rule.
///
/// It displays as one picture for each mistake.
///
/// # Examples
///
/// ```
/// use portcullis_core::Rule;
///
/// let error = Rule::parse(r#"subject.cn == "alice""#).unwrap_err();
/// let [mistake] = error.diagnostics() else { panic!("{error}") };
/// assert_eq!(mistake.message(), "`subject` has no field `cn`");
/// assert_eq!(mistake.advice(), Some("did you mean `subject.CN`?"));
/// assert_eq!(mistake.span(), 8..10);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    source: String,
    diagnostics: Vec<Diagnostic>,
}

impl RuleError {
    pub(crate) fn new(source: &str, diagnostics: Vec<Diagnostic>) -> Self {
        Self { source: source.to_owned(), diagnostics }
    }

    /// The mistakes; at least one.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.diagnostics.iter().enumerate() {
            let picture = diagnostic.render("rule", &self.source, |at| at);
            write!(f, "{}{picture}", if i > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_drawn() {
        let text = "a = 1\nkey = \"-----BEGIN PRIVATE KEY-----\nMIGH\u{e4}AgEA\n-----END PRIVATE KEY-----\" b\nc = 2\n";
        let shown = without_pem(text);
        assert_eq!(shown.len(), text.len());
        assert!(!shown.contains("MIGH") && !shown.contains("AgEA"), "{shown}");
        assert!(shown.starts_with("a = 1\nkey = \"-----BEGIN ***"), "{shown}");
        assert!(shown.ends_with("-----END PRIVATE KEY-----\" b\nc = 2\n"), "{shown}");
        for (text, expected) in [
            ("plain", "plain"),
            ("-----BEGIN ", "-----BEGIN "),
            ("x -----BEGIN MIGH", "x -----BEGIN ****"),
            ("-----BEGIN a-----END -----BEGIN b", "-----BEGIN *-----END -----BEGIN *"),
        ] {
            assert_eq!(without_pem(text), expected);
        }
        let picture = Diagnostic::new(12..20, "no").render("f", text, |at| at);
        assert!(picture.contains("BEGIN ****") && !picture.contains("MIGH"), "{picture}");
    }
}
