//! The README's commands are real and print what it says.

use super::cli::{folder, repository, run_with_state};

#[test]
fn every_console_block_is_what_the_product_prints() {
    let text = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let state = folder("readme");
    let mut n_blocks = 0;
    for block in text.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let (command, expected) = block.split_once('\n').unwrap();
        let Some(args) = command.strip_prefix("$ ironhull ") else { continue };
        let args: Vec<&str> = args.split_whitespace().collect();
        let run = run_with_state(&repository(), &state, &args, "");
        n_blocks += 1;
        // A block may leave out lines with an ellipsis of its own line.
        let mut rest = run.stdout.as_str();
        for part in expected.split("…\n") {
            let Some(at) = rest.find(part) else {
                panic!("{command} does not print\n{part}\nbut\n{}", run.stdout)
            };
            rest = &rest[at + part.len()..];
        }
    }
    assert!(n_blocks >= 2, "the README shows no runs");
    std::fs::remove_dir_all(state).unwrap();
}
