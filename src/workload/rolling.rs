//! How the ReplicaSets of a Deployment are sized while it is released in batches (engine-workloads 7.3).

/// One version of a Deployment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Version {
    /// Pods it should have.
    pub wanted: i32,
    /// Pods of it that are available.
    pub available: i32,
}

/// What the sizes must keep to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// Pods of all versions together.
    pub replicas: i32,
    /// Pods of the new version.
    pub new: i32,
    /// Pods there may be beyond `replicas`.
    pub surge: i32,
    /// Pods that may be missing from `replicas`.
    pub unavailable: i32,
}

/// One change of a size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// The new version gets this many pods.
    New(i32),
    /// The old version at this place gets this many pods.
    Old(usize, i32),
}

/// The next sizes; nothing when all is as it should be, or nothing may change before pods are available.
///
/// `new` is nothing as long as the new version has no ReplicaSet. `old` are the others in the order in which they go: the
/// newest first, the one from before the release last; that one grows when there are too few pods.
#[must_use]
pub fn changes(new: Option<&Version>, old: &[Version], bounds: Bounds) -> Vec<Change> {
    let target = bounds.new.clamp(0, bounds.replicas.max(0));
    let present = new.map_or(0, |new| new.wanted);
    let others: i32 = old
        .iter()
        .map(|version| version.wanted)
        .fold(0, i32::saturating_add);
    let most = bounds.replicas.saturating_add(bounds.surge);
    let room = most.saturating_sub(present.saturating_add(others)).max(0);
    if present < target {
        // Without a surge the first pod of the new version comes before an old one goes: with one ReplicaSet left the
        // Deployment's own controller would fill that up again.
        let least = if present == 0 && bounds.surge == 0 { 1 } else { 0 };
        let grown = present.saturating_add(room.max(least)).min(target);
        if grown > present {
            return vec![Change::New(grown)];
        }
    }
    let old_target = bounds.replicas - target;
    let mut changes = Vec::new();
    if others < old_target {
        let missing = old_target - others;
        // Pods that a smaller new version leaves open are filled within the surge, like any others.
        let grown = if present > target {
            missing.min(room)
        } else {
            missing
        };
        if grown > 0
            && let Some((place, version)) = old.iter().enumerate().next_back()
        {
            changes.push(Change::Old(place, version.wanted + grown));
            return changes;
        }
    }
    if present > target
        && let Some(new) = new
    {
        let spare = spare(Some(new), old, bounds);
        let broken = (new.wanted - new.available).max(0);
        let fewer = (present - target).min(broken + spare);
        if fewer > 0 {
            changes.push(Change::New(present - fewer));
        }
        return changes;
    }
    shrink(new, old, bounds, others - old_target)
}

/// Available pods beyond those that must be.
fn spare(new: Option<&Version>, old: &[Version], bounds: Bounds) -> i32 {
    let available: i32 = new
        .into_iter()
        .chain(old)
        .map(|version| version.available)
        .fold(0, i32::saturating_add);
    (available - (bounds.replicas - bounds.unavailable)).max(0)
}

