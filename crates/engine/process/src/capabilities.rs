//! Capabilities: what the manifest adds and drops, and what of it a process has.

use std::collections::BTreeSet;

use ironhull_model::Node;

use crate::User;

/// What container runtimes grant by default (containerd and CRI-O's documented
/// sets, joined).
pub const DEFAULT: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// The capabilities of a container's processes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// The bounding set: the most that any process of it can have. None is every
    /// capability (a privileged container, or `ALL` added).
    pub bounding: Option<BTreeSet<String>>,
    /// What the manifest adds.
    pub added: BTreeSet<String>,
    /// The effective set when it starts.
    pub effective: Effective,
}

/// What the first process can use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effective {
    /// The whole bounding set: it is root.
    Bounding,
    /// Nothing, for ever: executing a program as another user than root clears the
    /// set (capabilities(7)), and no_new_privs keeps files from giving any back.
    NoneForEver,
    /// Nothing, until it executes a file that has capabilities or is set-uid.
    NoneUntilFile,
    /// The image's user decides.
    Unknown,
}

impl Capabilities {
    pub(crate) fn of(context: Option<Node<'_>>, user: User, no_new_privs: bool) -> Capabilities {
        let list = |field: &str| -> BTreeSet<String> {
            let list = context.and_then(|context| context.path(&["capabilities", field]));
            let names = list.into_iter().flat_map(Node::items).filter_map(Node::as_str);
            names.map(|name| name.trim_start_matches("CAP_").to_uppercase()).collect()
        };
        let (added, dropped) = (list("add"), list("drop"));
        let privileged =
            context.and_then(|context| context.get("privileged")).and_then(Node::as_bool)
                == Some(true);
        let bounding = (!privileged && !added.contains("ALL")).then(|| {
            let kept = DEFAULT.into_iter().filter(|_| !dropped.contains("ALL")).map(str::to_owned);
            kept.filter(|name| !dropped.contains(name)).chain(added.iter().cloned()).collect()
        });
        let effective = match user {
            User::Uid(0, _) => Effective::Bounding,
            User::Uid(..) if no_new_privs => Effective::NoneForEver,
            User::Uid(..) => Effective::NoneUntilFile,
            User::Image => Effective::Unknown,
        };
        Capabilities { bounding, added, effective }
    }

    /// Whether the bounding set holds one.
    pub fn bounds(&self, name: &str) -> bool {
        self.bounding.as_ref().is_none_or(|bounding| bounding.contains(name))
    }
}
