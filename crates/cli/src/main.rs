#![doc = include_str!("../README.md")]

mod arguments;
mod clock;
mod command;
mod outcome;
mod output;

use clap::Parser;

use crate::arguments::Arguments;
use crate::output::Output;

fn main() -> std::process::ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return outcome::of_usage(&error),
    };
    let mut output = Output::new(arguments.format);
    match arguments.command.run(&mut output) {
        Ok(outcome) => outcome.into(),
        Err(failure) => output.failure(&failure),
    }
}
