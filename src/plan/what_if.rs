//! What else might happen while a release goes on: slow and failing pods, a node that is lost.

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use crate::{
    engine::core::Reason,
    sim::{Affliction, Ailment, Share, Sim},
};

/// One thing that might happen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WhatIf {
    /// New pods take this long to become ready.
    SlowPods(Duration),
    /// Pods of the new version fail.
    FailingPods(Ailment, Share),
    /// A node is lost when the first pause is reached: the named one, or the one with the most pods of the workload.
    NodeLost(Option<String>),
}

/// How they are typed, each with what it means.
pub const FORMS: [(&str, &str); 6] = [
    ("crash", "every pod of the new version crashes"),
    ("missing-image", "the image of the new version is not there"),
    (
        "never-ready",
        "pods of the new version run and never become ready",
    ),
    ("failing-pods=", "N or N% of the new version's pods crash"),
    (
        "slow-pods=",
        "new pods take this long to become ready, such as 90s",
    ),
    (
        "node-lost",
        "the node with most of the pods is lost at the first pause; node-lost=NAME for another",
    ),
];

impl FromStr for WhatIf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, value) = text
            .split_once('=')
            .map_or((text, None), |(word, value)| (word, Some(value)));
        let all = |ailment| Ok(Self::FailingPods(ailment, Share::Percent(100)));
        match (word, value) {
            ("crash", None) => all(Ailment::Crashes),
            ("missing-image", None) => all(Ailment::NoImage),
            ("never-ready", None) => all(Ailment::NeverReady),
            ("failing-pods", Some(value)) => share(value)
                .map(|share| Self::FailingPods(Ailment::Crashes, share))
                .ok_or_else(|| {
                    format!("{value:?} is neither a number of pods nor a percentage from 1% to 100%")
                }),
            ("slow-pods", Some(value)) => span(value)
                .map(Self::SlowPods)
                .ok_or_else(|| format!("{value:?} is no time such as 90s, 5m or 1h")),
            ("node-lost", None) => Ok(Self::NodeLost(None)),
            ("node-lost", Some(name)) if !name.is_empty() => Ok(Self::NodeLost(Some(name.to_owned()))),
            _ => {
                let known: Vec<String> = FORMS
                    .iter()
                    .map(|(form, help)| format!("  {form}  {help}"))
                    .collect();
                Err(format!("it is none of\n{}", known.join("\n")))
            }
        }
    }
}

fn share(text: &str) -> Option<Share> {
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number > 0);
    match text.strip_suffix('%') {
        Some(percent) => number(percent)
            .filter(|percent| *percent <= 100)
            .map(Share::Percent),
        None => number(text).map(Share::First),
    }
}

fn span(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "s" | "" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(factor)?;
    // A release that takes longer is not followed.
    (seconds <= 30 * 86_400).then(|| Duration::from_secs(seconds))
}

impl fmt::Display for WhatIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SlowPods(span) => write!(f, "new pods take {} s to become ready", span.as_secs()),
            Self::FailingPods(ailment, share) => {
                match share {
                    Share::First(count) => write!(f, "the first {count} pods of the new version ")?,
                    Share::Percent(100) => f.write_str("pods of the new version ")?,
                    Share::Percent(percent) => write!(f, "{percent}% of the new version's pods ")?,
                }
                f.write_str(match ailment {
                    Ailment::Crashes => "crash",
                    Ailment::NoImage => "do not find their image",
                    Ailment::NeverReady => "never become ready",
                })
            }
            Self::NodeLost(Some(name)) => write!(f, "node {name} is lost at the first pause"),
            Self::NodeLost(None) => f.write_str("the node with most of the pods is lost at the first pause"),
        }
    }
}

/// Puts in place what holds from the beginning. `well` are the revisions whose pods do not fail.
pub(super) fn begin(sim: &Sim, all: &[WhatIf], well: &BTreeSet<String>) {
    for one in all {
        if let WhatIf::FailingPods(ailment, share) = one {
            sim.afflict(Affliction {
                ailment: *ailment,
                well: well.clone(),
                share: *share,
            });
        }
    }
}

/// How long new pods take, if that is asked about.
pub(super) fn slow(all: &[WhatIf]) -> Option<Duration> {
    all.iter().rev().find_map(|one| match one {
        WhatIf::SlowPods(span) => Some(*span),
        _ => None,
    })
}

/// The nodes that are lost at the first pause of a release, whoever ends it.
pub struct Losses {
    sim: Sim,
    coming: Vec<Option<String>>,
    namespace: String,
    /// The step of the pause at which nodes were lost.
    lost_at: Option<i32>,
}

impl Losses {
    pub(super) fn new(sim: &Sim, all: &[WhatIf], namespace: &str) -> Self {
        let names = all.iter().filter_map(|one| match one {
            WhatIf::NodeLost(name) => Some(name.clone()),
            _ => None,
        });
        Self {
            sim: sim.clone(),
            coming: names.collect(),
            namespace: namespace.to_owned(),
            lost_at: None,
        }
    }

