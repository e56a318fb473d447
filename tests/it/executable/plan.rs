//! `plan`: its table, its documents, its exit codes, and that it changes nothing.

use insta::assert_snapshot;
use serde_json::json;

use crate::{
    harness::{
        served::{Folder, Life, Outcome, Served, program},
        shop::{Turn, after, application},
    },
    plan::files,
};

#[test]
fn a_table_of_steps() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "main=web:v2"]), @r"
    exit 0
    --- stdout
    Plan for shop/web
    STEP     NEW   OLD   READY   PODS   TRAFFIC NEW/OLD   GATE       EARLIEST   LIKELY    WRITES
    1        1     3     3..4    4      20%/80%           approval   +TIME      ~TIME    11
    2        2     3     4..5    5      50%/50%           600 s      +TIME      ~TIME    7
    3        3     3     5..6    6      100%/0%           -          +TIME     ~TIME   6
    finish   3     0     3..7    7      -                 -          +TIME     ~TIME   14

    ~ unknown: how long approvals of step 1 take: no time is counted for them
    Summary: 3 steps, 38 writes, never below 3 ready pods, at most 7 pods, +TIME at the earliest, 0 blockers, completes.
    ");
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "main=web:v2", "--replicas", "10"]), @r"
    exit 0
    --- stdout
    Plan for shop/web
    STEP     NEW   OLD   READY    PODS   TRAFFIC NEW/OLD   GATE       EARLIEST   LIKELY    WRITES
    1        1     10    3..11    11     20%/80%           approval   +TIME      ~TIME    11
    2        2     10    11..12   12     50%/50%           600 s      +TIME      ~TIME    7
    3        10    10    12..20   20     100%/0%           -          +TIME     ~TIME   13
    finish   10    0     10..23   23     -                 -          +TIME     ~TIME   14

    ~ unknown: how long approvals of step 1 take: no time is counted for them
    Summary: 3 steps, 45 writes, never below 3 ready pods, at most 23 pods, +TIME at the earliest, 0 blockers, completes.
    ");
    assert_eq!(shop.sim.trace(), [], "nothing is written");
}

#[test]
fn the_rest_of_a_release_under_way() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    assert_snapshot!(shop.kruise(&["plan", "web"]), @r"
    exit 0
    --- stdout
    Plan for shop/web
    STEP     NEW   OLD   READY   PODS   TRAFFIC NEW/OLD   GATE       EARLIEST   LIKELY    WRITES
    1        1     3     4       4      20%/80%           approval   +TIME      ~TIME    0
    2        2     3     4..5    5      50%/50%           600 s      +TIME      ~TIME    7
    3        3     3     5..6    6      100%/0%           -          +TIME     ~TIME   6
    finish   3     0     3..7    7      -                 -          +TIME     ~TIME   14

    ~ unknown: how long approvals of step 1 take: no time is counted for them
    Summary: 3 steps, 27 writes, never below 3 ready pods, at most 7 pods, +TIME at the earliest, 0 blockers, completes.
    ");
}

#[test]
fn as_json_and_yaml() {
    let shop = Served::with(after(&[]), Life::Still);
    let json = shop.kruise(&["plan", "web", "--set-image", "main=web:v2", "-o", "json"]);
    assert_eq!(json.code, Some(0), "{json}");
    let document = json.json();
    let head: Vec<_> = ["apiVersion", "kind", "schema", "rollout", "end", "summary"]
        .iter()
        .map(|key| document[key].clone())
        .collect();
    assert_snapshot!(json!(head), @r#"["cli.kruise.dev/v1","RolloutPlan","1.1","web","Completed","Summary: 3 steps, 38 writes, never below 3 ready pods, at most 7 pods, +10:12 at the earliest, 0 blockers, completes."]"#);
    assert_eq!(document["steps"].as_array().map(Vec::len), Some(3));
    let yaml = shop.kruise(&["plan", "web", "--set-image", "main=web:v2", "-o", "yaml"]);
    let read: serde_json::Value = serde_saphyr::from_str(&yaml.stdout).unwrap();
    let steps = |document: &serde_json::Value| [document["steps"].clone(), document["finish"].clone()];
    assert_eq!(steps(&read), steps(&document));
}

#[test]
fn exit_codes() {
    let shop = Served::with(after(&[]), Life::Still);
    let table: [(&[&str], i32); 6] = [
        (&["plan", "web"], 0),
        (&["plan", "web", "--detailed-exitcode"], 0),
        (&["plan", "web", "--set-image", "main=web:v2"], 0),
        (
            &["plan", "web", "--set-image", "main=web:v2", "--detailed-exitcode"],
            2,
        ),
        (&["plan", "web", "--set-image", "main=web:v2-crash"], 5),
        (&["plan", "nobody"], 7),
    ];
    let seen = table.map(|(arguments, _)| (arguments, shop.kruise(arguments).code.unwrap()));
    assert_eq!(seen, table);
}

#[test]
fn nothing_to_do_and_no_such_container() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_snapshot!(shop.kruise(&["plan", "web"]), @r"
    exit 0
    --- stdout
    Plan for shop/web
    Summary: 0 steps, 0 writes, never below 3 ready pods, at most 3 pods, +TIME at the earliest, 0 blockers, nothing to do.
    --- stderr
    hint: kubectl kruise rollout plan web -n shop --set-image CONTAINER=IMAGE
    ");
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "other=web:v2"]), @r#"
    exit 7
    --- stderr
    error: rollout.rollouts.kruise.io/web has no container "other"

    hint: its containers: main
    "#);
}

