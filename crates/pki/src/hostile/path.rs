//! Chains that are out of time, too long, forged, or forbidden by the authority above.

use std::time::SystemTime;

use crate::{
    Attribute, Authority, DistinguishedName, Extension, GeneralName, Issued, KeyUsage, Oid, PkiError,
    RawCertificate,
    authority::DAY,
    hostile::{Recipe, Row, alice, client},
};

pub(super) const CASES: &[Row<Recipe>] = &[
    ("expired_leaf", "ran out yesterday", |a| past(alice()).issue(a)),
    ("future_leaf", "valid from tomorrow", |a| {
        let now = SystemTime::now();
        alice().valid(now + DAY, now + 30 * DAY).issue(a)
    }),
    ("expired_inter", "below an intermediate that ran out yesterday", |a| {
        alice().issue(&past(intermediate()).intermediate(a)?)
    }),
    ("missing_inter", "the intermediate is not presented", |a| {
        let issued = alice().issue(&a.intermediate("Missing CA")?)?;
        let leaf = issued.certificate_der().to_vec();
        Ok(issued.presenting([leaf]))
    }),
    ("inter_not_ca", "below an intermediate that is no authority", |a| {
        let certificate =
            RawCertificate::new(name("Not A CA")).extension(Extension::basic_constraints(false, None));
        alice().issue(&certificate.extension(cert_sign()).intermediate(a)?)
    }),
    ("inter_no_bc", "below an intermediate without basic constraints", |a| {
        alice().issue(&RawCertificate::new(name("Not A CA")).extension(cert_sign()).intermediate(a)?)
    }),
    ("inter_no_certsign", "below an intermediate that may not sign certificates", |a| {
        let usage = Extension::key_usage(&[KeyUsage::CrlSign]);
        let certificate =
            RawCertificate::new(name("No Signing CA")).extension(Extension::basic_constraints(true, None));
        alice().issue(&certificate.extension(usage).intermediate(a)?)
    }),
    ("inter_server_eku", "below an intermediate for servers only", |a| {
        let usage = Extension::extended_key_usage(&[Oid::SERVER_AUTH]);
        alice().issue(&intermediate().extension(usage).intermediate(a)?)
    }),
    ("inter_is_leaf", "signed by another client", |a| alice().issue(&client(name("bob")).intermediate(a)?)),
    ("pathlen", "an intermediate more than the path length allows", |a| {
        let last = a.intermediate_builder("Last CA").path_length(0).build()?;
        alice().issue(&last.intermediate("One Too Many CA")?)
    }),
    ("chain1", "one intermediate", |a| below(a, 1)),
    ("chain5", "five intermediates", |a| below(a, 5)),
    ("chain6", "six intermediates", |a| below(a, 6)),
    ("chain7", "seven intermediates", |a| below(a, 7)),
    ("chain10", "ten intermediates", |a| below(a, 10)),
    ("junk10", "ten certificates that have nothing to do with it", |a| junk(a, 10)),
    ("junk100", "a hundred certificates that have nothing to do with it", |a| junk(a, 100)),
    ("forged_third", "good, with a self-signed admin at the end", |a| {
        let issued = alice().issue(&a.intermediate("Example Team CA")?)?;
        let forged = client(name("admin")).self_signed()?;
        let chain = issued.chain_der().to_vec();
        Ok(issued.presenting([chain, forged.chain_der().to_vec()].concat()))
    }),
    ("forged_first", "a self-signed admin in front of a good chain", |a| {
        let forged = client(name("admin")).self_signed()?;
        let good = alice().issue(a)?;
        let chain = [forged.chain_der(), good.chain_der()].concat();
        Ok(forged.presenting(chain))
    }),
    ("inter_first", "the intermediate in front of the leaf", |a| {
        let issued = alice().issue(&a.intermediate("Example Team CA")?)?;
        let reversed = issued.chain_der().iter().rev().cloned().collect::<Vec<_>>();
        Ok(issued.presenting(reversed))
    }),
    ("with_root", "good, with the root presented too", |a| {
        let issued = alice().issue(a)?;
        let chain = [issued.certificate_der().to_vec(), a.root_der().to_vec()];
        Ok(issued.presenting(chain))
    }),
    ("other_key", "a good certificate with the key of somebody else", |a| {
        let stolen = alice().issue(a)?;
        let chain = stolen.chain_der().to_vec();
        Ok(client(name("mallory")).issue(a)?.presenting(chain))
    }),
    ("otherca", "from an authority that is not this one, though of the same name", |a| {
        alice().issue(&authority(a.subject().clone()).root()?)
    }),
    ("under_exproot", "below a root that ran out yesterday: see `root_der`", |_| {
        alice().issue(&past(authority(name("Expired Root"))).root()?)
    }),
    ("under_notcaroot", "below a root that is no authority: see `root_der`", |_| {
        alice().issue(&RawCertificate::new(name("Not A CA")).root()?)
    }),
    ("nc_dns_ok", "a DNS name that the authority above permits", |a| {
        below_permitting(a, dns("example.test"), alice().extension(san(dns("a.example.test"))))
    }),
    ("nc_dns_bad", "a DNS name that the authority above does not permit", |a| {
        below_permitting(a, dns("example.test"), alice().extension(san(dns("a.evil.test"))))
    }),
    ("nc_dns_wild", "a wildcard below the DNS name that is permitted", |a| {
        below_permitting(a, dns("example.test"), alice().extension(san(dns("*.example.test"))))
    }),
    ("nc_dns_cn_only", "a DNS name that is not permitted, in the common name only", |a| {
        below_permitting(a, dns("example.test"), client(name("admin.evil.test")))
    }),
    ("nc_uri_ok", "a URI whose host the authority above permits", |a| {
        below_permitting(a, uri("example.test"), alice().extension(san(uri("spiffe://example.test/a"))))
    }),
    ("nc_uri_bad", "a URI whose host the authority above does not permit", |a| {
        below_permitting(a, uri("example.test"), alice().extension(san(uri("spiffe://evil.test/a"))))
    }),
    ("nc_email_ok", "an e-mail address that the authority above permits", |a| {
        below_permitting(a, email("example.test"), alice().extension(san(email("alice@example.test"))))
    }),
    ("nc_email_bad", "an e-mail address that the authority above does not permit", |a| {
        below_permitting(a, email("example.test"), alice().extension(san(email("alice@evil.test"))))
    }),
    ("nc_dn_ok", "a subject that the authority above permits", |a| {
        below_permitting(a, GeneralName::Directory(organization("Example")), client(alice_of("Example")))
    }),
    ("nc_dn_bad", "a subject that the authority above does not permit", |a| {
        below_permitting(a, GeneralName::Directory(organization("Example")), client(alice_of("Evil")))
    }),
];

