//! `fix --write` on the shop: the files read back as the repaired objects, every
//! other byte stays, and a second run changes nothing.

use std::path::Path;

use super::cli::{folder, repository, run_with_state};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().filter_map(Result::ok) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            _ = std::fs::copy(entry.path(), target).unwrap()
        }
    }
}

fn findings(directory: &Path, state: &Path) -> Vec<(String, bool)> {
    let run =
        run_with_state(directory, state, &["check", ".", "-o", "json", "--at", "2026-11-24"], "");
    let json: serde_json::Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr));
    let list = json["findings"].as_array().unwrap().iter();
    list.filter(|finding| finding["accepted"].is_null() && finding["verdict"] == "violated")
        .map(|finding| {
            let steps = finding["repair"].as_array().unwrap();
            let automatic = !steps.is_empty() && !steps.iter().any(|step| step["op"] == "ask");
            (finding["id"].as_str().unwrap().to_owned(), automatic)
        })
        .collect()
}

#[test]
fn the_shop_is_fixed_without_a_person() {
    let state = folder("fix-state");
    let shop = folder("fix-shop");
    copy(&repository().join("examples/shop"), &shop);
    let before = findings(&shop, &state);
    let n_automatic = before.iter().filter(|(_, automatic)| *automatic).count();
    assert!(n_automatic > 20, "only {n_automatic} findings can be fixed alone");
    let fixed =
        run_with_state(&shop, &state, &["fix", "--unsafe", "--write", "--at", "2026-11-24"], "");
    let after = findings(&shop, &state);
    let still: Vec<&String> =
        after.iter().filter(|(_, automatic)| *automatic).map(|(id, _)| id).collect();
    assert!(
        still.len() * 10 <= n_automatic,
        "{} of {n_automatic} are left: {still:?}\n{}",
        still.len(),
        fixed.stderr
    );
    for (id, _) in &after {
        assert!(before.iter().any(|(known, _)| known == id), "the fixes brought {id}");
    }
    // Comments survive, and a second run has nothing to do for what was fixed.
    let payments = std::fs::read_to_string(shop.join("deploy/payments.yaml")).unwrap();
    assert!(payments.contains("# \"it did not start without\" - nobody remembers what"));
    let again = run_with_state(&shop, &state, &["fix", "--unsafe", "--at", "2026-11-24"], "");
    assert!(
        again.stdout.lines().filter(|line| line.starts_with("+++")).count() <= still.len(),
        "{}",
        again.stdout
    );
    for folder in [state, shop] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

/// `kubectl` takes lists of lists, as templates make them.
#[test]
fn objects_in_lists_of_lists_are_fixed_and_verified_where_they_stand() {
    let (state, folder) = (folder("lists-state"), folder("lists"));
    let pod = |name: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: d}}, spec: {{containers: [{{name: c, image: 'a.example/b:1', securityContext: {{privileged: true}}}}]}}}}"
        )
    };
    let text = format!(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - {}\n  - {}\n- {}\n",
        pod("a"),
        pod("b"),
        pod("c")
    );
    std::fs::write(folder.join("list.yaml"), &text).unwrap();
    let run = |args: &[&str]| run_with_state(&folder, &state, args, "");
    let only = ["--only", "privileged-container"];
    let found = run(&[&["check", "list.yaml"][..], &only].concat());
    assert_eq!(found.stdout.matches(" is privileged").count(), 3, "{}", found.stdout);
    let explained = run(&["explain", "3"]).stdout;
    let selects = ".. | select(tag == \"!!map\" and (.kind == \"Pod\" or .kind == null) and .metadata.name == \"c\")";
    assert!(explained.contains(selects), "{explained}");
    let fixed = run(&["fix", "3", "--write"]);
    assert_eq!(fixed.code, 0, "{}", fixed.stderr);
    let after = std::fs::read_to_string(folder.join("list.yaml")).unwrap();
    let (before, last) = text.rsplit_once("privileged: true").unwrap();
    assert_eq!(after, format!("{before}privileged: false{last}"));
    for folder in [state, folder] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

/// Repairs of a long file are done together: one at a time each of them would
/// read the whole file again.
#[test]
fn many_objects_of_one_file_are_fixed_at_once() {
    let (state, folder) = (folder("many-state"), folder("many"));
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: pNUMBER, namespace: d}\nspec:\n  containers:\n  - {name: c, image: 'a.example/b:1', securityContext: {privileged: true}}\n";
    let item = pod.replace('\n', "\n  ").trim_end().to_owned();
    let stream: String =
        (0..300).map(|n| format!("---\n{}", pod.replace("NUMBER", &n.to_string()))).collect();
    let items: String =
        (0..300).map(|n| format!("- {}\n", item.replace("NUMBER", &format!("l{n}")))).collect();
    std::fs::write(folder.join("stream.yaml"), stream).unwrap();
    std::fs::write(
        folder.join("list.yaml"),
        format!("apiVersion: v1\nkind: List\nitems:\n{items}"),
    )
    .unwrap();
    let started = std::time::Instant::now();
    let run = |args: &[&str]| run_with_state(&folder, &state, args, "");
    run(&["check", "."]);
    let fixed = run(&["fix", "--write", "--unsafe"]);
    assert_eq!(fixed.code, 0, "{}", fixed.stderr);
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    for file in ["stream.yaml", "list.yaml"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        for part in ["privileged: false", "drop: [ALL]", "runAsNonRoot: true"] {
            assert_eq!(text.matches(part).count(), 300, "{part} in {file}");
        }
    }
}

