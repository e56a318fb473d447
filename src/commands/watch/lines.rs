//! One line per change, for logs, pipes and programs.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{StreamExt, stream::select_all};
use serde_json::{Value, json};

use super::ending;
use crate::{
    cli::values::Output,
    cluster::{Cluster, Found, Key, Resource},
    commands::{
        fleet::{Fleet, unseen},
        outage::Outage,
        reading, status,
    },
    error::{Error, Kind, Result},
    exit_code,
    ui::Ui,
    view::{Status, Until, change::stamped},
};

/// Notices that come together are answered by one look.
const GATHER: Duration = Duration::from_millis(50);

/// How long nothing may change before somebody looks all the same: a Lease that runs out tells nobody.
const LOOK: Duration = Duration::from_secs(10);

/// Where lines go, and in which form.
pub(super) struct Out<'a> {
    pub(super) ui: &'a Ui,
    pub(super) output: Option<&'a Output>,
    /// What is waited for; the end of the release otherwise.
    pub(super) until: Option<&'a Until>,
}

/// What was told of each Rollout last.
#[derive(Default)]
struct Told(BTreeMap<(String, String), String>);

impl Told {
    /// Tells the state of a Rollout unless it is what was told last.
    fn tell(
        &mut self,
        out: &Out<'_>,
        cluster: &Cluster,
        key: (String, String),
        status: Option<&Status>,
    ) -> Result<()> {
        let now = cluster.clock.now();
        let (namespace, name) = &key;
        let document = |status: Option<&Status>| match status {
            Some(status) => status.document(now),
            None => json!({
                "apiVersion": "cli.kruise.dev/v1", "kind": "RolloutStatus", "schema": "1.0",
                "object": { "namespace": namespace, "name": name }, "verdict": "Gone", "observedAt": now,
            }),
        };
        let text = || status.map_or_else(|| format!("{namespace}/{name}  gone"), Status::line);
        let line = match out.output {
            Some(Output::Data(_)) => without_time(document(status)).to_string(),
            _ => text(),
        };
        if self.0.get(&key) == Some(&line) {
            return Ok(());
        }
        match out.output {
            Some(Output::Data(format)) => out.ui.change(format, &document(status))?,
            Some(Output::Name) => out
                .ui
                .line(&Resource::Rollouts(Default::default()).object(name))?,
            None | Some(Output::Table | Output::Wide) => out.ui.line(&stamped(now, &text()))?,
        }
        self.0.insert(key, line);
        Ok(())
    }
}

