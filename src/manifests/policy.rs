//! The hold policies: the API server itself holds a new version back, in the request that brings it.
//!
//! One MutatingAdmissionPolicy (v1, on by default since Kubernetes 1.36) per kind gives a managed workload the fields of
//! [`hold::first`] in the admission that changes its template, and writes the mark of [`crate::workload::mark`]. The
//! Rollout is the policy's parameter: no Rollout, a disabled one or one being deleted hold nothing. Scaling goes by another
//! subresource and is not seen. A policy for a kind that is not served matches no request and harms nobody.
//!
//! Once a workload is marked, the policy also guards the mark and the hold. It must: the first
//! `kubectl apply --server-side` on an object made by client-side apply sends a request that drops every field the
//! older manager owned, hold and mark among them, without changing the template.

use serde_json::{Value, json};

use crate::api::keys;
use crate::workload::{Kind, hold};

use super::cel::{Field, marked};

/// The policies of all kinds, each with its binding. All six, because a workload of Kruise that comes later should not
/// need another look at what was installed.
#[must_use]
pub fn policy() -> Vec<Value> {
    Kind::ALL.into_iter().flat_map(of).collect()
}

/// Name of a kind's policy and of its binding.
#[must_use]
pub fn name(kind: Kind) -> String {
    format!("rollouts-hold-{}", component(kind))
}

/// The policy of one kind and its binding.
#[must_use]
pub fn of(kind: Kind) -> [Value; 2] {
    [
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingAdmissionPolicy",
            "metadata": metadata(kind),
            "spec": {
                "failurePolicy": "Fail",
                "reinvocationPolicy": "IfNeeded",
                "paramKind": { "apiVersion": format!("{}/v1beta1", keys::GROUP), "kind": "Rollout" },
                "matchConstraints": {
                    "objectSelector": { "matchExpressions": [{ "key": keys::WORKLOAD_TYPE, "operator": "Exists" }] },
                    "resourceRules": [{
                        "apiGroups": [kind.group()],
                        "apiVersions": versions(kind),
                        "operations": ["UPDATE"],
                        "resources": [kind.plural()],
                    }],
                },
                "matchConditions": conditions(kind),
                "variables": variables(kind),
                "mutations": [{ "patchType": "JSONPatch", "jsonPatch": { "expression": patch(kind) } }],
            },
        }),
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": metadata(kind),
            "spec": {
                "policyName": name(kind),
                "paramRef": { "selector": {}, "parameterNotFoundAction": "Allow" },
            },
        }),
    ]
}

fn fields(kind: Kind) -> Vec<Field> {
    let hold = hold::first(kind);
    hold.iter().map(|(path, value)| Field::new(path, value)).collect()
}

/// Whether a strategy type of the kind brings no pod out by itself, so that nothing needs to be held.
fn has_on_delete(kind: Kind) -> bool {
    !matches!(kind, Kind::Deployment | Kind::CloneSet)
}

fn conditions(kind: Kind) -> Value {
    let (new, old) = (marked("object"), marked("oldObject"));
    let fields = fields(kind);
    let moved: String = fields
        .iter()
        .map(|field| format!(" ||\n  {} != {}", field.new, field.old))
        .collect();
    let in_place: String = fields
        .iter()
        .map(|field| format!(" &&\n  {} == optional.of({})", field.new, field.hold))
        .collect();
    let mut conditions = vec![
        named(
            "changed",
            format!(
                "object.spec.template != oldObject.spec.template ||\n\
                 ({old} != \"\" && (\n  {new} != {old}{moved}))"
            ),
        ),
        named(
            "not-engine",
            format!(
                r#"request.?options.?fieldManager.orValue("") != "{}""#,
                keys::FIELD_MANAGER
            ),
        ),
        // Whoever writes the hold together with the template has done the policy's work.
        named(
            "not-held",
            format!("!({new} != \"\" &&\n  ({old} == \"\" || {new} == {old}){in_place})"),
        ),
    ];
    if has_on_delete(kind) {
        let rolling = r#"object.spec.?updateStrategy.?type.orValue("") != "OnDelete""#;
        // Where OnDelete is the hold itself, a marked workload has it from us.
        let held_by_type = fields.iter().any(|field| field.path == hold::UPDATE_TYPE);
        let expression = if held_by_type {
            format!("{old} != \"\" ||\n{rolling}")
        } else {
            rolling.to_owned()
        };
        conditions.push(named("rolling", expression));
    }
    if !kind.is_per_node() {
        // No pod, no release: upstream lets it pass too (engine-workloads 16.1).
        conditions.push(named(
            "has-pods",
            format!("{old} != \"\" ||\nobject.spec.?replicas.orValue(1) != 0"),
        ));
    }
    // The engine knows a workload only in versions whose fields it knows.
    let versions: Vec<String> = kind.api_versions().iter().map(|v| format!("\"{v}\"")).collect();
    conditions.push(named(
        "rollout",
        format!(
            "has(params.spec) &&\n\
             !params.spec.?disabled.orValue(false) &&\n\
             !has(params.metadata.deletionTimestamp) &&\n\
             params.spec.workloadRef.kind == \"{}\" &&\n\
             params.spec.workloadRef.apiVersion in [{}] &&\n\
             params.spec.workloadRef.name == object.metadata.name",
            kind.kind(),
            versions.join(", ")
        ),
    ));
    conditions.into()
}

