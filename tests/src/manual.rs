//! The blocks of the manual: what a reader copies has to work.
//!
//! The words behind the language of a fenced block say what it is:
//!
//! | block | what is checked |
//! | --- | --- |
//! | `toml policy` | it is loaded as a policy |
//! | `toml refused` | it is refused, with the text of the block that follows |
//! | `toml configuration` | it is read as a configuration, without the files that it names |
//! | `toml file NAME` | all of a page are written to a folder, and the first one is loaded |
//! | `text matrix`, `text lint` | what the last policy has to say |
//! | `text diff` | what changes from the last policy but one to the last |
//! | `text explain ROLE..` | why a caller with these roles may, or may not; its first line is `..: GET /path for NAME` |
//! | `cel`, `cel when`, `cel resource` | each line can be the rule of a route, of a role, of a resource |
//! | `cel refused` | each line is refused, with the words behind its `//` |
//!
//! Rust is compiled and run by rustdoc; blocks in other languages are what the reader comes from.

use anyhow::{Context, Result, bail, ensure};
use portcullis_core::policy::PolicyError;
use portcullis_core::{Authorizer, Policy, Principal, Request};
use portcullis_tls::Configuration;

/// What became of a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Review {
    /// The page, with what is said of its policies and conditions as it is said today.
    pub page: String,
    /// In how many blocks there was something to check.
    pub checked: usize,
}

/// A fenced block.
#[derive(Debug)]
pub struct Block<'t> {
    /// The language and the words behind it.
    pub info: &'t str,
    /// What is in it.
    pub text: &'t str,
    /// Where in the page that begins.
    pub start: usize,
    /// The line of its fence, the first being 1.
    pub line: usize,
}

/// The fenced blocks of a page, in order.
///
/// # Errors
///
/// If a block does not end.
pub fn blocks(page: &str) -> Result<Vec<Block<'_>>> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, usize, usize)> = None;
    let mut at = 0;
    for (number, line) in (1..).zip(page.split_inclusive('\n')) {
        let end = at + line.len();
        match (open, line.trim_end().strip_prefix("```")) {
            (None, Some(info)) => open = Some((info, number, end)),
            (Some((info, line, start)), Some("")) => {
                let text = page.get(start..at).context("a boundary")?;
                blocks.push(Block { info, text, start, line });
                open = None;
            }
            _ => {}
        }
        at = end;
    }
    ensure!(open.is_none(), "the block `{}` does not end", open.unwrap_or_default().0);
    Ok(blocks)
}

/// Checks that the blocks of a page are what they say, and tells what is said of them.
///
/// # Errors
///
/// With the first block that is not what it says.
pub fn review(page: &str) -> Result<Review> {
    let mut said = Said::default();
    let mut review = Review { page: String::new(), checked: 0 };
    let mut at = 0;
    for block in blocks(page)? {
        let place = || format!("line {}, `{}`", block.line, block.info);
        let text = said.of(&block).with_context(place)?;
        review.checked += usize::from(text.is_some());
        review.page += page.get(at..block.start).context("a boundary")?;
        review.page += text.as_deref().unwrap_or(block.text);
        at = block.start + block.text.len();
    }
    review.page += page.get(at..).context("a boundary")?;
    ensure!(said.refusal.is_none(), "what is said of the last `refused` block does not follow");
    said.load_files().context("the files of the page")?;
    Ok(review)
}

/// What the blocks so far have to say.
#[derive(Default)]
struct Said<'t> {
    policies: Vec<Policy>,
    refusal: Option<String>,
    files: Vec<(&'t str, &'t str)>,
}

