//! GGUF and safetensors: real files open and hold what other readers find in them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{
    disk::{self, Disk, Memory},
    malformed::Gguf,
};
use nomoat::{
    format::{
        Container, Metadata, Value,
        source::{ByteSource, Bytes, Folder, Pending},
        write,
    },
    quant,
    tensor::Shape,
};
use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
    rc::Rc,
};

/// Files below `root` with this ending.
fn below(root: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            below(&path, ending, found);
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push(path);
        }
    }
}

#[test]
fn every_gguf_of_the_zoo_opens_or_names_its_block_format() {
    let Some(shared) = disk::shared() else { return };
    let mut files = Vec::new();
    below(&shared.join("zoo"), ".gguf", &mut files);
    below(&shared.join("models"), ".gguf", &mut files);
    assert!(files.len() > 50);
    for path in files {
        match disk::open(&path) {
            Ok(model) => {
                assert_eq!(model.container, Container::Gguf);
                assert!(
                    model.str("general.architecture").unwrap().is_some(),
                    "{}",
                    path.display()
                );
                assert!(!model.tensors.is_empty());
                let (name, entry) = model.tensors.first().unwrap();
                assert_eq!(disk::values(&model, name).len(), entry.shape.count());
                let Err(error) = model.whole() else { continue };
                assert_eq!(error.code(), "unsupported-format");
                let message = error.to_string();
                assert!(message.contains("(tensor ") && message.contains("Q8_0"), "{message}");
                assert!(
                    path.to_str().unwrap().contains("quants") || message.contains("MXFP4"),
                    "{}: {message}",
                    path.display()
                );
            }
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
}

#[test]
fn every_safetensors_file_has_the_directory_that_the_reference_reads() {
    let Some(shared) = disk::shared() else { return };
    let mut files = Vec::new();
    below(&shared, ".safetensors", &mut files);
    assert!(files.len() > 50);
    for path in files {
        let file = path.file_name().unwrap().to_str().unwrap();
        if file.contains("-of-") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let reference = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut folder = Memory::default();
        folder.0.insert(file.into(), bytes.clone());
        let model = pollster::block_on(nomoat::format::open(&folder, file)).unwrap();
        // Blocks and scales that lie apart there are one tensor here.
        let (joined, same): (Vec<_>, Vec<_>) = model.tensors.iter().partition(|(_, entry)| entry.scales.is_some());
        assert_eq!(2 * joined.len() + same.len() + model.skipped.len(), reference.len());
        for (name, entry) in same {
            let theirs = reference.tensor(name).unwrap();
            assert_eq!(entry.shape.dims(), theirs.shape());
            assert_eq!(entry.format.safetensors.unwrap(), theirs.dtype().to_string());
            let read = pollster::block_on(model.read(entry, 0, entry.shape.rows())).unwrap();
            assert_eq!(read, theirs.data(), "{name}");
        }
        for name in model.skipped.keys() {
            let theirs = reference.tensor(name).unwrap();
            let float = ["F16", "BF16", "F32"].contains(&theirs.dtype().to_string().as_str());
            assert!(!float || !(1..=4).contains(&theirs.shape().len()), "{name}");
        }
    }
}

#[test]
fn a_folder_gives_config_tokenizer_and_shards() {
    let Some(shared) = disk::shared() else { return };
    let model = disk::open(&shared.join("zoo/llama")).unwrap();
    assert_eq!(model.container, Container::Safetensors);
    assert_eq!(model.files.len(), 2);
    assert_eq!(model.config().unwrap()["model_type"], "llama");
    for name in [
        "config.json",
        "tokenizer.json",
        "chat_template.jinja",
        "generation_config.json",
    ] {
        assert!(model.side.contains_key(name), "{name}");
    }
    assert!(!model.side.contains_key("tokenizer.model"));
    // The same by its index and by any of its shards.
    for entry in ["model.safetensors.index.json", "model-00002-of-00002.safetensors"] {
        let same = disk::open(&shared.join("zoo/llama").join(entry)).unwrap();
        assert!(same.tensors.keys().eq(model.tensors.keys()));
    }
    let gguf = disk::open(&shared.join("zoo/llama/model-f16.gguf")).unwrap();
    assert_eq!(
        gguf.tensors["token_embd.weight"].shape,
        model.tensors["model.embed_tokens.weight"].shape
    );
    let pairs = [
        ("token_embd.weight", "model.embed_tokens.weight"),
        ("blk.1.ffn_down.weight", "model.layers.1.mlp.down_proj.weight"),
        ("blk.0.attn_norm.weight", "model.layers.0.input_layernorm.weight"),
    ];
    for (ours, theirs) in pairs {
        assert_eq!(disk::values(&gguf, ours), disk::values(&model, theirs));
    }
    // Rows in the middle are the middle of the whole.
    let entry = gguf.tensor("token_embd.weight").unwrap();
    let some = pollster::block_on(gguf.read(entry, 3, 2)).unwrap();
    let all = pollster::block_on(gguf.read(entry, 0, entry.shape.rows())).unwrap();
    let row = usize::try_from(entry.row_bytes()).unwrap();
    assert_eq!(some, all[3 * row..5 * row]);
    assert!(pollster::block_on(gguf.read(entry, entry.shape.rows(), 1)).is_err());
}

#[test]
fn a_folder_without_its_parts_says_which() {
    let mut folder = Memory::default();
    let open = |folder: &Memory, entry: &str| {
        let error = pollster::block_on(nomoat::format::open(folder, entry)).err().unwrap();
        assert_eq!(error.code(), "not-found");
        error.to_string()
    };
    assert!(open(&folder, "").starts_with("config.json:"));
    assert!(open(&folder, "x.gguf").starts_with("x.gguf:"));
    folder.0.insert("config.json".into(), b"{}".to_vec());
    assert!(open(&folder, "").starts_with("model.safetensors.index.json or model.safetensors:"));
    let index = br#"{"weight_map": {"a": "model-00001-of-00002.safetensors"}}"#;
    folder.0.insert("model.safetensors.index.json".into(), index.to_vec());
    assert!(open(&folder, "").starts_with("model-00001-of-00002.safetensors:"));
}

/// Key-values of every kind.
fn every_kind() -> Metadata {
    Metadata::from_iter([
        ("general.architecture".to_owned(), Value::Str("llama".into())),
        ("small".into(), Value::Int(7)),
        ("negative".into(), Value::Int(-7)),
        ("large".into(), Value::Int(1 << 40)),
        ("largest".into(), Value::Int(u64::MAX.into())),
        ("smallest".into(), Value::Int(i64::MIN.into())),
        ("float".into(), Value::Float(0.5)),
        ("bool".into(), Value::Bool(true)),
        ("ints".into(), Value::Ints(vec![1, -2, 3])),
        ("wide".into(), Value::Ints(vec![1, i64::MIN])),
        ("x.precompiled_charsmap".into(), Value::Ints(vec![0, 255])),
        ("x.sliding_window_pattern".into(), Value::Ints(vec![0, 1])),
        ("floats".into(), Value::Floats(vec![0.25, -1.0])),
        ("texts".into(), Value::Strs(vec!["".into(), "é".into()])),
        ("empty".into(), Value::Ints(vec![])),
    ])
}

/// A whole file: `tensors` filled with 1, 2, 3 … by their number.
fn file(meta: &Metadata, tensors: &[(&str, Shape, &str)]) -> Vec<u8> {
    let infos: Vec<_> = (tensors.iter())
        .map(|(name, shape, format)| ((*name).to_owned(), *shape, quant::by_name(format).unwrap()))
        .collect();
    let (mut bytes, offsets) = write::write_header(meta, &infos).unwrap();
    for (i, ((_, shape, format), offset)) in infos.iter().zip(offsets).enumerate() {
        assert_eq!(bytes.len() as u64, offset);
        let len = usize::try_from(format.size(shape.count() as u64).unwrap()).unwrap();
        bytes.resize(bytes.len() + len, u8::try_from(i + 1).unwrap());
        bytes.resize(bytes.len() + write::padding(bytes.len() as u64), 0);
    }
    bytes
}

#[test]
fn what_is_written_is_read_again() {
    let mut meta = every_kind();
    let tensors = [
        ("a", Shape::from([3]), "F32"),
        ("b", Shape::from([2, 64]), "Q8_0"),
        ("c", Shape::from([2, 3, 32]), "Q4_0"),
        ("d", Shape::from([5, 7]), "BF16"),
    ];
    meta.insert("general.alignment".into(), Value::Int(64));
    meta.insert("split.count".into(), Value::Int(9));
    let mut folder = Memory::default();
    folder.0.insert("x.gguf".into(), file(&meta, &tensors));
    let model = pollster::block_on(nomoat::format::open(&folder, "x.gguf")).unwrap();
    assert_eq!(model.meta, every_kind());
    assert_eq!(model.tensors.len(), 4);
    for (i, (name, shape, format)) in tensors.iter().enumerate() {
        let entry = model.tensor(name).unwrap();
        assert_eq!((entry.shape, entry.format.name), (*shape, *format));
        let bytes = pollster::block_on(model.read(entry, 0, shape.rows())).unwrap();
        assert!(bytes.iter().all(|b| usize::from(*b) == i + 1));
    }
    assert_eq!(model.u64("small").unwrap(), Some(7));
    assert_eq!(model.u64("none").unwrap(), None);
    assert_eq!(model.f64("small").unwrap(), Some(7.0));
    assert_eq!(
        model.str("small").unwrap_err().to_string(),
        "x.gguf: small: expected text, found 7"
    );
    assert!(model.u64("negative").is_err() && model.usize("large").is_err());
    assert_eq!(model.ints("ints").unwrap(), Some([1, -2, 3].as_slice()));
}

#[test]
fn the_writer_refuses_what_readers_would() {
    let f32 = quant::by_name("F32").unwrap();
    let q8 = quant::by_name("q8_0").unwrap();
    let meta = Metadata::new();
    let tensor = |name: &str, width: usize, format| (name.to_owned(), Shape::from([2, width]), format);
    assert!(write::write_header(&meta, &[tensor("a", 1, f32), tensor("a", 1, f32)]).is_err());
    assert!(write::write_header(&meta, &[tensor(&"a".repeat(64), 1, f32)]).is_err());
    assert!(write::write_header(&meta, &[tensor("a", 33, q8)]).is_err());
    // More than is read again, so that no file is written that cannot be opened.
    let refused = |values: Vec<Value>| {
        let keys = (0..).map(|n| format!("key {n}"));
        let error = write::write_header(&keys.zip(values).collect(), &[]).unwrap_err();
        error.to_string()
    };
    let text = |bytes: usize| Value::Str(" ".repeat(bytes));
    let (most, array) = (64 << 20, Value::Ints(vec![0; (8 << 20) + 1]));
    let said = refused(vec![text(most + 1)]);
    assert_eq!(said, "key 0: expected at most 67108864 bytes of text, found 67108865");
    assert_eq!(
        refused(vec![array]),
        "key 0: expected at most 8388608 values, found 8388609"
    );
    let said = refused(vec![text(most), text(most)]);
    assert!(said.starts_with("header: expected at most 134217728 bytes"), "{said}");
}

#[test]
fn a_split_model_is_one_model() {
    let folder = split();
    let model = pollster::block_on(nomoat::format::open(&folder, "m-00001-of-00003.gguf")).unwrap();
    assert_eq!(model.files.len(), 3);
    assert!(model.tensors.keys().eq(["t0", "t1", "t2"]));
    assert_eq!(disk::values(&model, "t2").len(), 8);
    assert_eq!(model.str("general.architecture").unwrap(), Some("llama"));
    let second = pollster::block_on(nomoat::format::open(&folder, "m-00002-of-00003.gguf"))
        .err()
        .unwrap();
    assert!(second.to_string().contains("m-00001-of-00003.gguf"), "{second}");
}

/// Three files of one tensor each, as `llama-gguf-split` lays them out.
pub(crate) fn split() -> Memory {
    let mut folder = Memory::default();
    for i in 0..3 {
        // The writer drops split keys, so they are put in under names of the same length.
        let mut meta = Metadata::new();
        if i == 0 {
            meta.insert("general.architecture".into(), Value::Str("llama".into()));
        }
        meta.insert("SPLIT.no".into(), Value::Int(i));
        meta.insert("SPLIT.count".into(), Value::Int(3));
        meta.insert("SPLIT.tensors.count".into(), Value::Int(3));
        let mut bytes = file(&meta, &[(&format!("t{i}"), Shape::from([2, 4]), "F32")]);
        while let Some(at) = bytes.windows(5).position(|w| w == b"SPLIT") {
            bytes[at..at + 5].copy_from_slice(b"split");
        }
        folder.0.insert(format!("m-{:05}-of-00003.gguf", i + 1), bytes);
    }
    folder
}

#[test]
fn version_2_plain_types_and_other_alignments_open() {
    let open = |file: Gguf| {
        let mut folder = Memory::default();
        folder.0.insert("x.gguf".into(), file.build().0);
        pollster::block_on(nomoat::format::open(&folder, "x.gguf")).unwrap()
    };
    assert_eq!(open(Gguf::sound().version(2)).tensors.len(), 2);
    assert_eq!(open(Gguf::sound().aligned()).tensors["second"].offset % 64, 0);
    assert_eq!(
        open(Gguf::sound().second(8, &[32, 2], 68)).tensors["second"].shape,
        Shape::from([2, 32])
    );
    let table = open(Gguf::sound().second(26, &[3], 12));
    assert_eq!(table.skipped["second"].to_string(), "I32 [3]");
    assert!(table.whole().is_ok());
    // A block format without a row here: listed, with the bytes up to the end, and refused as a weight.
    let unread = open(Gguf::sound().second(40, &[256, 2], 288));
    let skipped = &unread.skipped["second"];
    assert!(skipped.weight && skipped.bytes == 288, "{skipped:?}");
    let message = unread.whole().unwrap_err().to_string();
    assert!(message.contains("NVFP4 [2, 256] (tensor second)"), "{message}");
    let error = table.tensor("second").unwrap_err();
    assert_eq!(error.code(), "unsupported-format");
    assert!(error.to_string().contains("I32"), "{error}");
}

/// A source that notes what is read of it.
struct Noted {
    bytes: Bytes,
    reads: Rc<RefCell<Vec<(u64, usize)>>>,
}

impl ByteSource for Noted {
    fn name(&self) -> &str {
        self.bytes.name()
    }

    fn size(&self) -> u64 {
        self.bytes.size()
    }

    fn read(&self, offset: u64, len: usize) -> Pending<'_, Vec<u8>> {
        self.reads.borrow_mut().push((offset, len));
        self.bytes.read(offset, len)
    }
}

/// A folder of one such file.
struct One(Rc<dyn ByteSource>);

impl Folder for One {
    fn name(&self) -> &str {
        "one"
    }

    fn open<'a>(&'a self, _: &'a str) -> Pending<'a, Option<Rc<dyn ByteSource>>> {
        Box::pin(std::future::ready(Ok(Some(self.0.clone()))))
    }
}

#[test]
fn a_long_header_is_read_once_in_growing_steps() {
    let mut meta = Metadata::new();
    let vocabulary: Vec<String> = (0..262_144).map(|i| format!("token {i}")).collect();
    meta.insert("tokens".into(), Value::Strs(vocabulary));
    meta.insert("scores".into(), Value::Floats(vec![1.0; 262_144]));
    let bytes = file(&meta, &[("big", Shape::from([1 << 10, 1 << 13]), "F16")]);
    let header = bytes.len() as u64 - (1 << 24);
    let reads = Rc::new(RefCell::new(Vec::new()));
    let source = Noted {
        bytes: Bytes::new("x.gguf", bytes),
        reads: reads.clone(),
    };
    let model = pollster::block_on(nomoat::format::open(&One(Rc::new(source)), "x.gguf")).unwrap();
    assert_eq!(model.meta, meta);
    let reads = reads.take();
    let mut end = 0;
    for (offset, len) in &reads {
        assert_eq!(*offset, end, "{reads:?}");
        assert!(*len <= 4 << 20, "{reads:?}");
        end += *len as u64;
    }
    assert!(reads.len() > 2 && end < header + (4 << 20), "{header}: {reads:?}");
}

#[test]
fn a_real_model_opens_by_folder_and_by_file() {
    let Some(shared) = disk::shared() else { return };
    let folder = shared.join("models/TinyStories-656K");
    let model = disk::open(&folder).unwrap();
    let same = pollster::block_on(nomoat::format::open(&Disk(folder), "model.safetensors")).unwrap();
    assert!(same.tensors.keys().eq(model.tensors.keys()));
    assert!(same.side.keys().eq(model.side.keys()));
    let embedding = model.tensor("model.embed_tokens.weight").unwrap();
    assert_eq!(
        (embedding.shape.dims(), embedding.format.name),
        ([2048, 128].as_slice(), "BF16")
    );
    assert_eq!(model.tensor("nothing").unwrap_err().code(), "bad-file");
}
