//! Reading what a command needs to know about its Rollouts.

use std::{cell::RefCell, collections::BTreeSet};

use futures::future::join_all;

use super::evidence;
use crate::{
    api::v1beta1::{Phase, Rollout},
    cli::target::{Kind, Named, Targets},
    cluster::{Cluster, Found, Resource, Served},
    error::{Error, Kind as ErrorKind, Result},
    release::Position,
    view::{
        Status,
        status::{Looked, Seen, shown},
    },
    workload::{self, selector},
};

/// Finds one Rollout.
///
/// # Errors
/// When it does not exist or cannot be read.
pub async fn find(cluster: &Cluster, named: &Named) -> Result<Found> {
    match named.kind {
        Kind::Rollout => cluster.rollout(&cluster.namespace, &named.name).await,
        Kind::Workload(kind) => cluster.rollout_of(&cluster.namespace, kind, &named.name).await,
    }
}

/// Finds the Rollouts a command is about; those that cannot be found are errors of their own.
///
/// # Errors
/// When a selection cannot be read or selects nothing.
pub async fn find_all(cluster: &Cluster, targets: &Targets) -> Result<Vec<Result<Found>>> {
    match targets {
        Targets::Names(names) => Ok(join_all(names.iter().map(|named| find(cluster, named))).await),
        Targets::Selected {
            all_namespaces,
            labels,
        } => {
            let namespace = (!all_namespaces).then_some(cluster.namespace.as_str());
            let found = cluster.rollouts(namespace, labels.as_deref()).await?;
            if found.is_empty() {
                let place = namespace.map_or_else(
                    || "any namespace".to_owned(),
                    |name| format!("namespace {name:?}"),
                );
                let which = labels
                    .as_ref()
                    .map(|labels| format!(" with labels {labels:?}"))
                    .unwrap_or_default();
                return Err(Error::new(
                    ErrorKind::NotFound,
                    format!("no Rollouts{which} found in {place}"),
                ));
            }
            Ok(found.into_iter().map(Ok).collect())
        }
    }
}

/// Reads what surrounds a Rollout and judges: at most six requests beside the Rollout's own.
///
/// # Errors
/// When something cannot be read. That it does not exist is part of the state.
pub async fn status(cluster: &Cluster, found: &Found) -> Result<Status> {
    let mut seen = surroundings(cluster, found.typed()?, &found.namespace, Strictness::Lenient).await?;
    let status = Status::of(&seen);
    if evidence::wanted(&status) {
        evidence::gather(cluster, found, &mut seen, evidence::Depth::Trouble).await?;
    }
    Ok(Status::explained(&seen, cluster.clock.now()))
}

/// Reads everything that may say why a Rollout is where it is, and judges.
///
/// # Errors
/// When something cannot be read for another reason than missing rights.
pub async fn explained(cluster: &Cluster, found: &Found) -> Result<Status> {
    let mut seen = surroundings(cluster, found.typed()?, &found.namespace, Strictness::Lenient).await?;
    evidence::gather(cluster, found, &mut seen, evidence::Depth::Everything).await?;
    Ok(Status::explained(&seen, cluster.clock.now()))
}

/// What missing rights mean.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Strictness {
    /// What may not be read is noted, and the rest is read.
    Lenient,
    /// Nothing is done without all of it.
    Strict,
}

/// Reads what surrounds a Rollout.
///
/// # Errors
/// When something cannot be read. That it does not exist is part of what was seen.
pub async fn seen(cluster: &Cluster, found: &Found) -> Result<Seen> {
    surroundings(cluster, found.typed()?, &found.namespace, Strictness::Strict).await
}

