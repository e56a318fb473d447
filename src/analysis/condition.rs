//! Conditions: CEL over `result`.

use cel::{
    Context, IdedExpr, Program, Value as Cel,
    common::ast::{EntryExpr, Expr, LiteralValue, operators},
};
use serde_json::Value;

/// What a condition may speak of.
const RESULT: &str = "result";

/// Longest condition, in bytes; deeper nesting than fits is no condition that anybody reads.
const LONGEST: usize = 1024;
/// Deepest nesting of brackets.
const DEEPEST: usize = 32;

/// Functions that a condition may call besides CEL's operators; those in the second list answer true or false.
const FUNCTIONS: [&str; 8] = ["size", "double", "int", "uint", "string", "max", "min", "type"];
const PREDICATES: [&str; 5] = ["isNaN", "isInf", "startsWith", "endsWith", "contains"];

/// What is wrong with the words of a condition.
pub(super) fn problem(text: &str) -> Option<String> {
    let program = match compiled(text) {
        Ok(program) => program,
        Err(why) => return Some(why),
    };
    let references = program.references();
    let mut functions = references.functions();
    functions.sort_unstable();
    for function in functions {
        let is_operator = function.starts_with(|c: char| !c.is_alphabetic());
        if !is_operator && !FUNCTIONS.contains(&function) && !PREDICATES.contains(&function) {
            let known: Vec<&str> = FUNCTIONS.into_iter().chain(PREDICATES).collect();
            return Some(format!(
                "{function} is not a function; there are {}",
                known.join(", ")
            ));
        }
    }
    if let Some(stranger) = stranger(program.expression(), &mut vec![RESULT]) {
        return Some(format!("{stranger} is unknown; a condition speaks of {RESULT}"));
    }
    let kind = not_a_boolean(&program.expression().expr)?;
    Some(format!(
        "it is {kind}, not true or false; compare it with something"
    ))
}

/// The first name that is neither `result` nor bound by a macro.
fn stranger<'a>(expression: &'a IdedExpr, bound: &mut Vec<&'a str>) -> Option<&'a str> {
    match &expression.expr {
        Expr::Ident(name) => {
            let is_known = name.starts_with('@') || bound.contains(&name.as_str());
            (!is_known).then_some(name.as_str())
        }
        Expr::Call(call) => {
            let target = call.target.iter().map(AsRef::as_ref);
            target.chain(&call.args).find_map(|part| stranger(part, bound))
        }
        Expr::Select(select) => stranger(&select.operand, bound),
        Expr::List(list) => list.elements.iter().find_map(|part| stranger(part, bound)),
        Expr::Comprehension(all) => {
            if let Some(name) = stranger(&all.iter_range, bound).or_else(|| stranger(&all.accu_init, bound)) {
                return Some(name);
            }
            let before = bound.len();
            bound.push(&all.iter_var);
            bound.extend(all.iter_var2.as_deref());
            bound.push(&all.accu_var);
            let parts = [&all.loop_cond, &all.loop_step, &all.result];
            let found = parts.into_iter().find_map(|part| stranger(part, bound));
            bound.truncate(before);
            found
        }
        _ => None,
    }
}

/// What an expression is that can be no boolean, whatever the result is.
fn not_a_boolean(expression: &Expr) -> Option<&'static str> {
    match expression {
        Expr::Literal(LiteralValue::Boolean(_)) => None,
        Expr::Literal(LiteralValue::String(_)) => Some("a text"),
        Expr::Literal(_) => Some("a number"),
        Expr::List(_) => Some("a list"),
        Expr::Map(_) | Expr::Struct(_) => Some("a map"),
        Expr::Ident(_) => Some("all of the result"),
        Expr::Call(call) => match call.func_name.as_str() {
            operators::CONDITIONAL => call.args.iter().skip(1).find_map(|arm| not_a_boolean(&arm.expr)),
            operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT => {
                call.args.iter().find_map(|part| not_a_boolean(&part.expr))
            }
            operators::ADD
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO
            | operators::NEGATE => Some("a number"),
            name if FUNCTIONS.contains(&name) => Some("a value"),
            _ => None,
        },
        _ => None,
    }
}

