//! What a plan is made from: objects of a cluster, or files.

use std::time::Duration;

use futures::future::try_join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::super::{
    apply, connect,
    files::{self, Manifest},
    reading,
};
use crate::{
    api::v1beta1::Rollout,
    cli::{
        Global,
        args::CopyArgs,
        target::{self, Named, TargetArgs},
    },
    cluster::{Cluster, Found, RolloutVersion},
    error::{Error, Kind, Result},
    plan::{self, Change, Started, Wanted, Which},
    traffic::script::{self, Configuration},
    ui::Ui,
    workload::{
        Kind as WorkloadKind,
        edit::{self, NewImage},
    },
};

/// Where everything is that files give no namespace, and neither does the command line.
const HOME: &str = "default";

/// What a plan is made from.
pub(in crate::commands) struct Source {
    /// The Rollout.
    pub(in crate::commands) found: Found,
    /// Everything that its release touches.
    pub(in crate::commands) objects: Vec<Value>,
    /// When it begins.
    pub(in crate::commands) start: Timestamp,
    /// What running pods tell of their start.
    pub(in crate::commands) started: Option<Started>,
    /// What could not be read, one sentence each.
    pub(in crate::commands) unknown: Vec<String>,
    /// The cluster, if there is one.
    pub(super) cluster: Option<Cluster>,
}

/// Reads what the flags say is copied, for a verb; of a cluster also what is named once this is changed.
///
/// # Errors
/// As [`of_cluster`] and [`of_files`].
pub(in crate::commands) async fn read(
    ui: &Ui,
    global: &Global,
    args: &CopyArgs,
    change: &Change,
    verb: &str,
) -> Result<Source> {
    if args.filename.is_empty() {
        of_cluster(global, &args.targets, change, verb).await
    } else {
        of_files(ui, global, (&args.filename, args.recursive), &args.targets).await
    }
}

/// What the flags say is changed in the copy.
///
/// # Errors
/// When manifests cannot be read.
pub(in crate::commands) fn change(ui: &Ui, args: &CopyArgs) -> Result<Change> {
    let manifests = match args.apply.as_slice() {
        [] => Vec::new(),
        names => manifests(ui, names, args.recursive)?,
    };
    let images = args.set_image.iter().map(|wanted| NewImage {
        container: wanted.container.clone(),
        image: wanted.image.clone(),
    });
    Ok(Change {
        manifests: manifests.into_iter().map(|manifest| manifest.object).collect(),
        images: images.collect(),
        replicas: args.replicas,
        ..Change::default()
    })
}

/// Reads a cluster.
///
/// # Errors
/// When the Rollout cannot be read.
pub(in crate::commands) async fn of_cluster(
    global: &Global,
    targets: &TargetArgs,
    change: &Change,
    verb: &str,
) -> Result<Source> {
    if targets.names.is_empty() {
        return Err(Error::usage("no Rollout is named").hint(format!(
            "give NAME, rollout/NAME or deploy/NAME; or -f FILE, to {verb} over manifests without a cluster"
        )));
    }
    let named = targets.read()?;
    let [named] = named.as_slice() else {
        return Err(
            Error::usage(format!("{verb} takes exactly one Rollout")).hint(format!(
                "kubectl kruise rollout {verb} NAME --set-image CONTAINER=IMAGE"
            )),
        );
    };
    let cluster = connect(global).await?;
    let found = reading::find(&cluster, named).await?;
    let named = change.naming(&as_object(&found.typed()?));
    let (objects, unknown) = copy_as(&cluster, &found, &named).await?;
    Ok(Source {
        started: plan::started(&objects),
        start: cluster.clock.now(),
        cluster: Some(cluster),
        found,
        objects,
        unknown,
    })
}

/// Reads files.
///
/// # Errors
/// When they cannot be read, hold no Rollout or several, or are refused as a server would.
pub(in crate::commands) async fn of_files(
    ui: &Ui,
    global: &Global,
    (names, recursive): (&[String], bool),
    targets: &TargetArgs,
) -> Result<Source> {
    let manifests = manifests(ui, names, recursive)?;
    let home = global.namespace.as_deref().unwrap_or(HOME);
    let found = chosen(&manifests, &targets.names, home)?;
    let objects = manifests.into_iter().map(|manifest| manifest.object).collect();
    let staged = plan::staged(objects, home)
        .await
        .map_err(|error| Error::new(Kind::General, error.to_string()))?;
    let started = staged.has_pods.then(|| plan::started(&staged.objects)).flatten();
    Ok(Source {
        found,
        objects: staged.objects,
        start: staged.start,
        started,
        unknown: Vec::new(),
        cluster: None,
    })
}

