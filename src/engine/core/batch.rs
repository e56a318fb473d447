//! How many pods a step wants.

use crate::api::{
    IntOrPercent,
    int_or_percent::Round,
    v1beta1::{Rollout, RolloutSpec, Step},
};
use sha2::{Digest as _, Sha256};

/// New pods a step wants of a workload of `replicas`: percentages round up, never more than there are.
pub(super) fn wanted(step: &Step, replicas: i32) -> i32 {
    step.replicas
        .as_ref()
        .map_or(0, |value| value.of(replicas, Round::Up))
        .clamp(0, replicas.max(0))
}

/// New pods that may be missing: percentages of the step's pods, rounded up, never more than those; none when not set.
pub(super) fn tolerated(threshold: Option<&IntOrPercent>, wanted: i32) -> i32 {
    let wanted = wanted.max(0);
    threshold
        .map_or(0, |value| value.of(wanted, Round::Up))
        .clamp(0, wanted)
}

/// Whether the last step passes without a pause: it asks for all pods in percent (engine-rollout 9.1).
pub(super) fn is_everything(step: &Step) -> bool {
    step.replicas == Some(IntOrPercent::Percent(100))
}

/// Digest of the plan that a release follows. Pauses, the failure threshold and `paused` do not count as changes of it; the
/// TrafficRouting that is named does, be it by annotation.
pub(super) fn plan_hash(rollout: &Rollout) -> String {
    let spec = &rollout.spec;
    let mut strategy = spec.strategy.clone();
    strategy.paused = false;
    if let Some(canary) = &mut strategy.canary {
        canary.failure_threshold = None;
        canary
            .steps
            .iter_mut()
            .for_each(|step| step.pause = Default::default());
    }
    if let Some(blue_green) = &mut strategy.blue_green {
        blue_green.failure_threshold = None;
        blue_green
            .steps
            .iter_mut()
            .for_each(|step| step.pause = Default::default());
    }
    let text = serde_json::to_string(&strategy).unwrap_or_default();
    let plan = format!("{}{SEPARATOR}{}", subject(spec), hex(&text, 12));
    match rollout.traffic_routing_name() {
        Some(name) => format!("{plan}{SEPARATOR}{}", hex(name, 4)),
        None => plan,
    }
}

/// Whether a plan's hash is one of ours with a TrafficRouting.
pub(super) fn is_shared(hash: &str) -> bool {
    hash.split(SEPARATOR).count() == 3
}

/// What stands between the digests of a plan's hash; upstream's has none.
const SEPARATOR: char = '-';

fn subject(spec: &RolloutSpec) -> String {
    let reference = &spec.workload_ref;
    hex(
        &format!("{} {} {}", reference.api_version, reference.kind, reference.name),
        4,
    )
}

/// Whether a plan's hash is one of ours for another workload.
pub(super) fn is_for_another(hash: &str, spec: &RolloutSpec) -> bool {
    hash.split_once(SEPARATOR)
        .is_some_and(|(known, _)| known != subject(spec))
}

fn hex(text: &str, bytes: usize) -> String {
    let digest = Sha256::digest(text);
    digest
        .iter()
        .take(bytes)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{is_everything, tolerated, wanted};
    use crate::api::{IntOrPercent, v1beta1::Step};

    fn step(replicas: IntOrPercent) -> Step {
        Step {
            replicas: Some(replicas),
            ..Step::default()
        }
    }

    #[test]
    fn counts_pods_of_a_step() {
        use IntOrPercent::{Int, Percent};
        let cases = [
            (Int(1), 5, 1),
            (Percent(50), 5, 3),
            (Percent(100), 5, 5),
            (Int(9), 5, 5),
            (Percent(1), 1, 1),
            (Int(3), 0, 0),
        ];
        for (replicas, total, expected) in cases {
            assert_eq!(
                wanted(&step(replicas.clone()), total),
                expected,
                "{replicas} of {total}"
            );
        }
        assert_eq!(tolerated(Some(&Percent(20)), 3), 1);
        assert_eq!(tolerated(None, 3), 0);
        assert_eq!(tolerated(Some(&Int(i32::MAX)), 3), 3);
        assert!(is_everything(&step(Percent(100))) && !is_everything(&step(Int(5))));
    }
}
