//! What the lists say about a path.

use portcullis_pki::{Authority, DistinguishedName, Extension, KeyUsage, Oid, RawCertificate, Revoked};
use portcullis_tls::{Coverage, Revocation};

use crate::{DAY, World, at, now, of, revoked, trust, verdict, verdict_at};

fn both(alice: &str, bob: &str) -> (String, String) {
    (alice.to_owned(), bob.to_owned())
}

#[test]
fn the_lists_of_all_issuers_are_asked() {
    let world = World::new();
    let (root, team) = (world.root.revocation_list(), world.team.revocation_list());
    let other = Authority::new("Another CA").unwrap();
    let team_is_out = root.clone().revoke(Revoked::certificate(world.team.certificate_der()).unwrap());
    let bob_is_out = team.clone().revoke(revoked(&world.bob));
    let alice_is_out = root.clone().revoke(revoked(&world.alice));
    let unknown = "revocation-unknown";
    assert_eq!(world.verdicts(&[&root, &team]), both("trusted", "trusted"));
    assert_eq!(world.verdicts(&[&root, &bob_is_out]), both("trusted", "revoked"));
    assert_eq!(world.verdicts(&[&alice_is_out, &team]), both("revoked", "trusted"));
    assert_eq!(world.verdicts(&[&team_is_out, &team]), both("trusted", "revoked"));
    assert_eq!(world.verdicts(&[&root]), both("trusted", unknown));
    assert_eq!(world.verdicts(&[&team]), both(unknown, unknown));
    assert_eq!(world.verdicts(&[&other.revocation_list()]), both(unknown, unknown));
}

#[test]
fn the_issuers_are_left_out_only_on_request() {
    let world = World::new();
    let team_is_out =
        world.root.revocation_list().revoke(Revoked::certificate(world.team.certificate_der()).unwrap());
    let team = world.team.revocation_list();
    let trust = world.trust(of(&[&team_is_out, &team]).leaf_only()).unwrap();
    assert_eq!(verdict(&trust, &world.bob), "trusted");
    let bob_is_out = team.revoke(revoked(&world.bob));
    let trust = world.trust(of(&[&team_is_out, &bob_is_out]).leaf_only()).unwrap();
    assert_eq!(verdict(&trust, &world.bob), "revoked");
}

#[test]
fn an_unknown_status_is_allowed_for_the_named_anchor_alone() {
    let world = World::new();
    let partners = Authority::new("Partner CA").unwrap();
    let carol = partners.client("carol").issue().unwrap();
    let anchors = [("staff", &world.root), ("partners", &partners)];
    let lists = of(&[&world.root.revocation_list().revoke(revoked(&world.alice))]);
    let strict = trust(&anchors, lists.clone()).unwrap();
    assert_eq!(verdict(&strict, &carol), "revocation-unknown");
    let lax = trust(&anchors, lists.clone().danger_allow_unknown_status("partners")).unwrap();
    assert_eq!(verdict(&lax, &carol), "trusted");
    assert_eq!(verdict(&lax, &world.bob), "revocation-unknown");
    assert_eq!(verdict(&lax, &world.alice), "revoked");
    let error = trust(&anchors, lists.danger_allow_unknown_status("partner")).unwrap_err().to_string();
    assert!(error.contains("`partner`, but no trust anchor has this label"), "{error}");
}

#[test]
fn a_list_is_good_until_the_next_is_due_and_a_grace_longer() {
    let world = World::new();
    let list = world.root.revocation_list().next_update(at(100));
    let strict = world.trust(of(&[&list])).unwrap();
    let lax = world.trust(of(&[&list]).grace(DAY)).unwrap();
    let day = 24 * 3600;
    let unknown_allowed = world.trust(of(&[&list]).danger_allow_unknown_status("staff")).unwrap();
    for (offset, trust, expected) in [
        (99, &strict, "trusted"),
        (100, &strict, "revocation-stale"),
        (100, &unknown_allowed, "revocation-stale"),
        (100 + day - 1, &lax, "trusted"),
        (100 + day, &lax, "revocation-stale"),
    ] {
        assert_eq!(verdict_at(trust, &world.alice, now() + offset), expected, "{offset}");
    }
    assert_eq!(strict.judge(world.alice.chain_der(), now()).unwrap().until(), now() + 99);
    assert_eq!(lax.judge(world.alice.chain_der(), now()).unwrap().until(), now() + 100 + day - 1);
}

