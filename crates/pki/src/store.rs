//! A folder of certificates with an index of what was issued.

mod entry;
mod error;
mod files;
mod slot;
mod standing;

use std::{
    fmt, fs,
    fs::File,
    path::{Path, PathBuf},
    time::SystemTime,
};

use x509_parser::{pem::Pem, prelude::FromDer, revocation_list::CertificateRevocationList};

use self::{entry::unhex, files::Unlock};
pub use self::{
    entry::{Entry, Revocation, Status},
    error::StoreError,
    slot::{Kind, Slot},
};
use crate::{
    Authority, Issued, PkiError, RevocationReason, Revoked,
    disk::{self, Marker},
};

const MARKER: Marker = Marker {
    file: ".portcullis-pki",
    text: "Certificates made by `portcullis pki`; this file is locked while the folder is written.\n",
};

/// A folder of certificates with an index of what was issued, for this process alone.
///
/// | file | what it is |
/// | --- | --- |
/// | `ca.pem`, `ca.key` | the root authority |
/// | `intermediate/NAME.pem`, `.key` | an authority below it, followed by the ones above it |
/// | `server/NAME.pem`, `.key` | a server's certificate, followed by the intermediates |
/// | `client/NAME.pem`, `.key`, `.p12` | a client's |
/// | `crl.pem` | the revocation lists, one of each authority |
/// | `index.jsonl` | what was issued, one line of JSON each |
///
/// A certificate stands in the index before it stands in its file, so that each one that anybody can
/// have can be revoked. Every file is written beside its place and renamed. Other processes wait for
/// this one until the value is dropped.
///
/// # Security
///
/// If the key of an authority is kept here without a passphrase, then whoever reads the folder gets
/// in under any name.
///
/// # Examples
///
/// ```
/// use portcullis_pki::{Authority, Kind, RevocationReason, Slot, Store, StoreError};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path().join("pki");
/// let mut store = Store::init(&folder, &Authority::new("Example CA")?, None)?;
/// let authority = store.authority(None, &mut |_| Err("no key is encrypted".to_owned()))?;
/// let alice = Slot::new(Kind::Client, "alice")?;
/// store.add(&alice, None, &authority.client("alice").issue()?, None, false)?;
///
/// // not twice
/// let again = store.add(&alice, None, &authority.client("alice").issue()?, None, false);
/// assert!(matches!(again, Err(StoreError::Exists { .. })));
///
/// assert_eq!(store.revoke(&alice, RevocationReason::KeyCompromise)?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Store {
    folder: PathBuf,
    entries: Vec<Entry>,
    _lock: File,
}

impl Store {
    /// Starts a store with this root authority, its key encrypted if there is a passphrase.
    ///
    /// # Errors
    ///
    /// [`StoreError::Begun`] if there is a store already, [`StoreError::Damaged`] if there is one
    /// whose root was lost, [`PkiError::Foreign`] if its files would overwrite others, or a failure
    /// of the disk.
    pub fn init(folder: &Path, authority: &Authority, passphrase: Option<&str>) -> Result<Self, StoreError> {
        let root = Slot::root();
        let (certificate, index) = (root.certificate(folder), folder.join("index.jsonl"));
        let files = [certificate.clone(), root.key(folder), index.clone(), folder.join("crl.pem")];
        let lock = disk::lock(folder, &MARKER, &files)?;
        // the authority's own file is written last: what was interrupted is begun anew
        if certificate.symlink_metadata().is_ok() {
            return Err(StoreError::Begun { path: folder.to_owned() });
        }
        check_unused(folder)?;
        let pkcs8 = authority.key().to_pkcs8()?;
        let entry = Entry::new(&root, &root, authority.certificate_der())?;
        let store = Self { folder: folder.to_owned(), entries: vec![entry], _lock: lock };
        files::write_index(&index, &store.entries)?;
        files::write_key(&root.key(folder), pkcs8.as_bytes(), passphrase)?;
        files::write_certificates(&certificate, &[authority.certificate_der().to_vec()])?;
        Ok(store)
    }

