//! The hold policies, for every kind.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::{api, create, run, workload};
use crate::api::keys;
use crate::sim::{Options, Sim};
use crate::workload::Kind;

/// A kind, what its user wrote under `spec`, what a held template leaves there, and the originals in the mark.
type Case = (Kind, Value, Value, Value);

fn cases() -> Vec<Case> {
    vec![
        (
            Kind::Deployment,
            json!({}),
            json!({"paused": true}),
            json!({"paused": false}),
        ),
        (
            Kind::StatefulSet,
            json!({}),
            json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 32767}}}),
            json!({"updateStrategy.rollingUpdate.partition": 0}),
        ),
        (
            Kind::DaemonSet,
            json!({"updateStrategy": {"rollingUpdate": {"maxUnavailable": 2}}}),
            json!({"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"maxUnavailable": 2, "maxSurge": 0}}}),
            json!({"updateStrategy.type": "RollingUpdate"}),
        ),
        (
            Kind::CloneSet,
            json!({"updateStrategy": {"partition": "20%"}}),
            json!({"updateStrategy": {"type": "ReCreate", "partition": "100%", "paused": false, "maxSurge": 0,
                                      "maxUnavailable": "20%"}}),
            json!({"updateStrategy.partition": "20%", "updateStrategy.paused": null}),
        ),
        (
            Kind::AdvancedStatefulSet,
            json!({"updateStrategy": {"rollingUpdate": {"partition": 1}}}),
            json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {
                "partition": 32767, "maxUnavailable": 1, "podUpdatePolicy": "ReCreate", "minReadySeconds": 0}}}),
            json!({"updateStrategy.rollingUpdate.partition": 1}),
        ),
        (
            Kind::AdvancedDaemonSet,
            json!({}),
            json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {
                "partition": 32767, "maxUnavailable": 1, "maxSurge": 0, "rollingUpdateType": "Standard"}}}),
            json!({"updateStrategy.rollingUpdate.partition": null}),
        ),
    ]
}

fn rollout(kind: Kind) -> Value {
    json!({
        "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": {"name": "demo"},
        "spec": {
            "workloadRef": {"apiVersion": kind.api_versions()[0], "kind": kind.kind(), "name": "web"},
            "strategy": {"canary": {"steps": [{"replicas": 1}]}},
        },
    })
}

/// A cluster with the policies, a labelled workload, and a Rollout of it if there is to be one.
async fn held(options: &Options, kind: Kind, spec: Value, with_rollout: bool) -> Workload {
    let sim = Sim::new(Options {
        hold: true,
        kruise: true,
        ..options.clone()
    });
    let (_, version) = kind.api_versions()[0].split_once('/').expect("a version");
    if with_rollout {
        let rollouts = api(&sim.client(), keys::GROUP, "v1beta1", "Rollout");
        create(&rollouts, rollout(kind)).await;
    }
    let api = api(&sim.client(), kind.group(), version, kind.kind());
    let mut object = workload(kind.api_versions()[0], kind.kind(), "v1", spec);
    object["metadata"]["labels"][keys::WORKLOAD_TYPE] = json!(kind.workload_type());
    create(&api, object).await;
    Workload { sim, kind, api }
}

struct Workload {
    sim: Sim,
    kind: Kind,
    api: kube::Api<kube::api::DynamicObject>,
}

impl Workload {
    async fn patch(&self, manager: Option<&str>, patch: Value) {
        let params = PatchParams {
            field_manager: manager.map(str::to_owned),
            ..PatchParams::default()
        };
        self.api
            .patch("web", &params, &Patch::Merge(patch))
            .await
            .expect("patched");
    }

    fn read(&self) -> Value {
        self.sim
            .get(self.kind.api_versions()[0], self.kind.kind(), "default", "web")
            .expect("a workload")
    }

