//! Partitions: how many pods stay at the old version, as each kind writes and reads it (engine-workloads 5.1).

use serde_json::{Value, json};

use super::Kind;
use crate::api::{IntOrPercent, int_or_percent::Round};

/// The partition that lets `new` of `total` pods have the new version.
///
/// A CloneSet's is a percentage where the step asked for one and Kruise reads it as exactly that many pods: it then holds
/// back right when the CloneSet is scaled before the engine has looked. Upstream always writes one, and a step of 99% of
/// more than 100 pods then never ends (engine-workloads 14, 2).
#[must_use]
pub fn value(kind: Kind, new: i32, total: i32, in_percent: bool) -> Value {
    let old = total.saturating_sub(new).max(0);
    if kind == Kind::CloneSet && in_percent {
        let percent = match (old, total) {
            (0, _) => 0,
            (old, total) if old >= total => 100,
            (old, total) => i64::from(old) * 100 / i64::from(total),
        };
        let text = json!(format!("{percent}%"));
        if kept(kind, &text, total) == old {
            return text;
        }
    }
    json!(old)
}

/// Pods of `total` that stay at the old version under a partition, as the kind's controller reads it.
#[must_use]
pub fn kept(kind: Kind, partition: &Value, total: i32) -> i32 {
    let Ok(value) = serde_json::from_value::<IntOrPercent>(partition.clone()) else {
        return 0;
    };
    match (kind, &value) {
        (Kind::CloneSet, IntOrPercent::Percent(percent)) => {
            let old = value.of(total, Round::Up);
            if total > 1 && *percent != 100 && old >= total {
                total - 1
            } else {
                old
            }
        }
        (_, value) => value.of(total, Round::Down),
    }
    .clamp(0, total.max(0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{kept, value};
    use crate::workload::Kind;

    #[test]
    fn says_how_many_pods_stay() {
        let cases = [
            (Kind::StatefulSet, 1, 5, true, json!(4)),
            (Kind::StatefulSet, 9, 5, true, json!(0)),
            (Kind::AdvancedDaemonSet, 0, 3, true, json!(3)),
            (Kind::CloneSet, 2, 10, true, json!("80%")),
            (Kind::CloneSet, 2, 10, false, json!(8)),
            (Kind::CloneSet, 5, 5, true, json!("0%")),
            (Kind::CloneSet, 0, 5, true, json!("100%")),
            (Kind::CloneSet, 1, 3, true, json!("66%")),
            // Kruise reads 1% of 101 as 2 pods: a number says what is meant.
            (Kind::CloneSet, 100, 101, true, json!(1)),
            (Kind::CloneSet, 0, 0, true, json!("0%")),
        ];
        for (kind, new, total, in_percent, expected) in cases {
            assert_eq!(
                value(kind, new, total, in_percent),
                expected,
                "{kind:?} {new} of {total}"
            );
        }
    }

    #[test]
    fn what_is_written_is_read_as_meant() {
        for kind in [
            Kind::StatefulSet,
            Kind::CloneSet,
            Kind::AdvancedStatefulSet,
            Kind::AdvancedDaemonSet,
        ] {
            for total in 0..=205 {
                for new in 0..=total {
                    for in_percent in [false, true] {
                        let partition = value(kind, new, total, in_percent);
                        assert_eq!(
                            kept(kind, &partition, total),
                            total - new,
                            "{kind:?} {partition} {new}/{total}"
                        );
                    }
                }
            }
        }
        assert_eq!(kept(Kind::CloneSet, &json!("99%"), 5), 4);
        assert_eq!(kept(Kind::CloneSet, &json!("100%"), 5), 5);
        assert_eq!(kept(Kind::StatefulSet, &json!(32_767), 5), 5);
        assert_eq!(kept(Kind::StatefulSet, &json!(null), 5), 0);
    }
}
