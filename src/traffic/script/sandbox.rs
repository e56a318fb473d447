//! The machine that runs scripts: Luau with tables, strings and mathematics, and nothing of the world.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use mlua::{Error, IntoLuaMulti as _, Lua, LuaOptions, MultiValue, StdLib, Table, VmState, chunk::ChunkMode};
use serde_json::Value;

use super::{
    Fault,
    value::{Limits, Reader, Writer},
};

/// Longest script, in bytes. A line without loops or calls is never interrupted, so the text itself must be bounded.
const LONGEST: usize = 64 * 1024;
/// Memory of a script, in bytes: so much, and more for a large input.
const LEAST_MEMORY: usize = 4 << 20;
/// Bytes of memory for each byte of input.
const MEMORY_PER_BYTE: usize = 24;
/// The most that any script gets, in bytes.
const MOST_MEMORY: usize = 32 << 20;
/// What a script may use up. Nobody here may read a clock, and a limit by the clock would let the same script pass on one
/// machine and fail on another. So what is counted is how often the machine asks whether to go on (at every call, turn of a
/// loop and step of a pattern), each time with a charge for the memory that is held: one call of a string function may go
/// through all of it. About a second at the worst.
const FUEL: u64 = 1_000_000;
/// Bytes of memory, or of JSON text, that cost as much as one turn of a loop.
const BYTES_PER_FUEL: usize = 4096;
/// Longest message of an error, in characters.
const LONGEST_MESSAGE: usize = 300;

/// What would let a script see the world, its own machine, or chance.
const REMOVED: [&str; 9] = [
    "collectgarbage",
    "getfenv",
    "gcinfo",
    "loadstring",
    "newproxy",
    "print",
    "require",
    "setfenv",
    "typeof",
];
/// Sorting without a function of the script's own is one long step of the machine; with one it can be interrupted. Random
/// numbers would give another answer every time.
const PRELUDE: &str = "
local sort = table.sort
table.sort = function(list, less) return sort(list, less or function(a, b) return a < b end) end
math.random, math.randomseed, math.noise = nil, nil, nil
";

/// The fuel of one run.
#[derive(Clone)]
struct Fuel {
    left: Arc<AtomicU64>,
    /// Bytes that were in use before the script began.
    resting: usize,
}

impl Fuel {
    fn burn(&self, cost: u64) -> mlua::Result<()> {
        let left = self.left.load(Ordering::Relaxed).saturating_sub(cost);
        self.left.store(left, Ordering::Relaxed);
        if left == 0 {
            return Err(Error::runtime("budget"));
        }
        Ok(())
    }

    /// Burns what so many steps cost with so many bytes handled.
    ///
    /// # Errors
    /// Nothing is left.
    fn burn_for(&self, steps: usize, bytes: usize) -> mlua::Result<()> {
        let cost = steps.saturating_add(bytes / BYTES_PER_FUEL);
        self.burn(u64::try_from(cost).unwrap_or(u64::MAX))
    }

    fn is_gone(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }
}

/// Runs a script with `input` as its global `obj`; answers the last value that it returns, as JSON.
///
/// `name` stands in messages. Integers and empty lists of `like`, by their places, are told from what Lua makes of them.
///
/// # Errors
/// Why there is no answer.
pub(super) fn run(name: &str, text: &str, input: &Value, like: &Value) -> Result<Value, Fault> {
    if text.len() > LONGEST {
        return Err(Fault::TooLong(LONGEST / 1024));
    }
    let size = input.to_string().len();
    let limit = (LEAST_MEMORY + size.saturating_mul(MEMORY_PER_BYTE)).min(MOST_MEMORY);
    let left = Arc::new(AtomicU64::new(FUEL));
    let outcome = execute(name, text, input, like, limit, &left);
    if left.load(Ordering::Relaxed) == 0 {
        // Also when the script caught the error and went on to an answer.
        return Err(Fault::Endless);
    }
    outcome.map_err(|stop| match stop {
        Stop::Fault(fault) => fault,
        Stop::Lua(error) => fault_of(&error, limit),
    })
}

enum Stop {
    Fault(Fault),
    Lua(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Lua(error)
    }
}

