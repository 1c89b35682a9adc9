//! What comes from outside: names, paths and texts that were not written for us.

use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use super::cli::{binary, folder, run_in, run_with_state};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: NS}\nspec:\n  serviceAccountName: web\n  containers:\n  - {name: c, image: 'a.example/b:1', securityContext: {privileged: true}}\n";

#[test]
fn secrets_stay_out_of_lines_that_are_shown() {
    let (folder, state) = (folder("secret-lines"), folder("secret-lines-state"));
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n";
    let files = [
        ("open.yaml", format!("{secret}  a: \"VALUE-ONE\n  b: c\n")),
        ("twice.yaml", format!("{secret}  a: VALUE-TWO\n  a: VALUE-THREE\n")),
        (
            "env.yaml",
            POD.replace("image:", "env: [{name: DB_PASSWORD, value: VALUE-FOUR}], image:"),
        ),
        (
            "broken.yaml",
            POD.replace("image:", "env: [{name: DB_PASSWORD, value: VALUE-FIVE}, image:"),
        ),
    ];
    for (name, text) in &files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let run = |args: &[&str]| {
        let run = run_with_state(&folder, &state, args, "");
        let all = format!("{}{}", run.stdout, run.stderr);
        for value in ["ONE", "TWO", "THREE", "FOUR", "FIVE"] {
            assert!(!all.contains(&format!("VALUE-{value}")), "{args:?} shows {value}:\n{all}");
        }
        all
    };
    assert!(run(&["check", "."]).contains("--> ./open.yaml:5:6"));
    assert!(run(&["explain", "secret-literal"]).contains("plain text"));
    let explained = run(&["explain", "secret-literal/NS/Pod/web/DB_PASSWORD@c"]);
    assert!(explained.contains("value: ‹redacted›"), "{explained}");
}

#[test]
fn names_steer_neither_a_terminal_nor_a_shell() {
    let (folder, state) = (folder("names"), folder("names-state"));
    let name = "a\\e[31mred\\nCRITICAL  Pod fake'$(id)'";
    let text = POD.replace("name: web, namespace: NS", &format!("name: \"{name}\""));
    std::fs::write(folder.join("it's a.yaml"), text).unwrap();
    for args in [
        &["check", ".", "--all"][..],
        &["explain", "1"],
        &["show"],
        &["fix", "1"],
        &["except", "1", "--reason", "x", "--owner", "y"],
        &["check", ".", "-o", "markdown"],
    ] {
        let run = run_with_state(&folder, &state, args, "");
        let all = format!("{}{}", run.stdout, run.stderr);
        assert!(
            !all.contains('\u{1b}') && !all.contains("\nCRITICAL  Pod fake"),
            "{args:?}\n{all}"
        );
        if args[0] == "explain" {
            let verify = all.lines().find(|line| line.contains("yq ")).unwrap().trim();
            let words = Command::new("bash")
                .args(["-c", &format!("yq() {{ printf '%s\\n' \"$@\"; }}; {verify}")])
                .output()
                .unwrap();
            let words = String::from_utf8(words.stdout).unwrap();
            assert!(words.contains("fake'$(id)'"), "the shell ran it: {words}");
            assert!(words.ends_with("./it's a.yaml\n"), "{words}");
        }
        if args[0] == "except" {
            std::fs::write(folder.join("except.yaml"), &run.stdout).unwrap();
            let accepted = run_in(&folder, &["check", ".", "--only", "privileged-container"], "");
            assert!(
                accepted.stdout.contains("ACCEPTED 1"),
                "{}{}",
                accepted.stdout,
                accepted.stderr
            );
            std::fs::remove_file(folder.join("except.yaml")).unwrap();
        }
    }
}

#[test]
fn a_created_file_replaces_nothing_and_stays_in_its_folder() {
    let (folder, state) = (folder("created"), folder("created-state"));
    std::fs::create_dir_all(folder.join("in/deep")).unwrap();
    std::fs::write(folder.join("ironhull.yaml"), "complete: true\n").unwrap();
    let taken = folder.join("in/deep/d-serviceaccount-web.yaml");
    std::fs::write(&taken, "precious: true\n").unwrap();
    let pods = POD.replace("NS", "../../out/x") + "---\n" + &POD.replace("NS", "d");
    std::fs::write(folder.join("in/deep/pods.yaml"), pods).unwrap();
    std::fs::create_dir_all(folder.join("out")).unwrap();
    run_with_state(&folder, &state, &["check", ".", "--only", "service-account-missing"], "");
    let fixed = run_with_state(&folder, &state, &["fix", "--write"], "");
    assert_eq!(fixed.code, 3, "{}{}", fixed.stdout, fixed.stderr);
    assert!(fixed.stderr.contains("exists already"), "{}", fixed.stderr);
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "precious: true\n");
    assert_eq!(std::fs::read_dir(folder.join("out")).unwrap().count(), 0);
    assert!(folder.join("in/deep/out-x-serviceaccount-web.yaml").is_file());
}

