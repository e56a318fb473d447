//! The guides are true: a test plays the manifests and commands of each in the cluster that a reader would get, and compares
//! what is printed. `UPDATE_GENERATED=1 cargo test --test it guides` writes anew what the guides say is printed.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    ops::Range,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::harness::served::{Folder, Running, program, redacted};

/// A part of a guide.
#[derive(Debug)]
enum Part {
    /// Words, and blocks of no kind below, as they stand.
    Prose(String),
    /// A file.
    File { name: String, text: String },
    /// Commands, one a line.
    Commands(String),
    /// What the commands before it print.
    Printed(String),
}

/// The parts of a guide, in order.
fn parts(text: &str) -> Vec<Part> {
    let mut all = Vec::new();
    let (mut prose, mut block) = (String::new(), None::<(String, String)>);
    for line in text.lines() {
        match &mut block {
            None => match line.strip_prefix("```") {
                Some(info) => {
                    all.push(Part::Prose(std::mem::take(&mut prose)));
                    block = Some((info.to_owned(), String::new()));
                }
                None => writeln!(prose, "{line}").unwrap(),
            },
            Some((info, inside)) if line == "```" => {
                let inside = std::mem::take(inside);
                all.push(match info.as_str() {
                    "sh" => Part::Commands(inside),
                    "text" => Part::Printed(inside),
                    other => match other.strip_prefix("yaml file=") {
                        Some(name) => Part::File {
                            name: name.to_owned(),
                            text: inside,
                        },
                        None => {
                            panic!("a block of {other:?} is neither a file nor commands nor their output")
                        }
                    },
                });
                block = None;
            }
            Some((_, inside)) => writeln!(inside, "{line}").unwrap(),
        }
    }
    assert!(block.is_none(), "a block has no end");
    all.push(Part::Prose(prose));
    all
}

/// The guide of these parts.
fn text(parts: &[Part]) -> String {
    let block = |info: &str, inside: &str| format!("```{info}\n{inside}```\n");
    let part = |part: &Part| match part {
        Part::Prose(text) => text.clone(),
        Part::File { name, text } => block(&format!("yaml file={name}"), text),
        Part::Commands(text) => block("sh", text),
        Part::Printed(text) => block("text", text),
    };
    parts.iter().map(part).collect()
}

/// A reader's machine: the plugin beside a kubectl, a folder, and the cluster of `rollout demo empty`.
struct Reader {
    folder: Folder,
    _cluster: Running,
}

impl Reader {
    fn new() -> Self {
        let folder = Folder::new();
        // kubectl's way to its plugins; everything else of it the guides do without.
        let kubectl = folder.file("kubectl");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = kruise ] || {{ echo \"no such command: $*\"; exit 127; }}\nshift\nexec {} \"$@\"\n",
            env!("CARGO_BIN_EXE_kubectl-kruise")
        );
        fs::write(&kubectl, script).unwrap();
        fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
        let mut cluster = program();
        cluster
            .args([
                "rollout",
                "demo",
                "empty",
                "--serve",
                "--speed",
                "60",
                "--write-kubeconfig",
            ])
            .arg(folder.file("demo.kubeconfig"))
            .stderr(Stdio::null());
        let mut cluster = Running::new(cluster);
        let mut said = BufReader::new(cluster.child().stdout.take().unwrap());
        let mut heard = String::new();
        while !heard.ends_with("Ctrl-C ends it.\n") {
            assert_ne!(said.read_line(&mut heard).unwrap(), 0, "{heard}");
        }
        Self {
            folder,
            _cluster: cluster,
        }
    }

    fn command(&self, line: &str) -> Command {
        let home = self.folder.file("");
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(format!("{{ {line}\n}} 2>&1"))
            .current_dir(&home)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", home.display()))
            .env("KUBECONFIG", "demo.kubeconfig")
            .env("XDG_CACHE_HOME", home.join("cache"))
            .stdin(Stdio::null());
        command
    }

