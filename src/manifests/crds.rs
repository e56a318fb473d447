//! CustomResourceDefinitions generated from the types of [`crate::api`].

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

use crate::api::{traffic_routing, v1beta1};

/// The definitions of Rollout (v1beta1, served and stored) and TrafficRouting (v1alpha1).
///
/// An API server accepts, rejects and defaults by them as by those of OpenKruise Rollouts, except that v1alpha1
/// Rollouts are not served: without a conversion webhook a server would silently drop their fields.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut definitions = vec![v1beta1::Rollout::crd(), traffic_routing::TrafficRouting::crd()];
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
                refuse_null(root);
            }
        }
    }
    definitions
}

/// Takes `nullable` away from every level. The types read a null as absent, but upstream's definitions refuse one, or
/// replace it where there is a default.
fn refuse_null(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    for property in schema
        .properties
        .iter_mut()
        .flat_map(|properties| properties.values_mut())
    {
        refuse_null(property);
    }
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(item)) => refuse_null(item),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(refuse_null),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(value)) = &mut schema.additional_properties {
        refuse_null(value);
    }
}
