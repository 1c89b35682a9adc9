//! Validating policies are asked about what the API server's registry makes of an object,
//! mutating ones about what it was before.

use super::objects::verdict;
use super::{changes, judged, validates};

fn object(kind: &str, more: &str) -> String {
    let group = match kind {
        "Job" => "batch/v1",
        "Deployment" => "apps/v1",
        "HorizontalPodAutoscaler" => "autoscaling/v2",
        "CertificateSigningRequest" => "certificates.k8s.io/v1",
        _ => "v1",
    };
    format!("apiVersion: {group}\nkind: {kind}\nmetadata: {{name: web, namespace: shop}}\n{more}\n")
}

const TEMPLATE: &str = "template: {metadata: {labels: {a: b}}, spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}";

#[test]
fn a_status_that_is_sent_is_not_there() {
    let spec = format!("spec: {{selector: {{matchLabels: {{a: b}}}}, {TEMPLATE}}}");
    let sent = object("Deployment", &format!("{spec}\nstatus: {{replicas: 3}}"));
    let ask = |expression: &str| verdict("deployments", expression, &sent, true);
    assert_eq!(ask("has(object.status.replicas)"), "Violated");
    assert_eq!(ask("has(object.status)"), "Holds");
    assert_eq!(ask("object.metadata.generation == 1"), "Holds");
    assert_eq!(ask("has(object.metadata.uid)"), "/metadata/uid, which the API server sets");
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: one}\nstatus: {phase: Running}\n";
    assert_eq!(verdict("nodes", "object.status.phase == 'Running'", node, true), "Holds");
    assert_eq!(verdict("nodes", "!has(object.metadata.generation)", node, true), "Holds");
}

#[test]
fn a_job_selects_its_pods() {
    let job = object("Job", &format!("spec: {{{TEMPLATE}}}"));
    let ask = |expression: &str| verdict("jobs", expression, &job, true);
    let labels = "object.spec.template.metadata.labels";
    assert_eq!(ask(&format!("{labels}['job-name'] == 'web' && {labels}.a == 'b'")), "Holds");
    let uid = "batch.kubernetes.io/controller-uid";
    let same = format!("object.spec.selector.matchLabels['{uid}'] == {labels}['{uid}']");
    assert_eq!(ask(&same), "Holds");
    let made_up =
        "what only a running cluster makes up, such as addresses, ports, names, uids and times";
    assert_eq!(ask(&format!("{labels}['{uid}'].startsWith('0')")), made_up);
    let own = job.replace(
        "spec: {template",
        "spec: {manualSelector: true, selector: {matchLabels: {a: b}}, template",
    );
    assert_eq!(verdict("jobs", &format!("{labels}.size() == 1"), &own, true), "Holds");
}

#[test]
fn a_service_is_allocated_what_only_the_cluster_knows() {
    let service =
        |spec: &str| object("Service", &format!("spec: {{{spec}, ports: [{{port: 80}}]}}"));
    let ask = |spec: &str, expression: &str| verdict("services", expression, &service(spec), true);
    let made_up =
        "what only a running cluster makes up, such as addresses, ports, names, uids and times";
    let plain = "selector: {a: b}";
    assert_eq!(
        ask(plain, "has(object.spec.clusterIP) && size(object.spec.clusterIPs) == 1"),
        "Holds"
    );
    assert_eq!(ask(plain, "object.spec.ipFamilyPolicy == 'SingleStack'"), "Holds");
    assert_eq!(ask(plain, "object.spec.clusterIP.startsWith('10.')"), made_up);
    assert_eq!(ask(plain, "object.spec.ipFamilies[0] == 'IPv4'"), made_up);
    assert_eq!(ask(plain, "!has(object.spec.ports[0].nodePort)"), "Holds");
    let ports = "object.spec.ports.all(p, has(p.nodePort) && p.nodePort >= 30000)";
    assert_eq!(ask("type: NodePort", ports), "Holds");
    assert_eq!(ask("type: NodePort", "object.spec.ports[0].nodePort > 31000"), made_up);
    let external = "type: ExternalName, externalName: x.example.dev";
    assert_eq!(
        ask(external, "!has(object.spec.clusterIP) && !has(object.spec.ipFamilies)"),
        "Holds"
    );
    let headless = "clusterIP: None, selector: {a: b}";
    assert_eq!(ask(headless, "object.spec.clusterIPs == ['None']"), "Holds");
    let own = "clusterIP: 10.1.2.3, selector: {a: b}";
    assert_eq!(
        ask(own, "object.spec.clusterIPs == ['10.1.2.3'] && object.spec.ipFamilies == ['IPv4']"),
        "Holds"
    );
}