/// A document without what changes as time goes by.
fn without_time(mut document: Value) -> Value {
    document["observedAt"] = Value::Null;
    document["step"]["remainingSeconds"] = Value::Null;
    document["next"]["sentence"] = Value::Null;
    document["object"]["resourceVersion"] = Value::Null;
    document["causes"] = document["causes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|cause| json!([cause["id"], cause["message"], cause["pods"]]))
        .collect();
    document
}

/// Follows until no release of these is under way, or what is waited for holds for each.
pub(super) async fn follow(
    out: &Out<'_>,
    cluster: &Cluster,
    there: &[Found],
    selection: Option<(Option<String>, String)>,
) -> Result<u8> {
    match (selection, there.first()) {
        (Some((namespace, labels)), Some(first)) => {
            let first = std::slice::from_ref(first);
            selected(
                out,
                cluster,
                Fleet::new(cluster, first, Some((namespace, labels)))?,
            )
            .await
        }
        _ => named(out, cluster, there).await,
    }
}

async fn named(out: &Out<'_>, cluster: &Cluster, rollouts: &[Found]) -> Result<u8> {
    let streams = rollouts
        .iter()
        .enumerate()
        .map(|(at, found)| cluster.follow(status::followed(found)).map(move |()| at).boxed());
    let mut notices = select_all(streams);
    let mut with_pods: BTreeMap<usize, bool> = BTreeMap::new();
    let mut states: BTreeMap<usize, Option<Status>> = BTreeMap::new();
    let mut told = Told::default();
    let mut outage = Outage::default();
    loop {
        for at in gather(cluster, &mut notices, rollouts.len()).await {
            let Some(found) = rollouts.get(at) else { continue };
            let state = match status::same(cluster, found).await {
                Ok(Some(now)) => Some(reading::status(cluster, &now).await),
                Ok(None) => None,
                Err(error) => Some(Err(error)),
            };
            let state = match state.transpose() {
                Ok(state) => state,
                // A server that is away for a moment changes nothing of what was told.
                Err(error) if error.kind == Kind::Unreachable && states.contains_key(&at) => {
                    outage.goes_on(&error).iter().for_each(|text| out.ui.warn(text));
                    continue;
                }
                Err(error) => return Err(error),
            };
            outage.is_over();
            // Which pods are whose is known once the workload was read.
            if let Some(state) = &state
                && state.selector.is_some()
                && with_pods.insert(at, true).is_none()
            {
                let pods = cluster.follow(status::pods(found, state));
                notices.push(pods.map(move |()| at).boxed());
            }
            let key = (found.namespace.clone(), found.name.clone());
            told.tell(out, cluster, key, state.as_ref())?;
            states.insert(at, state);
        }
        let endings: Result<Vec<Option<u8>>> = states
            .values()
            .map(|state| ending(out.until, state.as_ref()))
            .collect();
        let endings: Option<Vec<u8>> = endings?.into_iter().collect();
        if let Some(codes) = endings.filter(|codes| codes.len() == rollouts.len()) {
            return Ok(codes.into_iter().max().unwrap_or(exit_code::DONE));
        }
    }
}

/// Of many, only what the Rollouts themselves and the marks of their workloads say is told: no requests beside the watches.
async fn selected(out: &Out<'_>, cluster: &Cluster, mut fleet: Fleet<'_>) -> Result<u8> {
    let mut told = Told::default();
    let mut outage = Outage::default();
    // What is told once the marks are known.
    let mut news: BTreeSet<Key> = BTreeSet::new();
    while let Some(change) = fleet.next().await? {
        if let Some(sentence) = change.unread {
            out.ui.warn(&unseen(&sentence));
        }
        match change.trouble {
            Some(error) if error.kind == Kind::Forbidden => return Err(error),
            Some(error) => {
                outage.goes_on(&error).iter().for_each(|text| out.ui.warn(text));
                continue;
            }
            None => outage.is_over(),
        }
        news.extend(change.keys);
        let known: Vec<Key> = news.iter().filter(|key| fleet.knows(key)).cloned().collect();
        for key in known {
            news.remove(&key);
            let status = fleet.status(&key);
            told.tell(out, cluster, key, status.as_ref())?;
        }
        if fleet.is_whole() {
            let mut statuses = fleet.keys().filter_map(|key| fleet.status(key));
            let codes = statuses.try_fold(exit_code::DONE, |code, status| {
                let verdict = status.verdict;
                verdict.is_at_rest().then(|| code.max(verdict.exit_code()))
            });
            if let Some(code) = codes {
                return Ok(code);
            }
        }
    }
    Err(Error::new(Kind::General, "the watch has ended"))
}

/// Waits for a notice and takes those that come along with it; all of them when there was none for long.
async fn gather(
    cluster: &Cluster,
    notices: &mut (impl futures::Stream<Item = usize> + Unpin),
    all: usize,
) -> Vec<usize> {
    let mut changed = Vec::new();
    tokio::select! {
        notice = notices.next() => changed.extend(notice),
        () = cluster.clock.sleep(LOOK) => return (0..all).collect(),
    }
    while let Ok(Some(at)) = tokio::time::timeout(GATHER, notices.next()).await {
        changed.push(at);
    }
    changed.sort_unstable();
    changed.dedup();
    changed
}
