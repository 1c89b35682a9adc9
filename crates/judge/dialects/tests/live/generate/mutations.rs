//! Generated mutations.

use ironhull_testkit::rng::Rng;
use serde_json::{Value, json};

use super::{N_ASKS, NAMESPACES, OBJECT_KEYS, check, selector};

/// Configurations by the kinds that they are for.
const CONFIGURATIONS: &[(&str, &str)] = &[
    ("configmap", "Object{data: {'b': 'made', 'a': request.userInfo.username}}"),
    ("configmap", "Object{data: {'n': string(object.data.size())}}"),
    ("configmap", "Object{data: {'a': object.data.a + '+'}}"),
    ("configmap", "Object{immutable: true}"),
    ("configmap", "Object{datum: 1}"),
    ("*", "Object{metadata: Object.metadata{labels: {'made': 'yes'}}}"),
    (
        "*",
        "Object{metadata: Object.metadata{labels: {'tier': 'z'}, annotations: {'op': request.operation}}}",
    ),
    ("*", "Object{metadata: Object.metadata{finalizers: ['example.dev/a', 'example.dev/b']}}"),
    (
        "*",
        "Object{metadata: Object.metadata{?annotations: has(object.metadata.annotations) ? optional.of({'x': 'y'}) : optional.none()}}",
    ),
    ("*", "Object{metadata: Object.metadata{labels: {'t': string(object.metadata.labels.tier)}}}"),
    ("*", "Object{metadata: Object.meta{labels: {'t': 'x'}}}"),
    ("*", "Object{}"),
    ("deployment", "Object{spec: Object.spec{replicas: object.spec.replicas + 1}}"),
    (
        "deployment",
        "Object{spec: Object.spec{template: Object.spec.template{metadata: Object.spec.template.metadata{labels: {'v': '2'}}}}}",
    ),
    (
        "deployment",
        "Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{hostNetwork: false, priorityClassName: 'system-node-critical'}}}}",
    ),
    (
        "deployment",
        "Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{volumes: [Object.spec.template.spec.volumes{name: 'v', emptyDir: Object.spec.template.spec.volumes.emptyDir{medium: 'Memory'}}], containers: [Object.spec.template.spec.containers{name: 'main', volumeMounts: [Object.spec.template.spec.containers.volumeMounts{name: 'v', mountPath: '/v'}]}]}}}}",
    ),
    ("deployment", "Object{spec: Object.spec{strategy: Object.spec.strategy{type: 'Recreate'}}}"),
    (
        "deployment",
        "Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{name: 'main', command: ['sh']}]}}}}",
    ),
    (
        "deployment",
        "Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{tolerations: [Object.spec.template.spec.tolerations{key: 'a', operator: 'Exists'}]}}}}",
    ),
    (
        "deployment",
        "Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{name: 'side', image: 'registry.test/s:1', ports: [Object.spec.template.spec.containers.ports{containerPort: 80}]}, Object.spec.template.spec.containers{name: 'main', ports: [Object.spec.template.spec.containers.ports{containerPort: 80, name: 'web'}]}]}}}}",
    ),
    (
        "pod",
        "Object{spec: Object.spec{initContainers: [Object.spec.initContainers{name: 'init', image: 'registry.test/i:1'}]}}",
    ),
    (
        "pod",
        "Object{spec: Object.spec{containers: object.spec.containers.map(c, Object.spec.containers{name: c.name, imagePullPolicy: 'Always'})}}",
    ),
    (
        "pod",
        "Object{spec: Object.spec{terminationGracePeriodSeconds: 5, enableServiceLinks: false}}",
    ),
    (
        "pod",
        "Object{spec: Object.spec{hostAliases: [Object.spec.hostAliases{ip: '1.2.3.4', hostnames: ['a']}]}}",
    ),
    (
        "service",
        "Object{spec: Object.spec{ports: [Object.spec.ports{port: 80, name: 'web'}, Object.spec.ports{port: 81, name: 'more'}]}}",
    ),
    ("service", "Object{spec: Object.spec{selector: {'app': 'x'}}}"),
    ("secret", "Object{type: 'Opaque', immutable: true}"),
    ("widget1", "Object{spec: Object.spec{size: 9, deep: Object.spec.deep{a: 1}}}"),
    ("widget1", "Object{limit: 'none'}"),
    ("thing1", "Object{spec: Object.spec{replicas: object.spec.replicas + 1, color: 'red'}}"),
    (
        "thing1",
        "Object{spec: Object.spec{ports: [Object.spec.ports{name: 'b', weight: 1}, Object.spec.ports{name: 'a', port: 80, note: 'x'}, Object.spec.ports{name: 'd'}]}}",
    ),
    ("thing1", "Object{spec: Object.spec{ports: [Object.spec.ports{note: 'no name'}]}}"),
    ("thing1", "Object{spec: Object.spec{ports: [Object.spec.ports{port: 82}]}}"),
    ("thing1", "Object{spec: Object.spec{tags: ['z', 'b', 'a']}}"),
    ("thing1", "Object{spec: Object.spec{tags: ['z'], on: true, either: 4}}"),
    ("thing1", "Object{spec: Object.spec{args: ['x']}}"),
    ("thing1", "Object{spec: Object.spec{limits: {'cpu': '1', 'new': 'x'}}}"),
    ("thing1", "Object{spec: Object.spec{whole: Object.spec.whole{a: 'x'}}}"),
    (
        "thing1",
        "Object{spec: Object.spec{open: Object.spec.open{a: 1.5, b: Object.spec.open.b{c: true}}}}",
    ),
    ("thing1", "Object{spec: Object.spec{open: Object.spec.open{a: ['x']}}}"),
    ("thing1", "Object{spec: Object.spec{open: 'text', when: 'now'}}"),
    (
        "thing1",
        "Object{spec: Object.spec{inner: Object.spec.inner{known: Object.spec.inner.known{a: 'x', b: 1}, other: 2}}}",
    ),
    (
        "thing1",
        "Object{spec: Object.spec{template: Object.spec.template{apiVersion: 'v1', kind: 'Pod', metadata: Object.spec.template.metadata{name: 'x', annotations: {'a': 'b'}}, spec: Object.spec.template.spec{hostPID: true}}}}",
    ),
    ("thing1", "Object{spec: Object.spec{groups: {'a': Object.spec.groups{rank: 1}}}}"),
    ("thing1", "Object{spec: Object.spec{replicas: 1.5}}"),
    ("thing1", "Object{spec: Object.spec{replicas: [1]}}"),
    ("thing1", "Object{spec: Object.spec{color: true}}"),
    ("thing1", "Object{spec: Object.spec{color: {'a': 'b'}}}"),
    ("thing1", "Object{spec: Object.spec{on: 1}}"),
    ("thing1", "Object{spec: Object.spec{either: [1]}}"),
    ("thing1", "Object{spec: Object.spec{when: 5}}"),
    ("thing1", "Object{spec: Object.spec{tags: 'a'}}"),
    ("thing1", "Object{spec: Object.spec{limits: 'a'}}"),
    ("thing1", "Object{spec: Object.spec{ports: ['a']}}"),
    ("thing1", "Object{spec: Object.spec{nothing: 5}}"),
    ("deployment", "Object{spec: Object.spec{replicas: 'two'}}"),
    ("deployment", "Object{spec: Object.spec{paused: 'yes'}}"),
    ("pod", "Object{spec: Object.spec{hostname: 5}}"),
];

