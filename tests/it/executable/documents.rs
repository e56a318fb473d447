//! What programs read on stdout is one thing that can be read, whatever else is told.

use serde_json::{Value, json};

use crate::harness::{
    served::{Life, Outcome, Served},
    shop::{Turn, after, several_after},
};

/// Every verb that changes something, as a program tries it.
const TRIED: [&[&str]; 9] = [
    &["approve", "web"],
    &["approve", "web", "--to", "3"],
    &["rollback", "web"],
    &["undo", "web"],
    &["pause", "web"],
    &["resume", "web"],
    &["restart", "web"],
    &["set", "image", "web", "main=web:v3"],
    &["apply", "-f", "FILE"],
];

fn tried(shop: &Served, words: &[&str], more: &[&str]) -> Outcome {
    let file = shop.folder.file("all.json");
    let config =
        |name: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } });
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [config("a"), config("b")] });
    std::fs::write(&file, list.to_string()).unwrap();
    let words: Vec<&str> = words
        .iter()
        .map(|word| {
            if *word == "FILE" {
                file.to_str().unwrap()
            } else {
                word
            }
        })
        .chain(more.iter().copied())
        .collect();
    shop.kruise(&words)
}

#[test]
fn of_a_dry_run_only_the_object_is_on_stdout() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    for words in TRIED {
        let changes = words != ["resume", "web"];
        let json = tried(&shop, words, &["--dry-run=client", "-o", "json"]);
        assert!(
            json.code == Some(0) && json.json()["kind"].is_string(),
            "{words:?} {json}"
        );
        assert_eq!(
            json.stderr.contains("Content-Type: "),
            changes,
            "{words:?} {json}"
        );
        let yaml = tried(&shop, words, &["--dry-run=client", "-o", "yaml"]);
        let documents: Vec<Value> = serde_saphyr::from_multiple(&yaml.stdout).unwrap();
        assert!(
            documents.iter().all(|object| object["kind"].is_string()),
            "{yaml}"
        );
        let name = tried(&shop, words, &["--dry-run=client", "-o", "name"]);
        assert!(
            name.stdout
                .lines()
                .all(|line| line.split('/').count() == 2 && !line.contains(' ')),
            "{words:?} {name}"
        );
        // A person gets the requests where everything else is.
        let table = tried(&shop, words, &["--dry-run=client"]);
        assert_eq!(
            table.stdout.contains("Content-Type: "),
            changes,
            "{words:?} {table}"
        );
    }
    assert_eq!(shop.sim.trace(), [], "nothing was sent");
}

/// What is printed of a change that is only tried is what it would come to.
#[test]
fn of_a_dry_run_the_object_is_as_it_would_be() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let find = |words: &[&str], place: &str| {
        let said = shop.kruise(&[words, &["--dry-run=client", "-o", "json"]].concat());
        said.json().pointer(place).cloned().unwrap_or_default()
    };
    assert_eq!(find(&["pause", "web"], "/spec/strategy/paused"), true);
    let state = "/status/canaryStatus/currentStepState";
    assert_eq!(find(&["approve", "web"], state), "StepReady");
    let image = "/spec/template/spec/containers/0/image";
    assert_eq!(find(&["rollback", "web"], image), "web:v1");
    assert_eq!(find(&["set", "image", "web", "main=web:v3"], image), "web:v3");
}

#[test]
fn what_a_release_came_to_is_told_beside_the_object() {
    let shop = Served::with(after(&[]), Life::Alive);
    let said = shop.kruise(&["set", "image", "web", "main=web:v2", "--standalone", "-o", "json"]);
    assert_eq!(
        (said.code, &said.json()["kind"]),
        (Some(4), &json!("Deployment")),
        "{said}"
    );
    assert!(said.stderr.contains("waiting for approval of step 1/3"), "{said}");
}

#[test]
fn where_several_may_be_meant_it_is_a_list() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let kinds = |words: &[&str]| {
        let said = shop.kruise(words);
        let items = said.json()["items"].as_array().map(|items| {
            let kinds = items.iter().map(|item| item["kind"].as_str().unwrap().to_owned());
            kinds.collect::<Vec<String>>()
        });
        (said.json()["kind"].as_str().unwrap().to_owned(), items)
    };
    let list = |kind: &str| ("List".to_owned(), Some(vec![kind.to_owned()]));
    let one = |kind: &str| (kind.to_owned(), None);
    for (words, expected) in [
        (&["status", "web", "-o", "json"][..], one("RolloutStatus")),
        (&["status", "-A", "-o", "json"], list("RolloutStatus")),
        (&["status", "-l", "team=web", "-o", "json"], list("RolloutStatus")),
        (&["status", "web", "nope", "-o", "json"], list("RolloutStatus")),
        (&["status", "web", "web", "-o", "json"], one("RolloutStatus")),
        (&["explain", "--all", "-o", "json"], list("RolloutExplanation")),
        (&["history", "--all", "-o", "json"], list("RolloutHistory")),
        (
            &["pause", "--all", "--dry-run=server", "-o", "json"],
            list("Rollout"),
        ),
        (
            &["status", "--all", "--until", "paused", "-o", "json"],
            list("RolloutStatus"),
        ),
    ] {
        assert_eq!(kinds(words), expected, "{words:?}");
    }
}

