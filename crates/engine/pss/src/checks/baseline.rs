//! Baseline checks on single fields.

use ironhull_model::Node;

use super::{Forbidden, Verdict};
use crate::text::{self, containers, plural, quoted};
use crate::{Culprit, Pod, name, set};

/// The culprits that are containers, one per container for which `judge` gives
/// the deciding node and the values.
pub(super) fn culprits<'a>(
    pod: &Pod<'a>,
    judge: impl Fn(Node<'a>) -> Option<(Node<'a>, Vec<String>)>,
) -> Vec<Culprit<'a>> {
    pod.containers()
        .filter_map(|container| {
            let (node, values) = judge(container)?;
            Some(Culprit { container: Some(name(container)), node, absent: &[], values })
        })
        .collect()
}

pub(super) fn names<'a>(culprits: &[Culprit<'a>]) -> Vec<&'a str> {
    culprits.iter().filter_map(|culprit| culprit.container).collect()
}

/// All values of all culprits, sorted, each once.
pub(super) fn values(culprits: &[Culprit<'_>]) -> Vec<String> {
    text::sorted(culprits.iter().flat_map(|culprit| culprit.values.iter().cloned()).collect())
}

/// The check's text, when there is anyone to blame.
pub(super) fn forbid<'a>(
    culprits: Vec<Culprit<'a>>,
    reason: &str,
    detail: impl FnOnce(&[Culprit<'a>]) -> String,
) -> Verdict<'a> {
    if culprits.is_empty() {
        return None;
    }
    Some(Forbidden { reason: reason.to_owned(), detail: detail(&culprits), culprits })
}

pub(super) fn is_true(node: &Node<'_>) -> bool {
    node.as_bool() == Some(true)
}

/// A string member; empty when it is not set, as in Go.
pub(super) fn string<'a>(node: Node<'a>, member: &str) -> &'a str {
    node.get(member).and_then(Node::as_str).unwrap_or_default()
}

pub(super) fn privileged<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let culprits = culprits(pod, |container| {
        let field = container.path(&["securityContext", "privileged"]).filter(is_true)?;
        Some((field, Vec::new()))
    });
    forbid(culprits, "privileged", |culprits| {
        format!("{} must not set securityContext.privileged=true", containers(&names(culprits)))
    })
}

pub(super) fn host_namespaces<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let culprits: Vec<Culprit<'a>> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter_map(|field| {
            let node = pod.spec.get(field).filter(is_true)?;
            let values = vec![format!("{field}=true")];
            Some(Culprit { container: None, node, absent: &[], values })
        })
        .collect();
    forbid(culprits, "host namespaces", |culprits| {
        let set: Vec<&str> =
            culprits.iter().flat_map(|culprit| &culprit.values).map(String::as_str).collect();
        set.join(", ")
    })
}

pub(super) fn host_path_volumes<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let volumes = pod.spec.get("volumes").into_iter().flat_map(Node::items);
    let culprits: Vec<Culprit<'a>> = volumes
        .filter_map(|volume| {
            set(volume, "hostPath")?;
            Some(Culprit {
                container: None,
                node: volume,
                absent: &[],
                values: vec![name(volume).to_owned()],
            })
        })
        .collect();
    forbid(culprits, "hostPath volumes", |culprits| {
        let names: Vec<&str> =
            culprits.iter().flat_map(|culprit| &culprit.values).map(String::as_str).collect();
        text::volumes(&names)
    })
}

pub(super) fn host_ports<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let culprits = culprits(pod, |container| {
        let ports = container.get("ports")?;
        let bound: Vec<String> = ports
            .items()
            .filter_map(|port| port.get("hostPort")?.as_i64())
            .filter(|port| *port != 0)
            .map(|port| port.to_string())
            .collect();
        (!bound.is_empty()).then_some((ports, bound))
    });
    forbid(culprits, "hostPort", |culprits| {
        let ports = values(culprits);
        format!(
            "{} {} {} {}",
            containers(&names(culprits)),
            plural("uses", "use", culprits.len()),
            plural("hostPort", "hostPorts", ports.len()),
            ports.join(", ")
        )
    })
}

pub(super) fn host_probes<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    const HANDLERS: [&[&str]; 5] = [
        &["livenessProbe"],
        &["readinessProbe"],
        &["startupProbe"],
        &["lifecycle", "postStart"],
        &["lifecycle", "preStop"],
    ];
    let culprits = culprits(pod, |container| {
        let hosts: Vec<Node<'a>> = HANDLERS
            .iter()
            .filter_map(|handler| container.path(handler))
            .flat_map(|handler| {
                ["httpGet", "tcpSocket"].map(|action| handler.path(&[action, "host"]))
            })
            .flatten()
            .filter(|host| host.as_str().is_some_and(|host| !host.is_empty()))
            .collect();
        let node = *hosts.first()?;
        Some((node, hosts.iter().filter_map(|host| host.as_str()).map(str::to_owned).collect()))
    });
    forbid(culprits, "probe or lifecycle host", |culprits| {
        let names = text::sorted(names(culprits).into_iter().map(str::to_owned).collect());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let hosts = values(culprits);
        format!(
            "{} {} {} {}",
            containers(&names),
            plural("uses", "use", names.len()),
            plural("probe or lifecycle host", "probe or lifecycle hosts", hosts.len()),
            quoted(&hosts)
        )
    })
}

