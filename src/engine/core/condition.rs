//! Conditions of a Rollout: the present message and the present times (upstream keeps the times of the first write).

use crate::api::{
    Time,
    v1beta1::{Condition, RolloutStatus},
};

/// A release's course.
pub(super) const PROGRESSING: &str = "Progressing";
/// How the last release ended.
pub(super) const SUCCEEDED: &str = "Succeeded";
/// The Rollout is being deleted.
pub(super) const TERMINATING: &str = "Terminating";
/// Nothing moved within the deadline.
pub(super) const DEGRADED: &str = "Degraded";

/// Where a release is; the reason of the condition Progressing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Course {
    Initializing,
    InRolling,
    Paused,
    Finalising,
    Cancelling,
    Completed,
}

impl Course {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "Initializing",
            Self::InRolling => "InRolling",
            Self::Paused => "Paused",
            Self::Finalising => "Finalising",
            Self::Cancelling => "Cancelling",
            Self::Completed => "Completed",
        }
    }

    /// Reads it from a status; one that is not there or not known begins anew.
    pub(super) fn of(status: &RolloutStatus) -> Self {
        let reason = find(status, PROGRESSING).map(|condition| condition.reason.as_str());
        [
            Self::InRolling,
            Self::Paused,
            Self::Finalising,
            Self::Cancelling,
            Self::Completed,
        ]
        .into_iter()
        .find(|course| Some(course.as_str()) == reason)
        .unwrap_or(Self::Initializing)
    }
}

pub(super) fn find<'a>(status: &'a RolloutStatus, kind: &str) -> Option<&'a Condition> {
    status.conditions.iter().find(|condition| condition.kind == kind)
}

/// Writes a condition; nothing changes when it already says so.
pub(super) fn set(
    status: &mut RolloutStatus,
    kind: &str,
    value: bool,
    reason: &str,
    message: &str,
    now: Time,
) {
    let text = if value { "True" } else { "False" };
    let old = find(status, kind).cloned();
    if let Some(old) = &old
        && old.status == text
        && old.reason == reason
        && old.message == message
    {
        return;
    }
    let transition = old
        .filter(|old| old.status == text)
        .and_then(|old| old.last_transition_time)
        .unwrap_or(now);
    let new = Condition {
        kind: kind.to_owned(),
        status: text.to_owned(),
        last_update_time: Some(now),
        last_transition_time: Some(transition),
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    match status
        .conditions
        .iter_mut()
        .find(|condition| condition.kind == kind)
    {
        Some(place) => *place = new,
        None => status.conditions.push(new),
    }
}

pub(super) fn remove(status: &mut RolloutStatus, kind: &str) {
    status.conditions.retain(|condition| condition.kind != kind);
}
