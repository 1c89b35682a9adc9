//! One module per command.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::exit::Exit;
use crate::printer;

pub(crate) mod access;
pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod except;
pub(crate) mod explain;
pub(crate) mod fix;
mod last;
pub(crate) mod policy;
mod proof;
pub(crate) mod prove;
pub(crate) mod show;

/// Prints a shell's completions.
pub(crate) fn completions(shell: Shell) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "ironhull", &mut text);
    printer::data(&String::from_utf8_lossy(&text));
    Exit::Clean
}

/// Prints the version and what it knows.
pub(crate) fn version() -> Exit {
    let supported: Vec<String> =
        ironhull_schema::Schema::supported().map(|minor| minor.to_string()).collect();
    printer::data(&format!(
        "ironhull {}\ncontrols {}\nKubernetes {}\n",
        env!("CARGO_PKG_VERSION"),
        ironhull_catalogue::controls().len(),
        supported.join(" ")
    ));
    Exit::Clean
}
