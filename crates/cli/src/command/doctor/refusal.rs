//! What it means that a server ends the handshake, or the connection right after it.

use portcullis_tls::rustls::{AlertDescription, Error, PeerIncompatible};

use super::asked::Asked;
use super::own::Own;
use super::report::Finding;
use super::tls::End;
use super::trust;

/// What is known about the client's side when the server refuses.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) own: Option<&'a Own>,
    /// None if the server did not ask for a certificate.
    pub(super) asked: Option<&'a Asked>,
    /// Whether the handshake was done already, as far as a client can tell.
    pub(super) is_late: bool,
    /// Whether the client's certificate is valid now, by the clock of this machine.
    pub(super) is_in_date: bool,
}

const TELL_OPERATOR: &str = "look for the reason in the server's log";

/// The cause and the remedy.
pub(super) fn explain(end: &End, context: &Context<'_>) -> Finding {
    match end {
        End::Alert(alert) => of_alert(*alert, context),
        End::Closed | End::Reset if context.asked.is_some() => wordless(context),
        End::Closed | End::Reset => Finding::fail(
            "closed-in-handshake",
            "the server broke the connection off without a word during the handshake",
            TELL_OPERATOR,
        ),
        End::Silent => Finding::fail(
            "stalled",
            "the server began to speak TLS, and then said nothing more",
            "look whether the server, or a proxy before it, is overloaded or waits for something",
        ),
        End::Protocol(Error::PeerIncompatible(why)) => incompatible(why),
        End::Protocol(error) => Finding::fail(
            "protocol",
            format!("what the server sends is no correct TLS ({error})"),
            "look for a proxy that changes the bytes, and update the TLS library of the server",
        ),
        End::Network(error) => Finding::fail(
            "network",
            format!("the connection failed: {error}"),
            "check the network, and try again",
        ),
        End::NotTls(_) => {
            Finding::fail("not-tls", "the server does not speak TLS", "connect to the port on which it does")
        }
    }
}

fn of_alert(alert: AlertDescription, context: &Context<'_>) -> Finding {
    use AlertDescription as A;
    let named = name(alert);
    match alert {
        A::ProtocolVersion => old_tls(),
        A::UnrecognisedName => Finding::fail(
            "unknown-host",
            "the server has no site of this name (alert `unrecognized_name`)",
            "connect by a name that it is configured for",
        ),
        A::NoApplicationProtocol => Finding::fail(
            "alpn",
            "the server speaks neither HTTP/1.1 nor HTTP/2 on this port (alert `no_application_protocol`)",
            "check the port, and which protocols (ALPN) the server offers",
        ),
        A::InternalError => Finding::fail(
            "server-error",
            "the server failed during the handshake (alert `internal_error`)",
            "look into the server's log: most often it cannot use its own certificate or key",
        ),
        A::HandshakeFailure | A::InsufficientSecurity if context.asked.is_none() => no_common_cipher(),
        _ if context.asked.is_none() => Finding::fail(
            "refused",
            format!("the server ended the handshake with the alert `{named}`"),
            TELL_OPERATOR,
        ),
        // The server asked for a certificate from here on.
        _ if context.own.is_none() => certificate_required(),
        _ if context.asked.is_some_and(|asked| !asked.can_sign) => no_common_signature(),
        A::UnknownCA => unknown_issuer(context),
        A::CertificateExpired if context.is_in_date => Finding::fail(
            "clock-skew",
            "the server takes the client certificate for expired or not yet valid, and by the clock of this machine it is in date",
            "compare the clocks of both machines (NTP); if they agree, look at the dates of the intermediates",
        ),
        A::CertificateExpired => Finding::fail(
            "client-expired",
            "the server refused the client certificate as expired",
            "renew the certificate",
        ),
        A::CertificateRevoked => Finding::fail(
            "client-revoked",
            "the server refused the client certificate: its issuer has revoked it",
            "ask the issuer for a new certificate",
        ),
        // We know that key and certificate are a pair, so it is the signature of the issuer that is wrong.
        A::DecryptError
            if context.asked.zip(context.own).is_some_and(|(asked, own)| asked.names_issuer_of(own)) =>
        {
            unknown_issuer(context)
        }
        A::DecryptError => Finding::fail(
            "client-proof",
            "the server could not verify that the client holds the key of its certificate (alert `decrypt_error`)",
            "make certificate and key anew, with ECDSA P-256",
        ),
        _ => refused(context, &named),
    }
}

