//! What may be typed after `rollout`: the verbs, and one struct for each.

mod change;
mod copy;
mod look;
mod release;
mod shared;

use std::{path::PathBuf, sync::Arc};

use clap::{Args, Subcommand, ValueHint};
use clap_complete::Shell;

use super::{
    scripts::folder,
    target::SelectArgs,
    values::{Output, Reader},
};
use crate::traffic::script::Folder;

pub use change::{ApplyArgs, SetEnvArgs, SetImageArgs, SetResourcesArgs, SetVerb};
use copy::LINTS;
pub use copy::{CopyArgs, DemoArgs, DemoScenario, LintArgs, LintFormat, PlanArgs, RehearseArgs};
pub use look::{Document, ExplainArgs, GateArgs, HistoryArgs, SchemaArgs, StatusArgs, WatchArgs};
pub use release::{ApproveArgs, PauseArgs, RestartArgs, ResumeArgs, RollbackArgs, UndoArgs};
pub use shared::{ChangeArgs, OutputArgs, TimeArgs, WriteArgs};

/// The verbs. What each one takes is defined when it is typed, so that a start costs little; its help then begins with what
/// is said of its arguments, which is therefore the same sentence as here.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Verb {
    /// Drive releases without a controller in the cluster
    Run(RunArgs),
    /// Let a paused step go on
    Approve(ApproveArgs),
    /// Show where a release is; the exit code says it too
    Status(StatusArgs),
    /// Say why a release does not go on, who acts next, and what to type
    Explain(ExplainArgs),
    /// Follow a release live
    Watch(WatchArgs),
    /// Measure the metrics of a release now; the exit code says what they mean
    Gate(GateArgs),
    /// Leave the release that is under way: back to the stable version
    Rollback(RollbackArgs),
    /// Go back to an earlier revision of a workload
    #[command(after_help = UNDOES)]
    Undo(UndoArgs),
    /// Freeze a release, or a workload's update, where it is
    Pause(PauseArgs),
    /// Let what is paused go on
    Resume(ResumeArgs),
    /// Replace all pods, step by step where a Rollout stands behind them
    #[command(after_help = RESTARTS)]
    Restart(RestartArgs),
    /// Show the revisions of a workload: images, pods, which of them runs
    History(HistoryArgs),
    /// Tell what a release will do, before it does it
    Plan(Box<PlanArgs>),
    /// Say what is wrong with manifests, or with what a cluster has, before a release begins
    #[command(after_help = LINTS)]
    Lint(LintArgs),
    /// Run a release in an in-memory cluster
    Demo(DemoArgs),
    /// Carry out a release in a copy of the cluster, with faults of your choice
    Rehearse(Box<RehearseArgs>),
    /// Start a release: change what a workload runs
    #[command(subcommand)]
    Set(SetVerb),
    /// Apply manifests; a new version of a workload that a Rollout names is held back
    #[command(after_help = APPLIES)]
    Apply(ApplyArgs),
    /// Print what a cluster may be given: crds, policy, rbac, engine
    Manifests(ManifestsArgs),
    /// Print the JSON schema of what status, history, plan or lint print with -o json
    Schema(SchemaArgs),
    /// Show version
    Version(VersionArgs),
    /// Print a completion script
    Completion(CompletionArgs),
}

impl Verb {
    /// Who reads what it prints on stdout.
    #[must_use]
    pub fn reader(&self) -> Reader {
        let shown = match self {
            Self::Approve(args) => &args.change.write.shown,
            Self::Rollback(args) => &args.change.write.shown,
            Self::Undo(args) => &args.change.write.shown,
            Self::Pause(args) => &args.write.shown,
            Self::Resume(args) => &args.change.write.shown,
            Self::Restart(args) => &args.change.write.shown,
            Self::Set(SetVerb::Image(args)) => &args.change.write.shown,
            Self::Set(SetVerb::Env(args)) => &args.change.write.shown,
            Self::Set(SetVerb::Resources(args)) => &args.change.write.shown,
            Self::Apply(args) => &args.change.write.shown,
            // They print one thing only.
            _ => return Reader::Person,
        };
        match shown.output {
            None | Some(Output::Table | Output::Wide) => Reader::Person,
            Some(Output::Name | Output::Data(_)) => Reader::Program,
        }
    }
}

