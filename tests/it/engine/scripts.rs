//! Releases through an Ingress class and a kind of route that only a script of the user's knows.

use kubectl_kruise::{
    api::keys,
    traffic::script::{CONFIGURATION, NAMESPACE as HOME},
};
use serde_json::{Value, json};

use super::{
    shape::Shape,
    turn::is_waiting,
    world::{APP, Engine, INGRESS, NAMESPACE, Setup, World, step},
};

/// An Ingress class of one's own: shares by an annotation, headers by another.
const CLASS: &str = "
local out = obj.annotations
out['lanes.example.com/share'] = obj.weight ~= '-1' and obj.weight or nil
out['lanes.example.com/header'] = obj.matches and obj.matches[1].headers[1].name or nil
return out";

/// A kind of one's own, whose plural nobody would guess.
const KIND: (&str, &str) = ("mesh.example.com/v1", "MeshWay");
const WAYS: &str = "
for _, way in ipairs(obj.data.spec.ways) do
    if way.to == obj.stableService then
        way.share = obj.stableWeight
    end
end
table.insert(obj.data.spec.ways, { to = obj.canaryService, share = obj.canaryWeight })
return obj.data";

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "wayset.mesh.example.com" },
        "spec": { "group": "mesh.example.com", "scope": "Namespaced",
            "names": { "kind": "MeshWay", "plural": "wayset", "singular": "meshway", "listKind": "MeshWayList" },
            "versions": [{ "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } } }] },
    })
}

fn way() -> Value {
    json!({ "apiVersion": KIND.0, "kind": KIND.1,
        "metadata": { "name": "web", "namespace": NAMESPACE, "labels": { "team": "a" } },
        "spec": { "ways": [{ "to": APP, "share": 100 }], "hosts": [] } })
}

fn configuration(scripts: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<String, Value> = scripts
        .iter()
        .map(|(key, text)| ((*key).to_owned(), json!(text)))
        .collect();
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": CONFIGURATION, "namespace": HOME }, "data": data })
}

async fn world(routings: Value) -> World {
    let world = World::new(Setup {
        shape: Shape::canary(),
        steps: json!([
            step(&json!(1), Some(20), None),
            step(&json!("50%"), Some(60), None),
            step(&json!("100%"), Some(100), None)
        ]),
        ..Setup::default()
    })
    .await;
    world.strategy(json!({ "trafficRoutings": routings })).await;
    world
}

async fn release(world: &mut World) -> Engine {
    let mut engine = world.engine(true);
    world
        .until(&mut engine, "rest", 60, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
    world.image("v2").await;
    engine
}

async fn step_on(world: &mut World, engine: &mut Engine) {
    world.approve().await;
    world.pass(1.0).await;
    world
        .until(engine, "a pause or the end", 300, |w| {
            is_waiting(w) || w.phase_is("Healthy")
        })
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_ingress_class_of_ones_own_is_released_through() {
    let mut world = world(json!([{ "service": APP, "gracePeriodSeconds": 1, "ingress": { "name": APP, "classType": "lanes" } }])).await;
    let mut engine = release(&mut world).await;
    world.pass(20.0).await;
    let place = world.place();
    let sentence = "there is no script for ingress class \"lanes\" (nginx, higress, mse and aliyun-alb need none): looked for key \
                    lua.traffic.routing.ingress.lanes of ConfigMap kruise-rollout/kruise-rollout-configuration (not there); \
                    'kubectl kruise rollout run --scripts DIR' reads scripts from a folder";
    assert!(place.contains(sentence), "{place}");
    // The engine goes on when the script comes.
    world
        .sim
        .load(configuration(&[("lua.traffic.routing.ingress.lanes", CLASS)]))
        .unwrap();
    world
        .until(&mut engine, "step 1", 120, |w| w.paused_at(1))
        .await
        .unwrap();
    let share = |world: &World| {
        let twin = world
            .sim
            .get(INGRESS.0, INGRESS.1, NAMESPACE, &format!("{APP}-canary"));
        twin.map(|twin| twin["metadata"]["annotations"]["lanes.example.com/share"].clone())
    };
    assert_eq!(share(&world), Some(json!("20")));
    step_on(&mut world, &mut engine).await;
    assert_eq!(share(&world), Some(json!("60")));
    step_on(&mut world, &mut engine).await;
    for _ in 0..3 {
        if world.phase_is("Healthy") {
            break;
        }
        step_on(&mut world, &mut engine).await;
    }
    world.pass(5.0).await;
    assert_eq!(share(&world), None);
    assert_eq!(world.leftovers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_kind_of_ones_own_is_released_through_and_given_back() {
    let refs = json!([{ "apiVersion": KIND.0, "kind": KIND.1, "name": "web" }]);
    let mut world =
        world(json!([{ "service": APP, "gracePeriodSeconds": 1, "customNetworkRefs": refs }])).await;
    world
        .sim
        .load(configuration(&[(
            "lua.traffic.routing.MeshWay.mesh.example.com",
            WAYS,
        )]))
        .unwrap();
    let mut engine = release(&mut world).await;
    world.pass(20.0).await;
    let place = world.place();
    assert!(
        place.contains("the cluster does not serve MeshWay.mesh.example.com"),
        "{place}"
    );
    world.sim.load(definition()).unwrap();
    world.sim.load(way()).unwrap();
    world
        .until(&mut engine, "step 1", 120, |w| w.paused_at(1))
        .await
        .unwrap();
    let live = |world: &World| world.sim.get(KIND.0, KIND.1, NAMESPACE, "web").unwrap();
    let shares = |stable: i32, canary: i32| json!({ "ways": [{ "to": APP, "share": stable }, { "to": format!("{APP}-canary"), "share": canary }], "hosts": [] });
    assert_eq!(live(&world)["spec"], shares(80, 20));
    step_on(&mut world, &mut engine).await;
    assert_eq!(live(&world)["spec"], shares(40, 60));
    // A script that fails in the middle stops the release, with its words.
    let text = "local x = nil + 1";
    let path = format!("/api/v1/namespaces/{HOME}/configmaps/{CONFIGURATION}");
    let broken = json!({ "data": { "lua.traffic.routing.MeshWay.mesh.example.com": text } });
    world
        .user
        .send(
            http::Method::PATCH,
            &path,
            "application/merge-patch+json",
            &broken,
        )
        .await
        .unwrap();
    world.approve().await;
    world.pass(20.0).await;
    let place = world.place();
    assert!(
        place.contains(
            "failed: lua.traffic.routing.MeshWay.mesh.example.com:1: attempt to perform arithmetic"
        ),
        "{place}"
    );
    // Its end needs no script.
    world
        .user
        .send(http::Method::DELETE, &path, "application/json", &Value::Null)
        .await
        .unwrap();
    world.image("v1").await;
    world
        .until(&mut engine, "rolled back", 300, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
    world.pass(5.0).await;
    let back = live(&world);
    assert_eq!(
        (
            &back["spec"],
            &back["metadata"]["labels"],
            back["metadata"]["annotations"][keys::ORIGINAL_SPEC].clone()
        ),
        (&way()["spec"], &way()["metadata"]["labels"], Value::Null)
    );
    assert_eq!(world.leftovers(), Vec::<String>::new());
}