/// Capabilities that container runtimes grant by default.
const DEFAULT_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

pub(super) fn capabilities<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let culprits = culprits(pod, |container| added(container, &DEFAULT_CAPABILITIES));
    forbid(culprits, "non-default capabilities", |culprits| {
        format!(
            "{} must not include {} in securityContext.capabilities.add",
            containers(&names(culprits)),
            quoted(&values(culprits))
        )
    })
}

/// Added capabilities that are none of `allowed`, compared exactly.
pub(super) fn added<'a>(container: Node<'a>, allowed: &[&str]) -> Option<(Node<'a>, Vec<String>)> {
    let add = container.path(&["securityContext", "capabilities", "add"])?;
    let bad: Vec<String> = add
        .items()
        .filter_map(Node::as_str)
        .filter(|capability| !allowed.contains(capability))
        .map(str::to_owned)
        .collect();
    (!bad.is_empty()).then_some((add, bad))
}

pub(super) fn proc_mount<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let culprits = culprits(pod, |container| {
        let field = container.path(&["securityContext", "procMount"])?;
        let kind = field.as_str().filter(|kind| *kind != "Default")?;
        Some((field, vec![kind.to_owned()]))
    });
    forbid(culprits, "procMount", |culprits| {
        format!(
            "{} must not set securityContext.procMount to {}",
            containers(&names(culprits)),
            quoted(&values(culprits))
        )
    })
}

pub(super) fn proc_mount_1_35<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    if pod.has_user_namespace() { None } else { proc_mount(pod) }
}

/// Safe sysctls: (since minor, names).
const SYSCTLS: [(u16, &[&str]); 5] = [
    (
        0,
        &[
            "kernel.shm_rmid_forced",
            "net.ipv4.ip_local_port_range",
            "net.ipv4.tcp_syncookies",
            "net.ipv4.ping_group_range",
            "net.ipv4.ip_unprivileged_port_start",
        ],
    ),
    (27, &["net.ipv4.ip_local_reserved_ports"]),
    (
        29,
        &[
            "net.ipv4.tcp_keepalive_time",
            "net.ipv4.tcp_fin_timeout",
            "net.ipv4.tcp_keepalive_intvl",
            "net.ipv4.tcp_keepalive_probes",
        ],
    ),
    (32, &["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"]),
    (37, &["net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat"]),
];

fn sysctls<'a>(pod: &Pod<'a>, minor: u16) -> Verdict<'a> {
    let safe =
        |name: &str| SYSCTLS.iter().any(|(since, names)| *since <= minor && names.contains(&name));
    let list = pod.security_context().and_then(|context| context.get("sysctls"));
    let culprits: Vec<Culprit<'a>> = list
        .into_iter()
        .flat_map(Node::items)
        .filter(|sysctl| !safe(name(*sysctl)))
        .map(|sysctl| Culprit {
            container: None,
            node: sysctl,
            absent: &[],
            values: vec![name(sysctl).to_owned()],
        })
        .collect();
    forbid(culprits, "forbidden sysctls", |culprits| {
        let names: Vec<&str> =
            culprits.iter().flat_map(|culprit| &culprit.values).map(String::as_str).collect();
        names.join(", ")
    })
}

pub(super) fn sysctls_1_0<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    sysctls(pod, 0)
}

pub(super) fn sysctls_1_27<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    sysctls(pod, 27)
}

pub(super) fn sysctls_1_29<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    sysctls(pod, 29)
}

pub(super) fn sysctls_1_32<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    sysctls(pod, 32)
}

pub(super) fn sysctls_1_37<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    sysctls(pod, 37)
}

pub(super) fn windows_host_process<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let field = |node: Node<'a>| {
        node.path(&["securityContext", "windowsOptions", "hostProcess"]).filter(is_true)
    };
    let setters = setters(pod, |node| Some((field(node)?, Vec::new())));
    forbid(setters, "hostProcess", |culprits| {
        format!("{} must not set securityContext.windowsOptions.hostProcess=true", who(culprits))
    })
}

/// The pod, then the containers, for which `judge` gives the deciding node of
/// their `securityContext`.
pub(super) fn setters<'a>(
    pod: &Pod<'a>,
    judge: impl Fn(Node<'a>) -> Option<(Node<'a>, Vec<String>)>,
) -> Vec<Culprit<'a>> {
    let of_pod = judge(pod.spec).map(|(node, values)| Culprit {
        container: None,
        node,
        absent: &[],
        values,
    });
    of_pod.into_iter().chain(culprits(pod, judge)).collect()
}

/// `pod`, `containers "a", "b"`, or both joined by `and`.
pub(super) fn who(culprits: &[Culprit<'_>]) -> String {
    let names = names(culprits);
    let pod = culprits.iter().any(|culprit| culprit.container.is_none());
    match (pod, names.is_empty()) {
        (true, true) => "pod".to_owned(),
        (true, false) => format!("pod and {}", containers(&names)),
        (false, _) => containers(&names),
    }
}
