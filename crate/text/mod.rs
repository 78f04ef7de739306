//! Text in and out: tokenizers, chat templates, sampling.

pub mod chat;
pub mod sample;
pub mod tokenizer;
