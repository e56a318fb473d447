//! What may be typed after `rollout`, one struct per verb.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, Subcommand, ValueHint};
use clap_complete::Shell;

use super::{
    scripts::folder,
    target::{ObjectArgs, PickArgs, SelectArgs, TargetArgs},
    values::{
        Amount, ContainerImage, DryRun, Output, OutputParser, PlanOutput, PlanOutputParser, Reader, Span,
        duration, pair, percent,
    },
};
use crate::{plan::WhatIf, traffic::script::Folder, view::Until};

/// The verbs.
#[derive(Debug, Subcommand)]
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

/// What a command does that holds a new version back.
const HOLDS: &str = "\
The new version is held in the request that brings it, so that no pod of it starts before an engine acts ('rollout run',
'rollout run --forever' in the cluster, or --standalone here). Nothing is held where no enabled Rollout names the workload,
where a controller in the cluster holds new versions, where there are 0 replicas, or where the update strategy is OnDelete.
Before that, the finalizer rollouts.kruise.io/rollout is put on the Rollout if it has none: a Rollout that is deleted then
stays until an engine has given its workload back to the user.";

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

Rollouts of v1alpha1 are applied as what they mean in v1beta1. The exit code is 1 when any object failed.";

/// What `set` can change.
#[derive(Debug, Subcommand)]
pub enum SetVerb {
    /// Set images of containers
    #[command(after_help = HOLDS)]
    Image(SetImageArgs),
    /// Set or remove environment variables of containers
    #[command(after_help = HOLDS)]
    Env(SetEnvArgs),
    /// Set limits and requests of containers
    #[command(after_help = HOLDS)]
    Resources(SetResourcesArgs),
}

/// `approve`.
#[derive(Args, Debug)]
pub struct ApproveArgs {
    #[command(flatten)]
    pub(crate) targets: SelectArgs,
    /// Only if this step (1-based) is the one that is paused
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub step: Option<i32>,
    /// Only if this is the new revision, as `status` shows it
    #[arg(long, value_name = "HASH")]
    pub revision: Option<String>,
    /// Go on with step N, leaving out the steps between
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub to: Option<i32>,
    /// Only if everything is as this plan rests on, kept by plan --out; names the Rollout, too, if nothing else does
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plan: Option<PathBuf>,
    /// Stay, and approve every later step that waits for an approval too; timed pauses pass by themselves
    #[arg(long, conflicts_with_all = ["to", "no_wait"])]
    pub all_steps: bool,
    #[command(flatten)]
    pub(crate) limit: TimeArgs,
    /// Do not look whether the step was left: exactly one read and one write
    #[arg(long)]
    pub no_wait: bool,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// How what comes of a command is printed.
#[derive(Args, Clone, Debug, Default)]
pub struct OutputArgs {
    /// Print as wide, json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC
    #[arg(short, long, value_parser = OutputParser, value_name = "FORMAT", hide_possible_values = true)]
    pub output: Option<Output>,
}

/// How long a command may take.
#[derive(Args, Clone, Debug, Default)]
pub struct TimeArgs {
    /// Give up after this time, with exit code 124; 0 for no limit
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
}

/// Whether a change is made, and what is told of it.
#[derive(Args, Clone, Debug, Default)]
pub struct WriteArgs {
    /// none, client (print the request) or server (send it with dryRun=All)
    #[arg(long, value_enum, value_name = "WHERE", default_value_t)]
    pub dry_run: DryRun,
    #[command(flatten)]
    pub(crate) shown: OutputArgs,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Flags of every verb that changes something.
#[derive(Args, Debug)]
pub struct ChangeArgs {
    /// Then drive the release to its next stop, in this process
    #[arg(long, conflicts_with = "dry_run")]
    pub standalone: bool,
    /// With --standalone: scripts for Ingress classes and kinds of routes, before those of the cluster
    #[arg(long, value_name = "DIR", value_parser = folder, requires = "standalone", value_hint = ValueHint::DirPath)]
    pub scripts: Option<Arc<Folder>>,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}

/// `status`.
#[derive(Args, Debug)]
pub struct StatusArgs {
    #[command(flatten)]
    pub(crate) targets: SelectArgs,
    /// Wait until no release is under way, one line per change; with -o json one document a line. A workload without a
    /// Rollout is waited for unless this is false
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub watch: Option<bool>,
    /// Of a Deployment without a Rollout: only if this revision is the newest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub revision: Option<i64>,
    /// Wait for paused, step=N, traffic>=PERCENT, healthy or gone
    #[arg(long, value_name = "CONDITION")]
    pub until: Option<Until>,
    /// Stop waiting, with exit code 5, as soon as a cause is seen that waiting does not cure, or one of several is lost
    #[arg(long)]
    pub fail_fast: bool,
    #[command(flatten)]
    pub(crate) limit: TimeArgs,
    #[command(flatten)]
    pub(crate) shown: OutputArgs,
}

/// `explain`.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub(crate) targets: SelectArgs,
    #[command(flatten)]
    pub(crate) limit: TimeArgs,
    #[command(flatten)]
    pub(crate) shown: OutputArgs,
}

/// `watch`.
#[derive(Args, Debug)]
pub struct WatchArgs {
    #[command(flatten)]
    pub(crate) targets: SelectArgs,
    /// Measure the metrics of paused steps that a controller carries out; approve what passes, roll back what fails
    #[arg(long)]
    pub auto_approve: bool,
    /// Print every change as json (one document a line), yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC
    #[arg(short, long, value_parser = OutputParser, value_name = "FORMAT", hide_possible_values = true)]
    pub output: Option<Output>,
    #[command(flatten)]
    pub(crate) limit: TimeArgs,
}

/// `rollback`.
#[derive(Args, Debug)]
pub struct RollbackArgs {
    #[command(flatten)]
    pub(crate) targets: SelectArgs,
    /// To this revision of the workload, as `history` shows it, instead of the stable one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    pub to_revision: Option<i64>,
    /// To an earlier step of the same release; the new version stays
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..), conflicts_with = "to_revision")]
    pub to_step: Option<i32>,
    /// To the earlier step with the most new pods and no traffic to them: blue-green's way back, in seconds
    #[arg(long, conflicts_with_all = ["to_revision", "to_step"])]
    pub fast: bool,
    /// Do not wait for the old version to be back
    #[arg(long)]
    pub no_wait: bool,
    #[command(flatten)]
    pub(crate) limit: TimeArgs,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// `undo`.
