//! The table of how fields are written is that of the API server's own types.

use std::path::Path;

use ironhull_testkit::oracle;

#[test]
fn the_table_is_that_of_the_go_types() {
    let Some(answers) = oracle::ask_directly("wire", &["{}".to_owned()]) else { return };
    let theirs: String = serde_json::from_str(&answers[0]).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/generated/wire.txt");
    if std::env::var("IRONHULL_ORACLE").is_ok_and(|mode| mode == "record") {
        std::fs::write(&path, &theirs).unwrap();
    }
    let ours = std::fs::read_to_string(&path).unwrap();
    assert!(ours == theirs, "{} is stale: run make oracles", path.display());
}
