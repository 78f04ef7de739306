//! Malformed files end in one clear error: no panic, no memory beyond the file's own size.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{
    disk::{self, Memory},
    goldens, heap,
    malformed::{self, Gguf, SOUND},
};
use nomoat::{
    Result,
    format::{self, Checkpoint, Value},
    model::export,
};
use std::{
    collections::HashSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

fn open(folder: &Memory, entry: &str) -> Result<Checkpoint> {
    pollster::block_on(format::open(folder, entry))
}

fn size(folder: &Memory) -> usize {
    folder.0.values().map(Vec::len).sum()
}

/// What opening may hold: the bytes as the source hands them out, those the header's reader keeps, what they become,
/// and a little for messages. A count of 2^31 in a file of 400 bytes is far beyond.
fn allowed(folder: &Memory) -> usize {
    8 * size(folder) + (16 << 10)
}

#[test]
fn the_heap_is_counted() {
    let (kept, peak) = heap::peak(|| {
        drop(vec![1u8; 1 << 20]);
        vec![1u8; 1 << 10]
    });
    assert!(kept.len() == 1 << 10 && (1 << 20..1 << 21).contains(&peak), "{peak}");
}

#[test]
fn sizes_that_a_model_cannot_have_are_refused_before_anything_is_made() {
    for (file, says) in [
        (Gguf::sound().model(1 << 31, 2), ["block_count", "2 tensors"]),
        (Gguf::sound().model(1, 9), ["head_count", "at most 8 heads"]),
    ] {
        let folder = Memory([("model.gguf".to_owned(), file.build().0)].into());
        let checkpoint = open(&folder, "model.gguf").unwrap();
        let (result, peak) = heap::peak(|| export::supported(&checkpoint));
        let error = result.unwrap_err();
        assert_eq!(error.code(), "bad-file", "{error}");
        assert!(says.iter().all(|word| error.to_string().contains(word)), "{error}");
        assert!(peak <= 64 << 10, "{peak} bytes");
    }
}

#[test]
fn every_malformed_file_is_one_clear_error() {
    let cases = malformed::cases();
    println!("{} malformed models", cases.len());
    assert!(cases.len() >= 60);
    let mut over = Vec::new();
    let mut names = HashSet::new();
    for case in &cases {
        assert!(names.insert(&case.name), "{} is there twice", case.name);
        // What loading a model does first.
        let load = || open(&case.folder, &case.entry).and_then(|model| model.whole());
        let ((result, peak), largest) = heap::largest(|| heap::peak(load));
        let Err(error) = result else {
            panic!("{}: opened", case.name);
        };
        let message = error.to_string();
        assert_eq!(error.code(), case.code, "{}: {message}", case.name);
        for word in &case.says {
            assert!(message.contains(word), "{}: no {word:?} in: {message}", case.name);
        }
        assert!(
            !message.contains('\n') && message.len() < 400,
            "{}: {message}",
            case.name
        );
        assert!(peak <= allowed(&case.folder), "{}: {peak} bytes", case.name);
        // No length that a file claims is believed before its bytes are there. The floor is for messages and the maps that
        // a parser starts with.
        if largest > size(&case.folder).max(2048) {
            over.push(format!(
                "{}: {largest} bytes at once, of {}",
                case.name,
                size(&case.folder)
            ));
        }
    }
    assert!(over.is_empty(), "{over:#?}");
}

#[test]
fn what_the_malformed_files_are_made_from_is_sound() {
    let mut folder = Memory::default();
    folder.0.insert("x.gguf".into(), Gguf::sound().build().0);
    folder
        .0
        .insert("x.safetensors".into(), malformed::safetensors(SOUND.as_bytes(), 48));
    assert_eq!(open(&folder, "x.gguf").unwrap().tensors.len(), 2);
    assert_eq!(open(&folder, "x.safetensors").unwrap().tensors.len(), 2);
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let files = [
        ("x.gguf", Gguf::sound().build().0),
        ("x.safetensors", malformed::safetensors(SOUND.as_bytes(), 48)),
    ];
    for (name, bytes) in files {
        for cut in 0..bytes.len() {
            let mut folder = Memory::default();
            folder.0.insert(name.into(), bytes[..cut].to_vec());
            let error = open(&folder, name)
                .err()
                .unwrap_or_else(|| panic!("{name} cut at {cut} opened"));
            assert_eq!(error.code(), "bad-file", "{name} cut at {cut}: {error}");
        }
    }
}

/// Random numbers (xorshift), the same every time.
struct Noise(u64);

impl Noise {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    /// Changes some bytes to values that break things.
    fn mutate(&mut self, bytes: &mut [u8]) {
        const LIKELY: [u8; 8] = [0, 1, 2, 0x7f, 0x80, 0xff, b'"', b'9'];
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            bytes[at] = match self.below(3) {
                0 => LIKELY[self.below(LIKELY.len())],
                1 => bytes[at] ^ 1 << self.below(8),
                _ => u8::try_from(self.below(256)).unwrap(),
            };
        }
    }
}

