//! Kubernetes versions: `major.minor` is all that decides behaviour here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A Kubernetes minor version such as 1.37.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Minor {
    /// The major version; 1 so far.
    pub major: u16,
    /// The minor version.
    pub minor: u16,
}

impl Minor {
    /// The newest minor whose schemas, defaults and rules this build knows.
    pub const NEWEST: Minor = Minor::v1(37);

    /// Kubernetes 1.`minor`.
    pub const fn v1(minor: u16) -> Minor {
        Minor { major: 1, minor }
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The text is not a Kubernetes version.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a Kubernetes version such as 1.37")]
pub struct ParseMinorError(String);

impl FromStr for Minor {
    type Err = ParseMinorError;

    /// Reads `1.37`, `v1.37` and anything with a patch or build behind it, such as `v1.37.1+k3s1`.
    fn from_str(text: &str) -> Result<Minor, ParseMinorError> {
        let parse = || {
            let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
            let major = parts.next()?.parse().ok()?;
            let minor = parts.next()?;
            let digits = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
            Some(Minor { major, minor: minor[..digits].parse().ok()? })
        };
        parse().ok_or_else(|| ParseMinorError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Minor;

    #[test]
    fn versions_are_read_as_servers_print_them() {
        assert_eq!("1.37".parse::<Minor>().unwrap(), Minor::v1(37));
        assert_eq!("v1.34.2+k3s1".parse::<Minor>().unwrap(), Minor::v1(34));
        assert_eq!("1.33+".parse::<Minor>().unwrap(), Minor::v1(33));
        assert!("latest".parse::<Minor>().is_err());
        assert!(Minor::v1(9) < Minor::v1(10));
    }
}
