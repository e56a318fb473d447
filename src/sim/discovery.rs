//! What the server says about itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::resource::Resource;
use super::store::Store;

/// `/version`. The simulator behaves as this release does.
pub(super) fn version() -> Value {
    json!({"major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "clean",
           "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "simulated"})
}

/// The served versions of each group, in the order of the table.
fn groups(store: &Store) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for collection in store.collections() {
        let resource = &collection.resource;
        let at = groups.iter().position(|(name, _)| *name == resource.group);
        let at = at.unwrap_or_else(|| {
            groups.push((resource.group.clone(), Vec::new()));
            groups.len() - 1
        });
        for version in &resource.versions {
            if !groups[at].1.contains(version) {
                groups[at].1.push(version.clone());
            }
        }
    }
    groups.push(("authorization.k8s.io".to_owned(), vec!["v1".to_owned()]));
    groups.retain(|(_, versions)| !versions.is_empty());
    groups
}

/// `/api`.
pub(super) fn core_versions() -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
}

fn group_object(name: &str, versions: &[String]) -> Value {
    let all: Vec<Value> = versions
        .iter()
        .map(|v| json!({"groupVersion": format!("{name}/{v}"), "version": v}))
        .collect();
    json!({"name": name, "versions": all, "preferredVersion": all.first()})
}

/// `/apis`.
pub(super) fn group_list(store: &Store) -> Value {
    let all: Vec<Value> = groups(store)
        .iter()
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, versions)| group_object(name, versions))
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": all})
}

/// `/apis/GROUP`.
pub(super) fn group(store: &Store, name: &str) -> Option<Value> {
    let found = groups(store)
        .into_iter()
        .find(|(group, _)| group == name && !group.is_empty())?;
    let mut object = group_object(&found.0, &found.1);
    object["kind"] = json!("APIGroup");
    object["apiVersion"] = json!("v1");
    Some(object)
}

const VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

fn served<'a>(store: &'a Store, group: &'a str, version: &'a str) -> impl Iterator<Item = &'a Resource> {
    let all = store.collections().iter().map(|c| &*c.resource);
    all.filter(move |r| r.group == group && r.versions.iter().any(|v| v == version))
}

/// `/api/v1` and `/apis/GROUP/VERSION`; `None` when nothing is served there.
pub(super) fn resources(store: &Store, group: &str, version: &str) -> Option<Value> {
    let mut list = Vec::new();
    for r in served(store, group, version) {
        let mut entry = json!({"name": r.plural, "singularName": r.singular, "namespaced": r.namespaced,
                               "kind": r.kind, "verbs": VERBS});
        if !r.short_names.is_empty() {
            entry["shortNames"] = json!(r.short_names);
        }
        if !r.categories.is_empty() {
            entry["categories"] = json!(r.categories);
        }
        list.push(entry);
        for (sub, kind, has) in [("status", r.kind.as_str(), r.status), ("scale", "Scale", r.scale)] {
            if has {
                let name = format!("{}/{sub}", r.plural);
                let mut entry = json!({"name": name, "singularName": "", "namespaced": r.namespaced, "kind": kind,
                                       "verbs": ["get", "patch", "update"]});
                if sub == "scale" {
                    entry["group"] = json!("autoscaling");
                    entry["version"] = json!("v1");
                }
                list.push(entry);
            }
        }
    }
    if group == "authorization.k8s.io" {
        list.push(
            json!({"name": "selfsubjectaccessreviews", "singularName": "selfsubjectaccessreview",
                         "namespaced": false, "kind": "SelfSubjectAccessReview", "verbs": ["create"]}),
        );
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let object = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version,
                        "resources": list});
    (!list_is_empty(&object)).then_some(object)
}

fn list_is_empty(list: &Value) -> bool {
    list["resources"].as_array().is_none_or(Vec::is_empty)
}

/// `/api` and `/apis` in the aggregated form; `core` chooses which.
pub(super) fn aggregated(store: &Store, core: bool) -> Value {
    let mut items = Vec::new();
    for (group, versions) in groups(store).iter().filter(|(name, _)| name.is_empty() == core) {
        let versions: Vec<Value> = versions
            .iter()
            .map(|version| {
                let all: Vec<Value> = served(store, group, version)
                    .map(|r| entry(r, group, version))
                    .collect();
                json!({"version": version, "freshness": "Current", "resources": all})
            })
            .collect();
        items.push(json!({"metadata": {"name": group, "creationTimestamp": null}, "versions": versions}));
    }
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn entry(r: &Resource, group: &str, version: &str) -> Value {
    let of = |kind: &str| json!({"group": group, "version": version, "kind": kind});
    let mut subs = Vec::new();
    if r.status {
        subs.push(json!({"subresource": "status", "responseKind": of(&r.kind), "verbs": ["get", "patch", "update"]}));
    }
    if r.scale {
        let kind = json!({"group": "autoscaling", "version": "v1", "kind": "Scale"});
        subs.push(json!({"subresource": "scale", "responseKind": kind, "verbs": ["get", "patch", "update"]}));
    }
    json!({
        "resource": r.plural, "responseKind": of(&r.kind), "scope": if r.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": r.singular, "verbs": VERBS, "shortNames": r.short_names, "categories": r.categories,
        "subresources": subs,
    })
}

/// `/openapi/v3`.
pub(super) fn openapi(store: &Store) -> Value {
    let mut paths = Map::new();
    for (group, versions) in groups(store) {
        for version in versions {
            let path = if group.is_empty() {
                format!("api/{version}")
            } else {
                format!("apis/{group}/{version}")
            };
            let url = format!("/openapi/v3/{path}");
            paths.insert(path, json!({"serverRelativeURL": url}));
        }
    }
    json!({"paths": paths})
}

/// One group and version of `/openapi/v3`: just enough for kubectl to know that the server validates.
pub(super) fn openapi_of(store: &Store, group: &str, version: &str) -> Value {
    let root = if group.is_empty() {
        format!("/api/{version}")
    } else {
        format!("/apis/{group}/{version}")
    };
    let mut paths = BTreeMap::new();
    for r in served(store, group, version) {
        let scope = if r.namespaced {
            "/namespaces/{namespace}"
        } else {
            ""
        };
        let parameter = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string"}});
        let patch = json!({
            "parameters": [parameter("dryRun"), parameter("fieldManager"), parameter("fieldValidation")],
            "requestBody": {"content": {"application/merge-patch+json": {"schema": {"type": "object"}}}},
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": r.kind},
        });
        paths.insert(
            format!("{root}{scope}/{}/{{name}}", r.plural),
            json!({"patch": patch}),
        );
    }
    json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.36.3"}, "paths": paths,
           "components": {"schemas": {}}})
}