#[test]
fn random_changes_never_panic_nor_cost_memory() {
    let files = [
        ("x.gguf", Gguf::sound().build().0),
        ("x.safetensors", malformed::safetensors(SOUND.as_bytes(), 48)),
    ];
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    for (name, bytes) in files {
        let mut opened = 0;
        for round in 0..20_000 {
            let mut changed = bytes.clone();
            noise.mutate(&mut changed);
            let mut folder = Memory::default();
            folder.0.insert(name.into(), changed);
            let (result, peak) = heap::peak(|| open(&folder, name));
            assert!(peak <= allowed(&folder), "{name}, round {round}: {peak} bytes");
            if let Ok(model) = result {
                opened += 1;
                for entry in model.tensors.values() {
                    let read = pollster::block_on(model.read(entry, 0, entry.shape.rows())).unwrap();
                    assert_eq!(read.len() as u64, entry.bytes);
                }
            }
        }
        println!("{name}: {opened} of 20000 changed files open");
    }
}

/// What the reference implementation refuses is refused here; what it takes is taken, with the same tensors, unless a
/// key stands twice.
/// What a number in a file may be that nobody meant.
const ODD: [i64; 9] = [-1, 0, 1, 3, 7, 64, 1 << 16, 1 << 31, i64::MAX];

/// Numbers of an object and of the objects in it, by their paths.
fn numbers(object: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    for (key, value) in object.as_object().into_iter().flatten() {
        let path = format!("{path}/{key}");
        if value.is_number() {
            found.push(path.clone());
        }
        numbers(value, &path, found);
    }
}

/// A family's model with one of its numbers changed opens or is an error, whatever it would cost: no panic, little memory.
fn tried(name: &str, checkpoint: &Checkpoint, what: &str) {
    let tried = AssertUnwindSafe(|| export::supported(checkpoint).map_err(|error| error.code()));
    let (result, peak) = heap::peak(|| catch_unwind(tried));
    assert!(result.is_ok(), "{name}: panics with {what}");
    assert!(peak <= 32 << 20, "{name}: {peak} bytes with {what}");
}

#[test]
fn no_number_that_a_family_reads_makes_it_panic() {
    let mut count = 0;
    for (name, folder) in goldens::folders() {
        for entry in goldens::entries(&name, &folder) {
            let mut checkpoint = disk::open(&folder.join(&entry)).unwrap();
            let stated = checkpoint.meta.clone();
            for (key, value) in &stated {
                for odd in ODD.iter().filter(|_| matches!(value, Value::Int(_))) {
                    checkpoint.meta.insert(key.clone(), Value::Int(i128::from(*odd)));
                    tried(&format!("{name}/{entry}"), &checkpoint, &format!("{key} = {odd}"));
                    count += 1;
                }
                checkpoint.meta.insert(key.clone(), value.clone());
            }
            let Some(config) = checkpoint.side.get("config.json").cloned() else {
                continue;
            };
            let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
            let mut paths = Vec::new();
            numbers(&config, "", &mut paths);
            for path in paths {
                for odd in ODD {
                    let mut changed = config.clone();
                    *changed.pointer_mut(&path).unwrap() = odd.into();
                    checkpoint
                        .side
                        .insert("config.json".into(), changed.to_string().into_bytes());
                    tried(&name, &checkpoint, &format!("{path} = {odd}"));
                    count += 1;
                }
            }
        }
    }
    println!("{count} models with an odd number");
}

#[test]
fn headers_are_judged_as_the_reference_judges_them() {
    let sound = malformed::safetensors(SOUND.as_bytes(), 48);
    let mut files: Vec<Vec<u8>> = malformed::cases()
        .into_iter()
        .filter_map(|mut case| {
            case.folder
                .0
                .remove(&case.entry)
                .filter(|_| case.entry.ends_with(".safetensors"))
        })
        .collect();
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    for _ in 0..20_000 {
        let mut changed = sound.clone();
        noise.mutate(&mut changed);
        files.push(changed);
    }
    let mut folder = Memory::default();
    let mut stricter = 0;
    for bytes in files {
        let theirs = safetensors::SafeTensors::deserialize(&bytes);
        folder.0.insert("x.safetensors".into(), bytes.clone());
        let ours = open(&folder, "x.safetensors");
        let text = String::from_utf8_lossy(&bytes);
        match (theirs, ours) {
            (Ok(theirs), Ok(ours)) => {
                assert_eq!(theirs.len(), ours.tensors.len() + ours.skipped.len(), "{text}");
                for (name, entry) in &ours.tensors {
                    let tensor = theirs.tensor(name).unwrap();
                    assert_eq!(tensor.shape(), entry.shape.dims(), "{text}");
                    let read = pollster::block_on(ours.read(entry, 0, entry.shape.rows())).unwrap();
                    assert_eq!(read, tensor.data(), "{text}");
                }
            }
            (Err(_), Err(_)) => {}
            (Ok(_), Err(error)) => {
                assert!(error.to_string().contains("duplicate"), "{error}: {text}");
                stricter += 1;
            }
            (Err(theirs), Ok(_)) => panic!("taken here, refused there ({theirs}): {text}"),
        }
    }
    assert!(stricter > 0);
}

/// Writes every case as a folder, and `cases.json` over them: `NOMOAT_WRITE_HOSTILE=folder`.
#[test]
fn the_cases_are_written_where_asked() {
    let Some(to) = std::env::var_os("NOMOAT_WRITE_HOSTILE") else {
        return;
    };
    let to = Path::new(&to);
    let mut list = Vec::new();
    for case in malformed::cases() {
        let folder = to.join(&case.name);
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in &case.folder.0 {
            fs::write(folder.join(name), bytes).unwrap();
        }
        list.push(serde_json::json!({
            "folder": case.name, "entry": case.entry, "code": case.code, "says": case.says,
            "bytes": size(&case.folder),
        }));
    }
    fs::write(to.join("cases.json"), serde_json::to_vec_pretty(&list).unwrap()).unwrap();
}
