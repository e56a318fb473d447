//! Every kind of workload in every style: the manifests of an application and its Rollout.

use kubectl_kruise::{
    api::{keys, v1beta1::RollingStyle},
    workload::Kind,
};
use serde_json::{Value, json};

use super::{
    trouble::Dice,
    world::{APP, HTTP_ROUTE, INGRESS, ROLLOUT, ROLLOUT_NAME, SERVICE, VIRTUAL_SERVICE},
};

pub(super) const AUTOSCALER: (&str, &str) = ("autoscaling/v2", "HorizontalPodAutoscaler");

/// What splits the traffic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Route {
    Ingress,
    Gateway,
    Istio,
}

/// A kind of workload, the style in which it is released, and what its user wrote besides.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) style: RollingStyle,
    /// Whether traffic is split.
    pub(super) routed: bool,
    /// By what.
    pub(super) route: Route,
    /// Whether a HorizontalPodAutoscaler aims at the workload.
    pub(super) autoscaled: bool,
    /// Fields of the workload's spec besides size, selector and template.
    pub(super) spec: Value,
    /// Fields of the Rollout's strategy besides steps and routing.
    pub(super) strategy: Value,
    /// Annotations of the Rollout.
    pub(super) annotations: Value,
}

const fn shape(name: &'static str, kind: Kind, style: RollingStyle, spec: Value) -> Shape {
    Shape {
        name,
        kind,
        style,
        routed: true,
        route: Route::Ingress,
        autoscaled: false,
        spec,
        strategy: Value::Null,
        annotations: Value::Null,
    }
}

fn rolling(fields: &Value) -> Value {
    json!({ "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": fields } })
}

impl Shape {
    /// The canary style of a Deployment, of which most is known.
    pub(super) fn canary() -> Self {
        Self::all().swap_remove(0)
    }

    /// All kinds in all styles, each as plain as can be.
    pub(super) fn all() -> Vec<Self> {
        use Kind::{AdvancedDaemonSet, AdvancedStatefulSet, CloneSet, DaemonSet, Deployment, StatefulSet};
        use RollingStyle::{BlueGreen, Canary, Partition};
        let deadline = || json!({ "progressDeadlineSeconds": 60 });
        let in_place = || json!({ "updateStrategy": { "type": "InPlaceIfPossible" } });
        let mut parallel = rolling(&json!({ "maxUnavailable": 2 }));
        parallel["podManagementPolicy"] = json!("Parallel");
        let mut unordered = rolling(
            &json!({ "unorderedUpdate": { "priorityStrategy": {} }, "podUpdatePolicy": "InPlaceIfPossible" }),
        );
        // Kruise's webhook refuses it with another policy.
        unordered["podManagementPolicy"] = json!("Parallel");
        vec![
            shape("deployment-canary", Deployment, Canary, deadline()),
            shape("deployment-partition", Deployment, Partition, deadline()),
            Self {
                autoscaled: true,
                ..shape("deployment-blue-green", Deployment, BlueGreen, deadline())
            },
            shape("statefulset", StatefulSet, Partition, json!({})),
            shape(
                "statefulset-parallel",
                StatefulSet,
                Partition,
                json!({ "podManagementPolicy": "Parallel", "ordinals": { "start": 3 } }),
            ),
            shape("daemonset", DaemonSet, Partition, json!({})),
            shape("cloneset", CloneSet, Partition, json!({})),
            shape("cloneset-in-place", CloneSet, Partition, in_place()),
            Self {
                autoscaled: true,
                ..shape("cloneset-blue-green", CloneSet, BlueGreen, json!({}))
            },
            shape(
                "advanced-statefulset",
                AdvancedStatefulSet,
                Partition,
                json!({ "updateStrategy": { "type": "RollingUpdate" } }),
            ),
            shape(
                "advanced-statefulset-parallel",
                AdvancedStatefulSet,
                Partition,
                parallel,
            ),
            shape(
                "advanced-statefulset-unordered",
                AdvancedStatefulSet,
                Partition,
                unordered,
            ),
            shape("advanced-daemonset", AdvancedDaemonSet, Partition, json!({})),
        ]
    }

