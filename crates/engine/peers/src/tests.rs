//! Written estates, most of them traps. Real manifests are judged in `tests/it/peers.rs`.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use ironhull_model::{Coverage, Minor, Object, Snapshot, SourceId, Standing, World};

use crate::table::KNOWN;
use crate::{Does, Function, Peer, Peers, Runs, Signal, State, wanted};

fn snapshot(text: &str) -> Snapshot {
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    snapshot.coverage = Coverage::Complete;
    for document in
        ironhull_yaml::parse(SourceId(0), text, &ironhull_yaml::Limits::default()).documents
    {
        let object = Object::new(document.value, None).expect("an object");
        snapshot.objects.push(Arc::new(object));
    }
    snapshot.seal();
    snapshot
}

fn workload(kind: &str, namespace: &str, name: &str, image: &str, rest: &str) -> String {
    let version = if kind == "Pod" { "v1" } else { "apps/v1" };
    format!(
        "{{apiVersion: {version}, kind: {kind}, metadata: {{name: {name}, namespace: {namespace}}}, \
         spec: {{template: {{spec: {{containers: [{{name: c, image: '{image}'}}]}}}}}}{rest}}}\n---\n"
    )
}

fn names(snapshot: &Snapshot) -> Vec<&'static str> {
    Peers::new(World::new(snapshot)).found.iter().map(|peer| peer.known.name).collect()
}

fn only<'p, 'w>(peers: &'p Peers<'w>) -> &'p Peer<'w> {
    let [peer] = peers.found.as_slice() else { panic!("{:?}", peers.found) };
    peer
}

#[test]
fn the_table_is_in_order() {
    let mut by_name = BTreeSet::new();
    let mut ends = HashSet::new();
    let mut definitions = BTreeSet::new();
    for known in KNOWN {
        assert!(by_name.insert(known.name), "{} stands twice", known.name);
        assert!(!known.parts.is_empty(), "{} has no part", known.name);
        for part in known.parts {
            for image in part.images {
                let is_plain = !image.contains(':') && !image.starts_with('/');
                assert!(is_plain && !image.is_empty(), "{image}");
                // One segment tells nothing by itself.
                assert!(image.contains('/') || !known.labels.is_empty(), "{image} needs a label");
                let is_new = ends.insert((*image, part.beside, part.runs == Runs::OnNodes));
                assert!(is_new, "{image} is two add-ons");
            }
        }
        for name in known.definitions {
            assert!(name.split('.').count() > 2, "{name} is no definition's name");
            assert!(definitions.insert(*name), "{name} is of two add-ons");
        }
    }
    assert!(by_name.len() >= 45, "{}", by_name.len());
}

#[test]
fn a_repository_tells_an_add_on_wherever_it_is_mirrored() {
    let images = [
        "ghcr.io/kyverno/kyverno:v1.14.0",
        "mirror.example:5000/team/kyverno/kyverno:v1.14.0",
        "mirror.example/kyverno/kyverno@sha256:00",
        "kyverno/kyverno",
    ];
    for image in images {
        let snapshot = snapshot(&workload("Deployment", "guard", "any", image, ""));
        let peers = Peers::new(World::new(&snapshot));
        let peer = only(&peers);
        assert_eq!(
            (peer.known.name, peer.running[0].signal),
            ("Kyverno", Signal::Image),
            "{image}"
        );
        assert_eq!(peer.running[0].at.as_str(), "/spec/template/spec/containers/0/image");
    }
}

#[test]
fn a_similar_name_is_something_else() {
    let others = [
        workload("Deployment", "kyverno", "kyverno", "example/kyverno-dashboard:v1", ""),
        workload("Deployment", "kyverno", "kyverno", "example/kyverno:v1", ""),
        workload("Deployment", "falco", "falco", "example/notfalcosecurity/falco:1", ""),
        workload("DaemonSet", "x", "x", "azuremonitor/containerinsights/ciprod/prometheus-collector/images:1", ""),
        // Of the right image, but a client of it.
        "{apiVersion: batch/v1, kind: CronJob, metadata: {name: b, namespace: b}, spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: 'velero/velero:v1.12.0', command: [velero, backup, create]}]}}}}}}\n---\n".to_owned(),
    ];
    for other in others {
        assert_eq!(names(&snapshot(&other)), Vec::<&str>::new(), "{other}");
    }
}

