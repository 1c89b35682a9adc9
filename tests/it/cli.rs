//! Exit codes, formats, determinism.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use ironhull_claims::claims;
use serde_json::{Value, json};

/// What a run of the product gave.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The product's binary, built once.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        // What Cargo says of this package would make dependencies that look at it anew.
        let of_this =
            |name: &str| name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(of_this) {
                build.env_remove(name);
            }
        }
        let output = build
            .args(["build", "--quiet", "--locked", "-p", "ironhull", "--message-format", "json"])
            .current_dir(repository())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let artifact = text
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find_map(|message| message["executable"].as_str().map(PathBuf::from));
        artifact.expect("cargo build names the executable")
    })
}

/// A folder of its own for one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ironhull-it-{}-{name}", std::process::id()));
    _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) fn run_in(directory: &Path, args: &[&str], input: &str) -> Run {
    let state = folder(&format!(
        "state-{}",
        args.join("_").replace(['/', ' '], "-").chars().take(40).collect::<String>()
    ));
    run_with_state(directory, &state, args, input)
}

pub(crate) fn run_with_state(directory: &Path, state: &Path, args: &[&str], input: &str) -> Run {
    run_with(directory, state, &[], args, input)
}

pub(crate) fn run_with(
    directory: &Path,
    state: &Path,
    variables: &[(&str, &str)],
    args: &[&str],
    input: &str,
) -> Run {
    let mut child = Command::new(binary())
        .args(args)
        .current_dir(directory)
        .env("XDG_STATE_HOME", state)
        .env("COLUMNS", "100")
        .env_remove("IRONHULL_FAIL_ON")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end before it reads: that is no failure of the test.
    _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn check(args: &[&str], input: &str) -> Run {
    run_in(&repository(), args, input)
}

const PRIVILEGED: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - {name: c, image: 'a:1', securityContext: {privileged: true}}\n";

#[test]
fn the_shop_has_findings_and_its_twin_none() {
    let shop = check(&["check", "examples/shop"], "");
    assert_eq!(shop.code, 1, "{}{}", shop.stdout, shop.stderr);
    assert!(shop.stdout.contains("privileged-container"));
    let twin = check(&["check", "examples/shop-hardened", "--all", "--strict"], "");
    assert_eq!(twin.code, 0, "{}{}", twin.stdout, twin.stderr);
    assert!(twin.stdout.contains("· 0 findings"), "{}", twin.stdout);
}

#[test]
fn exit_codes_and_their_precedence() {
    for (args, input, code) in [
        (&["check", "-"][..], PRIVILEGED, 1),
        (&["check", "-", "--exit-zero"], PRIVILEGED, 0),
        (&["check", "-", "--fail-on", "never"], PRIVILEGED, 0),
        (&["check", "-", "--fail-on", "critical>=2"], PRIVILEGED, 0),
        (&["check", "-", "--fail-on", "critical>=1"], PRIVILEGED, 1),
        (&["check", "-", "--only", "privileged-container", "--strict"], PRIVILEGED, 1),
        (&["check", "-", "--fail-on", "nonsense"], PRIVILEGED, 2),
        (&["check", "-", "--only", "privileged-contaner"], PRIVILEGED, 2),
        (&["check", "-", "--kubernetes-version", "9.9"], PRIVILEGED, 2),
        (&["check", "no/such/path"], "", 3),
        (&["check", "-"], "", 3),
        (&["check", "-"], "apiVersion: v1\nkind: Pod\nmetadata: [", 3),
        (&["check", "-", "--exit-zero"], "apiVersion: v1\nkind: Pod\nmetadata: [", 3),
        (&["check", "-"], "apiVersion: apps/v1\nkind: Pod\nmetadata: {name: a}", 3),
        (&["chekc"], "", 2),
        (&["--help"], "", 0),
        (&["policy", "pss", "-", "--level", "baseline"], PRIVILEGED, 1),
        (&["policy", "pss", "-", "--level", "privileged"], PRIVILEGED, 0),
        (&["policy", "eval", "object.kind == 'Pod'", "-"], PRIVILEGED, 0),
        (&["policy", "eval", "object.kind ==", "-"], PRIVILEGED, 2),
        (&["explain", "IH0104"], "", 0),
        (&["explain", "privileged-container"], "", 0),
    ] {
        let run = check(args, input);
        assert_eq!(run.code, code, "{args:?}\n{}{}", run.stdout, run.stderr);
    }
    // A finding beside a broken document: the finding wins, the gap is told.
    let both = check(&["check", "-"], &format!("{PRIVILEGED}---\napiVersion: v1\nkind: [\n"));
    assert_eq!(both.code, 1);
    assert!(both.stdout.contains("UNREAD"), "{}", both.stdout);
}

#[test]
fn a_misspelt_name_suggests_the_right_one() {
    let run = check(&["check", "-", "--only", "privileged-contaner"], PRIVILEGED);
    assert!(run.stderr.contains("did you mean \"privileged-container\""), "{}", run.stderr);
}

#[test]
#[claims("BLD-20", part = "the same file gives the same bytes")]
fn equal_input_gives_equal_bytes() {
    let args = ["check", "examples/shop", "-o", "json", "--at", "2026-11-24"];
    let first = check(&args, "");
    let second = check(&args, "");
    assert_eq!(first.stdout, second.stdout);
    let json: serde_json::Value = serde_json::from_str(&first.stdout).unwrap();
    assert_eq!(json["apiVersion"], "ironhull.dev/v1");
    assert_eq!(json["exit"], 1);
    let findings = json["findings"].as_array().unwrap();
    let mut fingerprints: Vec<&str> =
        findings.iter().map(|finding| finding["fingerprint"].as_str().unwrap()).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), findings.len(), "fingerprints are unique");
    for finding in findings.iter().filter(|finding| finding["verdict"] == "violated") {
        assert!(!finding["evidence"].as_array().unwrap().is_empty(), "no proof: {}", finding["id"]);
    }
}

