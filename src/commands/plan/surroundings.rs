//! What surrounds a release and may stand in its way: quotas, limits, nodes, budgets, autoscalers, what the pods name, rights.

use std::{cell::RefCell, collections::BTreeSet};

use futures::future::try_join_all;
use serde_json::{Value, json};

use super::{
    super::FIELD_MANAGER,
    source::{READY_AFTER, Source},
};
use crate::{
    api::v1beta1::Rollout,
    cluster::{Cluster, Served, charge::Charge},
    error::{Kind, Result},
    plan::{
        self, Answer, Change, End, Plan, Trial,
        blockers::{Access, Blocker, Demand, Ground, Reference, asks_more, catalogue, references},
    },
    workload::edit,
};

/// Kinds of the namespace that are read whole: few objects each.
const AROUND: [(&str, &str, &str); 4] = [
    ("v1", "ResourceQuota", "resourcequotas"),
    ("v1", "LimitRange", "limitranges"),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
    ),
];

/// What files need not hold: nothing follows from its absence.
const ELSEWHERE: [&str; 5] = [
    "ConfigMap",
    "Secret",
    "PersistentVolumeClaim",
    "ServiceAccount",
    "Node",
];

/// Pods of all namespaces that are read at the most to see what room the nodes have.
const MOST_PODS: usize = 5_000;

/// Looks at what surrounds a plan, and notes what stands in the way and what is not known.
///
/// # Errors
/// When the server cannot be reached.
pub(super) async fn weigh(
    plan: &mut Plan,
    source: &Source,
    (change, after): (&Change, &[Value]),
    tries_writes: bool,
) -> Result<()> {
    let title = |object: &&Value| {
        object["kind"] == "Rollout"
            && object["metadata"]["name"] == *source.found.name
            && object["metadata"]["namespace"] == *source.found.namespace
    };
    let rollout = after.iter().find(title).cloned();
    let Some(rollout) = rollout.and_then(|object| serde_json::from_value::<Rollout>(object).ok()) else {
        return Ok(());
    };
    let reference = &rollout.spec.workload_ref;
    let workload = after.iter().find(|object| {
        let kind = crate::workload::Kind::named(reference);
        kind.is_some() && edit::kind_of(object) == kind && object["metadata"]["name"] == *reference.name
    });
    let demand = Demand::of(plan);
    let look = Look::default();
    let old_template = plan::old_template(&source.objects, &source.found.namespace, &source.found.name);
    let template = workload.map(|workload| &workload["spec"]["template"]);
    let grows = match (template, &old_template) {
        (Some(new), Some(old)) => asks_more(new, old),
        (Some(_), None) if demand.begins.old > 0 => {
            look.note(
                "what pods of the old version request: whether larger ones find room is not weighed"
                    .to_owned(),
            );
            false
        }
        _ => false,
    };
    let mut objects = after.to_vec();
    let (mut everywhere, mut rights) = (None, Access::of_plan(plan));
    let mut answers = Vec::new();
    match &source.cluster {
        Some(cluster) => {
            let namespace = source.found.namespace.as_str();
            objects.retain(|object| object["kind"] != "HorizontalPodAutoscaler");
            let named = workload
                .map(|workload| references(&workload["spec"]["template"]))
                .unwrap_or_default();
            let adds = grows || demand.most_pods > demand.pods_now;
            let (around, nodes, named, asked, charge) = futures::try_join!(
                look.around(cluster, namespace),
                look.nodes(cluster, adds),
                look.named(cluster, namespace, &named),
                look.rights(cluster, namespace, &rights),
                cluster.controller_in_charge(Some(namespace), std::slice::from_ref(&source.found)),
            )?;
            objects.retain(|object| object["kind"] != "Node" || nodes.0.is_empty());
            objects.extend(around.into_iter().chain(nodes.0).chain(named));
            (everywhere, rights) = (nodes.1, asked);
            if tries_writes {
                let by_engine = !matches!(charge, Charge::Controller(_));
                answers = tried(cluster, plan, &source.objects, after, by_engine).await?;
            }
            if let Charge::Controller(seen) = charge {
                // Its rights are its own.
                rights.clear();
                look.note(format!("the controller in the cluster acts ({seen}): writes and times here are those of this program's engine"));
            }
        }
        None => {
            let mut unread = look.unread.borrow_mut();
            unread.extend(ELSEWHERE.iter().map(ToString::to_string));
            // Nodes that are made up say nothing of what they have.
            let known =
                |object: &Value| object["kind"] == "Node" && object["status"]["allocatable"].is_object();
            if objects.iter().any(known) {
                unread.remove("Node");
            }
        }
    }
    change.beside(&mut objects, after, &source.found.namespace);
    let unread = look.unread.into_inner();
    let ground = Ground {
        rollout: &rollout,
        workload,
        old_template: old_template.as_ref(),
        objects: &objects,
        unread: &unread,
        everywhere: everywhere.as_deref(),
        demand: Some(&demand),
        rights: &rights,
    };
    plan.weigh(&ground);
    let of_copy = std::mem::replace(&mut plan.unknown, source.unknown.clone());
    plan.unknown.extend(look.sentences.into_inner());
    plan.unknown.extend(of_copy);
    plan.tried(&answers);
    assumptions(plan, source);
    Ok(())
}