#[test]
fn a_last_segment_counts_beside_a_label_only() {
    let of = |labels: &str, image: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: a, namespace: a, labels: {labels}}}, \
             spec: {{template: {{spec: {{containers: [{{name: c, image: '{image}'}}]}}}}}}}}"
        )
    };
    let label = "{app.kubernetes.io/part-of: kyverno, app.kubernetes.io/version: v1.14.1}";
    let labelled = snapshot(&of(label, "mirror.example/platform/kyverno@sha256:00"));
    let peers = Peers::new(World::new(&labelled));
    let peer = only(&peers);
    assert_eq!((peer.running[0].signal, peer.running[0].version), (Signal::Label, Some("v1.14.1")));
    assert_eq!(names(&snapshot(&of(label, "mirror.example/platform/kubectl:1"))), [""; 0]);
    assert_eq!(names(&snapshot(&of("{}", "mirror.example/platform/kyverno:1"))), [""; 0]);
}

#[test]
fn versions_are_those_of_tags_and_labels() {
    let version = |image: &str| {
        let snapshot = snapshot(&workload("Deployment", "a", "a", image, ""));
        let peers = Peers::new(World::new(&snapshot));
        only(&peers).versions().into_iter().next().map(str::to_owned)
    };
    assert_eq!(version("ghcr.io/kyverno/kyverno:v1.14.0@sha256:00").as_deref(), Some("v1.14.0"));
    assert_eq!(version("ghcr.io/kyverno/kyverno@sha256:00"), None);
    assert_eq!(version("ghcr.io/kyverno/kyverno:latest"), None);
    assert_eq!(version("ghcr.io/kyverno/kyverno"), None);
}

#[test]
fn definitions_alone_are_installed_and_nothing_runs() {
    let definition = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: clusterpolicies.kyverno.io}}";
    let left = snapshot(definition);
    let peers = Peers::new(World::new(&left));
    let peer = only(&peers);
    assert_eq!((peer.known.name, peer.state(), peer.definitions.len()), ("Kyverno", None, 1));
    assert!(peer.at_work(Function::Admission).next().is_none());
    assert!(peers.unserved().contains(&Function::ImageVerification));
    // Cilium's group is Tetragon's too; the definition tells which.
    let tracing = definition.replace("clusterpolicies.kyverno.io", "tracingpolicies.cilium.io");
    assert_eq!(names(&snapshot(&tracing)), ["Tetragon"]);
}

#[test]
fn how_much_is_up_is_what_the_status_says() {
    let of = |kind: &str, replicas: &str, status: &str| {
        let image = match kind {
            "DaemonSet" => "falcosecurity/falco:0.44.0",
            _ => "ghcr.io/kyverno/kyverno:v1.14.0",
        };
        let text = format!(
            "{{apiVersion: apps/v1, kind: {kind}, metadata: {{name: a, namespace: a}}, \
             spec: {{{replicas} template: {{spec: {{containers: [{{name: c, image: '{image}'}}]}}}}}}{status}}}"
        );
        let snapshot = snapshot(&text);
        let peers = Peers::new(World::new(&snapshot));
        let peer = only(&peers);
        (peer.state().unwrap(), peer.ready())
    };
    let two = "replicas: 2,";
    assert_eq!(of("Deployment", two, ", status: {readyReplicas: 2}"), (State::Up, Some((2, 2))));
    assert_eq!(
        of("Deployment", two, ", status: {readyReplicas: 1}"),
        (State::Partly, Some((1, 2)))
    );
    assert_eq!(of("Deployment", two, ", status: {}"), (State::Down, Some((0, 2))));
    assert_eq!(of("Deployment", "replicas: 0,", ", status: {}"), (State::Off, Some((0, 0))));
    assert_eq!(of("Deployment", "replicas: 0,", ""), (State::Off, None));
    assert_eq!(of("Deployment", two, ""), (State::Unknown, None));
    let nodes = ", status: {desiredNumberScheduled: 3, numberReady: 2}";
    assert_eq!(of("DaemonSet", "", nodes), (State::Partly, Some((2, 3))));
    let none = ", status: {desiredNumberScheduled: 0, numberReady: 0}";
    assert_eq!(of("DaemonSet", "", none), (State::Off, Some((0, 0))));
}

