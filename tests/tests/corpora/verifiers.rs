//! Who judges the chains: portcullis, and plain rustls beside it.

use std::sync::Arc;
use std::time::Duration;

use portcullis_tls::rustls::RootCertStore;
use portcullis_tls::rustls::crypto::aws_lc_rs;
use portcullis_tls::rustls::pki_types::UnixTime;
use portcullis_tls::rustls::server::WebPkiClientVerifier;
use portcullis_tls::{ClientAuth, ClientTrust, Revocation, TrustAnchors};

use crate::corpus::Case;

/// How closely portcullis is to keep to RFC 5280.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Default,
    Strict,
}

/// What portcullis makes of a chain. A certificate need not say what it is for: the oldest of the
/// corpora was made before that was usual.
pub(crate) fn portcullis(case: &Case, profile: Profile) -> anyhow::Result<Result<(), String>> {
    let anchors = case
        .roots()?
        .into_iter()
        .fold(TrustAnchors::new(), |anchors, root| anchors.der("corpus", root.as_ref()));
    let mut client_auth = ClientAuth::require(anchors).danger_allow_absent_extended_key_usage();
    if profile == Profile::Strict {
        client_auth = client_auth.strict_profile();
    }
    if let Some(depth) = case.max_chain_depth {
        client_auth = client_auth.longest_path(depth);
    }
    let lists = case.revocation_lists()?;
    if let Some((first, others)) = lists.split_first() {
        let mut first = Revocation::deny_list().crl_der(first.as_ref());
        if profile == Profile::Strict {
            first = first.strict();
        }
        client_auth =
            client_auth.revocation(others.iter().fold(first, |all, list| all.crl_der(list.as_ref())));
    }
    let time = case.time();
    let trust = match ClientTrust::builder(client_auth).clock(move || time).build() {
        Ok(trust) => trust,
        Err(error) => return Ok(Err(format!("at load: {error}"))),
    };
    Ok(trust.judge(&case.chain()?, time).map(drop).map_err(|reason| reason.to_string()))
}

/// What rustls makes of it, with all that its builder can ask for.
pub(crate) fn plain_rustls(case: &Case) -> anyhow::Result<Result<(), String>> {
    let mut roots = RootCertStore::empty();
    for root in case.roots()? {
        if let Err(error) = roots.add(root) {
            return Ok(Err(error.to_string()));
        }
    }
    let lists = case.revocation_lists()?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .with_crls(lists)
        .enforce_revocation_expiration()
        .build();
    let verifier = match verifier {
        Ok(verifier) => verifier,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let chain = case.chain()?;
    let Some((leaf, others)) = chain.split_first() else { anyhow::bail!("{} has no leaf", case.id) };
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(case.time())?));
    Ok(verifier.verify_client_cert(leaf, others, time).map(drop).map_err(|error| error.to_string()))
}
