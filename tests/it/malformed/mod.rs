//! Malformed model files, made in code: each a folder, the name to open in it, the code of the error and words that its
//! message has. `NOMOAT_WRITE_HOSTILE=folder` writes them for the tests in browsers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod gguf;
mod safetensors;

use crate::disk::Memory;

pub(crate) use gguf::Gguf;
pub(crate) use safetensors::{SOUND, file as safetensors};

/// One malformed model.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) folder: Memory,
    pub(crate) entry: String,
    pub(crate) code: &'static str,
    /// Words in the message: the file and the field.
    pub(crate) says: Vec<String>,
}

/// Numbers far beyond any of these files.
const FAR: [u64; 4] = [1 << 31, (1 << 32) - 1, (1 << 32) + 1, 1 << 63];

fn case(name: impl Into<String>, entry: &str, bytes: Vec<u8>, code: &'static str, says: &[&str]) -> Case {
    let mut folder = Memory::default();
    folder.0.insert(entry.into(), bytes);
    let mut case = Case {
        name: name.into(),
        folder,
        entry: entry.into(),
        code,
        says: vec![format!("{entry}: ")],
    };
    case.says.extend(says.iter().map(|s| (*s).to_owned()));
    case
}

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    let mut all = gguf::cases();
    all.extend(safetensors::cases());
    all
}