#[test]
fn what_does_nothing_counts_only_where_nothing_does_anything() {
    let text = workload(
        "Deployment",
        "k",
        "a",
        "ghcr.io/kyverno/kyverno:v1.14.0",
        ", status: {readyReplicas: 1}",
    ) + &workload(
        "Deployment",
        "k",
        "b",
        "ghcr.io/kyverno/reports-controller:v1.13.0",
        ", status: {}",
    );
    let both = snapshot(&text);
    let peers = Peers::new(World::new(&both));
    let peer = only(&peers);
    assert_eq!((peer.state(), peer.running.len()), (Some(State::Up), 2));
    assert_eq!(peer.versions().into_iter().collect::<Vec<_>>(), ["v1.14.0"]);
    let helper = snapshot(&workload(
        "Deployment",
        "k",
        "b",
        "ghcr.io/kyverno/reports-controller:v1.13.0",
        ", status: {}",
    ));
    let peers = Peers::new(World::new(&helper));
    assert_eq!(only(&peers).state(), Some(State::Down));
}

#[test]
fn several_installations_are_one_add_on_in_several_namespaces() {
    let text =
        workload("Deployment", "a", "x", "quay.io/jetstack/cert-manager-controller:v1.18.0", "")
            + &workload(
                "Deployment",
                "b",
                "x",
                "quay.io/jetstack/cert-manager-controller:v1.19.0",
                "",
            );
    let snapshot = snapshot(&text);
    let peers = Peers::new(World::new(&snapshot));
    let peer = only(&peers);
    assert_eq!(peer.namespaces().into_iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(peer.versions().into_iter().collect::<Vec<_>>(), ["v1.18.0", "v1.19.0"]);
    assert!(peers.overlaps().is_empty());
}

#[test]
fn one_image_is_several_parts_by_its_words() {
    let of = |word: &str, kind: &str| {
        let text = format!(
            "{{apiVersion: apps/v1, kind: {kind}, metadata: {{name: a, namespace: a}}, spec: {{template: \
             {{spec: {{containers: [{{name: c, image: 'IMAGE', args: [{word}]}}]}}}}}}}}"
        );
        move |image: &str| {
            let snapshot = snapshot(&text.replace("IMAGE", image));
            let peers = Peers::new(World::new(&snapshot));
            only(&peers).running[0].part.serves.to_vec()
        }
    };
    let argo = "quay.io/argoproj/argocd:v3.0.0";
    assert_eq!(
        of("/usr/local/bin/argocd-application-controller", "StatefulSet")(argo),
        [Function::GitOps]
    );
    assert_eq!(of("/usr/local/bin/argocd-server", "Deployment")(argo), []);
    let gatekeeper = "openpolicyagent/gatekeeper:v3.20.0";
    assert_eq!(of("--operation=webhook", "Deployment")(gatekeeper), [Function::Admission]);
    assert_eq!(of("--operation=audit", "Deployment")(gatekeeper), []);
    assert_eq!(of("--logtostderr", "Deployment")(gatekeeper), [Function::Admission]);
    let both = of("--operation=audit, --operation=webhook", "Deployment");
    assert_eq!(both(gatekeeper), [Function::Admission]);
    let secrets = "ghcr.io/external-secrets/external-secrets:v0.18.1";
    assert_eq!(of("webhook", "Deployment")(secrets), []);
    assert_eq!(of("--concurrent=5", "Deployment")(secrets), [Function::Secrets]);
}

#[test]
fn what_another_workload_made_is_part_of_it() {
    let text = "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: falco, namespace: f}, spec: {template: {spec: {containers: [{name: c, image: 'falcosecurity/falco:1'}]}}}, status: {desiredNumberScheduled: 1, numberReady: 1}}\n---\n\
        {apiVersion: v1, kind: Pod, metadata: {name: falco-a, namespace: f, ownerReferences: [{kind: DaemonSet, name: falco}]}, spec: {nodeName: a, containers: [{name: c, image: 'falcosecurity/falco:1'}]}}\n---\n\
        {apiVersion: v1, kind: Pod, metadata: {name: other-b, namespace: f, ownerReferences: [{kind: DaemonSet, name: falco-2}]}, spec: {nodeName: b, containers: [{name: c, image: 'x'}]}}\n---\n\
        {apiVersion: v1, kind: Node, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Node, metadata: {name: b}}";
    let mut snapshot = snapshot(text);
    {
        let peers = Peers::new(World::new(&snapshot));
        let peer = only(&peers);
        assert_eq!(peer.running.len(), 1);
        assert_eq!(peer.running[0].absent, ["b"]);
    }
    // Where pods were not all read it may be on the other.
    snapshot.coverage = Coverage::Kinds(vec!["Node".into(), "apps/DaemonSet".into()]);
    let peers = Peers::new(World::new(&snapshot));
    assert!(only(&peers).running[0].absent.is_empty() && !peers.complete);
    assert!(peers.unserved().is_empty(), "what was not read may do it");
}

#[test]
fn overlaps_are_of_what_is_at_work() {
    let calico = workload(
        "DaemonSet",
        "a",
        "a",
        "docker.io/calico/node:v3",
        ", status: {desiredNumberScheduled: 1, numberReady: 1}",
    );
    let cilium = |ready: &str| {
        workload(
            "DaemonSet",
            "b",
            "b",
            "quay.io/cilium/cilium:v1",
            &format!(", status: {{{ready}}}"),
        )
    };
    let overlaps = |text: &str| {
        let snapshot = snapshot(text);
        let overlaps = Peers::new(World::new(&snapshot)).overlaps();
        overlaps.into_iter().map(|it| (it.function, it.peers)).collect::<Vec<_>>()
    };
    let both = calico.clone() + &cilium("desiredNumberScheduled: 1, numberReady: 1");
    // Plugins of the pod network may be chained.
    assert_eq!(overlaps(&both), [(Function::NetworkPolicy, vec!["Calico", "Cilium"])]);
    assert_eq!(overlaps(&(calico + &cilium("desiredNumberScheduled: 1"))), []);
}

const POLICIES: &str = "
{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: default}, spec: {rules: [{validate: {}}]}}
---
{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: enforce}, spec: {validationFailureAction: Enforce, rules: [{validate: {}}]}}
---
{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: lower-case}, spec: {validationFailureAction: enforce, rules: [{validate: {}}]}}
---
{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: by-rule}, spec: {rules: [{validate: {failureAction: Enforce}}, {validate: {failureAction: Audit}}]}}
---
{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: rule-audits}, spec: {validationFailureAction: Enforce, rules: [{validate: {failureAction: Audit}}]}}
---
{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: somewhere}, spec: {validationFailureActionOverrides: [{action: Enforce, namespaces: [shop]}], rules: [{validate: {}}]}}
---
{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: rule-somewhere}, spec: {rules: [{validate: {failureAction: Audit, failureActionOverrides: [{action: Enforce, namespaces: [shop]}]}}]}}
---
{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: background}, spec: {validationFailureAction: Enforce, admission: false, rules: [{validate: {}}]}}
---
{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: mutates}, spec: {rules: [{mutate: {}}]}}
---
{apiVersion: kyverno.io/v1, kind: Policy, metadata: {name: images, namespace: shop}, spec: {rules: [{verifyImages: [{failureAction: Enforce}]}]}}
---
{apiVersion: policies.kyverno.io/v1, kind: ValidatingPolicy, metadata: {name: cel-warns}, spec: {validationActions: [Warn, Audit]}}
---
{apiVersion: policies.kyverno.io/v1, kind: ValidatingPolicy, metadata: {name: cel-denies}, spec: {validationActions: [Audit, Deny]}}
---
{apiVersion: policies.kyverno.io/v1, kind: ValidatingPolicy, metadata: {name: cel-background}, spec: {validationActions: [Deny], evaluation: {admission: {enabled: false}}}}
---
{apiVersion: policies.kyverno.io/v1, kind: MutatingPolicy, metadata: {name: cel-mutates}, spec: {}}
---
{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K8sA, metadata: {name: g-default}, spec: {}}
---
{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K8sA, metadata: {name: g-dryrun}, spec: {enforcementAction: dryrun}}
---
{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K8sB, metadata: {name: g-warn}, spec: {enforcementAction: warn}}
---
{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K8sB, metadata: {name: g-scoped}, spec: {enforcementAction: scoped, scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: audit.gatekeeper.sh}]}, {action: warn, enforcementPoints: [{name: validation.gatekeeper.sh}]}]}}
---
{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K8sB, metadata: {name: g-elsewhere}, spec: {enforcementAction: scoped, scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: audit.gatekeeper.sh}]}]}}
---
{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K8sB, metadata: {name: g-vap}, spec: {enforcementAction: scoped, scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: vap.k8s.io}]}]}}
---
{apiVersion: mutations.gatekeeper.sh/v1, kind: Assign, metadata: {name: g-assign}, spec: {}}
---
{apiVersion: policies.kubewarden.io/v1, kind: ClusterAdmissionPolicy, metadata: {name: w-default}, spec: {}}
---
{apiVersion: policies.kubewarden.io/v1, kind: AdmissionPolicy, metadata: {name: w-monitor, namespace: shop}, spec: {mode: monitor}}
---
{apiVersion: policy.sigstore.dev/v1beta1, kind: ClusterImagePolicy, metadata: {name: s-default}, spec: {}}
---
{apiVersion: policy.sigstore.dev/v1beta1, kind: ClusterImagePolicy, metadata: {name: s-warn}, spec: {mode: warn}}
---
{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: c, namespace: shop}, spec: {}}
---
";

