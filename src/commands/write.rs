//! One change of one object, with the hold of its new version where it needs one.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};

use super::{FIELD_MANAGER, request, validity};
use crate::{
    api::{keys, patch::merge_diff},
    cli::{
        args::{ChangeArgs, WriteArgs},
        values::DryRun,
    },
    cluster::{Body, Cluster, Found, Patch, Served, charge::Charge, follow::News, patch_path},
    error::{Error, Kind, Result},
    release::own_pause,
    ui::Ui,
    view::suggest::Command,
    workload::{edit, same_template},
};

/// How often a change is made anew because somebody else was quicker. A workload's status alone changes often.
const TRIES: u32 = 5;

/// The object that is changed.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its kind.
    pub served: &'a Served,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl Place<'_> {
    /// `statefulset.apps/web`.
    #[must_use]
    pub fn title(&self) -> String {
        self.served.object(self.name)
    }
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The object as it is now; as it was when the change was not sent.
    pub object: Value,
    /// Whether anything changes by it.
    pub changed: bool,
    /// Whether it brings a new version whose pods wait for somebody: an engine, or the controller.
    pub brings: bool,
    /// Whether a new version is held by it.
    pub held: bool,
}

/// Makes a change of an object that was read: one request, refused and made anew when the object has changed meanwhile.
/// With a `holder` a new template is held by the same request, and the Rollout is kept from vanishing first.
///
/// # Errors
/// When the change cannot be made, or the server refuses it.
pub async fn write(
    ui: &Ui,
    cluster: &Cluster,
    place: Place<'_>,
    mut live: Value,
    make: impl Fn(&Value) -> Result<Value>,
    holder: Option<&Found>,
    how: &WriteArgs,
) -> Result<Written> {
    let dry_run = how.dry_run;
    let (mut guarded, mut told) = (false, false);
    for attempt in 1.. {
        let after = make(&live)?;
        let new = !same_template(&live["spec"]["template"], &after["spec"]["template"]);
        let free = edit::kind_of(&live).and_then(|kind| edit::free(kind, &after));
        if let Some(why) = free.filter(|_| new && holder.is_some() && !told) {
            ui.warn(&format!("{}: {why}", place.title()));
            told = true;
        }
        let holder = holder.filter(|_| new && free.is_none());
        let Some(body) = edit::write(&live, &after, holder.map(|found| found.name.as_str())) else {
            return Ok(Written {
                object: live,
                changed: false,
                brings: false,
                held: false,
            });
        };
        if holder.is_some() && own_pause::is_there(&live) && !told {
            ui.warn(&format!("{} {}", place.title(), own_pause::IS_PAUSED));
            told = true;
        }
        if let Some(found) = holder.filter(|_| !guarded) {
            guarded = guard(ui, cluster, found, how).await?;
        }
        // The hold policy lets pass what holds the version itself, and what changes its mark.
        let marks = holder.is_some() || edit::mark_of(&live) != edit::mark_of(&after);
        let patch = Patch {
            body: Body::Json(body),
            subresource: None,
            field_manager: if marks { keys::FIELD_MANAGER } else { FIELD_MANAGER },
            dry_run: dry_run == DryRun::Server,
        };
        let held = holder.is_some();
        if dry_run == DryRun::Client {
            let path = place.served.patch_path(place.namespace, place.name, &patch);
            request(ui, "PATCH", &path, &patch.body)?;
            return Ok(Written {
                object: after,
                changed: true,
                brings: new && free.is_none(),
                held,
            });
        }
        match cluster
            .write(place.served, place.namespace, place.name, &patch)
            .await
        {
            Ok(object) => {
                let changed = merge_diff(&content(&live), &content(&object)).is_some();
                return Ok(Written {
                    object,
                    changed,
                    brings: new && free.is_none(),
                    held,
                });
            }
            Err(error) if error.kind == Kind::Conflict && attempt < TRIES => {
                live = cluster
                    .read(place.served, place.namespace, place.name)
                    .await?
                    .ok_or(error)?;
            }
            Err(error) => {
                if let Some(found) = holder.filter(|_| guarded) {
                    release(cluster, found).await;
                }
                return Err(error);
            }
        }
    }
    Err(Error::conflict(format!("{} changes all the time", place.title())))
}

