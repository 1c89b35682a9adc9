//! `network/exposed-…` and `network/…-nowhere`: what leads in from outside, and
//! Services, Ingresses and routes that lead nowhere.
//!
//! A policy that was not read could only excuse an exposure, so one that may be
//! reached counts as reached; what the policies deny is none.

use ironhull_model::{Node, Pointer, image};
use ironhull_network::Certainty;
use ironhull_network::exposure::{Exposure, service_port, target};

use super::{Answer, Element, Looks, Rules, Subject};

pub(super) const RULES: Rules = &[
    ("network/backend-nowhere", backend_nowhere, Looks::Everywhere),
    ("network/exposed-image", exposed_image, Looks::Everywhere),
    ("network/exposed-label", exposed_label, Looks::Everywhere),
    ("network/exposed-port", exposed_port, Looks::Everywhere),
    ("network/service-nowhere", service_nowhere, Looks::Everywhere),
];

/// One element for each exposure that `what` says something about.
fn exposed<'a>(
    subject: &Subject<'a>,
    mut what: impl FnMut(&Exposure<'a, 'a>) -> Option<String>,
) -> Answer {
    let exposures = (subject.network)().exposures();
    if exposures.is_empty() {
        return Answer::NotApplicable;
    }
    let open = exposures.iter().filter(|exposure| exposure.allowed > Certainty::No);
    let elements = open.filter_map(|exposure| {
        let what = what(exposure)?;
        let (entry, service) = (&exposure.entry.thing, &exposure.service.thing);
        let through = if entry == service {
            format!("Service {}", service.name)
        } else {
            format!("{} {} and Service {}", entry.kind, entry.name, service.name)
        };
        let mut related = vec![(entry.clone(), exposure.at.clone())];
        related.push((service.clone(), Pointer::root().join("spec").join("selector")));
        Some(Element {
            subject: Some(exposure.workload.object.thing.clone()),
            name: format!("{}/{}/{}", entry.kind, entry.name, exposure.port.number),
            at: exposure.workload.labels_pointer(),
            message: format!(
                "{what} is reachable from outside by {}: {through}, port {}",
                exposure.how.in_words(),
                exposure.port.number
            ),
            related,
            ..Element::default()
        })
    });
    Answer::Elements(elements.collect())
}

fn list<'a>(params: Node<'a>, name: &str) -> impl Iterator<Item = Node<'a>> {
    params.get(name).into_iter().flat_map(Node::items)
}

/// Ports that only administrators use: `ports: {"6379": Redis}`.
fn exposed_port(subject: &Subject<'_>) -> Answer {
    let ports = subject.params.get("ports");
    exposed(subject, |exposure| {
        let name = ports?.get(&exposure.port.number.to_string())?.as_str()?;
        Some(format!("{name} of {}", exposure.workload.shown()))
    })
}

/// Consoles, by image: the last part of the repository.
fn exposed_image(subject: &Subject<'_>) -> Answer {
    exposed(subject, |exposure| {
        let images = exposure.workload.serving_containers();
        let images = images.filter_map(|container| container.get("image")?.as_str());
        let is_console = |image: &str| {
            let path = image::parse(image).path;
            list(subject.params, "images")
                .filter_map(Node::as_str)
                .find(|known| path == *known || path.ends_with(&format!("/{known}")))
        };
        let console = images.into_iter().find_map(is_console)?;
        Some(format!("the console {console} of {}", exposure.workload.shown()))
    })
}

/// Workloads, or their namespaces, with a label that says how sensitive they are.
fn exposed_label(subject: &Subject<'_>) -> Answer {
    let text = |name| subject.params.get(name).and_then(Node::as_str);
    let (Some(label), Some(value)) = (text("label"), text("value")) else {
        return Answer::NotApplicable;
    };
    let world = subject.world;
    exposed(subject, |exposure| {
        let workload = exposure.workload;
        let pod = workload.object.value.at(&workload.labels_pointer().join(label));
        let namespace = ironhull_model::ThingRef::new("", "Namespace", "", workload.namespace());
        let namespace = world.get(&namespace).and_then(|namespace| namespace.label(label));
        let labelled = pod.and_then(Node::as_str) == Some(value) || namespace == Some(value);
        labelled.then(|| format!("{} ({label}: {value})", workload.shown()))
    })
}

fn service_nowhere(subject: &Subject<'_>) -> Answer {
    let Some(object) = subject.object else { return Answer::NotApplicable };
    let selector = object.root().path(&["spec", "selector"]).filter(|node| !node.is_empty());
    let Some(selector) = selector else { return Answer::NotApplicable };
    let network = (subject.network)();
    let behind = network.behind(object);
    if behind.is_empty() {
        let complete = network.knows_all_workloads();
        return Answer::Elements(vec![Element {
            at: selector.pointer(),
            message: format!(
                "no pod has the labels that Service {} selects: it leads nowhere",
                object.thing.name
            ),
            missing: if complete {
                Vec::new()
            } else {
                vec!["all workloads of the cluster".to_owned()]
            },
            ..Element::default()
        }]);
    }
    let ports = object.root().path(&["spec", "ports"]).into_iter().flat_map(Node::items);
    let dead = ports.filter_map(|port| {
        let name = port.get("targetPort")?.as_str()?;
        behind.iter().all(|(workload, _)| target(port, workload).is_none()).then(|| Element {
            name: name.to_owned(),
            at: port.pointer().join("targetPort"),
            message: format!(
                "no container behind Service {} declares a port {name}: it leads nowhere",
                object.thing.name
            ),
            related: behind
                .iter()
                .take(3)
                .map(|(workload, _)| {
                    (workload.object.thing.clone(), workload.pod.pointer().join("containers"))
                })
                .collect(),
            ..Element::default()
        })
    });
    Answer::Elements(dead.collect())
}

fn backend_nowhere(subject: &Subject<'_>) -> Answer {
    let network = (subject.network)();
    let backends = network.backends();
    if backends.is_empty() {
        return Answer::NotApplicable;
    }
    let elements = backends.into_iter().filter_map(|backend| {
        let entry = &backend.entry.thing;
        let mut element = Element {
            subject: Some(entry.clone()),
            name: backend.name.to_owned(),
            at: backend.at.clone(),
            ..Element::default()
        };
        match network.service(&backend) {
            None => {
                element.message = format!("{} {} leads to Service {}, which does not exist: whoever creates it gets the traffic", entry.kind, entry.name, backend.name);
                let complete = network.knows_all_services();
                element.missing = if complete { Vec::new() } else { vec!["all Services of the cluster".to_owned()] };
            }
            Some(service) if service_port(service, backend.port).is_none() => {
                let port = backend.port.map_or_else(|| "its port".to_owned(), |port| format!("port {}", port.display()));
                element.message = format!("{} {} leads to {port} of Service {}, which has no such port", entry.kind, entry.name, backend.name);
                element.related = vec![(service.thing.clone(), Pointer::root().join("spec").join("ports"))];
            }
            Some(_) => return None,
        }
        Some(element)
    });
    Answer::Elements(elements.collect())
}
