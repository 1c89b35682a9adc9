//! The command line's shape. Completions, man pages and `docs/cli.md` come from it.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) mod access;
pub(crate) mod prove;

const HELP: &str = "\
{about}

Usage: ironhull COMMAND [TARGET…] [OPTIONS]

Look    check        Judge TARGET (default .)
        show         What the last check found, by severity, namespace, control or standard
        explain      Why, the proof, how to verify it without us
        prove        Attack each protection harmlessly; report what was not stopped
        diff         What differs between two targets
Change  fix          Print the patch; --write edits the file
        except       Accept a finding: reason, owner, review date
Ask     access       Who may do what, and the ways to more
        policy       Pod Security verdicts, tests of own controls, CEL
Other   completions  Shell completions
        version      Version and what it knows

TARGET  PATH (file, directory, Helm chart, kustomization), - for standard input,
        cluster: or cluster:CONTEXT for a running cluster, dump:PATH for
        what kubectl get -o yaml|json or cluster-info dump printed of one,
        snapshot:FILE for what check --save FILE wrote
Exit    0 clean · 1 a finding at or above --fail-on · 2 usage · 3 something could not be judged · 4 our bug

Options:
{options}

ironhull COMMAND --help says more.";

/// Judges Kubernetes estates: what is wrong, the proof, the fix.
#[derive(Parser)]
#[command(name = "ironhull", help_template = HELP, disable_version_flag = true, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(ClapArgs, Clone, Debug)]
pub(crate) struct Global {
    /// Judge as of this time (RFC 3339 or YYYY-MM-DD) instead of now
    #[arg(long, global = true, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Configuration file instead of the ironhull.yaml found upward
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The kubeconfig for cluster: targets, instead of $KUBECONFIG and ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Ask clusters as this user
    #[arg(long = "as", global = true, value_name = "USER")]
    pub(crate) impersonate: Option<String>,
    /// Ask clusters as a member of this group, with --as
    #[arg(long = "as-group", global = true, value_name = "GROUP", requires = "impersonate")]
    pub(crate) impersonate_groups: Vec<String>,
    /// Also ask the kubelets of clusters for their configuration: needs get on nodes/proxy
    #[arg(long, global = true)]
    pub(crate) read_kubelets: bool,
    /// Also read what Helm releases in clusters installed: reads Secrets of that type whole
    #[arg(long, global = true)]
    pub(crate) read_helm_releases: bool,
    /// Never use colour
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
}

/// Output formats of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// Versioned, for programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, for CI
    Junit,
    /// For pull requests
    Markdown,
    /// One self-contained page
    Html,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Judge TARGET (default .)
    Check(Check),
    /// What the last check found
    Show(Show),
    /// Why, the proof, how to verify it without us
    Explain(Explain),
    /// Attack each protection harmlessly; report what was not stopped
    Prove(prove::Prove),
    /// What differs between two targets
    Diff(Diff),
    /// Print the patch; --write edits the file
    Fix(Fix),
    /// Accept a finding: reason, owner, review date
    Except(Except),
    /// Who may do what, and the ways to more
    Access(access::Access),
    /// Pod Security verdicts, tests of own controls, CEL
    Policy(Policy),
    /// Shell completions
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Version and what it knows
    Version,
}

/// How to judge.
#[derive(ClapArgs, Clone, Debug, Default)]
pub(crate) struct Judging {
    /// Kubernetes version to judge for (default: the newest known)
    #[arg(long, value_name = "VERSION", env = "IRONHULL_KUBERNETES_VERSION")]
    pub(crate) kubernetes_version: Option<String>,
    /// Only these controls or packs (@pss-restricted)
    #[arg(long, value_name = "CONTROL|@PACK", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Own controls: files or directories
    #[arg(long, value_name = "PATH")]
    pub(crate) controls: Vec<PathBuf>,
    /// Policy or exception files besides those among the judged files
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Vec<PathBuf>,
}

#[derive(ClapArgs)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Check {
    /// Files, directories, -, cluster:[CONTEXT], dump:PATH or snapshot:FILE (default .)
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) judging: Judging,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: Format,
    /// Which findings make the exit code 1: [new.][STATUS.]SEVERITY[>=N][,…] or never (default high)
    #[arg(long, value_name = "EXPR", env = "IRONHULL_FAIL_ON")]
    pub(crate) fail_on: Option<String>,
    /// An earlier JSON report: what it has not is new
    #[arg(long, value_name = "FILE")]
    pub(crate) since: Option<PathBuf>,
    /// Also write what was read to FILE, without secret values: a target as snapshot:FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Stay and judge each change of a running cluster: cluster: only, as table or json
    #[arg(long, conflicts_with_all = ["since", "save"])]
    pub(crate) watch: bool,
    /// Anything unknown that is in scope makes the exit code 3
    #[arg(long)]
    pub(crate) strict: bool,
    /// Findings do not change the exit code
    #[arg(long)]
    pub(crate) exit_zero: bool,
    /// Show every finding, not only those at or above the gate
    #[arg(long)]
    pub(crate) all: bool,
}

