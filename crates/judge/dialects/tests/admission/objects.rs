//! New objects other than pods have what the API server's plugins give them.

use super::{changes, judged, validates};

pub(crate) const CLAIM: &str = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c, namespace: shop}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n";
const INGRESS: &str = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: shop}\nspec: {defaultBackend: {service: {name: a, port: {number: 80}}}}\n";

fn class(kind: &str, name: &str, more: &str) -> String {
    let (group, mark) = match kind {
        "StorageClass" => ("storage", "storageclass"),
        _ => ("networking", "ingressclass"),
    };
    let mark = format!("{mark}.kubernetes.io/is-default-class");
    let own = match kind {
        "StorageClass" => "provisioner: x/y",
        _ => "spec: {controller: x/y}",
    };
    format!(
        "---\napiVersion: {group}.k8s.io/v1\nkind: {kind}\nmetadata: {{name: {name}, {more} annotations: {{{mark}: 'true'}}}}\n{own}\n"
    )
}

/// `Holds`, `Violated`, or why it is unknown.
pub(crate) fn verdict(resources: &str, expression: &str, objects: &str, complete: bool) -> String {
    let found = judged(&[validates(resources, expression)], objects, complete);
    let Some(line) = found.first() else { return "Holds".to_owned() };
    match line.split_once("it cannot be told: ") {
        Some((_, why)) => why.to_owned(),
        None => line.split(' ').nth(1).unwrap().to_owned(),
    }
}

#[test]
fn what_names_no_class_gets_the_default() {
    for (kind, object, field) in
        [("StorageClass", CLAIM, "storageClassName"), ("IngressClass", INGRESS, "ingressClassName")]
    {
        let ask = |expression: &str, objects: &str, complete| {
            let expression = expression.replace("FIELD", &format!("object.spec.{field}"));
            verdict("persistentvolumeclaims, ingresses", &expression, objects, complete)
        };
        let one = class(kind, "std", "");
        assert_eq!(ask("has(FIELD)", object, true), "Violated", "{kind}");
        assert_eq!(ask("FIELD == 'std'", &(object.to_owned() + &one), true), "Holds", "{kind}");
        let own = object.replace("spec: {", &format!("spec: {{{field}: own, "));
        assert_eq!(ask("FIELD == 'own'", &(own + &one), true), "Holds", "{kind}");
        // Of several the newest counts, and files do not tell which that is.
        let two = object.to_owned() + &one + &class(kind, "new", "");
        let which = format!("which {kind} is the default");
        assert_eq!(ask("FIELD in ['std', 'new']", &two, true), "Holds", "{kind}");
        assert_eq!(ask("FIELD == 'std'", &two, true), which, "{kind}");
        let at = |day: u32| format!("creationTimestamp: '2026-11-{day}T00:00:00Z',");
        let dated = object.to_owned() + &class(kind, "a", &at(10)) + &class(kind, "b", &at(12));
        assert_eq!(ask("FIELD == 'b'", &dated, true), "Holds", "{kind}");
        // In a part of an estate there may be one more.
        let may = format!("the default {kind}");
        assert_eq!(ask("has(FIELD)", object, false), may);
        assert_eq!(ask("has(FIELD)", &(object.to_owned() + &one), false), "Holds", "{kind}");
        assert_eq!(ask("FIELD == 'std'", &(object.to_owned() + &one), false), which, "{kind}");
    }
}

#[test]
fn an_annotation_names_a_class_too() {
    let std = class("StorageClass", "std", "");
    let named = CLAIM
        .replace("shop}", "shop, annotations: {volume.beta.kubernetes.io/storage-class: slow}}");
    let has = "has(object.spec.storageClassName)";
    assert_eq!(verdict("persistentvolumeclaims", has, &(named + &std), true), "Violated");
    let empty = CLAIM.replace("spec: {", "spec: {storageClassName: '', ");
    let is_empty = "object.spec.storageClassName == ''";
    assert_eq!(verdict("persistentvolumeclaims", is_empty, &(empty + &std), true), "Holds");
    let ngx = class("IngressClass", "ngx", "");
    let named = INGRESS.replace("shop}", "shop, annotations: {kubernetes.io/ingress.class: x}}");
    let has = "has(object.spec.ingressClassName)";
    assert_eq!(verdict("ingresses", has, &(named + &ngx), true), "Violated");
}

