//! Garbage in everything that is read: whatever a Rollout, its workload or its traffic objects look like, the core answers,
//! always the same, with writes that an API server can check, and comes to rest; and the commands' readers read on.

mod corpus;
mod garbage;

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
};

use jiff::{SignedDuration, Timestamp};
use kubectl_kruise::{
    api::{patch::merge_diff, rollout::convert, v1beta1::Rollout},
    engine::core::{Decision, Effect, Reason, Snapshot, Verb, Wake, decide, problems},
    release::{Guard, Position, approval},
    traffic::RouteKey,
    view::{
        Status,
        status::{Looked, Seen},
    },
};
use serde_json::{Value, json};

use self::corpus::{LISTS, TABLES, harvest, snapshot};
use super::trouble::Dice;

/// Cases of one run of the suite; `CASES=n` for more.
const CASES: u64 = 3000;
/// Decisions until a case must have come to rest.
const MOST_DECISIONS: usize = 120;
/// How often time is let pass to the next timer.
const MOST_TIMERS: usize = 4;

fn cases() -> std::ops::Range<u64> {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CASES").unwrap_or(CASES),
    }
}

/// A case and what was done to it.
fn broken(corpus: &[Value], seed: u64) -> (Value, Vec<String>) {
    let mut dice = Dice(seed);
    let at = usize::try_from(dice.below(corpus.len() as u64)).unwrap();
    let mut case = corpus[at].clone();
    let mut told = vec![format!("moment {at}")];
    if dice.percent(50) {
        told.push(garbage::turn(&mut case, &mut dice));
    }
    for _ in 0..dice.below(8) {
        told.extend(garbage::break_something(&mut case, &mut dice));
    }
    (case, told)
}

/// What an effect writes, as it stands in the case.
fn target<'a>(case: &'a mut Value, effect: &Effect) -> Option<&'a mut Value> {
    let (kind, name) = (effect.target.kind.as_str(), effect.target.name.as_str());
    if kind == "Rollout" {
        return Some(&mut case["rollout"]);
    }
    if case["workload"]["kind"] == kind && case["workload"]["metadata"]["name"] == name {
        return Some(&mut case["workload"]);
    }
    let is_stray = |item: &Value| item["kind"] == kind && item["metadata"]["name"] == name;
    if case["strays"].as_array()?.iter().any(is_stray) {
        return case["strays"]
            .as_array_mut()?
            .iter_mut()
            .find(|item| is_stray(item));
    }
    let table = match kind {
        "Service" => return case["services"].get_mut(name),
        "Ingress" => return case["ingresses"].get_mut(name),
        "Deployment" => "canaries",
        "ReplicaSet" => "replicaSets",
        "HorizontalPodAutoscaler" => "autoscalers",
        "Pod" => "pods",
        _ => return None,
    };
    let mut items = case[table].as_array_mut()?.iter_mut();
    items.find(|item| item["metadata"]["name"] == name)
}

fn drop_target(case: &mut Value, effect: &Effect) {
    let name = effect.target.name.as_str();
    for list in LISTS {
        if let Some(items) = case[list].as_array_mut() {
            items.retain(|item| {
                item["metadata"]["name"] != name
                    || item.get("kind").is_some_and(|kind| *kind != effect.target.kind)
            });
        }
    }
    for table in TABLES {
        if let Some(items) = case[table].as_object_mut() {
            items.retain(|known, item| known != name || item["kind"] != effect.target.kind);
        }
    }
}

