//! Where the update of a workload stands that no Rollout releases: in the sentences of `kubectl rollout status`, which scripts
//! look for, for every kind. What was not observed yet is never taken for done.

use serde_json::Value;

use crate::{
    exit_code,
    workload::{self, hold, partition},
};

/// Where it stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// All pods that are to be new are, and are ready.
    Complete,
    /// Its controller is at it.
    Progressing,
    /// A human has paused it.
    Paused,
    /// It will not end by itself.
    Failed,
    /// Nobody can tell: pods are replaced when somebody deletes them.
    Unknown,
}

impl State {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "Complete",
            Self::Progressing => "Progressing",
            Self::Paused => "Paused",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
        }
    }

    /// The exit code of `status`.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Complete | Self::Progressing => exit_code::DONE,
            Self::Paused => exit_code::WAITING,
            Self::Failed => exit_code::DEGRADED,
            Self::Unknown => exit_code::ERROR,
        }
    }
}

/// Pods by what they are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// That there should be.
    pub wanted: i64,
    /// That should be new: fewer where a partition keeps some back.
    pub expected: i64,
    /// That there are.
    pub current: i64,
    /// That are new.
    pub updated: i64,
    /// That are ready, or available where the kind counts that.
    pub ready: i64,
}

/// Where the update of a workload stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Progress {
    /// In a word.
    pub state: State,
    /// In a sentence.
    pub sentence: String,
    /// Its pods.
    pub pods: Counts,
}

impl Progress {
    /// Reads a workload.
    #[must_use]
    pub fn of(kind: workload::Kind, object: &Value) -> Self {
        use workload::Kind;
        let seen = Seen::of(kind, object);
        let judged = match kind {
            Kind::Deployment => seen.deployment(),
            Kind::DaemonSet | Kind::AdvancedDaemonSet => seen.daemon_set(),
            Kind::StatefulSet => seen.stateful_set(),
            Kind::CloneSet => seen.of_kruise("CloneSet", hold::PARTITION),
            Kind::AdvancedStatefulSet => seen.of_kruise("Advanced StatefulSet", hold::ROLLING_PARTITION),
        };
        let (mut state, sentence, pods) = judged;
        let paused = [hold::PAUSED, hold::UPDATE_PAUSED, hold::ROLLING_PAUSED]
            .iter()
            .any(|path| *hold::at(&object["spec"], path) == true);
        if state == State::Progressing && paused {
            state = State::Paused;
        }
        Self {
            state,
            sentence,
            pods,
        }
    }
}

/// What is read of an object.
struct Seen<'a> {
    kind: workload::Kind,
    object: &'a Value,
    name: &'a str,
}

type Judged = (State, String, Counts);

impl<'a> Seen<'a> {
    fn of(kind: workload::Kind, object: &'a Value) -> Self {
        Self {
            kind,
            object,
            name: object["metadata"]["name"].as_str().unwrap_or_default(),
        }
    }

    fn status(&self, field: &str) -> i64 {
        self.object["status"][field].as_i64().unwrap_or_default()
    }

    fn wanted(&self) -> i64 {
        self.object["spec"]["replicas"].as_i64().unwrap_or(1)
    }

    /// Pods that a partition keeps from being new.
    fn kept(&self, partition: &Value, wanted: i64) -> i64 {
        let total = i32::try_from(wanted).unwrap_or(i32::MAX);
        i64::from(partition::kept(self.kind, partition, total))
    }

    fn is_observed(&self) -> bool {
        let generation = self.object["metadata"]["generation"].as_i64().unwrap_or_default();
        self.status("observedGeneration") >= generation
    }

