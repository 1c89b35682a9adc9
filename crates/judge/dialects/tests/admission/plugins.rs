//! A new pod has what `LimitRanger` and `RuntimeClass` give it.

use super::{changes, judged, validates, workload};

fn pod(spec: &str, resources: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: shop}}\nspec: {{{spec} containers: [{{name: c, image: i, resources: {{{resources}}}}}]}}\n"
    )
}

fn range(name: &str, namespace: &str, limit: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: LimitRange\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{limits: [{{type: Container, {limit}}}]}}\n"
    )
}

/// `Holds`, `Violated`, or why it is unknown.
fn verdict(expression: &str, objects: &str, complete: bool) -> String {
    let found = judged(&[validates("pods", expression)], objects, complete);
    let Some(line) = found.first() else { return "Holds".to_owned() };
    match line.split_once("it cannot be told: ") {
        Some((_, why)) => why.to_owned(),
        None => line.split(' ').nth(1).unwrap().to_owned(),
    }
}

const LIMITED: &str =
    "object.spec.containers.all(c, has(c.resources.limits) && 'cpu' in c.resources.limits)";

#[test]
fn containers_that_say_no_limits_get_those_of_limit_ranges() {
    let cpu = range("r", "shop", "default: {cpu: 500m}, defaultRequest: {cpu: 100m}");
    assert_eq!(verdict(LIMITED, &pod("", ""), true), "Violated");
    assert_eq!(verdict(LIMITED, &(pod("", "") + &cpu), true), "Holds");
    let elsewhere = range("r", "yard", "default: {cpu: 500m}");
    assert_eq!(verdict(LIMITED, &(pod("", "") + &elsewhere), true), "Violated");
    let of_pods = cpu.replace("Container", "Pod");
    assert_eq!(verdict(LIMITED, &(pod("", "") + &of_pods), true), "Violated");
    let gets = |resources: &str, range: &str, limit: &str, request: &str| {
        let expression = format!(
            "object.spec.containers[0].resources.limits.cpu == '{limit}' && object.spec.containers[0].resources.requests.cpu == '{request}'"
        );
        assert_eq!(verdict(&expression, &(pod("", resources) + range), true), "Holds", "{limit}");
    };
    gets("", &cpu, "500m", "100m");
    gets("limits: {cpu: '2'}", &cpu, "2", "2");
    gets("requests: {cpu: 50m}", &cpu, "500m", "50m");
    gets("", &range("r", "shop", "max: {cpu: '3'}"), "3", "3");
    gets("", &range("r", "shop", "default: {cpu: '3'}, min: {cpu: '1'}"), "3", "3");
    let said = "object.metadata.annotations['kubernetes.io/limit-ranger'] == 'LimitRanger plugin set: cpu request for container c; cpu limit for container c; cpu request for init container first; cpu limit for init container first'";
    let two = pod("initContainers: [{name: first, image: i}],", "") + &cpu;
    assert_eq!(verdict(said, &two, true), "Holds");
    // So do the pods that workloads make.
    for kind in super::KINDS {
        assert_eq!(verdict(LIMITED, &workload(kind, "", ""), true), "Violated", "{kind}");
        assert_eq!(verdict(LIMITED, &(workload(kind, "", "") + &cpu), true), "Holds", "{kind}");
    }
}

#[test]
fn of_several_limit_ranges_any_may_go_first() {
    let both = range("a", "shop", "default: {cpu: '1'}")
        + &range("b", "shop", "default: {cpu: '2', memory: 1Gi}")
        + &range("c", "shop", "default: {cpu: '1'}");
    let at_most = |n: u32| {
        format!(
            "quantity(object.spec.containers[0].resources.limits.cpu).compareTo(quantity('{n}')) <= 0"
        )
    };
    assert_eq!(verdict(LIMITED, &(pod("", "") + &both), true), "Holds");
    assert_eq!(verdict(&at_most(2), &(pod("", "") + &both), true), "Holds");
    assert_eq!(
        verdict(&at_most(1), &(pod("", "") + &both), true),
        "in which order the API server asks the LimitRanges of shop"
    );
    assert_eq!(verdict(&at_most(1), &(pod("", "limits: {cpu: '1'}") + &both), true), "Holds");
    let memory = "object.spec.containers[0].resources.limits.memory == '1Gi'";
    assert_eq!(verdict(memory, &(pod("", "") + &both), true), "Holds");
}

