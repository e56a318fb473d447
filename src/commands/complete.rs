//! `__complete`: answers kubectl's completion, with the names that the cluster knows.

use std::{ffi::OsString, time::Duration};

use super::{connect, runtime};
use crate::{
    cli::{
        self, Global,
        complete::{NO_FILES, Wanted, answer, wanted},
        target::Kind,
    },
    cluster::Resource,
    error::Result,
    exit_code,
    ui::Ui,
    view::{Status, status::Seen},
};

/// Completion that takes longer is worse than none.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs the command. Whatever fails, fails silently: an error message would end up in the user's command line.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(ui: &Ui, words: &[OsString]) -> Result<u8> {
    let candidates = match wanted(cli::command(), words) {
        Wanted::Words(words) => words,
        dynamic => known_by_the_cluster(&global(words), &dynamic),
    };
    ui.text(&answer(&candidates, NO_FILES))?;
    Ok(exit_code::DONE)
}

/// The global flags among the words typed so far; they parse even when the rest is not complete yet.
fn global(words: &[OsString]) -> Global {
    let value = |names: &[&str]| {
        words.iter().enumerate().find_map(|(at, word)| {
            let word = word.to_str()?;
            names.iter().find_map(|name| match word.strip_prefix(name)? {
                "" => words.get(at + 1)?.to_str().map(str::to_owned),
                rest => rest.strip_prefix('=').map(str::to_owned),
            })
        })
    };
    Global {
        namespace: value(&["--namespace", "-n"]),
        context: value(&["--context"]),
        kubeconfig: value(&["--kubeconfig"]).map(Into::into),
        ..Global::default()
    }
}

fn known_by_the_cluster(global: &Global, wanted: &Wanted) -> Vec<(String, String)> {
    let Ok(runtime) = runtime() else { return Vec::new() };
    let asked = runtime.block_on(async { tokio::time::timeout(PATIENCE, ask(global, wanted)).await });
    asked.ok().and_then(Result::ok).unwrap_or_default()
}

async fn ask(global: &Global, wanted: &Wanted) -> Result<Vec<(String, String)>> {
    let cluster = connect(global).await?;
    match wanted {
        Wanted::Words(words) => Ok(words.clone()),
        Wanted::Namespace => {
            let namespaces = cluster.list(Resource::Namespaces, None, None).await?;
            let name = |object: &serde_json::Value| {
                object["metadata"]["name"]
                    .as_str()
                    .map(|name| (name.to_owned(), String::new()))
            };
            Ok(namespaces.iter().filter_map(name).collect())
        }
        Wanted::Rollout { prefix } => {
            let of_kind = match Kind::read(prefix.trim_end_matches('/')) {
                Some(Kind::Workload(kind)) => Some(kind),
                _ => None,
            };
            let all = cluster.rollouts(Some(&cluster.namespace), None).await?;
            Ok(all
                .iter()
                .filter_map(|found| {
                    let name = match (of_kind, found.workload()) {
                        (None, _) => &found.name,
                        (Some(asked), Some((kind, name))) if kind == asked => name,
                        _ => return None,
                    };
                    let state = found.typed().map(|rollout| {
                        Status::of(&Seen {
                            rollout,
                            ..Seen::default()
                        })
                        .headline()
                    });
                    Some((format!("{prefix}{name}"), state.unwrap_or_default()))
                })
                .collect())
        }
    }
}