#[derive(Args, Debug)]
pub struct UndoArgs {
    #[command(flatten)]
    pub(crate) targets: ObjectArgs,
    /// To this revision, as `history` shows it; 0 for the one before
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    pub to_revision: i64,
    /// Of a Rollout: to the earlier step with the most new pods and no traffic to them
    #[arg(long, conflicts_with = "to_revision")]
    pub fast: bool,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// `pause`.
#[derive(Args, Debug)]
pub struct PauseArgs {
    #[command(flatten)]
    pub(crate) targets: ObjectArgs,
    /// Pause a workload although a release of it is under way
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}

/// `resume`.
#[derive(Args, Debug)]
pub struct ResumeArgs {
    #[command(flatten)]
    pub(crate) targets: ObjectArgs,
    /// Resume a workload although a release of it is under way
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// `restart`.
#[derive(Args, Debug)]
pub struct RestartArgs {
    #[command(flatten)]
    pub(crate) targets: ObjectArgs,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// `history`.
#[derive(Args, Debug)]
pub struct HistoryArgs {
    #[command(flatten)]
    pub(crate) targets: ObjectArgs,
    /// Only this revision, with its pod template
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub revision: Option<i64>,
    /// What changed between two revisions, such as 3..5; 3.. compares with the present template
    #[arg(long, value_name = "A..B", conflicts_with = "revision")]
    pub diff: Option<Span>,
    #[command(flatten)]
    pub(crate) shown: OutputArgs,
}

/// `set image`.
#[derive(Args, Debug)]
pub struct SetImageArgs {
    /// Rollouts or workloads (TYPE NAME, TYPE/NAME; a bare NAME is a Rollout), then images by container; * stands for all
    #[arg(value_name = "TARGET... CONTAINER=IMAGE", required = true)]
    pub words: Vec<String>,
    #[command(flatten)]
    pub(crate) pick: PickArgs,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// `set env`.
#[derive(Args, Debug)]
pub struct SetEnvArgs {
    /// Rollouts or workloads (TYPE NAME, TYPE/NAME; a bare NAME is a Rollout), then variables: KEY=VALUE, or KEY- to remove one
    #[arg(value_name = "TARGET... KEY=VALUE", required = true)]
    pub words: Vec<String>,
    /// Only these containers; * stands for any text
    #[arg(short, long, value_name = "NAME", default_value = "*")]
    pub containers: String,
    /// A variable for every key of configmap/NAME or secret/NAME
    #[arg(long, value_name = "TYPE/NAME")]
    pub from: Option<String>,
    /// What the names of variables of --from begin with
    #[arg(long, value_name = "TEXT", default_value = "", requires = "from")]
    pub prefix: String,
    #[command(flatten)]
    pub(crate) pick: PickArgs,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// `set resources`.
#[derive(Args, Debug)]
pub struct SetResourcesArgs {
    #[command(flatten)]
    pub(crate) targets: ObjectArgs,
    /// Only these containers; * stands for any text
    #[arg(short, long, value_name = "NAME", default_value = "*")]
    pub containers: String,
    /// Limits, such as cpu=500m,memory=1Gi
    #[arg(
        long,
        value_name = "NAME=AMOUNT",
        value_delimiter = ',',
        required_unless_present = "requests"
    )]
    pub limits: Vec<Amount>,
    /// Requests, such as cpu=100m,memory=256Mi
    #[arg(long, value_name = "NAME=AMOUNT", value_delimiter = ',')]
    pub requests: Vec<Amount>,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// `apply`.
#[derive(Args, Debug)]
pub struct ApplyArgs {
    /// Files or folders of manifests, YAML or JSON; - reads them from stdin
    #[arg(short, long, value_name = "FILE", required = true, value_delimiter = ',')]
    pub filename: Vec<String>,
    /// Read folders within folders too
    #[arg(short = 'R', long)]
    pub recursive: bool,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// `run`.
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

/// `gate`.
#[derive(Args, Debug)]
pub struct GateArgs {
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
    /// A file of AnalysisTemplates, - for stdin, or the name of one in the cluster; without it those that the Rollout names
    #[arg(long, value_name = "FILE")]
    pub template: Option<String>,
    /// Give a template's arg; may be repeated
    #[arg(long = "arg", value_name = "NAME=VALUE", value_parser = pair)]
    pub args: Vec<(String, String)>,
    /// As if the release were at this step
    #[arg(long, value_name = "N")]
    pub step: Option<i32>,
    #[command(flatten)]
    pub(crate) shown: OutputArgs,
}

/// What `plan` knows and does not.
const PLANS: &str = "\
The engine itself runs over a copy of the release's objects in virtual time; nothing is written, but with --server-dry-run a few
writes are sent as dry runs, which store nothing. With -f the copy is made of
files, and no cluster is needed: the workload, its Services and routes, and the Rollout; what files of a cluster say of status
and pods is taken as it is. Pauses for approvals take no time; EARLIEST takes pods to start as quickly as the quickest one that
was seen, LIKELY as slowly as the slowest, and is an estimate.

--what-if asks what would be, and may be repeated:
  crash             every pod of the new version crashes
  missing-image     the image of the new version is not there
  never-ready       pods of the new version run and never become ready
  failing-pods=N    so many of them crash; failing-pods=25% a share of them
  slow-pods=90s     new pods take this long to become ready
  node-lost         the node with most of the pods is lost at the first pause; node-lost=NAME for another

Exit codes: 0 planned, 2 planned and something would change (--detailed-exitcode), 3 something is in the way, 5 pods do not become
ready in time, 1 an error.";

/// `plan`.
#[derive(Args, Debug)]
#[command(after_help = PLANS)]
pub struct PlanArgs {
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
    /// Plan over these files or folders of manifests instead of a cluster; - reads stdin
    #[arg(short, long, value_name = "FILE", value_delimiter = ',')]
    pub filename: Vec<String>,
    /// Read folders within folders too
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// As if this image were set; may be repeated
    #[arg(long, value_name = "CONTAINER=IMAGE")]
    pub set_image: Vec<ContainerImage>,
    /// As if the workload had this many pods
    #[arg(long, value_name = "N")]
    pub replicas: Option<u32>,
    /// As if these files or folders of manifests were applied: a new template, another Rollout, other routes
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub apply: Vec<String>,
    /// As if the Rollout had the steps of this file: a list of steps, or a Rollout
    #[arg(long, value_name = "FILE")]
    pub steps: Option<String>,
    /// Plan to the pause of this step only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub until_step: Option<i32>,
    /// As if this happened: crash, missing-image, never-ready, failing-pods=N|N%, slow-pods=TIME, node-lost[=NODE]
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub what_if: Vec<WhatIf>,
    /// As if steps were judged by the AnalysisTemplates of this file
    #[arg(long, value_name = "FILE")]
    pub analysis: Option<String>,
    /// Scripts for Ingress classes and kinds of routes, before those of the cluster
    #[arg(long, value_name = "DIR", value_parser = folder, value_hint = ValueHint::DirPath)]
    pub scripts: Option<Arc<Folder>>,
    /// Print each write, as it would be sent
    #[arg(long)]
    pub writes: bool,
    /// Let the server try the change, and the first write of each object, without storing them: what does admission say?
    #[arg(long, conflicts_with = "filename")]
    pub server_dry_run: bool,
    /// Exit with 2 when something would change
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Keep the plan in this file, with what it rests on, for approve --plan and run --plan
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["filename", "what_if", "until_step"])]
    pub out: Option<PathBuf>,
    /// Print as markdown, mermaid, svg, json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC
    #[arg(short, long, value_parser = PlanOutputParser, value_name = "FORMAT", hide_possible_values = true)]
    pub output: Option<PlanOutput>,
}

/// What `lint` finds.
const LINTS: &str = "\
Rollouts are looked at together with the workloads, Services, routes and templates beside them: rules of the API, limits of what
splits the traffic, fields that an API server drops, objects that are missing, releases that nothing stops. Nothing is written.
Files may leave out what the cluster has: that is only noted; with --live everything must be there.

Exit codes: 0 no errors, 3 errors (with --strict warnings, too), 1 a file cannot be read.";

/// How `lint` prints.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum LintFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
}

/// `lint`.
#[derive(Args, Debug)]
pub struct LintArgs {
    /// Files or folders of manifests, - for stdin; with --live names of Rollouts, all of the namespace when there are none
    #[arg(value_name = "FILE", required_unless_present_any = ["filename", "live"])]
    pub words: Vec<String>,
    /// The same
    #[arg(
        short,
        long,
        value_name = "FILE",
        value_delimiter = ',',
        conflicts_with = "live"
    )]
    pub filename: Vec<String>,
    /// Read folders within folders too
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// Look at what the cluster has
    #[arg(long)]
    pub live: bool,
    /// With --live: in all namespaces
    #[arg(short = 'A', long, requires = "live")]
    pub all_namespaces: bool,
    /// Scripts for Ingress classes and kinds of routes, before those of the cluster
    #[arg(long, value_name = "DIR", value_parser = folder, value_hint = ValueHint::DirPath)]
    pub scripts: Option<Arc<Folder>>,
    /// Let warnings fail, too
    #[arg(long)]
    pub strict: bool,
    /// How to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: LintFormat,
}