/// How often an expression loops, however its macros are called and written.
fn loops(expression: &Expr) -> usize {
    let all = |parts: &mut dyn Iterator<Item = &IdedExpr>| parts.map(|part| loops(&part.expr)).sum::<usize>();
    match expression {
        Expr::Call(call) => all(&mut call.target.iter().map(AsRef::as_ref).chain(&call.args)),
        Expr::Select(select) => loops(&select.operand.expr),
        Expr::List(list) => all(&mut list.elements.iter()),
        Expr::Map(map) => map.entries.iter().map(|entry| of_entry(&entry.expr)).sum(),
        Expr::Struct(fields) => fields.entries.iter().map(|entry| of_entry(&entry.expr)).sum(),
        Expr::Comprehension(inner) => {
            let parts = [
                &inner.iter_range,
                &inner.accu_init,
                &inner.loop_cond,
                &inner.loop_step,
                &inner.result,
            ];
            1 + all(&mut parts.into_iter())
        }
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => 0,
    }
}

fn of_entry(entry: &EntryExpr) -> usize {
    match entry {
        EntryExpr::MapEntry(entry) => loops(&entry.key.expr) + loops(&entry.value.expr),
        EntryExpr::StructField(field) => loops(&field.value.expr),
    }
}

fn compiled(text: &str) -> Result<Program, String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.len() > LONGEST {
        return Err(format!("it has more than {LONGEST} characters"));
    }
    let mut depth = 0_usize;
    for character in text.chars() {
        match character {
            '(' | '[' | '{' | '?' | '!' | '-' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} deep"));
        }
    }
    let program = Program::compile(text).map_err(|errors| {
        let words = errors.to_string();
        // The parser draws the place below the text; one line is enough.
        let line = words.lines().next().unwrap_or_default();
        format!("it cannot be read as CEL: {}", line.trim_start_matches("ERROR: "))
    })?;
    // A loop in a loop over a few values more is a time that nobody waits for, and the engine waits.
    if loops(&program.expression().expr) > 1 {
        return Err("it loops more than once (all, exists, exists_one, filter, map)".to_owned());
    }
    Ok(program)
}

/// Whether the condition itself says what numbers that are none, and empty lists, mean.
pub(super) fn minds_missing(text: &str) -> bool {
    compiled(text).is_ok_and(|program| {
        let references = program.references();
        references.has_function("isNaN") || references.has_function("size")
    })
}

/// Whether the condition holds for a result.
pub(super) fn holds(text: &str, result: &Value) -> Result<bool, String> {
    let program = compiled(text)?;
    let mut context = Context::default();
    let declared = context
        .add_function("isNaN", |number: f64| number.is_nan())
        .and_then(|()| context.add_function("isInf", |number: f64| number.is_infinite()));
    declared.map_err(|error| error.to_string())?;
    context.add_variable_from_value(RESULT, cel(result));
    match program.execute(&context) {
        Ok(Cel::Bool(holds)) => Ok(holds),
        Ok(_) => Err("the condition is neither true nor false".to_owned()),
        Err(error) => Err(words(&error)),
    }
}

/// Words of an error that show nothing of the result: it may be large, and it may be secret.
fn words(error: &cel::ExecutionError) -> String {
    use cel::ExecutionError as E;
    match error {
        E::NoSuchKey(key) => format!("the result has no field {key}"),
        E::IndexOutOfBounds(_) => "the result has fewer values than the condition asks for".to_owned(),
        E::NoSuchOverload(_) | E::UnsupportedBinaryOperator(..) => {
            "the condition computes with different kinds of values; write 100.0 instead of 100".to_owned()
        }
        E::ValuesNotComparable(..) => "the condition compares what cannot be compared".to_owned(),
        E::UndeclaredReference(name) => format!("{name} is unknown"),
        E::DivisionByZero(_) => "the condition divides by zero".to_owned(),
        _ => "the condition does not fit the result".to_owned(),
    }
}

