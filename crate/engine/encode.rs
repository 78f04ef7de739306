//! What an encoder reads: for an embedding, or for the decoder beside it.

use super::{
    device::{BUCKETS, Key, Output, Want},
    session::{Model, finite},
    stats::Watch,
};
use crate::{
    error::{Error, Result, Unsupported},
    model::{Head, Kind},
};

impl Model {
    /// An error for what this model does not make.
    fn unable(&self, what: &str) -> Error {
        Error::Unsupported {
            kind: Unsupported::Architecture,
            file: self.info.name.clone(),
            what: format!("{} for {what}", self.info.family),
            supported: if self.pooling.is_some() { "embeddings" } else { "text" }.into(),
        }
    }

    /// The embedding of a text of these `ids`, pooled and normalised as the model's files say.
    ///
    /// # Errors
    /// `unsupported-architecture` for a model that writes text; [`Error::ContextFull`] for more ids than it reads at
    /// once; as [`Model::begin`] and [`Model::next`].
    pub async fn embed(&mut self, ids: &[u32]) -> Result<Vec<f32>> {
        let Some(pooling) = self.pooling else {
            return Err(self.unable("embeddings"));
        };
        self.check_whole(ids)?;
        self.watch = Watch::start((self.clock)(), ids.len(), 0);
        match self.encode(ids, Want::Logits).await? {
            Output::Logits(rows) => {
                finite(&rows)?;
                Ok(pooling.of(&rows, ids.len()))
            }
            _ => Err(Error::internal("an encoder gave no rows")),
        }
    }

    /// What an encoder reads, and what a decoder goes on from.
    pub(super) fn sides(&self, ids: &[u32], decoder: &[u32]) -> Result<[Vec<u32>; 2]> {
        let start = match self.network.hyper.kind {
            Kind::Encoder => return Err(self.unable("text")),
            Kind::EncoderDecoder(start) => start,
            Kind::Decoder if decoder.is_empty() => {
                self.check(ids)?;
                return Ok([Vec::new(), ids.to_vec()]);
            }
            Kind::Decoder => {
                return Err(Error::Invalid {
                    field: "ids for the decoder".into(),
                    expected: "an encoder-decoder model".into(),
                    found: self.info.family.clone(),
                });
            }
        };
        self.check_whole(ids)?;
        let decoder = if decoder.is_empty() { &[start] } else { decoder };
        self.check(decoder)?;
        Ok([ids, decoder].map(<[u32]>::to_vec))
    }

    /// An error unless an encoder can read `ids`.
    fn check_whole(&self, ids: &[u32]) -> Result<()> {
        self.check(ids)?;
        let (tokens, context) = (ids.len(), self.info.context_trained.min(BUCKETS[BUCKETS.len() - 1]));
        if tokens > context {
            return Err(Error::ContextFull { tokens, context });
        }
        Ok(())
    }

    /// Lets the encoder read `ids` for the decoder, which begins anew.
    pub(super) async fn read(&mut self, ids: &[u32]) -> Result<()> {
        self.cached.clear();
        self.encoded.clear();
        self.encode(ids, Want::Nothing).await?;
        self.encoded.extend_from_slice(ids);
        Ok(())
    }

    /// Runs the encoder over all of `ids` at once: they see each other.
    async fn encode(&mut self, ids: &[u32], want: Want) -> Result<Output> {
        let key = Key::new(ids.len(), Head::Encode);
        self.runner.prepare(&self.network, key).await?;
        self.runner.run(key, 0, ids, want).await
    }
}
