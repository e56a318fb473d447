//! `__complete`: answers kubectl's completion, with the names that the cluster knows.

use std::{ffi::OsString, time::Duration};

use jiff::SignedDuration;

use super::{back, connect, reading, runtime, subject};
use crate::{
    api::{IntOrPercent, v1beta1::Step},
    cli::{
        self, Global,
        complete::{Wanted, answer, wanted},
        target::{self, Kind},
    },
    cluster::Resource,
    error::Result,
    exit_code,
    release::{Position, traffic},
    ui::Ui,
    view::{
        Status,
        status::{Seen, span},
    },
};

/// Completion that takes longer is worse than none.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs the command. Whatever fails, fails silently: an error message would end up in the user's command line.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(ui: &Ui, words: &[OsString]) -> Result<u8> {
    let wanted = wanted(cli::command(), words);
    let candidates = match &wanted {
        Wanted::Words(words) => words.clone(),
        Wanted::File => Vec::new(),
        Wanted::Context => crate::cluster::contexts(&global(words).access())
            .into_iter()
            .collect(),
        dynamic => known_by_the_cluster(&global(words), dynamic),
    };
    ui.text(&answer(&candidates, &wanted))?;
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
        Wanted::Words(_) | Wanted::Context | Wanted::File => Ok(Vec::new()),
        Wanted::Step { target, prefix } => {
            let named = target::read(target)?;
            let Some(named) = named.first() else {
                return Ok(Vec::new());
            };
            let rollout = reading::find(&cluster, named).await?.typed()?;
            let position = Position::of(&rollout);
            let steps = (1..).zip(&position.steps).map(|(number, step)| {
                let at = if position.under_way() && number == position.step {
                    "now; "
                } else {
                    ""
                };
                (
                    format!("{prefix}{number}"),
                    format!("{at}{}", step_in_words(step, position.passes(number))),
                )
            });
            Ok(steps.collect())
        }
        Wanted::Container { target } => {
            let named = target::read(target)?;
            let Some(named) = named.first() else {
                return Ok(Vec::new());
            };
            let subject = subject::find(&cluster, named).await?;
            let containers = &subject.live["spec"]["template"]["spec"]["containers"];
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let containers = containers.as_array().into_iter().flatten();
            Ok(containers
                .map(|container| {
                    (
                        format!("{}=", text(&container["name"])),
                        text(&container["image"]),
                    )
                })
                .collect())
        }
        Wanted::Revision { target, prefix } => {
            let named = target::read(target)?;
            let Some(named) = named.first() else {
                return Ok(Vec::new());
            };
            let subject = subject::find(&cluster, named).await?;
            let history = back::history(&cluster, &subject, subject.position()?.as_ref()).await?;
            let revisions = history.entries.iter().filter_map(|entry| {
                let images = entry.images().join(",");
                let part = entry.part.word();
                let help = if part.is_empty() {
                    images
                } else {
                    format!("{images} ({part})")
                };
                Some((format!("{prefix}{}", entry.number?), help))
            });
            Ok(revisions.collect())
        }
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

/// What a step asks for: pods, traffic, and what ends it.
fn step_in_words(step: &Step, passes: bool) -> String {
    let pods = step.replicas.as_ref().map(|replicas| match replicas {
        IntOrPercent::Int(1) => "1 pod".to_owned(),
        replicas => format!("{replicas} pods"),
    });
    let traffic = Some(traffic::of_step(step, None)).filter(|text| !text.is_empty());
    let traffic = traffic.map(|text| format!("{text} traffic"));
    let end = match step.pause.duration {
        Some(seconds) => span(SignedDuration::from_secs(seconds.into())),
        None if passes => "by itself".to_owned(),
        None => "by approval".to_owned(),
    };
    let parts = [pods, traffic, Some(end)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