fn name(common_name: &str) -> DistinguishedName {
    DistinguishedName::common_name(common_name)
}

fn organization(name: &str) -> DistinguishedName {
    DistinguishedName::new().with(Attribute::utf8(Oid::ORGANIZATION, name))
}

fn alice_of(employer: &str) -> DistinguishedName {
    organization(employer).with(Attribute::utf8(Oid::COMMON_NAME, "alice"))
}

fn past(certificate: RawCertificate) -> RawCertificate {
    let now = SystemTime::now();
    certificate.valid(now - 30 * DAY, now - DAY)
}

fn cert_sign() -> Extension {
    Extension::key_usage(&[KeyUsage::KeyCertSign, KeyUsage::CrlSign])
}

/// An authority without fault.
fn authority(subject: DistinguishedName) -> RawCertificate {
    RawCertificate::new(subject).extension(Extension::basic_constraints(true, None)).extension(cert_sign())
}

fn intermediate() -> RawCertificate {
    authority(name("Odd Intermediate CA"))
}

/// alice below a number of intermediates.
fn below(authority: &Authority, intermediates: usize) -> Result<Issued, PkiError> {
    let mut lowest = authority.intermediate("Intermediate CA 1")?;
    for number in 2..=intermediates {
        lowest = lowest.intermediate(&format!("Intermediate CA {number}"))?;
    }
    alice().issue(&lowest)
}

/// alice with a number of foreign authorities behind her.
fn junk(authority: &Authority, number: usize) -> Result<Issued, PkiError> {
    let issued = alice().issue(authority)?;
    let mut chain = issued.chain_der().to_vec();
    for i in 0..number {
        chain.push(Authority::new(&format!("Unrelated CA {i}"))?.certificate_der().to_vec());
    }
    Ok(issued.presenting(chain))
}

fn below_permitting(
    authority: &Authority,
    name: GeneralName,
    leaf: RawCertificate,
) -> Result<Issued, PkiError> {
    let constraints = Extension::name_constraints(&[name], &[]);
    leaf.issue(&authority.intermediate_builder("Constrained CA").extension(constraints).build()?)
}

fn san(name: GeneralName) -> Extension {
    Extension::subject_alt_name(&[name])
}

fn dns(text: &str) -> GeneralName {
    GeneralName::Dns(text.to_owned())
}

fn uri(text: &str) -> GeneralName {
    GeneralName::Uri(text.to_owned())
}

fn email(text: &str) -> GeneralName {
    GeneralName::Email(text.to_owned())
}
