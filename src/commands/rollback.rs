//! `rollback`: leaves the release under way by putting the stable version's template back.

use serde_json::Value;
use similar::TextDiff;

use super::{
    FIELD_MANAGER, Outcomes, changed, connect, reading, request,
    run::{self, Aim},
};
use crate::{
    api::keys,
    cli::{
        Global,
        args::{ChangeArgs, RollbackArgs},
        target::Named,
        values::DryRun,
    },
    cluster::{Body, Cluster, Found, Patch, Resource},
    error::{Error, Kind, Result},
    release::Verdict,
    ui::{self, Ui},
    view::{Status, status::Looked, suggest::Command},
    workload::edit,
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
        outcomes.add(ui, run::standalone(ui, global, &cluster, &left, Aim::Back).await)?;
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
    let name = deployment_of(&found)?.to_owned();
    let title = Resource::Deployments.object(&name);
    let Looked::There(deployment) = seen.deployment else {
        return Err(Error::new(
            Kind::NotFound,
            format!("{title} not found in namespace {:?}", found.namespace),
        ));
    };
    let done = |object: &Value| changed(ui, change.output, &title, "rolled back", change.dry_run, object);
    match status.verdict {
        Verdict::RollingBack => {
            ui.talk(&format!("{} is rolling back already", found.title()));
            done(&deployment)?;
            return Ok(found);
        }
        verdict if status.position.under_way() || verdict == Verdict::Held => {}
        _ => return Err(nothing_to_leave(&found, &status, &name)),
    }
    let revision = stable_revision(&found, &status, &deployment, &seen.replica_sets)?;
    let Some(patch) = edit::restore_template(&deployment, revision) else {
        ui.talk("the template is that of the stable version already; the engine has not seen it yet");
        done(&deployment)?;
        return Ok(found);
    };
    ui.talk(&format!(
        "{}: {}; back to revision {}:",
        found.title(),
        status.headline(),
        hash_of(revision)
    ));
    ui.talk(difference(&deployment["spec"]["template"], &edit::template_of(revision))?.trim_end());
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
        request(ui, Resource::Deployments, &found.namespace, &name, &patch)?;
        deployment
    } else {
        cluster
            .patch(Resource::Deployments, &found.namespace, &name, &patch)
            .await?
    };
    done(&object)?;
    Ok(found)
}

/// Name of the Deployment of a Rollout.
///
/// # Errors
/// When the workload is of another kind.
pub fn deployment_of(found: &Found) -> Result<&str> {
    found.deployment().ok_or_else(|| {
        let kind = found.object["spec"]["workloadRef"]["kind"]
            .as_str()
            .unwrap_or("no workload");
        Error::new(
            Kind::General,
            format!(
                "{} releases a {kind}; only Deployments can be changed so far",
                found.title()
            ),
        )
    })
}

fn nothing_to_leave(found: &Found, status: &Status, deployment: &str) -> Error {
    let state = status.headline();
    Error::conflict(format!(
        "{} has no release under way ({state}): there is nothing to roll back",
        found.title()
    ))
    .hint(format!(
        "to go back to an earlier revision: kubectl rollout history deployment/{deployment} -n {}",
        found.namespace
    ))
    .hint(Command::Status.text(&found.namespace, &found.name))
}

/// The ReplicaSet with the template of the stable version.
fn stable_revision<'a>(
    found: &Found,
    status: &Status,
    deployment: &Value,
    sets: &'a [Value],
) -> Result<&'a Value> {
    let uid = &deployment["metadata"]["uid"];
    let mut own = sets.iter().filter(|set| {
        set["metadata"]["ownerReferences"]
            .as_array()
            .is_some_and(|owners| owners.iter().any(|owner| &owner["uid"] == uid))
    });
    // Before the engine has acted, the status speaks of the release before: the newest revision is the stable one.
    let wanted = (status.verdict != Verdict::Held).then_some(status.position.stable_revision.as_str());
    let stable = match wanted {
        Some(hash) => own.find(|set| hash_of(set) == hash),
        None => own.max_by_key(|set| number(set)),
    };
    stable.ok_or_else(|| {
        let hash = wanted.unwrap_or("stable");
        Error::new(Kind::NotFound, format!("no ReplicaSet of {} has the revision {hash:?}", found.title()))
            .hint("its history may be cut short by revisionHistoryLimit; set the old images with 'kubectl kruise rollout set image'")
    })
}

fn hash_of(set: &Value) -> &str {
    set["metadata"]["labels"][keys::POD_TEMPLATE_HASH]
        .as_str()
        .unwrap_or_default()
}

fn number(set: &Value) -> i64 {
    let text = set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str();
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
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
