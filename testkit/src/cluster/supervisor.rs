//! The program that keeps a cluster's processes, `testbed/supervisor`.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};

/// What the supervisor of one cluster is asked, one request at a time.
///
/// It stops everything and removes the directory when its input ends: on drop,
/// and however else this process ends.
pub(super) struct Supervisor {
    /// The cluster's directory.
    pub(super) dir: PathBuf,
    pid: u32,
    pipes: Mutex<Option<Pipes>>,
}

struct Pipes {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    /// Starts `program` over `dir`, which exists, perhaps in a network namespace of
    /// its own, which needs the right to make one.
    pub(super) fn start(program: &Path, dir: PathBuf, own_network: bool) -> Self {
        let errors = std::fs::File::create(dir.join("supervisor.log")).expect("supervisor.log");
        let mut command = Command::new(if own_network { Path::new("unshare") } else { program });
        if own_network {
            command.args(["--net", "--"]).arg(program);
        }
        command.arg(&dir);
        if own_network {
            command.arg("--own-network");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            // Out of reach of what a terminal or a time limit sends to the tests' group.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let requests = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        let pid = child.id();
        Self { dir, pid, pipes: Mutex::new(Some(Pipes { child, requests, answers })) }
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
        if let Some(Pipes { mut child, requests, .. }) = pipes.take() {
            drop(requests);
            _ = child.wait();
        }
    }
}
