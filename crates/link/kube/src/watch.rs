//! Answers that go on: what a watch tells, line by line.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use kube_client::client::Body;

use crate::sender::Sender;
use crate::{Cluster, Error, LONGEST_REFUSAL, READ_TIMEOUT, chain, refusal, request};

/// An event holds one object, of which the API server stores at most a few megabytes.
const LONGEST_LINE: usize = 64 << 20;

impl Cluster {
    /// Opens watches. Unlike other answers they may be silent for long, so they have
    /// connections of their own.
    ///
    /// # Errors
    /// When the configuration makes no client.
    pub fn watcher(&self) -> Result<Watcher, Error> {
        let sender = self.sender.with(|config| config.read_timeout = None)?;
        Ok(Watcher { sender: sender.into(), server: self.server.clone().into() })
    }
}

/// Opens watches of one cluster.
#[derive(Clone)]
pub struct Watcher {
    sender: Arc<Sender>,
    server: Arc<str>,
}

impl Watcher {
    /// Makes a GET whose answer is read as it comes.
    ///
    /// # Errors
    /// When there is no answer in time, or one that is no success. Nothing is tried again
    /// but with a new credential where the one that a plugin gave is not taken any more.
    pub async fn open(&self, path: &str, accept: &str) -> Result<Lines, Error> {
        let opened = self.open_as_we_are(path, accept).await;
        match opened {
            Err(error) if error.code() == Some(401) && self.sender.may_renew() => {
                self.open_as_we_are(path, accept).await
            }
            opened => opened,
        }
    }

    async fn open_as_we_are(&self, path: &str, accept: &str) -> Result<Lines, Error> {
        let unreachable = |reason| self.unreachable(path, reason);
        self.sender.renew().await.map_err(unreachable)?;
        let request = request(Method::GET, path, accept, Vec::new())?;
        let answer = tokio::time::timeout(READ_TIMEOUT, self.sender.send(request)).await;
        let answer = answer
            .map_err(|_| unreachable(format!("no answer within {} s", READ_TIMEOUT.as_secs())))?
            .map_err(|error| unreachable(chain(&*error)))?;
        let code = answer.status().as_u16();
        let mut lines = Lines {
            body: answer.into_body(),
            read: Vec::new(),
            seen: 0,
            path: path.to_owned(),
            watcher: self.clone(),
        };
        if (200..300).contains(&code) {
            return Ok(lines);
        }
        let mut body = Vec::new();
        while let Some(line) = lines.next(READ_TIMEOUT).await? {
            body.extend(line);
            if body.len() > LONGEST_REFUSAL {
                break;
            }
        }
        let said = self.sender.withheld(&String::from_utf8_lossy(&body));
        Err(refusal(code, said.as_bytes()))
    }

    fn unreachable(&self, path: &str, reason: String) -> Error {
        Error::Unreachable { server: self.server.to_string(), path: path.to_owned(), reason }
    }
}

/// The lines of an answer that goes on.
pub struct Lines {
    body: Body,
    /// What came and is not given yet.
    read: Vec<u8>,
    /// How much of it holds no end of a line.
    seen: usize,
    path: String,
    watcher: Watcher,
}

impl Lines {
    /// The next line without its end; none when the server ended the answer.
    ///
    /// # Errors
    /// When the connection breaks, nothing comes for `patience`, or a line has no end.
    pub async fn next(&mut self, patience: Duration) -> Result<Option<Vec<u8>>, Error> {
        loop {
            if let Some(at) = self.read[self.seen..].iter().position(|byte| *byte == b'\n') {
                let rest = self.read.split_off(self.seen + at + 1);
                let mut line = std::mem::replace(&mut self.read, rest);
                self.seen = 0;
                line.pop();
                return Ok(Some(line));
            }
            self.seen = self.read.len();
            if self.seen > LONGEST_LINE {
                let reason = format!("a line is longer than {} MiB", LONGEST_LINE >> 20);
                return Err(Error::Answer { path: self.path.clone(), reason });
            }
            let lost = |reason| self.watcher.unreachable(&self.path, reason);
            let frame = tokio::time::timeout(patience, self.body.frame()).await;
            let frame = frame
                .map_err(|_| lost(format!("nothing came for {} s", patience.as_secs())))?
                .transpose()
                .map_err(|error| lost(chain(&error)))?;
            match frame {
                // As a whole: byte by byte is what most of the time would go to.
                Some(frame) => self.read.extend_from_slice(&frame.into_data().unwrap_or_default()),
                None if self.read.is_empty() => return Ok(None),
                None => {
                    self.seen = 0;
                    return Ok(Some(std::mem::take(&mut self.read)));
                }
            }
        }
    }
}
