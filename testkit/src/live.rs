//! Pods as an API server returns them: defaulted, with managed fields, the token's
//! projected volume, tolerations and status.

use std::fmt::Write as _;

use crate::rng::Rng;

/// One pod as compact JSON.
pub fn pod(rng: &mut Rng, number: usize) -> String {
    let (app, namespace) = (*rng.pick(&APPS), *rng.pick(&NAMESPACES));
    let hash: String =
        (0..10).map(|_| char::from(b"bcdfghjklmnpqrstvwxz2456789"[rng.below(27)])).collect();
    let name = format!("{app}-{hash}-{number:05}");
    let n_containers = 1 + rng.below(3);
    let containers: Vec<String> =
        (0..n_containers).map(|index| container(rng, app, index)).collect();
    let token: String =
        (0..5).map(|_| char::from(b"bcdfghjklmnpqrstvwxz2456789"[rng.below(27)])).collect();
    let node = format!("aks-pool-{:08}-vmss{:06}", rng.below(1_000_000), rng.below(100));
    let statuses: Vec<String> =
        (0..n_containers).map(|index| container_status(rng, app, index)).collect();
    let ip = format!("10.{}.{}.{}", rng.below(256), rng.below(256), rng.below(256));
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{name}","generateName":"{app}-{hash}-","namespace":"{namespace}","uid":"{uid}","resourceVersion":"{version}","creationTimestamp":"2026-11-{day:02}T09:30:00Z","labels":{{"app":"{app}","app.kubernetes.io/name":"{app}","app.kubernetes.io/instance":"{namespace}-{app}","pod-template-hash":"{hash}"}},"annotations":{{"prometheus.io/scrape":"true","prometheus.io/port":"8080","checksum/config":"{uid}{uid}"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"{app}-{hash}","uid":"{uid}","controller":true,"blockOwnerDeletion":true}}],"managedFields":[{managed}]}},"spec":{{"volumes":[{{"name":"config","configMap":{{"name":"{app}","defaultMode":420}}}},{{"name":"kube-api-access-{token}","projected":{{"sources":[{{"serviceAccountToken":{{"expirationSeconds":3607,"path":"token"}}}},{{"configMap":{{"name":"kube-root-ca.crt","items":[{{"key":"ca.crt","path":"ca.crt"}}]}}}},{{"downwardAPI":{{"items":[{{"path":"namespace","fieldRef":{{"apiVersion":"v1","fieldPath":"metadata.namespace"}}}}]}}}}],"defaultMode":420}}}}],"containers":[{containers}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"{app}","serviceAccount":"{app}","nodeName":"{node}","securityContext":{{"runAsNonRoot":true,"seccompProfile":{{"type":"RuntimeDefault"}}}},"schedulerName":"default-scheduler","tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}},{{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"}},"status":{{"phase":"Running","conditions":[{conditions}],"hostIP":"10.0.0.4","hostIPs":[{{"ip":"10.0.0.4"}}],"podIP":"{ip}","podIPs":[{{"ip":"{ip}"}}],"startTime":"2026-11-20T09:30:00Z","containerStatuses":[{statuses}],"qosClass":"Burstable"}}}}"#,
        uid = uid(rng),
        version = 100_000 + rng.below(9_000_000),
        day = 1 + rng.below(28),
        managed = managed_fields(n_containers),
        containers = containers.join(","),
        conditions = conditions(),
        statuses = statuses.join(","),
    )
}

const APPS: [&str; 6] = ["payments", "catalogue", "checkout", "web", "search-indexer", "mail"];
const NAMESPACES: [&str; 4] = ["shop", "platform", "team-a", "monitoring"];

fn uid(rng: &mut Rng) -> String {
    let (a, b) = (rng.bits(), rng.bits());
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xffff,
        b >> 48,
        b & 0xffff_ffff_ffff
    )
}

