//! From a peer to a principal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Inner;
use crate::identity::Identity;
use crate::peer::Peer;
use crate::peer::live::{Answer, Connection};
use crate::principal::{NameFault, Principal};
use crate::provider::{Account, Grants, ProviderError};
use crate::role::Roles;

/// The principal of a connection's peer, remembered as long as neither peer nor roles can change.
pub(super) fn of_connection(inner: &Arc<Inner>, now: i64, connection: &Connection) -> Answer<Principal> {
    match connection.peer(now) {
        Answer::Ready(peer) => of_peer(inner, peer, connection),
        Answer::Pending(peer) => {
            let (inner, connection) = (Arc::clone(inner), connection.clone());
            Answer::Pending(Box::pin(async move {
                let peer = peer.await;
                of_peer(&inner, peer, &connection).get().await
            }))
        }
    }
}

fn of_peer(inner: &Arc<Inner>, peer: Peer, connection: &Connection) -> Answer<Principal> {
    if let Some(principal) = connection.remembered(inner.serial, &peer) {
        return Answer::Ready(principal);
    }
    let answer = principal(inner, peer);
    if let Answer::Ready(principal) = &answer
        && inner.providers.iter().all(|provider| provider.is_constant())
    {
        connection.remember(inner.serial, principal);
    }
    answer
}

/// The principal of a peer, asking every source of roles.
pub(super) fn principal(inner: &Arc<Inner>, peer: Peer) -> Answer<Principal> {
    let roles = Roles::none(Arc::clone(inner.policy.hierarchy()));
    let Peer::Verified(identity) = &peer else {
        return Answer::Ready(Principal::new(peer, Err(NameFault::NotVerified), roles));
    };
    let name = match inner.policy.naming().name(identity) {
        Ok(name) => name,
        Err(fault) => return Answer::Ready(Principal::new(peer, Err(fault), roles)),
    };
    collect(inner, peer.clone(), identity, name, roles)
}

fn collect(
    inner: &Inner,
    peer: Peer,
    identity: &Identity,
    name: Box<str>,
    mut roles: Roles,
) -> Answer<Principal> {
    let mut waiting = Vec::new();
    for provider in &inner.providers {
        let account = Account { identity, name: &name };
        // Whoever wrote the source may have missed a case; that must not take the connection down.
        match catch_unwind(AssertUnwindSafe(|| provider.roles(account))) {
            Ok(Answer::Ready(grants)) => add(&mut roles, grants),
            Ok(Answer::Pending(grants)) => waiting.push(grants),
            Err(_) => add(&mut roles, Err(ProviderError::new("it panicked"))),
        }
    }
    if waiting.is_empty() {
        return Answer::Ready(Principal::new(peer, Ok(name), roles));
    }
    Answer::Pending(Box::pin(async move {
        for grants in waiting {
            add(&mut roles, grants.await);
        }
        Principal::new(peer, Ok(name), roles)
    }))
}

fn add(roles: &mut Roles, grants: Result<Grants, ProviderError>) {
    match grants {
        Ok(grants) => {
            grants.roles.iter().for_each(|role| roles.grant(role));
            grants.erred.iter().for_each(|role| roles.mark_erred(role));
        }
        Err(error) => roles.mark_unavailable(&error.to_string()),
    }
}