fn execute(
    name: &str,
    text: &str,
    input: &Value,
    like: &Value,
    limit: usize,
    left: &Arc<AtomicU64>,
) -> Result<Value, Stop> {
    let lua = Lua::new_with(
        StdLib::TABLE | StdLib::STRING | StdLib::MATH,
        LuaOptions::default(),
    )?;
    lua.set_memory_limit(limit)?;
    let globals = lua.globals();
    lua.load(PRELUDE).set_mode(ChunkMode::Text).exec()?;
    for word in REMOVED {
        globals.raw_remove(word)?;
    }
    let list = lua.create_table()?;
    list.set_readonly(true);
    let mut fuel = Fuel {
        left: Arc::clone(left),
        resting: 0,
    };
    json_library(&lua, &globals, &list, &fuel)?;
    // Freezes the libraries; what the script assigns goes to a table of its own.
    lua.sandbox(true)?;
    let obj = Writer {
        lua: &lua,
        list: &list,
    }
    .value(input)?;
    lua.globals().raw_set("obj", obj)?;
    fuel.resting = lua.used_memory();
    let gauge = fuel.clone();
    lua.set_interrupt(move |lua| {
        gauge.burn_for(1, lua.used_memory().saturating_sub(gauge.resting))?;
        Ok(VmState::Continue)
    });
    let script = lua
        .load(text)
        .set_name(format!("={name}"))
        .set_mode(ChunkMode::Text)
        .into_function()?;
    let answers: MultiValue = script.call(())?;
    lua.remove_interrupt();
    if fuel.is_gone() {
        return Err(Stop::Fault(Fault::Endless));
    }
    let answer = answers.into_iter().next_back().unwrap_or(mlua::Value::Nil);
    let reader = Reader {
        list: &list,
        limits: Limits::default(),
    };
    reader
        .read(&answer, Some(like))
        .map_err(|what| Stop::Fault(Fault::Answer(what)))
}

/// The global `json`: `encode` and `decode` as upstream has them, an error as a second value. Keys are sorted, and `<`, `>`
/// and `&` are written as Go writes them.
fn json_library(lua: &Lua, globals: &Table, list: &Table, fuel: &Fuel) -> mlua::Result<()> {
    let library = lua.create_table()?;
    let (marker, gauge) = (list.clone(), fuel.clone());
    let encode = lua.create_function(move |lua, value: mlua::Value| {
        let limits = Limits::default();
        let reader = Reader {
            list: &marker,
            limits,
        };
        let read = reader.read(&value, None);
        // The work is what was walked, which may be more than the memory that it is in.
        let (values, bytes) = reader.walked();
        gauge.burn_for(values, bytes)?;
        match read {
            Ok(value) => {
                let text = as_go(&value.to_string());
                // One value where all is well: a script may return it as it is, and of several the last one counts.
                (lua.create_string(text)?,).into_lua_multi(lua)
            }
            Err(what) => (mlua::Nil, format!("cannot encode {what}")).into_lua_multi(lua),
        }
    })?;
    let (marker, gauge) = (list.clone(), fuel.clone());
    let decode = lua.create_function(move |lua, text: mlua::LuaString| {
        let bytes = text.as_bytes();
        // A value takes two bytes at the least.
        gauge.burn_for(bytes.len() / 2, bytes.len())?;
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(value) => {
                let writer = Writer { lua, list: &marker };
                (writer.value(&value)?,).into_lua_multi(lua)
            }
            Err(error) => (mlua::Nil, error.to_string()).into_lua_multi(lua),
        }
    })?;
    library.raw_set("encode", encode)?;
    library.raw_set("decode", decode)?;
    globals.raw_set("json", library)
}

fn as_go(text: &str) -> String {
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

fn fault_of(error: &Error, limit: usize) -> Fault {
    match error {
        Error::SyntaxError { message, .. } => Fault::Syntax(brief(message)),
        Error::MemoryError(_) => Fault::Memory(limit >> 20),
        Error::CallbackError { cause, .. } => fault_of(cause, limit),
        other => Fault::Raised(brief(&other.to_string())),
    }
}

/// The first line of a message, without what says only that it is one.
fn brief(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let first = first.strip_prefix("runtime error: ").unwrap_or(first);
    first.chars().take(LONGEST_MESSAGE).collect()
}
