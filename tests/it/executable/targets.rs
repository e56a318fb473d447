//! What a command is about: names, types, files, kustomizations, selections.

use insta::assert_snapshot;
use kubectl_kruise::workload::Kind;
use serde_json::{Value, json};

use super::set::workload;
use crate::harness::{
    served::{Life, Served, program},
    shop::{Turn, after, application, several_after},
};

fn two() -> Served {
    Served::with(
        several_after(&["web", "api"], &[Turn::Released("web:v2")]),
        Life::Still,
    )
}

fn manifests(names: &[&str]) -> String {
    let objects: Vec<Value> = names.iter().flat_map(|name| application(name)).collect();
    let texts: Vec<String> = objects.iter().map(ToString::to_string).collect();
    texts.join("\n---\n")
}

#[test]
fn every_way_of_naming_them() {
    let both = "rollout.rollouts.kruise.io/api paused (server dry run)\nrollout.rollouts.kruise.io/web paused (server dry run)\n";
    let web = "rollout.rollouts.kruise.io/web paused (server dry run)\n";
    let shop = two();
    let mut labelled = shop.rollout();
    labelled["metadata"]["labels"] = json!({ "team": "other" });
    shop.sim.load(labelled).unwrap();
    let folder = shop.folder.file("manifests");
    std::fs::create_dir_all(folder.join("deeper")).unwrap();
    std::fs::write(folder.join("web.yaml"), manifests(&["web"])).unwrap();
    std::fs::write(folder.join("deeper/api.yaml"), manifests(&["api"])).unwrap();
    let (folder, file) = (
        folder.display().to_string(),
        folder.join("web.yaml").display().to_string(),
    );
    let cases: [(&[&str], &str); 12] = [
        (&["web"], web),
        (&["rollout", "web"], web),
        (&["rollout/web"], web),
        (&["rollouts.rollouts.kruise.io/web"], web),
        (&["api", "rollout/web"], both),
        (&["--all"], both),
        (&["rollouts", "--all"], both),
        (&["-l", "team=other"], web),
        (&["-A", "-l", "team=other"], web),
        (&["-f", &file], web),
        (&["-f", &folder], web),
        (
            &["-R", "-f", &folder],
            "rollout.rollouts.kruise.io/api paused (server dry run)\nrollout.rollouts.kruise.io/web paused (server dry run)\n",
        ),
    ];
    for (words, expected) in cases {
        let said = shop.kruise(&[&["pause", "--dry-run=server"], words].concat());
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (Some(0), expected),
            "{words:?} {said}"
        );
    }
}

