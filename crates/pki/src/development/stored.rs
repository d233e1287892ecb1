//! Reading a development folder, and telling what is missing or old from what is damaged.

use std::{path::Path, time::SystemTime};

use p12_keystore::Pkcs12Archive;
use pkcs8::SecretDocument;
use time::OffsetDateTime;
use x509_parser::{certificate::X509Certificate, pem::Pem, prelude::FromDer};

use super::{CLIENTS, Development, P12_PASSPHRASE, REMAINING};
use crate::{Issued, PkiError, disk, key::public_der_of};

/// The certificates of the folder; nothing if some are missing or too old.
pub(super) fn load(folder: &Path) -> Result<Option<Development>, PkiError> {
    let files = Development::files(folder);
    // all are looked for before one is read: a folder with a file missing is not damaged
    if files.iter().any(|file| !file.exists()) {
        return Ok(None);
    }
    let (Some(ca), Some(mallory_ca)) = (root(&folder.join("ca.pem"))?, root(&folder.join("mallory-ca.pem"))?)
    else {
        return Ok(None);
    };
    let Some(server) = pair(folder, "server", "localhost", &ca)? else { return Ok(None) };
    let mut clients = Vec::new();
    for (name, _) in CLIENTS {
        let root = if name == "mallory" { &mallory_ca } else { &ca };
        let Some(client) = pair(folder, name, name, root)? else { return Ok(None) };
        if !check_bundle(&folder.join(format!("{name}.p12")), &client)? {
            return Ok(None);
        }
        clients.push(client);
    }

    let mut in_use = vec![&ca[..], &mallory_ca, server.certificate_der()];
    in_use.extend(clients.iter().filter(|client| client.name() != "expired").map(Issued::certificate_der));
    if in_use.into_iter().all(lasts) { Ok(Some(Development::new(folder, server, clients))) } else { Ok(None) }
}

fn root(path: &Path) -> Result<Option<Vec<u8>>, PkiError> {
    let Some(chain) = certificates(path)? else { return Ok(None) };
    let [certificate] = &chain[..] else {
        return Err(damaged(path, format!("it holds {} certificates instead of one", chain.len())));
    };
    if parse(path, certificate)?.verify_signature(None).is_err() {
        return Err(damaged(path, "the signature of the authority is wrong"));
    }
    Ok(Some(certificate.clone()))
}

/// A certificate and its key, once they are known to fit each other and the authority.
fn pair(folder: &Path, stem: &str, name: &str, root: &[u8]) -> Result<Option<Issued>, PkiError> {
    let path = folder.join(format!("{stem}.pem"));
    let key_path = folder.join(format!("{stem}.key"));
    let (Some(chain), Some(key)) = (certificates(&path)?, private_key(&key_path)?) else { return Ok(None) };
    let Some(leaf) = chain.first() else { return Err(damaged(&path, "it holds no certificate")) };
    let leaf = parse(&path, leaf)?;
    let root_certificate = parse(&path, root)?;
    if leaf.verify_signature(Some(root_certificate.public_key())).is_err() {
        return Err(damaged(&path, "its authority is not the one in this folder"));
    }
    let public = public_der_of(key.as_bytes()).map_err(|error| damaged(&key_path, error))?;
    if public != leaf.public_key().raw {
        return Err(damaged(&key_path, format!("it is not the key of `{stem}.pem`")));
    }
    Ok(Some(Issued::from_parts(name, chain.clone(), root.to_vec(), key)))
}

/// False if the bundle does not exist.
fn check_bundle(path: &Path, client: &Issued) -> Result<bool, PkiError> {
    let Some(bundle) = disk::read_secret(path)? else { return Ok(false) };
    let archive =
        Pkcs12Archive::from_pkcs12(&bundle, P12_PASSPHRASE).map_err(|error| damaged(path, error))?;
    let keys: Vec<_> = archive.keys.iter().map(|bag| bag.key.as_der()).collect();
    let certificates: Vec<_> = archive.certs.iter().map(|bag| bag.cert.as_der()).collect();
    if keys == [client.key_der()] && certificates == client.chain_der() {
        Ok(true)
    } else {
        Err(damaged(path, format!("it holds another certificate or key than `{}.pem`", client.name())))
    }
}

fn certificates(path: &Path) -> Result<Option<Vec<Vec<u8>>>, PkiError> {
    let Some(content) = disk::read(path)? else { return Ok(None) };
    let mut certificates = Vec::new();
    for block in Pem::iter_from_buffer(&content) {
        let block = block.map_err(|error| damaged(path, error))?;
        if block.label != "CERTIFICATE" {
            return Err(damaged(path, format!("it holds a block `{}`", block.label.escape_debug())));
        }
        parse(path, &block.contents)?;
        certificates.push(block.contents);
    }
    if certificates.is_empty() {
        return Err(damaged(path, "it holds no certificate"));
    }
    Ok(Some(certificates))
}

fn private_key(path: &Path) -> Result<Option<SecretDocument>, PkiError> {
    let Some(content) = disk::read_secret(path)? else { return Ok(None) };
    let text = String::from_utf8(content).map_err(|_| damaged(path, "it is no text"))?;
    match SecretDocument::from_pem(&text) {
        Ok(("PRIVATE KEY", key)) => Ok(Some(key)),
        Ok(_) => Err(damaged(path, "it holds no plain PKCS#8 key")),
        Err(error) => Err(damaged(path, error)),
    }
}

fn parse<'a>(path: &Path, der: &'a [u8]) -> Result<X509Certificate<'a>, PkiError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(damaged(path, "bytes follow the certificate")),
        Err(error) => Err(damaged(path, error)),
    }
}

/// The certificate is valid now and for a while yet.
fn lasts(der: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return false };
    let now = OffsetDateTime::from(SystemTime::now());
    let validity = certificate.validity();
    validity.not_before.to_datetime() <= now && validity.not_after.to_datetime() >= now + REMAINING
}

fn damaged(path: &Path, reason: impl ToString) -> PkiError {
    PkiError::Damaged { path: path.to_owned(), reason: reason.to_string() }
}