fn variables(kind: Kind) -> Value {
    let originals: Vec<String> = fields(kind).iter().map(Field::original).collect();
    json!([
        named("oldMark", marked("oldObject")),
        named("newMark", marked("object")),
        // The same template on a marked workload: no new version but a blow to the hold; the old values return.
        named(
            "keep",
            "variables.oldMark != \"\" &&\nobject.spec.template == oldObject.spec.template".to_owned(),
        ),
        // The first mark of a release stays: it alone knows the user's originals.
        named(
            "mark",
            format!(
                "variables.oldMark != \"\" ? variables.oldMark :\n\
                 variables.newMark != \"\" ? variables.newMark :\n\
                 '{{\"rolloutName\":\"' + params.metadata.name + '\",\"original\":{{' +\n  {} + '}}}}'",
                originals.join(" + ',' +\n  ")
            ),
        ),
    ])
}

/// The list of JSON patches: parents that are missing, the hold or what was there before, and the mark.
fn patch(kind: Kind) -> String {
    let fields = fields(kind);
    let mut parents: Vec<&str> = fields.iter().flat_map(Field::parents).collect();
    parents.sort_unstable();
    parents.dedup();
    let mut parts: Vec<String> = parents.into_iter().map(Field::parent_made).collect();
    parts.extend(fields.iter().map(Field::written));
    parts.push(
        "(has(object.metadata.annotations) ? [] :\n  \
         [JSONPatch{op: \"add\", path: \"/metadata/annotations\", value: {}}])"
            .to_owned(),
    );
    parts.push(format!(
        "[JSONPatch{{op: \"add\",\n  \
         path: \"/metadata/annotations/\" + jsonpatch.escapeKey(\"{}\"),\n  \
         value: variables.mark}}]",
        keys::IN_PROGRESSING
    ));
    parts.join(" +\n")
}

fn named(name: &str, expression: String) -> Value {
    json!({ "name": name, "expression": expression })
}

fn versions(kind: Kind) -> Vec<&'static str> {
    let version = |text: &'static str| text.rsplit_once('/').map_or(text, |(_, version)| version);
    kind.api_versions().iter().map(|text| version(text)).collect()
}

/// The kind as one word, also the label by which `kubectl apply -l` takes one kind's policy alone.
fn component(kind: Kind) -> &'static str {
    match kind {
        Kind::Deployment => "deployment",
        Kind::StatefulSet => "statefulset",
        Kind::DaemonSet => "daemonset",
        Kind::CloneSet => "cloneset",
        Kind::AdvancedStatefulSet => "advanced-statefulset",
        Kind::AdvancedDaemonSet => "advanced-daemonset",
    }
}

