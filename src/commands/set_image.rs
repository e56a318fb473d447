//! `set image`: starts a release. Where a Rollout stands behind the Deployment and no controller holds new versions back,
//! the same request holds it, so that no pod of the new version starts before an engine acts.

use serde_json::Value;

use super::{
    FIELD_MANAGER, changed, connect, request,
    rollback::deployment_of,
    run::{self, Aim},
};
use crate::{
    api::keys,
    cli::{
        Global,
        args::SetImageArgs,
        target::{self, Kind as TargetKind},
        values::DryRun,
    },
    cluster::{Body, Cluster, Found, Patch, Resource, charge::Charge},
    error::{Error, Kind, Result},
    exit_code,
    ui::Ui,
    view::suggest::Command,
    workload::edit::{self, NewImage, UnknownContainer},
};

/// Runs the command.
///
/// # Errors
/// When something that is named does not exist, or the change is refused.
pub async fn run(ui: &Ui, global: &Global, args: &SetImageArgs) -> Result<u8> {
    let named = target::named(&args.target)?;
    let cluster = connect(global).await?;
    let (name, rollout) = match named.kind {
        TargetKind::Rollout => {
            let found = cluster.rollout(&cluster.namespace, &named.name).await?;
            (deployment_of(&found)?.to_owned(), Some(found))
        }
        TargetKind::Deployment => {
            let rollout = rollout_behind(&cluster, &named.name).await?;
            (named.name, rollout)
        }
    };
    let title = Resource::Deployments.object(&name);
    let Some(deployment) = cluster
        .get(Resource::Deployments, &cluster.namespace, &name)
        .await?
    else {
        return Err(Error::new(
            Kind::NotFound,
            format!("{title} not found in namespace {:?}", cluster.namespace),
        ));
    };
    if args.change.standalone {
        let rollout = rollout.as_ref().ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                format!("no Rollout refers to {title}: there is nothing to drive"),
            )
            .hint("leave --standalone out to set the image all the same")
        })?;
        run::refuse_where_controlled(&cluster, Some(&rollout.namespace), std::slice::from_ref(rollout))
            .await?;
    }
    let holder = holder(ui, &cluster, rollout.as_ref()).await?;
    let images: Vec<NewImage> = args
        .images
        .iter()
        .map(|wanted| NewImage {
            container: wanted.container.clone(),
            image: wanted.image.clone(),
        })
        .collect();
    let hold_for = holder.map(|found| found.name.as_str());
    let patch = edit::set_images(&deployment, &images, hold_for)
        .map_err(|unknown| no_such_container(&title, &unknown))?;
    let change = &args.change;
    let Some(patch) = patch else {
        ui.talk("all of these images are set already");
        changed(
            ui,
            change.output,
            &title,
            "image unchanged",
            change.dry_run,
            &deployment,
        )?;
        return then_drive(ui, global, &cluster, rollout, change.standalone).await;
    };
    let patch = Patch {
        body: Body::Json(patch),
        subresource: None,
        // A write that holds the version itself is let pass by the hold policy.
        field_manager: if hold_for.is_some() {
            keys::FIELD_MANAGER
        } else {
            FIELD_MANAGER
        },
        dry_run: change.dry_run == DryRun::Server,
    };
    let object: Value = if change.dry_run == DryRun::Client {
        request(ui, Resource::Deployments, &cluster.namespace, &name, &patch)?;
        deployment
    } else {
        cluster
            .patch(Resource::Deployments, &cluster.namespace, &name, &patch)
            .await?
    };
    changed(
        ui,
        change.output,
        &title,
        "image updated",
        change.dry_run,
        &object,
    )?;
    if let Some(found) = holder.filter(|_| change.dry_run == DryRun::None && !change.standalone) {
        ui.talk(&format!(
            "the new version is held; an engine brings it out step by step: {}",
            Command::Run.text(&found.namespace, &found.name)
        ));
    }
    then_drive(ui, global, &cluster, rollout, change.standalone).await
}

async fn then_drive(
    ui: &Ui,
    global: &Global,
    cluster: &Cluster,
    rollout: Option<Found>,
    standalone: bool,
) -> Result<u8> {
    match rollout.filter(|_| standalone) {
        Some(found) => run::standalone(ui, global, cluster, &[found], Aim::Forward).await,
        None => Ok(exit_code::DONE),
    }
}

/// The Rollout of a Deployment, if there is one; a server without Rollouts has none.
async fn rollout_behind(cluster: &Cluster, deployment: &str) -> Result<Option<Found>> {
    match cluster.rollouts_of(&cluster.namespace, deployment).await {
        Ok(found) => Ok(found.into_iter().next()),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The Rollout for which this command must hold the new version back: none where nobody wants it held, or where a
/// controller in the cluster does it.
async fn holder<'a>(ui: &Ui, cluster: &Cluster, rollout: Option<&'a Found>) -> Result<Option<&'a Found>> {
    let Some(found) = rollout.filter(|found| found.object["spec"]["disabled"] != true) else {
        return Ok(None);
    };
    match cluster
        .controller_in_charge(Some(&found.namespace), std::slice::from_ref(found))
        .await?
    {
        Charge::Nobody => Ok(Some(found)),
        Charge::Controller(seen) => {
            ui.talk(&format!(
                "a controller in the cluster holds the new version ({seen})"
            ));
            Ok(None)
        }
        Charge::Unknown(missing) => {
            ui.warn(&format!(
                "cannot tell whether a controller is in charge, so the hold is left to it: {missing}"
            ));
            Ok(None)
        }
    }
}

pub(super) fn no_such_container(title: &str, unknown: &UnknownContainer) -> Error {
    Error::new(
        Kind::NotFound,
        format!("{title} has no container {:?}", unknown.name),
    )
    .hint(format!("its containers: {}", unknown.known.join(", ")))
}
