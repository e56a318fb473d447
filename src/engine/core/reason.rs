//! Why a Rollout is where it is, and who acts next. `Display` is the sentence that status, plan and progress share.
//!
//! Sentences that upstream has are upstream's, to the letter (engine-rollout 15.1): people grep for them.

use std::fmt;

use super::Problem;
use crate::traffic::Obstacle;

/// How the sentence of a Rollout that cannot be followed begins.
pub const INVALID: &str = "the Rollout is invalid";

/// How the sentence of a Rollout begins whose traffic cannot be split as asked.
pub const BLOCKED: &str = "traffic routing is not possible";

/// The sentence of a Rollout at rest with what is in the way of its next release.
pub(super) fn beside(sentence: &str, problems: &[String]) -> String {
    if problems.is_empty() {
        return sentence.to_owned();
    }
    format!("{sentence} ({INVALID}: {})", problems.join("; "))
}

/// The sentence without that.
pub(super) fn sentence(message: &str) -> &str {
    let end = message.find(&format!(" ({INVALID}: "));
    end.and_then(|end| message.get(..end)).unwrap_or(message)
}

/// What is wrong with a Rollout, by its engine's own sentence.
#[must_use]
pub fn invalidity(message: &str) -> Option<&str> {
    let rest = message.strip_prefix(INVALID);
    let rest = rest.or_else(|| message.split_once(&format!(" ({INVALID}"))?.1.strip_suffix(')'))?;
    Some(rest.trim_start_matches(':').trim())
}

/// Why we are here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reason {
    /// No release is under way and nothing was ever released.
    AtRest,
    /// The last release ended well.
    Completed,
    /// The last release was taken back.
    Cancelled,
    /// The Rollout is disabled.
    Disabled,
    /// The Rollout is gone, or about to be.
    Gone,
    /// The workload is not there.
    WorkloadNotFound,
    /// The workload's own controller has not seen the last write.
    WorkloadNotObserved,
    /// The Rollout cannot be followed; nothing is done until it is changed.
    Invalid {
        /// What is wrong with it.
        why: Vec<String>,
    },
    /// Traffic cannot be split as asked; nothing is done until that changes.
    Blocked {
        /// What stands in the way.
        obstacle: Obstacle,
    },
    /// A release begins.
    Starting,
    /// A newer version took the place of the one under way.
    Restarting,
    /// A newer version came in the middle of a blue-green release; nothing is done until somebody rolls back.
    RollBackFirst,
    /// An unheld change was frozen; the old version's capacity is being restored.
    RestoringStable {
        /// Ready pods of the old version.
        ready: i32,
        /// Pods it should have.
        wanted: i32,
    },
    /// New pods are coming up.
    Upgrading {
        /// The step, 1-based.
        step: i32,
        /// How many steps there are.
        total: i32,
        /// New pods that are ready.
        ready: i32,
        /// New pods wanted.
        wanted: i32,
    },
    /// A traffic object was written; the data plane gets its time.
    TrafficGrace {
        /// The step, 1-based.
        step: i32,
        /// How many steps there are.
        total: i32,
    },
    /// A human must approve.
    WaitingForApproval {
        /// The step, 1-based.
        step: i32,
        /// How many steps there are.
        total: i32,
    },
    /// Time must pass.
    TimedPause {
        /// The step, 1-based.
        step: i32,
        /// How many steps there are.
        total: i32,
        /// How long the pause is in all.
        seconds: i32,
    },
    /// The metrics of a step are measured.
    Measuring {
        /// The step, 1-based.
        step: i32,
        /// How many steps there are.
        total: i32,
        /// How far each metric is.
        what: String,
    },
    /// The metrics of a step did not pass; a human decides.
    GateClosed {
        /// The step, 1-based.
        step: i32,
        /// How many steps there are.
        total: i32,
        /// Which metric, its value and its threshold.
        why: String,
        /// Whether they are bad, not just undecided.
        failed: bool,
    },
    /// The metrics of a step are bad, and the template says that the release goes back by itself.
    GateFailed {
        /// The step, 1-based.
        step: i32,
        /// How many steps there are.
        total: i32,
        /// Which metric, its value and its threshold.
        why: String,
    },
    /// `spec.strategy.paused` is set.
    Paused,
    /// The new version goes out everywhere; closing work.
    Finalising {
        /// What is being done.
        doing: &'static str,
    },
    /// The release is being taken back.
    Cancelling {
        /// What is being done.
        doing: &'static str,
    },
    /// The Rollout is being deleted; its traces are being removed.
    Terminating {
        /// What is being done.
        doing: &'static str,
    },
    /// The Rollout is being disabled; its traces are being removed.
    Disabling {
        /// What is being done.
        doing: &'static str,
    },
    /// Nothing moved within the deadline.
    DeadlineExceeded {
        /// What is being waited for.
        waiting_for: String,
        /// The deadline.
        seconds: i64,
    },
}

