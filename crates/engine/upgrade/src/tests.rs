use super::{State, Successor, ending, successor};
use ironhull_model::{Minor, Object, Value};

fn object(json: &str) -> Object {
    Object::new(serde_json::from_str::<Value>(json).unwrap(), None).unwrap()
}

/// What becomes of an object: the new document, or why there is none.
fn becomes(json: &str, minor: u16) -> String {
    let object = object(json);
    let minor = Minor::v1(minor);
    let ending = ending(&object, minor).expect("its API version ends");
    match successor(&object, &ending, minor) {
        Successor::Steps(steps) => {
            ironhull_patch::apply(&object.value, &steps).unwrap().root().to_json()
        }
        Successor::ByHand(why) => format!("by hand: {why}"),
        Successor::NotYet(minor) => format!("not before {minor}"),
        Successor::Nothing => "nothing".to_owned(),
    }
}

#[test]
fn a_deprecation_is_said_in_the_servers_words() {
    let cron = object(r#"{"apiVersion":"batch/v1beta1","kind":"CronJob","metadata":{"name":"a"}}"#);
    let said = |minor: u16| {
        let minor = Minor::v1(minor);
        ending(&cron, minor).map(|ending| ending.sentence(minor))
    };
    assert_eq!(said(20), None);
    assert_eq!(
        said(21).unwrap(),
        "batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+; use batch/v1 CronJob"
    );
    assert_eq!(
        said(37).unwrap(),
        "batch/v1beta1 CronJob is not served by Kubernetes 1.37: it was removed in 1.25, 1.24 was the last to serve it; use batch/v1 CronJob"
    );
    let removed = ending(&cron, Minor::v1(25)).unwrap();
    assert_eq!(removed.state, State::Removed { since: Minor::v1(25) });
}

#[test]
fn what_is_the_same_only_changes_its_version() {
    assert_eq!(
        becomes(
            r#"{"apiVersion":"policy/v1beta1","kind":"PodDisruptionBudget","metadata":{"name":"a"},"spec":{"maxUnavailable":1,"selector":{"matchLabels":{"a":"b"}}}}"#,
            37
        ),
        r#"{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"a"},"spec":{"maxUnavailable":1,"selector":{"matchLabels":{"a":"b"}}}}"#
    );
    assert!(becomes(r#"{"apiVersion":"policy/v1beta1","kind":"PodDisruptionBudget","metadata":{"name":"a"},"spec":{"selector":{}}}"#, 37).starts_with("by hand: an empty selector"));
}

#[test]
fn an_ingress_is_rewritten_exactly() {
    assert_eq!(
        becomes(
            r#"{"apiVersion":"extensions/v1beta1","kind":"Ingress","metadata":{"name":"a"},"spec":{"backend":{"serviceName":"d","servicePort":"http"},"rules":[{"host":"h","http":{"paths":[{"path":"/","backend":{"serviceName":"s","servicePort":80}},{"pathType":"Exact","path":"/x","backend":{"resource":{"kind":"B","name":"b","apiGroup":"g"}}}]}}]}}"#,
            37
        ),
        r#"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"a"},"spec":{"rules":[{"host":"h","http":{"paths":[{"path":"/","backend":{"service":{"name":"s","port":{"number":80}}},"pathType":"ImplementationSpecific"},{"pathType":"Exact","path":"/x","backend":{"resource":{"kind":"B","name":"b","apiGroup":"g"}}}]}}],"defaultBackend":{"service":{"name":"d","port":{"name":"http"}}}}}"#
    );
}

#[test]
fn defaults_that_changed_are_written_out() {
    assert_eq!(
        becomes(
            r#"{"apiVersion":"extensions/v1beta1","kind":"DaemonSet","metadata":{"name":"a"},"spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}"#,
            37
        ),
        r#"{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"a"},"spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}},"selector":{"matchLabels":{"a":"b"}},"updateStrategy":{"type":"OnDelete"}}}"#
    );
    let webhook = |fields: &str| {
        becomes(
            &format!(
                r#"{{"apiVersion":"admissionregistration.k8s.io/v1beta1","kind":"ValidatingWebhookConfiguration","metadata":{{"name":"a"}},"webhooks":[{{"name":"w","clientConfig":{{"url":"u"}}{fields}}}]}}"#
            ),
            37,
        )
    };
    assert!(webhook("").starts_with("by hand: webhook w has to say sideEffects"));
    let said = webhook(r#","sideEffects":"None","admissionReviewVersions":["v1"]"#);
    assert!(
        said.contains(r#""failurePolicy":"Ignore","matchPolicy":"Exact","timeoutSeconds":30"#),
        "{said}"
    );
}

#[test]
fn what_the_next_version_refuses_is_left_to_a_person() {
    let claim = r#"{"apiVersion":"resource.k8s.io/v1beta1","kind":"ResourceClaim","metadata":{"name":"a"},"spec":{"devices":{"requests":[{"name":"g","deviceClassName":"gpu"}]}}}"#;
    assert!(becomes(claim, 37).contains("unknown field"), "{}", becomes(claim, 37));
    let hpa = r#"{"apiVersion":"autoscaling/v2beta1","kind":"HorizontalPodAutoscaler","metadata":{"name":"a"},"spec":{"maxReplicas":2,"scaleTargetRef":{"kind":"Deployment","name":"a"},"metrics":[{"type":"Resource","resource":{"name":"cpu","targetAverageUtilization":50}}]}}"#;
    assert!(becomes(hpa, 37).contains("targetAverageUtilization"), "{}", becomes(hpa, 37));
    assert_eq!(becomes(hpa, 22), "not before 1.23");
    let crd = r#"{"apiVersion":"apiextensions.k8s.io/v1beta1","kind":"CustomResourceDefinition","metadata":{"name":"a"}}"#;
    assert!(becomes(crd, 37).contains("structural schema"));
    let psp =
        r#"{"apiVersion":"policy/v1beta1","kind":"PodSecurityPolicy","metadata":{"name":"a"}}"#;
    assert_eq!(becomes(psp, 37), "nothing");
}
