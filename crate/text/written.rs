//! Template values as text: the `tojson` filter of `transformers` (Python's `json.dumps` without escaping for HTML) and
//! what Python's `str` makes of a value that is printed.
//!
//! Values are walked with fuel and a bound on the depth: a template can build lists that are long, deep or, through a
//! namespace, hold themselves.

use minijinja::{
    Error, ErrorKind, State,
    value::{Kwargs, Rest, Serde, Value, ValueKind},
};
use serde_json::Value as Json;
use std::fmt::Write as _;

/// Deepest nesting that is written out.
const MAX_DEPTH: usize = 64;

/// JSON from outside as a template value.
pub(crate) fn value(json: &Json) -> Value {
    Value::from(Serde(json))
}

/// How values are laid out.
struct Layout {
    indent: Option<usize>,
    item: String,
    key: String,
    /// Non-ASCII characters are escaped.
    ascii: bool,
    sorted: bool,
    /// Python's words and quotes instead of JSON's.
    python: bool,
}

/// `value | tojson(indent=…, separators=(…, …), ensure_ascii=…, sort_keys=…)`.
pub(crate) fn tojson(state: &State, value: &Value, args: Rest<Value>, options: Kwargs) -> Result<Value, Error> {
    let flag = |key: &str| Ok::<bool, Error>(options.get::<Option<bool>>(key)?.unwrap_or(false));
    // The filter's first positional argument is ensure_ascii, the second indent.
    let indent = match args.get(1) {
        Some(indent) => Some(indent.clone()),
        None => options.get::<Option<Value>>("indent")?,
    };
    let indent = match indent.filter(|i| !i.is_none()) {
        Some(indent) => Some(usize::try_from(indent)?.min(64)),
        None => None,
    };
    let mut layout = Layout {
        item: if indent.is_some() { "," } else { ", " }.to_owned(),
        key: ": ".to_owned(),
        indent,
        ascii: flag("ensure_ascii")? || args.first().is_some_and(Value::is_true),
        sorted: flag("sort_keys")?,
        python: false,
    };
    if let Some(separators) = options.get::<Option<Value>>("separators")?.filter(|s| !s.is_none()) {
        layout.item = separators.get_item_by_index(0)?.to_string();
        layout.key = separators.get_item_by_index(1)?.to_string();
    }
    options.assert_all_used()?;
    let mut text = String::new();
    Writer { state, layout }.write(&mut text, value, 0)?;
    Ok(Value::from(text))
}

/// A container as Python prints it.
pub(crate) fn repr(state: &State, value: &Value) -> Result<String, Error> {
    let layout = Layout {
        indent: None,
        item: ", ".to_owned(),
        key: ": ".to_owned(),
        ascii: false,
        sorted: false,
        python: true,
    };
    let mut text = String::new();
    Writer { state, layout }.write(&mut text, value, 0)?;
    Ok(text)
}

struct Writer<'a, 'b, 'c> {
    state: &'a State<'b, 'c>,
    layout: Layout,
}

impl Writer<'_, '_, '_> {
    fn write(&self, text: &mut String, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            let words = format!("a value nested deeper than {MAX_DEPTH}");
            return Err(Error::new(ErrorKind::InvalidOperation, words));
        }
        self.state.consume_fuel(1)?;
        let python = self.layout.python;
        match value.kind() {
            ValueKind::Undefined | ValueKind::None => text.push_str(if python { "None" } else { "null" }),
            ValueKind::Bool => text.push_str(match (value.is_true(), python) {
                (true, true) => "True",
                (false, true) => "False",
                (true, false) => "true",
                (false, false) => "false",
            }),
            ValueKind::Number => text.push_str(&value.to_string()),
            ValueKind::String => {
                let string = value.as_str().unwrap_or("");
                self.state.consume_fuel(string.len() as u64 / 64)?;
                self.write_string(text, string);
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.layout.sorted {
                    keys.sort();
                }
                text.push('{');
                let mut first = true;
                for key in keys {
                    self.begin(text, &mut first, depth);
                    match key.as_str() {
                        Some(key) => self.write_string(text, key),
                        // JSON has only text as keys.
                        None if !python => self.write_string(text, &key.to_string()),
                        None => self.write(text, &key, depth + 1)?,
                    }
                    text.push_str(&self.layout.key);
                    self.write(text, &value.get_item(&key)?, depth + 1)?;
                }
                self.end(text, '}', first, depth);
            }
            ValueKind::Seq | ValueKind::Iterable => {
                text.push('[');
                let mut first = true;
                for item in value.try_iter()? {
                    self.begin(text, &mut first, depth);
                    self.write(text, &item, depth + 1)?;
                }
                self.end(text, ']', first, depth);
            }
            other => {
                let words = format!("a {other} cannot be written");
                return Err(Error::new(ErrorKind::InvalidOperation, words));
            }
        }
        Ok(())
    }

    fn line(&self, text: &mut String, depth: usize) {
        if let Some(indent) = self.layout.indent {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent * depth));
        }
    }

    fn begin(&self, text: &mut String, first: &mut bool, depth: usize) {
        if !std::mem::replace(first, false) {
            text.push_str(&self.layout.item);
        }
        self.line(text, depth + 1);
    }

    fn end(&self, text: &mut String, bracket: char, empty: bool, depth: usize) {
        if !empty {
            self.line(text, depth);
        }
        text.push(bracket);
    }

    fn write_string(&self, text: &mut String, string: &str) {
        if self.layout.python {
            let quote = if string.contains('\'') && !string.contains('"') {
                '"'
            } else {
                '\''
            };
            text.push(quote);
            for c in string.chars() {
                match c {
                    '\n' => text.push_str("\\n"),
                    '\r' => text.push_str("\\r"),
                    '\t' => text.push_str("\\t"),
                    '\\' => text.push_str("\\\\"),
                    c if c == quote => text.extend(['\\', c]),
                    c => text.push(c),
                }
            }
            text.push(quote);
            return;
        }
        let quoted = Json::from(string).to_string();
        if !self.layout.ascii {
            text.push_str(&quoted);
            return;
        }
        let mut units = [0; 2];
        for c in quoted.chars() {
            if c.is_ascii() {
                text.push(c);
            } else {
                for unit in c.encode_utf16(&mut units) {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
}
