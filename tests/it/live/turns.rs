//! Recorded releases that take turns, on a real control plane.

use super::releases::release;

macro_rules! turns {
    ($($test:ident: $name:literal;)*) => {$(
        #[tokio::test]
        #[ignore = "needs the control plane; run with -- --ignored live"]
        async fn $test() {
            release($name, true).await;
        }
    )*};
}

turns! {
    live_turn_aliyun_alb_bluegreen: "aliyun-alb-bluegreen";
    live_turn_bluegreen_bad_image_rollback: "bluegreen-bad-image-rollback";
    live_turn_bluegreen_delete: "bluegreen-delete";
    live_turn_bluegreen_disable_reenable: "bluegreen-disable-reenable";
    live_turn_bluegreen_edit_traffic: "bluegreen-edit-traffic";
    live_turn_bluegreen_growing: "bluegreen-growing";
    live_turn_bluegreen_growing_rollback: "bluegreen-growing-rollback";
    live_turn_bluegreen_jump: "bluegreen-jump";
    live_turn_bluegreen_min_ready: "bluegreen-min-ready";
    live_turn_bluegreen_no_traffic: "bluegreen-no-traffic";
    live_turn_bluegreen_no_traffic_rollback: "bluegreen-no-traffic-rollback";
    live_turn_bluegreen_paused: "bluegreen-paused";
    live_turn_bluegreen_rollback_again: "bluegreen-rollback-again";
    live_turn_bluegreen_rollback_before_traffic: "bluegreen-rollback-before-traffic";
    live_turn_bluegreen_rollback_full: "bluegreen-rollback-full";
    live_turn_bluegreen_rollback_half: "bluegreen-rollback-half";
    live_turn_bluegreen_rollback_while_paused: "bluegreen-rollback-while-paused";
    live_turn_bluegreen_scale: "bluegreen-scale";
    live_turn_bluegreen_third_version: "bluegreen-third-version";
    live_turn_bluegreen_third_version_rollback: "bluegreen-third-version-rollback";
    live_turn_canary_bad_image_fixed: "canary-bad-image-fixed";
    live_turn_canary_bad_image_rollback: "canary-bad-image-rollback";
    live_turn_canary_continuous_back: "canary-continuous-back";
    live_turn_canary_continuous_no_traffic: "canary-continuous-no-traffic";
    live_turn_canary_continuous_rollback: "canary-continuous-rollback";
    live_turn_canary_disable_reenable: "canary-disable-reenable";
    live_turn_canary_disable_stuck: "canary-disable-stuck";
    live_turn_canary_edit_steps: "canary-edit-steps";
    live_turn_canary_header_continuous: "canary-header-continuous";
    live_turn_canary_header_weight_none: "canary-header-weight-none";
    live_turn_canary_jump_back: "canary-jump-back";
    live_turn_canary_metadata: "canary-metadata";
    live_turn_canary_min_ready: "canary-min-ready";
    live_turn_canary_no_canary_service: "canary-no-canary-service";
    live_turn_canary_no_traffic: "canary-no-traffic";
    live_turn_canary_paused_approve: "canary-paused-approve";
    live_turn_canary_recreate: "canary-recreate";
    live_turn_canary_rollback_again: "canary-rollback-again";
    live_turn_canary_rollback_last_step: "canary-rollback-last-step";
    live_turn_canary_scale_down: "canary-scale-down";
    live_turn_canary_timed_pauses: "canary-timed-pauses";
    live_turn_daemonset_continuous: "daemonset-continuous";
    live_turn_daemonset_delete: "daemonset-delete";
    live_turn_daemonset_disable: "daemonset-disable";
    live_turn_daemonset_nginx: "daemonset-nginx";
    live_turn_daemonset_percent: "daemonset-percent";
    live_turn_daemonset_rollback: "daemonset-rollback";
    live_turn_default_grace: "default-grace";
    live_turn_delete_at_rest: "delete-at-rest";
    live_turn_disabled_from_start: "disabled-from-start";
    live_turn_higress_rollback: "higress-rollback";
    live_turn_image_and_replicas: "image-and-replicas";
    live_turn_mse_partition: "mse-partition";
    live_turn_one_replica_bluegreen: "one-replica-bluegreen";
    live_turn_one_replica_canary: "one-replica-canary";
    live_turn_one_replica_partition: "one-replica-partition";
    live_turn_partition_bad_image_rollback: "partition-bad-image-rollback";
    live_turn_partition_continuous: "partition-continuous";
    live_turn_partition_continuous_rollback: "partition-continuous-rollback";
    live_turn_partition_delete: "partition-delete";
    live_turn_partition_delete_stuck: "partition-delete-stuck";
    live_turn_partition_edit_pause: "partition-edit-pause";
    live_turn_partition_edit_replicas: "partition-edit-replicas";
    live_turn_partition_header_weight_none: "partition-header-weight-none";
    live_turn_partition_integers: "partition-integers";
    live_turn_partition_jump: "partition-jump";
    live_turn_partition_last_step_below_full: "partition-last-step-below-full";
    live_turn_partition_min_ready: "partition-min-ready";
    live_turn_partition_nginx_continuous: "partition-nginx-continuous";
    live_turn_partition_nginx_edit_traffic: "partition-nginx-edit-traffic";
    live_turn_partition_nginx_rollback_step_1: "partition-nginx-rollback-step-1";
    live_turn_partition_no_canary_service: "partition-no-canary-service";
    live_turn_partition_recreate: "partition-recreate";
    live_turn_partition_rollback_again: "partition-rollback-again";
    live_turn_partition_rollback_last_step: "partition-rollback-last-step";
    live_turn_partition_rounding_3: "partition-rounding-3";
    live_turn_partition_rounding_7: "partition-rounding-7";
    live_turn_partition_scale: "partition-scale";
    live_turn_partition_surge: "partition-surge";
    live_turn_partition_timed_pauses: "partition-timed-pauses";
    live_turn_partition_two_containers: "partition-two-containers";
    live_turn_paused_before_release: "paused-before-release";
    live_turn_rollout_id: "rollout-id";
    live_turn_statefulset_bad_image_rollback: "statefulset-bad-image-rollback";
    live_turn_statefulset_continuous: "statefulset-continuous";
    live_turn_statefulset_continuous_rollback: "statefulset-continuous-rollback";
    live_turn_statefulset_delete: "statefulset-delete";
    live_turn_statefulset_disable_reenable: "statefulset-disable-reenable";
    live_turn_statefulset_edit: "statefulset-edit";
    live_turn_statefulset_integers: "statefulset-integers";
    live_turn_statefulset_jump: "statefulset-jump";
    live_turn_statefulset_nginx: "statefulset-nginx";
    live_turn_statefulset_nginx_header: "statefulset-nginx-header";
    live_turn_statefulset_nginx_rollback: "statefulset-nginx-rollback";
    live_turn_statefulset_ordered: "statefulset-ordered";
    live_turn_statefulset_rollback: "statefulset-rollback";
    live_turn_statefulset_rollback_again: "statefulset-rollback-again";
    live_turn_statefulset_rollback_in_batches: "statefulset-rollback-in-batches";
    live_turn_statefulset_user_partition: "statefulset-user-partition";
    live_turn_two_releases: "two-releases";
    live_turn_two_replicas_partition: "two-replicas-partition";
}
