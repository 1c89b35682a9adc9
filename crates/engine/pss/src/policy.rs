//! Levels, versions, and what a namespace's labels ask for.

use std::fmt;

use ironhull_model::{Minor, Node};

/// How strict.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Everything is allowed.
    Privileged,
    /// Known privilege escalations are not.
    Baseline,
    /// Hardened.
    Restricted,
}

impl Level {
    /// Reads a level as labels spell it.
    pub fn parse(text: &str) -> Option<Level> {
        match text {
            "privileged" => Some(Level::Privileged),
            "baseline" => Some(Level::Baseline),
            "restricted" => Some(Level::Restricted),
            _ => None,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Privileged => "privileged",
            Level::Baseline => "baseline",
            Level::Restricted => "restricted",
        })
    }
}

/// Which version of the standards.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Version {
    /// The cluster's newest.
    Latest,
    /// `v1.N`.
    V1(u16),
}

impl Version {
    /// Reads `latest` or `v1.N` as labels spell it.
    pub fn parse(text: &str) -> Option<Version> {
        if text == "latest" {
            return Some(Version::Latest);
        }
        let digits = text.strip_prefix("v1.")?;
        let plain = digits == "0" || !digits.starts_with('0');
        (plain && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| Version::V1(digits.parse().unwrap_or(u16::MAX)))
    }

    /// This version on a cluster of `minor`, whose newest it cannot exceed.
    #[must_use]
    pub fn on(self, minor: Minor) -> Version {
        match self {
            Version::V1(wanted) if wanted <= minor.minor => self,
            _ => Version::V1(minor.minor),
        }
    }

    pub(crate) fn minor(self) -> u16 {
        match self {
            Version::Latest => super::NEWEST,
            Version::V1(minor) => minor.min(super::NEWEST),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Version::Latest => f.write_str("latest"),
            Version::V1(minor) => write!(f, "v1.{minor}"),
        }
    }
}

/// A level at a version, printed `restricted:v1.30`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LevelVersion {
    /// How strict.
    pub level: Level,
    /// Which version, as configured.
    pub version: Version,
}

impl fmt::Display for LevelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.level, self.version)
    }
}

/// What counts in a namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Pods that violate it are denied.
    pub enforce: LevelVersion,
    /// Violations are written to the audit log.
    pub audit: LevelVersion,
    /// Violations are shown to the client.
    pub warn: LevelVersion,
}

impl Policy {
    /// The API server's own defaults: everything is allowed.
    pub const PRIVILEGED: Policy = {
        let all = LevelVersion { level: Level::Privileged, version: Version::Latest };
        Policy { enforce: all, audit: all, warn: all }
    };

    /// What a namespace's labels ask for over `defaults`, with what is wrong in
    /// them in the API server's words: a wrong enforce level means restricted, a
    /// wrong audit or warn level privileged, a wrong version latest.
    pub fn of_labels(labels: Option<Node<'_>>, defaults: Policy) -> (Policy, Vec<String>) {
        let label = |name: &str| {
            let key = format!("pod-security.kubernetes.io/{name}");
            labels.and_then(|labels| labels.get(&key)).and_then(Node::as_str)
        };
        let mut policy = defaults;
        let mut wrong = Vec::new();
        let mut read = |name: &str, target: &mut LevelVersion, fallback: Level| {
            let mut valid = false;
            if let Some(text) = label(name) {
                valid = Level::parse(text).is_some();
                target.level = Level::parse(text).unwrap_or(fallback);
                if !valid {
                    wrong.push(invalid(
                        name,
                        text,
                        "must be one of privileged, baseline, restricted",
                    ));
                }
            }
            let name = format!("{name}-version");
            if let Some(text) = label(&name) {
                target.version = Version::parse(text).unwrap_or(Version::Latest);
                if Version::parse(text).is_none() {
                    wrong.push(invalid(&name, text, r#"must be "latest" or "v1.x""#));
                }
            }
            valid
        };
        let enforce_is_set = read("enforce", &mut policy.enforce, Level::Restricted);
        read("audit", &mut policy.audit, Level::Privileged);
        read("warn", &mut policy.warn, Level::Privileged);
        if label("warn").is_none() && enforce_is_set && policy.enforce.level > policy.warn.level {
            policy.warn.level = policy.enforce.level;
            if label("warn-version").is_none() {
                policy.warn.version = policy.enforce.version;
            }
        }
        (policy, wrong)
    }
}

fn invalid(label: &str, value: &str, why: &str) -> String {
    format!("metadata.labels[pod-security.kubernetes.io/{label}]: Invalid value: {value:?}: {why}")
}