/// What `demo` shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum DemoScenario {
    /// A few new pods beside the old ones, with their share of the traffic.
    Canary,
    /// The new version for requests with one header first.
    Ab,
    /// A whole second set of pods, then the traffic.
    BlueGreen,
    /// A Deployment's pods replaced in batches.
    Batches,
    /// A StatefulSet in batches.
    Statefulset,
    /// A canary that is taken back.
    Rollback,
    /// A canary whose pods never become ready.
    Stuck,
    /// Nothing but the cluster, for manifests of your own; with --serve.
    Empty,
}

/// `demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// What to show
    #[arg(value_enum, default_value = "canary")]
    pub scenario: DemoScenario,
    /// Say what there is to show, one line each
    #[arg(long)]
    pub list: bool,
    /// Keep the cluster on loopback, with a kubeconfig for kubectl and this plugin
    #[arg(long)]
    pub serve: bool,
    /// Approve every step instead of asking
    #[arg(short, long)]
    pub yes: bool,
    /// Approve every step after this time instead of asking
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub auto_approve: Option<Duration>,
    /// Let time run so many times as fast; with --serve, the times that other commands show are ahead of theirs
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub speed: u32,
    /// Where the kubeconfig is written with --serve
    #[arg(long, value_name = "FILE")]
    pub write_kubeconfig: Option<PathBuf>,
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

