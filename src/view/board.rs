//! Many Rollouts at once, those that need a human in front.

use jiff::Timestamp;

use super::{
    Line, Tone,
    frame::{Foot, Size, fitted, foot_lines},
    line::width,
    status::{Status, span},
};
use crate::release::Verdict;

/// How much a Rollout needs a human: the smaller, the more.
#[must_use]
pub fn attention(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Degraded | Verdict::NoWorkload => 0,
        Verdict::WaitingForApproval => 1,
        Verdict::Paused => 2,
        Verdict::Held | Verdict::NotObserved => 3,
        Verdict::RollingBack => 4,
        Verdict::Progressing | Verdict::Finishing => 5,
        Verdict::Timed | Verdict::Disabling | Verdict::Terminating => 6,
        Verdict::RolledBack => 7,
        Verdict::Healthy | Verdict::Completed => 8,
        Verdict::Disabled => 9,
    }
}

/// Sorts by attention, those that wait longest first.
pub fn sort(rows: &mut [Status]) {
    rows.sort_by(|a, b| {
        let key = |status: &Status| {
            let since = status.position.since.filter(|_| status.position.under_way());
            (attention(status.verdict), since.unwrap_or(Timestamp::MAX))
        };
        key(a)
            .cmp(&key(b))
            .then_with(|| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)))
    });
}

/// The board. `selected` is the row that keys are about, where keys are read.
#[must_use]
pub fn board(rows: &[Status], selected: Option<usize>, foot: &Foot, now: Timestamp, size: Size) -> Vec<Line> {
    let count = |range: std::ops::RangeInclusive<u8>| {
        rows.iter()
            .filter(|row| range.contains(&attention(row.verdict)))
            .count()
    };
    let mut head = Line::new(
        format!(
            "{} {}",
            rows.len(),
            if rows.len() == 1 { "Rollout" } else { "Rollouts" }
        ),
        Tone::Strong,
    );
    for (number, what, tone) in [
        (count(0..=0), "in trouble", Tone::Bad),
        (count(1..=2), "waiting for you", Tone::Wait),
        (count(3..=6), "on their way", Tone::Plain),
        (count(7..=9), "at rest", Tone::Faint),
    ] {
        if number > 0 {
            head.push(format!("   {number} {what}"), tone);
        }
    }
    let longest = |text: &dyn Fn(&Status) -> String, most: usize| {
        rows.iter()
            .map(|row| width(&text(row)))
            .max()
            .unwrap_or(0)
            .min(most)
    };
    let title = |row: &Status| format!("{}/{}", row.namespace, row.name);
    let names = longest(&title, size.columns / 2);
    let mut bottom = Vec::new();
    if let Some(command) = selected
        .and_then(|at| rows.get(at))
        .and_then(Status::command_beside)
    {
        bottom.push(Line::new(format!(" {command}"), Tone::Good));
    }
    bottom.extend(foot_lines(foot));
    let room = size.rows.saturating_sub(1 + bottom.len());
    let chosen = selected.unwrap_or(0);
    // The selection stays in sight; two rows may be taken by what is out of it.
    let first = if rows.len() <= room {
        0
    } else {
        let visible = room.saturating_sub(2).max(1);
        (chosen + 1).saturating_sub(visible).min(rows.len() - visible)
    };
    let mut middle = Vec::new();
    if first > 0 {
        middle.push(Line::new(format!("   ↑ {first} more"), Tone::Faint));
    }
    for (at, row) in rows.iter().enumerate().skip(first) {
        let left = room.saturating_sub(middle.len());
        if left <= 1 && at + 1 < rows.len() {
            middle.push(Line::new(format!("   ↓ {} more", rows.len() - at), Tone::Faint));
            break;
        }
        middle.push(line(row, title(row), names, selected == Some(at), now));
    }
    fitted(vec![head], middle, bottom, size)
}

fn line(row: &Status, title: String, names: usize, is_selected: bool, now: Timestamp) -> Line {
    let mark = match attention(row.verdict) {
        0 => "!",
        1 | 2 => "?",
        3..=6 => "▶",
        7 => "↶",
        _ => "✔",
    };
    let mut line = Line::new(if is_selected { "› " } else { "  " }, Tone::Strong);
    line.push(format!("{mark} "), row.tone());
    let title = Line::new(title, Tone::Plain).cut(names).text();
    let gap = names - width(&title);
    let tone = if is_selected { Tone::Strong } else { Tone::Plain };
    line.push(format!("{title}{}  ", " ".repeat(gap)), tone);
    line.push(row.headline(), row.tone());
    let position = &row.position;
    if let Some(left) = position.pause_left(now).filter(|_| row.verdict == Verdict::Timed) {
        line.push(format!(", {} left", span(left)), Tone::Plain);
    } else if let Some(at) = position.since.filter(|_| position.under_way()) {
        line.push(format!(", {}", span(now.duration_since(at))), Tone::Plain);
    }
    let why = match row.verdict {
        Verdict::Degraded => position
            .degraded
            .clone()
            .or_else(|| position.obstacle().map(str::to_owned))
            .or_else(|| Some(row.problems.first()?.what.clone())),
        _ => None,
    };
    if let Some(why) = why {
        line.push(format!("  {why}"), Tone::Faint);
    }
    line
}
