//! What a model's files state of themselves: name, makers, licence, lineage. Nothing is guessed: what is not stated is
//! `None`.

use super::readme;
use crate::{
    format::{Checkpoint, Container, Metadata, Value},
    tensor::sort_by_numbers,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Characters of one statement that are kept.
const LONGEST: usize = 2000;
/// Statements of one kind that are kept.
const MOST: u64 = 64;

/// A model that this one was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Base {
    /// Its name.
    pub name: String,
    /// Who made it.
    pub organisation: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Where it is.
    pub address: Option<String>,
}

/// What the files state, in their own words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Card {
    /// Name of the model.
    pub name: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// For whom.
    pub organisation: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The name of all models of its kind.
    pub basename: Option<String>,
    /// What it was tuned for.
    pub finetune: Option<String>,
    /// The licence, as a rule its short name.
    pub licence: Option<String>,
    /// The licence's name, where it has no short one.
    pub licence_name: Option<String>,
    /// Where the licence's text is.
    pub licence_link: Option<String>,
    /// What it was made from.
    pub base_models: Option<Vec<Base>>,
    /// Who made the block formats of it.
    pub quantised_by: Option<String>,
    /// Where this file is published.
    pub repository: Option<String>,
    /// Where the model is published that this file was made of.
    pub source: Option<String>,
    /// What it was trained on.
    pub datasets: Option<Vec<String>>,
    /// Languages it was made for.
    pub languages: Option<Vec<String>>,
    /// Block formats of its weights, by descending share of bytes.
    pub formats: Vec<String>,
    /// Number of weights.
    pub parameters: u64,
}

impl Card {
    /// The card of a checkpoint.
    pub fn of(checkpoint: &Checkpoint) -> Self {
        let stated = match checkpoint.container {
            Container::Gguf => of_gguf(&checkpoint.meta),
            Container::Safetensors => of_published(checkpoint),
        };
        let weights = || checkpoint.skipped.values().filter(|s| s.weight);
        let read = checkpoint.tensors.values().map(|e| (e.format.name, e.bytes));
        let mut formats: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, bytes) in read.chain(weights().map(|s| (s.kind.as_str(), s.bytes))) {
            *formats.entry(name).or_default() += bytes;
        }
        let mut formats: Vec<_> = formats.into_iter().collect();
        sort_by_numbers(&mut formats, |(_, bytes)| [u64::MAX - bytes, 0]);
        let read: u64 = checkpoint.tensors.values().map(|e| e.shape.count() as u64).sum();
        Self {
            formats: formats.into_iter().map(|(name, _)| name.to_owned()).collect(),
            parameters: weights()
                .map(|s| s.dims.iter().fold(1_u64, |n, d| n.saturating_mul(*d)))
                .fold(read, u64::saturating_add),
            ..stated
        }
    }

    /// Everything stated of rights beyond the licence's short name.
    pub fn licence_details(&self) -> Vec<(&'static str, String)> {
        [
            ("licence name", &self.licence_name),
            ("licence link", &self.licence_link),
        ]
        .into_iter()
        .filter_map(|(what, words)| Some((what, words.clone()?)))
        .collect()
    }

    /// Everything stated of origin: what, and in which words.
    pub fn lineage(&self) -> Vec<(&'static str, String)> {
        let single = [
            ("author", &self.author),
            ("organisation", &self.organisation),
            ("version", &self.version),
            ("base name", &self.basename),
            ("fine-tune", &self.finetune),
            ("quantised by", &self.quantised_by),
            ("repository", &self.repository),
            ("source", &self.source),
        ];
        let single = single
            .into_iter()
            .filter_map(|(what, words)| Some((what, words.clone()?)));
        let bases = self
            .base_models
            .iter()
            .flatten()
            .map(|base| ("made from", base.to_string()));
        let sets = self.datasets.iter().map(|sets| ("data sets", sets.join(", ")));
        single.chain(bases).chain(sets).collect()
    }
}

