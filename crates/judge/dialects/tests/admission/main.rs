//! The audit asks about the objects that admission sees: after the API server's other
//! plugins, controllers and mutating policies.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use ironhull_controls::Control;
use ironhull_controls::judge::Judgement;
use ironhull_dialects::Policies;
use ironhull_dialects::audit::{self, Audit};
use ironhull_model::{Coverage, Minor, Object, Snapshot, SourceId, World};
use ironhull_schema::{Schema, defaults};

mod cost;
mod objects;
mod plugins;
mod registry;
mod webhooks;

/// The findings about `objects` in namespace shop, as `SUBJECT VERDICT AT MESSAGE`.
fn judged(policies: &[String], objects: &str, complete: bool) -> Vec<String> {
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    if complete {
        snapshot.coverage = Coverage::Complete;
    }
    let shop = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    let text = format!("{}\n---\n{shop}---\n{objects}", policies.join("\n---\n"));
    let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    for document in parsed.documents {
        let value = defaults::apply(Schema::of(Minor::NEWEST), &document.value);
        snapshot.objects.extend(Object::new(value, None).map(Arc::new));
    }
    snapshot.seal();
    let world = World::new(&snapshot);
    let controls = audit::controls(world);
    let controls: Vec<&Control> = controls.iter().collect();
    let policies = Policies::new(world);
    assert!(policies.refused().is_empty(), "{:?}", policies.refused());
    let audit = Audit::new(&policies, &controls);
    let mut judgement = Judgement::default();
    world.objects().for_each(|object| audit.object(object, &mut judgement));
    let shown = judgement.findings.iter().map(|finding| {
        let (subject, verdict) = (&finding.subject, finding.verdict);
        format!("{} {verdict:?} {} {}", subject.kind, finding.at, finding.message)
    });
    shown.collect()
}

/// A validating policy, bound.
fn validates(resources: &str, expression: &str) -> String {
    policy(
        "Validating",
        resources,
        &format!("validations: [{{expression: \"{expression}\", message: refused}}]"),
    )
}

/// A mutating policy, bound; `more` of its spec.
fn changes(name: &str, resources: &str, expression: &str, more: &str) -> String {
    let spec = format!(
        "reinvocationPolicy: Never, {more} mutations: [{{patchType: ApplyConfiguration, applyConfiguration: {{expression: \"{expression}\"}}}}]"
    );
    policy("Mutating", resources, &spec)
        .replace("name: v", &format!("name: {name}"))
        .replace("policyName: v", &format!("policyName: {name}"))
}

fn policy(flavour: &str, resources: &str, spec: &str) -> String {
    let actions = if flavour == "Validating" { ", validationActions: [Deny]" } else { "" };
    format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: {flavour}AdmissionPolicy\nmetadata: {{name: v}}\n\
         spec: {{matchConstraints: {{resourceRules: [{{apiGroups: ['*'], apiVersions: ['*'], operations: [CREATE], resources: [{resources}]}}]}}, {spec}}}\n---\n\
         apiVersion: admissionregistration.k8s.io/v1\nkind: {flavour}AdmissionPolicyBinding\nmetadata: {{name: v}}\n\
         spec: {{policyName: v{actions}}}"
    )
}

pub(crate) const MAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\n";

#[test]
fn mutating_policies_go_first() {
    let set = |more: &str| {
        changes(
            "set",
            "configmaps",
            "Object{metadata: Object.metadata{labels: {'team': 'x'}}}",
            more,
        )
    };
    let has =
        validates("configmaps", "has(object.metadata.labels) && 'team' in object.metadata.labels");
    assert_eq!(
        judged(std::slice::from_ref(&has), MAP, true),
        ["ConfigMap Violated /metadata refused, says v by binding v"]
    );
    assert!(judged(&[set(""), has.clone()], MAP, true).is_empty());
    let refuses = validates("configmaps", "!has(object.metadata.labels)");
    assert_eq!(
        judged(&[set(""), refuses], MAP, true),
        ["ConfigMap Violated /metadata refused, says v by binding v, after set changed it"]
    );
    let by_user = "matchConditions: [{name: u, expression: \"request.userInfo.username == 'x'\"}],";
    assert_eq!(
        judged(&[set(by_user), has], MAP, true),
        ["ConfigMap Unknown /metadata it cannot be told: the object as set leaves it (who asks)"]
    );
    // What reads nothing of the object is known all the same.
    let of_name = validates("configmaps", "request.name == 'c'");
    assert!(judged(&[set(by_user), of_name], MAP, true).is_empty());
}