#[test]
fn a_link_stays_a_link_and_its_file_is_fixed() {
    let (folder, state) = (folder("link"), folder("link-state"));
    std::fs::write(folder.join("real.yaml"), POD).unwrap();
    std::os::unix::fs::symlink("real.yaml", folder.join("link.yaml")).unwrap();
    run_with_state(&folder, &state, &["check", "link.yaml"], "");
    run_with_state(&folder, &state, &["fix", "--write", "1"], "");
    assert!(folder.join("link.yaml").is_symlink());
    assert!(
        std::fs::read_to_string(folder.join("real.yaml")).unwrap().contains("privileged: false")
    );
}

#[test]
fn an_object_that_stands_in_two_files_is_fixed_where_its_number_says() {
    let (folder, state) = (folder("two"), folder("two-state"));
    for file in ["dev.yaml", "prod.yaml"] {
        std::fs::write(folder.join(file), POD).unwrap();
    }
    let run = |args: &[&str]| run_with_state(&folder, &state, args, "").stdout;
    let table = run(&["check", ".", "--only", "privileged-container"]);
    for (number, file) in [("1", "dev.yaml"), ("2", "prod.yaml")] {
        assert!(run(&["fix", number]).contains(&format!("+++ b/{file}")), "{table}");
        assert!(run(&["explain", number]).contains(&format!("{file}:7:")));
    }
    let shown = run(&["show"]);
    assert!(shown.contains("\n  1  ") && shown.contains("\n  2  "), "{shown}");
}

#[test]
fn what_cannot_be_read_is_not_gone() {
    let (folder, state) = (folder("unread"), folder("unread-state"));
    std::fs::write(folder.join("a.yaml"), POD).unwrap();
    let run = |args: &[&str]| run_with_state(&folder, &state, args, "");
    run(&["check", "a.yaml"]);
    for args in [&["diff", "no-such", "nor-this"][..], &["diff", "a.yaml", "no-such"]] {
        let diff = run(args);
        assert_eq!(diff.code, if args[1] == "a.yaml" { 1 } else { 3 });
        assert!(diff.stderr.contains("does not exist"), "{}", diff.stderr);
    }
    std::fs::write(folder.join("a.yaml"), POD.replace("kind: Pod", "kind: [")).unwrap();
    for args in [&["explain", "1"][..], &["show"], &["fix", "1"]] {
        let run = run(args);
        assert_eq!(run.code, 3, "{args:?}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains("IH0104"), "{args:?}: {}", run.stderr);
        assert!(!run.stdout.contains("is gone"), "{args:?}: {}", run.stdout);
    }
}

#[test]
fn whatever_is_named_is_read_once() {
    let (folder, state) = (folder("named"), folder("named-state"));
    std::fs::write(folder.join("a.yaml"), POD).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"odd-\xff.yaml");
    std::fs::write(folder.join(odd), POD.replace("web", "odd")).unwrap();
    let script = |script: &str| {
        let script = script.replace("ironhull", &binary().display().to_string());
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(&folder)
            .env("XDG_STATE_HOME", &state)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (said, output.status.code().unwrap_or(-1))
    };
    let (piped, _) = script("ironhull check <(cat a.yaml) --only privileged-container");
    assert!(piped.contains("1 object, 1 file"), "{piped}");
    let (odd, _) = script("ironhull check . --only privileged-container");
    assert!(odd.contains("2 objects, 2 files"), "{odd}");
    let (twice, _) = script("ironhull check a.yaml . ./a.yaml --only privileged-container");
    assert!(twice.contains("2 objects, 2 files"), "{twice}");
    assert_eq!(script("ironhull check a.yaml -o json > /dev/full").1, 2, "the report is lost");
}