    /// Opens the store in a folder, and waits for other processes that use it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`], [`StoreError::Damaged`], or a failure of the disk.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let missing = || StoreError::Missing { path: folder.to_owned() };
        if !folder.join(MARKER.file).is_file() {
            return Err(missing());
        }
        let lock = disk::lock(folder, &MARKER, &[])?;
        if !Slot::root().certificate(folder).is_file() {
            check_unused(folder)?;
            return Err(missing());
        }
        let index = folder.join("index.jsonl");
        let entries =
            files::read_index(&index)?.ok_or_else(|| StoreError::damaged(&index, "it does not exist"))?;
        Ok(Self { folder: folder.to_owned(), entries, _lock: lock })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was issued, the oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The latest certificate of a place.
    pub fn latest(&self, slot: &Slot) -> Option<&Entry> {
        self.entries.iter().rfind(|entry| entry.is(slot))
    }

    /// The place that somebody means by `alice` or `client/alice`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`], [`StoreError::Ambiguous`].
    pub fn find(&self, text: &str) -> Result<Slot, StoreError> {
        let kinds = [Kind::Client, Kind::Server, Kind::Intermediate];
        let mut found: Vec<Slot> = Vec::new();
        for kind in kinds {
            let name = match text.split_once('/') {
                Some((prefix, name)) if prefix == kind.as_str() => name,
                Some(_) => continue,
                None => text,
            };
            let slot = Slot::new(kind, name)?;
            if self.latest(&slot).is_some() {
                found.push(slot);
            }
        }
        match found.pop() {
            None => Err(StoreError::Unknown { name: text.to_owned() }),
            Some(slot) if found.is_empty() => Ok(slot),
            Some(_) => Err(StoreError::Ambiguous { name: text.to_owned() }),
        }
    }

    /// The authority that issues: the root, or an intermediate. `unlock` is asked for the passphrase
    /// of a key that is encrypted.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`], [`StoreError::Damaged`].
    pub fn authority(
        &self,
        intermediate: Option<&Slot>,
        unlock: Unlock<'_>,
    ) -> Result<Authority, StoreError> {
        let root = Slot::root();
        let slot = intermediate.unwrap_or(&root);
        let path = slot.certificate(&self.folder);
        let mut chain = files::certificates(&path)?;
        if intermediate.is_some() {
            chain.extend(files::certificates(&root.certificate(&self.folder))?);
        }
        let key = files::key(&slot.key(&self.folder), unlock)?;
        Authority::from_der(chain, key.as_bytes()).map_err(|error| StoreError::damaged(path, error))
    }

    /// A certificate with its key, as it was issued.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`], [`StoreError::Damaged`].
    pub fn issued(&self, slot: &Slot, unlock: Unlock<'_>) -> Result<Issued, StoreError> {
        let path = slot.certificate(&self.folder);
        let chain = files::certificates(&path)?;
        let root = self.root()?;
        let key = files::key(&slot.key(&self.folder), unlock)?;
        Issued::from_der(chain, root, key.as_bytes()).map_err(|error| StoreError::damaged(path, error))
    }

    /// The certificate of a place, in DER.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if it cannot be read.
    pub fn certificate_der(&self, slot: &Slot) -> Result<Vec<u8>, StoreError> {
        let path = slot.certificate(&self.folder);
        let chain = files::certificates(&path)?;
        chain.into_iter().next().ok_or_else(|| StoreError::damaged(path, "it holds no certificate"))
    }

    /// Whether the private key of a place is kept here.
    pub fn has_key(&self, slot: &Slot) -> bool {
        slot.key(&self.folder).is_file()
    }

    /// Whether a PKCS#12 bundle of a place is kept here.
    pub fn has_bundle(&self, slot: &Slot) -> bool {
        slot.bundle(&self.folder).is_file()
    }

    /// Whether the private key of a place is encrypted.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if it cannot be read.
    pub fn key_is_encrypted(&self, slot: &Slot) -> Result<bool, StoreError> {
        let mut asked = false;
        let opened = files::key(&slot.key(&self.folder), &mut |_| {
            asked = true;
            Err(String::new())
        });
        match opened {
            Err(error) if !asked => Err(error),
            _ => Ok(asked),
        }
    }

    /// Refuses a place whose files would be overwritten.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`], or [`StoreError::Collides`] if they are those of another name.
    pub fn check_free(&self, slot: &Slot) -> Result<(), StoreError> {
        self.check_name(slot)?;
        let files = [slot.certificate(&self.folder), slot.key(&self.folder)];
        match files.into_iter().find(|file| file.symlink_metadata().is_ok()) {
            // the certificate is written last: a key alone was left by an interrupted run
            Some(path) if slot.certificate(&self.folder).symlink_metadata().is_ok() => {
                Err(StoreError::Exists { path })
            }
            _ => Ok(()),
        }
    }

