//! What is read of a log that a real API server wrote, and of broken ones.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use ironhull_audit::{Recent, Used, read};
use ironhull_model::Minor;

const LOG: &str = include_str!("../../../../tests/audit/shop.log");

#[test]
fn a_real_log_is_read_whole() {
    let (mut allowed, mut denied, mut chains) = (0, Vec::new(), Vec::new());
    let (tally, diagnostics) = read("shop.log", LOG.as_bytes(), |number, event| {
        assert!(number <= 65 && !event.audit_id.is_empty());
        if event.is_allowed() {
            allowed += 1;
        } else {
            denied.push(format!("{} {}", event.actor().username, event.request_uri));
        }
        for owner in event.owners().iter().filter(|owner| owner.controller) {
            chains.push(format!("{} of {}", event.name().len() > 4, owner.kind));
        }
    });
    assert!(diagnostics.is_empty());
    assert_eq!((tally.lines, tally.events, tally.broken), (65, 65, 0));
    assert_eq!(denied.len() + allowed, 65);
    assert_eq!(denied.len(), 2, "{denied:?}");
    assert!(denied[1].starts_with("anna /api/v1/nodes"), "{denied:?}");
    // Pods are made with generateName: only the answer says how they are called.
    assert_eq!(chains.iter().filter(|chain| *chain == "true of ReplicaSet").count(), 3);
}

/// The uses of the events with this request.
fn used(part: &str) -> Vec<String> {
    let mut found = Vec::new();
    _ = read("shop.log", LOG.as_bytes(), |_, event| {
        if event.is_end() && event.request_uri.contains(part) {
            found.extend(event.used(Minor::NEWEST).iter().map(|used| shown(used)));
        }
    });
    found
}

fn shown(used: &Used<'_>) -> String {
    match *used {
        Used::Url { verb, path } => format!("{verb} {path}"),
        Used::Resource { verb, resource, subresource, namespace, name, .. } => {
            format!("{verb} {resource}/{subresource} {} {name:?}", namespace.unwrap_or("*"))
        }
    }
}

#[test]
fn uses_are_what_the_authorizer_was_asked() {
    assert_eq!(used("/secrets/db"), ["get secrets/ shop \"db\""]);
    // The log names what was created; the authorizer did not know it.
    assert_eq!(used("/secrets?"), ["create secrets/ shop \"\""; 2]);
    assert_eq!(used("/metrics"), ["get /metrics"]);
    assert_eq!(used("/deployments/web/scale"), ["patch deployments/scale shop \"web\""]);
    // The first apply created it, the second did not.
    let applied = used("/configmaps/c1?fieldManager");
    let patch = "patch configmaps/ shop \"c1\"";
    assert_eq!(applied, [patch, "create configmaps/ shop \"c1\"", patch]);
}

#[test]
fn impersonation_is_a_use_of_the_sender() {
    let mut seen = Vec::new();
    _ = read("shop.log", LOG.as_bytes(), |_, event| {
        if event.impersonated_user.is_some() {
            let actor = &event.actor().username;
            let sender = &event.user.username;
            seen.push(format!("{sender} as {actor}"));
            let uses: Vec<String> = event.impersonated().iter().map(shown).collect();
            assert_eq!(uses, ["impersonate users/ * \"anna\""]);
        }
    });
    assert_eq!(seen, ["jane as anna"; 2]);
}

/// What a sender was allowed, of an event with this in it.
fn sent(fields: &str) -> Vec<String> {
    let log = format!(
        r#"{{"kind":"Event","stage":"ResponseComplete","auditID":"a","verb":"get","requestURI":"/x",{fields}}}"#
    );
    let mut found = Vec::new();
    let (tally, told) = read("a.log", log.as_bytes(), |_, event| {
        found.extend(event.impersonated().iter().map(|used| match *used {
            Used::Resource { group, .. } => format!("{group}: {}", shown(used)),
            Used::Url { .. } => shown(used),
        }));
    });
    assert_eq!((tally.events, told.len()), (1, 0), "{told:?}");
    found
}

