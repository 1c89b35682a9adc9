//! Saved snapshots: what is written is read, and whatever else is read ends in an error.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{Read, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use ironhull_model::codec::{DecodeError, Limits, Saved, decode, encode};
use ironhull_model::source::{Rendered, TemplateLine};
use ironhull_model::{
    Builder, Cause, Code, Coverage, Diagnostic, Fact, Gap, Minor, Node, Object, Origin, Snapshot,
    Source, SourceId, Standing, ThingRef, UnseenKind, Value,
};
use ironhull_testkit::live;
use ironhull_testkit::rng::Rng;

const HEADER: &[u8] = b"ironhull snapshot 2\n";

fn scalar(rng: &mut Rng, builder: &mut Builder, (start, end): (u32, u32)) {
    match rng.below(7) {
        0 => builder.null(start, end),
        1 => builder.bool(rng.below(2) == 0, start, end),
        2 => builder.int(rng.below(1000) as i64 - 500, start, end),
        3 => builder.int(i64::MIN, start, end),
        4 => builder.uint(u64::MAX, start, end),
        5 => builder.float(-0.25, start, end),
        _ => builder.str(["", "nginx", "ü→🞄", "a\0b"][rng.below(4)], start, end),
    }
}

/// A random document whose spans are inside a text of ten bytes.
fn fill(rng: &mut Rng, builder: &mut Builder, depth: usize) {
    let names = ["spec", "name", "containers", "not-in-any-schema", "ünknown", "x.y/z"];
    builder.begin_map(rng.below(10) as u32);
    for name in &names[..rng.below(names.len() + 1)] {
        builder.key(name, rng.below(10) as u32);
        match rng.below(4) {
            0 if depth > 0 => fill(rng, builder, depth - 1),
            1 if depth > 0 => {
                builder.begin_list(3);
                (0..rng.below(4)).for_each(|_| scalar(rng, builder, (4, 5)));
                builder.end(6);
            }
            _ => scalar(rng, builder, (7, 9)),
        }
        if rng.below(5) == 0 {
            builder.mark_defaulted();
        }
    }
    builder.end(10);
}

fn value(rng: &mut Rng, with_spans: bool) -> Value {
    let mut builder = if with_spans { Builder::with_spans() } else { Builder::new() };
    builder.begin_map(0);
    for (key, text) in [("apiVersion", "apps/v1"), ("kind", "Deployment")] {
        builder.key(key, 0);
        builder.str(text, 1, 2);
    }
    builder.key("metadata", 3);
    builder.begin_map(3);
    builder.key("name", 3);
    builder.str(&format!("n{}", rng.below(100)), 4, 6);
    builder.end(7);
    builder.key("rest", 7);
    fill(rng, &mut builder, 4);
    builder.end(10);
    builder.finish()
}

