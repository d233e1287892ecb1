//! Lists at random, beside a model that is too simple to be wrong.

use std::collections::BTreeSet;

use portcullis_pki::{DistinguishedName, Extension, Issued, Oid, RawCertificate, Revoked};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use crate::{World, of, verdict};

/// The serial numbers that clients have; few and alike, so that lists hit and nearly hit them.
fn serial() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(0_u8..3, 1..4), vec(1_u8..3, 19..23), Just(vec![0]), Just(vec![0x7f; 20])]
}

fn client(world: &World, serial: &[u8]) -> Issued {
    RawCertificate::new(DistinguishedName::common_name("alice"))
        .serial(serial)
        .extension(Extension::extended_key_usage(&[Oid::CLIENT_AUTH]))
        .issue(&world.root)
        .unwrap()
}

fn value(serial: &[u8]) -> Vec<u8> {
    serial.iter().copied().skip_while(|byte| *byte == 0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn exactly_those_on_the_list_are_revoked(
        listed in vec(serial(), 0..40),
        asked in btree_set(serial(), 1..8),
    ) {
        let world = World::new();
        let entries = listed.iter().map(|serial| Revoked::serial(serial.clone()));
        let trust = world.trust(of(&[&world.root.revocation_list().revoke_all(entries)])).unwrap();
        let model: BTreeSet<Vec<u8>> = listed.iter().map(|serial| value(serial)).collect();
        for serial in asked {
            let expected = if model.contains(&value(&serial)) { "revoked" } else { "trusted" };
            prop_assert_eq!(verdict(&trust, &client(&world, &serial)), expected, "{:?}", serial);
        }
    }
}
