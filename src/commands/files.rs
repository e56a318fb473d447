//! Manifests from files, folders and stdin: YAML of several documents, JSON, and lists.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::error::{Error, Kind, Result};

/// What a file in a folder is called when it holds manifests.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// One object and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The object.
    pub object: Value,
    /// `web.yaml, document 2`.
    pub origin: String,
}

/// Reads all manifests, in the order of the names given; the files of a folder by name.
///
/// # Errors
/// When something is not there, cannot be read, or is no manifest.
pub fn read(names: &[String], recursive: bool) -> Result<Vec<Manifest>> {
    let mut manifests = Vec::new();
    for (name, text) in texts(names, recursive)? {
        manifests.extend(parse(&name, &text)?);
    }
    if manifests.is_empty() {
        return Err(Error::new(
            Kind::General,
            format!("no objects in {}", names.join(", ")),
        ));
    }
    Ok(manifests)
}

/// The texts of files, the files of folders, and stdin for `-`, each with its name.
///
/// # Errors
/// When something is not there or cannot be read.
pub fn texts(names: &[String], recursive: bool) -> Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    for name in names {
        if name == "-" {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text)?;
            texts.push(("stdin".to_owned(), text));
            continue;
        }
        if name.contains("://") {
            return Err(Error::usage(format!(
                "{name} is an address, and manifests are read from files only"
            ))
            .hint(format!("curl -fsSL {name} | kubectl kruise rollout ... -f -")));
        }
        let path = Path::new(name);
        let mut files = Vec::new();
        if path.is_dir() {
            walk(path, recursive, &mut files)?;
            if files.is_empty() {
                return Err(Error::new(
                    Kind::NotFound,
                    format!("no manifests in folder {name:?}: no file ends with .yaml, .yml or .json"),
                )
                .hint("-R reads the folders within it too"));
            }
        } else {
            files.push(path.to_owned());
        }
        for file in files {
            let shown = file.display().to_string();
            let text = fs::read_to_string(&file).map_err(|error| unreadable(&shown, &error))?;
            texts.push((shown, text));
        }
    }
    Ok(texts)
}

fn unreadable(name: &str, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(Kind::NotFound, format!("the path {name:?} does not exist"))
        }
        _ => Error::new(Kind::General, format!("cannot read {name:?}: {error}")),
    }
}

fn walk(folder: &Path, recursive: bool, files: &mut Vec<PathBuf>) -> Result<()> {
    let shown = folder.display().to_string();
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<std::io::Result<Vec<_>>>()
        })
        .map_err(|error| unreadable(&shown, &error))?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if recursive {
                walk(&path, recursive, files)?;
            }
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        if extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads the documents of one file, or of stdin for `-`, whatever they are.
///
/// # Errors
/// When it cannot be read, or a document does not parse.
pub fn documents_of(name: &str) -> Result<Vec<Value>> {
    let text = if name == "-" {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        text
    } else {
        fs::read_to_string(name).map_err(|error| unreadable(name, &error))?
    };
    let mut all = Vec::new();
    for (index, (line, document)) in documents(&text).into_iter().enumerate() {
        let unread = |(at, why): (usize, String)| {
            let place = format!("{name}, document {}, line {}", index + 1, line + at);
            Error::new(Kind::General, format!("{place} does not parse: {why}"))
        };
        all.extend(values(document).map_err(unread)?);
    }
    Ok(all)
}

/// Reads the manifests of one text.
///
/// # Errors
/// When a document does not parse or is no object; names the document and the line.
pub fn parse(name: &str, text: &str) -> Result<Vec<Manifest>> {
    let mut manifests = Vec::new();
    for (index, (line, document)) in documents(text).into_iter().enumerate() {
        let place = |also: usize| format!("{name}, document {}, line {}", index + 1, line + also);
        for value in values(document)
            .map_err(|(at, why)| Error::new(Kind::General, format!("{} does not parse: {why}", place(at))))?
        {
            if value.is_null() {
                continue;
            }
            let origin = format!("{name}, document {}", index + 1);
            flatten(value, &origin, &mut manifests)
                .map_err(|why| Error::new(Kind::General, format!("{}: {why}", place(beginning(document)))))?;
        }
    }
    Ok(manifests)
}

/// The documents of a YAML stream, each with the number of lines before it. A line that begins with `---` ends a document,
/// whatever it stands in (YAML 1.2, 9.1.2).
pub fn documents(text: &str) -> Vec<(usize, &str)> {
    let (mut documents, mut start, mut from, mut at) = (Vec::new(), 0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let marker = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if marker {
            documents.push((from, &text[start..at]));
            // What follows the marker on its line belongs to the document.
            (start, from) = (at + 3, number);
        }
        at += line.len();
    }
    documents.push((from, &text[start..]));
    documents.retain(|(_, document)| document.lines().any(says_something));
    documents
}

