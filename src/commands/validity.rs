//! Refuses to start what no engine could carry out. Where a controller is in charge, its own webhook says what it takes.

use std::fmt::Display;

use kube::api::DynamicObject;
use serde_json::Value;

use crate::{
    api::v1beta1::Rollout,
    cluster::{Cluster, Found, charge::Charge},
    engine::core::{Problem, validate},
    error::{Error, Kind, Result},
};

/// The refusal: every problem with its field.
#[must_use]
pub fn invalid(title: &str, problems: &[impl Display]) -> Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let text = match lines.as_slice() {
        [one] => format!("{title} is invalid: {one}"),
        all => format!("{title} is invalid:\n  {}", all.join("\n  ")),
    };
    Error::new(Kind::General, text)
}

/// What to type to change a Rollout.
#[must_use]
pub fn edit(namespace: &str, name: &str) -> String {
    format!("kubectl edit rollouts.rollouts.kruise.io {name} -n {namespace}")
}

/// Checks a Rollout whose release would begin, together with its workload if that was read.
///
/// # Errors
/// When it cannot be carried out.
pub fn check(found: &Found, workload: Option<&Value>) -> Result<()> {
    let workload: Option<DynamicObject> =
        workload.and_then(|object| serde_json::from_value(object.clone()).ok());
    let problems = validate::of_rollout(&found.typed()?, workload.as_ref());
    if problems.is_empty() {
        return Ok(());
    }
    Err(invalid(&found.title(), &problems).hint(edit(&found.namespace, &found.name)))
}

/// The same, unless a controller in the cluster is in charge, or that cannot be told.
///
/// # Errors
/// When it cannot be carried out, or the server cannot be reached.
pub async fn check_where_free(cluster: &Cluster, found: &Found) -> Result<()> {
    let Err(refusal) = check(found, None) else {
        return Ok(());
    };
    match cluster
        .controller_in_charge(Some(&found.namespace), std::slice::from_ref(found))
        .await?
    {
        Charge::Nobody => Err(refusal),
        Charge::Controller(_) | Charge::Unknown(_) => Ok(()),
    }
}

/// The one Rollout of a workload among those that name it; a disabled one only when there is no other.
///
/// # Errors
/// When several want to release it.
pub fn only_one(mut found: Vec<Found>) -> Result<Option<Found>> {
    found.sort_by_key(|found| found.object["spec"]["disabled"] == true);
    let wanting: Vec<&Found> = found
        .iter()
        .filter(|found| found.object["spec"]["disabled"] != true)
        .collect();
    if let [first, second, ..] = wanting.as_slice() {
        let problem = validate::conflict(&second.namespace, &second.name);
        return Err(invalid(&first.title(), &[problem]).hint(format!(
            "disable one of them: {}",
            edit(&second.namespace, &second.name)
        )));
    }
    Ok(found.into_iter().next())
}

/// What is wrong with a manifest of a Rollout; nothing when it cannot be read as one, which the server says better.
#[must_use]
pub fn of_manifest(manifest: &Value) -> Vec<Problem> {
    if manifest["apiVersion"] == "rollouts.kruise.io/v1alpha1" {
        return validate::of_v1alpha1(manifest);
    }
    serde_json::from_value::<Rollout>(manifest.clone())
        .map(|rollout| validate::of_rollout(&rollout, None))
        .unwrap_or_default()
}

/// What a manifest would change of a Rollout in the middle of its release that must stay.
#[must_use]
pub fn of_edit(live: &Value, manifest: &Value) -> Vec<Problem> {
    let read = |object: &Value| serde_json::from_value::<Rollout>(object.clone()).ok();
    let both = read(live).zip(read(manifest));
    both.map(|(live, wanted)| validate::of_change(&live, &wanted))
        .unwrap_or_default()
}