#[test]
fn what_stands_in_the_way() {
    let objects = after(&[])
        .into_iter()
        .filter(|object| object["kind"] != "Ingress")
        .collect();
    let shop = Served::with(objects, Life::Still);
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "main=web:v2"]), @r#"
    exit 3
    --- stdout
    Plan for shop/web
    ! traffic: Ingress web not found
        rollout/web  spec.strategy.trafficRoutings[0]: {"gracePeriodSeconds":1,"ingress":{"classType":"nginx","name":"web"},"service":"web"}
        next: kubectl get service,ingress,httproute -n shop
    Summary: 0 steps, 1 write, never below 3 ready pods, at most 3 pods, +TIME at the earliest, 1 blocker, blocked.
    "#);
    assert_eq!(shop.sim.trace(), [], "nothing is written");
}

/// The executable without any cluster.
fn alone(arguments: &[&str]) -> Outcome {
    let command = program()
        .arg("rollout")
        .args(arguments)
        .env("KUBECONFIG", "/nonexistent")
        .output();
    Outcome::of(command.unwrap())
}

#[test]
fn over_files_without_a_cluster() {
    let folder = Folder::new();
    let write = |name: &str, text: &str| {
        let path = folder.file(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let list = |objects: Vec<serde_json::Value>| {
        json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string()
    };
    let shop = write("shop.json", &list(files::shop()));
    let mut two = files::shop();
    two.push(two[3].clone());
    two[4]["metadata"]["name"] = json!("other");
    let two = write("two.json", &list(two));
    let none = write("none.json", &list(files::shop()[..3].to_vec()));
    let mut new = files::shop();
    new[0]["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:v3");
    let new = write("new.json", &list(new));
    let steps = write(
        "steps.yaml",
        "- {replicas: 1, traffic: 5%, pause: {}}\n- {replicas: 100%}\n",
    );
    assert_snapshot!(alone(&["plan", "-f", &shop, "--set-image", "main=web:v2", "--until-step", "1"]), @r"
    exit 0
    --- stdout
    Plan for default/web
    STEP   NEW   OLD   READY   PODS   TRAFFIC NEW/OLD   GATE       EARLIEST   LIKELY    WRITES
    1      1     4     4..5    5      20%/80%           approval   +TIME      unknown   12

    ~ unknown: how long pods take to become ready: no running pod tells, 10 s are assumed
    ~ unknown: how long approvals of step 1 take: no time is counted for them
    Summary: 1 step, 12 writes, never below 4 ready pods, at most 5 pods, +TIME at the earliest, 0 blockers, planned as far as asked.
    the rest, after the pause of step 1, is not planned
    ");
    assert_snapshot!(alone(&["plan", "-f", &shop, "--apply", &new, "--steps", &steps, "--what-if", "slow-pods=5m"]), @r"
    exit 0
    --- stdout
    Plan for default/web
    What if new pods take 300 s to become ready
    STEP     NEW      OLD   READY   PODS   TRAFFIC NEW/OLD   GATE       EARLIEST   LIKELY    WRITES
    1        1        4     4..5    5      5%/95%            approval   +TIME      unknown   12
    2        1 of 4   4     5       5      -                 -          +TIME      unknown   8
    finish   4        0     4..9    9      -                 -          +TIME     unknown   15

    ~ unknown: how long pods take to become ready: no running pod tells, 10 s are assumed
    ~ unknown: how long approvals of step 1 take: no time is counted for them
    Summary: 2 steps, 35 writes, never below 4 ready pods, at most 9 pods, +TIME at the earliest, 0 blockers, completes.
    ");
    // What comes after pods that never become ready is not promised.
    let crash = [
        "plan",
        "-f",
        &shop,
        "--set-image",
        "main=web:v2",
        "--what-if",
        "crash",
    ];
    assert_snapshot!(alone(&crash), @"
    exit 5
    --- stdout
    Plan for default/web
    What if pods of the new version crash
    STEP   NEW   OLD   READY   PODS   TRAFFIC NEW/OLD   GATE    EARLIEST   LIKELY    WRITES
    1      1     4     4       5      -                 never   +TIME     unknown   10

    ~ unknown: how long pods take to become ready: no running pod tells, 10 s are assumed
    Summary: 1 step, 10 writes, never below 4 ready pods, at most 5 pods, +TIME at the earliest, 0 blockers, degrades.
    no progress for 600 seconds: step 1/3: 0 of 1 new pods are ready
    ");
    let table: [(&[&str], i32); 10] = [
        (&["-f", &shop], 0),
        (
            &[
                "-f",
                &shop,
                "web",
                "--set-image",
                "main=web:v2",
                "--detailed-exitcode",
            ],
            2,
        ),
        (&["-f", &shop, "deploy/web"], 0),
        (&["-f", &shop, "nobody"], 7),
        (&["-f", &none], 7),
        (&["-f", &two], 64),
        (&["-f", &two, "other"], 3),
        (
            &[
                "-f",
                &shop,
                "--steps",
                &shop,
                "--what-if",
                "crash",
                "--set-image",
                "main=web:v2",
            ],
            5,
        ),
        (&["-f", &shop, "--what-if", "rain"], 64),
        (&["-f", &shop, "--until-step", "0"], 64),
    ];
    let seen = table.map(|(arguments, _)| {
        let arguments = [&["plan"], arguments].concat();
        (arguments.clone(), alone(&arguments).code.unwrap())
    });
    assert_eq!(
        seen,
        table.map(|(arguments, code)| ([&["plan"], arguments].concat(), code))
    );
    assert_snapshot!(alone(&["plan", "-f", &none]), @r"
    exit 7
    --- stderr
    error: the files hold no Rollout

    hint: to plan for a cluster's Rollout as if files were applied: kubectl kruise rollout plan NAME --apply FILE
    ");
    assert_snapshot!(alone(&["plan", "-f", &two]), @r"
    exit 64
    --- stderr
    error: the files hold 2 Rollouts that may be meant

    hint: name one of them: web, other
    ");
}

#[test]
fn blockers_have_evidence_and_a_command() {
    let mut objects = after(&[]);
    let namespaced = |kind: &str, name: &str, version: &str, spec: serde_json::Value| json!({ "apiVersion": version, "kind": kind, "metadata": { "name": name, "namespace": "shop" }, "spec": spec });
    let mut quota = namespaced(
        "ResourceQuota",
        "compute",
        "v1",
        json!({ "hard": { "pods": "6" } }),
    );
    quota["status"] = json!({ "used": { "pods": "3" } });
    let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" });
    objects.extend([
        quota,
        namespaced(
            "HorizontalPodAutoscaler",
            "web",
            "autoscaling/v2",
            json!({ "scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 9 }),
        ),
    ]);
    let shop = Served::with(objects, Life::Still);
    let release = ["plan", "web", "--set-image", "main=web:v2"];
    assert_snapshot!(shop.kruise(&release), @r"
    exit 3
    --- stdout
    Plan for shop/web
    STEP     NEW   OLD   READY   PODS   TRAFFIC NEW/OLD   GATE       EARLIEST   LIKELY    WRITES
    1        1     3     3..4    4      20%/80%           approval   +TIME      ~TIME    11
    2        2     3     4..5    5      50%/50%           600 s      +TIME      ~TIME    7
    3        3     3     5..6    6      100%/0%           -          +TIME     ~TIME   6
    finish   3     0     3..7    7      -                 -          +TIME     ~TIME   14

    ! quota: the release has 7 pods at the most, 4 more than now, which need 4 pods; quota/compute leaves 3
        quota/compute  spec.hard[pods]: 6
        quota/compute  status.used[pods]: 3
        next: kubectl describe resourcequota compute -n shop
    ? autoscaler: hpa/web may scale deployment/web between 2 and 9 pods meanwhile: steps are planned for 3, and it counts the pods of both versions
        hpa/web  spec.scaleTargetRef: Deployment web
        hpa/web  spec.minReplicas, spec.maxReplicas: 2, 9
        next: kubectl get hpa web -n shop
    ~ unknown: how long approvals of step 1 take: no time is counted for them
    Summary: 3 steps, 38 writes, never below 3 ready pods, at most 7 pods, +TIME at the earliest, 1 blocker, blocked.
    ");
    let document = shop.kruise(&[&release[..], &["-o", "json"]].concat()).json();
    assert_snapshot!(json!([document["end"], document["blockers"][0]]), @r#"["Completed",{"command":"kubectl describe resourcequota compute -n shop","evidence":[{"field":"spec.hard[pods]","object":"quota/compute","value":"6"},{"field":"status.used[pods]","object":"quota/compute","value":"3"}],"id":"quota","message":"the release has 7 pods at the most, 4 more than now, which need 4 pods; quota/compute leaves 3","weight":"blocks"}]"#);
    assert_eq!(shop.sim.trace(), [], "nothing is written");
}

#[test]
fn pictures() {
    let folder = Folder::new();
    let path = folder.file("shop.json");
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": files::shop() });
    std::fs::write(&path, list.to_string()).unwrap();
    let path = path.display().to_string();
    let picture = |format: &str| {
        let outcome = alone(&["plan", "-f", &path, "--set-image", "main=web:v2", "-o", format]);
        assert_eq!(outcome.code, Some(0), "{outcome}");
        outcome.stdout
    };
    assert_snapshot!(picture("markdown"), @r"
    ### Plan for default/web

    | STEP | NEW | OLD | READY | PODS | TRAFFIC NEW/OLD | GATE | EARLIEST | LIKELY | WRITES |
    |---|---|---|---|---|---|---|---|---|---|
    | 1 | 1 | 4 | 4..5 | 5 | 20%/80% | approval | +0:14 | unknown | 12 |
    | 2 | 2 | 4 | 5..6 | 6 | 50%/50% | 300 s | +0:27 | unknown | 8 |
    | 3 | 4 | 4 | 6..8 | 8 | 100%/0% | - | +5:37 | unknown | 8 |
    | finish | 4 | 0 | 4..9 | 9 | - | - | +6:06 | unknown | 14 |

    - *unknown*: how long pods take to become ready: no running pod tells, 10 s are assumed
    - *unknown*: how long approvals of step 1 take: no time is counted for them

    Summary: 3 steps, 42 writes, never below 4 ready pods, at most 9 pods, +6:06 at the earliest, 0 blockers, completes.
    ");
    assert_snapshot!(picture("mermaid"), @r"
    gantt
        title Plan for default/web
        dateFormat X
        axisFormat %H:%M:%S
        section step 1
        1 new 4 old traffic 20% :active, 0, 14
        approval :milestone, crit, 14, 14
        section step 2
        2 new 4 old traffic 50% :active, 14, 27
        300 s :done, 27, 327
        section step 3
        4 new 4 old traffic 100% :active, 327, 337
        section finish
        4 new 0 old :active, 337, 366
    ");
    let svg = picture("svg");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    let texts: Vec<&str> = svg
        .lines()
        .filter(|line| line.starts_with("<text"))
        .filter_map(|line| line.split('>').nth(1)?.split('<').next())
        .collect();
    assert_snapshot!(texts.join("\n"), @r"
    Plan for default/web
    bars: new (green) and old pods at the end of a step; bracket: ready pods in it, fewest to most
    0
    4
    9
    step 1
    1 new, 4 old
    ready 4..5
    traffic 20% / 80%
    approval
    +0:14 at the earliest
    step 2
    2 new, 4 old
    ready 5..6
    traffic 50% / 50%
    300 s
    +0:27 at the earliest
    step 3
    4 new, 4 old
    ready 6..8
    traffic 100% / 0%
    goes on by itself
    +5:37 at the earliest
    finish
    4 new, 0 old
    ready 4..9
    no traffic moves
    goes on by itself
    +6:06 at the earliest
    Summary: 3 steps, 42 writes, never below 4 ready pods, at most 9 pods, +6:06 at the earliest, 0 blockers, completes.
    ");
}

#[test]
fn a_kept_plan_holds_through_its_release_and_says_what_moved() {
    let folder = Folder::new();
    let path = folder.file("release.plan");
    let file = path.display().to_string();
    let shop = Served::with(after(&[]), Life::Alive);
    let kept = shop.kruise(&["plan", "web", "--set-image", "main=web:v2", "--out", &file]);
    assert_eq!(kept.code, Some(0), "{kept}");
    assert_eq!(kept.stderr.lines().count(), 2, "{kept}");
    let code = |arguments: &[&str]| {
        let outcome = shop.kruise(arguments);
        (outcome.code.unwrap(), outcome.stderr)
    };
    assert!(kept.stderr.contains("hint: make the change, then"), "{kept}");
    assert_snapshot!(shop.kruise(&["run", "--plan", &file]), @r#"
    exit 8
    --- stderr
    error: plan TMP/FOLDER/release.plan is of a change that is not made yet, so there is nothing to carry out
      deployment/web  spec.template.spec.containers[main].image: "web:v1" is now "web:v2"

    hint: make it, with 'kubectl kruise rollout set image' or 'apply', and repeat the command
    "#);
    assert_eq!(code(&["set", "image", "web", "main=web:v2"]).0, 0);
    assert_eq!(code(&["run", "--plan", &file]).0, 4);
    assert_eq!(code(&["approve", "--plan", &file, "--dry-run=client"]).0, 0);
    // Another name, another Rollout's plan, a plan that was edited.
    assert_eq!(code(&["approve", "other", "--plan", &file]).0, 7);
    let text = std::fs::read_to_string(&path).unwrap();
    let edited = folder.file("edited.plan");
    std::fs::write(&edited, text.replace("web:v2", "web:v9")).unwrap();
    assert_snapshot!(shop.kruise(&["approve", "--plan", &edited.display().to_string()]), @r"
    exit 1
    --- stderr
    error: plan TMP/FOLDER/edited.plan: its content is not what its id says: it was edited, or cut off

    hint: kubectl kruise rollout plan NAME --out FILE makes one
    ");
    assert_snapshot!(shop.kruise(&["run", "--plan", "/nonexistent"]), @r#"
    exit 7
    --- stderr
    error: the path "/nonexistent" does not exist
    "#);
    let mut scaled = shop.deployment();
    scaled["spec"]["replicas"] = json!(5);
    shop.sim.load(scaled).unwrap();
    assert_snapshot!(shop.kruise(&["approve", "--plan", &file]), @r"
    exit 8
    --- stderr
    error: plan TMP/FOLDER/release.plan no longer holds: one thing moved since it was made
      deployment/web  spec.replicas: 3 is now 5

    hint: plan again: kubectl kruise rollout plan web -n shop --out TMP/FOLDER/release.plan
    ");
    assert_eq!(code(&["run", "--plan", &file]).0, 8);
    let bad = folder.file("bad.plan").display().to_string();
    assert_eq!(
        code(&["plan", "web", "--set-image", "main=web:v3-crash", "--out", &bad]).0,
        5
    );
    assert_snapshot!(shop.kruise(&["run", "--plan", &bad]), @r#"
    exit 1
    --- stderr
    error: plan TMP/FOLDER/bad.plan: it ends "Degraded", so that it is not one to be followed

    hint: mend what is in the way and plan again: kubectl kruise rollout plan web -n shop --out TMP/FOLDER/bad.plan
    "#);
    assert_eq!(code(&["plan", "web", "--out", &bad, "--what-if", "crash"]).0, 64);
}

#[test]
fn what_an_applied_rollout_names_is_read_and_what_comes_with_it_is_there() {
    let objects = after(&[]).into_iter().map(|mut object| {
        if object["kind"] == "Rollout" {
            let canary = object.pointer_mut("/spec/strategy/canary").unwrap();
            canary.as_object_mut().unwrap().remove("trafficRoutings");
            canary["steps"] = json!([{ "replicas": 1, "pause": {} }, { "replicas": "100%" }]);
        }
        object
    });
    let shop = Served::with(objects.collect(), Life::Alive);
    let folder = Folder::new();
    let write = |name: &str, objects: &[serde_json::Value]| {
        let path = folder.file(name);
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        std::fs::write(&path, list.to_string()).unwrap();
        path.display().to_string()
    };
    let rollout = application("web").remove(3);
    let routed = write("routed.json", &[rollout]);
    let end = |words: &[&str]| {
        let outcome = shop.kruise(&[&["plan", "web", "-o", "json"], words].concat());
        let document = outcome.json();
        (
            outcome.code,
            document["summary"].clone(),
            document["blockers"].clone(),
        )
    };
    // The Service and the Ingress are there; the Rollout in the cluster does not name them.
    let release = ["--apply", routed.as_str(), "--set-image", "main=web:v2"];
    let summary = "Summary: 3 steps, 38 writes, never below 3 ready pods, at most 7 pods, +10:12 at the earliest, 0 blockers, completes.";
    assert_eq!(end(&release), (Some(0), json!(summary), json!([])));
    // A plan of it is held to, before the change is made and after it.
    let kept = folder.file("kept.plan").display().to_string();
    let keep = shop.kruise(&[&["plan", "web", "--out", &kept], &release[..]].concat());
    assert_eq!(keep.code, Some(0), "{keep}");
    let run = shop.kruise(&["run", "--plan", &kept]);
    assert_eq!(run.code, Some(8), "{run}");
    assert!(
        run.stderr.contains("is of a change that is not made yet"),
        "{run}"
    );
    let made = shop.kruise(&["apply", "-f", &routed]);
    assert_eq!(made.code, Some(0), "{made}");
    let made = shop.kruise(&["set", "image", "web", "main=web:v2"]);
    assert_eq!(made.code, Some(0), "{made}");
    let approve = shop.kruise(&["run", "--plan", &kept]);
    assert_eq!(approve.code, Some(4), "{approve}");
}

#[test]
fn what_comes_with_the_change_is_there() {
    let shop = Served::with(after(&[]), Life::Still);
    let folder = Folder::new();
    let mut deployment = application("web").remove(0);
    let container = deployment
        .pointer_mut("/spec/template/spec/containers/0")
        .unwrap();
    container["image"] = json!("web:v2");
    container["envFrom"] = json!([{ "configMapRef": { "name": "settings-v2" } }]);
    let settings = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings-v2" }, "data": { "a": "1" } });
    let plan = |items: Vec<serde_json::Value>| {
        let path = folder.file("change.json");
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
        std::fs::write(&path, list.to_string()).unwrap();
        let file = path.display().to_string();
        let outcome = shop.kruise(&["plan", "web", "--apply", &file, "-o", "json"]);
        (outcome.code, outcome.json()["blockers"][0]["message"].clone())
    };
    let missing = "the new pods need configmap/settings-v2, which does not exist";
    assert_eq!(plan(vec![deployment.clone()]), (Some(3), json!(missing)));
    assert_eq!(plan(vec![settings, deployment]), (Some(0), json!(null)));
}

#[test]
fn pods_that_grow_need_room() {
    let mut objects = after(&[]);
    objects.push(
        json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "compute", "namespace": "shop" },
        "spec": { "hard": { "requests.memory": "6Gi" } }, "status": { "used": { "requests.memory": "3Gi" } } }),
    );
    for object in &mut objects {
        if object["kind"] == "Rollout" {
            object["spec"]["strategy"] =
                json!({ "canary": { "steps": [{ "replicas": 1, "pause": {} }, { "replicas": "100%" }] } });
        }
        let containers = match object["kind"].as_str() {
            Some("Deployment") => {
                object["spec"]["strategy"] = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 0, "maxUnavailable": 1 } });
                "/spec/template/spec/containers/0"
            }
            Some("ReplicaSet") => "/spec/template/spec/containers/0",
            Some("Pod") => "/spec/containers/0",
            _ => continue,
        };
        object.pointer_mut(containers).unwrap()["resources"] = json!({ "requests": { "memory": "1Gi" } });
    }
    let shop = Served::with(objects, Life::Still);
    let folder = Folder::new();
    let plan = |memory: &str| {
        let mut deployment = application("web").remove(0);
        deployment["spec"]["strategy"] =
            json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 0, "maxUnavailable": 1 } });
        let container = deployment
            .pointer_mut("/spec/template/spec/containers/0")
            .unwrap();
        container["resources"] = json!({ "requests": { "memory": memory } });
        let path = folder.file("change.json");
        std::fs::write(&path, deployment.to_string()).unwrap();
        let file = path.display().to_string();
        let outcome = shop.kruise(&["plan", "web", "--apply", &file, "-o", "json"]);
        (outcome.code, outcome.json()["blockers"][0]["message"].clone())
    };
    // Three of 2Gi in the places of three of 1Gi: 3Gi more, as much as there is.
    assert_eq!(plan("2Gi"), (Some(0), json!(null)));
    assert_eq!(
        plan("4Gi"),
        (
            Some(3),
            json!(
                "the pods of the release need 9216Mi requests.memory more at one time than now; quota/compute leaves 3072Mi"
            )
        )
    );
}