/// Which revision `undo` means.
const UNDOES: &str = "\
While a release is under way, the stable version is meant: undo is rollback then. At rest it is the newest revision whose
template is another one than the present; a version that was rolled back last time is passed over. Where a Rollout stands
behind the workload, that begins a release of its own, step by step, and the version is held in the same request.
The template becomes exactly what it was, for every kind; annotations of the workload that do not belong to the revision stay.";

/// How `restart` does it.
const RESTARTS: &str = "\
The time is written into the pod template (annotation kubectl.kubernetes.io/restartedAt). Kruise's workloads that update pods
in place get it as variable RESTARTED_AT of every container instead, since an annotation would restart nothing.";

/// What `apply` does beside that.
const APPLIES: &str = "\
Manifests are merged with what was applied last and with the object as it is, and noted in kubectl's own annotation, so that
this command and 'kubectl apply' can take turns. Order: namespaces, definitions, configuration, Services, Rollouts, workloads,
the rest. What does not exist is created; a first installation is no release.

A new version of a workload that an enabled Rollout names is held in the request that brings it, so that no pod of it starts
before an engine acts ('rollout run', or --standalone here). While a release is under way, the manifest's strategy, partition
and paused are noted and put in place when it ends. Before the first hold, the finalizer rollouts.kruise.io/rollout is put on
the Rollout if it has none: a Rollout that is deleted then stays until an engine has given its workload back to the user.

Rollouts of v1alpha1 are applied as what they mean in v1beta1. The exit code is that of the object
that failed, 1 where several failed differently.";

/// Drive releases without a controller in the cluster
#[derive(Args, Debug)]
pub struct RunArgs {
    #[command(flatten)]
    pub(crate) targets: SelectArgs,
    /// Go on for ever, for new releases too; leases share the Rollouts out among several processes
    #[arg(long)]
    pub forever: bool,
    #[command(flatten)]
    pub(crate) limit: TimeArgs,
    /// Only if everything is as this plan rests on, kept by plan --out; names the Rollout, too, if nothing else does
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "forever")]
    pub plan: Option<PathBuf>,
    /// Act although it cannot be told whether a controller in the cluster does
    #[arg(long)]
    pub force: bool,
    /// Judge steps by the AnalysisTemplates of this file, instead of those that Rollouts name; it may hold programs to run
    #[arg(long, value_name = "FILE")]
    pub analysis: Option<String>,
    /// Scripts for Ingress classes and kinds of routes, before those of the cluster
    #[arg(long, value_name = "DIR", value_parser = folder, value_hint = ValueHint::DirPath)]
    pub scripts: Option<Arc<Folder>>,
}

/// What `manifests` prints.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Manifest {
    /// The CustomResourceDefinitions.
    Crds,
    /// The admission policies that hold new versions back.
    Policy,
    /// What `run` may do, as roles.
    Rbac,
    /// A Deployment of the engine.
    Engine,
}

/// Print what a cluster may be given: crds, policy, rbac, engine
#[derive(Args, Debug)]
pub struct ManifestsArgs {
    /// crds, policy, rbac or engine
    #[arg(value_enum, value_name = "WHAT", required = true)]
    pub what: Vec<Manifest>,
    /// Image of the engine
    #[arg(long, value_name = "IMAGE", default_value = concat!("kubectl-kruise:", env!("CARGO_PKG_VERSION")))]
    pub image: String,
}

/// Show version
#[derive(Args, Debug)]
pub struct VersionArgs {
    /// Only the version of this program; asks no server
    #[arg(long)]
    pub client: bool,
    #[command(flatten)]
    pub(crate) shown: OutputArgs,
}

/// Print a completion script
#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}
