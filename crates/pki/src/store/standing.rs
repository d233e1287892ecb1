//! What a certificate is good for, given those above it, and what a new one must not do to the others.

use std::{collections::BTreeSet, time::SystemTime};

use super::{Entry, Kind, Slot, Status, Store, StoreError};

impl Store {
    /// What a certificate is good for at this time: nothing if an authority above it is not.
    ///
    /// # Security
    ///
    /// If [`Entry::status`] is asked instead, then whoever was certified by a revoked intermediate
    /// passes for valid.
    pub fn status(&self, entry: &Entry, now: SystemTime) -> Status {
        let own = entry.status(now);
        if matches!(own, Status::Revoked | Status::Expired | Status::NotYetValid) {
            return own;
        }
        let mut seen = BTreeSet::new();
        let mut issuer = entry.issuer();
        // the root stands above itself
        while seen.insert(issuer) {
            let Some(above) = self.latest_at(issuer) else { return Status::IssuerRevoked };
            match above.status(now) {
                Status::Revoked => return Status::IssuerRevoked,
                Status::Expired => return Status::IssuerExpired,
                Status::NotYetValid => return Status::NotYetValid,
                _ => issuer = above.issuer(),
            }
        }
        own
    }

    /// Refuses an authority, nothing for the root, that would issue what nobody accepts.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] if it, or one above it, was revoked or has expired.
    pub fn check_issuer(&self, issuer: Option<&Slot>) -> Result<(), StoreError> {
        let root = Slot::root();
        let slot = issuer.unwrap_or(&root);
        let Some(entry) = self.latest(slot) else {
            return Err(StoreError::Unknown { name: slot.to_string() });
        };
        let reason = match self.status(entry, SystemTime::now()) {
            Status::Revoked => "it is revoked",
            Status::Expired => "it has expired",
            Status::IssuerRevoked => "an authority above it is revoked",
            Status::IssuerExpired => "an authority above it has expired",
            _ => return Ok(()),
        };
        Err(StoreError::Closed { name: slot.to_string(), reason })
    }

    /// Refuses a name that has the files of another name.
    pub(super) fn check_name(&self, slot: &Slot) -> Result<(), StoreError> {
        let file = slot.certificate(&self.folder);
        let mut others = self.entries.iter().filter(|entry| entry.kind() == slot.kind() && !entry.is(slot));
        let collides = |entry: &&Entry| {
            Slot::new(entry.kind(), entry.name()).is_ok_and(|other| other.certificate(&self.folder) == file)
        };
        match others.find(collides) {
            Some(other) => Err(StoreError::Collides {
                name: slot.name().to_owned(),
                other: other.name().to_owned(),
                path: file,
            }),
            None => Ok(()),
        }
    }

    /// Refuses to take the key of an authority away while what it signed has not expired: nothing of
    /// it could be revoked any more.
    pub(super) fn check_orphans(&self, authority: &Slot) -> Result<(), StoreError> {
        let name = authority.to_string();
        let now = SystemTime::now();
        let signed =
            self.entries.iter().filter(|entry| entry.issuer() == name && entry.not_after() >= now).count();
        if signed == 0 { Ok(()) } else { Err(StoreError::Orphans { name, count: signed }) }
    }

    /// The latest certificate of an issuer, as the index names it.
    fn latest_at(&self, issuer: &str) -> Option<&Entry> {
        match issuer.strip_prefix("intermediate/") {
            Some(name) => self.latest(&Slot::new(Kind::Intermediate, name).ok()?),
            None => self.latest(&Slot::root()).filter(|root| root.issuer() == issuer),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Authority, RevocationReason};

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn slot(kind: Kind, name: &str) -> Slot {
        Slot::new(kind, name).unwrap()
    }

    /// A root, `upper` below it, `lower` below that, and `alice` below `lower`.
    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let root = Authority::new("Example CA").unwrap();
        let mut store = Store::init(&folder.path().join("pki"), &root, None).unwrap();
        let (upper, lower) = (slot(Kind::Intermediate, "upper"), slot(Kind::Intermediate, "lower"));
        let now = SystemTime::now();
        let first = root.intermediate_builder("upper").path_length(1);
        let first = first.valid(now - DAY, now + 20 * DAY).build().unwrap();
        store.add_intermediate(&upper, None, &first, None, false).unwrap();
        let second = first.intermediate_builder("lower").valid(now - DAY, now + 10 * DAY).build().unwrap();
        store.add_intermediate(&lower, Some(&upper), &second, None, false).unwrap();
        let alice = second.client("alice").valid(now - DAY, now + 40 * DAY).issue().unwrap();
        store.add(&slot(Kind::Client, "alice"), Some(&lower), &alice, None, false).unwrap();
        (folder, store)
    }

