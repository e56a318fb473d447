//! `lint`: what is wrong before a release begins.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use super::{
    connect, files,
    plan::{source, surroundings},
    reading,
};
use crate::{
    api::{rollout::convert, v1beta1::Rollout},
    cli::{
        Global,
        args::{LintArgs, LintFormat},
        target,
    },
    cluster::Cluster,
    error::{Error, Kind, Result},
    exit_code,
    lint::{self, Finding, Origin, Report, Rule, Severity, Subject, Surroundings},
    plan::blockers::{Blocker, Id, Weight},
    traffic::script::Scripts,
    ui::Ui,
};

/// Runs the command.
///
/// # Errors
/// When a file or the cluster cannot be read.
pub async fn run(ui: &Ui, global: &Global, args: &LintArgs) -> Result<u8> {
    let report = if args.live {
        of_cluster(ui, global, args).await?
    } else {
        of_files(args).await?
    };
    match args.output {
        LintFormat::Text => ui.text(&report.text())?,
        LintFormat::Json => ui.line(&format!("{:#}", report.document()))?,
        LintFormat::Sarif => ui.line(&format!("{:#}", lint::sarif(&report, env!("CARGO_PKG_VERSION"))))?,
    }
    let fails = report.count(Severity::Error) > 0 || args.strict && report.count(Severity::Warning) > 0;
    Ok(if fails {
        exit_code::PLAN_BLOCKED
    } else {
        exit_code::DONE
    })
}

async fn of_files(args: &LintArgs) -> Result<Report> {
    let names: Vec<String> = args.words.iter().chain(&args.filename).cloned().collect();
    let mut subjects = Vec::new();
    for (name, text) in files::texts(&names, args.recursive)? {
        for (before, document) in files::documents(&text) {
            // What stands before it keeps errors in lines of the file.
            let placed = format!("{}{document}", "\n".repeat(before));
            let origin = Origin::File {
                name: name.clone(),
                before,
                text: Arc::from(document),
            };
            subjects.extend(files::parse(&name, &placed)?.into_iter().map(|manifest| Subject {
                object: manifest.object,
                origin: origin.clone(),
            }));
        }
    }
    let mut report = judged(&subjects, args, false);
    let (obstacles, _) = in_the_way(None, &subjects).await?;
    report.findings.extend(obstacles);
    if report.rollouts == 0 {
        return Err(
            Error::new(Kind::NotFound, format!("no Rollout in {}", names.join(", ")))
                .hint(
                    "name the files of the Rollout together with those of its workload, Services and routes",
                )
                .hint("for what a cluster has: kubectl kruise rollout lint --live"),
        );
    }
    Ok(report)
}

async fn of_cluster(ui: &Ui, global: &Global, args: &LintArgs) -> Result<Report> {
    let cluster = connect(global).await?.remembering();
    let found = if args.words.is_empty() {
        let namespace = (!args.all_namespaces).then_some(cluster.namespace.as_str());
        cluster.rollouts(namespace, None).await?
    } else {
        let mut found = Vec::new();
        for named in target::read(&args.words)? {
            found.push(reading::find(&cluster, &named).await?);
        }
        found
    };
    let mut all = Report {
        findings: Vec::new(),
        objects: 0,
        rollouts: found.len(),
    };
    for one in &found {
        let (objects, unknown) = source::copy(&cluster, one).await?;
        for sentence in unknown {
            ui.warn(&sentence);
        }
        let subjects: Vec<Subject> = objects.into_iter().filter(is_users).map(of_it).collect();
        let mut report = judged(&subjects, args, true);
        let (obstacles, unread) = in_the_way(Some(&cluster), &subjects).await?;
        report.findings.extend(obstacles);
        for sentence in unread {
            ui.warn(&sentence);
        }
        let title = format!("Rollout {}/{}", one.namespace, one.name);
        all.objects += report.objects;
        // Others stand there as neighbours; each has its own turn.
        all.findings.extend(
            report
                .findings
                .into_iter()
                .filter(|finding| finding.object == title),
        );
    }
    if found.is_empty() {
        let place = if args.all_namespaces {
            "the cluster".to_owned()
        } else {
            format!("namespace {}", cluster.namespace)
        };
        ui.talk(&format!("no Rollouts in {place}"));
    }
    Ok(all)
}

/// What of the catalogue of plans stands in the way of these Rollouts, beside what the rules say themselves; and what could
/// not be read.
async fn in_the_way(
    cluster: Option<&Cluster>,
    subjects: &[Subject],
) -> Result<(Vec<Finding>, BTreeSet<String>)> {
    let (mut findings, mut unread) = (Vec::new(), BTreeSet::new());
    for subject in subjects.iter().filter(|subject| subject.is("Rollout")) {
        let converted = convert::to_v1beta1(&subject.object).object;
        let Ok(rollout) = serde_json::from_value::<Rollout>(placed(converted)) else {
            continue;
        };
        let objects = subjects
            .iter()
            .map(|subject| placed(subject.object.clone()))
            .collect();
        let (blockers, sentences) = surroundings::obstacles(cluster, &rollout, objects).await?;
        unread.extend(sentences);
        findings.extend(blockers.iter().filter_map(|blocker| as_finding(subject, blocker)));
    }
    Ok((findings, unread))
}

/// An object where it would be if a file leaves out where that is.
fn placed(mut object: Value) -> Value {
    if object["metadata"]["namespace"].is_null() {
        object["metadata"]["namespace"] = "default".into();
    }
    object
}

/// A blocker as a finding; nothing for what the rules say themselves, with the field.
fn as_finding(subject: &Subject, blocker: &Blocker) -> Option<Finding> {
    let rule = match blocker.id {
        Id::MissingReference => Rule::MissingReference,
        Id::ServiceSelectsNothing => Rule::ServiceSelectsNothing,
        Id::LimitRange => Rule::LimitRange,
        Id::Quota => Rule::Quota,
        Id::NoNodeFits => Rule::NoNodeFits,
        Id::DisruptionBudget => Rule::DisruptionBudget,
        Id::Autoscaler => Rule::Autoscaler,
        Id::InvalidRollout
        | Id::WorkloadMissing
        | Id::Traffic
        | Id::NodeCapacity
        | Id::OwnPause
        | Id::SlowPods
        | Id::NotAllowed
        | Id::Refused
        | Id::Altered
        | Id::EngineStops => return None,
    };
    let mut finding = subject.finding(rule, "spec.workloadRef", blocker.message.clone());
    finding.severity = match blocker.weight {
        Weight::Blocks => Severity::Error,
        Weight::Risk => Severity::Warning,
    };
    Some(finding)
}

fn of_it(object: Value) -> Subject {
    Subject {
        object,
        origin: Origin::Cluster,
    }
}

/// Whether it is an object that somebody wrote: pods and revisions are not.
fn is_users(object: &Value) -> bool {
    let kind = object["kind"].as_str().unwrap_or_default();
    !matches!(
        kind,
        "Pod" | "Node" | "ReplicaSet" | "ControllerRevision" | "CustomResourceDefinition"
    )
}

fn judged(subjects: &[Subject], args: &LintArgs, complete: bool) -> Report {
    let around = Surroundings {
        complete,
        scripts: Scripts {
            folder: args.scripts.clone(),
            ..Scripts::default()
        },
    };
    Report {
        findings: lint::look(subjects, &around),
        objects: subjects.len(),
        rollouts: subjects.iter().filter(|subject| subject.is("Rollout")).count(),
    }
}
