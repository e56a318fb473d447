//! `apply`: what a repository says becomes what a cluster has, and new versions of released workloads are held on the way.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::{
    FIELD_MANAGER, changed, connect,
    files::{self, Manifest},
    interruption,
    run::{self, Aim},
    validity,
    write::{self, Came, Place},
};
use crate::{
    api::{apply, keys, rollout::convert},
    cli::{
        Global,
        args::{ApplyArgs, ChangeArgs},
        values::DryRun,
    },
    cluster::{Body, Cluster, Found, Resource, RolloutVersion, Served, charge::Charge, failure},
    error::{Error, Kind, Result},
    exit_code,
    ui::Ui,
    workload::edit,
};

/// How long a definition that was just made may take until its kind is served.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(10);
/// How often the server is asked for it meanwhile.
const ASKED_EVERY: Duration = Duration::from_millis(100);

/// Runs the command.
///
/// # Errors
/// When a manifest cannot be read, or the server cannot be reached; then nothing was changed, or what was is told. Failures
/// of single objects are shown; the exit code is theirs, and 1 where they differ.
pub async fn run(ui: &Ui, global: &Global, args: &ApplyArgs) -> Result<u8> {
    interruption::within(args.change.limit.timeout, Box::pin(all(ui, global, args))).await
}

async fn all(ui: &Ui, global: &Global, args: &ApplyArgs) -> Result<u8> {
    let mut manifests = files::read(&args.filename, args.recursive)?;
    let invalid = invalid(&manifests);
    let cluster = connect(global).await?;
    if !invalid.is_empty() && is_free(&cluster, &manifests).await? {
        invalid.iter().for_each(|error| ui.error(error));
        return Ok(exit_code::ERROR);
    }
    if !keeps_old(&cluster, &manifests).await? {
        for manifest in &mut manifests {
            convert(ui, manifest);
        }
    }
    manifests.sort_by_key(|manifest| rank(&manifest.object));
    let mut session = Session {
        ui,
        cluster: &cluster,
        change: &args.change,
        explicit: global.namespace.as_deref(),
        kinds: BTreeMap::new(),
        rollouts: BTreeMap::new(),
        told: manifests.iter().map(|manifest| manifest.object.clone()).collect(),
    };
    ui.expect_several(manifests.len() > 1);
    let (mut failed, mut driven, mut all) = (None, Vec::new(), Vec::new());
    for manifest in &manifests {
        match session.one(manifest).await {
            Ok(done) => {
                session.show(&done)?;
                driven.extend(done.rollout);
                all.extend(done.came);
            }
            // Nobody reads any more, the user wants to leave, or no other object would fare better.
            Err(error)
                if matches!(
                    error.kind,
                    Kind::BrokenPipe | Kind::Interrupted | Kind::Unreachable
                ) =>
            {
                return Err(error);
            }
            Err(mut error) => {
                error.message = format!("{}: {}", manifest.origin, error.message);
                ui.error(&error);
                let code = error.exit_code();
                failed = Some(if failed.is_none_or(|before| before == code) {
                    code
                } else {
                    exit_code::ERROR
                });
            }
        }
    }
    write::say_next(ui, &cluster, &all, &args.change).await;
    let driven = if args.change.standalone {
        run::standalone(
            ui,
            global,
            &cluster,
            &driven,
            args.change.scripts.as_ref(),
            Aim::Forward,
        )
        .await?
    } else {
        exit_code::DONE
    };
    Ok(failed.unwrap_or(driven))
}

pub(super) fn is_rollout(object: &Value) -> bool {
    object["kind"] == "Rollout" && group(object) == keys::GROUP
}

/// Rollouts that no engine could carry out. Nothing at all is applied then: their workloads would go out unheld.
fn invalid(manifests: &[Manifest]) -> Vec<Error> {
    let rollouts = manifests.iter().filter(|manifest| is_rollout(&manifest.object));
    rollouts
        .filter_map(|manifest| {
            let problems = validity::of_manifest(&manifest.object);
            let name = manifest.object["metadata"]["name"].as_str().unwrap_or_default();
            let title = format!("{}: Rollout {name:?}", manifest.origin);
            (!problems.is_empty()).then(|| {
                validity::invalid(&title, &problems)
                    .hint("nothing was applied; correct the manifest and apply again")
            })
        })
        .collect()
}

