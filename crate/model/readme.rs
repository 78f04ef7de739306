//! The model card beside a published checkpoint: the few lines between `---` in which it states licence and lineage.

use crate::format::Value;

/// What a card states, each key with its values as written.
pub(super) type Matter = Vec<(String, Vec<String>)>;

/// The keys at the top level of the card's front matter. Of YAML it reads what cards are made of: `key: value`,
/// `key: [a, b]`, and lists with a dash a line; anything deeper is passed over.
pub(super) fn matter(text: &str) -> Matter {
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    if lines.next().map(str::trim_end) != Some("---") {
        return Matter::new();
    }
    let mut card = Matter::new();
    for line in lines.take_while(|l| l.trim_end() != "---") {
        if let Some(item) = line.trim_start().strip_prefix("- ") {
            if let Some((_, values)) = card.last_mut() {
                values.push(plain(item));
            }
        } else if !line.starts_with([' ', '\t', '#'])
            && let Some((key, value)) = line.split_once(':')
        {
            card.push((key.trim().to_owned(), list(value.trim())));
        }
    }
    card
}

/// The values of `key`.
#[inline(never)]
pub(super) fn values<'a>(card: &'a Matter, key: &str) -> &'a [String] {
    card.iter().find(|(k, _)| k == key).map_or(&[], |(_, values)| values)
}

/// What the card states, as the keys that GGUF has for it.
pub fn gguf_keys(text: &str) -> Vec<(String, Value)> {
    let card = matter(text);
    let mut keys = Vec::new();
    for (from, to) in [
        ("license", "general.license"),
        ("license_name", "general.license.name"),
        ("license_link", "general.license.link"),
    ] {
        if let Some(value) = values(&card, from).first() {
            keys.push((to.to_owned(), Value::Str(value.clone())));
        }
    }
    let bases = values(&card, "base_model");
    if !bases.is_empty() {
        keys.push(("general.base_model.count".into(), Value::Int(bases.len() as i128)));
    }
    for (i, base) in bases.iter().enumerate() {
        // A hub reference is `owner/name`.
        let (owner, name) = base.rsplit_once('/').unwrap_or(("", base));
        keys.push((format!("general.base_model.{i}.name"), Value::Str(name.into())));
        if !owner.is_empty() {
            keys.push((format!("general.base_model.{i}.organization"), Value::Str(owner.into())));
        }
    }
    for (from, to) in [("datasets", "general.datasets"), ("language", "general.languages")] {
        let values = values(&card, from);
        if !values.is_empty() {
            keys.push((to.to_owned(), Value::Strs(values.to_vec())));
        }
    }
    keys
}

#[inline(never)]
fn list(value: &str) -> Vec<String> {
    match value.strip_prefix('[').and_then(|v| v.strip_suffix(']')) {
        Some(inside) => inside.split(',').map(plain).filter(|v| !v.is_empty()).collect(),
        None => Some(plain(value)).filter(|v| !v.is_empty()).into_iter().collect(),
    }
}

#[inline(never)]
fn plain(value: &str) -> String {
    let value = value.trim();
    let bare = |q: char| value.strip_prefix(q).and_then(|v| v.strip_suffix(q));
    bare('"').or_else(|| bare('\'')).unwrap_or(value).to_owned()
}