#[test]
fn a_list_that_is_out_of_date_when_it_is_read_refuses_and_still_revokes() {
    let world = World::new();
    let stale = world.root.revocation_list().this_update(at(-100)).next_update(at(-10));
    let trust = world.trust(of(&[&stale])).unwrap();
    assert_eq!(verdict(&trust, &world.alice), "revocation-stale");
    let text = trust.judge(world.alice.chain_der(), now()).unwrap_err().to_string();
    assert!(text.starts_with("a new revocation list of its issuer was due on 20"), "{text}");
    let trust = world.trust(of(&[&stale.revoke(revoked(&world.alice))])).unwrap();
    assert_eq!(verdict(&trust, &world.alice), "revoked");
}

#[test]
fn a_clock_that_goes_back_makes_a_list_one_of_the_future() {
    let world = World::new();
    let list = world.root.revocation_list().this_update(at(0));
    for (offset, expected) in [(0, "trusted"), (-1, "revocation-unknown")] {
        // A new one each time: verdicts are remembered.
        let trust = world.trust(of(&[&list]).danger_allow_unknown_status("staff")).unwrap();
        assert_eq!(verdict_at(&trust, &world.alice, now() + offset), expected);
    }
}

#[test]
fn a_list_counts_for_the_key_that_has_signed_it() {
    let world = World::new();
    let root = world.root.revocation_list();
    let impostor = Authority::new("Mallory CA").unwrap();
    let forged = world.team.revocation_list().signed_by(&impostor).revoke(revoked(&world.bob));
    let team = world.team.revocation_list();
    assert_eq!(world.verdicts(&[&root, &forged]).1, "revocation-unknown");
    assert_eq!(world.verdicts(&[&root, &forged, &team]).1, "trusted");
    assert_eq!(world.verdicts(&[&root, &team, &forged]).1, "trusted");
    let trust = world.trust(of(&[&root, &forged])).unwrap();
    let text = trust.judge(world.bob.chain_der(), now()).unwrap_err().to_string();
    assert!(text.contains("another key has signed the list"), "{text}");
}

#[test]
fn both_keys_of_a_change_have_their_lists() {
    let (old, new) = (Authority::new("Staff CA").unwrap(), Authority::new("Staff CA").unwrap());
    let clients = [&old, &new].map(|authority| authority.client("alice").issue().unwrap());
    let anchors = [("staff", &old), ("staff", &new)];
    let (old_list, new_list) = (old.revocation_list(), new.revocation_list());
    let both = trust(&anchors, of(&[&old_list, &new_list])).unwrap();
    assert_eq!(clients.each_ref().map(|client| verdict(&both, client)), ["trusted", "trusted"]);
    let only_old = trust(&anchors, of(&[&old_list])).unwrap();
    assert_eq!(
        clients.each_ref().map(|client| verdict(&only_old, client)),
        ["trusted", "revocation-unknown"]
    );
    let status = both.revocation_status(now()).unwrap();
    assert!(status.anchors.iter().all(|anchor| anchor.coverage == Coverage::Covered), "{status:?}");
    let status = only_old.revocation_status(now()).unwrap();
    let coverage: Vec<_> = status.anchors.iter().map(|anchor| anchor.coverage).collect();
    assert_eq!(coverage, [Coverage::Covered, Coverage::Missing]);
}

#[test]
fn an_intermediate_without_crl_sign_has_no_lists() {
    let root = Authority::new("Staff CA").unwrap();
    let team = root.intermediate_builder("Team CA").key_usage(&[KeyUsage::KeyCertSign]).build().unwrap();
    let bob = team.client("bob").issue().unwrap();
    let lists = of(&[&root.revocation_list(), &team.revocation_list()]);
    for revocation in [lists.clone(), lists.danger_allow_unknown_status("staff")] {
        let trust = trust(&[("staff", &root)], revocation).unwrap();
        for _ in 0..2 {
            let reason = trust.judge(bob.chain_der(), now()).unwrap_err();
            assert_eq!(reason.code(), "revocation-unknown");
            assert!(reason.to_string().contains("cRLSign"), "{reason}");
        }
    }
}

