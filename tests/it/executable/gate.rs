//! `gate`: a measurement now, from a real web server, by a file or by what the Rollout names; and what `status` shows of gates.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

use insta::assert_snapshot;
use jiff::SignedDuration;
use kubectl_kruise::clock::Clock;
use serde_json::{Value, json};

use crate::harness::{
    served::{Folder, Life, Served},
    shop::{Turn, after, several_after},
};

/// A server that answers everything with these bodies, one after the other, the last one again and again; and keeps what it
/// was asked.
pub(super) fn server(bodies: &'static [&'static str]) -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut buffer = vec![0; 8192];
            let length = stream.read(&mut buffer).unwrap();
            let mut text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let wanted = text.lines().find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse::<usize>()
                    .ok()
            });
            let end = text.find("\r\n\r\n").unwrap() + 4;
            while text.len() < end + wanted.unwrap_or(0) {
                let length = stream.read(&mut buffer).unwrap();
                text.push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
            let _ = tell.send(text);
            let body = bodies[number.min(bodies.len() - 1)];
            let (status, body) = body.split_once(' ').unwrap();
            let answer = format!(
                "HTTP/1.1 {status} OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (format!("http://{address}"), told)
}

fn template(provider: &Value, change: &Value) -> String {
    let mut metric = json!({ "name": "rate", "successCondition": "result[0] >= 0.95", "provider": provider });
    json_patch::merge(&mut metric, change);
    json!({ "apiVersion": "rollouts.kruise.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": { "name": "rate" },
        "spec": { "args": [{ "name": "service", "value": "web" }], "metrics": [metric] } })
    .to_string()
}

/// What a measurement means is the exit code; query and credentials are in no output.
#[test]
fn the_exit_code_says_what_a_measurement_means() {
    let vector = |value: &str| -> &'static str {
        format!("200 {{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":[{{\"metric\":{{}},\"value\":[1,\"{value}\"]}}]}}}}").leak()
    };
    let cases: [(&'static str, i32, &str); 9] = [
        (vector("0.99"), 0, "rate     0.99    result[0] >= 0.95   good"),
        (vector("0.5"), 5, "rate     0.5     result[0] >= 0.95   bad"),
        (vector("NaN"), 4, "no data"),
        (
            "200 {\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}",
            4,
            "no data",
        ),
        (
            "200 {\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}",
            4,
            "the query answers a range",
        ),
        (
            "400 {\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"secret_query\"}",
            4,
            "Prometheus cannot answer: bad_data",
        ),
        ("503 {}", 4, "HTTP 503"),
        ("401 {}", 4, "HTTP 401: the credentials are missing or wrong"),
        ("200 <html>", 4, "the answer is not JSON"),
    ];
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let folder = Folder::new();
    let file = folder.file("gate.yaml");
    for (body, code, words) in cases {
        let (address, asked) = server(Box::leak(Box::new([body])));
        std::fs::write(folder.file("password"), "hunter2\n").unwrap();
        let authentication =
            json!({ "basic": { "username": "me", "password": { "file": folder.file("password") } } });
        let provider = json!({ "prometheus": { "address": address, "query": "secret_query{s=\"{{args.service}}\"}", "authentication": authentication } });
        std::fs::write(&file, template(&provider, &json!({}))).unwrap();
        let outcome = shop.kruise(&[
            "gate",
            "web",
            "-v",
            "9",
            "--arg",
            "service=other",
            "--template",
            file.to_str().unwrap(),
        ]);
        assert_eq!(outcome.code, Some(code), "{outcome}");
        assert!(outcome.stdout.contains(words), "{words}: {outcome}");
        let asked = asked.recv().unwrap();
        assert!(asked.starts_with("POST /api/v1/query HTTP/1.1"), "{asked}");
        assert!(
            asked.ends_with("query=secret_query%7Bs%3D%22other%22%7D"),
            "{asked}"
        );
        assert!(
            asked
                .to_lowercase()
                .contains("authorization: basic bwu6ahvudgvymg=="),
            "{asked}"
        );
        let all = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!all.contains("secret_query") && !all.contains("hunter2"), "{all}");
    }
    assert_eq!(shop.sim.trace(), [], "nothing is written");
}

/// Nobody there, an answer that does not come, a web server, programs.
#[test]
fn other_providers() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (web, _asked) = server(&["200 {\"errors\": 2, \"ok\": true}"]);
    let prometheus =
        |address: String| json!({ "prometheus": { "address": address, "query": "up", "timeout": "300ms" } });
    let command = |words: &[&str]| json!({ "command": { "command": words, "timeout": "500ms" } });
    let cases = [
        (
            prometheus(format!("http://{gone}")),
            json!({}),
            4,
            "cannot be reached: connection refused",
        ),
        // The host is named, and nothing else of an address.
        (
            prometheus("http://no..host:9090/secret".to_owned()),
            json!({}),
            4,
            "no..host:9090 cannot be reached: no such host (",
        ),
        (
            prometheus(format!("http://{}", silent.local_addr().unwrap())),
            json!({}),
            4,
            "no answer within 0.3 s",
        ),
        (
            json!({ "web": { "url": format!("{web}/health?a=b") } }),
            json!({ "successCondition": "result.ok && result.errors < 3" }),
            0,
            "good",
        ),
        (
            json!({ "web": { "url": format!("{web}/health") } }),
            json!({ "successCondition": "result.errors < 2" }),
            5,
            "bad",
        ),
        (command(&["true"]), json!({ "successCondition": null }), 0, "good"),
        (command(&["false"]), json!({ "successCondition": null }), 5, "bad"),
        (
            command(&["echo", "{\"p99\": 0.3}"]),
            json!({ "successCondition": "result.output.p99 < 0.5" }),
            0,
            "good",
        ),
        (
            command(&["sleep", "60"]),
            json!({ "successCondition": null }),
            4,
            "no answer within 0.5 s",
        ),
        (
            command(&["/no/such/program"]),
            json!({ "successCondition": null }),
            4,
            "the program cannot be started: entity not found",
        ),
    ];
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let folder = Folder::new();
    let file = folder.file("gate.yaml");
    for (provider, change, code, words) in cases {
        std::fs::write(&file, template(&provider, &change)).unwrap();
        let outcome = shop.kruise(&["gate", "web", "--template", file.to_str().unwrap()]);
        assert_eq!(outcome.code, Some(code), "{outcome}");
        assert!(outcome.stdout.contains(words), "{words}: {outcome}");
    }
}

#[test]
fn bad_input_says_where_and_what_helps() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let folder = Folder::new();
    let file = folder.file("gate.yaml");
    let name = file.to_str().unwrap();
    let prometheus = json!({ "prometheus": { "address": "http://p", "query": "up" } });
    let cases: [(String, &[&str], i32, &str); 6] = [
        (
            template(&prometheus, &json!({ "successCondition": "result[0] >" })),
            &["--template", name],
            1,
            "rate: spec.metrics[0].successCondition: it cannot be read as CEL",
        ),
        (
            template(&prometheus, &json!({ "sucess": "x" })),
            &["--template", name],
            1,
            "spec.metrics[0].sucess: there is no such field",
        ),
        (
            template(&prometheus, &json!({})),
            &["--template", name, "--arg", "x=y"],
            1,
            "args.x: the template has no arg of this name; there are service",
        ),
        (
            template(&prometheus, &json!({})),
            &["--template", "/no/such/file.yaml"],
            7,
            "the path \"/no/such/file.yaml\" does not exist",
        ),
        (
            template(&prometheus, &json!({})),
            &["--template", "unknown"],
            1,
            "there is no AnalysisTemplate \"unknown\"",
        ),
        (
            String::new(),
            &[],
            64,
            "rollout.rollouts.kruise.io/web has no metric gate\n",
        ),
    ];
    for (text, arguments, code, words) in cases {
        std::fs::write(&file, text).unwrap();
        let outcome = shop.kruise(&[&["gate", "web"], arguments].concat());
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (Some(code), ""),
            "{outcome}"
        );
        assert!(
            outcome.stderr.starts_with("error: ") && outcome.stderr.contains(words),
            "{words}: {outcome}"
        );
    }
    assert_eq!(shop.sim.trace(), [], "nothing is written");
}

