//! `custom-columns=NAME:.metadata.name,IMAGE:.spec...`: a table of what paths find.

use serde_json::Value;

use super::jsonpath::{JsonPath, Malformed, Unfit, shown};

/// Columns that a user has chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns(Vec<(String, JsonPath)>);

/// Why a text is no list of columns.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoColumns {
    /// A column has no path.
    #[error("expected HEADING:PATH,..., such as NAME:.metadata.name, got {0:?}")]
    NoPath(String),
    /// A path is none.
    #[error("{path:?}: {why}")]
    Path {
        /// As given.
        path: String,
        /// What is wrong.
        why: Malformed,
    },
}

/// Stands for what is not there; kubectl's.
const NONE: &str = "<none>";

impl std::str::FromStr for Columns {
    type Err = NoColumns;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let column = |part: &str| {
            let (heading, path) = part
                .split_once(':')
                .filter(|(heading, path)| !heading.is_empty() && !path.is_empty())
                .ok_or_else(|| NoColumns::NoPath(part.to_owned()))?;
            let read = JsonPath::relaxed(path).map_err(|why| NoColumns::Path {
                path: path.to_owned(),
                why,
            })?;
            Ok((heading.to_owned(), read))
        };
        text.split(',').map(column).collect::<Result<_, _>>().map(Self)
    }
}

impl Columns {
    /// The headings, and a row for each document.
    ///
    /// # Errors
    /// When a path does not fit.
    pub fn rows(&self, documents: &[Value]) -> Result<Vec<Vec<String>>, Unfit> {
        let cell = |path: &JsonPath, document: &Value| {
            let found = path.find(document)?;
            let words: Vec<String> = found.iter().map(shown).collect();
            Ok(if words.is_empty() {
                NONE.to_owned()
            } else {
                words.join(",")
            })
        };
        let row = |document: &Value| self.0.iter().map(|(_, path)| cell(path, document)).collect();
        let headings = self.0.iter().map(|(heading, _)| heading.clone()).collect();
        std::iter::once(Ok(headings))
            .chain(documents.iter().map(row))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Columns;

    #[test]
    fn rows_of_what_is_found() {
        let columns: Columns = "NAME:.metadata.name,ALL:{.a[*]},N:none".parse().unwrap();
        let documents = [json!({ "metadata": { "name": "x" }, "a": [1, "b"] }), json!({})];
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            columns.rows(&documents),
            Ok(vec![
                words(&["NAME", "ALL", "N"]),
                words(&["x", "1,b", "<none>"]),
                words(&["<none>", "<none>", "<none>"])
            ])
        );
        for wrong in ["", "NAME", "NAME:", ":.a", "A:.a,", "A:{.a"] {
            assert!(wrong.parse::<Columns>().is_err(), "{wrong}");
        }
    }
}