#[test]
fn policies_do_what_their_own_words_say() {
    let images = [
        "ghcr.io/kyverno/kyverno:v1",
        "openpolicyagent/gatekeeper:v3",
        "ghcr.io/kubewarden/policy-server:v1",
        "ghcr.io/sigstore/policy-controller/policy-controller:v0",
    ];
    let mut text = POLICIES.to_owned();
    text += &workload("DaemonSet", "c", "c", "quay.io/cilium/cilium:v1", "");
    for (at, image) in images.into_iter().enumerate() {
        text += &workload("Deployment", "a", &format!("n{at}"), image, "");
    }
    let snapshot = snapshot(&text);
    let peers = Peers::new(World::new(&snapshot));
    let rules = peers.found.iter().flat_map(|peer| &peer.rules);
    let said: Vec<(&str, Does)> =
        rules.map(|rule| (&*rule.object.thing.name, rule.says.does)).collect();
    let does = |name: &str| {
        let found = said.iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("no {name}")).1
    };
    for name in [
        "enforce",
        "lower-case",
        "by-rule",
        "somewhere",
        "rule-somewhere",
        "images",
        "cel-denies",
        "g-default",
        "g-vap",
        "w-default",
        "s-default",
    ] {
        assert_eq!(does(name), Does::Denies, "{name}");
    }
    for name in [
        "default",
        "rule-audits",
        "background",
        "cel-background",
        "g-dryrun",
        "g-elsewhere",
        "w-monitor",
    ] {
        assert_eq!(does(name), Does::Audits, "{name}");
    }
    for name in ["cel-warns", "g-warn", "g-scoped", "s-warn"] {
        assert_eq!(does(name), Does::Warns, "{name}");
    }
    for name in ["mutates", "cel-mutates", "g-assign"] {
        assert_eq!(does(name), Does::Changes, "{name}");
    }
    assert_eq!(does("c"), Does::Stands);
    assert_eq!(said.len(), 26);
    // Kyverno verifies images only where a policy of its says so.
    let kyverno = peers.found.iter().find(|peer| peer.known.name == "Kyverno").unwrap();
    assert!(kyverno.functions().contains(&Function::ImageVerification));
    assert!(kyverno.at_work(Function::ImageVerification).next().is_some());
    let overlap = peers.overlaps();
    let of_images = overlap.iter().find(|it| it.function == Function::ImageVerification).unwrap();
    assert_eq!(of_images.peers, ["Kyverno", "Sigstore policy-controller"]);
}

