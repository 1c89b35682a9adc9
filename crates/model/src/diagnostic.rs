//! Diagnostics: what was wrong with an input, where, and what to do about it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::source::SourceId;

/// How much a diagnostic matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Judged, but probably not as meant.
    Warning,
    /// Something could not be judged.
    Error,
}

/// Bytes of a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Which text.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// One thing to tell about an input.
#[derive(Clone, PartialEq, Debug)]
pub struct Diagnostic {
    /// What kind of thing, stable across versions.
    pub code: Code,
    /// How much it matters.
    pub level: Level,
    /// One line, lower case, without a period.
    pub message: String,
    /// Where, when it is about a text.
    pub place: Option<Place>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error with this code.
    pub fn error(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code, level: Level::Error, message: message.into(), place: None, help: None }
    }

    /// A warning with this code.
    pub fn warning(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic { level: Level::Warning, ..Diagnostic::error(code, message) }
    }

    /// A note with this code.
    pub fn note(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic { level: Level::Note, ..Diagnostic::error(code, message) }
    }

    /// The same, at a place.
    #[must_use]
    pub fn at(mut self, source: SourceId, start: u32, end: u32) -> Diagnostic {
        // What an alias stands for was written before it: its value ends before its key.
        self.place = Some(Place { source, start, end: end.max(start) });
        self
    }

    /// The same, with what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
}

macro_rules! codes {
    ($($code:ident $name:ident $title:literal $text:literal;)*) => {
        /// A stable diagnostic code. `ironhull explain IH0101` prints its text and
        /// `docs/diagnostics.md` lists them all.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code { $(#[doc = $title] $name,)* }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Code] = &[$(Code::$name),*];

            /// `IH` and four digits.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => stringify!($code),)* }
            }

            /// What it says in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// Why it happens and what to do.
            pub fn text(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }
        }
    };
}

// IH01xx inputs · IH02xx objects and schemas · IH03xx controls, policies, exceptions ·
// IH04xx CEL · IH05xx rendering · IH06xx configuration and state · IH09xx our own errors
codes! {
    IH0101 FileUnreadable "a file could not be read"
        "The file does not exist, may not be read, or is not a regular file. Check the path and its permissions.";
    IH0102 NotUtf8 "a file is not UTF-8"
        "Kubernetes reads YAML and JSON as UTF-8. Convert the file, for example with iconv.";
    IH0103 TooLarge "a file is larger than the limit"
        "Files above the limit are not manifests in practice; split it or name the part you mean.";
    IH0104 YamlSyntax "YAML that the API machinery would refuse"
        "The text is not valid YAML as Kubernetes reads it (YAML 1.1). The message names what the parser met.";
    IH0105 YamlTooDeep "nesting deeper than the limit"
        "Documents nested this deeply are refused before they can exhaust memory.";
    IH0106 YamlAliases "aliases expand beyond the limit"
        "An alias repeats a part of the document; repeated aliases of aliases can grow without bound and are refused.";
    IH0107 DuplicateKey "a key is written twice in one mapping"
        "The API server's strict decoding refuses it; without strict decoding the last one counts. Remove one of them.";
    IH0108 NothingToJudge "nothing to judge"
        "No Kubernetes object was found in the target. Name a file or directory that holds manifests.";
    IH0109 AuditLine "a line of an audit log is no event"
        "An audit log has one event of audit.k8s.io/v1 a line. The line was skipped: what it said is not counted. The message names the line.";
    IH0110 ClusterUnread "a cluster, or a kind of its objects, could not be read"
        "The API server was not found, did not answer, or refused everything; or it listed one kind with an error, and what judges that kind is unknown. The message is what it or the connection said. `kubectl --context NAME get --raw /version` asks the same; `--kubeconfig`, `--as` and the context's name after `cluster:` choose another way in.";
    IH0111 SnapshotUnread "a snapshot could not be read"
        "The file is not what `ironhull check --save FILE` writes, is cut off or damaged, or holds more than is ever read. Save it again.";
    IH0112 SnapshotVersion "a snapshot has another version of the format"
        "It was saved by an older or newer ironhull. Read it with that one, or save it again with this one.";
    IH0201 NotAnObject "a document is no Kubernetes object"
        "An object has apiVersion, kind and metadata.name. Name manifests only, or list other files in .ironhullignore.";
    IH0202 NoDefinition "a custom resource's definition is not in the input"
        "Custom resources are validated by their CustomResourceDefinition. Without it they are judged, but not validated. Add the definition's file to the input.";
    IH0203 NotDecoded "an object is written so that some controls cannot read it"
        "A field of it has another type than the API server decodes, such as a list where a map belongs. The control strict-decoding names the field; until it is corrected what those controls say is unknown, and the exit code 3.";
    IH0204 NoKind "an object has a kind, or a version, that its API group does not have"
        "The API server refuses it, and no control is for such a kind, so what it may be meant to be is not judged; with another version it is judged as if it had been the right one. The help says how the kind is written; kubectl api-resources lists them all.";
    IH0301 ControlInvalid "a control file has a mistake"
        "The message names the field or expression. `ironhull policy test FILE` runs a control's own examples.";
    IH0302 PolicyInvalid "a Policy document has a mistake"
        "A policy that cannot be read as meant is not applied at all; the message names the field.";
    IH0303 ExceptionInvalid "an Exception document has a mistake"
        "An exception that cannot be read as meant accepts nothing. A waiver runs at most 90 days; a by-design exception is pinned to image and serviceAccount.";
    IH0304 WaiverExpired "a waiver has expired"
        "Its findings count again. Fix them, or renew the waiver with its owner's reason.";
    IH0305 ReviewDue "a by-design exception is due for review"
        "It still counts. Check that the workload still needs it and write today's date into `reviewed`.";
    IH0306 UnknownControl "a name is not a control"
        "The name stands in an option, a policy or an exception. `ironhull show controls` lists them all.";
    IH0307 ExceptionUnused "an exception covers nothing"
        "No finding of the controls that it names stands on its subjects, elements, image and ServiceAccount. A name may be misspelt, or what it was for is fixed: then delete it.";
    IH0501 NotRendered "a chart or kustomization could not be rendered"
        "Charts and kustomizations are rendered by your own helm, kustomize or kubectl, never by a renderer of ours. Install the program, or pipe what it prints into `ironhull check -`.";
    IH0601 ConfigInvalid "the configuration has a mistake"
        "The message names the field of ironhull.yaml. Flags win over IRONHULL_* variables, and those over the file.";
    IH0901 ControlFailed "one of our controls failed"
        "The control's expression ended in an error on this object, though the API server would decode it. That is our bug: the verdict is unknown and the exit code 3. Please report it with the object.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
        assert!(Code::ALL.iter().all(|code| code.as_str().len() == 6 && !code.text().is_empty()));
    }
}
