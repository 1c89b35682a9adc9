//! Credential plugins: programs that a kubeconfig names, which print who we are.
//!
//! They are run here and not by kube-client, which waits for them without end and keeps all
//! that they print. The protocol is that of `client.authentication.k8s.io` v1 and v1beta1.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use http::HeaderValue;
use ironhull_sys::{Limits, Program, RunError};
use jiff::Timestamp;
use kube_client::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;

use crate::said::shortly;

/// Somebody may have to look for a second device; without a terminal nobody is asked.
const TIME_TO_ANSWER: Duration = Duration::from_secs(5 * 60);
const TIME: Duration = Duration::from_secs(60);
/// A token with the groups of its user, or a chain of certificates, is much shorter.
const LONGEST_OUTPUT: usize = 1 << 20;
const VERSIONS: [&str; 2] =
    ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/// A plugin, as its kubeconfig describes it.
pub(crate) struct Plugin {
    exec: ExecConfig,
    version: String,
    command: String,
}

/// What a plugin gave.
#[derive(Clone)]
pub(crate) struct Credential {
    /// The `Authorization` header.
    pub(crate) authorization: Option<HeaderValue>,
    /// A client's certificate and its key, in PEM.
    pub(crate) identity: Option<(String, String)>,
    /// None where it holds until it is refused.
    pub(crate) expires: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    api_version: String,
    kind: String,
    status: Option<Status>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Plugin {
    /// Takes the plugin out of what a kubeconfig says of a user, so that nobody else runs
    /// it; none where the user has another credential, which counts before it.
    ///
    /// # Errors
    /// When a plugin is described that cannot be run.
    pub(crate) fn take(user: &mut AuthInfo) -> Result<Option<Plugin>, String> {
        if user.auth_provider.as_ref().is_some_and(|of| of.config.contains_key("cmd-path")) {
            return Err("the user's auth-provider names a program, which Kubernetes 1.26 took \
                        away: use an exec plugin, such as gke-gcloud-auth-plugin"
                .to_owned());
        }
        let Some(exec) = user.exec.take() else { return Ok(None) };
        let has_password = user.username.is_some() && user.password.is_some();
        if user.auth_provider.is_some()
            || has_password
            || user.token.is_some()
            || user.token_file.is_some()
        {
            return Ok(None);
        }
        let version = exec.api_version.clone().unwrap_or_default();
        let Some(command) = exec.command.clone().filter(|command| !command.is_empty()) else {
            return Err("the user's credential plugin has no command".to_owned());
        };
        if !VERSIONS.contains(&version.as_str()) {
            let known = VERSIONS.join(" or ");
            return Err(format!("the credential plugin {command} needs apiVersion {known}"));
        }
        Ok(Some(Plugin { exec, version, command }))
    }

    /// Runs it, on this thread, within its time.
    ///
    /// # Errors
    /// When it gives no credential; nothing that it printed is shown.
    pub(crate) fn run(&self) -> Result<Credential, String> {
        self.run_within(TIME)
    }

    /// `time` is what it has where it asks nobody.
    fn run_within(&self, time: Duration) -> Result<Credential, String> {
        let mode = self.exec.interactive_mode.as_ref();
        let has_terminal = std::io::stdin().is_terminal();
        let asks = has_terminal && mode != Some(&ExecInteractiveMode::Never);
        if mode == Some(&ExecInteractiveMode::Always) && !has_terminal {
            let reason = "must ask at a terminal, and there is none";
            return Err(format!("the credential plugin {} {reason}", self.command));
        }
        let info = self.info(asks)?;
        let mut env = vec![("KUBERNETES_EXEC_INFO", info.as_str())];
        for of in self.exec.env.iter().flatten() {
            if let (Some(name), Some(value)) = (of.get("name"), of.get("value")) {
                env.push((name, value));
            }
        }
        let args: Vec<&str> = self.exec.args.iter().flatten().map(String::as_str).collect();
        let (path, folder) = (Path::new(&self.command), Path::new("."));
        let program = Program { path, args: &args, folder, env: &env, asks };
        let time = if asks { TIME_TO_ANSWER } else { time };
        let printed = program.run(Limits { time, output: LONGEST_OUTPUT });
        self.credential(&printed.map_err(|error| self.failed(&error))?)
    }

    /// What the plugin is told, as JSON.
    fn info(&self, asks: bool) -> Result<String, String> {
        let mut spec = serde_json::json!({"interactive": asks});
        if self.exec.provide_cluster_info {
            let cluster = serde_json::to_value(&self.exec.cluster);
            spec["cluster"] = cluster.map_err(|error| error.to_string())?;
        }
        let info = serde_json::json!({
            "apiVersion": self.version, "kind": "ExecCredential", "spec": spec,
        });
        Ok(info.to_string())
    }

    fn failed(&self, error: &RunError) -> String {
        let hint = self.exec.install_hint.as_deref().map(str::trim);
        match error {
            RunError::Failed { stderr, status, .. } => {
                let said = shortly(stderr);
                format!("the credential plugin {} failed ({status}): {said}", self.command)
            }
            RunError::Start { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                let hint = hint.map(|hint| format!(": {hint}")).unwrap_or_default();
                format!("the credential plugin {} is not there{hint}", self.command)
            }
            error => format!("the credential plugin {error}"),
        }
    }

    fn credential(&self, printed: &str) -> Result<Credential, String> {
        let wrong = |what: &str| Err(format!("the credential plugin {} {what}", self.command));
        // YAML is read as well, as kubectl does.
        let Ok(said) = serde_saphyr::from_str::<ExecCredential>(printed) else {
            return wrong("printed no ExecCredential");
        };
        if said.kind != "ExecCredential" || said.api_version != self.version {
            return wrong(&format!("printed no ExecCredential of {}", self.version));
        }
        let status = said.status.unwrap_or_default();
        let expires = status.expiration_timestamp.map(|text| text.parse()).transpose();
        let Ok(expires) = expires else {
            return wrong("printed an expirationTimestamp that is no RFC 3339 time");
        };
        let token = status.token.filter(|token| !token.is_empty());
        let authorization = token.map(|token| HeaderValue::try_from(format!("Bearer {token}")));
        let Ok(mut authorization) = authorization.transpose() else {
            return wrong("printed a token with characters that no header may have");
        };
        authorization.iter_mut().for_each(|value| value.set_sensitive(true));
        let identity = match (status.client_certificate_data, status.client_key_data) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return wrong("printed only one of a client's certificate and its key"),
        };
        if authorization.is_none() && identity.is_none() {
            return wrong("printed neither a token nor a client's certificate");
        }
        Ok(Credential { authorization, identity, expires })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use kube_client::config::{AuthInfo, ExecAuthCluster, ExecConfig, ExecInteractiveMode};

    use super::{Credential, Plugin, VERSIONS};

    fn plugin(script: &str) -> Plugin {
        let exec = ExecConfig {
            api_version: Some(VERSIONS[0].to_owned()),
            command: Some("sh".to_owned()),
            args: Some(vec!["-c".to_owned(), script.to_owned()]),
            interactive_mode: Some(ExecInteractiveMode::Never),
            provide_cluster_info: true,
            cluster: Some(ExecAuthCluster {
                server: Some("https://x".into()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let mut user = AuthInfo { exec: Some(exec), ..AuthInfo::default() };
        Plugin::take(&mut user).unwrap().unwrap()
    }

    fn printing(text: &str) -> Result<Credential, String> {
        plugin(&format!("cat <<'END'\n{text}\nEND\n")).run()
    }

    fn status(status: &str) -> String {
        format!(
            r#"{{"apiVersion": "{}", "kind": "ExecCredential", "status": {status}}}"#,
            VERSIONS[0]
        )
    }

    #[test]
    fn a_plugin_has_an_end() {
        let began = Instant::now();
        let slow = plugin("sleep 1000; true").run_within(Duration::from_millis(300));
        assert!(slow.err().unwrap().contains("did not end within"));
        let much = plugin("yes hunter2").run().err().unwrap();
        assert_eq!(much, "the credential plugin sh printed more than 1048576 bytes");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }

    #[test]
    fn what_a_plugin_prints_is_a_credential_or_an_error_that_shows_none_of_it() {
        let got =
            printing(&status(r#"{"token": "abc", "expirationTimestamp": "2026-11-26T12:00:00Z"}"#));
        let got = got.unwrap();
        assert_eq!(got.authorization.unwrap(), "Bearer abc");
        assert_eq!(got.expires.unwrap().to_string(), "2026-11-26T12:00:00Z");
        let pair = status(r#"{"clientCertificateData": "C", "clientKeyData": "K"}"#);
        let got = printing(&pair).unwrap();
        assert_eq!(got.identity.unwrap(), ("C".to_owned(), "K".to_owned()));
        let other = status(r#"{"token": "hunter2"}"#).replace("io/v1", "io/v1beta1");
        for (text, part) in [
            ("hunter2".to_owned(), "printed no ExecCredential"),
            (other, "no ExecCredential of client.authentication.k8s.io/v1"),
            (status(r#"{"clientKeyData": "hunter2"}"#), "only one of"),
            (status(r#"{"token": "hunter2\nx"}"#), "no header may have"),
            (status(r#"{"token": "x", "expirationTimestamp": "hunter2"}"#), "RFC 3339"),
            (status("{}"), "neither a token"),
        ] {
            let said = printing(&text).err().unwrap();
            assert!(said.contains(part) && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn a_plugin_is_told_the_protocol_and_the_cluster() {
        let script = r#"case "$KUBERNETES_EXEC_INFO" in
            *'"interactive":false'*) ;; *) exit 1;; esac
            case "$KUBERNETES_EXEC_INFO" in *'"server":"https://x"'*) ;; *) exit 2;; esac
            echo "{apiVersion: client.authentication.k8s.io/v1, kind: ExecCredential, status: {token: yaml}}""#;
        assert_eq!(plugin(script).run().unwrap().authorization.unwrap(), "Bearer yaml");
        let mut absent = plugin("");
        absent.command = "ironhull-no-such-plugin".to_owned();
        absent.exec.install_hint = Some("install it".to_owned());
        let said = absent.run().err().unwrap();
        assert_eq!(said, "the credential plugin ironhull-no-such-plugin is not there: install it");
    }
}