    fn strategy(&self) -> &'a str {
        self.object["spec"]["updateStrategy"]["type"]
            .as_str()
            .unwrap_or_default()
    }

    fn deployment(&self) -> Judged {
        let name = self.name;
        let pods = Counts {
            wanted: self.wanted(),
            expected: self.wanted(),
            current: self.status("replicas"),
            updated: self.status("updatedReplicas"),
            ready: self.status("availableReplicas"),
        };
        let waiting = |what: String| {
            let sentence = format!("Waiting for deployment {name:?} rollout to finish: {what}...");
            (State::Progressing, sentence, pods)
        };
        if !self.is_observed() {
            let sentence = "Waiting for deployment spec update to be observed...".to_owned();
            return (State::Progressing, sentence, pods);
        }
        let conditions = self.object["status"]["conditions"].as_array();
        let progressing = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == "Progressing");
        if progressing.is_some_and(|condition| condition["reason"] == "ProgressDeadlineExceeded") {
            let sentence = format!("deployment {name:?} exceeded its progress deadline");
            return (State::Failed, sentence, pods);
        }
        if pods.updated < pods.wanted {
            return waiting(format!(
                "{} out of {} new replicas have been updated",
                pods.updated, pods.wanted
            ));
        }
        if pods.current > pods.updated {
            let old = pods.current - pods.updated;
            return waiting(format!("{old} old replicas are pending termination"));
        }
        if pods.ready < pods.updated {
            return waiting(format!(
                "{} of {} updated replicas are available",
                pods.ready, pods.updated
            ));
        }
        let done = format!("deployment {name:?} successfully rolled out");
        (State::Complete, done, pods)
    }

    fn daemon_set(&self) -> Judged {
        let name = self.name;
        let wanted = self.status("desiredNumberScheduled");
        let partition = &self.object["spec"]["updateStrategy"]["rollingUpdate"]["partition"];
        let pods = Counts {
            wanted,
            expected: wanted - self.kept(partition, wanted),
            current: self.status("currentNumberScheduled"),
            updated: self.status("updatedNumberScheduled"),
            ready: self.status("numberAvailable"),
        };
        if !matches!(self.strategy(), "RollingUpdate" | "") {
            return (State::Unknown, NO_STATUS.to_owned(), pods);
        }
        let waiting = |what: String| {
            let sentence = format!("Waiting for daemon set {name:?} rollout to finish: {what}...");
            (State::Progressing, sentence, pods)
        };
        if !self.is_observed() {
            let sentence = "Waiting for daemon set spec update to be observed...".to_owned();
            return (State::Progressing, sentence, pods);
        }
        if pods.updated < pods.expected {
            return waiting(format!(
                "{} out of {} new pods have been updated",
                pods.updated, pods.expected
            ));
        }
        if pods.ready < pods.wanted {
            return waiting(format!(
                "{} of {} updated pods are available",
                pods.ready, pods.wanted
            ));
        }
        let done = format!("daemon set {name:?} successfully rolled out");
        (State::Complete, done, pods)
    }

    fn stateful_set(&self) -> Judged {
        let wanted = self.wanted();
        let rolling = &self.object["spec"]["updateStrategy"]["rollingUpdate"];
        let pods = Counts {
            wanted,
            expected: wanted - self.kept(&rolling["partition"], wanted),
            current: self.status("replicas"),
            updated: self.status("updatedReplicas"),
            ready: self.status("readyReplicas"),
        };
        if !matches!(self.strategy(), "RollingUpdate" | "") {
            return (State::Unknown, NO_STATUS.to_owned(), pods);
        }
        let waiting = |sentence: String| (State::Progressing, sentence, pods);
        if !self.is_observed() {
            return waiting("Waiting for statefulset spec update to be observed...".to_owned());
        }
        if pods.ready < wanted {
            return waiting(format!("Waiting for {} pods to be ready...", wanted - pods.ready));
        }
        let revision = |field: &str| self.object["status"][field].as_str().unwrap_or_default();
        if rolling.is_object() && !rolling["partition"].is_null() {
            if pods.updated < pods.expected {
                return waiting(format!(
                    "Waiting for partitioned roll out to finish: {} out of {} new pods have been updated...",
                    pods.updated, pods.expected
                ));
            }
            let done = format!(
                "partitioned roll out complete: {} new pods have been updated...",
                pods.updated
            );
            return (State::Complete, done, pods);
        }
        if revision("updateRevision") != revision("currentRevision") {
            return waiting(format!(
                "waiting for statefulset rolling update to complete {} pods at revision {}...",
                pods.updated,
                revision("updateRevision")
            ));
        }
        let done = format!(
            "statefulset rolling update complete {} pods at revision {}...",
            self.status("currentReplicas"),
            revision("currentRevision")
        );
        (State::Complete, done, pods)
    }

    fn of_kruise(&self, kind: &str, partition: &str) -> Judged {
        let wanted = self.wanted();
        let kept = self.kept(hold::at(&self.object["spec"], partition), wanted);
        let pods = Counts {
            wanted,
            expected: wanted - kept,
            current: self.status("replicas"),
            updated: self.status("updatedReplicas"),
            ready: self.status("readyReplicas"),
        };
        if self.strategy() == "OnDelete" {
            return (State::Unknown, NO_STATUS.to_owned(), pods);
        }
        let waiting = |sentence: String| (State::Progressing, sentence, pods);
        if !self.is_observed() {
            return waiting(format!("Waiting for {kind} spec update to be observed..."));
        }
        if pods.updated < pods.expected {
            return waiting(format!(
                "Waiting for partitioned roll out to finish: {} out of {} new pods have been updated...",
                pods.updated, pods.expected
            ));
        }
        if pods.ready < wanted {
            return waiting(format!("Waiting for {} pods to be ready...", wanted - pods.ready));
        }
        let done = if kept > 0 {
            format!(
                "partitioned roll out complete: {} new pods have been updated...",
                pods.updated
            )
        } else {
            let revision = self.object["status"]["updateRevision"]
                .as_str()
                .unwrap_or_default();
            format!(
                "{kind} rolling update complete {} pods at revision {revision}...",
                pods.updated
            )
        };
        (State::Complete, done, pods)
    }
}