impl std::fmt::Display for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(organisation) = &self.organisation {
            write!(f, "{organisation}/")?;
        }
        f.write_str(&self.name)?;
        match &self.address {
            Some(address) => write!(f, " ({address})"),
            None => Ok(()),
        }
    }
}

/// A statement fit to be shown: one line, not too long. Empty is as if it were not there.
#[inline(never)]
fn shown(words: &str) -> Option<String> {
    let plain: String = words.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    (!plain.is_empty()).then_some(plain)
}

/// Not inlined, like what follows: a card is read once, and has many lines.
#[inline(never)]
fn text(meta: &Metadata, key: &str) -> Option<String> {
    match meta.get(&format!("general.{key}")) {
        Some(Value::Str(text)) => shown(text),
        _ => None,
    }
}

fn of_gguf(meta: &Metadata) -> Card {
    let text = |key: &str| text(meta, key);
    let list = |key: &str| match meta.get(&format!("general.{key}")) {
        Some(Value::Strs(all)) => listed(all),
        _ => None,
    };
    let base = |n: u64| {
        let part = |part: &str| text(&format!("base_model.{n}.{part}"));
        Some(Base {
            name: part("name")?,
            organisation: part("organization").or_else(|| part("author")),
            version: part("version"),
            address: part("repo_url").or_else(|| part("url")),
        })
    };
    let count = match meta.get("general.base_model.count") {
        Some(Value::Int(count)) => u64::try_from(*count).unwrap_or(0).min(MOST),
        _ => 0,
    };
    let bases: Vec<Base> = (0..count).filter_map(base).collect();
    Card {
        name: text("name"),
        author: text("author"),
        organisation: text("organization"),
        version: text("version"),
        basename: text("basename"),
        finetune: text("finetune"),
        licence: text("license"),
        licence_name: text("license.name"),
        licence_link: text("license.link"),
        base_models: (!bases.is_empty()).then_some(bases),
        quantised_by: text("quantized_by"),
        repository: text("repo_url").or_else(|| text("url")),
        source: text("source.repo_url").or_else(|| text("source.url")),
        datasets: list("datasets"),
        languages: list("languages"),
        ..Card::default()
    }
}

#[inline(never)]
fn listed(all: &[String]) -> Option<Vec<String>> {
    let all: Vec<String> = all
        .iter()
        .filter_map(|words| shown(words))
        .take(usize::try_from(MOST).unwrap_or(0))
        .collect();
    (!all.is_empty()).then_some(all)
}

/// A published checkpoint states little in its files; its model card says the rest.
fn of_published(checkpoint: &Checkpoint) -> Card {
    let config = checkpoint.config().unwrap_or_default();
    let readme = checkpoint
        .side
        .get("README.md")
        .map(|bytes| String::from_utf8_lossy(bytes));
    let matter = readme::matter(&readme.unwrap_or_default());
    let list = |key: &str| listed(readme::values(&matter, key));
    let first = |key: &str| list(key)?.into_iter().next();
    let of_config = |key: &str| config[key].as_str().and_then(shown);
    let of_file = || match checkpoint.meta.get("license") {
        Some(Value::Str(text)) => shown(text),
        _ => None,
    };
    // A hub reference is `owner/name`.
    let base = |words: String| match words.rsplit_once('/') {
        Some((owner, name)) => Base {
            name: name.to_owned(),
            organisation: Some(owner.to_owned()),
            ..Base::default()
        },
        None => Base {
            name: words,
            ..Base::default()
        },
    };
    Card {
        // A path says where it lay once.
        name: of_config("_name_or_path").filter(|name| !name.starts_with(['/', '.'])),
        licence: first("license").or_else(|| of_config("license")).or_else(of_file),
        licence_name: first("license_name"),
        licence_link: first("license_link"),
        base_models: list("base_model").map(|all| all.into_iter().map(base).collect()),
        datasets: list("datasets"),
        languages: list("language"),
        ..Card::default()
    }
}
