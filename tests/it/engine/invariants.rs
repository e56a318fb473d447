//! What must hold at every moment of every release, whoever is killed and whatever the user does.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use kubectl_kruise::{api::v1beta1::RollingStyle, clock::Clock, sim::Sim, workload::Kind};
use serde_json::Value;

use super::{
    rest::{Ledger, image_of, is_bad, is_ready},
    shape::Shape,
    world::{
        APP, HTTP_ROUTE, INGRESS, NAMESPACE, NODE, POD, REPLICA_SET, REVISION, ROLLOUT, ROLLOUT_NAME,
        SERVICE, Setup, VIRTUAL_SERVICE,
    },
};

/// How many violations are kept; the first is what matters.
const KEPT: usize = 3;

/// What was seen so far.
#[derive(Default)]
struct Book {
    replicas: VecDeque<(Timestamp, i64)>,
    /// Whether the workload once had all pods that it wanted, since it was made.
    was_up: bool,
    violations: Vec<String>,
    /// Until when a user's own hand explains missing pods.
    forgiven: Option<Timestamp>,
    /// Until when it explains that the new version's Service has none.
    unheld: Option<Timestamp>,
    /// Pods that a change found missing, and until when they count as such.
    unfinished: Option<(Timestamp, i64)>,
}

/// How long an engine may take to see a change, in seconds: it may have to wait for the Lease of a dead one.
const UNHELD: i64 = 60;
/// How long pods that were missing when a version came stay so, in seconds: they start, or are made anew.
const UNFINISHED: i64 = 5;

/// Looks at the cluster at every change.
#[derive(Clone)]
pub(super) struct Guard {
    sim: Sim,
    clock: Clock,
    shape: Shape,
    ledger: Ledger,
    /// How long a change of the wanted replicas may take to be carried out.
    lag: SignedDuration,
    book: Arc<Mutex<Book>>,
}

/// The cluster at one moment.
struct Moment {
    workload: Arc<Value>,
    rollout: Arc<Value>,
    pods: Vec<Arc<Value>>,
    /// The workload and what it owns.
    owners: Vec<String>,
}

impl Moment {
    fn own_pods(&self) -> impl Iterator<Item = &Value> {
        self.pods.iter().map(AsRef::as_ref).filter(|pod: &&Value| {
            let owner = pod["metadata"]["ownerReferences"][0]["uid"].as_str();
            owner.is_some_and(|owner| self.owners.iter().any(|uid| uid == owner))
        })
    }

    /// The release's progress, whichever field the style keeps it in.
    fn progress(&self) -> &Value {
        let status = &self.rollout["status"];
        let canary = &status["canaryStatus"];
        if canary.is_null() {
            &status["blueGreenStatus"]
        } else {
            canary
        }
    }

    /// The reason of the condition Progressing.
    fn course(&self) -> &str {
        let conditions = self.rollout["status"]["conditions"].as_array();
        let progressing = conditions
            .into_iter()
            .flatten()
            .find(|c| c["type"] == "Progressing");
        progressing.and_then(|c| c["reason"].as_str()).unwrap_or_default()
    }
}

impl Guard {
    pub(super) fn new(sim: &Sim, clock: Clock, setup: &Setup, ledger: &Ledger) -> Self {
        Self {
            sim: sim.clone(),
            clock,
            shape: setup.shape.clone(),
            ledger: ledger.clone(),
            lag: SignedDuration::from_secs(setup.lag),
            book: Arc::default(),
        }
    }

