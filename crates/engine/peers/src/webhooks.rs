//! The webhooks that add-ons answer: those whose Service selects pods of theirs.

use std::sync::Arc;

use ironhull_model::{Node, Object, ThingRef, World, selector};
use ironhull_schema::template_path;

use crate::running::Running;

pub(crate) const GROUP: &str = "admissionregistration.k8s.io";
pub(crate) const KINDS: [&str; 2] =
    ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// A webhook that an add-on answers.
#[derive(Clone, Copy, Debug)]
pub struct Webhook<'w> {
    /// The configuration that it is in.
    pub object: &'w Arc<Object>,
    /// Its name.
    pub name: &'w str,
    /// Whether what it is asked about gets in while it does not answer:
    /// `failurePolicy: Ignore`.
    pub fails_open: bool,
}

/// A webhook, with where its Service is and what that selects.
pub(crate) struct Served<'w> {
    webhook: Webhook<'w>,
    namespace: &'w str,
    selector: Node<'w>,
}

/// The webhooks of a world that are answered by what a Service selects.
pub(crate) fn served(world: World<'_>) -> Vec<Served<'_>> {
    let mut all = Vec::new();
    for object in KINDS.iter().flat_map(|kind| world.of_kind(GROUP, kind)) {
        let webhooks = object.root().get("webhooks").into_iter().flat_map(Node::items);
        all.extend(webhooks.filter_map(|webhook| {
            let service = webhook.path(&["clientConfig", "service"])?;
            let namespace = service.get("namespace")?.as_str()?;
            let thing = ThingRef::new("", "Service", namespace, service.get("name")?.as_str()?);
            let selector = world.get(&thing)?.root().path(&["spec", "selector"])?;
            // Without a selector somebody else says who answers.
            selector.entries().next()?;
            let name = webhook.get("name").and_then(Node::as_str).unwrap_or_default();
            let failure = webhook.get("failurePolicy").and_then(Node::as_str);
            let webhook = Webhook { object, name, fails_open: failure == Some("Ignore") };
            Some(Served { webhook, namespace, selector })
        }));
    }
    all
}

/// Those of them that some workloads answer.
pub(crate) fn of<'w>(running: &[Running<'w>], served: &[Served<'w>]) -> Vec<Webhook<'w>> {
    let answers = |served: &&Served<'w>| {
        running.iter().any(|running| {
            let thing = &running.object.thing;
            let template = template_path(&thing.group, &thing.kind);
            let template = template.and_then(|path| running.object.root().path(path));
            let labels = template.and_then(|template| template.path(&["metadata", "labels"]));
            *thing.namespace == *served.namespace && selector::selects(served.selector, labels)
        })
    };
    served.iter().filter(answers).map(|served| served.webhook).collect()
}