/// Takes pods from the old versions: those first that serve nobody.
fn shrink(new: Option<&Version>, old: &[Version], bounds: Bounds, quota: i32) -> Vec<Change> {
    let all: i32 = new
        .into_iter()
        .chain(old)
        .map(|version| version.wanted)
        .fold(0, i32::saturating_add);
    let starting = new.map_or(0, |new| (new.wanted - new.available).max(0));
    let mut left = (all - (bounds.replicas - bounds.unavailable) - starting).min(quota);
    if left <= 0 {
        return Vec::new();
    }
    let mut sizes: Vec<i32> = old.iter().map(|version| version.wanted).collect();
    for (size, version) in sizes.iter_mut().zip(old) {
        let broken = (version.wanted - version.available).clamp(0, left);
        *size -= broken;
        left -= broken;
    }
    let mut spare = spare(new, old, bounds).min(left);
    for (size, version) in sizes.iter_mut().zip(old) {
        let fewer = spare.min(*size).min(version.available);
        *size -= fewer;
        spare -= fewer;
    }
    let changed = old.iter().zip(sizes).enumerate();
    changed
        .filter(|(_, (version, size))| version.wanted != *size)
        .map(|(place, (_, size))| Change::Old(place, size))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Change, Version, changes};

    /// Carries the changes out until there are none; pods are available at once, those of the new version if `ready`.
    fn settle(new: &mut Option<i32>, old: &mut [i32], bounds: Bounds, ready: bool) -> Vec<String> {
        let mut states = Vec::new();
        for _ in 0..50 {
            let version = |wanted: i32, ready: bool| Version {
                wanted,
                available: if ready { wanted } else { 0 },
            };
            let olds: Vec<Version> = old.iter().map(|wanted| version(*wanted, true)).collect();
            let made = new.map(|wanted| version(wanted, ready));
            let next = changes(made.as_ref(), &olds, bounds);
            if next.is_empty() {
                break;
            }
            for change in next {
                match change {
                    Change::New(to) => *new = Some(to),
                    Change::Old(place, to) => old[place] = to,
                }
            }
            let olds: Vec<String> = old.iter().rev().map(i32::to_string).collect();
            states.push(format!("{}/{}", olds.join("/"), new.unwrap_or(0)));
        }
        states
    }

    /// The API server takes such a surge.
    #[test]
    fn a_surge_without_bounds_is_room_for_all() {
        let bounds = Bounds {
            replicas: 3,
            new: 3,
            surge: i32::MAX,
            unavailable: 0,
        };
        let old = Version {
            wanted: 3,
            available: 3,
        };
        assert_eq!(changes(None, &[old], bounds), [Change::New(3)]);
    }

    /// Traces of upstream (engine-workloads 7.6), read as old/new; but at a limit of 0 nothing starts.
    #[test]
    fn goes_the_way_upstream_goes() {
        type Case<'a> = (&'a str, i32, i32, i32, &'a [i32], &'a str);
        let cases: [Case<'_>; 8] = [
            (
                "10 of 25%/25%",
                10,
                3,
                2,
                &[0, 2, 5, 9, 10],
                " | 10/2 8/2 | 8/5 5/5 | 5/8 1/8 1/9 | 1/10 0/10",
            ),
            (
                "5 of 25%/25%",
                5,
                2,
                1,
                &[0, 1, 3, 5],
                " | 5/1 4/1 | 4/3 2/3 | 2/5 0/5",
            ),
            (
                "5 of 1/0",
                5,
                1,
                0,
                &[0, 3, 5],
                " | 5/1 4/1 4/2 3/2 3/3 2/3 | 2/4 1/4 1/5 0/5",
            ),
            (
                "5 of 0/1",
                5,
                0,
                1,
                &[0, 3, 5],
                " | 5/1 3/1 3/2 2/2 2/3 | 1/3 1/4 0/4 0/5",
            ),
            ("1 of 25%/25%", 1, 1, 0, &[0, 1, 1], " | 1/1 0/1 | "),
            ("1 of 0/1", 1, 0, 1, &[0, 1], " | 1/1 0/1"),
            ("2 of 25%/25%", 2, 1, 0, &[0, 1, 1, 2], " | 2/1 1/1 |  | 1/2 0/2"),
            (
                "10 of 0/2",
                10,
                0,
                2,
                &[2, 5, 10],
                "10/1 8/1 8/2 | 6/2 6/4 5/4 5/5 | 3/5 3/7 1/7 1/9 0/9 0/10",
            ),
        ];
        for (name, replicas, surge, unavailable, limits, expected) in cases {
            let (mut new, mut old) = (None, [replicas]);
            let told: Vec<String> = limits
                .iter()
                .map(|limit| {
                    let bounds = Bounds {
                        replicas,
                        new: *limit,
                        surge,
                        unavailable,
                    };
                    settle(&mut new, &mut old, bounds, true).join(" ")
                })
                .collect();
            assert_eq!(told.join(" | "), expected, "{name}");
        }
    }

    #[test]
    fn waits_for_pods_that_do_not_come() {
        let bounds = |surge, unavailable| Bounds {
            replicas: 5,
            new: 3,
            surge,
            unavailable,
        };
        for (surge, unavailable, expected) in [(0, 1, "5/1 4/1"), (1, 0, "5/1"), (2, 1, "5/2 4/2 4/3")] {
            let (mut new, mut old) = (None, [5]);
            assert_eq!(
                settle(&mut new, &mut old, bounds(surge, unavailable), false).join(" "),
                expected
            );
        }
    }

    #[test]
    fn a_third_version_takes_the_place_of_the_second_first() {
        let (mut new, mut old) = (None, [2, 3]);
        let told: Vec<String> = [0, 1, 3, 5]
            .iter()
            .map(|limit| {
                let bounds = Bounds {
                    replicas: 5,
                    new: *limit,
                    surge: 2,
                    unavailable: 1,
                };
                settle(&mut new, &mut old, bounds, true).join(" ")
            })
            .collect();
        assert_eq!(told.join(" | "), " | 3/2/1 3/1/1 | 3/1/3 2/0/3 | 2/0/5 0/0/5");
    }

    #[test]
    fn follows_when_the_workload_is_scaled() {
        let (mut new, mut old) = (Some(2), [3]);
        let grown = Bounds {
            replicas: 10,
            new: 4,
            surge: 3,
            unavailable: 2,
        };
        assert_eq!(settle(&mut new, &mut old, grown, true).join(" "), "3/4 6/4");
        let shrunk = Bounds {
            replicas: 4,
            new: 2,
            surge: 1,
            unavailable: 1,
        };
        assert_eq!(settle(&mut new, &mut old, shrunk, true).join(" "), "6/2 2/2");
        // Scaled to nothing and back while nobody looked: its own controller gave everything to the new version.
        let (mut new, mut old) = (Some(10), [0]);
        let back = Bounds {
            replicas: 10,
            new: 2,
            surge: 3,
            unavailable: 2,
        };
        assert_eq!(
            settle(&mut new, &mut old, back, true).join(" "),
            "3/10 3/5 8/5 8/2"
        );
    }

    #[test]
    fn never_takes_more_than_the_strategy_allows() {
        for replicas in 1..=7 {
            for (surge, unavailable) in [(0, 1), (1, 0), (1, 1), (2, 1), (0, 3)] {
                for limit in 0..=replicas {
                    let (mut new, mut old) = (
                        Version::default(),
                        Version {
                            wanted: replicas,
                            available: replicas,
                        },
                    );
                    for round in 0..60 {
                        let bounds = Bounds {
                            replicas,
                            new: limit,
                            surge,
                            unavailable: unavailable.min(replicas),
                        };
                        for change in changes(Some(&new), std::slice::from_ref(&old), bounds) {
                            match change {
                                Change::New(to) => new.wanted = to,
                                Change::Old(_, to) => {
                                    old.available = old.available.min(to);
                                    old.wanted = to;
                                }
                            }
                        }
                        assert!(
                            new.available + old.available >= replicas - bounds.unavailable,
                            "{replicas} {bounds:?} round {round}: {new:?} {old:?}"
                        );
                        assert!(
                            new.wanted + old.wanted <= replicas + surge.max(1),
                            "{bounds:?}: {new:?} {old:?}"
                        );
                        // One pod at a time becomes available.
                        new.available = (new.available + 1).min(new.wanted);
                    }
                    assert_eq!((new.wanted, old.wanted), (limit, replicas - limit));
                }
            }
        }
    }
}
