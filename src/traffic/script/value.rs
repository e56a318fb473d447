//! Values on their way into a script and back: JSON has lists and objects, Lua has one table for both.

use std::cell::Cell;

use mlua::{Lua, Table};
use serde_json::{Map, Number, Value, json};

/// What an answer may be at most.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// Tables within tables.
    depth: usize,
    /// Values, each as often as it stands there.
    values: usize,
    /// Bytes of text; what is larger fits into no object of an API server.
    bytes: usize,
    seen_values: Cell<usize>,
    seen_bytes: Cell<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 64,
            values: 200_000,
            bytes: 2 << 20,
            seen_values: Cell::new(0),
            seen_bytes: Cell::new(0),
        }
    }
}

/// Whole numbers that Lua's numbers hold exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Makes Lua's values of JSON. Lists carry `list` as their metatable, by which an empty one is told from an empty object.
pub(super) struct Writer<'l> {
    pub(super) lua: &'l Lua,
    pub(super) list: &'l Table,
}

impl Writer<'_> {
    /// One value; null is nil.
    pub(super) fn value(&self, value: &Value) -> mlua::Result<mlua::Value> {
        Ok(match value {
            Value::Null => mlua::Value::Nil,
            Value::Bool(flag) => mlua::Value::Boolean(*flag),
            Value::Number(number) => mlua::Value::Number(number.as_f64().unwrap_or_default()),
            Value::String(text) => mlua::Value::String(self.lua.create_string(text)?),
            Value::Array(items) => {
                let table = self.lua.create_table_with_capacity(items.len(), 0)?;
                for (index, item) in (1_usize..).zip(items) {
                    table.raw_set(index, self.value(item)?)?;
                }
                table.set_metatable(Some(self.list.clone()))?;
                mlua::Value::Table(table)
            }
            Value::Object(fields) => {
                let table = self.lua.create_table_with_capacity(0, fields.len())?;
                for (name, field) in fields {
                    table.raw_set(name.as_str(), self.value(field)?)?;
                }
                mlua::Value::Table(table)
            }
        })
    }
}

/// Makes JSON of Lua's values. Nothing of a script runs meanwhile: metatables are passed over.
pub(super) struct Reader<'l> {
    pub(super) list: &'l Table,
    pub(super) limits: Limits,
}

impl Reader<'_> {
    /// How many values and how many bytes of text were read.
    pub(super) fn walked(&self) -> (usize, usize) {
        (self.limits.seen_values.get(), self.limits.seen_bytes.get())
    }

    /// The value. `like` is what stood at its place before: it tells what an empty table is, and keeps large integers
    /// exact, which Lua rounds.
    ///
    /// # Errors
    /// What JSON does not have, in words that follow "returned".
    pub(super) fn read(&self, value: &mlua::Value, like: Option<&Value>) -> Result<Value, String> {
        self.at(value, like, 0)
    }

    fn at(&self, value: &mlua::Value, like: Option<&Value>, depth: usize) -> Result<Value, String> {
        let limits = &self.limits;
        limits.seen_values.set(limits.seen_values.get() + 1);
        if limits.seen_values.get() > limits.values {
            return Err(format!("more than {} values", limits.values));
        }
        match value {
            mlua::Value::Nil => Ok(Value::Null),
            mlua::Value::Boolean(flag) => Ok(json!(flag)),
            #[expect(clippy::cast_precision_loss, reason = "Luau's numbers are of this type")]
            mlua::Value::Integer(number) => number_of(*number as f64, like),
            mlua::Value::Number(number) => number_of(*number, like),
            mlua::Value::String(text) => Ok(Value::String(self.text(text)?)),
            mlua::Value::Table(table) => self.table(table, like, depth),
            other => Err(format!("a {}", other.type_name())),
        }
    }

    fn text(&self, text: &mlua::LuaString) -> Result<String, String> {
        let bytes = text.as_bytes();
        let limits = &self.limits;
        limits.seen_bytes.set(limits.seen_bytes.get() + bytes.len());
        if limits.seen_bytes.get() > limits.bytes {
            return Err(format!("more than {} MiB of text", limits.bytes >> 20));
        }
        String::from_utf8(bytes.to_vec()).map_err(|_| "a string that is not UTF-8".to_owned())
    }

    fn table(&self, table: &Table, like: Option<&Value>, depth: usize) -> Result<Value, String> {
        if depth >= self.limits.depth {
            return Err(format!("tables within tables more than {depth} deep"));
        }
        let mut fields = Map::new();
        let mut items: Vec<(usize, mlua::Value)> = Vec::new();
        for pair in table.pairs::<mlua::Value, mlua::Value>() {
            let (key, value) = pair.map_err(|_| "a table that cannot be read".to_owned())?;
            match key {
                mlua::Value::String(name) => {
                    let name = self.text(&name)?;
                    let was = like.and_then(|like| like.get(&name));
                    let field = self.at(&value, was, depth + 1)?;
                    if !is_nothing(&field, &value, was) {
                        fields.insert(name, field);
                    }
                }
                mlua::Value::Integer(index) => items.push((place(index)?, value)),
                mlua::Value::Number(index) if index.fract() == 0.0 && index.abs() < EXACT => {
                    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
                    items.push((place(index as i64)?, value));
                }
                other => return Err(format!("a table with a {} for a key", other.type_name())),
            }
        }
        if items.is_empty() {
            let is_list = fields.is_empty() && self.is_list(table, like);
            return Ok(if is_list { json!([]) } else { fields.into() });
        }
        if !fields.is_empty() {
            return Err("a table with both numbers and names for keys".to_owned());
        }
        items.sort_by_key(|(index, _)| *index);
        if items.iter().zip(1..).any(|((index, _), place)| *index != place) {
            return Err("a list with gaps".to_owned());
        }
        let mut list = Vec::new();
        for (index, item) in items {
            let was = like.and_then(|like| like.get(index - 1));
            list.push(self.at(&item, was, depth + 1)?);
        }
        Ok(list.into())
    }

    /// Whether an empty table is a list: it came in as one, or takes the place of one.
    fn is_list(&self, table: &Table, like: Option<&Value>) -> bool {
        table.metatable().is_some_and(|own| own == *self.list) || like.is_some_and(Value::is_array)
    }
}

/// Whether a field is to be left out: an empty table that a script made where nothing stood. Whether a list or an object is
/// meant cannot be told, and upstream writes null, which servers leave out.
fn is_nothing(field: &Value, made: &mlua::Value, was: Option<&Value>) -> bool {
    let is_marked = made.as_table().is_some_and(|table| table.metatable().is_some());
    match field {
        Value::Object(fields) => fields.is_empty() && was.is_none() && !is_marked,
        Value::Null => true,
        _ => false,
    }
}

fn place(index: i64) -> Result<usize, String> {
    usize::try_from(index)
        .ok()
        .filter(|index| *index > 0)
        .ok_or_else(|| "a list that does not begin at 1".to_owned())
}

fn number_of(number: f64, like: Option<&Value>) -> Result<Value, String> {
    let kept = like.filter(|like| like.is_number() && like.as_f64() == Some(number));
    if let Some(kept) = kept {
        return Ok(kept.clone());
    }
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 2^53")]
        return Ok(json!(number as i64));
    }
    Number::from_f64(number)
        .map(Value::Number)
        .ok_or_else(|| "a number that JSON does not have".to_owned())
}
