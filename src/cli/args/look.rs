//! Verbs that look: status, explain, watch, gate, history, schema.

use clap::Args;

use super::{
    super::{
        target::{ObjectArgs, SelectArgs, TargetArgs},
        values::{Output, OutputParser, Span, pair},
    },
    OutputArgs, TimeArgs,
};
use crate::view::Until;

/// Show where a release is; the exit code says it too
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
    /// Wait for paused, step=N, traffic>=PERCENT, healthy (or done) or gone
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

/// Say why a release does not go on, who acts next, and what to type
#[derive(Args, Debug)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub(crate) targets: SelectArgs,
    #[command(flatten)]
    pub(crate) limit: TimeArgs,
    #[command(flatten)]
    pub(crate) shown: OutputArgs,
}

/// Follow a release live
#[derive(Args, Debug)]
pub struct WatchArgs {
    #[command(flatten)]
    pub(crate) targets: SelectArgs,
    /// Measure the metrics of paused steps that a controller carries out; approve what passes, roll back what fails
    #[arg(long)]
    pub auto_approve: bool,
    /// Only until this holds: paused, step=N, traffic>=PERCENT, healthy (or done) or gone. The exit code is that of status
    #[arg(long, value_name = "CONDITION")]
    pub until: Option<Until>,
    #[command(flatten)]
    pub(crate) shown: OutputArgs,
    #[command(flatten)]
    pub(crate) limit: TimeArgs,
}

/// Measure the metrics of a release now; the exit code says what they mean
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
    pub(crate) limit: TimeArgs,
    // Not with the others, since --template is something else here.
    /// Print as json, yaml, name, jsonpath=TEMPLATE, go-template=TEMPLATE or custom-columns=SPEC
    #[arg(short, long, value_parser = OutputParser, value_name = "FORMAT", hide_possible_values = true)]
    pub output: Option<Output>,
}

/// Show the revisions of a workload: images, pods, which of them runs
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

/// Print the JSON schema of what status, history, plan or lint print with -o json
#[derive(Args, Debug)]
pub struct SchemaArgs {
    /// status, workload (status of one without a Rollout), explain, history, plan or lint
    #[arg(value_enum, value_name = "DOCUMENT")]
    pub document: Document,
}
