//! Waits until files have changed and come to rest.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::files::{Appearance, Content, Files};

/// So soon the content is compared, whatever the files look like: some file systems have slow clocks.
pub(super) const COMPARISON: Duration = Duration::from_secs(1);
/// How long the content must stay the same before it is loaded, as a writer may be in the middle.
const REST: Duration = Duration::from_millis(40);
/// So often it is waited for; files that never rest are loaded as they are.
const MOST_RESTS: usize = 5;

/// Waits until files have changed and come to rest, or somebody gives an order.
pub(super) struct Observer {
    orders: Receiver<()>,
    files: Files,
    /// How the files looked when their content was last compared.
    seen: Appearance,
    /// The content that was last loaded, or could not be.
    tried: Option<Content>,
    compared: Instant,
    /// How long until the content is compared again.
    pause: Duration,
    longest_pause: Duration,
}

/// What has come of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// So much time has gone by.
    Time,
    /// Somebody wants a reload.
    Order,
    /// Nobody wants anything any more.
    Stop,
}

impl Observer {
    /// Compares the content after a second, and then ever more seldom up to this pause.
    pub(super) fn new(orders: Receiver<()>, files: Files, longest_pause: Duration) -> Self {
        Self {
            orders,
            files,
            seen: Appearance::default(),
            tried: None,
            compared: Instant::now(),
            pause: COMPARISON,
            longest_pause,
        }
    }

    /// Waits so long, or for ever if there is no end.
    pub(super) fn wait(&self, time: Option<Duration>) -> Wake {
        let order = match time {
            Some(time) => self.orders.recv_timeout(time),
            None => self.orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match order {
            Ok(()) => Wake::Order,
            Err(RecvTimeoutError::Timeout) => Wake::Time,
            Err(RecvTimeoutError::Disconnected) => Wake::Stop,
        }
    }

    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// Looks at these files from now on.
    pub(super) fn follow(&mut self, files: Files) {
        if self.files != files {
            self.files = files;
            self.seen = Appearance::default();
        }
    }

    /// Whether the files say something else than what was last tried.
    pub(super) fn has_news(&mut self) -> bool {
        let appearance = self.files.appearance();
        let is_same = appearance == self.seen;
        if is_same && self.compared.elapsed() < self.pause {
            return false;
        }
        self.pause = if is_same { (self.pause * 2).min(self.longest_pause) } else { COMPARISON };
        // Taken before the content is read, so that whatever changes later moves it again.
        self.seen = appearance;
        self.compared = Instant::now();
        self.tried != Some(self.files.content())
    }

    pub(super) fn content(&self) -> Content {
        self.files.content()
    }

    /// The content, once it stays the same for a while.
    pub(super) fn rested(&self) -> Content {
        let mut content = self.files.content();
        for _ in 0..MOST_RESTS {
            let wake = self.wait(Some(REST));
            let later = self.files.content();
            if later == content || wake == Wake::Stop {
                break;
            }
            content = later;
        }
        content
    }

    /// Notes that this content was loaded, or could not be.
    pub(super) fn tried(&mut self, content: Content) {
        self.tried = Some(content);
    }

    /// As if the file system's clock had not ticked since, and a comparison were due or not.
    #[cfg(test)]
    pub(super) fn overlook(&mut self, is_comparison_due: bool) {
        self.seen = self.files.appearance();
        let ago = if is_comparison_due { self.pause } else { Duration::ZERO };
        self.compared = Instant::now().checked_sub(ago).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_content_is_compared_ever_more_seldom_until_something_moves() {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("list");
        fs::write(&path, "1").unwrap();
        let (_orders, received) = mpsc::channel();
        let files = Files::new(&path, []);
        let mut observer = Observer::new(received, files, 4 * COMPARISON);
        assert!(observer.has_news(), "nothing was tried yet");
        observer.tried(observer.content());
        for expected in [2, 4, 4] {
            observer.overlook(true);
            assert!(!observer.has_news());
            assert_eq!(observer.pause, expected * COMPARISON);
        }
        fs::write(&path, "22").unwrap();
        assert!(observer.has_news());
        assert_eq!(observer.pause, COMPARISON);
    }

    #[test]
    fn an_order_ends_the_wait_and_so_does_the_end() {
        let (orders, received) = mpsc::channel();
        let observer = Observer::new(received, Files::new("nowhere".as_ref(), []), COMPARISON);
        assert_eq!(observer.wait(Some(Duration::ZERO)), Wake::Time);
        orders.send(()).unwrap();
        assert_eq!(observer.wait(None), Wake::Order);
        drop(orders);
        assert_eq!((observer.wait(None), observer.wait(Some(COMPARISON))), (Wake::Stop, Wake::Stop));
    }
}
