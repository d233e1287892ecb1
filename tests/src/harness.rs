//! Turns cases and scenarios into trials that are reported by name, and runs them.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::{Handle, Runtime};

use crate::adapter::Adapter;
use crate::bench::Bench;
use crate::case;
use crate::scenario::{self, Stage};
use crate::trial;

/// Trials wait for sockets more than they compute.
const THREADS: usize = 8;

/// More than any trial needs, so that one that hangs is a failure with a name.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs every case and every scenario against an adapter.
///
/// Understands the arguments of the built-in harness, such as a part of a name to select by.
///
/// # Errors
///
/// If the cases cannot be read.
pub fn conformance<A: Adapter>() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let runtime = Runtime::new()?;
    let bench = Arc::new(Bench::new::<A>());
    let mut trials = cases(&bench, runtime.handle())?;
    trials.extend(scenarios(&bench, runtime.handle()));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Servers run as long as the process; nobody waits for them.
    runtime.shutdown_background();
    Ok(conclusion.exit_code())
}

fn cases(bench: &Arc<Bench>, runtime: &Handle) -> Result<Vec<Trial>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut trials = Vec::new();
    for case in case::load(&folder).context("the cases")? {
        let case = Arc::new(case);
        for http in case.http.clone() {
            for tls in case.tls.clone() {
                let over = if case.mode.has_tls() { format!("{http}, {tls}") } else { "no TLS".into() };
                let (bench, case, runtime) = (Arc::clone(bench), Arc::clone(&case), runtime.clone());
                trials.push(Trial::test(format!("{} ({over})", case.name), move || {
                    finish(&runtime, trial::run(&bench, &case, http, tls))
                }));
            }
        }
    }
    Ok(trials)
}

fn scenarios(bench: &Arc<Bench>, runtime: &Handle) -> Vec<Trial> {
    let mut trials = Vec::new();
    for scenario in scenario::all() {
        for (http, tls) in scenario.versions() {
            let stage = Stage { bench: Arc::clone(bench), http, tls };
            let (play, runtime) = (scenario.play, runtime.clone());
            let over = scenario.over(http, tls);
            trials
                .push(Trial::test(format!("{}{over}", scenario.name), move || finish(&runtime, play(stage))));
        }
    }
    trials
}

fn finish(runtime: &Handle, trial: impl Future<Output = Result<()>>) -> Result<(), Failed> {
    let limited = async { tokio::time::timeout(LIMIT, trial).await.context("the trial hangs")? };
    runtime.block_on(limited).map_err(|error| Failed::from(format!("{error:#}")))
}