/// Reads manifests; Rollouts of the old version as what they mean in the new one.
///
/// # Errors
/// When they cannot be read.
pub(in crate::commands) fn manifests(ui: &Ui, names: &[String], recursive: bool) -> Result<Vec<Manifest>> {
    let mut manifests = files::read(names, recursive)?;
    for manifest in &mut manifests {
        apply::convert(ui, manifest);
    }
    Ok(manifests)
}

/// The Rollout among files that is meant.
fn chosen(manifests: &[Manifest], words: &[String], home: &str) -> Result<Found> {
    let rollouts: Vec<Found> = manifests
        .iter()
        .filter(|manifest| apply::is_rollout(&manifest.object))
        .map(|manifest| {
            let mut object = manifest.object.clone();
            if object["metadata"]["namespace"].is_null() {
                object["metadata"]["namespace"] = home.into();
            }
            Found::new(RolloutVersion::V1beta1, object)
        })
        .collect();
    let known = || {
        let names: Vec<&str> = rollouts.iter().map(|found| found.name.as_str()).collect();
        names.join(", ")
    };
    if rollouts.is_empty() {
        return Err(Error::new(Kind::NotFound, "the files hold no Rollout").hint(
            "to plan for a cluster's Rollout as if files were applied: kubectl kruise rollout plan NAME --apply FILE",
        ));
    }
    let named = target::read(words)?;
    let meant: Vec<&Found> = match named.as_slice() {
        [] => rollouts.iter().collect(),
        [named] => rollouts.iter().filter(|found| is_meant(named, found)).collect(),
        _ => {
            return Err(
                Error::usage("plan takes exactly one Rollout").hint(format!("the files hold {}", known()))
            );
        }
    };
    match meant.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let word = words.join(" ");
            Err(
                Error::new(Kind::NotFound, format!("the files hold no Rollout for {word:?}"))
                    .hint(format!("they hold {}", known())),
            )
        }
        _ => Err(Error::usage(format!(
            "the files hold {} Rollouts that may be meant",
            meant.len()
        ))
        .hint(format!("name one of them: {}", known()))),
    }
}

fn is_meant(named: &Named, found: &Found) -> bool {
    match named.kind {
        target::Kind::Rollout => named.name == found.name,
        target::Kind::Workload(kind) => found.workload() == Some((kind, &*named.name)),
    }
}

/// The steps of a file: a list of them, or those of a Rollout.
///
/// # Errors
/// When it cannot be read or holds none.
pub(super) fn steps(name: &str) -> Result<Vec<Value>> {
    let documents = files::documents_of(name)?;
    let in_strategy = |document: &Value| {
        let strategy = &document["spec"]["strategy"];
        [
            &strategy["canary"]["steps"],
            &strategy["blueGreen"]["steps"],
            &document["steps"],
            document,
        ]
        .into_iter()
        .find_map(|place| place.as_array().cloned())
    };
    let inside = |document: &Value| {
        let items = document["items"].as_array();
        items.map_or_else(
            || in_strategy(document),
            |items| items.iter().find_map(in_strategy),
        )
    };
    documents
        .iter()
        .find_map(inside)
        .filter(|steps| !steps.is_empty())
        .ok_or_else(|| {
            Error::new(Kind::General, format!("{name} holds no steps"))
                .hint("a list of steps, such as [{replicas: 1, traffic: 5%, pause: {}}, {replicas: 100%}], or a Rollout")
        })
}

/// How long pods take when nobody tells.
pub(in crate::commands) const READY_AFTER: Duration = Duration::from_secs(10);

/// Everything that the release touches, as it is, and what could not be read of it.
pub(in crate::commands) async fn copy(cluster: &Cluster, found: &Found) -> Result<(Vec<Value>, Vec<String>)> {
    copy_as(cluster, found, &[]).await
}

