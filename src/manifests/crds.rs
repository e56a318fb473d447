//! CustomResourceDefinitions generated from the types of [`crate::api`].

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaPropsOrArray, JSONSchemaPropsOrBool, ValidationRule,
};
use kube::CustomResourceExt;
use serde_json::Value;

use crate::api::{analysis_template, rollout::immutable, traffic_routing, v1beta1};

/// The definitions of Rollout (v1beta1, served and stored), TrafficRouting (v1alpha1) and AnalysisTemplate (v1alpha1, our own).
///
/// An API server accepts, rejects and defaults by them as by those of OpenKruise Rollouts, except that v1alpha1
/// Rollouts are not served: without a conversion webhook a server would silently drop their fields.
#[must_use]
pub fn crds() -> Vec<Value> {
    // Structs of strings, numbers and maps by string always have a JSON form.
    definitions()
        .iter()
        .map(|definition| serde_json::to_value(definition).unwrap_or_default())
        .collect()
}

/// The same, typed.
#[must_use]
pub fn definitions() -> Vec<CustomResourceDefinition> {
    let mut definitions = vec![
        v1beta1::Rollout::crd(),
        traffic_routing::TrafficRouting::crd(),
        analysis_template::AnalysisTemplate::crd(),
    ];
    if let Some(root) = definitions.first_mut().and_then(root_of) {
        root.x_kubernetes_validations = Some(transitions());
    }
    for definition in &mut definitions {
        definition.metadata.labels = Some(
            [(
                "app.kubernetes.io/part-of".to_owned(),
                "kubectl-kruise".to_owned(),
            )]
            .into(),
        );
        for version in &mut definition.spec.versions {
            if let Some(root) = version
                .schema
                .as_mut()
                .and_then(|schema| schema.open_api_v3_schema.as_mut())
            {
                // A Go type's spec is never absent on the wire, so upstream's schema does not demand one.
                root.required = None;
                drop_null(root);
            }
        }
    }
    definitions
}

fn root_of(definition: &mut CustomResourceDefinition) -> Option<&mut JSONSchemaProps> {
    let version = definition.spec.versions.first_mut()?;
    version.schema.as_mut()?.open_api_v3_schema.as_mut()
}

/// What may not be changed while a release is under way, in the words of upstream's webhook (engine-rollout 3.1, rules 19
/// to 21); the number of steps may be. Field selection without `has` would fail on what is absent, and the optional
/// syntax is younger than the servers that know transition rules.
fn transitions() -> Vec<ValidationRule> {
    let both = |left: &str, right: &str, path: &str| {
        format!("{left}.spec.strategy{path} == {right}.spec.strategy{path}")
    };
    let is_there = |of: &str, style: &str| format!("has({of}.spec.strategy.{style})");
    let same_presence =
        |style: &str| format!("{} == {}", is_there("self", style), is_there("oldSelf", style));
    let extra = |of: &str| {
        format!(
            "({} && has({of}.spec.strategy.canary.enableExtraWorkloadForCanary) && {of}.spec.strategy.canary.enableExtraWorkloadForCanary)",
            is_there(of, "canary")
        )
    };
    let routings = |style: &str| {
        let has = |of: &str| format!("has({of}.spec.strategy.{style}.trafficRoutings)");
        let path = format!(".{style}.trafficRoutings");
        format!(
            "!{} || !{} || ({} == {} && (!{} || {}))",
            is_there("self", style),
            is_there("oldSelf", style),
            has("self"),
            has("oldSelf"),
            has("self"),
            both("self", "oldSelf", &path)
        )
    };
    let rules = [
        (
            "self.spec.workloadRef == oldSelf.spec.workloadRef".to_owned(),
            immutable::REF,
            ".spec.workloadRef",
        ),
        (
            format!(
                "{} && {} && {} == {}",
                same_presence("canary"),
                same_presence("blueGreen"),
                extra("self"),
                extra("oldSelf")
            ),
            immutable::STYLE,
            ".spec.strategy",
        ),
        (
            routings("canary"),
            immutable::CANARY_ROUTINGS,
            ".spec.strategy.canary",
        ),
        (
            routings("blueGreen"),
            immutable::BLUE_GREEN_ROUTINGS,
            ".spec.strategy.blueGreen",
        ),
    ];
    rules
        .into_iter()
        .map(|(rule, message, path)| ValidationRule {
            rule: format!(
                "!has(self.spec) || !has(oldSelf.spec) || !has(oldSelf.status) || !has(oldSelf.status.phase) || !(oldSelf.status.phase in ['Progressing', 'Terminating']) || ({rule})"
            ),
            message: Some(message.to_owned()),
            field_path: Some(path.to_owned()),
            ..ValidationRule::default()
        })
        .collect()
}

