//! An object of each kind that the cases send.

use serde_json::{Value, json};

/// A kind of request by its name in the cases.
pub(super) struct Template {
    pub(super) name: &'static str,
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) plural: &'static str,
    pub(super) subresource: &'static str,
    pub(super) namespaced: bool,
    /// What is sent, without metadata.
    pub(super) body: fn() -> Value,
}

pub(super) const fn kind(
    name: &'static str,
    api_version: &'static str,
    kind: &'static str,
    plural: &'static str,
    namespaced: bool,
    body: fn() -> Value,
) -> Template {
    Template { name, api_version, kind, plural, subresource: "", namespaced, body }
}

pub(super) const TEMPLATES: &[Template] = &[
    kind("configmap", "v1", "ConfigMap", "configmaps", true, || json!({"data": {"a": "1"}})),
    kind("secret", "v1", "Secret", "secrets", true, || json!({"type": "Opaque"})),
    kind(
        "pod",
        "v1",
        "Pod",
        "pods",
        true,
        || json!({"spec": {"containers": [{"name": "main", "image": "registry.test/app:1"}]}}),
    ),
    kind("deployment", "apps/v1", "Deployment", "deployments", true, || {
        json!({"spec": {"replicas": 2, "selector": {"matchLabels": {"app": "x"}}, "template": {
            "metadata": {"labels": {"app": "x"}},
            "spec": {"containers": [{"name": "main", "image": "registry.test/app:1"}]}}}})
    }),
    kind(
        "service",
        "v1",
        "Service",
        "services",
        true,
        || json!({"spec": {"ports": [{"port": 80}]}}),
    ),
    kind(
        "hpa1",
        "autoscaling/v1",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        true,
        || json!({"spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "x", "apiVersion": "apps/v1"}}}),
    ),
    kind(
        "hpa2",
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        true,
        || json!({"spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "x", "apiVersion": "apps/v1"}}}),
    ),
    kind("namespace", "v1", "Namespace", "namespaces", false, || json!({})),
    kind(
        "clusterrole",
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        "clusterroles",
        false,
        || json!({"rules": []}),
    ),
    kind("job", "batch/v1", "Job", "jobs", true, || {
        json!({"spec": {"template": {"spec": {"restartPolicy": "Never",
            "containers": [{"name": "main", "image": "registry.test/app:1"}]}}}})
    }),
    kind("cronjob", "batch/v1", "CronJob", "cronjobs", true, || {
        json!({"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "main", "image": "registry.test/app:1"}]}}}}}})
    }),
    kind("statefulset", "apps/v1", "StatefulSet", "statefulsets", true, || {
        json!({"spec": {"serviceName": "x", "selector": {"matchLabels": {"app": "x"}}, "template": {
            "metadata": {"labels": {"app": "x"}},
            "spec": {"containers": [{"name": "main", "image": "registry.test/app:1"}]}}}})
    }),
    kind("replicaset", "apps/v1", "ReplicaSet", "replicasets", true, || {
        json!({"spec": {"selector": {"matchLabels": {"app": "x"}}, "template": {
            "metadata": {"labels": {"app": "x"}},
            "spec": {"containers": [{"name": "main", "image": "registry.test/app:1"}]}}}})
    }),
    kind("rc", "v1", "ReplicationController", "replicationcontrollers", true, || {
        json!({"spec": {"selector": {"app": "x"}, "template": {
            "metadata": {"labels": {"app": "x"}},
            "spec": {"containers": [{"name": "main", "image": "registry.test/app:1"}]}}}})
    }),
    kind("podtemplate", "v1", "PodTemplate", "podtemplates", true, || {
        json!({"template": {"metadata": {"labels": {"app": "x"}},
            "spec": {"containers": [{"name": "main", "image": "registry.test/app:1"}]}}})
    }),
    kind(
        "networkpolicy",
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "networkpolicies",
        true,
        || json!({"spec": {"podSelector": {}}}),
    ),
    kind(
        "ingressclass",
        "networking.k8s.io/v1",
        "IngressClass",
        "ingressclasses",
        false,
        || json!({"spec": {"controller": "example.dev/x"}}),
    ),
    kind(
        "servicecidr",
        "networking.k8s.io/v1",
        "ServiceCIDR",
        "servicecidrs",
        false,
        || json!({"spec": {"cidrs": ["10.99.0.0/24"]}}),
    ),
    kind(
        "pdb",
        "policy/v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        true,
        || json!({"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}}),
    ),
    kind(
        "quota",
        "v1",
        "ResourceQuota",
        "resourcequotas",
        true,
        || json!({"spec": {"hard": {"pods": "3"}}}),
    ),
    kind("account", "v1", "ServiceAccount", "serviceaccounts", true, || json!({})),
    kind(
        "priorityclass",
        "scheduling.k8s.io/v1",
        "PriorityClass",
        "priorityclasses",
        false,
        || json!({"value": 5}),
    ),
    kind(
        "storageclass",
        "storage.k8s.io/v1",
        "StorageClass",
        "storageclasses",
        false,
        || json!({"provisioner": "example.dev/x"}),
    ),
    kind(
        "csidriver",
        "storage.k8s.io/v1",
        "CSIDriver",
        "csidrivers",
        false,
        || json!({"spec": {}}),
    ),
    kind(
        "csinode",
        "storage.k8s.io/v1",
        "CSINode",
        "csinodes",
        false,
        || json!({"spec": {"drivers": [{"name": "example.dev", "nodeID": "n"}]}}),
    ),
    kind("attachment", "storage.k8s.io/v1", "VolumeAttachment", "volumeattachments", false, || {
        json!({"spec": {"attacher": "x.example.dev", "nodeName": "live-node",
            "source": {"persistentVolumeName": "x"}}})
    }),
    kind(
        "vac",
        "storage.k8s.io/v1",
        "VolumeAttributesClass",
        "volumeattributesclasses",
        false,
        || json!({"driverName": "example.dev/x", "parameters": {"a": "b"}}),
    ),
    kind(
        "lease",
        "coordination.k8s.io/v1",
        "Lease",
        "leases",
        true,
        || json!({"spec": {"holderIdentity": "x", "leaseDurationSeconds": 10}}),
    ),
    kind(
        "endpointslice",
        "discovery.k8s.io/v1",
        "EndpointSlice",
        "endpointslices",
        true,
        || json!({"addressType": "IPv4", "endpoints": [{"addresses": ["10.1.2.3"]}]}),
    ),
    kind(
        "flowschema",
        "flowcontrol.apiserver.k8s.io/v1",
        "FlowSchema",
        "flowschemas",
        false,
        || json!({"spec": {"priorityLevelConfiguration": {"name": "global-default"}, "matchingPrecedence": 900}}),
    ),
    kind(
        "webhooks",
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        false,
        || {
            json!({"webhooks": [{"name": "own.example.dev", "sideEffects": "None",
            "admissionReviewVersions": ["v1"], "clientConfig": {"url": "https://own.example.dev"}}]})
        },
    ),
    kind(
        "deviceclass",
        "resource.k8s.io/v1",
        "DeviceClass",
        "deviceclasses",
        false,
        || json!({"spec": {}}),
    ),
    kind(
        "claim",
        "resource.k8s.io/v1",
        "ResourceClaim",
        "resourceclaims",
        true,
        || json!({"spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "c"}}]}}}),
    ),
    kind(
        "pvc",
        "v1",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        true,
        || json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
    ),
    kind(
        "pv",
        "v1",
        "PersistentVolume",
        "persistentvolumes",
        false,
        || json!({"spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/x"}}}),
    ),
    kind("node", "v1", "Node", "nodes", false, || json!({})),
    kind(
        "ingress",
        "networking.k8s.io/v1",
        "Ingress",
        "ingresses",
        true,
        || json!({"spec": {"defaultBackend": {"service": {"name": "a", "port": {"number": 80}}}}}),
    ),
    kind("daemonset", "apps/v1", "DaemonSet", "daemonsets", true, || {
        json!({"spec": {"selector": {"matchLabels": {"app": "x"}}, "template": {
            "metadata": {"labels": {"app": "x"}},
            "spec": {"containers": [{"name": "main", "image": "registry.test/app:1"}]}}}})
    }),
    kind("widget1", "example.dev/v1", "Widget", "widgets", true, || json!({"spec": {"size": 3}})),
    kind("widget2", "example.dev/v2", "Widget", "widgets", true, || json!({"spec": {"size": 3}})),
    // Named like the API server's own.
    kind("own-service", "example.dev/v1", "Service", "services", true, || json!({"spec": {}})),
    kind("own-event", "example.dev/v1", "Event", "events", true, || json!({"spec": {}})),
    kind("own-node", "example.dev/v1", "Node", "nodes", false, || json!({"spec": {}})),
    kind("thing1", "example.dev/v1", "Thing", "things", true, || json!({"spec": {}})),
    kind("thing2", "example.dev/v2", "Thing", "things", true, || json!({"spec": {}})),
    kind("event1", "v1", "Event", "events", true, || {
        json!({"involvedObject": {"kind": "Pod", "name": "x", "namespace": "live-a"},
            "message": "m", "reason": "Told", "type": "Normal", "source": {"component": "cases"}})
    }),
    kind("event2", "events.k8s.io/v1", "Event", "events", true, || {
        json!({"regarding": {"kind": "Pod", "name": "x", "namespace": "live-a"}, "note": "n",
            "reason": "Told", "type": "Normal", "action": "Telling", "eventTime": "2026-11-24T10:00:00.000000Z",
            "reportingController": "example.dev/cases", "reportingInstance": "cases-1"})
    }),
    kind("limitrange", "v1", "LimitRange", "limitranges", true, || json!({"spec": {"limits": []}})),
    kind(
        "rolebinding",
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "rolebindings",
        true,
        || json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "special"}}),
    ),
    kind(
        "apiservice",
        "apiregistration.k8s.io/v1",
        "APIService",
        "apiservices",
        false,
        || json!({"spec": {"group": "made.test", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10}}),
    ),
    kind(
        "runtimeclass",
        "node.k8s.io/v1",
        "RuntimeClass",
        "runtimeclasses",
        false,
        || json!({"handler": "h"}),
    ),
    kind(
        "capacity",
        "storage.k8s.io/v1",
        "CSIStorageCapacity",
        "csistoragecapacities",
        true,
        || json!({"storageClassName": "live-fast", "capacity": "1000Mi", "maximumVolumeSize": 5}),
    ),
    kind("slice", "resource.k8s.io/v1", "ResourceSlice", "resourceslices", false, || {
        json!({"spec": {"driver": "example.dev", "nodeName": "live-node", "pool": {"name": "p", "resourceSliceCount": 1, "generation": 1},
            "devices": [{"name": "d", "capacity": {"m": {"value": "1000Mi"}}, "attributes": {"a": {"int": 3}}}]}})
    }),
    kind(
        "claimtemplate",
        "resource.k8s.io/v1",
        "ResourceClaimTemplate",
        "resourceclaimtemplates",
        true,
        || json!({"spec": {"spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "c"}}]}}}}),
    ),
    kind(
        "revision",
        "apps/v1",
        "ControllerRevision",
        "controllerrevisions",
        true,
        || json!({"revision": 1, "data": {"a": 1}}),
    ),
    kind(
        "ipaddress",
        "networking.k8s.io/v1",
        "IPAddress",
        "ipaddresses",
        false,
        || json!({"metadata": {"name": "10.0.0.199"}, "spec": {"parentRef": {"resource": "services", "name": "x", "namespace": "live-a"}}}),
    ),
    kind(
        "plc",
        "flowcontrol.apiserver.k8s.io/v1",
        "PriorityLevelConfiguration",
        "prioritylevelconfigurations",
        false,
        || json!({"spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}}),
    ),
    kind(
        "mwc",
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        false,
        || {
            json!({"webhooks": [{"name": "own.example.dev", "sideEffects": "None",
            "admissionReviewVersions": ["v1"], "clientConfig": {"url": "https://own.example.dev"}}]})
        },
    ),
    kind(
        "endpoints",
        "v1",
        "Endpoints",
        "endpoints",
        true,
        || json!({"subsets": [{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}]}),
    ),
    kind(
        "migration",
        "storagemigration.k8s.io/v1",
        "StorageVersionMigration",
        "storageversionmigrations",
        false,
        || json!({"spec": {"resource": {"group": "", "resource": "secrets"}}, "status": {"conditions": [{"type": "Running", "status": "True", "reason": "r", "message": "m", "lastTransitionTime": "2026-11-24T10:00:00Z"}]}}),
    ),
    kind("gauge", "example.dev/v1", "Gauge", "gauges", true, || json!({"spec": {"replicas": 1}})),
];
