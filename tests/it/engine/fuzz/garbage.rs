//! How a case is broken: other values of the same or another type, missing parts, parts in the wrong place.

use serde_json::{Map, Value, json};

use crate::engine::trouble::Dice;

/// Values that mean something to the engine, and values that mean nothing to anybody.
fn value(dice: &mut Dice) -> Value {
    let texts = [
        "",
        "x",
        "0",
        "1",
        "-1",
        "20%",
        "100%",
        "0%",
        "-5%",
        "150%",
        "2147483647%",
        "99999999999%",
        "%",
        " 7 %",
        "true",
        "ü-日本-\u{1F680}",
        "a.b.c",
        "Healthy",
        "Progressing",
        "Terminating",
        "Disabling",
        "Disabled",
        "Initial",
        "BeforeStepUpgrade",
        "StepUpgrade",
        "StepTrafficRouting",
        "StepMetricsAnalysis",
        "StepPaused",
        "StepReady",
        "Completed",
        "Initializing",
        "InRolling",
        "Paused",
        "Finalising",
        "Cancelling",
        "RestoreStableService",
        "FinalisingStepRouteTrafficToStable",
        "FinalisingStepRouteTrafficToNew",
        "RemoveCanaryService",
        "ResumeWorkload",
        "ReleaseWorkloadControl",
        "END",
        "OnDelete",
        "RollingUpdate",
        "Recreate",
        "Parallel",
        "ExternalName",
        "nginx",
        "mse",
        "aliyun-alb",
        "None",
        "demo",
        "2026-06-01T00:00:10Z",
        "9999-12-30T22:00:00Z",
        "0001-01-01T00:00:00Z",
        "-9999-01-02T00:00:00Z",
        r#"{"rolloutName":"demo"}"#,
        r#"{"rolloutName":"demo","original":{"strategy":[1],"":null,"...":3,"paused":"yes"}}"#,
        r#"{"rolloutName":"demo","original":{"strategy":{"type":"Recreate"},"updateStrategy.partition":-7}}"#,
        r#"{"rolloutName":"demo","original":{"strategy":{"rollingUpdate":{"maxSurge":2147483647,"maxUnavailable":2147483647}}}}"#,
        "[",
        "{}",
    ];
    let numbers = [
        0,
        1,
        2,
        3,
        5,
        100,
        101,
        -1,
        -100,
        32_767,
        2_147_483_646,
        2_147_483_647,
        2_147_483_648,
        -2_147_483_648,
        -2_147_483_649,
        i64::MAX,
        i64::MIN,
    ];
    match dice.below(10) {
        0 => Value::Null,
        1 => json!(dice.percent(50)),
        2..=4 => json!(numbers[index(dice, numbers.len())]),
        5..=7 => json!(texts[index(dice, texts.len())]),
        8 => [
            json!([]),
            json!({}),
            json!([1, "a", null]),
            json!([[]]),
            json!({ "": {} }),
            json!(1.5),
            json!(u64::MAX),
        ][index(dice, 7)]
        .clone(),
        _ => json!("ü".repeat(index(dice, 400))),
    }
}

/// Names of fields that are looked for; broken objects get some of them where they do not belong.
const NAMES: [&str; 40] = [
    "spec",
    "status",
    "metadata",
    "labels",
    "annotations",
    "paused",
    "strategy",
    "updateStrategy",
    "rollingUpdate",
    "partition",
    "maxSurge",
    "maxUnavailable",
    "type",
    "replicas",
    "template",
    "selector",
    "matchLabels",
    "minReadySeconds",
    "progressDeadlineSeconds",
    "observedGeneration",
    "updateRevision",
    "currentRevision",
    "ordinals",
    "start",
    "unorderedUpdate",
    "traffic",
    "pause",
    "duration",
    "matches",
    "headers",
    "blueGreen",
    "canary",
    "steps",
    "disabled",
    "failureThreshold",
    "deletionTimestamp",
    "finalizers",
    "canaryStatus",
    "lastUpdateTime",
    "conditions",
];

fn index(dice: &mut Dice, length: usize) -> usize {
    usize::try_from(dice.below(length as u64)).unwrap()
}

