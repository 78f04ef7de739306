//! Text in and out: tokenizers, chat templates, sampling, stop strings.

pub mod chat;
pub mod sample;
pub mod stop;
pub mod tokenizer;

mod bpe;
mod charsmap;
mod clock;
mod gguf_vocab;
mod philox;
mod pretokenizer;
mod sentencepiece;
mod side;
pub mod stream;
mod tojson;
mod tokenizer_json;

pub use philox::philox4x32;
