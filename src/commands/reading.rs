//! Reading what a command needs to know about its Rollouts.

use std::{cell::RefCell, collections::BTreeSet};

use futures::future::{join_all, try_join_all};
use kube::api::DynamicObject;

use super::evidence;
use crate::{
    api::v1beta1::{Phase, Rollout},
    cli::target::{Kind, Named, Targets},
    cluster::{Cluster, Found, Resource, Served},
    error::{Error, Kind as ErrorKind, Result},
    release::{Position, Verdict, cause::Engine, command::Command},
    traffic::{
        Provider, RouteKey, Routes,
        script::{self, Configuration},
    },
    view::{
        Status,
        status::{Looked, Seen, providers},
    },
    workload::{self, selector},
};

/// The namespace of something that is named.
#[must_use]
pub fn namespace<'a>(cluster: &'a Cluster, named: &'a Named) -> &'a str {
    named.namespace.as_deref().unwrap_or(&cluster.namespace)
}

/// Finds one Rollout.
///
/// # Errors
/// When it does not exist or cannot be read.
pub async fn find(cluster: &Cluster, named: &Named) -> Result<Found> {
    let namespace = namespace(cluster, named);
    match named.kind {
        Kind::Rollout => cluster.rollout(namespace, &named.name).await,
        Kind::Workload(kind) => cluster.rollout_of(namespace, kind, &named.name).await,
    }
}

/// Finds the Rollouts a command is about; those that cannot be found are errors of their own.
///
/// # Errors
/// When a selection cannot be read or selects nothing.
pub async fn find_all(cluster: &Cluster, targets: &Targets) -> Result<Vec<Result<Found>>> {
    match targets {
        Targets::Selected {
            kinds,
            all_namespaces,
            labels,
        } if kinds == &[Kind::Rollout] => {
            let namespace = (!all_namespaces).then_some(cluster.namespace.as_str());
            let found = cluster.rollouts(namespace, labels.as_deref()).await?;
            if found.is_empty() {
                return Err(nothing_selected("Rollouts", namespace, labels.as_deref()));
            }
            Ok(found.into_iter().map(Ok).collect())
        }
        _ => {
            let names = names(cluster, targets).await?;
            let mut all: Vec<Result<Found>> = Vec::new();
            for found in join_all(names.iter().map(|named| find(cluster, named))).await {
                // A Rollout and its workload are one.
                let known = |found: &Found| {
                    let same =
                        |other: &Found| (&other.namespace, &other.name) == (&found.namespace, &found.name);
                    all.iter().flatten().any(same)
                };
                if !found.as_ref().is_ok_and(known) {
                    all.push(found);
                }
            }
            Ok(all)
        }
    }
}

/// Everything that is meant, by name.
///
/// # Errors
/// When a selection cannot be read or selects nothing.
pub async fn names(cluster: &Cluster, targets: &Targets) -> Result<Vec<Named>> {
    let (kinds, all_namespaces, labels) = match targets {
        Targets::Names(names) => return Ok(names.clone()),
        Targets::Selected {
            kinds,
            all_namespaces,
            labels,
        } => (kinds, *all_namespaces, labels.as_deref()),
    };
    let namespace = (!all_namespaces).then_some(cluster.namespace.as_str());
    let (mut names, mut titles) = (Vec::new(), Vec::new());
    for kind in kinds {
        let objects = match kind {
            Kind::Rollout => {
                titles.push("Rollouts".to_owned());
                let found = cluster.rollouts(namespace, labels).await?;
                found.into_iter().map(|found| found.object).collect()
            }
            Kind::Workload(kind) => {
                titles.push(Served::workload(*kind).full());
                let select = async |served: &Served| cluster.select(served, namespace, labels).await;
                cluster.in_served_version(*kind, select).await?.1
            }
        };
        names.extend(objects.iter().map(|object| {
            let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
            Named {
                kind: *kind,
                namespace: text("namespace"),
                name: text("name").unwrap_or_default(),
            }
        }));
    }
    if names.is_empty() {
        return Err(nothing_selected(&titles.join(" or "), namespace, labels));
    }
    Ok(names)
}

fn nothing_selected(what: &str, namespace: Option<&str>, labels: Option<&str>) -> Error {
    let place = namespace.map_or_else(
        || "any namespace".to_owned(),
        |name| format!("namespace {name:?}"),
    );
    let which = labels
        .map(|labels| format!(" with labels {labels:?}"))
        .unwrap_or_default();
    Error::new(ErrorKind::NotFound, format!("no {what}{which} found in {place}"))
}