/// What an API server itself fills in and keeps right, and what the driver sorts objects by.
fn is_kept(path: &[String]) -> bool {
    let last = path.last().map_or("", String::as_str);
    let of_metadata = path.len() > 1 && path[path.len() - 2] == "metadata";
    let is_object = path.len() <= 4;
    (of_metadata && is_object && ["name", "namespace", "uid", "resourceVersion"].contains(&last))
        || (path.first().is_some_and(|first| first != "rollout")
            && is_object
            && ["apiVersion", "kind"].contains(&last))
        || (path.len() == 2 && last == "metadata")
        || (path.len() == 3 && last == "metadata" && path[0] != "rollout" && path[0] != "workload")
        || path.len() == 1 && last != "rivals" && last != "unserved"
}

fn part(dice: &mut Dice) -> &'static str {
    match dice.below(20) {
        0..=7 => "rollout",
        8..=12 => "workload",
        13 => "canaries",
        14 | 15 => "replicaSets",
        16 => "pods",
        17 => ["revisions", "autoscalers", "strays"][index(dice, 3)],
        18 => ["services", "ingresses"][index(dice, 2)],
        _ => ["rivals", "unserved"][index(dice, 2)],
    }
}

/// A way down into a value: where it ends is left to chance.
fn path(case: &Value, dice: &mut Dice) -> Vec<String> {
    let mut path = vec![part(dice).to_owned()];
    let mut place = &case[path[0].as_str()];
    loop {
        let keys: Vec<String> = match place {
            Value::Object(fields) => fields.keys().cloned().collect(),
            Value::Array(items) => (0..items.len()).map(|at| at.to_string()).collect(),
            _ => Vec::new(),
        };
        if keys.is_empty() || (path.len() > 2 && dice.percent(12)) {
            return path;
        }
        let key = keys[index(dice, keys.len())].clone();
        place = match place {
            Value::Array(items) => &items[key.parse::<usize>().unwrap()],
            other => &other[key.as_str()],
        };
        path.push(key);
    }
}

fn at<'a>(case: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(case, |place, key| match place {
        Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        Value::Object(fields) => fields.get_mut(key),
        _ => None,
    })
}

/// Breaks something; answers what, or nothing when chance pointed at what must stay, or at what then does not even parse:
/// that no driver hands on.
pub(super) fn break_something(case: &mut Value, dice: &mut Dice) -> Option<String> {
    let path = path(case, dice);
    if is_kept(&path) {
        return None;
    }
    let before = case[path[0].as_str()].clone();
    let told = break_at(case, &path, dice);
    if told.is_none() || !super::corpus::parses(case, &path[0]) {
        case[path[0].as_str()] = before;
        return None;
    }
    told
}

fn break_at(case: &mut Value, path: &[String], dice: &mut Dice) -> Option<String> {
    let name = path.join("/");
    let other = self::path(case, dice);
    let choice = dice.below(12);
    let new = if choice == 0 {
        at(case, &other)?.clone()
    } else {
        value(dice)
    };
    let (last, parents) = path.split_last()?;
    let parent = at(case, parents)?;
    let told = match (choice, parent) {
        (1 | 2, Value::Object(fields)) => {
            fields.remove(last);
            format!("{name} removed")
        }
        (1 | 2, Value::Array(items)) => {
            items.remove(last.parse::<usize>().ok()?);
            format!("{name} removed")
        }
        (3, Value::Array(items)) if items.len() < 8 => {
            let again = items.get(last.parse::<usize>().ok()?)?.clone();
            items.push(again);
            format!("{name} twice")
        }
        (4, Value::Array(items)) => {
            items.reverse();
            format!("{name} and its neighbours the other way round")
        }
        (5, parent) => {
            let key = NAMES[index(dice, NAMES.len())];
            let place = parent_of_new(parent, last)?;
            let told = format!("{name}/{key} = {new}");
            place.insert(key.to_owned(), new);
            told
        }
        (_, parent) => {
            let place = match parent {
                Value::Array(items) => items.get_mut(last.parse::<usize>().ok()?)?,
                Value::Object(fields) => fields.get_mut(last)?,
                _ => return None,
            };
            let told = format!("{name} = {new}");
            *place = new;
            told
        }
    };
    Some(told)
}

