//! Grave weaknesses of what a cluster itself is made of, by version.
//!
//! `weaknesses.tsv` is a choice, not a database: those that lead from a pod, a user or
//! an image to the node or the cluster. Ranges are `from-fixed`, the second excluded.
//! Those of Kubernetes and ingress-nginx are of the project's own records
//! (github.com/kubernetes-sigs/cve-feed-osv, and the issue that is named), those of
//! containerd of its advisories.

use std::sync::LazyLock;

use ironhull_model::Severity;

/// One weakness of one component.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Weakness {
    /// `kubelet`, `kube-apiserver`, `containerd`, `ingress-nginx`.
    pub component: &'static str,
    /// Its CVE.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it lets somebody do.
    pub what: &'static str,
    /// Who says so.
    pub source: &'static str,
    ranges: Vec<(Version, Version)>,
}

/// A version's three numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Version(u32, u32, u32);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What a version's text says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Release {
    /// Its numbers.
    pub version: Version,
    /// Whether somebody built it who may have mended more than the numbers say:
    /// `v1.30.2-eks-1234`, `1.7.12-0ubuntu4`, `1.6.20~ds1`.
    pub is_vendors: bool,
}

/// Reads `v1.37.1`, `1.7.20`, `v1.37.1+k3s1`, `v1.37.0-rc.1`; a pre-release counts as
/// its release.
pub fn release(text: &str) -> Option<Release> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let mut numbers = numbers.split('.').map(str::parse);
    let (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) =
        (numbers.next(), numbers.next(), numbers.next(), numbers.next())
    else {
        return None;
    };
    let is_own = ["", "+", "-rc.", "-alpha.", "-beta."];
    let is_own =
        is_own.iter().any(|start| rest == *start || !start.is_empty() && rest.starts_with(start));
    Some(Release { version: Version(major, minor, patch), is_vendors: !is_own })
}

static ALL: LazyLock<Vec<Weakness>> = LazyLock::new(|| {
    let rows = include_str!("weaknesses.tsv").lines().skip(1);
    rows.filter_map(row).collect()
});

fn row(row: &'static str) -> Option<Weakness> {
    let mut cells = row.split('\t');
    let (component, id) = (cells.next()?, cells.next()?);
    let severity = cells.next()?.parse().ok()?;
    let ranges = cells.next()?.split(' ').map(|range| {
        let (from, fixed) = range.split_once('-')?;
        let from = if from == "0" { Version(0, 0, 0) } else { release(from)?.version };
        Some((from, release(fixed)?.version))
    });
    let ranges = ranges.collect::<Option<Vec<_>>>()?;
    Some(Weakness { component, id, severity, what: cells.next()?, source: cells.next()?, ranges })
}

/// Whether weaknesses of a component are written here.
pub fn is_known(component: &str) -> bool {
    ALL.iter().any(|weakness| weakness.component == component)
}

/// What a version of a component has, worst first.
pub fn weaknesses(component: &str, version: Version) -> Vec<&'static Weakness> {
    let is_it = |weakness: &&Weakness| {
        weakness.component == component && weakness.fixed_in(version).is_some()
    };
    let mut all: Vec<&Weakness> = ALL.iter().filter(is_it).collect();
    all.sort_by_key(|weakness| std::cmp::Reverse(weakness.severity));
    all
}

impl Weakness {
    /// The first version of the same line that does not have it; none for one that
    /// does not have it.
    pub fn fixed_in(&self, version: Version) -> Option<Version> {
        let range = self.ranges.iter().find(|(from, fixed)| *from <= version && version < *fixed);
        range.map(|(_, fixed)| *fixed)
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, Version, release, weaknesses};

    #[test]
    fn every_row_is_read() {
        assert_eq!(ALL.len(), include_str!("weaknesses.tsv").lines().count() - 1);
        for weakness in ALL.iter() {
            assert!(weakness.ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{weakness:?}");
            assert!(weakness.source.starts_with("https://") && weakness.id.starts_with("CVE-"));
        }
    }

    #[test]
    fn the_fixed_version_is_out_of_the_range() {
        let ids = |component, a, b, c| -> Vec<&str> {
            weaknesses(component, Version(a, b, c)).iter().map(|weakness| weakness.id).collect()
        };
        assert_eq!(ids("containerd", 1, 7, 32), ["CVE-2026-53488"]);
        assert!(ids("containerd", 1, 7, 33).is_empty() && ids("containerd", 2, 3, 2).is_empty());
        assert_eq!(ids("kubelet", 1, 30, 2), ["CVE-2024-10220", "CVE-2025-0426"]);
        assert_eq!(ids("kubelet", 1, 30, 3), ["CVE-2025-0426"]);
        assert!(ids("kubelet", 1, 33, 0).is_empty() && ids("docker", 1, 0, 0).is_empty());
        assert!(super::is_known("kubelet") && !super::is_known("docker"));
        let worst = weaknesses("ingress-nginx", Version(1, 12, 0))[0];
        assert_eq!(
            (worst.id, worst.fixed_in(Version(1, 12, 0))),
            ("CVE-2025-1974", Some(Version(1, 12, 1)))
        );
    }

    #[test]
    fn builds_of_others_are_told_apart() {
        for (text, is_vendors) in [
            ("v1.37.1", false),
            ("1.7.20", false),
            ("v1.37.1+k3s1", false),
            ("v1.37.1-rc.0", false),
            ("v1.30.2-eks-1552ad0", true),
            ("v1.30.2-gke.1", true),
            ("1.7.12-0ubuntu4", true),
            ("1.6.20~ds1", true),
        ] {
            assert_eq!(release(text).map(|found| found.is_vendors), Some(is_vendors), "{text}");
        }
        for text in ["", "v1", "1.2", "1.2.3.4", "latest", "1.x.3"] {
            assert_eq!(release(text), None, "{text}");
        }
    }
}