#[test]
fn of_what_is_read_by_its_metadata_nothing_is_said() {
    let text = workload("Deployment", "a", "a", "ghcr.io/kyverno/kyverno:v1", "")
        + "{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: p}}";
    let mut snapshot = snapshot(&text);
    for object in &mut snapshot.objects {
        if &*object.thing.kind == "ClusterPolicy" {
            Arc::get_mut(object).unwrap().standing = Standing::Partial;
        }
    }
    let peers = Peers::new(World::new(&snapshot));
    assert_eq!(only(&peers).by_effect().into_iter().collect::<Vec<_>>(), [(Does::Unknown, 1)]);
    let wanted = wanted();
    assert!(wanted.whole("kyverno.io", "ClusterPolicy"));
    assert!(wanted.whole("constraints.gatekeeper.sh", "K8sAnything"));
    assert!(!wanted.whole("cilium.io", "CiliumNetworkPolicy"), "counted only");
    assert!(!wanted.whole("", "Anything") && !wanted.whole("x", "ClusterPolicy"));
}

#[test]
fn what_engines_leave_out_is_what_their_configuration_says() {
    let kyverno = workload("Deployment", "ky", "a", "ghcr.io/kyverno/kyverno:v1", "")
        + "{apiVersion: v1, kind: ConfigMap, metadata: {name: kyverno, namespace: ky}, data: {resourceFilters: '[Event,*,*] [*/*,kube-system,*] [*/*, lab ,*] [Pod,shop,*] [*/*,half,x] [*/*,*,*]'}}\n---\n\
           {apiVersion: v1, kind: ConfigMap, metadata: {name: other, namespace: elsewhere}, data: {resourceFilters: '[*/*,no,*]'}}";
    let gatekeeper = workload("Deployment", "g", "a", "openpolicyagent/gatekeeper:v3", "")
        + "{apiVersion: config.gatekeeper.sh/v1alpha1, kind: Config, metadata: {name: config, namespace: g}, spec: {match: [{processes: ['*'], excludedNamespaces: [a]}, {processes: [audit], excludedNamespaces: [b]}, {processes: [webhook], excludedNamespaces: [c]}]}}";
    let left_out = |text: &str| {
        let snapshot = snapshot(text);
        let peers = Peers::new(World::new(&snapshot));
        only(&peers).left_out.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(left_out(&kyverno), ["kube-system", "lab"]);
    assert_eq!(left_out(&gatekeeper), ["a", "c"]);
}

#[test]
fn policies_of_one_text_are_twins() {
    let text = workload("Deployment", "a", "a", "ghcr.io/kyverno/kyverno:v1", "")
        + "{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: p}, spec: {rules: [{validate: {}}]}}\n---\n\
           {apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: q}, spec: {rules: [{validate: {}}]}}\n---\n\
           {apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: r}, spec: {rules: [{validate: {message: x}}]}}\n---\n\
           {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: v}, spec: {a: 1}}\n---\n\
           {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: w}, spec: {a: 1}}";
    let snapshot = snapshot(&text);
    let peers = Peers::new(World::new(&snapshot));
    let twins: Vec<Vec<&str>> =
        peers.twins.iter().map(|same| same.iter().map(|it| &*it.thing.name).collect()).collect();
    assert_eq!(twins, [["v", "w"], ["p", "q"]]);
}

/// A workload of one container, with what its pods have besides.
fn pods(kind: &str, labels: &str, container: &str, volumes: &str) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: {kind}, metadata: {{name: a, namespace: a}}, spec: {{template: \
         {{metadata: {{labels: {labels}}}, spec: {{containers: [{container}], volumes: {volumes}}}}}}}}}"
    )
}

