//! JSON pointers (RFC 6901).

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// A JSON pointer: empty for the root, else such as `/a/0/b~1c`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Pointer(String);

impl Pointer {
    /// The whole document.
    pub fn root() -> Pointer {
        Pointer::default()
    }

    /// The whole document, with room for what will be pushed.
    pub(crate) fn with_capacity(n_bytes: usize) -> Pointer {
        Pointer(String::with_capacity(n_bytes))
    }

    /// Goes one item down.
    pub(crate) fn push_index(&mut self, index: usize) {
        // Writing to a string cannot fail.
        _ = write!(self.0, "/{index}");
    }

    /// Reads a pointer; none when it neither is empty nor starts with `/`.
    pub fn parse(text: &str) -> Option<Pointer> {
        (text.is_empty() || text.starts_with('/')).then(|| Pointer(text.to_owned()))
    }

    /// Goes one member or item (its decimal index) down.
    pub fn push(&mut self, segment: &str) {
        self.0.push('/');
        if !segment.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
            self.0.push_str(segment);
            return;
        }
        for c in segment.chars() {
            match c {
                '~' => self.0.push_str("~0"),
                '/' => self.0.push_str("~1"),
                c => self.0.push(c),
            }
        }
    }

    /// This pointer with one more segment.
    #[must_use]
    pub fn join(&self, segment: &str) -> Pointer {
        let mut pointer = self.clone();
        pointer.push(segment);
        pointer
    }

    /// The pointer without its last segment, and that segment; none for the root.
    pub fn split_last(&self) -> Option<(Pointer, String)> {
        let at = self.0.rfind('/')?;
        Some((Pointer(self.0[..at].to_owned()), unescape(&self.0[at + 1..]).into_owned()))
    }

    /// The unescaped segments from the root.
    pub fn segments(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.split('/').skip(1).map(unescape)
    }

    /// The pointer's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn unescape(segment: &str) -> Cow<'_, str> {
    if !segment.contains('~') {
        return Cow::Borrowed(segment);
    }
    Cow::Owned(segment.replace("~1", "/").replace("~0", "~"))
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for Pointer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
