//! What the server answers.

use futures::{StreamExt, TryStreamExt};
use kube::api::{
    DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::{Api, Client};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{api, create, deployment, deployments, image, parse, run};
use crate::api::keys;
use crate::sim::{Fault, Options, Sim};

fn value(object: &DynamicObject) -> Value {
    serde_json::to_value(object).expect("JSON")
}

fn config_map(name: &str, text: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"text": text}},
           "data": {"text": text}})
}

fn config_maps(client: &Client) -> Api<DynamicObject> {
    api(client, "", "v1", "ConfigMap")
}

fn refusal<T: std::fmt::Debug>(result: Result<T, kube::Error>) -> (u16, String, String) {
    match result {
        Err(kube::Error::Api(status)) => (status.code, status.reason.clone(), status.message.clone()),
        other => (0, String::new(), format!("{other:?}")),
    }
}

fn refused(code: u16, reason: &str, message: &str) -> (u16, String, String) {
    (code, reason.to_owned(), message.to_owned())
}

#[test]
fn objects_get_defaults_and_keep_what_they_say() {
    run(|options| async move {
        let sim = Sim::new(options);
        let mut object = deployment("web", 2, "v1");
        object["spec"]["paused"] = json!(false);
        object["metadata"]["annotations"] = json!({});
        let made = value(&create(&deployments(&sim.client()), object).await);
        let wanted = json!({
            "replicas": 2, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "containers": [{
                        "name": "main", "image": "web:v1", "imagePullPolicy": "IfNotPresent", "resources": {},
                        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                    }],
                    "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
                    "securityContext": {}, "terminationGracePeriodSeconds": 30,
                },
            },
        });
        assert_eq!(made["spec"], wanted);
        let mut meta = made["metadata"].clone();
        meta.as_object_mut().expect("metadata").remove("uid");
        let wanted = json!({"name": "web", "namespace": "default", "labels": {"app": "web"}, "generation": 1,
                            "creationTimestamp": "2026-11-21T00:00:00Z",
                            "resourceVersion": meta["resourceVersion"]});
        assert_eq!(meta, wanted);
    });
}

