//! Verbs that need no cluster, or a copy of one: plan, rehearse, demo, lint.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, ValueHint};

use super::super::{
    scripts::folder,
    target::TargetArgs,
    values::{ContainerImage, PlanOutput, duration, percent},
};
use super::shared::OutputArgs;
use crate::{plan::WhatIf, traffic::script::Folder};

/// What is copied, and what is changed in the copy.
#[derive(Args, Debug)]
pub struct CopyArgs {
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
    /// Copy these files or folders of manifests instead of a cluster; - reads stdin
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
    /// As if steps were judged by the AnalysisTemplates of this file
    #[arg(long, value_name = "FILE")]
    pub analysis: Option<String>,
    /// Scripts for Ingress classes and kinds of routes, before those of the cluster
    #[arg(long, value_name = "DIR", value_parser = folder, value_hint = ValueHint::DirPath)]
    pub scripts: Option<Arc<Folder>>,
}

/// What `plan` knows and does not.
const PLANS: &str = "\
The engine itself runs over a copy of the release's objects in virtual time; nothing is written, but with --server-dry-run a few
writes are sent as dry runs, which store nothing. With -f the copy is made of
files, and no cluster is needed: the workload, its Services and routes, and the Rollout; what files of a cluster say of status
and pods is taken as it is. Pauses for approvals take no time; EARLIEST takes pods to start as quickly as the quickest one that
was seen, LIKELY as slowly as the slowest but one in ten, and is an estimate.

--what-if asks what would be, and may be repeated:
  crash             every pod of the new version crashes
  missing-image     the image of the new version is not there
  never-ready       pods of the new version run and never become ready
  failing-pods=N    so many of them crash; failing-pods=25% a share of them
  slow-pods=90s     new pods take this long to become ready
  node-lost         the node with most of the pods is lost at the first pause; node-lost=NAME for another

Exit codes: 0 planned, 2 planned and something would change (--detailed-exitcode), 3 something is in the way, 5 pods do not become
ready in time, 1 an error.";

/// Tell what a release will do, before it does it
#[derive(Args, Debug)]
#[command(after_help = PLANS)]
pub struct PlanArgs {
    #[command(flatten)]
    pub(crate) copied: CopyArgs,
    /// As if the Rollout had the steps of this file: a list of steps, or a Rollout
    #[arg(long, value_name = "FILE")]
    pub steps: Option<String>,
    /// Plan to the pause of this step only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub until_step: Option<i32>,
    /// As if this happened: crash, missing-image, never-ready, failing-pods=N|N%, slow-pods=TIME, node-lost[=NODE]
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub what_if: Vec<WhatIf>,
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
    #[command(flatten)]
    pub(crate) shown: OutputArgs<PlanOutput>,
}

/// What `rehearse` does.
const REHEARSES: &str = "\
The release goes through in a copy of the cluster, in memory: the objects that it touches, as a plan copies them, or files.
Nothing is written to the cluster. On a terminal it is watched live, with watch's keys for approving, pausing and rolling back;
elsewhere, or with --yes or --auto-approve, there is a line per change. Measurements of metric gates are taken for good.

Exit codes: those of 'run': 0 completed, 4 waiting for an approval, 5 degraded, 6 rolled back, 3 nothing can be released.";

/// Carry out a release in a copy of the cluster, with faults of your choice
#[derive(Args, Debug)]
#[command(after_help = REHEARSES)]
pub struct RehearseArgs {
    #[command(flatten)]
    pub(crate) copied: CopyArgs,
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
    /// Let time run so many times as fast; 10 where it is watched live, else 60
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub speed: Option<u32>,
    /// Approve every step
    #[arg(short, long)]
    pub yes: bool,
    /// Approve every step after this time
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub auto_approve: Option<Duration>,
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

/// Run a release in an in-memory cluster
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

/// What `lint` finds.
pub(super) const LINTS: &str = "\
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

/// Say what is wrong with manifests, or with what a cluster has, before a release begins
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