#[test]
fn ranchers_mirrors_are_what_they_mirror() {
    let labels = "{k8s-app: kube-dns}";
    let found = |kind: &str, image: &str| {
        let logs = "[{hostPath: {path: /var/log}}]";
        names(&snapshot(&pods(kind, labels, &format!("{{name: c, image: '{image}:v1'}}"), logs)))
    };
    for (kind, image, name) in [
        ("DaemonSet", "rancher/mirrored-calico-node", "Calico"),
        ("Deployment", "rancher/mirrored-calico-typha", "Calico"),
        ("Deployment", "docker.io/rancher/mirrored-calico-operator", "Calico"),
        ("DaemonSet", "rancher/hardened-calico", "Calico"),
        ("DaemonSet", "mirror.example:5000/rancher/mirrored-cilium-cilium", "Cilium"),
        ("Deployment", "rancher/mirrored-cilium-operator-generic", "Cilium"),
        ("DaemonSet", "rancher/mirrored-flannel-flannel", "flannel"),
        ("DaemonSet", "rancher/mirrored-flannelcni-flannel", "flannel"),
        ("DaemonSet", "rancher/hardened-flannel", "flannel"),
        ("Deployment", "rancher/hardened-coredns", "CoreDNS"),
        ("Deployment", "rancher/mirrored-coredns-coredns", "CoreDNS"),
        ("DaemonSet", "rancher/mirrored-longhornio-longhorn-manager", "Longhorn"),
        ("Deployment", "rancher/mirrored-jetstack-cert-manager-controller", "cert-manager"),
        ("StatefulSet", "rancher/mirrored-prometheus-prometheus", "Prometheus"),
        ("DaemonSet", "rancher/mirrored-fluent-fluent-bit", "Fluent Bit"),
        ("Deployment", "rancher/mirrored-istio-pilot", "Istio"),
        ("Deployment", "rancher/mirrored-openpolicyagent-gatekeeper", "Gatekeeper"),
    ] {
        assert_eq!(found(kind, image), [name], "{image}");
    }
    for (kind, image) in [
        ("DaemonSet", "example/mirrored-calico-node"),
        ("DaemonSet", "mirrored-calico-node"),
        ("DaemonSet", "rancher/mirrored-calico-node-driver"),
        ("DaemonSet", "rancher/mirrored-node"),
        ("Deployment", "rancher/mirrored-cilium-hubble-relay"),
        ("Deployment", "rancher/hardened-etcd"),
    ] {
        assert_eq!(found(kind, image), [""; 0], "{image}");
    }
}