    /// Traffic split by routes that are edited in place, under the styles that treat it differently.
    pub(super) fn edited_in_place() -> Vec<Self> {
        let of = |name, style, route| Self {
            route,
            ..shape(
                name,
                Kind::Deployment,
                style,
                json!({ "progressDeadlineSeconds": 60 }),
            )
        };
        vec![
            of("canary-http-route", RollingStyle::Canary, Route::Gateway),
            of("blue-green-http-route", RollingStyle::BlueGreen, Route::Gateway),
            of("partition-virtual-service", RollingStyle::Partition, Route::Istio),
            of("canary-virtual-service", RollingStyle::Canary, Route::Istio),
        ]
    }

    /// One of them, with some of what users vary.
    pub(super) fn random(dice: &mut Dice, from: &[Self]) -> Self {
        let mut shape = dice.pick(from);
        shape.routed = dice.percent(60);
        shape.autoscaled &= dice.percent(50);
        if dice.percent(20) {
            shape.spec["minReadySeconds"] = json!(1 + dice.below(3));
        }
        if dice.percent(25) {
            shape.vary_unavailable(dice);
        }
        if dice.percent(20) {
            let threshold = dice.pick(&[json!(1), json!("20%"), json!("50%"), json!("100%")]);
            shape.strategy["failureThreshold"] = threshold;
        }
        if shape.style == RollingStyle::Canary && dice.percent(25) {
            shape.strategy["patchPodTemplateMetadata"] =
                json!({ "labels": { "track": "canary" }, "annotations": { "note": "new" } });
        }
        if !shape.routed && shape.style == RollingStyle::Partition && dice.percent(40) {
            shape.annotations[keys::ROLLBACK_IN_BATCH] = json!("true");
        }
        shape
    }

    fn vary_unavailable(&mut self, dice: &mut Dice) {
        let unavailable = dice.pick(&[json!(1), json!(2), json!("34%"), json!("50%")]);
        match self.kind {
            Kind::Deployment => {
                let surge = dice.pick(&[json!(0), json!(1), json!("50%")]);
                let bounds = json!({ "maxUnavailable": unavailable, "maxSurge": surge });
                self.spec["strategy"] = json!({ "type": "RollingUpdate", "rollingUpdate": bounds });
            }
            Kind::CloneSet => {
                self.spec["updateStrategy"]["maxUnavailable"] = unavailable;
                if dice.percent(40) {
                    self.spec["updateStrategy"]["maxSurge"] = json!(1 + dice.below(2));
                }
            }
            Kind::DaemonSet | Kind::AdvancedDaemonSet | Kind::AdvancedStatefulSet => {
                self.spec["updateStrategy"]["rollingUpdate"]["maxUnavailable"] = unavailable;
            }
            Kind::StatefulSet => {}
        }
    }

    /// Version and kind of the workload.
    pub(super) fn workload(&self) -> (&'static str, &'static str) {
        (self.kind.api_versions()[0], self.kind.kind())
    }

    /// Pods that may be missing of `replicas` while a version goes out; `spec` is the user's.
    pub(super) fn unavailable(&self, spec: &Value, replicas: i64) -> i64 {
        let share = |value: &Value, default: i64, up: bool| match value {
            Value::Number(number) => number.as_i64().unwrap_or(default),
            Value::String(text) => {
                let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
                let hundredths = percent * replicas;
                if up {
                    (hundredths + 99) / 100
                } else {
                    hundredths / 100
                }
            }
            _ => default,
        };
        match self.kind {
            Kind::Deployment => {
                let bounds = &spec["strategy"]["rollingUpdate"];
                let allowed = share(&bounds["maxUnavailable"], replicas / 4, false);
                let surge = share(&bounds["maxSurge"], 1, true);
                if surge == 0 { allowed.max(1) } else { allowed }
            }
            Kind::StatefulSet => 1,
            Kind::CloneSet => share(
                &spec["updateStrategy"]["maxUnavailable"],
                (replicas + 4) / 5,
                true,
            ),
            _ => share(
                &spec["updateStrategy"]["rollingUpdate"]["maxUnavailable"],
                1,
                true,
            )
            .max(1),
        }
    }

