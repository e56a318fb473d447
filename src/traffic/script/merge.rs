//! Three states of a value - the user's, what a script made of it, and as it is now - and what the user's is now.

use serde_json::{Map, Value};

/// The user's value with the edits that somebody made since the script wrote `work`; nothing when there is none any more.
/// Places where an edit cannot be told from the script's work are added to `conflicts`; the user's value counts there.
pub(super) fn edits(
    user: Option<&Value>,
    work: Option<&Value>,
    live: Option<&Value>,
    at: &str,
    conflicts: &mut Vec<String>,
) -> Option<Value> {
    if live == work || live == user {
        return user.cloned();
    }
    if user == work {
        return live.cloned();
    }
    match (user, work, live) {
        (_, Some(Value::Object(work)), Some(Value::Object(live))) if user.is_none_or(Value::is_object) => {
            let none = Map::new();
            let before = user.and_then(Value::as_object).unwrap_or(&none);
            let mut merged = Map::new();
            let mut names: Vec<&String> = before.keys().chain(live.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let at = format!("{at}.{name}");
                let field = edits(before.get(name), work.get(name), live.get(name), &at, conflicts);
                merged.extend(field.map(|field| (name.clone(), field)));
            }
            // An object that the script made, and that nobody added to.
            (user.is_some() || !merged.is_empty()).then(|| merged.into())
        }
        (Some(Value::Array(before)), Some(Value::Array(work)), Some(Value::Array(live))) => {
            let merged = list(before, work, live, at, conflicts);
            Some(
                merged
                    .unwrap_or_else(|| {
                        conflicts.push(at.to_owned());
                        before.clone()
                    })
                    .into(),
            )
        }
        // One value that the script sets: put back, as weights are by every provider.
        _ => user.cloned(),
    }
}

/// The same of lists: additions at either end, and edits of what the script left as it was.
fn list(
    user: &[Value],
    work: &[Value],
    live: &[Value],
    at: &str,
    conflicts: &mut Vec<String>,
) -> Option<Vec<Value>> {
    let is_work = |part: &[Value]| part.iter().zip(work).all(|(live, work)| covers(work, live));
    if live.len() >= work.len() {
        let (first, added) = live.split_at(work.len());
        if is_work(first) {
            return Some([user, added].concat());
        }
        let (added, last) = live.split_at(live.len() - work.len());
        if is_work(last) {
            return Some([added, user].concat());
        }
    }
    if user.len() == work.len() && work.len() == live.len() {
        let items = user.iter().zip(work).zip(live).enumerate();
        return items
            .map(|(index, ((user, work), live))| {
                let at = format!("{at}[{index}]");
                edits(Some(user), Some(work), Some(live), &at, conflicts)
            })
            .collect();
    }
    if work.len() != live.len() {
        return None;
    }
    let mut merged = user.to_vec();
    for (work, live) in work.iter().zip(live).filter(|(work, live)| !covers(work, live)) {
        let place = user.iter().position(|user| user == work)?;
        merged[place] = live.clone();
    }
    Some(merged)
}

/// Whether `live` says all that `work` says; a server may have filled in more.
fn covers(work: &Value, live: &Value) -> bool {
    missing(work, live, "").is_none()
}

/// The first place of `work` that `live` does not have.
pub(super) fn missing(work: &Value, live: &Value, at: &str) -> Option<String> {
    match (work, live) {
        (Value::Object(work), Value::Object(live)) => work.iter().find_map(|(name, field)| {
            missing(
                field,
                live.get(name).unwrap_or(&Value::Null),
                &format!("{at}.{name}"),
            )
        }),
        (Value::Array(work), Value::Array(live)) if work.len() == live.len() => {
            let mut items = work.iter().zip(live).enumerate();
            items.find_map(|(index, (work, live))| missing(work, live, &format!("{at}[{index}]")))
        }
        _ => (work != live).then(|| at.to_owned()),
    }
}

/// What is wanted, with lists as they are where they were wanted so before and a server only filled something in.
pub(super) fn settled(wanted: &Value, before: &Value, live: &Value) -> Value {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(_)) => {
            let fields = wanted.iter();
            fields
                .map(|(name, field)| (name.clone(), settled(field, &before[name], &live[name])))
                .collect::<Map<_, _>>()
                .into()
        }
        (Value::Array(_), Value::Array(_)) if wanted == before && covers(wanted, live) => live.clone(),
        _ => wanted.clone(),
    }
}
