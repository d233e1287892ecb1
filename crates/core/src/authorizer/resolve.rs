//! From a peer to a principal.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Inner;
use super::state::State;
use crate::identity::Identity;
use crate::metric;
use crate::peer::Peer;
use crate::peer::live::{Answer, Connection};
use crate::policy::Policy;
use crate::principal::{NameFault, Principal};
use crate::provider::{Account, Grants, ProviderError};
use crate::request::Request;
use crate::role::{Origin, Roles};
use crate::rule::Scope;

/// The principal of a connection's peer, remembered as long as neither peer nor roles can change.
pub(super) fn of_connection(
    inner: &Arc<Inner>,
    state: &Arc<State>,
    now: i64,
    connection: &Connection,
) -> Answer<Principal> {
    match connection.peer(now) {
        Answer::Ready(peer) => of_peer(inner, state, peer, connection),
        Answer::Pending(peer) => {
            let (inner, state, connection) = (Arc::clone(inner), Arc::clone(state), connection.clone());
            Answer::Pending(Box::pin(async move {
                let peer = peer.await;
                of_peer(&inner, &state, peer, &connection).get().await
            }))
        }
    }
}

fn of_peer(inner: &Inner, state: &Arc<State>, peer: Peer, connection: &Connection) -> Answer<Principal> {
    if let Some(principal) = connection.remembered(state.generation, &peer) {
        return Answer::Ready(principal);
    }
    let answer = principal(inner, state, peer);
    if let Answer::Ready(principal) = &answer
        && inner.providers.iter().all(|provider| provider.is_constant())
    {
        connection.remember(state.generation, principal);
    }
    answer
}

/// The principal of a peer, asking every source of roles.
pub(super) fn principal(inner: &Inner, state: &Arc<State>, peer: Peer) -> Answer<Principal> {
    let asked = match peer.identity().map(|identity| (identity, state.policy.naming().name(identity))) {
        Some((identity, Ok(name))) => ask(inner, identity, &name),
        _ if inner.providers.is_empty() => Answer::Ready(Answers::Asked(Vec::new())),
        // Without a name there is nobody to ask for.
        Some((_, Err(_))) | None => Answer::Ready(Answers::NotAsked),
    };
    match asked {
        Answer::Ready(answers) => Answer::Ready(assemble(state, &peer, &answers)),
        Answer::Pending(answers) => {
            let state = Arc::clone(state);
            Answer::Pending(Box::pin(async move { assemble(&state, &peer, &answers.await) }))
        }
    }
}

/// What the sources of roles said of one caller.
enum Answers {
    NotAsked,
    Asked(Vec<(usize, Result<Grants, ProviderError>)>),
}

fn ask(inner: &Inner, identity: &Identity, name: &str) -> Answer<Answers> {
    let mut answers = Vec::with_capacity(inner.providers.len());
    let mut waiting = Vec::new();
    for (number, provider) in (1..).zip(&inner.providers) {
        let timer = metric::SourceTimer::start(number);
        let account = Account { identity, name };
        // Whoever wrote the source may have missed a case; that must not take the connection down.
        match catch_unwind(AssertUnwindSafe(|| provider.roles(account))) {
            Ok(Answer::Ready(grants)) => {
                timer.stop();
                answers.push((number, grants));
            }
            Ok(Answer::Pending(grants)) => waiting.push((number, grants, timer)),
            Err(_) => answers.push((number, Err(ProviderError::new("it panicked")))),
        }
    }
    if waiting.is_empty() {
        return Answer::Ready(Answers::Asked(answers));
    }
    Answer::Pending(Box::pin(async move {
        for (number, grants, timer) in waiting {
            answers.push((number, grants.await));
            timer.stop();
        }
        Answers::Asked(answers)
    }))
}

/// The principal under the policy in force and, from the same answers, under the candidate.
fn assemble(state: &State, peer: &Peer, answers: &Answers) -> Principal {
    let shadow = state.candidate.as_ref().map(|candidate| under(candidate.policy(), peer, answers, None));
    under(&state.policy, peer, answers, shadow)
}

fn under(policy: &Policy, peer: &Peer, answers: &Answers, shadow: Option<Principal>) -> Principal {
    let mut roles = Roles::none(Arc::clone(policy.hierarchy()));
    let name = match peer.identity() {
        Some(identity) => policy.naming().name(identity),
        None => Err(NameFault::NotVerified),
    };
    let mut attributes = BTreeMap::new();
    if let Ok(name) = &name {
        add_own_roles(policy, peer, name, &mut roles);
        answers.add_to(&mut roles);
        attributes = answers.attributes();
    }
    Principal::new(peer.clone(), name, roles, shadow).with_attributes(attributes)
}

/// The roles that the policy gives without asking a source: to its members, and by conditions.
pub(crate) fn add_own_roles(policy: &Policy, peer: &Peer, name: &str, roles: &mut Roles) {
    for role in policy.roles_of_member(name) {
        roles.grant(role.name(), Origin::Member);
    }
    add_conditional(policy, peer, name, roles);
}

/// The roles that the certificate itself gives. A condition that cannot be decided gives none, and
/// leaves rules that ask for its role undecided, too.
fn add_conditional(policy: &Policy, peer: &Peer, name: &str, roles: &mut Roles) {
    let mut conditions = policy.conditions().peekable();
    if conditions.peek().is_none() {
        return;
    }
    // Neither roles nor the request have a part in these conditions.
    let nothing = Roles::none(Arc::clone(policy.hierarchy()));
    let bare = Principal::new(peer.clone(), Ok(name.into()), nothing, None);
    let request = Request::new("", "").with_time(0);
    for (role, condition) in conditions {
        match condition.decide(&Scope::without_route(&request, &bare)) {
            Ok(true) => roles.grant(role.name(), Origin::Condition),
            Ok(false) => {}
            Err(_) => roles.mark_erred(role.name()),
        }
    }
}

impl Answers {
    /// What all sources said of the caller; nothing where two of them contradict each other.
    fn attributes(&self) -> BTreeMap<Box<str>, Option<Box<str>>> {
        let mut attributes: BTreeMap<Box<str>, Option<Box<str>>> = BTreeMap::new();
        let Self::Asked(answers) = self else { return attributes };
        let said = answers.iter().filter_map(|(_, grants)| grants.as_ref().ok());
        for (name, value) in said.flat_map(|grants| &grants.attributes) {
            attributes
                .entry(name.clone())
                .and_modify(|known| *known = known.take().filter(|known| known == value))
                .or_insert_with(|| Some(value.clone()));
        }
        attributes
    }

    fn add_to(&self, roles: &mut Roles) {
        let Self::Asked(answers) = self else {
            // The policy in force has no name for this caller, so nobody knows what they would say.
            return roles.mark_unavailable("the sources of roles were not asked");
        };
        for (number, grants) in answers {
            match grants {
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
