//! Sources of roles that are late, or worse.

use std::time::Duration;

use portcullis_core::peer::live::Answer;
use portcullis_core::provider::{Account, Grants, ProviderError};
use portcullis_core::{RoleMap, RoleProvider};

/// Asks a map after a pause, as a database would.
#[derive(Debug)]
pub(crate) struct Later {
    map: RoleMap,
    pause: Duration,
}

impl Later {
    pub(crate) fn new(map: RoleMap, pause: Duration) -> Self {
        Self { map, pause }
    }
}

impl RoleProvider for Later {
    fn roles(&self, account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        let (answer, pause) = (self.map.roles(account), self.pause);
        Answer::Pending(Box::pin(async move {
            tokio::time::sleep(pause).await;
            answer.get().await
        }))
    }
}

/// Never answers, as a database behind a firewall that drops packets.
pub(super) struct Hanging;

impl RoleProvider for Hanging {
    fn roles(&self, _account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Pending(Box::pin(std::future::pending()))
    }
}

/// Cannot find out anything.
pub(super) struct Failing;

impl RoleProvider for Failing {
    fn roles(&self, _account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Ready(Err(ProviderError::new("the directory is down: secret-directory.internal")))
    }
}

#[expect(clippy::panic, reason = "a source of roles that panics is what is tested")]
pub(super) fn panicking(_account: Account<'_>) -> [&'static str; 0] {
    panic!("a source of roles panics on purpose")
}

/// Finds nobody.
pub(super) fn silent(_account: Account<'_>) -> Option<&'static str> {
    None
}