#[test]
fn a_template_is_filled_in_with_what_json_prints() {
    let shop = Served::with(several_after(&["api", "web"], &[]), Life::Still);
    for (words, printed) in [
        (&["status", "web", "-o", "jsonpath={.object.name}"][..], "web"),
        (
            &["status", "-A", "-o", "jsonpath={.items[*].object.name}"],
            "api web",
        ),
        (
            &[
                "status",
                "--all",
                "-o",
                "go-template={{range .items}}{{.verdict}} {{end}}",
            ],
            "Healthy Healthy ",
        ),
        (
            &[
                "history",
                "--all",
                "-o",
                "jsonpath-as-json={.items[*].object.name}",
            ],
            "[\n    \"api\",\n    \"web\"\n]\n",
        ),
    ] {
        let said = shop.kruise(words);
        assert_eq!(said.stdout, printed, "{said}");
    }
}

/// A program that reads all Rollouts finds of each what it finds of one.
#[test]
fn the_documents_of_many_are_those_of_each() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let without_time = |mut document: Value| {
        document["observedAt"] = Value::Null;
        document["next"]["sentence"] = Value::Null;
        document
    };
    let one = without_time(shop.kruise(&["status", "web", "-o", "json"]).json());
    let many = shop.kruise(&["status", "-A", "-o", "json"]).json();
    assert_eq!(one["revisions"].as_array().map(Vec::len), Some(2), "{one:#}");
    assert_eq!(without_time(many["items"][0].clone()), one);
}

#[test]
fn templates_of_go_fill_in_every_document() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let line =
        "{{.object.name}} {{.verdict}} {{range $i, $p := .steps}}{{if $i}},{{end}}{{$i}}{{end}}{{\"\\n\"}}";
    let file = shop.folder.file("line.tmpl");
    std::fs::write(&file, line).unwrap();
    let path = file.to_str().unwrap();
    for words in [
        &["-o", &format!("go-template={line}")][..],
        &["-o", "go-template", "--template", line],
        &["--template", line],
        &["-o", &format!("go-template-file={path}")],
        &["-o", "go-template-file", "--template", path],
    ] {
        let said = shop.kruise(&[&["status", "web"], words].concat());
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (Some(4), "web WaitingForApproval 0,1,2\n"),
            "{words:?} {said}"
        );
    }
    let bare = shop.kruise(&["status", "web", "-o", "jsonpath", "--template", "{.verdict}"]);
    assert_eq!(bare.stdout, "WaitingForApproval", "{bare}");
    let planned = shop.kruise(&["plan", "web", "--template", "{{.kind}} {{len .steps}}"]);
    assert_eq!(planned.stdout, "RolloutPlan 3", "{planned}");
    let watched = shop.kruise(&["watch", "web", "--until", "paused", "--template", "{{.verdict}}"]);
    assert_eq!(watched.stdout, "WaitingForApproval\n", "{watched}");
    let unfit = shop.kruise(&[
        "pause",
        "web",
        "--dry-run=server",
        "-o",
        "go-template={{.kind.x}}",
    ]);
    assert_eq!(
        (unfit.code, unfit.stdout.as_str(), unfit.stderr.as_str()),
        (
            Some(1),
            "",
            "error: the template does not fit: line 1, column 8: can't evaluate field x of a text\n"
        ),
        "{unfit}"
    );
}

#[test]
fn what_is_named_twice_is_meant_once() {
    for words in [
        ["web", "web"],
        ["rollout/web", "web"],
        ["web", "deploy/web"],
        ["deploy/web", "deployment.apps/web"],
    ] {
        let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
        let said = shop.kruise(&["approve", words[0], words[1], "--no-wait"]);
        assert_eq!(
            (said.code, said.stdout.as_str(), shop.sim.trace().len()),
            (Some(0), "rollout.rollouts.kruise.io/web approved\n", 1),
            "{words:?} {said}"
        );
        let status = shop.kruise(&["status", words[0], words[1], "-o", "name"]);
        assert_eq!(
            status.stdout, "rollout.rollouts.kruise.io/web\n",
            "{words:?} {status}"
        );
    }
}

