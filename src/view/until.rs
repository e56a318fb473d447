//! Conditions that one can wait for.

use super::status::Status;
use crate::{api::v1beta1::StepState, exit_code, release::Verdict};

/// What `status --until` waits for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Until {
    /// A step is paused, for a human or for time.
    Paused,
    /// Step N (1-based) stands: its pods are ready and its traffic is set.
    Step(i32),
    /// At least so many percent of traffic reach the new version.
    Traffic(i32),
    /// No release is under way.
    Healthy,
    /// The Rollout does not exist any more.
    Gone,
}

impl std::str::FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let percent = |digits: &str| {
            digits
                .trim_end_matches('%')
                .parse()
                .ok()
                .filter(|p| (0..=100).contains(p))
                .map(Self::Traffic)
        };
        let step = |digits: &str| digits.parse().ok().filter(|n| *n > 0).map(Self::Step);
        let condition = match text {
            "paused" => Some(Self::Paused),
            "healthy" | "done" => Some(Self::Healthy),
            "gone" => Some(Self::Gone),
            other => match (other.strip_prefix("step="), other.strip_prefix("traffic>=")) {
                (Some(digits), _) => step(digits),
                (_, Some(digits)) => percent(digits),
                (None, None) => None,
            },
        };
        condition
            .ok_or_else(|| "expected paused, step=N, traffic>=PERCENT, healthy (or done) or gone".to_owned())
    }
}

impl std::fmt::Display for Until {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Paused => f.write_str("paused"),
            Self::Step(n) => write!(f, "step={n}"),
            Self::Traffic(p) => write!(f, "traffic>={p}%"),
            Self::Healthy => f.write_str("healthy"),
            Self::Gone => f.write_str("gone"),
        }
    }
}

/// What waiting comes to, at one state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wait {
    /// It holds.
    Met,
    /// It may still come.
    Open,
    /// It cannot come any more by itself.
    Lost,
    /// Nobody here may read what would tell.
    Unseen,
}

impl Until {
    /// Judges the condition at a state; no status means that the Rollout does not exist.
    #[must_use]
    pub fn judge(&self, status: Option<&Status>) -> Wait {
        let Some(status) = status else {
            return if *self == Self::Gone {
                Wait::Met
            } else {
                Wait::Lost
            };
        };
        let (position, verdict) = (&status.position, status.verdict);
        let met = match self {
            Self::Paused => {
                verdict == Verdict::Paused || position.under_way() && position.state == StepState::StepPaused
            }
            Self::Step(step) => {
                let reached = position.step > *step || position.step == *step && position.step_stands();
                verdict == Verdict::Completed
                    || verdict == Verdict::Finishing
                    || position.under_way() && reached
            }
            Self::Traffic(percent) => status.percent() >= *percent,
            Self::Healthy => verdict.is_at_rest() && status.serves(),
            Self::Gone => false,
        };
        // Upstream leaves the step's state in a status while it takes the release back.
        let goes_back = verdict == Verdict::RollingBack
            && matches!(self, Self::Paused | Self::Step(_) | Self::Traffic(_));
        let may_tell = *self != Self::Healthy || status.uncounted.is_none();
        match verdict {
            _ if verdict.is_at_rest() && !may_tell => Wait::Unseen,
            _ if met && !goes_back => Wait::Met,
            // What is being undone or has ended otherwise will not reach a step of this release.
            Verdict::RollingBack
            | Verdict::RolledBack
            | Verdict::Completed
            | Verdict::Disabling
            | Verdict::Disabled
            | Verdict::Terminating
                if matches!(self, Self::Paused | Self::Step(_) | Self::Traffic(_)) =>
            {
                Wait::Lost
            }
            Verdict::Degraded | Verdict::NoWorkload if *self != Self::Gone => Wait::Lost,
            _ => Wait::Open,
        }
    }
}

impl Until {
    /// Why it cannot be told whether it holds, where rights are missing for that.
    #[must_use]
    pub fn unseen(&self, status: Option<&Status>) -> Option<String> {
        let status = status.filter(|_| self.judge(status) == Wait::Unseen)?;
        let why = status.uncounted.as_deref().unwrap_or_default();
        Some(format!(
            "cannot tell whether {}/{} is {self}: {why}",
            status.namespace, status.name
        ))
    }