/// Carries out a write as an API server would, if it would, or says what is wrong with it.
fn carry_out(case: &mut Value, effect: &Effect) -> Result<bool, String> {
    let wrong = |why: &str| Err(format!("{why}: {effect:?}"));
    let body = match &effect.verb {
        Verb::Create(body) | Verb::Merge(body) | Verb::Apply(body) | Verb::MergeStatus(body) => Some(body),
        Verb::Delete => None,
    };
    if body.is_some_and(|body| !body.is_object()) {
        return wrong("a body that is no object");
    }
    if effect.target.name.is_empty() || effect.target.kind.is_empty() || effect.target.api_version.is_empty()
    {
        return wrong("a write of nothing");
    }
    let owner = case["rollout"]["metadata"]["uid"].clone();
    let present = target(case, effect);
    if let (Verb::Create(body), present) = (&effect.verb, &present) {
        if let Some(present) = present {
            // Somebody else's: the server refuses it for good.
            let owners = present["metadata"]["ownerReferences"]
                .as_array()
                .into_iter()
                .flatten();
            let mut own =
                owners.filter(|reference| reference["controller"] == true && reference["uid"] == owner);
            return if own.next().is_some() {
                wrong("made twice")
            } else {
                Ok(false)
            };
        }
        let mut body = body.clone();
        body["metadata"]["uid"] = json!(format!("uid-of-{}", effect.target.name));
        body["metadata"]["resourceVersion"] = json!("1");
        match effect.target.kind.as_str() {
            "Deployment" => case["canaries"].as_array_mut().unwrap().push(body),
            "ReplicaSet" => case["replicaSets"].as_array_mut().unwrap().push(body),
            "Service" => case["services"][effect.target.name.as_str()] = body,
            "Ingress" => case["ingresses"][effect.target.name.as_str()] = body,
            _ => return wrong("made of a kind that is never made"),
        }
        return Ok(true);
    }
    let Some(present) = present else {
        return wrong("a write of what is not there");
    };
    let metadata = &present["metadata"];
    let same = |key: &str, wanted: &Option<String>| wanted.as_deref() == metadata[key].as_str();
    let is_same_object = effect.precondition.uid.is_some() && same("uid", &effect.precondition.uid);
    let by_uid_alone = effect.verb == Verb::Delete || effect.target.kind == "Pod";
    let is_unchanged = same("resourceVersion", &effect.precondition.resource_version)
        || by_uid_alone && effect.precondition.resource_version.is_none();
    if !(is_same_object && is_unchanged) {
        return wrong("a write without its precondition");
    }
    match body {
        Some(body) => {
            let before = present.clone();
            json_patch::merge(present, body);
            if matches!(effect.verb, Verb::Merge(_)) && merge_diff(&before, present).is_none() {
                return wrong("a write that changes nothing");
            }
        }
        None => drop_target(case, effect),
    }
    Ok(true)
}

fn judge(s: &Snapshot, decision: &Decision) -> Result<(), String> {
    if !decision.effects.is_empty() && decision.status.is_some() {
        return Err("effects and a status at once".to_owned());
    }
    let looks_on =
        !s.rollout.spec.disabled && s.rollout.metadata.deletion_timestamp.is_none() && s.workload.is_some();
    if looks_on
        && s.strays.is_empty()
        && !problems(s).is_empty()
        && !matches!(
            decision.reason,
            Reason::Invalid { .. } | Reason::Cancelling { .. } | Reason::Cancelled
        )
    {
        return Err(format!("{:?} in spite of {:?}", decision.reason, problems(s)));
    }
    if matches!(decision.reason, Reason::Invalid { .. }) && !decision.effects.is_empty() {
        return Err("writes under an invalid Rollout".to_owned());
    }
    Ok(())
}

/// Looks, writes and looks again until there is nothing to write.
fn follow(case: &mut Value) -> Result<(), String> {
    let mut now: Timestamp = "2026-06-01T00:01:00Z".parse().unwrap();
    let mut timers = 0;
    let mut trail: Vec<String> = Vec::new();
    for _ in 0..MOST_DECISIONS {
        // A server takes no body that cannot be read again; then nothing more is written.
        let Some(s) = snapshot(case) else { return Ok(()) };
        let decision = decide(&s, now);
        if decision != decide(&s, now) {
            return Err("another answer to the same question".to_owned());
        }
        judge(&s, &decision).map_err(|error| format!("{error}\n{}", trail.join("\n")))?;
        trail.push(format!(
            "{now} {} {:?} {:?} {:?}",
            decision.reason,
            decision.wake,
            decision.status.as_ref().map(Value::to_string),
            decision
                .effects
                .iter()
                .map(|effect| (&effect.purpose, &effect.verb))
                .collect::<Vec<_>>()
        ));
        let known: Vec<Effect> = decision.effects.clone();
        for effect in &known {
            if !carry_out(case, effect).map_err(|error| format!("{error}\n{}", trail.join("\n")))? {
                return Ok(());
            }
        }
        let gone = case["rollout"]["metadata"]["deletionTimestamp"].is_string()
            && case["rollout"]["metadata"]["finalizers"]
                .as_array()
                .is_none_or(Vec::is_empty);
        if gone {
            return Ok(());
        }
        if !known.is_empty() {
            continue;
        }
        if let Some(status) = &decision.status {
            if !status.is_object() {
                return Err(format!("a status that is no object: {status}"));
            }
            json_patch::merge(&mut case["rollout"]["status"], status);
            continue;
        }
        match decision.wake {
            Wake::OnChange => return Ok(()),
            Wake::At(at) if at <= now => {
                return Err(format!("wakes at once for nothing\n{}", trail.join("\n")));
            }
            Wake::At(_) if timers == MOST_TIMERS => return Ok(()),
            Wake::At(at) => {
                timers += 1;
                // Timers far off, as garbage has them, are as good as none.
                now = at.min(now.saturating_add(SignedDuration::from_hours(100)).unwrap());
                if now < at {
                    return Ok(());
                }
            }
        }
    }
    let last: Vec<String> = trail.split_off(trail.len().saturating_sub(8));
    Err(format!("never comes to rest\n{}", last.join("\n")))
}