fn metadata(kind: Kind) -> Value {
    json!({
        "name": name(kind),
        "labels": {
            "app.kubernetes.io/component": component(kind),
            "app.kubernetes.io/part-of": "kubectl-kruise",
        },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{of, policy};
    use crate::{
        manifests::to_yaml,
        workload::{Kind, hold},
    };

    #[test]
    fn every_field_of_the_hold_is_compared_remembered_and_written() {
        for kind in Kind::ALL {
            let [policy, _] = of(kind);
            let expression = |at: &str| {
                policy
                    .pointer(at)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let changed = expression("/spec/matchConditions/0/expression");
            let held = expression("/spec/matchConditions/2/expression");
            let mark = expression("/spec/variables/3/expression");
            let patch = expression("/spec/mutations/0/jsonPatch/expression");
            for (path, value) in hold::first(kind).iter() {
                let chain = path.replace('.', ".?");
                assert!(
                    changed.contains(&format!("object.spec.?{chain} != oldObject.spec.?{chain}")),
                    "{changed}"
                );
                assert!(
                    held.contains(&format!("object.spec.?{chain} == optional.of({value})")),
                    "{held}"
                );
                assert!(mark.contains(&format!("\"{path}\":")), "{mark}");
                assert!(
                    patch.contains(&format!("\"/spec/{}\"", path.replace('.', "/"))),
                    "{patch}"
                );
            }
        }
    }

    #[test]
    fn there_is_one_for_every_kind() {
        let outline: Vec<Value> = policy()
            .iter()
            .filter(|object| object["kind"] == "MutatingAdmissionPolicy")
            .map(|policy| {
                let rule = &policy["spec"]["matchConstraints"]["resourceRules"][0];
                let conditions = policy["spec"]["matchConditions"].as_array().unwrap();
                json!([
                    policy["metadata"]["name"],
                    rule["apiGroups"][0],
                    rule["apiVersions"],
                    rule["resources"][0],
                    conditions.iter().map(|c| &c["name"]).collect::<Vec<_>>()
                ])
            })
            .collect();
        let all = |extra: &[&str]| {
            let names = ["changed", "not-engine", "not-held"]
                .iter()
                .chain(extra)
                .chain(&["rollout"]);
            json!(names.collect::<Vec<_>>())
        };
        assert_eq!(
            outline,
            [
                json!([
                    "rollouts-hold-deployment",
                    "apps",
                    ["v1"],
                    "deployments",
                    all(&["has-pods"])
                ]),
                json!([
                    "rollouts-hold-statefulset",
                    "apps",
                    ["v1"],
                    "statefulsets",
                    all(&["rolling", "has-pods"])
                ]),
                json!([
                    "rollouts-hold-daemonset",
                    "apps",
                    ["v1"],
                    "daemonsets",
                    all(&["rolling"])
                ]),
                json!([
                    "rollouts-hold-cloneset",
                    "apps.kruise.io",
                    ["v1alpha1"],
                    "clonesets",
                    all(&["has-pods"])
                ]),
                json!([
                    "rollouts-hold-advanced-statefulset",
                    "apps.kruise.io",
                    ["v1beta1", "v1alpha1"],
                    "statefulsets",
                    all(&["rolling", "has-pods"])
                ]),
                json!([
                    "rollouts-hold-advanced-daemonset",
                    "apps.kruise.io",
                    ["v1alpha1"],
                    "daemonsets",
                    all(&["rolling"])
                ]),
            ]
        );
    }

    #[test]
    fn reads_as_one_writes_it_by_hand() {
        insta::assert_snapshot!(to_yaml(&of(Kind::CloneSet)), @r#"
        apiVersion: admissionregistration.k8s.io/v1
        kind: MutatingAdmissionPolicy
        metadata:
          name: rollouts-hold-cloneset
          labels:
            app.kubernetes.io/component: cloneset
            app.kubernetes.io/part-of: kubectl-kruise
        spec:
          failurePolicy: Fail
          matchConditions:
          - name: changed
            expression: |-
              object.spec.template != oldObject.spec.template ||
              (oldObject.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("") != "" && (
                object.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("") != oldObject.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("") ||
                object.spec.?updateStrategy.?partition != oldObject.spec.?updateStrategy.?partition ||
                object.spec.?updateStrategy.?paused != oldObject.spec.?updateStrategy.?paused))
          - name: not-engine
            expression: request.?options.?fieldManager.orValue("") != "rollouts-engine"
          - name: not-held
            expression: |-
              !(object.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("") != "" &&
                (oldObject.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("") == "" || object.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("") == oldObject.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("")) &&
                object.spec.?updateStrategy.?partition == optional.of("100%") &&
                object.spec.?updateStrategy.?paused == optional.of(false))
          - name: has-pods
            expression: |-
              oldObject.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("") != "" ||
              object.spec.?replicas.orValue(1) != 0
          - name: rollout
            expression: |-
              has(params.spec) &&
              !params.spec.?disabled.orValue(false) &&
              !has(params.metadata.deletionTimestamp) &&
              params.spec.workloadRef.kind == "CloneSet" &&
              params.spec.workloadRef.apiVersion in ["apps.kruise.io/v1alpha1"] &&
              params.spec.workloadRef.name == object.metadata.name
          matchConstraints:
            objectSelector:
              matchExpressions:
              - key: rollouts.kruise.io/workload-type
                operator: Exists
            resourceRules:
            - apiGroups:
              - apps.kruise.io
              apiVersions:
              - v1alpha1
              operations:
              - UPDATE
              resources:
              - clonesets
          mutations:
          - jsonPatch:
              expression: |-
                (object.spec.?updateStrategy.orValue(null) != null || (variables.keep && oldObject.spec.?updateStrategy.orValue(null) == null) ? [] :
                  [JSONPatch{op: "add", path: "/spec/updateStrategy", value: {}}]) +
                (variables.keep && !oldObject.spec.?updateStrategy.?partition.hasValue() ?
                  (object.spec.?updateStrategy.?partition.hasValue() ? [JSONPatch{op: "remove", path: "/spec/updateStrategy/partition"}] : []) :
                  [JSONPatch{op: "add", path: "/spec/updateStrategy/partition",
                    value: variables.keep ? dyn(oldObject.spec.?updateStrategy.?partition.value()) : dyn("100%")}]) +
                (variables.keep && !oldObject.spec.?updateStrategy.?paused.hasValue() ?
                  (object.spec.?updateStrategy.?paused.hasValue() ? [JSONPatch{op: "remove", path: "/spec/updateStrategy/paused"}] : []) :
                  [JSONPatch{op: "add", path: "/spec/updateStrategy/paused",
                    value: variables.keep ? dyn(oldObject.spec.?updateStrategy.?paused.value()) : dyn(false)}]) +
                (has(object.metadata.annotations) ? [] :
                  [JSONPatch{op: "add", path: "/metadata/annotations", value: {}}]) +
                [JSONPatch{op: "add",
                  path: "/metadata/annotations/" + jsonpatch.escapeKey("rollouts.kruise.io/in-progressing"),
                  value: variables.mark}]
            patchType: JSONPatch
          paramKind:
            apiVersion: rollouts.kruise.io/v1beta1
            kind: Rollout
          reinvocationPolicy: IfNeeded
          variables:
          - name: oldMark
            expression: >-
              oldObject.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("")
          - name: newMark
            expression: object.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("")
          - name: keep
            expression: |-
              variables.oldMark != "" &&
              object.spec.template == oldObject.spec.template
          - name: mark
            expression: |-
              variables.oldMark != "" ? variables.oldMark :
              variables.newMark != "" ? variables.newMark :
              '{"rolloutName":"' + params.metadata.name + '","original":{' +
                '"updateStrategy.partition":' +
                (object.spec.?updateStrategy.?partition.orValue(null) == null ? 'null' :
                 type(object.spec.?updateStrategy.?partition.value()) == string ? '"' + string(object.spec.?updateStrategy.?partition.value()) + '"' : string(object.spec.?updateStrategy.?partition.value())) + ',' +
                '"updateStrategy.paused":' +
                (object.spec.?updateStrategy.?paused.orValue(null) == null ? 'null' :
                 type(object.spec.?updateStrategy.?paused.value()) == string ? '"' + string(object.spec.?updateStrategy.?paused.value()) + '"' : string(object.spec.?updateStrategy.?paused.value())) + '}}'
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: MutatingAdmissionPolicyBinding
        metadata:
          name: rollouts-hold-cloneset
          labels:
            app.kubernetes.io/component: cloneset
            app.kubernetes.io/part-of: kubectl-kruise
        spec:
          paramRef:
            parameterNotFoundAction: Allow
            selector: {}
          policyName: rollouts-hold-cloneset
        "#);
    }
}