/// Changes come in every form, each document whole.
#[test]
fn a_watch_tells_changes_in_every_form() {
    let told = |output: &str| {
        let shop = Served::with(several_after(&["web"], &[Turn::Released("web:v2")]), Life::Still);
        let file = shop.folder.file("told");
        let mut command = shop.command(&["watch", "web", "-o", output]);
        command.stdout(std::fs::File::create(&file).unwrap());
        let mut child = command.spawn().unwrap();
        let text = || std::fs::read_to_string(&file).unwrap();
        shop.wait_for(|| !text().is_empty());
        let mut object = shop.rollout();
        object["spec"]["disabled"] = json!(true);
        object["status"]["phase"] = json!("Disabled");
        shop.sim.load(object).unwrap();
        let code = child.wait().unwrap().code();
        Outcome {
            code,
            stdout: text(),
            stderr: String::new(),
        }
    };
    let verdicts = ["WaitingForApproval", "Disabled"];
    let json = told("json");
    let lines: Vec<Value> = json
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines.iter().map(|line| &line["verdict"]).collect::<Vec<_>>(),
        verdicts,
        "{json}"
    );
    let yaml = told("yaml");
    let documents: Vec<Value> = serde_saphyr::from_multiple(&yaml.stdout).unwrap();
    assert_eq!(
        documents.iter().map(|line| &line["verdict"]).collect::<Vec<_>>(),
        verdicts,
        "{yaml}"
    );
    for (output, expected) in [
        ("jsonpath={.verdict}", "WaitingForApproval\nDisabled\n"),
        (
            "custom-columns=VERDICT:.verdict",
            "VERDICT\nWaitingForApproval\nDisabled\n",
        ),
        (
            "name",
            "rollout.rollouts.kruise.io/web\nrollout.rollouts.kruise.io/web\n",
        ),
    ] {
        let said = told(output);
        assert_eq!((said.code, said.stdout.as_str()), (Some(0), expected), "{said}");
    }
}

#[test]
fn a_time_of_nothing_is_no_limit() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    for words in [
        &["status", "web", "--timeout", "0"][..],
        &["status", "web", "--until", "paused", "--timeout", "0s"],
    ] {
        let said = shop.kruise(words);
        assert!(matches!(said.code, Some(0 | 4)), "{words:?} {said}");
    }
    let said = shop.kruise(&["approve", "web", "--no-wait", "--timeout", "0"]);
    assert_eq!((said.code, shop.sim.trace().len()), (Some(0), 1), "{said}");
}

#[test]
fn all_steps_can_be_tried() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let said = shop.kruise(&["approve", "web", "--all-steps", "--dry-run=server"]);
    assert_eq!(
        (said.code, said.stdout.as_str(), said.stderr.as_str()),
        (
            Some(0),
            "rollout.rollouts.kruise.io/web approved (server dry run)\n",
            "rollout.rollouts.kruise.io/web: no later step waits for an approval\n"
        ),
        "{said}"
    );
    let mut object = shop.rollout();
    object["spec"]["strategy"]["canary"]["steps"][1]["pause"] = json!({});
    shop.sim.load(object).unwrap();
    let said = shop.kruise(&["approve", "web", "--all-steps", "--dry-run=client", "-o", "name"]);
    assert_eq!(said.stdout, "rollout.rollouts.kruise.io/web\n", "{said}");
    assert!(
        said.stderr
            .ends_with("rollout.rollouts.kruise.io/web: step 2 would be approved in its turn\n"),
        "{said}"
    );
    let trace = shop.sim.trace();
    assert!(
        !trace.is_empty() && trace.iter().all(|write| write.dry_run),
        "{said}"
    );
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_asked() {
    let shop = Served::with(after(&[]), Life::Still);
    for (words, told) in [
        (&["status", "-l", "app in ("][..], "a parenthesis is not closed"),
        (&["approve", "-l", ""], "it is empty; --all means every one"),
        (&["watch", "-l", "a b"], "\"a b\" is no name of a label"),
        (
            &["set", "image", "web", "main=UPPER CASE"],
            "the name of an image has no spaces",
        ),
        (
            &["set", "image", "web", "main=Web:v2"],
            "the name of an image is in lower case",
        ),
        (&["status", "web", "--until", "step=x"], "expected paused, step=N"),
        (
            &["status", "web", "-o", "go-template={{.a}"],
            "the template \"{{.a}\" does not parse: line 1, column 5: unexpected '}' in an action",
        ),
        (
            &["status", "web", "-o", "go-template={{nope .a}}"],
            "line 1, column 3: function \"nope\" not defined; there are and, base64decode, eq",
        ),
        (
            &["status", "web", "-o", "go-template"],
            "error: go-template needs a template",
        ),
        (
            &["status", "web", "-o", "json", "--template", "{{.a}}"],
            "error: --template belongs to -o go-template",
        ),
        (
            &["plan", "web", "--template", "{{.a}"],
            "unexpected '}' in an action\n\nUsage: kubectl kruise rollout plan ",
        ),
    ] {
        let said = shop.kruise(words);
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (Some(64), ""),
            "{words:?} {said}"
        );
        assert!(said.stderr.contains(told), "{words:?} {said}");
    }
    assert_eq!(shop.requested(), "");
}
