//! Text in and out: tokenizers, chat templates, sampling, stop strings.

pub mod chat;
pub mod formats;
pub mod sample;
pub mod stop;
pub mod tokenizer;

mod bpe;
mod charsmap;
mod clock;
mod gguf_vocab;
mod limits;
mod pretokenizer;
mod sentencepiece;
mod side;
mod stages;
pub mod stream;
mod tokenizer_json;
mod wordpiece;
mod written;

pub use crate::cpu::philox::philox4x32;
