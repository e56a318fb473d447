//! The two forms of a release's progress: upstream gives blue-green one of its own, with the same fields under other names.
//! The engine works on one of them.

use crate::api::v1beta1::{BlueGreenStatus, CanaryStatus, RollingStyle, RolloutStatus};

/// The status with its progress in the form that the engine works on.
pub(super) fn inward(mut status: RolloutStatus) -> RolloutStatus {
    if status.canary_status.is_none() {
        status.canary_status = status.blue_green_status.take().map(|sub| CanaryStatus {
            observed_workload_generation: sub.observed_workload_generation,
            observed_rollout_id: sub.observed_rollout_id,
            rollout_hash: sub.rollout_hash,
            stable_revision: sub.stable_revision,
            pod_template_hash: sub.pod_template_hash,
            current_step_index: sub.current_step_index,
            next_step_index: sub.next_step_index,
            current_step_state: sub.current_step_state,
            finalising_step: sub.finalising_step,
            message: sub.message,
            last_update_time: sub.last_update_time,
            canary_revision: sub.updated_revision,
            canary_replicas: sub.updated_replicas,
            canary_ready_replicas: sub.updated_ready_replicas,
        });
    }
    status.blue_green_status = None;
    status
}

/// The status with its progress in the form that the style's readers expect.
pub(super) fn outward(mut status: RolloutStatus, style: Option<RollingStyle>) -> RolloutStatus {
    if style == Some(RollingStyle::BlueGreen) {
        status.blue_green_status = status.canary_status.take().map(|sub| BlueGreenStatus {
            observed_workload_generation: sub.observed_workload_generation,
            observed_rollout_id: sub.observed_rollout_id,
            rollout_hash: sub.rollout_hash,
            stable_revision: sub.stable_revision,
            pod_template_hash: sub.pod_template_hash,
            current_step_index: sub.current_step_index,
            next_step_index: sub.next_step_index,
            current_step_state: sub.current_step_state,
            finalising_step: sub.finalising_step,
            message: sub.message,
            last_update_time: sub.last_update_time,
            updated_revision: sub.canary_revision,
            updated_replicas: sub.canary_replicas,
            updated_ready_replicas: sub.canary_ready_replicas,
        });
    }
    status
}
