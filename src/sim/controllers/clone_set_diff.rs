//! How many pods a CloneSet makes, deletes and updates next.
//!
//! The rules are those of OpenKruise (`pkg/controller/cloneset/sync/cloneset_sync_utils.go`, `pkg/util/tools.go`), with
//! its feature gates as they are by default:
//! - `partition` is the number of pods that stay old. Percentages are rounded up; anything short of `100%` leaves at
//!   least one pod of several to update (`n - 1`).
//! - Raising `partition` updates no further pod and takes none back: that would be the gate `CloneSetPartitionRollback`.
//!   But a pod that has to be made is of the old version while fewer than `partition` old ones are there.
//! - `maxSurge` pods are added only while old and new pods are out of balance in opposite directions, or while pods are
//!   marked for deletion that unavailability does not allow to go; a paused set does not surge.
//! - `maxUnavailable` is rounded up while nothing surges and down otherwise. It limits updates, and the deletion of
//!   ready pods; what is above the wanted size is added to it.

use serde::Deserialize as _;
use serde_json::Value;

use crate::api::int_or_percent::{IntOrPercent, Round};
use crate::sim::object::Object;

/// `maxUnavailable` of a CloneSet that says nothing.
const MAX_UNAVAILABLE: IntOrPercent = IntOrPercent::Percent(20);

/// How the pods of an old version become new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// Always by deletion.
    ReCreate,
    /// In place when nothing but images and metadata changes.
    InPlaceIfPossible,
    /// In place, or not at all.
    InPlaceOnly,
}

impl Policy {
    /// Reads `updateStrategy.type` of a CloneSet or `podUpdatePolicy` of an Advanced StatefulSet.
    pub(super) fn read(value: Option<&Value>) -> Self {
        match value.and_then(Value::as_str) {
            Some("InPlaceIfPossible") => Self::InPlaceIfPossible,
            Some("InPlaceOnly") => Self::InPlaceOnly,
            _ => Self::ReCreate,
        }
    }
}

/// The spec of a CloneSet, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Pods wanted.
    pub(super) replicas: i32,
    /// Pods that stay old, resolved.
    pub(super) partition: i32,
    /// Pods above the wanted number, resolved; 0 while paused.
    pub(super) surge: i32,
    /// Pods that may be missing, resolved.
    pub(super) unavailable: i32,
    /// Pods that may be unavailable while the set grows, resolved.
    pub(super) scale_unavailable: i32,
    /// Seconds a pod must be ready to count as available.
    pub(super) min_ready: i64,
    /// Nothing is updated while true.
    pub(super) paused: bool,
    /// How pods are updated.
    pub(super) policy: Policy,
    /// Pods that `scaleStrategy.podsToDelete` names.
    pub(super) to_delete: Vec<String>,
    /// Old revisions to keep.
    pub(super) history: usize,
}

impl Wanted {
    /// Reads a CloneSet.
    pub(super) fn read(set: &Object) -> Self {
        let replicas = number(set.spec_at("/replicas"), 1);
        let share = |at: &str| {
            set.spec_at(at)
                .and_then(|value| IntOrPercent::deserialize(value).ok())
        };
        let paused = set
            .spec_at("/updateStrategy/paused")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let surge = share("/updateStrategy/maxSurge").map_or(0, |surge| surge.of(replicas, Round::Up));
        let surge = if paused { 0 } else { surge };
        let unavailable = share("/updateStrategy/maxUnavailable").unwrap_or(MAX_UNAVAILABLE);
        let names = set
            .spec_at("/scaleStrategy/podsToDelete")
            .and_then(Value::as_array);
        Self {
            replicas,
            partition: share("/updateStrategy/partition")
                .map_or(0, |partition| kept_old(&partition, replicas)),
            surge,
            unavailable: unavailable.of(replicas, if surge == 0 { Round::Up } else { Round::Down }),
            scale_unavailable: share("/scaleStrategy/maxUnavailable")
                .map_or(i32::MAX, |most| most.of(replicas, Round::Up)),
            min_ready: set
                .spec_at("/minReadySeconds")
                .and_then(Value::as_i64)
                .unwrap_or(0),
            paused,
            policy: Policy::read(set.spec_at("/updateStrategy/type")),
            to_delete: names
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            history: usize::try_from(number(set.spec_at("/revisionHistoryLimit"), 10)).unwrap_or(0),
        }
    }
}

