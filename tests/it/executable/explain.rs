//! `explain`: every cause of the catalogue that a cluster can show, and that it is the first one named.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{
    served::{Life, Served},
    shop::{NAMESPACE, Turn, after},
};

/// Where a scenario begins.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Base {
    /// No release was ever made.
    Rest,
    /// v2 is set and held, and no engine runs.
    Held,
    /// The first pod of the new version has a node, and nothing else.
    Starting,
    /// Paused at the first step, all pods ready.
    Waiting,
    /// Paused for ten minutes at the second step.
    Timed,
    /// The release is over.
    Completed,
}

impl Base {
    fn objects(self) -> Vec<Value> {
        let turns = match self {
            Self::Rest => vec![],
            Self::Held => vec![Turn::Held("web:v2")],
            Self::Starting => vec![Turn::Released("web:v2-stuck")],
            Self::Waiting => vec![Turn::Released("web:v2")],
            Self::Timed => vec![Turn::Released("web:v2"), Turn::Approved],
            Self::Completed => vec![Turn::Released("web:v2"), Turn::Approved, Turn::Waited(600)],
        };
        after(&turns)
    }
}

/// A cluster that is made to go wrong.
struct Scene(Vec<Value>);

impl Scene {
    fn of(&mut self, kind: &str, name: &str) -> &mut Value {
        self.0
            .iter_mut()
            .find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
            .unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    fn rollout(&mut self) -> &mut Value {
        self.of("Rollout", "web")
    }

    /// The pod of the new version.
    fn pod(&mut self) -> &mut Value {
        self.0
            .iter_mut()
            .find(|object| {
                object["kind"] == "Pod"
                    && object["spec"]["containers"][0]["image"]
                        .as_str()
                        .is_some_and(|image| image.starts_with("web:v2"))
            })
            .unwrap()
    }

    /// The ReplicaSet of the new version.
    fn set(&mut self) -> &mut Value {
        self.0
            .iter_mut()
            .find(|object| {
                object["kind"] == "ReplicaSet"
                    && object["spec"]["template"]["spec"]["containers"][0]["image"]
                        .as_str()
                        .is_some_and(|image| image.starts_with("web:v2"))
            })
            .unwrap()
    }

    fn remove(&mut self, kind: &str) {
        self.0
            .retain(|object| object["kind"] != kind || object["metadata"]["name"] == "web-canary");
    }

    fn add(&mut self, mut object: Value) {
        object["metadata"]["namespace"] = json!(NAMESPACE);
        self.0.push(object);
    }

    /// The container of the new pod waits so.
    fn waits(&mut self, reason: &str, message: &str) {
        let status = &mut self.pod()["status"];
        status["containerStatuses"] = json!([{ "name": "main", "image": "web:v2", "ready": false, "restartCount": 0,
            "state": { "waiting": { "reason": reason, "message": message } } }]);
    }

    /// The container of the new pod runs and is not ready.
    fn runs(&mut self, ready: bool) {
        let status = &mut self.pod()["status"];
        status["phase"] = json!("Running");
        status["containerStatuses"] = json!([{ "name": "main", "image": "web:v2", "ready": ready, "restartCount": 0,
            "state": { "running": { "startedAt": "2026-01-01T00:00:00Z" } } }]);
    }

    /// An Event about the new pod.
    fn tells(&mut self, reason: &str, message: &str) {
        let meta = self.pod()["metadata"].clone();
        self.add(json!({ "apiVersion": "v1", "kind": "Event", "metadata": { "name": "told" },
            "involvedObject": { "kind": "Pod", "namespace": NAMESPACE, "name": meta["name"], "uid": meta["uid"] },
            "reason": reason, "message": message, "type": "Warning", "count": 4, "lastTimestamp": "2026-01-01T00:00:00Z" }));
    }

    /// No pod of the new version could be made.
    fn refused(&mut self, message: &str) {
        let name = self.pod()["metadata"]["name"].clone();
        self.0
            .retain(|object| object["kind"] != "Pod" || object["metadata"]["name"] != name);
        let status = &mut self.set()["status"];
        *status = json!({ "replicas": 0, "conditions": [{ "type": "ReplicaFailure", "status": "True",
            "reason": "FailedCreate", "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z" }] });
    }

    fn status(&mut self, patch: Value) {
        json_patch::merge(&mut self.rollout()["status"], &patch);
    }

    /// A Lease that lasts.
    fn lease(&mut self, name: &str, renewed: &str) {
        self.add(
            json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": name },
            "spec": { "holderIdentity": "them", "leaseDurationSeconds": 15, "renewTime": renewed } }),
        );
    }
}