/// The same with everything that these Rollouts and TrafficRoutings name, which are none of the cluster's, or not yet.
pub(super) async fn copy_as(
    cluster: &Cluster,
    found: &Found,
    also: &[Value],
) -> Result<(Vec<Value>, Vec<String>)> {
    let rollout = found.typed()?;
    let mut objects = vec![as_object(&rollout)];
    let mut unknown = Vec::new();
    let mut wanted = plan::named_by(&rollout);
    let mut workloads: Vec<(WorkloadKind, String)> = Vec::new();
    workloads.extend(found.workload().map(|(kind, name)| (kind, name.to_owned())));
    for object in also {
        let Ok(rollout) = serde_json::from_value::<Rollout>(object.clone()) else {
            continue;
        };
        if object["kind"] == "Rollout" {
            wanted.extend(plan::named_by(&rollout));
            let reference = rollout.spec.workload_ref;
            let kind = WorkloadKind::named(&reference);
            let released = kind.map(|kind| (kind, reference.name));
            workloads.extend(released.filter(|one| !workloads.contains(one)));
        }
    }
    let shared = also.iter().filter(|object| object["kind"] == "TrafficRouting");
    wanted.extend(shared.flat_map(plan::shared_by));
    let mut once: Vec<Wanted> = Vec::new();
    for one in wanted {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    objects.extend(read_all(cluster, found, once).await?);
    let shared = objects.iter().filter(|object| object["kind"] == "TrafficRouting");
    let shared: Vec<Wanted> = shared.flat_map(plan::shared_by).collect();
    for object in read_all(cluster, found, shared).await? {
        if is_new(&object, &objects) {
            objects.push(object);
        }
    }
    let providers = [plan::providers(&objects), plan::providers(also)].concat();
    match reading::scripts(cluster, &providers).await? {
        Configuration::Missing => {}
        Configuration::Unreadable(_) => unknown.push(format!(
            "scripts for routes: the ConfigMap {}/{} may not be read",
            script::NAMESPACE,
            script::CONFIGURATION
        )),
        Configuration::Read(texts) => objects.push(plan::configuration(&texts)),
    }
    for (kind, name) in workloads {
        belongings(cluster, found, (kind, &name), &mut objects, &mut unknown).await?;
    }
    Ok((objects, unknown))
}

fn is_new(object: &Value, objects: &[Value]) -> bool {
    !objects.iter().any(|known| {
        known["metadata"]["uid"].is_string() && known["metadata"]["uid"] == object["metadata"]["uid"]
    })
}

/// Adds what belongs to a workload, and the other Rollouts that release it.
async fn belongings(
    cluster: &Cluster,
    found: &Found,
    (kind, name): (WorkloadKind, &str),
    objects: &mut Vec<Value>,
    unknown: &mut Vec<String>,
) -> Result<()> {
    for rival in cluster.rollouts_of(&found.namespace, kind, name).await? {
        let rival = as_object(&rival.typed()?);
        if is_new(&rival, objects) {
            objects.push(rival);
        }
    }
    let workload = objects
        .iter()
        .find(|object| edit::kind_of(object) == Some(kind) && object["metadata"]["name"] == *name)
        .cloned();
    let Some(workload) = workload else {
        return Ok(());
    };
    let (shared, own): (Vec<_>, Vec<_>) = plan::belonging_to(kind, &workload)
        .into_iter()
        .partition(|wanted| !wanted.served.namespaced);
    let own = read_all(cluster, found, own).await?;
    let own: Vec<Value> = own.into_iter().filter(|object| is_new(object, objects)).collect();
    objects.extend(own);
    match read_all(cluster, found, shared).await {
        Ok(shared) => {
            let shared: Vec<Value> = shared
                .into_iter()
                .filter(|object| is_new(object, objects))
                .collect();
            objects.extend(shared);
        }
        Err(error) if error.kind == Kind::Forbidden => {
            unknown.push("the nodes may not be read: those that pods run on are taken for all".to_owned());
            let nodes = plan::nodes_under(&workload, objects);
            objects.extend(nodes);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn as_object(rollout: &Rollout) -> Value {
    let mut object = serde_json::to_value(rollout).unwrap_or_default();
    object["apiVersion"] = "rollouts.kruise.io/v1beta1".into();
    object["kind"] = "Rollout".into();
    object
}

async fn read_all(cluster: &Cluster, found: &Found, wanted: Vec<Wanted>) -> Result<Vec<Value>> {
    let reads = wanted
        .into_iter()
        .map(async |Wanted { served, which }| -> Result<Vec<Value>> {
            let namespace = found.namespace.as_str();
            let is_custom = served.plural.is_empty();
            let Some(served) = cluster.placed(served).await? else {
                return Ok(Vec::new());
            };
            let mut objects = match &which {
                Which::Named(name) => match cluster.read(&served, namespace, name).await {
                    Ok(object) => object.into_iter().collect(),
                    // A cluster without the kind has no object of it either.
                    Err(error) if error.kind == Kind::NotFound => Vec::new(),
                    Err(error) => return Err(error),
                },
                Which::Labelled(labels) => cluster.read_labelled(&served, namespace, labels).await?,
                Which::All => cluster.read_all(&served, namespace).await?,
            };
            for object in &mut objects {
                // Items of a list do not say what they are.
                object["apiVersion"] = served.api_version.as_str().into();
                object["kind"] = served.kind.as_str().into();
            }
            if is_custom {
                objects.push(plan::definition(&served));
            }
            Ok(objects)
        });
    Ok(try_join_all(reads).await?.concat())
}