/// Lets the server try what can be tried, one write after the other.
async fn tried(
    cluster: &Cluster,
    plan: &Plan,
    present: &[Value],
    after: &[Value],
    by_engine: bool,
) -> Result<Vec<(Trial, Answer)>> {
    let mut answers = Vec::new();
    for trial in plan::trials(plan, present, after, FIELD_MANAGER, by_engine) {
        let answer = cluster
            .try_out(trial.method, &trial.path, trial.content_type, &trial.body)
            .await?;
        let answer = match answer {
            Ok(object) => Answer::Taken(object),
            // Went away since it was read, or a webhook that cannot be asked like this.
            Err(status) if status.code == 404 || status.message.contains("does not support dry run") => {
                Answer::Unknown(status.message.clone())
            }
            Err(status) => Answer::Refused(status.message.clone()),
        };
        answers.push((trial, answer));
    }
    Ok(answers)
}

/// What stands in the way of a release that nobody simulates, as far as that can be told without: of a cluster, or of files,
/// where what they need not hold is not missed. With it, what could not be read.
///
/// # Errors
/// When the server cannot be reached.
pub(in crate::commands) async fn obstacles(
    cluster: Option<&Cluster>,
    rollout: &Rollout,
    mut objects: Vec<Value>,
) -> Result<(Vec<Blocker>, BTreeSet<String>)> {
    let look = Look::default();
    let reference = &rollout.spec.workload_ref;
    let kind = crate::workload::Kind::named(reference);
    let is_workload = |object: &&Value| {
        kind.is_some()
            && edit::kind_of(object) == kind
            && object["metadata"]["name"] == *reference.name
            && object["metadata"]["namespace"].as_str() == rollout.metadata.namespace.as_deref()
    };
    let workload = objects.iter().find(is_workload).cloned();
    match cluster {
        Some(cluster) => {
            let namespace = rollout.metadata.namespace.as_deref().unwrap_or_default();
            let named = workload
                .as_ref()
                .map(|workload| references(&workload["spec"]["template"]))
                .unwrap_or_default();
            let (around, nodes, named) = futures::try_join!(
                look.around(cluster, namespace),
                look.nodes(cluster, false),
                look.named(cluster, namespace, &named),
            )?;
            objects.retain(|object| object["kind"] != "HorizontalPodAutoscaler");
            objects.retain(|object| object["kind"] != "Node" || nodes.0.is_empty());
            objects.extend(around.into_iter().chain(nodes.0).chain(named));
        }
        None => look
            .unread
            .borrow_mut()
            .extend(ELSEWHERE.iter().map(ToString::to_string)),
    }
    let unread = look.unread.into_inner();
    let found = catalogue(&Ground {
        rollout,
        workload: workload.as_ref(),
        objects: &objects,
        unread: &unread,
        old_template: None,
        everywhere: None,
        demand: None,
        rights: &[],
    });
    Ok((found, look.sentences.into_inner()))
}

/// What no server could tell.
fn assumptions(plan: &mut Plan, source: &Source) {
    if matches!(plan.end, End::NothingToDo | End::Blocked) {
        return;
    }
    if source.started.is_none() {
        let seconds = READY_AFTER.as_secs();
        plan.unknown.push(format!(
            "how long pods take to become ready: no running pod tells, {seconds} s are assumed"
        ));
    }
    let steps: Vec<String> = plan.approvals().iter().map(ToString::to_string).collect();
    if !steps.is_empty() {
        let (what, steps) = (if steps.len() == 1 { "step" } else { "steps" }, steps.join(", "));
        plan.unknown.push(format!(
            "how long approvals of {what} {steps} take: no time is counted for them"
        ));
    }
    if plan.states.iter().any(|state| state.state == "Measuring") {
        plan.unknown
            .push("what the metrics will say: they are assumed to be good".to_owned());
    }
}

/// What was looked at, and what could not be.
#[derive(Default)]
struct Look {
    unread: RefCell<BTreeSet<String>>,
    sentences: RefCell<BTreeSet<String>>,
}

