//! The hold policies on a real API server: what they hold, what they put back, and what they leave alone, for every kind.

use kubectl_kruise::{
    api::keys,
    clock::Clock,
    sim::{self, Sim},
    workload::{Kind, hold},
};
use serde_json::{Value, json};

use super::{
    control_plane::shared,
    workload::{Bench, MERGE, kruise, template, without_mark},
};
use crate::{crd_answers::install, harness::cluster::Cluster};

/// A template change by whatever means is held in the request that brings it.
async fn every_way_in(bench: &Bench) {
    let plain = bench.strategy();
    for name in ["patch", "put", "bare", "null", "client", "server", "restart"] {
        let manifest = bench.manifest(name, "main:v1", &plain);
        if ["client", "server"].contains(&name) {
            bench.kubectl(&["apply", "-f", "-"], &manifest);
        } else {
            bench.create(&manifest).await;
        }
        bench.rollout(name, &json!({})).await;
        bench.until(name, true).await;
    }
    let new = |name: &str| bench.manifest(name, "main:v2", &plain);
    let native = bench.kind.group() == "apps";

    let dry = bench.image("patch", "?dryRun=All", "main:v2").await;
    assert_eq!(
        bench.seen(&dry),
        bench.held("main:v2", "patch", bench.originals())
    );
    let still = bench.get("patch").await;
    assert_eq!(
        still["metadata"]["annotations"][keys::IN_PROGRESSING],
        Value::Null
    );

    if native {
        bench.kubectl(
            &["set", "image", &bench.resource("patch"), "main=main:v2"],
            &Value::Null,
        );
    } else {
        bench.image("patch", "", "main:v2").await;
    }
    bench.put(&new("put")).await;
    bench.put(&bench.manifest("bare", "main:v2", &json!({}))).await;
    bench
        .put(&bench.manifest("null", "main:v2", &json!({ "updateStrategy": null })))
        .await;
    bench.kubectl(&["apply", "-f", "-"], &new("client"));
    bench.kubectl(
        &["apply", "--server-side", "--force-conflicts", "-f", "-"],
        &new("server"),
    );
    if native {
        bench.kubectl(&["rollout", "restart", &bench.resource("restart")], &Value::Null);
    } else {
        let note = json!({ "metadata": { "annotations": { "kubectl.kubernetes.io/restartedAt": "now" } } });
        bench
            .merge("restart", "", &json!({ "spec": { "template": note } }))
            .await;
    }

    let nothing = bench.originals_of_nothing();
    let expected = [
        ("patch", "main:v2", bench.originals()),
        ("put", "main:v2", bench.originals()),
        ("bare", "main:v2", nothing),
        ("null", "main:v2", nothing),
        ("client", "main:v2", bench.originals()),
        ("server", "main:v2", bench.originals()),
        ("restart", "main:v1", bench.originals()),
    ];
    for (name, image, originals) in expected {
        let seen = bench.seen(&bench.get(name).await);
        assert_eq!(
            seen,
            bench.held(image, name, originals),
            "{:?} {name}",
            bench.kind
        );
    }
}

