//! Many Rollouts at once, with what the metadata of their workloads tells: one list or watch of each kind, not of each
//! Rollout.

use std::collections::{BTreeMap, BTreeSet};

use futures::{
    StreamExt,
    future::try_join_all,
    stream::{BoxStream, SelectAll},
};

use super::reading::{Unread, sentence};
use crate::{
    api::v1beta1::Rollout,
    cluster::{Cluster, Found, Key, Outline, Roster, Served, follow::News},
    error::{Error, Kind, Result},
    release::Position,
    view::{
        Status,
        status::{Looked, Seen},
    },
    workload,
};

/// What it means that the workloads of some kind may not be read.
#[must_use]
pub fn unseen(sentence: &str) -> String {
    format!("{sentence}: new versions that are held back are not shown")
}

/// The kind and the name of a Rollout's workload, where it matters what that carries.
fn workload_of(rollout: &Rollout) -> Option<(Served, &str)> {
    let position = Position::of(rollout);
    let reference = &rollout.spec.workload_ref;
    let kind = workload::Kind::named(reference).filter(|_| position.may_be_held_unsaid())?;
    let served = Served::namespaced(&reference.api_version, kind.kind(), kind.plural());
    Some((served, &reference.name))
}

fn judged(rollout: Rollout, workload: Looked) -> Status {
    Status::of(&Seen {
        rollout,
        workload,
        ..Seen::default()
    })
}

/// The state of each of these Rollouts, in their order, and what could not be read, one sentence each. A kind whose Rollouts
/// are all in one namespace is listed there.
///
/// # Errors
/// When workloads cannot be read for another reason than missing rights.
pub async fn statuses(
    cluster: &Cluster,
    rollouts: Vec<Result<Found>>,
) -> Result<(Vec<Result<Status>>, Vec<String>)> {
    let typed: Vec<Result<Rollout>> = rollouts.into_iter().map(|found| found?.typed()).collect();
    let namespace = |rollout: &Rollout| rollout.metadata.namespace.clone().unwrap_or_default();
    let mut kinds: Vec<(Served, BTreeSet<String>)> = Vec::new();
    for rollout in typed.iter().flatten() {
        let Some((served, _)) = workload_of(rollout) else {
            continue;
        };
        match kinds.iter_mut().find(|(known, _)| *known == served) {
            Some((_, namespaces)) => drop(namespaces.insert(namespace(rollout))),
            None => kinds.push((served, BTreeSet::from([namespace(rollout)]))),
        }
    }
    let unread = Unread::lenient();
    let lists = try_join_all(kinds.iter().map(async |(served, namespaces)| {
        let only = namespaces.first().filter(|_| namespaces.len() == 1);
        match cluster.outlines(served, only.map(String::as_str)).await {
            // A cluster without the kind has no object of it either.
            Err(error) if error.kind == Kind::NotFound => Ok(Some(Vec::new())),
            answer => unread.or(answer.map(Some), None),
        }
    }))
    .await?;
    let marks: Vec<Option<BTreeMap<Key, bool>>> = lists
        .into_iter()
        .map(|list| {
            let mark = |outline: Outline| ((outline.namespace, outline.name), outline.marked);
            Some(list?.into_iter().map(mark).collect())
        })
        .collect();
    let looked = |rollout: &Rollout| {
        let Some((served, name)) = workload_of(rollout) else {
            return Looked::NotWanted;
        };
        let at = kinds.iter().position(|(known, _)| *known == served);
        match at.and_then(|at| marks.get(at)).and_then(Option::as_ref) {
            None => Looked::Unread,
            Some(marks) => match marks.get(&(namespace(rollout), name.to_owned())) {
                Some(marked) => Looked::Outlined { marked: *marked },
                None => Looked::Missing,
            },
        }
    };
    let statuses = typed.into_iter().map(|rollout| {
        let rollout = rollout?;
        let workload = looked(&rollout);
        Ok(judged(rollout, workload))
    });
    Ok((statuses.collect(), unread.sentences()))
}

/// What is known of the workloads of one kind.
struct Workloads {
    served: Served,
    /// Where they are followed; everywhere when it is none.
    namespace: Option<String>,
    marks: Roster<bool>,
    /// They cannot be read, for want of rights most of the time.
    is_refused: bool,
}