fn container(rng: &mut Rng, app: &str, index: usize) -> String {
    let mut env = String::new();
    for variable in 0..2 + rng.below(5) {
        _ = write!(
            env,
            r#"{{"name":"SETTING_{variable}","value":"value of setting {variable}"}},"#
        );
    }
    format!(
        r#"{{"name":"{app}-{index}","image":"registry.shop.example/{app}:1.{minor}.0","args":["--listen=:8080","--log-level=info"],"ports":[{{"name":"http","containerPort":8080,"protocol":"TCP"}}],"env":[{env}{{"name":"POD_NAME","valueFrom":{{"fieldRef":{{"apiVersion":"v1","fieldPath":"metadata.name"}}}}}}],"resources":{{"limits":{{"cpu":"500m","memory":"256Mi"}},"requests":{{"cpu":"100m","memory":"128Mi"}}}},"volumeMounts":[{{"name":"config","readOnly":true,"mountPath":"/etc/{app}"}},{{"name":"kube-api-access","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}}],"livenessProbe":{{"httpGet":{{"path":"/healthz","port":"http","scheme":"HTTP"}},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent","securityContext":{{"capabilities":{{"drop":["ALL"]}},"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true}}}}"#,
        minor = rng.below(40),
    )
}

fn container_status(rng: &mut Rng, app: &str, index: usize) -> String {
    let digest =
        format!("{:016x}{:016x}{:016x}{:016x}", rng.bits(), rng.bits(), rng.bits(), rng.bits());
    format!(
        r#"{{"name":"{app}-{index}","state":{{"running":{{"startedAt":"2026-11-20T09:30:05Z"}}}},"lastState":{{}},"ready":true,"restartCount":{restarts},"image":"registry.shop.example/{app}:1.2.0","imageID":"registry.shop.example/{app}@sha256:{digest}","containerID":"containerd://{digest}","started":true}}"#,
        restarts = rng.below(3),
    )
}

fn conditions() -> String {
    ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .map(|kind| {
            format!(
                r#"{{"type":"{kind}","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-11-20T09:30:05Z"}}"#
            )
        })
        .join(",")
}

fn managed_fields(n_containers: usize) -> String {
    let containers: Vec<String> = (0..n_containers)
        .map(|index| {
            format!(
                r#""k:{{\"name\":\"c{index}\"}}":{{".":{{}},"f:args":{{}},"f:image":{{}},"f:imagePullPolicy":{{}},"f:livenessProbe":{{".":{{}},"f:failureThreshold":{{}},"f:httpGet":{{".":{{}},"f:path":{{}},"f:port":{{}},"f:scheme":{{}}}},"f:periodSeconds":{{}}}},"f:name":{{}},"f:resources":{{".":{{}},"f:limits":{{".":{{}},"f:cpu":{{}},"f:memory":{{}}}},"f:requests":{{".":{{}},"f:cpu":{{}},"f:memory":{{}}}}}},"f:securityContext":{{".":{{}},"f:allowPrivilegeEscalation":{{}},"f:capabilities":{{".":{{}},"f:drop":{{}}}}}},"f:terminationMessagePath":{{}},"f:terminationMessagePolicy":{{}}}}"#
            )
        })
        .collect();
    format!(
        r#"{{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"2026-11-20T09:30:00Z","fieldsType":"FieldsV1","fieldsV1":{{"f:metadata":{{"f:generateName":{{}},"f:labels":{{".":{{}},"f:app":{{}},"f:pod-template-hash":{{}}}},"f:ownerReferences":{{".":{{}}}}}},"f:spec":{{"f:containers":{{{}}},"f:dnsPolicy":{{}},"f:enableServiceLinks":{{}},"f:restartPolicy":{{}},"f:schedulerName":{{}},"f:securityContext":{{}},"f:terminationGracePeriodSeconds":{{}}}}}}}},{{"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"2026-11-20T09:30:05Z","fieldsType":"FieldsV1","fieldsV1":{{"f:status":{{"f:conditions":{{"k:{{\"type\":\"Ready\"}}":{{".":{{}},"f:lastProbeTime":{{}},"f:status":{{}},"f:type":{{}}}}}},"f:containerStatuses":{{}},"f:hostIP":{{}},"f:phase":{{}},"f:podIP":{{}},"f:startTime":{{}}}}}},"subresource":"status"}}"#,
        containers.join(",")
    )
}