/// A release from its hold to its end: what others write under way, and what the engine writes.
async fn a_release(bench: &Bench) {
    let user = bench.seen(&bench.managed("web").await);
    let held = |image: &str| bench.held(image, "web", bench.originals());
    assert_eq!(
        bench.seen(&bench.image("web", "", "main:v2").await),
        held("main:v2")
    );
    if !bench.kind.is_per_node() {
        let scaled = json!({ "spec": { "replicas": 3 } });
        bench.merge("web", "/scale", &scaled).await;
        let seen = bench.get("web").await;
        assert_eq!(
            (&seen["spec"]["replicas"], bench.seen(&seen)),
            (&json!(3), held("main:v2"))
        );
    }

    // The engine brings some pods out; then somebody else takes hold and mark away without a new version.
    let progress = match bench.kind {
        Kind::Deployment => json!({ "paused": null }),
        Kind::StatefulSet | Kind::AdvancedStatefulSet | Kind::AdvancedDaemonSet => {
            json!({ "updateStrategy": { "rollingUpdate": { "partition": 1 } } })
        }
        Kind::DaemonSet => json!({ "updateStrategy": { "type": "RollingUpdate" } }),
        Kind::CloneSet => json!({ "updateStrategy": { "partition": "50%", "paused": null } }),
    };
    let engine = format!("?fieldManager={}", keys::FIELD_MANAGER);
    let under_way = bench.merge("web", &engine, &json!({ "spec": progress })).await;
    let between = bench.seen(&under_way);
    assert_ne!(between, held("main:v2"), "an engine's write passes");
    let mut foreign = bench.manifest("web", "main:v2", &bench.strategy());
    foreign["spec"]["template"] = under_way["spec"]["template"].clone();
    if bench.kind == Kind::Deployment {
        foreign["spec"]["paused"] = json!(true);
    }
    assert_eq!(
        bench.seen(&bench.put(&foreign).await),
        between,
        "old values come back"
    );
    assert_eq!(
        bench.seen(&bench.merge("web", "", &without_mark()).await),
        between
    );
    let other_text = json!({ "metadata": { "annotations": { (keys::IN_PROGRESSING): "{}" } } });
    assert_eq!(bench.seen(&bench.merge("web", "", &other_text).await), between);

    // The next version: held again, the first originals stay.
    assert_eq!(
        bench.seen(&bench.image("web", "", "main:v3").await),
        held("main:v3")
    );
    let newer = bench.manifest("web", "main:v4", &bench.strategy());
    assert_eq!(bench.seen(&bench.put(&newer).await), held("main:v4"));
    assert_eq!(
        bench.seen(&bench.merge("web", "", &without_mark()).await),
        held("main:v4")
    );

    // The engine ends the release, and brings a version out by itself.
    let mut end = without_mark();
    let spec: Value = user[1].clone();
    end["spec"] = json!({});
    for ((path, _), value) in hold::first(bench.kind).iter().zip(spec.as_array().unwrap()) {
        let keys: Vec<&str> = path.split('.').collect();
        *keys.iter().fold(&mut end["spec"], |place, key| &mut place[*key]) = value.clone();
    }
    let ended = bench.merge("web", &engine, &end).await;
    assert_eq!(bench.seen(&ended), json!(["main:v4", user[1], null]));
    let own = bench.image("web", &engine, "main:v5").await;
    assert_eq!(bench.seen(&own), json!(["main:v5", user[1], null]));
}

/// What is not to be held goes out as if there were no policy.
async fn left_alone(bench: &Bench) {
    let plain = bench.strategy();
    bench.managed("deleting").await;
    bench.managed("disabled").await;
    bench.create(&bench.manifest("orphan", "main:v1", &plain)).await;
    let mut unlabelled = bench.manifest("unlabelled", "main:v1", &plain);
    unlabelled["metadata"]["labels"] = json!({});
    bench.create(&unlabelled).await;
    bench.rollout("unlabelled", &json!({})).await;
    let mut strange = bench.manifest("strange", "main:v1", &plain);
    strange["metadata"]["labels"]["strange"] = "yes".into();
    bench.create(&strange).await;
    let elsewhere = json!({ "spec": { "workloadRef": { "apiVersion": "example.com/v1" } } });
    bench.rollout("strange", &elsewhere).await;
    let mut names = vec!["deleting", "disabled", "orphan", "unlabelled", "strange"];
    if !bench.kind.is_per_node() {
        let mut empty = bench.manifest("empty", "main:v1", &plain);
        empty["spec"]["replicas"] = json!(0);
        bench.create(&empty).await;
        bench.rollout("empty", &json!({})).await;
        names.push("empty");
    }
    if !matches!(bench.kind, Kind::Deployment | Kind::CloneSet) {
        let by_hand = json!({ "updateStrategy": { "type": "OnDelete" } });
        bench
            .create(&bench.manifest("by-hand", "main:v1", &by_hand))
            .await;
        bench.rollout("by-hand", &json!({})).await;
        names.push("by-hand");
    }
    // The policy sees Rollouts in the order they came: with this one it has seen all.
    bench.managed("last").await;
    let rollouts = crate::harness::cluster::Place::named("rollout");
    let keep = json!({ "metadata": { "finalizers": ["tests/keep"] } });
    bench
        .cluster
        .patch(rollouts, "deleting", "", MERGE, &keep)
        .await
        .unwrap();
    bench.cluster.delete(rollouts, "deleting").await.unwrap();
    let disabled = json!({ "spec": { "disabled": true } });
    bench
        .cluster
        .patch(rollouts, "disabled", "", MERGE, &disabled)
        .await
        .unwrap();
    bench.until("deleting", false).await;
    bench.until("disabled", false).await;
    for name in names {
        let before = bench.seen(&bench.get(name).await);
        let after = bench.seen(&bench.image(name, "", "main:v2").await);
        assert_eq!(
            after,
            json!(["main:v2", before[1], null]),
            "{:?} {name}",
            bench.kind
        );
    }
    let gone = json!({ "metadata": { "finalizers": null } });
    bench
        .cluster
        .patch(rollouts, "deleting", "", MERGE, &gone)
        .await
        .unwrap();

    // Without pods nothing is released; with the first pods it is.
    if !bench.kind.is_per_node() {
        let mut body = template("main:v3");
        body["spec"]["replicas"] = json!(1);
        let filled = bench.seen(&bench.merge("empty", "", &body).await);
        assert_eq!(filled, bench.held("main:v3", "empty", bench.originals()));
    }
}