/// A repair that the kubelet or the API server would answer with a refusal is none.
#[test]
fn no_fix_keeps_a_pod_from_starting() {
    let (state, folder) = (folder("starts-state"), folder("starts"));
    let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: d}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: d}\nspec:\n  volumes: [{name: v, hostPath: {path: /var/log}}]\n  containers:\n  - {name: c, image: 'a.example/b:1', securityContext: {runAsUser: 0}}\n";
    std::fs::write(folder.join("a.yaml"), text).unwrap();
    let run = |args: &[&str]| run_with_state(&folder, &state, args, "");
    run(&["check", "."]);
    let fixed = run(&["fix", "--unsafe"]).stdout;
    assert!(fixed.contains("drop: [ALL]"), "{fixed}");
    assert!(!fixed.contains("runAsNonRoot: true"), "uid 0 and not root:\n{fixed}");
    assert!(!fixed.contains("pod-security"), "the pod of that namespace has a hostPath:\n{fixed}");
}

/// A pod that waits no time before it is killed, on the node's network.
const RISKY: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: d}\nspec:\n  hostNetwork: true\n  terminationGracePeriodSeconds: 0\n  containers:\n  - {name: c, image: 'a.example/b:1'}\n";

/// What may stop a workload is done only when it is asked for, and said.
#[test]
fn repairs_that_may_stop_something_wait_to_be_asked_for() {
    let (state, folder) = (folder("unsafe-state"), folder("unsafe"));
    let file = folder.join("a.yaml");
    std::fs::write(&file, RISKY).unwrap();
    let run = |args: &[&str]| run_with_state(&folder, &state, args, "");
    let json = run(&["check", ".", "-o", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let of = |control: &str| {
        json["findings"].as_array().unwrap().iter().find(|found| found["control"] == control)
    };
    assert!(of("grace-period-zero").unwrap()["repairMay"].is_null());
    let may = of("host-namespaces").unwrap()["repairMay"].as_str().unwrap();
    assert!(run(&["explain", "host-namespaces"]).stdout.contains(may));
    assert!(
        run(&["explain", &of("host-namespaces").unwrap()["number"].to_string()])
            .stdout
            .contains(may)
    );

    let safe = run(&["fix", "--write"]);
    assert_eq!(safe.code, 0, "{}", safe.stderr);
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text, RISKY.replace("  terminationGracePeriodSeconds: 0\n", ""));
    let left = safe.stderr.lines().find(|line| line.contains("more with --unsafe")).unwrap();
    let n: usize = left.split(' ').next().unwrap().parse().unwrap();
    assert!(n > 5, "{left}");

    let named = run(&["fix", "host-namespaces/d/Pod/a", "--write"]);
    assert!(named.stderr.contains(may), "{}", named.stderr);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("hostNetwork") && !text.contains("drop"), "{text}");

    let all = run(&["fix", "--unsafe", "--write"]);
    assert!(!all.stderr.contains("more with --unsafe"), "{}", all.stderr);
    assert!(std::fs::read_to_string(&file).unwrap().contains("drop: [ALL]"));
}

/// Lines around a change may hold secrets: they are left out of what is shown, and
/// neither of the files nor of a patch that is asked for.
#[test]
fn secrets_stay_out_of_patches_that_are_shown() {
    let (state, folder) = (folder("masked-state"), folder("masked"));
    let file = folder.join("a.yaml");
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: d}\nspec:\n  containers:\n  - name: c\n    image: a.example/b:1\n    env:\n    - {name: DB_PASSWORD, value: 'tr0ub4dor'}\n    # - {name: OLD_TOKEN, value: cl0sedSesame}\n    securityContext: {privileged: true}\n  - {name: d, image: 'a.example/b:1', env: [{name: A_TOKEN, value: 0penSesame}], securityContext: {privileged: true}}\n";
    std::fs::write(&file, text).unwrap();
    let run = |args: &[&str]| run_with_state(&folder, &state, args, "");
    run(&["check", "."]);
    let shown = run(&["fix", "--unsafe"]);
    assert!(shown.stdout.contains("+    securityContext: {privileged: false"), "{}", shown.stdout);
    assert!(shown.stdout.contains("\n+  - {name: d"), "{}", shown.stdout);
    assert_eq!(shown.stdout.matches("‹redacted›").count(), 4, "{}", shown.stdout);
    for secret in ["tr0ub4dor", "0penSesame", "cl0sedSesame"] {
        assert!(!shown.stdout.contains(secret), "{}", shown.stdout);
    }
    assert!(shown.stderr.contains("--patch FILE"), "{}", shown.stderr);

    let patched = run(&["fix", "--unsafe", "--patch", "fix.patch"]);
    assert_eq!((patched.code, patched.stdout.as_str()), (0, ""), "{}", patched.stderr);
    let applied = std::process::Command::new("git")
        .args(["apply", "fix.patch"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    let by_patch = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text).unwrap();
    let written = run(&["fix", "--unsafe", "--write"]);
    assert!(!written.stdout.contains("tr0ub4dor"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), by_patch);
    assert!(by_patch.contains("tr0ub4dor") && by_patch.contains("0penSesame"));
    assert!(by_patch.contains("privileged: false"));
}
