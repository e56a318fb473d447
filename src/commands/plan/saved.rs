//! Plans in files: keeping one, and refusing to act on one when something that it rests on moved.

use std::{fs, path::Path};

use serde_json::Value;

use super::source::{self, Source};
use crate::{
    cli::target::{self, Named, PickArgs, Targets},
    cluster::{Cluster, Found},
    error::{Error, Kind, Result},
    plan::{
        Plan,
        pinned::{Moved, Saved, Unfit},
    },
    ui::Ui,
    view::suggest::Command,
};

/// Writes a plan to a file, and says its id.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn keep(
    ui: &Ui,
    path: &Path,
    plan: &Plan,
    document: Value,
    source: &Source,
    after: &[Value],
) -> Result<()> {
    let server = source
        .cluster
        .as_ref()
        .map_or("", |cluster| cluster.server.as_str());
    let (objects, created) = ((&*source.objects, after), source.start.to_string());
    let saved = Saved::new(plan, document, objects, (server, &created));
    let text = format!("{:#}\n", serde_json::to_value(&saved).unwrap_or_default());
    let shown = path.display();
    fs::write(path, text).map_err(|error| {
        Error::new(
            Kind::General,
            format!("cannot write the plan to {:?}: {error}", shown.to_string()),
        )
    })?;
    ui.talk(&format!("plan {} kept in {shown}", saved.id));
    if saved.follow().is_ok() {
        let first = if saved.to_make(&source.objects).is_empty() {
            ""
        } else {
            "make the change, then "
        };
        ui.hint(&format!(
            "{first}{} --plan {shown}",
            Command::Run.text(&plan.namespace, &plan.rollout)
        ));
    }
    Ok(())
}

/// Reads a plan that is to be followed.
///
/// # Errors
/// When it cannot be read, is not what was saved, or ends badly.
pub(in crate::commands) fn read(path: &Path) -> Result<Saved> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(Kind::NotFound, format!("the path {shown:?} does not exist"))
        }
        _ => Error::new(Kind::General, format!("cannot read {shown:?}: {error}")),
    })?;
    let unfit =
        |unfit: Unfit, hint: &str| Error::new(Kind::General, format!("plan {shown}: {unfit}")).hint(hint);
    let saved = Saved::read(&text)
        .map_err(|why| unfit(why, "kubectl kruise rollout plan NAME --out FILE makes one"))?;
    saved.follow().map_err(|why| {
        let command = format!(
            "kubectl kruise rollout plan {} -n {}",
            saved.rollout, saved.namespace
        );
        unfit(
            why,
            &format!("mend what is in the way and plan again: {command} --out {shown}"),
        )
    })?;
    Ok(saved)
}

/// The Rollout of a plan, when the command line names nothing.
pub(in crate::commands) fn named_by(
    saved: Option<&Saved>,
    words: &[String],
    pick: &PickArgs,
) -> Option<Targets> {
    let is_free = words.is_empty()
        && !pick.is_from_files()
        && pick.selector.is_none()
        && !pick.all
        && !pick.all_namespaces;
    saved.filter(|_| is_free).map(|saved| {
        Targets::Names(vec![Named {
            kind: target::Kind::Rollout,
            namespace: Some(saved.namespace.clone()),
            name: saved.rollout.clone(),
        }])
    })
}

/// Refuses to act on Rollouts by a plan that is not theirs, or rests on what is no longer so.
///
/// # Errors
/// What moved, from what to what.
pub(in crate::commands) async fn hold_to(
    cluster: &Cluster,
    saved: &Saved,
    path: &Path,
    rollouts: &[Found],
) -> Result<()> {
    let (namespace, name) = (&saved.namespace, &saved.rollout);
    let shown = path.display();
    let [found] = rollouts else {
        return Err(
            Error::usage(format!("plan {shown} is for one Rollout, {namespace}/{name}"))
                .hint("name this Rollout, or none"),
        );
    };
    if (&found.namespace, &found.name) != (namespace, name) {
        return Err(Error::usage(format!(
            "plan {shown} is for Rollout {namespace}/{name}, not for {}/{}",
            found.namespace, found.name
        ))
        .hint("name this Rollout, or none"));
    }
    let (objects, _) = source::copy_as(cluster, found, &saved.naming()).await?;
    let moved = saved.moved(&objects);
    let told = |all: &[Moved]| {
        all.iter()
            .map(|one| format!("  {one}"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    if moved.is_empty() {
        let left = saved.to_make(&objects);
        return if left.is_empty() {
            Ok(())
        } else {
            Err(Error::conflict(format!(
                "plan {shown} is of a change that is not made yet, so there is nothing to carry out\n{}",
                told(&left)
            ))
            .hint("make it, with 'kubectl kruise rollout set image' or 'apply', and repeat the command"))
        };
    }
    let what = if moved.len() == 1 {
        "one thing"
    } else {
        "some things"
    };
    let message = format!(
        "plan {shown} no longer holds: {what} moved since it was made\n{}",
        told(&moved)
    );
    Err(Error::conflict(message).hint(format!(
        "plan again: kubectl kruise rollout plan {name} -n {namespace} --out {shown}"
    )))
}
