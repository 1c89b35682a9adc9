//! Any bytes as the stream of a saved snapshot: an error, or a snapshot that can be
//! walked, written and read again.
#![no_main]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use ironhull_model::codec::{Limits, decode, encode};
use ironhull_model::{Node, Object};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let limits = Limits { bytes: 1 << 20 };
    _ = decode(data, limits);
    // With its checksum right the stream itself is reached.
    let mut bytes = b"ironhull snapshot 1\n".to_vec();
    let mut encoder = GzEncoder::new(&mut bytes, Compression::none());
    _ = encoder.write_all(data);
    _ = encoder.finish();
    let Ok(saved) = decode(&bytes, limits) else { return };
    for object in saved.snapshot.objects.iter().map(|object| &**object).chain(&saved.own) {
        walk(object.root());
    }
    saved.snapshot.facts.iter().for_each(|fact| walk(fact.value.root()));
    for told in &saved.snapshot.diagnostics {
        let place =
            told.place.and_then(|place| Some((place, saved.snapshot.source(place.source)?)));
        _ = place.map(|(place, source)| source.line(source.position(place.start).line));
    }
    let own: Vec<&Object> = saved.own.iter().collect();
    let again = encode(&saved.snapshot, &own, &saved.targets);
    let again = decode(&again, Limits::default()).expect("what is written is read");
    assert_eq!(again.snapshot.objects.len(), saved.snapshot.objects.len());
});

fn walk(node: Node<'_>) {
    _ = (node.pointer(), node.display(), node.get("name"));
    node.items().for_each(walk);
}