    fn of_alice(store: &Store, now: SystemTime) -> Status {
        store.status(store.latest(&slot(Kind::Client, "alice")).unwrap(), now)
    }

    #[test]
    fn whatever_stands_above_closes_all_below() {
        let (_folder, mut store) = store();
        let now = SystemTime::now();
        assert_eq!(of_alice(&store, now), Status::Valid);
        assert_eq!(of_alice(&store, now + 15 * DAY), Status::IssuerExpired);
        assert_eq!(of_alice(&store, now + 50 * DAY), Status::Expired);
        assert_eq!(store.status(&store.entries()[0], now), Status::Valid);

        let (upper, lower) = (slot(Kind::Intermediate, "upper"), slot(Kind::Intermediate, "lower"));
        assert!(store.check_issuer(Some(&lower)).is_ok() && store.check_issuer(None).is_ok());
        store.revoke(&upper, RevocationReason::KeyCompromise).unwrap();
        assert_eq!(of_alice(&store, now), Status::IssuerRevoked);
        assert_eq!(store.status(store.latest(&upper).unwrap(), now), Status::Revoked);
        for closed in [&upper, &lower] {
            assert!(matches!(store.check_issuer(Some(closed)), Err(StoreError::Closed { .. })), "{closed}");
        }
        let eve = store.authority(Some(&lower), &mut |_| Err(String::new())).unwrap();
        let eve = eve.client("eve").issue().unwrap();
        let added = store.add(&slot(Kind::Client, "eve"), Some(&lower), &eve, None, false);
        assert!(matches!(added, Err(StoreError::Closed { .. })), "{added:?}");
        assert_eq!(store.entries().len(), 4);
    }

    #[test]
    fn the_key_of_an_authority_stays_while_what_it_signed_lasts() {
        let (_folder, mut store) = store();
        let root = store.authority(None, &mut |_| Err(String::new())).unwrap();
        let lower = slot(Kind::Intermediate, "lower");
        let another = root.intermediate("lower").unwrap();
        let key = std::fs::read(lower.key(store.folder())).unwrap();
        for _ in 0..2 {
            let added = store.add_intermediate(&lower, None, &another, None, true);
            assert!(matches!(added, Err(StoreError::Orphans { count: 1, .. })), "{added:?}");
            assert_eq!(std::fs::read(lower.key(store.folder())).unwrap(), key);
            // the list of the old key is what keeps her out
            store.revoke(&slot(Kind::Client, "alice"), RevocationReason::Unspecified).unwrap();
        }
        let free = slot(Kind::Intermediate, "free");
        store.add_intermediate(&free, None, &root.intermediate("free").unwrap(), None, false).unwrap();
        store.add_intermediate(&free, None, &root.intermediate("free").unwrap(), None, true).unwrap();
    }

    #[test]
    fn two_names_never_share_a_file() {
        let (_folder, mut store) = store();
        let root = store.authority(None, &mut |_| Err(String::new())).unwrap();
        for (first, second) in [("a:b", "a_b"), ("*.x", "_wildcard.x")] {
            let (first, second) = (slot(Kind::Client, first), slot(Kind::Client, second));
            store.add(&first, None, &root.client("a").issue().unwrap(), None, false).unwrap();
            let key = std::fs::read(first.key(store.folder())).unwrap();
            for overwrite in [false, true] {
                let added = store.add(&second, None, &root.client("b").issue().unwrap(), None, overwrite);
                assert!(matches!(added, Err(StoreError::Collides { .. })), "{added:?}");
            }
            assert!(matches!(store.check_free(&second), Err(StoreError::Collides { .. })));
            assert_eq!(std::fs::read(first.key(store.folder())).unwrap(), key);
            // a server has files of its own
            let server = slot(Kind::Server, second.name());
            store.add(&server, None, &root.client("b").issue().unwrap(), None, false).unwrap();
            store.add(&first, None, &root.client("a").issue().unwrap(), None, true).unwrap();
        }
    }
}
