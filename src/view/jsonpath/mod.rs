//! kubectl's JSONPath templates: text with `{...}` in it, paths, filters, unions, `range` and `end`.
//!
//! A block is a chain: each of its parts takes what the part before it found. Several results are separated by spaces,
//! objects and lists are printed as JSON, and what is missing is nothing.

mod parse;

use std::cmp::Ordering;

use serde_json::Value;

pub use parse::Malformed;

/// A template.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath(Vec<Node>);

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// Text outside of braces.
    Text(String),
    /// `{...}`.
    Block(Vec<Step>),
    /// `{range ...} ... {end}`.
    Range(Vec<Step>, Vec<Self>),
}

/// A part of a chain.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// `.name`.
    Field(String),
    /// `.*` or `[*]`.
    All,
    /// `..`.
    Everywhere,
    /// `[3]`, from the end where negative.
    At(i64),
    /// `[1:5:2]`.
    Slice(Option<i64>, Option<i64>, Option<i64>),
    /// `[?(@.a==1)]`.
    Filter(Box<Filter>),
    /// `[a,b]`.
    Union(Vec<Vec<Self>>),
    /// A quoted text, a number or a truth value.
    Literal(Value),
}

/// A condition on elements.
#[derive(Clone, Debug, PartialEq)]
struct Filter {
    left: Vec<Step>,
    test: Test,
    right: Vec<Step>,
}

/// What is asked of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Test {
    Exists,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Why a template cannot be filled in from a document.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// An index beyond the end.
    #[error("array index out of bounds: index {index}, length {length}")]
    OutOfBounds {
        /// As given.
        index: i64,
        /// As it is.
        length: usize,
    },
    /// A slice that goes backwards.
    #[error("starting index {from} is greater than ending index {to}")]
    Backwards {
        /// Where it begins.
        from: i64,
        /// Where it ends.
        to: i64,
    },
    /// A slice that does not move.
    #[error("step must be > 0")]
    Still,
    /// An index on something else than a list.
    #[error("{0} is not array or slice")]
    NoList(String),
    /// A comparison of several things.
    #[error("can only compare one element at a time")]
    Several,
}

impl std::str::FromStr for JsonPath {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse::template(text).map(Self)
    }
}

impl JsonPath {
    /// Reads a path as custom columns take it: with or without braces and the dot before it.
    ///
    /// # Errors
    /// When it is none.
    pub fn relaxed(text: &str) -> Result<Self, Malformed> {
        let bare = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or(text);
        let dotted = bare.strip_prefix('.').unwrap_or(bare);
        format!("{{.{dotted}}}").parse()
    }

    /// Fills in the template.
    ///
    /// # Errors
    /// When an index is out of bounds, or a filter compares several things.
    pub fn fill(&self, document: &Value) -> Result<String, Unfit> {
        let mut text = String::new();
        fill(&self.0, document, &mut text)?;
        Ok(text)
    }

    /// Everything that the blocks find, in order.
    ///
    /// # Errors
    /// As [`JsonPath::fill`].
    pub fn find(&self, document: &Value) -> Result<Vec<Value>, Unfit> {
        let mut found = Vec::new();
        collect(&self.0, document, &mut found)?;
        Ok(found)
    }
}

fn collect(nodes: &[Node], document: &Value, found: &mut Vec<Value>) -> Result<(), Unfit> {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Block(steps) => found.extend(walk(steps, document)?),
            Node::Range(steps, body) => {
                for value in walk(steps, document)? {
                    collect(body, &value, found)?;
                }
            }
        }
    }
    Ok(())
}

fn fill(nodes: &[Node], document: &Value, text: &mut String) -> Result<(), Unfit> {
    for node in nodes {
        match node {
            Node::Text(literal) => text.push_str(literal),
            Node::Block(steps) => {
                let words: Vec<String> = walk(steps, document)?.iter().map(shown).collect();
                text.push_str(&words.join(" "));
            }
            Node::Range(steps, body) => {
                for value in walk(steps, document)? {
                    fill(body, &value, text)?;
                }
            }
        }
    }
    Ok(())
}

/// A result as text: strings bare, the rest as JSON.
#[must_use]
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn walk(steps: &[Step], document: &Value) -> Result<Vec<Value>, Unfit> {
    let mut values = vec![document.clone()];
    for step in steps {
        values = apply(step, &values)?;
    }
    Ok(values)
}

