//! `status`: where a release is, once or until a condition holds; the exit code says it too.

use std::{collections::BTreeSet, time::Duration};

use futures::{
    StreamExt,
    future::join_all,
    stream::{self, FuturesUnordered},
};

use super::{
    Outcomes, connect, fleet, interruption,
    outage::Outage,
    reading,
    subject::{self, Subject},
    targets, update,
};
use crate::{
    api::keys,
    cli::{
        Global,
        args::StatusArgs,
        target::{Kind as TargetKind, Named, Targets},
        values::Output,
    },
    cluster::{Cluster, Found, Resource, Served, follow::Followed},
    error::{Error, Kind, Result},
    exit_code,
    ui::Ui,
    view::{Status, Table, Until, Wait, change::stamped, status::SEVERAL, suggest::Command},
    workload,
};

/// How many Rollouts are read at once.
const AT_ONCE: usize = 16;

/// How long nothing may change before somebody looks all the same.
const LOOK: Duration = Duration::from_secs(10);

/// Runs the command.
///
/// # Errors
/// When nothing can be read, or the time is up.
pub async fn run(ui: &Ui, global: &Global, args: &StatusArgs) -> Result<u8> {
    let targets = targets::read(ui, &args.targets, global)?;
    let until = args.until.as_ref();
    // The time counts from here on: a credential plugin may hang, and a server may not answer.
    let work = async {
        let cluster = connect(global).await?;
        let mut outcomes = Outcomes::default();
        let (mut releases, mut workloads) = (Vec::new(), Vec::new());
        for meant in meant(&cluster, &targets).await? {
            match meant {
                Ok(Meant::Release(found)) => releases.push(Ok(*found)),
                Ok(Meant::Workload(subject)) => workloads.push(*subject),
                // Somebody who waits for the end of something need not find it at the start.
                Err(error) if error.kind == Kind::NotFound && until == Some(&Until::Gone) => {}
                Err(error) => releases.push(Err(error)),
            }
        }
        let waits = args.watch == Some(true) || until.is_some() || args.fail_fast;
        let of_releases = async {
            if waits {
                let told = Told {
                    output: args.shown.output.as_ref(),
                    each: until.is_none(),
                    fail_fast: args.fail_fast,
                };
                wait_for_all(ui, &cluster, releases, until.unwrap_or(&Until::Healthy), told).await
            } else {
                print(ui, &cluster, releases, &targets, args.shown.output.as_ref()).await
            }
        };
        let wanted = update::Wanted {
            // A program that asks for a document wants what is, unless it says otherwise.
            watch: waits || args.watch.unwrap_or(args.shown.output.is_none()),
            until,
            revision: args.revision,
            fail_fast: args.fail_fast,
            output: args.shown.output.as_ref(),
        };
        let of_workloads = workloads
            .into_iter()
            .map(|subject| update::status(ui, &cluster, subject, wanted));
        let (of_releases, of_workloads) = (Box::pin(of_releases), Box::pin(join_all(of_workloads)));
        let (of_releases, of_workloads) = if waits {
            futures::join!(of_releases, of_workloads)
        } else {
            (of_releases.await, of_workloads.await)
        };
        outcomes.add(ui, of_releases)?;
        for outcome in of_workloads {
            outcomes.add(ui, outcome)?;
        }
        Ok(outcomes.code())
    };
    interruption::within(args.limit.timeout, work).await
}

/// What a name stands for.
enum Meant {
    /// A Rollout.
    Release(Box<Found>),
    /// A workload that no Rollout releases.
    Workload(Box<Subject>),
}

async fn meant(cluster: &Cluster, targets: &Targets) -> Result<Vec<Result<Meant>>> {
    if targets.are_rollouts() {
        let found = reading::find_all(cluster, targets).await?;
        let release = |found: Result<Found>| found.map(|found| Meant::Release(Box::new(found)));
        return Ok(found.into_iter().map(release).collect());
    }
    let names = reading::names(cluster, targets).await?;
    let mut known = BTreeSet::new();
    let mut all = join_all(names.iter().map(|named| one(cluster, named))).await;
    // A Rollout and its workload are one.
    all.retain(|meant| match meant {
        Ok(Meant::Release(found)) => known.insert((found.namespace.clone(), found.name.clone())),
        _ => true,
    });
    Ok(all)
}

async fn one(cluster: &Cluster, named: &Named) -> Result<Meant> {
    let found = reading::find(cluster, named).await;
    match (found, named.kind) {
        (Err(error), TargetKind::Workload(kind)) if error.kind == Kind::NotFound => {
            let namespace = reading::namespace(cluster, named);
            match subject::read(cluster, None, namespace, kind, &named.name).await {
                Err(missing) if missing.kind == Kind::NotFound => Err(error),
                read => Ok(Meant::Workload(Box::new(read?))),
            }
        }
        (found, _) => Ok(Meant::Release(Box::new(found?))),
    }
}

