//! Who the processes of a pod are on the node: uid, gid, groups, capabilities and
//! which ports they may bind, by the precedence of pod and container fields and
//! the rules of the kernel. It knows no control.
//!
//! What only the image or the node can tell stays open, and is named. Linux only:
//! a Windows pod has no such identity.

use ironhull_model::Node;

mod capabilities;
pub mod command;
pub mod ports;
#[cfg(test)]
mod tests;

pub use capabilities::{Capabilities, DEFAULT as DEFAULT_CAPABILITIES, Effective};

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The container's `securityContext`.
    Container,
    /// The pod's `securityContext`.
    Pod,
}

impl Source {
    /// As people say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Container => "container",
            Source::Pod => "pod",
        }
    }
}

/// A user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum User {
    /// The manifest says it.
    Uid(i64, Source),
    /// The image's user.
    Image,
}

/// A primary group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// The manifest says it.
    Gid(i64, Source),
    /// 0, unless the image's `/etc/passwd` gives the uid another: a uid is set, but no group.
    RootUnlessPasswd,
    /// The image's group.
    Image,
}

/// The processes of one container.
#[derive(Clone, Debug)]
pub struct Process<'a> {
    /// The container.
    pub container: Node<'a>,
    /// Its user.
    pub user: User,
    /// Its primary group.
    pub group: Group,
    /// Supplementary groups that the manifest gives: `supplementalGroups` and `fsGroup`.
    pub groups: Vec<i64>,
    /// Whether `/etc/group` of the image adds groups (`supplementalGroupsPolicy: Merge`).
    pub image_groups: bool,
    /// The group that owns the pod's volumes, where their type allows.
    pub fs_group: Option<i64>,
    /// `no_new_privs`: no program can give it more than it has.
    pub no_new_privs: bool,
    /// Its capabilities.
    pub capabilities: Capabilities,
}

impl<'a> Process<'a> {
    /// The container's name.
    pub fn name(&self) -> &'a str {
        self.container.get("name").and_then(Node::as_str).unwrap_or_default()
    }

    /// Whether it certainly runs as another user than root.
    pub fn is_user(&self) -> bool {
        matches!(self.user, User::Uid(uid, _) if uid != 0)
    }
}

/// The processes of a pod's containers, init containers first; none for Windows.
pub fn processes<'a>(pod: Node<'a>) -> Vec<Process<'a>> {
    if pod.path(&["os", "name"]).and_then(Node::as_str) == Some("windows") {
        return Vec::new();
    }
    let context = pod.get("securityContext").filter(|context| !context.is_null());
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .filter_map(|list| pod.get(list))
        .flat_map(Node::items)
        .map(|container| process(container, context))
        .collect()
}

fn process<'a>(container: Node<'a>, context: Option<Node<'a>>) -> Process<'a> {
    let own = container.get("securityContext").filter(|context| !context.is_null());
    let number = |node: Option<Node<'_>>, field: &str| node?.get(field)?.as_i64();
    let effective = |field: &str| {
        number(own, field)
            .map(|value| (value, Source::Container))
            .or_else(|| number(context, field).map(|value| (value, Source::Pod)))
    };
    let user = effective("runAsUser").map_or(User::Image, |(uid, source)| User::Uid(uid, source));
    let group = match (effective("runAsGroup"), user) {
        (Some((gid, source)), _) => Group::Gid(gid, source),
        (None, User::Uid(..)) => Group::RootUnlessPasswd,
        (None, User::Image) => Group::Image,
    };
    let fs_group = number(context, "fsGroup");
    let listed = context.and_then(|context| context.get("supplementalGroups"));
    let listed = listed.into_iter().flat_map(Node::items).filter_map(Node::as_i64);
    let mut groups: Vec<i64> = listed.chain(fs_group).collect();
    groups.sort_unstable();
    groups.dedup();
    let policy = context.and_then(|context| context.get("supplementalGroupsPolicy"));
    let no_new_privs =
        own.and_then(|own| own.get("allowPrivilegeEscalation")).and_then(Node::as_bool)
            == Some(false);
    Process {
        container,
        user,
        group,
        groups,
        image_groups: policy.and_then(Node::as_str) != Some("Strict"),
        fs_group,
        no_new_privs,
        capabilities: Capabilities::of(own, user, no_new_privs),
    }
}