/// Takes `nullable` away from every level: a server then drops a null that a user wrote, or replaces it by the default,
/// as it does with upstream's definitions, instead of storing it.
fn drop_null(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    for property in schema
        .properties
        .iter_mut()
        .flat_map(|properties| properties.values_mut())
    {
        drop_null(property);
    }
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(item)) => drop_null(item),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(drop_null),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(value)) = &mut schema.additional_properties {
        drop_null(value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::crds;

    const CANARY: &str = "/properties/spec/properties/strategy/properties/canary/properties";
    const BLUE_GREEN: &str = "/properties/spec/properties/strategy/properties/blueGreen/properties";
    const STATUS: &str = "/properties/status";

    fn schema(definition: &Value) -> &Value {
        &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    }

    #[test]
    fn serve_one_version_each() {
        let seen: Vec<Value> = crds()
            .iter()
            .map(|definition| {
                let version = &definition["spec"]["versions"][0];
                let columns: Vec<Value> = version["additionalPrinterColumns"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|column| json!([column["name"], column["type"], column["jsonPath"]]))
                    .collect();
                json!([
                    definition["metadata"]["name"],
                    definition["spec"]["scope"],
                    definition["spec"]["versions"].as_array().unwrap().len(),
                    version["name"],
                    version["served"],
                    version["storage"],
                    version["subresources"],
                    columns,
                ])
            })
            .collect();
        assert_eq!(
            seen,
            [
                json!(["rollouts.rollouts.kruise.io", "Namespaced", 1, "v1beta1", true, true, {"status": {}}, [
                    ["STATUS", "string", ".status.phase"],
                    ["CANARY_STEP", "integer", ".status.currentStepIndex"],
                    ["CANARY_STATE", "string", ".status.currentStepState"],
                    ["MESSAGE", "string", ".status.message"],
                    ["AGE", "date", ".metadata.creationTimestamp"],
                ]]),
                json!(["trafficroutings.rollouts.kruise.io", "Namespaced", 1, "v1alpha1", true, true, {"status": {}}, [
                    ["STATUS", "string", ".status.phase"],
                    ["MESSAGE", "string", ".status.message"],
                    ["AGE", "date", ".metadata.creationTimestamp"],
                ]]),
                json!([
                    "analysistemplates.rollouts.kruise.io",
                    "Namespaced",
                    1,
                    "v1alpha1",
                    true,
                    true,
                    null,
                    [
                        ["METRICS", "string", ".spec.metrics[*].name"],
                        ["ON_FAILURE", "string", ".spec.onFailure"],
                        ["AGE", "date", ".metadata.creationTimestamp"],
                    ]
                ]),
            ]
        );
    }

    #[test]
    fn state_every_constraint_of_a_rollout() {
        let definitions = crds();
        let schema = schema(&definitions[0]);
        let header = r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$";
        let cases = [
            ("/properties/spec", "required", json!(["strategy", "workloadRef"])),
            ("/properties/spec/properties/disabled", "default", json!(false)),
            (
                "/properties/spec/properties/workloadRef",
                "required",
                json!(["apiVersion", "kind", "name"]),
            ),
            ("CANARY/steps", "maxItems", json!(50)),
            (
                "CANARY/failureThreshold",
                "x-kubernetes-int-or-string",
                json!(true),
            ),
            (
                "CANARY/patchPodTemplateMetadata/properties/labels/additionalProperties",
                "type",
                json!("string"),
            ),
            ("CANARY/trafficRoutings/items", "required", json!(["service"])),
            (
                "CANARY/trafficRoutings/items/properties/gracePeriodSeconds",
                "default",
                json!(3),
            ),
            (
                "CANARY/trafficRoutings/items/properties/ingress",
                "required",
                json!(["name"]),
            ),
            (
                "CANARY/trafficRoutings/items/properties/customNetworkRefs/items",
                "required",
                json!(["apiVersion", "kind", "name"]),
            ),
            ("STEP/replicas", "x-kubernetes-int-or-string", json!(true)),
            ("STEP/pause/properties/duration", "format", json!("int32")),
            ("STEP/matches", "maxItems", json!(16)),
            ("MATCH/headers", "maxItems", json!(16)),
            ("MATCH/headers", "x-kubernetes-list-type", json!("map")),
            ("MATCH/headers", "x-kubernetes-list-map-keys", json!(["name"])),
            ("MATCH/headers/items", "required", json!(["name", "value"])),
            ("MATCH/headers/items/properties/name", "minLength", json!(1)),
            ("MATCH/headers/items/properties/name", "maxLength", json!(256)),
            ("MATCH/headers/items/properties/name", "pattern", json!(header)),
            (
                "MATCH/headers/items/properties/type",
                "enum",
                json!(["Exact", "RegularExpression"]),
            ),
            ("MATCH/headers/items/properties/type", "default", json!("Exact")),
            ("MATCH/headers/items/properties/value", "minLength", json!(1)),
            ("MATCH/headers/items/properties/value", "maxLength", json!(4096)),
            ("MATCH/queryParams", "maxItems", json!(16)),
            ("MATCH/queryParams", "x-kubernetes-list-type", json!("map")),
            ("MATCH/queryParams", "x-kubernetes-list-map-keys", json!(["name"])),
            ("MATCH/queryParams/items", "required", json!(["name", "value"])),
            (
                "MATCH/queryParams/items/properties/value",
                "maxLength",
                json!(1024),
            ),
            (
                "MATCH/path/properties/type",
                "enum",
                json!(["Exact", "PathPrefix", "RegularExpression"]),
            ),
            ("MATCH/path/properties/type", "default", json!("PathPrefix")),
            ("MATCH/path/properties/value", "default", json!("/")),
            ("MATCH/path/properties/value", "maxLength", json!(1024)),
            (
                "STEP/requestHeaderModifier/properties/set",
                "x-kubernetes-list-type",
                json!("map"),
            ),
            ("STEP/requestHeaderModifier/properties/set", "maxItems", json!(16)),
            (
                "STEP/requestHeaderModifier/properties/set/items/properties/name",
                "pattern",
                json!(header),
            ),
            (
                "STEP/requestHeaderModifier/properties/add",
                "x-kubernetes-list-map-keys",
                json!(["name"]),
            ),
            (
                "STEP/requestHeaderModifier/properties/add/items/properties/value",
                "maxLength",
                json!(4096),
            ),
            (
                "STEP/requestHeaderModifier/properties/remove",
                "x-kubernetes-list-type",
                json!("set"),
            ),
            (
                "STEP/requestHeaderModifier/properties/remove",
                "maxItems",
                json!(16),
            ),
            ("BLUE_GREEN/steps", "maxItems", json!(50)),
            (
                "BLUE_GREEN/failureThreshold",
                "x-kubernetes-int-or-string",
                json!(true),
            ),
            (
                "STATUS",
                "required",
                json!(["currentStepIndex", "currentStepState"]),
            ),
            (
                "STATUS/properties/conditions/items",
                "required",
                json!(["message", "reason", "status", "type"]),
            ),
            (
                "STATUS/properties/conditions/items/properties/lastUpdateTime",
                "format",
                json!("date-time"),
            ),
            (
                "STATUS/properties/canaryStatus",
                "required",
                json!([
                    "canaryReadyReplicas",
                    "canaryReplicas",
                    "canaryRevision",
                    "currentStepState",
                    "finalisingStep",
                    "nextStepIndex",
                    "podTemplateHash",
                ]),
            ),
            (
                "STATUS/properties/blueGreenStatus",
                "required",
                json!([
                    "currentStepState",
                    "finalisingStep",
                    "nextStepIndex",
                    "podTemplateHash",
                    "updatedReadyReplicas",
                    "updatedReplicas",
                    "updatedRevision",
                ]),
            ),
        ];
        for (path, keyword, want) in cases {
            let pointer = path
                .replace("MATCH", "STEP/matches/items/properties")
                .replace("STEP", "CANARY/steps/items/properties")
                .replace("CANARY", CANARY)
                .replace("BLUE_GREEN", BLUE_GREEN)
                .replace("STATUS", STATUS);
            assert_eq!(
                schema.pointer(&pointer).map(|found| &found[keyword]),
                Some(&want),
                "{path} {keyword}"
            );
        }
        let rules = schema.pointer(&format!(
            "{CANARY}/steps/items/properties/matches/items/properties/path"
        ));
        assert_eq!(
            rules.unwrap()["x-kubernetes-validations"]
                .as_array()
                .unwrap()
                .len(),
            10
        );
        assert_eq!(
            schema.pointer(&format!("{CANARY}/steps")),
            schema.pointer(&format!("{BLUE_GREEN}/steps"))
        );
    }

    #[test]
    fn keep_what_may_not_change_in_the_middle_of_a_release() {
        let definitions = crds();
        let seen: Vec<Value> = definitions
            .iter()
            .flat_map(|definition| {
                schema(definition)["x-kubernetes-validations"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default()
            })
            .map(|rule| {
                assert!(rule["rule"].as_str().unwrap().contains("oldSelf.status.phase in"));
                json!([rule["fieldPath"], rule["message"]])
            })
            .collect();
        assert_eq!(
            seen,
            [
                json!([".spec.workloadRef", "Rollout 'ObjectRef' field is immutable"]),
                json!([
                    ".spec.strategy",
                    "Rollout style and enableExtraWorkloadForCanary are immutable"
                ]),
                json!([
                    ".spec.strategy.canary",
                    "Rollout 'Strategy.Canary.TrafficRoutings' field is immutable"
                ]),
                json!([
                    ".spec.strategy.blueGreen",
                    "Rollout 'Strategy.BlueGreen.TrafficRoutings' field is immutable"
                ]),
            ]
        );
    }

    #[test]
    fn state_nothing_that_upstream_does_not() {
        /// Keywords that change what a server takes or stores, with how often each stands in the schema.
        fn count(schema: &Value, seen: &mut std::collections::BTreeMap<String, usize>) {
            match schema {
                Value::Object(map) => {
                    for (key, value) in map {
                        if [
                            "nullable", "anyOf", "oneOf", "$ref", "default", "minimum", "maximum",
                        ]
                        .contains(&key.as_str())
                        {
                            *seen.entry(key.clone()).or_default() += 1;
                        }
                        count(value, seen);
                    }
                }
                Value::Array(items) => items.iter().for_each(|item| count(item, seen)),
                _ => {}
            }
        }
        let definitions = crds();
        // Of the kinds that upstream has.
        let seen: Vec<_> = definitions
            .iter()
            .take(2)
            .map(|definition| {
                let mut seen = std::collections::BTreeMap::new();
                count(schema(definition), &mut seen);
                json!([seen, schema(definition)["required"]])
            })
            .collect();
        // disabled; and per style: grace, path type and value, header type, query parameter type. Then grace, header type.
        assert_eq!(
            seen,
            [json!([{"default": 11}, null]), json!([{"default": 2}, null])]
        );
    }

    #[test]
    fn state_every_constraint_of_a_traffic_routing() {
        let definitions = crds();
        let spec = &schema(&definitions[1])["properties"]["spec"];
        let matches = &spec["properties"]["strategy"]["properties"]["matches"];
        let headers = &matches["items"]["properties"]["headers"];
        assert_eq!(
            json!([
                spec["required"],
                spec["properties"]["objectRef"]["items"]["required"],
                matches["maxItems"],
                headers["maxItems"],
                headers["x-kubernetes-list-type"],
                headers["items"]["required"]
            ]),
            json!([
                ["objectRef", "strategy"],
                ["service"],
                null,
                16,
                null,
                ["name", "value"]
            ])
        );
    }
}
