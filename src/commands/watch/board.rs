//! The live view of many Rollouts.

use std::{collections::BTreeMap, time::Duration};

use super::{
    keys,
    single::{self, Ending, Place},
};
use crate::{
    cli::Global,
    cluster::{Cluster, Found, Key},
    commands::fleet::{Change, Fleet, unseen},
    error::{Error, Kind, Result},
    exit_code,
    ui::{Live, Ui, live::Input},
    view::{
        Foot, Status, Tone,
        board::{board, sort},
    },
};

/// How often times that run are repainted.
const TICK: Duration = Duration::from_secs(1);

/// News that come together are painted together.
const GATHER: Duration = Duration::from_millis(100);

struct Board<'a> {
    fleet: Fleet<'a>,
    /// By name; sorted into rows.
    statuses: BTreeMap<Key, Status>,
    rows: Vec<Status>,
    selected: Option<Key>,
    /// Whether the first picture is whole; from then on what is selected stays so wherever its row goes.
    is_settled: bool,
    notice: Option<(String, Tone)>,
    /// What may not be read, as long as it matters.
    unread: Option<String>,
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
    let mut board = Board::new(Fleet::new(cluster, there, selection)?);
    board.paint(cluster, live)?;
    loop {
        tokio::select! {
            change = board.fleet.next() => {
                let Some(change) = change? else { return Err(Error::new(Kind::General, "the watch has ended")) };
                board.take(change);
                while let Ok(change) = tokio::time::timeout(GATHER, board.fleet.next()).await {
                    let Some(change) = change? else { break };
                    board.take(change);
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
                                let shown = single::show(ui, global, cluster, &found, live, (Place::OfBoard, None));
                                match Box::pin(shown).await? {
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

impl<'a> Board<'a> {
    fn new(fleet: Fleet<'a>) -> Self {
        let statuses = fleet
            .keys()
            .filter_map(|key| Some((key.clone(), fleet.status(key)?)))
            .collect();
        let mut board = Self {
            fleet,
            statuses,
            rows: Vec::new(),
            selected: None,
            is_settled: false,
            notice: None,
            unread: None,
        };
        board.arrange();
        board
    }

    fn take(&mut self, change: Change) {
        for key in change.keys {
            match self.fleet.status(&key) {
                Some(status) => drop(self.statuses.insert(key, status)),
                None => drop(self.statuses.remove(&key)),
            }
        }
        if change.is_listed {
            self.notice = None;
        }
        if let Some(error) = change.trouble {
            self.notice = Some((format!("{}; trying again", error.message), Tone::Bad));
        }
        self.unread = change.unread.or(self.unread.take());
    }

    fn arrange(&mut self) {
        self.rows = self.statuses.values().cloned().collect();
        sort(&mut self.rows);
        if self.at().is_none() || !self.is_settled {
            self.selected = self.rows.first().map(key);
            self.is_settled = self.fleet.is_whole();
        }
    }

    fn at(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.rows.iter().position(|row| key(row) == *selected)
    }

    fn step(&mut self, by: isize) {
        self.is_settled = true;
        let at = self.at().unwrap_or(0).saturating_add_signed(by);
        let at = at.min(self.rows.len().saturating_sub(1));
        self.selected = self.rows.get(at).map(key);
    }

    fn chosen(&self) -> Option<(Found, Status)> {
        let key = self.selected.as_ref()?;
        Some((self.fleet.found(key)?.clone(), self.statuses.get(key)?.clone()))
    }

    fn paint(&self, cluster: &Cluster, live: &mut Live) -> Result<()> {
        let mut keys = vec![("↑↓", "choose"), ("enter", "open")];
        if let Some((_, status)) = self.chosen() {
            keys.extend(keys::useful(&status));
        }
        keys.push(("q", "quit"));
        let has_keys = live.has_keys();
        let foot = Foot {
            notice: self.notice.clone().or_else(|| {
                let sentence = self.unread.as_deref()?;
                Some((unseen(sentence), Tone::Wait))
            }),
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