fn snapshot(seed: u64) -> Saved {
    let mut rng = Rng::new(seed);
    let mut snapshot = Snapshot::new(Minor::v1(30 + rng.below(8) as u16));
    snapshot.minor_assumed = rng.below(2) == 0;
    snapshot.coverage = match rng.below(4) {
        0 => Coverage::Fragment,
        1 => Coverage::Complete,
        2 => Coverage::AllBut(vec!["Event".to_owned()]),
        _ => Coverage::Kinds(vec!["Pod".to_owned(), "apps/Deployment".to_owned()]),
    };
    let mut source = Source::new("a.yaml", "0123456789ü\n".to_owned());
    source.shown.insert(1, "shown".to_owned());
    source.rendered = Some(Rendered {
        command: "helm template .".to_owned(),
        lines: vec![
            None,
            Some(TemplateLine { line: 3, text: "t".to_owned(), value: Some("v".to_owned()) }),
        ],
    });
    snapshot.sources = vec![source, Source::new("b.yaml", "0123456789".to_owned())];
    snapshot.gaps = vec![Gap {
        what: "w".to_owned(),
        cause: Cause::Denied,
        reason: "r".to_owned(),
        supply: "s".to_owned(),
        fact: Some("node.kubelet-config"),
        kind: Some(Box::new(UnseenKind {
            name: "apps/Deployment".to_owned(),
            seen_in: vec!["n".to_owned()],
        })),
    }];
    snapshot.diagnostics =
        vec![Diagnostic::error(Code::YamlSyntax, "m").at(SourceId(1), 2, 5).help("h")];
    for at in 0..20 {
        let standing =
            [Standing::Given, Standing::Assumed, Standing::Live, Standing::Partial][rng.below(4)];
        let origin = (rng.below(2) == 0).then_some(Origin {
            source: SourceId(at % 2),
            document: at,
            item: (at % 3 == 0).then_some(at),
        });
        let mut object = Object::new(value(&mut rng, origin.is_some()), origin).unwrap();
        object.standing = standing;
        snapshot.facts.push(Fact {
            thing: object.thing.clone(),
            name: "owner",
            value: value(&mut rng, false),
            source: "git".to_owned(),
        });
        snapshot.objects.push(Arc::new(object));
    }
    snapshot.facts.push(Fact {
        thing: Arc::new(ThingRef::cluster()),
        name: "cluster.version",
        value: value(&mut rng, false),
        source: "/version".to_owned(),
    });
    snapshot.seal();
    let origin = Some(Origin { source: SourceId(0), document: 7, item: None });
    let own = vec![Object::new(value(&mut rng, true), origin).unwrap()];
    Saved { snapshot, own, targets: vec!["cluster:".to_owned(), "ü".to_owned()] }
}

fn bytes(saved: &Saved) -> Vec<u8> {
    let own: Vec<&Object> = saved.own.iter().collect();
    encode(&saved.snapshot, &own, &saved.targets)
}

/// Everything of a node and what is below it, spans and marks too.
fn told(node: Node<'_>, out: &mut String) {
    *out += &format!(
        "{:?} {} {:?} {} {}\n",
        node.key(),
        node.to_json(),
        node.span(),
        node.is_defaulted(),
        node.is_aliased()
    );
    node.items().for_each(|child| told(child, out));
}

fn shown(saved: &Saved) -> String {
    let Saved { snapshot, own, targets } = saved;
    let mut out = format!(
        "{targets:?} {:?} {} {:?} {:?} {:?} {:?}",
        snapshot.minor,
        snapshot.minor_assumed,
        snapshot.coverage,
        snapshot.gaps,
        snapshot.diagnostics,
        snapshot.sources
    );
    for object in snapshot.objects.iter().map(|object| &**object).chain(own) {
        out += &format!(
            "{:?} {} {:?} {:?}\n",
            object.thing, object.version, object.origin, object.standing
        );
        told(object.root(), &mut out);
    }
    for fact in &snapshot.facts {
        out += &format!("{:?} {} {} {:?}\n", fact.thing, fact.name, fact.source, fact.value);
    }
    out
}

#[test]
fn what_is_written_is_read() {
    for seed in 0..200 {
        let saved = snapshot(seed);
        let bytes = bytes(&saved);
        let read = decode(&bytes, Limits::default()).unwrap();
        assert_eq!(shown(&read), shown(&saved), "seed {seed}");
        assert_eq!(self::bytes(&read), bytes, "equal snapshots give equal bytes");
    }
}

#[test]
fn another_format_or_version_is_told() {
    let limits = Limits::default();
    let of = |bytes: &[u8]| decode(bytes, limits).unwrap_err();
    assert_eq!(of(b""), DecodeError::NoSnapshot);
    assert_eq!(of(b"{\"apiVersion\":\"v1\"}"), DecodeError::NoSnapshot);
    assert_eq!(of(b"ironhull snapshot one\n"), DecodeError::NoSnapshot);
    assert_eq!(of(b"ironhull snapshot 1\nwhatever"), DecodeError::Version(1));
    assert!(matches!(of(HEADER), DecodeError::Damaged(_)));
}

