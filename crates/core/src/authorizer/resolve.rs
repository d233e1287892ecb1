//! From a peer to a principal.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::Inner;
use super::ask::{Answers, ask};
use super::state::State;
use super::timer::Timer;
use crate::peer::live::{Answer, Connection};
use crate::peer::{Distrust, Peer};
use crate::policy::Policy;
use crate::principal::{NameFault, Principal};
use crate::request::Request;
use crate::role::{Origin, Roles};
use crate::rule::Scope;

/// The principal of a connection's peer, remembered as long as neither peer nor roles can change.
pub(super) fn of_connection(
    inner: &Arc<Inner>,
    state: &Arc<State>,
    now: i64,
    connection: &Connection,
    timer: impl FnOnce() -> Timer,
) -> Answer<Principal> {
    of_connection_again(inner, state, now, connection, None, timer)
}

/// The same, where it is known already who it was a moment ago under the same policy.
pub(super) fn of_connection_again(
    inner: &Arc<Inner>,
    state: &Arc<State>,
    now: i64,
    connection: &Connection,
    known: Option<Principal>,
    timer: impl FnOnce() -> Timer,
) -> Answer<Principal> {
    let is_same = |known: &Principal, peer: &Peer| known.peer().is_same(peer);
    match connection.peer(now) {
        Answer::Ready(peer) => match known.filter(|known| is_same(known, &peer)) {
            Some(known) => Answer::Ready(known),
            None => of_peer(inner, state, peer, connection, timer),
        },
        Answer::Pending(peer) => {
            let (inner, state, connection) = (Arc::clone(inner), Arc::clone(state), connection.clone());
            let mut timer = timer();
            Answer::Pending(Box::pin(async move {
                let peer = match timer.bound(peer).await {
                    Ok(peer) => peer,
                    // It may have been revoked by now, so what was last said of it does not count.
                    Err(late) => Peer::Untrusted {
                        certificate: None,
                        reason: Distrust::Other { detail: format!("it could not be judged: {late}") },
                    },
                };
                match known.filter(|known| is_same(known, &peer)) {
                    Some(known) => known,
                    None => of_peer(&inner, &state, peer, &connection, || timer).get().await,
                }
            }))
        }
    }
}

fn of_peer(
    inner: &Inner,
    state: &Arc<State>,
    peer: Peer,
    connection: &Connection,
    timer: impl FnOnce() -> Timer,
) -> Answer<Principal> {
    if let Some(principal) = connection.remembered(state.generation, &peer) {
        return Answer::Ready(principal);
    }
    let answer = principal(inner, state, peer, timer);
    if let Answer::Ready(principal) = &answer
        && inner.providers.iter().all(|provider| provider.is_constant())
        // A failure may be over at the next request.
        && principal.roles().unavailable().is_none()
    {
        connection.remember(state.generation, principal);
    }
    answer
}

/// The principal of a peer, asking every source of roles.
pub(super) fn principal(
    inner: &Inner,
    state: &Arc<State>,
    peer: Peer,
    timer: impl FnOnce() -> Timer,
) -> Answer<Principal> {
    let asked = match peer
        .identity()
        .map(|identity| (identity, state.policy.naming().name(identity, &state.only_anchor)))
    {
        Some((identity, Ok(name))) => ask(inner, identity, &name, timer),
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

/// The principal under the policy in force and, from the same answers, under the candidate.
fn assemble(state: &State, peer: &Peer, answers: &Answers) -> Principal {
    let under = |policy, shadow| under(policy, &state.only_anchor, peer, answers, shadow);
    let shadow = state.candidate.as_ref().map(|candidate| under(candidate.policy(), None));
    under(&state.policy, shadow)
}

fn under(
    policy: &Policy,
    only_anchor: &OnceLock<Box<str>>,
    peer: &Peer,
    answers: &Answers,
    shadow: Option<Principal>,
) -> Principal {
    let mut roles = Roles::none(Arc::clone(policy.hierarchy()));
    let name = match peer.identity() {
        Some(identity) => policy.naming().name(identity, only_anchor),
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
