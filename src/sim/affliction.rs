//! What befalls pods and nodes beside what their images say: for those who ask what would be if.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Shared, Sim,
    object::{Object, seconds},
    resource::{NODES, PODS},
    store::Name,
};

/// Labels that tell a pod's version.
const REVISIONS: [&str; 2] = ["pod-template-hash", "controller-revision-hash"];

/// How a pod fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ailment {
    /// Its containers end again and again.
    Crashes,
    /// Its image is not there.
    NoImage,
    /// It runs and never becomes ready.
    NeverReady,
}

/// Pods of some versions fail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Affliction {
    /// How.
    pub ailment: Ailment,
    /// Versions whose pods stay well, by their labels.
    pub well: BTreeSet<String>,
    /// Which of the others.
    pub share: Share,
}

/// Which pods of an afflicted version fail, in the order in which they start.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Share {
    /// The first so many.
    First(u32),
    /// So many of a hundred, evenly.
    Percent(u32),
}

impl Share {
    /// Whether the pod that starts after so many others fails.
    fn takes(self, before: u32) -> bool {
        match self {
            Self::First(count) => before < count,
            Self::Percent(percent) => {
                let until = |pods: u32| u64::from(pods) * u64::from(percent) / 100;
                until(before + 1) > until(before)
            }
        }
    }
}

/// An affliction with the pods it has seen.
#[derive(Debug, Default)]
pub(super) struct Afflicted {
    what: Option<Affliction>,
    started: u32,
}

impl Afflicted {
    /// What befalls a pod that is starting.
    pub(super) fn strike(&mut self, pod: &Object) -> Option<Ailment> {
        let affliction = self.what.as_ref()?;
        let labels = pod.meta.get("labels");
        let revision = REVISIONS
            .iter()
            .find_map(|key| labels?.get(*key)?.as_str())
            .unwrap_or_default();
        if affliction.well.contains(revision) {
            return None;
        }
        let falls = affliction.share.takes(self.started);
        self.started += 1;
        falls.then_some(affliction.ailment)
    }
}

impl Sim {
    /// Lets pods that start from now on fail.
    pub fn afflict(&self, affliction: Affliction) {
        self.shared.lock().afflicted = Afflicted {
            what: Some(affliction),
            started: 0,
        };
    }

    /// Takes a node away: its pods are not ready from now on, and are removed when the garbage collector comes. Whether there
    /// was one of this name.
    pub fn lose_node(&self, name: &str) -> bool {
        lose(&self.shared, name)
    }
}

fn lose(shared: &Shared, name: &str) -> bool {
    let mut inner = shared.lock();
    let now = inner.options.clock.now();
    let store = &mut inner.store;
    let node = Name::new("", name);
    if store.get(NODES, &node).is_none() {
        return false;
    }
    let on_it: Vec<(Name, Object)> = store
        .collection(PODS)
        .objects
        .iter()
        .filter(|(_, pod)| pod.spec_at("/nodeName").is_some_and(|place| place == name))
        .map(|(name, pod)| (name.clone(), pod.clone()))
        .collect();
    for (_, mut pod) in on_it {
        let mut status = pod.status.as_deref().cloned().unwrap_or_else(|| json!({}));
        for condition in status["conditions"].as_array_mut().into_iter().flatten() {
            if condition["type"] == "Ready" && condition["status"] == "True" {
                condition["status"] = json!("False");
                condition["lastTransitionTime"] = Value::String(seconds(now));
            }
        }
        pod.status = Some(std::sync::Arc::new(status));
        store.replace(PODS, pod);
    }
    store.remove(NODES, &node);
    true
}

#[cfg(test)]
mod tests {
    use super::Share;

    #[test]
    fn shares_fall_evenly() {
        let taken = |share: Share| -> Vec<u32> { (0..10).filter(|before| share.takes(*before)).collect() };
        let cases = [
            (Share::First(2), vec![0, 1]),
            (Share::Percent(25), vec![3, 7]),
            (Share::Percent(100), (0..10).collect()),
            (Share::Percent(0), vec![]),
        ];
        for (share, expected) in cases {
            assert_eq!(taken(share), expected, "{share:?}");
        }
    }
}
