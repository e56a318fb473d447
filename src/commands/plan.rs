//! `plan`: what a release will do, before it does it.

use std::time::Duration;

use serde_json::Value;

use super::{connect, reading, set};
use crate::{
    api::keys,
    cli::{Global, args::PlanArgs, values::Output},
    cluster::{Cluster, Found, Resource},
    error::{Error, Kind, Result},
    exit_code,
    plan::{self, Change, End, Plan, Request},
    ui::Ui,
    view::{Block, Table},
    workload::{deployment::canary_label, edit::NewImage},
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
    let cluster = connect(global).await?;
    let found = reading::find(&cluster, named).await?;
    let objects = copy(&cluster, &found).await?;
    let ready_after = seen_ready_after(&objects);
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
        start: cluster.clock.now(),
        pod_ready_after: ready_after.unwrap_or(READY_AFTER),
    };
    let plan = plan::predict(request).map_err(|error| refused(error, &found))?;
    show(ui, args, &found, &plan, ready_after)?;
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
    if let Some(output) = args.output {
        let mut object = serde_json::to_value(plan).unwrap_or_default();
        if output == Output::Name {
            return ui.line(&found.title());
        }
        object["apiVersion"] = "cli.kruise.dev/v1".into();
        object["kind"] = "RolloutPlan".into();
        object["schema"] = "1.0".into();
        object["summary"] = plan.summary().into();
        return ui.documents(output, std::slice::from_ref(&object));
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

/// Everything that the release touches, as it is.
async fn copy(cluster: &Cluster, found: &Found) -> Result<Vec<Value>> {
    let namespace = Some(found.namespace.as_str());
    let rollout = found.typed()?;
    let mut objects = vec![serde_json::to_value(&rollout).unwrap_or_default()];
    objects[0]["apiVersion"] = "rollouts.kruise.io/v1beta1".into();
    objects[0]["kind"] = "Rollout".into();
    let deployment = cluster
        .get(
            Resource::Deployments,
            &found.namespace,
            &rollout.spec.workload_ref.name,
        )
        .await?;
    if let Some(deployment) = deployment {
        let selector = labels(&deployment["spec"]["selector"]["matchLabels"]);
        let canary = format!(
            "{}={}",
            keys::CANARY_DEPLOYMENT,
            canary_label(&rollout.spec.workload_ref.name)
        );
        let listed = [
            (Resource::Deployments, "apps/v1", "Deployment", canary.as_str()),
            (Resource::ReplicaSets, "apps/v1", "ReplicaSet", selector.as_str()),
            (Resource::Pods, "v1", "Pod", selector.as_str()),
        ];
        objects.push(deployment);
        for (resource, api_version, kind, labels) in listed {
            for mut object in cluster.list(resource, namespace, Some(labels)).await? {
                // Items of a list do not say what they are.
                object["apiVersion"] = api_version.into();
                object["kind"] = kind.into();
                objects.push(object);
            }
        }
    }
    for routing in rollout.spec.strategy.traffic_routings() {
        let twin = crate::traffic::service::canary_name(&routing.service);
        for name in [&routing.service, &twin] {
            objects.extend(cluster.get(Resource::Services, &found.namespace, name).await?);
        }
        if let Some(ingress) = &routing.ingress {
            let twin = crate::traffic::ingress::canary_name(&ingress.name);
            for name in [&ingress.name, &twin] {
                objects.extend(cluster.get(Resource::Ingresses, &found.namespace, name).await?);
            }
        }
    }
    Ok(objects)
}

fn labels(matches: &Value) -> String {
    let pairs = matches.as_object().into_iter().flatten();
    let pairs: Vec<String> = pairs
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    pairs.join(",")
}

/// The longest time that a running pod took from its creation to being ready; an estimate, since images are cached now.
fn seen_ready_after(objects: &[Value]) -> Option<Duration> {
    let time = |value: &Value| value.as_str()?.parse::<jiff::Timestamp>().ok();
    let pods = objects.iter().filter(|object| object["kind"] == "Pod");
    pods.filter_map(|pod| {
        let created = time(&pod["metadata"]["creationTimestamp"])?;
        let conditions = pod["status"]["conditions"].as_array()?;
        let ready = conditions
            .iter()
            .find(|condition| condition["type"] == "Ready" && condition["status"] == "True")?;
        Duration::try_from(time(&ready["lastTransitionTime"])?.duration_since(created)).ok()
    })
    .max()
    .map(|longest| longest.max(Duration::from_secs(1)))
}
