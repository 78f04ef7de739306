//! Files of this machine as the library sees them: a directory is a `Folder`, a file a `ByteSource`.

use nomoat::{
    Error, Result,
    error::Read as Kind,
    format::source::{ByteSource, Folder, Pending},
};
use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    rc::Rc,
};

/// A failure of the file system, with the file it concerns.
pub(crate) fn failed(from: impl Into<String>, cause: &io::Error) -> Error {
    let (kind, cause) = match cause.kind() {
        io::ErrorKind::NotFound => (Kind::NotFound, "there is no such file".to_owned()),
        io::ErrorKind::PermissionDenied => (Kind::Gated, "permission denied".to_owned()),
        _ => (Kind::Io, cause.to_string()),
    };
    Error::Read {
        kind,
        from: from.into(),
        cause,
    }
}

/// A model as the user named it: the folder it is in, and its name there (empty if it is the folder itself).
pub(crate) fn locate(model: &Path) -> Result<(Directory, String)> {
    let name = model.display().to_string();
    let meta = fs::metadata(model).map_err(|e| failed(&name, &e))?;
    if meta.is_dir() {
        let folder = Directory {
            name,
            path: model.to_owned(),
        };
        return Ok((folder, String::new()));
    }
    let entry = model
        .file_name()
        .and_then(|n| n.to_str())
        .ok_or_else(|| Error::Invalid {
            field: "MODEL".into(),
            expected: "a file name in UTF-8".into(),
            found: name,
        })?;
    // `parent` of a bare file name is empty, which no system call accepts.
    let parent = model
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let folder = Directory {
        name: parent.display().to_string(),
        path: parent.to_owned(),
    };
    Ok((folder, entry.to_owned()))
}

/// A directory of this machine.
pub(crate) struct Directory {
    name: String,
    path: PathBuf,
}

impl Folder for Directory {
    fn name(&self) -> &str {
        &self.name
    }

    fn open<'a>(&'a self, name: &'a str) -> Pending<'a, Option<Rc<dyn ByteSource>>> {
        Box::pin(std::future::ready(self.file(name)))
    }
}

impl Directory {
    fn file(&self, name: &str) -> Result<Option<Rc<dyn ByteSource>>> {
        // Names come from files (a shard index), so one that leaves the folder is refused.
        let parts = Path::new(name).components();
        let plain = |part| matches!(part, std::path::Component::Normal(_));
        if !(1..=2).contains(&parts.clone().count()) || !parts.into_iter().all(plain) {
            return Err(Error::bad(
                &self.name,
                "file name",
                "a file, or one of a folder here",
                name,
            ));
        }
        let path = if self.name == "." {
            PathBuf::from(name)
        } else {
            self.path.join(name)
        };
        let shown = path.display().to_string();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(shown, &e)),
        };
        let meta = file.metadata().map_err(|e| failed(&shown, &e))?;
        if !meta.is_file() {
            return Ok(None);
        }
        Ok(Some(Rc::new(OnDisk {
            name: shown,
            size: meta.len(),
            file,
        })))
    }
}

/// An open file, read in ranges.
struct OnDisk {
    name: String,
    size: u64,
    file: File,
}

impl OnDisk {
    fn range(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        let end = offset.checked_add(len as u64).filter(|end| *end <= self.size);
        if end.is_none() {
            return Err(Error::Read {
                kind: Kind::Io,
                from: self.name.clone(),
                cause: format!("{len} bytes at {offset} are outside the file of {} bytes", self.size),
            });
        }
        let mut bytes = vec![0; len];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|e| failed(&self.name, &e))?;
        Ok(bytes)
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
        Box::pin(std::future::ready(self.range(offset, len)))
    }
}
