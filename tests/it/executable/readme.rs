//! The README's commands are commands of this program.

use std::ffi::OsString;

use kubectl_kruise::cli;
use serde_json::{Value, json};

use crate::harness::{
    served::{Life, Outcome, Running, Served},
    shop::{NAMESPACE, application},
};

/// The commands in the README's `sh` blocks, one per pipe member, without comments.
fn commands() -> Vec<Vec<String>> {
    let text = include_str!("../../../README.md").replace(" \\\n", " ");
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside {
            let command = line.split(" #").next().unwrap_or(line);
            found.extend(
                command
                    .split('|')
                    .map(|part| part.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                    .filter(|words| !words.is_empty()),
            );
        }
    }
    found
}

#[test]
fn every_command_line_of_the_readme_is_understood() {
    let mut ours = 0;
    let mut wrong = Vec::new();
    for words in commands() {
        let text: Vec<&str> = words.iter().map(String::as_str).collect();
        let rest = match text.as_slice() {
            ["cargo", "run", "--", rest @ ..]
            | ["kubectl", "kruise", rest @ ..]
            | ["kubectl-kruise", rest @ ..] => rest,
            ["cargo", "test" | "bench" | "install", ..] | ["kubectl", "apply" | "annotate", ..] => continue,
            other => {
                wrong.push(format!("{other:?} is neither ours nor known"));
                continue;
            }
        };
        ours += 1;
        let typed: Vec<OsString> = std::iter::once("kubectl-kruise")
            .chain(rest.iter().copied())
            .map(Into::into)
            .collect();
        match cli::parse(&typed) {
            Ok(parsed) if matches!(parsed.command, cli::Root::Foreign(_)) => {
                wrong.push(format!("{rest:?} is no verb"));
            }
            Ok(_) => {}
            Err(error) => wrong.push(format!("{rest:?}: {error}")),
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(ours > 5, "found only {ours} commands");
}

/// A section of the README.
fn section(title: &str) -> &'static str {
    let text = include_str!("../../../README.md");
    let start = text.find(&format!("\n## {title}\n")).unwrap() + 1;
    let end = text[start..].find("\n## ").map_or(text.len(), |end| start + end);
    &text[start..end]
}

/// The blocks of a kind in a text.
fn blocks<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
    let fence = format!("```{kind}\n");
    let inside = |part: &'a str| &part[..part.find("```").unwrap()];
    text.split(&fence).skip(1).map(inside).collect()
}

/// The section whose application and Rollout others go on with.
const STANDALONE: &str = "A release on your cluster, without a controller";

/// The application of that section with its Rollout, with shorter waits, and a cluster in which it is at rest.
fn at_rest() -> (Vec<Value>, Served) {
    let rollout = blocks(section(STANDALONE), "yaml")[0]
        .replace("duration: 300", "duration: 1")
        .replace(
            "- service: echoserver",
            "- service: echoserver\n        gracePeriodSeconds: 1",
        );
    let mut rollout: Value = serde_saphyr::from_str(&rollout).unwrap();
    rollout["metadata"]["namespace"] = json!(NAMESPACE);
    let mut objects = application("echoserver");
    objects.pop();
    objects[0]["spec"]["template"]["spec"]["containers"][0]["name"] = json!("echoserver");
    objects.push(rollout);
    let shop = Served::with(objects.clone(), Life::Alive);
    shop.wait_for(|| shop.get("apps/v1", "Deployment", "echoserver")["status"]["readyReplicas"] == 3);
    (objects, shop)
}