fn parent_of_new<'a>(parent: &'a mut Value, last: &str) -> Option<&'a mut Map<String, Value>> {
    let place = match parent {
        Value::Array(items) => items.get_mut(last.parse::<usize>().ok()?)?,
        Value::Object(fields) => fields.get_mut(last)?,
        _ => return None,
    };
    place.as_object_mut()
}

/// A turn that a user or a cluster might take at any moment; garbage alone seldom hits on these.
pub(super) fn turn(case: &mut Value, dice: &mut Dice) -> String {
    let style = if case["rollout"]["spec"]["strategy"]["blueGreen"].is_object() {
        "blueGreen"
    } else {
        "canary"
    };
    let sub = format!("{style}Status");
    let spec = &mut case["rollout"]["spec"];
    match dice.below(13) {
        11 => {
            let mut other = case["workload"].clone();
            if other.is_object() {
                other["metadata"]["name"] = json!("other");
                other["metadata"]["uid"] = json!("uid-of-other");
                other["metadata"]["annotations"] = json!({});
                let left = std::mem::replace(&mut case["workload"], other);
                case["strays"] = json!([left]);
                case["rollout"]["spec"]["workloadRef"]["name"] = json!("other");
            }
            "turned to another workload".to_owned()
        }
        12 => {
            let mut left = Vec::new();
            for table in super::corpus::TABLES {
                if let Some(items) = case[table].as_object_mut() {
                    left.extend(std::mem::take(items).into_iter().map(|(_, item)| item));
                }
            }
            case["strays"] = json!(left);
            if let Some(strategy) = case["rollout"]["spec"]["strategy"][style].as_object_mut() {
                strategy.remove("trafficRoutings");
            }
            "the route is taken away".to_owned()
        }
        0 => {
            spec["disabled"] = json!(true);
            "disabled".to_owned()
        }
        1 => {
            case["rollout"]["metadata"]["deletionTimestamp"] = json!("2026-06-01T00:00:05Z");
            "deleted".to_owned()
        }
        2 => {
            spec["strategy"]["paused"] = json!(true);
            "paused".to_owned()
        }
        3 => {
            let image = ["echoserver:v1", "echoserver:v2", "echoserver:v3"][index(dice, 3)];
            if let Some(place) = case["workload"].pointer_mut("/spec/template/spec/containers/0/image") {
                *place = json!(image);
            }
            format!("image {image}")
        }
        4 => {
            let replicas = index(dice, 9);
            if case["workload"]["spec"].is_object() {
                case["workload"]["spec"]["replicas"] = json!(replicas);
            }
            format!("scaled to {replicas}")
        }
        5 => {
            case["workload"] = Value::Null;
            "the workload is gone".to_owned()
        }
        6 => {
            if case["rollout"]["status"][sub.as_str()].is_object() {
                case["rollout"]["status"][sub.as_str()]["currentStepState"] = json!("StepReady");
            }
            "approved".to_owned()
        }
        7 => {
            let to = index(dice, 6);
            if case["rollout"]["status"][sub.as_str()].is_object() {
                case["rollout"]["status"][sub.as_str()]["nextStepIndex"] = json!(to);
            }
            format!("jump to {to}")
        }
        8 => {
            if let Some(status) = case["rollout"].as_object_mut() {
                status.remove("status");
            }
            "the status is lost".to_owned()
        }
        9 => {
            // The other style, in the middle.
            let strategy = spec["strategy"].as_object_mut();
            if let Some(strategy) = strategy
                && let Some(mut own) = strategy.remove(style)
            {
                if let Some(fields) = own.as_object_mut() {
                    fields.remove("enableExtraWorkloadForCanary");
                }
                let other = if style == "canary" { "blueGreen" } else { "canary" };
                strategy.insert(other.to_owned(), own);
            }
            "the other style".to_owned()
        }
        _ => {
            let steps: Vec<Value> = (1..=1 + dice.below(4))
                .map(|step| json!({ "replicas": format!("{}%", step * 10), "traffic": format!("{}%", step * 10), "pause": {} }))
                .collect();
            if spec["strategy"][style].is_object() {
                spec["strategy"][style]["steps"] = json!(steps);
            }
            format!("{} other steps", steps.len())
        }
    }
}