    /// What the hold may have touched: the fields under `spec` that a case names, and the mark.
    fn seen(&self) -> (Value, Value) {
        let object = self.read();
        let spec = ["paused", "updateStrategy"]
            .into_iter()
            .filter_map(|field| Some((field.to_owned(), object["spec"].get(field)?.clone())))
            .collect();
        let mark = object["metadata"]["annotations"][keys::IN_PROGRESSING].clone();
        let mark = mark
            .as_str()
            .map_or(Value::Null, |text| serde_json::from_str(text).expect("a mark"));
        (Value::Object(spec), mark)
    }
}

/// Puts one tree into another, nulls included, as a merge patch that is still to be sent needs them.
fn merge(into: &mut Value, tree: &Value) {
    match tree {
        Value::Object(fields) => {
            for (key, value) in fields {
                merge(&mut into[key], value);
            }
        }
        value => *into = value.clone(),
    }
}

#[test]
fn a_new_template_is_held_and_what_a_foreign_write_lifts_is_put_back() {
    for (kind, spec, wanted, original) in cases() {
        run(|options| async move {
            let workload = held(&options, kind, spec, true).await;
            assert_eq!(workload.seen().1, Value::Null);
            workload.patch(None, super::image("v2")).await;
            let mark = json!({"rolloutName": "demo", "original": original});
            assert_eq!(workload.seen(), (wanted.clone(), mark.clone()), "{kind:?}");
            let unmark = json!({"metadata": {"annotations": {keys::IN_PROGRESSING: null}}});
            let mut lift = unmark.clone();
            for (path, value) in original.as_object().expect("originals") {
                let keys: Vec<&str> = path.split('.').collect();
                let tree = keys
                    .iter()
                    .rev()
                    .fold(value.clone(), |inner, key| json!({*key: inner}));
                merge(&mut lift["spec"], &tree);
            }
            for write in [super::image("v3"), unmark, lift.clone()] {
                workload.patch(None, write.clone()).await;
                assert_eq!(
                    workload.seen(),
                    (wanted.clone(), mark.clone()),
                    "{kind:?} {write}"
                );
            }
            // The engine's own writes pass.
            workload.patch(Some(keys::FIELD_MANAGER), lift).await;
            assert_eq!(workload.seen().1, Value::Null);
            assert_ne!(workload.seen().0, wanted);
        });
    }
}

#[test]
fn nothing_is_held_without_a_rollout_or_when_nothing_rolls_by_itself() {
    let still = json!({"updateStrategy": {"type": "OnDelete", "rollingUpdate": null}});
    let mut all: Vec<(Kind, Value, bool)> = Kind::ALL.map(|kind| (kind, json!({}), false)).to_vec();
    all.extend(
        [
            Kind::StatefulSet,
            Kind::DaemonSet,
            Kind::AdvancedStatefulSet,
            Kind::AdvancedDaemonSet,
        ]
        .map(|kind| (kind, still.clone(), true)),
    );
    for (kind, spec, with_rollout) in all {
        run(|options| async move {
            let workload = held(&options, kind, spec, with_rollout).await;
            let before = workload.seen();
            workload.patch(None, super::image("v2")).await;
            assert_eq!(workload.seen(), before, "{kind:?}");
        });
    }
}

#[test]
fn a_raw_manifest_of_a_kruise_kind_differs_from_what_webhooks_filled_in_and_is_held() {
    run(|options| async move {
        let workload = held(&options, Kind::CloneSet, json!({}), true).await;
        let raw = super::workload("apps.kruise.io/v1alpha1", "CloneSet", "v1", json!({}));
        let patch = json!({"spec": {"template": {"spec": {"containers": raw["spec"]["template"]["spec"]["containers"]}}}});
        let before = workload.read();
        workload.patch(None, patch).await;
        let after = workload.read();
        assert_eq!(after["spec"]["template"], before["spec"]["template"]);
        assert_eq!(after["spec"]["updateStrategy"]["partition"], "100%");
    });
}
