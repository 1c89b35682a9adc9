//! `webhooks/locks`, `webhooks/own-pods`, `webhooks/everything`: whom a webhook that fails
//! closed locks out, and webhooks that name nothing of what they are called for.

use ironhull_model::{Builder, Node, Object, RepairStep, Severity, Value, selector};
use ironhull_schema::template_path;

use super::{Answer, Element, Looks, Rules, Subject};
use crate::admission::{Called, Probe, Rule, called, called_somewhere, has, is_empty};

mod requests;

use requests::{LOCKS, LockedOut, OTHERS, OTHERS_OF_CLUSTER, own_pods};

const WORKLOADS: &[(&str, &str)] = &[
    ("", "Namespace"),
    ("", "Service"),
    ("", "Pod"),
    ("", "ReplicationController"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
];

pub(super) const RULES: Rules = &[
    ("webhooks/everything", everything, Looks::At(&[("", "Namespace")])),
    ("webhooks/locks", locks, Looks::At(&[("", "Namespace")])),
    ("webhooks/own-pods", own, Looks::At(WORKLOADS)),
];

fn text<'a>(node: Node<'a>, path: &[&str]) -> &'a str {
    node.path(path).and_then(Node::as_str).unwrap_or_default()
}

fn list<'a>(node: Node<'a>, name: &str) -> impl Iterator<Item = Node<'a>> {
    node.get(name).into_iter().flat_map(Node::items)
}

fn webhooks<'a>(subject: &Subject<'a>) -> Vec<Node<'a>> {
    subject.object.map(|object| list(object.root(), "webhooks").collect()).unwrap_or_default()
}

fn fails_closed(webhook: &Node<'_>) -> bool {
    text(*webhook, &["failurePolicy"]) != "Ignore"
}

/// One element for a webhook, pointing at what decides.
fn element(webhook: Node<'_>, message: String) -> Element {
    let decides = ["failurePolicy", "rules", "namespaceSelector", "objectSelector"];
    let decides = decides.into_iter().chain(["matchConditions"]);
    Element {
        name: text(webhook, &["name"]).to_owned(),
        at: webhook.pointer(),
        message,
        evidence: decides.filter_map(|name| Some(webhook.get(name)?.pointer())).collect(),
        ..Element::default()
    }
}

/// What requests of a list a webhook is called about, and what is not known of others.
fn split<'p, T>(
    webhook: Node<'_>,
    subject: &Subject<'_>,
    requests: impl Iterator<Item = (&'p T, Probe<'p>)>,
) -> (Vec<(&'p T, Probe<'p>)>, Vec<String>) {
    let (mut yes, mut unknown) = (Vec::new(), Vec::new());
    for (what, probe) in requests {
        match called(webhook, &probe, subject.world) {
            Called::Yes => yes.push((what, probe)),
            Called::No => {}
            Called::Unknown(missing) if unknown.contains(&missing) => {}
            Called::Unknown(missing) => unknown.push(missing),
        }
    }
    (yes, unknown)
}

fn locks(subject: &Subject<'_>) -> Answer {
    let webhooks = webhooks(subject);
    if webhooks.is_empty() {
        return Answer::NotApplicable;
    }
    let minor = subject.schema.minor();
    let elements = webhooks.into_iter().filter(fails_closed).filter_map(|webhook| {
        let asked = LOCKS.iter().filter(|lock| lock.until.is_none_or(|until| minor < until));
        let (yes, unknown) = split(webhook, subject, asked.map(|lock| (lock, lock.probe)));
        let name = text(webhook, &["name"]);
        let Some((worst, _)) = yes.first() else {
            let message = format!("webhook {name} may fail closed for what the cluster runs on");
            return (!unknown.is_empty())
                .then(|| Element { missing: unknown, ..element(webhook, message) });
        };
        let message = format!(
            "webhook {name} fails closed for {}: while nothing answers it, {}",
            some(&yes),
            worst.so
        );
        let repair = taken_out(webhook, name, yes.iter().map(|(_, probe)| probe.namespace));
        Some(Element { repair, ..element(webhook, message) })
    });
    Answer::Elements(elements.collect())
}

