//! A manifest applied to a workload that a Rollout releases.
//!
//! The manifest says what the user wants once no release is under way. Where a release holds a field (a strategy, a
//! partition, `paused`), the manifest's value goes into the mark, to be put in place by the release's last write, and the
//! workload keeps the value that the release needs.

use serde_json::Value;

use super::{at_rest, hold, kind_of, mark_of, put_mark};
use crate::{api::apply::merged, workload::Kind};

/// What applying a manifest makes of a workload, before a new template is held.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The workload.
    pub object: Value,
    /// Fields that get the manifest's value when the release ends, as dotted paths under `spec`.
    pub later: Vec<String>,
}

/// A release relies on the type of the update strategy, so that it cannot be changed meanwhile.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the type of its update strategy cannot be changed while a release is under way")]
pub struct TypeChange;

/// Applies a manifest to a workload.
///
/// # Errors
/// When it changes what the release that is under way relies on.
pub fn applied(live: &Value, manifest: &Value) -> Result<Applied, TypeChange> {
    let Some(mut mark) = mark_of(live) else {
        return Ok(Applied {
            object: merged(live, manifest),
            later: Vec::new(),
        });
    };
    let mut resting = live.clone();
    resting["spec"] = at_rest(live);
    let wanted = merged(&resting, manifest);
    let kind = kind_of(live).unwrap_or(Kind::Deployment);
    let kind_of_update = |object: &Value| hold::at(&object["spec"], hold::UPDATE_TYPE).clone();
    if kind != Kind::Deployment && kind_of_update(&wanted) != kind_of_update(&resting) {
        return Err(TypeChange);
    }
    let (mut object, mut later) = (wanted.clone(), Vec::new());
    for path in mark.original.paths() {
        let value = hold::at(&wanted["spec"], &path).clone();
        if value != *hold::at(&resting["spec"], &path) {
            mark.original.replace(&path, value);
            later.push(path.clone());
        }
        hold::put(&mut object["spec"], &path, hold::at(&live["spec"], &path).clone());
    }
    if !later.is_empty() {
        put_mark(&mut object, &mark);
    }
    Ok(Applied { object, later })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        super::{
            mark_of,
            tests::{patched, workload},
            write,
        },
        Applied, TypeChange, applied,
    };
    use crate::{api::apply, workload::Kind};

    fn manifest(kind: Kind, image: &str, spec: &Value) -> Value {
        let mut manifest = workload(kind, spec);
        manifest["metadata"] = json!({ "name": "web" });
        manifest["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        manifest
    }

    fn installed(manifest: &Value) -> Value {
        let mut live = apply::first(manifest);
        live["metadata"]["resourceVersion"] = json!("7");
        live
    }

    #[test]
    fn what_the_user_wants_at_rest_goes_into_the_mark() {
        let rolling =
            |partition: i32| json!({ "updateStrategy": { "rollingUpdate": { "partition": partition } } });
        let live = installed(&manifest(Kind::StatefulSet, "web:v1", &rolling(0)));
        let second = manifest(Kind::StatefulSet, "web:v2", &rolling(1));
        let begun = applied(&live, &second).unwrap();
        let held = patched(&live, write(&live, &begun.object, Some("demo")).unwrap());
        assert_eq!(
            held["spec"]["updateStrategy"]["rollingUpdate"]["partition"],
            32767
        );
        assert_eq!(
            mark_of(&held).unwrap().text(),
            r#"{"rolloutName":"demo","original":{"updateStrategy.rollingUpdate.partition":1}}"#
        );

        // The engine has come to partition 2; the same manifest changes nothing, another one only what it wants later.
        let mut under_way = held;
        under_way["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = json!(2);
        let same = applied(&under_way, &second).unwrap();
        assert_eq!(write(&under_way, &same.object, Some("demo")), None);
        let third = manifest(Kind::StatefulSet, "web:v2", &rolling(0));
        let Applied { object, later } = applied(&under_way, &third).unwrap();
        assert_eq!(later, ["updateStrategy.rollingUpdate.partition"]);
        assert_eq!(object["spec"], under_way["spec"]);
        assert_eq!(
            mark_of(&object).unwrap().text(),
            r#"{"rolloutName":"demo","original":{"updateStrategy.rollingUpdate.partition":0}}"#
        );
    }

    #[test]
    fn a_deployments_strategy_waits_for_the_end() {
        let surge = |surge: i32| json!({ "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": surge } } });
        let mut live = installed(&manifest(Kind::Deployment, "web:v1", &surge(1)));
        let mark = json!({ "rolloutName": "demo", "original": { "paused": false, "strategy": surge(1)["strategy"] } });
        live["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"] = json!(mark.to_string());
        live["spec"]["paused"] = json!(true);
        live["spec"]["strategy"] = json!({ "type": "Recreate" });
        let mut next = manifest(Kind::Deployment, "web:v1", &surge(2));
        next["spec"]["replicas"] = json!(5);
        let seen = applied(&live, &next).unwrap();
        let mut spec = live["spec"].clone();
        spec["replicas"] = json!(5);
        assert_eq!(
            (&seen.object["spec"], &seen.later),
            (&spec, &vec!["strategy".to_owned()])
        );
        assert_eq!(
            mark_of(&seen.object).unwrap().original.get("strategy"),
            Some(&surge(2)["strategy"])
        );
    }

    #[test]
    fn another_type_is_refused_while_a_release_relies_on_it() {
        let of_type = |kind: &str| json!({ "updateStrategy": { "type": kind } });
        let mut live = installed(&manifest(Kind::DaemonSet, "web:v1", &of_type("RollingUpdate")));
        let next = manifest(Kind::DaemonSet, "web:v2", &of_type("OnDelete"));
        assert!(applied(&live, &next).is_ok());
        let same = manifest(Kind::DaemonSet, "web:v2", &of_type("RollingUpdate"));
        live = patched(
            &live,
            write(&live, &applied(&live, &same).unwrap().object, Some("demo")).unwrap(),
        );
        assert_eq!(live["spec"]["updateStrategy"]["type"], "OnDelete");
        assert_eq!(applied(&live, &next), Err(TypeChange));
        assert_eq!(
            write(&live, &applied(&live, &same).unwrap().object, Some("demo")),
            None
        );
    }
}
