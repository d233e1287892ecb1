//! Why a handshake failed, for the operator.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use portcullis_core::{Certificate, Distrust, Peer};
use rustls::AlertDescription;

use super::notes::Notes;

/// Why a handshake failed.
///
/// [`Display`](std::fmt::Display) says it to an operator, [`code`](Self::code) is a stable word.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The client went away.
    #[error("the client closed the connection before the handshake was done")]
    Closed,
    /// The client speaks plain HTTP; it was answered with 400.
    #[error("the client speaks plain HTTP, and this port speaks HTTPS")]
    PlainHttp,
    /// The client speaks neither TLS nor HTTP.
    #[error("the client does not speak TLS")]
    NotTls,
    /// The client sent nothing.
    #[error("the client sent nothing for {limit:?}")]
    Silent {
        /// How long it has for its first byte.
        limit: Duration,
    },
    /// The handshake took too long.
    #[error("the handshake was not done after {limit:?}")]
    TimedOut {
        /// How long it may take.
        limit: Duration,
    },
    /// The peer has too many connections whose handshake is not done.
    #[error("the peer has {limit} unfinished handshakes already")]
    TooMany {
        /// How many it may have.
        limit: usize,
    },
    /// There is no client certificate, and one is required.
    #[error("the client sent no certificate, and one is required")]
    CertificateRequired,
    /// The client's certificate is not trusted, and the mode demands that it is.
    #[error("the certificate of the client is not trusted: {reason}")]
    CertificateUntrusted {
        /// The certificate; `None` if it could not be read.
        certificate: Option<Certificate>,
        /// Why it is not trusted.
        reason: Distrust,
    },
    /// The client does not hold the private key of the certificate that it sent.
    #[error("the client does not hold the private key of the certificate that it sent")]
    NotPossessed {
        /// The certificate, which belongs to somebody else.
        certificate: Option<Certificate>,
    },
    /// The client broke the handshake off.
    #[error("the client broke the handshake off with the alert `{alert}`{}", hint(.alert))]
    Refused {
        /// What it gave as the reason.
        alert: &'static str,
    },
    /// Client and server do not understand each other.
    #[error("the handshake failed: {detail}")]
    Protocol {
        /// What rustls says about it.
        detail: String,
    },
    /// The network failed.
    #[error("the connection failed: {detail}")]
    Network {
        /// What the operating system says about it.
        detail: String,
    },
}