#[test]
fn a_mutation_that_fails_refuses_the_object() {
    let fails = changes(
        "set",
        "configmaps",
        "Object{metadata: Object.metadata{labels: {'a': object.data.a}}}",
        "",
    );
    let has = validates("configmaps", "has(object.metadata.labels)");
    let found = judged(&[fails.clone(), has], MAP, true);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(
        found[0].starts_with(
            "ConfigMap Violated /metadata policy 'set' with binding 'set' denied request: "
        ),
        "{found:#?}"
    );
    assert_eq!(
        found[1],
        "ConfigMap Unknown /metadata it cannot be told: the object as set would leave it, which fails"
    );
    let ignored = fails.replace("reinvocationPolicy", "failurePolicy: Ignore, reinvocationPolicy");
    assert!(judged(&[ignored], MAP, true).is_empty());
}

/// A workload of a kind whose pods have one container with `container` and `spec` more.
fn workload(kind: &str, more: &str, spec: &str) -> String {
    let (group, wrapped) = match kind {
        "CronJob" => ("batch/v1", true),
        "Job" => ("batch/v1", false),
        _ => ("apps/v1", false),
    };
    let selector = if group == "apps/v1" { "selector: {matchLabels: {a: b}}," } else { "" };
    let job = "template: {metadata: {labels: {a: b}}, spec: {restartPolicy: Always, containers: [{name: c, image: i}], SPEC}}";
    let inner = format!("{selector} {more} {}", job.replace("SPEC", spec));
    let inner = if wrapped {
        format!("schedule: '* * * * *', jobTemplate: {{spec: {{{inner}}}}}")
    } else {
        inner
    };
    format!(
        "apiVersion: {group}\nkind: {kind}\nmetadata: {{name: web, namespace: shop}}\nspec: {{{inner}}}\n"
    )
}

pub(crate) const KINDS: [&str; 6] =
    ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"];

#[test]
fn pods_that_a_controller_makes_have_what_it_adds() {
    let owned = validates(
        "pods",
        "has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(o, o.controller)",
    );
    for kind in KINDS {
        let found = judged(std::slice::from_ref(&owned), &workload(kind, "", ""), true);
        assert!(found.is_empty(), "{kind} {found:#?}");
    }
    let lone = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec: {containers: [{name: c, image: i}]}\n";
    assert_eq!(
        judged(&[owned], lone, true),
        ["Pod Violated /metadata refused, says v by binding v"]
    );
    let holds = |kind: &str, more: &str, expression: &str| {
        let found = judged(&[validates("pods", expression)], &workload(kind, more, ""), true);
        assert!(found.is_empty(), "{kind} {expression} {found:#?}");
        let wrong = judged(
            &[validates("pods", &format!("!({expression})"))],
            &workload(kind, more, ""),
            true,
        );
        assert!(
            wrong.len() == 1 && wrong[0].contains("Violated"),
            "{kind} {expression} {wrong:#?}"
        );
    };
    let owner = |kind: &str| format!("object.metadata.ownerReferences[0].kind == '{kind}'");
    holds("Deployment", "", &owner("ReplicaSet"));
    holds("CronJob", "", &owner("Job"));
    holds(
        "Deployment",
        "",
        "object.metadata.labels['pod-template-hash'].size() == 10 && object.metadata.generateName.startsWith('web-')",
    );
    holds(
        "StatefulSet",
        "serviceName: s, ordinals: {start: 3},",
        "object.metadata.name == 'web-3' && object.spec.hostname == 'web-3' && object.spec.subdomain == 's' && object.metadata.labels['apps.kubernetes.io/pod-index'] == '3'",
    );
    let claims = "volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}],";
    holds(
        "StatefulSet",
        claims,
        "object.spec.volumes.exists(v, v.name == 'data' && v.persistentVolumeClaim.claimName == 'data-web-0')",
    );
    holds(
        "DaemonSet",
        "",
        "object.spec.tolerations.size() == 6 && object.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.size() == 1",
    );
    holds(
        "Job",
        "",
        "object.metadata.labels['batch.kubernetes.io/job-name'] == 'web' && 'batch.kubernetes.io/job-tracking' in object.metadata.finalizers",
    );
    holds(
        "Job",
        "completionMode: Indexed, completions: 2,",
        "object.spec.hostname == 'web-0' && object.spec.containers[0].env[0].name == 'JOB_COMPLETION_INDEX'",
    );
}

