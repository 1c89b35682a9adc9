//! Starting other programs, with bounds, and replacing files as a whole.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

mod file;

pub use file::replace;

/// A program that did not do what it was started for.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It could not be started.
    #[error("failed to start {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// It ran longer than allowed and was killed.
    #[error("{program} did not end within {seconds} s")]
    Timeout {
        /// The program.
        program: String,
        /// The limit.
        seconds: u64,
    },
    /// It printed more than allowed and was killed.
    #[error("{program} printed more than {limit} bytes")]
    TooMuch {
        /// The program.
        program: String,
        /// The limit.
        limit: usize,
    },
    /// It ended with an error.
    #[error("{program} failed: {stderr}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The first lines of what it said.
        stderr: String,
    },
    /// It printed something that is not UTF-8.
    #[error("{program} printed something that is not UTF-8")]
    NotUtf8 {
        /// The program.
        program: String,
    },
}

/// Where a program is on `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Bounds of a run.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Wall-clock time.
    pub time: Duration,
    /// Bytes of standard output.
    pub output: usize,
}

/// A program, as it is to be started.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// Its path, or its name on `PATH`.
    pub path: &'a Path,
    /// Its arguments.
    pub args: &'a [&'a str],
    /// The folder it runs in.
    pub folder: &'a Path,
    /// What is added to the environment.
    pub env: &'a [(&'a str, &'a str)],
    /// Whether it may ask whoever sits at the terminal: it has our input, and what it
    /// says is seen at once instead of in its error.
    pub asks: bool,
}

/// Runs a program without input and gives what it printed.
pub fn run(
    program: &Path,
    args: &[&str],
    folder: &Path,
    limits: Limits,
) -> Result<String, RunError> {
    Program { path: program, args, folder, env: &[], asks: false }.run(limits)
}

impl Program<'_> {
    fn command(&self) -> Command {
        #[expect(clippy::disallowed_methods, reason = "this is where processes are started")]
        let mut command = Command::new(self.path);
        command.args(self.args).current_dir(self.folder).stdout(Stdio::piped());
        command.envs(self.env.iter().copied());
        if self.asks {
            // Only the group in the foreground may read from the terminal, and is
            // interrupted from there: it stays in ours.
            command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
        } else {
            command.stdin(Stdio::null()).stderr(Stdio::piped()).process_group(0);
            group::end_with_us(&mut command);
        }
        command
    }

    fn end(&self, child: &mut Child) {
        if !self.asks {
            group::kill_group(child.id());
        }
        _ = child.kill();
        _ = child.wait();
    }

    /// Runs it and gives what it printed.
    ///
    /// # Errors
    /// When it cannot be started, fails, or goes over a limit; then it is ended, with
    /// everything it started unless it may ask.
    pub fn run(&self, limits: Limits) -> Result<String, RunError> {
        run_within(self, limits)
    }
}

fn run_within(program: &Program<'_>, limits: Limits) -> Result<String, RunError> {
    let name = program.path.display().to_string();
    let mut child = program
        .command()
        .spawn()
        .map_err(|source| RunError::Start { program: name.clone(), source })?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let output = reader(stdout, limits.output + 1);
    let errors = reader(stderr, 16 << 10);
    let started = Instant::now();
    let timeout = || RunError::Timeout { program: name.clone(), seconds: limits.time.as_secs() };
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < limits.time => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(None) => {
                program.end(&mut child);
                return Err(timeout());
            }
            Err(source) => return Err(RunError::Start { program: name, source }),
        }
    };
    // What the program started may hold its pipes open after its end.
    let left = || limits.time.saturating_sub(started.elapsed());
    let read = output.recv_timeout(left()).and_then(|output| {
        let errors = errors.recv_timeout(left())?;
        Ok((output, errors))
    });
    let Ok((output, errors)) = read else {
        program.end(&mut child);
        return Err(timeout());
    };
    if output.len() > limits.output {
        return Err(RunError::TooMuch { program: name, limit: limits.output });
    }
    if !status.success() {
        let said = String::from_utf8_lossy(&errors);
        let stderr = said.lines().take(5).collect::<Vec<_>>().join("; ");
        return Err(RunError::Failed { program: name, status, stderr });
    }
    String::from_utf8(output).map_err(|_| RunError::NotUtf8 { program: name })
}