/// The release without a controller, as the README has it, with shorter waits: on from its first pause, or back. How each
/// command ended.
fn released(back: bool) -> Vec<String> {
    let section = section(STANDALONE);
    let (objects, shop) = at_rest();
    let commands = blocks(section, "sh").concat();
    std::fs::create_dir(shop.folder.file("shop")).unwrap();
    let manifests: Vec<String> = objects.iter().map(ToString::to_string).collect();
    std::fs::write(shop.folder.file("shop/web.json"), manifests.join("\n")).unwrap();
    let mut ended = Vec::new();
    for line in commands.lines().filter(|line| line.starts_with("kubectl kruise")) {
        let typed = line.split('#').next().unwrap();
        let ours = typed.split('|').next().unwrap().trim();
        let words: Vec<&str> = ours.split_whitespace().skip(3).collect();
        // The two ways on from the first pause: whoever goes one cannot go the other.
        if words[0] == if back { "approve" } else { "rollback" } {
            continue;
        }
        let mut command = shop.command(&words);
        let outcome = Outcome::of(command.current_dir(shop.folder.file("")).output().unwrap());
        ended.push(format!("{} {}", outcome.code.unwrap(), words.join(" ")));
    }
    ended
}

#[test]
fn a_release_without_a_controller_goes_as_it_says() {
    let both = std::thread::scope(|scope| {
        let ways = [false, true].map(|back| scope.spawn(move || released(back)));
        ways.map(|way| way.join().unwrap())
    });
    let way = [
        "0 manifests crds",
        "0 manifests policy",
        "0 run demo",
        "0 plan demo --set-image echoserver=echoserver:v2",
        "0 plan -f shop/ --set-image echoserver=echoserver:v2",
        "5 plan demo --set-image echoserver=echoserver:v2 --what-if crash",
        "0 plan demo --set-image echoserver=echoserver:v2 --out v2.plan",
        "0 set image demo echoserver=echoserver:v2",
        "4 run demo",
        "4 status demo",
    ];
    let with = |last| [way.as_slice(), &[last]].concat();
    assert_eq!(
        both.each_ref()
            .map(|ended| ended.iter().map(String::as_str).collect::<Vec<_>>()),
        [
            with("0 approve demo --standalone"),
            with("0 rollback demo --standalone")
        ]
    );
}

/// The application of the README, at the first pause of its release, with an engine beside it.
fn at_its_first_pause() -> (Served, Running) {
    let (objects, shop) = at_rest();
    let manifests: Vec<String> = objects.iter().map(ToString::to_string).collect();
    std::fs::create_dir_all(shop.folder.file("manifests/web")).unwrap();
    for name in ["web.yaml", "manifests/web/all.yaml"] {
        std::fs::write(shop.folder.file(name), manifests.join("\n---\n")).unwrap();
    }
    for (words, code) in [
        (&["run", "demo"][..], 0),
        (&["set", "image", "demo", "echoserver=echoserver:v2"], 0),
        (&["run", "demo"], 4),
    ] {
        let outcome = shop.kruise(words);
        assert_eq!(outcome.code, Some(code), "{outcome}");
    }
    let engine = shop.spawn(&["run", "demo", "--forever"]);
    (shop, engine)
}

/// What Prometheus answers where all is well.
const GOOD: &str =
    r#"200 {"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"0.99"]}]}}"#;

