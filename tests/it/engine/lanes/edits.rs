//! What somebody does to a lane in its middle, and lanes that cannot be made.

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{ANNOTATION, APPS, Edit, Lane, ROLLOUTS, SHARED, as_it_is};
use crate::{
    engine::world::{INGRESS, NAMESPACE, ROLLOUT},
    harness::cluster::Place,
    parity::scenario::Scenario,
};

#[tokio::test(start_paused = true)]
async fn d18_one_that_is_deleted_in_the_middle_is_cleaned_before_it_goes() {
    let mut lane = Lane::new(as_it_is).await;
    lane.engine_for_each();
    lane.gray().await;
    lane.user
        .delete(Place::of(SHARED.0, SHARED.1), "mse-traffic")
        .await
        .unwrap();
    // The lane is taken back first: whoever looks sees no object without its finalizers and with its routes.
    for _ in 0..100 {
        assert!(!lane.is_open() || !lane.shared().is_null());
        lane.pass(0.05).await;
    }
    assert!(lane.shared().is_null() && !lane.is_open());
    // The releases go to their ends without it.
    for name in ROLLOUTS {
        lane.approve(name).await;
    }
    lane.pass(0.5).await;
    lane.at_rest().await;
    // The next one says what is missing.
    lane.image("spring-cloud-a", "v3").await;
    lane.until("a word", |lane| {
        lane.message("rollout-a")
            .contains("TrafficRouting mse-traffic not found")
    })
    .await;
    let manifests = Scenario::load("end-to-end-canary").manifests;
    let again = manifests
        .iter()
        .find(|manifest| manifest["kind"] == "TrafficRouting")
        .unwrap();
    lane.user.create(again).await.unwrap();
    lane.until("a gray", |lane| {
        lane.place("rollout-a") == "Progressing StepPaused"
    })
    .await;
    assert!(lane.is_open());
}

#[tokio::test(start_paused = true)]
async fn upstreams_finalizer_on_one_at_rest_does_not_keep_it() {
    let mut lane = Lane::new(|manifest| {
        if manifest["kind"] == "TrafficRouting" {
            manifest["metadata"]["finalizers"] = json!([ANNOTATION]);
        }
    })
    .await;
    lane.engine_for_each();
    lane.at_rest().await;
    lane.user
        .delete(Place::of(SHARED.0, SHARED.1), "mse-traffic")
        .await
        .unwrap();
    lane.until("its end", |lane| lane.shared().is_null()).await;
}

#[tokio::test(start_paused = true)]
async fn edits_in_the_middle_are_followed_and_drift_is_put_back() {
    let mut lane = Lane::new(as_it_is).await;
    lane.engine_for_each();
    lane.gray().await;
    let header = |lane: &Lane| {
        lane.get(INGRESS, "spring-cloud-a-canary")["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary-by-header-value"].clone()
    };
    assert_eq!(header(&lane), "xiaoming");
    let entry = json!([{ "headers": [{ "type": "Exact", "name": "User-Agent", "value": "other" }] }]);
    lane.merge(
        SHARED,
        "mse-traffic",
        json!({ "spec": { "strategy": { "matches": entry } } }),
    )
    .await;
    lane.until("the new header", |lane| header(lane) == "other").await;
    lane.until("its status", |lane| {
        lane.shared()["status"]["observedGeneration"] == lane.shared()["metadata"]["generation"]
    })
    .await;
    lane.user
        .delete(Place::of(INGRESS.0, INGRESS.1), "spring-cloud-a-canary")
        .await
        .unwrap();
    lane.until("the lane again", Lane::is_open).await;
    // What holds it is put back too.
    lane.merge(SHARED, "mse-traffic", json!({ "metadata": { "finalizers": [] } }))
        .await;
    lane.pass(2.0).await;
    assert_eq!(
        (lane.holders(), lane.is_open()),
        (ROLLOUTS.map(str::to_owned).to_vec(), true)
    );
}

/// A second Service behind the TrafficRouting, with an Ingress of its own.
fn with_a_second(manifest: &mut Value) {
    if manifest["kind"] == "TrafficRouting" {
        let mut second = manifest["spec"]["objectRef"][0].clone();
        second["ingress"]["name"] = json!("second");
        manifest["spec"]["objectRef"].as_array_mut().unwrap().push(second);
    }
}

