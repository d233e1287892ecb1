//! The harness notices what it is there to notice: each kind of wrong expectation fails a trial.

use portcullis_tests::adapter::tower::Tower;
use portcullis_tests::bench::Bench;
use portcullis_tests::case::{self, Http, Tls};
use portcullis_tests::trial;

/// Runs the cases of a text; the error of the first trial that fails, if any does.
async fn outcome(bench: &Bench, text: &str) -> Result<(), String> {
    for case in case::parse(text).map_err(|error| format!("not a case: {error:#}"))? {
        for http in Http::ALL {
            trial::run(bench, &case, http, Tls::Three).await.map_err(|error| format!("{error:#}"))?;
        }
    }
    Ok(())
}

fn row(client: &str, request: &str, expect: &str) -> String {
    format!("[[case]]\nname = 'x'\nclient = '{client}'\nrequest = '{request}'\nexpect = {{ {expect} }}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_expectations_fail() {
    let bench = Bench::new::<Tower>();
    // What is asked, what is right, and the same field wrong.
    for (client, request, right, wrong) in [
        ("bob", "GET /reports/7", "status = 200", "status = 201"),
        ("bob", "GET /reports/7", "allowed = true", "allowed = false"),
        ("bob", "GET /reports/7", "handler = 'report'", "handler = 'admin'"),
        ("bob", "GET /reports/7", "param = '7'", "param = '8'"),
        ("bob", "GET /whoami", "peer = 'verified'", "peer = 'anonymous'"),
        ("bob", "GET /whoami", "name = 'bob'", "name = 'alice'"),
        ("bob", "GET /whoami", "name = 'bob'", "name = ''"),
        ("bob", "GET /whoami", "roles = ['user']", "roles = []"),
        ("bob", "GET /whoami", "anchor = 'staff'", "anchor = 'partner'"),
        ("hostile:good", "GET /whoami", "subject = 'CN=alice'", "subject = 'CN=bob'"),
        ("expired:bob", "GET /whoami", "reason = 'expired'", "reason = ''"),
        ("nobody", "GET /whoami", "name = ''", "name = 'bob'"),
        ("bob", "GET /admin/", "kind = 'forbidden'", "kind = 'no-rule'"),
        ("bob", "GET /admin/", "allowed = false", "allowed = true"),
        ("bob", "GET /admin/", "header = 'vary: accept'", "header = 'vary: cookie'"),
        ("bob", "GET //admin", "refused = true", "kind = 'forbidden'"),
        ("bob", "GET /admin/", "status = 403", "refused = true"),
        ("bob", "GET /reports/7", "status = 200", "refused = true"),
        ("bob", "GET /admin/", "status = 403", "handler = 'admin'"),
        ("bob", "GET /admin/", "status = 403", "name = 'bob'"),
        ("bob", "GET /reports/7", "status = 200", "handshake = 'fails'"),
        ("bob", "GET /reports/7", "status = 200", "handshake = 'cut'"),
        ("bob", "GET /files/notice.txt", "handler = 'files'", "handler = 'fallback'"),
        ("bob", "GET /reports/7", "handler = 'report'", "handler = ''"),
        ("bob", "GET /admin/", "handler = ''", "handler = 'admin'"),
        ("bob", "GET /admin/", "header = '-x-handler'", "header = '-vary'"),
        ("bob", "GET /admin/", "closes = false", "kind = 'forbidden', closes = true"),
        ("nobody", "GET /admin/", "closes = true", "kind = 'certificate-required', closes = false"),
    ] {
        assert_eq!(outcome(&bench, &row(client, request, right)).await, Ok(()), "{request}: {right}");
        let error = outcome(&bench, &row(client, request, wrong)).await.expect_err(wrong);
        assert!(!error.starts_with("not a case"), "{request}: {wrong}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_must_be_needed_and_right() {
    let bench = Bench::new::<Tower>();
    let exception =
        |expect: &str| format!("adapters = {{ tower = {{ because = 'x', expect = {{ {expect} }} }} }}\n");
    let case = |shared: &str, own: &str| row("bob", "GET /admin", shared) + &exception(own);

    assert_eq!(outcome(&bench, &case("status = 404", "status = 403")).await, Ok(()));
    let stale = outcome(&bench, &case("status = 403", "status = 403")).await.expect_err("stale");
    assert!(stale.contains("no longer applies"), "{stale}");
    let wrong = outcome(&bench, &case("status = 404", "status = 405")).await.expect_err("wrong");
    assert!(wrong.contains("with the exception"), "{wrong}");
    let elsewhere =
        row("bob", "GET /admin", "status = 404") + &exception("status = 403").replace("tower", "axum");
    assert!(outcome(&bench, &elsewhere).await.is_err());
}
