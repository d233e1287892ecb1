//! Everything that decides whom to trust, and as whom to appear, at one moment.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use portcullis_core::{Certificate, Peer};
use rustls::DistinguishedName;
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

use super::names::Names;
use crate::HandshakeError;
use crate::client_auth::Mode;
use crate::judge::{Judge, Judgement};
use crate::revocation::RevocationSet;

/// The trust in force. It is swapped as a whole, under a new number each time.
pub(crate) struct Trust {
    snapshot: ArcSwap<Snapshot>,
    /// That of the snapshot, where it can be read at the least cost.
    generation: AtomicU64,
    announced: watch::Sender<u64>,
}

/// What was read and found good together.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) generation: u64,
    /// The site for clients that name none of the others; its number is 0.
    pub(crate) by_default: SiteState,
    /// The other sites, numbered from 1.
    pub(crate) others: Vec<SiteState>,
    pub(crate) names: Names,
}

/// A site as it appears, and how it judges its clients.
#[derive(Debug)]
pub(crate) struct SiteState {
    pub(crate) names: Vec<String>,
    pub(crate) certified_key: Arc<CertifiedKey>,
    pub(crate) certificate: Certificate,
    /// Shared by sites that do it in the same way; none if nobody is asked.
    pub(crate) clients: Option<Arc<Clients>>,
}

/// How clients are judged.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) mode: Mode,
    pub(crate) judge: Judge,
    pub(crate) hints: Vec<DistinguishedName>,
}

impl Trust {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        let generation = snapshot.generation;
        Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            generation: AtomicU64::new(generation),
            announced: watch::Sender::new(generation),
        }
    }

    pub(crate) fn load(&self) -> Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Puts another snapshot in force. Whoever reads the new number finds the new snapshot.
    pub(crate) fn swap(&self, snapshot: Snapshot) {
        let generation = snapshot.generation;
        self.snapshot.store(Arc::new(snapshot));
        self.generation.store(generation, Ordering::Release);
        self.announced.send_replace(generation);
    }

    /// Tells of each new number.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.announced.subscribe()
    }
}

impl Snapshot {
    /// The number of the site of this name, which is 0 if there is none.
    pub(crate) fn site_of(&self, server_name: Option<&str>) -> usize {
        server_name.and_then(|name| self.names.find(name)).unwrap_or(0)
    }

    /// All sites in the order of their numbers.
    pub(crate) fn sites(&self) -> impl Iterator<Item = &SiteState> + Clone {
        std::iter::once(&self.by_default).chain(&self.others)
    }

    pub(crate) fn site(&self, number: usize) -> &SiteState {
        number.checked_sub(1).and_then(|index| self.others.get(index)).unwrap_or(&self.by_default)
    }

    pub(crate) fn clients(&self, site: usize) -> Option<&Arc<Clients>> {
        self.site(site).clients.as_ref()
    }

    /// What is revoked, for each way of judging clients once, in the order of the sites.
    pub(crate) fn revocations(&self) -> impl Iterator<Item = &RevocationSet> {
        let is_repeated = |number: usize| (0..number).any(|before| self.judges_alike(before, number));
        let sites = self.sites().enumerate().filter(move |(number, _)| !is_repeated(*number));
        sites.filter_map(|(_, site)| site.clients.as_ref()?.judge.revocation())
    }

    /// Whether two sites judge their clients in the same way.
    pub(crate) fn judges_alike(&self, one: usize, other: usize) -> bool {
        match (self.clients(one), self.clients(other)) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        }
    }

    pub(crate) fn has_one_client_auth(&self) -> bool {
        (1..=self.others.len()).all(|site| self.judges_alike(0, site))
    }

    /// Tells the operator who will be asked for a certificate.
    pub(super) fn announce(&self) {
        for site in self.sites() {
            let Some(clients) = &site.clients else { continue };
            tracing::info!(
                target: "portcullis::tls",
                mode = clients.mode.as_str(),
                anchors = clients.judge.anchors().summary(),
                advertised_names = clients.hints.len(),
                site = (!site.names.is_empty()).then(|| site.names.join(", ")),
                "client certificates are asked for"
            );
        }
    }

    /// Judges what a client of this site has presented.
    pub(crate) fn judge(&self, site: usize, presented: &[CertificateDer<'_>], now: i64) -> Arc<Judgement> {
        match (self.clients(site), presented.split_first()) {
            (Some(clients), Some((leaf, others))) => clients.judge.judge(leaf, others, now),
            _ => Judgement::anonymous(self.generation),
        }
    }
}

impl Snapshot {
    /// Judges once more what was judged by another snapshot, or at another time.
    pub(crate) fn judge_again(&self, site: usize, judged: &Judgement, now: i64) -> Arc<Judgement> {
        match (self.clients(site), judged.chain().split_first()) {
            (Some(clients), Some((leaf, others))) => {
                let judge = &clients.judge;
                judge.recall(judged.digest(), now).unwrap_or_else(|| judge.judge(leaf, others, now))
            }
            // Nothing was presented, or too much, which remains so.
            _ => judged.of_generation(self.generation),
        }
    }
}

impl Clients {
    /// Whether the mode lets this peer in.
    pub(crate) fn admit(&self, judgement: &Judgement, is_resumed: bool) -> Result<(), HandshakeError> {
        match judgement.peer() {
            peer if self.mode.admits(peer) => Ok(()),
            // Trusted when the session began. The guard says why it is no longer, and ends the connection.
            Peer::Untrusted { .. } if is_resumed => Ok(()),
            Peer::Untrusted { certificate, reason } => Err(HandshakeError::CertificateUntrusted {
                certificate: certificate.clone(),
                reason: reason.clone(),
            }),
            Peer::Anonymous | Peer::Verified(_) => Err(HandshakeError::CertificateRequired),
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").field("generation", &self.generation()).finish_non_exhaustive()
    }
}

/// Shows the certificate in force of the site that a client names.
#[derive(Debug)]
pub(super) struct CertificateOfSite(pub(super) Arc<Trust>);

impl ResolvesServerCert for CertificateOfSite {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let snapshot = self.0.load();
        let site = snapshot.site_of(hello.server_name());
        Some(snapshot.site(site).certified_key.clone())
    }
}