/// Whether a line is more than space, a comment or an end.
fn says_something(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#') && line != "..."
}

/// The line on which a document begins, 1 for the first.
fn beginning(document: &str) -> usize {
    document
        .lines()
        .position(says_something)
        .map_or(1, |before| before + 1)
}

/// The values of one document: JSON may hold several one after another. An error has its line, 1 for the first.
fn values(document: &str) -> std::result::Result<Vec<Value>, (usize, String)> {
    if document.trim_start().starts_with('{')
        && let Ok(values) = serde_json::Deserializer::from_str(document)
            .into_iter::<Value>()
            .collect::<std::result::Result<Vec<_>, _>>()
    {
        return Ok(values);
    }
    serde_saphyr::from_str(document)
        .map(|value| vec![value])
        .map_err(|error| {
            let line = error
                .location()
                .and_then(|location| usize::try_from(location.line()).ok())
                .filter(|line| *line > 0)
                .unwrap_or(1);
            let told = error.without_snippet().to_string();
            let first = told.lines().next().unwrap_or_default();
            // The place is told once, and in lines of the file.
            let first = first.split(" at line ").next().unwrap_or_default();
            (line, first.strip_prefix("error: ").unwrap_or(first).to_owned())
        })
}

fn flatten(value: Value, origin: &str, manifests: &mut Vec<Manifest>) -> std::result::Result<(), String> {
    let text = |field: &str| value[field].as_str().unwrap_or_default();
    if !value.is_object() {
        return Err("a manifest is an object with apiVersion and kind".to_owned());
    }
    for field in ["apiVersion", "kind"] {
        if text(field).is_empty() {
            return Err(format!("{field} is not set"));
        }
    }
    if text("kind").ends_with("List")
        && let Some(items) = value["items"].as_array()
    {
        for item in items {
            flatten(item.clone(), origin, manifests)?;
        }
        return Ok(());
    }
    if value["metadata"]["name"].as_str().unwrap_or_default().is_empty() {
        return Err(format!(
            "the {} has no metadata.name, so that it cannot be applied",
            text("kind")
        ));
    }
    manifests.push(Manifest {
        object: value,
        origin: origin.to_owned(),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn names(text: &str) -> Result<Vec<String>, String> {
        parse("a.yaml", text)
            .map(|all| {
                all.iter()
                    .map(|m| format!("{} {}", m.object["metadata"]["name"].as_str().unwrap(), m.origin))
                    .collect()
            })
            .map_err(|error| error.message)
    }

    #[test]
    fn reads_streams_lists_and_json() {
        let object = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
        let json = |name: &str| {
            format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}}}}"#)
        };
        let ok = |names: &[&str]| Ok(names.iter().map(ToString::to_string).collect::<Vec<_>>());
        let cases = [
            (object("a"), ok(&["a a.yaml, document 1"])),
            (
                format!("# first\n---\n{}--- # next\n{}---\n", object("a"), object("b")),
                ok(&["a a.yaml, document 1", "b a.yaml, document 2"]),
            ),
            (
                format!(
                    "apiVersion: v1\nkind: List\nitems:\n- {}\n- {}\n",
                    json("a"),
                    json("b")
                ),
                ok(&["a a.yaml, document 1", "b a.yaml, document 1"]),
            ),
            (
                format!("{}\n{}", json("a"), json("b")),
                ok(&["a a.yaml, document 1", "b a.yaml, document 1"]),
            ),
            (
                format!("{}data: {{k: \"--- no\"}}\n", object("a")),
                ok(&["a a.yaml, document 1"]),
            ),
            ("---\n# nothing\n".to_owned(), ok(&[])),
            (
                format!("{}---\nkind: Pod\n", object("a")),
                Err("a.yaml, document 2, line 5: apiVersion is not set".to_owned()),
            ),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a}\n".to_owned(),
                Err(
                    "a.yaml, document 1, line 1: the Pod has no metadata.name, so that it cannot be applied"
                        .to_owned(),
                ),
            ),
            (
                "- 1\n".to_owned(),
                Err(
                    "a.yaml, document 1, line 1: a manifest is an object with apiVersion and kind".to_owned(),
                ),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(names(&text), expected, "{text}");
        }
    }

    #[test]
    fn a_document_that_does_not_parse_is_named_with_its_line() {
        let text =
            "apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\napiVersion: v1\nkind: [\nmetadata: {\n";
        let message = names(text).unwrap_err();
        assert!(
            message.starts_with("a.yaml, document 2, line ") && message.contains(" does not parse: "),
            "{message}"
        );
        let line: usize = message
            .split("line ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next())
            .and_then(|line| line.parse().ok())
            .unwrap();
        assert!((6..=8).contains(&line), "{message}");
    }
}
