//! `run`: where it stops, what it says, and whom it leaves alone.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{
    served::{Life, Outcome, Served},
    shop::{NAMESPACE, Turn, after, several_after},
};

/// The result without the progress on stderr, whose lines depend on which pod is ready first.
fn result(outcome: &Outcome) -> String {
    format!("exit {}\n{}", outcome.code.unwrap(), outcome.stdout)
}

fn leases(shop: &Served) -> usize {
    shop.sim.list("coordination.k8s.io/v1", "Lease", None).len()
}

#[test]
fn to_the_first_pause() {
    let shop = Served::with(after(&[Turn::Held("web:v2")]), Life::Alive);
    let outcome = shop.kruise(&["run", "web"]);
    assert_snapshot!(result(&outcome), @r"
    exit 4
    rollout.rollouts.kruise.io/web waiting for approval of step 1/3
    ");
    let told = crate::harness::served::redacted(&outcome.stderr);
    let is_told = |line: &str| line.starts_with("TIME  shop/web  ");
    assert!(
        told.lines().any(is_told)
            && told
                .lines()
                .all(|line| is_told(line) || line.starts_with("hint: ")),
        "{told}"
    );
    assert_eq!(
        shop.rollout()["status"]["canaryStatus"]["currentStepState"],
        "StepPaused"
    );
    assert_eq!(leases(&shop), 0, "the lease is given back");
}

#[test]
fn tells_its_writes_when_asked() {
    let shop = Served::with(after(&[Turn::Held("web:v2")]), Life::Alive);
    let outcome = shop.kruise(&["run", "web", "-v", "1"]);
    // How often the status is written on the way depends on which pod is ready when; its name is generated.
    let wrote: Vec<&str> = outcome
        .stderr
        .lines()
        .filter_map(|line| line.split_once("shop/web  wrote ").map(|(_, what)| what))
        .filter(|what| !what.starts_with("pod/") && !what.starts_with("rollout/web: step"))
        .collect();
    assert_snapshot!(wrote.join("\n"), @r"
    rollout/web: keep the Rollout until its traces are gone
    deployment/web: take ownership of the hold
    service/web: keep the stable Service to the stable version
    deployment/web-canary-6j8snqxh4q: bring up 1 new pod
    service/web-canary: a Service for the new version
    ingress/web-canary: 20% of traffic to the new version
    rollout/web: Rollout is in step(1/3), and you need manually confirm to enter the next step
    ");
}

#[test]
fn to_the_end() {
    let shop = Served::with(after(&[Turn::Released("web:v2"), Turn::Approved]), Life::Alive);
    let outcome = shop.kruise(&["approve", "web", "--standalone"]);
    assert_snapshot!(result(&outcome), @r"
    exit 0
    rollout.rollouts.kruise.io/web approved
    rollout.rollouts.kruise.io/web completed
    ");
    let deployment = shop.deployment();
    assert_eq!(
        deployment["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v2"
    );
    assert_eq!(deployment["spec"].get("paused"), None);
    assert_eq!(shop.rollout()["metadata"].get("finalizers"), None);
    assert_eq!(leases(&shop), 0, "the lease is given back");
}

#[test]
fn at_rest_there_is_nothing_to_do() {
    let shop = Served::with(after(&[]), Life::Alive);
    assert_snapshot!(result(&shop.kruise(&["run", "web"])), @r"
    exit 0
    rollout.rollouts.kruise.io/web at rest
    ");
    let writes: Vec<String> = shop
        .sim
        .trace()
        .iter()
        .filter(|write| !write.path.contains("/leases"))
        .map(|write| format!("{} {}", write.verb, write.path))
        .collect();
    assert_eq!(writes, Vec::<String>::new());
}

#[test]
fn what_is_not_there() {
    let shop = Served::with(after(&[]), Life::Alive);
    assert_snapshot!(shop.kruise(&["run", "nobody"]), @r#"
    exit 7
    --- stderr
    error: rollouts.rollouts.kruise.io "nobody" not found in namespace "shop"

    hint: 'kubectl get rollouts.rollouts.kruise.io -n shop' lists what there is
    "#);
    assert_snapshot!(shop.kruise(&["run", "--all", "-n", "empty"]), @r#"
    exit 7
    --- stderr
    error: no Rollouts found in namespace "empty"
    "#);
    assert_snapshot!(shop.kruise(&["run"]), @"
    exit 64
    --- stderr
    error: no Rollout is named

    hint: give NAME, rollout/NAME or deploy/NAME; or several: --all, -l LABELS, -A
    ");
    assert_snapshot!(shop.kruise(&["run", "web", "-A"]), @r"
    exit 64
    --- stderr
    error: names cannot be combined with -l, -A or --all
    ");
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn several_by_name_and_all() {
    let objects = several_after(&["web", "api"], &[Turn::Held("web:v2")]);
    let shop = Served::with(objects.clone(), Life::Alive);
    assert_snapshot!(result(&shop.kruise(&["run", "web", "api"])), @r"
    exit 4
    rollout.rollouts.kruise.io/api waiting for approval of step 1/3
    rollout.rollouts.kruise.io/web waiting for approval of step 1/3
    ");
    let shop = Served::with(objects.clone(), Life::Alive);
    assert_snapshot!(result(&shop.kruise(&["run", "-A", "-n", "elsewhere"])), @r"
    exit 4
    rollout.rollouts.kruise.io/api waiting for approval of step 1/3
    rollout.rollouts.kruise.io/web waiting for approval of step 1/3
    ");
    let shop = Served::with(objects, Life::Alive);
    assert_snapshot!(result(&shop.kruise(&["run", "-l", "team=web", "--timeout", "30s"])), @r"
    exit 4
    rollout.rollouts.kruise.io/api waiting for approval of step 1/3
    rollout.rollouts.kruise.io/web waiting for approval of step 1/3
    ");
}

#[test]
fn a_degraded_release() {
    let shop = Served::with(
        after(&[Turn::Released("web:v2-crash"), Turn::Waited(700)]),
        Life::Alive,
    );
    let outcome = shop.kruise(&["run", "web"]);
    assert_eq!(outcome.code, Some(5), "{outcome}");
    // The engine knows how many pods are missing; why is looked up.
    let said = outcome.to_string();
    let from = said.find("CrashLoop").unwrap_or_else(|| panic!("{said}"));
    assert_snapshot!(&said[from..], @"
    CrashLoop: 1 of 1 new pods: container main keeps crashing: out of memory (OOMKilled)
    error: rollout.rollouts.kruise.io/web is degraded: no progress for 600 seconds: step 1/3: 0 of 1 new pods are ready

    hint: kubectl kruise rollout status web -n shop
    hint: kubectl kruise rollout rollback web -n shop
    ");
}

#[test]
fn gives_up_in_time_and_another_run_goes_on() {
    let shop = Served::with(after(&[Turn::Released("web:v2"), Turn::Approved]), Life::Alive);
    let outcome = shop.kruise(&["run", "web", "--timeout", "500ms"]);
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (Some(124), ""),
        "{outcome}"
    );
}

/// What upstream installs, whether or not its controller elects a leader.
fn webhook() -> [Value; 2] {
    [
        json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "BatchRelease",
            "metadata": { "name": "another", "namespace": NAMESPACE }, "spec": {} }),
        json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": { "name": "kruise-rollout-mutating-webhook-configuration" } }),
    ]
}

/// Seen with the real controller: a hold of ours keeps its webhook from noting the stable revision, without which it moves no
/// traffic, for ever.
#[test]
fn leaves_the_hold_to_a_controller_that_has_not_acted_yet() {
    let mut objects = after(&[]);
    objects.extend(webhook());
    let shop = Served::with(objects, Life::Still);
    assert_snapshot!(shop.kruise(&["set", "image", "web", "main=web:v2"]), @r#"
    exit 0
    --- stdout
    deployment.apps/web image updated
    --- stderr
    a controller in the cluster holds the new version (its webhook "kruise-rollout-mutating-webhook-configuration" is installed)
    hint: kubectl kruise rollout watch web -n shop
    "#);
    let live = shop.get("apps/v1", "Deployment", "web");
    assert_eq!(
        (
            &live["spec"]["template"]["spec"]["containers"][0]["image"],
            &live["spec"]["paused"]
        ),
        (&json!("web:v2"), &Value::Null)
    );
    assert_snapshot!(shop.kruise(&["run", "web"]), @r#"
    exit 8
    --- stderr
    error: the controller in the cluster is in charge: its webhook "kruise-rollout-mutating-webhook-configuration" is installed

    hint: let it act: approve, status, watch and rollback work with it, without --standalone
    "#);
}

/// A controller that is moved to another node comes back; one that is gone for good leaves its webhook behind.
#[test]
fn waits_for_a_controller_that_may_come_back() {
    let after = |seconds: i64| {
        let renewed = kubectl_kruise::clock::Clock::wall().now() - jiff::SignedDuration::from_secs(seconds);
        let mut objects = after(&[]);
        objects.extend(webhook());
        objects.push(json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": "71ddec2c.kruise.io", "namespace": NAMESPACE },
            "spec": { "holderIdentity": "", "leaseDurationSeconds": 15, "renewTime": renewed.to_string() } }));
        let outcome = Served::with(objects, Life::Still).kruise(&["run", "web"]);
        (
            outcome.code,
            outcome.stderr.contains("the next one may be on its way"),
        )
    };
    assert_eq!([after(60), after(600)], [(Some(8), true), (Some(0), false)]);
}

/// Upstream notes no stable revision where the hold was not its own.
#[test]
fn rolls_back_where_nobody_noted_what_is_stable() {
    let mut objects = after(&[Turn::Released("web:v2")]);
    let rollout = objects
        .iter_mut()
        .find(|object| object["kind"] == "Rollout")
        .unwrap();
    rollout["status"]["canaryStatus"]["stableRevision"] = json!("");
    objects.extend(webhook());
    let shop = Served::with(objects, Life::Still);
    assert_snapshot!(shop.kruise(&["rollback", "web", "--yes", "--no-wait"]), @r#"
    exit 0
    --- stdout
    deployment.apps/web rolled back
    --- stderr
    rollout.rollouts.kruise.io/web: waiting for approval: step 1/3; back to revision 6758fd9795:
    @@ -9,5 +TIME,5 @@
         - name: A
           value: "1"
    -    image: web:v2
    +    image: web:v1
         imagePullPolicy: IfNotPresent
         name: main
    "#);
    let live = shop.get("apps/v1", "Deployment", "web");
    assert_eq!(
        live["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v1"
    );
}

#[test]
fn leaves_the_controller_alone() {
    let mut objects = after(&[Turn::Held("web:v2")]);
    let uid = objects.iter().find(|object| object["kind"] == "Rollout").unwrap()["metadata"]["uid"].clone();
    objects.push(json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "BatchRelease",
        "metadata": { "name": "web", "namespace": NAMESPACE, "ownerReferences": [{ "apiVersion": "rollouts.kruise.io/v1beta1",
            "kind": "Rollout", "name": "web", "uid": uid, "controller": true }] }, "spec": {} }));
    let shop = Served::with(objects, Life::Still);
    assert_snapshot!(shop.kruise(&["run", "web"]), @r#"
    exit 8
    --- stderr
    error: the controller in the cluster is in charge: BatchRelease "web" belongs to the Rollout

    hint: let it act: approve, status, watch and rollback work with it, without --standalone
    "#);
    assert_snapshot!(shop.kruise(&["run", "-A"]), @r#"
    exit 8
    --- stderr
    error: the controller in the cluster is in charge: BatchRelease "web" belongs to the Rollout

    hint: let it act: approve, status, watch and rollback work with it, without --standalone
    "#);
    assert_snapshot!(shop.kruise(&["rollback", "web", "--yes", "--standalone"]), @r#"
    exit 8
    --- stderr
    error: the controller in the cluster is in charge: BatchRelease "web" belongs to the Rollout

    hint: let it act: approve, status, watch and rollback work with it, without --standalone
    "#);
    assert_eq!(shop.sim.trace(), [], "nothing was changed");
}

#[test]
fn an_engine_that_is_at_work_is_not_disturbed() {
    let shop = Served::with(after(&[Turn::Held("web:v2")]), Life::Alive);
    let renew = |shop: &Served| {
        let lease = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": "rollout-web", "namespace": NAMESPACE },
            "spec": { "holderIdentity": "another", "leaseDurationSeconds": 15,
                "renewTime": kubectl_kruise::clock::Clock::wall().now().to_string() } });
        shop.sim.load(lease).unwrap();
    };
    renew(&shop);
    let mut refused = shop.spawn(&["run", "web"]);
    let ended = std::cell::RefCell::new(refused.child());
    shop.wait_for(|| {
        renew(&shop);
        ended.borrow_mut().try_wait().unwrap().is_some()
    });
    assert_snapshot!(refused.outcome(), @r#"
    exit 8
    --- stderr
    shop/web  is held by "another"; waiting 15 s for its lease to end
    error: rollout.rollouts.kruise.io/web is driven by another engine, "another"

    hint: kubectl kruise rollout watch web -n shop
    "#);
    let writes: Vec<String> = shop.sim.trace().into_iter().map(|write| write.path).collect();
    assert_eq!(
        writes,
        Vec::<String>::new(),
        "nothing was written, not even the lease"
    );
}

#[test]
fn a_command_beside_an_engine_follows_it() {
    let mut objects = after(&[Turn::Released("web:v2")]);
    for object in &mut objects {
        if object["kind"] == "Rollout" {
            // Long enough for the command to see that somebody else is at work.
            object["spec"]["strategy"]["canary"]["trafficRoutings"][0]["gracePeriodSeconds"] = json!(4);
        }
    }
    let shop = Served::with(objects, Life::Alive);
    let engine = shop.spawn(&["run", "web", "--forever"]);
    // It looks at the edit, and waits for a human again.
    shop.wait_for(|| leases(&shop) == 1);
    shop.wait_for(|| leases(&shop) == 0);
    let said = shop.kruise(&["rollback", "web", "--yes", "--standalone"]);
    drop(engine);
    assert_eq!(said.code, Some(0), "{said}");
    assert!(said.stderr.contains("carries it out: following it"), "{said}");
}
