//! The live view of one Rollout.

use std::{future::Future, pin::Pin, time::Duration};

use futures::{Stream, StreamExt, stream::BoxStream};
use jiff::{SignedDuration, Timestamp};

use super::{ending, keys};
use crate::{
    cli::Global,
    cluster::{Cluster, Found},
    commands::{reading, status},
    error::{Error, Kind, Result},
    exit_code,
    ui::{Live, Ui, live::Input},
    view::{
        Explanation, Foot, Line, Status, Tone, Until,
        frame::{fitted, foot_lines, frame},
    },
};

/// How often times that run are repainted.
const TICK: Duration = Duration::from_secs(1);

/// The shortest time between two looks; a server that takes long to answer is asked less often.
const BETWEEN: SignedDuration = SignedDuration::from_millis(200);

/// How long nothing may change before somebody looks all the same: a Lease that runs out tells nobody.
const LOOK: SignedDuration = SignedDuration::from_secs(5);

/// Where the text of an explanation begins, behind the word that says what it is.
const INDENT: usize = 14;

/// How long a notice stands.
const STANDS: SignedDuration = SignedDuration::from_secs(8);

/// Where the view is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// It ends with the release.
    Alone,
    /// It was opened from the board, which it leads back to.
    OfBoard,
}

/// How the view ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    /// The release is over; the exit code says how.
    Over(u8),
    /// The user leaves.
    Quit,
    /// Back to the board.
    Back,
}

impl Ending {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Over(code) => code,
            Self::Quit | Self::Back => exit_code::DONE,
        }
    }
}

type Reading<'a> = Pin<Box<dyn Future<Output = Result<Looked>> + 'a>>;

/// What a look comes to.
enum Looked {
    /// The Rollout is there.
    There(Box<Status>),
    /// It is gone.
    Gone,
    /// The causes in full.
    Explained(Box<Status>),
}

/// What the screen shows.
enum Page {
    State,
    /// Why, scrolled by so many lines.
    Why(Box<Status>, usize),
}

struct View<'a> {
    cluster: &'a Cluster,
    found: &'a Found,
    place: Place,
    until: Option<&'a Until>,
    status: Option<Status>,
    gone: bool,
    page: Page,
    notice: Option<(String, Tone, Timestamp)>,
    has_keys: bool,
}

/// Shows one Rollout until its release is over or the user leaves.
pub(super) async fn show(
    ui: &Ui,
    global: &Global,
    cluster: &Cluster,
    found: &Found,
    live: &mut Live,
    (place, until): (Place, Option<&Until>),
) -> Result<Ending> {
    let clock = cluster.clock;
    let mut view = View {
        cluster,
        found,
        place,
        until,
        status: None,
        gone: false,
        page: Page::State,
        notice: None,
        has_keys: live.has_keys(),
    };
    let mut notices: BoxStream<'_, ()> = cluster.follow(status::followed(found)).boxed();
    let mut follows_pods = false;
    let mut reading: Option<Reading<'_>> = Some(look(cluster, found));
    let mut asked = clock.now();
    let (mut changed, mut next) = (false, asked);
    loop {
        let now = clock.now();
        if reading.is_none() && (changed && now >= next || now.duration_since(asked) >= LOOK) {
            reading = Some(look(cluster, found));
            (asked, changed) = (now, false);
        }
        let pause = if changed && now < next {
            Duration::try_from(next.duration_since(now)).unwrap_or(TICK)
        } else {
            TICK
        };
        tokio::select! {
            answer = answered(&mut reading) => {
                reading = None;
                let now = clock.now();
                next = now.saturating_add(BETWEEN.max(now.duration_since(asked) * 4)).unwrap_or(now);
                view.take(answer)?;
                if let Some(status) = view.status.as_ref().filter(|status| status.selector.is_some() && !follows_pods) {
                    follows_pods = true;
                    notices = merged(notices, cluster.follow(status::pods(found, status)));
                }
                if let Some(ending) = view.over(live)? {
                    return Ok(ending);
                }
            }
            notice = notices.next(), if !changed => changed = notice.is_some(),
            input = live.input() => {
                match input {
                    Input::Interrupt => return Err(Error::new(Kind::Interrupted, "interrupted")),
                    Input::Key('q') => {
                        view.last(live)?;
                        return Ok(Ending::Quit);
                    }
                    Input::Escape if matches!(view.page, Page::State) && place == Place::OfBoard => {
                        return Ok(Ending::Back);
                    }
                    Input::Key('e') if matches!(view.page, Page::State) => {
                        reading = Some(Box::pin(async {
                            let status = reading::explained(cluster, found).await?;
                            Ok(Looked::Explained(Box::new(status)))
                        }));
                        view.say("looking for causes ...", Tone::Faint);
                    }
                    Input::Key('e') | Input::Escape => view.page = Page::State,
                    Input::Up => view.scroll(-1),
                    Input::Down => view.scroll(1),
                    Input::Key(key @ ('a' | 'p' | 'r')) => {
                        if let Some(status) = view.status.clone().filter(|status| is_useful(status, key)) {
                            let (text, tone) = match key {
                                'a' => keys::approve(ui, global, live, &status).await?,
                                'p' => keys::pause(ui, global, live, &status).await?,
                                _ => keys::roll_back(ui, global, live, &status).await?,
                            };
                            view.say(text, tone);
                            changed = true;
                        }
                    }
                    _ => {}
                }
            }
            () = clock.sleep(pause) => {}
        }
        view.paint(live)?;
    }
}

