//! Files that hold as soon as they change, and with each `SIGHUP`.

use anyhow::Context;
use portcullis_tls::Watchers;
use tokio::task::JoinHandle;

/// Follows the files, and has all of them read again with each `SIGHUP`, until the runtime ends.
///
/// # Errors
///
/// When the signal cannot be listened for.
pub fn follow(watchers: Watchers) -> anyhow::Result<JoinHandle<()>> {
    #[cfg(unix)]
    let mut hangups = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::hangup()).context("`SIGHUP` cannot be listened for")?
    };
    Ok(tokio::spawn(async move {
        #[cfg(unix)]
        while hangups.recv().await.is_some() {
            watchers.reload();
        }
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
        drop(watchers);
    }))
}