/// kubectl's sentence for what is replaced by hand.
const NO_STATUS: &str = "rollout status is only available for RollingUpdate strategy type";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Progress, State};
    use crate::workload::Kind;

    fn object(spec: &Value, status: &Value) -> Value {
        json!({ "metadata": { "name": "web", "generation": 2 }, "spec": spec, "status": status })
    }

    #[test]
    fn says_what_kubectl_says() {
        use State::{Complete, Failed, Paused, Progressing, Unknown};
        let three = json!({ "replicas": 3 });
        let deployment = |replicas: i64, updated: i64, available: i64| json!({ "observedGeneration": 2, "replicas": replicas, "updatedReplicas": updated, "availableReplicas": available });
        let daemons = |updated: i64, available: i64| {
            json!({ "observedGeneration": 2, "desiredNumberScheduled": 3, "currentNumberScheduled": 3,
                    "updatedNumberScheduled": updated, "numberAvailable": available })
        };
        let set = |updated: i64, ready: i64| {
            json!({ "observedGeneration": 2, "replicas": 3, "updatedReplicas": updated, "readyReplicas": ready, "currentReplicas": updated,
                    "updateRevision": "web-2", "currentRevision": if updated == 3 { "web-2" } else { "web-1" } })
        };
        let rolling = |partition: Value| json!({ "replicas": 3, "updateStrategy": { "rollingUpdate": { "partition": partition } } });
        let late = json!({ "observedGeneration": 2, "conditions": [{ "type": "Progressing", "reason": "ProgressDeadlineExceeded" }] });
        let on_delete = json!({ "replicas": 3, "updateStrategy": { "type": "OnDelete" } });
        let unobserved = json!({ "observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3 });
        let (partition, percent) = (
            json!({ "replicas": 3, "updateStrategy": { "partition": 2 } }),
            json!({ "replicas": 10, "updateStrategy": { "partition": "55%" } }),
        );
        #[rustfmt::skip]
        let cases: Vec<(Kind, Value, Value, State, &str)> = vec![
            (Kind::Deployment, three.clone(), unobserved.clone(), Progressing, "Waiting for deployment spec update to be observed..."),
            (Kind::Deployment, three.clone(), deployment(4, 1, 3), Progressing, "Waiting for deployment \"web\" rollout to finish: 1 out of 3 new replicas have been updated..."),
            (Kind::Deployment, three.clone(), deployment(5, 3, 3), Progressing, "Waiting for deployment \"web\" rollout to finish: 2 old replicas are pending termination..."),
            (Kind::Deployment, three.clone(), deployment(3, 3, 1), Progressing, "Waiting for deployment \"web\" rollout to finish: 1 of 3 updated replicas are available..."),
            (Kind::Deployment, three.clone(), deployment(3, 3, 3), Complete, "deployment \"web\" successfully rolled out"),
            (Kind::Deployment, three.clone(), late, Failed, "deployment \"web\" exceeded its progress deadline"),
            (Kind::Deployment, json!({ "replicas": 3, "paused": true }), deployment(3, 0, 3), Paused, "Waiting for deployment \"web\" rollout to finish: 0 out of 3 new replicas have been updated..."),
            (Kind::DaemonSet, json!({}), json!({ "observedGeneration": 1 }), Progressing, "Waiting for daemon set spec update to be observed..."),
            (Kind::DaemonSet, json!({}), daemons(1, 3), Progressing, "Waiting for daemon set \"web\" rollout to finish: 1 out of 3 new pods have been updated..."),
            (Kind::DaemonSet, json!({}), daemons(3, 1), Progressing, "Waiting for daemon set \"web\" rollout to finish: 1 of 3 updated pods are available..."),
            (Kind::DaemonSet, json!({}), daemons(3, 3), Complete, "daemon set \"web\" successfully rolled out"),
            (Kind::DaemonSet, on_delete.clone(), daemons(0, 3), Unknown, "rollout status is only available for RollingUpdate strategy type"),
            (Kind::AdvancedDaemonSet, rolling(json!(2)), daemons(1, 3), Complete, "daemon set \"web\" successfully rolled out"),
            (Kind::StatefulSet, three.clone(), unobserved.clone(), Progressing, "Waiting for statefulset spec update to be observed..."),
            (Kind::StatefulSet, three.clone(), set(1, 1), Progressing, "Waiting for 2 pods to be ready..."),
            (Kind::StatefulSet, three.clone(), set(1, 3), Progressing, "waiting for statefulset rolling update to complete 1 pods at revision web-2..."),
            (Kind::StatefulSet, three.clone(), set(3, 3), Complete, "statefulset rolling update complete 3 pods at revision web-2..."),
            (Kind::StatefulSet, rolling(json!(2)), set(0, 3), Progressing, "Waiting for partitioned roll out to finish: 0 out of 1 new pods have been updated..."),
            (Kind::StatefulSet, rolling(json!(2)), set(1, 3), Complete, "partitioned roll out complete: 1 new pods have been updated..."),
            (Kind::StatefulSet, on_delete, set(0, 3), Unknown, "rollout status is only available for RollingUpdate strategy type"),
            // The Go plugin calls each of these done.
            (Kind::CloneSet, three.clone(), unobserved, Progressing, "Waiting for CloneSet spec update to be observed..."),
            (Kind::CloneSet, three.clone(), set(0, 3), Progressing, "Waiting for partitioned roll out to finish: 0 out of 3 new pods have been updated..."),
            (Kind::CloneSet, percent, json!({ "observedGeneration": 2, "updatedReplicas": 2, "readyReplicas": 10 }), Progressing, "Waiting for partitioned roll out to finish: 2 out of 4 new pods have been updated..."),
            (Kind::CloneSet, three.clone(), set(3, 1), Progressing, "Waiting for 2 pods to be ready..."),
            (Kind::CloneSet, three.clone(), set(3, 3), Complete, "CloneSet rolling update complete 3 pods at revision web-2..."),
            (Kind::CloneSet, partition, set(1, 3), Complete, "partitioned roll out complete: 1 new pods have been updated..."),
            (Kind::AdvancedStatefulSet, three.clone(), set(1, 3), Progressing, "Waiting for partitioned roll out to finish: 1 out of 3 new pods have been updated..."),
            (Kind::AdvancedStatefulSet, three, set(3, 3), Complete, "Advanced StatefulSet rolling update complete 3 pods at revision web-2..."),
        ];
        for (kind, spec, status, state, sentence) in cases {
            let seen = Progress::of(kind, &object(&spec, &status));
            assert_eq!(
                (seen.state, seen.sentence.as_str()),
                (state, sentence),
                "{kind:?} {spec} {status}"
            );
        }
    }
}