#[test]
fn what_limit_ranges_that_were_not_read_may_set_is_unknown() {
    let none = pod("", "");
    let limits = "LimitRanges of namespace shop";
    assert_eq!(verdict(LIMITED, &none, false), limits);
    assert_eq!(verdict("!has(object.spec.containers[0].resources.limits)", &none, false), limits);
    let given = pod("", "limits: {cpu: '1'}");
    assert_eq!(verdict(LIMITED, &given, false), "Holds");
    let cpu = |op: &str| format!("object.spec.containers[0].resources.limits.cpu {op} '1'");
    assert_eq!(verdict(&cpu("=="), &given, false), "Holds");
    assert_eq!(verdict(&cpu("!="), &given, false), "Violated");
    let memory = "has(object.spec.containers[0].resources.limits.memory)";
    assert_eq!(verdict(memory, &given, false), limits);
    for expression in [
        "size(object.spec.containers[0].resources.limits) == 1",
        "object.spec.containers[0].resources.limits.all(k, k == 'cpu')",
        "!('memory' in object.spec.containers[0].resources.limits)",
        "object.spec.containers[0].resources == {}",
        "object.spec.containers[0] == object.spec.containers[0]",
        "object.spec.containers == [object.spec.containers[0]]",
    ] {
        assert_eq!(verdict(expression, &given, false), limits, "{expression}");
    }
    // What does not hang on it is known.
    for (expression, known) in [
        ("size(object.spec.containers) == 1", "Holds"),
        ("object.spec.containers.all(c, c.image == 'x')", "Violated"),
        ("has(object.metadata.annotations) && 'owner' in object.metadata.annotations", "Violated"),
        ("object.spec.containers.all(c, has(c.resources.limits) && c.image == 'x')", "Violated"),
    ] {
        assert_eq!(verdict(expression, &none, false), known, "{expression}");
    }
    assert_eq!(
        verdict("has(object.metadata.annotations)", &none, false),
        "what only a running cluster makes up, such as names and uids, or what LimitRanges that were not read set"
    );
}

#[test]
fn mutating_policies_see_the_limits_too() {
    let cpu = range("r", "shop", "default: {cpu: 500m}");
    let told = "Object{metadata: Object.metadata{labels: {'cpu': object.spec.containers[0].resources.limits.cpu}}}";
    let set = changes("set", "pods", told, "");
    let has = validates("pods", "object.metadata.labels.cpu == '500m'");
    let policies = [set, has];
    assert!(judged(&policies, &(pod("", "") + &cpu), true).is_empty());
    let unknown = judged(&policies, &pod("", ""), false);
    assert!(
        unknown.len() == 1
            && unknown[0].starts_with("Pod Unknown")
            && unknown[0].contains("the object as set leaves it (LimitRanges of namespace shop)"),
        "{unknown:#?}"
    );
    // A policy that sets them sets them, whatever was not read.
    let limits = "Object{spec: Object.spec{containers: [Object.spec.containers{name: 'c', resources: Object.spec.containers.resources{limits: {'cpu': '1'}}}]}}";
    let set = [changes("set", "pods", limits, ""), validates("pods", LIMITED)];
    assert!(
        judged(&set, &pod("", ""), false).is_empty(),
        "{:?}",
        judged(&set, &pod("", ""), false)
    );
}

const CLASS: &str = "---\napiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: gvisor}\nhandler: runsc\noverhead: {podFixed: {cpu: 250m}}\nscheduling: {nodeSelector: {runtime: gvisor}, tolerations: [{key: sandbox, operator: Exists}]}\n";