impl<'t> Said<'t> {
    /// What has to stand in the block; `None` if nothing can be said of it.
    fn of(&mut self, block: &Block<'t>) -> Result<Option<String>> {
        let Block { info, text, .. } = *block;
        if let Some(refusal) = self.refusal.take() {
            ensure!(info == "text", "what is said of the block before has to stand in a block `text`");
            return Ok(Some(refusal));
        }
        let last = || self.policies.last().context("there is no policy before it");
        let words: Vec<&str> = info.split(' ').collect();
        Ok(Some(match words.as_slice() {
            ["toml", "policy"] => {
                self.policies.push(load(text)?);
                text.to_owned()
            }
            ["toml", "refused"] => {
                let Err(refusal) = load(text) else { bail!("it is accepted") };
                self.refusal = Some(format!("{refusal}\n"));
                text.to_owned()
            }
            ["toml", "configuration"] => {
                Configuration::from_text("portcullis.toml", text)?;
                text.to_owned()
            }
            ["toml", "file", name] => {
                self.files.push((name, text));
                text.to_owned()
            }
            ["text", "matrix"] => last()?.matrix().to_string(),
            ["text", "lint"] => lines(last()?.lint()),
            ["text", "diff"] => match self.policies.as_slice() {
                [.., before, after] => lines(before.diff(after)),
                _ => bail!("there are no two policies before it"),
            },
            ["text", "explain", roles @ ..] => explanation(last()?, roles, text)?,
            ["cel", "refused"] => lines(text.lines().map(refused).collect::<Result<Vec<_>>>()?),
            ["cel", kind @ ..] => {
                text.lines().try_for_each(|line| rule(kind, line))?;
                text.to_owned()
            }
            ["rust" | "rust,no_run" | "sh" | "nginx" | "java" | "js" | "text"] => return Ok(None),
            _ => bail!("no block is called so"),
        }))
    }

    fn load_files(&self) -> Result<()> {
        let [(first, _), ..] = self.files.as_slice() else { return Ok(()) };
        let folder = tempfile::tempdir()?;
        for (name, text) in &self.files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().context("a folder")?)?;
            std::fs::write(path, text)?;
        }
        Policy::from_file(folder.path().join(first))?;
        Ok(())
    }
}

fn load(text: &str) -> Result<Policy, PolicyError> {
    Policy::loader().unregistered_custom().text("policy.toml", text)
}

fn lines<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string() + "\n").collect()
}

fn explanation(policy: &Policy, roles: &[&str], text: &str) -> Result<String> {
    let asked = text.lines().next().and_then(|line| line.split_once(": ")?.1.split_once(" for "));
    let (request, name) = asked.context("its first line has to be `..: GET /path for NAME`")?;
    let auth = Authorizer::builder(policy.clone()).build()?;
    let principal = Principal::test(name).roles(roles).try_under(&auth)?;
    Ok(auth.explain(&Request::try_from(request)?, &principal).to_string())
}

/// What the rules of the manual can name.
const AROUND: &str = "
version = 1
[anchors]
staff = { name = 'san.email' }
mesh = { name = 'spiffe.id', prefix = 'mesh:' }
[roles.user]
[roles.moderator]
includes = ['user']
[roles.admin]
includes = ['moderator']
[roles.auditor]
[roles.suspended]
";

/// Checks that a line, up to its comment, can be a rule.
fn rule(kind: &[&str], line: &str) -> Result<()> {
    let text = line.split_once("//").filter(|(text, _)| !text.ends_with(':')).map_or(line, |(text, _)| text);
    let table = match kind {
        [] => format!("[[route]]\nmatch = 'GET /users/{{name}}/{{id}}'\nallow = '''{text}'''"),
        ["when"] => format!("[roles.given]\nwhen = '''{text}'''"),
        ["resource"] => format!(
            "[[resource]]\ntype = 'document'\naction = 'read'\nallow = '''{text}'''\n\
             fields = {{ id = 'string', owner = 'string', public = 'bool', level = 'int', due = 'timestamp' }}"
        ),
        _ => bail!("there are no rules of that kind"),
    };
    load(&format!("{AROUND}{table}\n")).map(drop).with_context(|| format!("`{text}`"))
}

/// A line that is no rule, with what is said of it.
fn refused(line: &str) -> Result<String> {
    let (text, _) = line.split_once("// ").context("what is said of it has to stand behind `//`")?;
    let Err(error) = rule(&[], text) else { bail!("`{text}` is accepted") };
    let [fault] = error.downcast_ref::<PolicyError>().context("its mistakes")?.faults() else {
        bail!("`{text}` has several mistakes: {error:#}")
    };
    let help = fault.help().map(|help| format!(": {help}")).unwrap_or_default();
    Ok(format!("{text}// {}{help}", fault.message()))
}
