//! No altered list says that somebody is not revoked.

use portcullis_pki::Revoked;
use portcullis_tls::Revocation;

use crate::{World, verdict};

#[test]
fn no_altered_bit_is_overlooked() {
    let world = World::new();
    let root = world.root.revocation_list().sign().unwrap();
    let team = world.team.revocation_list().revoke_all([2, 3].map(|serial| Revoked::serial([serial])));
    let team = team.sign().unwrap();
    let lists = |root: &[u8], team: &[u8]| Revocation::crl_files([""; 0]).crl_der(root).crl_der(team);
    let good = world.trust(lists(root.der(), team.der())).unwrap();
    assert_eq!(verdict(&good, &world.bob), "trusted");
    let mut refused = (0, 0);
    for (place, bit) in (0..team.der().len()).flat_map(|place| [1, 0x20, 0x80].map(|bit| (place, bit))) {
        let mut altered = team.der().to_vec();
        altered[place] ^= bit;
        match world.trust(lists(root.der(), &altered)) {
            Ok(trust) => {
                assert_eq!(verdict(&trust, &world.bob), "revocation-unknown", "byte {place}, bit {bit:x}");
                refused.1 += 1;
            }
            Err(_) => refused.0 += 1,
        }
    }
    assert!(refused.0 > 100 && refused.1 > 100, "at both places: {refused:?}");
}

#[test]
fn an_altered_list_of_an_anchor_does_not_load() {
    let world = World::new();
    let list = world.root.revocation_list().revoke(Revoked::serial([2])).sign().unwrap();
    let load = |der: &[u8]| world.trust(Revocation::crl_files([""; 0]).crl_der(der));
    assert!(load(list.der()).is_ok());
    for place in 0..list.der().len() {
        let mut altered = list.der().to_vec();
        altered[place] ^= 1;
        // With another name it is the list of a stranger.
        if let Ok(trust) = load(&altered) {
            assert_eq!(verdict(&trust, &world.alice), "revocation-unknown", "byte {place}");
        }
    }
}