/// JSON as CEL has it: whole numbers are ints. `NaN` and the infinities, which JSON has not, are texts in results.
fn cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(flag) => Cel::Bool(*flag),
        Value::Number(number) => match (number.is_f64(), number.as_i64(), number.as_f64()) {
            (false, Some(int), _) => Cel::Int(int),
            (_, _, float) => Cel::Float(float.unwrap_or(f64::NAN)),
        },
        Value::String(text) => match text.as_str() {
            "NaN" => Cel::Float(f64::NAN),
            "+Inf" => Cel::Float(f64::INFINITY),
            "-Inf" => Cel::Float(f64::NEG_INFINITY),
            text => Cel::from(text),
        },
        Value::Array(items) => Cel::from(items.iter().map(cel).collect::<Vec<_>>()),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), cel(value)));
            Cel::from(fields.collect::<std::collections::HashMap<String, Cel>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{holds, problem};

    #[test]
    fn says_what_is_wrong() {
        let deep = format!("{}true{}", "(".repeat(400), ")".repeat(400));
        let cases = [
            ("result[0] >= 0.95", None),
            ("result.canary[0] <= result.stable[0] * 1.2", None),
            ("size(result) == 0 || isNaN(result[0]) || result[0] < 1", None),
            ("result.all(x, x > 0.5)", None),
            (
                "result.exists(x, x > y)",
                Some("y is unknown; a condition speaks of result"),
            ),
            ("has(result.ok) && result.ok", None),
            ("result.ok", None),
            ("true", None),
            ("result[0] >= 0.95 &&", Some("it cannot be read as CEL: ")),
            ("result[0", Some("it cannot be read as CEL: ")),
            ("", Some("it is empty")),
            ("result[0] + 1", Some("it is a number, not true or false")),
            ("0.95", Some("it is a number, not true or false")),
            ("'yes'", Some("it is a text, not true or false")),
            ("result", Some("it is all of the result, not true or false")),
            ("result[0] > 1 ? 2 : 3", Some("it is a number, not true or false")),
            (
                "result[0] > 1 && size(result)",
                Some("it is a value, not true or false"),
            ),
            (
                "reslt[0] > 1",
                Some("reslt is unknown; a condition speaks of result"),
            ),
            ("rate(result) > 1", Some("rate is not a function; there are size")),
            (deep.as_str(), Some("it is nested more than 32 deep")),
            (
                "result.all(a, result.exists(b, a > b))",
                Some("it loops more than once"),
            ),
            (
                "result . all (a, result . exists (b, a > b))",
                Some("it loops more than once"),
            ),
            (
                "result.//\nall(a, result.exists(b, a > b))",
                Some("it loops more than once"),
            ),
            (
                "result.existsOne(a, result.existsOne(b, a == b))",
                Some("it loops more than once"),
            ),
            (
                "size({'a': result.filter(a, a > 1), 'b': result.map(a, a)}) > 1",
                Some("it loops more than once"),
            ),
        ];
        for (text, expected) in cases {
            let found = problem(text);
            match expected {
                None => assert_eq!(found, None, "{text}"),
                Some(start) => assert!(
                    found.as_deref().is_some_and(|found| found.starts_with(start)),
                    "{text}: {found:?}"
                ),
            }
        }
    }

    #[test]
    fn holds_or_not() {
        let cases = [
            ("result[0] >= 0.95", json!([0.95]), Ok(true)),
            ("result[0] >= 0.95", json!([0.949]), Ok(false)),
            ("result[0] >= 1", json!([1.5]), Ok(true)),
            (
                "result.canary[0] <= result.stable[0] * 1.2",
                json!({ "canary": [1.2], "stable": [1.0] }),
                Ok(true),
            ),
            ("result.all(x, x > 0.5)", json!([0.6, 0.4]), Ok(false)),
            ("isNaN(result[0])", json!(["NaN"]), Ok(true)),
            ("isInf(result[0])", json!(["+Inf"]), Ok(true)),
            ("size(result) == 0", json!([]), Ok(true)),
            (
                "result.status == 'ok' && result.errors < 3",
                json!({ "status": "ok", "errors": 2 }),
                Ok(true),
            ),
            (
                "result[0] > 1",
                json!([]),
                Err("the result has fewer values than the condition asks for"),
            ),
            ("result.ok", json!({ "no": 1 }), Err("the result has no field ok")),
            (
                "result.ok",
                json!({ "ok": 1 }),
                Err("the condition is neither true nor false"),
            ),
            (
                "result[0] * 100 > 5",
                json!([0.5]),
                Err("the condition computes with different kinds of values; write 100.0 instead of 100"),
            ),
        ];
        for (text, result, expected) in cases {
            assert_eq!(
                holds(text, &result),
                expected.map_err(str::to_owned),
                "{text} of {result}"
            );
        }
    }
}