fn certificate_required() -> Finding {
    Finding::fail(
        "certificate-required",
        "the server requires a client certificate, and none was sent",
        "pass one with `--cert` and `--key`; in a browser, import its .p12 file",
    )
}

fn no_common_signature() -> Finding {
    Finding::fail(
        "client-signature-scheme",
        "the server takes no signature that the client's key can make, so the certificate was not sent",
        "make a key of a kind that it takes: ECDSA P-256 is taken everywhere, Ed25519 is not",
    )
}

fn no_common_cipher() -> Finding {
    Finding::fail(
        "no-common-cipher",
        "client and server have no cipher suite in common",
        "have the server offer TLS 1.3, or for TLS 1.2 suites with ECDHE and AES-GCM or ChaCha20",
    )
}

fn old_tls() -> Finding {
    Finding::fail(
        "old-tls",
        "the server speaks neither TLS 1.2 nor TLS 1.3",
        "update it, or enable a version that is safe",
    )
}

fn incompatible(why: &PeerIncompatible) -> Finding {
    match why {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => old_tls(),
        PeerIncompatible::NoCipherSuitesInCommon
        | PeerIncompatible::NoKxGroupsInCommon
        | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => no_common_cipher(),
        other => Finding::fail(
            "protocol",
            format!("client and server do not understand each other ({other:?})"),
            "update the TLS library of the server",
        ),
    }
}

/// Nobody has heard of the issuer: which of the ways to come to this is it?
fn unknown_issuer(context: &Context<'_>) -> Finding {
    let (Some(own), Some(asked)) = (context.own, context.asked) else { return certificate_required() };
    let issuer = own.chain.last().map(|last| last.issuer().to_string()).unwrap_or_default();
    if asked.names_issuer_of(own) {
        return trust::namesake(&issuer, "the one that the server trusts");
    }
    let is_alone = own.chain.len() == 1;
    let intermediate = if is_alone {
        format!("; if `{issuer}` is an intermediate, append its certificate to the client's file")
    } else {
        String::new()
    };
    Finding::fail(
        "client-issuer-unknown",
        format!(
            "the server does not trust the issuer `{issuer}` of the client certificate; it asks for {}",
            asked.words()
        ),
        format!(
            "use a certificate of an authority that it trusts, or add this one to its anchors{intermediate}"
        ),
    )
}

fn refused(context: &Context<'_>, alert: &str) -> Finding {
    let no_purpose =
        context.own.is_some_and(|own| own.leaf.version() >= 3 && own.leaf.extended_key_usages().is_none());
    if no_purpose {
        return Finding::fail(
            "client-no-purpose",
            format!(
                "the server refused the client certificate (alert `{alert}`), which does not say what it is for"
            ),
            portcullis_core::Distrust::NotForClients.remedy(),
        );
    }
    Finding::fail(
        "client-refused",
        format!("the server refused the client certificate (alert `{alert}`)"),
        TELL_OPERATOR,
    )
}

fn wordless(context: &Context<'_>) -> Finding {
    let when = if context.is_late { "right after" } else { "during" };
    let what = if context.own.is_some() { "does not accept the one it got" } else { "got none" };
    Finding::fail(
        if context.own.is_some() { "client-refused" } else { "certificate-required" },
        format!(
            "the server closed the connection {when} the handshake without a word; it had asked for a client certificate, and most likely {what}"
        ),
        if context.own.is_some() { TELL_OPERATOR } else { "pass one with `--cert` and `--key`" },
    )
}

/// The name of an alert as RFC 8446 writes it.
pub(super) fn name(alert: AlertDescription) -> String {
    let mut name = String::new();
    let mut follows_small = false;
    for letter in format!("{alert:?}").chars() {
        if letter.is_uppercase() && follows_small {
            name.push('_');
        }
        follows_small = letter.is_lowercase();
        name.extend(letter.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_the_names_of_the_standard() {
        assert_eq!(name(AlertDescription::UnknownCA), "unknown_ca");
        assert_eq!(name(AlertDescription::CertificateUnknown), "certificate_unknown");
        assert_eq!(name(AlertDescription::AccessDenied), "access_denied");
    }
}
