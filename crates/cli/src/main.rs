#![doc = include_str!("../README.md")]

mod actor;
mod arguments;
mod certificates;
mod clock;
mod command;
mod input;
mod outcome;
mod output;
mod passphrase;
mod policy;
mod roster;
mod style;

use clap::Parser;

use crate::arguments::Arguments;
use crate::output::Output;

fn main() -> std::process::ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return outcome::of_usage(&error),
    };
    let mut output = Output::new(arguments.format);
    if let Err(failure) = arguments.check() {
        return output.failure(&failure);
    }
    match arguments.command.run(&mut output) {
        Ok(outcome) => outcome.into(),
        Err(failure) => output.failure(&failure),
    }
}