#[test]
fn mistakes_of_a_call_are_told_and_judge_nothing() {
    let (folder, state) = (folder("mistakes"), folder("mistakes-state"));
    std::fs::create_dir_all(folder.join("empty")).unwrap();
    let control = "id: NAME\nsurface: application\ntitle: Pods are named\nwhy: so that they are found\napplies: Pod\nmust: object.metadata.name != 'web'\nmessage: pod {object.metadata.name} has no name of its own\nseverity: low\nexamples:\n- given: [{kind: Pod, metadata: {name: web}, spec: {containers: []}}]\n  expect: [{severity: low}]\n- given: [{kind: Pod, metadata: {name: x}, spec: {containers: []}}]\n  expect: holds\n";
    for (file, id) in [("own.yaml", "pods-are-named"), ("same.yaml", "naked-pod")] {
        std::fs::write(folder.join(file), control.replace("NAME", id)).unwrap();
    }
    std::fs::write(folder.join("a.yaml"), POD).unwrap();
    std::os::unix::fs::symlink(".", folder.join("empty/loop")).unwrap();
    std::os::unix::fs::symlink(".", folder.join("empty/loop2")).unwrap();
    let run = |args: &[&str], input: &str| run_with_state(&folder, &state, args, input);
    for (args, input, said) in [
        (&["policy", "eval", "true", "--kubernetes-version", "9.9"][..], POD, "9.9 is not known"),
        (&["policy", "eval", "true"], "", "no document"),
        (&["policy", "test", "empty"], "", "no control in empty"),
        (&["check", "a.yaml", "--controls", "same.yaml"], "", "two controls with the id"),
    ] {
        let run = run(args, input);
        assert_eq!(run.code, 2, "{args:?}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(said), "{args:?}: {}", run.stderr);
    }
    run(&["check", "a.yaml", "--controls", "own.yaml"], "");
    assert!(run(&["explain", "pods-are-named"], "").stdout.starts_with("pods-are-named  Pods are"));
    std::fs::write(folder.join("mine.yaml"), "controls: [own.yaml]\n").unwrap();
    run(&["check", "a.yaml", "--config", "mine.yaml"], "");
    let explained = run(&["explain", "pods-are-named"], "");
    assert_eq!(explained.code, 0, "--config is not remembered: {}", explained.stderr);
    assert_eq!(run(&["show", "-o", "sarif"], "").code, 2, "it would print a table");
    std::fs::write(folder.join("ironhull.yaml"), "kubernetes: 1.30\n").unwrap();
    assert!(run(&["check", "a.yaml"], "").stdout.contains("Kubernetes 1.30 ·"));
    let variables = [("IRONHULL_FAIL_ON", ""), ("IRONHULL_KUBERNETES_VERSION", "")];
    let empty = super::cli::run_with(&folder, &state, &variables, &["check", "a.yaml"], "");
    assert_eq!(empty.code, 1, "{}", empty.stderr);
    let exception = "apiVersion: ironhull.dev/v1\nkind: Exception\nmetadata: {name: e}\nspec:\n  type: waivr\n  controls: [naked-pod]\n  subjects: [{kind: Pod, name: web}]\n  reason: r\n  owner: o\n  expires: \"2026-12-20\"\n";
    let told = run(&["check", "-"], exception).stderr;
    assert!(told.contains("waivr") && !told.contains("unknown field"), "{told}");
}

/// The image that a by-design exception is pinned to is the one of the container
/// that it is about.
#[test]
fn a_by_design_exception_accepts_what_it_was_asked_for() {
    let (folder, state) = (folder("by-design"), folder("by-design-state"));
    let side = "containers:\n  - {name: side, image: 'a.example/side:1'}";
    std::fs::write(folder.join("a.yaml"), POD.replace("containers:", side)).unwrap();
    let run = |args: &[&str]| run_with_state(&folder, &state, args, "");
    run(&["check", ".", "--only", "privileged-container"]);
    let except = run(&["except", "1", "--by-design", "--reason", "r", "--owner", "o"]).stdout;
    std::fs::write(folder.join("except.yaml"), &except).unwrap();
    let checked = run(&["check", ".", "--only", "privileged-container"]);
    assert!(checked.stdout.contains("ACCEPTED 1"), "{except}{}", checked.stdout);
}

/// What the API server would not decode is no bug of ours: one line for the object,
/// which points at the field, and exit 3.
#[test]
fn an_object_of_the_wrong_types_is_told_once() {
    let folder = folder("types");
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: d}\nspec:\n  containers:\n  - name: c\n    image: a.example/b:1\n    securityContext: [privileged]\n    resources: [x]\n";
    std::fs::write(folder.join("a.yaml"), pod).unwrap();
    let run = super::cli::run_in(&folder, &["check", "a.yaml", "--exit-zero"], "");
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(!run.stderr.contains("IH0901"), "{}", run.stderr);
    assert_eq!(run.stderr.matches("[IH0203]").count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("a.yaml:8:"), "{}", run.stderr);
    assert!(run.stderr.contains("not judged by"), "{}", run.stderr);
    assert!(run.stderr.contains("strict-decoding"), "{}", run.stderr);
}

