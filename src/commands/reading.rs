//! Reading what a command needs to know about its Rollouts.

use futures::future::{join_all, try_join_all};
use kube::api::DynamicObject;

use crate::{
    api::v1beta1::{Phase, Rollout},
    cli::target::{Kind, Named, Targets},
    cluster::{Cluster, Found, Resource, Served},
    error::{Error, Kind as ErrorKind, Result},
    release::Position,
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
            Ok(join_all(names.iter().map(|named| find(cluster, named))).await)
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
    Ok(Status::of(&seen(cluster, found).await?))
}

/// Reads what surrounds a Rollout.
///
/// # Errors
/// When something cannot be read. That it does not exist is part of what was seen.
pub async fn seen(cluster: &Cluster, found: &Found) -> Result<Seen> {
    surroundings(cluster, found.typed()?, &found.namespace).await
}

async fn surroundings(cluster: &Cluster, rollout: Rollout, namespace: &str) -> Result<Seen> {
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
    let look = async |resource: Resource, name: Option<String>| -> Result<Looked> {
        let Some(name) = name else {
            return Ok(Looked::NotWanted);
        };
        Ok(cluster
            .get(resource, namespace, &name)
            .await?
            .map_or(Looked::Missing, Looked::There))
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
            Err(error) => return Err(error),
        };
        let members = match selector::query(&workload["spec"]["selector"]) {
            Some(labels) => {
                let members = match kind {
                    workload::Kind::Deployment => Resource::ReplicaSets,
                    _ => Resource::Pods,
                };
                cluster.list(members, Some(namespace), Some(&labels)).await?
            }
            None => Vec::new(),
        };
        Ok::<_, Error>((Looked::There(workload), members))
    };
    let own = async {
        let providers = providers(&rollout);
        routes(cluster, namespace, &providers).await
    };
    let shared = async {
        let Some(name) = rollout.traffic_routing_name() else {
            return Ok((Looked::NotWanted, Routes::new()));
        };
        let served = Served::namespaced("rollouts.kruise.io/v1alpha1", "TrafficRouting", "trafficroutings");
        let looked = match cluster.read(&served, namespace, name).await {
            Ok(object) => object.map_or(Looked::Missing, Looked::There),
            // A cluster without the kind has no object of it either.
            Err(error) if error.kind == ErrorKind::NotFound => Looked::Missing,
            Err(error) => return Err(error),
        };
        let seen = Seen {
            shared: looked,
            ..Seen::default()
        };
        let providers = seen.shared().map(|shared| shared.providers()).unwrap_or_default();
        let routes = routes(cluster, namespace, &providers).await?;
        Ok((seen.shared, routes))
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
        routes: Some(own.into_iter().chain(others).collect()),
        configuration,
    })
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
