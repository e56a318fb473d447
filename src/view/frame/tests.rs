use insta::assert_snapshot;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Foot, Size, frame};
use crate::view::{
    Status, Tone,
    board::{board, sort},
    status::{Looked, Seen},
};

const WIDE: Size = Size {
    columns: 80,
    rows: 19,
};

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn rollout(name: &str, phase: &str, step: i64, state: &str, steps: Value, since: &str) -> Value {
    json!({
        "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout",
        "metadata": { "name": name, "namespace": "shop", "generation": 1, "uid": name },
        "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name },
            "strategy": { "canary": { "enableExtraWorkloadForCanary": true, "steps": steps } } },
        "status": { "phase": phase, "observedGeneration": 1, "message": "a message",
            "conditions": [{ "type": "Progressing", "status": "True", "reason": "InRolling", "message": "" }],
            "canaryStatus": { "currentStepIndex": step, "currentStepState": state, "stableRevision": "aaa",
                "canaryRevision": "x", "podTemplateHash": "bbb", "lastUpdateTime": since } },
    })
}

fn steps() -> Value {
    json!([{ "replicas": 1, "traffic": "20%", "pause": {} }, { "replicas": "50%", "traffic": "50%", "pause": { "duration": 600 } },
           { "replicas": "100%", "traffic": "100%" }])
}

fn set(hash: &str, image: &str, owner: &str, desired: i64, ready: i64) -> Value {
    json!({
        "kind": "ReplicaSet", "metadata": { "name": format!("web-{hash}"), "uid": hash, "labels": { "pod-template-hash": hash },
            "annotations": { "deployment.kubernetes.io/revision": "1" }, "ownerReferences": [{ "uid": owner, "controller": true }] },
        "spec": { "replicas": desired, "template": { "spec": { "containers": [{ "image": image }] } } },
        "status": { "replicas": desired, "readyReplicas": ready },
    })
}

fn seen(rollout: Value, new: (i64, i64)) -> Seen {
    let workload = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "uid": "u" },
        "spec": { "replicas": 10, "selector": { "matchLabels": { "app": "web" } },
            "template": { "spec": { "containers": [{ "image": "reg.example.com/shop/web:v2" }] } } } });
    Seen {
        rollout: serde_json::from_value(rollout).unwrap(),
        workload: Looked::There(workload),
        members: vec![
            set("aaa", "reg.example.com/shop/web:v1", "u", 10, 10),
            set("bbb", "reg.example.com/shop/web:v2", "canary", new.0, new.1),
        ],
        ..Seen::default()
    }
}