#[test]
fn refusals_are_worded_as_a_real_server_words_them() {
    run(|options| async move {
        let sim = Sim::new(options);
        let client = sim.client();
        let web = deployments(&client);
        create(&web, deployment("web", 2, "v1")).await;
        let post = PostParams::default();
        let taken = web.create(&post, &parse(deployment("web", 2, "v1"))).await;
        assert_eq!(
            refusal(taken),
            refused(409, "AlreadyExists", "deployments.apps \"web\" already exists")
        );
        let absent = web.get("other").await;
        assert_eq!(
            refusal(absent),
            refused(404, "NotFound", "deployments.apps \"other\" not found")
        );
        let stale = json!({"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3}});
        let stale = web
            .patch("web", &PatchParams::default(), &Patch::Merge(stale))
            .await;
        let message = "Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified; \
                       please apply your changes to the latest version and try again";
        assert_eq!(refusal(stale), refused(409, "Conflict", message));
        let other = json!({"metadata": {"uid": "other"}, "spec": {"replicas": 3}});
        let other = web
            .patch("web", &PatchParams::default(), &Patch::Merge(other))
            .await;
        assert_eq!(refusal(other).0, 409);
        let mut bad = deployment("bad", -1, "v1");
        bad["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
        let bad = refusal(web.create(&post, &parse(bad)).await);
        let message = "Deployment.apps \"bad\" is invalid: [spec.replicas: Invalid value: -1: must be greater than or \
                       equal to 0, spec.template.metadata.labels: Invalid value: {\"app\":\"other\"}: `selector` does \
                       not match template `labels`]";
        assert_eq!(bad, refused(422, "Invalid", message));
        let named = web.create(&post, &parse(deployment("Not_A_Name", 1, "v1"))).await;
        assert_eq!(refusal(named).0, 422);
        let elsewhere: Api<DynamicObject> = Api::namespaced_with(
            client.clone(),
            "nowhere",
            &kube::core::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk("", "v1", "ConfigMap")),
        );
        let lost = elsewhere.create(&post, &parse(config_map("a", "b"))).await;
        assert_eq!(
            refusal(lost),
            refused(404, "NotFound", "namespaces \"nowhere\" not found")
        );
        let rollouts = api(&client, "rollouts.kruise.io", "v1beta1", "Rollout");
        let empty = json!({"apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": {"name": "demo"},
                           "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}});
        let message = "Rollout.rollouts.kruise.io \"demo\" is invalid: spec.strategy: Required value";
        assert_eq!(
            refusal(rollouts.create(&post, &parse(empty)).await),
            refused(422, "Invalid", message)
        );
        let widgets = api(&client, "example.com", "v1", "Widget");
        assert_eq!(refusal(widgets.get("a").await).0, 404);
    });
}

#[test]
fn a_write_that_changes_nothing_changes_nothing() {
    run(|options| async move {
        let sim = Sim::new(options);
        let web = deployments(&sim.client());
        let made = create(&web, deployment("web", 2, "v1")).await;
        let params = PatchParams::default();
        let same = web
            .patch("web", &params, &Patch::Strategic(image("v1")))
            .await
            .expect("patched");
        assert_eq!(value(&same), value(&made));
        let same = web
            .patch("web", &params, &Patch::Merge(json!({"spec": {"paused": false}})))
            .await
            .expect("patched");
        assert_eq!(value(&same), value(&made));
        let moved = web
            .patch("web", &params, &Patch::Merge(json!({"spec": {"paused": true}})))
            .await
            .expect("patched");
        assert_eq!(moved.metadata.generation, Some(2));
        let nine = Patch::Merge(json!({"spec": {"replicas": 9}}));
        let dry = web.patch("web", &params.dry_run(), &nine).await.expect("patched");
        assert_eq!(value(&dry)["spec"]["replicas"], 9);
        assert_eq!(value(&web.get("web").await.expect("a Deployment")), value(&moved));
    });
}

#[test]
fn the_status_is_apart_from_the_rest() {
    run(|options| async move {
        let sim = Sim::new(options);
        let rollouts = api(&sim.client(), "rollouts.kruise.io", "v1beta1", "Rollout");
        let object = json!({"apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": {"name": "demo"},
            "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                     "strategy": {"canary": {"steps": [{"replicas": 1}], "trafficRoutings": [{"service": "web"}]}}},
            "status": {"phase": "Lost"}});
        let made = value(&create(&rollouts, object).await);
        assert_eq!(
            (&made["status"], &made["spec"]["disabled"]),
            (&Value::Null, &json!(false))
        );
        assert_eq!(
            made["spec"]["strategy"]["canary"]["trafficRoutings"][0]["gracePeriodSeconds"],
            3
        );
        let both = json!({"spec": {"disabled": true}, "status": {"phase": "Healthy", "currentStepIndex": 1,
                          "currentStepState": "Completed", "unheardOf": 1}});
        let params = PatchParams::default();
        let written = rollouts
            .patch_status("demo", &params, &Patch::Merge(&both))
            .await
            .expect("patched");
        let written = value(&written);
        let wanted = json!({"phase": "Healthy", "currentStepIndex": 1, "currentStepState": "Completed"});
        assert_eq!(
            (&written["status"], &written["spec"]["disabled"]),
            (&wanted, &json!(false))
        );
        assert_eq!(written["metadata"]["generation"], 1);
        let written = value(
            &rollouts
                .patch("demo", &params, &Patch::Merge(&both))
                .await
                .expect("patched"),
        );
        assert_eq!(
            (&written["status"], &written["spec"]["disabled"]),
            (&wanted, &json!(true))
        );
        assert_eq!(written["metadata"]["generation"], 2);
    });
}

#[test]
fn strategic_patches_know_the_keys_of_lists() {
    run(|options| async move {
        let sim = Sim::new(options);
        let web = deployments(&sim.client());
        let mut object = deployment("web", 2, "v1");
        object["spec"]["template"]["spec"]["containers"] = json!([
            {"name": "main", "image": "web:v1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"name": "side", "image": "side:v1"},
        ]);
        create(&web, object).await;
        let patch = json!({"spec": {
            "strategy": {"$retainKeys": ["type"], "type": "Recreate"},
            "template": {"spec": {
                "$setElementOrder/containers": [{"name": "new"}, {"name": "main"}],
                "containers": [
                    {"name": "side", "$patch": "delete"},
                    {"name": "main", "env": [{"name": "A", "$patch": "delete"}, {"name": "C", "value": "3"}]},
                    {"name": "new", "image": "new:v1"},
                ],
            }},
        }});
        let made = web
            .patch("web", &PatchParams::default(), &Patch::Strategic(patch))
            .await
            .expect("patched");
        let made = value(&made);
        let containers = made["spec"]["template"]["spec"]["containers"]
            .as_array()
            .expect("containers")
            .clone();
        let seen: Vec<(&str, &Value)> = containers
            .iter()
            .map(|c| (c["name"].as_str().unwrap_or_default(), &c["env"]))
            .collect();
        let env = json!([{"name": "B", "value": "2"}, {"name": "C", "value": "3"}]);
        assert_eq!(seen, [("new", &Value::Null), ("main", &env)]);
        assert_eq!(made["spec"]["strategy"], json!({"type": "Recreate"}));
    });
}

#[test]
fn server_side_apply_owns_what_it_names() {
    run(|options| async move {
        let sim = Sim::new(options);
        let maps = config_maps(&sim.client());
        let config = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data});
        let (ours, theirs) = (PatchParams::apply("ours"), PatchParams::apply("theirs"));
        maps.patch("a", &ours, &Patch::Apply(config(json!({"x": "1", "y": "1"}))))
            .await
            .expect("applied");
        maps.patch("a", &theirs, &Patch::Apply(config(json!({"y": "1", "z": "1"}))))
            .await
            .expect("applied");
        let less = maps
            .patch("a", &ours, &Patch::Apply(config(json!({}))))
            .await
            .expect("applied");
        assert_eq!(value(&less)["data"], json!({"y": "1", "z": "1"}));
        let contested = maps
            .patch("a", &ours, &Patch::Apply(config(json!({"z": "2"}))))
            .await;
        let message = "Apply failed with 1 conflict: conflict with \"theirs\": .data.z";
        assert_eq!(refusal(contested), refused(409, "Conflict", message));
        let forced = maps
            .patch("a", &ours.force(), &Patch::Apply(config(json!({"z": "2"}))))
            .await
            .expect("applied");
        assert_eq!(value(&forced)["data"], json!({"y": "1", "z": "2"}));
        let gone = maps
            .patch("a", &theirs, &Patch::Apply(config(json!({"y": "1"}))))
            .await
            .expect("applied");
        assert_eq!(value(&gone)["data"], json!({"y": "1", "z": "2"}));
    });
}

#[test]
fn watches_see_every_change_once_and_selectors_turn_changes_into_comings_and_goings() {
    run(|options| async move {
        let sim = Sim::new(options);
        let maps = config_maps(&sim.client());
        create(&maps, config_map("a", "one")).await;
        let version = maps
            .list(&ListParams::default())
            .await
            .expect("a list")
            .metadata
            .resource_version
            .expect("a version");
        let params = PatchParams::default();
        create(&maps, config_map("b", "two")).await;
        let text = |text: &str| json!({"metadata": {"labels": {"text": text}}});
        maps.patch("a", &params, &Patch::Merge(text("two")))
            .await
            .expect("patched");
        maps.patch("b", &params, &Patch::Merge(text("one")))
            .await
            .expect("patched");
        maps.delete("a", &DeleteParams::default()).await.expect("deleted");
        let seen = |events: Vec<WatchEvent<DynamicObject>>| -> Vec<String> {
            let name = |o: &DynamicObject| o.metadata.name.clone().unwrap_or_default();
            events
                .iter()
                .map(|event| match event {
                    WatchEvent::Added(o) => format!("+{}", name(o)),
                    WatchEvent::Modified(o) => format!("~{}", name(o)),
                    WatchEvent::Deleted(o) => format!("-{}", name(o)),
                    WatchEvent::Bookmark(_) => "bookmark".to_owned(),
                    WatchEvent::Error(status) => status.reason.clone(),
                })
                .collect()
        };
        for (selector, wanted) in [
            ("", ["+b", "~a", "~b", "-a", "bookmark"].as_slice()),
            ("text=two", &["+b", "+a", "-b", "-a", "bookmark"]),
            ("text in (one,three)", &["-a", "+b", "bookmark"]),
            ("!text", &["bookmark"]),
        ] {
            let watch = WatchParams::default().labels(selector).timeout(10);
            let events = maps
                .watch(&watch, &version)
                .await
                .expect("a watch")
                .try_collect()
                .await
                .expect("events");
            assert_eq!(seen(events), wanted, "{selector}");
        }
        let events = maps
            .watch(&WatchParams::default().timeout(10), "0")
            .await
            .expect("a watch");
        assert_eq!(
            seen(events.try_collect().await.expect("events")),
            ["+b", "bookmark"]
        );
    });
}

#[test]
fn a_watch_from_before_the_log_is_told_so() {
    run(|options| async move {
        let sim = Sim::new(Options {
            log_limit: 2,
            ..options
        });
        let maps = config_maps(&sim.client());
        for name in ["a", "b", "c", "d"] {
            create(&maps, config_map(name, name)).await;
        }
        let mut events = maps
            .watch(&WatchParams::default(), "1")
            .await
            .expect("a watch")
            .boxed();
        match events.try_next().await.expect("an event") {
            Some(WatchEvent::Error(status)) => {
                assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn finalizers_and_preconditions_hold_a_deletion_back() {
    run(|options| async move {
        let sim = Sim::new(options);
        let maps = config_maps(&sim.client());
        let mut object = config_map("a", "one");
        object["metadata"]["finalizers"] = json!(["example.com/keep"]);
        let made = create(&maps, object).await;
        let preconditions = kube::api::Preconditions {
            uid: Some("other".to_owned()),
            resource_version: None,
        };
        let wrong = DeleteParams {
            preconditions: Some(preconditions),
            ..DeleteParams::default()
        };
        assert_eq!(refusal(maps.delete("a", &wrong).await).0, 409);
        let pending = maps.delete("a", &DeleteParams::default()).await.expect("deleted");
        let deleted = pending.left().expect("the object").metadata.deletion_timestamp;
        assert!(deleted.is_some());
        assert_eq!(
            maps.get("a").await.expect("still there").metadata.uid,
            made.metadata.uid
        );
        let release = json!({"metadata": {"finalizers": null}});
        maps.patch("a", &PatchParams::default(), &Patch::Merge(release))
            .await
            .expect("released");
        assert_eq!(refusal(maps.get("a").await).0, 404);
    });
}

#[test]
fn faults_happen_where_they_are_asked_for() {
    run(|options| async move {
        for (fault, code, written) in [
            (
                Fault::Status(
                    http::StatusCode::SERVICE_UNAVAILABLE,
                    "ServiceUnavailable".to_owned(),
                ),
                503,
                false,
            ),
            (Fault::TimeoutAfterWrite, 504, true),
            (Fault::DropBefore, 0, false),
            (Fault::DropAfter, 0, true),
            (Fault::CloseWatches, 200, true),
        ] {
            let sim = Sim::new(options.clone());
            let maps = config_maps(&sim.client());
            let seen = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&seen);
            let wanted = fault.clone();
            sim.inject(move |request| {
                counter.fetch_add(1, Ordering::Relaxed);
                (request.mutating && request.field_manager == "me").then(|| wanted.clone())
            });
            let params = PostParams {
                field_manager: Some("me".to_owned()),
                ..PostParams::default()
            };
            let got = match maps.create(&params, &parse(config_map("a", "one"))).await {
                Ok(_) => 200,
                Err(kube::Error::Api(status)) => status.code,
                Err(_) => 0,
            };
            let there = sim.get("v1", "ConfigMap", "default", "a").is_some();
            assert_eq!((got, there), (code, written), "{fault:?}");
            assert_eq!(seen.load(Ordering::Relaxed), 1);
        }
    });
}

#[test]
fn the_hold_policy_holds_a_foreign_change_and_lets_the_engine_pass() {
    run(|options| async move {
        let sim = Sim::new(Options {
            hold: true,
            ..options
        });
        let client = sim.client();
        let web = deployments(&client);
        let mut object = deployment("web", 2, "v1");
        object["metadata"]["labels"][keys::WORKLOAD_TYPE] = json!("deployment");
        create(&web, object).await;
        let foreign = PatchParams::default();
        let free = web
            .patch("web", &foreign, &Patch::Strategic(image("v2")))
            .await
            .expect("patched");
        assert_eq!(value(&free)["spec"].get("paused"), None);
        let rollout = json!({"apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": {"name": "demo"},
            "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                     "strategy": {"canary": {"steps": [{"replicas": 1}]}}}});
        create(&api(&client, "rollouts.kruise.io", "v1beta1", "Rollout"), rollout).await;
        let state = |object: &DynamicObject| {
            let object = value(object);
            (
                object["spec"]["paused"].clone(),
                object["metadata"]["annotations"][keys::IN_PROGRESSING].clone(),
            )
        };
        let held = (
            json!(true),
            json!("{\"rolloutName\":\"demo\",\"original\":{\"paused\":false}}"),
        );
        let one = web
            .patch("web", &foreign, &Patch::Strategic(image("v3")))
            .await
            .expect("patched");
        assert_eq!(state(&one), held);
        let lift = json!({"metadata": {"annotations": null}, "spec": {"paused": false}});
        let two = web
            .patch("web", &foreign, &Patch::Merge(&lift))
            .await
            .expect("patched");
        assert_eq!(state(&two), held);
        let engine = PatchParams {
            field_manager: Some(keys::FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let three = web
            .patch("web", &engine, &Patch::Merge(&lift))
            .await
            .expect("patched");
        assert_eq!(state(&three), (Value::Null, Value::Null));
        let four = web
            .patch("web", &engine, &Patch::Strategic(image("v4")))
            .await
            .expect("patched");
        assert_eq!(state(&four), (Value::Null, Value::Null));
    });
}

#[test]
fn a_definition_adds_a_resource() {
    run(|options| async move {
        let sim = Sim::new(options);
        let client = sim.client();
        let crds: Api<DynamicObject> = Api::all_with(
            client.clone(),
            &kube::core::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk(
                "apiextensions.k8s.io",
                "v1",
                "CustomResourceDefinition",
            )),
        );
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.example.com"},
            "spec": {"group": "example.com", "scope": "Namespaced",
                     "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
                     "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                         "type": "object", "properties": {"spec": {"type": "object", "required": ["size"], "properties": {
                             "size": {"type": "integer", "minimum": 1}, "colour": {"type": "string", "default": "red"}}}}}}}]}});
        create(&crds, definition).await;
        let widgets = api(&client, "example.com", "v1", "Widget");
        let widget = |spec: Value| json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": spec});
        let made = create(&widgets, widget(json!({"size": 1, "lost": 1}))).await;
        assert_eq!(value(&made)["spec"], json!({"size": 1, "colour": "red"}));
        let small = widgets
            .patch(
                "a",
                &PatchParams::default(),
                &Patch::Merge(json!({"spec": {"size": 0}})),
            )
            .await;
        assert_eq!(refusal(small).0, 422);
        assert_eq!(
            refusal(
                widgets
                    .patch("a", &PatchParams::default(), &Patch::Strategic(json!({})))
                    .await
            )
            .0,
            415
        );
        crds.delete("widgets.example.com", &DeleteParams::default())
            .await
            .expect("deleted");
        assert_eq!(refusal(widgets.get("a").await).0, 404);
    });
}

#[test]
fn discovery_names_what_is_served() {
    run(|options| async move {
        let sim = Sim::new(options);
        let client = sim.client();
        let discovery = kube::discovery::Discovery::new(client.clone())
            .run()
            .await
            .expect("discovery");
        let gvk = kube::core::GroupVersionKind::gvk("rollouts.kruise.io", "v1beta1", "Rollout");
        let aggregated = kube::discovery::Discovery::new(client.clone())
            .run_aggregated()
            .await
            .expect("discovery");
        assert!(aggregated.resolve_gvk(&gvk).is_some());
        let (resource, capabilities) = discovery.resolve_gvk(&gvk).expect("Rollouts");
        assert_eq!(
            (resource.plural.as_str(), capabilities.subresources.len()),
            ("rollouts", 1)
        );
        assert_eq!(
            client.apiserver_version().await.expect("a version").git_version,
            "v1.36.3"
        );
    });
}
