//! The table of checks: which judges from which version, and what overrides what.

use crate::policy::{Level, Version};
use crate::{Culprit, Pod};

mod baseline;
mod profiles;
mod restricted;
mod users;

/// A check's answer: none when the pod is allowed.
pub(crate) type Verdict<'a> = Option<Forbidden<'a>>;

pub(crate) struct Forbidden<'a> {
    pub(crate) reason: String,
    pub(crate) detail: String,
    pub(crate) culprits: Vec<Culprit<'a>>,
}

type Judge = for<'a> fn(&Pod<'a>) -> Verdict<'a>;

/// One check of the standards.
pub struct Check {
    /// Its id, as the admission code names it.
    pub id: &'static str,
    /// The level it belongs to.
    pub level: Level,
    /// A baseline check that it replaces at the restricted level.
    pub overrides: Option<&'static str>,
    versions: &'static [(u16, Judge)],
}

impl Check {
    /// The first version that has it.
    pub fn since(&self) -> Version {
        Version::V1(self.versions.first().map_or(0, |(since, _)| *since))
    }

    pub(crate) fn at(&self, version: Version) -> Option<Judge> {
        let minor = version.minor();
        self.versions.iter().rev().find(|(since, _)| *since <= minor).map(|(_, judge)| *judge)
    }
}

const fn check(id: &'static str, level: Level, versions: &'static [(u16, Judge)]) -> Check {
    Check { id, level, overrides: None, versions }
}

const fn overriding(
    id: &'static str,
    overrides: &'static str,
    versions: &'static [(u16, Judge)],
) -> Check {
    Check { id, level: Level::Restricted, overrides: Some(overrides), versions }
}

/// Every check, in the order in which admission reports: baseline, then
/// restricted, each by id bytewise.
pub const CHECKS: &[Check] = &[
    check("appArmorProfile", Level::Baseline, &[(0, profiles::app_armor)]),
    check("capabilities_baseline", Level::Baseline, &[(0, baseline::capabilities)]),
    check("hostNamespaces", Level::Baseline, &[(0, baseline::host_namespaces)]),
    check("hostPathVolumes", Level::Baseline, &[(0, baseline::host_path_volumes)]),
    check("hostPorts", Level::Baseline, &[(0, baseline::host_ports)]),
    check("hostProbesAndHostLifecycle", Level::Baseline, &[(34, baseline::host_probes)]),
    check("privileged", Level::Baseline, &[(0, baseline::privileged)]),
    check(
        "procMount",
        Level::Baseline,
        &[(0, baseline::proc_mount), (35, baseline::proc_mount_1_35)],
    ),
    check(
        "seLinuxOptions",
        Level::Baseline,
        &[(0, profiles::selinux), (31, profiles::selinux_1_31)],
    ),
    check(
        "seccompProfile_baseline",
        Level::Baseline,
        &[(0, profiles::seccomp_annotations), (19, profiles::seccomp_baseline)],
    ),
    check(
        "sysctls",
        Level::Baseline,
        &[
            (0, baseline::sysctls_1_0),
            (27, baseline::sysctls_1_27),
            (29, baseline::sysctls_1_29),
            (32, baseline::sysctls_1_32),
            (37, baseline::sysctls_1_37),
        ],
    ),
    check("windowsHostProcess", Level::Baseline, &[(0, baseline::windows_host_process)]),
    check(
        "allowPrivilegeEscalation",
        Level::Restricted,
        &[(8, restricted::privilege_escalation), (25, restricted::privilege_escalation_1_25)],
    ),
    overriding(
        "capabilities_restricted",
        "capabilities_baseline",
        &[(22, restricted::capabilities), (25, restricted::capabilities_1_25)],
    ),
    overriding("procMount_restricted", "procMount", &[(35, baseline::proc_mount)]),
    overriding("restrictedVolumes", "hostPathVolumes", &[(0, restricted::volumes)]),
    check("runAsNonRoot", Level::Restricted, &[(0, users::non_root), (35, users::non_root_1_35)]),
    check("runAsUser", Level::Restricted, &[(23, users::user), (35, users::user_1_35)]),
    overriding(
        "seccompProfile_restricted",
        "seccompProfile_baseline",
        &[(19, profiles::seccomp_restricted), (25, profiles::seccomp_restricted_1_25)],
    ),
];

/// The checks that count at a level and version.
pub(crate) fn at(level: Level, version: Version) -> impl Iterator<Item = (&'static Check, Judge)> {
    let overridden = move |id: &str| {
        level == Level::Restricted
            && CHECKS.iter().any(|other| other.overrides == Some(id) && other.at(version).is_some())
    };
    CHECKS
        .iter()
        .filter(move |check| check.level <= level && !overridden(check.id))
        .filter_map(move |check| Some((check, check.at(version)?)))
}
