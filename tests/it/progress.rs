//! How far a command is: told on a terminal, when it takes more than a second, and gone
//! before anything else is printed.

use std::process::Command;

use super::cli::{binary, folder};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME}\nspec: {containers: [{name: c, image: a}]}\n";

/// What `check` of a file and of a pipe that is written to after a while says on
/// standard error.
fn said(name: &str, on_terminal: bool) -> String {
    let (folder, state) = (folder(name), folder(&format!("{name}-state")));
    for pod in ["a", "b"] {
        std::fs::write(folder.join(format!("{pod}.yaml")), POD.replace("NAME", pod)).unwrap();
    }
    let binary = binary().display().to_string();
    let check = format!("{binary} check a.yaml pipe --exit-zero -o json > out.json");
    let check = match on_terminal {
        true => format!("script -qec '{check}' /dev/null < /dev/null"),
        false => check,
    };
    let script = format!("mkfifo pipe; (sleep 1.3; cat b.yaml > pipe) & {check}; wait");
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(&folder)
        .env("XDG_STATE_HOME", &state)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let report = std::fs::read_to_string(folder.join("out.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["objects"], 2, "{}", report["objects"]);
    for folder in [folder, state] {
        std::fs::remove_dir_all(folder).unwrap();
    }
    // The terminal that `script` makes is its standard output.
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn a_terminal_is_told_how_far_it_is_after_a_second() {
    let told = said("progress", true);
    assert!(told.contains("\r2 of 2 files read\x1b[K"), "{told:?}");
    assert!(told.ends_with("\r\x1b[K"), "the line is taken away: {told:?}");
    assert_eq!(said("progress-piped", false), "");
}