async fn surroundings(
    cluster: &Cluster,
    rollout: Rollout,
    namespace: &str,
    strictness: Strictness,
) -> Result<Seen> {
    let position = Position::of(&rollout);
    let spec = &rollout.spec;
    if position.deleting || position.phase == Phase::Disabled {
        return Ok(Seen {
            rollout,
            ..Seen::default()
        });
    }
    let routing = spec.strategy.traffic_routings().first();
    let ingress = routing
        .and_then(|routing| routing.ingress.as_ref())
        .map(|ingress| ingress.name.clone());
    let service = routing.map(|routing| routing.service.clone());
    let unread = Unread::new(strictness);
    let look = async |resource: Resource, name: Option<String>| -> Result<Looked> {
        let Some(name) = name else {
            return Ok(Looked::NotWanted);
        };
        let answer = cluster.get(resource, namespace, &name).await;
        unread.or(answer.map(looked), Looked::Unread)
    };
    let pods = async {
        let Some(kind) = workload::Kind::named(&spec.workload_ref) else {
            return Ok((Looked::NotWanted, Vec::new()));
        };
        let served = Served::namespaced(&spec.workload_ref.api_version, kind.kind(), kind.plural());
        let workload = match cluster.read(&served, namespace, &spec.workload_ref.name).await {
            Ok(Some(object)) => object,
            Ok(None) => return Ok((Looked::Missing, Vec::new())),
            // A cluster without the kind has no object of it either.
            Err(error) if error.kind == ErrorKind::NotFound => return Ok((Looked::Missing, Vec::new())),
            Err(error) => return unread.or(Err(error), (Looked::Unread, Vec::new())),
        };
        let members = match selector::query(&workload["spec"]["selector"]) {
            Some(labels) => {
                let members = match kind {
                    workload::Kind::Deployment => Resource::ReplicaSets,
                    _ => Resource::Pods,
                };
                let answer = cluster.list(members, Some(namespace), Some(&labels)).await;
                unread.or(answer, Vec::new())?
            }
            None => Vec::new(),
        };
        Ok::<_, Error>((Looked::There(workload), members))
    };
    let shown = shown(&rollout);
    let route = async {
        let Some(provider) = &shown else {
            return Ok(Looked::NotWanted);
        };
        for kind in provider.versions() {
            let served = Served::namespaced(kind.api_version, kind.kind, kind.plural);
            match cluster.read(&served, namespace, provider.name()).await {
                Ok(object) => return Ok(looked(object)),
                // Another version may be served.
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => return unread.or(Err(error), Looked::Unread),
            }
        }
        Ok(Looked::Missing)
    };
    let ((workload, members), service, ingress_there, canary_ingress, route) = futures::try_join!(
        pods,
        look(Resource::Services, service),
        look(Resource::Ingresses, ingress.clone()),
        look(Resource::Ingresses, ingress.map(|name| format!("{name}-canary"))),
        route,
    )?;
    Ok(Seen {
        rollout,
        workload,
        members,
        service,
        ingress: ingress_there,
        canary_ingress,
        route,
        unread: unread.sentences(),
        ..Seen::default()
    })
}

fn looked(object: Option<serde_json::Value>) -> Looked {
    object.map_or(Looked::Missing, Looked::There)
}

/// What could not be read for want of rights.
pub(super) struct Unread {
    strictness: Strictness,
    sentences: RefCell<BTreeSet<String>>,
}

impl Unread {
    fn new(strictness: Strictness) -> Self {
        Self {
            strictness,
            sentences: RefCell::default(),
        }
    }

    /// Notes and goes on.
    pub(super) fn lenient() -> Self {
        Self::new(Strictness::Lenient)
    }

    /// The answer; what stands for it where rights are missing.
    pub(super) fn or<T>(&self, answer: Result<T>, otherwise: T) -> Result<T> {
        match answer {
            Err(error) if error.kind == ErrorKind::Forbidden && self.strictness == Strictness::Lenient => {
                // What the server says after that names the user and the group once more.
                let sentence = error.message.split(": ").next().unwrap_or_default().to_owned();
                self.sentences.borrow_mut().insert(sentence);
                Ok(otherwise)
            }
            answer => answer,
        }
    }

    /// One sentence each: verb, resource, namespace.
    pub(super) fn sentences(self) -> Vec<String> {
        self.sentences.into_inner().into_iter().collect()
    }
}
