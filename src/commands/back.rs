//! Going back: reading revisions, showing what changes, putting one in place, and looking whether it took effect.

use std::time::Duration;

use futures::StreamExt;
use imara_diff::{Algorithm, BasicLineDiffPrinter, Diff, InternedInput, UnifiedDiffConfig};
use serde_json::Value;

use super::{
    status,
    subject::Subject,
    write::{self, Written},
};
use crate::{
    api::apply::LAST_APPLIED,
    cli::args::WriteArgs,
    cluster::{Cluster, Found, Resource, Served},
    error::{Error, Kind, Result},
    exit_code,
    release::{Entry, History, Position, Verdict, proof::proof},
    ui::{self, Ui},
    view::{change::stamped, suggest::Command},
    workload::{Kind as WorkloadKind, edit, same_template, selector},
};

/// How long an engine may take to notice.
pub const NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// Reads the revisions of a workload: one request.
///
/// # Errors
/// When they cannot be read.
pub async fn revisions(cluster: &Cluster, subject: &Subject) -> Result<Vec<Value>> {
    let labels = selector::query(&subject.live["spec"]["selector"]);
    let labels = labels.as_deref();
    let namespace = Some(subject.namespace.as_str());
    if subject.kind == WorkloadKind::Deployment {
        return cluster.list(Resource::ReplicaSets, namespace, labels).await;
    }
    let kept = Served::namespaced("apps/v1", "ControllerRevision", "controllerrevisions");
    let found = cluster.select(&kept, namespace, labels).await?;
    if found.is_empty() && labels.is_some() {
        // Controllers label them as the pods; one that does not is asked without labels.
        return cluster.select(&kept, namespace, None).await;
    }
    Ok(found)
}

/// Reads the history of a workload, without counting pods that revisions do not count themselves.
///
/// # Errors
/// As [`revisions`].
pub async fn history(cluster: &Cluster, subject: &Subject, position: Option<&Position>) -> Result<History> {
    let revisions = revisions(cluster, subject).await?;
    Ok(History::of(&subject.live, &revisions, &[], position))
}

/// Which revision is meant, and what it means to a release under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice<'a> {
    /// The revision.
    pub entry: &'a Entry,
    /// Whether a release is left by it: its template is that of the stable version.
    pub leaves: bool,
}

/// The revision of this number, or the one before: the stable version while a release is under way, else the newest of
/// another template.
///
/// # Errors
/// When there is none.
pub fn choose<'a>(
    ui: &Ui,
    subject: &Subject,
    history: &'a History,
    position: Option<&Position>,
    number: i64,
) -> Result<Choice<'a>> {
    let title = subject.title();
    let under_way = position.filter(|position| position.under_way());
    let released = under_way.is_some() || edit::mark_of(&subject.live).is_some() && subject.rollout.is_some();
    // Before the engine has acted, the status speaks of the release before.
    let wanted = under_way.map(|position| position.stable_revision.as_str());
    let stable = match wanted {
        Some("") => history
            .stable(&subject.live, None)
            .filter(|_| subject.kind != WorkloadKind::Deployment)
            .or_else(|| history.serving(&subject.live)),
        wanted => history.stable(&subject.live, wanted),
    }
    .filter(|_| released);
    if number > 0 {
        let entry = history.numbered(number).ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                format!("unable to find specified revision {number} in history of {title}"),
            )
            .hint(history.in_words())
            .hint(format!(
                "kubectl kruise rollout history {title} -n {}",
                subject.namespace
            ))
        })?;
        let leaves = stable.is_some_and(|stable| same_template(&stable.template, &entry.template));
        return Ok(Choice { entry, leaves });
    }
    if released {
        let entry = stable.ok_or_else(|| no_revision(subject, wanted))?;
        return Ok(Choice { entry, leaves: true });
    }
    let failed: Vec<&str> = position
        .filter(|position| position.succeeded == Some(false))
        .map(|position| [position.new_hash.as_str(), position.new_revision.as_str()])
        .into_iter()
        .flatten()
        // Our engine calls both versions by the stable one's name in the end.
        .filter(|name| position.is_none_or(|position| position.stable_revision != *name))
        .collect();
    let entry = history.previous(&subject.live, &failed).ok_or_else(|| {
        Error::new(
            Kind::NotFound,
            format!("no rollout history found for {title}: there is no other revision to go back to"),
        )
        .hint("its history may be cut short by revisionHistoryLimit; 'kubectl kruise rollout set image' sets the old images")
    })?;
    if let Some(over) = history
        .previous(&subject.live, &[])
        .filter(|over| over.number != entry.number)
    {
        ui.talk(&format!(
            "{} was rolled back last time, so it is passed over; --to-revision {} brings it all the same",
            over.title(),
            over.number.unwrap_or_default()
        ));
    }
    Ok(Choice { entry, leaves: false })
}

fn no_revision(subject: &Subject, wanted: Option<&str>) -> Error {
    let hash = wanted.filter(|hash| !hash.is_empty()).unwrap_or("stable");
    let title = subject.rollout.as_ref().map(Found::title).unwrap_or_default();
    Error::new(
        Kind::NotFound,
        format!("no revision of the workload of {title} is called {hash:?}"),
    )
    .hint("its history may be cut short by revisionHistoryLimit; set the old images with 'kubectl kruise rollout set image'")
}