#[test]
fn the_same_serial_number_of_another_issuer_is_somebody_else() {
    let client = |authority: &Authority| {
        RawCertificate::new(DistinguishedName::common_name("alice"))
            .serial([0x00, 0xff, 0x05])
            .extension(Extension::extended_key_usage(&[Oid::CLIENT_AUTH]))
            .issue(authority)
            .unwrap()
    };
    for other_name in ["Partner CA", "Staff CA"] {
        let (staff, other) = (Authority::new("Staff CA").unwrap(), Authority::new(other_name).unwrap());
        let (alice, namesake) = (client(&staff), client(&other));
        let lists = of(&[&staff.revocation_list().revoke(revoked(&alice)), &other.revocation_list()]);
        let trust = trust(&[("staff", &staff), ("other", &other)], lists).unwrap();
        assert_eq!(verdict(&trust, &alice), "revoked");
        assert_eq!(verdict(&trust, &namesake), "trusted", "{other_name}");
    }
}

#[test]
fn the_newest_list_wins_if_time_and_number_agree() {
    let world = World::new();
    let hold = || world.root.revocation_list().this_update(at(-7000)).number(5).revoke(revoked(&world.alice));
    let alice_with = |later: &portcullis_pki::RevocationListBuilder<'_>| {
        let forth = world.verdicts(&[&hold(), later]).0;
        assert_eq!(world.verdicts(&[later, &hold()]).0, forth, "the order is nothing");
        forth
    };
    let later = || world.root.revocation_list().this_update(at(-6000));
    assert_eq!(alice_with(&later().number(6)), "trusted");
    assert_eq!(alice_with(&later().number(5)), "trusted");
    assert_eq!(alice_with(&later().no_number()), "trusted");
    assert_eq!(alice_with(&later().number(4)), "revoked");
    assert_eq!(alice_with(&later().this_update(at(-7000)).number(6)), "trusted");
    assert_eq!(alice_with(&later().this_update(at(-7000)).number(5)), "revoked");
    assert_eq!(alice_with(&later().this_update(at(-8000)).number(6)), "revoked");
    // A newer list of somebody else takes nothing back.
    let impostor = Authority::new("Staff CA").unwrap();
    assert_eq!(alice_with(&later().number(6).signed_by(&impostor)), "revoked");
}

#[test]
fn the_status_tells_what_there_is() {
    let world = World::new();
    let old = world.root.revocation_list().this_update(at(-9000)).number(1);
    let new = world.root.revocation_list().this_update(at(-100)).number(2).revoke(revoked(&world.alice));
    let team = world.team.revocation_list().no_number();
    let revocation: Revocation =
        of(&[&old, &new, &team]).deny("serial:c0ffee issuer:\"CN=Team CA\"".parse().unwrap());
    let trust = world.trust(revocation).unwrap();
    let list = |status: &portcullis_tls::RevocationStatus, issuer: &str, number: Option<&str>| {
        let mut lists = status.lists.iter();
        lists.find(|list| list.issuer == issuer && list.number.as_deref() == number).unwrap().clone()
    };
    let status = trust.revocation_status(now()).unwrap();
    assert_eq!((status.lists.len(), status.denied), (3, 1));
    let newest = list(&status, "CN=Staff CA", Some("2"));
    assert_eq!((newest.entries, newest.age(now()), newest.proven, newest.replaced), (1, 100, true, false));
    assert!(list(&status, "CN=Staff CA", Some("1")).replaced);
    assert!(!list(&status, "CN=Team CA", None).proven);
    assert_eq!(verdict(&trust, &world.bob), "trusted");
    assert!(list(&trust.revocation_status(now()).unwrap(), "CN=Team CA", None).proven);

    let much_later = trust.revocation_status(now() + 8 * 24 * 3600).unwrap();
    let coverage: Vec<_> = much_later.anchors.iter().map(|anchor| anchor.coverage.code()).collect();
    assert_eq!(coverage, ["stale"]);
}