/// What a driver that is to run until something stops it makes of a reason.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Stop {
    /// Nothing to do.
    AtRest,
    /// The release is complete.
    Completed,
    /// The release was taken back.
    RolledBack,
    /// A human must approve.
    WaitingForApproval {
        /// The step, 1-based.
        step: i32,
        /// How many steps there are.
        total: i32,
    },
    /// `spec.strategy.paused` is set.
    Paused,
    /// Nothing moved within the deadline.
    Degraded {
        /// The sentence.
        message: String,
    },
    /// The Rollout cannot be followed as it stands.
    Blocked {
        /// The sentence.
        message: String,
    },
    /// The Rollout cannot be followed until it is changed.
    Invalid {
        /// What is wrong with it.
        why: Vec<String>,
    },
    /// The Rollout is disabled.
    Disabled,
    /// The Rollout is gone.
    Gone,
    /// There is no such Rollout.
    NotFound,
    /// Another engine has it.
    OtherEngine {
        /// Its identity.
        holder: String,
    },
    /// The API server refuses a write for good.
    Refused {
        /// Its words.
        message: String,
        /// The HTTP status.
        code: u16,
    },
}

impl Reason {
    /// The Rollout cannot be followed.
    pub(super) fn invalid(problems: &[Problem]) -> Self {
        let why = problems.iter().map(ToString::to_string).collect();
        Self::Invalid { why }
    }

    /// Whether a driver that is not to run for ever ends here.
    #[must_use]
    pub fn stop(&self) -> Option<Stop> {
        let stop = match self {
            Self::AtRest => Stop::AtRest,
            Self::Completed => Stop::Completed,
            Self::Cancelled => Stop::RolledBack,
            Self::Disabled => Stop::Disabled,
            Self::Gone => Stop::Gone,
            Self::Invalid { why } => Stop::Invalid { why: why.clone() },
            Self::WorkloadNotFound | Self::Blocked { .. } | Self::RollBackFirst => Stop::Blocked {
                message: self.to_string(),
            },
            Self::WaitingForApproval { step, total } => Stop::WaitingForApproval {
                step: *step,
                total: *total,
            },
            Self::GateClosed { failed: true, .. } => Stop::Degraded {
                message: self.to_string(),
            },
            Self::GateClosed { step, total, .. } => Stop::WaitingForApproval {
                step: *step,
                total: *total,
            },
            Self::Paused => Stop::Paused,
            Self::DeadlineExceeded { .. } => Stop::Degraded {
                message: self.to_string(),
            },
            Self::WorkloadNotObserved
            | Self::Starting
            | Self::Restarting
            | Self::RestoringStable { .. }
            | Self::Upgrading { .. }
            | Self::TrafficGrace { .. }
            | Self::TimedPause { .. }
            | Self::Measuring { .. }
            | Self::GateFailed { .. }
            | Self::Finalising { .. }
            | Self::Cancelling { .. }
            | Self::Terminating { .. }
            | Self::Disabling { .. } => return None,
        };
        Some(stop)
    }