#[test]
fn from_stdin_and_a_kustomization() {
    use std::{io::Write, os::unix::fs::PermissionsExt, process::Stdio};
    let shop = two();
    let mut child = shop
        .command(&["status", "-f", "-", "-o", "name"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(manifests(&["api"]).as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).as_ref()
        ),
        (Some(4), "rollout.rollouts.kruise.io/api\n")
    );

    // kubectl builds it; here one that says what it was asked for.
    let kubectl = shop.folder.file("kubectl");
    let text = manifests(&["web"]).replace('\'', "");
    std::fs::write(
        &kubectl,
        format!("#!/bin/sh\ntest \"$1 $2\" = \"kustomize overlay\" || exit 3\ncat <<'END'\n{text}\nEND\n"),
    )
    .unwrap();
    std::fs::set_permissions(&kubectl, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", kubectl.parent().unwrap().display());
    let with = |words: &[&str], path: &str| {
        let mut command = shop.command(words);
        command.current_dir(kubectl.parent().unwrap()).env("PATH", path);
        let output = command.output().unwrap();
        crate::harness::served::Outcome::of(output)
    };
    for folder in ["overlay", "other"] {
        std::fs::create_dir(shop.folder.file(folder)).unwrap();
    }
    assert_snapshot!(with(&["status", "-k", "nowhere"], &path), @r"
    exit 7
    --- stderr
    error: -k nowhere: there is no such folder
    ");
    let said = with(&["status", "-k", "overlay", "-o", "name"], &path);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(4), "rollout.rollouts.kruise.io/web\n"),
        "{said}"
    );
    assert_eq!(with(&["status", "-k", "other"], &path).code, Some(1));
    assert_snapshot!(with(&["status", "-k", "overlay"], "/nowhere"), @r"
    exit 1
    --- stderr
    error: -k needs kubectl on the PATH, and it does not start: No such file or directory (os error 2)

    hint: kustomize build overlay | kubectl kruise rollout ... -f -
    ");
}

#[test]
fn what_is_refused() {
    let shop = two();
    let file = shop.folder.file("service.yaml");
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" } });
    std::fs::write(&file, service.to_string()).unwrap();
    let file = file.display().to_string();
    let said = |words: &[&str]| shop.kruise(words).to_string().replace(&file, "FILE");
    assert_snapshot!(said(&["approve", "rollout"]), @r#"
    exit 64
    --- stderr
    error: "rollout" is a type, and no name follows it

    hint: name one, such as rollout/NAME; -l, -A or --all select several
    "#);
    assert_snapshot!(said(&["undo", "deploy"]), @r#"
    exit 64
    --- stderr
    error: "deploy" is a type, and no name follows it

    hint: name one, such as deploy/NAME; -l, -A or --all select several
    "#);
    assert_snapshot!(said(&["restart", "-A"]), @r"
    exit 64
    --- stderr
    error: -A alone would change every Rollout of every namespace

    hint: add -l LABELS to choose some, or --all if all are meant
    ");
    assert_snapshot!(said(&["pause", "web", "--all"]), @r"
    exit 64
    --- stderr
    error: names cannot be combined with -l, -A or --all
    ");
    assert_snapshot!(said(&["pause", "-l", "a=b", "--all"]), @r"
    exit 64
    --- stderr
    error: -l and --all contradict each other: give the labels, or all
    ");
    assert_snapshot!(said(&["pause", "-f", "https://example.com/web.yaml"]), @r"
    exit 64
    --- stderr
    error: https://example.com/web.yaml is an address, and manifests are read from files only

    hint: curl -fsSL https://example.com/web.yaml | kubectl kruise rollout ... -f -
    ");
    assert_snapshot!(said(&["pause", "-f", &file]), @r"
    exit 7
    --- stderr
    error: none of these manifests is a Rollout or a workload that can be released
    ");
    assert_snapshot!(said(&["pause", "web", "-f", &file]), @r"
    exit 64
    --- stderr
    error: names, -l, -A and --all cannot be combined with -f or -k
    ");
    assert_snapshot!(said(&["pause", "-f", "/nowhere/at/all.yaml"]), @r#"
    exit 7
    --- stderr
    error: the path "/nowhere/at/all.yaml" does not exist
    "#);
    assert_snapshot!(said(&["pause", "-l", "a=b"]), @r#"
    exit 7
    --- stderr
    error: no Rollouts with labels "a=b" found in namespace "shop"
    "#);
    assert_snapshot!(said(&["pause", "deploy", "rollout/web"]), @r#"
    exit 64
    --- stderr
    error: "deploy" is a type: there is no need for one beside TYPE/NAME

    hint: give either TYPE NAME..., or TYPE/NAME for each
    "#);
    assert_snapshot!(said(&["restart", "deploy,sts", "nobody"]), @r#"
    exit 7
    --- stderr
    error: deployment.apps/nobody not found in namespace "shop"
    error: statefulset.apps/nobody not found in namespace "shop"
    "#);
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn workloads_are_selected_by_their_own_labels() {
    let mut objects = workload(Kind::StatefulSet, &json!({}));
    let mut other = objects[1].clone();
    other["metadata"]["name"] = json!("other");
    other["metadata"]["labels"] = json!({ "app": "other" });
    objects.push(other);
    let shop = Served::with(objects, Life::Still);
    let said = shop.kruise(&["restart", "sts", "-l", "app=other", "--dry-run=server"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(0), "statefulset.apps/other restarted (server dry run)\n"),
        "{said}"
    );
    let said = shop.kruise(&["set", "image", "sts", "--all", "main=web:v2", "--dry-run=server"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (
            Some(0),
            "statefulset.apps/other image updated (server dry run)\nstatefulset.apps/web image updated (server dry run)\n"
        ),
        "{said}"
    );
    // The Rollout and its workload are one.
    let said = shop.kruise(&["restart", "rollout/web", "sts/web", "--dry-run=server"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(0), "statefulset.apps/web restarted (server dry run)\n"),
        "{said}"
    );
    let named = shop.kruise(&["status", "sts", "--all", "-o", "name"]);
    assert_eq!(
        (named.code, named.stdout.as_str()),
        (
            Some(0),
            "rollout.rollouts.kruise.io/web\nstatefulset.apps/other\n"
        ),
        "{named}"
    );
}

#[test]
fn formats_are_read_before_anything_is_sent() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let said = |words: &[&str]| shop.kruise(words);
    assert_snapshot!(said(&["pause", "web", "-o", "xml"]), @r"
    exit 64
    --- stderr
    error: invalid value 'xml' for '--output <FORMAT>': expected one of json, yaml, name, wide, table, jsonpath=, jsonpath-file=, jsonpath-as-json=, custom-columns=, custom-columns-file=, go-template=, go-template-file=

    For more information, try '--help'.
    ");
    assert_snapshot!(said(&["pause", "web", "-o", "jsonpath={.a"]), @r#"
    exit 64
    --- stderr
    error: invalid value 'jsonpath={.a' for '--output <FORMAT>': the template "{.a" does not parse: unclosed action

    For more information, try '--help'.
    "#);
    assert_snapshot!(said(&["pause", "web", "-o", "go-template={{if .a}}"]), @r#"
    exit 64
    --- stderr
    error: invalid value 'go-template={{if .a}}' for '--output <FORMAT>': the template "{{if .a}}" does not parse: line 1, column 1: if without {{end}}

    For more information, try '--help'.
    "#);
    assert_eq!(shop.requested(), "");
    assert_snapshot!(said(&["pause", "web", "--dry-run=server", "-o", "jsonpath={.kind} {.spec.strategy.paused}{\"\\n\"}"]), @r"
    exit 0
    --- stdout
    Rollout true
    ");
    let all = two();
    let yaml = all.kruise(&["pause", "--all", "--dry-run=server", "-o", "yaml"]);
    let documents: Vec<Value> = serde_saphyr::from_multiple(&yaml.stdout).unwrap();
    let names: Vec<&Value> = documents
        .iter()
        .map(|object| &object["metadata"]["name"])
        .collect();
    assert_eq!(names, ["api", "web"]);
    let json = all.kruise(&["pause", "--all", "--dry-run=server", "-o", "json"]);
    assert_eq!(
        (
            json.json()["kind"].clone(),
            json.json()["items"][1]["spec"]["strategy"]["paused"].clone()
        ),
        (json!("List"), json!(true)),
        "{json}"
    );
    assert_snapshot!(all.kruise(&["status", "--all", "-o", "custom-columns=NAME:.object.name,STATE:.verdict"]), @r"
    exit 4
    --- stdout
    NAME   STATE
    api    WaitingForApproval
    web    WaitingForApproval
    ");
    assert_eq!(
        program().arg("completion").output().unwrap().status.code(),
        Some(64)
    );
}
