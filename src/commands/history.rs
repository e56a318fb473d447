//! `history`: the revisions of a workload.

use futures::future::join_all;
use serde_json::Value;

use super::{
    Outcomes,
    back::{self, revisions},
    connect,
    subject::{self, Subject},
    targets,
};
use crate::{
    cli::{
        Global,
        args::HistoryArgs,
        values::{Output, Span},
    },
    cluster::{Cluster, Resource},
    error::{Error, Kind, Result},
    exit_code,
    release::{Entry, History},
    ui::{self, Ui},
    view::{
        Block,
        history::{Owner, document, table},
    },
    workload::{Kind as WorkloadKind, selector},
};

/// Runs the command.
///
/// # Errors
/// When no object can be looked for at all; failures of single objects are shown and decide the exit code.
pub async fn run(ui: &Ui, global: &Global, args: &HistoryArgs) -> Result<u8> {
    let targets = targets::pick(ui, &args.targets.pick, &args.targets.names, global)?;
    let cluster = connect(global).await?;
    let found = subject::find_all(&cluster, &targets).await?;
    let read = join_all(found.into_iter().map(async |subject: Result<Subject>| {
        let subject = subject?;
        let history = read(&cluster, &subject).await?;
        Ok((subject, history))
    }))
    .await;
    let mut outcomes = Outcomes::default();
    let mut documents = Vec::new();
    let mut shown = 0;
    for outcome in read {
        let done = outcome.and_then(|(subject, history)| {
            if shown > 0 && matches!(args.shown.output, None | Some(Output::Table | Output::Wide)) {
                ui.line("")?;
            }
            shown += 1;
            show(ui, &cluster, args, &subject, &history, &mut documents)
        });
        outcomes.add(ui, done.map(|()| exit_code::DONE))?;
    }
    if let Some(format) = args.shown.output.as_ref().and_then(Output::data)
        && !documents.is_empty()
    {
        ui.documents(format, &documents)?;
    }
    Ok(outcomes.code())
}

async fn read(cluster: &Cluster, subject: &Subject) -> Result<History> {
    let position = subject.position()?;
    let pods = async {
        let labels = selector::query(&subject.live["spec"]["selector"]);
        match (subject.kind, labels) {
            // ReplicaSets count their pods.
            (WorkloadKind::Deployment, _) | (_, None) => Ok(Vec::new()),
            (_, Some(labels)) => {
                cluster
                    .list(Resource::Pods, Some(&subject.namespace), Some(&labels))
                    .await
            }
        }
    };
    let (revisions, pods) = futures::try_join!(revisions(cluster, subject), pods)?;
    Ok(History::of(&subject.live, &revisions, &pods, position.as_ref()))
}

fn show(
    ui: &Ui,
    cluster: &Cluster,
    args: &HistoryArgs,
    subject: &Subject,
    history: &History,
    documents: &mut Vec<Value>,
) -> Result<()> {
    let (title, now) = (subject.title(), cluster.clock.now());
    if let Some(span) = args.diff {
        return compare(ui, subject, history, span);
    }
    let one = args
        .revision
        .map(|number| {
            history
                .numbered(number)
                .ok_or_else(|| not_there(&title, number, history))
        })
        .transpose()?;
    match (&args.shown.output, one) {
        (Some(Output::Name), _) => ui.line(&title),
        (Some(Output::Data(_)), one) => {
            let owner = Owner {
                title: &title,
                namespace: &subject.namespace,
                rollout: subject.rollout.as_ref().map(|found| found.name.as_str()),
                kind: subject.kind.kind(),
                name: &subject.name,
            };
            let entries = one.map_or(history.entries.as_slice(), std::slice::from_ref);
            documents.push(document(owner, entries, one.is_some(), now));
            Ok(())
        }
        (_, Some(entry)) => detail(ui, &title, entry),
        (output, None) => {
            let behind = subject.rollout.as_ref();
            let behind = behind.map(|found| format!(", released by {}", found.title()));
            ui.line(&format!("{title}{}", behind.unwrap_or_default()))?;
            if history.entries.is_empty() {
                return ui.line("No rollout history found.");
            }
            let wide = matches!(output, Some(Output::Wide));
            ui.blocks(&[Block::Table(table(history, now, wide))])
        }
    }
}

fn not_there(title: &str, number: i64, history: &History) -> Error {
    Error::new(
        Kind::NotFound,
        format!("unable to find the specified revision {number} in history of {title}"),
    )
    .hint(history.in_words())
}

fn detail(ui: &Ui, title: &str, entry: &Entry) -> Result<()> {
    ui.line(&format!(
        "{title} with revision #{}",
        entry.number.unwrap_or_default()
    ))?;
    if let Some(cause) = &entry.change_cause {
        ui.line(&format!("Change-Cause: {cause}"))?;
    }
    ui.line("Pod Template:")?;
    let text = ui::yaml(&entry.template)?;
    let lines: Vec<String> = text.lines().map(|line| format!("  {line}")).collect();
    ui.line(&lines.join("\n"))
}

fn compare(ui: &Ui, subject: &Subject, history: &History, span: Span) -> Result<()> {
    let title = subject.title();
    let template = |number: i64| {
        history
            .numbered(number)
            .map(|entry| &entry.template)
            .ok_or_else(|| not_there(&title, number, history))
    };
    let (after, name) = match span.to {
        Some(number) => (template(number)?, format!("revision {number}")),
        None => (
            &subject.live["spec"]["template"],
            "the present template".to_owned(),
        ),
    };
    let difference = back::difference(template(span.from)?, after)?;
    if difference.is_empty() {
        ui.talk(&format!(
            "{title}: revision {} and {name} are the same",
            span.from
        ));
        return Ok(());
    }
    ui.line(&format!("--- {title} revision {}\n+++ {title} {name}", span.from))?;
    ui.line(&difference)
}