/// Whether no controller in the cluster has its own rules for these Rollouts.
async fn is_free(cluster: &Cluster, manifests: &[Manifest]) -> Result<bool> {
    let rollouts: Vec<Found> = manifests
        .iter()
        .filter(|manifest| is_rollout(&manifest.object))
        .map(|manifest| Found::new(RolloutVersion::V1beta1, manifest.object.clone()))
        .collect();
    let charge = cluster
        .controller_in_charge(Some(&cluster.namespace), &rollouts)
        .await?;
    Ok(matches!(charge, Charge::Nobody))
}

/// Whether Rollouts of the old version stay what they are: the server has no other.
async fn keeps_old(cluster: &Cluster, manifests: &[Manifest]) -> Result<bool> {
    Ok(manifests.iter().any(|manifest| is_old(&manifest.object))
        && !cluster
            .serves(Resource::Rollouts(RolloutVersion::V1beta1))
            .await?
        && cluster
            .serves(Resource::Rollouts(RolloutVersion::V1alpha1))
            .await?)
}

fn is_old(object: &Value) -> bool {
    is_rollout(object) && object["apiVersion"] == format!("{}/v1alpha1", keys::GROUP)
}

/// Turns a Rollout of the old version into what it means in the new one.
pub(super) fn convert(ui: &Ui, manifest: &mut Manifest) {
    if !is_old(&manifest.object) {
        return;
    }
    let converted = convert::to_v1beta1(&manifest.object);
    let name = manifest.object["metadata"]["name"].as_str().unwrap_or_default();
    ui.talk(&format!(
        "{}: Rollout {name:?} is of v1alpha1 and is applied as what it means in v1beta1",
        manifest.origin
    ));
    for lost in &converted.lost {
        ui.warn(&format!("{}: {lost}", manifest.origin));
    }
    manifest.object = converted.object;
}

/// When an object is applied: what others need comes first. A Rollout comes before its workload, so that a new version
/// does not start before somebody holds it.
fn rank(object: &Value) -> u8 {
    match object["kind"].as_str().unwrap_or_default() {
        "Namespace" => 0,
        "CustomResourceDefinition" => 1,
        "ServiceAccount"
        | "ConfigMap"
        | "Secret"
        | "ResourceQuota"
        | "LimitRange"
        | "PriorityClass"
        | "StorageClass"
        | "PersistentVolume"
        | "PersistentVolumeClaim"
        | "Role"
        | "ClusterRole"
        | "RoleBinding"
        | "ClusterRoleBinding" => 2,
        "Service" => 3,
        "Rollout" | "TrafficRouting" if group(object) == keys::GROUP => 4,
        _ if edit::kind_of(object).is_some() => 5,
        _ => 6,
    }
}

fn group(object: &Value) -> &str {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    version.split_once('/').map_or("", |(group, _)| group)
}

/// One object, applied.
struct Done {
    title: String,
    word: &'static str,
    object: Value,
    /// The Rollout behind a workload that was there before.
    rollout: Option<Found>,
    came: Option<Came>,
    later: Vec<String>,
}

struct Session<'a> {
    ui: &'a Ui,
    cluster: &'a Cluster,
    change: &'a ChangeArgs,
    /// The namespace given on the command line.
    explicit: Option<&'a str>,
    kinds: BTreeMap<String, Vec<Served>>,
    /// Rollouts by namespace, read when the first workload needs them.
    rollouts: BTreeMap<String, Vec<Found>>,
    /// All objects of the files.
    told: Vec<Value>,
}

