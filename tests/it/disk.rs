//! Folders for tests: a directory on disk, or files in memory; and where the shared test data lies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use nomoat::{
    Error, Result,
    error::Read,
    format::{
        self, Checkpoint,
        source::{ByteSource, Bytes, Folder, Pending},
    },
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    rc::Rc,
};

/// The shared data, or `None` with a line that says so.
pub(crate) fn shared() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = std::env::var_os("NOMOAT_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    if !path.is_dir() {
        println!("skipped: no shared test data at {}", path.display());
        return None;
    }
    Some(path)
}

/// A directory.
pub(crate) struct Disk(pub(crate) PathBuf);

struct OnDisk {
    name: String,
    path: PathBuf,
    size: u64,
}

impl Folder for Disk {
    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn open<'a>(&'a self, name: &'a str) -> Pending<'a, Option<Rc<dyn ByteSource>>> {
        let path = self.0.join(name);
        let source = path.is_file().then(|| {
            let size = fs::metadata(&path).unwrap().len();
            Rc::new(OnDisk {
                name: name.into(),
                path,
                size,
            }) as Rc<dyn ByteSource>
        });
        Box::pin(std::future::ready(Ok(source)))
    }
}

impl ByteSource for OnDisk {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, len: usize) -> Pending<'_, Vec<u8>> {
        let read = || {
            let mut file = File::open(&self.path)?;
            let mut bytes = vec![0; len];
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        Box::pin(std::future::ready(read().map_err(|e: std::io::Error| Error::Read {
            kind: Read::Io,
            from: self.name.clone(),
            cause: e.to_string(),
        })))
    }
}

/// Files in memory.
#[derive(Clone, Default)]
pub(crate) struct Memory(pub(crate) BTreeMap<String, Vec<u8>>);

impl Folder for Memory {
    fn name(&self) -> &str {
        "memory"
    }

    fn open<'a>(&'a self, name: &'a str) -> Pending<'a, Option<Rc<dyn ByteSource>>> {
        let bytes = self.0.get(name).cloned();
        let source = bytes.map(|bytes| Rc::new(Bytes::new(name, bytes)) as Rc<dyn ByteSource>);
        Box::pin(std::future::ready(Ok(source)))
    }
}

/// Opens a model by its path: a file, or a folder.
pub(crate) fn open(path: &Path) -> Result<Checkpoint> {
    let (folder, entry) = if path.is_dir() {
        (path, "")
    } else {
        (path.parent().unwrap(), path.file_name().unwrap().to_str().unwrap())
    };
    pollster::block_on(format::open(&Disk(folder.into()), entry))
}

/// All values of a tensor.
pub(crate) fn values(model: &Checkpoint, name: &str) -> Vec<f32> {
    let entry = model.tensor(name).unwrap();
    let bytes = pollster::block_on(model.read(entry, 0, entry.shape.rows())).unwrap();
    let mut values = vec![0.0; entry.shape.count()];
    (entry.format.decode)(&bytes, &mut values);
    values
}
