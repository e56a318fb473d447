//! `rollback`: leaves the release under way by putting the stable version's template back.

use serde_json::Value;
use similar::TextDiff;

use super::{
    FIELD_MANAGER, Outcomes, changed, connect, reading, request,
    run::{self, Aim},
    set::unknown_workload,
};
use crate::{
    api::keys,
    cli::{
        Global,
        args::{ChangeArgs, RollbackArgs},
        target::Named,
        values::DryRun,
    },
    cluster::{Body, Cluster, Found, Patch, Served},
    error::{Error, Kind, Result},
    release::Verdict,
    ui::{self, Ui},
    view::{Status, status::Looked, suggest::Command},
    workload::{Kind as WorkloadKind, edit, same_template},
};

/// Runs the command.
///
/// # Errors
/// When no object can be looked for at all; failures of single objects are shown and decide the exit code.
pub async fn run(ui: &Ui, global: &Global, args: &RollbackArgs) -> Result<u8> {
    let names = args.targets.read()?;
    let cluster = connect(global).await?;
    let mut outcomes = Outcomes::default();
    let mut left = Vec::new();
    for named in &names {
        match one(ui, &cluster, named, &args.change).await {
            Ok(found) => left.push(found),
            Err(error) => outcomes.add(ui, Err(error))?,
        }
    }
    if args.change.standalone && !left.is_empty() {
        outcomes.add(
            ui,
            run::standalone(ui, global, &cluster, &left, &args.change, Aim::Back).await,
        )?;
    }
    Ok(outcomes.code())
}

async fn one(ui: &Ui, cluster: &Cluster, named: &Named, change: &ChangeArgs) -> Result<Found> {
    let found = reading::find(cluster, named).await?;
    if change.standalone {
        run::refuse_where_controlled(cluster, Some(&found.namespace), std::slice::from_ref(&found)).await?;
    }
    let seen = reading::seen(cluster, &found).await?;
    let status = Status::of(&seen);
    let (kind, name) = found.workload().ok_or_else(|| unknown_workload(&found))?;
    let (served, name) = (Served::workload(kind), name.to_owned());
    let title = served.object(&name);
    let live = match seen.workload {
        Looked::There(workload) => Some(workload),
        _ => cluster.read(&served, &found.namespace, &name).await?,
    };
    let Some(live) = live else {
        return Err(Error::new(
            Kind::NotFound,
            format!("{title} not found in namespace {:?}", found.namespace),
        ));
    };
    let done = |object: &Value| changed(ui, change.output, &title, "rolled back", change.dry_run, object);
    // Whatever else is amiss: nothing of a release that has not begun stands in the way of leaving it.
    let held = !status.position.under_way() && edit::mark_of(&live).is_some();
    match status.verdict {
        Verdict::RollingBack => {
            ui.talk(&format!("{} is rolling back already", found.title()));
            done(&live)?;
            return Ok(found);
        }
        _ if status.position.under_way() || held => {}
        _ => return Err(nothing_to_leave(&found, &status, &title)),
    }
    let revisions = match kind {
        WorkloadKind::Deployment => seen.members,
        _ => {
            let kept = Served::namespaced("apps/v1", "ControllerRevision", "controllerrevisions");
            cluster.read_all(&kept, &found.namespace).await?
        }
    };
    // Before the engine has acted, the status speaks of the release before.
    let wanted = (!held).then_some(status.position.stable_revision.as_str());
    let revision = stable_revision(&live, &revisions, wanted).ok_or_else(|| no_revision(&found, wanted))?;
    let Some(patch) = edit::restore_template(&live, revision) else {
        ui.talk("the template is that of the stable version already; the engine has not seen it yet");
        done(&live)?;
        return Ok(found);
    };
    ui.talk(&format!(
        "{}: {}; back to revision {}:",
        found.title(),
        status.headline(),
        hash_of(revision)
    ));
    ui.talk(difference(&live["spec"]["template"], &edit::template_of(revision))?.trim_end());
    if change.dry_run == DryRun::None && !change.yes && ui.confirm("Roll back?")? == Some(false) {
        return Err(Error::new(Kind::General, "not confirmed; nothing was changed"));
    }
    let patch = Patch {
        body: Body::Json(patch),
        subresource: None,
        field_manager: FIELD_MANAGER,
        dry_run: change.dry_run == DryRun::Server,
    };
    let object = if change.dry_run == DryRun::Client {
        request(ui, &served.patch_path(&found.namespace, &name, &patch), &patch)?;
        live
    } else {
        cluster.write(&served, &found.namespace, &name, &patch).await?
    };
    done(&object)?;
    Ok(found)
}

fn nothing_to_leave(found: &Found, status: &Status, title: &str) -> Error {
    let state = status.headline();
    Error::conflict(format!(
        "{} has no release under way ({state}): there is nothing to roll back",
        found.title()
    ))
    .hint(format!(
        "to go back to an earlier revision: kubectl rollout history {title} -n {}",
        found.namespace
    ))
    .hint(Command::Status.text(&found.namespace, &found.name))
}

