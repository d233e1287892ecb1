//! Chromium opens both examples, as people with a certificate, a bad one and none do.

use std::{
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::Context;
use libtest_mimic::{Arguments, Failed, Trial};
use portcullis_browser_tests::{
    artefact,
    browser::Driver,
    example::Example,
    home::Home,
    programs,
    site::Site,
    visit::{Stage, Visit},
};

const EXAMPLES: [&str; 2] = ["example-axum", "example-actix"];

/// Far more than a visit takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if let Some(missing) = programs::missing() {
        if std::env::var_os("CI").is_some() {
            eprintln!("`{missing}` cannot be run, and CI skips nothing");
            return ExitCode::FAILURE;
        }
        eprintln!("SKIPPED: no browser was tried, since `{missing}` cannot be run");
        return ExitCode::SUCCESS;
    }
    // Made by the first trial that needs it, and gone with the last.
    let site = Arc::new(OnceLock::new());
    let trials = EXAMPLES.into_iter().flat_map(|example| {
        let site = &site;
        Visit::ALL.into_iter().map(move |visit| {
            let site = Arc::clone(site);
            Trial::test(format!("{example}: {}", visit.name()), move || run(&site, example, visit))
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn run(site: &OnceLock<Result<Site, String>>, example: &str, visit: Visit) -> Result<(), Failed> {
    let site = site.get_or_init(|| Site::new(&EXAMPLES).map_err(|error| format!("{error:#}"))).as_ref()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(one(site, example, visit)).map_err(|error| format!("{error:#}").into())
}

async fn one(site: &Site, example: &str, visit: Visit) -> anyhow::Result<()> {
    let framework = example.trim_start_matches("example-");
    let log = |program: &str| artefact(&format!("{framework}-{visit:?}-{program}.log").to_lowercase());
    let example = Example::start(site, example, &log("server")?).await?;
    let home = Home::new(site)?;
    let driver = Driver::start(&home, &log("driver")?).await?;
    let stage = Stage { home: &home, driver: &driver, example: &example, mark: framework };
    let outcome = tokio::time::timeout(PATIENCE, visit.go(&stage)).await;
    // However it went: a browser must not outlive its driver.
    driver.quit().await;
    outcome.with_context(|| format!("no end within {PATIENCE:?}"))?
}