/// At rest the status still has the last step of the last release: what is tried then is the next release's first gate.
#[test]
fn at_rest_the_first_gate_is_tried() {
    let (web, _asked) = server(&["200 {\"ok\": true}"]);
    let mut objects = after(&[]);
    let gates = json!([{ "template": "rate", "steps": [2] }]).to_string();
    for object in objects.iter_mut().filter(|object| object["kind"] == "Rollout") {
        object["metadata"]["annotations"] = json!({ "rollouts.kruise.io/analysis": gates });
    }
    let text = template(
        &json!({ "web": { "url": web } }),
        &json!({ "successCondition": "result.ok" }),
    );
    let mut template: Value = serde_json::from_str(&text).unwrap();
    template["metadata"]["namespace"] = json!("shop");
    objects.push(template);
    let shop = Served::with(objects, Life::Still);
    assert_snapshot!(shop.kruise(&["gate", "web"]), @"
    exit 0
    --- stdout
    METRIC   VALUE                   CONDITION   RESULT   WHY
    rate     an object of 1 fields   result.ok   good     -
    rollout.rollouts.kruise.io/web gate of step 2 passed
    ");
    assert_snapshot!(shop.kruise(&["gate", "web", "--step", "3"]), @r"
    exit 64
    --- stderr
    error: rollout.rollouts.kruise.io/web has no metric gate for step 3, but for step 2

    hint: kubectl kruise rollout gate web -n shop --step 2
    ");
}

/// A real controller paused the step: whoever watches measures, and approves or rolls back.
#[test]
fn watch_approves_what_passes_and_rolls_back_what_fails() {
    for (answer, expected) in [
        ("200 {\"good\": true}", "StepReady"),
        ("200 {\"good\": false}", "web:v1"),
    ] {
        let (web, _asked) = server(Box::leak(Box::new([answer])));
        let gates = json!({ "metadata": { "annotations": { "rollouts.kruise.io/analysis": json!([{ "template": "rate" }]).to_string() } } });
        let mut objects = after(&[Turn::Released("web:v2")]);
        for object in &mut objects {
            if object["kind"] == "Rollout" {
                json_patch::merge(object, &gates);
            }
        }
        let text = template(
            &json!({ "web": { "url": web } }),
            &json!({ "successCondition": "result.good" }),
        );
        let mut template: Value = serde_json::from_str(&text).unwrap();
        template["metadata"]["namespace"] = json!("shop");
        template["spec"]["onFailure"] = json!("Rollback");
        objects.push(template);
        let shop = Served::with(objects, Life::Still);
        let outcome = shop.kruise(&["watch", "web", "--auto-approve", "--timeout", "4s"]);
        assert_eq!(outcome.code, Some(124), "{outcome}");
        let state = shop.rollout()["status"]["canaryStatus"]["currentStepState"].clone();
        let image = shop.deployment()["spec"]["template"]["spec"]["containers"][0]["image"].clone();
        assert!(
            state == expected || image == expected,
            "{state} {image} {outcome}"
        );
        assert_eq!(shop.sim.trace().len(), 1, "{outcome}");
    }
}

/// Whoever watches a selection judges those that come while it is watched, too.
#[test]
fn watch_judges_rollouts_that_come_meanwhile() {
    let (web, _asked) = server(&["200 {\"good\": true}"]);
    let mut objects = several_after(&["web", "api"], &[Turn::Released("web:v2")]);
    let gates = json!({ "metadata": { "annotations": { "rollouts.kruise.io/analysis": json!([{ "template": "rate" }]).to_string() } } });
    let is_new = |object: &Value| object["kind"] == "Rollout" && object["metadata"]["name"] == "api";
    let mut new = objects.iter().find(|object| is_new(object)).unwrap().clone();
    objects.retain(|object| !is_new(object));
    json_patch::merge(&mut new, &gates);
    let text = template(
        &json!({ "web": { "url": web } }),
        &json!({ "successCondition": "result.good" }),
    );
    let mut template: Value = serde_json::from_str(&text).unwrap();
    template["metadata"]["namespace"] = json!("shop");
    objects.push(template);
    let shop = Served::with(objects, Life::Still);
    let watching = shop.spawn(&["watch", "-A", "--auto-approve", "--timeout", "20s"]);
    shop.wait_for(|| shop.requested().lines().count() > 1);
    shop.sim.load(new).unwrap();
    let state = || {
        shop.get("rollouts.kruise.io/v1beta1", "Rollout", "api")["status"]["canaryStatus"]["currentStepState"]
            .clone()
    };
    let clock = Clock::wall();
    let end = clock.now().saturating_add(SignedDuration::from_secs(15)).unwrap();
    shop.wait_for(|| state() == "StepReady" || clock.now() > end);
    assert_eq!(state(), "StepReady");
    assert_eq!(
        shop.rollout()["status"]["canaryStatus"]["currentStepState"],
        "StepPaused",
        "it has no gate"
    );
    drop(watching);
}

/// A timed pause ends by itself; what watches it stops it in time unless its metrics have passed.
#[test]
fn watch_stops_a_timed_pause_whose_metrics_do_not_pass() {
    for (answers, on_failure, timeout, paused, image, told) in [
        // Bad at once: the pause is long, and nobody waits for its end.
        (
            &["200 {\"good\": false}"][..],
            "Rollback",
            "3s",
            json!(null),
            "web:v1",
            "rolled back",
        ),
        (
            &["200 {\"good\": false}"],
            "Pause",
            "3s",
            json!(true),
            "web:v2",
            "paused: its metrics have not passed",
        ),
        (
            &["200 {\"good\": true}"],
            "Rollback",
            "3s",
            json!(null),
            "web:v2",
            "metrics passed",
        ),
    ] {
        let (web, _asked) = server(Box::leak(answers.to_vec().into_boxed_slice()));
        let gates = json!({ "metadata": { "annotations": { "rollouts.kruise.io/analysis": json!([{ "template": "rate" }]).to_string() } },
            "spec": { "strategy": { "canary": { "steps": [
                { "replicas": 1, "traffic": "20%", "pause": { "duration": 100_000 } },
                { "replicas": "100%", "traffic": "100%", "pause": {} }] } } } });
        let mut objects = after(&[Turn::Released("web:v2")]);
        for object in &mut objects {
            if object["kind"] == "Rollout" {
                json_patch::merge(object, &gates);
            }
        }
        let text = template(
            &json!({ "web": { "url": web } }),
            &json!({ "successCondition": "result.good" }),
        );
        let mut template: Value = serde_json::from_str(&text).unwrap();
        template["metadata"]["namespace"] = json!("shop");
        template["spec"]["onFailure"] = json!(on_failure);
        objects.push(template);
        let shop = Served::with(objects, Life::Still);
        let outcome = shop.kruise(&["watch", "web", "--auto-approve", "--timeout", timeout]);
        assert_eq!(outcome.code, Some(124), "{outcome}");
        let (rollout, deployment) = (shop.rollout(), shop.deployment());
        assert_eq!(
            (
                &rollout["spec"]["strategy"]["paused"],
                &deployment["spec"]["template"]["spec"]["containers"][0]["image"],
                &rollout["status"]["canaryStatus"]["currentStepState"],
            ),
            (&paused, &json!(image), &json!("StepPaused")),
            "{on_failure} {outcome}"
        );
        assert!(outcome.to_string().contains(told), "{told}: {outcome}");
    }
}

/// Still measuring when the time is nearly up: frozen, and resumed when the metrics have passed.
#[test]
fn watch_freezes_a_pause_that_runs_out_and_lets_it_go_on() {
    let (web, _asked) = server(Box::leak(vec!["200 {\"good\": true}"; 9].into_boxed_slice()));
    let mut objects = after(&[Turn::Released("web:v2")]);
    for object in &mut objects {
        if object["kind"] == "Rollout" {
            // Its time is up long ago, and no engine has looked yet.
            let gates = json!({ "metadata": { "annotations": { "rollouts.kruise.io/analysis": json!([{ "template": "rate" }]).to_string() } },
                "spec": { "strategy": { "canary": { "steps": [
                    { "replicas": 1, "traffic": "20%", "pause": { "duration": 1 } },
                    { "replicas": "100%", "traffic": "100%", "pause": {} }] } } } });
            json_patch::merge(object, &gates);
        }
    }
    let text = template(
        &json!({ "web": { "url": web } }),
        &json!({ "successCondition": "result.good", "interval": "1s", "count": 2 }),
    );
    let mut template: Value = serde_json::from_str(&text).unwrap();
    template["metadata"]["namespace"] = json!("shop");
    objects.push(template);
    let shop = Served::with(objects, Life::Still);
    let outcome = shop.kruise(&["watch", "web", "--auto-approve", "--timeout", "6s"]);
    let paused: Vec<Value> = shop
        .sim
        .trace()
        .iter()
        .map(|write| write.body["spec"]["strategy"]["paused"].clone())
        .collect();
    assert_eq!(paused, [json!(true), json!(false)], "{outcome}");
    assert_eq!(shop.rollout()["spec"]["strategy"]["paused"], false, "{outcome}");
}

/// A release whose first step is judged by a template, with what was measured of it so far.
fn judged(record: &Value) -> Vec<Value> {
    let mut objects = after(&[Turn::Released("web:v2")]);
    for object in &mut objects {
        if object["kind"] == "Rollout" {
            let revision = object["status"]["canaryStatus"]["canaryRevision"].clone();
            let mut record = record.clone();
            record["revision"] = revision;
            json_patch::merge(
                object,
                &json!({
                    "metadata": { "annotations": {
                        "rollouts.kruise.io/analysis": json!([{ "template": "rate", "steps": [1, 2] }]).to_string(),
                        "rollouts.kruise.io/analysis-results": record.to_string() } },
                    "status": { "currentStepState": "StepMetricsAnalysis", "canaryStatus": { "currentStepState": "StepMetricsAnalysis" } },
                }),
            );
        }
    }
    let provider = json!({ "prometheus": { "address": "http://prometheus:9090", "query": "up" } });
    let mut template: Value = serde_json::from_str(&template(
        &provider,
        &json!({ "interval": "5m", "failureLimit": 3 }),
    ))
    .unwrap();
    template["metadata"]["namespace"] = json!("shop");
    objects.push(template);
    objects
}

fn record() -> Value {
    let sample = |minute: i32, value: f64, outcome: &str| json!({ "at": format!("2026-01-01T00:{minute:02}:00Z"), "value": [value], "outcome": outcome });
    json!({ "step": 1, "began": "2026-01-01T00:00:00Z", "verdict": "Running", "why": "rate 3 of 4", "onFailure": "Rollback",
        "metrics": [{ "template": "rate", "name": "rate", "condition": "result[0] >= 0.95", "required": 4, "verdict": "Running",
            "counts": { "success": 2, "failure": 1, "inconclusive": 0, "error": 1 }, "next": "2026-01-01T00:20:00Z",
            "samples": [sample(0, 0.97, "success"), sample(5, 0.91, "failure"),
                { "at": "2026-01-01T00:10:00Z", "outcome": "error", "why": "HTTP 503" }, sample(15, 0.99, "success")] }] })
}

#[test]
fn status_shows_value_threshold_and_samples() {
    let shop = Served::with(judged(&record()), Life::Still);
    assert_snapshot!(shop.kruise(&["status", "web"]), @r"
    exit 0
    --- stdout
    Rollout:  shop/web  canary of deployment/web
    State:    progressing: step 1/3, judging metrics, since SPAN
    Next:     you
    Message:  Rollout is in step(1/3), and you need manually confirm to enter the next step
    Cause:    nobody acts on this Rollout: no engine is running
              kubectl kruise rollout run web -n shop

        STEP   PODS   TRAFFIC   ENDS
    ▶   1      1      20%       by rate, then by approval
    ·   2      2      50%       by rate, then after 10m
    ·   3      100%   100%      by itself

    METRIC   VALUE   CONDITION           MEASURED   SAMPLES   STATE
    rate     0.99    result[0] >= 0.95   3 of 4     ▆▁!█      measuring

    VERSION   HASH         DESIRED   CURRENT   READY   IMAGES
    stable    6758fd9795   3         3         3       web:v1
    new       f66cd76cb    1         1         1       web:v2

    TRAFFIC TO NEW   WANTED   SET
    ingress/web      20%      20%
    ");
    let document = shop.kruise(&["status", "web", "-o", "json"]).json();
    let gate = &document["gate"];
    assert_eq!(
        (
            &gate["verdict"],
            &gate["metrics"][0]["value"],
            &gate["metrics"][0]["measured"],
            &gate["metrics"][0]["condition"]
        ),
        (
            &json!("measuring"),
            &json!([0.99]),
            &json!(3),
            &json!("result[0] >= 0.95")
        )
    );
    assert_eq!(gate["metrics"][0]["samples"].as_array().unwrap().len(), 4);
}

/// A plan counts the times of gates: four measurements at five minutes each take fifteen minutes.
#[test]
fn plan_counts_gates() {
    let mut objects = judged(&record());
    objects
        .iter_mut()
        .filter(|object| object["kind"] == "Rollout")
        .for_each(|rollout| {
            rollout["metadata"]["annotations"]
                .as_object_mut()
                .unwrap()
                .remove("rollouts.kruise.io/analysis-results");
        });
    let shop = Served::with(objects, Life::Still);
    let table = shop.kruise(&["plan", "web"]);
    assert_snapshot!(table, @"
    exit 0
    --- stdout
    Plan for shop/web
    STEP     NEW   OLD   READY   PODS   TRAFFIC NEW/OLD   GATE                  EARLIEST   LIKELY    WRITES
    1        1     3     4       4      20%/80%           rate, then approval   +TIME     ~TIME   6
    2        2     3     4..5    5      50%/50%           rate, then 600 s      +TIME     ~TIME   13
    3        3     3     5..6    6      100%/0%           -                     +TIME     ~TIME   6
    finish   3     0     3..7    7      -                 -                     +TIME     ~TIME   14

    ~ unknown: how long approvals of step 1 take: no time is counted for them
    ~ unknown: what the metrics will say: they are assumed to be good
    Summary: 3 steps, 39 writes, never below 3 ready pods, at most 7 pods, +TIME at the earliest, 0 blockers, completes.
    ");
    let plan = shop.kruise(&["plan", "web", "-o", "json"]).json();
    let seconds = |step: usize| plan["steps"][step]["seconds"].as_f64().unwrap();
    assert!((900.0..930.0).contains(&seconds(0)), "{plan}");
    assert!(
        (900.0 + 900.0 + 0.0..900.0 + 900.0 + 60.0).contains(&seconds(1)),
        "{plan}"
    );
}

/// A token of a Secret, and a server that is known by a certificate of its own.
#[test]
fn secrets_and_certificates() {
    let folder = Folder::new();
    let run = |arguments: &[&str]| {
        let done = std::process::Command::new("openssl")
            .args(arguments)
            .current_dir(folder.file(""))
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    // A certificate that vouches for itself and for nobody else.
    let wanted = "[req]\ndistinguished_name = name\nx509_extensions = more\nprompt = no\n[name]\nCN = localhost\n[more]\n\
        subjectAltName = DNS:localhost\nbasicConstraints = CA:FALSE\n";
    std::fs::write(folder.file("wanted"), wanted).unwrap();
    run(&[
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days",
        "2", "-config", "wanted",
    ]);
    std::fs::write(folder.file("health.json"), "{\"ok\": true}").unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut server_of_tls = std::process::Command::new("openssl")
        .args([
            "s_server",
            "-accept",
            &port.to_string(),
            "-cert",
            "cert.pem",
            "-key",
            "key.pem",
            "-WWW",
            "-quiet",
        ])
        .current_dir(folder.file(""))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::yield_now();
    }
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let file = folder.file("gate.yaml");
    let measure = |tls: Value| {
        let provider =
            json!({ "web": { "url": format!("https://localhost:{port}/health.json"), "tls": tls } });
        std::fs::write(
            &file,
            template(&provider, &json!({ "successCondition": "result.ok" })),
        )
        .unwrap();
        let outcome = shop.kruise(&["gate", "web", "--template", file.to_str().unwrap()]);
        (outcome.code, outcome.stdout)
    };
    let unknown = measure(json!({}));
    let by_file = measure(json!({ "ca": { "file": folder.file("cert.pem") } }));
    let anybody = measure(json!({ "insecureSkipVerify": true }));
    server_of_tls.kill().unwrap();
    server_of_tls.wait().unwrap();
    assert!(
        unknown.0 == Some(4) && unknown.1.contains("cannot be reached: invalid peer certificate"),
        "{unknown:?}"
    );
    assert_eq!(
        (by_file.0, anybody.0),
        (Some(0), Some(0)),
        "{by_file:?} {anybody:?}"
    );

    let (address, asked) =
        server(&["200 {\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"1\"]}}"]);
    let mut objects = after(&[Turn::Released("web:v2")]);
    let provider = json!({ "prometheus": { "address": address, "query": "up",
        "authentication": { "bearerToken": { "secretKeyRef": { "name": "prometheus", "key": "token" } } } } });
    let mut named: Value = serde_json::from_str(&template(&provider, &json!({}))).unwrap();
    named["metadata"]["namespace"] = json!("shop");
    objects.push(named);
    // `hunter2`, and a line's end as editors leave it.
    objects.push(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "prometheus", "namespace": "shop" },
        "data": { "token": "aHVudGVyMgo=" } }));
    let shop = Served::with(objects, Life::Still);
    let outcome = shop.kruise(&["gate", "web", "--template", "rate"]);
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert!(
        asked
            .recv()
            .unwrap()
            .to_lowercase()
            .contains("authorization: bearer hunter2\r\n")
    );
}