/// As the API server asks: it names what it asked for on the other's name, and the rest
/// follows from the request.
#[test]
fn constrained_impersonation_asks_for_the_request_too() {
    let by =
        |verb: &str| format!(r#""authenticationMetadata":{{"impersonationConstraint":"{verb}"}}"#);
    let secret =
        r#""objectRef":{"resource":"secrets","namespace":"shop","name":"db","apiVersion":"v1"}"#;
    let account = r#""impersonatedUser":{"username":"system:serviceaccount:shop:robot","groups":["system:serviceaccounts","system:serviceaccounts:shop","system:authenticated"]}"#;
    let used = sent(&[account, &by("impersonate:serviceaccount"), secret].join(","));
    assert_eq!(
        used,
        [
            "authentication.k8s.io: impersonate:serviceaccount serviceaccounts/ shop \"robot\"",
            ": impersonate-on:serviceaccount:get secrets/ shop \"db\"",
        ]
    );
    let node = r#""impersonatedUser":{"username":"system:node:n-1","groups":["system:nodes","system:authenticated"]}"#;
    let used = sent(&[node, &by("impersonate:arbitrary-node"), secret].join(","));
    assert_eq!(used[0], "authentication.k8s.io: impersonate:arbitrary-node nodes/ * \"n-1\"");
    assert_eq!(used[1], ": impersonate-on:arbitrary-node:get secrets/ shop \"db\"");
    let used = sent(&[node, &by("impersonate:associated-node"), secret].join(","));
    assert_eq!(used[0], "authentication.k8s.io: impersonate:associated-node nodes/ * \"*\"");
    assert_eq!(used.len(), 2);
    let user = r#""impersonatedUser":{"username":"anna","uid":"7","groups":["dev","system:serviceaccounts","system:authenticated"],"extra":{"scopes":["view"]}}"#;
    // What is no resource is asked about by its path.
    let used = sent(&[user, &by("impersonate:user-info")].join(","));
    let of_user = [
        "users/ * \"anna\"",
        "groups/ * \"dev\"",
        "groups/ * \"system:serviceaccounts\"",
        "userextras/scopes * \"view\"",
        "uids/ * \"7\"",
    ];
    let mut expected: Vec<String> =
        of_user.map(|what| format!("authentication.k8s.io: impersonate:user-info {what}")).to_vec();
    expected.push("impersonate-on:user-info:get /x".to_owned());
    assert_eq!(used, expected);
}

#[test]
fn an_event_without_a_constraint_was_by_impersonate() {
    let of = |user: &str, groups: &str, more: &str| {
        sent(&format!(r#""impersonatedUser":{{"username":"{user}","groups":[{groups}]}}{more}"#))
    };
    let account = "system:serviceaccount:shop:robot";
    let own = r#""system:serviceaccounts","system:serviceaccounts:shop","system:authenticated""#;
    let robot = ": impersonate serviceaccounts/ shop \"robot\"";
    assert_eq!(of(account, own, ""), [robot]);
    let none = r#","authenticationMetadata":null"#;
    let empty = r#","authenticationMetadata":{"impersonationConstraint":""}"#;
    assert_eq!(
        (of(account, own, none), of(account, own, empty)),
        (vec![robot.to_owned()], vec![robot.to_owned()])
    );
    // What is not added by the API server was asked for: its own groups otherwise, those of
    // ServiceAccounts to somebody who is none, and what it adds elsewhere than last.
    let groups = |user: &str, groups: &str| {
        let used = of(user, groups, "").into_iter().skip(1);
        used.map(|used| used.replace(": impersonate groups/ * ", "")).collect::<Vec<_>>()
    };
    assert_eq!(
        groups(account, r#""system:serviceaccounts:bank","system:authenticated""#),
        ["\"system:serviceaccounts:bank\""]
    );
    assert_eq!(
        groups("anna", r#""system:serviceaccounts","system:authenticated""#),
        ["\"system:serviceaccounts\""]
    );
    assert_eq!(
        groups("anna", r#""system:authenticated","dev""#),
        ["\"system:authenticated\"", "\"dev\""]
    );
    assert_eq!(groups("anna", r#""system:unauthenticated""#), ["\"system:unauthenticated\""]);
    assert!(groups("system:anonymous", r#""system:unauthenticated""#).is_empty());
}

#[test]
fn broken_lines_are_told_with_their_number_and_the_rest_is_read() {
    let event = r#"{"kind":"Event","verb":"get","stage":"ResponseComplete","auditID":"a","objectRef":null,"requestObject":[{"op":"add"}],"responseObject":"x","x":{"y":[1]}}"#;
    let secret = r#"{"kind":"Event","verb":7,"stage":"hunter2"}"#;
    let list = format!(r#"{{"kind":"EventList","items":[{event},{event}]}}"#);
    let too_long = format!("{{\"a\":\"{}\"}}", "x".repeat(9 << 20));
    let log = [event, "{\"kind\":", "", too_long.as_str(), secret, r#"{"kind":"Pod"}"#, &list]
        .join("\r\n");
    let mut lines = Vec::new();
    let (tally, diagnostics) = read("a.log", log.as_bytes(), |number, _| lines.push(number));
    assert_eq!(lines, [1, 7, 7]);
    assert_eq!((tally.lines, tally.events, tally.broken), (6, 3, 4));
    let told: Vec<&str> = diagnostics.iter().map(|told| &*told.message).collect();
    for (told, number) in told.iter().zip([2, 4, 5, 6]) {
        assert!(told.starts_with(&format!("a.log:{number} ")), "{told}");
    }
    assert!(!told.join(" ").contains("hunter2"));
    let many = "no\n".repeat(1000);
    let (tally, diagnostics) = read("b.log", many.as_bytes(), |_, _| ());
    assert_eq!((tally.broken, diagnostics.len()), (1000, 11));
    assert!(diagnostics[10].message.starts_with("990 more"));
}

#[test]
fn an_id_is_known_again_for_a_while() {
    let mut recent = Recent::default();
    assert!(recent.is_new("a") && !recent.is_new("a") && recent.is_new("b"));
    for number in 0..70_000 {
        recent.is_new(&number.to_string());
    }
    assert!(recent.is_new("a"), "memory is bounded");
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_compressed_log_is_read_as_what_it_holds() {
    // Two parts, as when a log was appended to.
    let mut bytes = packed(LOG.as_bytes());
    bytes.extend(packed(LOG.as_bytes()));
    let (tally, diagnostics) = read("shop.log.gz", bytes.as_slice(), |_, _| {});
    assert_eq!((tally.events, diagnostics.len()), (130, 0));
    // One that is cut off is told with how far it was read.
    let (tally, diagnostics) = read("shop.log.gz", &bytes[..bytes.len() / 4], |_, _| {});
    assert!((1..65).contains(&tally.events), "{tally:?}");
    let said = &diagnostics.last().unwrap().message;
    assert!(said.starts_with("failed to read shop.log.gz after line"), "{said}");
    // So is one that unpacks to a line without an end.
    let bomb = packed(&vec![b'0'; 64 << 20]);
    let (tally, diagnostics) = read("bomb.gz", bomb.as_slice(), |_, _| {});
    assert_eq!((tally.events, tally.broken), (0, 1));
    assert!(diagnostics[0].message.contains("it is longer than"), "{diagnostics:?}");
}

#[test]
fn a_byte_order_mark_costs_no_event() {
    let text = format!("\u{feff}{LOG}");
    let (tally, diagnostics) = read("shop.log", text.as_bytes(), |_, _| {});
    assert_eq!((tally.events, diagnostics.len()), (65, 0));
}