/// Reads what the commands read.
fn read(case: &Value) {
    let rollout: Rollout = serde_json::from_value(case["rollout"].clone()).unwrap();
    let now: Timestamp = "2026-06-01T00:01:00Z".parse().unwrap();
    let position = Position::of(&rollout);
    let _ = (
        position.total(),
        position.passes(1),
        position.current(),
        position.pause_left(now),
        position.step_stands(),
    );
    for guard in [
        Guard::default(),
        Guard {
            step: Some(1),
            revision: Some("x".to_owned()),
        },
    ] {
        let _ = approval::decide(&case["rollout"], &guard).map_err(|refusal| refusal.to_string());
    }
    let looked = |value: Option<&Value>| value.map_or(Looked::Missing, |value| Looked::There(value.clone()));
    let replica_sets = case["replicaSets"].as_array().unwrap().clone();
    let status = Status::of(&Seen {
        rollout,
        workload: looked(Some(&case["workload"])),
        members: replica_sets,
        service: looked(case["services"].get("echoserver")),
        routes: Some(
            case["ingresses"]
                .as_object()
                .unwrap()
                .iter()
                .filter_map(|(name, ingress)| {
                    Some((
                        RouteKey::ingress(name),
                        serde_json::from_value(ingress.clone()).ok()?,
                    ))
                })
                .collect(),
        ),
        ..Seen::default()
    });
    let _ = (
        status.headline(),
        status.next_sentence(now),
        status.row(true),
        status.document(now),
        status.percent(),
    );
    let _ = (status.blocks(now), status.new_pods());
    let mut old = convert::to_v1alpha1(&case["rollout"]).object;
    old["apiVersion"] = json!("rollouts.kruise.io/v1alpha1");
    let _ = convert::to_v1beta1(&old);
}

/// Runs every case; a panic is a failure like any other.
fn each(what: impl Fn(&mut Value) -> Result<(), String>) {
    let corpus = harvest();
    assert!(corpus.len() > 100, "{} moments", corpus.len());
    let seeds = cases();
    let mut failures = Vec::new();
    for seed in seeds.clone() {
        let (mut case, told) = broken(&corpus, seed);
        let before = case.clone();
        let outcome = catch_unwind(AssertUnwindSafe(|| what(&mut case))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("panic: {}", text.unwrap_or_default()))
        });
        if let Err(error) = outcome {
            println!("SEED={seed} failed");
            failures.push((seed, told, before, error));
        }
        if failures.len() == 10 {
            break;
        }
    }
    let text: Vec<String> = failures
        .iter()
        .map(|(seed, told, _, error)| format!("SEED={seed}: {}\n{error}", told.join("; ")))
        .collect();
    if let Some((_, _, case, _)) = failures.first() {
        // The moments come from a run; this is the case itself.
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz.json");
        std::fs::write(path, serde_json::to_vec_pretty(case).unwrap()).unwrap();
    }
    assert!(
        failures.is_empty(),
        "{} failed of {} over {} moments:\n{}",
        failures.len(),
        seeds.end - seeds.start,
        corpus.len(),
        text.join("\n\n")
    );
}

#[test]
fn garbage_is_answered_and_comes_to_rest() {
    each(follow);
}

#[test]
fn garbage_is_read() {
    each(|case| {
        read(case);
        Ok(())
    });
}