    /// Text for `status.message`. What upstream says it says; the rest is new.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Terminating { .. } => "Rollout is in terminating".to_owned(),
            Self::Finalising { .. } => {
                "Rollout has been completed and some closing work is being done".to_owned()
            }
            Self::Cancelling { .. } => {
                "The workload has been rolled back and the rollout process will be canceled".to_owned()
            }
            Self::Disabling { .. } => "Disabling rollout, release resources".to_owned(),
            Self::Upgrading { step, total, .. } | Self::TrafficGrace { step, total } => {
                format!("Rollout is in step({step}/{total}), and upgrade workload to new version")
            }
            // The same for each measurement: a status that changes with every one would be a write more.
            Self::Measuring { step, total, .. } => {
                format!("Rollout is in step({step}/{total}), and its metrics are being measured")
            }
            Self::RestoringStable { .. } => {
                "an unheld change was frozen; the old version's capacity is being restored".to_owned()
            }
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtRest => f.write_str("workload deployment is completed"),
            Self::Completed => f.write_str("Rollout progressing has been completed"),
            Self::Cancelled => f.write_str("Rollout progressing has been canceled"),
            Self::Disabled => f.write_str("Rollout is disabled"),
            Self::Gone => f.write_str("the Rollout is gone"),
            Self::WorkloadNotFound => f.write_str("Workload Not Found"),
            Self::WorkloadNotObserved => {
                f.write_str("the workload's controller has not yet seen its last change")
            }
            Self::Invalid { why } => write!(f, "{INVALID}: {}", why.join("; ")),
            Self::Blocked { obstacle } => write!(f, "{BLOCKED}: {obstacle}"),
            Self::Starting => f.write_str("Rollout is in Progressing"),
            Self::Restarting => f.write_str("Workload is continuous release"),
            Self::RollBackFirst => f.write_str(
                "new version releasing detected in the progress of blue-green release, please rollback first",
            ),
            Self::RestoringStable { ready, wanted } => {
                write!(
                    f,
                    "an unheld change was frozen; {ready} of {wanted} pods of the old version are ready"
                )
            }
            Self::Upgrading {
                step,
                total,
                ready,
                wanted,
            } => {
                write!(f, "step {step}/{total}: {ready} of {wanted} new pods are ready")
            }
            Self::TrafficGrace { step, total } => write!(f, "step {step}/{total}: traffic is moving"),
            Self::WaitingForApproval { step, total } => {
                write!(
                    f,
                    "Rollout is in step({step}/{total}), and you need manually confirm to enter the next step"
                )
            }
            Self::TimedPause { step, total, seconds } => {
                write!(
                    f,
                    "Rollout is in step({step}/{total}), and wait duration({seconds} seconds) to enter the next step"
                )
            }
            Self::Measuring { step, total, what } => {
                write!(f, "step {step}/{total}: measuring {what}")
            }
            Self::GateClosed {
                step,
                total,
                why,
                failed,
            } => {
                let word = if *failed { "failed" } else { "are inconclusive" };
                write!(
                    f,
                    "Rollout is in step({step}/{total}), and its metrics {word}: {why}; approve the step or roll back"
                )
            }
            Self::GateFailed { step, total, why } => {
                write!(f, "step {step}/{total}: its metrics failed: {why}; rolling back")
            }
            Self::Paused => f.write_str("Rollout has been paused, you can resume it by kube-cli"),
            Self::Finalising { doing } => write!(f, "completing: {doing}"),
            Self::Cancelling { doing } => write!(f, "rolling back: {doing}"),
            Self::Terminating { doing } => write!(f, "the Rollout is being deleted: {doing}"),
            Self::Disabling { doing } => write!(f, "the Rollout is being disabled: {doing}"),
            Self::DeadlineExceeded { waiting_for, seconds } => {
                write!(f, "no progress for {seconds} seconds: {waiting_for}")
            }
        }
    }
}
