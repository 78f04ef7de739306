//! What was found of the GPUs here, in a file of the user's cache folder: a convenience that may be deleted, or fail, at any time.

use crate::trace::Trace;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// Where it is, if this user has a cache folder.
pub(crate) fn file() -> Option<PathBuf> {
    let folder = |key: &str| env::var_os(key).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || folder("HOME");
    let cache = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library/Caches"))
    } else {
        folder("XDG_CACHE_HOME").or_else(|| home().map(|home| home.join(".cache")))
    };
    Some(cache?.join("nomoat/adapters.jsonl"))
}

/// What it says; nothing if it is not there.
pub(crate) fn read() -> Option<String> {
    fs::read_to_string(file()?).ok()
}

/// Keeps a text, whole or not at all.
pub(crate) fn write(text: &str, trace: Trace) {
    let Some(file) = file() else { return };
    if let Err(error) = replace(&file, text) {
        trace.line("adapter", || {
            format!("what was found of it is not kept in {}: {error}", file.display())
        });
    }
}

fn replace(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    // a name of its own, since others may do the same now
    let part = file.with_extension(format!("{}.part", std::process::id()));
    fs::write(&part, text)?;
    fs::rename(&part, file)
}