#[test]
fn mutating_policies_see_the_class() {
    let label = changes(
        "set",
        "persistentvolumeclaims",
        "Object{metadata: Object.metadata{labels: {'classless': 'yes'}}}",
        "matchConditions: [{name: none, expression: '!has(object.spec.storageClassName)'}],",
    );
    let has = validates("persistentvolumeclaims", "!has(object.metadata.labels)");
    let std = class("StorageClass", "std", "");
    let both = [label, has];
    assert!(judged(&both, &(CLAIM.to_owned() + &std), true).is_empty());
    assert_eq!(judged(&both, CLAIM, true).len(), 1);
}

#[test]
fn what_is_in_use_is_protected_and_a_new_node_not_ready() {
    let volume = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v, finalizers: [own/x]}\nspec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /x}}\n";
    let has =
        |name: &str| format!("'kubernetes.io/{name}-protection' in object.metadata.finalizers");
    assert_eq!(verdict("persistentvolumeclaims", &has("pvc"), CLAIM, true), "Holds");
    let both = format!("{} && 'own/x' in object.metadata.finalizers", has("pv"));
    assert_eq!(verdict("persistentvolumes", &both, volume, true), "Holds");
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: one}\n";
    let tainted = "object.spec.taints.exists(t, t.key == 'node.kubernetes.io/not-ready' && t.effect == 'NoSchedule') && size(object.spec.taints) == 1";
    assert_eq!(verdict("nodes", tainted, node, true), "Holds");
    let other = node.to_owned()
        + "spec: {taints: [{key: node.kubernetes.io/not-ready, effect: NoSchedule}]}\n";
    assert_eq!(verdict("nodes", tainted, &other, true), "Holds");
}

#[test]
fn a_pod_that_names_its_node_stands_where_that_stands() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec: {nodeName: one, containers: [{name: c, image: i}]}\n";
    let node = "---\napiVersion: v1\nkind: Node\nmetadata: {name: one, labels: {topology.kubernetes.io/zone: a, other: b}}\n";
    let in_a = "has(object.metadata.labels) && object.metadata.labels[?'topology.kubernetes.io/zone'].orValue('') == 'a' && !('other' in object.metadata.labels)";
    assert_eq!(verdict("pods", in_a, &(pod.to_owned() + node), true), "Holds");
    assert_eq!(verdict("pods", in_a, pod, true), "Violated");
    let says = pod.replace("shop}", "shop, labels: {topology.kubernetes.io/zone: b}}");
    assert_eq!(verdict("pods", in_a, &(says.clone() + node), true), "Holds");
    for pod in [pod, &says] {
        let open = verdict("pods", in_a, pod, false);
        assert!(open.contains("Node one"), "{open}");
    }
    // What the node does not change is known.
    let owned = says.replace("zone: b", "zone: b, own: c");
    assert!(!verdict("pods", "object.metadata.labels.own == 'c'", &owned, false).contains("node"));
}

#[test]
fn what_only_the_api_server_says_is_not_taken_from_files() {
    let exported = CLAIM.replace("shop}", "shop, uid: x, creationTimestamp: '2026-11-10T00:00:00Z', deletionTimestamp: '2026-11-11T00:00:00Z'}");
    let ask = |expression: &str| verdict("persistentvolumeclaims", expression, &exported, true);
    assert_eq!(ask("object.metadata.uid == 'x'"), "/metadata/uid, which the API server sets");
    assert_eq!(ask("!has(object.metadata.deletionTimestamp)"), "Holds");
}

#[test]
fn what_policies_change_is_completed_again() {
    let bare = changes("set", "persistentvolumeclaims", "PATCH", "").replace(
        "patchType: ApplyConfiguration, applyConfiguration: {expression: \"PATCH\"}",
        "patchType: JSONPatch, jsonPatch: {expression: \"[JSONPatch{op: 'remove', path: '/metadata/finalizers'}, JSONPatch{op: 'add', path: '/metadata/labels', value: {'a': 'b'}}]\"}",
    );
    assert!(bare.contains("JSONPatch"), "{bare}");
    let both = "has(object.metadata.finalizers) && has(object.metadata.labels)";
    assert!(judged(&[bare, validates("persistentvolumeclaims", both)], CLAIM, true).is_empty());
}