/// What `rehearse` does.
const REHEARSES: &str = "\
The release goes through in a copy of the cluster, in memory: the objects that it touches, as a plan copies them, or files.
Nothing is written to the cluster. On a terminal it is watched live, with watch's keys for approving, pausing and rolling back;
elsewhere, or with --yes or --auto-approve, there is a line per change. Measurements of metric gates are taken for good.

Exit codes: those of 'run': 0 completed, 4 waiting for an approval, 5 degraded, 6 rolled back, 3 nothing can be released.";

/// `rehearse`.
#[derive(Args, Debug)]
#[command(after_help = REHEARSES)]
pub struct RehearseArgs {
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
    /// Copy these files or folders of manifests instead of a cluster; - reads stdin
    #[arg(short, long, value_name = "FILE", value_delimiter = ',')]
    pub filename: Vec<String>,
    /// Read folders within folders too
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// Release this image; may be repeated
    #[arg(long, value_name = "CONTAINER=IMAGE")]
    pub set_image: Vec<ContainerImage>,
    /// Let the workload have this many pods
    #[arg(long, value_name = "N")]
    pub replicas: Option<u32>,
    /// Apply these files or folders of manifests in the copy: a new template, another Rollout, other routes
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub apply: Vec<String>,
    /// Pods of the new version crash: all, the first N, or N%
    #[arg(long, value_name = "N|N%", num_args = 0..=1, require_equals = true, default_missing_value = "100%")]
    pub crash: Option<String>,
    /// New pods take this long to become ready
    #[arg(long, value_name = "TIME")]
    pub slow: Option<String>,
    /// A node is lost at the first pause: this one, or the one with most of the pods
    #[arg(long, value_name = "NODE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub node_lost: Option<String>,
    /// So many of a hundred requests to the API server fail
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub errors: Option<u32>,
    /// Judge steps by the AnalysisTemplates of this file
    #[arg(long, value_name = "FILE")]
    pub analysis: Option<String>,
    /// Scripts for Ingress classes and kinds of routes, before those of the cluster
    #[arg(long, value_name = "DIR", value_parser = folder, value_hint = ValueHint::DirPath)]
    pub scripts: Option<Arc<Folder>>,
    /// Let time run so many times as fast
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub speed: u32,
    /// Approve every step
    #[arg(short, long)]
    pub yes: bool,
    /// Approve every step after this time
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub auto_approve: Option<Duration>,
}

/// `manifests`.
#[derive(Args, Debug)]
pub struct ManifestsArgs {
    /// crds, policy, rbac or engine
    #[arg(value_enum, value_name = "WHAT", required = true)]
    pub what: Vec<Manifest>,
    /// Image of the engine
    #[arg(long, value_name = "IMAGE", default_value = concat!("kubectl-kruise:", env!("CARGO_PKG_VERSION")))]
    pub image: String,
}

/// A document.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Document {
    /// Of `status`.
    Status,
    /// Of `status` of a workload that no Rollout releases.
    Workload,
    /// Of `explain`.
    Explain,
    /// Of `history`.
    History,
    /// Of `plan`.
    Plan,
    /// Of `lint`.
    Lint,
}

/// `schema`.
#[derive(Args, Debug)]
pub struct SchemaArgs {
    /// status, workload (status of one without a Rollout), explain, history, plan or lint
    #[arg(value_enum, value_name = "DOCUMENT")]
    pub document: Document,
}

/// `version`.
#[derive(Args, Debug)]
pub struct VersionArgs {
    /// Only the version of this program; asks no server
    #[arg(long)]
    pub client: bool,
    #[command(flatten)]
    pub(crate) shown: OutputArgs,
}

/// `completion`.
#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}
