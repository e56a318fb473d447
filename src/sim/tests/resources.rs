//! The kinds that are served, native and Kruise's.

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{api, create, parse, run, workload};
use crate::sim::resource::{
    ADVANCED_DAEMON_SETS, ADVANCED_STATEFUL_SETS, CLONE_SETS, CONTROLLER_REVISIONS, DAEMON_SETS,
    STATEFUL_SETS, built_in,
};
use crate::sim::{Options, Sim};

fn with_kruise(options: &Options) -> Sim {
    Sim::new(Options {
        kruise: true,
        ..options.clone()
    })
}

#[test]
fn the_named_places_of_the_table_are_those_of_their_kinds() {
    let names = [
        STATEFUL_SETS,
        DAEMON_SETS,
        CONTROLLER_REVISIONS,
        ADVANCED_STATEFUL_SETS,
        CLONE_SETS,
        ADVANCED_DAEMON_SETS,
    ]
    .map(|kind| built_in()[kind].qualified());
    assert_eq!(
        names,
        [
            "statefulsets.apps",
            "daemonsets.apps",
            "controllerrevisions.apps",
            "statefulsets.apps.kruise.io",
            "clonesets.apps.kruise.io",
            "daemonsets.apps.kruise.io"
        ]
    );
}

#[test]
fn kruise_is_served_when_the_options_or_an_object_say_so() {
    run(|options| async move {
        let without = Sim::new(options.clone());
        let client = without.client();
        let served = |groups: &[String]| groups.contains(&"apps.kruise.io".to_owned());
        let groups = |list: k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroupList| {
            list.groups.into_iter().map(|g| g.name).collect::<Vec<_>>()
        };
        assert!(!served(&groups(client.list_api_groups().await.expect("groups"))));
        let mut object = workload("apps.kruise.io/v1alpha1", "CloneSet", "v1", json!({}));
        object["metadata"]["namespace"] = json!("default");
        without.load(object).expect("loaded");
        assert!(served(&groups(client.list_api_groups().await.expect("groups"))));
        let resources = with_kruise(&options)
            .client()
            .list_api_group_resources("apps.kruise.io/v1beta1")
            .await
            .expect("resources");
        let names: Vec<String> = resources.resources.into_iter().map(|r| r.name).collect();
        assert_eq!(
            names,
            ["statefulsets", "statefulsets/status", "statefulsets/scale"]
        );
    });
}

#[test]
fn kinds_of_one_name_are_kept_apart() {
    run(|options| async move {
        let sim = with_kruise(&options);
        let native = api(&sim.client(), "apps", "v1", "StatefulSet");
        let advanced = api(&sim.client(), "apps.kruise.io", "v1beta1", "StatefulSet");
        create(
            &native,
            workload("apps/v1", "StatefulSet", "v1", json!({"replicas": 2})),
        )
        .await;
        create(
            &advanced,
            workload(
                "apps.kruise.io/v1beta1",
                "StatefulSet",
                "v2",
                json!({"replicas": 3}),
            ),
        )
        .await;
        let sizes = |version: &str| {
            let all = sim.list(version, "StatefulSet", None);
            all.into_iter()
                .map(|s| s["spec"]["replicas"].clone())
                .collect::<Vec<Value>>()
        };
        assert_eq!(sizes("apps/v1"), [2]);
        assert_eq!(sizes("apps.kruise.io/v1beta1"), [3]);
        assert_eq!(sizes("apps.kruise.io/v1alpha1"), [3]);
    });
}

#[test]
fn kruises_kinds_are_filled_in_scaled_and_patched_as_custom_resources() {
    run(|options| async move {
        let sim = with_kruise(&options);
        let clone_sets = api(&sim.client(), "apps.kruise.io", "v1alpha1", "CloneSet");
        let object = workload(
            "apps.kruise.io/v1alpha1",
            "CloneSet",
            "v1",
            json!({"lifecycle": {"unknown": [1]}}),
        );
        let made = create(&clone_sets, object).await;
        let mut spec = made.data["spec"].clone();
        for field in ["selector", "template"] {
            spec.as_object_mut().expect("a spec").remove(field);
        }
        assert_eq!(
            spec,
            json!({"replicas": 1, "revisionHistoryLimit": 10, "scaleStrategy": {}, "lifecycle": {"unknown": [1]},
                   "updateStrategy": {"type": "ReCreate", "partition": 0, "maxUnavailable": "20%", "maxSurge": 0}})
        );
        assert_eq!(made.data["spec"]["template"]["spec"]["restartPolicy"], "Always");
        let params = PatchParams::default();
        let change = json!({"spec": {"replicas": 4}});
        let refused = clone_sets
            .patch("web", &params, &Patch::Strategic(change.clone()))
            .await
            .expect_err("custom resources have no strategic merge patch");
        assert!(
            matches!(&refused, kube::Error::Api(status) if status.code == 415),
            "{refused}"
        );
        clone_sets
            .patch_scale("web", &params, &Patch::Merge(change))
            .await
            .expect("scaled");
        let object = clone_sets.get("web").await.expect("a CloneSet");
        assert_eq!(
            (
                object.data["spec"]["replicas"].clone(),
                object.metadata.generation
            ),
            (json!(4), Some(2))
        );
    });
}

#[test]
fn what_the_server_refuses_of_sets() {
    run(|options| async move {
        let sim = Sim::new(options.clone());
        let stateful = api(&sim.client(), "apps", "v1", "StatefulSet");
        let daemons = api(&sim.client(), "apps", "v1", "DaemonSet");
        create(&stateful, workload("apps/v1", "StatefulSet", "v1", json!({}))).await;
        let fixed = json!({"spec": {"podManagementPolicy": "Parallel"}});
        let fixed = stateful
            .patch("web", &PatchParams::default(), &Patch::Merge(fixed))
            .await;
        let strategy = |strategy: Value| json!({"updateStrategy": strategy});
        let made = |kind: &str, spec: Value| {
            let mut object = workload("apps/v1", kind, "v1", spec);
            object["metadata"]["name"] = json!("other");
            parse(object)
        };
        let params = PostParams::default();
        let on_delete = strategy(json!({"type": "OnDelete", "rollingUpdate": {"partition": 1}}));
        let nothing = strategy(json!({"rollingUpdate": {"maxUnavailable": 0}}));
        let both = strategy(json!({"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}));
        let answers = [
            fixed,
            stateful.create(&params, &made("StatefulSet", on_delete)).await,
            daemons.create(&params, &made("DaemonSet", nothing)).await,
            daemons.create(&params, &made("DaemonSet", both)).await,
        ]
        .map(|answer| match answer {
            Err(kube::Error::Api(status)) => (status.code, status.details.map(|d| d.causes[0].field.clone())),
            other => panic!("{other:?}"),
        });
        let field = |name: &str| (422, Some(name.to_owned()));
        assert_eq!(
            answers,
            [
                field("spec"),
                field("spec.updateStrategy.rollingUpdate"),
                field("spec.updateStrategy.rollingUpdate.maxUnavailable"),
                field("spec.updateStrategy.rollingUpdate.maxSurge"),
            ]
        );
    });
}
