//! `ironhull prove`.

use std::num::NonZeroUsize;

use clap::Args;
use ironhull_model::Severity;

use super::access::Output;

#[derive(Args)]
pub(crate) struct Prove {
    /// cluster: or cluster:CONTEXT
    #[arg(value_name = "TARGET")]
    pub(crate) target: String,
    /// Only these controls or packs (@pss-restricted)
    #[arg(long, value_name = "CONTROL|@PACK", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Only in these namespaces
    #[arg(short, long = "namespace", value_name = "NAMESPACE", value_delimiter = ',')]
    pub(crate) namespaces: Vec<String>,
    /// In at most so many namespaces, each of other labels first
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<NonZeroUsize>,
    /// Impersonate nobody: send every canary with your own rights
    #[arg(long)]
    pub(crate) own_rights: bool,
    /// Also send what is a pod inside of a Deployment and of a CronJob, and say where those fare
    /// otherwise; of all controls that is about twice as many requests
    #[arg(long)]
    pub(crate) workloads: bool,
    /// What the canaries' containers would run, where the image is not the fault
    #[arg(long, value_name = "IMAGE", default_value = PAUSE)]
    pub(crate) image: String,
    /// Requests a second, at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: u32,
    /// The least severity of a control that makes the exit code 1 when it is not stopped
    #[arg(long, value_name = "SEVERITY|never", default_value = "high")]
    pub(crate) fail_on: FailOn,
    /// Show every control, not only those at or above --fail-on
    #[arg(long)]
    pub(crate) all: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: Output,
}

/// An image by digest in the registry of Kubernetes. Nothing is pulled.
const PAUSE: &str = "registry.k8s.io/pause:3.10@sha256:ee6521f290b2168b6e0935a181d4cff9be1ac3f505666ef0e3c98fae8199917a";

/// From which severity on; none is never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailOn(pub(crate) Option<Severity>);

impl std::str::FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<FailOn, String> {
        if text == "never" {
            return Ok(FailOn(None));
        }
        let severity = text.parse::<Severity>();
        severity.map(|severity| FailOn(Some(severity))).map_err(|error| error.to_string())
    }
}