fn apply(step: &Step, values: &[Value]) -> Result<Vec<Value>, Unfit> {
    let mut found = Vec::new();
    match step {
        Step::Literal(literal) => return Ok(vec![literal.clone()]),
        // First what the first path finds everywhere, as kubectl does.
        Step::Union(paths) => {
            for path in paths {
                for value in values {
                    found.extend(walk(path, value)?);
                }
            }
            return Ok(found);
        }
        _ => {}
    }
    for value in values {
        match step {
            Step::Field(name) => found.extend(value.get(name).cloned()),
            Step::All => found.extend(children(value).cloned()),
            Step::Everywhere => everywhere(value, &mut found),
            Step::At(index) => found.extend(at(value, *index)?),
            Step::Slice(from, to, by) => found.extend(slice(value, *from, *to, *by)?),
            Step::Filter(filter) => {
                for element in children(value) {
                    if holds(filter, element)? {
                        found.push(element.clone());
                    }
                }
            }
            Step::Union(_) | Step::Literal(_) => {}
        }
    }
    Ok(found)
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(elements) => Box::new(elements.iter()),
        Value::Object(fields) => Box::new(fields.values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn everywhere(value: &Value, found: &mut Vec<Value>) {
    found.push(value.clone());
    for child in children(value) {
        everywhere(child, found);
    }
}

fn list(value: &Value) -> Result<Option<&Vec<Value>>, Unfit> {
    match value {
        Value::Array(elements) => Ok(Some(elements)),
        Value::Null => Ok(None),
        other => Err(Unfit::NoList(shown(other))),
    }
}

fn at(value: &Value, index: i64) -> Result<Option<Value>, Unfit> {
    let Some(elements) = list(value)? else {
        return Ok(None);
    };
    let length = elements.len();
    let index = if index < 0 {
        index + i64::try_from(length).unwrap_or(i64::MAX)
    } else {
        index
    };
    let element = usize::try_from(index).ok().and_then(|at| elements.get(at));
    element
        .cloned()
        .map(Some)
        .ok_or(Unfit::OutOfBounds { index, length })
}

fn slice(value: &Value, from: Option<i64>, to: Option<i64>, by: Option<i64>) -> Result<Vec<Value>, Unfit> {
    let Some(elements) = list(value)? else {
        return Ok(Vec::new());
    };
    let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    let place = |index: i64| if index < 0 { index + length } else { index };
    let (from, to, by) = (
        place(from.unwrap_or(0)),
        place(to.unwrap_or(length)),
        by.unwrap_or(1),
    );
    let outside = |index: i64| Unfit::OutOfBounds {
        index,
        length: elements.len(),
    };
    if from < 0 {
        return Err(outside(from));
    }
    if from > to {
        return Err(Unfit::Backwards { from, to });
    }
    if to > length {
        return Err(outside(to - 1));
    }
    if by <= 0 {
        return Err(Unfit::Still);
    }
    let (from, to, by) = (
        usize::try_from(from).unwrap_or_default(),
        usize::try_from(to).unwrap_or_default(),
        usize::try_from(by).unwrap_or(1),
    );
    Ok(elements[from..to].iter().step_by(by).cloned().collect())
}

fn holds(filter: &Filter, element: &Value) -> Result<bool, Unfit> {
    let lefts = walk(&filter.left, element)?;
    if filter.test == Test::Exists {
        return Ok(!lefts.is_empty());
    }
    let rights = walk(&filter.right, element)?;
    let (left, right) = match (lefts.as_slice(), rights.as_slice()) {
        ([], _) | (_, []) => return Ok(false),
        ([left], [right]) => (left, right),
        _ => return Err(Unfit::Several),
    };
    let order = compare(left, right);
    Ok(match filter.test {
        Test::Exists => true,
        Test::Equal => order == Some(Ordering::Equal),
        Test::Unequal => order != Some(Ordering::Equal),
        Test::Less => order == Some(Ordering::Less),
        Test::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Test::Greater => order == Some(Ordering::Greater),
        Test::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    })
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::JsonPath;

    fn document() -> Value {
        json!({ "kind": "List", "n": null, "items": [
            { "name": "a", "labels": { "app.io/x": "1", "b": "2" }, "ports": [80, 81, 82, 83], "ready": true, "cpu": 1.5 },
            { "name": "b", "labels": { "b": "3" }, "ports": [], "ready": false, "cpu": 2 },
            { "name": "c c", "ports": [90] },
        ] })
    }

    fn fill(template: &str) -> String {
        match template.parse::<JsonPath>() {
            Ok(path) => path
                .fill(&document())
                .unwrap_or_else(|error| format!("unfit: {error}")),
            Err(error) => format!("malformed: {error}"),
        }
    }

    #[test]
    fn fills_in_as_kubectl_does() {
        let cases = [
            ("", ""),
            ("text \\n", "text \\n"),
            ("{.kind}", "List"),
            ("{$.kind}", "List"),
            ("{@.kind}", "List"),
            ("k={.kind}!", "k=List!"),
            ("{['kind']}", "List"),
            ("{.none}", ""),
            ("{.none.deeper[0]}", ""),
            ("{.n}", "null"),
            ("{.items[*].name}", "a b c c"),
            ("{.items[0].name}", "a"),
            ("{.items[-1].name}", "c c"),
            (
                "{.items[3].name}",
                "unfit: array index out of bounds: index 3, length 3",
            ),
            (
                "{.items[-4].name}",
                "unfit: array index out of bounds: index -1, length 3",
            ),
            ("{.items[0:2].name}", "a b"),
            ("{.items[:2].name}", "a b"),
            ("{.items[1:].name}", "b c c"),
            ("{.items[0].ports[::2]}", "80 82"),
            ("{.items[0].ports[-2:]}", "82 83"),
            (
                "{.items[0].ports[0:9]}",
                "unfit: array index out of bounds: index 8, length 4",
            ),
            ("{.items[0].ports[1:1]}", ""),
            ("{.items[].name}", "a"),
            (
                "{.items[0].ports[3:1]}",
                "unfit: starting index 3 is greater than ending index 1",
            ),
            ("{.items[0].ports[0:2:0]}", "unfit: step must be > 0"),
            ("{.items[0].ports[0,2]}", "80 82"),
            ("{.items[0].ports}", "[80,81,82,83]"),
            ("{.items[0].labels}", r#"{"app.io/x":"1","b":"2"}"#),
            ("{.items[0].labels.app\\.io/x}", "1"),
            ("{.items[0].labels['app\\.io/x']}", "1"),
            ("{.items[0].labels['b','app\\.io/x']}", "2 1"),
            ("{.items[*]['name','ready']}", "a b c c true false"),
            ("{.items[0].labels.*}", "1 2"),
            ("{..b}", "2 3"),
            ("{.items[?(@.name==\"b\")].cpu}", "2"),
            ("{.items[?(@.name=='b')].cpu}", "2"),
            ("{.items[?(@.name!=\"b\")].name}", "a c c"),
            ("{.items[?(@.cpu>1.6)].name}", "b"),
            ("{.items[?(@.cpu<=1.5)].name}", "a"),
            ("{.items[?(@.cpu < 2)].name}", "a"),
            ("{.items[?(@.cpu>=2)].name}", "b"),
            ("{.items[?(@.ready==true)].name}", "a"),
            ("{.items[?(@.labels)].name}", "a b"),
            ("{.items[?(@.labels.app\\.io/x)].name}", "a"),
            (
                "{.items[?(@.ports[*]==80)].name}",
                "unfit: can only compare one element at a time",
            ),
            (
                "{range .items[*]}{.name}{\"\\t\"}{.cpu}{\"\\n\"}{end}",
                "a\t1.5\nb\t2\nc c\t\n",
            ),
            (
                "{range .items[*]}{range .ports[*]}{@},{end};{end}",
                "80,81,82,83,;;90,;",
            ),
            ("{range .none[*]}x{end}", ""),
            ("{\"a\"}{'b'}{3}{true}{1.5}", "ab3true1.5"),
            ("{.kind[0]}", "unfit: List is not array or slice"),
            ("{.kind", "malformed: unclosed action"),
            ("{.items[0}", "malformed: unterminated array"),
            ("{range .items[*]}x", "malformed: range without end"),
            ("x{end}", "malformed: end without range"),
            ("{hello}", "malformed: unrecognized identifier hello"),
            ("{.items[a]}", "malformed: invalid array index a"),
            ("{.items[?(@.a=1)]}", "malformed: unrecognized filter operator ="),
            ("{\"a}", "malformed: unterminated quoted string"),
            ("{.a|b}", ""),
            ("{%}", "malformed: unrecognized character in action: '%'"),
        ];
        for (template, expected) in cases {
            assert_eq!(fill(template), expected, "{template}");
        }
    }

    #[test]
    fn columns_need_no_braces() {
        for text in ["kind", ".kind", "{.kind}", "{kind}"] {
            assert_eq!(
                JsonPath::relaxed(text).unwrap().find(&document()),
                Ok(vec![json!("List")]),
                "{text}"
            );
        }
        assert!(JsonPath::relaxed("{a").is_err());
    }
}
