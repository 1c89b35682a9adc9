//! The add-ons that are known, as data. One table, so that it may be long.
//!
//! Facts are from the public manifests, charts and sources that the comments name. Read
//! side by side with them were: all that `tests/it/peers.rs` names; images, labels and
//! arguments of the charts of cert-manager 1.21, trust-manager 0.25, External Secrets 1.3,
//! Sealed Secrets 0.40, Ratify 1.4, Flux 2.9, Velero 1.18, Cilium 1.20, Istio of August 2026,
//! Kyverno 1.19, Prometheus' operator 0.85, Vault and OpenBao; manifests of Fluentd, Vector,
//! Filebeat, Azure NPM and Azure Monitor; and lists of Rancher's images. As commonly known,
//! and not compared: Microsoft Defender, Sysdig, Datadog and Connaisseur, labels of Fluent
//! Bit and Longhorn, and what is older than these versions.
//! Ends of repositories cover mirrors and the providers' copies: `mcr.microsoft.com/oss/calico/node`.

use crate::known::Function::{
    Admission, Alerts, Backup, Benchmarks, Certificates, ClusterDns, GitOps, ImageVerification,
    LogShipping, MeshEncryption, Metrics, NetworkPolicy, NodeHealth, NodeReboots, NodeUpgrades,
    PodNetwork, Rescheduling, RuntimeDetection, Scanning, Secrets, Storage, TrustBundles,
    WorkloadIdentity,
};
use crate::known::{Known, Part, nodes, once, server, somehow};
use crate::rules::{
    RuleKind, gatekeeper, kubearmor, kubewarden, kyverno, kyverno_cel, kyverno_images, sigstore,
};

/// An add-on that is known by its images alone.
const fn known(name: &'static str, parts: &'static [Part]) -> Known {
    Known { name, parts, definitions: &[], labels: &[], rules: &[] }
}

const NAME: &str = "app.kubernetes.io/name";
const PART_OF: &str = "app.kubernetes.io/part-of";

