//! `status`: every state it can tell, its other forms, its waits and its cost.

use insta::assert_snapshot;
use kubectl_kruise::sim::Fault;
use serde_json::{Value, json};

use crate::harness::{
    served::{Life, Served},
    shop::{NAMESPACE, Turn, after, several_after},
};

fn status(turns: &[Turn]) -> String {
    let shop = Served::with(after(turns), Life::Still);
    let outcome = shop.kruise(&["status", "web"]);
    assert_eq!(shop.sim.trace(), [], "reading writes nothing");
    outcome.to_string()
}

#[test]
fn healthy() {
    assert_snapshot!(status(&[]), @r"
    exit 0
    --- stdout
    Rollout:  shop/web  canary of deployment/web
    State:    healthy
    Next:     nobody, all is done
    Message:  workload deployment is completed

        STEP   PODS   TRAFFIC   ENDS
    ·   1      1      20%       by approval
    ·   2      2      50%       after 10m
    ·   3      100%   100%      by itself

    VERSION   HASH         DESIRED   CURRENT   READY   IMAGES
    stable    6758fd9795   3         3         3       web:v1

    TRAFFIC TO NEW   WANTED   SET
    ingress/web      -        0%
    ");
}

#[test]
fn held() {
    assert_snapshot!(status(&[Turn::Held("web:v2")]), @r"
    exit 0
    --- stdout
    Rollout:  shop/web  canary of deployment/web
    State:    held
    Next:     you
    Command:  kubectl kruise rollout run web -n shop
    Message:  workload deployment is completed
    Cause:    nobody acts on this Rollout: no engine is running

        STEP   PODS   TRAFFIC   ENDS
    ·   1      1      20%       by approval
    ·   2      2      50%       after 10m
    ·   3      100%   100%      by itself

    VERSION   HASH         DESIRED   CURRENT   READY   IMAGES
    stable    6758fd9795   3         3         3       web:v1

    TRAFFIC TO NEW   WANTED   SET
    ingress/web      -        0%
    ");
}

#[test]
fn upgrading() {
    assert_snapshot!(status(&[Turn::Begun("web:v2")]), @r"
    exit 0
    --- stdout
    Rollout:  shop/web  canary of deployment/web
    State:    progressing: step 1/3, bringing up new pods, since SPAN
    Next:     the node
    Message:  Rollout is in step(1/3), and upgrade workload to new version
    Cause:    1 of 1 new pods: the node has not started any container yet
              kubectl describe pod web-canary-6j8snqxh4q-f66cd76cb-xvfv6 -n shop

        STEP   PODS   TRAFFIC   ENDS
    ▶   1      1      20%       by approval
    ·   2      2      50%       after 10m
    ·   3      100%   100%      by itself

    VERSION   HASH         DESIRED   CURRENT   READY   IMAGES
    stable    6758fd9795   3         3         3       web:v1
    new       f66cd76cb    1         1         0       web:v2

    TRAFFIC TO NEW   WANTED   SET
    ingress/web      -        0%
    ");
}

#[test]
fn waiting_for_approval() {
    assert_snapshot!(status(&[Turn::Released("web:v2")]), @r"
    exit 4
    --- stdout
    Rollout:  shop/web  canary of deployment/web
    State:    waiting for approval: step 1/3, since SPAN
    Next:     you
    Command:  kubectl kruise rollout approve web -n shop --step 1 --standalone
    Message:  Rollout is in step(1/3), and you need manually confirm to enter the next step
    Cause:    no controller carries this out: unless a 'run --forever' waits for it, going on needs --standalone

        STEP   PODS   TRAFFIC   ENDS
    ▶   1      1      20%       by approval
    ·   2      2      50%       after 10m
    ·   3      100%   100%      by itself

    VERSION   HASH         DESIRED   CURRENT   READY   IMAGES
    stable    6758fd9795   3         3         3       web:v1
    new       f66cd76cb    1         1         1       web:v2

    TRAFFIC TO NEW   WANTED   SET
    ingress/web      20%      20%
    ");
}

#[test]
fn a_timed_pause() {
    let said = status(&[Turn::Released("web:v2"), Turn::Approved]);
    // How much of the ten minutes is left depends on the second in which the test looks.
    let fixed: Vec<&str> = said.lines().filter(|line| !line.starts_with("Next:")).collect();
    assert_snapshot!(fixed.join("\n"), @r"
    exit 0
    --- stdout
    Rollout:  shop/web  canary of deployment/web
    State:    paused for a time: step 2/3, since SPAN
    Command:  kubectl kruise rollout watch web -n shop
    Message:  Rollout is in step(2/3), and wait duration(600 seconds) to enter the next step

        STEP   PODS   TRAFFIC   ENDS
    ✔   1      1      20%       by approval
    ▶   2      2      50%       in SPAN
    ·   3      100%   100%      by itself

    VERSION   HASH         DESIRED   CURRENT   READY   IMAGES
    stable    6758fd9795   3         3         3       web:v1
    new       f66cd76cb    2         2         2       web:v2

    TRAFFIC TO NEW   WANTED   SET
    ingress/web      50%      50%
    ");
    let next = said.lines().find(|line| line.starts_with("Next:")).unwrap();
    assert!(next.contains("time"), "{next}");
}

#[test]
fn degraded() {
    assert_snapshot!(status(&[Turn::Released("web:v2-crash"), Turn::Waited(700)]), @r"
    exit 5
    --- stdout
    Rollout:  shop/web  canary of deployment/web
    State:    degraded: step 1/3, bringing up new pods, since SPAN
    Reason:   no progress for 600 seconds: step 1/3: 0 of 1 new pods are ready
    Next:     you
    Command:  kubectl kruise rollout rollback web -n shop --standalone
    Message:  no progress for 600 seconds: step 1/3: 0 of 1 new pods are ready
    Cause:    1 of 1 new pods: container main keeps crashing: out of memory (OOMKilled)
              kubectl logs web-canary-l995pg5r58-75bdd6bc74-xvfv6 -c main -n shop --previous

        STEP   PODS   TRAFFIC   ENDS
    ▶   1      1      20%       by approval
    ·   2      2      50%       after 10m
    ·   3      100%   100%      by itself

    VERSION   HASH         DESIRED   CURRENT   READY   IMAGES
    stable    6758fd9795   3         3         3       web:v1
    new       75bdd6bc74   1         1         0       web:v2-crash

    TRAFFIC TO NEW   WANTED   SET
    ingress/web      -        0%
    ");
}

#[test]
fn completed() {
    let turns = [Turn::Released("web:v2"), Turn::Approved, Turn::Waited(600)];
    assert_snapshot!(status(&turns), @r"
    exit 0
    --- stdout
    Rollout:  shop/web  canary of deployment/web
    State:    completed
    Next:     nobody, all is done
    Message:  Rollout progressing has been completed

        STEP   PODS   TRAFFIC   ENDS
    ✔   1      1      20%       by approval
    ✔   2      2      50%       after 10m
    ✔   3      100%   100%      by itself

    VERSION   HASH        DESIRED   CURRENT   READY   IMAGES
    stable    f66cd76cb   3         3         3       web:v2

    TRAFFIC TO NEW   WANTED   SET
    ingress/web      -        0%
    ");
}

#[test]
fn rolled_back() {
    assert_snapshot!(status(&[Turn::Released("web:v2"), Turn::Released("web:v1")]), @r"
    exit 6
    --- stdout
    Rollout:  shop/web  canary of deployment/web
    State:    rolled back
    Next:     nobody, all is done
    Message:  Rollout progressing has been canceled

        STEP   PODS   TRAFFIC   ENDS
    ·   1      1      20%       by approval
    ·   2      2      50%       after 10m
    ·   3      100%   100%      by itself

    VERSION   HASH         DESIRED   CURRENT   READY   IMAGES
    stable    6758fd9795   3         3         3       web:v1

    TRAFFIC TO NEW   WANTED   SET
    ingress/web      -        0%
    ");
}

#[test]
fn paused_by_a_human() {
    let pause = json!({ "spec": { "strategy": { "paused": true } } });
    assert_snapshot!(status(&[Turn::Released("web:v2"), Turn::Patched(pause)]), @r"
    exit 4
    --- stdout
    Rollout:  shop/web  canary of deployment/web
    State:    paused: step 1/3, paused, since SPAN
    Next:     you
    Command:  kubectl kruise rollout resume web -n shop --standalone
    Message:  Rollout has been paused, you can resume it by kube-cli
    Cause:    no controller carries this out: unless a 'run --forever' waits for it, going on needs --standalone

        STEP   PODS   TRAFFIC   ENDS
    ▶   1      1      20%       by approval
    ·   2      2      50%       after 10m
    ·   3      100%   100%      by itself

    VERSION   HASH         DESIRED   CURRENT   READY   IMAGES
    stable    6758fd9795   3         3         3       web:v1
    new       f66cd76cb    1         1         1       web:v2

    TRAFFIC TO NEW   WANTED   SET
    ingress/web      20%      20%
    ");
}

#[test]
fn disabled() {
    assert_snapshot!(status(&[Turn::Patched(json!({ "spec": { "disabled": true } }))]), @r"
    exit 0
    --- stdout
    Rollout:  shop/web  canary of deployment/web
    State:    disabled
    Next:     nobody, all is done
    Message:  Rollout is disabled

        STEP   PODS   TRAFFIC   ENDS
    ·   1      1      20%       by approval
    ·   2      2      50%       after 10m
    ·   3      100%   100%      by itself
    ");
}

#[test]
fn a_missing_rollout_and_one_with_a_similar_name() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_snapshot!(shop.kruise(&["status", "wep"]), @r#"
    exit 7
    --- stderr
    error: rollouts.rollouts.kruise.io "wep" not found in namespace "shop"

    hint: did you mean web?
    "#);
    assert_snapshot!(shop.kruise(&["status", "nobody", "web", "-o", "name"]), @r#"
    exit 7
    --- stdout
    rollout.rollouts.kruise.io/web
    --- stderr
    error: rollouts.rollouts.kruise.io "nobody" not found in namespace "shop"

    hint: 'kubectl get rollouts.rollouts.kruise.io -n shop' lists what there is
    "#);
}

#[test]
fn by_the_name_of_its_deployment() {
    let shop = Served::with(after(&[]), Life::Still);
    let outcome = shop.kruise(&["status", "deploy/web"]);
    assert_eq!(outcome.to_string(), shop.kruise(&["status", "web"]).to_string());
    assert_snapshot!(shop.kruise(&["status", "deploy/other"]), @r#"
    exit 7
    --- stderr
    error: deployments.apps "other" not found in namespace "shop"

    hint: 'kubectl get deployments.apps -n shop' lists what there is
    "#);
}

#[test]
fn several_in_a_table() {
    let shop = Served::with(
        several_after(&["web", "api"], &[Turn::Released("web:v2")]),
        Life::Still,
    );
    assert_snapshot!(shop.kruise(&["status", "--all"]), @r"
    exit 4
    --- stdout
    NAME   STYLE    WORKLOAD         STEP   STATE
    api    canary   deployment/api   1/3    waiting for approval: step 1/3
    web    canary   deployment/web   1/3    waiting for approval: step 1/3
    ");
    assert_snapshot!(shop.kruise(&["status", "-A"]), @r"
    exit 4
    --- stdout
    NAMESPACE   NAME   STYLE    WORKLOAD         STEP   STATE
    shop        api    canary   deployment/api   1/3    waiting for approval: step 1/3
    shop        web    canary   deployment/web   1/3    waiting for approval: step 1/3
    ");
    assert_snapshot!(shop.kruise(&["status", "-l", "team=nobody"]), @r#"
    exit 7
    --- stderr
    error: no Rollouts with labels "team=nobody" found in namespace "shop"
    "#);
    assert_snapshot!(shop.kruise(&["status", "-A", "-n", "elsewhere", "-o", "name"]), @r"
    exit 4
    --- stdout
    rollout.rollouts.kruise.io/api
    rollout.rollouts.kruise.io/web
    ");
}

/// Two applications: the new version of `web` is held, `api` is at rest. Beside them are large workloads of others.
pub(super) fn one_held() -> Vec<Value> {
    let mut objects = several_after(&["web", "api"], &[Turn::Held("web:v2")]);
    for object in &mut objects {
        if object["kind"] == "Deployment" && object["metadata"]["name"] == "api" {
            object["metadata"]["annotations"] = json!({});
        }
    }
    objects.extend((0..20).map(|number| {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": format!("foreign-{number}"), "namespace": NAMESPACE },
            "spec": { "replicas": 0, "selector": { "matchLabels": { "app": "foreign" } },
                "template": { "metadata": { "labels": { "app": "foreign" } },
                    "spec": { "containers": [{ "name": "main", "image": "x".repeat(5000) }] } } } })
    }));
    objects
}

#[test]
fn of_many_it_is_seen_which_are_held() {
    let shop = Served::with(one_held(), Life::Still);
    assert_snapshot!(shop.kruise(&["status", "-A"]), @r"
    exit 0
    --- stdout
    NAMESPACE   NAME   STYLE    WORKLOAD         STEP   STATE
    shop        api    canary   deployment/api   -/3    healthy
    shop        web    canary   deployment/web   -/3    held
    ");
    assert_snapshot!(shop.requested(), @r"
    GET /apis/rollouts.kruise.io/v1beta1/rollouts
    GET /apis/apps/v1/namespaces/shop/deployments
    ");
    assert!(shop.meter.bytes() < 50_000, "{} bytes", shop.meter.bytes());
    // What is gone is seen, too.
    let mut objects = one_held();
    objects.retain(|object| object["kind"] != "Deployment");
    let gone = Served::with(objects, Life::Still);
    assert_snapshot!(gone.kruise(&["status", "--all"]), @r"
    exit 5
    --- stdout
    NAME   STYLE    WORKLOAD         STEP   STATE
    api    canary   deployment/api   -/3    degraded
    web    canary   deployment/web   -/3    degraded
    ");
    // Without the right to look it is told once, with the verb and the resource.
    refuse(&shop, "/deployments");
    assert_snapshot!(shop.kruise(&["status", "-A"]), @r#"
    exit 0
    --- stdout
    NAMESPACE   NAME   STYLE    WORKLOAD         STEP   STATE
    shop        api    canary   deployment/api   -/3    healthy
    shop        web    canary   deployment/web   -/3    healthy
    --- stderr
    warning: not allowed to list deployments.apps in namespace "shop": new versions that are held back are not shown
    "#);
}

/// Forbids all requests whose path ends so.
pub(super) fn refuse(shop: &Served, end: &'static str) {
    shop.sim.inject(move |request| {
        let status = Fault::Status(http::StatusCode::FORBIDDEN, "Forbidden".to_owned());
        request.path.ends_with(end).then_some(status)
    });
}

#[test]
fn as_json_and_yaml() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let json = shop.kruise(&["status", "web", "-o", "json"]);
    assert_snapshot!(json, @r#"
    exit 4
    --- stdout
    {
      "apiVersion": "cli.kruise.dev/v1",
      "causes": [
        {
          "actor": "human",
          "blocks": true,
          "command": "kubectl kruise rollout approve web -n shop --step 1 --standalone",
          "evidence": [
            {
              "field": "status.currentStepState",
              "object": "rollout/web",
              "value": "StepPaused"
            }
          ],
          "healsByItself": true,
          "id": "WaitingApproval",
          "message": "step 1 of 3 is done and waits for an approval",
          "pods": [],
          "share": null,
          "since": "TIME",
          "version": null
        },
        {
          "actor": "human",
          "blocks": false,
          "command": "kubectl kruise rollout approve web -n shop --step 1 --standalone",
          "evidence": [
            {
              "field": "spec.holderIdentity",
              "object": "leases",
              "value": "no controller was there when an engine of ours changed its status"
            }
          ],
          "healsByItself": false,
          "id": "ControllerAbsent",
          "message": "no controller carries this out: unless a 'run --forever' waits for it, going on needs --standalone",
          "pods": [],
          "share": null,
          "since": null,
          "version": null
        }
      ],
      "degraded": null,
      "exitCode": 4,
      "kind": "RolloutStatus",
      "message": "Rollout is in step(1/3), and you need manually confirm to enter the next step",
      "newRevision": "c5xq7bgzxh",
      "next": {
        "actor": "human",
        "command": "kubectl kruise rollout approve web -n shop --step 1 --standalone",
        "sentence": "you"
      },
      "object": {
        "generation": 1,
        "name": "web",
        "namespace": "shop",
        "resourceVersion": "19",
        "uid": "UID"
      },
      "observedAt": "TIME",
      "phase": "Progressing",
      "problems": [],
      "replicas": 3,
      "revisions": [
        {
          "current": 3,
          "desired": 3,
          "hash": "6758fd9795",
          "images": [
            "web:v1"
          ],
          "ready": 3,
          "role": "stable"
        },
        {
          "current": 1,
          "desired": 1,
          "hash": "f66cd76cb",
          "images": [
            "web:v2"
          ],
          "ready": 1,
          "role": "new"
        }
      ],
      "schema": "1.0",
      "step": {
        "index": 1,
        "remainingSeconds": null,
        "since": "TIME",
        "state": "StepPaused",
        "total": 3
      },
      "steps": [
        {
          "index": 1,
          "matches": 0,
          "pauseSeconds": null,
          "replicas": 1,
          "traffic": "20%"
        },
        {
          "index": 2,
          "matches": 0,
          "pauseSeconds": 600,
          "replicas": 2,
          "traffic": "50%"
        },
        {
          "index": 3,
          "matches": 0,
          "pauseSeconds": null,
          "replicas": "100%",
          "traffic": "100%"
        }
      ],
      "style": "canary",
      "traffic": [
        {
          "percent": 20,
          "route": "ingress/web",
          "set": "20%",
          "wanted": "20%"
        }
      ],
      "trafficRouting": null,
      "unread": [],
      "verdict": "WaitingForApproval",
      "workload": "deployment/web"
    }
    "#);
    let yaml = shop.kruise(&["status", "web", "-o", "yaml"]);
    let read: serde_json::Value = serde_saphyr::from_str(&yaml.stdout).unwrap();
    let fixed = |mut document: serde_json::Value| {
        document["observedAt"] = json!("now");
        document
    };
    assert_eq!(fixed(read), fixed(json.json()));
}

/// Seen with the real controller, which leaves `StepPaused` in a status while it takes the release back.
#[test]
fn what_goes_back_reaches_no_step_any_more() {
    let mut objects = after(&[Turn::Released("web:v2")]);
    let rollout = objects.iter_mut().find(|object| object["kind"] == "Rollout");
    rollout.unwrap()["status"]["conditions"] =
        json!([{ "type": "Progressing", "status": "True", "reason": "Cancelling", "message": "" }]);
    let shop = Served::with(objects, Life::Still);
    for condition in ["paused", "step=1", "traffic>=1"] {
        let waited = shop.kruise(&["status", "web", "--until", condition, "--timeout", "20s"]);
        assert_eq!(waited.code, Some(6), "{condition}: {waited}");
    }
}

#[test]
fn waits_until_a_condition_holds() {
    let shop = Served::with(after(&[Turn::Held("web:v2")]), Life::Alive);
    let waiting = shop.spawn(&["status", "web", "--until", "step=1", "--timeout", "30s"]);
    let driven = shop.kruise(&["run", "web"]);
    assert_eq!(driven.code, Some(4), "{driven}");
    let waited = waiting.outcome();
    assert_eq!(waited.code, Some(0), "{waited}");
    let last = waited.to_string().lines().last().unwrap_or_default().to_owned();
    assert_snapshot!(last, @"TIME  shop/web  waiting for approval: step 1/3  new pods 1/1 ready  stable pods 3/3 ready  traffic 20%");
}

#[test]
fn a_wait_ends_in_time_or_where_the_condition_cannot_come() {
    let shop = Served::with(
        after(&[Turn::Released("web:v2-crash"), Turn::Waited(700)]),
        Life::Still,
    );
    assert_snapshot!(shop.kruise(&["status", "web", "--until", "gone", "--timeout", "3s"]), @r"
    exit 124
    --- stdout
    TIME  shop/web  degraded: step 1/3, bringing up new pods  new pods 0/1 ready  stable pods 3/3 ready  traffic 0%  ! CrashLoop: 1 of 1 new pods: container main keeps crashing: out of memory (OOMKilled)
    --- stderr
    error: timed out after 3 s waiting for the condition
    ");
    assert_snapshot!(shop.kruise(&["status", "web", "--until", "step=2"]), @r"
    exit 5
    --- stdout
    TIME  shop/web  degraded: step 1/3, bringing up new pods  new pods 0/1 ready  stable pods 3/3 ready  traffic 0%  ! CrashLoop: 1 of 1 new pods: container main keeps crashing: out of memory (OOMKilled)
    ");
    assert_snapshot!(shop.kruise(&["status", "nobody", "--until", "gone"]), @"exit 0");
    assert_snapshot!(shop.kruise(&["status", "web", "--until", "later"]), @"
    exit 64
    --- stderr
    error: invalid value 'later' for '--until <CONDITION>': expected paused, step=N, traffic>=PERCENT, healthy (or done) or gone

    For more information, try '--help'.
    ");
}

#[test]
fn reads_nothing_of_others() {
    let small = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let mut objects = after(&[Turn::Released("web:v2")]);
    objects.extend((0..1000).map(|number| {
        json!({ "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": format!("foreign-{number}"), "namespace": NAMESPACE, "labels": { "app": "foreign" } },
            "spec": { "containers": [{ "name": "main", "image": "foreign" }] } })
    }));
    let crowded = Served::with(objects, Life::Still);
    let same = small.kruise(&["status", "web"]);
    assert_eq!(crowded.kruise(&["status", "web"]).to_string(), same.to_string());
    let requested = crowded.requested();
    let mut sorted: Vec<&str> = requested.lines().collect();
    sorted.sort_unstable();
    assert_snapshot!(sorted.join("\n"), @r"
    GET /api/v1/namespaces/shop/services/web
    GET /apis/apps/v1/namespaces/shop/deployments/web
    GET /apis/apps/v1/namespaces/shop/replicasets
    GET /apis/networking.k8s.io/v1/namespaces/shop/ingresses/web
    GET /apis/networking.k8s.io/v1/namespaces/shop/ingresses/web-canary
    GET /apis/rollouts.kruise.io/v1beta1/namespaces/shop/rollouts/web
    ");
    let (alone, beside) = (small.meter.bytes(), crowded.meter.bytes());
    assert!(
        alone > 1000 && beside.abs_diff(alone) < 200,
        "{alone} bytes alone, {beside} beside others"
    );
}

#[test]
fn a_step_that_the_plan_does_not_have_is_not_waited_for() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    assert_snapshot!(shop.kruise(&["status", "web", "--until", "step=9", "--timeout", "20s"]), @"
    exit 64
    --- stderr
    error: shop/web has 3 steps: step 9 will never come

    hint: kubectl kruise rollout status web -n shop
    ");
}

#[test]
fn what_crashes_at_rest_is_for_a_human() {
    let mut objects = after(&[]);
    for object in &mut objects {
        if object["kind"] == "Pod" {
            object["status"]["conditions"] = json!([{ "type": "Ready", "status": "False" }]);
            object["status"]["containerStatuses"] = json!([{ "name": "main", "ready": false, "restartCount": 5,
                "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off" } } }]);
        } else if object["kind"] == "Deployment" || object["kind"] == "ReplicaSet" {
            for field in ["readyReplicas", "availableReplicas"] {
                object["status"][field] = json!(0);
            }
        }
    }
    let shop = Served::with(objects, Life::Still);
    let said = shop.kruise(&["status", "web"]);
    let line = |head: &str| {
        said.stdout
            .lines()
            .find(|line| line.starts_with(head))
            .unwrap_or_default()
            .to_owned()
    };
    assert_snapshot!([line("State:"), line("Next:"), line("Cause:")].join("\n"), @"
    State:    healthy
    Next:     you
    Cause:    3 of 3 stable pods: container main keeps crashing
    ");
    let actor = shop.kruise(&["status", "web", "-o", "json"]).json()["next"]["actor"].clone();
    assert_eq!(actor, "human");
}

#[test]
fn whether_a_controller_has_come_is_looked_for_once_in_a_while() {
    let shop = Served::with(after(&[Turn::Released("web:v2"), Turn::Waited(900)]), Life::Still);
    let look = || {
        assert_eq!(shop.kruise(&["status", "web"]).code, Some(4));
        let requested = shop.requested();
        let looked = "GET /apis/rollouts.kruise.io/v1beta1";
        (
            requested.lines().count(),
            requested.lines().any(|line| line == looked),
        )
    };
    assert_eq!([look(), look()], [(7, true), (6, false)]);
}

#[test]
fn fails_fast_where_waiting_does_not_help() {
    let shop = Served::with(after(&[Turn::Released("web:v2-crash")]), Life::Still);
    let said = shop.kruise(&[
        "status",
        "web",
        "--until",
        "healthy",
        "--fail-fast",
        "--timeout",
        "20s",
    ]);
    assert_eq!(said.code, Some(5), "{said}");
    let error = "error: shop/web will not become healthy by itself: CrashLoop: 1 of 1 new pods: container main keeps crashing: out of memory (OOMKilled)";
    assert!(said.stderr.contains(error), "{said}");
    // What may come by itself is waited for.
    let starting = Served::with(after(&[Turn::Released("web:v2-stuck")]), Life::Still);
    let said = starting.kruise(&[
        "status",
        "web",
        "--until",
        "healthy",
        "--fail-fast",
        "--timeout",
        "500ms",
    ]);
    assert_eq!(said.code, Some(124), "{said}");
}
