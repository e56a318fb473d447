//! The live view of many Rollouts.

use std::{collections::BTreeMap, time::Duration};

use futures::{Stream, StreamExt, stream::select_all};

use super::{
    keys,
    single::{self, Ending, Place},
};
use crate::{
    cli::Global,
    cluster::{Cluster, Found, follow::News},
    error::{Error, Kind, Result},
    exit_code,
    ui::{Live, Ui, live::Input},
    view::{
        Foot, Status, Tone,
        board::{board, sort},
        status::Seen,
    },
};

/// How often times that run are repainted.
const TICK: Duration = Duration::from_secs(1);

/// News that come together are painted together.
const GATHER: Duration = Duration::from_millis(100);

type Key = (String, String);

struct Board {
    rollouts: BTreeMap<Key, (Found, Status)>,
    /// Those that a list has not named yet, while one is being read.
    unlisted: Option<BTreeMap<Key, ()>>,
    rows: Vec<Status>,
    selected: Option<Key>,
    notice: Option<(String, Tone)>,
}

/// Shows Rollouts until the user leaves.
pub(super) async fn show(
    ui: &Ui,
    global: &Global,
    cluster: &Cluster,
    there: &[Found],
    selection: Option<(Option<String>, String)>,
    live: &mut Live,
) -> Result<u8> {
    let clock = cluster.clock;
    let mut board = Board::new(there)?;
    let mut news = news(cluster, there, selection);
    board.paint(cluster, live)?;
    loop {
        tokio::select! {
            item = news.next() => {
                let Some(item) = item else { return Err(Error::new(Kind::General, "the watch has ended")) };
                board.take(item)?;
                while let Ok(Some(item)) = tokio::time::timeout(GATHER, news.next()).await {
                    board.take(item)?;
                }
                board.arrange();
            }
            input = live.input() => {
                match input {
                    Input::Interrupt => return Err(Error::new(Kind::Interrupted, "interrupted")),
                    Input::Key('q') => {
                        board.notice = None;
                        return Ok(exit_code::DONE);
                    }
                    Input::Up => board.step(-1),
                    Input::Down => board.step(1),
                    other => {
                        let Some((found, status)) = board.chosen() else { continue };
                        let useful = keys::useful(&status);
                        let can = |key: &str| useful.iter().any(|(name, _)| *name == key);
                        board.notice = match other {
                            Input::Enter | Input::Key('e') => {
                                match single::show(ui, global, cluster, &found, live, (Place::OfBoard, None)).await? {
                                    Ending::Back => None,
                                    ending => return Ok(ending.code()),
                                }
                            }
                            Input::Key('a') if can("a") => Some(keys::approve(ui, global, live, &status).await?),
                            Input::Key('r') if can("r") => Some(keys::roll_back(ui, global, live, &status).await?),
                            Input::Key('p') if can("p") => Some(keys::pause(ui, global, live, &status).await?),
                            _ => None,
                        };
                    }
                }
            }
            () = clock.sleep(TICK) => {}
        }
        board.paint(cluster, live)?;
    }
}

/// What happens to the Rollouts: one watch for a selection, one each for names.
fn news<'a>(
    cluster: &'a Cluster,
    there: &[Found],
    selection: Option<(Option<String>, String)>,
) -> impl Stream<Item = News> + Unpin + 'a {
    let version = there.first().map(|found| found.version).unwrap_or_default();
    match selection {
        Some((namespace, labels)) => select_all(vec![cluster.news(version, namespace.as_deref(), &labels)]),
        None => {
            let one = |found: &Found| {
                let stream = cluster.news_of(found);
                // A list of one says nothing of the others.
                stream
                    .filter(|item| {
                        let keeps = !matches!(item, News::Afresh | News::Listed);
                        async move { keeps }
                    })
                    .boxed()
            };
            select_all(there.iter().map(one).collect::<Vec<_>>())
        }
    }
}

fn judged(found: &Found) -> Result<Status> {
    Ok(Status::of(&Seen {
        rollout: found.typed()?,
        ..Seen::default()
    }))
}

impl Board {
    fn new(there: &[Found]) -> Result<Self> {
        let mut board = Self {
            rollouts: BTreeMap::new(),
            unlisted: None,
            rows: Vec::new(),
            selected: None,
            notice: None,
        };
        for found in there {
            board.take(News::There(Box::new(found.clone())))?;
        }
        board.arrange();
        Ok(board)
    }

    fn take(&mut self, item: News) -> Result<()> {
        match item {
            News::There(found) => {
                let key = (found.namespace.clone(), found.name.clone());
                if let Some(unlisted) = &mut self.unlisted {
                    unlisted.remove(&key);
                }
                let status = judged(&found)?;
                self.rollouts.insert(key, (*found, status));
            }
            News::Gone(namespace, name) => drop(self.rollouts.remove(&(namespace, name))),
            News::Afresh => self.unlisted = Some(self.rollouts.keys().map(|key| (key.clone(), ())).collect()),
            News::Listed => {
                for key in self.unlisted.take().unwrap_or_default().into_keys() {
                    self.rollouts.remove(&key);
                }
                self.notice = None;
            }
            News::Trouble(error) => {
                self.notice = Some((format!("{}; trying again", error.message), Tone::Bad));
            }
        }
        Ok(())
    }

    fn arrange(&mut self) {
        self.rows = self.rollouts.values().map(|(_, status)| status.clone()).collect();
        sort(&mut self.rows);
        if self.at().is_none() {
            self.selected = self.rows.first().map(key);
        }
    }

    fn at(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.rows.iter().position(|row| key(row) == *selected)
    }

    fn step(&mut self, by: isize) {
        let at = self.at().unwrap_or(0).saturating_add_signed(by);
        let at = at.min(self.rows.len().saturating_sub(1));
        self.selected = self.rows.get(at).map(key);
    }

    fn chosen(&self) -> Option<(Found, Status)> {
        self.rollouts.get(self.selected.as_ref()?).cloned()
    }

    fn paint(&self, cluster: &Cluster, live: &mut Live) -> Result<()> {
        let mut keys = vec![("↑↓", "choose"), ("enter", "open")];
        if let Some((_, status)) = self.chosen() {
            keys.extend(keys::useful(&status));
        }
        keys.push(("q", "quit"));
        let has_keys = live.has_keys();
        let foot = Foot {
            notice: self.notice.clone(),
            keys: if has_keys { keys } else { Vec::new() },
        };
        let selected = self.at().filter(|_| has_keys);
        let lines = board(&self.rows, selected, &foot, cluster.clock.now(), live.size());
        live.paint(&lines)
    }
}

fn key(status: &Status) -> Key {
    (status.namespace.clone(), status.name.clone())
}
