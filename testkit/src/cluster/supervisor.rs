//! The program that keeps a cluster's processes, `testbed/supervisor`.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::run::Run;

/// How long a supervisor may take to say that one has joined.
const JOINS: Duration = Duration::from_secs(30);

/// What the supervisor of one cluster is asked, one request at a time.
///
/// It stops everything and removes the directory when its input ends: on drop,
/// and however else this process ends. One that a run shares also waits for the
/// others, and for the run's end.
pub(super) struct Supervisor {
    /// The cluster's directory.
    pub(super) dir: PathBuf,
    /// Which of its clients this process is; 0 started it.
    pub(super) client: u64,
    pid: u32,
    pipes: Mutex<Option<Pipes>>,
}

struct Pipes {
    /// Where this process started it.
    child: Option<Child>,
    requests: Box<dyn Write + Send>,
    answers: BufReader<Box<dyn Read + Send>>,
}

impl Supervisor {
    /// Starts `program` over `dir`, which exists, perhaps in a network namespace of
    /// its own, which needs the right to make one, perhaps for all of a run.
    pub(super) fn start(
        program: &Path,
        dir: PathBuf,
        own_network: bool,
        run: Option<&Run>,
    ) -> Self {
        let errors = std::fs::File::create(dir.join("supervisor.log")).expect("supervisor.log");
        let mut command = Command::new(if own_network { Path::new("unshare") } else { program });
        if own_network {
            command.args(["--net", "--"]).arg(program).arg("--own-network");
        }
        command.args(run.map(|run| format!("--run={}", run.leader())));
        command.arg(&dir);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            // Out of reach of what a terminal or a time limit sends to the tests' group.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let requests = Box::new(child.stdin.take().expect("piped"));
        let answers: Box<dyn Read + Send> = Box::new(child.stdout.take().expect("piped"));
        let pid = child.id();
        let pipes = Pipes { child: Some(child), requests, answers: BufReader::new(answers) };
        Self { dir, client: 0, pid, pipes: Mutex::new(Some(pipes)) }
    }

    /// Joins those who use a cluster already; gives what its starter noted of it.
    pub(super) fn join(socket: &Path) -> std::io::Result<(Self, Value)> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(JOINS))?;
        let answers: Box<dyn Read + Send> = Box::new(stream.try_clone()?);
        let requests = Box::new(stream.try_clone()?);
        let mut pipes = Pipes { child: None, requests, answers: BufReader::new(answers) };
        let mut answer = exchange(&mut pipes, &json!({"op": "join"}))?;
        stream.set_read_timeout(None)?;
        let (Some(dir), Some(client), Some(pid)) =
            (answer["dir"].as_str(), answer["client"].as_u64(), answer["pid"].as_u64())
        else {
            return Err(std::io::Error::other(format!("it did not let us join: {answer}")));
        };
        let (dir, pid) = (PathBuf::from(dir), pid as u32);
        Ok((Self { dir, client, pid, pipes: Mutex::new(Some(pipes)) }, answer["note"].take()))
    }

    /// The supervisor's process.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Asks for one thing.
    ///
    /// # Panics
    /// When it was refused, or the supervisor is gone.
    pub(super) fn ask(&self, request: Value) -> Value {
        let answer = {
            let mut pipes = self.pipes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            exchange(pipes.as_mut().expect("the supervisor was ended"), &request)
        };
        let answer = answer
            .unwrap_or_else(|error| panic!("the supervisor of {}: {error}", self.dir.display()));
        assert!(answer.get("error").is_none(), "{request}: {}", answer["error"]);
        answer
    }

    /// Lets the logs outlive the cluster. Called while a test fails, possibly by
    /// a thread that holds the pipes: then they are not kept.
    pub(super) fn keep_logs(&self) {
        if let Ok(mut pipes) = self.pipes.try_lock()
            && let Some(pipes) = pipes.as_mut()
        {
            _ = exchange(pipes, &json!({"op": "keep"}));
        }
    }
}

fn exchange(pipes: &mut Pipes, request: &Value) -> std::io::Result<Value> {
    pipes.requests.write_all(format!("{request}\n").as_bytes())?;
    let mut line = String::new();
    pipes.answers.read_line(&mut line)?;
    serde_json::from_str(&line).map_err(std::io::Error::from)
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let pipes = self.pipes.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(Pipes { child, requests, answers }) = pipes.take() {
            drop((requests, answers));
            _ = child.map(|mut child| child.wait());
        }
    }
}