/// Puts the template of a revision in place. Where that begins a release, the version is held by the same request.
///
/// # Errors
/// When the server refuses it, or no engine could carry it out.
pub async fn put(
    ui: &Ui,
    cluster: &Cluster,
    subject: &Subject,
    choice: Choice<'_>,
    how: &WriteArgs,
) -> Result<Written> {
    let Choice { entry, leaves } = choice;
    let holder = if leaves {
        None
    } else {
        write::holder(ui, cluster, subject.rollout.as_ref(), &subject.live).await?
    };
    let make = |live: &Value| {
        Ok(edit::with_revision(
            live,
            &entry.template,
            entry.change_cause.as_deref(),
        ))
    };
    let live = subject.live.clone();
    let written = write::write(ui, cluster, subject.place(), live, make, holder, how).await?;
    if subject.is_paused_by_user() && !written.held {
        ui.warn(&format!(
            "{} is paused: its pods change when it is resumed",
            subject.title()
        ));
        ui.hint(&format!(
            "kubectl kruise rollout resume {} -n {}",
            subject.title(),
            subject.namespace
        ));
    }
    if written.changed && comes_back(&written.object) {
        ui.talk(&format!(
            "{} comes from a manifest: change that too, or the next apply brings the other version back",
            subject.title()
        ));
    }
    Ok(written)
}

/// Whether applying once more what was applied last would bring another template.
fn comes_back(object: &Value) -> bool {
    let manifest = object["metadata"]["annotations"][LAST_APPLIED].as_str();
    let manifest = manifest.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let template = |object: &Value| object["spec"]["template"].clone();
    manifest
        .and_then(|manifest| edit::applied(object, &manifest).ok())
        .is_some_and(|applied| !same_template(&template(object), &template(&applied.object)))
}

/// The lines of a template that change, with two lines around them.
///
/// # Errors
/// When a template cannot be written as YAML.
pub fn difference(before: &Value, after: &Value) -> Result<String> {
    let (before, after) = (ui::yaml(before)?, ui::yaml(after)?);
    let lines = InternedInput::new(before.as_str(), after.as_str());
    let mut diff = Diff::compute(Algorithm::Myers, &lines);
    diff.postprocess_lines(&lines);
    let printer = BasicLineDiffPrinter(&lines.interner);
    let mut format = UnifiedDiffConfig::default();
    format.context_len(2);
    let unified = diff.unified_diff(&printer, format, &lines).to_string();
    Ok(unified.trim_end().to_owned())
}

/// Follows a rollback to its end and looks whether the old version is back: all of its pods ready, none of the new, no
/// traffic to it. Says so, or what is missing.
///
/// # Errors
/// When the release stays degraded, or the state cannot be read.
pub async fn verify(ui: &Ui, cluster: &Cluster, found: &Found) -> Result<u8> {
    let mut notices = cluster.follow(status::followed(found));
    let mut last = String::new();
    let mut noticed = false;
    loop {
        let notice = async {
            match notices.next().await {
                Some(()) => {}
                None => std::future::pending().await,
            }
        };
        if noticed {
            notice.await;
        } else if tokio::time::timeout(NOTICED_WITHIN, notice).await.is_err() {
            ui.warn(&format!(
                "nobody took the rollback up within {} s: does an engine act on this Rollout?",
                NOTICED_WITHIN.as_secs()
            ));
            ui.hint(&Command::Run.text(&found.namespace, &found.name));
            return Ok(exit_code::DONE);
        }
        let Some(now) = cluster.rollout_if_there(&found.namespace, &found.name).await? else {
            return Err(Error::new(
                Kind::NotFound,
                format!("{} was deleted while it was rolled back", found.title()),
            ));
        };
        let state = super::reading::status(cluster, &now).await?;
        match state.verdict {
            Verdict::RollingBack => noticed = true,
            Verdict::Degraded | Verdict::NoWorkload if noticed => {
                return Err(Error::new(
                    Kind::Degraded,
                    format!("{} is {}", found.title(), state.headline()),
                )
                .hint(Command::Status.text(&found.namespace, &found.name)));
            }
            verdict if verdict.is_at_rest() => {
                if let Ok(sentence) = proof(&state.pods, &state.traffic) {
                    ui.talk(&sentence);
                    return Ok(exit_code::DONE);
                }
                // Its last pods are on their way.
                noticed = true;
            }
            _ => {}
        }
        let line = state.line();
        if noticed && line != last {
            ui.talk(&stamped(cluster.clock.now(), &line));
            last = line;
        }
    }
}

/// The same at one look, after an engine has said that it is done.
///
/// # Errors
/// When the old version is not back.
pub async fn verify_now(ui: &Ui, cluster: &Cluster, found: &Found) -> Result<()> {
    let now = match cluster.rollout_if_there(&found.namespace, &found.name).await? {
        Some(now) => now,
        None if found.object["metadata"]["deletionTimestamp"].is_string() => {
            ui.talk(&format!("{} was being deleted, and is gone", found.title()));
            return Ok(());
        }
        None => cluster.rollout(&found.namespace, &found.name).await?,
    };
    let state = super::reading::status(cluster, &now).await?;
    match proof(&state.pods, &state.traffic) {
        Ok(sentence) => ui.talk(&sentence),
        Err(missing) => {
            return Err(Error::new(
                Kind::Degraded,
                format!("{} is not all back: {missing}", found.title()),
            )
            .hint(Command::Status.text(&found.namespace, &found.name)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::difference;

    #[test]
    fn shows_only_what_changes() {
        let template = |image: &str| json!({ "spec": { "containers": [{ "name": "web", "image": image }] } });
        let seen = difference(&template("web:v2"), &template("web:v1")).unwrap();
        let changed: Vec<&str> = seen
            .lines()
            .filter(|line| line.starts_with(['-', '+']))
            .map(str::trim_end)
            .collect();
        assert_eq!(changed.len(), 2, "{seen}");
        assert!(
            changed[0].ends_with("image: web:v2") && changed[1].ends_with("image: web:v1"),
            "{seen}"
        );
    }
}