#[test]
fn a_pod_has_what_its_runtime_class_gives_it() {
    let of = |spec: &str| pod(&format!("runtimeClassName: gvisor, {spec}"), "");
    let gets = "object.spec.overhead.cpu == '250m' && object.spec.nodeSelector.runtime == 'gvisor' && object.spec.tolerations.exists(t, t.key == 'sandbox') && object.spec.tolerations.size() == 3";
    assert_eq!(verdict(gets, &(of("") + CLASS), true), "Holds");
    let own = "nodeSelector: {zone: a}, tolerations: [{key: sandbox, operator: Equal, value: x, effect: NoSchedule}],";
    assert_eq!(verdict(gets, &(of(own) + CLASS), true), "Holds");
    assert_eq!(verdict("!has(object.spec.overhead)", &(pod("", "") + CLASS), true), "Holds");
    assert_eq!(verdict("!has(object.spec.overhead)", &of(""), true), "Holds");
}

#[test]
fn what_a_runtime_class_that_was_not_read_may_set_is_unknown() {
    let of = |spec: &str| pod(&format!("runtimeClassName: gvisor, {spec}"), "");
    let class = "RuntimeClass gvisor";
    assert_eq!(verdict("!has(object.spec.overhead)", &of(""), false), class);
    assert_eq!(verdict("!has(object.spec.nodeSelector)", &of(""), false), class);
    let selected = of("nodeSelector: {zone: a},");
    assert_eq!(verdict("object.spec.nodeSelector.zone == 'a'", &selected, false), "Holds");
    assert_eq!(verdict("!has(object.spec.nodeSelector.runtime)", &selected, false), class);
    for expression in
        ["object.spec.tolerations.all(t, has(t.key))", "has(object.spec.tolerations[2].key)"]
    {
        assert_eq!(verdict(expression, &of(""), false), class, "{expression}");
    }
    assert_eq!(verdict("object.spec.runtimeClassName == 'x'", &of(""), false), "Violated");
    // The pod itself says nothing of one.
    assert_eq!(verdict("!has(object.spec.overhead)", &pod("", ""), false), "Holds");
}

fn server(name: &str, flags: &[&str]) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: kube-system}}\nspec: {{containers: [{{name: c, image: i:1, imagePullPolicy: Always, command: [kube-apiserver, {}]}}]}}\n",
        flags.join(", ")
    )
}

#[test]
fn plugins_are_those_that_flags_of_the_api_server_say() {
    let quoted = "'--enable-admission-plugins=NodeRestriction,AlwaysPullImages'";
    let own = |expression: &str, servers: &str| {
        let expression = format!("object.metadata.name != 'p' || {expression}");
        verdict(&expression, &(pod("", "").replace("image: i", "image: 'i:1'") + servers), true)
    };
    let pulled = "object.spec.containers.all(c, c.imagePullPolicy == 'Always')";
    assert_eq!(own(pulled, &server("a", &[])), "Violated");
    assert_eq!(own(pulled, &server("a", &[quoted])), "Holds");
    let both = server("a", &[quoted]) + &server("b", &[quoted]);
    assert_eq!(own(pulled, &both), "Holds");
    // While flags are rolled out.
    let unlike = server("a", &[quoted]) + &server("b", &[]);
    let which = "which API server is asked: they run different admission plugins";
    assert_eq!(own(pulled, &unlike), which);
    assert_eq!(own("object.spec.containers[0].image == 'i:1'", &unlike), "Holds");
    // What some set is configured where it is not read.
    let placing = server("a", &["--enable-admission-plugins=PodNodeSelector"]);
    let set = "what PodNodeSelector or PodTolerationRestriction of the API server sets";
    assert_eq!(own("has(object.spec.nodeSelector)", &placing), set);
    assert_eq!(own("object.spec.tolerations.size() == 2", &placing), "Holds");
    let tolerant = placing.replace("PodNodeSelector", "PodTolerationRestriction");
    assert_eq!(own("object.spec.tolerations.size() == 2", &tolerant), set);
    assert_eq!(own("has(object.spec.nodeSelector)", &tolerant), "Violated");
    let limit = range("r", "shop", "default: {cpu: 500m}");
    assert_eq!(own(LIMITED, &(server("a", &[]) + &limit)), "Holds");
    let off = server("a", &["--disable-admission-plugins=LimitRanger"]);
    assert_eq!(own(LIMITED, &(off + &limit)), "Violated");
}
