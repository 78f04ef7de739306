//! The `tojson` filter as `transformers` has it: Python's `json.dumps` without escaping for HTML.

use minijinja::{
    Error, ErrorKind, State,
    value::{Kwargs, Rest, Serde, Value},
};
use serde_json::Value as Json;

/// How JSON is laid out.
struct Layout {
    indent: Option<usize>,
    item: String,
    key: String,
    ascii: bool,
    sorted: bool,
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
    };
    if let Some(separators) = options.get::<Option<Value>>("separators")?.filter(|s| !s.is_none()) {
        layout.item = separators.get_item_by_index(0)?.to_string();
        layout.key = separators.get_item_by_index(1)?.to_string();
    }
    options.assert_all_used()?;
    let json = serde_json::to_value(value)
        .map_err(|e| Error::new(ErrorKind::InvalidOperation, "not a JSON value").with_source(e))?;
    let mut text = String::new();
    write(&mut text, &json, &layout, 0);
    state.consume_fuel(text.len() as u64 / 64)?;
    Ok(Value::from(text))
}

/// JSON from outside as a template value.
pub(crate) fn value(json: &Json) -> Value {
    Value::from(Serde(json))
}

fn write(text: &mut String, json: &Json, layout: &Layout, depth: usize) {
    match json {
        Json::Array(list) => {
            let items = list.iter().map(|item| (None, item));
            write_all(text, ['[', ']'], items.collect(), layout, depth);
        }
        Json::Object(map) => {
            let mut items: Vec<_> = map.iter().map(|(key, item)| (Some(key.as_str()), item)).collect();
            if layout.sorted {
                items.sort_by_key(|(key, _)| *key);
            }
            write_all(text, ['{', '}'], items, layout, depth);
        }
        Json::String(s) => write_string(text, s, layout),
        other => text.push_str(&other.to_string()),
    }
}

fn write_all(text: &mut String, brackets: [char; 2], items: Vec<(Option<&str>, &Json)>, layout: &Layout, depth: usize) {
    let line = |text: &mut String, depth: usize| {
        if let Some(indent) = layout.indent {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent * depth));
        }
    };
    text.push(brackets[0]);
    for (at, (key, item)) in items.iter().enumerate() {
        if at > 0 {
            text.push_str(&layout.item);
        }
        line(text, depth + 1);
        if let Some(key) = key {
            write_string(text, key, layout);
            text.push_str(&layout.key);
        }
        write(text, item, layout, depth + 1);
    }
    if !items.is_empty() {
        line(text, depth);
    }
    text.push(brackets[1]);
}

fn write_string(text: &mut String, s: &str, layout: &Layout) {
    let quoted = Json::from(s).to_string();
    if !layout.ascii {
        text.push_str(&quoted);
        return;
    }
    let mut units = [0; 2];
    for c in quoted.chars() {
        if c.is_ascii() {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
}