const PATCHES: &[(&str, &str)] = &[
    ("configmap", "[JSONPatch{op: 'add', path: '/data/p', value: 'patched'}]"),
    (
        "configmap",
        "[JSONPatch{op: 'test', path: '/data/a', value: '1'}, JSONPatch{op: 'remove', path: '/data/a'}]",
    ),
    ("configmap", "[JSONPatch{op: 'replace', path: '/data', value: {'x': 'y'}}]"),
    ("configmap", "object.data.map(k, JSONPatch{op: 'replace', path: '/data/' + k, value: 'all'})"),
    (
        "configmap",
        "[JSONPatch{op: 'copy', from: '/data/a', path: '/data/copied'}, JSONPatch{op: 'move', from: '/data/a', path: '/data/moved'}]",
    ),
    ("configmap", "[JSONPatch{op: 'add', path: '/binaryData', value: {'b': 'YQ=='}}]"),
    ("*", "[JSONPatch{op: 'add', path: '/metadata/labels/patched', value: request.operation}]"),
    ("*", "[JSONPatch{op: 'remove', path: '/metadata/labels/tier'}]"),
    (
        "*",
        "[JSONPatch{op: 'add', path: '/metadata/annotations', value: {'a': 'b'}}, JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey('x.y/z'), value: 'w'}]",
    ),
    ("*", "[JSONPatch{op: 'add', path: '/metadata/finalizers/-', value: 'example.dev/a'}]"),
    ("*", "[JSONPatch{op: 'shout', path: '/metadata'}]"),
    (
        "*",
        "[JSONPatch{op: 'test', path: '/metadata/labels/tier', value: 'a'}, JSONPatch{op: 'add', path: '/metadata/labels/was', value: 'a'}]",
    ),
    ("deployment", "[JSONPatch{op: 'replace', path: '/spec/replicas', value: 4}]"),
    (
        "deployment",
        "[JSONPatch{op: 'add', path: '/spec/template/spec/containers/-', value: Object.spec.template.spec.containers{name: 'p', image: 'registry.test/p:1'}}]",
    ),
    (
        "deployment",
        "[JSONPatch{op: 'add', path: '/spec/template/spec/containers/0/args', value: ['x', 'y']}]",
    ),
    ("deployment", "[JSONPatch{op: 'remove', path: '/spec/template/spec/containers/3'}]"),
    (
        "pod",
        "[JSONPatch{op: 'add', path: '/spec/containers/0', value: {'name': 'zero', 'image': 'registry.test/z:1'}}]",
    ),
    ("pod", "[JSONPatch{op: 'add', path: '/spec/containers/0/unknown', value: true}]"),
    ("pod", "[JSONPatch{op: 'remove', path: '/spec/restartPolicy'}]"),
    (
        "widget1",
        "[JSONPatch{op: 'add', path: '/spec/more', value: [1, 2]}, JSONPatch{op: 'add', path: '/spec/more/1', value: 7}]",
    ),
    ("widget1", "[JSONPatch{op: 'replace', path: '/spec/size', value: 2.5}]"),
    ("service", "[JSONPatch{op: 'replace', path: '/spec/ports/0/port', value: 8080}]"),
    ("thing1", "[JSONPatch{op: 'add', path: '/spec/ports', value: [{'name': 'p'}]}]"),
    ("thing1", "[JSONPatch{op: 'remove', path: '/spec/replicas'}]"),
    ("thing1", "[JSONPatch{op: 'add', path: '/spec/nonsense', value: 5}]"),
    ("thing1", "[JSONPatch{op: 'add', path: '/spec/groups', value: {'g': {'members': ['a']}}}]"),
];

