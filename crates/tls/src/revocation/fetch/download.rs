//! One file over HTTP, with limits.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body, Error};

use super::CrlFetchError;
use crate::pem;

/// One file over HTTP, with limits.
#[derive(Debug)]
pub(crate) struct Download {
    url: String,
    agent: Agent,
    limit: u64,
}

impl Download {
    pub(crate) fn new(
        url: String,
        authorities: Option<&[u8]>,
        timeout: Duration,
        limit: u64,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, CrlFetchError> {
        let is_https = check(&url)?;
        let roots = match authorities {
            Some(pem) => certificates(pem, "the authorities of the server of revocation lists")?,
            None if is_https => return Err(CrlFetchError::NoAuthorities { url }),
            None => Vec::new(),
        };
        let roots: Vec<_> = roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::clone(provider))
            .root_certs(RootCerts::new_with_certs(&roots))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(timeout))
            // Another host might be one that only this machine may talk to.
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent("portcullis")
            .max_idle_connections(0)
            .build();
        Ok(Self { url, agent: config.new_agent(), limit })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn run(&self) -> Result<Vec<u8>, CrlFetchError> {
        self.body(self.agent.get(&self.url).call())
    }

    /// The answer to what is sent there.
    #[cfg(feature = "ocsp")]
    pub(crate) fn post(&self, content_type: &str, body: &[u8]) -> Result<Vec<u8>, CrlFetchError> {
        self.body(self.agent.post(&self.url).content_type(content_type).send(body))
    }

    fn body(&self, response: Result<Response<Body>, Error>) -> Result<Vec<u8>, CrlFetchError> {
        let failure = |reason: String| CrlFetchError::Download { url: self.url.clone(), reason };
        let too_large = || CrlFetchError::TooLarge { url: self.url.clone(), limit: self.limit };
        let explain = |error: Error| match error {
            Error::BodyExceedsLimit(_) => too_large(),
            error => failure(error.to_string()),
        };
        let response = response.map_err(explain)?;
        match response.status().as_u16() {
            200 => {}
            300..=399 => return Err(CrlFetchError::Redirect { url: self.url.clone() }),
            status => return Err(failure(format!("the server answers with status {status}"))),
        }
        let length = response.body().content_length();
        if length.is_some_and(|length| length > self.limit) {
            return Err(too_large());
        }
        let body = response.into_body().into_with_config().limit(self.limit).read_to_vec();
        body.map_err(explain)
    }
}

/// The certificates of a PEM text.
pub(super) fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, CrlFetchError> {
    let mut certificates = Vec::new();
    for block in pem::blocks(pem, what)? {
        if block.label != "CERTIFICATE" {
            let reason = format!("a `{}` block begins in line {}", block.label, block.line);
            return Err(CrlFetchError::Issuer { reason });
        }
        certificates.push(CertificateDer::from(block.der(what)?));
    }
    Ok(certificates)
}

/// Whether the URL is `https`; an error if it is neither that nor `http`.
fn check(url: &str) -> Result<bool, CrlFetchError> {
    let wrong = |url: &str, reason| Err(CrlFetchError::Url { url: url.escape_debug().to_string(), reason });
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return wrong(scheme, "it holds a name or a password, which would end up in logs: leave them out");
    }
    if host.is_empty() || url.chars().any(|character| character.is_control() || character == ' ') {
        return wrong(url, "write an address such as `http://pki.example/staff.crl`");
    }
    match scheme {
        "http" => Ok(false),
        "https" => Ok(true),
        _ => wrong(url, "only `http` and `https` can be fetched"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_web_addresses_are_taken() {
        assert_eq!(check("http://pki.example/staff.crl"), Ok(false));
        assert_eq!(check("https://pki.example:8443"), Ok(true));
        for url in [
            "",
            "staff.crl",
            "file:///etc/passwd",
            "ldap://pki.example/cn=ca",
            "http://",
            "http:///x",
            "http://a b",
            "http://a\n/",
            "HTTP",
        ] {
            assert!(matches!(check(url), Err(CrlFetchError::Url { .. })), "{url}");
        }
        let error = check("http://joe:secret@pki.example/").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