/// Long enough from now for a Lease to last through the test.
const LATER: &str = "2999-01-01T00:00:00.000000Z";
const LONG_AGO: &str = "2026-01-01T00:00:00.000000Z";

type Case = (&'static str, Base, fn(&mut Scene));

/// The cause that must be named first, where the scene begins, and what goes wrong.
const CASES: &[Case] = &[
    ("WaitingApproval", Base::Waiting, |_| {}),
    ("TimedPause", Base::Timed, |_| {}),
    ("ManualPause", Base::Waiting, |scene| {
        scene.rollout()["spec"]["strategy"]["paused"] = json!(true);
    }),
    ("Disabled", Base::Rest, |scene| {
        scene.rollout()["spec"]["disabled"] = json!(true);
        scene.status(json!({ "phase": "Disabled" }));
    }),
    ("Deleting", Base::Waiting, |scene| {
        scene.lease("rollout-web", LATER);
        scene.rollout()["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    }),
    ("RollingBack", Base::Waiting, |scene| {
        scene.rollout()["status"]["conditions"] =
            json!([{ "type": "Progressing", "status": "True", "reason": "Cancelling", "message": "" }]);
        scene.lease("rollout-web", LATER);
    }),
    ("Superseded", Base::Waiting, |scene| {
        scene.status(json!({ "message": "Workload is continuous release", "canaryStatus": { "currentStepState": "BeforeStepUpgrade" } }));
        scene.lease("rollout-web", LATER);
    }),
    ("RollBackFirst", Base::Waiting, |scene| {
        scene.status(json!({ "message": "new version releasing detected in the progress of blue-green release, please rollback first" }));
    }),
    ("NoProgress", Base::Waiting, |scene| {
        scene.status(json!({ "canaryStatus": { "currentStepState": "StepTrafficRouting" } }));
        let conditions = scene.rollout()["status"]["conditions"].as_array_mut().unwrap();
        conditions.push(json!({ "type": "Degraded", "status": "True", "reason": "", "message": "no progress for 600 seconds" }));
    }),
    ("ControllerAbsent", Base::Held, |_| {}),
    ("ControllerAbsent", Base::Waiting, |scene| {
        let meta = &mut scene.rollout()["metadata"];
        meta["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    }),
    ("ControllerAbsent", Base::Waiting, |scene| {
        scene.status(
            json!({ "canaryStatus": { "currentStepState": "StepReady", "lastUpdateTime": LONG_AGO } }),
        );
    }),
    ("NotLeading", Base::Held, |scene| {
        scene.lease("rollout-web", LONG_AGO);
    }),
    ("ControllerLagging", Base::Held, |scene| {
        let uid = scene.rollout()["metadata"]["uid"].clone();
        scene.add(json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "BatchRelease", "metadata": { "name": "web",
            "ownerReferences": [{ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "name": "web", "uid": uid }] },
            "spec": { "workloadRef": { "name": "web" } } }));
        scene.lease("71ddec2c.kruise.io", LATER);
        scene.rollout()["metadata"]["generation"] = json!(9);
    }),
    ("WebhookBypassed", Base::Completed, |scene| {
        for object in &mut scene.0 {
            if object["kind"] == "ReplicaSet" && object["spec"]["replicas"] != 0 {
                object["metadata"]["labels"]["pod-template-hash"] = json!("zzz");
            }
        }
    }),
    ("WorkloadGenerationNotObserved", Base::Starting, |scene| {
        let generation = scene.of("Deployment", "web")["metadata"]["generation"]
            .as_i64()
            .unwrap();
        scene.of("Deployment", "web")["metadata"]["generation"] = json!(generation + 1);
    }),
    ("RevisionHashUnknown", Base::Starting, |scene| {
        scene.status(json!({ "canaryStatus": { "canaryRevision": "", "podTemplateHash": "" } }));
    }),
    ("StableRevisionUnknown", Base::Starting, |scene| {
        scene.status(
            json!({ "canaryStatus": { "currentStepState": "StepTrafficRouting", "stableRevision": "" } }),
        );
        scene.add(
            json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "BatchRelease", "metadata": { "name": "web" } }),
        );
        scene.0.push(
            json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": { "name": "kruise-rollout-mutating-webhook-configuration" } }),
        );
    }),
    ("InvalidRollout", Base::Rest, |scene| {
        scene.status(json!({ "phase": "Initial", "message": "the Rollout is invalid: spec.strategy.canary.steps: Required value" }));
    }),
    ("WorkloadMissing", Base::Rest, |scene| {
        scene.remove("Deployment");
        scene.status(json!({ "phase": "Initial", "message": "Workload Not Found" }));
    }),
    ("TwoRolloutsOneWorkload", Base::Waiting, |scene| {
        let mut other = scene.rollout().clone();
        other["metadata"] = json!({ "name": "other" });
        scene.add(other);
    }),
    ("OrphanBatchRelease", Base::Held, |scene| {
        scene.add(json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "BatchRelease", "metadata": { "name": "old" },
            "spec": { "workloadRef": { "name": "web" } } }));
    }),
    ("StaleInProgressAnnotation", Base::Rest, |scene| {
        scene.of("Deployment", "web")["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"] =
            json!("{\"rolloutName\":\"gone\"}");
    }),
    ("QuotaExceeded", Base::Starting, |scene| {
        scene.refused("pods \"web-1\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=3, limited: pods=3");
    }),
    ("LimitRange", Base::Starting, |scene| {
        scene.refused(
            "pods \"web-1\" is forbidden: maximum memory usage per Container is 64Mi, but limit is 1Gi",
        );
    }),
    ("PodSecurity", Base::Starting, |scene| {
        scene.refused(
            "pods \"web-1\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true",
        );
    }),
    ("AdmissionDenied", Base::Starting, |scene| {
        scene.refused("admission webhook \"images.acme.io\" denied the request: not signed");
    }),
    ("AdmissionUnreachable", Base::Starting, |scene| {
        scene.refused(
            "Internal error occurred: failed calling webhook \"images.acme.io\": connection refused",
        );
    }),
    ("ServiceAccountMissing", Base::Starting, |scene| {
        scene.refused("pods \"web-1\" is forbidden: error looking up service account shop/web: serviceaccount \"web\" not found");
    }),
    ("CreationFailed", Base::Starting, |scene| {
        scene.refused("Pod \"web-1\" is invalid: spec: Invalid value");
    }),
    ("ImageNotFound", Base::Starting, |scene| {
        scene.waits("ImagePullBackOff", "Back-off pulling image \"web:v2\"");
        scene.tells("Failed", "Failed to pull image \"web:v2\": rpc error: code = NotFound desc = docker.io/library/web:v2: not found");
    }),
    ("ImageAuth", Base::Starting, |scene| {
        scene.waits("ErrImagePull", "pull access denied: 401 Unauthorized");
    }),
    ("RegistryRateLimit", Base::Starting, |scene| {
        scene.waits("ErrImagePull", "toomanyrequests: rate limit as 'acme'");
    }),
    ("RegistryUnreachable", Base::Starting, |scene| {
        scene.waits("ErrImagePull", "dial tcp: lookup reg.acme.io: no such host");
    }),
    ("BadImageName", Base::Starting, |scene| {
        scene.waits("InvalidImageName", "couldn't parse image name");
    }),
    ("NeverPull", Base::Starting, |scene| {
        scene.waits("ErrImageNeverPull", "is not present with pull policy of Never");
    }),
    ("ImagePull", Base::Starting, |scene| {
        scene.waits("ImagePullBackOff", "Back-off pulling image \"web:v2\"");
    }),
    ("CrashLoop", Base::Starting, |scene| {
        scene.waits("CrashLoopBackOff", "back-off 40s restarting failed container");
    }),
    ("ContainerFailed", Base::Starting, |scene| {
        scene.waits(
            "RunContainerError",
            "exec: \"serve\": executable file not found in $PATH",
        );
    }),
    ("ConfigMissing", Base::Starting, |scene| {
        scene.waits("CreateContainerConfigError", "secret \"db\" not found");
    }),
    ("ConfigMissing", Base::Starting, |scene| {
        scene.tells(
            "FailedMount",
            "MountVolume.SetUp failed for volume \"conf\" : configmap \"conf\" not found",
        );
    }),
    ("VolumeMount", Base::Starting, |scene| {
        scene.tells(
            "FailedMount",
            "Unable to attach or mount volumes: unmounted volumes=[data]: timed out",
        );
    }),
    ("VolumeAttach", Base::Starting, |scene| {
        scene.tells(
            "FailedAttachVolume",
            "Multi-Attach error for volume \"data\" Volume is already used by pod(s) web-0",
        );
    }),
    ("Unschedulable", Base::Starting, |scene| {
        let pod = scene.pod();
        pod["spec"].as_object_mut().unwrap().remove("nodeName");
        pod["status"]["conditions"] = json!([{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/3 nodes are available: 3 Insufficient cpu. preemption: none", "lastTransitionTime": "2026-01-01T00:00:00Z" }]);
    }),
    ("NodeNotReady", Base::Starting, |scene| {
        let node = scene.pod()["spec"]["nodeName"].as_str().unwrap().to_owned();
        scene.of("Node", &node)["status"]["conditions"] = json!([{ "type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status." }]);
    }),
    ("PodLost", Base::Starting, |scene| {
        scene.pod()["status"]["phase"] = json!("Unknown");
    }),
    ("SidecarBlocks", Base::Starting, |scene| {
        scene.pod()["spec"]["initContainers"] = json!([{ "name": "migrate" }]);
        scene.pod()["status"]["initContainerStatuses"] = json!([{ "name": "migrate", "image": "m", "ready": false,
            "restartCount": 0, "state": { "running": { "startedAt": "2026-01-01T00:00:00Z" } } }]);
    }),
    ("ProbeFailing", Base::Starting, |scene| {
        scene.runs(false);
        scene.tells(
            "Unhealthy",
            "Readiness probe failed: HTTP probe failed with statuscode: 503",
        );
    }),
    ("ContainerNotReady", Base::Starting, |scene| scene.runs(false)),
    ("ReadinessGateFalse", Base::Starting, |scene| {
        scene.runs(true);
        scene.pod()["spec"]["readinessGates"] = json!([{ "conditionType": "acme.io/registered" }]);
    }),
    ("MinReadyCountdown", Base::Starting, |scene| {
        scene.runs(true);
        scene.pod()["status"]["conditions"] =
            json!([{ "type": "Ready", "status": "True", "lastTransitionTime": "2998-01-01T00:00:00Z" }]);
        scene.of("Deployment", "web")["spec"]["minReadySeconds"] = json!(3600);
    }),
    // The hold of a blue-green release, as the real controller leaves it in the last step.
    ("BatchNotReady", Base::Starting, |scene| {
        scene.runs(true);
        scene.pod()["status"]["conditions"] =
            json!([{ "type": "Ready", "status": "True", "lastTransitionTime": "2998-01-01T00:00:00Z" }]);
        scene.of("Deployment", "web")["spec"]["minReadySeconds"] = json!(2_147_483_646);
    }),
    ("TerminatingStuck", Base::Starting, |scene| {
        scene.pod()["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        scene.pod()["metadata"]["finalizers"] = json!(["acme.io/drain"]);
    }),
    ("ContainersNotStarted", Base::Starting, |_| {}),
    ("BatchNotReady", Base::Starting, |scene| {
        scene.refused("");
    }),
    ("PDBBlocks", Base::Starting, |scene| {
        scene.add(json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": "web" },
            "spec": { "minAvailable": 4, "selector": { "matchLabels": { "app": "web" } } }, "status": { "disruptionsAllowed": 0 } }));
        scene.tells(
            "EvictionBlocked",
            "Cannot evict pod as it would violate the pod's disruption budget.",
        );
    }),
    ("HPAFighting", Base::Starting, |scene| {
        scene.add(json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "web" },
            "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }, "maxReplicas": 9 },
            "status": { "desiredReplicas": 7 } }));
    }),
    ("ReplicaDrift", Base::Rest, |scene| {
        let deployment = scene.of("Deployment", "web");
        deployment["spec"]["paused"] = json!(true);
        deployment["spec"]["replicas"] = json!(8);
    }),
    ("TrafficObjectMissing", Base::Waiting, |scene| {
        scene.remove("Service");
    }),
    ("ServiceSelectorMismatch", Base::Waiting, |scene| {
        scene.of("Service", "web")["spec"]["selector"] = json!({ "app": "wep" });
    }),
    ("RouteNotAccepted", Base::Waiting, |scene| {
        scene.rollout()["spec"]["strategy"]["canary"]["trafficRoutings"] =
            json!([{ "service": "web", "gateway": { "httpRouteName": "web" } }]);
        scene.add(json!({ "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": { "name": "web" },
            "spec": { "rules": [{ "backendRefs": [{ "name": "web", "port": 80, "weight": 80 }, { "name": "web-canary", "port": 80, "weight": 20 }] }] },
            "status": { "parents": [{ "parentRef": { "name": "gw" }, "controllerName": "acme.io/gw", "conditions": [
                { "type": "Accepted", "status": "False", "reason": "NoMatchingParent", "message": "no listener" }] }] } }));
    }),
    ("NoEndpoints", Base::Waiting, |scene| {
        scene.status(json!({ "canaryStatus": { "currentStepState": "StepTrafficRouting" } }));
        scene.lease("rollout-web", LATER);
        scene.add(json!({ "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": { "name": "web-1", "labels": { "kubernetes.io/service-name": "web" } },
            "addressType": "IPv4", "endpoints": [{ "addresses": ["10.0.0.1"], "conditions": { "ready": false } }] }));
    }),
    ("LuaMissing", Base::Waiting, |scene| {
        scene.status(json!({ "message": "traffic routing is not possible: traffic routing by ingress class acme is not supported" }));
    }),
    ("TrafficBlocked", Base::Waiting, |scene| {
        scene.status(json!({ "message": "traffic routing is not possible: Service web has no selector, its versions cannot be told apart" }));
    }),
    ("WeightNotApplied", Base::Waiting, |scene| {
        scene.of("Ingress", "web-canary")["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary-weight"] =
            json!("70");
    }),
];

