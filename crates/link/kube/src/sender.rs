//! Requests with who asks: what a credential plugin gave is added here, and asked for anew
//! when it ends.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use ironhull_model::base64;
use jiff::Timestamp;
use kube_client::client::Body;
use kube_client::config::AuthInfo;
use kube_client::{Client, Config};
use tokio::time::Instant;

use crate::plugin::{Credential, Plugin};
use crate::{Error, client, files, said, token, token_of};

/// A credential that ends so soon is asked for anew before it is used.
const BEFORE_ITS_END: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);
/// A plugin is not run again before that: what is refused or over at once would be again.
const SHORTEST_USE: Duration = Duration::from_secs(5);

/// A token in a file is read again so often, and before that when it is refused.
const FILE_HOLDS: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// Where credentials are from that end.
pub(crate) enum Source {
    /// A program.
    Plugin(Box<Plugin>),
    /// A file with a token, which others write anew.
    File(PathBuf),
}

impl Source {
    /// Takes it out of what a kubeconfig says of a user, so that nobody else asks it; none
    /// where the user has another credential, which counts before it.
    ///
    /// # Errors
    /// When a plugin is described that cannot be run.
    pub(crate) fn take(user: &mut AuthInfo) -> Result<Option<Source>, String> {
        if let Some(plugin) = Plugin::take(user)? {
            return Ok(Some(Source::Plugin(Box::new(plugin))));
        }
        let has_password = user.username.is_some() && user.password.is_some();
        if user.auth_provider.is_some() || has_password {
            return Ok(None);
        }
        let path = user.token_file.take().filter(|path| !path.is_empty());
        let Some(path) = path.map(PathBuf::from) else { return Ok(None) };
        // What a pipe holds is read once, and nobody waits for its next writer.
        if files::is_pipe(&path) {
            user.token = Some(files::token(&path)?.into());
            return Ok(None);
        }
        // A file counts before a token, which counts while the file cannot be read
        // (k8s.io/client-go/tools/clientcmd/api, AuthInfo).
        let has_token = token_of(user).is_some();
        if has_token && files::token(&path).is_err() {
            return Ok(None);
        }
        user.token = None;
        Ok(Some(Source::File(path)))
    }

    fn credential(&self) -> Result<Credential, String> {
        match self {
            Source::Plugin(plugin) => plugin.run(),
            Source::File(path) => {
                let (authorization, identity) = (Some(files::bearer(path)?), None);
                let expires = Some(Timestamp::now() + FILE_HOLDS);
                Ok(Credential { authorization, identity, expires })
            }
        }
    }
}

/// What a source gave, shared by all who ask.
pub(crate) struct Credentials {
    source: Arc<Source>,
    held: Mutex<Held>,
    /// Held by whoever runs the plugin; others wait for what it gives.
    renewal: tokio::sync::Mutex<()>,
}

struct Held {
    credential: Credential,
    /// The one before, which answers under way may still repeat.
    before: Option<http::HeaderValue>,
    /// How often it was renewed.
    generation: u64,
    /// When the plugin last ended.
    since: Instant,
    is_refused: bool,
    /// Why it could not be renewed.
    failed: Option<String>,
}

impl Held {
    /// The wall's clock is asked: expiry is a moment on it.
    fn is_over(&self) -> bool {
        let is_late = |end: Timestamp| Timestamp::now() + BEFORE_ITS_END >= end;
        self.is_refused || self.failed.is_some() || self.credential.expires.is_some_and(is_late)
    }
}

/// Asks a source without holding up other tasks.
async fn run(source: &Arc<Source>) -> Result<Credential, String> {
    let source = Arc::clone(source);
    let ended = tokio::task::spawn_blocking(move || source.credential()).await;
    ended.unwrap_or_else(|error| Err(error.to_string()))
}

