//! Templates, answers, and series of measurements.

mod model;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Analysis, Answer, Answered, Fault, Gate, Inline, Outcome, Record, Request, Round, Template, gates,
    period, prometheus,
};
use crate::api::v1beta1::Rollout;

fn rollout(annotation: &Value) -> Rollout {
    serde_json::from_value(json!({
        "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout",
        "metadata": { "name": "shop", "namespace": "web", "labels": { "team.io/name": "blue" },
            "annotations": { "rollouts.kruise.io/analysis": annotation.as_str().map_or_else(|| annotation.to_string(), str::to_owned) } },
        "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "shop" },
            "strategy": { "canary": { "steps": [{ "replicas": 1 }, { "replicas": "50%" }] } } },
        "status": { "currentStepIndex": 1, "currentStepState": "StepPaused", "canaryStatus": {
            "stableRevision": "old", "canaryRevision": "digest", "podTemplateHash": "new", "currentStepIndex": 1,
            "currentStepState": "StepPaused", "nextStepIndex": 2, "canaryReplicas": 1, "canaryReadyReplicas": 1, "finalisingStep": "" } },
    }))
    .unwrap()
}

fn template(spec: &Value) -> Template {
    Template {
        spec: serde_json::from_value(spec.clone()).map_err(|error| error.to_string()),
        is_trusted: false,
    }
}

fn metric(change: &Value) -> Value {
    let mut metric = json!({ "name": "rate", "interval": "5m", "successCondition": "result[0] >= 0.95", "failureLimit": 3,
        "provider": { "prometheus": { "address": "http://p:9090", "query": "up" } } });
    json_patch::merge(&mut metric, change);
    metric
}

fn analysis(spec: &Value) -> Analysis {
    Analysis {
        templates: BTreeMap::from([("t".to_owned(), template(spec))]),
        ..Analysis::default()
    }
}

fn one(change: &Value) -> Vec<Gate> {
    let rollout = rollout(&json!([{ "template": "t" }]));
    gates(
        &rollout,
        &analysis(&json!({ "metrics": [metric(change)] })),
        Some(1),
        2,
    )
    .unwrap()
}

#[test]
fn reads_periods() {
    let cases = [
        ("30s", Some(30_000)),
        ("5m", Some(300_000)),
        ("1h30m", Some(5_400_000)),
        ("500ms", Some(500)),
        ("1d", Some(86_400_000)),
        ("0s", Some(0)),
        ("", None),
        ("5", None),
        ("m", None),
        ("5 m", None),
        ("-5m", None),
        ("5x", None),
        ("99999999999999999999s", None),
        ("9999999999999999d", None),
    ];
    for (text, millis) in cases {
        assert_eq!(period(text), millis.map(SignedDuration::from_millis), "{text}");
    }
}

/// Args stand wherever a metric has text, conditions among them; a Rollout's word wins over the template's, and what neither
/// says comes from the Rollout's own fields.
#[test]
fn args_stand_where_the_template_says() {
    let spec = json!({
        "args": [
            { "name": "service-name" },
            { "name": "least", "value": "0.9" },
            { "name": "stable", "valueFrom": { "podTemplateHashValue": "Stable" } },
            { "name": "new", "valueFrom": { "podTemplateHashValue": "Latest" } },
            { "name": "step", "valueFrom": { "fieldRef": { "fieldPath": "status.currentStepIndex" } } },
            { "name": "team", "valueFrom": { "fieldRef": { "fieldPath": "metadata.labels['team.io/name']" } } },
        ],
        "metrics": [metric(&json!({ "successCondition": "result.new[0] >= {{args.least}}",
            "provider": { "prometheus": { "query": null, "queries": {
                "new": "x{s=\"{{args.service-name}}\",h=\"{{ args.new }}\"}", "old": "x{h=\"{{args.stable}}\",n=\"{{args.step}}{{args.team}}\"}" } } } }))],
    });
    let rollout = rollout(
        &json!([{ "template": "t", "steps": [1], "args": { "service-name": "web", "least": "0.99" } }]),
    );
    let found = gates(&rollout, &analysis(&spec), Some(1), 2).unwrap();
    let Request::Prometheus(asked) = &found[0].measures[0].request else {
        panic!("{found:?}")
    };
    assert_eq!(
        (found[0].measures[0].condition(), &asked.queries),
        (
            "result.new[0] >= 0.99".to_owned(),
            &BTreeMap::from([
                ("new".to_owned(), "x{s=\"web\",h=\"new\"}".to_owned()),
                ("old".to_owned(), "x{h=\"old\",n=\"1blue\"}".to_owned()),
            ])
        )
    );
    assert_eq!(gates(&rollout, &analysis(&spec), Some(2), 2), Ok(vec![]));
}