const RESOURCES: &[(&str, &str, &str)] = &[
    ("configmap", "", "configmaps"),
    ("deployment", "apps", "deployments"),
    ("pod", "", "pods"),
    ("service", "", "services"),
    ("secret", "", "secrets"),
    ("widget1", "example.dev", "widgets"),
    ("thing1", "example.dev", "things"),
    ("thing1", "example.dev", "things"),
    ("thing1", "example.dev", "things"),
];

/// What is sent of a Thing.
const THINGS: &[&str] = &[
    r#"{"ports": [{"name": "a", "weight": 1}, {"name": "b"}, {"name": "b", "port": 81}]}"#,
    r#"{"ports": [{"name": "c", "note": "x"}, {"name": "a", "port": 80}], "tags": ["b", "c", "a"]}"#,
    r#"{"tags": ["a"], "limits": {"cpu": 1, "memory": "1Gi"}, "color": "blue", "on": false}"#,
    r#"{"open": {"a": {"b": 1}, "b": {"c": false, "d": 2}}, "either": "x"}"#,
    r#"{"open": [1], "inner": {"known": {"a": "b"}, "more": {"x": 1}}, "whole": {"a": "1"}}"#,
    r#"{"template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"x": "y"}}, "spec": {"hostNetwork": true}}}"#,
    r#"{"groups": {"a": {"members": ["x"]}, "b": {"rank": 2}}, "replicas": 3}"#,
    r#"{"nonsense": {"a": 1}, "args": ["a"], "when": "2026-11-24T10:00:00Z"}"#,
    r#"{"color": 5, "tags": ["a"]}"#,
];

