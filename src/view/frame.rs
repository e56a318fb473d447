//! The live view of one Rollout: what a screen of a given size shows. The top says what matters, and stays.

use jiff::Timestamp;

use super::{
    Line, Tone,
    line::{width, wrapped},
    status::{Status, span, style_word},
};
use crate::release::{Role, Verdict};

/// Columns and rows that a view may use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Size {
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

/// What stands below a view: what was just done, and what keys do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Foot {
    /// What was just done, or is not well.
    pub notice: Option<(String, Tone)>,
    /// Keys and what they do; empty where keys are not read.
    pub keys: Vec<(&'static str, &'static str)>,
}

/// Columns of a bar of pods.
const BAR: usize = 10;

/// Longest list of versions and of routes.
const VERSIONS: usize = 4;
const ROUTES: usize = 3;

/// One Rollout.
#[must_use]
pub fn frame(status: &Status, foot: &Foot, now: Timestamp, size: Size) -> Vec<Line> {
    let mut top = vec![header(status, now, size.columns)];
    top.extend(next(status, now, size.columns));
    top.push(steps(status, now, size.columns));
    let bottom = foot_lines(foot);
    let room = size.rows.saturating_sub(top.len() + bottom.len());
    let mut middle = Vec::new();
    let spaced = room > 14;
    if spaced {
        middle.push(Line::default());
    }
    let mut stock = versions(status, size.columns);
    stock.extend(routes(status));
    let troubled = status.troubles().next().is_some();
    // Where there is room for one of the two, why it does not go on is worth more than how many pods there are.
    if troubled && room < stock.len() + 3 {
        middle.extend(causes(status, now, size.columns, room));
        middle.extend(stock);
    } else {
        middle.extend(stock);
        if spaced && troubled {
            middle.push(Line::default());
        }
        let left = room.saturating_sub(middle.len());
        middle.extend(causes(status, now, size.columns, left));
    }
    if middle.len() < room && status.troubles().next().is_none() && !status.position.message.is_empty() {
        middle.push(Line::new(format!(" {}", status.position.message), Tone::Faint));
    }
    for unread in &status.unread {
        middle.push(Line::new(format!(" not seen: {unread}"), Tone::Wait));
    }
    fitted(top, middle, bottom, size)
}

/// Top, as much of the middle as there is room for, and the bottom.
#[must_use]
pub fn fitted(mut top: Vec<Line>, mut middle: Vec<Line>, bottom: Vec<Line>, size: Size) -> Vec<Line> {
    let room = size.rows.saturating_sub(top.len() + bottom.len());
    if middle.len() > room {
        let more = middle.len() - room.saturating_sub(1);
        middle.truncate(room.saturating_sub(1));
        if room > 0 {
            middle.push(Line::new(format!(" … {more} more lines"), Tone::Faint));
        }
    }
    top.extend(middle);
    top.extend(bottom);
    top.truncate(size.rows.max(1));
    top.iter().map(|line| line.cut(size.columns)).collect()
}

/// What was done, and the keys.
#[must_use]
pub fn foot_lines(foot: &Foot) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some((notice, tone)) = &foot.notice {
        lines.push(Line::new(format!(" {notice}"), *tone));
    }
    if !foot.keys.is_empty() {
        let mut line = Line::default();
        for (key, does) in &foot.keys {
            line.push(format!(" {key}"), Tone::Good);
            line.push(format!(" {does} "), Tone::Faint);
        }
        lines.push(line);
    }
    lines
}

fn header(status: &Status, now: Timestamp, columns: usize) -> Line {
    let style = status.position.style.map(style_word).unwrap_or("no strategy");
    let since = status.position.since.filter(|_| status.position.under_way());
    let since = since
        .map(|at| format!(", {}", span(now.duration_since(at))))
        .unwrap_or_default();
    let name = format!("{}/{}", status.namespace, status.name);
    let of = format!("  {style} of {}", status.workload);
    let state = format!("{}{since}", status.headline());
    let taken = width(&name) + width(&of) + width(&state);
    let mut line = Line::new(name, Tone::Strong);
    // A state that is cut says nothing: the workload gives way.
    if taken < columns {
        line.push(of, Tone::Faint);
        line.push(" ".repeat(columns - taken), Tone::Plain);
    } else {
        line.push("  ", Tone::Plain);
    }
    line.push(state, status.tone());
    line
}

/// Who acts next, and what to type: on a line of its own where it would be cut.
fn next(status: &Status, now: Timestamp, columns: usize) -> Vec<Line> {
    let who = format!(" next: {}", status.next_word(now));
    let mut line = Line::new(&who, Tone::Plain);
    let Some(command) = status.command_beside() else {
        return vec![line];
    };
    if width(&who) + 3 + width(command) <= columns {
        line.push(format!("   {command}"), Tone::Good);
        return vec![line];
    }
    vec![line, Line::new(format!(" {command}"), Tone::Good)]
}