impl Workloads {
    fn is_read(&self) -> bool {
        self.marks.is_whole() && !self.is_refused
    }
}

enum Item {
    Rollout(News),
    Workload(usize, News<Outline>),
}

/// What is new.
#[derive(Debug, Default)]
pub struct Change {
    /// The Rollouts whose state may be another one, those that are gone among them.
    pub keys: BTreeSet<Key>,
    /// Whether all Rollouts were named anew.
    pub is_listed: bool,
    /// The server does not answer, or refuses; it is asked again.
    pub trouble: Option<Error>,
    /// What may not be read, as a sentence; told once.
    pub unread: Option<String>,
}

/// Rollouts that are followed, each with the mark of its workload.
pub struct Fleet<'a> {
    cluster: &'a Cluster,
    /// Where a selection is followed; nothing where the Rollouts are followed by name.
    selection: Option<Option<String>>,
    news: SelectAll<BoxStream<'a, Item>>,
    rollouts: Roster<(Found, Rollout)>,
    workloads: Vec<Workloads>,
}

impl<'a> Fleet<'a> {
    /// Follows a selection by one watch (its namespace, all when there is none, and its labels), else these by their names.
    ///
    /// # Errors
    /// When one of them cannot be read as a Rollout.
    pub fn new(
        cluster: &'a Cluster,
        there: &[Found],
        selection: Option<(Option<String>, String)>,
    ) -> Result<Self> {
        let version = there.first().map(|found| found.version).unwrap_or_default();
        let mut fleet = Self {
            cluster,
            selection: selection.as_ref().map(|(namespace, _)| namespace.clone()),
            news: SelectAll::new(),
            rollouts: Roster::default(),
            workloads: Vec::new(),
        };
        match selection {
            Some((namespace, labels)) => {
                let news = cluster.news(version, namespace.as_deref(), &labels);
                fleet.news.push(news.map(Item::Rollout).boxed());
            }
            None => {
                fleet.rollouts.set_whole();
                for found in there {
                    // A list of one says nothing of the others.
                    let of_others = |item: &News| matches!(item, News::Afresh | News::Listed);
                    let news = cluster
                        .news_of(found)
                        .filter(move |item| std::future::ready(!of_others(item)));
                    fleet.news.push(news.map(Item::Rollout).boxed());
                }
            }
        }
        for found in there {
            fleet.take(Item::Rollout(News::There(Box::new(found.clone()))))?;
        }
        Ok(fleet)
    }

    /// Waits for what is new; nothing when the watches have ended.
    ///
    /// # Errors
    /// When a Rollout cannot be read as one.
    pub async fn next(&mut self) -> Result<Option<Change>> {
        match self.news.next().await {
            Some(item) => self.take(item).map(Some),
            None => Ok(None),
        }
    }

