//! Traffic that is not the plain split of a Rollout's own: shared with others, and split by scripts.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{
    served::{Life, Served},
    shop::{NAMESPACE, application, settled},
};

/// The application, split by a TrafficRouting.
fn lane() -> Vec<Value> {
    let mut all = application("web");
    all[2]["metadata"]["annotations"] = json!({ "mse.ingress.kubernetes.io/service-subset": "" });
    let rollout = all.last_mut().unwrap();
    rollout["metadata"]["annotations"] = json!({ "rollouts.kruise.io/trafficrouting": "lane" });
    let canary = &mut rollout["spec"]["strategy"]["canary"];
    canary["trafficRoutings"].take();
    for step in canary["steps"].as_array_mut().unwrap() {
        step.as_object_mut().unwrap().remove("traffic");
    }
    let matches = json!([{ "headers": [{ "type": "Exact", "name": "x-lane", "value": "gray" }] }]);
    let routing = json!({ "service": "web", "gracePeriodSeconds": 1, "ingress": { "name": "web", "classType": "mse" } });
    all.insert(
        1,
        json!({ "apiVersion": "rollouts.kruise.io/v1alpha1", "kind": "TrafficRouting",
            "metadata": { "name": "lane", "namespace": NAMESPACE },
            "spec": { "objectRef": [routing], "strategy": { "matches": matches } } }),
    );
    all
}

#[test]
fn a_shared_split_stands_in_every_step() {
    let shop = Served::with(settled(&lane(), None), Life::Still);
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "main=web:v2"]), @"
    exit 0
    --- stdout
    Plan for shop/web
    STEP     NEW   OLD   READY   PODS   TRAFFIC NEW/OLD            GATE       EARLIEST   LIKELY    WRITES
    1        1     3     3..4    4      by match (lane)/the rest   approval   +TIME      ~TIME    11
    2        2     3     4..5    5      by match (lane)/the rest   600 s      +TIME      ~TIME    6
    3        3     3     5..6    6      by match (lane)/the rest   -          +TIME     ~TIME   5
    finish   3     0     3..7    7      -                          -          +TIME     ~TIME   13

    ~ unknown: how long approvals of step 1 take: no time is counted for them
    Summary: 3 steps, 35 writes, never below 3 ready pods, at most 7 pods, +TIME at the earliest, 0 blockers, completes.
    ");
    assert_eq!(shop.sim.trace(), [], "nothing is written");
    let shop = Served::with(settled(&lane(), Some("web:v2")), Life::Still);
    assert_snapshot!(shop.kruise(&["status", "web"]), @r"
    exit 4
    --- stdout
    Rollout:  shop/web  canary of deployment/web
    State:    waiting for approval: step 1/3, since SPAN
    Next:     you
    Command:  kubectl kruise rollout approve web -n shop --step 1 --standalone
    Message:  Rollout is in step(1/3), and you need manually confirm to enter the next step
    Shared:   trafficrouting/lane is Progressing, needed by web
    Cause:    no controller carries this out: unless a 'run --forever' waits for it, going on needs --standalone

        STEP   PODS   TRAFFIC           ENDS
    ▶   1      1      by match (lane)   by approval
    ·   2      2      by match (lane)   after 10m
    ·   3      100%   by match (lane)   by itself

    VERSION   HASH         DESIRED   CURRENT   READY   IMAGES
    stable    6758fd9795   3         3         3       web:v1
    new       f66cd76cb    1         1         1       web:v2

    TRAFFIC TO NEW   WANTED     SET
    ingress/web      by match   requests with header x-lane
    ");
}

/// An Ingress class and a kind of one's own, whose scripts stand in the ConfigMap.
fn scripted() -> Vec<Value> {
    let mut all = application("web");
    let strategy = &mut all.last_mut().unwrap()["spec"]["strategy"]["canary"];
    strategy["trafficRoutings"] = json!([{ "service": "web", "gracePeriodSeconds": 1,
        "ingress": { "name": "web", "classType": "lanes" },
        "customNetworkRefs": [{ "apiVersion": "mesh.example.com/v1", "kind": "Way", "name": "web" }] }]);
    let schema =
        json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": "ways.mesh.example.com" },
        "spec": { "group": "mesh.example.com", "scope": "Namespaced",
            "names": { "kind": "Way", "plural": "ways", "singular": "way", "listKind": "WayList" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": schema }] },
    });
    let way = json!({ "apiVersion": "mesh.example.com/v1", "kind": "Way", "metadata": { "name": "web", "namespace": NAMESPACE },
        "spec": { "ways": [{ "to": "web", "share": 100 }] } });
    let class = "local out = obj.annotations\n\
        out['lanes.example.com/share'] = obj.weight\n\
        return out";
    let kind = "obj.data.spec.ways[1].share = obj.stableWeight\n\
        table.insert(obj.data.spec.ways, { to = obj.canaryService, share = obj.canaryWeight })\n\
        return obj.data";
    let scripts = json!({ "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "kruise-rollout-configuration", "namespace": "kruise-rollout" },
        "data": { "lua.traffic.routing.ingress.lanes": class, "lua.traffic.routing.Way.mesh.example.com": kind } });
    all.splice(1..1, [definition, way, scripts]);
    all
}

#[test]
fn what_scripts_wrote_is_told() {
    let at_rest = Served::with(settled(&scripted(), None), Life::Still);
    let paused = Served::with(settled(&scripted(), Some("web:v2")), Life::Still);
    let routes = |shop: &Served| {
        let told = shop.kruise(&["status", "web"]).stdout;
        let from = told.find("TRAFFIC TO NEW").unwrap_or_else(|| panic!("{told}"));
        told[from..].to_owned()
    };
    assert_snapshot!(routes(&at_rest), @r"
    TRAFFIC TO NEW   WANTED   SET
    way/web          -        0%
    ingress/web      -        0%
    ");
    assert_snapshot!(routes(&paused), @r"
    TRAFFIC TO NEW   WANTED   SET
    way/web          20%      by its script
    ingress/web      20%      lanes.example.com/share: 20
    ");
}

/// OpenKruise Rollouts carries such a release out, and so do we; nobody is to believe that it moved requests.
#[test]
fn a_split_between_one_service_and_itself_is_none() {
    let mut all = application("web");
    all.last_mut().unwrap()["spec"]["strategy"]["canary"]["disableGenerateCanaryService"] = json!(true);
    let shop = Served::with(settled(&all, Some("web:v2")), Life::Still);
    let told = shop.kruise(&["status", "web"]).stdout;
    assert_snapshot!(&told[told.find("TRAFFIC TO NEW").unwrap()..], @r"
    TRAFFIC TO NEW   WANTED   SET
    ingress/web      20%      0%: both versions are behind Service web
    ");
}

/// The definition of the Rollout refuses another routing in the middle of a release: to edit it is no way out.
#[test]
fn a_class_that_nobody_knows_is_left_by_the_way_back() {
    let mut all = application("web");
    let strategy = &mut all.last_mut().unwrap()["spec"]["strategy"]["canary"];
    strategy["trafficRoutings"][0]["ingress"]["classType"] = json!("lanes");
    let shop = Served::with(settled(&all, Some("web:v2")), Life::Still);
    let document = shop.kruise(&["explain", "web", "-o", "json"]).json();
    let first = &document["causes"][0];
    assert_eq!(
        (&first["id"], &first["command"]),
        (
            &json!("LuaMissing"),
            &json!("kubectl kruise rollout rollback web -n shop --standalone")
        )
    );
}
