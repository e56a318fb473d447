//! `plan`: what a release will do, before it does it.

use std::{sync::Arc, time::Duration};

use futures::future::try_join_all;
use serde_json::Value;

use super::{connect, gate, reading, set};
use crate::{
    api::v1beta1::Rollout,
    cli::{Global, args::PlanArgs, values::Output},
    cluster::{Cluster, Found},
    error::{Error, Kind, Result},
    exit_code,
    plan::{self, Change, End, Plan, Request, Wanted, Which},
    traffic::script::{self, Configuration},
    ui::Ui,
    view::{Block, Table},
    workload::edit::{self, NewImage},
};

/// How long pods are assumed to take to become ready when none can be asked.
const READY_AFTER: Duration = Duration::from_secs(10);

/// Runs the command.
///
/// # Errors
/// When the Rollout cannot be read, or the change would be refused.
pub async fn run(ui: &Ui, global: &Global, args: &PlanArgs) -> Result<u8> {
    let named = args.targets.read()?;
    let [named] = named.as_slice() else {
        return Err(Error::usage("plan takes exactly one Rollout")
            .hint("kubectl kruise rollout plan NAME --set-image CONTAINER=IMAGE"));
    };
    let analysis = args
        .analysis
        .as_deref()
        .map(gate::from_file)
        .transpose()?
        .map(Arc::new);
    let cluster = connect(global).await?;
    let found = reading::find(&cluster, named).await?;
    let (objects, unknown) = copy(&cluster, &found).await?;
    let ready_after = plan::seen_ready_after(&objects);
    let images: Vec<NewImage> = args
        .set_image
        .iter()
        .map(|wanted| NewImage {
            container: wanted.container.clone(),
            image: wanted.image.clone(),
        })
        .collect();
    let request = Request {
        objects,
        namespace: found.namespace.clone(),
        rollout: found.name.clone(),
        change: Change {
            images,
            replicas: args.replicas,
        },
        scripts: args.scripts.clone(),
        start: cluster.clock.now(),
        pod_ready_after: ready_after.unwrap_or(READY_AFTER),
    };
    let plan = plan::predict_with(request, analysis).map_err(|error| refused(error, &found))?;
    show(ui, args, &found, &plan, ready_after)?;
    for sentence in unknown {
        ui.warn(&sentence);
    }
    Ok(match plan.end {
        End::Blocked => exit_code::PLAN_BLOCKED,
        End::Degraded => exit_code::DEGRADED,
        _ if args.detailed_exitcode && plan.has_changes() => exit_code::PLAN_CHANGES,
        _ => exit_code::DONE,
    })
}

fn refused(error: plan::Error, found: &Found) -> Error {
    match error {
        plan::Error::Container(unknown) => set::no_such_container(&found.title(), &unknown),
        other => Error::new(Kind::General, other.to_string()),
    }
}

fn show(ui: &Ui, args: &PlanArgs, found: &Found, plan: &Plan, ready_after: Option<Duration>) -> Result<()> {
    if args.output == Some(Output::Name) {
        return ui.line(&found.title());
    }
    if let Some(format) = args.output.as_ref().and_then(Output::data) {
        let mut object = serde_json::to_value(plan).unwrap_or_default();
        object["apiVersion"] = "cli.kruise.dev/v1".into();
        object["kind"] = "RolloutPlan".into();
        object["schema"] = "1.0".into();
        object["summary"] = plan.summary().into();
        return ui.documents(format, std::slice::from_ref(&object));
    }
    ui.line(&format!("Plan for {}/{}", plan.namespace, plan.rollout))?;
    if !plan.rows().is_empty() {
        let rows = plan.rows().into_iter().map(Vec::from).collect();
        ui.blocks(&[Block::Table(Table {
            header: plan::COLUMNS.to_vec(),
            rows,
        })])?;
        ui.line("")?;
    }
    if args.writes && !plan.writes.is_empty() {
        for write in &plan.writes {
            ui.line(&write.line())?;
            ui.line(&format!("    {}", write.body))?;
        }
        ui.line("")?;
    }
    ui.line(&plan.summary())?;
    if !plan.message.is_empty() {
        ui.line(&plan.message)?;
    }
    if plan.end == End::NothingToDo {
        ui.hint(&format!(
            "kubectl kruise rollout plan {} -n {} --set-image CONTAINER=IMAGE",
            found.name, found.namespace
        ));
    } else if ready_after.is_none() {
        ui.talk(&format!(
            "no running pod told how long it took to become ready; {} s are assumed",
            READY_AFTER.as_secs()
        ));
    }
    Ok(())
}

/// Everything that the release touches, as it is, and what could not be read of it.
async fn copy(cluster: &Cluster, found: &Found) -> Result<(Vec<Value>, Vec<String>)> {
    let rollout = found.typed()?;
    let mut objects = vec![as_object(&rollout)];
    let mut unknown = Vec::new();
    objects.extend(read_all(cluster, found, plan::named_by(&rollout)).await?);
    let shared = objects.iter().filter(|object| object["kind"] == "TrafficRouting");
    let shared: Vec<Wanted> = shared.flat_map(plan::shared_by).collect();
    let others = read_all(cluster, found, shared).await?;
    let is_new = |object: &Value, objects: &[Value]| {
        !objects.iter().any(|known| {
            known["metadata"]["uid"].is_string() && known["metadata"]["uid"] == object["metadata"]["uid"]
        })
    };
    for object in others {
        if is_new(&object, &objects) {
            objects.push(object);
        }
    }
    match reading::scripts(cluster, &plan::providers(&objects)).await? {
        Configuration::Missing => {}
        Configuration::Unreadable(why) => unknown.push(format!(
            "the ConfigMap {}/{} may not be read, scripts in it are not known: {why}",
            script::NAMESPACE,
            script::CONFIGURATION
        )),
        Configuration::Read(texts) => objects.push(plan::configuration(&texts)),
    }
    let Some((kind, name)) = found.workload() else {
        return Ok((objects, unknown));
    };
    for rival in cluster.rollouts_of(&found.namespace, kind, name).await? {
        let rival = as_object(&rival.typed()?);
        if is_new(&rival, &objects) {
            objects.push(rival);
        }
    }
    let workload = objects
        .iter()
        .find(|object| edit::kind_of(object) == Some(kind))
        .cloned();
    let Some(workload) = workload else {
        return Ok((objects, unknown));
    };
    let (shared, own): (Vec<_>, Vec<_>) = plan::belonging_to(kind, &workload)
        .into_iter()
        .partition(|wanted| !wanted.served.namespaced);
    objects.extend(read_all(cluster, found, own).await?);
    match read_all(cluster, found, shared).await {
        Ok(shared) => objects.extend(shared),
        Err(error) if error.kind == Kind::Forbidden => {
            unknown.push("the nodes may not be read: those that pods run on are taken for all".to_owned());
            let nodes = plan::nodes_under(&workload, &objects);
            objects.extend(nodes);
        }
        Err(error) => return Err(error),
    }
    Ok((objects, unknown))
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