#[test]
fn an_image_that_others_have_needs_more() {
    let found = |labels: &str, container: &str| {
        names(&snapshot(&pods("Deployment", labels, container, "[]")))
    };
    let vault = |args: &str| format!("{{name: c, image: 'hashicorp/vault:1.20', args: [{args}]}}");
    // An agent beside an application.
    assert_eq!(found("{app: shop}", &vault("agent, -config=/a.hcl")), [""; 0]);
    assert_eq!(found("{app: shop}", &vault("sh, -c, vault agent -config=/a.hcl")), [""; 0]);
    assert_eq!(found("{app: shop}", &vault("")), [""; 0]);
    let name = ["Vault or OpenBao"];
    assert_eq!(found("{app: shop}", &vault("server, -config=/a.hcl")), name);
    let chart = "docker-entrypoint.sh vault server -config=/tmp/storageconfig.hcl";
    assert_eq!(found("{app.kubernetes.io/name: vault, component: server}", &vault(chart)), name);
    let image = |image: &str| format!("{{name: c, image: '{image}:1'}}");
    assert_eq!(found("{app: shop}", &image("example/release/pilot")), [""; 0]);
    assert_eq!(found("{app: shop}", &image("release/pilot")), [""; 0]);
    assert_eq!(found("{app: shop}", &image("registry.istio.io/release/pilot")), ["Istio"]);
    let mirror = "mirror.example/registry.istio.io/release/pilot";
    assert_eq!(found("{app: shop}", &image(mirror)), ["Istio"]);
    assert_eq!(found("{app: istiod}", &image("example/release/pilot")), ["Istio"]);
    assert_eq!(found("{app: shop}", &image("example/adm-controller/controller")), [""; 0]);
    let moved = "ghcr.io/kubewarden/adm-controller/controller";
    assert_eq!(found("{app: shop}", &image(moved)), ["Kubewarden"]);
    // A program that asks Argo CD, and DNS for others.
    assert_eq!(found("{app: shop}", &image("argoproj/argocd")), [""; 0]);
    assert_eq!(
        found("{app.kubernetes.io/part-of: argocd}", &image("argoproj/argocd")),
        ["Argo CD"]
    );
    assert_eq!(found("{app: dns}", &image("coredns/coredns")), [""; 0]);
    assert_eq!(
        found("{k8s-app: kube-dns}", &image("registry.k8s.io/coredns/coredns")),
        ["CoreDNS"]
    );
}

