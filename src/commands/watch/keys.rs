//! What keys do: the commands that one could type, with the terminal given to them for that time.

use crate::{
    cli::{self, Global, Root, Verb},
    commands::{approve, pause, rollback},
    error::{Error, Kind, Result},
    ui::{Live, Ui},
    view::{Status, Tone},
};

/// The keys that mean something at a state.
#[must_use]
pub fn useful(status: &Status) -> Vec<(&'static str, &'static str)> {
    let mut keys = Vec::new();
    let position = &status.position;
    if position.under_way() && status.verdict.awaits_approval() {
        keys.push(("a", "approve"));
    }
    if position.under_way() || position.paused {
        keys.push(("p", if position.paused { "resume" } else { "pause" }));
    }
    if position.under_way() || status.verdict == crate::release::Verdict::Held {
        keys.push(("r", "roll back"));
    }
    keys
}

/// Approves the step that is shown, and no other.
pub(super) async fn approve(
    ui: &Ui,
    global: &Global,
    live: &mut Live,
    status: &Status,
) -> Result<(String, Tone)> {
    let step = status.position.step.to_string();
    let words = ["approve", &status.name, "--step", &step, "--no-wait"];
    typed(ui, global, live, status, &words).await
}

/// Rolls back; the command shows what changes, and asks.
pub(super) async fn roll_back(
    ui: &Ui,
    global: &Global,
    live: &mut Live,
    status: &Status,
) -> Result<(String, Tone)> {
    typed(ui, global, live, status, &["rollback", &status.name]).await
}

/// Runs a command as if it had been typed, where its output stays to be read.
async fn typed(
    ui: &Ui,
    global: &Global,
    live: &mut Live,
    status: &Status,
    words: &[&str],
) -> Result<(String, Tone)> {
    let line: Vec<_> = ["kubectl-kruise", "rollout"]
        .iter()
        .chain(words)
        .map(Into::into)
        .collect();
    let parsed = cli::parse(&line).map_err(|error| Error::new(Kind::General, error.to_string()))?;
    let global = Global {
        namespace: Some(status.namespace.clone()),
        ..global.clone()
    };
    live.suspend()?;
    let done = match &parsed.command {
        Root::Rollout(Verb::Approve(args)) => Box::pin(approve::run(ui, &global, args)).await,
        Root::Rollout(Verb::Rollback(args)) => Box::pin(rollback::run(ui, &global, args)).await,
        Root::Rollout(Verb::Pause(args)) => Box::pin(pause::pause(ui, &global, args)).await,
        Root::Rollout(Verb::Resume(args)) => Box::pin(pause::resume(ui, &global, args)).await,
        _ => Ok(0),
    };
    let notice = match done {
        Ok(0) => (
            format!("done: kubectl kruise rollout {}", words.join(" ")),
            Tone::Good,
        ),
        Ok(code) => (
            format!("{} ended with exit code {code}, see above", words[0]),
            Tone::Bad,
        ),
        Err(error) => {
            ui.error(&error);
            (error.message, Tone::Bad)
        }
    };
    live.resume()?;
    Ok(notice)
}

/// Freezes the release, or lets it go on.
pub(super) async fn pause(
    ui: &Ui,
    global: &Global,
    live: &mut Live,
    status: &Status,
) -> Result<(String, Tone)> {
    let verb = if status.position.paused { "resume" } else { "pause" };
    typed(ui, global, live, status, &[verb, &status.name]).await
}
