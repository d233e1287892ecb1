//! The names of authorities that clients are told.

use portcullis_pki::Authority;
use portcullis_tls::{ClientAuth, TlsError, TrustAnchors};

use crate::client::{Client, VERSIONS};
use crate::site::{Site, meet};

fn subject(authority: &Authority) -> Vec<u8> {
    let certificate = portcullis_core::Certificate::from_der(authority.certificate_der()).unwrap();
    certificate.subject_der().to_vec()
}

#[tokio::test]
async fn names_are_those_of_the_anchors_unless_said_otherwise() {
    let site = Site::new();
    let guests = Authority::new("Guest CA").unwrap();
    let team = site.authority.intermediate("Team CA").unwrap();
    // A second key under the same name does not make a second name.
    let namesake = Authority::new("Example CA").unwrap();
    let anchors = || {
        let anchors = site.anchors().der("staff", namesake.certificate_der());
        anchors.der("guests", guests.certificate_der())
    };
    let staff = subject(&site.authority);
    let cases = [
        (ClientAuth::request(anchors()), vec![staff, subject(&guests)]),
        (ClientAuth::request(anchors()).advertised_names([subject(&team)]), vec![subject(&team)]),
        (ClientAuth::request(anchors()).advertise_no_names(), vec![]),
    ];
    for (client_auth, expected) in cases {
        let acceptor = site.acceptor(client_auth);
        for version in VERSIONS {
            let client = Client::anonymous(&site.authority).version(version);
            let hints = client.wallet().hints;
            meet(&acceptor, &client.config()).await;
            assert_eq!(*hints.lock().unwrap(), expected, "{version:?}");
        }
    }
}

#[test]
fn what_is_no_name_is_refused() {
    let site = Site::new();
    for odd in [&b""[..], b"CN=Example CA", b"\x30\x01", b"\x30\x00\x00"] {
        let names = [subject(&site.authority), odd.to_vec()];
        let client_auth = ClientAuth::request(site.anchors()).advertised_names(names);
        let error = site.builder().client_auth(client_auth).build().unwrap_err();
        assert_eq!(error, TlsError::AdvertisedName { position: 2 });
    }
}

/// rustls writes the length of all names into two bytes; more of them would spoil every handshake.
#[tokio::test]
async fn more_names_than_fit_are_refused() {
    let site = Site::new();
    let name = subject(&Authority::new(&"long ".repeat(50)).unwrap());
    let fit = 60_000 / (name.len() + 2);
    let with = |count| {
        let names = vec![name.clone(); count];
        site.builder().client_auth(ClientAuth::request(site.anchors()).advertised_names(names)).build()
    };
    let error = with(fit + 1).unwrap_err();
    assert_eq!(error, TlsError::TooManyNames { bytes: (fit + 1) * (name.len() + 2), limit: 60_000 });
    let acceptor = with(fit).unwrap().acceptor(&[]);
    for version in VERSIONS {
        let client = Client::anonymous(&site.authority).version(version);
        let hints = client.wallet().hints;
        assert_eq!(meet(&acceptor, &client.config()).await.word(), "anonymous");
        assert_eq!(hints.lock().unwrap().len(), fit);
    }
}

/// An authority of the client's may have a name that is also the name of an anchor.
#[tokio::test]
async fn many_anchors_are_searched() {
    let site = Site::new();
    let namesakes: Vec<_> = (0..20).map(|_| Authority::new("Example CA").unwrap()).collect();
    let anchors = namesakes
        .iter()
        .fold(TrustAnchors::new(), |anchors, authority| anchors.der("staff", authority.certificate_der()));
    let acceptor = site.acceptor(ClientAuth::require(anchors));
    let alice = namesakes[19].client("alice").issue().unwrap();
    assert_eq!(meet(&acceptor, &Client::with(&site.authority, &alice).config()).await.word(), "verified");
    let stranger = site.authority.client("alice").issue().unwrap();
    assert_eq!(
        meet(&acceptor, &Client::with(&site.authority, &stranger).config()).await.word(),
        "!bad-signature"
    );
}
