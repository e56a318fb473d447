//! From the words, files and selections of a command line to the objects that are meant.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::files::{self, Manifest};
use crate::{
    cli::{
        Global,
        target::{Kind, Named, PickArgs, SelectArgs, Targets},
    },
    error::{Error, Kind as ErrorKind, Result},
    ui::Ui,
    workload::{self, edit},
};

/// Reads what a command is about.
///
/// # Errors
/// When nothing is named, or files cannot be read.
pub fn read(ui: &Ui, args: &SelectArgs, global: &Global) -> Result<Targets> {
    pick(ui, &args.pick, &args.names, global)
}

/// The same for a command that takes its words apart by itself.
///
/// # Errors
/// As [`read`].
pub fn pick(ui: &Ui, pick: &PickArgs, words: &[String], global: &Global) -> Result<Targets> {
    let targets = meant(pick, words, global)?;
    ui.expect_several(targets.may_be_several());
    Ok(targets)
}

fn meant(pick: &PickArgs, words: &[String], global: &Global) -> Result<Targets> {
    let mut targets = named_or_selected(pick, words, global)?;
    // What is named twice is meant once: a second approval would be of the next step.
    if let Targets::Names(names) = &mut targets {
        let mut known = BTreeSet::new();
        names.retain(|named| known.insert(named.clone()));
    }
    Ok(targets)
}

fn named_or_selected(pick: &PickArgs, words: &[String], global: &Global) -> Result<Targets> {
    if !pick.is_from_files() {
        return pick.read(words);
    }
    if !words.is_empty() || pick.selector.is_some() || pick.all_namespaces || pick.all {
        return Err(Error::usage(
            "names, -l, -A and --all cannot be combined with -f or -k",
        ));
    }
    let manifests = match &pick.kustomize {
        Some(folder) => kustomized(folder)?,
        None => files::read(&pick.filename, pick.recursive)?,
    };
    named_by(&manifests, global.namespace.as_deref()).map(Targets::Names)
}

/// The Rollouts and workloads among manifests. A workload beside a Rollout that releases it is meant by that Rollout.
fn named_by(manifests: &[Manifest], explicit: Option<&str>) -> Result<Vec<Named>> {
    let mut all = Vec::new();
    for Manifest { object, origin } in manifests {
        let Some(kind) = kind_of(object) else { continue };
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        let given = Some(text("namespace")).filter(|given| !given.is_empty());
        if let (Some(given), Some(asked)) = (given, explicit)
            && given != asked
        {
            return Err(Error::usage(format!(
                "{origin}: the object's namespace {given:?} is not the namespace {asked:?} of the command line"
            ))
            .hint(format!("pass -n {given}, or leave -n out")));
        }
        all.push((
            Named {
                kind,
                namespace: given.map(str::to_owned),
                name: text("name").to_owned(),
            },
            object,
        ));
    }
    let released: Vec<(Option<String>, workload::Kind, String)> = all
        .iter()
        .filter(|(named, _)| named.kind == Kind::Rollout)
        .filter_map(|(named, object)| {
            let spec = &object["spec"];
            let reference = match &spec["workloadRef"] {
                Value::Null => &spec["objectRef"]["workloadRef"],
                reference => reference,
            };
            let text = |field: &str| reference[field].as_str();
            let kind = workload::Kind::of(text("apiVersion")?, text("kind")?)?;
            Some((named.namespace.clone(), kind, text("name")?.to_owned()))
        })
        .collect();
    let meant = |named: &Named| match named.kind {
        Kind::Rollout => true,
        Kind::Workload(kind) => !released.contains(&(named.namespace.clone(), kind, named.name.clone())),
    };
    let named: Vec<Named> = all.into_iter().map(|(named, _)| named).filter(meant).collect();
    if named.is_empty() {
        return Err(Error::new(
            ErrorKind::NotFound,
            "none of these manifests is a Rollout or a workload that can be released",
        ));
    }
    Ok(named)
}

fn kind_of(object: &Value) -> Option<Kind> {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    let of_group = version
        .split_once('/')
        .is_some_and(|(group, _)| group == crate::api::keys::GROUP);
    if object["kind"] == "Rollout" && of_group {
        return Some(Kind::Rollout);
    }
    edit::kind_of(object).map(Kind::Workload)
}

