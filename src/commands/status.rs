//! `status`: where a release is, once or until a condition holds; the exit code says it too.

use futures::{StreamExt, future::join_all};

use super::{Outcomes, connect, interruption, reading, targets};
use crate::{
    api::keys,
    cli::{Global, args::StatusArgs, target::Targets, values::Output},
    cluster::{Cluster, Found, Resource, Served, follow::Followed},
    error::{Error, Kind, Result},
    exit_code,
    ui::Ui,
    view::{
        Status, Table, Until, Wait,
        change::stamped,
        status::{SEVERAL, Seen},
    },
    workload,
};

/// Runs the command.
///
/// # Errors
/// When nothing can be read, or the time is up.
pub async fn run(ui: &Ui, global: &Global, args: &StatusArgs) -> Result<u8> {
    let targets = targets::read(&args.targets, global)?;
    let cluster = connect(global).await?;
    let work = async {
        if args.watch || args.until.is_some() {
            let until = args.until.clone().unwrap_or(Until::Healthy);
            let told = Told {
                output: args.output.as_ref(),
                each: args.until.is_none(),
            };
            wait_for_all(ui, &cluster, &targets, &until, told).await
        } else {
            print(ui, &cluster, &targets, args.output.as_ref()).await
        }
    };
    interruption::within(args.timeout, work).await
}

async fn print(ui: &Ui, cluster: &Cluster, targets: &Targets, output: Option<&Output>) -> Result<u8> {
    let found = reading::find_all(cluster, targets).await?;
    let now = cluster.clock.now();
    let many = matches!(targets, Targets::Selected { .. });
    let mut outcomes = Outcomes::default();
    let mut statuses = Vec::new();
    let judged = join_all(found.into_iter().map(async |found: Result<Found>| {
        let found = found?;
        // A table of many shows what the Rollouts themselves say: one list, no further requests.
        if many {
            Ok(Status::of(&Seen {
                rollout: found.typed()?,
                ..Seen::default()
            }))
        } else {
            reading::status(cluster, &found).await
        }
    }))
    .await;
    for status in judged {
        match status {
            Ok(status) => {
                outcomes.add(ui, Ok(status.verdict.exit_code()))?;
                statuses.push(status);
            }
            Err(error) => outcomes.add(ui, Err(error))?,
        }
    }
    match output {
        _ if statuses.is_empty() => {}
        Some(Output::Name) => {
            for status in &statuses {
                ui.line(&Resource::Rollouts(Default::default()).object(&status.name))?;
            }
        }
        Some(Output::Data(format)) => ui.documents(
            format,
            &statuses
                .iter()
                .map(|status| status.document(now))
                .collect::<Vec<_>>(),
        )?,
        _ if many => ui.table(&table(&statuses, targets))?,
        _ => {
            for (number, status) in statuses.iter().enumerate() {
                if number > 0 {
                    ui.line("")?;
                }
                ui.blocks(&status.blocks(now))?;
            }
        }
    }
    Ok(outcomes.code())
}

fn table(statuses: &[Status], targets: &Targets) -> Table {
    let with_namespace = matches!(
        targets,
        Targets::Selected {
            all_namespaces: true,
            ..
        }
    );
    let mut header = SEVERAL.to_vec();
    if with_namespace {
        header.insert(0, "NAMESPACE");
    }
    Table {
        header,
        rows: statuses.iter().map(|status| status.row(with_namespace)).collect(),
    }
}

/// What is told while something is waited for.
#[derive(Clone, Copy, Debug)]
struct Told<'a> {
    /// In which form.
    output: Option<&'a Output>,
    /// Whether documents are printed for each change, or the last one only.
    each: bool,
}

async fn wait_for_all(
    ui: &Ui,
    cluster: &Cluster,
    targets: &Targets,
    until: &Until,
    told: Told<'_>,
) -> Result<u8> {
    let mut outcomes = Outcomes::default();
    // Somebody who waits for the end of a Rollout need not find one at the start.
    let found = match (targets, until) {
        (Targets::Names(names), Until::Gone) => {
            let mut there = Vec::new();
            for named in names {
                match reading::find(cluster, named).await {
                    Err(error) if error.kind == Kind::NotFound => {}
                    found => there.push(found),
                }
            }
            there
        }
        _ => reading::find_all(cluster, targets).await?,
    };
    let waits = join_all(
        found
            .into_iter()
            .map(async |found: Result<Found>| wait_for(ui, cluster, &found?, until, told).await),
    );
    for outcome in waits.await {
        outcomes.add(ui, outcome)?;
    }
    Ok(outcomes.code())
}

/// What changes when the state of a Rollout does.
#[must_use]
pub fn followed(found: &Found) -> Vec<Followed> {
    let namespace = Some(found.namespace.clone());
    let mut all = vec![Followed {
        served: Served::rollouts(found.version),
        namespace: namespace.clone(),
        name: Some(found.name.clone()),
        labels: None,
    }];
    if let Some((kind, name)) = found.workload() {
        all.push(Followed {
            served: Served::workload(kind),
            namespace: namespace.clone(),
            name: Some(name.to_owned()),
            labels: None,
        });
        if kind == workload::Kind::Deployment {
            let label = workload::deployment::canary_label(name);
            all.push(Followed {
                served: Served::workload(kind),
                namespace,
                name: None,
                labels: Some(format!("{}={label}", keys::CANARY_DEPLOYMENT)),
            });
        }
    }
    all
}

async fn wait_for(ui: &Ui, cluster: &Cluster, found: &Found, until: &Until, told: Told<'_>) -> Result<u8> {
    let mut notices = cluster.follow(followed(found));
    let mut last = String::new();
    while notices.next().await.is_some() {
        let status = match cluster.rollout_if_there(&found.namespace, &found.name).await? {
            Some(found) => Some(reading::status(cluster, &found).await?),
            None => None,
        };
        let now = cluster.clock.now();
        let line = status.as_ref().map_or_else(
            || format!("{}/{}  gone", found.namespace, found.name),
            Status::line,
        );
        let format = told.output.and_then(Output::data);
        if line != last {
            match (format, &status) {
                (None, _) => ui.line(&stamped(now, &line))?,
                (Some(format), Some(status)) if told.each => ui.change(format, &status.document(now))?,
                _ => {}
            }
        }
        last = line;
        let wait = until.judge(status.as_ref());
        if wait == Wait::Open {
            continue;
        }
        if let (Some(format), Some(status), false) = (format, &status, told.each) {
            ui.documents(format, &[status.document(now)])?;
        }
        return match (wait, status, until) {
            (Wait::Met, _, Until::Paused | Until::Step(_) | Until::Traffic(_) | Until::Gone) => {
                Ok(exit_code::DONE)
            }
            (_, Some(status), _) => Ok(status.verdict.exit_code()),
            (_, None, _) => Err(Error::new(
                Kind::NotFound,
                format!("{} was deleted while waiting for {until}", found.title()),
            )),
        };
    }
    Ok(exit_code::DONE)
}