    /// The Rollouts that are there.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.rollouts.objects().keys()
    }

    /// A Rollout as it is now; nothing when it is gone.
    #[must_use]
    pub fn found(&self, key: &Key) -> Option<&Found> {
        self.rollouts.get(key).map(|(found, _)| found)
    }

    /// The state of a Rollout, as far as it is known; nothing when it is gone.
    #[must_use]
    pub fn status(&self, key: &Key) -> Option<Status> {
        let (_, rollout) = self.rollouts.get(key)?;
        Some(judged(rollout.clone(), self.looked(key, rollout)))
    }

    /// Whether nothing that was begun to be read is missing for the state of a Rollout.
    #[must_use]
    pub fn knows(&self, key: &Key) -> bool {
        let rollout = self.rollouts.get(key).map(|(_, rollout)| rollout);
        rollout
            .and_then(workload_of)
            .and_then(|(served, _)| self.of(&served, &key.0))
            .is_none_or(|workloads| workloads.is_refused || workloads.marks.is_whole())
    }

    /// Whether all that is followed was named at least once.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.rollouts.is_whole() && self.keys().all(|key| self.knows(key))
    }

    fn of(&self, served: &Served, namespace: &str) -> Option<&Workloads> {
        self.workloads.iter().find(|workloads| {
            workloads.served == *served && workloads.namespace.as_deref().is_none_or(|own| own == namespace)
        })
    }

    fn looked(&self, key: &Key, rollout: &Rollout) -> Looked {
        let Some((served, name)) = workload_of(rollout) else {
            return Looked::NotWanted;
        };
        match self.of(&served, &key.0) {
            Some(workloads) if workloads.is_read() => {
                match workloads.marks.get(&(key.0.clone(), name.to_owned())) {
                    Some(marked) => Looked::Outlined { marked: *marked },
                    None => Looked::Missing,
                }
            }
            Some(workloads) if workloads.is_refused => Looked::Unread,
            _ => Looked::NotWanted,
        }
    }

    fn take(&mut self, item: Item) -> Result<Change> {
        match item {
            Item::Rollout(news) => self.take_rollout(news),
            Item::Workload(at, news) => Ok(self.take_workload(at, news)),
        }
    }

    fn take_rollout(&mut self, news: News) -> Result<Change> {
        let mut change = Change::default();
        match news {
            News::There(found) => {
                let key = (found.namespace.clone(), found.name.clone());
                let rollout = found.typed()?;
                self.follow_workload(&rollout, &key.0);
                self.rollouts.put(key.clone(), (*found, rollout));
                change.keys.insert(key);
            }
            News::Gone(namespace, name) => {
                let key = (namespace, name);
                self.rollouts.remove(&key);
                change.keys.insert(key);
            }
            News::Afresh => self.rollouts.begin(),
            News::Listed => {
                change.keys = self.rollouts.end();
                change.is_listed = true;
            }
            News::Trouble(error) => change.trouble = Some(error),
        }
        Ok(change)
    }

    /// Begins to follow the workloads of a kind, where a Rollout is the first to name it.
    fn follow_workload(&mut self, rollout: &Rollout, namespace: &str) {
        let Some((served, _)) = workload_of(rollout) else {
            return;
        };
        if self.of(&served, namespace).is_some() {
            return;
        }
        let namespace = self
            .selection
            .clone()
            .unwrap_or_else(|| Some(namespace.to_owned()));
        let at = self.workloads.len();
        let news = self.cluster.outlined(&served, namespace.as_deref());
        self.news
            .push(news.map(move |news| Item::Workload(at, news)).boxed());
        self.workloads.push(Workloads {
            served,
            namespace,
            marks: Roster::default(),
            is_refused: false,
        });
    }

    fn take_workload(&mut self, at: usize, news: News<Outline>) -> Change {
        let mut change = Change::default();
        let Some(workloads) = self.workloads.get_mut(at) else {
            return change;
        };
        // What is new of one workload, or of all of them.
        let mut touched = None;
        let mut all = false;
        match news {
            News::There(outline) => {
                let Outline {
                    namespace,
                    name,
                    marked,
                } = *outline;
                let key = (namespace, name);
                let before = workloads.marks.put(key.clone(), marked);
                touched = Some(key).filter(|_| before != Some(marked));
            }
            News::Gone(namespace, name) => {
                let key = (namespace, name);
                workloads.marks.remove(&key);
                touched = Some(key);
            }
            News::Afresh => workloads.marks.begin(),
            News::Listed => {
                workloads.marks.end();
                workloads.is_refused = false;
                all = true;
            }
            News::Trouble(error) => match error.kind {
                Kind::Unreachable => change.trouble = Some(error),
                // A cluster without the kind has no object of it either; it is asked again.
                Kind::NotFound => {
                    all = !workloads.is_read();
                    workloads.marks.clear();
                    workloads.is_refused = false;
                }
                _ if workloads.is_refused => {}
                // The Rollouts are worth more than the marks: they are shown without.
                _ => {
                    change.unread = Some(sentence(&error));
                    workloads.is_refused = true;
                    all = true;
                }
            },
        }
        let served = workloads.served.clone();
        let is_read = workloads.is_read();
        let touched = touched.filter(|_| is_read);
        if all || touched.is_some() {
            let named = self.rollouts.objects().iter().filter(|(key, (_, rollout))| {
                let names = |(kind, name): (Served, &str)| {
                    let is_it = |(place, workload): &Key| *place == key.0 && workload == name;
                    kind == served && touched.as_ref().is_none_or(is_it)
                };
                workload_of(rollout).is_some_and(names)
            });
            change.keys = named.map(|(key, _)| key.clone()).collect();
        }
        change
    }
}