impl Lane {
    /// A lane of two Ingresses.
    async fn of_two() -> Self {
        let lane = Self::new(with_a_second).await;
        let mut second = lane.get(INGRESS, "spring-cloud-a");
        second["metadata"] = json!({ "name": "second" });
        lane.user.create(&second).await.unwrap();
        lane
    }

    /// Whether the second Ingress has its twin.
    fn is_second_open(&self) -> bool {
        !self.get(INGRESS, "second-canary").is_null()
    }

    /// Takes the second Ingress out of the TrafficRouting.
    async fn take_second_out(&self) {
        let first = self.shared()["spec"]["objectRef"][0].clone();
        self.merge(SHARED, "mse-traffic", json!({ "spec": { "objectRef": [first] } }))
            .await;
    }

    fn note(&self) -> Value {
        self.shared()["metadata"]["annotations"]["rollouts.kruise.io/opened-object-ref"].clone()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_out_of_it_in_the_middle_is_not_split_any_more() {
    let mut lane = Lane::of_two().await;
    lane.engine_for_each();
    lane.gray().await;
    lane.until("both", |lane| lane.is_open() && lane.is_second_open())
        .await;
    lane.take_second_out().await;
    lane.until("the first alone", |lane| !lane.is_second_open()).await;
    assert!(lane.is_open());
    // Put back, it is split again.
    let both = json!([lane.shared()["spec"]["objectRef"][0], {
        "service": "spring-cloud-a", "ingress": { "classType": "mse", "name": "second" } }]);
    lane.merge(SHARED, "mse-traffic", json!({ "spec": { "objectRef": both } }))
        .await;
    lane.until("both again", Lane::is_second_open).await;
    for name in ROLLOUTS {
        lane.approve(name).await;
    }
    lane.pass(0.5).await;
    lane.at_rest().await;
    assert_eq!(
        (lane.is_open(), lane.is_second_open(), lane.note()),
        (false, false, Value::Null)
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_out_while_no_engine_runs_is_found_by_the_next() {
    let mut lane = Lane::of_two().await;
    lane.engine_for_each();
    lane.gray().await;
    lane.until("both", |lane| lane.is_open() && lane.is_second_open())
        .await;
    lane.tasks.values().for_each(JoinHandle::abort);
    lane.take_second_out().await;
    for name in ROLLOUTS {
        lane.approve(name).await;
    }
    lane.engine_for_each();
    lane.at_rest().await;
    assert_eq!(
        (lane.is_open(), lane.is_second_open(), lane.note()),
        (false, false, Value::Null)
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_asks_for_no_split_any_more_is_closed_in_the_middle() {
    let mut lane = Lane::new(as_it_is).await;
    lane.engine_for_each();
    lane.gray().await;
    assert!(lane.is_open());
    let strategy = lane.shared()["spec"]["strategy"].clone();
    lane.merge(
        SHARED,
        "mse-traffic",
        json!({ "spec": { "strategy": { "matches": null } } }),
    )
    .await;
    lane.until("no lane", |lane| !lane.is_open()).await;
    lane.until("its status", |lane| lane.phase() == "Healthy").await;
    lane.merge(SHARED, "mse-traffic", json!({ "spec": { "strategy": strategy } }))
        .await;
    lane.until("the lane again", Lane::is_open).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_is_no_more_holds_nothing() {
    let mut lane = Lane::new(as_it_is).await;
    lane.engine_for_each();
    lane.gray().await;
    // Taken away by force, with no engine there.
    lane.tasks.values().for_each(JoinHandle::abort);
    lane.merge(ROLLOUT, "rollout-c", json!({ "metadata": { "finalizers": [] } }))
        .await;
    lane.user
        .delete(Place::of(ROLLOUT.0, ROLLOUT.1), "rollout-c")
        .await
        .unwrap();
    lane.engine(&["rollout-a"]);
    lane.approve("rollout-a").await;
    lane.until("a everywhere", |lane| {
        lane.place("rollout-a") == "Healthy Completed"
    })
    .await;
    assert_eq!(
        (lane.holders(), lane.is_open(), lane.phase()),
        (Vec::new(), false, "Healthy".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_is_named_no_more_is_left_in_the_middle() {
    let mut lane = Lane::new(as_it_is).await;
    lane.engine_for_each();
    lane.gray().await;
    for name in ROLLOUTS {
        lane.merge(
            ROLLOUT,
            name,
            json!({ "metadata": { "annotations": { ANNOTATION: null } } }),
        )
        .await;
    }
    lane.until("nobody", |lane| lane.holders().is_empty() && !lane.is_open())
        .await;
    assert_eq!(lane.phase(), "Healthy");
    lane.until("both gray again", |lane| {
        ROLLOUTS
            .iter()
            .all(|name| lane.place(name) == "Progressing StepPaused")
    })
    .await;
    for name in ROLLOUTS {
        lane.approve(name).await;
    }
    lane.pass(0.5).await;
    lane.at_rest().await;
    lane.assert_clean(["v2", "v2"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_or_refused_is_said_on_both_and_nothing_moves() {
    let gateway = |manifest: &mut Value| {
        if manifest["kind"] == "TrafficRouting" {
            let routing = manifest["spec"]["objectRef"][0].as_object_mut().unwrap();
            routing.remove("ingress");
            routing.insert("gateway".to_owned(), json!({ "httpRouteName": "web" }));
        } else if manifest["kind"] == "Ingress" {
            *manifest = json!({ "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": { "name": "web" },
                "spec": { "rules": [{ "backendRefs": [{ "name": "spring-cloud-a", "port": 80 }] }] } });
        }
    };
    let no_ingress = |manifest: &mut Value| {
        if manifest["kind"] == "Ingress" {
            *manifest = Value::Null;
        }
    };
    let twice = |manifest: &mut Value| {
        if manifest["kind"] == "Rollout" {
            let routing = json!({ "service": "spring-cloud-a", "ingress": { "name": "spring-cloud-a", "classType": "mse" } });
            manifest["spec"]["strategy"]["canary"]["trafficRoutings"] = json!([routing]);
        }
    };
    let two_names = |manifest: &mut Value| {
        if manifest["kind"] == "Rollout" {
            manifest["spec"]["strategy"]["canary"]["trafficRoutingRef"] = json!("other");
        }
    };
    let table: [(Edit, &str, bool, bool); 4] = [
        (no_ingress, "Ingress spring-cloud-a not found", true, true),
        (gateway, "HTTPRoute tells versions by their Services", true, true),
        (
            twice,
            // That is said of a Rollout, and may be true of one of two that share it only.
            "Ingress spring-cloud-a is named in trafficRoutings and by TrafficRouting mse-traffic",
            false,
            true,
        ),
        (
            two_names,
            "names TrafficRouting other, and annotation rollouts.kruise.io/trafficrouting names mse-traffic",
            false,
            false,
        ),
    ];
    for (edit, expected, is_told_on_it, is_held) in table {
        let mut lane = Lane::new(edit).await;
        lane.engine_for_each();
        lane.pass(5.0).await;
        if is_told_on_it {
            let status = lane.shared()["status"].clone();
            let message = status["message"].as_str().unwrap_or_default();
            assert!(
                message.starts_with("TrafficRouting is Initializing: ") && message.contains(expected),
                "{status}"
            );
            assert_eq!(status["phase"], "Initial");
        }
        for app in APPS {
            lane.image(app, "v2").await;
        }
        lane.until(expected, |lane| {
            ROLLOUTS.iter().all(|name| lane.message(name).contains(expected))
        })
        .await;
        lane.pass(20.0).await;
        assert_eq!(
            (lane.holders(), lane.is_open()),
            (Vec::new(), false),
            "{expected}"
        );
        let new = lane.sim.list("v1", "Pod", Some(NAMESPACE)).into_iter();
        let new = new.filter(|pod| pod["spec"]["containers"][0]["image"] == "echoserver:v2");
        // A Rollout that was never valid holds nothing.
        assert_eq!(new.count(), if is_held { 0 } else { 4 }, "{expected}");
    }
}
