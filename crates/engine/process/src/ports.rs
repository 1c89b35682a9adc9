//! Whether a process may bind the ports it serves.

use ironhull_model::Node;

use crate::Process;
use crate::capabilities::Effective;

/// The first port that needs no privilege unless the kernel is told otherwise.
const UNPRIVILEGED: i64 = 1024;

/// Whether a port can be bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bind {
    /// It can.
    Can,
    /// It cannot.
    Cannot,
    /// `net.ipv4.ip_unprivileged_port_start` of the pod decides, which is not known:
    /// containerd from 2.0 on sets it to 0, CRI-O does not.
    NodeDecides,
    /// The image's user decides.
    ImageDecides,
}

/// Whether a container's process can bind a port. `start` is the node's
/// `ip_unprivileged_port_start` in pods, where it is known.
pub fn bind(process: &Process<'_>, pod: Node<'_>, port: i64, start: Option<i64>) -> Bind {
    if port >= UNPRIVILEGED && port != 0 {
        return Bind::Can;
    }
    if process.capabilities.effective == Effective::Bounding {
        let can = process.capabilities.bounds("NET_BIND_SERVICE");
        return if can { Bind::Can } else { by_start(port, of_pod(pod).or(start)) };
    }
    match (by_start(port, of_pod(pod).or(start)), process.capabilities.effective) {
        (Bind::Can, _) => Bind::Can,
        (_, Effective::Unknown) => Bind::ImageDecides,
        (decided, _) => decided,
    }
}

/// What the pod's own sysctl says.
fn of_pod(pod: Node<'_>) -> Option<i64> {
    let sysctls = pod.path(&["securityContext", "sysctls"]).into_iter().flat_map(Node::items);
    let named = |sysctl: &Node<'_>| {
        sysctl.get("name").and_then(Node::as_str) == Some("net.ipv4.ip_unprivileged_port_start")
    };
    let value = sysctls.into_iter().find(named)?.get("value")?;
    value.as_str()?.trim().parse().ok()
}

fn by_start(port: i64, start: Option<i64>) -> Bind {
    match start {
        Some(start) if port >= start => Bind::Can,
        Some(_) => Bind::Cannot,
        None => Bind::NodeDecides,
    }
}
