mod cases;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Template;
use cases::FILLED;

fn document() -> Value {
    json!({
        "kind": "List", "null": null, "yes": true, "no": false, "empty": "", "big": 1_234_567, "half": 0.5,
        "secret": "aHVudGVyMg==", "odd": "a<b> & \"c\"", "word": "grün",
        "labels": { "app.io/x": "1", "b": "2" }, "none": {}, "bare": [],
        "items": [
            { "name": "a", "ports": [80, 81, 82], "ready": true },
            { "name": "b", "ports": [], "ready": false },
            { "name": "c c", "ports": [90], "none": null },
        ],
    })
}

fn filled(text: &str) -> Result<String, String> {
    let template = text.parse::<Template>().map_err(|why| format!("parse: {why}"))?;
    template.fill(&document()).map_err(|why| format!("fill: {why}"))
}

/// Every result is that of Go's own `text/template` with kubectl's two functions, over the same document.
#[test]
fn fills_in_as_kubectl_does() {
    for (text, expected) in FILLED {
        assert_eq!(filled(text), Ok((*expected).to_owned()), "{text}");
    }
}

/// What Go refuses is refused, with the place.
#[test]
fn refuses_what_kubectl_refuses() {
    let cases = [
        ("{{/* c }}", "parse: line 1, column 1: unclosed comment"),
        (
            "{{.null.a}}",
            "fill: line 1, column 8: can't evaluate field a of null",
        ),
        (
            "{{.kind.a}}",
            "fill: line 1, column 8: can't evaluate field a of a text",
        ),
        (
            "{{range .kind}}x{{end}}",
            "fill: line 1, column 9: range can't iterate over List, a text",
        ),
        (
            "{{range $i, $j := 3}}{{$i}}{{$j}}{{end}}",
            "fill: line 1, column 19: can't use 3 to iterate over more than one variable",
        ),
        (
            "{{break}}",
            "parse: line 1, column 1: {{break}} outside {{range}}",
        ),
        ("{{$x}}", r#"parse: line 1, column 3: undefined variable "$x""#),
        ("{{$y = 1}}", "fill: line 1, column 8: undefined variable $y"),
        (
            "{{index .items 7}}",
            "fill: line 1, column 3: index: index out of range: 7, length 3",
        ),
        (
            r#"{{index .items "a"}}"#,
            "fill: line 1, column 3: index: cannot index with a text",
        ),
        (
            "{{index .labels 1}}",
            "fill: line 1, column 3: index: an object has names as keys, not a whole number",
        ),
        (
            r#"{{index .missing "a"}}"#,
            "fill: line 1, column 3: index: can't index nothing",
        ),
        (
            "{{len .missing}}",
            "fill: line 1, column 3: len: nothing has no length",
        ),
        (
            "{{len .big}}",
            "fill: line 1, column 3: len: a whole number has no length",
        ),
        (
            "{{len}}",
            "fill: line 1, column 3: wrong number of arguments for len: want 1, got 0",
        ),
        (
            "{{len .kind .kind}}",
            "fill: line 1, column 3: wrong number of arguments for len: want 1, got 2",
        ),
        (
            "{{slice .kind 3 1}}",
            "fill: line 1, column 3: slice: invalid slice index: 3 > 1, or 1 > 4",
        ),
        (
            "{{slice .kind 9}}",
            "fill: line 1, column 3: slice: index out of range: 9, length 4",
        ),
        (
            "{{printf .big}}",
            "fill: line 1, column 3: printf: wrong type for value; expected string; got a whole number",
        ),
        (
            r#"{{eq .big 1234567.0}} {{lt .half 1.0}} {{gt .half 1.0}} {{le 1 1}} {{ge "a" "b"}}"#,
            "fill: line 1, column 3: eq: incompatible types for comparison: one of them is a decimal number; write 1234567.0",
        ),
        (
            "{{eq .items .items}}",
            "fill: line 1, column 3: eq: a list cannot be compared",
        ),
        (
            "{{eq .labels .kind}}",
            "fill: line 1, column 3: eq: incompatible types for comparison: an object and a text",
        ),
        (
            "{{lt .missing 1}}",
            "fill: line 1, column 3: lt: invalid type for comparison: nothing and a whole number",
        ),
        (
            "{{lt .yes .no}}",
            "fill: line 1, column 3: lt: invalid type for comparison: a truth value and a truth value",
        ),
        (
            r#"{{lt "a" 1}}"#,
            "fill: line 1, column 3: lt: incompatible types for comparison: a text and a whole number",
        ),
        (
            "{{eq .kind}}",
            "fill: line 1, column 3: eq: missing argument for comparison",
        ),
        (
            "{{eq}}",
            "fill: line 1, column 3: wrong number of arguments for eq: want at least 1, got 0",
        ),
        (
            "{{.kind | .word}}",
            "fill: line 1, column 11: only a function can be given arguments",
        ),
        (
            r#"{{.kind | "a"}}"#,
            "parse: line 1, column 11: what stands after | must be a function",
        ),
        (
            r#"{{.kind "a"}}"#,
            "fill: line 1, column 3: only a function can be given arguments",
        ),
        (
            r#"{{"a" "b"}}"#,
            "fill: line 1, column 3: only a function can be given arguments",
        ),
        ("{{nil}}", "fill: line 1, column 3: nil is not a command"),
        ("{{nil | print}}", "fill: line 1, column 3: nil is not a command"),
        (
            r#"{{base64decode "a"}}"#,
            "fill: line 1, column 3: base64decode: base64 decode failed: illegal base64 data at input byte 1",
        ),
        (
            r#"{{base64decode "aGk"}}"#,
            "fill: line 1, column 3: base64decode: base64 decode failed: illegal base64 data at input byte 3",
        ),
        (
            r#"{{base64decode "YQ=a"}}"#,
            "fill: line 1, column 3: base64decode: base64 decode failed: illegal base64 data at input byte 3",
        ),
        (
            "{{base64decode .big}}",
            "fill: line 1, column 3: base64decode: wrong type for value; expected string; got a whole number",
        ),
        (
            r#"{{template "none"}}"#,
            r#"fill: line 1, column 1: template "none" not defined"#,
        ),
        ("{{if}}x{{end}}", "parse: line 1, column 5: missing value for if"),
        ("{{if .yes}}x", "parse: line 1, column 1: if without {{end}}"),
        ("{{end}}", "parse: line 1, column 1: unexpected {{end}}"),
        ("{{else}}", "parse: line 1, column 1: unexpected {{else}}"),
        (
            "{{range .items}}",
            "parse: line 1, column 1: range without {{end}}",
        ),
        (
            "{{if .yes}}{{else}}{{else}}{{end}}",
            "parse: line 1, column 20: expected {{end}}, found {{else}}",
        ),
        ("{{.kind", "parse: line 1, column 1: unclosed action"),
        ("{{", "parse: line 1, column 1: unclosed action"),
        ("{{}}", "parse: line 1, column 3: missing value for command"),
        (r#"{{"a}}"#, "parse: line 1, column 3: unterminated quoted string"),
        ("{{08}}", r#"parse: line 1, column 3: bad number syntax: "08""#),
        ("{{1x}}", r#"parse: line 1, column 3: bad number syntax: "1x""#),
        (
            "{{'ab'}}",
            r#"parse: line 1, column 3: expected one character in single quotes; texts stand in "..." or `...`"#,
        ),
        (r#"{{"\q"}}"#, "parse: line 1, column 4: invalid escape"),
        (r#"{{"\xzz"}}"#, "parse: line 1, column 4: invalid escape"),
        (
            "{{(.kind}}",
            "parse: line 1, column 9: unexpected }} in parenthesized pipeline",
        ),
        ("{{.kind)}}", "parse: line 1, column 8: unexpected ) in command"),
        ("{{ | len}}", "parse: line 1, column 4: missing value for command"),
        (
            r#"{{print"a"}}"#,
            r#"parse: line 1, column 8: unexpected "a" in operand"#,
        ),
        (
            r#"{{print "a""b"}}"#,
            r#"parse: line 1, column 12: unexpected "b" in operand"#,
        ),
        (
            r#"{{"a".b}}"#,
            "parse: line 1, column 6: unexpected .b after a text",
        ),
        ("{{5.b}}", r#"parse: line 1, column 3: bad number syntax: "5.b""#),
        ("{{..a}}", "parse: line 1, column 4: unexpected .a after dot"),
        (
            "{{true.a}}",
            "parse: line 1, column 7: unexpected .a after a word",
        ),
        (
            "{{$x, $y := .items}}",
            "parse: line 1, column 3: too many declarations: two variables are range's",
        ),
        (
            "{{range $x, $y, $z := .items}}{{end}}",
            "parse: line 1, column 9: expected := after the variables",
        ),
        ("{{$x := }}", "parse: line 1, column 3: missing value for command"),
        (
            "{{{.kind}}}",
            "parse: line 1, column 3: unexpected '{' in an action",
        ),
        (
            "{{.items.name}}",
            "fill: line 1, column 9: can't evaluate field name of a list",
        ),
        (
            "{{range .items}}{{.none.x}}{{end}}",
            "fill: line 1, column 24: can't evaluate field x of null",
        ),
        (
            "{{len nil}}",
            "fill: line 1, column 3: len: nothing has no length",
        ),
        (
            "{{not}}",
            "fill: line 1, column 3: wrong number of arguments for not: want 1, got 0",
        ),
        (
            "{{and}}",
            "fill: line 1, column 3: wrong number of arguments for and: want at least 1, got 0",
        ),
        (
            "{{call .kind}}",
            r#"parse: line 1, column 3: function "call" not defined; there are and, base64decode, eq, exists, ge, gt, html, index, js, le, len, lt, ne, not, or, print, printf, println, slice, urlquery"#,
        ),
        (
            r#"{{define "x"}}a{{end}}{{define "x"}}b{{end}}{{template "x"}}"#,
            r#"parse: line 1, column 23: template: multiple definition of template "x""#,
        ),
        (
            r#"{{if true}}{{define "x"}}b{{end}}{{end}}"#,
            "parse: line 1, column 12: unexpected {{define}} within a block",
        ),
        (
            r#"{{template "x" | print}}"#,
            "parse: line 1, column 16: missing value for template",
        ),
        (
            "{{template x}}",
            "parse: line 1, column 12: expected a quoted name after template",
        ),
        ("{{if .yes", "parse: line 1, column 1: unclosed action"),
        ("}}multi{{end}}", "parse: line 1, column 8: unexpected {{end}}"),
        (
            "{{comment}}",
            r#"parse: line 1, column 3: function "comment" not defined; there are and, base64decode, eq, exists, ge, gt, html, index, js, le, len, lt, ne, not, or, print, printf, println, slice, urlquery"#,
        ),
        (
            "{{ .kind/* no */ }}",
            "parse: line 1, column 9: unexpected '/' in an action",
        ),
        ("{{.kind.}}", "parse: line 1, column 8: unexpected . in operand"),
        ("{{.-a}}", "parse: line 1, column 4: unexpected -a in operand"),
        (
            "{{.items | index 1}}",
            "fill: line 1, column 12: index: can't index a whole number",
        ),
        (
            "{{range $i, $e = .items}}{{end}}",
            "fill: line 1, column 18: undefined variable $i",
        ),
        (
            "{{9223372036854775808}}",
            r#"parse: line 1, column 3: bad number syntax: "9223372036854775808""#,
        ),
        (
            "{{range $i, $j := 3}}{{end}}",
            "fill: line 1, column 19: can't use 3 to iterate over more than one variable",
        ),
        (
            "{{eq .half 1}}",
            "fill: line 1, column 3: eq: incompatible types for comparison: one of them is a decimal number; write 1.0",
        ),
        (
            "a\nb {{.kind.x}}",
            "fill: line 2, column 10: can't evaluate field x of a text",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(filled(text), Err(expected.to_owned()), "{text}");
    }
}

#[test]
fn what_has_no_end_is_stopped() {
    for (text, expected) in [
        (
            "{{range 9000000000000000000}}{{end}}",
            "fill: line 1, column 9: this goes on for too long",
        ),
        (
            "{{$x := \"aaaaaaaa\"}}{{range 60}}{{$x = print $x $x}}{{end}}",
            "fill: line 1, column 29: this goes on for too long",
        ),
        (
            "{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}",
            "fill: line 1, column 15: templates call one another more than 400 deep",
        ),
    ] {
        assert_eq!(filled(text), Err(expected.to_owned()), "{text}");
    }
    let deep = format!(
        "{}1{}",
        "{{print ".to_owned() + &"(print ".repeat(300),
        ")".repeat(300) + "}}"
    );
    assert!(
        filled(&deep).is_err_and(|why| why.contains("nested deeper than 200")),
        "{:?}",
        filled(&deep)
    );
}

/// Pieces of templates, well put together or not.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{{",
        "}}",
        "{{- ",
        " -}}",
        "{{if ",
        "{{else}}",
        "{{else if ",
        "{{end}}",
        "{{range ",
        "{{range $i, $e := ",
        "{{with ",
        "{{define \"a\"}}",
        "{{template \"a\" .}}",
        "{{template \"a\"}}",
        "{{block \"b\" .}}",
        "{{break}}",
        "{{continue}}",
        "$x",
        "$x := ",
        "$x = ",
        ".",
        ".items",
        ".kind",
        ".null",
        ".labels.b",
        ".word",
        " ",
        "(",
        ")",
        "|",
        ",",
        "\"",
        "\"a\"",
        "`",
        "'",
        "'x'",
        "index ",
        "slice ",
        "len ",
        "eq ",
        "lt ",
        "printf ",
        "\"%-5.3v|%d|%q|%x|%*d\"",
        "print ",
        "html ",
        "js ",
        "urlquery ",
        "exists ",
        "base64decode ",
        "and ",
        "or ",
        "not ",
        "nil",
        "true",
        "1",
        "-1",
        "9223372036854775807",
        "1.5",
        "1e308",
        "0x",
        "\\",
        "/*",
        "*/",
        "\n",
        "ü",
        "\u{0}",
        "%",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Something between braces, so that more of it is filled in.
fn action() -> impl Strategy<Value = String> {
    let operand = prop::sample::select(vec![
        ".",
        ".items",
        ".kind",
        ".null",
        ".none",
        ".big",
        ".half",
        ".word",
        ".odd",
        ".labels",
        "1",
        "-1",
        "70",
        "1.5",
        "\"a\"",
        "\"%v %5.2v %d\"",
        "nil",
        "true",
        "(index .items 0)",
        "$",
    ]);
    let function = prop::sample::select(vec![
        "and",
        "base64decode",
        "eq",
        "exists",
        "ge",
        "gt",
        "html",
        "index",
        "js",
        "le",
        "len",
        "lt",
        "ne",
        "not",
        "or",
        "print",
        "printf",
        "println",
        "slice",
        "urlquery",
    ]);
    let call = (function, prop::collection::vec(operand, 0..4))
        .prop_map(|(function, operands)| format!("{function} {}", operands.join(" ")));
    prop::collection::vec(call, 1..4)
        .prop_map(|calls| format!("{{{{range .items}}}}{{{{{}}}}}{{{{end}}}}", calls.join(" | ")))
}

proptest! {
    /// Whatever is typed, there is an answer, and its place is one of the text.
    #[test]
    fn anything_has_an_answer(text in prop_oneof![pieces(), action(), any::<String>()]) {
        if let Err(why) = text.parse::<Template>().and_then(|template| template.fill(&document())) {
            prop_assert!(why.line <= text.split('\n').count() && why.column >= 1, "{text:?}: {why}");
        }
    }
}
