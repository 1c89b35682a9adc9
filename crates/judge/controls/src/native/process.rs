//! `process/low-ports`: ports that a container's user may not be allowed to bind.

use ironhull_model::{Node, Pointer, RepairStep, image};
use ironhull_process::ports::{Bind, bind};
use ironhull_process::{Process, User, processes};

use super::{Answer, Element, Looks, Rules, Subject};

pub(super) const RULES: Rules = &[("process/low-ports", low_ports, Looks::Own)];

/// The fact that decides where the manifest does not.
const START: &str = "node.ip-unprivileged-port-start";

fn low_ports(subject: &Subject<'_>) -> Answer {
    let Some(pod) = subject.pod else { return Answer::NotApplicable };
    let start = subject.facts.get(START);
    let start = start.and_then(|fact| fact.value.root().as_i64());
    let mut elements = Vec::new();
    for process in processes(pod).iter().filter(|process| process.is_user()) {
        for (port, at, declared) in served(process, subject.params) {
            let verdict = bind(process, pod, port, start);
            if matches!(verdict, Bind::Cannot | Bind::NodeDecides) {
                elements.push(element(process, port, at, declared, verdict));
            }
        }
    }
    Answer::Elements(elements)
}

/// The ports that a container serves: those it declares, else the one that its
/// image is known for.
fn served(process: &Process<'_>, params: Node<'_>) -> Vec<(i64, Pointer, bool)> {
    let ports = process.container.get("ports").into_iter().flat_map(Node::items);
    let ports = ports.filter_map(|port| Some((port.get("containerPort")?, true)));
    let declared: Vec<(i64, Pointer, bool)> = ports
        .filter_map(|(port, declared)| Some((port.as_i64()?, port.pointer(), declared)))
        .collect();
    if !declared.is_empty() {
        return declared;
    }
    let known = process.container.get("image").and_then(|node| {
        let path = image::parse(node.as_str()?).path;
        let name = path.rsplit('/').next()?;
        let port = params.get("images")?.get(name)?.as_i64()?;
        Some((port, node.pointer(), false))
    });
    known.into_iter().collect()
}

fn element(
    process: &Process<'_>,
    port: i64,
    at: Pointer,
    declared: bool,
    verdict: Bind,
) -> Element {
    let uid = match process.user {
        User::Uid(uid, _) => uid.to_string(),
        User::Image => "the image's user".to_owned(),
    };
    let (name, high) = (process.name(), port + 8000);
    let by = if declared { "" } else { ", the port its image is known for" };
    let (may, missing) = match verdict {
        Bind::Cannot => ("cannot", Vec::new()),
        _ => ("may not be able to", vec![format!("fact {START}")]),
    };
    let why = "that depends on net.ipv4.ip_unprivileged_port_start in the pod, which containerd from 2.0 on sets to 0 and CRI-O does not";
    Element {
        name: format!("{name}/{port}"),
        evidence: vec![at.clone()],
        at,
        message: format!(
            "container {name} runs as uid {uid} and {may} bind port {port}{by}: {why}"
        ),
        repair: vec![RepairStep::Ask {
            question: format!(
                "can {name} listen on a port above 1023, such as {high}? A Service hides it: ports: [{{port: {port}, targetPort: {high}}}]"
            ),
        }],
        missing,
        ..Element::default()
    }
}
