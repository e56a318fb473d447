//! `status` of a workload that no Rollout releases: waits for its update as `kubectl rollout status` does, for every kind.

use futures::StreamExt;

use super::{subject::Subject, write::Place};
use crate::{
    cli::values::Output,
    cluster::{Cluster, follow::Followed},
    error::{Error, Kind, Result},
    exit_code,
    release::progress::{Progress, State},
    ui::Ui,
    view::{Until, workload::document},
    workload,
};

/// What is wanted to know.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Whether its end is waited for.
    pub watch: bool,
    /// What is waited for, if not its end.
    pub until: Option<&'a Until>,
    /// The revision of a Deployment that must be the newest.
    pub revision: Option<i64>,
    /// Whether a pause, which waiting does not end, ends the wait.
    pub fail_fast: bool,
    /// In which form it is told.
    pub output: Option<&'a Output>,
}

/// Tells where the update of a workload stands, until it has ended.
///
/// # Errors
/// When it has failed, cannot be read, or is deleted meanwhile.
pub async fn status(ui: &Ui, cluster: &Cluster, subject: Subject, wanted: Wanted<'_>) -> Result<u8> {
    let title = subject.title();
    if let Some(until @ (Until::Paused | Until::Step(_) | Until::Traffic(_))) = wanted.until {
        return Err(Error::usage(format!(
            "no Rollout refers to {title}: it has no steps, and will never be {until}"
        ))
        .hint("--until healthy and --until gone can be waited for"));
    }
    let place = subject.place();
    let mut notices = cluster.follow(vec![Followed {
        served: subject.served.clone(),
        namespace: Some(subject.namespace.clone()),
        name: Some(subject.name.clone()),
        labels: None,
    }]);
    let mut teller = Teller {
        ui,
        cluster,
        subject: &subject,
        wanted,
        last: String::new(),
    };
    let mut live = Some(subject.live.clone());
    loop {
        let Some(object) = live else {
            return match wanted.until {
                Some(Until::Gone) => Ok(exit_code::DONE),
                _ => Err(Error::new(
                    Kind::NotFound,
                    format!("{title} was deleted while waiting for its update"),
                )),
            };
        };
        if let Some(code) = teller.tell(&object)? {
            return Ok(code);
        }
        if notices.next().await.is_none() {
            return Err(Error::new(Kind::General, "the watch has ended"));
        }
        live = again(cluster, place, object).await?;
    }
}

/// The object as it is now; as it was while the server is away for a moment.
async fn again(
    cluster: &Cluster,
    place: Place<'_>,
    before: serde_json::Value,
) -> Result<Option<serde_json::Value>> {
    match cluster.read(place.served, place.namespace, place.name).await {
        Err(error) if error.kind == Kind::Unreachable => Ok(Some(before)),
        answer => answer,
    }
}

struct Teller<'a> {
    ui: &'a Ui,
    cluster: &'a Cluster,
    subject: &'a Subject,
    wanted: Wanted<'a>,
    last: String,
}

impl Teller<'_> {
    /// Tells what has changed; the exit code when there is nothing more to wait for.
    fn tell(&mut self, object: &serde_json::Value) -> Result<Option<u8>> {
        let Self {
            ui, subject, wanted, ..
        } = *self;
        let progress = Progress::of(subject.kind, object);
        self.check_revision(object)?;
        let is_news = self.last != progress.sentence;
        self.last = progress.sentence.clone();
        match progress.state {
            State::Failed | State::Unknown if wanted.output.is_none() => {
                let kind = if progress.state == State::Failed {
                    Kind::Degraded
                } else {
                    Kind::General
                };
                return Err(Error::new(kind, progress.sentence));
            }
            _ if !is_news => {}
            _ => self.print(&progress, object)?,
        }
        let is_paused = progress.state == State::Paused;
        if is_paused && is_news {
            ui.hint(&format!(
                "it is paused: kubectl kruise rollout resume {} -n {}",
                subject.title(),
                subject.namespace
            ));
        }
        let is_over = match (wanted.until, progress.state) {
            (Some(Until::Gone), _) => false,
            (_, State::Complete | State::Failed | State::Unknown) => true,
            (_, State::Paused) => wanted.fail_fast,
            (_, State::Progressing) => false,
        };
        Ok((is_over || !wanted.watch).then(|| progress.state.exit_code()))
    }

    fn print(&self, progress: &Progress, object: &serde_json::Value) -> Result<()> {
        match self.wanted.output {
            None | Some(Output::Table | Output::Wide) => self.ui.line(&progress.sentence),
            Some(Output::Name) => self.ui.line(&self.subject.title()),
            Some(Output::Data(format)) => {
                let now = self.cluster.clock.now();
                let document = document(self.subject.kind, &self.subject.namespace, object, progress, now);
                if self.wanted.watch {
                    self.ui.change(format, &document)
                } else {
                    self.ui.collect(format, &document);
                    Ok(())
                }
            }
        }
    }

    /// Refuses to wait for another revision than the one that was asked for.
    fn check_revision(&self, object: &serde_json::Value) -> Result<()> {
        let asked = self
            .wanted
            .revision
            .filter(|_| self.subject.kind == workload::Kind::Deployment);
        let Some(asked) = asked else { return Ok(()) };
        let runs = object["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
            .as_str()
            .and_then(|text| text.parse::<i64>().ok());
        match runs {
            Some(runs) if runs != asked => Err(Error::conflict(format!(
                "desired revision ({asked}) is different from the running revision ({runs})"
            ))),
            _ => Ok(()),
        }
    }
}