impl Check {
    /// `--fail-on`; an empty variable in the environment is none.
    pub(crate) fn fail_on(&self) -> Option<&str> {
        self.fail_on.as_deref().filter(|text| !text.is_empty())
    }
}

#[derive(ClapArgs)]
pub(crate) struct Show {
    /// Severities, new, platform, ns/NAME, a control, a kind, or `controls`
    #[arg(value_name = "WHAT")]
    pub(crate) what: Vec<String>,
    /// Every item of a standard: met, violated, unknown or not covered
    #[arg(long, value_name = "cis|nsa|pss|aks|mcsb|mitre")]
    pub(crate) standard: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: Format,
}

#[derive(ClapArgs)]
pub(crate) struct Explain {
    /// A finding's number or id, a control, KIND/NAME, or a code such as IH0104
    pub(crate) what: String,
}

#[derive(ClapArgs)]
pub(crate) struct Diff {
    /// The earlier one: a target or a JSON report
    pub(crate) before: String,
    /// The later one
    pub(crate) after: String,
    #[command(flatten)]
    pub(crate) judging: Judging,
}

#[derive(ClapArgs)]
pub(crate) struct Fix {
    /// Findings by number or id (default: all whose repair asks nothing and can stop nothing)
    pub(crate) what: Vec<String>,
    /// Also the repairs that may stop what works today
    #[arg(long = "unsafe")]
    pub(crate) is_unsafe: bool,
    /// Edit the files instead of printing the patch
    #[arg(long)]
    pub(crate) write: bool,
    /// Write the patch to a new file: secret values, which are left out where it is printed, are in it
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    pub(crate) patch: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub(crate) struct Except {
    /// A finding's number or id
    pub(crate) what: String,
    /// Why it is accepted
    #[arg(long)]
    pub(crate) reason: String,
    /// Who answers for it
    #[arg(long)]
    pub(crate) owner: String,
    /// The day a waiver ends (at most 90 days ahead)
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with = "by_design")]
    pub(crate) until: Option<String>,
    /// The workload must be so: reviewed every 180 days
    #[arg(long)]
    pub(crate) by_design: bool,
}

#[derive(ClapArgs)]
pub(crate) struct Policy {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// What Pod Security admission says of each pod (exit 0 allowed, 1 denied)
    Pss(Pss),
    /// Run the cases of PolicyTest files, or the examples of control files (exit 1 when one fails)
    Test {
        /// PolicyTest files, control files, or directories
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Kubernetes version that admission policies are judged for
        #[arg(long, value_name = "VERSION")]
        kubernetes_version: Option<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value = "table")]
        output: access::Output,
    },
    /// Every rule that governs a namespace, and where it is from
    Effective(Effective),
    /// Evaluate a CEL expression over an object
    Eval {
        /// The expression; `object` is the document
        expression: String,
        /// A manifest, or - for standard input
        #[arg(default_value = "-")]
        file: String,
        /// Kubernetes version whose CEL environment counts
        #[arg(long, value_name = "VERSION")]
        kubernetes_version: Option<String>,
    },
}

#[derive(ClapArgs)]
pub(crate) struct Effective {
    /// The namespace: ns/NAME
    #[arg(value_name = "NAMESPACE")]
    pub(crate) namespace: String,
    #[command(flatten)]
    pub(crate) target: access::Target,
    /// A file with policies of ours; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Vec<PathBuf>,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: access::Output,
}

#[derive(ClapArgs)]
pub(crate) struct Pss {
    /// Files, directories or -
    #[arg(required = true, value_name = "FILE")]
    pub(crate) targets: Vec<String>,
    /// What if namespaces enforced this level (default: what their labels say)
    #[arg(long, value_parser = ["privileged", "baseline", "restricted"])]
    pub(crate) level: Option<String>,
    /// With --level: latest or v1.N
    #[arg(long, default_value = "latest", requires = "level")]
    pub(crate) version: String,
    /// Only this namespace
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// The API server's AdmissionConfiguration, or a PodSecurityConfiguration: defaults and exemptions
    #[arg(long, value_name = "FILE")]
    pub(crate) admission_config: Option<PathBuf>,
    /// Kubernetes version whose newest checks `latest` means
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<String>,
}
