//! `rollouts.kruise.io/v1alpha1` AnalysisTemplate: which metrics are measured in a step, and what is good enough.
//!
//! The field names are those that users of OpenKruise's guide and of Argo Rollouts know.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{open_enum::open_enum, schema};

open_enum! {
    /// What becomes of a release whose metrics fail.
    OnFailure {
        /// It stops where it is, and a human decides.
        Pause = "Pause",
        /// The stable version is brought back.
        Rollback = "Rollback",
    }
}

/// What is measured, and what is good enough.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "rollouts.kruise.io",
    version = "v1alpha1",
    kind = "AnalysisTemplate",
    namespaced,
    derive = "PartialEq",
    derive = "Default",
    doc = "Metrics that decide whether a step of a release is good enough for the next.",
    printcolumn = r#"{"name":"METRICS","type":"string","description":"What is measured.","jsonPath":".spec.metrics[*].name"}"#,
    printcolumn = r#"{"name":"ON_FAILURE","type":"string","description":"What becomes of a release that fails.","jsonPath":".spec.onFailure"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisTemplateSpec {
    /// What the Rollout that uses the template says; `{{args.NAME}}` stands for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub args: Vec<Argument>,
    /// The metrics; all of them must pass.
    #[schemars(length(min = 1, max = 16))]
    pub metrics: Vec<Metric>,
    /// What becomes of a release that fails: `Pause` (the default) or `Rollback`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
}

/// A word that a Rollout gives to a template.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Argument {
    /// Name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// What it is when the Rollout says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The same, from the Rollout itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueFrom>,
}

/// A default that is read from the Rollout.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValueFrom {
    /// A field of the Rollout: `metadata.labels['team']`, `status.currentStepIndex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_ref: Option<FieldRef>,
    /// The revision of the `Stable` or of the `Latest` version, as its pods carry it in a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template_hash_value: Option<String>,
}

/// A field of the Rollout.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldRef {
    /// Its path.
    pub field_path: String,
}

/// One metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::undefaulted(&["dryRun"]))]
pub struct Metric {
    /// Name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Time between two measurements, such as `30s` or `5m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// Time before the first measurement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_delay: Option<String>,
    /// Measurements in all. Without it one more than `failureLimit`, and measuring goes on until the step is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub count: Option<i32>,
    /// CEL over `result`: what a good measurement is, such as `result[0] >= 0.95`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub success_condition: Option<String>,
    /// CEL over `result`: what a bad measurement is. One that is neither good nor bad is inconclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub failure_condition: Option<String>,
    /// Bad measurements that are put up with; the next one fails the metric. Absent means 0, -1 all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub failure_limit: Option<i32>,
    /// Inconclusive measurements that are put up with. Absent means 0, -1 all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub inconclusive_limit: Option<i32>,
    /// Measurements in a row that may come to nothing: no answer, or one that cannot be read. Absent means 4, -1 all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub consecutive_error_limit: Option<i32>,
    /// Good measurements in a row that are enough; absent or 0 means that all are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub consecutive_success_limit: Option<i32>,
    /// Measures and shows, but decides nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Who is asked; exactly one.
    pub provider: Provider,
}

/// Who is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// A Prometheus server, or what speaks its query API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<Prometheus>,
    /// JSON over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<Web>,
    /// A program beside the engine; only in files, for CI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandLine>,
}

/// A Prometheus server: by URL, or through the API server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Prometheus {
    /// Its URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The Service behind which it is, reached through the API server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceAddress>,
    /// An instant query; `result` is the list of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Several queries by name, so that one condition can compare them: `result.canary[0] <= result.stable[0] * 1.2`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queries: BTreeMap<String, String>,
    /// How long an answer may take; absent means `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// How to be known to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// How it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// A Service, as the API server's proxy reaches it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAddress {
    /// Name.
    pub name: String,
    /// Namespace; absent means the Rollout's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Number or name of its port.
    pub port: String,
    /// `http` or `https`; absent means `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// What stands before `/api/v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// JSON over HTTP; `result` is the answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Web {
    /// Where to.
    pub url: String,
    /// `GET` (the default), `POST` or `PUT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// What is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How long an answer may take; absent means `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// How to be known to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// How it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// A header of a request.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Name.
    pub key: String,
    /// Value.
    pub value: String,
}

/// A program; `result.exitCode` is how it ended and `result.output` what it printed, as JSON where it is JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommandLine {
    /// The program and its arguments.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// How long it may run; absent means `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
}

/// How to be known; one of both.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authentication {
    /// A token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_token: Option<Source>,
    /// A name and a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<Basic>,
}

/// A name and a password.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Basic {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Source,
}

/// How a server is known.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::undefaulted(&["insecureSkipVerify"]))]
pub struct Tls {
    /// Who vouches for it: certificates as PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<Source>,
    /// Its name, where that of the URL is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Takes anybody for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_verify: bool,
}

/// Where a secret stands; one of both.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// In a Secret of the Rollout's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<SecretKey>,
    /// In a file beside the engine; only in files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// One value of a Secret.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// The Secret.
    pub name: String,
    /// The key in it.
    pub key: String,
}

/// The use of a template by a Rollout: one item of the list in its annotation.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Binding {
    /// The template's name.
    pub template: String,
    /// The steps that it decides about, 1-based; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<i32>,
    /// What its args are here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::AnalysisTemplateSpec;

    /// The template of the operator's guide is read as it stands there, and written back the same.
    #[test]
    fn reads_the_guides_template() {
        let spec = json!({
            "args": [{ "name": "service-name" }],
            "metrics": [{
                "name": "success-rate", "interval": "5m", "successCondition": "result[0] >= 0.95", "failureLimit": 3,
                "provider": { "prometheus": { "address": "http://prometheus.example.com:9090",
                    "query": "sum(irate(requests_total{service=~\"{{args.service-name}}\"}[5m]))" } },
            }],
        });
        let typed: AnalysisTemplateSpec = serde_json::from_value(spec.clone()).unwrap();
        assert_eq!(serde_json::to_value(typed).unwrap(), spec);
    }
}
