use super::{MASK, redact};
use ironhull_model::Object;

fn object(json: &str) -> Object {
    Object::new(serde_json::from_str(json).unwrap(), None).unwrap()
}

#[test]
fn values_are_masked_and_places_told() {
    let mut pod = object(
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","env":[
        {"name":"DB_PASSWORD","value":"hunter2!"},{"name":"LOG_LEVEL","value":"debug"},
        {"name":"URL","value":"postgres://app:s3cr3t@db/app"}],
        "args":["--token=ghp_0123456789abcdefghijABCDEFGHIJ012345"]}]}}"#,
    );
    let salt = super::Salt::new(b"test");
    let found = redact(&mut pod, &salt);
    let told: Vec<_> = found.iter().map(|found| (found.pointer.as_str(), found.detector)).collect();
    assert_eq!(
        told,
        [
            ("/spec/containers/0/args/0", "github-token"),
            ("/spec/containers/0/env/0/value", "name"),
            ("/spec/containers/0/env/2/value", "password-in-url"),
        ]
    );
    let json = pod.root().to_json();
    assert!(!json.contains("hunter2") && !json.contains("s3cr3t") && !json.contains("ghp_"));
    assert!(json.contains("debug") && json.contains(MASK));
    assert_eq!(redact(&mut pod, &salt), [], "masking is idempotent");
}

/// `kubectl get -o yaml` into a file takes the copy along.
#[test]
fn a_copy_of_what_was_applied_is_masked_with_it() {
    let last = |object: &str| {
        format!(
            r#""annotations":{{"kubectl.kubernetes.io/last-applied-configuration":{}}}"#,
            serde_json::Value::from(object)
        )
    };
    let salt = super::Salt::new(b"test");
    let copied = last(r#"{"kind":"Secret","data":{"password":"aHVudGVyMg=="}}"#);
    let mut secret = object(&format!(
        r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"a",{copied}}}}}"#
    ));
    assert_eq!(redact(&mut secret, &salt).len(), 1);
    assert!(!secret.root().to_json().contains("aHVudGVyMg"));
    assert_eq!(redact(&mut secret, &salt), [], "masking is idempotent");
    let copied =
        last(r#"{"kind":"Pod","spec":{"env":[{"name":"DB_PASSWORD","value":"hunter2!"}]}}"#);
    let pod = |env: &str| {
        object(&format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"a",{copied}}},"spec":{{"containers":[{{"name":"c","env":[{env}]}}]}}}}"#
        ))
    };
    let mut with = pod(r#"{"name":"DB_PASSWORD","value":"hunter2!"}"#);
    assert_eq!(redact(&mut with, &salt).len(), 2);
    assert!(!with.root().to_json().contains("hunter2"));
    let plain = last(r#"{"apiVersion":"apps/v1","kind":"Secret"}"#);
    let mut trimmed = object(&format!(
        r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"a",{plain}}}}}"#
    ));
    assert_eq!(redact(&mut trimmed, &salt), [], "what holds nothing stays");
}

/// The places where a pod with this container holds secrets.
fn places(container: &str) -> Vec<String> {
    let mut pod = object(&format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"a"}},"spec":{{"containers":[{{"name":"c",{container}}}]}}}}"#
    ));
    let found = redact(&mut pod, &super::Salt::new(b"test"));
    let json = pod.root().to_json();
    assert!(!json.contains("hunter2"), "{json}");
    let short = |found: super::Found| found.pointer.as_str().replace("/spec/containers/0/", "");
    found.into_iter().map(short).collect()
}

