//! `check --save FILE` and `snapshot:FILE`: the same words later, elsewhere, without secrets.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use ironhull_testkit::cluster::{Cluster, User};

use super::cli::{Run, folder, repository, run_with_state};
use super::cluster;

const FORMATS: [&str; 6] = ["table", "json", "sarif", "junit", "markdown", "html"];
const AT: &str = "2026-11-26";

/// Secrets in values, in a comment, in what is no YAML, and in what is no object.
const FILES: &[(&str, &str)] = &[
    (
        "secrets.yaml",
        "# unused: staple-outside-1\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  password: staple-data-22  # was staple-data-22\n---\nnot: an object\npassword: staple-nothing-3\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: ü}\nspec:\n  containers:\n  - name: c\n    image: nginx\n    securityContext: {privileged: true}\n    env:\n    - {name: DB_PASSWORD, value: staple-env-4444}\n",
    ),
    (
        "broken.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\nstringData:\n  password: 'staple-broken-5\n",
    ),
    (
        "exceptions.yaml",
        "apiVersion: ironhull.dev/v1\nkind: Exception\nmetadata: {name: known}\nspec:\n  kind: waiver\n  controls: [privileged-container]\n  subjects: [{kind: Pod, name: ü}]\n  reason: it is known\n  owner: team-a\n  until: 2026-12-24\n",
    ),
];

/// Every value above that must not be kept.
const SECRETS: &[&str] = &[
    "staple-outside-1",
    "staple-data-22",
    "staple-nothing-3",
    "staple-env-4444",
    "staple-broken-5",
];

/// Accepts something of the shop.
const WAIVER: &str = "
apiVersion: ironhull.dev/v1
kind: Exception
metadata: { name: for-now }
spec:
  type: waiver
  controls: [privileged-container]
  subjects: [{ kind: '*' }]
  reason: only here
  owner: shop
  expires: 2026-12-20
";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => _ = std::fs::copy(entry.path(), target).unwrap(),
        }
    }
}

/// The stream of a snapshot before it was compressed.
pub(crate) fn uncompressed(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let start = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut payload = Vec::new();
    GzDecoder::new(&bytes[start..]).read_to_end(&mut payload).unwrap();
    payload
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn same(live: &Run, saved: &Run, what: &str) {
    assert_eq!(saved.stdout, live.stdout, "{what}");
    assert_eq!(saved.stderr, live.stderr, "{what}");
    assert_eq!(saved.code, live.code, "{what}");
}

#[test]
fn a_directory_and_its_snapshot_print_the_same() {
    let (files, state, kept) = (folder("snap-files"), folder("snap-state"), folder("snap-kept"));
    copy(&repository().join("examples/shop"), &files);
    for (name, text) in FILES {
        std::fs::write(files.join(name), text).unwrap();
    }
    let path = kept.join("shop.ihs");
    let (file, target) = (path.to_str().unwrap(), format!("snapshot:{}", path.display()));
    for format in FORMATS {
        let check = |target: &str, more: &[&str]| {
            let args = ["check", target, "--at", AT, "--all", "-o", format];
            run_with_state(&files, &state, &[&args[..], more].concat(), "")
        };
        let live = check(".", &["--save", file]);
        assert!(live.stdout.len() > 1000, "{}", live.stderr);
        let explained = run_with_state(&files, &state, &["explain", "1", "--at", AT], "");
        same(&live, &check(&target, &[]), format);
        let again = run_with_state(&files, &state, &["explain", "1", "--at", AT], "");
        assert!(explained.stdout.contains("PROOF"), "{}", explained.stderr);
        same(&explained, &again, "explain");
    }
    // Policies and exceptions are the reader's: they go beside it.
    let waiver = state.join("waiver.yaml");
    std::fs::write(&waiver, WAIVER).unwrap();
    let with_waiver = |target: &str| {
        let args = ["check", target, "--at", AT, "-o", "json", "--policy"];
        run_with_state(&files, &state, &[&args[..], &[waiver.to_str().unwrap()]].concat(), "")
    };
    let (live, saved) = (with_waiver("."), with_waiver(&target));
    assert!(live.stdout.contains("only here"), "{}{}", live.stdout, live.stderr);
    same(&live, &saved, "a policy beside it");

    let kept = uncompressed(&path);
    assert!(holds(&kept, "DB_PASSWORD") && holds(&kept, "privileged: true"));
    for secret in SECRETS {
        assert!(!holds(&kept, secret), "{secret} is kept");
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    // Nothing is edited by what a snapshot says.
    let run = run_with_state(&files, &state, &["fix", "1"], "");
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("snapshot"), "{}", run.stderr);
    // A snapshot of a snapshot is the same.
    let copy = state.join("again.ihs");
    let args = ["check", &target, "--at", AT, "--save", copy.to_str().unwrap()];
    run_with_state(&files, &state, &args, "");
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(&path).unwrap());
    let diff = run_with_state(&files, &state, &["diff", ".", &target, "--at", AT], "");
    assert!(diff.stdout.contains("0 gone, 0 new"), "{}", diff.stdout);
}