/// A control whose examples cannot fail is told: it has no near-miss, or no violation.
#[test]
fn own_controls_need_a_near_miss() {
    let folder = folder("near-miss");
    let control = "id: own\nsurface: application\ntitle: t\nwhy: w\napplies: [Deployment, StatefulSet]\nmust: object.?spec.?replicas.orValue(1) > 1\nmessage: one replica\nseverity: low\nexamples:\n";
    let violating = "- given: [ { kind: Deployment, spec: { replicas: 1 } } ]\n  expect: [ { severity: low } ]\n";
    let holding = "- given: [ { kind: Deployment, spec: { replicas: 2 } } ]\n  expect: holds\n";
    let unknown = "- given: [ { kind: Pod, spec: {} } ]\n  expect: na\n";
    let test = |examples: &[&str]| {
        std::fs::write(folder.join("own.yaml"), format!("{control}{}", examples.concat())).unwrap();
        super::cli::run_in(&folder, &["policy", "test", "own.yaml"], "")
    };
    let whole = test(&[violating, holding]);
    assert_eq!(whole.code, 0, "{}{}", whole.stdout, whole.stderr);
    for (examples, lacks) in
        [(&[violating, unknown][..], "near-miss"), (&[holding], "no example violates it")]
    {
        let run = test(examples);
        assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(lacks), "{}", run.stdout);
    }
    let misspelt = control.replace("replicas.or", "replcas.or") + violating + holding;
    std::fs::write(folder.join("own.yaml"), misspelt).unwrap();
    let run = super::cli::run_in(&folder, &["policy", "test", "own.yaml"], "");
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("replcas"), "{}", run.stderr);
}

/// An exception that covers nothing is told at its place, unless what it is for is
/// not judged this time.
#[test]
fn an_exception_that_covers_nothing_is_told() {
    let folder = folder("unused");
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: d}\nspec:\n  containers: [{name: c, image: 'a.example/b:1', securityContext: {privileged: true}}]\n";
    let exception = |name: &str, subject: &str| {
        format!(
            "---\napiVersion: ironhull.dev/v1\nkind: Exception\nmetadata: {{name: {name}}}\nspec: {{type: waiver, controls: [privileged-container], subjects: [{{kind: Pod, name: {subject}}}], reason: r, owner: o, expires: 2026-12-01}}\n"
        )
    };
    std::fs::write(folder.join("pod.yaml"), pod).unwrap();
    let both = exception("used", "a") + &exception("typo", "aa");
    std::fs::write(folder.join("exceptions.yaml"), &both).unwrap();
    let check = |more: &[&str]| {
        let args = [&["check", ".", "--at", "2026-11-24"], more].concat();
        super::cli::run_in(&folder, &args, "").stderr
    };
    let told = check(&[]);
    assert_eq!(told.matches("[IH0307]").count(), 1, "{told}");
    assert!(told.contains("exception typo covers no finding of privileged-container"), "{told}");
    assert!(told.contains("exceptions.yaml:10:"), "{told}");
    assert!(!check(&["--only", "host-namespaces"]).contains("IH0307"));
    // A file for several estates may name what this one does not hold.
    let elsewhere = folder.join("estate");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::rename(folder.join("pod.yaml"), elsewhere.join("pod.yaml")).unwrap();
    let told = super::cli::run_in(
        &folder,
        &["check", "estate", "--policy", "exceptions.yaml", "--at", "2026-11-24"],
        "",
    );
    assert!(!told.stderr.contains("IH0307"), "{}", told.stderr);
}

#[test]
fn a_second_document_of_the_configuration_is_a_mistake() {
    let folder = folder("second");
    std::fs::write(folder.join("pod.yaml"), POD).unwrap();
    std::fs::write(folder.join("ironhull.yaml"), "complete: true\n---\nfailOn: high>=1\n").unwrap();
    let run = super::cli::run_in(&folder, &["check", "pod.yaml"], "");
    assert_eq!(run.code, 2, "{}", run.stdout);
    assert!(run.stderr.contains("ironhull.yaml:3:1: a second document"), "{}", run.stderr);
}

#[test]
fn a_template_of_a_chart_says_that_it_is_one() {
    let folder = folder("template");
    std::fs::create_dir_all(folder.join("web/templates/sub")).unwrap();
    std::fs::write(folder.join("web/Chart.yaml"), "name: web\nversion: 1.0.0\napiVersion: v2\n")
        .unwrap();
    let template = POD.replace("name: web", "name: '{{ .Values.name }}'");
    assert_ne!(template, POD);
    std::fs::write(folder.join("web/templates/sub/pod.yaml"), &template).unwrap();
    std::fs::write(folder.join("web/templates/plain.yaml"), POD).unwrap();
    let check = |file: &str| super::cli::run_in(&folder, &["check", file], "");
    let run = check("web/templates/sub/pod.yaml");
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert!(run.stderr.contains("is a template of the Helm chart web"), "{}", run.stderr);
    assert!(run.stderr.contains("ironhull check web"), "{}", run.stderr);
    assert_eq!(check("web/templates/plain.yaml").code, 1);
}