/// Reads what surrounds a Rollout and judges: at most six requests beside the Rollout's own.
///
/// # Errors
/// When something cannot be read. That it does not exist is part of the state.
pub async fn status(cluster: &Cluster, found: &Found) -> Result<Status> {
    let seen = surroundings(cluster, found.typed()?, &found.namespace, Strictness::Lenient);
    let mut seen = Box::pin(seen).await?;
    let status = Status::of(&seen);
    if evidence::wanted(&status) {
        Box::pin(evidence::gather(
            cluster,
            found,
            &mut seen,
            evidence::Depth::Trouble,
        ))
        .await?;
    } else if matches!(status.verdict, Verdict::WaitingForApproval | Verdict::Paused) {
        // Whether the next command is carried out by anybody.
        let unread = Unread::lenient();
        let engine = cluster.engine_behind_a_pause(&found.object).await;
        seen.sight.engine = unread.or(engine, Engine::Unknown)?;
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
    let service = routing.map(|routing| routing.service.clone());
    let unread = Unread::new(strictness);
    let look = async |resource: Resource, name: Option<String>| -> Result<Looked> {
        let Some(name) = name else {
            return Ok(Looked::NotWanted);
        };
        let answer = cluster.get(resource, namespace, &name).await;
        unread.or(answer.map(looked), Looked::Unread)
    };
    let uncounted = RefCell::new(None);
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
            Err(error) => {
                uncounted.replace(Some(sentence(&error)));
                return unread.or(Err(error), (Looked::Unread, Vec::new()));
            }
        };
        let members = match selector::query(&workload["spec"]["selector"]) {
            Some(labels) => {
                let members = match kind {
                    workload::Kind::Deployment => Resource::ReplicaSets,
                    _ => Resource::Pods,
                };
                let answer = cluster.list(members, Some(namespace), Some(&labels)).await;
                if let Err(error) = &answer {
                    uncounted.replace(Some(sentence(error)));
                }
                unread.or(answer, Vec::new())?
            }
            None => Vec::new(),
        };
        Ok::<_, Error>((Looked::There(workload), members))
    };
    let own = async {
        let providers = providers(&rollout);
        unread.or(routes(cluster, namespace, &providers).await.map(Some), None)
    };
    let shared = async {
        let Some(name) = rollout.traffic_routing_name() else {
            return Ok((Looked::NotWanted, Some(Routes::new())));
        };
        let served = Served::namespaced("rollouts.kruise.io/v1alpha1", "TrafficRouting", "trafficroutings");
        let shared = match cluster.read(&served, namespace, name).await {
            Ok(object) => looked(object),
            // A cluster without the kind has no object of it either.
            Err(error) if error.kind == ErrorKind::NotFound => Looked::Missing,
            Err(error) => unread.or(Err(error), Looked::Unread)?,
        };
        let seen = Seen {
            shared,
            ..Seen::default()
        };
        let providers = seen.shared().map(|shared| shared.providers()).unwrap_or_default();
        let routes = routes(cluster, namespace, &providers).await.map(Some);
        Ok::<_, Error>((seen.shared, unread.or(routes, None)?))
    };
    let scripts = async {
        let unknown = providers(&rollout)
            .into_iter()
            .filter(Provider::is_unscripted)
            .collect::<Vec<_>>();
        scripts(cluster, &unknown).await
    };
    let ((workload, members), service, own, (shared, others), configuration) =
        futures::try_join!(pods, look(Resource::Services, service), own, shared, scripts)?;
    Ok(Seen {
        rollout,
        workload,
        members,
        service,
        shared,
        routes: own
            .zip(others)
            .map(|(own, others)| own.into_iter().chain(others).collect()),
        unread: unread.sentences(),
        uncounted: uncounted.into_inner(),
        configuration,
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
                self.sentences.borrow_mut().insert(sentence(&error));
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

/// A command about a Rollout that waits for a human, as it is to be typed: where no controller would act on it, it is one that
/// carries it out. Costs a request once in a while.
pub async fn next(cluster: &Cluster, found: &Found, command: Command) -> String {
    match cluster.engine_behind_a_pause(&found.object).await {
        Ok(engine) if engine.leaves_it_to_commands() => command.by_hand(&found.namespace, &found.name),
        // A hint is a courtesy.
        _ => command.text(&found.namespace, &found.name),
    }
}

/// What may not be read: verb, resource, namespace.
pub(super) fn sentence(error: &Error) -> String {
    // What the server says after that names the user and the group once more.
    let sentence = error
        .message
        .split(": ")
        .next()
        .filter(|_| error.kind == ErrorKind::Forbidden);
    sentence.unwrap_or(&error.message).to_owned()
}

/// What the cluster's ConfigMap of scripts says, if one may be for these providers.
///
/// # Errors
/// When it cannot be asked for. That it does not exist or may not be read is part of what was seen.
pub async fn scripts(cluster: &Cluster, providers: &[Provider]) -> Result<Configuration> {
    if !providers.iter().any(Provider::takes_script) {
        return Ok(Configuration::Missing);
    }
    let served = Served::namespaced("v1", "ConfigMap", "configmaps");
    match cluster
        .read(&served, script::NAMESPACE, script::CONFIGURATION)
        .await
    {
        Ok(Some(object)) => Ok(Configuration::read(&object["data"])),
        Ok(None) => Ok(Configuration::Missing),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Configuration::Missing),
        Err(error) if error.kind == ErrorKind::Forbidden => Ok(Configuration::Unreadable(error.message)),
        Err(error) => Err(error),
    }
}

/// The routes of these providers that are there, twins included.
async fn routes(cluster: &Cluster, namespace: &str, providers: &[Provider]) -> Result<Routes> {
    let reads = providers.iter().flat_map(|provider| {
        let keys = provider.reads().into_iter();
        keys.map(async |key| -> Result<Option<(RouteKey, DynamicObject)>> {
            for kind in provider.versions() {
                let served = Served::namespaced(kind.api_version, kind.kind, kind.plural);
                let Some(served) = cluster.placed(served).await? else {
                    continue;
                };
                match cluster.read(&served, namespace, &key.name).await {
                    Ok(object) => {
                        let object = object.and_then(|object| serde_json::from_value(object).ok());
                        return Ok(object.map(|object| (key, object)));
                    }
                    // Another version may be served.
                    Err(error) if error.kind == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(None)
        })
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}
