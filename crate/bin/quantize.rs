//! `nomoat quantize`: a model as a GGUF file in another block format, streamed tensor by tensor.

use crate::{
    args::Quantize,
    files::failed,
    load::open,
    say,
    trace::{Trace, Watch, clock},
};
use nomoat::{
    Error, Result,
    error::Read,
    format::{Checkpoint, Container, Entry, Value, write},
    model::{
        export::{self, GgufPlan, Permute, Planned, Source},
        readme,
    },
    quant,
    tensor::Format,
};
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
};

/// About as many bytes of a tensor as are in memory at once.
const CHUNK: usize = 4 << 20;

pub(crate) fn quantize(args: &Quantize, trace: Trace) -> Result<()> {
    let output = target(&args.output)?;
    let checkpoint = open(&args.input, trace)?;
    let mut plan = export::to_gguf(&checkpoint)?;
    describe(&mut plan, &checkpoint, args.format);
    for note in &plan.notes {
        say(&format!("note: {note}"));
    }
    let f32 = by_name("F32")?;
    let f16 = by_name("F16")?;
    let formats: Vec<_> = plan
        .tensors
        .iter()
        .map(|t| match t.shape.dims() {
            [_] => f32,
            // Biases of experts are one below the other.
            _ if !t.name.ends_with(".weight") || quant::stays(&t.name) => f32,
            _ if t.shape.width().is_multiple_of(args.format.block) => args.format,
            _ => f16,
        })
        .collect();
    let start = clock();
    let bytes = save(&output, &plan, &formats, &checkpoint, trace)?;
    let kept = formats
        .iter()
        .zip(&plan.tensors)
        .filter(|(f, t)| t.shape.dims().len() > 1 && f.name == "F16" && **f != args.format);
    let kept = match kept.count() {
        0 => String::new(),
        n => format!(
            ", {n} of them as F16: their rows are no multiple of {}",
            args.format.block
        ),
    };
    say(&format!(
        "wrote {}: {} tensors{kept}, {bytes} bytes, in {:.1} s",
        args.output.display(),
        formats.len(),
        (clock() - start) / 1e3
    ));
    Ok(())
}

fn by_name(name: &str) -> Result<&'static Format> {
    quant::by_name(name).ok_or_else(|| Error::internal(format!("no format {name}")))
}

/// The keys that follow from the block format, and what a model card states.
fn describe(plan: &mut GgufPlan, checkpoint: &Checkpoint, format: &Format) {
    if checkpoint.container == Container::Safetensors
        && let Some(text) = checkpoint.side.get("README.md")
    {
        for (key, value) in readme::gguf_keys(&String::from_utf8_lossy(text)) {
            plan.meta.entry(key).or_insert(value);
        }
    }
    if let Some(encoding) = &format.encoding {
        let kind = Value::Int(encoding.file_type.into());
        plan.meta.insert("general.file_type".into(), kind);
    }
    plan.meta.insert("general.quantization_version".into(), Value::Int(2));
}

/// Where to write: the file that `output` names or leads to. A device or a folder is not replaced.
fn target(output: &Path) -> Result<PathBuf> {
    if fs::symlink_metadata(output).is_err() {
        return Ok(output.to_owned());
    }
    let refused = |cause: String| Error::Read {
        kind: Read::Io,
        from: output.display().to_string(),
        cause,
    };
    match fs::canonicalize(output) {
        Ok(file) if file.is_file() => Ok(file),
        Ok(_) => Err(refused("it is there and no regular file, so it is not replaced".into())),
        Err(error) => Err(refused(format!("a link that cannot be followed: {error}"))),
    }
}

/// A file that appears under its name only when it is whole. Until then it is locked: one without a lock was left by a
/// program that was killed.
struct Draft {
    path: PathBuf,
    shown: String,
    done: bool,
}

