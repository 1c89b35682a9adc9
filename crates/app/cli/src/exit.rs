//! Exit codes and which of them wins.

use std::process::ExitCode;

/// How a command ended. The precedence of a check is 2, 4, 1, 3, 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// Nothing to report.
    Clean,
    /// A finding at or above the gate; differs, not stopped, denied.
    Findings,
    /// Usage, or an invalid configuration, policy file or own control.
    Usage,
    /// Something that was named or found could not be judged; a refused edit.
    Unjudged,
    /// Our bug.
    Bug,
}

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Unjudged => 3,
            Exit::Bug => 4,
        }
    }

    /// The one that wins.
    pub(crate) fn or(self, other: Exit) -> Exit {
        let rank = |exit| match exit {
            Exit::Usage => 4,
            Exit::Bug => 3,
            Exit::Findings => 2,
            Exit::Unjudged => 1,
            Exit::Clean => 0,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn usage_beats_bugs_beat_findings_beat_gaps() {
        assert_eq!(Exit::Unjudged.or(Exit::Findings), Exit::Findings);
        assert_eq!(Exit::Findings.or(Exit::Bug), Exit::Bug);
        assert_eq!(Exit::Bug.or(Exit::Usage), Exit::Usage);
        assert_eq!(Exit::Clean.or(Exit::Unjudged), Exit::Unjudged);
    }
}
