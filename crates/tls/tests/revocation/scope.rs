//! Lists that are about some certificates only, and certificates that say which lists they are on.

use portcullis_pki::{
    Authority, DistinguishedName, DistributionPoint, Extension, GeneralName, Issued,
    IssuingDistributionPoint, RevocationListBuilder, Revoked,
};

use crate::{World, at, now, of, revoked, trust, verdict};

fn points(authority: &Authority, points: &[DistributionPoint]) -> Issued {
    authority.client("alice").extension(Extension::crl_distribution_points(points)).issue().unwrap()
}

fn part<'a>(authority: &'a Authority, uri: &str) -> RevocationListBuilder<'a> {
    authority.revocation_list().scope(&IssuingDistributionPoint::new().uri(uri))
}

fn with(authority: &Authority, lists: &[&RevocationListBuilder<'_>], client: &Issued) -> String {
    verdict(&trust(&[("staff", authority)], of(lists)).unwrap(), client)
}

#[test]
fn all_parts_that_a_certificate_names_have_to_be_there() {
    let root = Authority::new("Staff CA").unwrap();
    let alice = points(&root, &[DistributionPoint::uri("http://a/1"), DistributionPoint::uri("http://a/2")]);
    let (one, two, three) = (part(&root, "http://a/1"), part(&root, "http://a/2"), part(&root, "http://a/3"));
    let unknown = "revocation-unknown";
    assert_eq!(with(&root, &[&one, &two], &alice), "trusted");
    assert_eq!(with(&root, &[&one, &two, &three], &alice), "trusted");
    for lists in [&[&one][..], &[&two], &[&one, &three], &[&three]] {
        assert_eq!(with(&root, lists, &alice), unknown);
    }
    let out = two.clone().revoke(revoked(&alice));
    assert_eq!(with(&root, &[&one, &out], &alice), "revoked");
    assert_eq!(with(&root, &[&out], &alice), "revoked");
    // The whole list makes up for any part.
    let whole = root.revocation_list();
    assert_eq!(with(&root, &[&whole], &alice), "trusted");
    assert_eq!(with(&root, &[&whole, &one], &alice), "trusted");
    let stale = root.revocation_list().next_update(at(-10)).this_update(at(-100));
    assert_eq!(with(&root, &[&stale, &one], &alice), unknown);
    assert_eq!(with(&root, &[&stale, &one, &two], &alice), "trusted");
}

#[test]
fn a_part_that_is_out_of_date_is_as_bad_as_a_whole_list() {
    let root = Authority::new("Staff CA").unwrap();
    let alice = points(&root, &[DistributionPoint::uri("http://a/1"), DistributionPoint::uri("http://a/2")]);
    let (one, two) = (part(&root, "http://a/1").next_update(at(50)), part(&root, "http://a/2"));
    let both = trust(&[("staff", &root)], of(&[&one, &two])).unwrap();
    assert_eq!(both.judge(alice.chain_der(), now()).unwrap().until(), now() + 49);
    assert_eq!(both.judge(alice.chain_der(), now() + 50).unwrap_err().code(), "revocation-stale");
}

#[test]
fn whoever_names_no_part_could_be_on_any() {
    let root = Authority::new("Staff CA").unwrap();
    let one = part(&root, "http://a/1");
    let alice = root.client("alice").issue().unwrap();
    assert_eq!(with(&root, &[&one], &alice), "revocation-unknown");
    assert_eq!(with(&root, &[&one.clone().revoke(revoked(&alice))], &alice), "revoked");
    assert_eq!(with(&root, &[&one, &root.revocation_list()], &alice), "trusted");
}

#[test]
fn a_part_is_found_by_any_of_its_names() {
    let root = Authority::new("Staff CA").unwrap();
    let directory = GeneralName::Directory(DistinguishedName::common_name("part 1"));
    let list = |name: GeneralName| root.revocation_list().scope(&IssuingDistributionPoint::new().name(name));
    let alice = points(&root, &[DistributionPoint::uri("http://a/1").name(directory.clone())]);
    assert_eq!(with(&root, &[&list(directory)], &alice), "trusted");
    assert_eq!(with(&root, &[&list(GeneralName::Uri("http://a/1".into()))], &alice), "trusted");
    // The same bytes under another kind of name are another name.
    assert_eq!(with(&root, &[&list(GeneralName::Dns("http://a/1".into()))], &alice), "revocation-unknown");
    assert_eq!(with(&root, &[&list(GeneralName::Uri("http://a/11".into()))], &alice), "revocation-unknown");
}

#[test]
fn points_of_other_issuers_or_for_some_reasons_are_no_whole_points() {
    let root = Authority::new("Staff CA").unwrap();
    let other = GeneralName::Directory(DistinguishedName::common_name("Partner CA"));
    let one = part(&root, "http://a/1");
    for partial in [
        DistributionPoint::uri("http://a/1").only_some_reasons(0x40),
        DistributionPoint::uri("http://a/1").issuer(other),
        DistributionPoint::new(),
    ] {
        let alice = points(&root, std::slice::from_ref(&partial));
        assert_eq!(with(&root, &[&one], &alice), "revocation-unknown", "{partial:?}");
        let alice = points(&root, &[partial.clone(), DistributionPoint::uri("http://a/1")]);
        let expected = if partial == DistributionPoint::new() { "revocation-unknown" } else { "trusted" };
        assert_eq!(with(&root, &[&one], &alice), expected, "{partial:?}");
    }
}

#[test]
fn points_that_cannot_be_read_leave_the_status_unknown() {
    let root = Authority::new("Staff CA").unwrap();
    let oid = portcullis_pki::Oid::CRL_DISTRIBUTION_POINTS;
    let odd = root.client("alice").extension(Extension::new(oid, false, [0x30, 2, 5, 0])).issue().unwrap();
    assert_eq!(with(&root, &[&part(&root, "http://a/1")], &odd), "revocation-unknown");
    assert_eq!(with(&root, &[&root.revocation_list()], &odd), "trusted");
}

#[test]
fn lists_of_clients_and_of_authorities_complete_each_other() {
    let world = World::new();
    let root = || world.root.revocation_list();
    let clients = || root().scope(&IssuingDistributionPoint::new().only_user_certificates());
    let authorities = || root().scope(&IssuingDistributionPoint::new().only_authority_certificates());
    let team = world.team.revocation_list();
    let verdicts = |lists: &[&RevocationListBuilder<'_>]| world.verdicts(lists);
    let (trusted, unknown) = ("trusted".to_owned(), "revocation-unknown".to_owned());
    assert_eq!(verdicts(&[&clients(), &authorities(), &team]), (trusted.clone(), trusted.clone()));
    assert_eq!(verdicts(&[&clients(), &team]), (trusted.clone(), unknown.clone()));
    assert_eq!(verdicts(&[&authorities(), &team]), (unknown, trusted.clone()));
    let team_is_out = authorities().revoke(Revoked::certificate(world.team.certificate_der()).unwrap());
    assert_eq!(verdicts(&[&clients(), &team_is_out, &team]), (trusted, "revoked".to_owned()));
}