    /// Looks at every change, for as long as it is polled.
    pub(super) async fn watch(self) {
        let mut versions = self.sim.versions();
        while versions.changed().await.is_ok() {
            self.check();
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was violated.
    pub(super) fn violations(&self) -> Vec<String> {
        self.book().violations.clone()
    }

    /// From now on the pods that there are wanted are owed: they were there.
    pub(super) fn settled(&self) {
        let since = self.clock.now() - self.lag;
        for entry in &mut self.book().replicas {
            entry.0 = since;
        }
    }

    /// An engine begins: what was wanted while there was none gets its time from now on.
    pub(super) fn unattended(&self) {
        let now = self.clock.now();
        for entry in self.book().replicas.iter_mut().skip(1) {
            entry.0 = now;
        }
    }

    /// For some seconds nothing is owed: a user took pods away, or what keeps them.
    pub(super) fn forgive(&self, seconds: i64) {
        let until = self.clock.now() + SignedDuration::from_secs(seconds);
        let mut book = self.book();
        book.forgiven = book.forgiven.max(Some(until));
    }

    /// A version comes. What nobody holds may take the pods that the release had let through, before an engine sees it;
    /// and controllers of StatefulSets and DaemonSets, held or not, replace pods while others are still missing.
    pub(super) fn changed(&self, is_held: bool) {
        let Some(moment) = self.look() else { return };
        let missing = moment.own_pods().filter(|pod| !is_ready(pod)).count();
        let mut book = self.book();
        if !is_held {
            book.unheld = Some(self.clock.now() + SignedDuration::from_secs(UNHELD));
        }
        self.unfinished(&mut book, i64::try_from(missing).unwrap());
    }

    fn unfinished(&self, book: &mut Book, missing: i64) {
        let is_careless = !matches!(self.shape.kind, Kind::Deployment | Kind::CloneSet);
        if is_careless && missing > 0 {
            let now = self.clock.now();
            let known = book.unfinished.filter(|(until, _)| now < *until);
            let missing = known.map_or(missing, |(_, known)| known.max(missing));
            book.unfinished = Some((now + SignedDuration::from_secs(UNFINISHED), missing));
        }
    }

    fn check(&self) {
        let now = self.clock.now();
        let Some(moment) = self.look() else {
            // Nothing is owed for a workload that its user took away, nor for the next one before it was up.
            let mut book = self.book();
            book.replicas.clear();
            book.was_up = false;
            return;
        };
        let mut book = self.book();
        let (owed, moving) = self.owed(&mut book, &moment, now);
        if book.forgiven.is_some_and(|until| now < until) {
            return;
        }
        if !is_bad(&image_of(&moment.workload["spec"]["template"]["spec"])) {
            // Pods of a version that was given up are missing until they are replaced.
            let broken = moment.own_pods().filter(|pod| is_bad(&image_of(&pod["spec"])));
            self.unfinished(&mut book, i64::try_from(broken.count()).unwrap());
        } else if let Some((_, missing)) = book.unfinished {
            // What takes their place does not get ready either.
            self.unfinished(&mut book, missing);
        }
        let unfinished = book.unfinished.filter(|(until, _)| now < *until);
        book.unfinished = unfinished;
        let excused = unfinished.map_or(0, |(_, missing)| missing);
        let is_held = book.unheld.is_none_or(|until| now >= until);
        // Where it was just scaled, pods may be missing that the size from before allowed to be.
        let spec = self.ledger.spec();
        let sizes = book.replicas.iter().map(|(_, replicas)| *replicas);
        let allowed = sizes
            .chain([owed])
            .map(|size| self.shape.unavailable(&spec, size));
        let missing = allowed.max().unwrap_or(0) + excused;
        let mut found = Vec::new();
        found.extend(self.too_few(&moment, owed, missing));
        if !moving && owed > missing {
            found.extend(self.traffic_to_nobody(&moment, is_held));
        }
        found.extend(self.lost_version(&moment));
        for text in found {
            if book.violations.len() < KEPT {
                book.violations.push(format!("{now}: {text}"));
            }
        }
    }

    fn look(&self) -> Option<Moment> {
        let (api_version, kind) = self.shape.workload();
        let workload = self.sim.seen(api_version, kind, NAMESPACE, APP)?;
        let uid = workload["metadata"]["uid"].as_str()?.to_owned();
        let sets = if self.shape.kind == Kind::Deployment {
            self.sim.all_seen(REPLICA_SET.0, REPLICA_SET.1, Some(NAMESPACE))
        } else {
            Vec::new()
        };
        let mut owners: Vec<String> = sets
            .iter()
            .filter(|set| set["metadata"]["ownerReferences"][0]["uid"] == uid)
            .filter_map(|set| set["metadata"]["uid"].as_str().map(str::to_owned))
            .collect();
        owners.push(uid);
        let rollout = self.sim.seen(ROLLOUT.0, ROLLOUT.1, NAMESPACE, ROLLOUT_NAME);
        Some(Moment {
            workload,
            rollout: rollout.unwrap_or_default(),
            pods: self.sim.all_seen(POD.0, POD.1, Some(NAMESPACE)),
            owners,
        })
    }

    /// Pods that the workload must have by now, and whether a change of their number is under way. What grew gets its
    /// time, and none of it counts as long as pods that never become ready are in the way.
    fn owed(&self, book: &mut Book, moment: &Moment, now: Timestamp) -> (i64, bool) {
        let wanted = if self.shape.kind.is_per_node() {
            i64::try_from(self.sim.all_seen(NODE.0, NODE.1, None).len()).unwrap()
        } else {
            moment.workload["spec"]["replicas"].as_i64().unwrap_or(1)
        };
        if book.replicas.back().is_none_or(|(_, last)| *last != wanted) {
            book.replicas.push_back((now, wanted));
        }
        let is_broken = is_bad(&image_of(&moment.workload["spec"]["template"]["spec"]))
            || moment.own_pods().any(|pod| is_bad(&image_of(&pod["spec"])));
        let ready = moment.own_pods().filter(|pod| is_ready(pod)).count();
        book.was_up |= i64::try_from(ready).is_ok_and(|ready| ready >= wanted);
        if !book.was_up {
            return (0, true);
        }
        if is_broken {
            // Of a Rollout that is disabled, or gone, no engine looks, and a Deployment's own controller takes ready pods too when it is
            // scaled down beside broken ones.
            let is_left = moment.rollout.is_null() || moment.rollout["status"]["phase"] == "Disabled";
            for entry in book.replicas.iter_mut().skip(usize::from(!is_left)) {
                entry.0 = now;
            }
        }
        let since = now - self.lag;
        while book.replicas.get(1).is_some_and(|(at, _)| *at <= since) {
            book.replicas.pop_front();
        }
        let is_grown = book.replicas.front().is_some_and(|(at, _)| *at <= since);
        if !is_grown {
            return (0, true);
        }
        let least = book.replicas.iter().map(|(_, replicas)| *replicas).min();
        (least.unwrap_or(0), book.replicas.len() > 1)
    }

    /// Whether pods that are ready are not available at once. Until then they count as missing for controllers, which
    /// remove them at will.
    fn is_patient(&self) -> bool {
        let spec = self.ledger.spec();
        let patience = [
            &spec["minReadySeconds"],
            &spec["updateStrategy"]["rollingUpdate"]["minReadySeconds"],
        ];
        patience.iter().any(|seconds| seconds.as_i64().unwrap_or(0) > 0)
    }

    /// Ready pods below what the style and the user's own strategy allow to be missing.
    fn too_few(&self, moment: &Moment, owed: i64, allowed: i64) -> Vec<String> {
        if self.is_patient() {
            return Vec::new();
        }
        let count = |pods: &mut dyn Iterator<Item = &Value>| {
            i64::try_from(pods.filter(|pod| is_ready(pod)).count()).unwrap()
        };
        let mut found = Vec::new();
        let ready = count(&mut moment.own_pods());
        // While the canary takes part of the traffic its pods count, where the stable Service selects them.
        let ready = match (self.shape.style, self.selected(moment, APP)) {
            (RollingStyle::Canary, Some(selected)) if self.shape.routed => selected,
            _ => ready,
        };
        if ready < owed - allowed {
            found.push(format!(
                "{ready} pods are ready; of {owed} at most {allowed} may be missing"
            ));
        }
        let is_ending = moment.rollout["spec"]["disabled"] == true
            || moment.rollout["status"]["phase"] == "Disabling"
            || moment.rollout["metadata"].get("deletionTimestamp").is_some();
        if self.shape.style == RollingStyle::BlueGreen && moment.course() == "InRolling" && !is_ending {
            let stable = moment.progress()["stableRevision"].as_str().unwrap_or("-");
            let mut old = moment
                .own_pods()
                .filter(|pod| pod["metadata"]["labels"][self.shape.kind.revision_label()] == stable);
            let ready = count(&mut old);
            // What went out while the Rollout was disabled is the stable version, such as it is.
            let is_stable_bad = self.is_version_bad(stable);
            if ready < owed && !is_stable_bad {
                found.push(format!(
                    "{ready} old pods are ready of {owed}, before the traffic left them"
                ));
            }
        }
        found
    }

    /// Whether no pod of a version ever becomes ready.
    fn is_version_bad(&self, revision: &str) -> bool {
        let kept = [REPLICA_SET, REVISION]
            .into_iter()
            .flat_map(|kind| self.sim.all_seen(kind.0, kind.1, Some(NAMESPACE)));
        let mut kept = kept.filter(|object| {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            name.ends_with(revision)
        });
        kept.any(|object| {
            let templates = [&object["spec"]["template"], &object["data"]["spec"]["template"]];
            templates
                .iter()
                .any(|template| is_bad(&image_of(&template["spec"])))
        })
    }

    /// Ready pods that a Service selects; nothing when it is not there.
    fn selected(&self, moment: &Moment, service: &str) -> Option<i64> {
        let service = self.sim.seen(SERVICE.0, SERVICE.1, NAMESPACE, service)?;
        let selector = service["spec"]["selector"].as_object()?.clone();
        let selected = moment.pods.iter().filter(|pod| {
            let labels = &pod["metadata"]["labels"];
            is_ready(pod) && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
        });
        i64::try_from(selected.count()).ok()
    }

    /// Whether the Service is kept to one version.
    fn is_pinned(&self) -> bool {
        let service = self.sim.seen(SERVICE.0, SERVICE.1, NAMESPACE, APP);
        service.is_some_and(|service| {
            let label = self.shape.kind.revision_label();
            !service["spec"]["selector"][label].is_null()
        })
    }

    /// Traffic that goes to a Service without a ready pod; to the new version's as long as what is held `is_held`.
    fn traffic_to_nobody(&self, moment: &Moment, is_held: bool) -> Vec<String> {
        if !self.shape.routed {
            return Vec::new();
        }
        let mut left = 100;
        let mut found = Vec::new();
        let target = format!("{APP}-canary");
        for weight in self.shares(&target) {
            left -= weight;
            if is_held && self.selected(moment, &target).unwrap_or(0) == 0 {
                found.push(format!(
                    "{weight}% of the traffic goes to {target}, which has no ready pod"
                ));
            }
        }
        // A Service that selects all versions has what the workload's own controller leaves it.
        let is_all = !self.is_patient() || self.is_pinned();
        if left > 0 && is_all && self.selected(moment, APP) == Some(0) {
            found.push(format!(
                "{left}% of the traffic goes to {APP}, which has no ready pod"
            ));
        }
        found
    }

    /// The shares of the traffic that go to the new version's Service, in percent.
    fn shares(&self, target: &str) -> Vec<i64> {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut shares = Vec::new();
        for ingress in self.sim.all_seen(INGRESS.0, INGRESS.1, Some(NAMESPACE)) {
            let annotation = |key: &str| {
                ingress["metadata"]["annotations"][format!("nginx.ingress.kubernetes.io/{key}")].as_str()
            };
            let weight = annotation("canary-weight").and_then(|text| text.parse::<i64>().ok());
            shares.extend(weight.filter(|weight| annotation("canary") == Some("true") && *weight > 0));
        }
        for (kind, rules, targets) in [
            (HTTP_ROUTE, "rules", "backendRefs"),
            (VIRTUAL_SERVICE, "http", "route"),
        ] {
            for route in self.sim.all_seen(kind.0, kind.1, Some(NAMESPACE)) {
                for rule in list(&route["spec"][rules]) {
                    let name = |one: &Value| {
                        one["name"]
                            .as_str()
                            .or(one["destination"]["host"].as_str())
                            .map(str::to_owned)
                    };
                    let weight = |one: &Value| one["weight"].as_i64().unwrap_or(1);
                    let all = list(&rule[targets]);
                    let total: i64 = all.iter().map(weight).sum();
                    let new = all.iter().filter(|one| name(one).as_deref() == Some(target));
                    shares.extend(
                        new.map(|one| weight(one) * 100 / total.max(1))
                            .filter(|share| *share > 0),
                    );
                }
            }
        }
        shares
    }

    /// A stable version whose template is nowhere kept.
    fn lost_version(&self, moment: &Moment) -> Option<String> {
        if moment.rollout["status"]["phase"] != "Progressing" {
            return None;
        }
        let stable = moment.progress()["stableRevision"]
            .as_str()
            .filter(|name| !name.is_empty())?;
        let place = if self.shape.kind == Kind::Deployment {
            REPLICA_SET
        } else {
            REVISION
        };
        let owner = &moment.workload["metadata"]["uid"];
        let kept = [stable.to_owned(), format!("{APP}-{stable}")].iter().any(|name| {
            let object = self.sim.seen(place.0, place.1, NAMESPACE, name);
            object.is_some_and(|object| object["metadata"]["ownerReferences"][0]["uid"] == *owner)
        });
        (!kept).then(|| format!("the template of the stable version {stable} is lost"))
    }
}