/// The first few of what is locked out, and how many more.
fn some(locked: &[(&LockedOut, Probe<'_>)]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (lock, _) in locked {
        if !names.contains(&lock.what) {
            names.push(lock.what);
        }
    }
    match names.as_slice() {
        [.., last] if names.len() <= 3 => match &names[..names.len() - 1] {
            [] => (*last).to_owned(),
            first => format!("{} and {last}", first.join(", ")),
        },
        _ => format!("{} and {} more", names[..2].join(", "), names.len() - 2),
    }
}

/// Takes namespaces out of a webhook by their names; what is in no namespace only rules and
/// conditions leave out.
fn taken_out<'p>(
    webhook: Node<'_>,
    name: &str,
    namespaces: impl Iterator<Item = &'p str>,
) -> Vec<RepairStep> {
    let mut names: Vec<&str> = namespaces.collect();
    names.sort_unstable();
    names.dedup();
    if names.contains(&"") {
        return vec![RepairStep::Ask {
            question: format!(
                "what is {name} to judge? Name it in its rules, or leave the cluster's own requests out with a match condition, such as !('system:nodes' in request.userInfo.groups)"
            ),
        }];
    }
    let pointer = webhook.pointer().join("namespaceSelector").join("matchExpressions");
    vec![RepairStep::Append { pointer, value: not_in(&names) }]
}

fn not_in(names: &[&str]) -> Value {
    let mut builder = Builder::new();
    builder.begin_map(0);
    for (key, value) in [("key", "kubernetes.io/metadata.name"), ("operator", "NotIn")] {
        builder.key(key, 0);
        builder.str(value, 0, 0);
    }
    builder.key("values", 0);
    builder.begin_list(0);
    names.iter().for_each(|name| builder.str(name, 0, 0));
    builder.end(0);
    builder.end(0);
    builder.finish()
}

fn own(subject: &Subject<'_>) -> Answer {
    let mut is_about_any = false;
    let mut elements = Vec::new();
    for webhook in webhooks(subject) {
        let Some(service) = webhook.path(&["clientConfig", "service"]) else { continue };
        let namespace = text(service, &["namespace"]);
        let covered = |probe: &Probe<'_>| {
            list(webhook, "rules").any(|rule| Rule::read(rule).covers(&probe.asked()))
        };
        if !own_pods(namespace, &[], false).iter().any(covered) {
            continue;
        }
        is_about_any = true;
        if !fails_closed(&webhook) {
            continue;
        }
        elements.extend(of_own_pods(subject, webhook, service));
    }
    match is_about_any {
        true => Answer::Elements(elements),
        false => Answer::NotApplicable,
    }
}

fn of_own_pods<'a>(subject: &Subject<'a>, webhook: Node<'a>, service: Node<'a>) -> Option<Element> {
    let namespace = text(service, &["namespace"]);
    let (labels, is_all) = served_by(subject, namespace, text(service, &["name"]));
    let requests = own_pods(namespace, &labels, is_all);
    let (yes, unknown) = split(webhook, subject, requests.iter().map(|probe| (probe, *probe)));
    let name = text(webhook, &["name"]);
    let message =
        format!("webhook {name} fails closed for the pods of {namespace}, which serve it");
    let element = element(webhook, message);
    if yes.is_empty() {
        return (!unknown.is_empty()).then(|| Element { missing: unknown, ..element });
    }
    let repair = taken_out(webhook, name, [namespace].into_iter());
    Some(Element { repair, ..element })
}

