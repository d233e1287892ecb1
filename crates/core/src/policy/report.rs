//! Collects what is wrong with a policy, wherever it comes from.

use std::fmt;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Place, PolicyError, PolicyFault};
use crate::rule::Diagnostic;

/// More mistakes than anybody reads at once.
const MOST_SHOWN: usize = 100;

/// Where something was written, as small as it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    Program(&'static Location<'static>),
    /// A part of a file, by the file's number.
    Text {
        file: u16,
        start: u32,
        end: u32,
    },
}

impl Origin {
    /// The place of the caller of the function that calls this.
    #[track_caller]
    pub(super) fn caller() -> Self {
        Self::Program(Location::caller())
    }
}

/// A policy file that was read.
#[derive(Debug)]
pub(super) struct Source {
    name: Arc<Box<str>>,
    text: Arc<str>,
    /// Where its lines begin.
    lines: Vec<usize>,
}

impl Source {
    pub(super) fn new(name: &str, text: Arc<str>) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name: Arc::new(name.into()), text, lines }
    }

    /// A file that could not be read.
    fn unread(name: &str) -> Self {
        Self { name: Arc::new(name.into()), text: "".into(), lines: Vec::new() }
    }

    fn place(&self, at: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|line| self.lines.get(line)).copied().unwrap_or(0);
        let before = self.text.get(start..at).map_or(0, |before| before.chars().count());
        Place::in_file(Arc::clone(&self.name), number(line), number(before + 1))
    }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The mistakes that were found so far, and the files in which they can be.
#[derive(Debug, Default)]
pub(super) struct Report {
    sources: Vec<Source>,
    mistakes: Vec<Mistake>,
    files: Vec<PathBuf>,
}

#[derive(Debug)]
struct Mistake {
    origin: Origin,
    message: String,
    help: Option<String>,
}

impl Report {
    /// Adds a file; gives its number.
    pub(super) fn add_source(&mut self, source: Source) -> u16 {
        let number = u16::try_from(self.sources.len()).unwrap_or(u16::MAX);
        self.sources.push(source);
        number
    }

    pub(super) fn source_name(&self, number: usize) -> &str {
        self.sources.get(number).map_or("?", |source| &source.name)
    }

    /// Adds the path of a file on which the policy depends, whether or not it can be read.
    pub(super) fn add_path(&mut self, path: &Path) {
        self.files.push(path.to_owned());
    }

    /// The paths that were added.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.files.clone()
    }

    /// An origin that has to be looked up in the text of its file.
    pub(super) fn part(&self, file: u16, find: impl FnOnce(&str) -> Origin) -> Origin {
        find(self.sources.get(usize::from(file)).map_or("", |source| &source.text))
    }

    /// Adds a mistake whose message says what to do.
    pub(super) fn add(&mut self, origin: Origin, message: impl fmt::Display) {
        self.mistakes.push(Mistake { origin, message: message.to_string(), help: None });
    }

    pub(super) fn add_with_help(
        &mut self,
        origin: Origin,
        message: impl fmt::Display,
        help: impl fmt::Display,
    ) {
        let help = Some(help.to_string());
        self.mistakes.push(Mistake { origin, message: message.to_string(), help });
    }

    /// Adds a mistake of a file as a whole, which could not be read.
    pub(super) fn add_file(&mut self, name: &str, message: impl fmt::Display) {
        let file = self.add_source(Source::unread(name));
        self.add(Origin::Text { file, start: 0, end: 0 }, message);
    }

    /// The place to show for an origin.
    pub(super) fn place(&self, origin: Origin) -> Place {
        match origin {
            Origin::Program(location) => Place::in_program(location),
            Origin::Text { file, start, .. } => match self.sources.get(usize::from(file)) {
                Some(source) => source.place(start as usize),
                None => Place::in_file(Arc::default(), 0, 1),
            },
        }
    }

    /// The error, if there is a mistake: in the order of the files, or else as they were found.
    pub(super) fn finish(mut self) -> Result<(), PolicyError> {
        if self.mistakes.is_empty() {
            return Ok(());
        }
        self.mistakes.sort_by_key(|mistake| match mistake.origin {
            Origin::Text { file, start, .. } => (file, start),
            Origin::Program(_) => (0, 0),
        });
        self.mistakes.dedup_by(|a, b| a.origin == b.origin && a.message == b.message);
        let more = self.mistakes.len().saturating_sub(MOST_SHOWN);
        let faults = self.mistakes.iter().take(MOST_SHOWN).map(|mistake| self.fault(mistake)).collect();
        Err(PolicyError::new(faults, more, self.files))
    }

    fn fault(&self, mistake: &Mistake) -> PolicyFault {
        PolicyFault {
            place: self.place(mistake.origin),
            message: mistake.message.clone(),
            help: mistake.help.clone(),
            picture: self.picture(mistake),
        }
    }

    fn picture(&self, mistake: &Mistake) -> Option<String> {
        let Origin::Text { file, start, end } = mistake.origin else { return None };
        let source = self.sources.get(usize::from(file)).filter(|source| !source.lines.is_empty())?;
        let diagnostic = Diagnostic::new(start as usize..end as usize, &mistake.message);
        Some(diagnostic.help(mistake.help.clone()).render(&source.name, &source.text, |at| at))
    }
}
