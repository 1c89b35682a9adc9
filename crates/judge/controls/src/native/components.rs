//! `upgrade/node-components`, `upgrade/images`, `upgrade/api-server`: known grave
//! weaknesses of the kubelet and the container runtime of a Node, of images of
//! components that run in pods, and of the API server that was asked.

use ironhull_model::{Node, Pointer, RepairStep, image};
use ironhull_upgrade::weaknesses::{is_known, release, weaknesses};

use super::{Answer, Element, Looks, Rules, Subject};

pub(super) const RULES: Rules = &[
    ("upgrade/api-server", api_server, Looks::Own),
    ("upgrade/images", images, Looks::Own),
    ("upgrade/node-components", node, Looks::Own),
];

/// Images of components by the end of their path.
const IMAGES: [(&str, &str); 2] = [
    ("ingress-nginx/controller", "ingress-nginx"),
    ("ingress-nginx/controller-chroot", "ingress-nginx"),
];

fn node(subject: &Subject<'_>) -> Answer {
    let info = subject.object.and_then(|object| object.root().path(&["status", "nodeInfo"]));
    let text = |name: &str| info.and_then(|info| info.get(name)).and_then(Node::as_str);
    let runtime = text("containerRuntimeVersion").and_then(|text| text.split_once("://"));
    let parts = [
        text("kubeletVersion").map(|version| ("kubelet", version, "kubeletVersion")),
        runtime.map(|(name, version)| (name, version, "containerRuntimeVersion")),
    ];
    let at = |field| Pointer::root().join("status").join("nodeInfo").join(field);
    let parts = parts.into_iter().flatten();
    answer(parts.map(|(name, version, field)| (name, version, at(field), String::new())))
}

fn images(subject: &Subject<'_>) -> Answer {
    let containers = ["initContainers", "containers"].into_iter();
    let containers = containers.filter_map(|list| subject.pod?.get(list)).flat_map(Node::items);
    answer(containers.filter_map(|container| {
        let node = container.get("image")?;
        let parsed = image::parse(node.as_str()?);
        let (_, component) = IMAGES.into_iter().find(|(end, _)| image::is_of(parsed.path, end))?;
        let name = container.get("name").and_then(Node::as_str).unwrap_or_default();
        Some((
            component,
            parsed.tag.unwrap_or_default(),
            node.pointer(),
            format!(" of container {name}"),
        ))
    }))
}

fn api_server(subject: &Subject<'_>) -> Answer {
    let version = subject.facts.get("cluster.version");
    let version = version.and_then(|fact| fact.value.root().get("gitVersion")?.as_str());
    let Answer::Elements(mut elements) = answer(
        version
            .map(|version| ("kube-apiserver", version, Pointer::root(), String::new()))
            .into_iter(),
    ) else {
        return Answer::NotApplicable;
    };
    for element in &mut elements {
        element.subject = Some(subject.world.base.cluster.thing.clone());
    }
    Answer::Elements(elements)
}

/// Components with their version, where it stands, and whose it is.
fn answer<'a>(parts: impl Iterator<Item = (&'a str, &'a str, Pointer, String)>) -> Answer {
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return Answer::NotApplicable;
    }
    Answer::Elements(
        parts.filter_map(|(name, text, at, of)| element(name, text, at, &of)).collect(),
    )
}

fn element(component: &str, text: &str, at: Pointer, of: &str) -> Option<Element> {
    let Some(release) = release(text) else {
        return is_known(component).then(|| Element {
            name: component.to_owned(),
            at,
            message: format!("nothing tells the version of {component}{of}"),
            missing: vec![format!("the version of {component}")],
            ..Element::default()
        });
    };
    let found = weaknesses(component, release.version);
    let worst = found.first()?;
    let fixed = found.iter().filter_map(|weakness| weakness.fixed_in(release.version)).max()?;
    let others: Vec<&str> = found.iter().skip(1).map(|weakness| weakness.id).collect();
    let others =
        if others.is_empty() { String::new() } else { format!("; also {}", others.join(", ")) };
    let missing = format!("what the maker of {component} {text} has mended besides");
    Some(Element {
        name: component.to_owned(),
        at,
        message: format!(
            "{component} {text}{of} has {}, by which {}{others}",
            worst.id, worst.what
        ),
        severity: Some(worst.severity),
        missing: release.is_vendors.then_some(missing).into_iter().collect(),
        repair: vec![RepairStep::Ask {
            question: format!(
                "can {component} be brought to {fixed} or newer? {} says what else helps",
                worst.source
            ),
        }],
        ..Element::default()
    })
}