/// Labels of the pods that a Service selects, and whether these are all: those of a
/// workload's template, else those by which the Service selects.
fn served_by<'a>(
    subject: &Subject<'a>,
    namespace: &'a str,
    service: &str,
) -> (Vec<(&'a str, &'a str)>, bool) {
    let mut services = subject.world.in_namespace("", "Service", namespace);
    let service = services.find(|found| *found.thing.name == *service);
    let wanted = service.and_then(|service| service.root().path(&["spec", "selector"]));
    let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else {
        return (Vec::new(), false);
    };
    let texts = |labels: Node<'a>| -> Vec<(&'a str, &'a str)> {
        labels.entries().filter_map(|(key, value)| Some((key, value.as_str()?))).collect()
    };
    let workloads = WORKLOADS
        .iter()
        .flat_map(|(group, kind)| subject.world.in_namespace(group, kind, namespace));
    let labels = |object: &'a Object| {
        let path = template_path(&object.thing.group, &object.thing.kind)?;
        let template = object.root().path(path)?;
        template.path(&["metadata", "labels"])
    };
    let found = workloads.filter_map(|object| labels(object));
    let mut found = found.filter(|labels| selector::selects(wanted, Some(*labels)));
    match found.next() {
        Some(labels) => (texts(labels), true),
        None => (texts(wanted), false),
    }
}

fn everything(subject: &Subject<'_>) -> Answer {
    let Some(object) = subject.object else { return Answer::NotApplicable };
    let mut any = false;
    let mut elements = Vec::new();
    for webhook in webhooks(subject) {
        for rule in list(webhook, "rules") {
            any = true;
            elements.extend(of_everything(subject, object, webhook, rule));
        }
    }
    if any { Answer::Elements(elements) } else { Answer::NotApplicable }
}

fn of_everything(
    subject: &Subject<'_>,
    object: &Object,
    webhook: Node<'_>,
    node: Node<'_>,
) -> Option<Element> {
    let rule = Rule::read(node);
    let is_all = rule.groups.contains(&"*")
        && rule.resources.iter().any(|resource| ["*", "*/*"].contains(resource))
        && ["CREATE", "UPDATE", "DELETE"].iter().any(|it| has(&rule.operations, it));
    let is_of_cluster = rule.scope == "Cluster";
    // Whoever labels an object for it names what it is to see.
    let by_label = webhook.get("objectSelector").filter(|selector| !is_empty(*selector));
    if !is_all || by_label.is_some_and(|selector| !selector::selects(selector, None)) {
        return None;
    }
    let requests = if is_of_cluster { OTHERS_OF_CLUSTER } else { OTHERS };
    let operation = ["CREATE", "UPDATE", "DELETE"].into_iter().find(|it| has(&rule.operations, it));
    let mut unknown = Vec::new();
    for probe in requests {
        let probe = Probe { operation: operation.unwrap_or("CREATE"), ..*probe };
        // A selector of namespaces says where, not what.
        match called_somewhere(webhook, &probe, subject.world) {
            _ if !rule.covers(&probe.asked()) => return None,
            Called::Yes => {}
            Called::No => return None,
            Called::Unknown(missing) => unknown.push(missing),
        }
    }
    let selector = webhook.get("namespaceSelector").filter(|selector| !is_empty(*selector));
    let whose = match (is_of_cluster, selector) {
        (true, _) => " that is in no namespace",
        (false, Some(_)) => " of the namespaces that it selects",
        (false, None) => "",
    };
    let name = text(webhook, &["name"]);
    let sees_secrets = !is_of_cluster && &*object.thing.kind == "MutatingWebhookConfiguration";
    Some(Element {
        name: format!("{name}/{}/{}", rule.operations.join(","), rule.scope),
        at: node.pointer(),
        severity: Some(if sees_secrets { Severity::Medium } else { Severity::Low }),
        repair: vec![RepairStep::Ask {
            question: format!("which resources does {name} judge? Name them in its rules"),
        }],
        missing: unknown,
        ..element(webhook, format!("webhook {name} is called for every object{whose}"))
    })
}
