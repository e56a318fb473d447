//! The metrics that each step is judged by, for its row.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    analysis::{self, Analysis, Inline, Template},
    api::v1beta1::Rollout,
    sim::Sim,
};

/// The names of the metrics that each step is judged by. What is wrong with them the engine says.
pub(super) fn of(
    sim: &Sim,
    namespace: &str,
    rollout: &Value,
    inline: Option<&Inline>,
    total: usize,
) -> BTreeMap<i32, String> {
    let Ok(rollout) = serde_json::from_value::<Rollout>(rollout.clone()) else {
        return BTreeMap::new();
    };
    let analysis = inline.map(Inline::analysis).unwrap_or_else(|| {
        let objects = sim.list("rollouts.kruise.io/v1alpha1", "AnalysisTemplate", Some(namespace));
        let named = objects.iter().filter_map(|object| {
            let spec = serde_json::from_value(object["spec"].clone()).map_err(|error| error.to_string());
            let template = Template {
                spec,
                is_trusted: false,
            };
            Some((object["metadata"]["name"].as_str()?.to_owned(), template))
        });
        Analysis {
            templates: named.collect(),
            ..Analysis::default()
        }
    });
    let total = i32::try_from(total).unwrap_or(i32::MAX);
    let of_step = |step: i32| {
        let gates = analysis::gates(&rollout, &analysis, Some(step), total).ok()?;
        let measures = gates
            .iter()
            .flat_map(|gate| &gate.measures)
            .filter(|measure| !measure.dry_run);
        let names: Vec<&str> = measures.map(|measure| measure.name.as_str()).collect();
        (!names.is_empty()).then(|| (step, names.join(" + ")))
    };
    (1..=total).filter_map(of_step).collect()
}
