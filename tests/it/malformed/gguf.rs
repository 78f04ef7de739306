//! Malformed GGUF files: cut, far lengths, wrong words, and splits that do not fit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::{Case, FAR, case};
use std::ops::Range;

/// A value of a key: type number and bytes.
type Raw = (u32, Vec<u8>);

fn text(text: &[u8]) -> Raw {
    (8, [&(text.len() as u64).to_le_bytes(), text].concat())
}

fn int(value: u32) -> Raw {
    (4, value.to_le_bytes().to_vec())
}

fn array(kind: u32, count: u64, bytes: &[u8]) -> Raw {
    (9, [&kind.to_le_bytes()[..], &count.to_le_bytes(), bytes].concat())
}

/// What a GGUF file says, right or wrong.
#[derive(Clone)]
pub(crate) struct Gguf {
    magic: [u8; 4],
    version: u32,
    tensor_count: Option<u64>,
    key_count: Option<u64>,
    keys: Vec<(Vec<u8>, Raw)>,
    tensors: Vec<Tensor>,
    data: usize,
}

#[derive(Clone)]
struct Tensor {
    name: Vec<u8>,
    rank: Option<u32>,
    dims: Vec<u64>,
    kind: u32,
    offset: u64,
}

impl Gguf {
    /// A small file with nothing wrong.
    pub(crate) fn sound() -> Self {
        let tensor = |name: &str, offset| Tensor {
            name: name.into(),
            rank: None,
            dims: vec![4, 2],
            kind: 0,
            offset,
        };
        let tokens = [text(b"a").1, text(b"bc").1].concat();
        Self {
            magic: *b"GGUF",
            version: 3,
            tensor_count: None,
            key_count: None,
            keys: vec![
                (b"general.architecture".to_vec(), text(b"llama")),
                (b"llama.block_count".to_vec(), int(1)),
                (b"tokens".to_vec(), array(8, 2, &tokens)),
                (b"scores".to_vec(), array(6, 2, &[0; 8])),
                (b"flag".to_vec(), (7, vec![1])),
            ],
            tensors: vec![tensor("first", 0), tensor("second", 32)],
            data: 64,
        }
    }

    fn key(mut self, key: &str, value: Raw) -> Self {
        self.keys.push((key.into(), value));
        self
    }

    fn tensor(mut self, change: impl FnOnce(&mut Tensor)) -> Self {
        change(&mut self.tensors[1]);
        self
    }

    /// The same, in another version of the format.
    pub(crate) fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// The same, with a second tensor of this type number and size.
    pub(crate) fn second(self, kind: u32, dims: &[u64], bytes: usize) -> Self {
        let mut file = self.tensor(|t| (t.kind, t.dims) = (kind, dims.to_vec()));
        file.data = 32 + bytes;
        file
    }

    /// The same, of a model that says so many layers and heads of rows of 8.
    pub(crate) fn model(mut self, layers: u32, heads: u32) -> Self {
        self.keys.retain(|(key, _)| key != b"llama.block_count");
        self.key("llama.block_count", int(layers))
            .key("llama.embedding_length", int(8))
            .key("llama.attention.head_count", int(heads))
    }

    /// The same, aligned to 64 bytes.
    pub(crate) fn aligned(self) -> Self {
        let mut file = self.key("general.alignment", int(64)).tensor(|t| t.offset = 64);
        file.data = 256;
        file
    }