/// All of them, by what they do.
pub(crate) static KNOWN: &[Known] = &[
    // github.com/kyverno/kyverno config/install-latest-testing.yaml, charts/kyverno
    Known {
        definitions: &["clusterpolicies.kyverno.io", "validatingpolicies.policies.kyverno.io"],
        labels: &[(PART_OF, "kyverno"), (NAME, "kyverno")],
        rules: &[
            RuleKind::read("kyverno.io", "ClusterPolicy", kyverno),
            RuleKind::read("kyverno.io", "Policy", kyverno),
            RuleKind::read("policies.kyverno.io", "ValidatingPolicy", kyverno_cel),
            RuleKind::read("policies.kyverno.io", "NamespacedValidatingPolicy", kyverno_cel),
            RuleKind::read("policies.kyverno.io", "ImageValidatingPolicy", kyverno_images),
            RuleKind::read(
                "policies.kyverno.io",
                "NamespacedImageValidatingPolicy",
                kyverno_images,
            ),
            RuleKind::changes("policies.kyverno.io", "MutatingPolicy"),
            RuleKind::changes("policies.kyverno.io", "NamespacedMutatingPolicy"),
        ],
        ..known(
            "Kyverno",
            &[
                server(&["kyverno/kyverno"], &[Admission]),
                server(
                    &[
                        "kyverno/background-controller",
                        "kyverno/cleanup-controller",
                        "kyverno/reports-controller",
                    ],
                    &[],
                ),
            ],
        )
    },
    // github.com/open-policy-agent/gatekeeper deploy/gatekeeper.yaml; AKS runs its own copy.
    Known {
        definitions: &["constrainttemplates.templates.gatekeeper.sh"],
        labels: &[("gatekeeper.sh/system", "yes"), ("app", "gatekeeper")],
        rules: &[
            RuleKind::read("constraints.gatekeeper.sh", "*", gatekeeper),
            RuleKind::changes("mutations.gatekeeper.sh", "*"),
        ],
        ..known(
            "Gatekeeper",
            &[
                server(GATEKEEPER, &[Admission]).says("--operation=webhook"),
                server(GATEKEEPER, &[]).says("--operation=audit"),
                // An old one does both by itself.
                server(GATEKEEPER, &[Admission]),
            ],
        )
    },
    // github.com/Azure/azure-policy extensions/policy-addon-kubernetes: brings Gatekeeper its policies.
    known("Azure Policy add-on", &[server(&["azure-policy/policy-kubernetes-addon-prod"], &[])]),
    // github.com/kubewarden/helm-charts
    Known {
        definitions: &["policyservers.policies.kubewarden.io"],
        rules: &[
            RuleKind::read("policies.kubewarden.io", "ClusterAdmissionPolicy", kubewarden),
            RuleKind::read("policies.kubewarden.io", "AdmissionPolicy", kubewarden),
            RuleKind::read("policies.kubewarden.io", "ClusterAdmissionPolicyGroup", kubewarden),
            RuleKind::read("policies.kubewarden.io", "AdmissionPolicyGroup", kubewarden),
        ],
        ..known(
            "Kubewarden",
            &[
                server(
                    &["kubewarden/policy-server", "kubewarden/adm-controller/policy-server"],
                    &[Admission],
                ),
                server(
                    &["kubewarden/kubewarden-controller", "kubewarden/adm-controller/controller"],
                    &[],
                ),
            ],
        )
    },
    // github.com/loft-sh/jspolicy
    known("jsPolicy", &[server(&["loftsh/jspolicy", "loft-sh/jspolicy"], &[Admission])]),
    // github.com/sigstore/helm-charts charts/policy-controller
    Known {
        definitions: &["clusterimagepolicies.policy.sigstore.dev"],
        labels: &[(NAME, "policy-controller")],
        rules: &[RuleKind::read("policy.sigstore.dev", "ClusterImagePolicy", sigstore)],
        ..known(
            "Sigstore policy-controller",
            &[server(&["policy-controller/policy-controller"], &[ImageVerification])],
        )
    },
    // github.com/ratify-project/ratify charts/ratify; Gatekeeper asks it.
    Known {
        definitions: &["verifiers.config.ratify.deislabs.io"],
        labels: &[(NAME, "ratify")],
        ..known(
            "Ratify",
            &[server(
                &["notaryproject/ratify", "ratify-project/ratify", "deislabs/ratify"],
                &[ImageVerification],
            )],
        )
    },
    // github.com/sse-secure-systems/connaisseur
    known(
        "Connaisseur",
        &[server(&["securesystemsengineering/connaisseur"], &[ImageVerification])],
    ),
    // github.com/falcosecurity/charts charts/falco, charts/falco-operator
    Known {
        labels: &[(NAME, "falco")],
        ..known(
            "Falco",
            &[somehow(
                &["falcosecurity/falco", "falcosecurity/falco-no-driver"],
                &[RuntimeDetection],
            )],
        )
    },
    // github.com/cilium/tetragon install/kubernetes/tetragon
    Known {
        definitions: &["tracingpolicies.cilium.io"],
        labels: &[(NAME, "tetragon")],
        rules: &[
            RuleKind::counted("cilium.io", "TracingPolicy"),
            RuleKind::counted("cilium.io", "TracingPolicyNamespaced"),
        ],
        ..known(
            "Tetragon",
            &[
                nodes(&["cilium/tetragon"], &[RuntimeDetection]),
                server(&["cilium/tetragon-operator"], &[]),
            ],
        )
    },
    // github.com/aquasecurity/tracee deploy/kubernetes/tracee
    Known {
        definitions: &["policies.tracee.aquasec.com"],
        labels: &[(NAME, "tracee")],
        ..known("Tracee", &[nodes(&["aquasec/tracee"], &[RuntimeDetection])])
    },
    // github.com/kubearmor/KubeArmor deployments
    Known {
        definitions: &["kubearmorpolicies.security.kubearmor.com"],
        labels: &[("kubearmor-app", "kubearmor")],
        rules: &[
            RuleKind::read("security.kubearmor.com", "KubeArmorPolicy", kubearmor),
            RuleKind::read("security.kubearmor.com", "KubeArmorClusterPolicy", kubearmor),
            RuleKind::read("security.kubearmor.com", "KubeArmorHostPolicy", kubearmor),
        ],
        ..known("KubeArmor", &[nodes(&["kubearmor/kubearmor"], &[RuntimeDetection])])
    },
    // github.com/neuvector/neuvector-helm charts/core
    Known {
        definitions: &["nvsecurityrules.neuvector.com"],
        labels: &[("app", "neuvector-enforcer-pod")],
        ..known(
            "NeuVector",
            &[
                nodes(&["neuvector/enforcer"], &[RuntimeDetection]),
                server(&["neuvector/scanner"], &[Scanning]),
                server(&["neuvector/controller", "neuvector/manager"], &[]),
            ],
        )
    },
    // The sensor that Microsoft Defender for Containers puts on nodes.
    known(
        "Microsoft Defender",
        &[
            nodes(&["azuredefender/stable/low-level-collector"], &[RuntimeDetection]),
            somehow(
                &["azuredefender/stable/security-publisher", "azuredefender/stable/pod-collector"],
                &[],
            ),
        ],
    ),
    known("Sysdig", &[nodes(&["sysdig/agent", "sysdig/agent-slim"], &[RuntimeDetection])]),
    // github.com/cilium/cilium install/kubernetes/cilium; GKE and AKS run their own copies.
    Known {
        definitions: &["ciliumnetworkpolicies.cilium.io"],
        labels: &[("k8s-app", "cilium"), (PART_OF, "cilium")],
        rules: &[
            RuleKind::counted("cilium.io", "CiliumNetworkPolicy"),
            RuleKind::counted("cilium.io", "CiliumClusterwideNetworkPolicy"),
        ],
        ..known(
            "Cilium",
            &[
                nodes(&["cilium/cilium"], &[NetworkPolicy, PodNetwork]),
                server(
                    &[
                        "cilium/operator",
                        "cilium/operator-generic",
                        "cilium/operator-aws",
                        "cilium/operator-azure",
                    ],
                    &[],
                ),
            ],
        )
    },
    // github.com/projectcalico/calico manifests
    Known {
        definitions: &["felixconfigurations.crd.projectcalico.org"],
        labels: &[("k8s-app", "calico-node")],
        rules: &[
            RuleKind::counted("crd.projectcalico.org", "NetworkPolicy"),
            RuleKind::counted("crd.projectcalico.org", "GlobalNetworkPolicy"),
        ],
        ..known(
            "Calico",
            &[
                // One image of Rancher's is all of it.
                nodes(&["calico/node", "rancher/hardened-calico"], &[NetworkPolicy, PodNetwork]),
                server(
                    &[
                        "calico/kube-controllers",
                        "calico/typha",
                        "tigera/operator",
                        "rancher/mirrored-calico-operator",
                        "rancher/hardened-calico",
                    ],
                    &[],
                ),
            ],
        )
    },
    // github.com/antrea-io/antrea build/yamls/antrea.yml
    Known {
        definitions: &["antreaagentinfos.crd.antrea.io"],
        labels: &[("app", "antrea")],
        rules: &[
            RuleKind::counted("crd.antrea.io", "ClusterNetworkPolicy"),
            RuleKind::counted("crd.antrea.io", "NetworkPolicy"),
        ],
        ..known(
            "Antrea",
            &[
                nodes(
                    &[
                        "antrea/antrea-agent-ubuntu",
                        "antrea/antrea-agent-ubi",
                        "antrea/antrea-ubuntu",
                    ],
                    &[NetworkPolicy, PodNetwork],
                ),
                server(
                    &[
                        "antrea/antrea-controller-ubuntu",
                        "antrea/antrea-controller-ubi",
                        "antrea/antrea-ubuntu",
                    ],
                    &[],
                ),
            ],
        )
    },
    // github.com/cloudnativelabs/kube-router daemonset
    Known {
        labels: &[("k8s-app", "kube-router")],
        ..known(
            "kube-router",
            &[
                nodes(&["cloudnativelabs/kube-router"], &[PodNetwork]).says("--run-firewall=false"),
                nodes(&["cloudnativelabs/kube-router"], &[NetworkPolicy, PodNetwork]),
            ],
        )
    },
    // github.com/flannel-io/flannel Documentation/kube-flannel.yml: it enforces no policy.
    Known {
        labels: &[("k8s-app", "flannel"), ("app", "flannel")],
        ..known(
            "flannel",
            &[nodes(
                &[
                    "flannel-io/flannel",
                    "flannel/flannel",
                    "coreos/flannel",
                    "flannelcni/flannel",
                    "rancher/hardened-flannel",
                ],
                &[PodNetwork],
            )],
        )
    },
    // github.com/aws/amazon-vpc-cni-k8s config/master/aws-k8s-cni.yaml
    Known {
        labels: &[("k8s-app", "aws-node")],
        ..known(
            "Amazon VPC CNI",
            &[
                nodes(&["amazon/aws-network-policy-agent"], &[NetworkPolicy])
                    .says("--enable-network-policy=true"),
                nodes(&["amazon-k8s-cni"], &[PodNetwork]),
            ],
        )
    },
    // github.com/Azure/azure-container-networking npm/azure-npm.yaml
    known("Azure NPM", &[nodes(&["containernetworking/azure-npm"], &[NetworkPolicy])]),
    // sigs.k8s.io/kube-network-policies install.yaml
    known(
        "kube-network-policies",
        &[nodes(&["networking/kube-network-policies"], &[NetworkPolicy])],
    ),
    // istio.io/istio manifests/charts
    Known {
        definitions: &["peerauthentications.security.istio.io"],
        labels: &[
            ("app", "istiod"),
            ("istio", "pilot"),
            ("app", "ztunnel"),
            ("k8s-app", "istio-cni-node"),
        ],
        rules: &[
            RuleKind::counted("security.istio.io", "AuthorizationPolicy"),
            RuleKind::counted("security.istio.io", "PeerAuthentication"),
        ],
        ..known(
            "Istio",
            &[
                server(
                    &["istio/pilot", "istio-release/pilot", "registry.istio.io/release/pilot"],
                    &[MeshEncryption],
                ),
                nodes(
                    &[
                        "istio/ztunnel",
                        "istio-release/ztunnel",
                        "registry.istio.io/release/ztunnel",
                    ],
                    &[],
                ),
                nodes(
                    &[
                        "istio/install-cni",
                        "istio-release/install-cni",
                        "registry.istio.io/release/install-cni",
                    ],
                    &[],
                ),
            ],
        )
    },
    // github.com/linkerd/linkerd2 charts/linkerd-control-plane
    Known {
        definitions: &["servers.policy.linkerd.io"],
        labels: &[(PART_OF, "Linkerd")],
        rules: &[RuleKind::counted("policy.linkerd.io", "AuthorizationPolicy")],
        ..known(
            "Linkerd",
            &[
                server(&["linkerd/controller"], &[MeshEncryption]).says("identity"),
                server(&["linkerd/controller"], &[]),
            ],
        )
    },
    // github.com/cert-manager/cert-manager deploy/charts/cert-manager
    Known {
        definitions: &["certificates.cert-manager.io"],
        labels: &[(NAME, "cert-manager"), ("app", "cert-manager")],
        ..known(
            "cert-manager",
            &[
                server(&["jetstack/cert-manager-controller"], &[Certificates]),
                server(&["jetstack/cert-manager-webhook", "jetstack/cert-manager-cainjector"], &[]),
            ],
        )
    },
    // github.com/cert-manager/trust-manager deploy/charts/trust-manager
    Known {
        definitions: &["bundles.trust.cert-manager.io"],
        labels: &[(NAME, "trust-manager")],
        ..known("trust-manager", &[server(&["jetstack/trust-manager"], &[TrustBundles])])
    },
    // github.com/spiffe/helm-charts-hardened
    Known {
        definitions: &["clusterspiffeids.spire.spiffe.io"],
        ..known(
            "SPIRE",
            &[
                server(&["spiffe/spire-server"], &[WorkloadIdentity]),
                nodes(&["spiffe/spire-agent"], &[]),
            ],
        )
    },
    // github.com/external-secrets/external-secrets deploy/charts/external-secrets
    Known {
        definitions: &["externalsecrets.external-secrets.io"],
        labels: &[(NAME, "external-secrets")],
        ..known(
            "External Secrets",
            &[
                server(&["external-secrets/external-secrets"], &[]).says("webhook"),
                server(&["external-secrets/external-secrets"], &[]).says("certcontroller"),
                server(&["external-secrets/external-secrets"], &[Secrets]),
            ],
        )
    },
    // github.com/bitnami-labs/sealed-secrets
    Known {
        definitions: &["sealedsecrets.bitnami.com"],
        labels: &[("name", "sealed-secrets-controller"), (NAME, "sealed-secrets")],
        ..known("Sealed Secrets", &[server(&["bitnami/sealed-secrets-controller"], &[Secrets])])
    },
    // github.com/kubernetes-sigs/secrets-store-csi-driver deploy; AKS runs its own copy.
    Known {
        definitions: &["secretproviderclasses.secrets-store.csi.x-k8s.io"],
        ..known(
            "Secrets Store CSI driver",
            &[nodes(&["csi-secrets-store/driver", "secrets-store/driver"], &[Secrets])],
        )
    },
    // github.com/hashicorp/vault-helm, github.com/openbao/openbao-helm: one injector for both.
    // Applications have its image beside them as an agent.
    Known {
        labels: &[(NAME, "vault"), (NAME, "openbao")],
        ..known(
            "Vault or OpenBao",
            &[
                server(&["hashicorp/vault-k8s"], &[Secrets]).says("agent-inject"),
                server(&["hashicorp/vault-secrets-operator"], &[Secrets]),
                server(VAULT, &[Secrets]).says("server"),
                server(VAULT, &[Secrets]).labelled(),
            ],
        )
    },
    // github.com/aquasecurity/trivy-operator deploy/static/trivy-operator.yaml
    Known {
        definitions: &["sbomreports.aquasecurity.github.io"],
        labels: &[(NAME, "trivy-operator")],
        ..known("Trivy Operator", &[server(&["aquasecurity/trivy-operator"], &[Scanning])])
    },
    // github.com/kubescape/helm-charts
    known(
        "Kubescape",
        &[
            server(&["kubescape/kubevuln"], &[Scanning]),
            server(&["kubescape/kubescape"], &[Benchmarks]),
            server(&["kubescape/operator", "kubescape/storage"], &[]),
            nodes(&["kubescape/node-agent"], &[]),
        ],
    ),
    // github.com/aquasecurity/starboard deploy/static/starboard.yaml
    known("Starboard", &[server(&["aquasec/starboard-operator"], &[Scanning])]),
    // github.com/aquasecurity/kube-bench job.yaml
    known("kube-bench", &[once(&["aquasec/kube-bench"], &[Benchmarks])]),
    // github.com/kubereboot/kured kured-ds.yaml
    Known {
        labels: &[("name", "kured"), (NAME, "kured")],
        ..known("kured", &[nodes(&["kubereboot/kured", "weaveworks/kured"], &[NodeReboots])])
    },
    // github.com/rancher/system-upgrade-controller manifests
    Known {
        definitions: &["plans.upgrade.cattle.io"],
        ..known(
            "system-upgrade-controller",
            &[server(&["rancher/system-upgrade-controller"], &[NodeUpgrades])],
        )
    },
    // k8s.io/node-problem-detector deployment
    Known {
        labels: &[("app", "node-problem-detector")],
        ..known(
            "node-problem-detector",
            &[nodes(&["node-problem-detector/node-problem-detector"], &[NodeHealth])],
        )
    },
    // sigs.k8s.io/descheduler kubernetes
    Known {
        labels: &[("app", "descheduler")],
        ..known("descheduler", &[somehow(&["descheduler/descheduler"], &[Rescheduling])])
    },
    // github.com/vmware-tanzu/velero pkg/install
    Known {
        definitions: &["backups.velero.io"],
        labels: &[("component", "velero"), (NAME, "velero")],
        ..known(
            "Velero",
            &[server(&["velero/velero"], &[Backup]).says("server"), nodes(&["velero/velero"], &[])],
        )
    },
    // github.com/prometheus-operator/prometheus-operator; its definitions serve others too.
    Known {
        labels: &[(NAME, "prometheus")],
        ..known(
            "Prometheus",
            &[
                server(&["prometheus/prometheus", "prom/prometheus"], &[Metrics]),
                server(&["prometheus-operator/prometheus-operator"], &[]),
            ],
        )
    },
    Known {
        labels: &[(NAME, "alertmanager")],
        ..known(
            "Alertmanager",
            &[server(&["prometheus/alertmanager", "prom/alertmanager"], &[Alerts])],
        )
    },
    known("Datadog", &[nodes(&["datadoghq/agent", "datadog/agent"], &[Metrics])]),
    // github.com/fluent/helm-charts charts/fluent-bit
    Known {
        labels: &[(NAME, "fluent-bit")],
        ..known("Fluent Bit", &[nodes(&["fluent/fluent-bit"], &[LogShipping]).of_node_logs()])
    },
    // github.com/fluent/fluentd-kubernetes-daemonset
    known(
        "Fluentd",
        &[nodes(&["fluent/fluentd", "fluent/fluentd-kubernetes-daemonset"], &[LogShipping])
            .of_node_logs()],
    ),
    // github.com/grafana/helm-charts charts/promtail
    known("Promtail", &[nodes(&["grafana/promtail"], &[LogShipping]).of_node_logs()]),
    // github.com/grafana/alloy operations/helm/charts/alloy, which also runs without logs
    known("Grafana Alloy", &[nodes(&["grafana/alloy"], &[LogShipping]).of_node_logs()]),
    // github.com/vectordotdev/vector distribution/kubernetes/vector-agent
    Known {
        labels: &[(NAME, "vector")],
        ..known("Vector", &[nodes(&["timberio/vector"], &[LogShipping]).of_node_logs()])
    },
    // github.com/elastic/beats deploy/kubernetes
    Known {
        labels: &[("k8s-app", "filebeat")],
        ..known(
            "Filebeat",
            &[nodes(&["beats/filebeat", "beats/filebeat-wolfi"], &[LogShipping]).of_node_logs()],
        )
    },
    // github.com/microsoft/Docker-Provider kubernetes/ama-logs.yaml
    known(
        "Azure Monitor",
        &[nodes(&["azuremonitor/containerinsights/ciprod"], &[LogShipping]).of_node_logs()],
    ),
    // github.com/argoproj/argo-cd manifests/install.yaml
    Known {
        definitions: &["applications.argoproj.io"],
        labels: &[(PART_OF, "argocd")],
        ..known(
            "Argo CD",
            &[
                server(&["argoproj/argocd"], &[GitOps]).says("argocd-application-controller"),
                server(&["argoproj/argocd"], &[]).says("argocd-server"),
                server(&["argoproj/argocd"], &[]).says("argocd-repo-server"),
                server(&["argoproj/argocd"], &[]).labelled(),
            ],
        )
    },
    // github.com/fluxcd/flux2 manifests
    Known {
        definitions: &["kustomizations.kustomize.toolkit.fluxcd.io"],
        labels: &[(PART_OF, "flux")],
        ..known(
            "Flux",
            &[
                server(&["fluxcd/kustomize-controller", "fluxcd/helm-controller"], &[GitOps]),
                server(&["fluxcd/source-controller", "fluxcd/notification-controller"], &[]),
            ],
        )
    },
    // github.com/longhorn/longhorn deploy/longhorn.yaml
    Known {
        definitions: &["volumes.longhorn.io"],
        labels: &[("app", "longhorn-manager")],
        ..known("Longhorn", &[nodes(&["longhornio/longhorn-manager"], &[Storage])])
    },
    // k8s.io/kubernetes cluster/addons/dns/coredns, cmd/kubeadm/app/phases/addons/dns. It
    // serves other names than a cluster's too; the label is what Services of DNS select.
    Known {
        labels: &[("k8s-app", "kube-dns")],
        ..known(
            "CoreDNS",
            &[somehow(&["coredns/coredns", "rancher/hardened-coredns"], &[ClusterDns]).labelled()],
        )
    },
];

const VAULT: &[&str] = &["hashicorp/vault", "openbao/openbao"];
const GATEKEEPER: &[&str] = &["openpolicyagent/gatekeeper", "open-policy-agent/gatekeeper"];