impl Look {
    fn note(&self, sentence: String) {
        self.sentences.borrow_mut().insert(sentence);
    }

    /// The answer; where it is refused, that is noted.
    fn or_unread<T: Default>(&self, kind: &str, answer: Result<T>) -> Result<T> {
        match answer {
            // A cluster without the kind has no object of it either.
            Err(error) if error.kind == Kind::NotFound => Ok(T::default()),
            Err(error) if error.kind == Kind::Forbidden => {
                self.unread.borrow_mut().insert(kind.to_owned());
                // What the server says after that names the user and the group once more.
                self.note(error.message.split(": ").next().unwrap_or_default().to_owned());
                Ok(T::default())
            }
            answer => answer,
        }
    }

    /// The objects of an answer, which do not say by themselves what they are where they are items of a list.
    fn of_kind(&self, served: &Served, answer: Result<Vec<Value>>) -> Result<Vec<Value>> {
        let mut objects = self.or_unread(&served.kind, answer)?;
        for object in &mut objects {
            object["apiVersion"] = served.api_version.as_str().into();
            object["kind"] = served.kind.as_str().into();
        }
        Ok(objects)
    }

    async fn around(&self, cluster: &Cluster, namespace: &str) -> Result<Vec<Value>> {
        let reads = AROUND.map(async |(api_version, kind, plural)| {
            let served = Served::namespaced(api_version, kind, plural);
            self.of_kind(&served, cluster.read_all(&served, namespace).await)
        });
        Ok(try_join_all(reads).await?.concat())
    }

    /// The nodes, and the pods of all namespaces where pods are added.
    async fn nodes(&self, cluster: &Cluster, adds: bool) -> Result<(Vec<Value>, Option<Vec<Value>>)> {
        let mut served = Served::namespaced("v1", "Node", "nodes");
        served.namespaced = false;
        let nodes = self.of_kind(&served, cluster.read_all(&served, "").await)?;
        // Nodes that do not say what they have leave nothing to be counted.
        if !adds || !nodes.iter().any(|node| node["status"]["allocatable"].is_object()) {
            return Ok((nodes, None));
        }
        let served = Served::namespaced("v1", "Pod", "pods");
        let pods = cluster.up_to(&served, MOST_PODS).await.map(Some);
        match self.or_unread("pods of all namespaces", pods)? {
            Some(pods) if pods.len() >= MOST_PODS => {
                self.note(format!(
                    "what room the nodes have: there are more than {MOST_PODS} pods"
                ));
                Ok((nodes, None))
            }
            pods => Ok((nodes, pods)),
        }
    }

    /// What the new pods name, as far as it exists; of Secrets nothing but that they do.
    async fn named(
        &self,
        cluster: &Cluster,
        namespace: &str,
        named: &BTreeSet<Reference>,
    ) -> Result<Vec<Value>> {
        let wanted: BTreeSet<(&str, &str)> = named.iter().map(|one| (one.kind, one.name.as_str())).collect();
        let reads = wanted.into_iter().map(async |(kind, name)| {
            let served = Served::namespaced("v1", kind, &format!("{}s", kind.to_lowercase()));
            let answer = if kind == "Secret" {
                cluster.metadata(&served, namespace, name).await
            } else {
                cluster.read(&served, namespace, name).await
            };
            self.of_kind(&served, answer.map(|object| object.into_iter().collect()))
        });
        Ok(try_join_all(reads).await?.concat())
    }

    /// Asks whether whoever asks may make these writes.
    async fn rights(&self, cluster: &Cluster, namespace: &str, rights: &[Access]) -> Result<Vec<Access>> {
        let mut served = Served::namespaced(
            "authorization.k8s.io/v1",
            "SelfSubjectAccessReview",
            "selfsubjectaccessreviews",
        );
        served.namespaced = false;
        let asked = rights.iter().map(async |access| {
            let attributes = json!({ "namespace": namespace, "verb": access.verb, "group": access.group,
                "resource": access.resource, "subresource": access.subresource, "name": access.name });
            let review = json!({ "apiVersion": served.api_version, "kind": served.kind, "spec": { "resourceAttributes": attributes } });
            let answer = cluster.create(&served, "", &review, FIELD_MANAGER, false).await.map(Some);
            let answer = self.or_unread("rights", answer)?.unwrap_or_default();
            Ok(Access {
                allowed: answer["status"]["allowed"].as_bool(),
                reason: answer["status"]["reason"].as_str().unwrap_or_default().to_owned(),
                ..access.clone()
            })
        });
        try_join_all(asked).await
    }
}