impl HandshakeError {
    /// A stable word for logs, metrics and tests; for an untrusted certificate that of its reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::PlainHttp => "plain-http",
            Self::NotTls => "not-tls",
            Self::Silent { .. } => "silent",
            Self::TimedOut { .. } => "timed-out",
            Self::TooMany { .. } => "too-many",
            Self::CertificateRequired => "certificate-required",
            Self::CertificateUntrusted { reason, .. } => reason.code(),
            Self::NotPossessed { .. } => "not-possessed",
            Self::Refused { .. } => "refused-by-client",
            Self::Protocol { .. } => "protocol",
            Self::Network { .. } => "network",
        }
    }

    /// The certificate that the client sent, if it did and it could be read.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        match self {
            Self::CertificateUntrusted { certificate, .. } | Self::NotPossessed { certificate } => {
                certificate.as_ref()
            }
            _ => None,
        }
    }

    /// The reason for an error of the TLS stream, in the light of what the verifier found.
    pub(super) fn of_failed(error: &io::Error, notes: Notes) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::Closed,
            None => Self::Network { detail: error.to_string() },
            Some(rustls::Error::NoCertificatesPresented) => Self::CertificateRequired,
            Some(rustls::Error::AlertReceived(alert)) => Self::Refused { alert: name(*alert) },
            Some(tls) => {
                Self::of_certificate(notes).unwrap_or_else(|| Self::Protocol { detail: tls.to_string() })
            }
        }
    }

    /// The reason that the verifier found, if it is the certificate that the handshake failed for.
    fn of_certificate(notes: Notes) -> Option<Self> {
        let judgement = notes.judgement?;
        match judgement.peer().clone() {
            // With a key that is too weak, or that could not be read, nothing can be proven.
            Peer::Untrusted { certificate, reason }
                if !notes.is_impostor
                    || certificate
                        .as_ref()
                        .is_none_or(|certificate| certificate.public_key().weakness().is_some()) =>
            {
                Some(Self::CertificateUntrusted { certificate, reason })
            }
            Peer::Untrusted { certificate, .. } => Some(Self::NotPossessed { certificate }),
            Peer::Verified(identity) if notes.is_impostor => {
                Some(Self::NotPossessed { certificate: Some(identity.certificate().clone()) })
            }
            Peer::Verified(_) | Peer::Anonymous => None,
        }
    }

    /// One event for the operator.
    pub(crate) fn log(&self, peer: Option<SocketAddr>) {
        let subject = self.certificate().map(|certificate| certificate.subject().to_string());
        let sha256 = self.certificate().map(|certificate| certificate.sha256().to_string());
        let remedy = match self {
            Self::CertificateUntrusted { reason, .. } => Some(reason.remedy()),
            _ => None,
        };
        macro_rules! event {
            ($level:ident) => {
                tracing::$level!(
                    target: "portcullis::tls",
                    peer = peer.map(tracing::field::display),
                    code = self.code(),
                    subject,
                    sha256,
                    remedy,
                    "handshake failed: {self}"
                )
            };
        }
        match self {
            // Scanners, load balancers that look whether the port is open, people who forgot the s.
            Self::Closed | Self::PlainHttp | Self::NotTls | Self::Network { .. } => event!(debug),
            // The first of them was a warning.
            Self::TooMany { .. } => event!(debug),
            Self::CertificateUntrusted { .. } | Self::NotPossessed { .. } => event!(warn),
            Self::Silent { .. }
            | Self::TimedOut { .. }
            | Self::CertificateRequired
            | Self::Refused { .. }
            | Self::Protocol { .. } => event!(info),
        }
    }
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        Self::Network { detail: error.to_string() }
    }
}

fn name(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CloseNotify => "close_notify",
        AlertDescription::UserCanceled => "user_canceled",
        AlertDescription::UnknownCA => "unknown_ca",
        AlertDescription::BadCertificate => "bad_certificate",
        AlertDescription::CertificateUnknown => "certificate_unknown",
        AlertDescription::CertificateExpired => "certificate_expired",
        AlertDescription::CertificateRevoked => "certificate_revoked",
        AlertDescription::UnsupportedCertificate => "unsupported_certificate",
        AlertDescription::ProtocolVersion => "protocol_version",
        AlertDescription::HandshakeFailure => "handshake_failure",
        AlertDescription::DecryptError => "decrypt_error",
        AlertDescription::DecodeError => "decode_error",
        AlertDescription::IllegalParameter => "illegal_parameter",
        AlertDescription::InternalError => "internal_error",
        AlertDescription::AccessDenied => "access_denied",
        _ => "another one",
    }
}

/// What an alert of the client most likely means.
fn hint(alert: &str) -> &'static str {
    match alert {
        "unknown_ca" | "bad_certificate" | "certificate_unknown" | "certificate_expired" => {
            ": it does not trust the certificate of this server"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_says_is_explained() {
        let refused = HandshakeError::Refused { alert: name(AlertDescription::UnknownCA) };
        assert_eq!(
            refused.to_string(),
            "the client broke the handshake off with the alert `unknown_ca`: it does not trust the certificate of this server"
        );
    }

    #[test]
    fn without_notes_the_words_are_those_of_rustls() {
        let tls = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let error = io::Error::new(io::ErrorKind::InvalidData, tls);
        let error = HandshakeError::of_failed(&error, Notes::default());
        assert_eq!((error.code(), error.certificate().is_none()), ("protocol", true));
    }
}