#[test]
fn what_only_a_running_cluster_makes_up_is_unknown() {
    let unknown = |kind: &str| {
        format!(
            "{kind} Unknown /metadata the pods it makes: it cannot be told: what only a running cluster makes up, such as names and uids"
        )
    };
    for (kind, expression) in [
        ("Deployment", "object.metadata.labels['pod-template-hash'] == 'xxxxxxxxxx'"),
        ("Deployment", "object.metadata.ownerReferences[0].uid.startsWith('0')"),
        ("CronJob", "object.metadata.labels['job-name'] == 'web-29000000'"),
        (
            "DaemonSet",
            "object.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].values[0] == 'node-1'",
        ),
        ("StatefulSet", "object.spec.volumes[0].name == 'kube-api-access-xxxxx'"),
    ] {
        let found = judged(&[validates("pods", expression)], &workload(kind, "", ""), true);
        assert_eq!(found, [unknown(kind)], "{expression}");
    }
}

#[test]
fn evidence_stands_where_the_template_has_it() {
    let policy = validates("pods", "object.spec.volumes.all(v, !has(v.hostPath))");
    let claims = "volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}],";
    let volumes = "volumes: [{name: h, hostPath: {path: /etc}}]";
    let found = judged(&[policy], &workload("StatefulSet", claims, volumes), true);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("Violated /spec/template/spec/volumes/0/hostPath "), "{found:#?}");
}

#[test]
fn a_pod_has_what_its_service_account_gives_it() {
    let pod = |more: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: shop}}\nspec: {{{more} containers: [{{name: c, image: i}}]}}\n"
        )
    };
    let account = |name: &str, more: &str| {
        format!(
            "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}, namespace: shop}}\n{more}\n"
        )
    };
    let mounted = validates(
        "pods",
        "has(object.spec.volumes) && object.spec.containers.all(c, c.volumeMounts.exists(m, object.spec.volumes.exists(v, v.name == m.name && has(v.projected))))",
    );
    let verdict = |policy: &str, objects: &str, complete: bool| {
        let found = judged(&[policy.to_owned()], objects, complete);
        let said = |line: &String| line.split(' ').nth(1).unwrap().to_owned();
        found.first().map_or("Holds".to_owned(), said)
    };
    assert_eq!(verdict(&mounted, &pod(""), true), "Holds");
    assert_eq!(verdict(&mounted, &pod("automountServiceAccountToken: false,"), true), "Violated");
    let without = account("default", "automountServiceAccountToken: false");
    assert_eq!(verdict(&mounted, &(pod("") + &without), true), "Violated");
    assert_eq!(verdict(&mounted, &(pod("serviceAccountName: robot,") + &without), true), "Holds");
    let named = validates(
        "pods",
        "object.spec.serviceAccountName == 'default' && object.spec.serviceAccount == 'default'",
    );
    assert_eq!(verdict(&named, &pod(""), true), "Holds");
    let pulls = validates("pods", "has(object.spec.imagePullSecrets)");
    assert_eq!(verdict(&pulls, &pod(""), true), "Violated");
    let with = account("default", "imagePullSecrets: [{name: s}]");
    assert_eq!(verdict(&pulls, &(pod("") + &with), true), "Holds");
    // In a part of an estate nobody knows what ServiceAccounts say.
    for policy in [&mounted, &pulls] {
        assert_eq!(verdict(policy, &pod(""), false), "Unknown");
        assert_eq!(
            judged(std::slice::from_ref(policy), &pod(""), false),
            ["Pod Unknown /metadata it cannot be told: ServiceAccount shop/default"]
        );
    }
    assert_eq!(verdict(&mounted, &(pod("") + &without), false), "Violated");
    let host = validates(
        "pods",
        "!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.hostPath))",
    );
    assert_eq!(verdict(&host, &pod(""), false), "Holds");
    assert_eq!(
        verdict(&host, &pod("volumes: [{name: h, hostPath: {path: /etc}}],"), false),
        "Violated"
    );
}

#[test]
fn a_pod_has_the_priority_of_its_class() {
    let pod = |class: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: shop}}\nspec: {{priorityClassName: '{class}', containers: [{{name: c, image: i}}]}}\n"
        )
    };
    let class = "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 7\nglobalDefault: true\n";
    let at_least = |n: u64| {
        validates(
            "pods",
            &format!("object.spec.priority >= {n} && has(object.spec.preemptionPolicy)"),
        )
    };
    assert!(judged(&[at_least(7)], &(pod("high") + class), true).is_empty());
    assert!(judged(&[at_least(7)], &(pod("") + class), true).is_empty());
    assert_eq!(judged(&[at_least(8)], &(pod("") + class), true).len(), 1);
    assert!(judged(&[at_least(2_000_001_000)], &pod("system-node-critical"), false).is_empty());
    assert!(judged(&[at_least(0)], &pod(""), true).is_empty());
    assert_eq!(
        judged(&[at_least(0)], &pod(""), false),
        ["Pod Unknown /metadata it cannot be told: /spec/priority, which the API server sets"]
    );
}