impl Draft {
    fn beside(output: &Path) -> Result<(Self, BufWriter<File>)> {
        let shown = output.display().to_string();
        let name = output.file_name().ok_or_else(|| Error::Invalid {
            field: "OUT".into(),
            expected: "a file name".into(),
            found: shown.clone(),
        })?;
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
        remove_left(folder.unwrap_or(Path::new(".")), name);
        let mut draft = std::ffi::OsString::from(".");
        draft.push(name);
        draft.push(format!(".{}.part", std::process::id()));
        let path = output.with_file_name(draft);
        let file = loop {
            let file = match File::create_new(&path) {
                // Of this number no other process lives.
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                    fs::remove_file(&path).and_then(|()| File::create_new(&path))
                }
                other => other,
            };
            let file = file.map_err(|e| failed(&shown, &e))?;
            // Where a file system has no locks, nothing is taken for left.
            let _ = file.lock();
            // Before that, it may have been taken for left and removed.
            if path.exists() {
                break file;
            }
        };
        let draft = Self {
            path,
            shown,
            done: false,
        };
        Ok((draft, BufWriter::with_capacity(1 << 20, file)))
    }

    fn publish(mut self, file: BufWriter<File>, output: &Path) -> Result<()> {
        file.into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .and_then(|file| {
                file.sync_all()?;
                // Still open, so that it is locked as long as it has the name of a draft.
                fs::rename(&self.path, output)
            })
            .map_err(|e| failed(&self.shown, &e))?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.done {
            // Nothing can be done about a file that cannot be removed.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the drafts of `name` that killed programs left in `folder`: nobody holds their locks.
fn remove_left(folder: &Path, name: &OsStr) {
    let begins = [b".", name.as_encoded_bytes(), b"."].concat();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.file_name();
        let number = file.as_encoded_bytes().strip_prefix(&*begins);
        let number = number.and_then(|rest| rest.strip_suffix(b".part"));
        if number.is_some_and(|number| number.iter().all(u8::is_ascii_digit))
            && let Ok(file) = File::options().write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn save(
    output: &Path,
    plan: &GgufPlan,
    formats: &[&'static Format],
    checkpoint: &Checkpoint,
    trace: Trace,
) -> Result<u64> {
    let tensors = plan.tensors.iter().zip(formats);
    let directory: Vec<_> = tensors.clone().map(|(t, f)| (t.name.clone(), t.shape, *f)).collect();
    let (header, offsets) = write::write_header(&plan.meta, &directory)?;
    let (draft, mut file) = Draft::beside(output)?;
    let shown = draft.shown.clone();
    let mut at = 0u64;
    let mut put = |bytes: &[u8]| -> Result<()> {
        file.write_all(bytes).map_err(|e| failed(&shown, &e))?;
        at += bytes.len() as u64;
        Ok(())
    };
    put(&header)?;
    let watch = Watch::new(trace);
    let total = plan.tensors.iter().map(|t| source_bytes(t, checkpoint)).sum();
    let mut done = 0;
    let mut end = header.len() as u64;
    for ((tensor, format), offset) in tensors.zip(offsets) {
        if offset != end {
            return Err(Error::internal(format!("{} at {end}, not at {offset}", tensor.name)));
        }
        let mut bytes = 0;
        convert(tensor, format, checkpoint, &mut |part, read| {
            bytes += part.len() as u64;
            done += read;
            watch.bytes("quantize", done, total);
            put(part)
        })?;
        trace.line("tensor", || {
            format!("{} as {}, {bytes} bytes", tensor.name, format.name)
        });
        let padding = write::padding(bytes);
        put(&[0; 64][..padding.min(64)])?;
        end += bytes + padding as u64;
    }
    watch.finish();
    draft.publish(file, output)?;
    Ok(at)
}

/// Bytes to be read for a tensor.
fn source_bytes(tensor: &Planned, checkpoint: &Checkpoint) -> u64 {
    match &tensor.source {
        Source::Entry { name, .. } => checkpoint.tensors.get(name).map_or(0, |entry| entry.bytes),
        Source::Values(_) => 0,
    }
}

/// Gives the tensor's bytes in `format`, in order, to `sink` with the number of bytes read for them.
fn convert(
    tensor: &Planned,
    format: &'static Format,
    checkpoint: &Checkpoint,
    sink: &mut dyn FnMut(&[u8], u64) -> Result<()>,
) -> Result<()> {
    match &tensor.source {
        Source::Values(values) => sink(&quant::encode(&tensor.name, values, format)?, 0),
        Source::Entry { name, permute } => {
            let entry = checkpoint
                .tensors
                .get(name)
                .ok_or_else(|| Error::internal(format!("no tensor {name}")))?;
            let rows = Rows::new(entry, *permute);
            for first in (0..rows.count).step_by(rows.step) {
                let count = rows.step.min(rows.count - first);
                let raw = rows.read(checkpoint, first, count)?;
                let read = raw.len() as u64;
                if entry.format == format {
                    sink(&raw, read)?;
                    continue;
                }
                sink(&quant::encode(&tensor.name, &entry.format.decode(&raw), format)?, read)?;
            }
            Ok(())
        }
    }
}

/// A tensor as rows that are read a few at a time.
struct Rows<'a> {
    entry: &'a Entry,
    permute: Option<Permute>,
    count: usize,
    /// Rows at a time: whole heads where rows move within them.
    step: usize,
}

impl<'a> Rows<'a> {
    fn new(entry: &'a Entry, permute: Option<Permute>) -> Self {
        // The values of a permuted bias move as rows do, and are read at once.
        if let (Some(_), [count]) = (permute, entry.shape.dims()) {
            return Self {
                entry,
                permute,
                count: *count,
                step: *count,
            };
        }
        let whole = permute.map_or(1, |p| p.head_dim);
        Self {
            entry,
            permute,
            count: entry.shape.rows(),
            step: entry.rows_within(CHUNK).next_multiple_of(whole),
        }
    }

    /// The bytes of rows `first .. first + count` in the order of the file to be written.
    fn read(&self, checkpoint: &Checkpoint, first: usize, count: usize) -> Result<Vec<u8>> {
        let rows = if self.entry.shape.rows() == 1 { 1 } else { count };
        let raw = pollster::block_on(checkpoint.read(self.entry, first, rows))?;
        let Some(permute) = self.permute else {
            return Ok(raw);
        };
        let bytes = raw.len() / count;
        let mut ordered = Vec::with_capacity(raw.len());
        for row in first..first + count {
            let from = (permute.source_row(row) - first) * bytes;
            ordered.extend_from_slice(&raw[from..from + bytes]);
        }
        Ok(ordered)
    }
}