#[test]
fn trap19_the_first_cause_named_is_the_right_one() {
    let mut bases: std::collections::BTreeMap<Base, Vec<Value>> = std::collections::BTreeMap::new();
    let mut wrong = Vec::new();
    for (id, base, spoil) in CASES {
        let objects = bases.entry(*base).or_insert_with(|| base.objects()).clone();
        let mut scene = Scene(objects);
        spoil(&mut scene);
        let shop = Served::with(scene.0, Life::Still);
        let explained = shop.kruise(&["explain", "web", "-o", "json"]);
        let document: Value = match serde_json::from_str(&explained.stdout) {
            Ok(document) => document,
            Err(_) => {
                wrong.push(format!("{id}: {explained}"));
                continue;
            }
        };
        let causes = document["causes"].as_array().unwrap();
        let ids: Vec<&Value> = causes.iter().map(|cause| &cause["id"]).collect();
        if ids.first() != Some(&&json!(id)) {
            wrong.push(format!("{id}: named {ids:?}, verdict {}", document["verdict"]));
            continue;
        }
        let first = &causes[0];
        if explained.stdout.contains("'acme'") {
            wrong.push(format!("{id}: shows whose account it is"));
        }
        let evident = first["evidence"].as_array().is_some_and(|all| !all.is_empty());
        if !evident || !first["command"].is_string() || !first["actor"].is_string() {
            wrong.push(format!("{id}: without evidence, command or actor: {first}"));
        }
        if !shop.sim.trace().is_empty() {
            wrong.push(format!("{id}: something was written"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The command goes to the object that is at fault: the Service, the route, or the Rollout itself.
#[test]
fn what_stops_traffic_is_told_with_where_to_change_it() {
    let of_rollout = "kubectl edit rollouts.rollouts.kruise.io web -n shop";
    for (why, command) in [
        (
            "Service web has no selector, its versions cannot be told apart",
            "kubectl edit service web -n shop",
        ),
        (
            "Ingress web has no rule for Service web",
            "kubectl edit ingress web -n shop",
        ),
        (
            "Ingress web-canary is in the way, it does not belong to this Rollout",
            "kubectl describe ingress web-canary -n shop",
        ),
        (
            "spec.rules of Ingress web was edited while the release has it changed too; undo that edit, or roll back",
            "kubectl edit ingress web -n shop",
        ),
        ("step 2: TLSRoute cannot match headers", of_rollout),
        (
            "Ingress web is named in trafficRoutings and by TrafficRouting web; only one of them can split it",
            of_rollout,
        ),
    ] {
        let mut scene = Scene(Base::Waiting.objects());
        scene.status(json!({ "message": format!("traffic routing is not possible: {why}") }));
        let shop = Served::with(scene.0, Life::Still);
        let document = shop.kruise(&["explain", "web", "-o", "json"]).json();
        let first = &document["causes"][0];
        assert_eq!(
            (&first["id"], &first["command"]),
            (&json!("TrafficBlocked"), &json!(command)),
            "{document:#}"
        );
    }
}

#[test]
fn tells_cause_evidence_actor_and_command() {
    let shop = Served::with(after(&[Turn::Released("web:v2-crash")]), Life::Still);
    assert_snapshot!(fixed(&shop.kruise(&["explain", "web"]).to_string()), @r"
    exit 0
    --- stdout
    shop/web  progressing: step 1/3, bringing up new pods

    1. CrashLoop: 1 of 1 new pods: container main keeps crashing: out of memory (OOMKilled), for SPAN
       pods:      web-canary-l995pg5r58-75bdd6bc74-xvfv6
       evidence:  pod/web-canary-l995pg5r58-75bdd6bc74-xvfv6 status.containerStatuses[main].state.waiting = CrashLoopBackOff: back-off 40s restarting failed container
       evidence:  pod/web-canary-l995pg5r58-75bdd6bc74-xvfv6 status.containerStatuses[main].restartCount = 3
       evidence:  pod/web-canary-l995pg5r58-75bdd6bc74-xvfv6 status.containerStatuses[main].lastState.terminated = OOMKilled (exit code 137)
       acts next: you
       command:   kubectl logs web-canary-l995pg5r58-75bdd6bc74-xvfv6 -c main -n shop --previous
    ");
    let healthy = Served::with(after(&[]), Life::Still);
    assert_snapshot!(healthy.kruise(&["explain", "web"]), @r"
    exit 0
    --- stdout
    shop/web  healthy
    No release is under way. Next: nobody, all is done
    ");
}

/// Generated names of pods, and times that pass while a test runs.
fn fixed(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = match line.split_once(", for ") {
            Some((head, _)) => format!("{head}, for SPAN"),
            None => line.to_owned(),
        };
        lines.push(line);
    }
    lines.join("\n")
}

#[test]
fn trap13_says_what_may_not_be_read_and_goes_on() {
    use http::StatusCode;
    use kubectl_kruise::sim::Fault;
    for (part, resource) in [
        ("/pods", "list pods"),
        ("/events", "list events"),
        ("/leases/", "get leases.coordination.k8s.io"),
        ("/replicasets", "list replicasets.apps"),
        ("/deployments/", "get deployments.apps"),
        ("/services/", "get services"),
        ("/poddisruptionbudgets", "list poddisruptionbudgets.policy"),
    ] {
        let shop = Served::with(after(&[Turn::Released("web:v2-crash")]), Life::Still);
        shop.sim.inject(move |request| {
            request
                .path
                .contains(part)
                .then(|| Fault::Status(StatusCode::FORBIDDEN, "Forbidden".to_owned()))
        });
        for verb in ["status", "explain"] {
            let said = shop.kruise(&[verb, "web"]);
            assert!(
                matches!(said.code, Some(0 | 4 | 5))
                    && said
                        .stdout
                        .contains(&format!("not allowed to {resource} in namespace \"shop\"")),
                "{verb} without {resource}: {said}"
            );
        }
    }
}