fn is_useful(status: &Status, key: char) -> bool {
    keys::useful(status).iter().any(|(name, _)| name.starts_with(key))
}

async fn answered(reading: &mut Option<Reading<'_>>) -> Result<Looked> {
    match reading {
        Some(reading) => reading.await,
        None => std::future::pending().await,
    }
}

fn merged<'a>(one: BoxStream<'a, ()>, other: impl Stream<Item = ()> + Send + 'a) -> BoxStream<'a, ()> {
    futures::stream::select(one, other).boxed()
}

fn look<'a>(cluster: &'a Cluster, found: &'a Found) -> Reading<'a> {
    Box::pin(async move {
        match status::same(cluster, found).await? {
            Some(now) => Ok(Looked::There(Box::new(reading::status(cluster, &now).await?))),
            None => Ok(Looked::Gone),
        }
    })
}

impl View<'_> {
    fn say(&mut self, text: impl Into<String>, tone: Tone) {
        let until = self
            .cluster
            .clock
            .now()
            .saturating_add(STANDS)
            .unwrap_or(Timestamp::MAX);
        self.notice = Some((text.into(), tone, until));
    }

    fn scroll(&mut self, by: isize) {
        if let Page::Why(_, at) = &mut self.page {
            *at = at.saturating_add_signed(by);
        }
    }

    fn take(&mut self, answer: Result<Looked>) -> Result<()> {
        match answer {
            Ok(Looked::There(status)) => {
                self.status = Some(*status);
                self.gone = false;
            }
            Ok(Looked::Gone) => self.gone = true,
            Ok(Looked::Explained(status)) => {
                self.notice = None;
                self.page = Page::Why(status, 0);
            }
            // A server that is away for a moment is shown by a picture that stands still, and says so.
            Err(error) if error.kind == Kind::Unreachable && self.status.is_some() => {
                self.say(format!("{}; trying again", error.message), Tone::Bad);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The end of a view that ends with the release.
    fn over(&self, live: &mut Live) -> Result<Option<Ending>> {
        let code = match &self.status {
            _ if self.gone => ending(self.until, None)?,
            Some(status) => ending(self.until, Some(status))?,
            None => None,
        };
        match (code, self.place) {
            (Some(code), Place::Alone) => {
                self.last(live)?;
                Ok(Some(Ending::Over(code)))
            }
            (Some(_), Place::OfBoard) if self.gone => Ok(Some(Ending::Back)),
            _ => Ok(None),
        }
    }

    /// The picture that stays: no keys, all of the state.
    fn last(&self, live: &mut Live) -> Result<()> {
        live.paint(&self.lines(live, &Foot::default()))
    }

    fn paint(&self, live: &mut Live) -> Result<()> {
        let now = self.cluster.clock.now();
        let notice = self
            .notice
            .as_ref()
            .filter(|(.., until)| now < *until)
            .map(|(text, tone, _)| (text.clone(), *tone));
        let keys = match (&self.status, self.has_keys) {
            (Some(status), true) => {
                let mut keys = keys::useful(status);
                match self.page {
                    Page::State => keys.push(("e", "explain")),
                    Page::Why(..) => keys.push(("e", "back to the state")),
                }
                if self.place == Place::OfBoard {
                    keys.push(("esc", "board"));
                }
                keys.push(("q", "quit"));
                keys
            }
            _ => Vec::new(),
        };
        live.paint(&self.lines(live, &Foot { notice, keys }))
    }

    fn lines(&self, live: &Live, foot: &Foot) -> Vec<Line> {
        let (now, size) = (self.cluster.clock.now(), live.size());
        let title = format!("{}/{}", self.found.namespace, self.found.name);
        if self.gone {
            return vec![Line::new(format!("{title}  gone"), Tone::Faint)];
        }
        match (&self.status, &self.page) {
            (None, _) => vec![Line::new(format!("{title}  ..."), Tone::Faint)],
            (Some(status), Page::State) => frame(status, foot, now, size),
            (Some(_), Page::Why(status, at)) => {
                let lines = Explanation((**status).clone()).lines(now);
                let mut all: Vec<Line> = lines
                    .iter()
                    .flat_map(|line| line.folded(size.columns, INDENT))
                    .collect();
                let at = (*at).min(all.len().saturating_sub(2));
                let top = all.remove(0);
                fitted(
                    vec![top],
                    all.split_off(at.min(all.len())),
                    foot_lines(foot),
                    size,
                )
            }
        }
    }
}
