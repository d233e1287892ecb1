//! The task that looks after all connections of a listener.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Weak};
use std::time::Duration;

use portcullis_core::peer::live::Answer;
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Life, Shared};

/// So many connections are looked at before others have their turn.
const AT_ONCE: usize = 256;
/// How long an idle connection has to end by itself, before it is cut like the others.
const MOMENT: Duration = Duration::from_millis(100);

pub(super) fn start(shared: &Arc<Shared>) {
    let sweep = Sweep(Arc::downgrade(shared));
    let (tick, trust) = (shared.lifetime.tick(), shared.trust.clone());
    tokio::spawn(async move {
        let mut trust = trust;
        loop {
            tokio::select! {
                () = sleep(tick) => {}
                () = moved(&mut trust) => {}
            }
            let Some(shared) = sweep.0.upgrade() else { return };
            shared.sweep().await;
        }
    });
}

/// Ready when trust has been replaced.
async fn moved(trust: &mut Option<watch::Receiver<u64>>) {
    if let Some(changes) = trust {
        if changes.changed().await.is_ok() {
            return;
        }
        *trust = None;
    }
    std::future::pending().await
}

/// A sweep that has begun; when its runtime ends, the next connection begins another.
struct Sweep(Weak<Shared>);

impl Drop for Sweep {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.is_swept.store(false, SeqCst);
        }
    }
}

impl Shared {
    async fn sweep(&self) {
        let lives = self.living(|living| living.lives.values().cloned().collect::<Vec<_>>());
        let mut lost = Vec::new();
        for some in lives.chunks(AT_ONCE) {
            let now = self.clock.now();
            lost.extend(some.iter().filter(|life| !self.may_go_on(life, now)).cloned());
            tokio::task::yield_now().await;
        }
        if !lost.is_empty() {
            tokio::spawn(end(lost));
        }
    }

    /// Closes and cuts by age; false if the connection is to be ended for its peer's sake.
    fn may_go_on(&self, life: &Arc<Life>, now: i64) -> bool {
        let age = life.age();
        if age >= self.lifetime.max_age {
            life.close();
            if age - self.lifetime.max_age >= self.lifetime.grace() {
                life.cut();
            }
        }
        if life.is_over() || life.is_asking.load(SeqCst) {
            return true;
        }
        match life.is_good(now) {
            Answer::Ready(is_good) => {
                // Once is enough to end it.
                life.is_asking.store(!is_good, SeqCst);
                is_good
            }
            Answer::Pending(is_good) => {
                life.is_asking.store(true, SeqCst);
                let life = Arc::clone(life);
                tokio::spawn(async move {
                    let is_good = is_good.await;
                    life.is_asking.store(!is_good, SeqCst);
                    if !is_good {
                        end(vec![life]).await;
                    }
                });
                true
            }
        }
    }
}

/// Ends connections: those that are idle close by themselves, the others are cut.
async fn end(lives: Vec<Arc<Life>>) {
    lives.iter().for_each(|life| life.close());
    sleep(MOMENT).await;
    for life in lives {
        life.cut();
        life.tell();
    }
}