#[test]
fn bad_input_is_refused_with_field_and_fix() {
    let web = |change: Value| {
        let mut metric =
            metric(&json!({ "provider": { "prometheus": null, "web": { "url": "http://x/y" } } }));
        json_patch::merge(&mut metric["provider"]["web"], &change);
        json!({ "metrics": [metric] })
    };
    let prom =
        |change: Value| json!({ "metrics": [metric(&json!({ "provider": { "prometheus": change } }))] });
    let just = |change: Value| json!({ "metrics": [metric(&change)] });
    let good = json!([{ "template": "t" }]);
    let cases = [
        (
            json!("not json"),
            just(json!({})),
            "metadata.annotations[rollouts.kruise.io/analysis]: it cannot be read: expected ident",
        ),
        (
            json!([{ "template": "t", "stpes": [1] }]),
            just(json!({})),
            "metadata.annotations[rollouts.kruise.io/analysis]: it cannot be read: unknown field `stpes`",
        ),
        (
            json!([{ "template": "other" }]),
            just(json!({})),
            "metadata.annotations[rollouts.kruise.io/analysis][0].template: there is no AnalysisTemplate \"other\"",
        ),
        (
            json!([{ "template": "t", "steps": [3] }]),
            just(json!({})),
            "metadata.annotations[rollouts.kruise.io/analysis][0].steps: 3 is not one of the steps 1 to 2",
        ),
        (
            json!([{ "template": "t", "args": { "x": "1" } }]),
            just(json!({})),
            "metadata.annotations[rollouts.kruise.io/analysis][0].args.x: the template has no arg of this name; it has none",
        ),
        (
            good.clone(),
            json!({ "args": [{ "name": "a" }], "metrics": [metric(&json!({}))] }),
            "metadata.annotations[rollouts.kruise.io/analysis][0].args.a: is not given",
        ),
        (
            good.clone(),
            prom(json!({ "query": "up{a=\"{{args.b}}\"}" })),
            "analysistemplate/t: spec.metrics[0].provider.prometheus.query: the template has no arg \"b\"; declare it in spec.args",
        ),
        (
            good.clone(),
            prom(json!({ "query": "up{a=\"{{b}}\"}" })),
            "analysistemplate/t: spec.metrics[0].provider.prometheus.query: {{b}} is not known; write {{args.NAME}}",
        ),
        (
            good.clone(),
            just(json!({ "successCondition": "result[0] >=" })),
            "analysistemplate/t: spec.metrics[0].successCondition: it cannot be read as CEL",
        ),
        (
            good.clone(),
            just(json!({ "successCondition": "result[0] + 1" })),
            "analysistemplate/t: spec.metrics[0].successCondition: it is a number, not true or false",
        ),
        (
            good.clone(),
            prom(json!({ "query": "http_requests_total[5m]" })),
            "analysistemplate/t: spec.metrics[0].provider.prometheus.query: answers a range",
        ),
        (
            good.clone(),
            prom(json!({ "query": "a{b=\"c\"}[5m:1m] offset 1h" })),
            "analysistemplate/t: spec.metrics[0].provider.prometheus.query: answers a range",
        ),
        (
            good.clone(),
            prom(json!({ "address": "http://me:hunter2@p:9090" })),
            "analysistemplate/t: spec.metrics[0].provider.prometheus.address: has credentials in it",
        ),
        (
            good.clone(),
            prom(json!({ "address": "p:9090" })),
            "analysistemplate/t: spec.metrics[0].provider.prometheus.address: is not a URL",
        ),
        (
            good.clone(),
            prom(json!({ "service": { "name": "p", "port": "9090" } })),
            "analysistemplate/t: spec.metrics[0].provider.prometheus.address: name either an address or a service",
        ),
        (
            good.clone(),
            prom(
                json!({ "address": null, "service": { "name": "p", "port": "9090", "namespace": "other/pods/p:80/proxy?" } }),
            ),
            "analysistemplate/t: spec.metrics[0].provider.prometheus.service.namespace: \"other/pods/p:80/proxy?\" is not a name",
        ),
        (
            good.clone(),
            prom(
                json!({ "address": null, "service": { "name": "p", "port": "9090", "path": "/../../pods" } }),
            ),
            "analysistemplate/t: spec.metrics[0].provider.prometheus.service.path: \"/../../pods\" is not a plain path",
        ),
        (
            good.clone(),
            prom(json!({ "queries": { "a": "up" } })),
            "analysistemplate/t: spec.metrics[0].provider.prometheus.query: give either a query or queries",
        ),
        (
            good.clone(),
            prom(json!({ "authentication": {} })),
            "analysistemplate/t: spec.metrics[0].provider.prometheus.authentication: name either",
        ),
        (
            good.clone(),
            prom(json!({ "tls": { "ca": { "file": "/etc/passwd" } } })),
            "analysistemplate/t: spec.metrics[0].provider.prometheus.tls.ca.file: a template of the cluster may not read files",
        ),
        (
            good.clone(),
            just(json!({ "provider": { "prometheus": null, "command": { "command": ["true"] } } })),
            "analysistemplate/t: spec.metrics[0].provider.command.command: a template of the cluster may not start programs",
        ),
        (
            good.clone(),
            just(json!({ "provider": { "prometheus": null } })),
            "analysistemplate/t: spec.metrics[0].provider: name exactly one of",
        ),
        (
            good.clone(),
            just(json!({ "interval": "five" })),
            "analysistemplate/t: spec.metrics[0].interval: \"five\" is not a time; write 30s, 5m or 1h30m",
        ),
        (
            good.clone(),
            just(json!({ "interval": "1ms" })),
            "analysistemplate/t: spec.metrics[0].interval: \"1ms\" is too short",
        ),
        (
            good.clone(),
            just(json!({ "interval": null, "count": 3 })),
            "analysistemplate/t: spec.metrics[0].interval: is missing",
        ),
        (
            good.clone(),
            just(json!({ "count": 2, "consecutiveSuccessLimit": 3 })),
            "analysistemplate/t: spec.metrics[0].consecutiveSuccessLimit: 3 good measurements",
        ),
        (
            good.clone(),
            json!({ "metrics": [] }),
            "analysistemplate/t: spec.metrics: there are none",
        ),
        (
            good.clone(),
            json!({ "metrics": [metric(&json!({})), metric(&json!({}))] }),
            "analysistemplate/t: spec.metrics[1].name: there is another metric \"rate\"",
        ),
        (
            good.clone(),
            json!({ "metrics": [metric(&json!({}))], "onFailure": "Explode" }),
            "analysistemplate/t: spec.onFailure: \"Explode\" is neither Pause nor Rollback",
        ),
        (
            good.clone(),
            web(json!({ "method": "DELETE" })),
            "analysistemplate/t: spec.metrics[0].provider.web.method: \"DELETE\" is not GET, POST or PUT",
        ),
        (
            good.clone(),
            web(json!({ "headers": [{ "key": "a b", "value": "" }] })),
            "analysistemplate/t: spec.metrics[0].provider.web.headers[0].key: \"a b\" is not the name of a header",
        ),
        (
            good,
            json!({ "metrics": "none" }),
            "analysistemplate/t: it cannot be read: invalid type",
        ),
        (
            json!([{ "template": "t" }, { "template": "t" }]),
            just(json!({})),
            "metadata.annotations[rollouts.kruise.io/analysis][1]: template \"t\" is used twice for one step",
        ),
    ];
    for (annotation, spec, expected) in cases {
        let found = gates(&rollout(&annotation), &analysis(&spec), Some(1), 2);
        let all = annotation.to_string().contains("[3]");
        let found = if all {
            gates(&rollout(&annotation), &analysis(&spec), None, 2)
        } else {
            found
        };
        let words: Vec<String> = found.unwrap_err().iter().map(ToString::to_string).collect();
        assert!(
            words.iter().any(|word| word.starts_with(expected)),
            "{expected}\n{words:#?}"
        );
        assert!(!words.concat().contains("hunter2"), "{words:?}");
    }
}

