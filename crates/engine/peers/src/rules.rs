//! The policies of add-ons: what each of them does to what it does not want, in its own
//! add-on's terms.

use std::sync::Arc;

use ironhull_model::{Node, Object, Wanted, World};

use crate::known::Known;
use crate::table::KNOWN;
use crate::webhooks;

/// What a policy does to what it does not want.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Does {
    /// It refuses it, at least somewhere.
    Denies,
    /// It only warns.
    Warns,
    /// It only reports.
    Audits,
    /// It changes or adds objects.
    Changes,
    /// It is there; what it does is not read.
    Stands,
    /// It could not be read.
    Unknown,
}

/// What a policy says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Says {
    /// To what it does not want.
    pub does: Does,
    /// Whether it is about signatures of images.
    pub verifies_images: bool,
}

impl Says {
    const fn does(does: Does) -> Says {
        Says { does, verifies_images: false }
    }

    const fn of_images(does: Does) -> Says {
        Says { does, verifies_images: true }
    }
}

/// A kind of policies.
#[derive(Clone, Copy, Debug)]
pub struct RuleKind {
    group: &'static str,
    /// `*` is any kind of the group.
    kind: &'static str,
    read: Read,
}

/// How what a policy says is told.
#[derive(Clone, Copy, Debug)]
enum Read {
    /// By its `spec`.
    Spec(fn(Node<'_>) -> Says),
    /// By its kind.
    Kind(Does),
}

impl RuleKind {
    /// One whose `spec` says what it does.
    pub(crate) const fn read(
        group: &'static str,
        kind: &'static str,
        read: fn(Node<'_>) -> Says,
    ) -> RuleKind {
        RuleKind { group, kind, read: Read::Spec(read) }
    }

    /// One that changes objects.
    pub(crate) const fn changes(group: &'static str, kind: &'static str) -> RuleKind {
        RuleKind { group, kind, read: Read::Kind(Does::Changes) }
    }

    /// One that is only counted.
    pub(crate) const fn counted(group: &'static str, kind: &'static str) -> RuleKind {
        RuleKind { group, kind, read: Read::Kind(Does::Stands) }
    }

    fn is_of(&self, object: &Object) -> bool {
        *object.thing.group == *self.group && (self.kind == "*" || *object.thing.kind == *self.kind)
    }

    fn says(&self, object: &Object) -> Says {
        match self.read {
            Read::Kind(does) => Says::does(does),
            Read::Spec(_) if !object.is_judged() => Says::does(Does::Unknown),
            Read::Spec(read) => match object.root().get("spec") {
                Some(spec) => read(spec),
                None => Says::does(Does::Unknown),
            },
        }
    }
}

/// One policy of an add-on.
#[derive(Clone, Debug)]
pub struct Rule<'w> {
    /// The policy.
    pub object: &'w Arc<Object>,
    /// What it says.
    pub says: Says,
}

/// The policies of an add-on.
pub(crate) fn rules<'w>(known: &Known, world: World<'w>) -> Vec<Rule<'w>> {
    let mut found = Vec::new();
    for rule in known.rules {
        let objects: Vec<&Arc<Object>> = match rule.kind {
            "*" => world.objects().filter(|object| rule.is_of(object)).collect(),
            kind => world.of_kind(rule.group, kind).collect(),
        };
        let given = objects.into_iter().filter(|object| object.is_given());
        found.extend(given.map(|object| Rule { object, says: rule.says(object) }));
    }
    found
}

/// The kinds of which more than metadata is needed to say what add-ons do.
pub fn wanted() -> Wanted {
    let rules = KNOWN.iter().flat_map(|known| known.rules);
    let read = rules.filter(|rule| matches!(rule.read, Read::Spec(_)));
    let mut whole: Vec<(&str, &str)> = read.map(|rule| (rule.group, rule.kind)).collect();
    whole.push(("config.gatekeeper.sh", "Config"));
    whole.push(("", "Service"));
    whole.extend(webhooks::KINDS.map(|kind| (webhooks::GROUP, kind)));
    let whole = whole.into_iter().map(|(g, k)| (g.to_owned(), k.to_owned())).collect();
    Wanted { whole, ..Wanted::default() }
}

fn text<'n>(node: Node<'n>, name: &str) -> Option<&'n str> {
    node.get(name).and_then(Node::as_str)
}

fn list<'n>(node: Node<'n>, name: &str) -> impl Iterator<Item = Node<'n>> {
    node.get(name).into_iter().flat_map(Node::items)
}

