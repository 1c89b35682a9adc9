//! API versions that were deprecated and removed, and what replaces them.

use std::sync::LazyLock;

use ironhull_model::Minor;

/// The life of one kind in one API version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Removal {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// First minor that marks it deprecated.
    pub deprecated: Option<Minor>,
    /// First minor that does not serve it.
    pub removed: Option<Minor>,
    /// `group/version/Kind` to use instead, when there is one.
    pub replacement: Option<&'static str>,
    /// First minor that serves the replacement.
    pub replaced_since: Option<Minor>,
}

static TABLE: LazyLock<Vec<Removal>> = LazyLock::new(|| {
    let rows = include_str!("removed.tsv").lines().skip(1);
    rows.filter_map(|row| {
        let mut cells = row.split('\t');
        let mut cell = || cells.next().filter(|cell| !cell.is_empty() && *cell != "-");
        let group = cell().filter(|group| *group != "core").unwrap_or_default();
        let (version, kind) = (cell()?, cell()?);
        let _introduced = cell();
        let deprecated = cell().and_then(|minor| minor.parse().ok());
        let removed = cell().and_then(|minor| minor.parse().ok());
        let replacement = cell();
        let replaced_since = cell().and_then(|minor| minor.parse().ok());
        Some(Removal { group, version, kind, deprecated, removed, replacement, replaced_since })
    })
    .collect()
});

/// The life of a kind in an API version, when it is known to end.
pub fn lookup(group: &str, version: &str, kind: &str) -> Option<&'static Removal> {
    TABLE.iter().find(|row| row.group == group && row.version == version && row.kind == kind)
}

/// Whether a kind of a group was ever one of the API server's that ends.
pub fn is_known(group: &str, kind: &str) -> bool {
    TABLE.iter().any(|row| row.group == group && row.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::lookup;
    use ironhull_model::Minor;

    #[test]
    fn removed_versions_name_their_replacement() {
        let row = lookup("batch", "v1beta1", "CronJob").unwrap();
        assert_eq!(row.removed, Some(Minor::v1(25)));
        assert!(row.replacement.unwrap().contains("batch/v1"));
        assert_eq!(row.replaced_since, Some(Minor::v1(21)));
        assert!(lookup("batch", "v1", "CronJob").is_none());
        let crd = lookup("apiextensions.k8s.io", "v1beta1", "CustomResourceDefinition").unwrap();
        assert_eq!(crd.removed, Some(Minor::v1(22)));
    }
}
