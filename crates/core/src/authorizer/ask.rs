//! Asking the sources of roles: all at once, and only for so long.

use std::collections::BTreeMap;
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Inner;
use super::timer::Timer;
use crate::identity::Identity;
use crate::metric::SourceTimer;
use crate::peer::live::Answer;
use crate::provider::{Account, Grants, ProviderError};
use crate::role::{Origin, Roles};

/// What the sources of roles said of one caller, each with its number.
pub(super) enum Answers {
    NotAsked,
    Asked(Vec<(usize, Said)>),
}

type Said = Result<Grants, ProviderError>;

/// Asks every source of roles. The timer is made only if one of them has to wait.
pub(super) fn ask(
    inner: &Inner,
    identity: &Identity,
    name: &str,
    timer: impl FnOnce() -> Timer,
) -> Answer<Answers> {
    let mut answers = Vec::with_capacity(inner.providers.len());
    let mut waiting = Vec::new();
    for (number, provider) in (1..).zip(&inner.providers) {
        let watch = SourceTimer::start(number);
        let said = match contain(|| provider.roles(Account { identity, name })) {
            Ok(Answer::Ready(said)) => said,
            Ok(Answer::Pending(future)) => {
                waiting.push(Waiting { number, future, watch });
                continue;
            }
            Err(panic) => Err(panic),
        };
        watch.stop();
        answers.push((number, said));
    }
    if waiting.is_empty() {
        return Answer::Ready(Answers::Asked(answers));
    }
    Answer::Pending(Box::pin(Asking { answers, waiting, timer: timer() }))
}

/// All sources that have to wait, at the same time.
struct Asking {
    answers: Vec<(usize, Said)>,
    waiting: Vec<Waiting>,
    timer: Timer,
}

/// One source that has to wait.
struct Waiting {
    number: usize,
    future: Pin<Box<dyn Future<Output = Said> + Send>>,
    watch: SourceTimer,
}

impl Future for Asking {
    type Output = Answers;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answers> {
        let late = self.timer.late(cx);
        for mut source in take(&mut self.waiting) {
            let said = match contain(|| source.future.as_mut().poll(cx)) {
                Ok(Poll::Ready(said)) => said,
                Ok(Poll::Pending) => match late {
                    Some(late) => Err(ProviderError::new(late)),
                    None => {
                        self.waiting.push(source);
                        continue;
                    }
                },
                Err(panic) => Err(panic),
            };
            self.answers.push(source.end(said));
        }
        if !self.waiting.is_empty() {
            return Poll::Pending;
        }
        let mut answers = take(&mut self.answers);
        // Whoever is first to fail is named to the operator; that must not depend on who is faster.
        answers.sort_by_key(|(number, _)| *number);
        Poll::Ready(Answers::Asked(answers))
    }
}

impl Waiting {
    fn end(self, said: Said) -> (usize, Said) {
        self.watch.stop();
        (self.number, contain(|| drop(self.future)).and(said))
    }
}

/// Whoever wrote the source may have missed a case; that must not take the connection down.
fn contain<T>(work: impl FnOnce() -> T) -> Result<T, ProviderError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| ProviderError::new("it panicked"))
}

impl Answers {
    /// What all sources said of the caller; nothing where two of them contradict each other.
    pub(super) fn attributes(&self) -> BTreeMap<Box<str>, Option<Box<str>>> {
        let mut attributes: BTreeMap<Box<str>, Option<Box<str>>> = BTreeMap::new();
        let Self::Asked(answers) = self else { return attributes };
        let said = answers.iter().filter_map(|(_, said)| said.as_ref().ok());
        for (name, value) in said.flat_map(|grants| &grants.attributes) {
            attributes
                .entry(name.clone())
                .and_modify(|known| *known = known.take().filter(|known| known == value))
                .or_insert_with(|| Some(value.clone()));
        }
        attributes
    }

    pub(super) fn add_to(&self, roles: &mut Roles) {
        let Self::Asked(answers) = self else {
            // The policy in force has no name for this caller, so nobody knows what they would say.
            return roles.mark_unavailable("the sources of roles were not asked");
        };
        for (number, said) in answers {
            match said {
                Ok(grants) => {
                    for role in &grants.roles {
                        roles.grant(role, Origin::Provider { number: *number });
                    }
                    grants.erred.iter().for_each(|role| roles.mark_erred(role));
                }
                Err(error) => roles.mark_unavailable(&format!("source {number}: {error}")),
            }
        }
    }
}
