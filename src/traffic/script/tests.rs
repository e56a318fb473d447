//! Scripts as a user has them: our own examples against what is recorded of upstream's, and scripts that mean harm.

mod golden;
mod hostile;
mod merging;

use std::sync::Arc;

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{Configuration, Folder, Scripts, key_of_path};
use crate::traffic::{Split, Wiring};

/// Our own scripts, by their paths in a folder.
const EXAMPLES: [(&str, &str); 7] = [
    (
        "trafficrouting_ingress/nginx.lua",
        include_str!("samples/trafficrouting_ingress/nginx.lua"),
    ),
    (
        "trafficrouting_ingress/higress.lua",
        include_str!("samples/trafficrouting_ingress/higress.lua"),
    ),
    (
        "trafficrouting_ingress/mse.lua",
        include_str!("samples/trafficrouting_ingress/mse.lua"),
    ),
    (
        "trafficrouting_ingress/aliyun-alb.lua",
        include_str!("samples/trafficrouting_ingress/aliyun-alb.lua"),
    ),
    (
        "networking.istio.io/VirtualService/trafficRouting.lua",
        include_str!("samples/networking.istio.io/VirtualService/trafficRouting.lua"),
    ),
    (
        "networking.istio.io/DestinationRule/trafficRouting.lua",
        include_str!("samples/networking.istio.io/DestinationRule/trafficRouting.lua"),
    ),
    (
        "apisix.apache.org/ApisixRoute/trafficRouting.lua",
        include_str!("samples/apisix.apache.org/ApisixRoute/trafficRouting.lua"),
    ),
];

fn examples() -> Scripts {
    let texts = EXAMPLES.iter().map(|(path, text)| {
        let path: Vec<&str> = path.split('/').collect();
        (key_of_path(&path).unwrap(), Arc::from(*text))
    });
    Scripts {
        folder: Some(Arc::new(Folder {
            name: "examples".to_owned(),
            texts: texts.collect(),
        })),
        ..Scripts::default()
    }
}

/// A ConfigMap with one script for one kind or class.
fn configured(key: &str, text: &str) -> Scripts {
    Scripts {
        configuration: Arc::new(Configuration::read(&json!({ key: text }))),
        ..Scripts::default()
    }
}

fn wiring(canary: &str) -> Wiring<'static> {
    Wiring {
        namespace: "shop",
        service: "S",
        canary: canary.to_owned(),
        owner: json!({ "uid": "uid-1", "controller": true, "apiVersion": "v1", "kind": "Rollout", "name": "web" }),
        labels: None,
    }
}

fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

/// A step's split of JSON: `weight`, `matches`, `modifier`.
fn with_split<T>(asked: &Value, run: impl FnOnce(&Split<'_>) -> T) -> T {
    let matches: Vec<_> = serde_json::from_value(asked.get("matches").cloned().unwrap_or(json!([]))).unwrap();
    let modifier: Option<_> = serde_json::from_value(asked["modifier"].clone()).unwrap();
    let weight = asked["weight"]
        .as_i64()
        .map(|weight| i32::try_from(weight).unwrap());
    run(&Split {
        weight,
        matches: &matches,
        header_modifier: modifier.as_ref(),
    })
}

#[test]
fn d20_a_folder_goes_before_the_cluster_and_the_cluster_before_what_is_built_in() {
    let key = "lua.traffic.routing.ingress.nginx";
    let folder = |text: &str| {
        Some(Arc::new(Folder {
            name: "here".to_owned(),
            texts: [(key.to_owned(), Arc::from(text))].into(),
        }))
    };
    let cluster = configured(key, "return {}").configuration;
    let of = |folder, configuration: &Arc<Configuration>| {
        let scripts = Scripts {
            folder,
            configuration: Arc::clone(configuration),
        };
        scripts.ingress("").script().map(|script| script.origin.clone())
    };
    let nothing = Arc::new(Configuration::Missing);
    let map = "ConfigMap kruise-rollout/kruise-rollout-configuration";
    assert_eq!(of(folder("return {}"), &cluster).as_deref(), Some("folder here"));
    // An empty one is none, as in upstream's ConfigMap.
    assert_eq!(of(folder(" \n"), &cluster).as_deref(), Some(map));
    assert_eq!(of(None, &cluster).as_deref(), Some(map));
    assert_eq!(of(folder(""), &nothing), None);
    assert_eq!(of(None, &nothing), None);
}

#[test]
fn files_have_the_places_that_upstream_gives_them() {
    let table = [
        (
            "trafficrouting_ingress/my-class.lua",
            Some("lua.traffic.routing.ingress.my-class"),
        ),
        (
            "apisix.apache.org/ApisixRoute/trafficRouting.lua",
            Some("lua.traffic.routing.ApisixRoute.apisix.apache.org"),
        ),
        (
            "lua.traffic.routing.ingress.my-class",
            Some("lua.traffic.routing.ingress.my-class"),
        ),
        ("README.md", None),
        ("trafficrouting_ingress/notes.txt", None),
        ("apisix.apache.org/ApisixRoute/other.lua", None),
    ];
    for (path, key) in table {
        let parts: Vec<&str> = path.split('/').collect();
        assert_eq!(key_of_path(&parts).as_deref(), key, "{path}");
    }
}

#[test]
fn where_a_script_was_looked_for_is_told() {
    let looked = |scripts: &Scripts| match scripts.custom("example.com/v1", "Route") {
        super::Lookup::Nowhere(looked) => looked,
        other => panic!("{other:?}"),
    };
    let mut scripts = examples();
    let map =
        "key lua.traffic.routing.Route.example.com of ConfigMap kruise-rollout/kruise-rollout-configuration";
    let file = "example.com/Route/trafficRouting.lua in folder examples, ";
    assert_eq!(looked(&scripts), format!("{file}{map} (not there)"));
    scripts.configuration = Arc::new(Configuration::Unreadable("forbidden".to_owned()));
    assert_eq!(
        looked(&scripts),
        format!("{file}{map} (cannot be read: forbidden)")
    );
    assert_eq!(looked(&configured("lua.traffic.routing.x", "")), map);
}
