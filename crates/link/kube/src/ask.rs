//! Asking: until there is an answer, or it is not worth waiting for one.

use std::time::Duration;

use http::header::WARNING;
use http::{Method, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kube_client::client::Body;
use tokio::time::{sleep, timeout};

use crate::passes::{self, Passes};
use crate::patience::{Asking, LONGEST_REST};
use crate::said::{self, chain, refusal, rest};
use crate::{Answer, Cluster, Error, LONGEST_ANSWER, LONGEST_REFUSAL, request};

/// How often a request is made whose failure may pass though the server is there, and the
/// pause after the first, four times as long after each other.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(100);

/// A request.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) accept: &'a str,
    pub(crate) body: &'a [u8],
    /// Bytes of the answer.
    pub(crate) longest: usize,
    /// Whether the answer comes from behind the API server.
    pub(crate) behind: bool,
}

impl<'a> Ask<'a> {
    pub(crate) fn get(path: &'a str) -> Ask<'a> {
        let (accept, longest) = ("application/json", LONGEST_ANSWER);
        Ask { method: &Method::GET, path, accept, body: &[], longest, behind: false }
    }
}

/// A request without an answer.
pub(crate) struct Failed {
    pub(crate) error: Error,
    passes: Passes,
    /// How long the server asks to wait.
    rest: Option<Duration>,
}

impl Failed {
    fn with(error: Error, passes: Passes) -> Failed {
        Failed { error, passes, rest: None }
    }
}

impl Cluster {
    /// Sees to it that there is a credential.
    pub(crate) async fn renew(&self, path: &str) -> Result<(), Error> {
        self.sender.renew().await.map_err(|reason| self.unreachable(path, reason))
    }

    /// Asks until there is an answer, and again with a new credential where the one that
    /// a plugin gave is not taken any more.
    pub(crate) async fn ask(&self, ask: Ask<'_>) -> Result<Vec<u8>, Error> {
        self.renew(ask.path).await?;
        let answer = self.ask_as_we_are(ask).await;
        if answer.as_ref().is_err_and(|error| error.code() == Some(401)) && self.sender.may_renew()
        {
            self.renew(ask.path).await?;
            return self.ask_as_we_are(ask).await;
        }
        answer
    }

    /// Asks as often and as long as is reasonable.
    async fn ask_as_we_are(&self, ask: Ask<'_>) -> Result<Vec<u8>, Error> {
        let leave = self.patience.leave().await;
        let _leave = leave.map_err(|reason| self.unreachable(ask.path, reason))?;
        let mut asking = Asking::new();
        let mut n_attempts = 0;
        loop {
            let failed = match self.once(ask, &asking).await {
                Ok(body) => return Ok(body),
                Err(failed) => failed,
            };
            n_attempts += 1;
            let wait = match failed.passes {
                Passes::Never => None,
                Passes::Perhaps if n_attempts >= ATTEMPTS => None,
                Passes::Perhaps => {
                    let pause = PAUSE * 4_u32.pow(n_attempts - 1);
                    Some(failed.rest.unwrap_or_default().max(pause))
                        .filter(|wait| *wait <= LONGEST_REST)
                }
                Passes::WhenBack => {
                    let why = match &failed.error {
                        Error::Unreachable { reason, .. } => reason.clone(),
                        error => error.to_string(),
                    };
                    self.patience.wait(&mut asking, failed.rest, &why)
                }
            };
            let Some(wait) = wait else { return Err(failed.error) };
            self.tell(&asking, wait, &failed);
            sleep(wait).await;
        }
    }

    /// Says that it is waited, where that is for long.
    fn tell(&self, asking: &Asking, wait: Duration, failed: &Failed) {
        let Some(told) = self.told else { return };
        if self.patience.tells(asking, wait) {
            let error = &failed.error;
            told(&match failed.rest {
                Some(rest) => {
                    format!("the API server asks to wait {} s: {error}", rest.as_secs())
                }
                None => format!("waiting for the API server: {error}"),
            });
        }
    }

    fn unreachable(&self, path: &str, reason: String) -> Error {
        Error::Unreachable { server: self.server.clone(), path: path.to_owned(), reason }
    }

    /// One attempt.
    async fn once(&self, ask: Ask<'_>, asking: &Asking) -> Result<Vec<u8>, Failed> {
        let never = |error| Failed::with(error, Passes::Never);
        let body = ask.body.to_vec();
        let request = request(ask.method.clone(), ask.path, ask.accept, body).map_err(never)?;
        let time = self.patience.attempt(asking);
        let answer = timeout(time, self.send(ask.path, request, ask.longest)).await;
        let answer = answer.unwrap_or_else(|_| {
            let reason = format!("no answer within {} s", time.as_secs());
            Err(Failed::with(self.unreachable(ask.path, reason), Passes::WhenBack))
        })?;
        let passes = passes::of_status(answer.code, ask.behind);
        self.patience.heard(passes != Passes::WhenBack);
        if (200..300).contains(&answer.code) {
            return Ok(answer.body);
        }
        let error = refusal(answer.code, &answer.body);
        Err(Failed { error, passes, rest: answer.retry_after })
    }

    /// Makes a request once, whatever the status of its answer.
    pub(crate) async fn send(
        &self,
        path: &str,
        request: Request<Body>,
        longest: usize,
    ) -> Result<Answer, Failed> {
        let lost = |error: &(dyn std::error::Error + 'static)| {
            Failed::with(self.unreachable(path, chain(error)), passes::of_error(error))
        };
        let answer = self.sender.send(request).await.map_err(|error| lost(&*error))?;
        let (head, body) = answer.into_parts();
        let longest = if head.status.is_success() { longest } else { LONGEST_REFUSAL };
        let body = Limited::new(body, longest).collect().await;
        let body = body.map_err(|error| match error.is::<LengthLimitError>() {
            true => {
                let reason = format!("it is longer than {longest} bytes");
                let error = Error::Answer { path: path.to_owned(), reason };
                Failed::with(error, Passes::Never)
            }
            false => lost(&*error),
        })?;
        let texts = head.headers.get_all(WARNING).iter().filter_map(|value| value.to_str().ok());
        let withheld = |text: &str| self.sender.withheld(text);
        let body = match head.status.is_success() {
            true => body.to_bytes().into(),
            false => withheld(&String::from_utf8_lossy(&body.to_bytes())).into_bytes(),
        };
        Ok(Answer {
            code: head.status.as_u16(),
            warnings: texts.filter_map(said::warning).map(|text| withheld(&text)).collect(),
            retry_after: rest(&head.headers),
            body,
        })
    }
}