/// What kubectl makes of a kustomization; nobody else knows how to.
fn kustomized(folder: &str) -> Result<Vec<Manifest>> {
    if folder.contains("://") {
        return Err(Error::usage(format!(
            "{folder} is an address, and kustomizations are read from folders only"
        ))
        .hint(format!(
            "kubectl kustomize {folder} | kubectl kruise rollout ... -f -"
        )));
    }
    if !Path::new(folder).is_dir() {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("-k {folder}: there is no such folder"),
        ));
    }
    let built = Command::new("kubectl")
        .args(["kustomize", folder])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Error::new(
                ErrorKind::General,
                format!("-k needs kubectl on the PATH, and it does not start: {error}"),
            )
            .hint(format!(
                "kustomize build {folder} | kubectl kruise rollout ... -f -"
            ))
        })?;
    if !built.status.success() {
        let told = String::from_utf8_lossy(&built.stderr);
        let lines: Vec<&str> = told.lines().filter(|line| !is_logged(line)).collect();
        let told = lines.join("\n");
        let told = told.trim().trim_start_matches("error: ");
        return Err(Error::new(
            ErrorKind::General,
            format!("kubectl kustomize {folder}: {told}"),
        ));
    }
    let text = String::from_utf8_lossy(&built.stdout);
    files::parse(&format!("kustomization {folder}"), &text)
}

/// Whether a line is one of kubectl's log (`E1121 13:00:00.000000   1234 file.go:1] ...`), which repeats what it says.
fn is_logged(line: &str) -> bool {
    let mut letters = line.chars();
    letters.next().is_some_and(|first| "IWEF".contains(first))
        && letters.by_ref().take(4).filter(char::is_ascii_digit).count() == 4
        && letters.next() == Some(' ')
        && line.contains("] ")
}

/// Asks before many objects are changed at once; who does not say yes changes nothing. Where nobody can be asked, the
/// selection itself is the answer.
///
/// # Errors
/// When the user says no, or -A stands alone.
pub fn confirm(ui: &Ui, targets: &Targets, verb: &str, titles: &[String], yes: bool) -> Result<()> {
    if !matches!(targets, Targets::Selected { .. }) || yes || titles.len() < 2 {
        return Ok(());
    }
    let question = format!("{verb} {} objects: {}?", titles.len(), titles.join(", "));
    if ui.confirm(&question)? == Some(false) {
        return Err(Error::new(
            ErrorKind::General,
            "not confirmed; nothing was changed",
        ));
    }
    Ok(())
}

/// Refuses to change everything everywhere because of one letter.
///
/// # Errors
/// When -A has neither -l nor --all beside it.
pub fn deliberate(pick: &PickArgs) -> Result<()> {
    if pick.all_namespaces && pick.selector.is_none() && !pick.all {
        return Err(
            Error::usage("-A alone would change every Rollout of every namespace")
                .hint("add -l LABELS to choose some, or --all if all are meant"),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::named_by;
    use crate::{
        cli::target::{Kind, Named},
        commands::files::parse,
        workload,
    };

    #[test]
    fn lines_of_kubectls_log_are_known() {
        let cases = [
            (
                "E1121 13:00:00.000000    1234 run.go:72] \"command failed\" err=\"x\"",
                true,
            ),
            ("Error: must build at directory", false),
            ("E1121", false),
            ("", false),
        ];
        assert_eq!(cases.map(|(line, _)| (line, super::is_logged(line))), cases);
    }

    #[test]
    fn a_workload_beside_its_rollout_is_meant_by_it() {
        let text = "
apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: other}
---
apiVersion: rollouts.kruise.io/v1alpha1
kind: Rollout
metadata: {name: demo}
spec: {objectRef: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}}}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: argo}
";
        let manifests = parse("a.yaml", text).unwrap();
        let mut db = Named::new(Kind::Workload(workload::Kind::StatefulSet), "db");
        db.namespace = Some("other".to_owned());
        assert_eq!(
            named_by(&manifests, None),
            Ok(vec![db, Named::new(Kind::Rollout, "demo")])
        );
        let wrong = named_by(&manifests, Some("shop")).unwrap_err();
        assert_eq!(
            (wrong.exit_code(), wrong.message.as_str()),
            (
                64,
                "a.yaml, document 3: the object's namespace \"other\" is not the namespace \"shop\" of the command line"
            )
        );
        assert_eq!(named_by(&manifests[..1], None).unwrap_err().exit_code(), 7);
    }
}