    /// Types commands; what they print, together.
    fn types(&self, lines: &str) -> String {
        let mut printed = String::new();
        for line in lines.lines() {
            let expected = line
                .rsplit_once("# exit code ")
                .map_or(0, |(_, code)| code.trim().parse::<i32>().unwrap());
            let output = self.command(line).output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            assert_eq!(output.status.code(), Some(expected), "{line}\n{printed}{said}");
            printed.push_str(&said);
        }
        printed
    }
}

/// What of several commands is shown: what the last one prints.
fn shown<'a>(reader: &Reader, lines: &'a str) -> (String, &'a str) {
    let last = lines.trim_end().rfind('\n').map_or(0, |at| at + 1);
    reader.types(&lines[..last]);
    (reader.types(&lines[last..]), &lines[last..])
}

/// What of a text is the same however fast the machine is: which states a release is seen in on its way depends on when it is
/// looked at, so a guide shows such lines as an example.
fn settled(text: &str) -> Vec<String> {
    let lines = redacted(text);
    let on_the_way = |line: &&str| line.starts_with("TIME  ");
    lines
        .lines()
        .filter(|line| !on_the_way(line))
        .map(str::to_owned)
        .collect()
}

/// Plays a guide, and says how it would have to read.
fn play(before: &str) -> String {
    let reader = Reader::new();
    let mut all = parts(before);
    assert_eq!(text(&all), before, "the guide is read as it stands");
    let mut printed = None;
    for part in &mut all {
        match part {
            Part::Prose(text) if text.trim().is_empty() => {}
            Part::Prose(_) => printed = None,
            Part::File { name, text } => fs::write(reader.folder.file(name), text).unwrap(),
            Part::Commands(lines) => printed = Some(shown(&reader, lines).0),
            Part::Printed(told) => {
                // How the cluster itself is made is typed elsewhere.
                let Some(printed) = printed.take() else {
                    assert!(
                        told.contains("rollout demo empty --serve"),
                        "{told} is printed by nothing"
                    );
                    continue;
                };
                if settled(told) != settled(&printed) {
                    *told = printed;
                }
            }
        }
    }
    text(&all)
}

fn guides() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides")
}

fn is_true(name: &str) {
    is_true_within(&guides().join(name), |text| 0..text.len());
}

/// Plays a part of a file.
fn is_true_within(path: &Path, part: impl Fn(&str) -> Range<usize>) {
    let whole = fs::read_to_string(path).unwrap();
    let range = part(&whole);
    let told = &whole[range.clone()];
    let seen = play(told);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        let mut anew = whole.clone();
        anew.replace_range(range, &seen);
        fs::write(path, anew).unwrap();
    } else {
        let (told, seen): (Vec<&str>, Vec<&str>) = (told.lines().collect(), seen.lines().collect());
        assert_eq!(
            told, seen,
            "write it anew: UPDATE_GENERATED=1 cargo test --test it guides"
        );
    }
}

/// The way of a newcomer.
#[test]
fn readme() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    is_true_within(&readme, |text| {
        let start = text.find("## Five minutes").unwrap();
        let end = text[start..]
            .find("\n## ")
            .map_or(text.len(), |end| start + end + 1);
        start..end
    });
}

#[test]
fn higress() {
    is_true("higress.md");
}

#[test]
fn ack() {
    is_true("ack.md");
}

#[test]
fn operators_guide() {
    is_true("operators-guide.md");
}

#[test]
fn kubevela() {
    is_true("kubevela.md");
}

#[test]
fn mse() {
    is_true("mse.md");
}

#[test]
fn every_guide_is_played_and_listed() {
    let mut there: Vec<String> = fs::read_dir(guides())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    there.sort();
    assert_eq!(
        there,
        [
            "ack.md",
            "higress.md",
            "kubevela.md",
            "mse.md",
            "operators-guide.md"
        ]
    );
    let contents = fs::read_to_string(guides().join("README.md")).unwrap();
    let unlisted: Vec<&String> = there
        .iter()
        .filter(|name| !contents.contains(&format!("]({name})")))
        .collect();
    assert_eq!(unlisted, Vec::<&String>::new());
}
