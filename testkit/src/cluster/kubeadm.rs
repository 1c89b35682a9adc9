//! What the real kubeadm writes.

use std::path::Path;
use std::process::Command;

use super::program;

/// Writes the manifests of a control plane and its etcd into `folder`, which exists, as
/// kubeadm does on the first node of a cluster; none, said on standard error, when it
/// was not built.
///
/// # Panics
/// When kubeadm fails.
pub fn control_plane_manifests(folder: &Path, node: &str) -> Option<()> {
    let kubebed = program("kubebed")?;
    let config = folder.with_extension("kubeadm");
    // It refuses an address of the loopback.
    let text = format!(
        "apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {{advertiseAddress: 10.0.0.10, bindPort: 6443}}
nodeRegistration: {{name: {node}, criSocket: 'unix:///run/none.sock'}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.37.1
networking: {{podSubnet: 10.244.0.0/16}}
"
    );
    std::fs::write(&config, text).expect("write kubeadm's configuration");
    for phase in [["control-plane", "all"], ["etcd", "local"]] {
        // Where a dry run leaves what it would have written to /etc/kubernetes/manifests.
        let output = Command::new(&kubebed)
            .args(["kubeadm", "init", "phase"])
            .args(phase)
            .args(["--dry-run", "--config"])
            .arg(&config)
            .env("KUBEADM_INIT_DRYRUN_DIR", folder)
            .output()
            .expect("start kubeadm");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubeadm init phase {phase:?}: {said}");
    }
    Some(())
}
