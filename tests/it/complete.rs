//! What an estate that says it is complete means for a part of it.

use crate::cli::{folder, run_in};

/// `complete: true` is about the directory: a check of one file of it does not
/// take what stands beside the file for missing.
#[test]
fn one_file_of_a_complete_estate_is_a_fragment() {
    let estate = folder("complete");
    std::fs::write(estate.join("ironhull.yaml"), "complete: true\n").unwrap();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: x}\nspec:\n  serviceAccountName: web\n  containers: [{name: c, image: 'r.example/a:1'}]\n";
    std::fs::write(estate.join("pod.yaml"), pod).unwrap();
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: x}\n";
    let check = |target: &str| {
        let args = ["check", target, "--only", "service-account-missing", "--all"];
        run_in(&estate, &args, "").stdout
    };
    let missing = "ServiceAccount web does not exist";
    assert!(check(".").contains(missing), "{}", check("."));
    assert!(!check("pod.yaml").contains(missing), "{}", check("pod.yaml"));
    std::fs::write(estate.join("account.yaml"), account).unwrap();
    assert!(!check(".").contains(missing), "{}", check("."));
}