fn crashing(number: usize) -> Value {
    json!({
        "metadata": { "name": format!("web-bbb-{number}"), "labels": { "pod-template-hash": "bbb" },
            "creationTimestamp": "2026-11-21T11:57:00Z" },
        "spec": { "nodeName": "n" },
        "status": { "phase": "Running", "containerStatuses": [{ "name": "main", "image": "web:v2", "ready": false, "restartCount": 3,
            "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 40s" } },
            "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } } }] },
    })
}

fn keys() -> Foot {
    Foot {
        notice: None,
        keys: vec![("a", "approve"), ("p", "pause"), ("q", "quit")],
    }
}

fn text(status: &Status, foot: &Foot, size: Size) -> String {
    let lines = frame(status, foot, now(), size);
    assert!(
        lines.len() <= size.rows,
        "{} lines in {} rows",
        lines.len(),
        size.rows
    );
    for line in &lines {
        assert!(line.width() <= size.columns, "{:?}", line.text());
    }
    lines
        .iter()
        .map(|line| line.text().trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_paused_step() {
    let rollout = rollout(
        "web",
        "Progressing",
        1,
        "StepPaused",
        steps(),
        "2026-11-21T11:56:48Z",
    );
    let status = Status::explained(&seen(rollout, (1, 1)), now());
    assert_snapshot!(text(&status, &keys(), WIDE), @r"
    shop/web  canary of deployment/web         waiting for approval: step 1/3, 3m12s
     next: you   kubectl kruise rollout approve web -n shop --step 1
     ▶ 1 20% ॥  · 2 50% +10m  · 3 100%

     stable  reg.example.com/shop/web:v1  ██████████  10/10 ready
     new     reg.example.com/shop/web:v2  ██████████  1/1 ready
     a message
     a approve  p pause  q quit
    ");
}

#[test]
fn a_pause_that_ends_by_itself() {
    let rollout = rollout(
        "web",
        "Progressing",
        2,
        "StepPaused",
        steps(),
        "2026-11-21T11:56:48Z",
    );
    let status = Status::explained(&seen(rollout, (5, 5)), now());
    assert_snapshot!(text(&status, &keys(), WIDE), @r"
    shop/web  canary of deployment/web            paused for a time: step 2/3, 3m12s
     next: time, in 6m48s
     ✔ 1 20%  ▶ 2 50% 6m48s left  · 3 100%

     stable  reg.example.com/shop/web:v1  ██████████  10/10 ready
     new     reg.example.com/shop/web:v2  ██████████  5/5 ready
     a message
     a approve  p pause  q quit
    ");
}

#[test]
fn trap12_five_hundred_pods_in_trouble_leave_the_top_in_sight() {
    let rollout = rollout(
        "web",
        "Progressing",
        1,
        "StepUpgrade",
        steps(),
        "2026-11-21T11:56:48Z",
    );
    let mut seen = seen(rollout, (500, 0));
    seen.sight.pods = (0..500).map(crashing).collect();
    let status = Status::explained(&seen, now());
    assert_snapshot!(text(&status, &keys(), WIDE), @r"
    shop/web  progressing: step 1/3, bringing up new pods, 3m12s
     next: you
     ▶ 1 20% ॥  · 2 50% +10m  · 3 100%

     stable  reg.example.com/shop/web:v1  ██████████  10/10 ready
     new     reg.example.com/shop/web:v2  ░░░░░░░░░░  0/500 ready  500 CrashLoop

     ! 500 of 500 new pods: container main keeps crashing: out of memory
       (OOMKilled), for 3m
       kubectl logs web-bbb-0 -c main -n shop --previous
     a approve  p pause  q quit
    ");
    let small = Size { columns: 34, rows: 7 };
    assert_snapshot!(text(&status, &keys(), small), @r"
    shop/web  progressing: step 1/3, …
     next: you
     ▶ 1 20% ॥  · 2 50% +10m  …
     ! 500 of 500 new pods: container
       main keeps crashing: out of
     … 4 more lines
     a approve  p pause  q quit
    ");
    let tiny = Size { columns: 5, rows: 2 };
    assert_eq!(frame(&status, &keys(), now(), tiny).len(), 2);
}

#[test]
fn of_many_steps_those_around_the_present_one_are_shown() {
    let many: Vec<Value> = (1..=50)
        .map(|n| json!({ "replicas": format!("{}%", n * 2), "pause": {} }))
        .collect();
    for (step, expected) in [
        (1, " ▶ 1 2% ॥  · 2 4% ॥  · 3 6% ॥  · 4 8% ॥  … "),
        (25, " …  ✔ 24 48%  ▶ 25 50% ॥  · 26 52% ॥  … "),
        (50, " …  ✔ 47 94%  ✔ 48 96%  ✔ 49 98%  ▶ 50 100% "),
    ] {
        let rollout = rollout(
            "web",
            "Progressing",
            step,
            "StepUpgrade",
            json!(many),
            "2026-11-21T11:59:58Z",
        );
        let status = Status::of(&seen(rollout, (1, 1)));
        let size = Size {
            columns: 48,
            rows: 10,
        };
        let lines = frame(&status, &Foot::default(), now(), size);
        let line = lines
            .iter()
            .map(super::Line::text)
            .find(|line| line.contains('▶'))
            .unwrap();
        assert_eq!(line, expected, "{step}");
    }
}

fn row(name: &str, phase: &str, state: &str, since: &str, degraded: bool) -> Status {
    let mut rollout = rollout(name, phase, 1, state, steps(), since);
    if degraded {
        let conditions = rollout["status"]["conditions"].as_array_mut().unwrap();
        conditions.push(json!({ "type": "Degraded", "status": "True", "reason": "", "message": "no progress for 600 seconds" }));
    }
    Status::of(&Seen {
        rollout: serde_json::from_value(rollout).unwrap(),
        ..Seen::default()
    })
}

#[test]
fn the_board_is_sorted_by_who_needs_a_human() {
    let mut rows = vec![
        row("healthy", "Healthy", "Completed", "2026-11-21T11:00:00Z", false),
        row(
            "moving",
            "Progressing",
            "StepUpgrade",
            "2026-11-21T11:59:00Z",
            false,
        ),
        row(
            "waits",
            "Progressing",
            "StepPaused",
            "2026-11-21T11:50:00Z",
            false,
        ),
        row(
            "waits-longer",
            "Progressing",
            "StepPaused",
            "2026-11-21T11:40:00Z",
            false,
        ),
        row(
            "broken",
            "Progressing",
            "StepUpgrade",
            "2026-11-21T11:30:00Z",
            true,
        ),
    ];
    sort(&mut rows);
    let shown = |rows: &[Status], selected, size: Size| {
        let foot = Foot {
            notice: Some(("done".to_owned(), Tone::Good)),
            keys: vec![("q", "quit")],
        };
        let lines = board(rows, selected, &foot, now(), size);
        assert!(lines.len() <= size.rows);
        lines
            .iter()
            .map(|line| line.text().trim_end().to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_snapshot!(shown(&rows, Some(1), WIDE), @r"
    5 Rollouts   1 in trouble   2 waiting for you   1 on their way   1 at rest
      ! shop/broken        degraded: step 1/3, bringing up new pods, 30m  no progre…
    › ? shop/waits-longer  waiting for approval: step 1/3, 20m
      ? shop/waits         waiting for approval: step 1/3, 10m
      ▶ shop/moving        progressing: step 1/3, bringing up new pods, 60s
      ✔ shop/healthy       healthy
     kubectl kruise rollout approve waits-longer -n shop --step 1
     done
     q quit
    ");
    let mut many: Vec<Status> = (0..1000)
        .map(|n| {
            row(
                &format!("web-{n:03}"),
                "Progressing",
                "StepPaused",
                "2026-11-21T11:50:00Z",
                false,
            )
        })
        .collect();
    sort(&mut many);
    let size = Size {
        columns: 60,
        rows: 10,
    };
    assert_snapshot!(shown(&many, Some(500), size), @r"
    1000 Rollouts   1000 waiting for you
       ↑ 497 more
      ? shop/web-497  waiting for approval: step 1/3, 10m
      ? shop/web-498  waiting for approval: step 1/3, 10m
      ? shop/web-499  waiting for approval: step 1/3, 10m
    › ? shop/web-500  waiting for approval: step 1/3, 10m
       ↓ 499 more
     kubectl kruise rollout approve web-500 -n shop --step 1
     done
     q quit
    ");
    assert_snapshot!(shown(&many, Some(999), size), @r"
    1000 Rollouts   1000 waiting for you
       ↑ 996 more
      ? shop/web-996  waiting for approval: step 1/3, 10m
      ? shop/web-997  waiting for approval: step 1/3, 10m
      ? shop/web-998  waiting for approval: step 1/3, 10m
    › ? shop/web-999  waiting for approval: step 1/3, 10m
     kubectl kruise rollout approve web-999 -n shop --step 1
     done
     q quit
    ");
}