#[test]
fn a_pod_begins() {
    let pod = |resources: &str| {
        object(
            "Pod",
            &format!(
                "spec: {{containers: [{{name: c, image: i, resources: {{{resources}}}}}]}}\nstatus: {{phase: Running}}"
            ),
        )
    };
    let is = |quality: &str, resources: &str| {
        let expression = format!(
            "object.status.phase == 'Pending' && object.status.qosClass == '{quality}' && object.metadata.generation == 1"
        );
        assert_eq!(
            verdict("pods", &expression, &pod(resources), true),
            "Holds",
            "{quality} {resources}"
        );
    };
    is("BestEffort", "");
    is("Burstable", "limits: {cpu: '1'}");
    is("Burstable", "limits: {cpu: '1', memory: 1Gi}, requests: {cpu: 500m}");
    is("Guaranteed", "limits: {cpu: '1', memory: 1Gi}, requests: {cpu: 1000m}");
    // So do the pods that workloads make.
    let begins = validates("pods", "object.status.phase == 'Pending'");
    for kind in super::KINDS {
        let found = judged(std::slice::from_ref(&begins), &super::workload(kind, "", ""), true);
        assert!(found.is_empty(), "{kind} {found:#?}");
    }
}

#[test]
fn mutating_policies_see_what_was_sent() {
    let label = |expression: &str| {
        let more = format!("matchConditions: [{{name: c, expression: '{expression}'}}],");
        changes(
            "set",
            "services",
            "Object{metadata: Object.metadata{labels: {'seen': 'yes'}}}",
            &more,
        )
    };
    let seen = validates("services", "has(object.metadata.labels) && has(object.spec.clusterIP)");
    let service = object("Service", "spec: {ports: [{port: 80}]}");
    assert!(
        judged(&[label("!has(object.spec.clusterIP)"), seen.clone()], &service, true).is_empty()
    );
    assert_eq!(judged(&[label("has(object.spec.clusterIP)"), seen], &service, true).len(), 1);
}

#[test]
fn who_asks_for_a_certificate_is_not_in_the_file() {
    let sent = object(
        "CertificateSigningRequest",
        "spec: {request: eA==, signerName: example.dev/x, usages: [client auth], username: admin}",
    );
    let ask = |expression: &str| verdict("certificatesigningrequests", expression, &sent, true);
    assert_eq!(ask("has(object.spec.username)"), "Holds");
    let open = ask("object.spec.username == 'admin' || object.spec.username == 'somebody'");
    assert!(open.starts_with("what only a running cluster makes up"), "{open}");
}

const WIDGETS: &str = "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.dev}\nspec: {group: example.dev, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: [{name: v1, served: true, storage: true, MORE schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}\n";

#[test]
fn a_definition_says_whether_the_status_is_apart() {
    let widget = "apiVersion: example.dev/v1\nkind: Widget\nmetadata: {name: w, namespace: shop, generation: 7}\nstatus: {a: b}\n";
    let apart = WIDGETS.replace("MORE", "subresources: {status: {}},");
    let has = |definition: &str| {
        verdict("widgets", "has(object.status)", &(widget.to_owned() + definition), true)
    };
    assert_eq!(has(&WIDGETS.replace("MORE", "")), "Holds");
    assert_eq!(has(&apart), "Violated");
    let counts = "object.metadata.generation == 1";
    assert_eq!(verdict("widgets", counts, &(widget.to_owned() + &apart), true), "Holds");
}

#[test]
fn what_is_off_is_dropped() {
    let pod = object(
        "Pod",
        "spec: {volumes: [{name: e, emptyDir: {mode: 448}}], containers: [{name: c, image: i, lifecycle: {stopSignal: SIGUSR1}}]}",
    );
    let gone = "!has(object.spec.containers[0].lifecycle) && object.spec.volumes.all(v, !has(v.emptyDir) || !has(v.emptyDir.mode))";
    assert_eq!(verdict("pods", gone, &pod, true), "Holds");
}