fn number(value: Option<&Value>, default: i32) -> i32 {
    value
        .and_then(Value::as_i64)
        .and_then(|n| i32::try_from(n).ok())
        .unwrap_or(default)
}

/// How many of `replicas` pods a partition keeps old.
fn kept_old(partition: &IntOrPercent, replicas: i32) -> i32 {
    let mut kept = partition.of(replicas, Round::Up);
    let short_of_all = matches!(partition, IntOrPercent::Percent(p) if *p != 100);
    if replicas > 1 && kept == replicas && short_of_all {
        kept = replicas - 1;
    }
    kept.min(replicas).max(0)
}

/// The pods of one version, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    /// All that are not ending.
    pub(super) all: i32,
    /// Those marked for deletion.
    pub(super) marked: i32,
    /// Those neither marked nor available.
    pub(super) unavailable: i32,
}

/// What is to be made, deleted and updated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Diff {
    /// Pods missing.
    pub(super) up: i32,
    /// How many of the missing ones are old; may be more than `up`.
    pub(super) up_old: i32,
    /// Most that may be made now.
    pub(super) up_limit: i32,
    /// Pods too many, marked ones not counted.
    pub(super) down: i32,
    /// How many of those are old; may be more than `down`.
    pub(super) down_old: i32,
    /// Most ready pods that may be deleted now.
    pub(super) ready_limit: i32,
    /// Pods to update.
    pub(super) update: i32,
    /// Most pods that may be unavailable while pods are updated.
    pub(super) update_unavailable: i32,
}