    /// What cannot be told of a lost node where it ends, which is at the pause of a step, or elsewhere.
    #[must_use]
    pub fn untold(&self, end: Option<i32>) -> Option<&'static str> {
        if !self.coming.is_empty() {
            Some("what a lost node does: the release comes to no pause at which it would be lost")
        } else if self.lost_at.is_some() && self.lost_at == end {
            Some("what a lost node does: the plan ends at the pause at which it is lost")
        } else {
            None
        }
    }

    /// Takes the nodes away if this is what an engine says at a pause, and they are still there.
    ///
    /// # Errors
    /// A name that no node has.
    pub fn see(&mut self, said: &Reason) -> Result<(), String> {
        let (Reason::WaitingForApproval { step, .. } | Reason::TimedPause { step, .. }) = said else {
            return Ok(());
        };
        for name in std::mem::take(&mut self.coming) {
            let Some(node) = name.or_else(|| fullest(&self.sim, &self.namespace)) else {
                // No pod is on any.
                self.coming.push(None);
                continue;
            };
            if !self.sim.lose_node(&node) {
                return Err(unknown_node(&self.sim, &node));
            }
            self.lost_at = Some(*step);
        }
        Ok(())
    }
}

fn unknown_node(sim: &Sim, node: &str) -> String {
    let known = sim.list("v1", "Node", None);
    let known: Vec<&str> = known
        .iter()
        .filter_map(|node| node["metadata"]["name"].as_str())
        .collect();
    format!(
        "there is no node {node:?} with pods; there are {}",
        known.join(", ")
    )
}

/// Whether the nodes that are to be lost are there.
///
/// # Errors
/// A name that no node has.
pub(super) fn check(sim: &Sim, all: &[WhatIf]) -> Result<(), String> {
    let mut names = all.iter().filter_map(|one| match one {
        WhatIf::NodeLost(name) => name.as_deref(),
        _ => None,
    });
    let unknown = names.find(|name| sim.get("v1", "Node", "", name).is_none());
    unknown.map_or(Ok(()), |name| Err(unknown_node(sim, name)))
}

/// The node with most of the pods; the first of them by name.
fn fullest(sim: &Sim, namespace: &str) -> Option<String> {
    let pods = sim.list("v1", "Pod", Some(namespace));
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for node in pods.iter().filter_map(|pod| pod["spec"]["nodeName"].as_str()) {
        *counts.entry(node).or_default() += 1;
    }
    let most = *counts.values().max()?;
    counts
        .into_iter()
        .find(|(_, count)| *count == most)
        .map(|(node, _)| node.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Losses, WhatIf};
    use crate::{
        clock::Clock,
        engine::core::Reason,
        sim::{self, Ailment, Share, Sim},
    };

    #[tokio::test(start_paused = true)]
    async fn nodes_are_lost_at_the_first_pause_whoever_ends_it() {
        let starting = Reason::Starting;
        let timed = Reason::TimedPause {
            step: 1,
            total: 2,
            seconds: 60,
        };
        let asked = Reason::WaitingForApproval { step: 1, total: 2 };
        let options = sim::Options::new(Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap()));
        let sim = Sim::new(options);
        let lost = Err("there is no node \"a\" with pods; there are node-0, node-1, node-2".to_owned());
        for pause in [timed, asked] {
            let mut losses = Losses::new(&sim, &[WhatIf::NodeLost(Some("a".to_owned()))], "shop");
            assert_eq!(losses.see(&starting), Ok(()));
            assert_eq!(losses.see(&pause), lost);
            // Once.
            assert_eq!(losses.see(&pause), Ok(()));
        }
    }

    #[test]
    fn reads_what_is_typed() {
        let failing = |share| Ok(WhatIf::FailingPods(Ailment::Crashes, share));
        let cases = [
            ("crash", failing(Share::Percent(100))),
            ("failing-pods=2", failing(Share::First(2))),
            ("failing-pods=25%", failing(Share::Percent(25))),
            ("slow-pods=5m", Ok(WhatIf::SlowPods(Duration::from_secs(300)))),
            ("slow-pods=90", Ok(WhatIf::SlowPods(Duration::from_secs(90)))),
            ("node-lost", Ok(WhatIf::NodeLost(None))),
            ("node-lost=a", Ok(WhatIf::NodeLost(Some("a".to_owned())))),
            (
                "failing-pods=0",
                Err("\"0\" is neither a number of pods nor a percentage from 1% to 100%"),
            ),
            (
                "failing-pods=101%",
                Err("\"101%\" is neither a number of pods nor a percentage from 1% to 100%"),
            ),
            ("slow-pods=soon", Err("\"soon\" is no time such as 90s, 5m or 1h")),
            (
                "slow-pods=999999999h",
                Err("\"999999999h\" is no time such as 90s, 5m or 1h"),
            ),
            ("node-lost=", Err("it is none of")),
            ("rain", Err("it is none of")),
        ];
        for (text, expected) in cases {
            let read = text.parse::<WhatIf>();
            let read = read.map_err(|why| why.lines().next().unwrap_or_default().to_owned());
            assert_eq!(read, expected.map_err(str::to_owned), "{text}");
        }
    }
}