    /// The bytes, and where each field of the header lies in them.
    pub(crate) fn build(&self) -> (Vec<u8>, Vec<(String, Range<usize>)>) {
        let mut out = Vec::new();
        let mut fields = Vec::new();
        let mut put = |name: String, bytes: &[u8]| {
            fields.push((name, out.len()..out.len() + bytes.len()));
            out.extend(bytes);
        };
        put("magic".into(), &self.magic);
        put("version".into(), &self.version.to_le_bytes());
        let tensors = self.tensor_count.unwrap_or(self.tensors.len() as u64);
        let keys = self.key_count.unwrap_or(self.keys.len() as u64);
        put("tensor count".into(), &tensors.to_le_bytes());
        put("key count".into(), &keys.to_le_bytes());
        for (key, (kind, value)) in &self.keys {
            let name = String::from_utf8_lossy(key);
            put(format!("{name} key length"), &(key.len() as u64).to_le_bytes());
            put(format!("{name} key"), key);
            put(format!("{name} type"), &kind.to_le_bytes());
            put(format!("{name} value"), value);
        }
        for tensor in &self.tensors {
            let name = String::from_utf8_lossy(&tensor.name);
            put(format!("{name} name length"), &(tensor.name.len() as u64).to_le_bytes());
            put(format!("{name} name"), &tensor.name);
            let rank = tensor.rank.unwrap_or(u32::try_from(tensor.dims.len()).unwrap());
            put(format!("{name} rank"), &rank.to_le_bytes());
            for (i, dim) in tensor.dims.iter().enumerate() {
                put(format!("{name} dim {i}"), &dim.to_le_bytes());
            }
            put(format!("{name} kind"), &tensor.kind.to_le_bytes());
            put(format!("{name} offset"), &tensor.offset.to_le_bytes());
        }
        out.resize(out.len().next_multiple_of(32) + self.data, 0);
        (out, fields)
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = truncated();
    all.extend(numbers());
    all.extend(ggufs());
    all.extend(splits());
    all
}

/// A sound file, cut in the middle of every field of its header and of its data.
fn truncated() -> Vec<Case> {
    let (bytes, fields) = Gguf::sound().build();
    let mut cuts: Vec<(String, usize)> = fields
        .into_iter()
        .map(|(name, range)| (name, range.start + range.len() / 2))
        .collect();
    cuts.push(("data".into(), bytes.len() - 1));
    let mut all: Vec<Case> = cuts
        .into_iter()
        .map(|(field, at)| {
            let name = format!("gguf cut in {field}").replace(['.', ' '], "-");
            case(name, "cut.gguf", bytes[..at].to_vec(), "bad-file", &[])
        })
        .collect();
    all.push(case("gguf-empty", "empty.gguf", vec![], "bad-file", &["magic"]));
    all
}

/// Lengths and counts far beyond the file.
fn numbers() -> Vec<Case> {
    let mut all = Vec::new();
    for far in FAR {
        let mut add = |what: &str, file: Gguf, says: &[&str]| {
            let bytes = file.build().0;
            all.push(case(format!("gguf-{what}-{far}"), "far.gguf", bytes, "bad-file", says));
        };
        let sound = Gguf::sound;
        let mut file = sound();
        file.tensor_count = Some(far);
        add("tensor-count", file, &["tensor count"]);
        let mut file = sound();
        file.key_count = Some(far);
        add("key-count", file, &["key count"]);
        add("text", sound().key("k", (8, far.to_le_bytes().to_vec())), &["k: "]);
        add("array-of-bytes", sound().key("k", array(0, far, &[])), &["k: "]);
        add("array-of-text", sound().key("k", array(8, far, &[])), &["k: "]);
        add("dimension", sound().tensor(|t| t.dims = vec![far]), &["tensor second"]);
        add("offset", sound().tensor(|t| t.offset = far & !31), &["tensor second"]);
    }
    all
}

/// Everything else that a GGUF file can say wrongly.
fn ggufs() -> Vec<Case> {
    let mut all = Vec::new();
    let sound = Gguf::sound;
    let mut add = |name: &str, file: Gguf, code, says: &[&str]| {
        all.push(case(format!("gguf-{name}"), "bad.gguf", file.build().0, code, says));
    };
    let changed = |change: fn(&mut Gguf)| {
        let mut file = sound();
        change(&mut file);
        file
    };
    add("magic", changed(|f| f.magic = *b"GGML"), "bad-file", &["magic", "GGML"]);
    for (name, version) in [
        ("version-0", 0),
        ("version-1", 1),
        ("version-4", 4),
        ("big-endian", 3u32.swap_bytes()),
    ] {
        let mut file = sound();
        file.version = version;
        add(name, file, "unsupported-format", &["versions 2 and 3"]);
    }
    add(
        "more-tensors-than-there-are",
        changed(|f| f.tensor_count = Some(3)),
        "bad-file",
        &["tensor"],
    );
    add(
        "more-keys-than-there-are",
        changed(|f| f.key_count = Some(6)),
        "bad-file",
        &[],
    );

    add("key-twice", sound().key("flag", int(1)), "bad-file", &["flag: ", "two"]);
    add(
        "key-not-utf8",
        changed(|f| f.keys[0].0 = vec![0xff; 4]),
        "bad-file",
        &["key 0", "UTF-8"],
    );
    add(
        "text-not-utf8",
        sound().key("k", text(&[b'a', 0xc3])),
        "bad-file",
        &["k: ", "UTF-8"],
    );
    add(
        "array-text-not-utf8",
        sound().key("k", array(8, 1, &text(&[0x80]).1)),
        "bad-file",
        &["k: ", "UTF-8"],
    );
    add(
        "value-type",
        sound().key("k", (13, vec![0; 8])),
        "bad-file",
        &["k: ", "13"],
    );
    add(
        "element-type",
        sound().key("k", array(13, 1, &[0; 8])),
        "bad-file",
        &["k: ", "13"],
    );
    add(
        "array-of-arrays",
        sound().key("k", array(9, 1, &[0; 12])),
        "bad-file",
        &["k: ", "array of arrays"],
    );
    add(
        "boolean-2",
        sound().key("k", (7, vec![2])),
        "bad-file",
        &["k: ", "boolean"],
    );
    add(
        "array-boolean-2",
        sound().key("k", array(7, 2, &[0, 2])),
        "bad-file",
        &["k: ", "booleans"],
    );
    add(
        "array-of-2-63",
        sound().key("k", array(10, 1, &FAR[3].to_le_bytes())),
        "bad-file",
        &["k: ", "63 bits"],
    );
    let rude = format!("\u{1b}[31m\n{}", "x".repeat(60_000));
    add(
        "rude-key",
        sound().key(&rude, (13, vec![])),
        "bad-file",
        &["\\u{1b}[31m\\nxxx", "…"],
    );
    for alignment in [0, 3, 48, 1 << 21, 1 << 31] {
        let file = sound().key("general.alignment", int(alignment));
        add(
            &format!("alignment-{alignment}"),
            file,
            "bad-file",
            &["general.alignment", "power of two"],
        );
    }
    add(
        "alignment-text",
        sound().key("general.alignment", text(b"32")),
        "bad-file",
        &["general.alignment"],
    );

    let mut tensor = |name: &str, change: fn(&mut Tensor), code, says: &[&str]| {
        add(&format!("tensor-{name}"), sound().tensor(change), code, says);
    };
    let second = "tensor second";
    tensor(
        "twice",
        |t| t.name = b"first".to_vec(),
        "bad-file",
        &["tensor first", "two"],
    );
    tensor(
        "name-not-utf8",
        |t| t.name = vec![0xfe],
        "bad-file",
        &["name of tensor 1", "UTF-8"],
    );
    tensor("rank-0", |t| t.dims = vec![], "bad-file", &[second, "dimensions"]);
    tensor("rank-5", |t| t.dims = vec![1; 5], "bad-file", &[second, "dimensions"]);
    tensor(
        "rank-far",
        |t| t.rank = Some(u32::MAX),
        "bad-file",
        &[second, "dimensions"],
    );
    tensor("dimension-0", |t| t.dims = vec![4, 0], "bad-file", &[second, "above 0"]);
    tensor(
        "product-2-40",
        |t| t.dims = vec![1 << 20, 1 << 20],
        "bad-file",
        &[second, "2^40"],
    );
    tensor(
        "product-wraps",
        |t| t.dims = vec![1 << 32, 1 << 32, 4],
        "bad-file",
        &[second, "2^40"],
    );
    tensor("type-999", |t| t.kind = 999, "bad-file", &[second, "999"]);
    tensor(
        "type-removed",
        |t| t.kind = 4,
        "unsupported-format",
        &["Q4_2", "second"],
    );
    tensor(
        "type-not-here",
        |t| t.kind = 36,
        "unsupported-format",
        &["IQ4_NL_4_4", "second"],
    );
    tensor("part-of-a-block", |t| t.kind = 8, "bad-file", &[second, "blocks of 32"]);
    tensor("misaligned", |t| t.offset = 33, "bad-file", &[second, "multiple of 32"]);
    tensor("overlap", |t| t.offset = 0, "bad-file", &["overlap"]);
    tensor("outside", |t| t.offset = 64, "bad-file", &[second, "within the file"]);
    tensor(
        "offset-wraps",
        |t| t.offset = u64::MAX - 31,
        "bad-file",
        &[second, "within the file"],
    );
    tensor(
        "plain-type-outside",
        |t| (t.kind, t.offset) = (27, 32),
        "bad-file",
        &[second, "within the file"],
    );
    all
}

/// A file that is one of two, as `split.no` and `split.count` say.
fn shard(no: u32, count: u32, tensors: u32, name: &str) -> Vec<u8> {
    let mut file = Gguf::sound()
        .key("split.no", int(no))
        .key("split.count", int(count))
        .key("split.tensors.count", int(tensors));
    for tensor in &mut file.tensors {
        tensor.name.extend(name.as_bytes());
    }
    file.build().0
}

fn splits() -> Vec<Case> {
    let one = "m-00001-of-00002.gguf";
    let two = "m-00002-of-00002.gguf";
    let pair = |name: &str, first: Vec<u8>, second: Option<Vec<u8>>, code, says: &[&str]| {
        let mut case = case(format!("split-{name}"), one, first, code, says);
        case.says.remove(0);
        case.folder.0.extend(second.map(|bytes| (two.to_owned(), bytes)));
        case
    };
    let first = || shard(0, 2, 4, "1");
    let mut all = vec![
        pair("missing", first(), None, "not-found", &[two]),
        pair("cyclic", first(), Some(first()), "bad-file", &[two, "split.no"]),
        pair(
            "of-another-split",
            first(),
            Some(shard(1, 3, 4, "2")),
            "bad-file",
            &[two, "split.count"],
        ),
        pair(
            "second-is-whole",
            first(),
            Some(Gguf::sound().build().0),
            "bad-file",
            &[two, "split.no"],
        ),
        pair(
            "same-tensors",
            first(),
            Some(shard(1, 2, 4, "1")),
            "bad-file",
            &[two, "tensor first1"],
        ),
        pair(
            "tensor-count",
            shard(0, 2, 5, "1"),
            Some(shard(1, 2, 5, "2")),
            "bad-file",
            &[one, "split.tensors.count"],
        ),
        pair(
            "count-unlike-name",
            shard(0, 3, 4, "1"),
            None,
            "bad-file",
            &[one, "split.count"],
        ),
        pair(
            "count-far",
            shard(0, u32::MAX, 4, "1"),
            None,
            "bad-file",
            &[one, "split.count"],
        ),
        pair(
            "not-the-first",
            shard(1, 2, 4, "1"),
            None,
            "bad-file",
            &[one, "split.no"],
        ),
        pair(
            "second-truncated",
            first(),
            Some(shard(1, 2, 4, "2")[..200].to_vec()),
            "bad-file",
            &[two],
        ),
    ];
    all.push(case(
        "split-without-numbers",
        "m.gguf",
        first(),
        "bad-file",
        &["split.count"],
    ));
    all
}
