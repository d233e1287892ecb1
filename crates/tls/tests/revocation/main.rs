//! What is revoked stays outside, and so does what nobody can say anything about.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod corruption;
mod denied;
#[cfg(feature = "fetch")]
mod fetch;
mod lists;
mod model;
mod scope;
mod sources;
mod verdicts;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portcullis_pki::{Authority, Issued, RevocationListBuilder, Revoked};
use portcullis_tls::{ClientAuth, ClientTrust, Revocation, RevocationError, TlsError, TrustAnchors};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The time of all the tests: when they began.
fn now() -> i64 {
    static NOW: std::sync::LazyLock<SystemTime> = std::sync::LazyLock::new(SystemTime::now);
    i64::try_from(NOW.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A time before or after that.
fn at(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(now() + seconds).unwrap())
}

/// A root, an authority below it, and a client of each.
struct World {
    root: Authority,
    team: Authority,
    alice: Issued,
    bob: Issued,
}

impl World {
    fn new() -> Self {
        let root = Authority::new("Staff CA").unwrap();
        let team = root.intermediate("Team CA").unwrap();
        let (alice, bob) = (root.client("alice").issue().unwrap(), team.client("bob").issue().unwrap());
        Self { root, team, alice, bob }
    }

    fn trust(&self, revocation: Revocation) -> Result<ClientTrust, RevocationError> {
        trust(&[("staff", &self.root)], revocation)
    }

    /// What becomes of alice and bob with these lists.
    fn verdicts(&self, lists: &[&RevocationListBuilder<'_>]) -> (String, String) {
        let trust = self.trust(of(lists)).unwrap();
        (verdict(&trust, &self.alice), verdict(&trust, &self.bob))
    }
}

fn trust(anchors: &[(&str, &Authority)], revocation: Revocation) -> Result<ClientTrust, RevocationError> {
    let add = |anchors: TrustAnchors, (label, authority): &(&str, &Authority)| {
        anchors.der(*label, authority.certificate_der())
    };
    let anchors = anchors.iter().fold(TrustAnchors::new(), add);
    let asked = ClientAuth::require(anchors).revocation(revocation);
    match ClientTrust::builder(asked).clock(now).build() {
        Ok(trust) => Ok(trust),
        Err(TlsError::Revocation(error)) => Err(error),
        Err(other) => unreachable!("{other}"),
    }
}

fn of(lists: &[&RevocationListBuilder<'_>]) -> Revocation {
    let start = Revocation::crl_files(Vec::<String>::new());
    lists.iter().fold(start, |revocation, list| revocation.crl_der(list.sign().unwrap().der()))
}

/// `trusted`, or the code of the reason.
fn verdict(trust: &ClientTrust, client: &Issued) -> String {
    verdict_at(trust, client, now())
}

fn verdict_at(trust: &ClientTrust, client: &Issued, now: i64) -> String {
    trust.judge(client.chain_der(), now).map_or_else(|reason| reason.code(), |_| "trusted").to_owned()
}

fn revoked(issued: &Issued) -> Revoked {
    Revoked::certificate(issued.certificate_der()).unwrap()
}
