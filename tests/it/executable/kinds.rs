//! `plan`, `status` and `rollback` of every kind and style beside canaries of Deployments.

use kubectl_kruise::workload::Kind;
use serde_json::{Value, json};

use super::set::workload;
use crate::harness::{
    served::{Life, Served},
    shop::settled,
};

/// A kind, its style, and the old pods that stay at the first and at the second of two steps of three pods.
struct Case {
    kind: Kind,
    blue_green: bool,
    old: [i64; 2],
}

const CASES: [Case; 8] = [
    // It is done when the new pods are ready; that the last old one leaves is closing work.
    case(Kind::Deployment, false, [1, 1]),
    case(Kind::Deployment, true, [3, 3]),
    case(Kind::StatefulSet, false, [1, 0]),
    case(Kind::DaemonSet, false, [1, 0]),
    case(Kind::CloneSet, false, [1, 0]),
    case(Kind::CloneSet, true, [3, 3]),
    case(Kind::AdvancedStatefulSet, false, [1, 0]),
    case(Kind::AdvancedDaemonSet, false, [1, 0]),
];

const fn case(kind: Kind, blue_green: bool, old: [i64; 2]) -> Case {
    Case {
        kind,
        blue_green,
        old,
    }
}

impl Case {
    fn name(&self) -> String {
        format!("{:?}, blue-green {}", self.kind, self.blue_green)
    }

    fn objects(&self, image: Option<&str>) -> Vec<Value> {
        let mut objects = workload(self.kind, &json!({}));
        if self.blue_green {
            let mut steps = objects[2]["spec"]["strategy"]["canary"]["steps"].take();
            steps[0]["replicas"] = match self.kind {
                Kind::CloneSet => json!("100%"),
                _ => json!(self.first()),
            };
            objects[2]["spec"]["strategy"] = json!({ "blueGreen": { "steps": steps } });
        }
        objects.remove(0);
        // Pods with the same label that belong to nobody: they are neither counted nor copied.
        objects.push(json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "alone", "namespace": "shop",
            "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "main", "image": "web:v0" }] } }));
        settled(&objects, image)
    }

    /// New pods of the first step. Of a CloneSet all: Kruise surges by no more than the pods that are still missing, so that
    /// a surge that grows from step to step stands still (see `sim`'s model).
    fn first(&self) -> i64 {
        if self.kind == Kind::CloneSet && self.blue_green {
            3
        } else {
            2
        }
    }

    fn gates(&self) -> Value {
        // A last step of all pods passes by itself, but not in blue-green.
        json!([
            ["approval", self.first(), self.old[0]],
            [if self.blue_green { "approval" } else { "-" }, 3, self.old[1]]
        ])
    }
}

fn gates(plan: &Value) -> Value {
    let steps = plan["steps"].as_array().unwrap().iter();
    steps
        .map(|step| json!([step["gate"], step["newPods"], step["oldPods"]]))
        .collect()
}

#[test]
fn releases_are_planned() {
    for case in CASES {
        let shop = Served::with(case.objects(None), Life::Still);
        let said = shop.kruise(&["plan", "web", "--set-image", "main=web:v2", "-o", "json"]);
        assert_eq!(said.code, Some(0), "{}: {said}", case.name());
        let plan = said.json();
        assert_eq!(
            json!([plan["end"], gates(&plan)]),
            json!(["Completed", case.gates()]),
            "{}: {said}",
            case.name()
        );
        assert_eq!(shop.sim.trace(), [], "nothing is written");
    }
}

#[test]
fn a_pause_is_shown_planned_and_left() {
    for case in CASES {
        let name = case.name();
        let shop = Served::with(case.objects(Some("web:v2")), Life::Still);

        let said = shop.kruise(&["status", "web", "-o", "json"]);
        let requests = shop.requests();
        assert!(requests.len() <= 6, "{name}: {}", shop.requested());
        let status = said.json();
        let revisions = status["revisions"].as_array().unwrap().iter();
        let revisions: Value = revisions
            .map(|one| {
                json!([
                    one["role"],
                    one["images"][0],
                    one["desired"],
                    one["current"],
                    one["ready"]
                ])
            })
            .collect();
        let (old, new) = (case.old[0], case.first());
        assert_eq!(
            json!([said.code, status["verdict"], status["replicas"], revisions]),
            json!([
                4,
                "WaitingForApproval",
                3,
                [
                    ["stable", "web:v1", old, old, old],
                    ["new", "web:v2", new, new, new]
                ]
            ]),
            "{name}: {said}"
        );

        let said = shop.kruise(&["plan", "web", "-o", "json"]);
        let plan = said.json();
        assert_eq!(
            json!([plan["end"], gates(&plan)]),
            json!(["Completed", case.gates()]),
            "{name}: {said}"
        );

        let said = shop.kruise(&["rollback", "web", "--yes", "--no-wait"]);
        assert_eq!(said.code, Some(0), "{name}: {said}");
        let object = shop.get(case.kind.api_versions()[0], case.kind.kind(), "web");
        assert_eq!(
            object["spec"]["template"]["spec"]["containers"][0]["image"], "web:v1",
            "{name}"
        );

        let said = shop.kruise(&["plan", "web", "-o", "json"]);
        assert_eq!(said.json()["end"], "RolledBack", "{name}: {said}");
    }
}

#[test]
fn a_daemon_set_has_no_replicas_to_plan_with() {
    let shop = Served::with(case(Kind::DaemonSet, false, [0, 0]).objects(None), Life::Still);
    let said = shop.kruise(&["plan", "web", "--replicas", "5"]);
    assert_eq!(
        (said.code, said.stderr.as_str()),
        (
            Some(1),
            "error: the change would be refused: a DaemonSet has a pod on each node, and no number of replicas\n"
        ),
        "{said}"
    );
}

#[test]
fn every_write_can_be_shown() {
    let shop = Served::with(case(Kind::StatefulSet, false, [0, 0]).objects(None), Life::Still);
    let said = shop.kruise(&["plan", "web", "--set-image", "main=web:v2", "--writes"]);
    let document = shop
        .kruise(&["plan", "web", "--set-image", "main=web:v2", "-o", "json"])
        .json();
    let writes = document["writes"].as_array().unwrap();
    assert!(writes.len() > 5, "{document}");
    let mut shown: Vec<Vec<&str>> = Vec::new();
    let lines = said.stdout.lines().skip_while(|line| !line.starts_with('+'));
    for line in lines.take_while(|line| !line.is_empty()) {
        if line.starts_with('+') {
            shown.push(Vec::new());
        }
        shown.last_mut().unwrap().push(line.trim());
    }
    assert_eq!(shown.len(), writes.len(), "{said}");
    let fields = |body: &Value| {
        body.as_object()
            .map(|body| body.keys().cloned().collect::<Vec<_>>())
    };
    for (write, lines) in writes.iter().zip(&shown) {
        let text = |field: &str| write[field].as_str().unwrap();
        let title = format!("{}: {}", text("object"), text("purpose"));
        assert!(lines[0].ends_with(&title), "{title}: {said}");
        assert_eq!(lines[1], format!("{} {}", text("verb"), text("path")), "{said}");
        if !write["body"].is_null() {
            // Times are those of another moment.
            let body: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
            assert_eq!(fields(&body), fields(&write["body"]), "{title}: {said}");
        }
    }
}
