//! The trust that cases choose by name: what is asked of certificates, what is revoked, which sites
//! there are.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use portcullis_core::Certificate;
use portcullis_pki::{Authority, IssuingDistributionPoint, RevocationListBuilder, Revoked};
use portcullis_tls::{
    ClientAuth, Denied, KeyPair, Revocation, ServerTls, ServerTlsBuilder, Site, TrustAnchors,
};

use crate::case::Asked;
use crate::fixtures::{PARTS, REVOKED, fixtures};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A server under a trust by its name, which asks clients in this way.
///
/// # Errors
///
/// If there is none of that name, or a server that asks nobody cannot have it.
pub fn server(name: &str, asked: Asked) -> Result<ServerTlsBuilder> {
    if let Some(name) = name.strip_prefix("clients: ") {
        let asked = asked.context("nobody is asked")?;
        return builder(Some(clients(name, asked)?));
    }
    let server = builder(asked)?;
    Ok(match name.split_once(": ") {
        Some(("revocation", lists)) => server.revocation(revocation(lists)?),
        None if name == "standard" => server,
        None if name == "sites" => sites(server)?,
        None if name == "sites alike" => server.site(Site::new(["admin.test"], key_pair()?)),
        _ => bail!("no trust is called `{name}`"),
    })
}

/// A server with the certificate of the fixtures, which asks clients in this way.
///
/// # Errors
///
/// If the fixtures do not fit.
pub fn builder(asked: Asked) -> Result<ServerTlsBuilder> {
    let server = ServerTls::builder(key_pair()?);
    Ok(match asked {
        Some(client_auth) => server.client_auth(client_auth),
        None => server,
    })
}

fn key_pair() -> Result<KeyPair> {
    let server = &fixtures()?.server;
    Ok(KeyPair::from_pem(server.chain_pem()?, server.key_pem()?))
}

/// What is asked of the certificates of clients.
fn clients(name: &str, asked: ClientAuth) -> Result<ClientAuth> {
    Ok(match name {
        "purposes may be absent" => asked.danger_allow_absent_extended_key_usage(),
        "any purpose will do" => asked.danger_allow_any_extended_key_usage(),
        "key usage is ignored" => asked.danger_ignore_key_usage(),
        _ => bail!("nothing that is asked of clients is called `{name}`"),
    })
}

/// Beside the server itself: one site for staff, one for everybody, and one for partners.
fn sites(server: ServerTlsBuilder) -> Result<ServerTlsBuilder> {
    let trusted = |label: &str| -> Result<TrustAnchors> {
        Ok(TrustAnchors::new().der(label, fixtures()?.anchor(label)?.certificate_der()))
    };
    let admin = ["admin.test", "*.internal.test", "xn--bcher-kva.test"];
    Ok(server
        .site(Site::new(admin, key_pair()?).client_auth(ClientAuth::require(trusted("staff")?)))
        .site(Site::new(["open.test"], key_pair()?).without_client_auth())
        .site(Site::new(["partner.test"], key_pair()?).client_auth(ClientAuth::request(trusted("partner")?))))
}

/// What is revoked.
fn revocation(name: &str) -> Result<Revocation> {
    let fixtures = fixtures()?;
    let all = |change: fn(RevocationListBuilder<'_>) -> RevocationListBuilder<'_>| {
        let lost = Revoked::certificate(fixtures.lost.certificate_der())?;
        of([
            change(list(&fixtures.staff)).revoke(lost),
            change(list(&fixtures.team)),
            change(fixtures.lost.revocation_list()),
            change(fixtures.partner.revocation_list()),
        ])
    };
    match name {
        "all lists" => all(|list| list),
        "all lists are stale" => all(stale),
        "all lists are stale, which is forgiven" => Ok(all(stale)?.grace(2 * HOUR)),
        "no list but that of partner" => of([fixtures.partner.revocation_list()]),
        "no list but that of partner, which is forgiven" => {
            Ok(of([fixtures.partner.revocation_list()])?.danger_allow_unknown_status("staff"))
        }
        "no list but that of staff" => of([list(&fixtures.staff)]),
        "no list but that of team" => of([list(&fixtures.team)]),
        "no list but that of team, which is enough" => Ok(of([list(&fixtures.team)])?.leaf_only()),
        "the list of team is forged" => {
            let team = fixtures.stranger.revocation_list().issuer(fixtures.team.subject().clone());
            of([list(&fixtures.staff), team])
        }
        "a list in two parts" => of([part(0)?, part(1)?.revoke(Revoked::serial(REVOKED))]),
        "a list in two parts, one of which is missing" => of([part(0)?]),
        "three are blocked" => blocked(),
        _ => bail!("no revocation is called `{name}`"),
    }
}

/// A list whose successor was due an hour ago.
fn stale(list: RevocationListBuilder<'_>) -> RevocationListBuilder<'_> {
    let now = SystemTime::now();
    list.this_update(now - 2 * HOUR).next_update(now - HOUR)
}

/// A list on which the serial number is that everybody has who is revoked.
fn list(authority: &Authority) -> RevocationListBuilder<'_> {
    authority.revocation_list().revoke(Revoked::serial(REVOKED))
}

fn part(number: usize) -> Result<RevocationListBuilder<'static>> {
    let uri = PARTS.get(number).context("there are two parts")?;
    Ok(fixtures()?.staff.revocation_list().scope(&IssuingDistributionPoint::new().uri(uri)))
}

fn of<const N: usize>(lists: [RevocationListBuilder<'_>; N]) -> Result<Revocation> {
    let none = Revocation::crl_files(Vec::<String>::new());
    lists.into_iter().try_fold(none, |lists, list| Ok(lists.crl_der(list.sign()?.der())))
}

/// alice by her certificate, bob by his key, and carol by her number.
fn blocked() -> Result<Revocation> {
    let certificate = |client: &str| -> Result<Certificate> {
        Ok(Certificate::from_der(fixtures()?.client(client)?.certificate_der())?)
    };
    let (alice, bob, carol) = (certificate("alice")?, certificate("bob")?, certificate("carol")?);
    let number = format!("serial:{} issuer:\"{}\"", carol.serial(), carol.issuer());
    Ok(Revocation::deny_list()
        .deny(Denied::certificate_sha256(*alice.sha256()))
        .deny(Denied::spki_sha256(*bob.spki_sha256()))
        .deny(number.parse()?))
}
