//! Real manifests, as projects publish them inside their Go modules: everything is
//! read and judged, nothing fails, and little of it is loud. The modules are
//! fetched by the ordinary client and not committed; without it the test says so.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::cli::{folder, run_with_state};

/// Modules, and the folders in them that hold manifests.
const MODULES: &[(&str, &str, &[&str])] = &[
    ("k8s.io/kubernetes", "v1.37.1", &["cluster/addons", TEST_DRIVERS]),
    ("github.com/flannel-io/flannel", "v0.28.10", &["Documentation"]),
    ("go.universe.tf/metallb", "v0.16.2", &["config/manifests"]),
    ("sigs.k8s.io/metrics-server", "v0.9.0", &["manifests"]),
    ("sigs.k8s.io/gcp-compute-persistent-disk-csi-driver", "v1.28.1", &["deploy"]),
    ("github.com/aws/amazon-vpc-cni-k8s", "v1.23.2", &["config"]),
    ("k8s.io/ingress-nginx", "v0.0.0-20240708192948-52c50467d67d", &["deploy"]),
    ("github.com/prometheus-operator/prometheus-operator", "v0.85.0", &["example"]),
    (
        "github.com/projectcalico/calico",
        "v1.11.0-cni-plugin.0.20250813170300-a0db560f0520",
        &["manifests"],
    ),
];

/// Storage and device drivers made for tests: privileged all of them, and no pack
/// accepts them, so they are counted apart.
const TEST_DRIVERS: &str = "test/e2e/testing-manifests";

/// At most so many findings at or above high for 100 objects, after the packs.
const LOUDEST: f64 = 3.0;
const LOUDEST_TEST_DRIVERS: f64 = 110.0;

/// Codes of what a foreign tree may hold that cannot be judged: templates that
/// only their own tools can read, and files that are no objects.
const UNREAD: &[&str] = &["IH0101", "IH0102", "IH0103", "IH0104", "IH0201", "IH0501"];

/// The folder of a module, fetched by `go mod download`; or why it is not there.
pub(crate) fn fetch(module: &str, version: &str) -> Result<PathBuf, String> {
    let outside = std::env::temp_dir();
    let output = Command::new("go")
        .args(["mod", "download", "-json", &format!("{module}@{version}")])
        .current_dir(outside)
        .output()
        .map_err(|error| format!("no Go: {error}"))?;
    let json: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    json["Dir"].as_str().map(PathBuf::from).ok_or_else(|| json["Error"].to_string())
}

/// What was found in one folder.
#[derive(Default, Debug)]
struct Count {
    objects: u64,
    violated: usize,
    loud: Vec<String>,
    dated: usize,
    accepted: usize,
}

fn judge(directory: &Path, state: &Path) -> Count {
    let run =
        run_with_state(directory, state, &["check", ".", "-o", "json", "--at", "2026-11-26"], "");
    assert!(
        matches!(run.code, 0 | 1 | 3),
        "{}: exit {}\n{}",
        directory.display(),
        run.code,
        run.stderr
    );
    for code in run.stderr.split('[').skip(1).filter(|rest| rest.starts_with("IH")) {
        let code = code.split(']').next().unwrap_or_default();
        assert!(UNREAD.contains(&code), "{}: {code}\n{}", directory.display(), run.stderr);
    }
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let mut count =
        Count { objects: json["objects"].as_u64().unwrap_or_default(), ..Count::default() };
    for finding in json["findings"].as_array().unwrap() {
        if !finding["accepted"].is_null() {
            count.accepted += 1;
        } else if finding["verdict"] == "violated" {
            count.violated += 1;
            // What an old release is known to have is true of it, and no noise.
            if finding["control"] == "component-vulnerable" {
                count.dated += 1;
            } else if matches!(finding["severity"].as_str(), Some("high" | "critical")) {
                count.loud.push(format!("{} {}", finding["severity"], finding["id"]));
            }
        }
    }
    count
}

impl Count {
    fn add(&mut self, other: Count) {
        self.objects += other.objects;
        self.violated += other.violated;
        self.accepted += other.accepted;
        self.loud.extend(other.loud);
        self.dated += other.dated;
    }

    fn check(&self, what: &str, loudest: f64) {
        let share = self.loud.len() as f64 * 100.0 / self.objects as f64;
        println!(
            "{what}: {} objects, {} findings, {} at or above high ({share:.1} for 100 objects), {} known of old releases, {} accepted by packs",
            self.objects,
            self.violated,
            self.loud.len(),
            self.dated,
            self.accepted
        );
        assert!(self.objects >= 100, "hardly anything was found");
        assert!(share <= loudest, "{share:.1} loud for 100 objects:\n{}", self.loud.join("\n"));
    }
}

#[test]
fn real_manifests_are_judged_without_noise() {
    let mut missing = Vec::new();
    let mut folders: Vec<(String, PathBuf)> = Vec::new();
    for (module, version, inside) in MODULES {
        match fetch(module, version) {
            Ok(directory) => folders.extend(
                inside.iter().map(|name| (format!("{module}/{name}"), directory.join(name))),
            ),
            Err(why) => missing.push(format!("{module}@{version} ({why})")),
        }
    }
    if !missing.is_empty() {
        println!("not here, so these manifests were not judged: {}", missing.join(", "));
    }
    if folders.is_empty() {
        return;
    }
    let run = |(name, directory): &(String, PathBuf)| {
        let state = folder(&format!("noise-{}", name.replace('/', "-")));
        let count = judge(directory, &state);
        _ = std::fs::remove_dir_all(state);
        count
    };
    let (left, right) = folders.split_at(folders.len() / 2);
    let counts: Vec<Count> = std::thread::scope(|scope| {
        let left = scope.spawn(|| left.iter().map(run).collect::<Vec<_>>());
        let right: Vec<Count> = right.iter().map(run).collect();
        left.join().unwrap().into_iter().chain(right).collect()
    });
    let (mut real, mut tests) = (Count::default(), Count::default());
    for ((name, _), count) in folders.iter().zip(counts) {
        let all = if name.ends_with(TEST_DRIVERS) { &mut tests } else { &mut real };
        all.add(count);
    }
    if missing.is_empty() {
        tests.check("drivers for tests", LOUDEST_TEST_DRIVERS);
        real.check(&format!("{} modules", MODULES.len()), LOUDEST);
        // The packs know the network plugins and drivers among them.
        assert!(real.accepted > 1_500, "the packs accept only {}", real.accepted);
    }
}