/// The revision with the stable version's template: the one of this name. When none is wanted, no engine has acted yet:
///
/// - a Deployment that is held has made no ReplicaSet of the new template, so that the newest is stable;
/// - StatefulSets and CloneSets say which revision their pods have;
/// - a DaemonSet says how many of its pods are of its template: if all are, that is the stable one, else the newest other.
fn stable_revision<'a>(live: &Value, revisions: &'a [Value], wanted: Option<&str>) -> Option<&'a Value> {
    let uid = &live["metadata"]["uid"];
    let mut own = revisions.iter().filter(|revision| {
        revision["metadata"]["ownerReferences"]
            .as_array()
            .is_some_and(|owners| owners.iter().any(|owner| &owner["uid"] == uid))
    });
    let status = &live["status"];
    if let Some(name) = wanted.or_else(|| status["currentRevision"].as_str()) {
        return own.find(|revision| is_called(revision, name));
    }
    let desired = &status["desiredNumberScheduled"];
    if desired.is_null() {
        return own.max_by_key(|revision| number(revision));
    }
    let settled = status["observedGeneration"] == live["metadata"]["generation"]
        && status["updatedNumberScheduled"] == *desired;
    own.filter(|revision| same_template(&live["spec"]["template"], &edit::template_of(revision)) == settled)
        .max_by_key(|revision| number(revision))
}

fn no_revision(found: &Found, wanted: Option<&str>) -> Error {
    let hash = wanted.unwrap_or("stable");
    Error::new(
        Kind::NotFound,
        format!("no revision of the workload of {} is called {hash:?}", found.title()),
    )
    .hint("its history may be cut short by revisionHistoryLimit; set the old images with 'kubectl kruise rollout set image'")
}

/// The name by which people and a Rollout's status call a revision.
fn hash_of(revision: &Value) -> &str {
    let label = |key: &str| revision["metadata"]["labels"][key].as_str();
    label(keys::POD_TEMPLATE_HASH)
        .or_else(|| revision["metadata"]["name"].as_str())
        .unwrap_or_default()
}

/// Whether a revision is called so: in full, or by the hash at its end, which some controllers write into labels.
fn is_called(revision: &Value, name: &str) -> bool {
    let full = hash_of(revision);
    full == name
        || full
            .strip_suffix(name)
            .is_some_and(|rest| rest.ends_with('-') && !name.is_empty())
}

fn number(revision: &Value) -> i64 {
    let text = revision["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str();
    revision["revision"]
        .as_i64()
        .or_else(|| text.and_then(|text| text.parse().ok()))
        .unwrap_or_default()
}

/// The lines that change, with two lines around them.
fn difference(before: &Value, after: &Value) -> Result<String> {
    let (before, after) = (ui::yaml(before)?, ui::yaml(after)?);
    let diff = TextDiff::from_lines(&before, &after);
    let mut unified = diff.unified_diff();
    Ok(unified.context_radius(2).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{difference, stable_revision};

    #[test]
    fn finds_the_stable_revision_of_every_kind() {
        let template = |image: &str| json!({ "spec": { "containers": [{ "name": "web", "image": image }] } });
        let owners = json!([{ "uid": "u" }]);
        let set = |hash: &str, number: &str, image: &str| {
            json!({ "metadata": { "labels": { "pod-template-hash": hash }, "ownerReferences": owners,
                "annotations": { "deployment.kubernetes.io/revision": number } }, "spec": { "template": template(image) } })
        };
        let kept = |name: &str, number: i64, image: &str| {
            json!({ "metadata": { "name": name, "ownerReferences": owners }, "revision": number,
                "data": { "spec": { "template": template(image) } } })
        };
        let foreign =
            json!({ "metadata": { "name": "web-c", "ownerReferences": [{ "uid": "v" }] }, "revision": 9 });
        let live = |image: &str, status: serde_json::Value| json!({ "metadata": { "uid": "u", "generation": 2 }, "spec": { "template": template(image) }, "status": status });
        let sets = [set("a", "1", "v0"), set("b", "2", "v1")];
        let all = [
            kept("web-a", 1, "v0"),
            kept("web-b", 2, "v1"),
            kept("web-c", 3, "v2"),
            foreign,
        ];
        let daemons = |updated: i32| json!({ "observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": updated });
        let cases = [
            (
                "a Deployment that is held",
                live("v2", json!({})),
                &sets[..],
                None,
                Some(&sets[1]),
            ),
            (
                "put back already",
                live("v1", json!({})),
                &sets[..],
                None,
                Some(&sets[1]),
            ),
            (
                "named",
                live("v2", json!({})),
                &sets[..],
                Some("a"),
                Some(&sets[0]),
            ),
            (
                "named by its hash",
                live("v2", json!({})),
                &all[..],
                Some("b"),
                Some(&all[1]),
            ),
            (
                "a StatefulSet that is held",
                live(
                    "v2",
                    json!({ "currentRevision": "web-b", "updateRevision": "web-c" }),
                ),
                &all[..],
                None,
                Some(&all[1]),
            ),
            (
                "a DaemonSet that is held",
                live("v2", daemons(0)),
                &all[..],
                None,
                Some(&all[1]),
            ),
            (
                "a DaemonSet put back",
                live("v1", daemons(3)),
                &all[..],
                None,
                Some(&all[1]),
            ),
            ("gone", live("v2", json!({})), &all[..], Some("x"), None),
        ];
        for (name, live, revisions, wanted, expected) in cases {
            assert_eq!(stable_revision(&live, revisions, wanted), expected, "{name}");
        }
    }

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