/// The strictest of what is done.
fn strictest(all: impl Iterator<Item = Does>) -> Option<Does> {
    all.min()
}

/// Kyverno's `ClusterPolicy` and `Policy`: each rule may say what the policy does not,
/// and the policy may say something else for some namespaces.
pub(crate) fn kyverno(spec: Node<'_>) -> Says {
    let action = |text: &str| match text.eq_ignore_ascii_case("enforce") {
        true => Does::Denies,
        false => Does::Audits,
    };
    let with = |does: Does, node: Node<'_>, overrides: &str| {
        let elsewhere = list(node, overrides).filter_map(|it| text(it, "action").map(action));
        strictest(elsewhere.chain([does])).unwrap_or(does)
    };
    let of_policy = text(spec, "validationFailureAction").map_or(Does::Audits, action);
    let of_policy = with(of_policy, spec, "validationFailureActionOverrides");
    let mut does = Vec::new();
    let (mut changes, mut verifies_images) = (false, false);
    for rule in list(spec, "rules") {
        if let Some(validate) = rule.get("validate") {
            let of_rule = text(validate, "failureAction").map_or(of_policy, action);
            does.push(with(of_rule, validate, "failureActionOverrides"));
        }
        for images in list(rule, "verifyImages") {
            verifies_images = true;
            does.push(text(images, "failureAction").map_or(of_policy, action));
        }
        changes |= rule.get("mutate").is_some() || rule.get("generate").is_some();
    }
    // Without admission it only reports, in the background.
    let is_asked = spec.get("admission").and_then(Node::as_bool).unwrap_or(true);
    let does = match strictest(does.into_iter()) {
        Some(_) if !is_asked => Does::Audits,
        Some(does) => does,
        None if changes => Does::Changes,
        None => Does::Stands,
    };
    Says { does, verifies_images }
}

/// Kyverno's policies in CEL, which take the actions of the API server's own.
pub(crate) fn kyverno_cel(spec: Node<'_>) -> Says {
    let actions = list(spec, "validationActions").filter_map(Node::as_str);
    let does = strictest(actions.map(|action| match action {
        "Deny" => Does::Denies,
        "Warn" => Does::Warns,
        _ => Does::Audits,
    }));
    let asked = spec.path(&["evaluation", "admission", "enabled"]).and_then(Node::as_bool);
    match asked.unwrap_or(true) {
        true => Says::does(does.unwrap_or(Does::Denies)),
        false => Says::does(Does::Audits),
    }
}

/// The same about signatures of images.
pub(crate) fn kyverno_images(spec: Node<'_>) -> Says {
    Says::of_images(kyverno_cel(spec).does)
}

/// Gatekeeper's constraints, whatever their kind.
pub(crate) fn gatekeeper(spec: Node<'_>) -> Says {
    /// The webhook, and the ValidatingAdmissionPolicy that is made of a constraint.
    const POINTS: [&str; 3] = ["*", "validation.gatekeeper.sh", "vap.k8s.io"];
    let action = |action: &str| match action {
        "deny" => Does::Denies,
        "warn" => Does::Warns,
        "dryrun" => Does::Audits,
        _ => Does::Unknown,
    };
    let scoped = || {
        let at_admission = list(spec, "scopedEnforcementActions").filter(|scoped| {
            list(*scoped, "enforcementPoints")
                .filter_map(|point| text(point, "name"))
                .any(|name| POINTS.contains(&name))
        });
        let does = at_admission.filter_map(|scoped| text(scoped, "action").map(action));
        // Elsewhere it is only audited, or judged before it reaches the cluster.
        strictest(does).unwrap_or(Does::Audits)
    };
    Says::does(match text(spec, "enforcementAction") {
        None => Does::Denies,
        Some("scoped") => scoped(),
        Some(said) => action(said),
    })
}

/// Kubewarden's policies and groups of them.
pub(crate) fn kubewarden(spec: Node<'_>) -> Says {
    Says::does(match text(spec, "mode") {
        Some("monitor") => Does::Audits,
        _ => Does::Denies,
    })
}

/// Sigstore's `ClusterImagePolicy`.
pub(crate) fn sigstore(spec: Node<'_>) -> Says {
    Says::of_images(match text(spec, "mode") {
        Some("warn") => Does::Warns,
        _ => Does::Denies,
    })
}

/// KubeArmor's policies.
pub(crate) fn kubearmor(spec: Node<'_>) -> Says {
    Says::does(match text(spec, "action") {
        Some("Audit") => Does::Audits,
        Some(_) => Does::Denies,
        None => Does::Unknown,
    })
}
