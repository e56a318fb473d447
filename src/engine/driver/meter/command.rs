//! A program as a provider, for CI.

use std::{
    io::Read as _,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{analysis::Fault, api::analysis_template::CommandLine};

/// Most that is read of what a program prints, in bytes.
const LARGEST: u64 = 1 << 20;

/// Ends the program, and what it started, when nobody waits for it any more.
struct Ending(Arc<Mutex<Child>>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Ok(mut child) = self.0.lock() {
            // What has ended by itself has no group to be found by: its number may be somebody else's by now.
            if matches!(child.try_wait(), Ok(None)) {
                end_group(child.id());
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A group of its own, by which all that the program starts can be ended.
fn grouped(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}

/// std ends one process only; where there is no program `kill` the children are left.
fn end_group(leader: u32) {
    if cfg!(unix) {
        let group = format!("-{leader}");
        let _ = Command::new("kill")
            .args(["-KILL", "--", &group])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// Runs a program to its end, without a shell.
pub(super) async fn run(one: &CommandLine, patience: Duration) -> Result<Value, Fault> {
    let (program, arguments) = one
        .command
        .split_first()
        .ok_or_else(|| Fault::lasting("no program is named"))?;
    let spawned = grouped(&mut Command::new(program))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = spawned
        .map_err(|error| Fault::lasting(format!("the program cannot be started: {}", error.kind())))?;
    let stdout = child.stdout.take();
    let ending = Ending(Arc::new(Mutex::new(child)));
    let shared = Arc::clone(&ending.0);
    let (tell, told) = oneshot::channel();
    // A thread of its own: what it waits for may never come, and nobody must wait for it then.
    let reader = move || {
        let mut text = Vec::new();
        if let Some(stdout) = stdout {
            let _ = stdout.take(LARGEST).read_to_end(&mut text);
        }
        // Nobody may be there to hear it.
        let _ = tell.send(text);
    };
    let thread = std::thread::Builder::new()
        .name("metric command".to_owned())
        .spawn(reader);
    thread.map_err(|_| Fault::passing("the program cannot be watched"))?;
    let text = told
        .await
        .map_err(|_| Fault::passing("the program cannot be read"))?;
    // It has closed its output and is about to end; one that does not is given the rest of the time.
    let code = loop {
        let ended = shared
            .lock()
            .ok()
            .and_then(|mut child| child.try_wait().ok().flatten());
        match ended {
            Some(status) => break status.code(),
            // std can wait for a process or end it, not both; it ends within a moment.
            None => tokio::time::timeout(
                patience.min(Duration::from_millis(5)),
                std::future::pending::<()>(),
            )
            .await
            .unwrap_or_default(),
        }
    };
    let code = code.ok_or_else(|| Fault::passing("the program was killed"))?;
    let text = String::from_utf8_lossy(&text);
    let output = serde_json::from_str(text.trim()).unwrap_or_else(|_| Value::String(text.trim().to_owned()));
    Ok(json!({ "exitCode": code, "output": output }))
}
