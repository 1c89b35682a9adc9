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
    /// Who is as good as cluster-admin, by which way, and when an audit log shows that it was
    /// last needed
    // Without a log there is no use to tell.
    #[command(mut_arg("files", |arg| arg.required(false)))]
    Admins(Admins),
    /// Subjects, bindings, roles and the ways between subjects as a graph
    Graph(Graph),
    /// Which permissions one target gives and another does not (exit 1 when they differ)
    Diff(Diff),
    /// Who is bound, and not in the organization's directory (exit 1 when there is somebody)
    Stale(Stale),
    /// The smallest roles that allow what a subject did, proven by asking each request again
    // What follows --audit is taken for its files, so it comes last.
    #[command(
        after_help = SUBJECT,
        override_usage = "ironhull access minimize [OPTIONS] <SUBJECT> [TARGET]... --audit <FILE>..."
    )]
    Minimize(Minimize),
    /// What was done, to which object, by whom, when
    WhoDid(WhoDid),
}

/// What to read.
#[derive(Args)]
pub(crate) struct Target {
    /// Files, directories, -, cluster:[CONTEXT], dump:PATH or snapshot:FILE (default .)
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Kubernetes version whose default roles and rules count
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<String>,
}

/// Who asks.
#[derive(Args)]
pub(crate) struct Who {
    /// Who: user:NAME, group:NAME or sa:NAMESPACE/NAME
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

#[derive(Args)]
pub(crate) struct Admins {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) audit: Audit,
    /// Which of them make the exit code 1: those who needed it, or those who did not
    #[arg(long, value_enum, value_name = "used|unused|never", default_value = "never")]
    pub(crate) fail_on: FailOnUse,
    /// Also those whom every cluster has
    #[arg(long)]
    pub(crate) all: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: Output,
}

/// Which use makes an exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum FailOnUse {
    /// One was used
    Used,
    /// One was not used
    Unused,
    /// None
    Never,
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

#[derive(Args)]
pub(crate) struct Stale {
    /// What the directory exports: users and groups as SCIM, Microsoft Graph or Okta list them
    /// in JSON, or lines such as user:NAME and group:NAME; - for standard input
    #[arg(long, required = true, value_name = "FILE")]
    pub(crate) directory: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) target: Target,
    /// What the API server puts before the directory's users (--oidc-username-prefix)
    #[arg(long, value_name = "PREFIX", default_value = "")]
    pub(crate) user_prefix: String,
    /// What the API server puts before the directory's groups (--oidc-groups-prefix)
    #[arg(long, value_name = "PREFIX", default_value = "")]
    pub(crate) group_prefix: String,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: Output,
}

/// Audit logs to read.
#[derive(Args)]
pub(crate) struct Audit {
    /// Audit log of the API server: JSON lines, also compressed by gzip; - for standard input
    #[arg(long = "audit", required = true, num_args = 1.., value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Requests from this time on (RFC 3339 or YYYY-MM-DD)
    #[arg(long, value_name = "TIME", requires = "files")]
    pub(crate) since: Option<String>,
    /// Requests before this time
    #[arg(long, value_name = "TIME", requires = "files")]
    pub(crate) until: Option<String>,
}

#[derive(Args)]
pub(crate) struct Minimize {
    /// Who: user:NAME, group:NAME or sa:NAMESPACE/NAME
    pub(crate) subject: String,
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) audit: Audit,
    /// Name objects where at most so many of a resource were used
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) most_names: usize,
    /// What the roles and bindings are called (default: from the subject)
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Output format: manifests for kubectl apply, or all that was found
    #[arg(short, long, value_enum, default_value = "yaml")]
    pub(crate) output: Manifests,
}

/// Manifests, or a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Manifests {
    /// Manifests
    Yaml,
    /// Versioned, for programs
    Json,
}

#[derive(Args)]
pub(crate) struct WhoDid {
    #[command(flatten)]
    pub(crate) audit: Audit,
    /// Only this: RESOURCE[.GROUP][/NAME], such as pods/web or deployments.apps
    #[arg(long, value_name = "OBJECT")]
    pub(crate) object: Option<String>,
    /// Only in this namespace
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Only by this user, or impersonating this user; a user name as the log has it, or a subject
    /// as for access of, a group by its members
    #[arg(long, value_name = "USER|SUBJECT")]
    pub(crate) user: Option<String>,
    /// Only these verbs
    #[arg(long, value_name = "VERB", value_delimiter = ',')]
    pub(crate) verb: Vec<String>,
    /// Who created the object, and what made it, up to a person; needs --object with a name
    #[arg(long, requires = "object")]
    pub(crate) origin: bool,
    /// Output format; JSON is one line a request
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: Output,
}