/// The steps in one line, around the one at hand where there is no room for all of them.
fn steps(status: &Status, now: Timestamp, columns: usize) -> Line {
    let position = &status.position;
    let pieces: Vec<(String, Tone)> = position
        .steps
        .iter()
        .zip(1..)
        .map(|(step, number)| {
            let mark = status.step_mark(number);
            let mut text = format!(" {mark} {number}");
            let share = match status.traffic_of_step(step) {
                share if share.is_empty() => step
                    .replicas
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                share => share,
            };
            text.push_str(&format!(" {share}"));
            let at_hand = mark == "▶";
            let gate = match (step.pause.duration, position.pause_left(now)) {
                (Some(_), Some(left)) if at_hand => format!(" {} left", span(left)),
                (Some(seconds), _) if mark != "✔" => {
                    format!(" +{}", span(jiff::SignedDuration::from_secs(seconds.into())))
                }
                (None, _) if mark != "✔" && !position.passes(number) => " ॥".to_owned(),
                _ => String::new(),
            };
            text.push_str(&gate);
            text.push(' ');
            let tone = match mark {
                "✔" => Tone::Good,
                "▶" => status.tone_of_step(),
                _ => Tone::Faint,
            };
            (text, tone)
        })
        .collect();
    let at = usize::try_from(position.step)
        .unwrap_or(0)
        .saturating_sub(1)
        .min(pieces.len().saturating_sub(1));
    let (mut first, mut last) = (0, pieces.len());
    let taken = |first: usize, last: usize| -> usize {
        let inner: usize = pieces[first..last].iter().map(|(text, _)| width(text)).sum();
        inner + 3 * usize::from(first > 0) + 3 * usize::from(last < pieces.len())
    };
    // What is far from the step at hand goes first.
    while last - first > 1 && taken(first, last) > columns {
        if last - 1 - at > at - first {
            last -= 1;
        } else {
            first += 1;
        }
    }
    let mut line = Line::default();
    if first > 0 {
        line.push(" … ", Tone::Faint);
    }
    for (text, tone) in pieces.get(first..last).unwrap_or_default() {
        line.push(text.as_str(), *tone);
    }
    if last < pieces.len() {
        line.push(" … ", Tone::Faint);
    }
    line
}

/// One line for each version: a bar of its ready pods, and what is wrong with the others, alike ones together.
fn versions(status: &Status, columns: usize) -> Vec<Line> {
    let revisions = &status.pods.revisions;
    let images: Vec<String> = revisions.iter().map(|r| r.images.join(",")).collect();
    let widest = images
        .iter()
        .map(|image| width(image))
        .max()
        .unwrap_or(0)
        .min(columns.saturating_sub(46).max(12));
    let mut lines = Vec::new();
    for (revision, image) in revisions.iter().zip(&images).take(VERSIONS) {
        let tone = match revision.role {
            Role::New => Tone::Wait,
            Role::Stable => Tone::Good,
            Role::Other => Tone::Faint,
        };
        let most = revision.desired.max(revision.current).max(1);
        let filled = usize::try_from(revision.ready.max(0) * 10 / most)
            .unwrap_or(0)
            .min(BAR);
        let mut line = Line::new(format!(" {:<7} ", revision.role.word()), tone);
        let shown = Line::new(image.as_str(), Tone::Plain).cut(widest).text();
        let gap = widest - width(&shown);
        line.push(format!("{shown}{}  ", " ".repeat(gap)), Tone::Plain);
        line.push(
            format!("{}{}", "█".repeat(filled), "░".repeat(BAR - filled)),
            tone,
        );
        let count = match revision.current == revision.desired {
            true => format!("  {}/{} ready", revision.ready, revision.desired),
            false => format!(
                "  {}/{} ready of {}",
                revision.ready, revision.current, revision.desired
            ),
        };
        line.push(count, Tone::Plain);
        let troubled = status
            .troubles()
            .filter(|finding| finding.version == revision.role.word() && !finding.pods.is_empty());
        for finding in troubled {
            line.push(
                format!("  {} {}", finding.pods.len(), finding.cause.id()),
                Tone::Bad,
            );
        }
        lines.push(line);
    }
    if revisions.len() > VERSIONS {
        lines.push(Line::new(
            format!(" … {} more versions", revisions.len() - VERSIONS),
            Tone::Faint,
        ));
    }
    lines
}

fn routes(status: &Status) -> Vec<Line> {
    let routes = status.traffic.iter().take(ROUTES).map(|traffic| {
        let mut line = Line::new(format!(" traffic {}  ", traffic.route), Tone::Plain);
        let agree = traffic.wanted == traffic.set || traffic.wanted.is_empty();
        let tone = if agree { Tone::Plain } else { Tone::Wait };
        if !traffic.wanted.is_empty() {
            line.push(format!("wanted {}, ", traffic.wanted), Tone::Plain);
        }
        line.push(format!("set {} to the new version", traffic.set), tone);
        line
    });
    routes.collect()
}

/// Causes with the command of each; as many as there is room for.
fn causes(status: &Status, now: Timestamp, columns: usize, room: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let all: Vec<_> = status.troubles().collect();
    for (number, finding) in all.iter().enumerate() {
        let mut own = Vec::new();
        let tone = if finding.is_grave() { Tone::Bad } else { Tone::Wait };
        let since = finding
            .since
            .map(|at| format!(", for {}", span(now.duration_since(at))))
            .unwrap_or_default();
        let sentence = format!("{}{since}", finding.sentence());
        for (at, part) in wrapped(&sentence, columns.saturating_sub(3))
            .into_iter()
            .enumerate()
        {
            own.push(Line::new(
                format!("{}{part}", if at == 0 { " ! " } else { "   " }),
                tone,
            ));
        }
        if let Some(command) = finding
            .command
            .as_ref()
            .filter(|command| Some(*command) != status.command.as_ref())
        {
            own.push(Line::new(format!("   {command}"), Tone::Plain));
        }
        let rest = all.len() - number;
        let reserved = usize::from(rest > 1);
        if lines.len() + own.len() + reserved > room && number > 0 {
            lines.push(Line::new(format!(" … {rest} more: e explains"), Tone::Faint));
            break;
        }
        lines.extend(own);
    }
    lines
}

impl Status {
    fn tone_of_step(&self) -> Tone {
        match self.verdict {
            Verdict::Degraded => Tone::Bad,
            _ => Tone::Wait,
        }
    }
}

#[cfg(test)]
mod tests;
