//! Scripts that mean harm, or are wrong: each ends with an error of its own, and soon.

use serde_json::{Value, json};

use super::super::{Fault, sandbox};

fn run(text: &str) -> Result<Value, Fault> {
    let input = json!({ "annotations": { "k": "v" }, "data": { "spec": { "list": [1, 2], "empty": [], "none": {} } } });
    sandbox::run("test", text, &input, &Value::Null)
}

#[test]
fn none_runs_without_end() {
    let table = [
        "while true do end",
        "for i = 1, 1e18 do end",
        "for i = 1, 1e18 do local x = math.sin(i) end",
        "repeat until false",
        // Nobody catches it for good.
        "while true do pcall(function() while true do end end) end",
        "pcall(function() while true do end end) return { a = 'b' }",
        "return xpcall(function() while true do end end, function() while true do end end)",
        "while true do xpcall(error, function() error('again') end) end",
        "error(setmetatable({}, { __tostring = function() while true do end end }))",
        "return setmetatable({}, { __index = function() while true do end end }).x",
        "return #setmetatable({}, { __len = function() while true do end end })",
        "for _ in function() return 1 end do end",
        "return string.gsub(string.rep('x', 100), '.', function() while true do end end)",
        "table.sort({ 3, 2, 1 }, function() while true do end end)",
        // Patterns that go back again and again.
        "return string.find(string.rep('a', 30), string.rep('a?', 30) .. string.rep('a', 30) .. 'b')",
        "return string.find(string.rep('a', 20000), '.-.-.-.-b')",
        "return string.match(string.rep('(', 5000), string.rep('%(-', 20) .. 'x')",
        // Much work in each of few calls.
        "local s = string.rep('x', 1e6) for i = 1, 1e9 do local _ = string.find(s, 'y', 1, true) end",
        "local t = table.create(1e5, 1) while true do table.insert(t, 1, 1) table.remove(t, 1) end",
        "local t = table.create(1e5, 1) while true do table.sort(t) end",
        "local t = {} for i = 1, 40 do t = { t, t } end while true do json.encode(t) end",
    ];
    for text in table {
        assert_eq!(run(text), Err(Fault::Endless), "{text}");
    }
    // What is thrown away is not taken back at once.
    let either = [
        "for i = 1, 1e9 do local _ = string.rep('y', 1e6) end",
        "local s = string.rep('x', 1e6) for i = 1, 1e9 do local _ = string.upper(s) end",
        "local t = table.create(1e5, 1) while true do table.clone(t) end",
        "local t = table.create(1e5, 'x') while true do table.concat(t) end",
        "local s = '[' .. string.rep('1,', 1e5) .. '1]' while true do json.decode(s) end",
    ];
    for text in either {
        let refused = run(text);
        assert!(
            matches!(refused, Err(Fault::Endless | Fault::Memory(4))),
            "{text}: {refused:?}"
        );
    }
}

#[test]
fn none_takes_all_memory() {
    let table = [
        "return string.rep('x', 2e8)",
        "local s = 'x' for i = 1, 40 do s = s .. s end return s",
        "local t = {} for i = 1, 1e6 do t[i] = { i } end return t",
        "return table.concat(table.create(1e7, 'x'))",
        "return table.create(1e8, 1)",
        "return string.gsub(string.rep('x', 1e6), 'x', 'yyyyyyyyyy')",
        "return string.format(string.rep('%s', 100), string.rep('x', 1e6))",
    ];
    for text in table {
        let refused = run(text);
        assert!(
            matches!(refused, Err(Fault::Memory(4) | Fault::Endless | Fault::Raised(_))),
            "{text}: {refused:?}"
        );
    }
    assert_eq!(
        run("local t = {} while true do t[#t + 1] = string.rep('x', 1e4) .. #t end"),
        Err(Fault::Memory(4))
    );
}