impl Credentials {
    /// Asks the source for the first time.
    pub(crate) async fn first(source: Source) -> Result<Credentials, String> {
        let source = Arc::new(source);
        let credential = run(&source).await?;
        let since = Instant::now();
        let (before, failed) = (None, None);
        let held = Held { credential, before, generation: 0, since, is_refused: false, failed };
        Ok(Credentials { source, held: Mutex::new(held), renewal: tokio::sync::Mutex::default() })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is to be done; otherwise why nothing can be done yet.
    fn stands(&self) -> Result<bool, String> {
        let held = self.held();
        if !held.is_over() {
            return Ok(true);
        }
        if held.since.elapsed() >= SHORTEST_USE {
            return Ok(false);
        }
        held.failed.clone().map_or(Ok(true), Err)
    }

    async fn renew(&self) -> Result<(), String> {
        if self.stands()? {
            return Ok(());
        }
        let _renewing = self.renewal.lock().await;
        // Somebody else may just have done so.
        if self.stands()? {
            return Ok(());
        }
        let got = run(&self.source).await;
        let mut held = self.held();
        held.since = Instant::now();
        match got {
            Ok(credential) => {
                held.before = std::mem::replace(&mut held.credential, credential).authorization;
                held.generation += 1;
                (held.is_refused, held.failed) = (false, None);
                Ok(())
            }
            // Some take the file away once it was read: what it held counts on.
            Err(_) if matches!(*self.source, Source::File(_)) && !held.is_refused => {
                held.credential.expires = Some(Timestamp::now() + FILE_HOLDS);
                Ok(())
            }
            Err(reason) => {
                held.failed = Some(reason.clone());
                Err(reason)
            }
        }
    }
}

/// Sends requests of one configuration.
pub(crate) struct Sender {
    config: Config,
    credentials: Option<Arc<Credentials>>,
    /// The client, and the generation of the credentials that it was made with.
    made: Mutex<(u64, Client)>,
}

impl Sender {
    pub(crate) fn new(
        config: Config,
        credentials: Option<Arc<Credentials>>,
    ) -> Result<Sender, Error> {
        let held = credentials.as_ref().map(|of| {
            let held = of.held();
            (held.generation, held.credential.clone())
        });
        let credential = held.as_ref().map(|(_, credential)| credential);
        let client = client(identified(&config, credential))?;
        let made = Mutex::new((held.map_or(0, |(generation, _)| generation), client));
        Ok(Sender { config, credentials, made })
    }

    /// Another one, of another configuration of the same cluster and user.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Config)) -> Result<Sender, Error> {
        let mut config = self.config.clone();
        change(&mut config);
        Sender::new(config, self.credentials.clone())
    }

    /// Lets the plugin give a new credential where the one it gave is over or was refused.
    /// It has its own time, so this is not part of a request's.
    ///
    /// # Errors
    /// Why it gave none.
    pub(crate) async fn renew(&self) -> Result<(), String> {
        match &self.credentials {
            Some(credentials) => credentials.renew().await,
            None => Ok(()),
        }
    }

    /// What the server said, without credentials that it repeats.
    pub(crate) fn withheld(&self, text: &str) -> String {
        let text = said::withheld(text, token(&self.config).as_deref());
        let Some(credentials) = &self.credentials else { return text };
        let held = credentials.held();
        let all = [&held.credential.authorization, &held.before].into_iter().flatten();
        let bearers = all.filter_map(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        bearers.fold(text, |text: String, bearer| said::withheld(&text, Some(bearer)))
    }

    /// Whether another credential may be had for one that was refused.
    pub(crate) fn may_renew(&self) -> bool {
        let stands = |of: &Arc<Credentials>| of.stands().unwrap_or(true);
        self.credentials.as_ref().is_some_and(|of| !stands(of))
    }

    pub(crate) async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Box<dyn std::error::Error + Send + Sync>> {
        let Some(credentials) = &self.credentials else {
            let client = self.made.lock().unwrap_or_else(PoisonError::into_inner).1.clone();
            return Ok(client.send(request).await?);
        };
        let (generation, credential) = {
            let held = credentials.held();
            (held.generation, held.credential.clone())
        };
        if let Some(value) = &credential.authorization {
            request.headers_mut().insert(AUTHORIZATION, value.clone());
        }
        let client = self.client_of(generation, &credential)?;
        let answer = client.send(request).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let mut held = credentials.held();
            held.is_refused |= held.generation == generation;
        }
        Ok(answer)
    }

    /// A client is made anew with a new certificate; a token is only a header.
    fn client_of(&self, generation: u64, credential: &Credential) -> Result<Client, Error> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.0 != generation {
            if credential.identity.is_some() {
                made.1 = client(identified(&self.config, Some(credential)))?;
            }
            made.0 = generation;
        }
        Ok(made.1.clone())
    }
}

/// A configuration with the certificate that a plugin gave.
fn identified(config: &Config, credential: Option<&Credential>) -> Config {
    let mut config = config.clone();
    if let Some((certificate, key)) = credential.and_then(|of| of.identity.as_ref()) {
        let user = &mut config.auth_info;
        user.client_certificate_data = Some(base64::encode(certificate.as_bytes()));
        user.client_key_data = Some(base64::encode(key.as_bytes()).into());
        (user.client_certificate, user.client_key) = (None, None);
    }
    config
}