#[test]
fn what_is_cut_off_or_changed_is_noticed() {
    let bytes = bytes(&snapshot(1));
    for end in 0..bytes.len() {
        assert!(decode(&bytes[..end], Limits::default()).is_err(), "{end} bytes");
    }
    let mut n_refused = 0;
    for at in HEADER.len() + 10..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        // Of the compressed bytes a few bits mean nothing; how many, the compressor decides.
        let same = |read: Saved| shown(&read) == shown(&snapshot(1));
        assert!(decode(&changed, Limits::default()).map_or(true, same), "byte {at}");
        n_refused += usize::from(decode(&changed, Limits::default()).is_err());
    }
    let n_changed = bytes.len() - HEADER.len() - 10;
    assert!(n_refused * 10 >= n_changed * 9, "{n_refused} of {n_changed}");
    let behind = [bytes.as_slice(), b"x"].concat();
    assert!(decode(&behind, Limits::default()).is_err());
}

fn compressed(payload: &[u8]) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    let mut encoder = GzEncoder::new(&mut bytes, Compression::best());
    encoder.write_all(payload).unwrap();
    encoder.finish().unwrap();
    bytes
}

/// With its checksum right a stream may say anything: it is an error or a snapshot
/// that can be walked and written again.
#[test]
fn a_hostile_stream_is_an_error_or_a_snapshot() {
    let mut rng = Rng::new(7);
    let mut n_read = 0;
    for seed in 0..20 {
        let bytes = bytes(&snapshot(seed));
        let mut payload = Vec::new();
        GzDecoder::new(&bytes[HEADER.len()..]).read_to_end(&mut payload).unwrap();
        for _ in 0..500 {
            let mut hostile = payload.clone();
            for _ in 0..=rng.below(3) {
                let at = rng.below(hostile.len());
                hostile[at] = [0, 1, 0x7f, 0x80, 0xff, rng.below(256) as u8][rng.below(6)];
            }
            if let Ok(saved) = decode(&compressed(&hostile), Limits::default()) {
                n_read += 1;
                assert!(!shown(&saved).is_empty());
                let (source, at) = (&saved.snapshot.sources[0], 4);
                assert!(source.position(at).line >= 1);
                assert!(decode(&self::bytes(&saved), Limits::default()).is_ok());
            }
        }
    }
    assert!(n_read > 100, "only {n_read} of 10,000 were read, which proves little");
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let bomb = compressed(&vec![0; 200 << 20]);
    assert!(bomb.len() < 2 << 20);
    // A million bytes may become 256 times as much, and no more than is allowed at all.
    let limits = Limits { bytes: 64 << 20 };
    assert_eq!(decode(&bomb, limits).unwrap_err(), DecodeError::TooLarge(64));
    let small = compressed(&vec![0; 40 << 20]);
    assert_eq!(
        decode(&small, Limits::default()).unwrap_err(),
        DecodeError::TooLarge(16 + ((256 * (small.len() - HEADER.len()) as u64) >> 20))
    );
}

#[test]
fn a_large_cluster_is_a_small_file() {
    let mut rng = Rng::new(67);
    let texts: Vec<String> = (0..5_000).map(|number| live::pod(&mut rng, number)).collect();
    let n_bytes: usize = texts.iter().map(String::len).sum();
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    let object = |text: &String| Object::new(serde_json::from_str(text).unwrap(), None).unwrap();
    snapshot.objects = texts.iter().map(|text| Arc::new(object(text))).collect();
    snapshot.seal();
    let started = std::time::Instant::now();
    let bytes = encode(&snapshot, &[], &[]);
    let written = started.elapsed();
    let started = std::time::Instant::now();
    let read = decode(&bytes, Limits::default()).unwrap();
    println!(
        "5,000 pods, {n_bytes} bytes of JSON: a file of {}, written in {written:?}, read in {:?}",
        bytes.len(),
        started.elapsed()
    );
    assert_eq!(read.snapshot.objects.len(), 5_000);
    assert_eq!(read.snapshot.objects[77].value, snapshot.objects[77].value);
    assert!(bytes.len() * 5 < n_bytes);
}