#[test]
fn none_sees_the_world_or_changes_its_machine() {
    let names = "os io package debug coroutine require dofile loadfile load loadstring module collectgarbage gcinfo newproxy \
                 getfenv setfenv print buffer bit32 utf8 vector integer typeof";
    for name in names.split_whitespace() {
        assert_eq!(run(&format!("return {name} == nil")), Ok(json!(true)), "{name}");
    }
    for name in ["random", "randomseed", "noise"] {
        assert_eq!(
            run(&format!("return math.{name} == nil")),
            Ok(json!(true)),
            "{name}"
        );
    }
    let raised = [
        (
            "io.open('/etc/passwd')",
            "test:1: attempt to index nil with 'open'",
        ),
        ("os.execute('id')", "test:1: attempt to index nil with 'execute'"),
        ("return require('socket')", "test:1: attempt to call a nil value"),
        ("string.rep = nil", "test:1: attempt to modify a readonly table"),
        (
            "getmetatable('').__index = {}",
            "test:1: attempt to modify a readonly table",
        ),
        ("json.encode = nil", "test:1: attempt to modify a readonly table"),
        (
            "getmetatable(obj.data.spec.list).__index = error",
            "test:1: attempt to modify a readonly table",
        ),
        (
            "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. 'x'] end return t.a",
            "",
        ),
        ("error({ a = 1 })", ""),
        ("error(nil)", "nil"),
        ("error('my words', 0)", "my words"),
        (
            "return nil + 1",
            "test:1: attempt to perform arithmetic (add) on nil and number",
        ),
        ("return ('x'):rep(-1, nil, {}) .. {}", ""),
        ("return string.format('%9999d', 1)", ""),
        ("return ('x'):find('[')", ""),
    ];
    for (text, words) in raised {
        match run(text) {
            Err(Fault::Raised(why)) => assert!(why.contains(words), "{text}: {why}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn the_next_one_begins_anew() {
    assert_eq!(run("mine = 1 obj.data = 2 return mine"), Ok(json!(1)));
    assert_eq!(
        run("return mine == nil and obj.data.spec ~= nil"),
        Ok(json!(true))
    );
}

#[test]
fn what_is_no_answer_is_told() {
    let deep = "local t = {} for i = 1, 100 do t = { t } end return t";
    let answers = [
        ("return function() end", "a function"),
        ("return { x = string.rep }", "a function"),
        ("return 0 / 0", "a number that JSON does not have"),
        ("return { x = 1 / 0 }", "a number that JSON does not have"),
        (
            "return { 1, 2, x = 3 }",
            "a table with both numbers and names for keys",
        ),
        ("return { [1] = 1, [3] = 3 }", "a list with gaps"),
        ("return { [0] = 1 }", "a list that does not begin at 1"),
        ("return { [1.5] = 1 }", "a table with a number for a key"),
        ("return { [{}] = 1 }", "a table with a table for a key"),
        ("return { [true] = 1 }", "a table with a boolean for a key"),
        ("return '\\255'", "a string that is not UTF-8"),
        (deep, "tables within tables more than 64 deep"),
        (
            "local t = {} t[1] = t return t",
            "tables within tables more than 64 deep",
        ),
        (
            "local t = { 1 } for i = 1, 40 do t = { t, t } end return t",
            "more than 200000 values",
        ),
        (
            "local s = string.rep('x', 3e5) return { s, s, s, s, s, s, s, s }",
            "more than 2 MiB of text",
        ),
    ];
    for (text, words) in answers {
        assert_eq!(run(text), Err(Fault::Answer(words.to_owned())), "{text}");
    }
    // Metatables are passed over, and run nothing.
    let tricks =
        "return setmetatable({ a = 1 }, { __index = error, __iter = error, __len = error, __metatable = 1 })";
    assert_eq!(run(tricks), Ok(json!({ "a": 1 })));
    assert!(matches!(run("return return"), Err(Fault::Syntax(_))));
    assert!(matches!(run("\u{1b}LuaR\0bytes"), Err(Fault::Syntax(_))));
    assert_eq!(run(&format!("--{}", "x".repeat(70_000))), Err(Fault::TooLong(64)));
}

/// A text that nests deeply is refused by the reader of the language, whose own stack is that of the thread.
#[test]
fn deep_texts_overflow_nothing() {
    let table = [
        ("return ", "(", "1", ")"),
        ("return ", "{", "1", "}"),
        ("return ", "-", "1", ""),
        ("return ", "not ", "1", ""),
        ("return ", "function() return ", "1", " end"),
        ("", "do ", "", " end"),
        ("", "if x then ", "", " end"),
        ("return 1", " .. 1", "", ""),
        ("return 1", "^1", "", ""),
        ("return x", ".x", "", ""),
        ("return x", "()", "", ""),
        ("local x: ", "(", "number", ")"),
    ];
    for (before, open, middle, close) in table {
        for depth in [100, 900, 3000] {
            let text = format!("{before}{}{middle}{}", open.repeat(depth), close.repeat(depth));
            // What matters is that it comes back.
            let _ = run(&text);
        }
    }
    let recursive =
        "local function f(n) return (string.gsub('x', 'x', function() return f(n + 1) end)) end return f(1)";
    assert!(matches!(run(recursive), Err(Fault::Raised(_) | Fault::Endless)));
    let endless = "local function f() return 1 + f() end return f()";
    assert!(matches!(run(endless), Err(Fault::Raised(_) | Fault::Endless)));
    let pcalls = "local function f() return pcall(f) end return tostring(f())";
    assert!(run(pcalls).is_ok_and(|value| value == "true" || value == "false"));
}

#[test]
fn json_is_upstreams_with_empty_lists_kept() {
    let table = [
        (
            "return json.encode({ b = 1, a = { 'x', true, 1.5, 10 / 2 } })",
            r#"{"a":["x",true,1.5,5],"b":1}"#,
        ),
        ("return json.encode('<a & b>')", r#""\u003ca \u0026 b\u003e""#),
        (
            "return json.encode(obj.data)",
            r#"{"spec":{"empty":[],"list":[1,2]}}"#,
        ),
        ("return json.encode(json.decode('[]'))", "[]"),
        (
            "return json.decode('[1, {\"a\": 2.5}]')[2].a == 2.5 and 'yes'",
            "yes",
        ),
        (
            "local v, e = json.encode({ 1, x = 2 }) return tostring(v) .. ': ' .. e",
            "nil: cannot encode a table with both numbers and names for keys",
        ),
        (
            "local v, e = json.decode('{') return tostring(v) .. ': ' .. e",
            "nil: EOF while parsing an object at line 1 column 1",
        ),
        (
            "local v, e = json.encode(0 / 0) return e",
            "cannot encode a number that JSON does not have",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(run(text), Ok(json!(expected)), "{text}");
    }
}

#[test]
fn values_come_back_as_they_were() {
    let value = json!({
        "empty": [], "none": {}, "nested": { "list": [[], [{}], [1, [2.5]]] }, "large": 9_007_199_254_740_993_i64, "huge": u64::MAX,
        "negative": -7, "zero": 0, "fraction": 0.1, "text": "ü\u{0}\n", "flag": false,
    });
    let input = json!({ "data": value });
    assert_eq!(
        sandbox::run("test", "return obj.data", &input, &value),
        Ok(value.clone())
    );
    // Emptied lists are lists, made ones take the place of what was there, and what stands for nothing is left out.
    let changed = sandbox::run(
        "test",
        "local d = obj.data return { nested = {}, large = d.large, empty = {}, text = { made = {}, list = { {} } }, flag = d.none }",
        &input,
        &value,
    );
    assert_eq!(
        changed,
        Ok(
            json!({ "nested": {}, "large": 9_007_199_254_740_993_i64, "empty": [], "flag": {}, "text": { "list": [{}] } })
        )
    );
    let last = sandbox::run("test", "return 1, 2, { a = 3.0 }", &input, &Value::Null);
    assert_eq!(last, Ok(json!({ "a": 3 })));
}
