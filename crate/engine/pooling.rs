//! From an encoder's rows, one a token, to the embedding of the text: which of them count is for the model's files to say.

use crate::{
    error::{Error, Result, Unsupported},
    format::{self, Checkpoint, Container, Value, source::Folder},
    op::narrow,
};
use serde_json::Value as Json;

/// Which rows count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// The mean of all.
    Mean,
    First,
    Last,
}

/// How an embedding is made of rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pooling {
    rows: Rows,
    /// Whether it has the length 1.
    normalised: bool,
}

impl Pooling {
    /// What the files say; the mean, normalised, where they say nothing.
    ///
    /// # Errors
    /// `unsupported-architecture` for another pooling.
    pub(super) async fn read(folder: &dyn Folder, checkpoint: &Checkpoint) -> Result<Self> {
        let mut pooling = Self {
            rows: Rows::Mean,
            normalised: true,
        };
        let unsupported = |what: String| Error::Unsupported {
            kind: Unsupported::Architecture,
            file: checkpoint.name.clone(),
            what,
            supported: "the mean of all rows, the first or the last one".into(),
        };
        if checkpoint.container == Container::Gguf {
            let key = checkpoint.meta.iter().find(|(key, _)| key.ends_with(".pooling_type"));
            pooling.rows = match key {
                None | Some((_, Value::Int(0 | 1))) => Rows::Mean,
                Some((_, Value::Int(2))) => Rows::First,
                Some((_, Value::Int(3))) => Rows::Last,
                Some((key, other)) => return Err(unsupported(format!("{key} {other:?}"))),
            };
            return Ok(pooling);
        }
        let Some(Json::Array(modules)) = format::json(folder, "modules.json").await? else {
            return Ok(pooling);
        };
        let of = |module: &Json, key: &str| module.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        pooling.normalised = false;
        for module in &modules {
            match of(module, "type").rsplit('.').next() {
                Some("Transformer") => {}
                Some("Normalize") => pooling.normalised = true,
                Some("Pooling") => {
                    let name = format!("{}/config.json", of(module, "path"));
                    let Some(Json::Object(config)) = format::json(folder, &name).await? else {
                        return Err(Error::bad(&checkpoint.name, name, "a file with an object", "none"));
                    };
                    let on = config.iter().filter(|(_, on)| **on == Json::Bool(true));
                    let ways: Vec<&str> = on.filter_map(|(key, _)| key.strip_prefix("pooling_mode_")).collect();
                    pooling.rows = match ways[..] {
                        ["mean_tokens"] => Rows::Mean,
                        ["cls_token"] => Rows::First,
                        ["lasttoken"] => Rows::Last,
                        _ => return Err(unsupported(format!("the pooling of {name}"))),
                    };
                }
                _ => return Err(unsupported(format!("the module {}", of(module, "type")))),
            }
        }
        Ok(pooling)
    }

    /// The embedding of `tokens` rows.
    #[allow(clippy::cast_precision_loss, reason = "tokens are few")]
    pub(super) fn of(self, rows: &[f32], tokens: usize) -> Vec<f32> {
        let width = rows.len() / tokens;
        let used = match self.rows {
            Rows::Mean => rows,
            Rows::First => &rows[..width],
            Rows::Last => &rows[rows.len() - width..],
        };
        let mut sum = vec![0.0; width];
        for row in used.chunks_exact(width) {
            sum.iter_mut().zip(row).for_each(|(sum, v)| *sum += f64::from(*v));
        }
        let length = if self.normalised {
            sum.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-12)
        } else {
            (used.len() / width) as f64
        };
        sum.into_iter().map(|v| narrow(v / length)).collect()
    }
}
