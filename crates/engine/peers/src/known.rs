//! What an add-on is known by, and what it does.

use crate::rules::RuleKind;

/// What an add-on does for a cluster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Function {
    /// Refuses or changes objects by policies of its own.
    Admission,
    /// Refuses images without a valid signature or attestation.
    ImageVerification,
    /// Sees what processes do.
    RuntimeDetection,
    /// Enforces NetworkPolicies.
    NetworkPolicy,
    /// Gives pods their addresses and routes.
    PodNetwork,
    /// Encrypts what pods say to each other.
    MeshEncryption,
    /// Issues certificates.
    Certificates,
    /// Hands out the certificates to trust.
    TrustBundles,
    /// Gives workloads an identity.
    WorkloadIdentity,
    /// Brings secrets from outside, or keeps them sealed in Git.
    Secrets,
    /// Looks for known weaknesses of images.
    Scanning,
    /// Compares the configuration with a benchmark.
    Benchmarks,
    /// Reboots nodes that need it.
    NodeReboots,
    /// Upgrades nodes.
    NodeUpgrades,
    /// Watches nodes.
    NodeHealth,
    /// Backs objects and volumes up.
    Backup,
    /// Collects metrics.
    Metrics,
    /// Sends alerts.
    Alerts,
    /// Ships logs out of the cluster.
    LogShipping,
    /// Applies what stands in Git.
    GitOps,
    /// Evicts pods so that they are placed anew.
    Rescheduling,
    /// Answers what names of services mean.
    ClusterDns,
    /// Gives pods their volumes.
    Storage,
}

impl Function {
    /// What a cluster is expected to have an add-on for. Admission is not among them: the
    /// API server has policies of its own.
    pub const EXPECTED: [Function; 9] = [
        Function::ImageVerification,
        Function::RuntimeDetection,
        Function::NetworkPolicy,
        Function::Certificates,
        Function::Secrets,
        Function::Scanning,
        Function::NodeReboots,
        Function::Backup,
        Function::LogShipping,
    ];

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Function::Admission => "admission",
            Function::ImageVerification => "image verification",
            Function::RuntimeDetection => "runtime detection",
            Function::NetworkPolicy => "network policy",
            Function::PodNetwork => "pod network",
            Function::MeshEncryption => "mesh encryption",
            Function::Certificates => "certificates",
            Function::TrustBundles => "trust bundles",
            Function::WorkloadIdentity => "workload identity",
            Function::Secrets => "secrets",
            Function::Scanning => "image scanning",
            Function::Benchmarks => "benchmarks",
            Function::NodeReboots => "node reboots",
            Function::NodeUpgrades => "node upgrades",
            Function::NodeHealth => "node health",
            Function::Backup => "backup",
            Function::Metrics => "metrics",
            Function::Alerts => "alerts",
            Function::LogShipping => "log shipping",
            Function::GitOps => "GitOps",
            Function::Rescheduling => "rescheduling",
            Function::ClusterDns => "cluster DNS",
            Function::Storage => "storage",
        }
    }

    /// Whether two that do it get into each other's way, or do the work twice. Plugins
    /// of the pod network are chained on purpose, and storage has classes.
    pub fn is_for_one(self) -> bool {
        !matches!(self, Function::PodNetwork | Function::Storage)
    }
}

/// As what a part runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runs {
    /// One on each node: a `DaemonSet`.
    OnNodes,
    /// As a `Deployment`, `StatefulSet` or the like.
    AsServer,
    /// For a while: a `Job`, `CronJob` or `Pod`.
    Once,
    /// As any of these.
    Somehow,
}

/// What else tells a part, where others run its image too.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Beside {
    /// A word of its command or arguments.
    Says(&'static str),
    /// A label of the add-on.
    Label,
    /// A folder of the node that the logs of all its containers are in.
    NodeLogs,
}

/// One program of an add-on.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// As what it runs.
    pub runs: Runs,
    /// Ends of image repositories. One of two path segments or more tells the part; of a
    /// single segment, which others may have too, only beside a label of the add-on. Where
    /// the first segment is a registry's name, that is its end.
    pub images: &'static [&'static str],
    /// What must tell it beside its image, if anything.
    pub beside: Option<Beside>,
    /// What it does; nothing for what only helps the others.
    pub serves: &'static [Function],
}

impl Part {
    /// The same, told by a word of its command or arguments.
    pub(crate) const fn says(self, word: &'static str) -> Part {
        Part { beside: Some(Beside::Says(word)), ..self }
    }

    /// The same, only beside a label of the add-on.
    pub(crate) const fn labelled(self) -> Part {
        Part { beside: Some(Beside::Label), ..self }
    }

    /// The same, only where it sees the logs of its node: beside an application the same
    /// image ships no logs but that application's.
    pub(crate) const fn of_node_logs(self) -> Part {
        Part { beside: Some(Beside::NodeLogs), ..self }
    }
}

/// A part on each node.
pub(crate) const fn nodes(images: &'static [&'static str], serves: &'static [Function]) -> Part {
    Part { runs: Runs::OnNodes, images, beside: None, serves }
}

/// A part that runs as a server.
pub(crate) const fn server(images: &'static [&'static str], serves: &'static [Function]) -> Part {
    Part { runs: Runs::AsServer, images, beside: None, serves }
}

/// A part that runs for a while.
pub(crate) const fn once(images: &'static [&'static str], serves: &'static [Function]) -> Part {
    Part { runs: Runs::Once, images, beside: None, serves }
}

/// A part that runs in any way.
pub(crate) const fn somehow(images: &'static [&'static str], serves: &'static [Function]) -> Part {
    Part { runs: Runs::Somehow, images, beside: None, serves }
}

/// An add-on.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// Its programs; of those that fit a container the first counts.
    pub parts: &'static [Part],
    /// Names of definitions that only it brings.
    pub definitions: &'static [&'static str],
    /// Labels that its manifests give its workloads or their pods.
    pub labels: &'static [(&'static str, &'static str)],
    /// Its policies.
    pub rules: &'static [RuleKind],
}