#[test]
fn arguments_and_headers_are_masked() {
    assert_eq!(
        places(
            r#""command":["app","--token","hunter2"],"args":["--password=hunter2","-e","DB_PASSWORD=hunter2","--password=$(A)"]"#
        ),
        ["args/0", "args/2", "command/2"]
    );
    assert_eq!(places(r#""args":"--password=hunter2""#), ["args"]);
    assert_eq!(
        places(
            r#""livenessProbe":{"httpGet":{"port":1,"httpHeaders":[{"name":"Authorization","value":"Bearer hunter2"},{"name":"Accept","value":"text/html"}]}}"#
        ),
        ["livenessProbe/httpGet/httpHeaders/0/value"]
    );
}

#[test]
fn what_stands_in_the_wrong_place_is_masked_too() {
    for (entry, places_of) in [
        (r#"{"name":"PASSWORD","value":["hunter2"]}"#, "env/0/value/0"),
        (r#"{"name":"PASSWORD","value":{"a":{"b":"hunter2"}}}"#, "env/0/value/a/b"),
        (r#"{"name":"PASSWORD","valeu":"hunter2"}"#, "env/0/valeu"),
        (r#"{"name":"PASSWORD","valeu":["hunter2"]}"#, "env/0/valeu/0"),
        (r#"{"name":"PASSWORD","valueFrom":"hunter2"}"#, "env/0/valueFrom"),
        (r#""PASSWORD=hunter2""#, "env/0"),
    ] {
        assert_eq!(places(&format!(r#""env":[{entry}]"#)), [places_of], "{entry}");
    }
    for entry in [
        r#"{"name":"PASSWORD","valueFrom":{"secretKeyRef":{"name":"database","key":"password"}}}"#,
        r#"{"name":"PASSWORD","valeuFrom":{"secretKeyRef":{"name":"database","key":"password"}}}"#,
        r#"{"name":"LEVEL","valeu":"debug"}"#,
    ] {
        assert!(places(&format!(r#""env":[{entry}]"#)).is_empty(), "{entry}");
    }
    assert!(places(r#""volumeMounts":[{"name":"password","mountPath":"words"}]"#).is_empty());
}

#[test]
fn every_value_of_a_secret_is_masked() {
    let mut secret = object(
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"k":"eA=="},"stringData":{"plain":"y","empty":""}}"#,
    );
    assert_eq!(redact(&mut secret, &super::Salt::new(b"test")).len(), 2);
    assert_eq!(
        secret.root().path(&["data", "k"]).unwrap().as_str().and_then(super::masked),
        Some("secret-data")
    );
    assert!(!secret.root().to_json().contains("eA=="));
}

#[test]
fn values_of_a_secret_that_are_no_text_are_masked_too() {
    let mut secret = object(
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"l":[1,2.5]},"stringData":{"pin":13371337,"on":true,"no":null}}"#,
    );
    redact(&mut secret, &super::Salt::new(b"test"));
    assert!(secret.root().to_json().ends_with(
        r#""data":{"l":["‹redacted:secret-integer›","‹redacted:secret-float›"]},"stringData":{"pin":"‹redacted:secret-integer›","on":"‹redacted:secret-bool›","no":null}}"#
    ), "{}", secret.root().to_json());
}

#[test]
fn copies_of_the_whole_object_are_masked() {
    let annotated = |kind: &str, annotation: &str, copy: &str, rest: &str| {
        let copy = serde_json::to_string(copy).unwrap();
        let mut object = object(&format!(
            r#"{{"apiVersion":"v1","kind":"{kind}","metadata":{{"name":"a","annotations":{{"{annotation}":{copy}}}}}{rest}}}"#
        ));
        redact(&mut object, &super::Salt::new(b"test"));
        object.annotation(annotation).and_then(super::masked).is_some()
    };
    let data = r#"{"kind":"Secret","data":{"k":"eA=="}}"#;
    for name in super::copies::COPIES {
        assert!(annotated("Secret", name, data, ""), "{name}");
        assert!(annotated("Secret", name, "H4sIAAAA", ""), "{name}");
    }
    let env = r#","spec":{"containers":[{"env":[{"name":"DB_PASSWORD","value":"hunter2!"}]}]}"#;
    let packed = "objectset.rio.cattle.io/applied";
    assert!(annotated("Pod", packed, "H4sIAAAA", env));
    assert!(!annotated("Pod", packed, "H4sIAAAA", ""));
    let older = r#"{"spec":{"containers":[{"env":[{"name":"DB_PASSWORD","value":"hunter1!"}]}]}}"#;
    assert!(annotated("Pod", "kapp.k14s.io/original", older, ""));
    assert!(!annotated("Pod", "kapp.k14s.io/original", r#"{"kind":"Pod"}"#, env));
}

#[test]
fn options_in_variables_and_json_in_files_are_masked() {
    assert_eq!(
        places(
            r#""env":[{"name":"JAVA_OPTS","value":"-Xmx1g -Dspring.datasource.password=hunter2!"}]"#
        ),
        ["env/0/value"]
    );
    assert!(
        places(r#""env":[{"name":"JAVA_OPTS","value":"-Xmx1g -Dpassword.length=twelve12"}]"#)
            .is_empty()
    );
    assert_eq!(places(r#""env":[{"name":"DB_PASS","value":"hunter2!"}]"#), ["env/0/value"]);
    let file = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"a.json":"{\"password\": \"hunter2!\"}"}}"#;
    let mut file = object(&file.replace("\\\\", "\\"));
    assert_eq!(redact(&mut file, &super::Salt::new(b"test")).len(), 1);
}
