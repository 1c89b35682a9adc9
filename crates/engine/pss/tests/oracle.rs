//! Equal to `k8s.io/pod-security-admission`: verdict and text.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use ironhull_claims::claims;
use ironhull_model::Value;
use ironhull_pss::admission::{Configuration, Request};
use ironhull_pss::policy::{LevelVersion, Policy};
use ironhull_pss::{CHECKS, Level, Pod, Version, describe, evaluate};
use ironhull_testkit::oracle::{self, Case};
use ironhull_testkit::rng::Rng;

const N_PODS: usize = 12_000;
const N_REVIEWS: usize = 4_000;
const N_TIGHTENED: usize = 600;
const N_LABELS: usize = 1_500;

/// Value classes of one container's fields: hardened first, so that a sound pod is likely.
const CONTAINER_FIELDS: &[(&str, &[&str])] = &[
    ("privileged", &["false", "null", "true"]),
    ("allowPrivilegeEscalation", &["false", "true", "null"]),
    ("runAsNonRoot", &["true", "false", "null"]),
    ("runAsUser", &["1000", "0", "null", "1"]),
    ("procMount", &["\"Default\"", "\"Unmasked\"", "null", "\"\""]),
    (
        "capabilities",
        &[
            r#"{"drop":["ALL"]}"#,
            r#"{"drop":["ALL"],"add":["NET_BIND_SERVICE"]}"#,
            r#"{"drop":["all"]}"#,
            r#"{"add":["NET_ADMIN","SYS_TIME","CHOWN"]}"#,
            r#"{"drop":["ALL"],"add":["KILL","net_bind_service"]}"#,
            r#"{"drop":["NET_RAW","ALL"],"add":[]}"#,
            "{}",
            "null",
        ],
    ),
    (
        "seccompProfile",
        &[
            r#"{"type":"RuntimeDefault"}"#,
            r#"{"type":"Localhost","localhostProfile":"p.json"}"#,
            r#"{"type":"Unconfined"}"#,
            r#"{"type":""}"#,
            "null",
        ],
    ),
    (
        "appArmorProfile",
        &[
            "null",
            r#"{"type":"RuntimeDefault"}"#,
            r#"{"type":"Unconfined"}"#,
            r#"{"type":"Localhost"}"#,
        ],
    ),
    (
        "seLinuxOptions",
        &[
            "null",
            r#"{"type":"container_t","level":"s0:c1,c2"}"#,
            r#"{"type":"container_engine_t"}"#,
            r#"{"type":"spc_t"}"#,
            r#"{"user":"root"}"#,
            r#"{"role":"admin","type":"other_t"}"#,
            "{}",
        ],
    ),
    ("windowsOptions", &["null", r#"{"hostProcess":false}"#, r#"{"hostProcess":true}"#, "{}"]),
];

const POD_CONTEXT_FIELDS: &[(&str, &[&str])] = &[
    ("runAsNonRoot", &["true", "null", "false"]),
    ("runAsUser", &["null", "1000", "0"]),
    (
        "seccompProfile",
        &[
            r#"{"type":"RuntimeDefault"}"#,
            "null",
            r#"{"type":"Unconfined"}"#,
            r#"{"type":"Localhost"}"#,
        ],
    ),
    ("appArmorProfile", &["null", r#"{"type":"Unconfined"}"#, r#"{"type":"RuntimeDefault"}"#]),
    (
        "seLinuxOptions",
        &[
            "null",
            r#"{"type":"spc_t"}"#,
            r#"{"user":"u","role":"r"}"#,
            r#"{"type":"container_init_t"}"#,
        ],
    ),
    ("windowsOptions", &["null", r#"{"hostProcess":true}"#]),
    (
        "sysctls",
        &[
            "null",
            r#"[{"name":"kernel.shm_rmid_forced","value":"1"}]"#,
            r#"[{"name":"net.ipv4.ip_local_reserved_ports","value":"1"}]"#,
            r#"[{"name":"net.ipv4.tcp_keepalive_time","value":"1"},{"name":"net.ipv4.tcp_rmem","value":"1"}]"#,
            r#"[{"name":"net.ipv4.tcp_notsent_lowat","value":"1"}]"#,
            r#"[{"name":"kernel.msgmax","value":"1"},{"name":"net.core.somaxconn","value":"1"}]"#,
        ],
    ),
];

const VOLUMES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];

const ANNOTATIONS: &[(&str, &[&str])] = &[
    (
        "container.apparmor.security.beta.kubernetes.io/c0",
        &["runtime/default", "unconfined", "localhost/x", "", "a\\\"b\\u00e9\\t"],
    ),
    ("container.apparmor.security.beta.kubernetes.io/nobody", &["unconfined", "runtime/default"]),
    (
        "seccomp.security.alpha.kubernetes.io/pod",
        &["runtime/default", "unconfined", "docker/default"],
    ),
    ("container.seccomp.security.alpha.kubernetes.io/c0", &["localhost/p", "unconfined"]),
    ("container.seccomp.security.alpha.kubernetes.io/nobody", &["unconfined"]),
];

/// One class: mostly the sound one, sometimes any.
fn class<'v>(rng: &mut Rng, values: &[&'v str], wild: usize) -> &'v str {
    if rng.chance(wild) { values[rng.below(values.len())] } else { values[0] }
}

fn fields(rng: &mut Rng, table: &[(&str, &[&str])], wild: usize) -> String {
    let members: Vec<String> = table
        .iter()
        .map(|(name, values)| format!(r#""{name}":{}"#, class(rng, values, wild)))
        .collect();
    format!("{{{}}}", members.join(","))
}

const HANDLERS: [&str; 5] = [
    r#"{"httpGet":{"port":80,"host":"evil.example"}}"#,
    r#"{"tcpSocket":{"port":80,"host":"10.0.0.1"}}"#,
    r#"{"httpGet":{"port":80,"host":""}}"#,
    r#"{"httpGet":{"port":80}}"#,
    r#"{"exec":{"command":["true"]}}"#,
];

fn handler(rng: &mut Rng) -> &'static str {
    HANDLERS[rng.below(HANDLERS.len())]
}

fn container(rng: &mut Rng, name: &str, wild: usize) -> String {
    let mut text = format!(r#"{{"name":"{name}""#);
    if !rng.chance(wild / 4) {
        _ = write!(text, r#","securityContext":{}"#, fields(rng, CONTAINER_FIELDS, wild));
    }
    if rng.chance(wild) {
        let ports = [
            "[{\"containerPort\":80,\"hostPort\":80},{\"containerPort\":9,\"hostPort\":9},{\"containerPort\":81,\"hostPort\":8080}]",
            "[{\"containerPort\":80}]",
            "[{\"containerPort\":80,\"hostPort\":0}]",
            "[{\"containerPort\":443,\"hostPort\":443}]",
        ];
        _ = write!(text, r#","ports":{}"#, rng.pick(&ports));
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if rng.chance(wild / 2) {
            _ = write!(text, r#","{probe}":{}"#, handler(rng));
        }
    }
    if rng.chance(wild / 2) {
        let (start, stop) = (handler(rng), handler(rng));
        _ = write!(text, r#","lifecycle":{{"postStart":{start},"preStop":{stop}}}"#);
    }
    text + "}"
}

fn pod(rng: &mut Rng) -> (String, String) {
    // How unsound this pod is: from not at all to anything goes.
    let wild = *rng.pick(&[0, 0, 2, 5, 10, 30, 80]);
    let mut spec = String::from("{");
    for flag in ["hostNetwork", "hostPID", "hostIPC"] {
        if rng.chance(wild / 2) {
            _ = write!(spec, r#""{flag}":{},"#, rng.chance(70));
        }
    }
    match rng.below(8) {
        0 => spec += r#""hostUsers":false,"#,
        1 => spec += r#""hostUsers":true,"#,
        2 => spec += r#""os":{"name":"windows"},"#,
        3 => spec += r#""os":{"name":"linux"},"#,
        _ => {}
    }
    if !rng.chance(wild / 3) {
        _ = write!(spec, r#""securityContext":{},"#, fields(rng, POD_CONTEXT_FIELDS, wild));
    }
    if rng.chance(60) {
        let all = if rng.chance(wild) { VOLUMES.len() } else { 9 };
        let n_sources = *rng.pick(&[9, 10, all]);
        let volumes: Vec<String> = (0..rng.below(4))
            .map(|index| match rng.chance(wild / 10) {
                true => format!(r#"{{"name":"v{index}"}}"#),
                false => {
                    format!(r#"{{"name":"v{index}","{}":{{}}}}"#, rng.pick(&VOLUMES[..n_sources]))
                }
            })
            .collect();
        _ = write!(spec, r#""volumes":[{}],"#, volumes.join(","));
    }
    for (list, prefix, most) in [("initContainers", "i", 2), ("ephemeralContainers", "e", 2)] {
        if rng.chance(25) {
            let n = 1 + rng.below(most);
            let all: Vec<String> =
                (0..n).map(|index| container(rng, &format!("{prefix}{index}"), wild)).collect();
            _ = write!(spec, r#""{list}":[{}],"#, all.join(","));
        }
    }
    let n = 1 + rng.below(3);
    let all: Vec<String> = (0..n).map(|index| container(rng, &format!("c{index}"), wild)).collect();
    _ = write!(spec, r#""containers":[{}]}}"#, all.join(","));
    let annotations: Vec<String> = ANNOTATIONS
        .iter()
        .filter(|_| rng.chance(wild / 2))
        .collect::<Vec<_>>()
        .into_iter()
        .map(|(key, values)| format!(r#""{key}":"{}""#, rng.pick(values)))
        .collect();
    (spec, format!(r#"{{"annotations":{{{}}}}}"#, annotations.join(",")))
}

#[test]
#[claims("APP-38")]
fn verdict_and_text_are_those_of_the_api_server() {
    let mut rng = Rng::new(37);
    let mut mix: BTreeMap<String, usize> = BTreeMap::new();
    let mut n_allowed = 0;
    let mut cases = Vec::new();
    for _ in 0..N_PODS {
        let (spec, meta) = pod(&mut rng);
        let level = if rng.chance(50) { Level::Baseline } else { Level::Restricted };
        let version = match rng.below(40) {
            39 => Version::Latest,
            minor => Version::V1(minor as u16),
        };
        let (spec_value, meta_value): (Value, Value) =
            (serde_json::from_str(&spec).unwrap(), serde_json::from_str(&meta).unwrap());
        let failures = evaluate(
            level,
            version,
            &Pod { spec: spec_value.root(), meta: Some(meta_value.root()) },
        );
        for failure in &failures {
            assert!(!failure.culprits.is_empty(), "{}: nobody to blame", failure.check);
            *mix.entry(failure.check.to_owned()).or_default() += 1;
        }
        n_allowed += usize::from(failures.is_empty());
        let ours = if failures.is_empty() { "allowed".to_owned() } else { describe(&failures) };
        let input =
            format!(r#"{{"level":"{level}","version":"{version}","meta":{meta},"spec":{spec}}}"#);
        cases.push(Case { input, ours });
    }
    println!("{N_PODS} pods, {n_allowed} allowed; failures by check: {mix:?}");
    assert!(n_allowed * 100 >= N_PODS * 40, "only {n_allowed} of {N_PODS} allowed");
    for check in CHECKS {
        assert!(
            mix.get(check.id).is_some_and(|hits| *hits >= 50),
            "{} was hardly reached: {mix:?}",
            check.id
        );
    }
    oracle::check(&golden(), "pss", &cases);
}

#[test]
fn namespace_labels_mean_what_the_api_server_reads() {
    const LEVELS: [&str; 5] = ["privileged", "baseline", "restricted", "Restricted", ""];
    const VERSIONS: [&str; 8] =
        ["latest", "v1.0", "v1.30", "v1.99", "v1.05", "1.30", "v1.", "v2.1"];
    let mut rng = Rng::new(11);
    let mut cases = Vec::new();
    for _ in 0..N_LABELS {
        let mut labels = vec![r#""other":"x""#.to_owned()];
        for mode in ["enforce", "audit", "warn"] {
            if rng.chance(60) {
                labels.push(format!(
                    r#""pod-security.kubernetes.io/{mode}":"{}""#,
                    rng.pick(&LEVELS)
                ));
            }
            if rng.chance(50) {
                labels.push(format!(
                    r#""pod-security.kubernetes.io/{mode}-version":"{}""#,
                    rng.pick(&VERSIONS)
                ));
            }
        }
        let labels = format!("{{{}}}", labels.join(","));
        let value: Value = serde_json::from_str(&labels).unwrap();
        let (policy, wrong) = Policy::of_labels(Some(value.root()), Policy::PRIVILEGED);
        let ours = format!("{} {} {} {}", policy.enforce, policy.audit, policy.warn, wrong.len());
        cases.push(Case { input: format!(r#"{{"labels":{labels}}}"#), ours });
    }
    oracle::check(&golden(), "pss-labels", &cases);
}

/// One creation of a pod, Deployment or CronJob under a configuration.
fn review(rng: &mut Rng, mix: &mut BTreeMap<&'static str, usize>) -> Case {
    let configuration = configuration(rng);
    let labels = labels(rng);
    let (spec, meta) = pod(rng);
    let spec = match rng.below(6) {
        0 => spec.replacen('{', r#"{"runtimeClassName":"kata","#, 1),
        1 => spec.replacen('{', r#"{"runtimeClassName":"gvisor","#, 1),
        _ => spec,
    };
    let kind = *rng.pick(&["Pod", "Pod", "Deployment", "CronJob"]);
    let user = *rng.pick(&["", "system:serviceaccount:a:b", "ann", "bob"]);
    let template = format!(r#"{{"metadata":{meta},"spec":{spec}}}"#);
    let object = match kind {
        "Pod" => template.clone(),
        "Deployment" => format!(r#"{{"spec":{{"template":{template}}}}}"#),
        _ => format!(r#"{{"spec":{{"jobTemplate":{{"spec":{{"template":{template}}}}}}}}}"#),
    };
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let (read, labels_value) = (value(&configuration), value(&labels));
    let (spec_value, meta_value) = (value(&spec), value(&meta));
    let configured = Configuration::read(read.root()).unwrap();
    let answer = configured.review(
        &Request {
            user,
            namespace: "ns",
            labels: Some(labels_value.root()),
            pod: Pod { spec: spec_value.root(), meta: Some(meta_value.root()) },
            is_pod: kind == "Pod",
        },
        ironhull_model::Minor::v1(37),
    );
    let what = match &answer {
        answer if answer.exempt.is_some() => "exempt",
        answer if answer.denied.is_some() => "denied",
        answer if answer.warning.is_some() => "warned",
        answer if answer.audit.contains_key("audit-violations") => "audited",
        _ => "allowed",
    };
    *mix.entry(what).or_default() += 1;
    *mix.entry("wrong labels").or_default() += usize::from(answer.audit.contains_key("error"));
    // The API server puts the name of what is refused before the reason.
    let denied = answer
        .denied
        .map_or_else(String::new, |denied| format!("pods \"p\" is forbidden: {denied}"));
    let audit = (!answer.audit.is_empty()).then_some(answer.audit);
    let warnings = answer.warning.map(|warning| vec![warning]);
    let ours = serde_json::json!({ "denied": denied, "warnings": warnings, "audit": audit });
    let input = format!(
        r#"{{"review":{{"configuration":{configuration},"user":"{user}","labels":{labels},"kind":"{kind}","object":{object}}}}}"#
    );
    Case { input, ours: ours.to_string() }
}

fn configuration(rng: &mut Rng) -> String {
    let mut defaults = Vec::new();
    for mode in ["enforce", "audit", "warn"] {
        if rng.chance(40) {
            defaults.push(format!(
                r#""{mode}":"{}""#,
                rng.pick(&["privileged", "baseline", "restricted"])
            ));
        }
        if rng.chance(30) {
            defaults
                .push(format!(r#""{mode}-version":"{}""#, rng.pick(&["latest", "v1.20", "v1.34"])));
        }
    }
    let namespaces = if rng.chance(8) { r#"["other","ns"]"# } else { r#"["other"]"# };
    format!(
        r#"{{"apiVersion":"pod-security.admission.config.k8s.io/v1","kind":"PodSecurityConfiguration","defaults":{{{}}},"exemptions":{{"usernames":["ann"],"namespaces":{namespaces},"runtimeClasses":["kata"]}}}}"#,
        defaults.join(",")
    )
}

fn labels(rng: &mut Rng) -> String {
    let mut labels = vec![r#""other":"x""#.to_owned()];
    let wrong = rng.chance(10);
    for mode in ["enforce", "audit", "warn"] {
        if rng.chance(50) {
            let levels = ["privileged", "baseline", "restricted", "Restricted"];
            let level = rng.pick(if wrong { &levels[..] } else { &levels[..3] });
            labels.push(format!(r#""pod-security.kubernetes.io/{mode}":"{level}""#));
        }
        if rng.chance(40) {
            let versions = ["latest", "v1.0", "v1.30", "v1.99", "1.30"];
            let version = rng.pick(if wrong { &versions[..] } else { &versions[..4] });
            labels.push(format!(r#""pod-security.kubernetes.io/{mode}-version":"{version}""#));
        }
    }
    format!("{{{}}}", labels.join(","))
}

#[test]
fn reviews_are_those_of_the_admission_plugin() {
    let mut rng = Rng::new(5);
    let mut mix = BTreeMap::new();
    let cases: Vec<Case> = (0..N_REVIEWS).map(|_| review(&mut rng, &mut mix)).collect();
    println!("{N_REVIEWS} reviews: {mix:?}");
    for what in ["exempt", "denied", "warned", "audited", "allowed", "wrong labels"] {
        assert!(mix.get(what).is_some_and(|n| *n >= 100), "{what} was hardly reached: {mix:?}");
    }
    oracle::check(&golden(), "pss-reviews", &cases);
}

/// "What if this namespace were restricted?", as the API server warns.
#[test]
fn tightening_a_namespace_warns_as_the_api_server_does() {
    let mut rng = Rng::new(6);
    let mut n_warned = 0;
    let cases: Vec<Case> = (0..N_TIGHTENED)
        .map(|_| {
            let pods: Vec<(String, String, String)> = (0..rng.below(6))
                .map(|_| {
                    let (spec, meta) = pod(&mut rng);
                    (format!("p{}", rng.below(1000)), spec, meta)
                })
                .collect();
            let level = *rng.pick(&["baseline", "restricted"]);
            let version = *rng.pick(&["latest", "v1.20", "v1.35"]);
            let configuration = r#"{"apiVersion":"pod-security.admission.config.k8s.io/v1","kind":"PodSecurityConfiguration"}"#;
            let values: Vec<(Value, Value)> = pods
                .iter()
                .map(|(_, spec, meta)| {
                    (serde_json::from_str(spec).unwrap(), serde_json::from_str(meta).unwrap())
                })
                .collect();
            let named: Vec<(&str, Pod<'_>)> = pods
                .iter()
                .zip(&values)
                .map(|((name, ..), (spec, meta))| {
                    (name.as_str(), Pod { spec: spec.root(), meta: Some(meta.root()) })
                })
                .collect();
            let enforce = LevelVersion {
                level: Level::parse(level).unwrap(),
                version: Version::parse(version).unwrap(),
            };
            let warnings = Configuration::default().tighten("ns", enforce, &named, ironhull_model::Minor::v1(37));
            n_warned += usize::from(!warnings.is_empty());
            let warnings = (!warnings.is_empty()).then_some(warnings);
            let ours = serde_json::json!({ "denied": "", "warnings": warnings, "audit": null });
            let pods: Vec<String> = pods
                .iter()
                .map(|(name, spec, meta)| {
                    let meta = meta.replacen('{', &format!(r#"{{"name":"{name}","#), 1);
                    format!(r#"{{"metadata":{meta},"spec":{spec}}}"#)
                })
                .collect();
            let input = format!(
                r#"{{"review":{{"configuration":{configuration},"labels":{{"a":"b"}},"kind":"Namespace","tighten":{{"pod-security.kubernetes.io/enforce":"{level}","pod-security.kubernetes.io/enforce-version":"{version}"}},"pods":[{}]}}}}"#,
                pods.join(",")
            );
            Case { input, ours: ours.to_string() }
        })
        .collect();
    println!("{N_TIGHTENED} changes of labels, {n_warned} with warnings");
    assert!(n_warned * 3 > N_TIGHTENED && n_warned < N_TIGHTENED);
    oracle::check(&golden(), "pss-tighten", &cases);
}

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}
