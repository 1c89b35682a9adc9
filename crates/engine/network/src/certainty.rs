//! Yes, no, or not known.

/// An answer over what may not be known completely. Ordered so that `min` is
/// "and" and `max` is "or".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Certainty {
    /// Certainly not.
    No,
    /// What was read does not decide it.
    Unknown,
    /// Certainly.
    Yes,
}

impl Certainty {
    /// Both.
    #[must_use]
    pub fn and(self, other: Certainty) -> Certainty {
        self.min(other)
    }

    /// Either.
    #[must_use]
    pub fn or(self, other: Certainty) -> Certainty {
        self.max(other)
    }
}

impl From<bool> for Certainty {
    fn from(known: bool) -> Certainty {
        if known { Certainty::Yes } else { Certainty::No }
    }
}
