//! The executable against a simulated cluster on loopback, in real time.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use kubectl_kruise::{
    clock::Clock,
    sim::{FaultRequest, Options, Sim},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{meter::Meter, shop::NAMESPACE};

/// A folder of one test, removed when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new, empty folder.
    pub(crate) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("folder-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Path of a file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a run of the executable came to. Displayed with times, ports, uids and paths redacted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The document on stdout, which is JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, stdout, stderr } = self;
        match code {
            Some(code) => writeln!(f, "exit {code}")?,
            None => writeln!(f, "killed")?,
        }
        for (stream, text) in [("stdout", stdout), ("stderr", stderr)] {
            if !text.is_empty() {
                write!(f, "--- {stream}\n{}", redacted(text))?;
            }
        }
        Ok(())
    }
}

/// The text without what differs from run to run: times, spans of time, ports, uids, folders, the version.
pub(crate) fn redacted(text: &str) -> String {
    let mut text = text.to_owned();
    for (from, to) in [
        (env!("CARGO_TARGET_TMPDIR"), "TMP"),
        (env!("CARGO_PKG_VERSION"), "VERSION"),
    ] {
        text = text.replace(from, to);
    }
    let lines: Vec<String> = text
        .lines()
        .map(|line| line_redacted(line).trim_end().to_owned())
        .collect();
    lines.join("\n") + "\n"
}

fn line_redacted(line: &str) -> String {
    let mut result = String::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (length, word) = variable(rest).unwrap_or((0, ""));
        if length > 0 {
            result.push_str(word);
            rest = &rest[length..];
        } else {
            let next = rest.chars().next().unwrap();
            result.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    result
}

/// The length of what varies at the start of a text, and what stands for it.
fn variable(text: &str) -> Option<(usize, &'static str)> {
    if let Some(length) = shaped(text, "dddd-dd-ddTdd:dd:dd") {
        let rest = &text[length..];
        let fraction = rest.strip_prefix('.').map_or(0, |rest| 1 + digits(rest, ""));
        return rest[fraction..]
            .starts_with('Z')
            .then_some((length + fraction + 1, "TIME"));
    }
    if let Some(length) = shaped(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") {
        return Some((length, "UID"));
    }
    // Seconds pass while a test runs, and times of whole seconds hide when exactly something was.
    for (before, of_it, word) in [
        ("folder-", "-", "FOLDER"),
        ("since ", "hms", "since SPAN"),
        ("in ", "hms", "in SPAN"),
        (" +", ":", " +TIME"),
        ("~+", ":", "~TIME"),
        ("127.0.0.1:", "", "SERVER"),
    ] {
        let length = text.strip_prefix(before).map_or(0, |rest| digits(rest, of_it));
        if length > 0 && text.as_bytes()[before.len()].is_ascii_digit() {
            return Some((before.len() + length, word));
        }
    }
    None
}

/// The length of a shape of digits (`d`), hexadecimal digits (`x`) and other characters, when the text begins with it.
fn shaped(text: &str, shape: &str) -> Option<usize> {
    let fits = |(wanted, seen): (char, char)| match wanted {
        'd' => seen.is_ascii_digit(),
        'x' => seen.is_ascii_hexdigit(),
        wanted => seen == wanted,
    };
    (text.chars().count() >= shape.len() && shape.chars().zip(text.chars()).all(fits)).then_some(shape.len())
}

fn digits(text: &str, also: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit() && !also.contains(c))
        .unwrap_or(text.len())
}

/// A simulated cluster on loopback with a kubeconfig for it.
pub(crate) struct Served {
    pub(crate) sim: Sim,
    /// What its clients were answered, in bytes.
    pub(crate) meter: Meter,
    pub(crate) folder: Folder,
    requests: Arc<Mutex<Vec<FaultRequest>>>,
    runtime: Option<tokio::runtime::Runtime>,
    _controllers: Option<kubectl_kruise::sim::Controllers>,
}

/// Whether the cluster's own controllers act.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Life {
    /// They do: pods are ready after 50 ms.
    Alive,
    /// Nothing but requests changes anything.
    Still,
}