    /// Why it can never hold, where the plan has fewer steps.
    #[must_use]
    pub fn beyond(&self, status: Option<&Status>) -> Option<String> {
        let (Self::Step(step), Some(status)) = (self, status) else {
            return None;
        };
        let total = status.position.total();
        (1..*step).contains(&total).then(|| {
            format!(
                "{}/{} has {total} steps: step {step} will never come",
                status.namespace, status.name
            )
        })
    }

    /// The exit code with which waiting ends at a state, if it ends there.
    #[must_use]
    pub fn ending(&self, status: Option<&Status>) -> Option<u8> {
        match (self.judge(status), self, status) {
            (Wait::Open, ..) => None,
            (Wait::Unseen, ..) => Some(exit_code::FORBIDDEN),
            (Wait::Met, Self::Paused | Self::Step(_) | Self::Traffic(_) | Self::Gone, _) => {
                Some(exit_code::DONE)
            }
            (_, _, Some(status)) => Some(status.verdict.exit_code()),
            (_, _, None) => Some(exit_code::NOT_FOUND),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Until, Wait};
    use crate::view::status::{Looked, Seen, Status};

    /// At rest no release is under way: that says nothing of the pods.
    #[test]
    fn healthy_are_those_whose_pods_are_ready() {
        let rollout = json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": "web" },
            "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                "strategy": { "canary": { "steps": [{ "replicas": 1 }], "failureThreshold": "25%" } } },
            "status": { "phase": "Healthy", "canaryStatus": { "stableRevision": "aaa" } } });
        let template = json!({ "spec": { "containers": [{ "name": "web", "image": "web:v1" }] } });
        let workload = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "uid": "u" },
            "spec": { "replicas": 4, "template": template } });
        let judged = |ready: i32, workload: Looked| {
            let set = json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": { "name": "web-aaa", "labels": { "pod-template-hash": "aaa" }, "ownerReferences": [{ "uid": "u", "controller": true }] },
                "spec": { "replicas": 4, "template": template }, "status": { "replicas": 4, "readyReplicas": ready } });
            let status = Status::of(&Seen {
                rollout: serde_json::from_value(rollout.clone()).unwrap(),
                workload,
                members: vec![set],
                ..Seen::default()
            });
            Until::Healthy.judge(Some(&status))
        };
        let there = || Looked::There(workload.clone());
        assert_eq!(
            [
                judged(0, there()),
                judged(2, there()),
                judged(3, there()),
                judged(0, Looked::default())
            ],
            [Wait::Open, Wait::Open, Wait::Met, Wait::Met]
        );
    }

    /// What may not be read may be anything: pods that crash, a new version that is held.
    #[test]
    fn nothing_unseen_is_healthy() {
        let judged = |phase: &str, condition: Until| {
            let rollout = json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout",
                "metadata": { "name": "web", "namespace": "shop" },
                "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                    "strategy": { "canary": { "steps": [{ "replicas": 1 }] } } },
                "status": { "phase": phase } });
            let status = Status::of(&Seen {
                rollout: serde_json::from_value(rollout).unwrap(),
                workload: Looked::Unread,
                uncounted: Some("not allowed to get deployments.apps".to_owned()),
                ..Seen::default()
            });
            (
                condition.judge(Some(&status)),
                condition.ending(Some(&status)),
                condition.unseen(Some(&status)),
            )
        };
        let why = "cannot tell whether shop/web is healthy: not allowed to get deployments.apps";
        assert_eq!(
            [
                judged("Healthy", Until::Healthy),
                judged("Progressing", Until::Healthy),
                judged("Healthy", Until::Gone),
            ],
            [
                (Wait::Unseen, Some(9), Some(why.to_owned())),
                (Wait::Open, None, None),
                (Wait::Open, None, None),
            ]
        );
    }

    #[test]
    fn reads_conditions() {
        let cases = [
            ("paused", Some(Until::Paused)),
            ("step=2", Some(Until::Step(2))),
            ("step=0", None),
            ("traffic>=50", Some(Until::Traffic(50))),
            ("traffic>=50%", Some(Until::Traffic(50))),
            ("traffic>=500", None),
            ("healthy", Some(Until::Healthy)),
            ("done", Some(Until::Healthy)),
            ("gone", Some(Until::Gone)),
            ("later", None),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Until>().ok(), expected, "{text}");
        }
    }
}