#[test]
fn secrets_never_come_out() {
    for format in ["table", "json", "sarif", "junit", "markdown", "html"] {
        let run = check(&["check", "examples/shop", "--all", "-o", format], "");
        for secret in
            ["tr0ub4dor", "0penSesame", "AKIAQ7NKZ5VJ2WMLT4RB", "correct horse", "not-a-real-key"]
        {
            assert!(
                !run.stdout.contains(secret) && !run.stderr.contains(secret),
                "{format} shows {secret}"
            );
        }
    }
}

#[test]
fn every_format_is_well_formed_and_counts_the_same() {
    let json: serde_json::Value =
        serde_json::from_str(&check(&["check", "examples/shop", "-o", "json"], "").stdout).unwrap();
    let n = json["summary"]["findings"].as_u64().unwrap() as usize;
    let sarif: serde_json::Value =
        serde_json::from_str(&check(&["check", "examples/shop", "-o", "sarif"], "").stdout)
            .unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.iter().filter(|result| result["suppressions"].is_null()).count(), n);
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(
            result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64().unwrap()
                >= 1
        );
    }
    let junit = check(&["check", "examples/shop", "-o", "junit"], "").stdout;
    assert_eq!(junit.matches("<failure ").count(), n);
    let html = check(&["check", "examples/shop", "-o", "html"], "").stdout;
    assert_eq!(html.matches("<tr id=\"f").count(), n);
    assert!(!html.contains("http://") && !html.contains("<script"), "the page is self-contained");
    let empty: serde_json::Value = serde_json::from_str(
        &check(&["check", "examples/shop-hardened", "-o", "sarif"], "").stdout,
    )
    .unwrap();
    assert_eq!(empty["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn since_an_earlier_report_only_what_is_new_counts() {
    let folder = folder("since");
    let earlier = folder.join("before.json");
    std::fs::write(&earlier, run_in(&folder, &["check", "-", "-o", "json"], PRIVILEGED).stdout)
        .unwrap();
    let path = earlier.display().to_string();
    let same =
        run_in(&folder, &["check", "-", "--since", &path, "--fail-on", "new.low"], PRIVILEGED);
    assert_eq!(same.code, 0, "{}", same.stdout);
    let renamed = PRIVILEGED.replace("name: a", "name: b");
    assert_eq!(
        run_in(&folder, &["check", "-", "--since", &path, "--fail-on", "new.critical"], &renamed)
            .code,
        1
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_closed_pipe_keeps_the_verdict() {
    let script = format!(
        "{} check examples/shop -o json | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}",
        binary().display()
    );
    let output =
        Command::new("bash").args(["-c", &script]).current_dir(repository()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "1");
}

#[test]
fn the_last_check_is_remembered() {
    let state = folder("last");
    let run = |args: &[&str]| run_with_state(&repository(), &state, args, "");
    assert_eq!(run(&["explain", "1"]).code, 2, "there is no last check yet");
    run(&["check", "examples/shop"]);
    let explained = run(&["explain", "1"]);
    assert!(
        explained.stdout.contains("PROOF") && explained.stdout.contains("VERIFY"),
        "{}",
        explained.stdout
    );
    let shown = run(&["show", "critical", "ns/payments"]);
    assert!(shown.stdout.contains("privileged-container"), "{}", shown.stdout);
    assert_eq!(run(&["show", "nonsense"]).code, 2);
    let except =
        run(&["except", "1", "--reason", "legacy", "--owner", "shop", "--at", "2026-11-24"]);
    assert!(
        except.stdout.contains("kind: Exception")
            && except.stdout.contains("expires: \"2026-12-24\""),
        "{}",
        except.stdout
    );
    std::fs::remove_dir_all(state).unwrap();
}

#[test]
#[claims("BLD-12")]
fn a_gate_flips_the_exit_code_at_exactly_its_count() {
    let pods = |n: usize| {
        let pod =
            |at: usize| PRIVILEGED.replace("{name: a}", &format!("{{name: a{at}}}")) + "---\n";
        (0..n).map(pod).collect::<String>()
    };
    for count in [1, 10] {
        let gate = format!("critical>={count}");
        let args = ["check", "-", "--only", "privileged-container", "--fail-on", &gate];
        for (n, code) in [(count - 1, 0), (count, 1), (count + 1, 1)] {
            if n > 0 {
                let run = check(&args, &pods(n));
                assert_eq!(run.code, code, "{n} at {gate}\n{}", run.stdout);
            }
        }
    }
}

/// A policy's rung and scope, a gate's scope, and mistakes in either.
#[test]
#[claims("BLD-19", part = "a policy that warns changes no exit code")]
#[claims("BLD-23", part = "gates by namespace, kind, name and label")]
fn policies_and_gates_say_what_counts() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: NS}\nspec: {containers: [{name: c, image: a, securityContext: {privileged: true}}]}\n---\n";
    let pods = pod.replace("NS", "blue") + &pod.replace("NS", "green");
    let document = |kind: &str, spec: &str| {
        format!("apiVersion: ironhull.dev/v1\nkind: {kind}\nmetadata: {{name: p}}\nspec: {spec}\n")
    };
    let check = |more: &str, args: &[&str]| {
        let args = [&["check", "-", "--only", "privileged-container"], args].concat();
        run_in(&repository(), &args, &format!("{pods}{more}"))
    };
    assert_eq!(check("", &[]).code, 1);
    let warn = document("Policy", "{controls: [privileged-container], rung: warn}");
    let run = check(&warn, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("[warn] container c is privileged"), "{}", run.stdout);
    let blue = "{controls: ['*'], scope: [{namespace: blue}], rung: observe}";
    assert_eq!(check(&document("Policy", blue), &[]).code, 1, "green still counts");
    let gate = document("Gate", "{scope: [{namespace: '*e*'}], failOn: critical>=3}");
    assert_eq!(check(&gate, &[]).code, 0, "two are not three");
    assert_eq!(check(&gate, &["--fail-on", "critical"]).code, 1, "the command line wins");
    let misspelt = document("Policy", "{controls: [privileged-contain], rung: warn}");
    let run = check(&misspelt, &["--fail-on", "never"]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("did you mean \"privileged-container\"?"), "{}", run.stderr);
    let folder = folder("policy-file");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("policy.yaml");
    std::fs::write(&file, misspelt).unwrap();
    assert_eq!(check("", &["--policy", file.to_str().unwrap()]).code, 2);
    std::fs::write(&file, warn).unwrap();
    assert_eq!(check("", &["--policy", file.to_str().unwrap()]).code, 0);
    std::fs::remove_dir_all(folder).unwrap();
}

/// The last line and JSON say which gate decided; what else changes the exit code.
#[test]
fn the_gate_that_decides_is_said() {
    let folder = folder("gate-said");
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("pod.yaml", &PRIVILEGED.replace("name: a", "name: a, namespace: blue"));
    let gate = |fail_on: &str| {
        write(
            "gate.yaml",
            &format!(
                "apiVersion: ironhull.dev/v1\nkind: Gate\nmetadata: {{name: blue}}\nspec:\n  scope: [{{namespace: blue}}]\n  failOn: {fail_on}\n"
            ),
        );
    };
    let run = |args: &[&str]| {
        let args = [&["check", ".", "--only", "privileged-container"], args].concat();
        run_in(&folder, &args, "")
    };
    // The last line from the findings on, without what comes next, and the exit code.
    let said = |args: &[&str]| {
        let run = run(args);
        let last = run.stdout.trim_end().lines().last().unwrap_or_default().to_owned();
        let (_, last) = last.split_once("not applicable · ").unwrap_or_else(|| panic!("{last}"));
        (last.trim_end_matches("  next: ironhull explain 1").to_owned(), run.code)
    };
    let is = |text: &str, code: i32| (text.to_owned(), code);
    assert_eq!(said(&[]), is("1 finding, 1 at or above high · exit 1", 1));
    gate("never");
    let of = |text: &str| format!("1 finding, {text}, 0 at or above high elsewhere · exit ");
    let never = of("0 of 1 count for Gate blue (never ./gate.yaml:6)");
    assert_eq!(said(&[]), is(&format!("{never}0"), 0));
    gate("critical>=2");
    let two = of("1 of 1 count for Gate blue (critical>=2 ./gate.yaml:6)");
    assert_eq!(said(&[]), is(&format!("{two}0"), 0));
    gate("critical");
    let critical = of("1 of 1 count for Gate blue (critical ./gate.yaml:6)");
    assert_eq!(said(&[]), is(&format!("{critical}1 by Gate blue"), 1));
    assert_eq!(said(&["--exit-zero"]), is(&format!("{critical}0"), 0));
    // What the command line says is said of everything.
    assert_eq!(said(&["--fail-on", "never"]), is("1 finding · exit 0", 0));
    assert_eq!(said(&["--fail-on", "low"]), is("1 finding, 1 at or above low · exit 1", 1));
    assert_eq!(run(&["--fail-on", "hgih"]).code, 2);

    let gates = |args: &[&str]| {
        let run = run(&[args, &["-o", "json"]].concat());
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let summary = report["summary"].clone();
        (summary["gates"].clone(), summary["failing"].clone())
    };
    let rest = |covered: u64, counted: u64, fails: bool| json!({"failOn": "high", "covered": covered, "counted": counted, "fails": fails});
    let (both, failing) = gates(&[]);
    assert_eq!(both[0]["name"], "blue");
    assert_eq!(both[0]["place"]["path"], "./gate.yaml");
    assert_eq!(both[0]["place"]["line"], 6);
    let of_gate = ["failOn", "covered", "counted", "fails"].map(|name| both[0][name].clone());
    assert_eq!(json!(of_gate), json!(["critical", 1, 1, true]));
    assert_eq!((&both[1], failing), (&rest(0, 0, false), json!(1)));
    let (both, failing) = gates(&["--fail-on", "high"]);
    assert_eq!((both, failing), (json!([rest(1, 1, true)]), json!(1)));

    // What was not judged is 3; findings win over it, and --exit-zero takes only them away.
    write("broken.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: [\n");
    assert_eq!(run(&[]).code, 1);
    assert_eq!(run(&["--exit-zero"]).code, 3);
    gate("never");
    assert_eq!((run(&[]).code, run(&["--strict"]).code), (3, 3));
    std::fs::remove_file(folder.join("broken.yaml")).unwrap();
    // What is unknown is 3 where it is asked for.
    let unknown = |more: &[&str]| {
        let args = ["check", ".", "--only", "privileged-container,default-deny-ingress"];
        run_in(&folder, &[&args, more].concat(), "").code
    };
    write("space.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: blue}\n");
    assert_eq!((unknown(&[]), unknown(&["--strict"])), (0, 3));
    gate("critical");
    assert_eq!((unknown(&["--strict"]), unknown(&["--strict", "--exit-zero"])), (1, 3));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn show_new_lists_what_the_check_before_had_not() {
    let (state, estate) = (folder("new-state"), folder("new-estate"));
    std::fs::create_dir_all(&estate).unwrap();
    let run = |args: &[&str]| run_with_state(&estate, &state, args, "");
    std::fs::write(estate.join("a.yaml"), PRIVILEGED).unwrap();
    run(&["check", "--at", "2026-11-01"]);
    std::fs::write(estate.join("b.yaml"), PRIVILEGED.replace("name: a", "name: b")).unwrap();
    run(&["check", "--at", "2026-11-02"]);
    let new = run(&["show", "new", "critical"]);
    assert!(new.stdout.contains("Pod b") && !new.stdout.contains("Pod a"), "{}", new.stdout);
    for (pod, day) in [("a", "2026-11-01"), ("b", "2026-11-02")] {
        let explained = run(&["explain", &format!("privileged-container/Pod/{pod}")]);
        assert!(explained.stdout.contains(&format!("SINCE      {day}")), "{}", explained.stdout);
    }
    run(&["check", "--at", "2026-11-03"]);
    assert!(run(&["show", "new"]).stdout.contains("0 findings"));
    for folder in [state, estate] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

/// Labels, exemptions, a version, and "what if this namespace were restricted?".
#[test]
fn pod_security_verdicts_by_label_and_by_question() {
    let pss = |args: &[&str], input: &str| {
        run_in(&repository(), &[&["policy", "pss", "-"], args].concat(), input)
    };
    let namespaced = PRIVILEGED.replace("{name: a}", "{name: a, namespace: blue}");
    let unknown = pss(&[], &namespaced);
    assert_eq!(unknown.code, 3, "{}", unknown.stdout);
    assert!(unknown.stdout.contains("it is not in the input"), "{}", unknown.stdout);
    let labelled = |level: &str| {
        format!(
            "{namespaced}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: blue, labels: {{pod-security.kubernetes.io/{level}}}}}\n"
        )
    };
    let denied = pss(&[], &labelled("enforce: baseline"));
    assert_eq!(denied.code, 1);
    let text = "blue/Pod/a: forbidden: violates PodSecurity \"baseline:latest\": privileged (container \"c\" must not set securityContext.privileged=true)";
    assert!(denied.stdout.contains(text), "{}", denied.stdout);
    let warned = pss(&[], &labelled("warn: baseline"));
    assert_eq!(warned.code, 0);
    assert!(warned.stdout.contains("warning: would violate PodSecurity"), "{}", warned.stdout);
    let what_if = pss(&["--level", "restricted", "--version", "v1.20", "-n", "blue"], &namespaced);
    assert_eq!(what_if.code, 1);
    let text = "existing pods in namespace \"blue\" violate the new PodSecurity enforce level \"restricted:v1.20\"";
    assert!(what_if.stdout.contains(text), "{}", what_if.stdout);
    assert_eq!(pss(&["--level", "restricted", "-n", "green"], &namespaced).code, 0);
    let folder = folder("pss");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("admission.yaml");
    let exempt = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: PodSecurity\n  configuration:\n    apiVersion: pod-security.admission.config.k8s.io/v1\n    kind: PodSecurityConfiguration\n    exemptions: {namespaces: [blue]}\n";
    std::fs::write(&file, exempt).unwrap();
    let run = pss(&["--admission-config", file.to_str().unwrap()], &labelled("enforce: baseline"));
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("its namespace is exempt"), "{}", run.stdout);
    std::fs::write(&file, "kind: Nothing").unwrap();
    assert_eq!(pss(&["--admission-config", file.to_str().unwrap()], PRIVILEGED).code, 2);
    std::fs::remove_dir_all(folder).unwrap();
}