impl Served {
    /// A cluster with these objects in it.
    pub(crate) fn with(objects: Vec<Value>, life: Life) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let entered = runtime.enter();
        let sim = Sim::new(Options {
            pod_ready_after: Duration::from_millis(50),
            pod_gone_after: Duration::from_millis(20),
            ..Options::new(Clock::wall())
        });
        let controllers = (life == Life::Alive).then(|| sim.start());
        drop(entered);
        for object in objects {
            sim.load(object).unwrap();
        }
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        sim.inject(move |request| {
            seen.lock().unwrap().push(request.clone());
            None
        });
        let meter = Meter::default();
        let (front, back) = runtime.block_on(async {
            let loopback = ("127.0.0.1", 0);
            (
                TcpListener::bind(loopback).await.unwrap(),
                TcpListener::bind(loopback).await.unwrap(),
            )
        });
        let address = front.local_addr().unwrap();
        let server = sim.clone();
        let behind = back.local_addr().unwrap();
        runtime.spawn(async move { server.serve(back).await });
        runtime.spawn(meter.clone().relay(front, behind));
        let folder = Folder::new();
        let config = kubeconfig(&format!("http://{address}"), NAMESPACE);
        std::fs::write(folder.file("kubeconfig"), config.to_string()).unwrap();
        Self {
            sim,
            meter,
            folder,
            requests,
            runtime: Some(runtime),
            _controllers: controllers,
        }
    }

    /// `kubectl-kruise rollout ARGS`, not started yet: not on a terminal, with nothing to read.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command
            .arg("rollout")
            .args(arguments)
            .env("XDG_CACHE_HOME", self.folder.file("cache"))
            .env("KUBECONFIG", self.folder.file("kubeconfig"));
        command
    }

    /// Runs `kubectl-kruise rollout ARGS` to its end.
    pub(crate) fn kruise(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments).output().unwrap())
    }

    /// Starts `kubectl-kruise rollout ARGS`.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Running {
        Running::new(self.command(arguments))
    }

    /// Every request since the last time this was asked, reads included.
    pub(crate) fn requests(&self) -> Vec<FaultRequest> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// The same as `VERB PATH`, one a line.
    pub(crate) fn requested(&self) -> String {
        let lines: Vec<String> = self
            .requests()
            .into_iter()
            .map(|request| format!("{} {}", request.verb, request.path))
            .collect();
        lines.join("\n")
    }

    /// Waits until something holds, looking every few milliseconds; a test that waits for ever is ended by whoever runs it.
    pub(crate) fn wait_for(&self, holds: impl Fn() -> bool) {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.block_on(async {
            let clock = Clock::wall();
            while !holds() {
                clock.sleep(Duration::from_millis(5)).await;
            }
        });
    }

    /// An object of the application's namespace, as it is now.
    pub(crate) fn get(&self, api_version: &str, kind: &str, name: &str) -> Value {
        self.sim
            .get(api_version, kind, NAMESPACE, name)
            .unwrap_or_default()
    }

    /// The Rollout `web`.
    pub(crate) fn rollout(&self) -> Value {
        self.get("rollouts.kruise.io/v1beta1", "Rollout", "web")
    }

    /// The Deployment `web`.
    pub(crate) fn deployment(&self) -> Value {
        self.get("apps/v1", "Deployment", "web")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A kubeconfig without credentials.
pub(crate) fn kubeconfig(server: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "sim",
        "clusters": [{ "name": "sim", "cluster": { "server": server } }],
        "users": [{ "name": "sim", "user": {} }],
        "contexts": [{ "name": "sim", "context": { "cluster": "sim", "user": "sim", "namespace": namespace } }],
    })
}

/// The executable with an environment that does not depend on who runs the tests.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOSTNAME", "test")
        .stdin(Stdio::null());
    command
}

/// A process that is killed when this is dropped.
pub(crate) struct Running(Option<Child>);

impl Running {
    /// Starts a command, its output kept.
    pub(crate) fn new(mut command: Command) -> Self {
        Self(Some(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap(),
        ))
    }

    /// Its process.
    pub(crate) fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    /// What it prints, as it prints it.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.child().stdout.take().unwrap()
    }

    /// Waits for its end.
    pub(crate) fn outcome(mut self) -> Outcome {
        Outcome::of(self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An object without what every write changes.
pub(crate) fn without_version(mut object: Value) -> Value {
    for field in ["resourceVersion", "managedFields"] {
        object["metadata"].as_object_mut().unwrap().remove(field);
    }
    object
}