/// Reads up to `limit` bytes on a thread of its own and then closes the pipe, so
/// that neither pipe can fill up and block the program for ever. The thread is not
/// waited for: it ends when the last holder of the pipe does.
fn reader(pipe: Option<impl Read + Send + 'static>, limit: usize) -> Receiver<Vec<u8>> {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What was read before an error is still worth showing.
            _ = pipe.take(limit as u64).read_to_end(&mut bytes);
        }
        // Nobody listens any more after a timeout.
        _ = send.send(bytes);
    });
    receive
}

#[expect(unsafe_code, reason = "the standard library cannot end a group of processes")]
mod group {
    //! A program and what it started.

    use std::os::unix::process::CommandExt;
    use std::process::Command;

    unsafe extern "C" {
        fn kill(process: i32, signal: i32) -> i32;
        #[cfg(target_os = "linux")]
        fn prctl(option: i32, ...) -> i32;
        #[cfg(target_os = "linux")]
        fn getppid() -> i32;
    }

    const SIGKILL: i32 = 9;

    /// Lets the program end when we do, however we end: a group of its own is not
    /// interrupted from the terminal. The signal comes when the thread ends that starts
    /// the program, which waits for it. Other systems than Linux have no such signal.
    pub(super) fn end_with_us(command: &mut Command) {
        #[cfg(target_os = "linux")]
        {
            const PR_SET_PDEATHSIG: i32 = 1;
            let us = i32::try_from(std::process::id()).unwrap_or(0);
            let bind = move || {
                // SAFETY: prctl(2) with this option takes one integer, getppid(2) nothing;
                // neither touches memory, and both are safe between fork and exec.
                let parent = unsafe {
                    prctl(PR_SET_PDEATHSIG, SIGKILL as std::ffi::c_ulong);
                    getppid()
                };
                // We may have ended before the signal was asked for.
                if parent == us { Ok(()) } else { Err(std::io::ErrorKind::NotFound.into()) }
            };
            // SAFETY: the closure makes system calls only, and allocates nothing.
            _ = unsafe { command.pre_exec(bind) };
        }
        #[cfg(not(target_os = "linux"))]
        {
            _ = command;
        }
    }

    /// Ends the group that a process was started to lead.
    pub(super) fn kill_group(leader: u32) {
        // Zero and one would mean other processes.
        if let Some(leader) = i32::try_from(leader).ok().filter(|leader| *leader > 1) {
            // SAFETY: kill(2) takes two integers and touches no memory.
            _ = unsafe { kill(-leader, SIGKILL) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, RunError, find_program, run};
    use std::path::Path;
    use std::time::{Duration, Instant};

    fn sh(script: &str, limits: Limits) -> Result<String, RunError> {
        run(&find_program("sh").unwrap(), &["-c", script], Path::new("/"), limits)
    }

    const LIMITS: Limits = Limits { time: Duration::from_secs(20), output: 1000 };

    #[test]
    fn output_errors_and_bounds() {
        assert_eq!(sh("echo hello", LIMITS).unwrap(), "hello\n");
        assert!(
            matches!(sh("echo bad >&2; exit 3", LIMITS), Err(RunError::Failed { stderr, .. }) if stderr == "bad")
        );
        assert!(matches!(
            sh("yes", LIMITS),
            Err(RunError::TooMuch { .. } | RunError::Failed { .. })
        ));
        let short = Limits { time: Duration::from_millis(50), ..LIMITS };
        assert!(matches!(sh("sleep 20", short), Err(RunError::Timeout { .. })));
    }

    /// What the program started ends with it, whether the program waits for it or
    /// left it behind with the pipe.
    #[test]
    fn what_a_program_started_ends_with_it() {
        let mark = std::env::temp_dir().join(format!("ironhull-group-{}", std::process::id()));
        let short = Limits { time: Duration::from_millis(400), ..LIMITS };
        let late = format!("sleep 1.5; echo late > {}", mark.display());
        for script in [format!("({late}) & wait"), format!("({late}) & exit 0")] {
            let started = Instant::now();
            assert!(matches!(sh(&script, short), Err(RunError::Timeout { .. })), "{script}");
            assert!(started.elapsed() < Duration::from_millis(1400), "{:?}", started.elapsed());
            std::thread::sleep(Duration::from_secs(2));
            assert!(!mark.exists(), "{script} went on");
        }
    }
}