    /// The workload at version v1.
    pub(super) fn workload_manifest(&self, replicas: i64) -> Value {
        let labels = json!({ "app": APP });
        let container =
            json!({ "name": APP, "image": "echoserver:v1", "ports": [{ "containerPort": 8080 }] });
        let mut spec = if self.spec.is_object() {
            self.spec.clone()
        } else {
            json!({})
        };
        spec["selector"] = json!({ "matchLabels": labels });
        spec["template"] = json!({ "metadata": { "labels": labels }, "spec": { "containers": [container] } });
        if !self.kind.is_per_node() {
            spec["replicas"] = json!(replicas);
        }
        if matches!(self.kind, Kind::StatefulSet | Kind::AdvancedStatefulSet) {
            spec["serviceName"] = json!(APP);
        }
        if self.kind == Kind::AdvancedStatefulSet && !spec["minReadySeconds"].is_null() {
            let seconds = spec["minReadySeconds"].take();
            spec.as_object_mut().unwrap().remove("minReadySeconds");
            spec["updateStrategy"]["rollingUpdate"]["minReadySeconds"] = seconds;
        }
        let (api_version, kind) = self.workload();
        json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": APP, "labels": labels }, "spec": spec })
    }

    /// The Rollout.
    pub(super) fn rollout_manifest(&self, steps: &Value, grace: i64) -> Value {
        let mut strategy = if self.strategy.is_object() {
            self.strategy.clone()
        } else {
            json!({})
        };
        strategy["steps"] = self.steps(steps);
        if self.routed {
            let mut routing = json!({ "service": APP, "gracePeriodSeconds": grace });
            match self.route {
                Route::Ingress => routing["ingress"] = json!({ "name": APP, "classType": "nginx" }),
                Route::Gateway => routing["gateway"] = json!({ "httpRouteName": APP }),
                Route::Istio => {
                    routing["customNetworkRefs"] =
                        json!([{ "apiVersion": VIRTUAL_SERVICE.0, "kind": VIRTUAL_SERVICE.1, "name": APP }]);
                }
            }
            strategy["trafficRoutings"] = json!([routing]);
        }
        let strategy = match self.style {
            RollingStyle::BlueGreen => json!({ "blueGreen": strategy }),
            style => {
                strategy["enableExtraWorkloadForCanary"] = json!(style == RollingStyle::Canary);
                json!({ "canary": strategy })
            }
        };
        let (api_version, kind) = self.workload();
        let mut metadata = json!({ "name": ROLLOUT_NAME });
        if self.annotations.is_object() {
            metadata["annotations"] = self.annotations.clone();
        }
        json!({
            "apiVersion": ROLLOUT.0, "kind": ROLLOUT.1, "metadata": metadata,
            "spec": {
                "workloadRef": { "apiVersion": api_version, "kind": kind, "name": APP },
                "strategy": strategy,
            },
        })
    }

    /// What else the application needs.
    pub(super) fn other_manifests(&self) -> Vec<Value> {
        let mut all = vec![
            json!({
                "apiVersion": SERVICE.0, "kind": SERVICE.1, "metadata": { "name": APP },
                "spec": {
                    "selector": { "app": APP },
                    "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }],
                },
            }),
            self.route_manifest(),
        ];
        if self.autoscaled {
            let (api_version, kind) = self.workload();
            all.push(json!({
                "apiVersion": AUTOSCALER.0, "kind": AUTOSCALER.1, "metadata": { "name": APP },
                "spec": {
                    "scaleTargetRef": { "apiVersion": api_version, "kind": kind, "name": APP },
                    "minReplicas": 1, "maxReplicas": 12,
                },
            }));
        }
        all
    }