    /// Keeps a certificate and its key, encrypted if there is a passphrase. A bundle of an older
    /// certificate is removed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`] unless `overwrite`, [`StoreError::Collides`], [`StoreError::Closed`] if
    /// the issuer is, or a failure of the disk.
    pub fn add(
        &mut self,
        slot: &Slot,
        issuer: Option<&Slot>,
        issued: &Issued,
        passphrase: Option<&str>,
        overwrite: bool,
    ) -> Result<(), StoreError> {
        self.record(slot, issuer, issued.certificate_der(), overwrite)?;
        disk::remove(&slot.bundle(&self.folder))?;
        files::write_key(&slot.key(&self.folder), issued.key_der(), passphrase)?;
        files::write_certificates(&slot.certificate(&self.folder), issued.chain_der())
    }

    /// Keeps a certificate whose key somebody else has, or which is for the same key as before.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn add_certificate(
        &mut self,
        slot: &Slot,
        issuer: Option<&Slot>,
        chain: &[Vec<u8>],
        overwrite: bool,
    ) -> Result<(), StoreError> {
        let leaf = chain.first().ok_or_else(|| PkiError::certificate("there is none"))?;
        self.record(slot, issuer, leaf, overwrite)?;
        files::write_certificates(&slot.certificate(&self.folder), chain)
    }

    /// Keeps an intermediate authority and its key.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add), and [`StoreError::Orphans`] if a key would be overwritten that signed
    /// what has not expired.
    pub fn add_intermediate(
        &mut self,
        slot: &Slot,
        issuer: Option<&Slot>,
        authority: &Authority,
        passphrase: Option<&str>,
        overwrite: bool,
    ) -> Result<(), StoreError> {
        self.check_orphans(slot)?;
        self.record(slot, issuer, authority.certificate_der(), overwrite)?;
        let pkcs8 = authority.key().to_pkcs8()?;
        files::write_key(&slot.key(&self.folder), pkcs8.as_bytes(), passphrase)?;
        files::write_certificates(&slot.certificate(&self.folder), authority.chain_der())
    }

    /// Keeps a PKCS#12 bundle, and returns where.
    ///
    /// # Errors
    ///
    /// A failure of the disk.
    pub fn write_bundle(&self, slot: &Slot, bundle: &[u8]) -> Result<PathBuf, StoreError> {
        let path = slot.bundle(&self.folder);
        disk::write_secret(&path, bundle)?;
        Ok(path)
    }

    /// Marks every certificate of a place that has not expired as revoked, and returns their serial
    /// numbers. The lists are signed by [`write_revocation_lists`](Self::write_revocation_lists).
    ///
    /// # Errors
    ///
    /// A failure of the disk.
    pub fn revoke(&mut self, slot: &Slot, reason: RevocationReason) -> Result<Vec<String>, StoreError> {
        let now = SystemTime::now();
        let mut revoked = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| entry.is(slot)) {
            if entry.not_after() >= now && entry.revoke(now, reason) {
                revoked.push(entry.serial().to_owned());
            }
        }
        if !revoked.is_empty() {
            self.write_index()?;
        }
        Ok(revoked)
    }

    /// The intermediates that have an unexpired certificate.
    pub fn intermediates(&self) -> Vec<Slot> {
        let now = SystemTime::now();
        let mut slots: Vec<Slot> = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.kind() == Kind::Intermediate) {
            let Ok(slot) = Slot::new(Kind::Intermediate, entry.name()) else { continue };
            if entry.not_after() >= now && !slots.contains(&slot) {
                slots.push(slot);
            }
        }
        slots
    }

    /// Signs one list for each authority, and writes them into `crl.pem`.
    ///
    /// # Errors
    ///
    /// A failure of the disk or of the cryptography library.
    pub fn write_revocation_lists(
        &self,
        authorities: &[(Option<Slot>, Authority)],
        next_update: SystemTime,
    ) -> Result<PathBuf, StoreError> {
        let path = self.folder.join("crl.pem");
        let number = next_number(&path)?;
        let mut text = String::new();
        for (slot, authority) in authorities {
            let issuer = slot.clone().unwrap_or_else(Slot::root).to_string();
            let mut list = authority.revocation_list().next_update(next_update).number(number);
            for entry in self.entries.iter().filter(|entry| entry.issuer() == issuer) {
                let (Some(revocation), Some(serial)) = (entry.revoked(), unhex(entry.serial())) else {
                    continue;
                };
                list = list.revoke(Revoked::serial(serial).at(revocation.at()).reason(revocation.reason()));
            }
            text.push_str(&list.sign()?.pem()?);
        }
        disk::write(&path, text.as_bytes())?;
        Ok(path)
    }

    /// Removes every file that the store wrote, and the folders if nothing else is in them.
    ///
    /// # Errors
    ///
    /// A failure of the disk.
    pub fn reset(self) -> Result<(), StoreError> {
        let root = Slot::root();
        for entry in self.entries.iter().filter(|entry| entry.kind() != Kind::Root) {
            let Ok(slot) = Slot::new(entry.kind(), entry.name()) else { continue };
            for file in [slot.certificate(&self.folder), slot.key(&self.folder), slot.bundle(&self.folder)] {
                disk::remove(&file)?;
            }
        }
        disk::remove(&self.folder.join("crl.pem"))?;
        // from here on the rest counts as nothing: whatever is interrupted before can be reset again
        let index = self.folder.join("index.jsonl");
        let roots: Vec<_> = self.entries.iter().filter(|entry| entry.kind() == Kind::Root).cloned().collect();
        files::write_index(&index, &roots)?;
        disk::remove(&root.certificate(&self.folder))?;
        disk::remove(&root.key(&self.folder))?;
        disk::remove(&index)?;
        disk::remove(&self.folder.join(MARKER.file))?;
        for kind in [Kind::Intermediate, Kind::Server, Kind::Client] {
            // a folder with something else in it stays
            let _ = fs::remove_dir(self.folder.join(kind.as_str()));
        }
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }

    fn root(&self) -> Result<Vec<u8>, StoreError> {
        self.certificate_der(&Slot::root())
    }

    /// Enters a certificate into the index, before anybody can have it.
    fn record(
        &mut self,
        slot: &Slot,
        issuer: Option<&Slot>,
        certificate: &[u8],
        overwrite: bool,
    ) -> Result<(), StoreError> {
        self.check_name(slot)?;
        if !overwrite {
            self.check_free(slot)?;
        }
        self.check_issuer(issuer)?;
        let entry = Entry::new(slot, issuer.unwrap_or(&Slot::root()), certificate)?;
        self.entries.iter_mut().filter(|old| old.is(slot)).for_each(Entry::replace);
        self.entries.push(entry);
        self.write_index()
    }

    fn write_index(&self) -> Result<(), StoreError> {
        files::write_index(&self.folder.join("index.jsonl"), &self.entries)
    }
}