#[test]
fn only_what_sees_the_nodes_logs_ships_them() {
    let of = |image: &str, volumes: &str| {
        let container = format!("{{name: c, image: '{image}'}}");
        names(&snapshot(&pods("DaemonSet", "{app: shop}", &container, volumes)))
    };
    let logs = "[{hostPath: {path: /var/log}}]";
    assert_eq!(of("grafana/alloy:v1", logs), ["Grafana Alloy"]);
    assert_eq!(of("grafana/alloy:v1", "[]"), [""; 0]);
    let found = |volumes: &str| of("fluent/fluent-bit:4", volumes);
    for path in ["/var/log", "/var/log/pods", "/var/log/", "/", "/var/lib/docker/containers"] {
        assert_eq!(found(&format!("[{{hostPath: {{path: {path}}}}}]")), ["Fluent Bit"], "{path}");
    }
    for volumes in
        ["[]", "[{emptyDir: {}}]", "[{hostPath: {path: /var/logs}}]", "[{hostPath: {path: /etc}}]"]
    {
        assert_eq!(found(volumes), [""; 0], "{volumes}");
    }
}

#[test]
fn webhooks_are_of_whoever_their_service_selects() {
    let text = pods(
        "Deployment",
        "{app: k}",
        "{name: c, image: 'ghcr.io/kyverno/kyverno:v1'}",
        "[]",
    ) + "\n---\n{apiVersion: v1, kind: Service, metadata: {name: s, namespace: a}, spec: {selector: {app: k}}}\n---\n\
           {apiVersion: v1, kind: Service, metadata: {name: others, namespace: a}, spec: {selector: {app: z}}}\n---\n\
           {apiVersion: v1, kind: Service, metadata: {name: everybodys, namespace: a}, spec: {selector: {}}}\n---\n\
           {apiVersion: v1, kind: Service, metadata: {name: s, namespace: elsewhere}, spec: {selector: {app: k}}}\n---\n\
           {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: v}, webhooks: [\
             {name: x, failurePolicy: Fail, clientConfig: {service: {namespace: a, name: s}}},\
             {name: open, failurePolicy: Ignore, clientConfig: {service: {namespace: a, name: s}}},\
             {name: of-others, clientConfig: {service: {namespace: a, name: others}}},\
             {name: of-nobody, clientConfig: {service: {namespace: a, name: everybodys}}},\
             {name: missing, clientConfig: {service: {namespace: a, name: gone}}},\
             {name: elsewhere, clientConfig: {service: {namespace: elsewhere, name: s}}},\
             {name: outside, clientConfig: {url: 'https://a'}}]}\n---\n\
           {apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: m}, webhooks: [\
             {name: z, clientConfig: {service: {namespace: a, name: s}}}]}";
    let snapshot = snapshot(&text);
    let peers = Peers::new(World::new(&snapshot));
    let webhooks: Vec<_> = { only(&peers).webhooks.iter() }
        .map(|webhook| (&*webhook.object.thing.name, webhook.name, webhook.fails_open))
        .collect();
    assert_eq!(webhooks, [("m", "z", false), ("v", "x", false), ("v", "open", true)]);
}