/// The object without what a write changes by itself.
fn content(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["managedFields", "resourceVersion", "generation"] {
            metadata.remove(field);
        }
    }
    object
}

/// The Rollout for which a command must hold a new version back: none where nobody wants it held, or where a controller in
/// the cluster does it.
///
/// # Errors
/// When the server cannot be reached, or no engine could carry out what the Rollout asks for.
pub async fn holder<'a>(
    ui: &Ui,
    cluster: &Cluster,
    rollout: Option<&'a Found>,
    workload: &Value,
) -> Result<Option<&'a Found>> {
    let wants = |found: &&Found| {
        found.object["spec"]["disabled"] != true && found.object["metadata"]["deletionTimestamp"].is_null()
    };
    let Some(found) = rollout.filter(wants) else {
        return Ok(None);
    };
    match cluster
        .controller_in_charge(Some(&found.namespace), std::slice::from_ref(found))
        .await?
    {
        Charge::Nobody => {
            if edit::kind_of(workload).is_none() {
                return Err(Error::new(
                    Kind::General,
                    format!(
                        "{} of {} is newer than this program: it does not know how to hold its new version",
                        workload["kind"].as_str().unwrap_or_default(),
                        workload["apiVersion"].as_str().unwrap_or_default()
                    ),
                )
                .hint("nothing was changed; a newer kubectl-kruise may know it"));
            }
            // A version that nobody could bring out would stay held.
            found.drivable()?;
            validity::check(found, Some(workload))?;
            Ok(Some(found))
        }
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

/// How long an engine that acts may take to show it.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);

/// What a change means to the Rollout of what was changed.
#[derive(Clone, Debug)]
pub struct Came {
    found: Found,
    held: bool,
    leaves: bool,
}

impl Came {
    /// Nothing where no enabled Rollout stands behind it, or no other version comes of it. `leaves` tells that a release is
    /// left by it.
    #[must_use]
    pub fn of(rollout: Option<&Found>, written: &Written, leaves: bool) -> Option<Self> {
        let found = rollout.filter(|found| found.object["spec"]["disabled"] != true)?;
        (written.changed && (leaves || written.brings)).then(|| Self {
            found: found.clone(),
            held: written.held,
            leaves,
        })
    }
}

/// Says what becomes of changes: what stands in their way, and who acts next.
pub async fn say_next(ui: &Ui, cluster: &Cluster, all: &[Came], change: &ChangeArgs) {
    let is_over = change.write.dry_run != DryRun::None || change.standalone;
    let taken_up = all
        .iter()
        .map(async |came| !is_over && came.held && is_taken_up(cluster, &came.found).await);
    let taken_up = futures::future::join_all(taken_up).await;
    for (came, is_taken_up) in all.iter().zip(taken_up) {
        let found = &came.found;
        say_paused(ui, found, came.leaves);
        if is_over {
            continue;
        }
        let command = |command: Command| command.text(&found.namespace, &found.name);
        match (came.leaves, came.held, is_taken_up) {
            (true, ..) if cluster.is_left_to_ours(found) => ui.talk(&format!(
                "the release is left: whoever carries it out takes the new version back; where nobody does: {}",
                command(Command::Run)
            )),
            (true, ..) => ui.talk(&format!(
                "the release is left: whoever carries it out takes the new version back: {}",
                command(Command::Watch)
            )),
            (_, true, true) => ui.talk(&format!(
                "the new version is held; an engine is bringing it out step by step: {}",
                command(Command::Watch)
            )),
            (_, true, false) => ui.talk(&format!(
                "the new version is held; an engine brings it out step by step: {}",
                command(Command::Run)
            )),
            (_, false, _) => ui.hint(&command(Command::Watch)),
        }
    }
}

/// Warns of a Rollout that a human has paused: nothing ends that but `resume`.
pub fn say_paused(ui: &Ui, found: &Found, leaves: bool) {
    if found.object["spec"]["strategy"]["paused"] != true {
        return;
    }
    let title = found.title();
    ui.warn(&if leaves {
        format!(
            "{title} stays paused (spec.strategy.paused): it goes back all the same, and the next release waits until it is resumed"
        )
    } else {
        format!("{title} is paused (spec.strategy.paused): the new version waits until it is resumed")
    });
    ui.hint(&Command::Resume.text(&found.namespace, &found.name));
}

/// Whether an engine shows, by the status of the Rollout, that it has seen the new version.
async fn is_taken_up(cluster: &Cluster, found: &Found) -> bool {
    let mut news = cluster.news_of(found);
    let seen = async {
        while let Some(item) = news.next().await {
            match item {
                News::There(now) if now.object["status"] != found.object["status"] => return true,
                News::Trouble(_) => return false,
                _ => {}
            }
        }
        false
    };
    tokio::time::timeout(SHOWN_WITHIN, seen).await.unwrap_or(false)
}

/// Puts the engine's finalizer on a Rollout, so that a deletion before the first engine acts waits for one: nobody else
/// would give the held workload back. Whether it was missing.
async fn guard(ui: &Ui, cluster: &Cluster, found: &Found, how: &WriteArgs) -> Result<bool> {
    let dry_run = how.dry_run;
    let mut object = found.object.clone();
    for attempt in 1.. {
        let Some(mut patch) = finalizers(&object, true) else {
            return Ok(false);
        };
        patch.dry_run = dry_run == DryRun::Server;
        let path = patch_path(found.resource(), &found.namespace, &found.name, &patch);
        // A Rollout of the same files that is not there yet, because nothing is stored.
        if object["metadata"]["resourceVersion"].is_null() {
            return Ok(false);
        }
        if dry_run == DryRun::Client {
            request(ui, "PATCH", &path, &patch.body)?;
            return Ok(false);
        }
        match cluster
            .patch(found.resource(), &found.namespace, &found.name, &patch)
            .await
        {
            Ok(_) => return Ok(dry_run == DryRun::None),
            Err(error) if error.kind == Kind::Conflict && attempt < TRIES => {
                object = cluster
                    .rollout_if_there(&found.namespace, &found.name)
                    .await?
                    .ok_or(error)?
                    .object;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Takes the finalizer off again because the write it was for was refused.
async fn release(cluster: &Cluster, found: &Found) {
    // The refused write is what the user is told about. A finalizer that stays is taken off by the next engine.
    if let Ok(Some(now)) = cluster.rollout_if_there(&found.namespace, &found.name).await
        && let Some(patch) = finalizers(&now.object, false)
    {
        let _ = cluster
            .patch(now.resource(), &now.namespace, &now.name, &patch)
            .await;
    }
}

/// The patch after which a Rollout has the engine's finalizer, or has it not; nothing when that is so.
fn finalizers(rollout: &Value, wanted: bool) -> Option<Patch> {
    let metadata = &rollout["metadata"];
    let mut names: Vec<Value> = metadata["finalizers"].as_array().cloned().unwrap_or_default();
    if names.contains(&json!(keys::ROLLOUT_FINALIZER)) == wanted {
        return None;
    }
    if wanted {
        names.push(json!(keys::ROLLOUT_FINALIZER));
    } else {
        names.retain(|name| name != keys::ROLLOUT_FINALIZER);
    }
    let body = json!({ "metadata": { "resourceVersion": metadata["resourceVersion"], "finalizers": names } });
    Some(Patch {
        body: Body::Merge(body),
        subresource: None,
        field_manager: keys::FIELD_MANAGER,
        dry_run: false,
    })
}
