//! `ironhull`: the command line. It composes the other crates, reads the clock
//! and is the only one that prints.

mod args;
mod commands;
mod config;
mod estate;
mod exit;
mod printer;
#[cfg(test)]
mod reference;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return printer::usage(&error),
    };
    // A broken invariant is our bug, never a verdict.
    let outcome = std::panic::catch_unwind(|| run(args));
    match outcome {
        Ok(Ok(code)) => printer::delivered(code).into(),
        Ok(Err(error)) => {
            printer::error(&format!("error: {error:#}"));
            exit::Exit::Usage.into()
        }
        Err(_) => exit::Exit::Bug.into(),
    }
}

fn run(args: Args) -> anyhow::Result<exit::Exit> {
    match args.command {
        Command::Check(check) => commands::check::run_command(&check, &args.global),
        Command::Show(show) => commands::show::run(&show, &args.global),
        Command::Explain(explain) => commands::explain::run(&explain, &args.global),
        Command::Prove(prove) => commands::prove::run(&prove, &args.global),
        Command::Diff(diff) => commands::diff::run(&diff, &args.global),
        Command::Fix(fix) => commands::fix::run(&fix, &args.global),
        Command::Except(except) => commands::except::run(&except, &args.global),
        Command::Access(access) => commands::access::run(&access.command, &args.global),
        Command::Policy(policy) => commands::policy::run(&policy.command, &args.global),
        Command::Completions { shell } => Ok(commands::completions(shell)),
        Command::Version => Ok(commands::version()),
    }
}