/// The metrics of the README: measured by hand, by its file too, and by an engine in the release. The line for a controller's
/// releases is in `gate`.
#[test]
fn metrics_decide_as_it_says() {
    const TITLE: &str = "Steps that metrics decide about";
    let (address, _asked) = super::gate::server(&[GOOD]);
    let template = blocks(section(TITLE), "yaml")[0]
        .replace("http://prometheus.example.com:9090", &address)
        .replace(": 5m", ": 1s");
    let (mut objects, _) = at_rest();
    let mut object: Value = serde_saphyr::from_str(&template).unwrap();
    object["metadata"]["namespace"] = json!(NAMESPACE);
    let annotate = blocks(section(TITLE), "sh").concat();
    let gates = annotate.split('\'').nth(1).unwrap();
    let (key, gates) = gates.split_once('=').unwrap();
    for object in objects.iter_mut().filter(|object| object["kind"] == "Rollout") {
        object["metadata"]["annotations"] = json!({ key: gates });
    }
    objects.push(object);
    let shop = Served::with(objects, Life::Alive);
    shop.wait_for(|| shop.get("apps/v1", "Deployment", "echoserver")["status"]["readyReplicas"] == 3);
    std::fs::write(shop.folder.file("rate.yaml"), template).unwrap();
    let measured = typed(TITLE).into_iter().filter(|words| words[0] == "gate");
    let release = [
        "run demo",
        "set image demo echoserver=echoserver:v2",
        "run demo",
        "approve demo --standalone",
    ];
    let release = release.map(|line| line.split(' ').map(str::to_owned).collect());
    let ended: Vec<String> = measured
        .chain(release)
        .map(|words| {
            let mut command = shop.command(&borrowed(&words));
            let outcome = Outcome::of(command.current_dir(shop.folder.file("")).output().unwrap());
            format!("{} {}", outcome.code.unwrap(), words.join(" "))
        })
        .collect();
    assert_eq!(
        ended,
        [
            "0 gate demo",
            "0 gate demo --template rate.yaml",
            "0 run demo",
            "0 set image demo echoserver=echoserver:v2",
            "4 run demo",
            "0 approve demo --standalone",
        ]
    );
}

/// The command lines of a section as words, without what a shell would do with what they print.
fn typed(title: &str) -> Vec<Vec<String>> {
    let lines = blocks(section(title), "sh").concat().replace(" \\\n", " ");
    let lines = lines
        .lines()
        .filter_map(|line| line.strip_prefix("kubectl kruise rollout "));
    let words = lines.map(|line| {
        let line = line.split('#').next().unwrap().split('>').next().unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    });
    words.collect()
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

#[test]
fn what_is_typed_before_a_release_does_what_it_says() {
    let (shop, _engine) = at_its_first_pause();
    let ended: Vec<String> = typed("Before it goes out")
        .into_iter()
        .map(|words| {
            let mut command = shop.command(&borrowed(&words));
            if words[0] == "rehearse" {
                // A reader answers; here nobody is at the keyboard.
                command.args(["--yes", "--speed", "60"]);
            }
            let outcome = Outcome::of(command.current_dir(shop.folder.file("")).output().unwrap());
            format!("{} {}", outcome.code.unwrap(), words.join(" "))
        })
        .collect();
    assert_eq!(
        ended,
        [
            "0 lint web.yaml",
            "0 lint --live -A",
            "0 lint manifests -R -o sarif",
            "0 rehearse demo --set-image echoserver=echoserver:v2",
        ]
    );
}

#[test]
fn what_is_typed_to_watch_does_what_it_says() {
    let (shop, _engine) = at_its_first_pause();
    let mut ended = Vec::new();
    let mut watching = Vec::new();
    for words in typed("Watching, and why it does not go on") {
        let line = words.join(" ");
        if line == "watch -A" {
            // It ends when nobody looks any more.
            let mut board = shop.command(&["watch", "-A", "-o", "json", "--timeout", "1s"]);
            let outcome = Outcome::of(board.output().unwrap());
            assert!(outcome.stdout.contains("\"demo\""), "{outcome}");
            ended.push(format!("{} {line}", outcome.code.unwrap()));
        } else if words[0] == "explain" {
            ended.push(format!("{} {line}", shop.kruise(&borrowed(&words)).code.unwrap()));
        } else {
            watching.push((line, shop.spawn(&borrowed(&words))));
        }
    }
    let outcome = shop.kruise(&["approve", "demo", "--all-steps"]);
    assert_eq!(outcome.code, Some(0), "{outcome}");
    for (line, running) in watching {
        ended.push(format!("{} {line}", running.outcome().code.unwrap()));
    }
    assert_eq!(
        ended,
        [
            "124 watch -A",
            "4 explain demo",
            "0 watch demo",
            "0 status demo --until healthy --fail-fast --timeout 30m",
        ]
    );
}