async fn print(
    ui: &Ui,
    cluster: &Cluster,
    found: Vec<Result<Found>>,
    targets: &Targets,
    output: Option<&Output>,
) -> Result<u8> {
    let now = cluster.clock.now();
    let many = matches!(targets, Targets::Selected { .. });
    let mut outcomes = Outcomes::default();
    let mut statuses = Vec::new();
    let is_document = matches!(output, Some(Output::Data(_)));
    // A table of many shows what the Rollouts themselves and the marks of their workloads say. A document has all that the
    // document of one has.
    let judged: Vec<Result<Status>> = if many && !is_document {
        let (statuses, unread) = fleet::statuses(cluster, found).await?;
        for sentence in unread {
            ui.warn(&fleet::unseen(&sentence));
        }
        statuses
    } else {
        let judged = found
            .into_iter()
            .map(async |found: Result<Found>| reading::status(cluster, &found?).await);
        stream::iter(judged).buffered(AT_ONCE).collect().await
    };
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
        Some(Output::Data(format)) => {
            for status in &statuses {
                ui.collect(format, &status.document(now));
            }
        }
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
    /// Whether a cause that waiting does not cure ends it.
    fail_fast: bool,
}

async fn wait_for_all(
    ui: &Ui,
    cluster: &Cluster,
    found: Vec<Result<Found>>,
    until: &Until,
    told: Told<'_>,
) -> Result<u8> {
    let mut outcomes = Outcomes::default();
    let mut waits: FuturesUnordered<_> = found
        .into_iter()
        .map(async |found: Result<Found>| wait_for(ui, cluster, &found?, until, told).await)
        .collect();
    while let Some(outcome) = waits.next().await {
        let lost = !matches!(outcome, Ok(exit_code::DONE));
        outcomes.add(ui, outcome)?;
        if lost && told.fail_fast {
            break;
        }
    }
    Ok(outcomes.code())
}

/// The Rollout as it is now, where it is still the same one: one that was deleted and made anew is another.
///
/// # Errors
/// When it cannot be read.
pub async fn same(cluster: &Cluster, found: &Found) -> Result<Option<Found>> {
    let now = cluster.rollout_if_there(&found.namespace, &found.name).await?;
    Ok(now.filter(|now| now.object["metadata"]["uid"] == found.object["metadata"]["uid"]))
}

/// Pods that belong to a Rollout's workload, as far as its selector tells.
#[must_use]
pub fn pods(found: &Found, status: &Status) -> Vec<Followed> {
    let followed = |labels: &String| Followed {
        served: Served::namespaced("v1", "Pod", "pods"),
        namespace: Some(found.namespace.clone()),
        name: None,
        labels: Some(labels.clone()),
    };
    status.selector.iter().map(followed).collect()
}

/// What changes when the state of a Rollout does, but its pods: which they are only the workload tells.
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
    let mut notices = cluster.follow(followed(found)).boxed();
    let mut with_pods = false;
    let mut last = String::new();
    let mut outage = Outage::default();
    loop {
        tokio::select! {
            _ = notices.next() => {}
            // A Lease that runs out, and rights that are given, tell nobody.
            () = cluster.clock.sleep(LOOK) => {}
        }
        let status = match same(cluster, found).await {
            Ok(Some(found)) => reading::status(cluster, &found).await.map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let status = match status {
            // A server that is away for a moment does not end a wait; its time does.
            Err(error) if error.kind == Kind::Unreachable && !last.is_empty() => {
                outage.goes_on(&error).iter().for_each(|text| ui.warn(text));
                continue;
            }
            status => status?,
        };
        outage.is_over();
        if let Some(why) = until.beyond(status.as_ref()) {
            return Err(Error::usage(why).hint(Command::Status.text(&found.namespace, &found.name)));
        }
        if let Some(status) = status
            .as_ref()
            .filter(|status| status.selector.is_some() && !with_pods)
        {
            with_pods = true;
            notices = futures::stream::select(notices, cluster.follow(pods(found, status))).boxed();
        }
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
        let hopeless = status
            .as_ref()
            .and_then(|status| incurable(status).filter(|_| told.fail_fast));
        if let (Some(why), Wait::Open) = (&hopeless, wait) {
            if let (Some(format), Some(status)) = (format.filter(|_| !told.each), &status) {
                ui.collect(format, &status.document(now));
            }
            let title = format!("{}/{}", found.namespace, found.name);
            return Err(Error::new(
                Kind::Degraded,
                format!("{title} will not become {until} by itself: {why}"),
            )
            .hint(Command::Explain.text(&found.namespace, &found.name)));
        }
        if let Some(why) = until.unseen(status.as_ref()) {
            return Err(Error::new(Kind::Forbidden, why));
        }
        if wait == Wait::Open {
            continue;
        }
        if let (Some(format), Some(status), false) = (format, &status, told.each) {
            ui.collect(format, &status.document(now));
        }
        return match (until.ending(status.as_ref()), status) {
            (Some(code), Some(_)) | (Some(code @ exit_code::DONE), None) => Ok(code),
            _ => Err(Error::new(
                Kind::NotFound,
                format!("{} was deleted while waiting for {until}", found.title()),
            )),
        };
    }
}

/// The first cause that blocks and that waiting does not cure.
fn incurable(status: &Status) -> Option<String> {
    let mut blocking = status.troubles().filter(|finding| finding.is_grave());
    blocking
        .find(|finding| !finding.cause.is_missing_engine())
        .map(|finding| format!("{}: {}", finding.cause.id(), finding.sentence()))
}