impl Diff {
    /// Compares what is wanted with the pods of the update revision and all others.
    pub(super) fn of(wanted: &Wanted, new: Census, old: Census) -> Self {
        let Wanted {
            replicas, partition, ..
        } = *wanted;
        let total = new.all + old.all;
        let marked = new.marked + old.marked;
        let unavailable = new.unavailable + old.unavailable;
        let too_old = (old.all - partition).max(0);
        let lacking_new = (replicas - partition - new.all).max(0);
        let mut surge = (0, 0);
        if wanted.surge > 0 {
            let held_back = (unavailable + marked)
                .saturating_sub(wanted.unavailable)
                .max(0)
                .min(marked);
            let held_back_old = (held_back - new.marked).max(0);
            let updating = too_old.min(lacking_new);
            surge = if held_back >= updating {
                let all = wanted.surge.min(held_back);
                (all, all.min(held_back_old))
            } else {
                (wanted.surge.min(updating), 0)
            };
        }
        // Shares of pods may be as large as can be written.
        let (expected, expected_old) = (
            replicas.saturating_add(surge.0),
            partition.saturating_add(surge.1),
        );
        let may_be_missing = wanted.unavailable.saturating_add(total).saturating_sub(replicas);
        let mut diff = Self::default();
        if expected > total {
            diff.up = expected - total;
            diff.up_old = (expected_old - old.all).max(0);
            diff.up_limit = diff
                .up
                .min(wanted.scale_unavailable.saturating_sub(unavailable).max(0));
        }
        if total - marked > expected {
            diff.down = total - marked - expected;
            diff.down_old = (old.all - old.marked - expected_old).max(0);
        }
        if marked > 0 || diff.down > 0 {
            diff.ready_limit = may_be_missing.saturating_sub(unavailable).max(0);
        }
        diff.update = too_old.min(lacking_new);
        if diff.update != 0 {
            diff.update_unavailable = may_be_missing;
        }
        diff
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted(spec: Value) -> Wanted {
        Wanted::read(&Object::from_value(json!({"spec": spec})))
    }

    fn available(all: i32) -> Census {
        Census {
            all,
            ..Census::default()
        }
    }

    #[test]
    fn a_partition_keeps_old_pods() {
        let cases = [
            (json!(0), 5, 0),
            (json!(3), 5, 3),
            (json!(9), 5, 5),
            (json!(-1), 5, 0),
            (json!("0%"), 5, 0),
            (json!("1%"), 5, 1),
            (json!("50%"), 5, 3),
            (json!("99%"), 5, 4),
            (json!("100%"), 5, 5),
            (json!("99%"), 1, 1),
            (json!("99%"), 101, 100),
            (json!("1%"), 101, 2),
            (json!("half"), 5, 0),
            (Value::Null, 5, 0),
        ];
        for (partition, replicas, kept) in cases {
            let read = wanted(json!({"replicas": replicas, "updateStrategy": {"partition": partition}}));
            assert_eq!(read.partition, kept, "{partition} of {replicas}");
        }
    }

    #[test]
    fn unavailability_is_rounded_up_unless_the_set_surges() {
        let read = |strategy: Value| {
            let read = wanted(json!({"replicas": 7, "updateStrategy": strategy}));
            (read.unavailable, read.surge)
        };
        assert_eq!(read(json!({})), (2, 0));
        assert_eq!(read(json!({"maxUnavailable": "20%", "maxSurge": "10%"})), (1, 1));
        assert_eq!(
            read(json!({"maxUnavailable": "20%", "maxSurge": "10%", "paused": true})),
            (2, 0)
        );
    }

    #[test]
    fn the_difference_is_what_kruise_computes() {
        let unready = |all, unavailable| Census {
            all,
            unavailable,
            marked: 0,
        };
        let marked = |all, marked| Census {
            all,
            marked,
            unavailable: 0,
        };
        let five = |strategy: Value| json!({"replicas": 5, "updateStrategy": strategy});
        let none = Diff::default();
        let cases = [
            (
                "nothing there yet",
                five(json!({})),
                available(0),
                available(0),
                Diff {
                    up: 5,
                    up_limit: 5,
                    ..none
                },
            ),
            (
                "a missing pod is old while the partition lacks old ones",
                five(json!({"partition": 3})),
                available(2),
                available(2),
                Diff {
                    up: 1,
                    up_old: 1,
                    up_limit: 1,
                    ..none
                },
            ),
            (
                "growth is limited by unavailable pods",
                json!({"replicas": 10, "scaleStrategy": {"maxUnavailable": 3}}),
                unready(4, 2),
                available(0),
                Diff {
                    up: 6,
                    up_limit: 1,
                    ..none
                },
            ),
            (
                "half of the pods may be updated, one at a time",
                five(json!({"partition": "50%"})),
                available(0),
                available(5),
                Diff {
                    update: 2,
                    update_unavailable: 1,
                    ..none
                },
            ),
            (
                "a raised partition takes nothing back",
                five(json!({"partition": 5})),
                available(3),
                available(2),
                none,
            ),
            (
                "a surge is made of new pods",
                five(json!({"maxSurge": 2, "maxUnavailable": 0})),
                available(0),
                available(5),
                Diff {
                    up: 2,
                    up_limit: 2,
                    update: 5,
                    update_unavailable: 0,
                    ..none
                },
            ),
            (
                "a marked pod waits for its surge",
                five(json!({"maxSurge": 1, "maxUnavailable": 0})),
                available(0),
                marked(5, 1),
                Diff {
                    up: 1,
                    up_limit: 1,
                    update: 5,
                    ..none
                },
            ),
            (
                "blue-green: both versions ready, none available",
                five(json!({"maxSurge": "100%", "maxUnavailable": 0})),
                unready(5, 5),
                unready(5, 5),
                Diff {
                    down: 5,
                    down_old: 5,
                    ..none
                },
            ),
            (
                "blue-green, taken back, partition open: the other version goes",
                five(json!({"maxUnavailable": "20%"})),
                available(5),
                available(5),
                Diff {
                    down: 5,
                    down_old: 5,
                    ready_limit: 6,
                    ..none
                },
            ),
            (
                "blue-green, taken back, partition still closed: the wanted version goes",
                five(json!({"partition": "100%", "maxUnavailable": "20%"})),
                available(5),
                available(5),
                Diff {
                    down: 5,
                    ready_limit: 6,
                    ..none
                },
            ),
        ];
        for (what, spec, new, old, diff) in cases {
            assert_eq!(Diff::of(&wanted(spec), new, old), diff, "{what}");
        }
    }

    #[test]
    fn as_many_as_can_be_written_are_no_more_than_that() {
        let wanted = wanted(
            json!({ "replicas": 3, "updateStrategy": { "maxUnavailable": i32::MAX, "maxSurge": i32::MAX } }),
        );
        let new = Census {
            all: 1,
            marked: 1,
            unavailable: 0,
        };
        let diff = Diff::of(&wanted, new, Census { all: 2, ..new });
        assert_eq!(
            (diff.ready_limit, diff.update_unavailable),
            (i32::MAX - 3, i32::MAX - 3)
        );
    }
}