async fn whole(kind: Kind, version: &'static str, name: &str) {
    let bench = Bench::live(kind, version, name).await;
    every_way_in(&bench).await;
    a_release(&bench).await;
    left_alone(&bench).await;
    bench.cluster.delete_namespace().await;
}

macro_rules! holds {
    ($($test:ident: $kind:ident, $version:literal, $name:literal;)*) => {$(
        #[tokio::test]
        #[ignore = "needs the control plane; run with -- --ignored live"]
        async fn $test() {
            whole(Kind::$kind, $version, $name).await;
        }
    )*};
}

holds! {
    live_hold_of_deployments: Deployment, "apps/v1", "hold-deployment";
    live_hold_of_stateful_sets: StatefulSet, "apps/v1", "hold-statefulset";
    live_hold_of_daemon_sets: DaemonSet, "apps/v1", "hold-daemonset";
    live_hold_of_clone_sets: CloneSet, "apps.kruise.io/v1alpha1", "hold-cloneset";
    live_hold_of_advanced_stateful_sets: AdvancedStatefulSet, "apps.kruise.io/v1beta1", "hold-advanced-statefulset";
    live_hold_of_advanced_stateful_sets_by_their_old_version:
        AdvancedStatefulSet, "apps.kruise.io/v1alpha1", "hold-old-statefulset";
    live_hold_of_advanced_daemon_sets: AdvancedDaemonSet, "apps.kruise.io/v1alpha1", "hold-advanced-daemonset";
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_hold_remembers_what_the_user_had() {
    let table = [
        (
            Kind::CloneSet,
            json!({ "updateStrategy": { "partition": "20%", "paused": true } }),
            r#"{"updateStrategy.partition":"20%","updateStrategy.paused":true}"#,
        ),
        (
            Kind::CloneSet,
            json!({ "updateStrategy": { "type": "InPlaceIfPossible", "maxSurge": 1 } }),
            r#"{"updateStrategy.partition":null,"updateStrategy.paused":null}"#,
        ),
        (
            Kind::CloneSet,
            json!({}),
            r#"{"updateStrategy.partition":null,"updateStrategy.paused":null}"#,
        ),
        (Kind::Deployment, json!({ "paused": true }), r#"{"paused":true}"#),
        (
            Kind::Deployment,
            json!({ "strategy": { "type": "Recreate" } }),
            r#"{"paused":false}"#,
        ),
        (
            Kind::StatefulSet,
            json!({ "updateStrategy": { "rollingUpdate": { "partition": 3 } } }),
            r#"{"updateStrategy.rollingUpdate.partition":3}"#,
        ),
        (
            Kind::AdvancedStatefulSet,
            json!({ "updateStrategy": { "rollingUpdate": { "podUpdatePolicy": "InPlaceIfPossible" } } }),
            r#"{"updateStrategy.rollingUpdate.partition":null}"#,
        ),
        (
            Kind::AdvancedDaemonSet,
            json!({}),
            r#"{"updateStrategy.rollingUpdate.partition":null}"#,
        ),
    ];
    let cluster = shared().namespace("hold-originals", true).await;
    install(&cluster.client, &kruise()).await;
    for (number, (kind, strategy, originals)) in table.into_iter().enumerate() {
        let bench = Bench {
            kind,
            version: kind.api_versions()[0],
            cluster: cluster.clone(),
        };
        let name = format!("web-{number}");
        let manifest = bench.manifest(&name, "main:v1", &strategy);
        bench.create(&manifest).await;
        bench.rollout(&name, &json!({})).await;
        bench.until(&name, true).await;
        let seen = bench.seen(&bench.image(&name, "", "main:v2").await);
        assert_eq!(
            seen,
            bench.held("main:v2", &name, originals),
            "{kind:?} {strategy}"
        );
    }
    cluster.delete_namespace().await;
}

/// What one object is like after each of a list of updates.
async fn story(bench: &Bench) -> Vec<Value> {
    let mut story = Vec::new();
    let user = bench.manifest("web", "main:v1", &bench.strategy());
    bench.create(&user).await;
    bench.rollout("web", &json!({})).await;
    bench.until("web", true).await;
    let engine = format!("?fieldManager={}", keys::FIELD_MANAGER);
    let mut more = bench.manifest("web", "main:v4", &json!({}));
    more["metadata"]["annotations"] = json!({ "note": "mine" });
    story.push(bench.image("web", "", "main:v2").await);
    story.push(bench.image("web", "", "main:v3").await);
    story.push(bench.merge("web", "", &without_mark()).await);
    story.push(bench.merge("web", "", &json!({ "spec": bench.strategy() })).await);
    story.push(bench.put(&more).await);
    let mut end = without_mark();
    end["spec"] = bench.strategy();
    story.push(bench.merge("web", &engine, &end).await);
    story.push(
        bench
            .merge("web", "", &json!({ "spec": { "minReadySeconds": 1 } }))
            .await,
    );
    story.push(bench.image("web", "", "main:v5").await);
    for object in &mut story {
        // The Deployment controller's own note comes when it comes.
        if let Some(notes) = object["metadata"]["annotations"].as_object_mut() {
            notes.remove("deployment.kubernetes.io/revision");
            notes.remove("deprecated.daemonset.template.generation");
        }
        let (annotations, spec) = (&object["metadata"]["annotations"], &object["spec"]);
        // Kruise's webhook, which fills in the rest of a strategy, does not run here; the model knows its defaults.
        let strategy = match bench.kind.group() {
            "apps" => json!([spec["updateStrategy"], spec["strategy"]]),
            _ => Value::Null,
        };
        *object = json!([
            bench.seen(object),
            annotations,
            spec["replicas"],
            spec["paused"],
            strategy
        ]);
    }
    story
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_hold_is_the_one_of_the_simulator() {
    for kind in Kind::ALL {
        let version = kind.api_versions()[0];
        let name = format!("hold-same-{kind:?}").to_lowercase();
        let real = Bench::live(kind, version, &name).await;
        let server = Sim::new(sim::Options {
            hold: true,
            kruise: true,
            ..sim::Options::new(Clock::wall())
        });
        let cluster = Cluster {
            client: server.client(),
            namespace: name,
        };
        cluster.create_namespace(&json!({})).await;
        let model = Bench {
            kind,
            version,
            cluster,
        };
        assert_eq!(
            story(&model).await,
            story(&real).await,
            "{kind:?}: model, then real"
        );
        real.cluster.delete_namespace().await;
    }
}
