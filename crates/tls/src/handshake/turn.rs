//! Turns at computing: how many handshakes keep processors busy at once.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, Sleep};

/// Runs a handshake, which needs a turn only while it computes; `None` if the client takes too long.
///
/// While it waits for its client, others have their turn: clients that stay silent in the middle of
/// a handshake keep nobody out. The time that it waits for its turn is not the client's.
pub(super) async fn run<F: Future>(handshake: F, turns: &Semaphore, limit: Duration) -> Option<F::Output> {
    let mut handshake = pin!(handshake);
    let mut deadline = pin!(tokio::time::sleep(limit));
    loop {
        let turn = next(turns, deadline.as_mut()).await?;
        let polled = poll_fn(|cx| Poll::Ready(handshake.as_mut().poll(cx))).await;
        drop(turn);
        if let Poll::Ready(outcome) = polled {
            return Some(outcome);
        }
        if !wakes(deadline.as_mut()).await {
            return None;
        }
    }
}

/// Waits for a turn, and moves the deadline by the time that it takes.
async fn next<'a>(turns: &'a Semaphore, mut deadline: Pin<&mut Sleep>) -> Option<SemaphorePermit<'a>> {
    if let Ok(turn) = turns.try_acquire() {
        return Some(turn);
    }
    let queued = Instant::now();
    let turn = turns.acquire().await.ok()?;
    let later = deadline.deadline() + queued.elapsed();
    deadline.as_mut().reset(later);
    Some(turn)
}

/// Waits until the task is woken by what the handshake waits for; false once it is too late.
async fn wakes(mut deadline: Pin<&mut Sleep>) -> bool {
    let mut is_asleep = false;
    poll_fn(|cx| {
        // What was woken by the deadline looks at the handshake once more, and then comes here again.
        if is_asleep {
            return Poll::Ready(true);
        }
        is_asleep = true;
        deadline.as_mut().poll(cx).map(|()| false)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_client_takes_no_turn() {
        let turns = Arc::new(Semaphore::new(1));
        let start = Instant::now();
        let silent: Vec<_> = (0..100)
            .map(|_| {
                let turns = turns.clone();
                tokio::spawn(async move { run(pending::<()>(), &turns, LIMIT).await })
            })
            .collect();
        let slow = async {
            for _ in 0..9 {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        assert_eq!(run(slow, &turns, LIMIT).await, Some(()));
        assert_eq!(start.elapsed(), Duration::from_secs(9));
        for silent in silent {
            assert_eq!(silent.await.unwrap(), None);
        }
        assert_eq!(start.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_a_turn_is_not_held_against_the_client() {
        let turns = Arc::new(Semaphore::new(1));
        let start = Instant::now();
        let busy = turns.clone().acquire_owned().await.unwrap();
        let queued = [
            tokio::spawn({
                let turns = turns.clone();
                async move { run(async {}, &turns, LIMIT).await }
            }),
            tokio::spawn({
                let turns = turns.clone();
                async move { run(pending(), &turns, LIMIT).await }
            }),
        ];
        tokio::time::sleep(6 * LIMIT).await;
        drop(busy);
        let [quick, silent] = queued;
        assert_eq!(quick.await.unwrap(), Some(()));
        assert_eq!(silent.await.unwrap(), None);
        assert_eq!(start.elapsed(), 7 * LIMIT);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_more_compute_than_there_are_turns() {
        let turns = Arc::new(Semaphore::new(2));
        let (busy, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut handshakes = tokio::task::JoinSet::new();
        for _ in 0..40 {
            let (turns, busy, most) = (turns.clone(), busy.clone(), most.clone());
            handshakes.spawn(async move {
                let handshake = async {
                    for _ in 0..5 {
                        most.fetch_max(busy.fetch_add(1, SeqCst) + 1, SeqCst);
                        std::thread::sleep(Duration::from_micros(200));
                        busy.fetch_sub(1, SeqCst);
                        tokio::task::yield_now().await;
                    }
                };
                run(handshake, &turns, LIMIT).await
            });
        }
        assert!(handshakes.join_all().await.iter().all(Option::is_some));
        assert_eq!(most.load(SeqCst), 2);
        assert_eq!(turns.available_permits(), 2);
    }
}