fn mutation(rng: &mut Rng, kind: &str) -> Value {
    let is_patch = rng.chance(if kind == "thing1" { 25 } else { 50 });
    let all = if is_patch { PATCHES } else { CONFIGURATIONS };
    let fit: Vec<&str> =
        all.iter().filter(|(of, _)| *of == kind || *of == "*").map(|(_, text)| *text).collect();
    let expression = rng.pick(&fit);
    match is_patch {
        true => json!({"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}),
        false => json!({"patchType": "ApplyConfiguration",
            "applyConfiguration": {"expression": expression}}),
    }
}

pub fn written(rng: &mut Rng, index: usize) -> Value {
    let &(kind, group, resource) = match rng.chance(30) {
        true => &RESOURCES[0],
        false => rng.pick(RESOURCES),
    };
    let n = 1 + rng.below(3);
    let mut policy = json!({
        "matchConstraints": {"resourceRules": [{"apiGroups": [group], "apiVersions": ["v1"],
            "resources": [resource], "operations": rng.pick(&[json!(["*"]), json!(["CREATE"]),
                json!(["CREATE", "UPDATE"])])}]},
        "reinvocationPolicy": rng.pick(&["Never", "IfNeeded"]),
        "failurePolicy": rng.pick(&["Fail", "Fail", "Ignore"]),
        "mutations": (0..n).map(|_| mutation(rng, kind)).collect::<Vec<_>>(),
    });
    if rng.chance(25) {
        policy["matchConditions"] = json!([{"name": "c", "expression": check(rng, false)}]);
    }
    if rng.chance(15) {
        policy["matchConstraints"]["objectSelector"] = selector(rng, OBJECT_KEYS);
    }
    let mut group = json!({"policies": [policy], "bindings": [{"of": 0, "mutating": true}]});
    if rng.chance(30) {
        let validation = json!({"expression": check(rng, false),
            "messageExpression": "string(object.metadata.labels.size()) + ' labels'"});
        let rules = group["policies"][0]["matchConstraints"]["resourceRules"].clone();
        let list = group["policies"].as_array_mut().unwrap();
        list.push(
            json!({"matchConstraints": {"resourceRules": rules}, "validations": [validation]}),
        );
        group["bindings"].as_array_mut().unwrap().push(json!({"of": 1}));
    }
    group["asks"] = (0..N_ASKS).map(|_| ask(rng, index, kind)).collect();
    group
}

fn ask(rng: &mut Rng, index: usize, kind: &str) -> Value {
    let mut labels = json!({});
    if rng.chance(80) {
        labels["tier"] = json!(rng.pick(&["a", "b"]));
    }
    let mut ask = json!({"name": format!("generated mutation {index}"), "kind": kind,
        "user": rng.pick(&["alice", "bob"]), "namespace": rng.pick(NAMESPACES),
        "operation": rng.pick(&["CREATE", "CREATE", "CREATE", "UPDATE", "DELETE"]),
        "object": {"metadata": {"labels": labels}}});
    if rng.chance(30) {
        ask["object"]["metadata"]["annotations"] = json!({"given": "1"});
    }
    if kind == "configmap" && rng.chance(40) {
        ask["object"]["data"] =
            rng.pick(&[json!({"b": "2", "c": "3"}), json!({"a": null})]).clone();
    }
    if kind == "deployment" && rng.chance(40) {
        ask["object"]["spec"] = json!({"template": {"spec": {"containers": [
            {"name": "first", "image": "registry.test/f:1", "ports": [{"containerPort": 80}]},
            {"name": "main", "image": "registry.test/m:1", "args": ["a"]}]}}});
    }
    if kind == "thing1" {
        ask["object"]["spec"] = serde_json::from_str(rng.pick::<&str>(THINGS)).unwrap();
    }
    ask
}
