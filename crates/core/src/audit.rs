//! An audit trail: one structured event for each decision.
//!
//! A sink takes the events on a thread of its own, behind a bounded queue. However slow or broken it
//! is, no request waits for it, and what it misses is counted. Without a sink nothing is built.
//!
//! ```
//! use std::sync::mpsc;
//!
//! use portcullis_core::audit::AuditEvent;
//! use portcullis_core::rule::{anyone, authenticated};
//! use portcullis_core::{Authorizer, Connection, Peer, Policy, Request};
//!
//! let (sender, events) = mpsc::channel();
//! let policy = Policy::builder().route("GET /", anyone()).route("GET /me", authenticated()).build()?;
//! let auth = Authorizer::builder(policy)
//!     .audit(move |event: &AuditEvent<'_>| drop(sender.send((event.allowed, event.to_json()))))
//!     .build()?;
//!
//! let nobody = Connection::assertion(Peer::Anonymous);
//! for path in ["/", "/me"] {
//!     let _verdict = auth.authorize(&Request::new("GET", path), Some(&nobody));
//! }
//! drop(auth);
//!
//! let (allowed, _) = events.recv()?;
//! assert!(allowed);
//! let (allowed, json) = events.recv()?;
//! assert!(!allowed && json.contains("\"kind\":\"certificate-required\""), "{json}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod event;
mod field;
mod json;
mod json_lines;
mod losses;
mod queue;
mod record;
mod text;

use std::fmt;
use std::io;
use std::num::NonZeroUsize;

pub use event::AuditEvent;
pub use field::AuditField;
use field::{Mask, Masks};
pub use json_lines::{JsonLines, JsonLinesError};
pub use losses::AuditLosses;
pub(crate) use queue::Recorders;
pub(crate) use record::{Asked, Record};

/// The JSON Schema of an audit event: `schema/audit-event-1.json`.
pub const SCHEMA: &str = include_str!("../schema/audit-event-1.json");

/// Where audit events go.
///
/// Called by one thread, one event after the other. A closure is a sink, too.
///
/// # Examples
///
/// ```
/// use std::io::{self, Write};
/// use std::net::TcpStream;
///
/// use portcullis_core::audit::{AuditEvent, AuditSink};
///
/// struct Collector(TcpStream);
///
/// impl AuditSink for Collector {
///     fn record(&mut self, event: &AuditEvent<'_>) -> io::Result<()> {
///         writeln!(self.0, "{}", event.to_json())
///     }
/// }
/// ```
pub trait AuditSink: Send + 'static {
    /// Takes an event.
    ///
    /// # Errors
    ///
    /// What went wrong; the event counts as lost and the next one follows.
    fn record(&mut self, event: &AuditEvent<'_>) -> io::Result<()>;

    /// Writes what has been taken but not written; called after every batch of events.
    ///
    /// # Errors
    ///
    /// What went wrong; all events since the last call count as lost.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<F: FnMut(&AuditEvent<'_>) + Send + 'static> AuditSink for F {
    fn record(&mut self, event: &AuditEvent<'_>) -> io::Result<()> {
        self(event);
        Ok(())
    }
}

/// A sink of audit events, and what it is told.
///
/// # Security
///
/// If a sink cannot keep up, the events that its queue has no room for are lost, denials among them,
/// and an attacker can make many; see [`audit_losses`](crate::Authorizer::audit_losses).
#[must_use = "give it to `AuthorizerBuilder::audit`"]
pub struct Audit {
    sink: Box<dyn AuditSink>,
    masks: Masks,
    sample: u64,
    queue: NonZeroUsize,
    batch: NonZeroUsize,
}

impl Audit {
    /// A sink that is told everything.
    pub fn to(sink: impl AuditSink) -> Self {
        Self {
            sink: Box::new(sink),
            masks: Masks::default(),
            sample: 1,
            queue: NonZeroUsize::MIN.saturating_add(4095),
            batch: NonZeroUsize::MIN,
        }
    }

    /// Records one in `n` requests that pass, none for zero. Denials are always recorded, and so is
    /// what a candidate policy decides otherwise.
    pub fn sample_allows(mut self, n: u64) -> Self {
        self.sample = n;
        self
    }

    /// Writes `masked` in place of the field's value.
    ///
    /// # Security
    ///
    /// If only some fields of a certificate are masked, the others still tell whose it is; a path
    /// may contain a name, too.
    pub fn mask(mut self, field: AuditField) -> Self {
        self.masks.set(field, Mask::Hidden);
        self
    }

    /// Writes a salted hash in place of the field's value: equal values can be told, and nothing else.
    ///
    /// The salt is random and lives as long as the process, unless [`salt`](Self::salt) gives one.
    pub fn pseudonym(mut self, field: AuditField) -> Self {
        self.masks.set(field, Mask::Pseudonym);
        self
    }

    /// The secret of the pseudonyms, so that they are the same on all replicas and after a restart.
    ///
    /// # Security
    ///
    /// If somebody knows it, they find out who is behind a pseudonym by trying names.
    pub fn salt(mut self, secret: &[u8]) -> Self {
        self.masks.set_salt(secret);
        self
    }

    /// How many events may wait for the sink, up to a million; 4096 without this.
    pub fn queue(mut self, events: NonZeroUsize) -> Self {
        self.queue = events;
        self
    }

    /// Flushes the sink after so many events, or when no more are waiting; after each without this.
    pub fn batch(mut self, events: NonZeroUsize) -> Self {
        self.batch = events;
        self
    }
}

impl<S: AuditSink> From<S> for Audit {
    fn from(sink: S) -> Self {
        Self::to(sink)
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit")
            .field("masked", &self.masks)
            .field("sample_allows", &self.sample)
            .field("queue", &self.queue)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
