//! A workload that a command changes, and the Rollout behind it.

use serde_json::Value;

use super::{
    reading,
    set::{not_found, unknown_workload},
    validity,
    write::Place,
};
use crate::{
    api::keys,
    cli::target::{Kind as TargetKind, Named, Targets},
    cluster::{Cluster, Found, Served},
    error::{Error, Kind, Result},
    release::Position,
    workload::{self, edit},
};

/// The workload, as it was read.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The Rollout behind it.
    pub rollout: Option<Found>,
    /// Its kind.
    pub kind: workload::Kind,
    /// How the server serves it.
    pub served: Served,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The object.
    pub live: Value,
}

impl Subject {
    /// `deployment.apps/web`.
    #[must_use]
    pub fn title(&self) -> String {
        self.served.object(&self.name)
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place {
            served: &self.served,
            namespace: &self.namespace,
            name: &self.name,
        }
    }

    /// Where the release stands.
    ///
    /// # Errors
    /// When the Rollout cannot be read as one.
    pub fn position(&self) -> Result<Option<Position>> {
        let rollout = self.rollout.as_ref().map(Found::typed).transpose()?;
        Ok(rollout.as_ref().map(Position::of))
    }

    /// Whether the user has paused the workload: not a hold, which a mark tells of.
    #[must_use]
    pub fn is_paused_by_user(&self) -> bool {
        self.live["spec"]["paused"] == true && edit::mark_of(&self.live).is_none()
    }

    /// Refuses what would take a release out of the hands of its engine.
    ///
    /// # Errors
    /// When a release of it is under way.
    pub fn refuse_while_released(&self, verb: &str) -> Result<()> {
        let Some(mark) = edit::mark_of(&self.live) else {
            return Ok(());
        };
        let name = &mark.rollout_name;
        Err(Error::conflict(format!(
            "{} is held by the release of Rollout {name:?} ({} is set): its engine says when it is paused",
            self.title(),
            keys::IN_PROGRESSING
        ))
        .hint(format!(
            "kubectl kruise rollout {verb} {name} -n {}",
            self.namespace
        ))
        .hint("--force does it all the same"))
    }
}

/// Finds the workload that is meant by a name.
///
/// # Errors
/// When it does not exist or cannot be read.
pub async fn find(cluster: &Cluster, named: &Named) -> Result<Subject> {
    let namespace = reading::namespace(cluster, named).to_owned();
    match named.kind {
        TargetKind::Rollout => of_rollout(cluster, cluster.rollout(&namespace, &named.name).await?).await,
        TargetKind::Workload(kind) => {
            let rollout = rollout_behind(cluster, &namespace, kind, &named.name).await?;
            read(cluster, rollout, &namespace, kind, &named.name).await
        }
    }
}

/// Reads the workload of a Rollout.
///
/// # Errors
/// When it does not exist, is of an unknown kind, or cannot be read.
pub async fn of_rollout(cluster: &Cluster, found: Found) -> Result<Subject> {
    let (kind, name) = found
        .workload()
        .map(|(kind, name)| (kind, name.to_owned()))
        .ok_or_else(|| unknown_workload(&found))?;
    let namespace = found.namespace.clone();
    read(cluster, Some(found), &namespace, kind, &name).await
}

/// Reads a workload, with the Rollout behind it as it is given.
///
/// # Errors
/// When it does not exist, or cannot be read.
pub async fn read(
    cluster: &Cluster,
    rollout: Option<Found>,
    namespace: &str,
    kind: workload::Kind,
    name: &str,
) -> Result<Subject> {
    let (served, found) = cluster
        .in_served_version(kind, async |served| cluster.read(served, namespace, name).await)
        .await?;
    let mut live = found.ok_or_else(|| not_found(&served.object(name), namespace))?;
    // Items of lists, and some servers, leave it out.
    for (field, value) in [("apiVersion", &served.api_version), ("kind", &served.kind)] {
        if live[field].is_null() {
            live[field] = value.as_str().into();
        }
    }
    Ok(Subject {
        rollout,
        kind,
        served,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        live,
    })
}

/// Every workload that is meant, each once, in order; those that cannot be found are errors of their own.
///
/// # Errors
/// When a selection cannot be read or selects nothing.
pub async fn find_all(cluster: &Cluster, targets: &Targets) -> Result<Vec<Result<Subject>>> {
    let mut all: Vec<Result<Subject>> = Vec::new();
    for named in reading::names(cluster, targets).await? {
        let found = find(cluster, &named).await;
        // A Rollout and its workload are one.
        let known = |subject: &Subject| {
            let same = |other: &Subject| {
                (&other.served, &other.namespace, &other.name)
                    == (&subject.served, &subject.namespace, &subject.name)
            };
            all.iter().flatten().any(same)
        };
        if !found.as_ref().is_ok_and(known) {
            all.push(found);
        }
    }
    Ok(all)
}

/// The Rollout of a workload, if there is one; a server without Rollouts has none.
async fn rollout_behind(
    cluster: &Cluster,
    namespace: &str,
    kind: workload::Kind,
    name: &str,
) -> Result<Option<Found>> {
    match cluster.rollouts_of(namespace, kind, name).await {
        Ok(found) => validity::only_one(found),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What `--standalone` needs.
///
/// # Errors
/// When no Rollout stands behind the workload.
pub fn to_drive(subject: &Subject) -> Result<&Found> {
    subject.rollout.as_ref().ok_or_else(|| {
        Error::new(
            Kind::NotFound,
            format!(
                "no Rollout refers to {}: there is nothing to drive",
                subject.title()
            ),
        )
        .hint("leave --standalone out to change it all the same")
    })
}