#[test]
fn a_file_says_what_it_holds() {
    let template = json!({ "kind": "AnalysisTemplate", "metadata": { "name": "t" }, "spec": { "metrics": [metric(&json!({}))] } });
    let mut misspelt = template.clone();
    misspelt["spec"]["metrics"][0]["sucessCondition"] = json!("true");
    let gates_of = json!({ "gates": [{ "template": "t", "steps": [2] }] });
    let cases = [
        (vec![template.clone()], Ok(1)),
        (vec![template.clone(), gates_of.clone()], Ok(0)),
        (vec![gates_of], Err("the file: has no AnalysisTemplate in it")),
        (
            vec![misspelt],
            Err("document 1: analysistemplate/t: spec.metrics[0].sucessCondition: there is no such field"),
        ),
        (
            vec![template, json!({ "kind": "Pod" })],
            Err("document 2: it is Pod; expected an AnalysisTemplate, or gates: [...]"),
        ),
        (
            vec![json!({ "gates": [{ "name": "t" }] })],
            Err("document 1: unknown field `name`, expected one of `template`, `steps`, `args`"),
        ),
    ];
    for (documents, expected) in cases {
        let found = Inline::read(&documents)
            .map_err(|error| error.to_string())
            .map(|inline| {
                gates(&rollout(&json!([])), &inline.analysis(), Some(1), 2)
                    .unwrap()
                    .len()
            });
        assert_eq!(found, expected.map_err(str::to_owned));
    }
}