impl Session<'_> {
    async fn one(&mut self, manifest: &Manifest) -> Result<Done> {
        let served = self.served(&manifest.object).await?;
        let mut object = manifest.object.clone();
        let namespace = self.place(&served, &mut object)?;
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let place = Place {
            served: &served,
            namespace: &namespace,
            name: &name,
        };
        let title = place.title();
        let Some(live) = self.cluster.read(&served, &namespace, &name).await? else {
            let object = self.create(&served, &namespace, &object).await?;
            return Ok(Done {
                title,
                word: "created",
                object,
                rollout: None,
                came: None,
                later: Vec::new(),
            });
        };
        let expected = object["metadata"]["resourceVersion"].as_str();
        if expected.is_some_and(|version| live["metadata"]["resourceVersion"] != version) {
            return Err(Error::conflict(format!(
                "{title} has changed since its manifest was written (metadata.resourceVersion)"
            ))
            .hint("take resourceVersion out of the manifest to apply it all the same"));
        }
        let fixed = if is_rollout(&object) {
            validity::of_edit(&live, &object)
        } else {
            Vec::new()
        };
        if !fixed.is_empty() {
            return Err(validity::invalid(&title, &fixed)
                .hint("a release is under way: let it end, or roll it back, and apply again"));
        }
        if live["metadata"]["annotations"][apply::LAST_APPLIED].is_null() {
            self.ui.warn(&format!(
                "{title} has no note of what was applied last: fields that the manifest does not have stay; the next apply knows"
            ));
        }
        let rollout = self.rollout_behind(&live, &namespace, &name).await?;
        if let Some(found) = rollout.as_ref().filter(|_| self.change.standalone) {
            run::refuse_where_others_act(
                self.ui,
                self.cluster,
                Some(&namespace),
                std::slice::from_ref(found),
            )
            .await?;
        }
        let held_by = if self.brings_a_version(&live, &object) {
            write::holder(self.ui, self.cluster, rollout.as_ref(), &live).await?
        } else {
            None
        };
        let make = |live: &Value| applied(&title, live, &object).map(|applied| applied.object);
        let later = applied(&title, &live, &object)?.later;
        let how = &self.change.write;
        let written = write::write(self.ui, self.cluster, place, live, make, held_by, how).await?;
        let came = Came::of(rollout.as_ref(), &written, false);
        Ok(Done {
            title,
            word: if written.changed {
                "configured"
            } else {
                "unchanged"
            },
            object: written.object,
            rollout,
            came,
            later,
        })
    }

    /// Whether the manifest has another template than the workload, so that it matters who holds it.
    fn brings_a_version(&self, live: &Value, manifest: &Value) -> bool {
        edit::kind_of(live).is_some()
            && edit::applied(live, manifest).is_ok_and(|applied| {
                !crate::workload::same_template(
                    &live["spec"]["template"],
                    &applied.object["spec"]["template"],
                )
            })
    }

    async fn create(&self, served: &Served, namespace: &str, manifest: &Value) -> Result<Value> {
        let object = apply::first(manifest);
        if self.change.write.dry_run == DryRun::Client {
            let query = crate::cluster::kinds::query(FIELD_MANAGER, false);
            let path = format!("{}?{query}", served.path(namespace, None));
            super::request(self.ui, "POST", &path, &Body::Whole(object.clone()))?;
            return Ok(object);
        }
        let dry_run = self.change.write.dry_run == DryRun::Server;
        self.cluster
            .create(served, namespace, &object, FIELD_MANAGER, dry_run)
            .await
    }

    fn show(&self, done: &Done) -> Result<()> {
        changed(self.ui, &self.change.write, &done.title, done.word, &done.object)?;
        if !done.later.is_empty() {
            self.ui.talk(&format!(
                "{}: a release is under way; put in place when it ends: {}",
                done.title,
                done.later
                    .iter()
                    .map(|path| format!("spec.{path}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ));
        }
        Ok(())
    }

    /// The kind of an object, as the server serves it.
    async fn served(&mut self, object: &Value) -> Result<Served> {
        let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let defined_here = self.told.iter().any(|told| {
            told["kind"] == "CustomResourceDefinition"
                && told["spec"]["group"] == group(object)
                && told["spec"]["names"]["kind"] == kind.as_str()
        });
        let since = self.cluster.clock.now();
        loop {
            if !self.kinds.contains_key(&version) {
                let kinds = self.cluster.kinds(&version).await?;
                self.kinds.insert(version.clone(), kinds);
            }
            let known = self.kinds.get(&version).map(Vec::as_slice).unwrap_or_default();
            if let Some(served) = known.iter().find(|served| served.kind == kind) {
                return Ok(served.clone());
            }
            let waited = self.cluster.clock.now().duration_since(since).unsigned_abs();
            if !defined_here || self.change.write.dry_run != DryRun::None || waited >= ESTABLISHED_WITHIN {
                break;
            }
            self.kinds.remove(&version);
            self.cluster.clock.sleep(ASKED_EVERY).await;
        }
        let error = Error::new(
            Kind::NotFound,
            format!("the server has no kind {kind:?} in version {version:?}"),
        );
        Err(if defined_here {
            error.hint("its definition is among these manifests; nothing is stored in a dry run, so that it cannot be tried")
        } else if group(object) == keys::GROUP {
            error.hint(failure::CRDS)
        } else {
            error.hint(format!(
                "'kubectl api-resources --api-group={}' lists what there is",
                group(object)
            ))
        })
    }

    /// Puts the namespace into the object, and checks it.
    fn place(&self, served: &Served, object: &mut Value) -> Result<String> {
        let given = object["metadata"]["namespace"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if !served.namespaced {
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.remove("namespace");
            }
            return Ok(String::new());
        }
        match self.explicit {
            Some(asked) if !given.is_empty() && given != asked => {
                return Err(Error::usage(format!(
                    "the object's namespace {given:?} is not the namespace {asked:?} of the command line"
                ))
                .hint(format!("pass -n {given}, or leave -n out")));
            }
            _ => {}
        }
        let namespace = if given.is_empty() {
            self.cluster.namespace.clone()
        } else {
            given
        };
        object["metadata"]["namespace"] = json!(namespace);
        Ok(namespace)
    }

    /// The Rollout that names a workload: one of the cluster's, or one of these files while nothing is stored.
    async fn rollout_behind(&mut self, live: &Value, namespace: &str, name: &str) -> Result<Option<Found>> {
        let Some(kind) = edit::kind_of(live) else {
            return Ok(None);
        };
        if !self.rollouts.contains_key(namespace) {
            let mut found = match self.cluster.rollouts(Some(namespace), None).await {
                Ok(found) => found,
                Err(error) if error.kind == Kind::NotFound => Vec::new(),
                Err(error) => return Err(error),
            };
            if self.change.write.dry_run != DryRun::None {
                for rollout in self.of_files(namespace) {
                    match found.iter_mut().find(|known| known.name == rollout.name) {
                        // What decides is its spec; its place in the cluster stays.
                        Some(known) => known.object["spec"] = rollout.object["spec"].clone(),
                        None => found.push(rollout),
                    }
                }
            }
            self.rollouts.insert(namespace.to_owned(), found);
        }
        let known = self
            .rollouts
            .get(namespace)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let naming = known
            .iter()
            .filter(|found| found.workload() == Some((kind, name)));
        validity::only_one(naming.cloned().collect())
    }

    fn of_files(&self, namespace: &str) -> Vec<Found> {
        let rollouts = self.told.iter().filter(|object| is_rollout(object));
        let mut found: Vec<Found> = rollouts
            .map(|object| {
                let version = if is_old(object) {
                    RolloutVersion::V1alpha1
                } else {
                    RolloutVersion::V1beta1
                };
                Found::new(version, object.clone())
            })
            .collect();
        for rollout in &mut found {
            if rollout.namespace.is_empty() {
                rollout.namespace = self.cluster.namespace.clone();
            }
        }
        found.retain(|rollout| rollout.namespace == namespace);
        found
    }
}

fn applied(title: &str, live: &Value, manifest: &Value) -> Result<edit::Applied> {
    edit::applied(live, manifest).map_err(|why| {
        Error::conflict(format!("{title}: {why}"))
            .hint("let the release end, or roll it back, and apply again")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::rank;

    #[test]
    fn what_others_need_comes_first() {
        let order = [
            ("v1", "Namespace"),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            ("v1", "ConfigMap"),
            ("v1", "Service"),
            ("rollouts.kruise.io/v1beta1", "Rollout"),
            ("apps.kruise.io/v1alpha1", "CloneSet"),
            ("networking.k8s.io/v1", "Ingress"),
        ];
        let ranks: Vec<u8> = order
            .iter()
            .map(|(version, kind)| rank(&json!({ "apiVersion": version, "kind": kind })))
            .collect();
        assert_eq!(ranks, (0..7).collect::<Vec<u8>>());
        assert_eq!(
            rank(&json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout" })),
            6
        );
    }
}