    /// The steps as this workload takes them: a blue-green CloneSet has all its new pods at once.
    pub(super) fn steps(&self, steps: &Value) -> Value {
        let mut steps = steps.clone();
        if (self.kind, self.style) == (Kind::CloneSet, RollingStyle::BlueGreen) {
            for step in steps.as_array_mut().into_iter().flatten() {
                step["replicas"] = json!("100%");
            }
        }
        steps
    }

    fn route_manifest(&self) -> Value {
        match self.route {
            Route::Ingress => json!({
                "apiVersion": INGRESS.0, "kind": INGRESS.1, "metadata": { "name": APP },
                "spec": { "ingressClassName": "nginx", "rules": [{
                    "host": "echoserver.example.com",
                    "http": { "paths": [{
                        "path": "/", "pathType": "Prefix",
                        "backend": { "service": { "name": APP, "port": { "number": 80 } } },
                    }] },
                }] },
            }),
            Route::Gateway => json!({
                "apiVersion": HTTP_ROUTE.0, "kind": HTTP_ROUTE.1, "metadata": { "name": APP, "annotations": { "note": "mine" } },
                "spec": { "parentRefs": [{ "name": "gw" }], "rules": [
                    { "matches": [{ "path": { "type": "PathPrefix", "value": "/old" } }],
                        "filters": [{ "type": "RequestRedirect", "requestRedirect": { "statusCode": 301 } }] },
                    { "backendRefs": [{ "name": APP, "port": 80, "weight": 7 }] },
                ] },
            }),
            Route::Istio => json!({
                "apiVersion": VIRTUAL_SERVICE.0, "kind": VIRTUAL_SERVICE.1, "metadata": { "name": APP },
                "spec": { "hosts": ["echoserver.example.com"], "gateways": [], "http": [
                    { "match": [{ "uri": { "prefix": "/old" } }], "redirect": { "uri": "/" } },
                    { "timeout": "3s", "route": [{ "destination": { "host": APP, "port": { "number": 80 } } }] },
                ] },
            }),
        }
    }

    /// A plan of one to four steps that the schema and the engine accept.
    pub(super) fn plan(&self, dice: &mut Dice) -> Value {
        let count = 1 + dice.below(4);
        let in_numbers = dice.percent(25);
        let mut reached = 0_u64;
        let steps: Vec<Value> = (1..=count)
            .map(|index| {
                let last = index == count;
                let most = if in_numbers { 6 } else { 100 };
                reached += if last && dice.percent(70) {
                    most - reached
                } else {
                    (1 + dice.below((most - reached).div_ceil(2).max(1))).min(most - reached)
                };
                reached = reached.max(1);
                let replicas = if in_numbers {
                    json!(reached)
                } else {
                    json!(format!("{reached}%"))
                };
                let pause = dice.percent(40).then(|| dice.below(8));
                step(&replicas, self.weight(dice, reached, in_numbers), pause)
            })
            .collect();
        self.steps(&steps.into())
    }

    /// The share of the traffic of a step, where one is allowed (engine-rollout 3.1).
    fn weight(&self, dice: &mut Dice, reached: u64, in_numbers: bool) -> Option<u32> {
        let percent = if in_numbers { reached * 100 / 6 } else { reached };
        let weight = match self.style {
            _ if !dice.percent(80) => return None,
            RollingStyle::BlueGreen => dice.pick(&[0, 10, 50, 100]),
            RollingStyle::Partition if !in_numbers && reached > 50 => return None,
            _ => percent.max(1),
        };
        u32::try_from(weight).ok()
    }
}

/// One step of a plan; `pause` in seconds, or until approved.
pub(super) fn step(replicas: &Value, weight: Option<u32>, pause: Option<u64>) -> Value {
    let mut step = json!({ "replicas": replicas, "pause": {} });
    if let Some(weight) = weight {
        step["traffic"] = json!(format!("{weight}%"));
    }
    if let Some(seconds) = pause {
        step["pause"] = json!({ "duration": seconds });
    }
    step
}