/// Refuses a folder without a root that is more than an interrupted beginning: another root would take
/// the key away from all that was issued.
fn check_unused(folder: &Path) -> Result<(), StoreError> {
    let entries = files::read_index(&folder.join("index.jsonl"))?;
    let root = Slot::root();
    // the index is written before the key
    let is_unused = match entries.as_deref() {
        None => root.key(folder).symlink_metadata().is_err(),
        Some(entries) => entries.iter().all(|entry| entry.kind() == Kind::Root),
    };
    if is_unused && !files::has_slots(folder)? {
        return Ok(());
    }
    Err(StoreError::damaged(
        root.certificate(folder),
        "it is missing: restore it, or start in another folder",
    ))
}

/// A number that is greater than those of the lists before, even if their file was deleted.
fn next_number(path: &Path) -> Result<u64, StoreError> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let Some(content) = disk::read(path)? else { return Ok(now) };
    let mut number = now;
    for block in Pem::iter_from_buffer(&content) {
        let block = block.map_err(|error| StoreError::damaged(path, error))?;
        let (_, list) = CertificateRevocationList::from_der(&block.contents)
            .map_err(|error| StoreError::damaged(path, error))?;
        let before = list.crl_number().and_then(|number| u64::try_from(number).ok());
        number = number.max(before.map_or(0, |before| before.saturating_add(1)));
    }
    Ok(number)
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("folder", &self.folder)
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}
