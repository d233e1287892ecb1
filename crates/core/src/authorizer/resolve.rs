//! From a peer to a principal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Inner;
use super::state::State;
use crate::identity::Identity;
use crate::peer::Peer;
use crate::peer::live::{Answer, Connection};
use crate::policy::Policy;
use crate::principal::{NameFault, Principal};
use crate::provider::{Account, Grants, ProviderError};
use crate::role::{Origin, Roles};

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

fn of_peer(inner: &Inner, state: &State, peer: Peer, connection: &Connection) -> Answer<Principal> {
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
pub(super) fn principal(inner: &Inner, state: &State, peer: Peer) -> Answer<Principal> {
    let policy = &state.policy;
    let roles = Roles::none(Arc::clone(policy.hierarchy()));
    let Peer::Verified(identity) = &peer else {
        return Answer::Ready(Principal::new(peer, Err(NameFault::NotVerified), roles));
    };
    let name = match policy.naming().name(identity) {
        Ok(name) => name,
        Err(fault) => return Answer::Ready(Principal::new(peer, Err(fault), roles)),
    };
    collect(inner, policy, peer.clone(), identity, name, roles)
}

fn collect(
    inner: &Inner,
    policy: &Policy,
    peer: Peer,
    identity: &Identity,
    name: Box<str>,
    mut roles: Roles,
) -> Answer<Principal> {
    for role in policy.roles_of_member(&name) {
        roles.grant(role.name(), Origin::Member);
    }
    let mut waiting = Vec::new();
    for (number, provider) in (1..).zip(&inner.providers) {
        let account = Account { identity, name: &name };
        // Whoever wrote the source may have missed a case; that must not take the connection down.
        match catch_unwind(AssertUnwindSafe(|| provider.roles(account))) {
            Ok(Answer::Ready(grants)) => add(&mut roles, number, grants),
            Ok(Answer::Pending(grants)) => waiting.push((number, grants)),
            Err(_) => add(&mut roles, number, Err(ProviderError::new("it panicked"))),
        }
    }
    if waiting.is_empty() {
        return Answer::Ready(Principal::new(peer, Ok(name), roles));
    }
    Answer::Pending(Box::pin(async move {
        for (number, grants) in waiting {
            add(&mut roles, number, grants.await);
        }
        Principal::new(peer, Ok(name), roles)
    }))
}

fn add(roles: &mut Roles, number: usize, grants: Result<Grants, ProviderError>) {
    match grants {
        Ok(grants) => {
            for role in &grants.roles {
                roles.grant(role, Origin::Provider { number });
            }
            grants.erred.iter().for_each(|role| roles.mark_erred(role));
        }
        Err(error) => roles.mark_unavailable(&format!("source {number}: {error}")),
    }
}
