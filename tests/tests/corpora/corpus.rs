//! A corpus of chains, as it lies in its file.

use std::path::Path;

use anyhow::Context;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use serde::Deserialize;

/// 2026-01-01, when the corpora were young.
const ANY_DAY: i64 = 1_767_225_600;

#[derive(Deserialize)]
pub(crate) struct Corpus {
    pub(crate) cases: Vec<Case>,
}

/// One chain, and what is expected of a server that verifies it.
#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) basis: String,
    #[serde(default)]
    pub(crate) description: String,
    expected_result: Expected,
    /// Seconds since 1970, with a decimal point in some corpora; not there if any day will do.
    validation_unix: Option<f64>,
    roots: Vec<String>,
    intermediates: Vec<String>,
    leaf: String,
    crls: Vec<String>,
    /// How many intermediates may stand on the path.
    #[serde(default)]
    pub(crate) max_chain_depth: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Expected {
    Success,
    Failure,
}

impl Corpus {
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("cannot understand {}", file.display()))
    }
}

impl Case {
    /// Whether the chain is to be accepted.
    pub(crate) fn is_good(&self) -> bool {
        self.expected_result == Expected::Success
    }

    /// The time to judge at, in seconds since 1970.
    pub(crate) fn time(&self) -> i64 {
        self.validation_unix.map_or(ANY_DAY, |time| time as i64)
    }

    pub(crate) fn roots(&self) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        certificates(&self.roots)
    }

    /// What the client sends: its certificate, then the others.
    pub(crate) fn chain(&self) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        let mut chain = certificates(std::slice::from_ref(&self.leaf))?;
        chain.extend(certificates(&self.intermediates)?);
        Ok(chain)
    }

    pub(crate) fn revocation_lists(&self) -> anyhow::Result<Vec<CertificateRevocationListDer<'static>>> {
        let read = |pem: &String| CertificateRevocationListDer::from_pem_slice(pem.as_bytes());
        Ok(self.crls.iter().map(read).collect::<Result<_, _>>()?)
    }
}

fn certificates(pems: &[String]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = |pem: &String| CertificateDer::from_pem_slice(pem.as_bytes());
    Ok(pems.iter().map(read).collect::<Result<_, _>>()?)
}
