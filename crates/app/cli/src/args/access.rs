//! `ironhull access`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

const SUBJECT: &str =
    "SUBJECT is user:NAME, group:NAME, sa:NAMESPACE/NAME or system:serviceaccount:NAMESPACE:NAME";

#[derive(Args)]
pub(crate) struct Access {
    #[command(subcommand)]
    pub(crate) command: AccessCommand,
}

#[derive(Subcommand)]
pub(crate) enum AccessCommand {
    /// Who may do something, by which binding and role
    WhoCan(WhoCan),
    /// What a subject may do, by which binding and role
    #[command(after_help = SUBJECT)]
    Of(Of),
    /// How a subject can come to hold more: the shortest ways, step by step
    #[command(after_help = SUBJECT)]
    Paths(Paths),
    /// Subjects, bindings, roles and the ways between subjects as a graph
    Graph(Graph),
    /// Which permissions one target gives and another does not (exit 1 when they differ)
    Diff(Diff),
}

/// What to read.
#[derive(Args)]
pub(crate) struct Target {
    /// Files, directories or - (default .)
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Kubernetes version whose default roles and rules count
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<String>,
}

/// Who asks.
#[derive(Args)]
pub(crate) struct Who {
    /// Who
    pub(crate) subject: String,
    /// A group that the user is in besides; may be given several times
    #[arg(long = "in-group", value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
}

/// For people or for programs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Table,
    /// Versioned, for programs
    Json,
}

#[derive(Args)]
pub(crate) struct WhoCan {
    /// A verb, such as get, create, impersonate
    pub(crate) verb: String,
    /// RESOURCE[.GROUP][/SUBRESOURCE], or a path such as /metrics
    pub(crate) resource: String,
    #[command(flatten)]
    pub(crate) target: Target,
    /// In this namespace (default: in any)
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// One object by name (default: all of them)
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: Output,
}

#[derive(Args)]
pub(crate) struct Of {
    #[command(flatten)]
    pub(crate) who: Who,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Only in this namespace
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: Output,
}

#[derive(Args)]
pub(crate) struct Paths {
    #[command(flatten)]
    pub(crate) who: Who,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Only the way to this; exit 1 when there is one
    #[arg(long, value_name = "cluster-admin|nodes|secrets[:NAMESPACE]|SUBJECT")]
    pub(crate) to: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: Output,
}

/// How to draw.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Drawing {
    /// Graphviz
    Dot,
    /// Mermaid, as Markdown pages draw it
    Mermaid,
    /// Versioned, for programs
    Json,
}

#[derive(Args)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Output format
    #[arg(short, long, value_enum, default_value = "dot")]
    pub(crate) output: Drawing,
    /// Bindings that every cluster has too
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Args)]
pub(crate) struct Diff {
    /// The earlier target
    pub(crate) before: String,
    /// The later target
    pub(crate) after: String,
    /// Kubernetes version whose default roles count
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: Output,
}

/// Audit logs to read.
#[derive(Args)]
pub(crate) struct Audit {
    /// Audit logs of the API server: JSON lines, or - for standard input
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub(crate) audit: Vec<PathBuf>,
}
