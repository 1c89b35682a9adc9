//! Asking the API server, without async and without TLS: through the
//! supervisor's unix socket, in the name of any user.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::User;

/// How long one read of an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer of the API server.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status; 502 when the API server could not be reached.
    pub status: u16,
    /// What `Warning` headers say.
    pub warnings: Vec<String>,
    /// The body; a string where it is not JSON.
    pub body: Value,
}

impl Response {
    /// True for 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body of a success.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn expect_success(self) -> Value {
        assert!(self.is_success(), "{}: {}", self.status, self.body);
        self.body
    }

    /// What a `Status` says; empty where there is no message.
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

/// One request; `body` with its content type.
pub(super) fn exchange(
    socket: &Path,
    user: &User,
    method: &str,
    path: &str,
    body: Option<(&str, &Value)>,
) -> std::io::Result<Response> {
    let (head, mut rest) = send(socket, user, method, path, body)?;
    let mut bytes = Vec::new();
    rest.read_to_end(&mut bytes)?;
    if let Some(expected) = head.length
        && expected != bytes.len()
    {
        let error = format!("{} of {expected} bytes of the answer came", bytes.len());
        return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, error));
    }
    let body = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    Ok(Response { status: head.status, warnings: head.warnings, body })
}

/// The lines of an answer as they come, such as the events of a watch. Ends with
/// the answer, and when nothing comes for a minute.
pub struct Lines(BufReader<UnixStream>);

impl Iterator for Lines {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }
}

/// Opens a stream.
pub(super) fn stream(socket: &Path, user: &User, path: &str) -> std::io::Result<Lines> {
    let (head, mut rest) = send(socket, user, "GET", path, None)?;
    if head.status != 200 {
        let mut text = String::new();
        rest.read_to_string(&mut text)?;
        return Err(std::io::Error::other(format!("{}: {text}", head.status)));
    }
    Ok(Lines(rest))
}

struct Head {
    status: u16,
    length: Option<usize>,
    warnings: Vec<String>,
}

/// HTTP/1.0, whose answers end with the connection.
fn send(
    socket: &Path,
    user: &User,
    method: &str,
    path: &str,
    body: Option<(&str, &Value)>,
) -> std::io::Result<(Head, BufReader<UnixStream>)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = format!("{method} {path} HTTP/1.0\r\nAccept: application/json\r\n");
    for (name, value) in user.headers() {
        assert!(!value.contains(['\r', '\n']), "{name} has a line break: {value}");
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let text = body.map(|(_, value)| value.to_string()).unwrap_or_default();
    if let Some((content_type, _)) = body {
        request.push_str(&format!("Content-Type: {content_type}\r\n"));
        request.push_str(&format!("Content-Length: {}\r\n", text.len()));
    }
    stream.write_all(format!("{request}\r\n{text}").as_bytes())?;
    let mut reader = BufReader::new(stream);
    let head = read_head(&mut reader)?;
    Ok((head, reader))
}

fn read_head(reader: &mut impl BufRead) -> std::io::Result<Head> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| std::io::Error::other(format!("no HTTP status: {line:?}")))?;
    let mut head = Head { status, length: None, warnings: Vec::new() };
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            return Ok(head);
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => head.length = value.trim().parse().ok(),
            "warning" => head.warnings.push(warning(value)),
            _ => {}
        }
    }
}

/// The text of `299 - "text"`, where a backslash escapes (RFC 7234 5.5).
fn warning(value: &str) -> String {
    let quoted = value.trim().splitn(3, ' ').nth(2).unwrap_or_default();
    let mut escaped = false;
    let inner = quoted.strip_prefix('"').unwrap_or(quoted).chars();
    let text: String = inner
        .filter(|&character| {
            escaped = character == '\\' && !escaped;
            !escaped
        })
        .collect();
    text.strip_suffix('"').unwrap_or(&text).to_owned()
}