#[test]
fn a_cluster_and_its_snapshot_print_the_same() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("saved");
    cluster::fill(cluster, &namespace);
    let (here, state) = (folder("snap-live"), folder("snap-live-state"));
    let kubeconfig = cluster.kubeconfig(&User::admin());
    let path = here.join("live.ihs");
    let target = format!("snapshot:{}", path.display());
    for format in FORMATS {
        let args = ["--at", AT, "--all", "-o", format];
        let live = ["check", "cluster:", "--kubeconfig", kubeconfig.to_str().unwrap()];
        let save = ["--save", path.to_str().unwrap()];
        let live = run_with_state(&here, &state, &[&live[..], &args, &save].concat(), "");
        let saved = run_with_state(&here, &state, &[&["check", &target][..], &args].concat(), "");
        same(&live, &saved, format);
    }
    let kept = uncompressed(&path);
    assert!(holds(&kept, &namespace));
    assert!(!holds(&kept, cluster::SECRET));
    let who = ["access", "who-can", "get", "secrets", &target];
    let run = run_with_state(&here, &state, &who, "");
    assert!(run.stdout.contains("system:masters"), "{}{}", run.stdout, run.stderr);
}

#[test]
fn keys_of_an_encryption_configuration_stay_where_they_are() {
    const KEY: &str = "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZS0zMmI=";
    let (here, state) = (folder("keys"), folder("keys-state"));
    let text = format!(
        "apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - identity: {{}}
  - aescbc: {{keys: [{{name: key1, secret: {KEY}}}]}}
"
    );
    std::fs::write(here.join("encryption.yaml"), text).unwrap();
    let path = state.join("saved.ihs");
    let check = ["check", ".", "-o", "json", "--save", path.to_str().unwrap()];
    let run = run_with_state(&here, &state, &check, "");
    assert!(run.stdout.contains("encryption-provider/EncryptionConfiguration/encryption"));
    let explained = run_with_state(&here, &state, &["explain", "1"], "");
    assert!(explained.stdout.contains("identity"), "{}", explained.stdout);
    for shown in [&run.stdout, &run.stderr, &explained.stdout, &explained.stderr] {
        assert!(!shown.contains(KEY), "{shown}");
    }
    assert!(!holds(&uncompressed(&path), KEY));
}

#[test]
fn what_is_no_snapshot_is_said() {
    let here = folder("snap-bad");
    let run = |text: &[u8]| {
        std::fs::write(here.join("s"), text).unwrap();
        run_with_state(&here, &here, &["check", "snapshot:s"], "")
    };
    let told = |run: Run, code: &str, words: &str| {
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(run.stderr.contains(code) && run.stderr.contains(words), "{}", run.stderr);
    };
    told(run(b"kind: Pod"), "IH0111", "no snapshot of ironhull");
    told(run(b"ironhull snapshot 9\n"), "IH0112", "version 9");
    told(run(b"ironhull snapshot 2\n\x1f\x8b"), "IH0111", "damaged");
    told(run_with_state(&here, &here, &["check", "snapshot:absent"], ""), "IH0111", "No such file");
    let beside = run_with_state(&here, &here, &["check", "snapshot:s", "."], "");
    assert!(beside.stderr.contains("--policy") && beside.stderr.contains("--save"));
    told(beside, "IH0111", "snapshot:s stands alone");
    let run = run_with_state(&here, &here, &["check", ".", "--save", "no/such/folder"], "");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("no/such/folder"), "{}", run.stderr);
}