#[test]
fn reads_what_prometheus_says() {
    let vector = |values: &[&str]| {
        let items: Vec<Value> = values
            .iter()
            .map(|v| json!({ "metric": {}, "value": [1.5, v] }))
            .collect();
        json!({ "status": "success", "data": { "resultType": "vector", "result": items } }).to_string()
    };
    let cases = [
        (vector(&["0.5", "1e3"]), Ok(json!([0.5, 1000.0]))),
        (vector(&[]), Ok(json!([]))),
        (
            vector(&["NaN", "+Inf", "-Inf"]),
            Ok(json!(["NaN", "+Inf", "-Inf"])),
        ),
        (
            json!({ "status": "success", "data": { "resultType": "scalar", "result": [1, "2"] } })
                .to_string(),
            Ok(json!([2.0])),
        ),
        (
            json!({ "status": "success", "data": { "resultType": "matrix", "result": [] } }).to_string(),
            Err(Fault::lasting(
                "the query answers a range, not one value for each series; use an instant query",
            )),
        ),
        (
            json!({ "status": "success", "data": { "resultType": "string", "result": [1, "x"] } })
                .to_string(),
            Err(Fault::passing("the answer is not one of Prometheus' query API")),
        ),
        (
            vector(&["x"]),
            Err(Fault::passing("the answer is not one of Prometheus' query API")),
        ),
        (
            json!({ "status": "error", "errorType": "bad_data", "error": "parse error: hunter2" })
                .to_string(),
            Err(Fault::lasting("Prometheus cannot answer: bad_data")),
        ),
        (
            json!({ "status": "error", "errorType": "timeout" }).to_string(),
            Err(Fault::passing("Prometheus cannot answer: timeout")),
        ),
        ("<html>".to_owned(), Err(Fault::passing("the answer is not JSON"))),
        (
            "{}".to_owned(),
            Err(Fault::passing("Prometheus cannot answer: unknown")),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(prometheus(&text), expected, "{text}");
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
}

/// Every kind of answer has one meaning.
#[test]
fn each_answer_means_one_thing() {
    let result = |value: Value| Answer::Result(value);
    let cases = [
        (json!({}), result(json!([0.95])), Outcome::Success, None),
        (json!({}), result(json!([0.1])), Outcome::Failure, None),
        (
            json!({}),
            result(json!([])),
            Outcome::Inconclusive,
            Some("no data"),
        ),
        (
            json!({}),
            result(json!(["NaN"])),
            Outcome::Inconclusive,
            Some("no data"),
        ),
        (
            json!({ "successCondition": "isNaN(result[0]) || result[0] > 1" }),
            result(json!(["NaN"])),
            Outcome::Success,
            None,
        ),
        (
            json!({ "successCondition": "size(result) > 0" }),
            result(json!([])),
            Outcome::Failure,
            None,
        ),
        (
            json!({ "successCondition": null }),
            result(json!([1])),
            Outcome::Inconclusive,
            Some("there is no condition: a human judges the value"),
        ),
        (
            json!({ "successCondition": null, "failureCondition": "result[0] < 0.5" }),
            result(json!([1])),
            Outcome::Success,
            None,
        ),
        (
            json!({ "failureCondition": "result[0] < 0.5" }),
            result(json!([0.7])),
            Outcome::Inconclusive,
            Some("neither successCondition nor failureCondition holds"),
        ),
        (
            json!({ "failureCondition": "result[0] < 0.5" }),
            result(json!([0.2])),
            Outcome::Failure,
            None,
        ),
        (
            json!({ "successCondition": "result[1] > 1" }),
            result(json!([1])),
            Outcome::Error,
            Some("the result has fewer values than the condition asks for"),
        ),
        (
            json!({}),
            Answer::Fault(Fault::passing("no answer within 10 s")),
            Outcome::Error,
            Some("no answer within 10 s"),
        ),
        (json!({}), Answer::Assumed, Outcome::Success, None),
    ];
    for (change, answer, outcome, why) in cases {
        let gates = one(&change);
        let mut round = Round::new(&gates, None, "v2", 1, Some(at(0)), at(0));
        let (queries, _) = round.due(at(0));
        let answered = Answered {
            id: queries[0].id.clone(),
            at: at(0),
            answer: answer.clone(),
        };
        assert!(round.take(&[answered]));
        let sample = round.record().metrics[0].samples[0].clone();
        assert_eq!(
            (sample.outcome, sample.why.as_deref()),
            (outcome, why),
            "{change} {answer:?}"
        );
    }
}

/// The guide's template: interval 5m, failureLimit 3, no count. Four bad measurements fail it, at three intervals.
#[test]
fn the_guides_template_fails_after_three_intervals() {
    let gates = one(&json!({}));
    let mut told = Vec::new();
    let mut round = Round::new(&gates, None, "v2", 1, Some(at(0)), at(0));
    let mut now = at(0);
    while let (queries, next) = round.due(now)
        && let Some(now_or_later) = queries.first().map(|_| now).or(next)
    {
        now = now_or_later;
        let answers: Vec<Answered> = round
            .due(now)
            .0
            .into_iter()
            .map(|query| Answered {
                id: query.id,
                at: now,
                answer: Answer::Result(json!([0.5])),
            })
            .collect();
        // The same answer again is no second measurement.
        assert!(round.take(&answers) && !round.take(&answers));
        told.push(format!(
            "{}s {:?} {}",
            now.duration_since(at(0)).as_secs(),
            round.state().verdict,
            round.state().why
        ));
        // What a restarted engine reads goes on the same way.
        let kept: Record = serde_json::from_str(&round.record().text()).unwrap();
        round = Round::new(&gates, Some(kept), "v2", 1, Some(at(0)), now);
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    0s Running rate 1 of 4 (0.5 bad)
    300s Running rate 2 of 4 (0.5 bad)
    600s Running rate 3 of 4 (0.5 bad)
    900s Failed rate is 0.5 (result[0] >= 0.95): 4 bad measurements, 3 tolerated
    ");
}

/// A record of another release, step or go is none.
#[test]
fn a_new_go_begins_anew() {
    let gates = one(&json!({}));
    let mut round = Round::new(&gates, None, "v2", 1, Some(at(0)), at(0));
    let (queries, _) = round.due(at(0));
    round.take(&[Answered {
        id: queries[0].id.clone(),
        at: at(0),
        answer: Answer::Result(json!([1.0])),
    }]);
    let goes_on = |revision: &str, step: i32, began: Option<i64>| {
        let record = Some(round.record().clone());
        let round = Round::new(&gates, record, revision, step, began.map(at), at(9));
        round.record().metrics[0].counts.all() == 1
    };
    assert_eq!(
        [
            goes_on("v2", 1, Some(0)),
            goes_on("v2", 1, None),
            goes_on("v3", 1, None),
            goes_on("v2", 2, None),
            goes_on("v2", 1, Some(1))
        ],
        [true, true, false, false, false]
    );
}
