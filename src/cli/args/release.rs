//! Verbs that change what a release does: approve, rollback, undo, pause, resume, restart.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{
    super::target::{ObjectArgs, SelectArgs},
    ChangeArgs, WriteArgs,
};

/// Let a paused step go on
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
    /// With --to: even if the step at hand is not paused, because it cannot get done
    #[arg(long, requires = "to")]
    pub force: bool,
    /// Only if everything is as this plan rests on, kept by plan --out; names the Rollout, too, if nothing else does
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plan: Option<PathBuf>,
    /// Stay, and approve every later step that waits for an approval too; timed pauses pass by themselves
    #[arg(long, conflicts_with_all = ["to", "no_wait"])]
    pub all_steps: bool,
    /// Do not look whether the step was left: exactly one read and one write
    #[arg(long, conflicts_with = "standalone")]
    pub no_wait: bool,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// Leave the release that is under way: back to the stable version
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
    #[arg(long, conflicts_with = "standalone")]
    pub no_wait: bool,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// Go back to an earlier revision of a workload
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

/// Freeze a release, or a workload's update, where it is
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

/// Let what is paused go on
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

/// Replace all pods, step by step where a Rollout stands behind them
#[derive(Args, Debug)]
pub struct RestartArgs {
    #[command(flatten)]
    pub(crate) targets: ObjectArgs,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}
