//! What a model will take, told from its header: against a table of adapters and models, and against real loads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{
    disk,
    llamas::{LLAMA_3_2_1B, LLAMA_3_8B, Llama, SMOLLM2_1_7B, SMOLLM2_135M, SMOLLM2_360M, TINYLLAMA},
    zoo::{CPU, GPU, Mode, load, shared},
};
use nomoat::{
    engine::{
        Caps, Event, Kv, Model, Request,
        fit::{Against, Fit, Said, fit},
    },
    format::{
        self, Checkpoint,
        source::{ByteSource, Folder, Pending},
    },
    quant,
    tensor::Format,
    text::sample::Sampling,
};
use std::{fmt::Write as _, path::Path, rc::Rc};

/// A GGUF of these sizes, of which only the header is there.
fn opened(llama: &Llama, format: &'static Format) -> Checkpoint {
    let (header, size) = llama.header(format);
    pollster::block_on(format::open(&Virtual { header, size }, "model.gguf")).unwrap()
}

/// A file whose bytes behind the header are nowhere.
#[derive(Clone)]
struct Virtual {
    header: Vec<u8>,
    size: u64,
}

impl ByteSource for Virtual {
    fn name(&self) -> &str {
        "model.gguf"
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, len: usize) -> Pending<'_, Vec<u8>> {
        let start = usize::try_from(offset).unwrap();
        assert!(start < self.header.len(), "weights were read");
        let mut bytes = self.header[start..self.header.len().min(start + len)].to_vec();
        bytes.resize(len, 0);
        Box::pin(std::future::ready(Ok(bytes)))
    }
}

impl Folder for Virtual {
    fn name(&self) -> &str {
        "nowhere"
    }

    fn open<'a>(&'a self, _: &'a str) -> Pending<'a, Option<Rc<dyn ByteSource>>> {
        let file: Rc<dyn ByteSource> = Rc::new(self.clone());
        Box::pin(std::future::ready(Ok(Some(file))))
    }
}

/// A format that is not in the table of formats, by its number.
fn foreign() -> &'static Format {
    let like = quant::by_name("Q4_0").unwrap();
    Box::leak(Box::new(Format {
        name: "NVFP4",
        ggml: Some(40),
        safetensors: None,
        block: 64,
        bytes: 36,
        decode: like.decode,
        encoding: None,
        ints: None,
        plane_words: like.plane_words,
        pack: like.pack,
        shader: like.shader,
    }))
}

fn profiles() -> Vec<(&'static str, Against)> {
    let gpu = |max_binding: u64, max_buffer: u64, memory: Option<u64>| Against {
        adapter: Some(Caps {
            max_binding,
            max_buffer,
            ..Caps::least()
        }),
        memory,
        ..Against::default()
    };
    vec![
        (
            "phone, 128 MiB bindings, 2 GiB",
            gpu(128 << 20, 256 << 20, Some(2 << 30)),
        ),
        ("laptop, 1 GiB bindings, 8 GiB", gpu(1 << 30, 1 << 30, Some(8 << 30))),
        (
            "desktop, 2 GiB bindings, memory not told",
            gpu((2 << 30) - 4, 4 << 30, None),
        ),
        (
            "no GPU, 3 GiB",
            Against {
                memory: Some(3 << 30),
                disk: Some(1 << 30),
                ..Against::default()
            },
        ),
    ]
}

/// A fit in a few lines.
fn told(fit: &Fit) -> String {
    let mut out = format!(
        "fits {}, context {} of {}",
        fit.fits, fit.context_length, fit.context_most
    );
    if let Some(n) = fit.needs {
        write!(
            out,
            "; weights {}, kv {}, scratch {}, total {}, peak {}",
            n.weights, n.kv, n.scratch, n.total, n.peak
        )
        .unwrap();
    }
    for reason in &fit.reasons {
        write!(out, "\n    {}: {}", reason.code, reason.message).unwrap();
    }
    out
}

#[test]
fn four_adapters_and_six_headers_are_told_as_before() {
    let by = |name| quant::by_name(name).unwrap();
    let models = [
        (&SMOLLM2_135M, by("F16")),
        (&SMOLLM2_1_7B, by("Q8_0")),
        (&TINYLLAMA, by("Q4_0")),
        (&LLAMA_3_2_1B, by("BF16")),
        (&LLAMA_3_8B, by("Q8_0")),
        (&LLAMA_3_8B, foreign()),
    ];
    let mut found = String::new();
    for (model, format) in models {
        let header = opened(model, format);
        for (name, against) in profiles() {
            let fit = fit(&header, &against);
            // which formats there are is not this test's affair
            let told = told(&fit).replace(&quant::names(), "…");
            writeln!(found, "{} {} on {name}\n  {told}", model.name, format.name).unwrap();
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fits.txt");
    if std::env::var("NOMOAT_BLESS").as_deref() == Ok("1") {
        std::fs::write(&golden, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected, "NOMOAT_BLESS=1 writes {}", golden.display());
    }
    assert_eq!(
        found.len(),
        expected.len(),
        "NOMOAT_BLESS=1 writes {}",
        golden.display()
    );
}

#[test]
fn a_context_at_the_end_of_what_can_be_counted_is_only_long() {
    let format = quant::by_name("Q8_0").unwrap();
    // the most that a header may state
    for context in [1 << 31] {
        let llama = Llama {
            context,
            ..SMOLLM2_135M
        };
        let header = opened(&llama, format);
        for (name, against) in profiles() {
            let fit = fit(&header, &against);
            assert!(
                fit.context_trained == context && fit.context_most > 256,
                "{name}: {}",
                told(&fit)
            );
            assert!(
                fit.context_most < u32::MAX as usize || against.memory.is_none(),
                "{name}: {}",
                told(&fit)
            );
            assert!(fit.fits, "{name}: {}", told(&fit));
        }
    }
}

#[test]
fn what_is_promised_holds() {
    let header = opened(&LLAMA_3_2_1B, quant::by_name("Q8_0").unwrap());
    for (name, against) in profiles() {
        let first = fit(&header, &against);
        assert!(first.fits, "{name}: {}", told(&first));
        let at = |context| {
            let context = Some(context);
            fit(
                &header,
                &Against {
                    context,
                    ..against.clone()
                },
            )
        };
        // The longest context there is room for fits, and one token more does not.
        let most = at(first.context_most);
        assert!(
            most.fits && most.context_length == first.context_most,
            "{name}: {}",
            told(&most)
        );
        if first.context_most < LLAMA_3_2_1B.context {
            let more = at(first.context_most + 1);
            assert!(
                !more.fits && more.context_length == first.context_most,
                "{name}: {}",
                told(&more)
            );
        }
        // A format that it says would fit does.
        for reason in at(LLAMA_3_2_1B.context).reasons.iter().filter(|r| r.code == "format") {
            let Some(Said::Name(name)) = reason.values.get("format") else {
                panic!("no name: {reason:?}");
            };
            let format = quant::by_name(name).unwrap();
            let again = fit(&opened(&LLAMA_3_2_1B, format), &against);
            assert!(again.fits, "{name}, {}: {}", format.name, told(&again));
        }
    }
}

#[test]
fn a_row_wider_than_a_binding_is_said_of_its_tensor() {
    let header = opened(&SMOLLM2_135M, quant::by_name("F32").unwrap());
    let against = Against {
        adapter: Some(Caps::least()),
        max_binding: Some(1024),
        ..Against::default()
    };
    let fit = fit(&header, &against);
    assert!(!fit.fits && fit.needs.is_none());
    assert_eq!(fit.reasons[0].code, "tensor-too-big");
    let values = &fit.reasons[0].values;
    assert_eq!(values.get("tensor"), Some(&Said::Name("token_embd.weight".into())));
    assert_eq!(values.get("needed"), Some(&Said::Number(576 * 4)));
}

#[test]
fn a_card_says_what_the_header_states_and_nothing_else() {
    let card = fit(
        &opened(&SMOLLM2_135M, quant::by_name("Q8_0").unwrap()),
        &Against::default(),
    )
    .card;
    assert_eq!(card.name.as_deref(), Some("SmolLM2-135M"));
    assert_eq!(card.organisation.as_deref(), Some("Somebody"));
    assert_eq!(card.licence.as_deref(), Some("apache-2.0"));
    assert_eq!(card.quantised_by.as_deref(), Some("Somebody else"));
    assert_eq!(card.base_models.unwrap()[0].to_string(), "Somebody/Base");
    assert_eq!(card.formats, ["Q8_0", "F32"]);
    assert_eq!((card.author, card.licence_link, card.datasets), (None, None, None));
    assert_eq!(card.parameters, 134_515_008);
}

#[test]
fn the_catalogue_says_what_its_models_take() {
    let models = [
        ("smollm2-135m", &SMOLLM2_135M, "BF16"),
        ("smollm2-360m", &SMOLLM2_360M, "Q8_0"),
        ("tinyllama-1.1b", &TINYLLAMA, "BF16"),
        ("smollm2-1.7b", &SMOLLM2_1_7B, "BF16"),
        ("llama-3.2-1b", &LLAMA_3_2_1B, "BF16"),
    ];
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/models.js");
    let catalogue = std::fs::read_to_string(file).unwrap();
    let entries: Vec<&str> = catalogue.split("    id: \"").skip(1).collect();
    assert_eq!(entries.len(), models.len(), "a model here for each of the catalogue");
    let against = Against {
        adapter: Some(Caps::least()),
        ..Against::default()
    };
    for (entry, (id, model, format)) in entries.into_iter().zip(models) {
        assert!(entry.starts_with(&format!("{id}\"")), "{id}: {entry}");
        let number = |key: &str| -> f64 {
            let (_, rest) = entry.split_once(&format!("{key}: ")).unwrap();
            rest.split(',').next().unwrap().parse().unwrap()
        };
        let fit = fit(&opened(model, quant::by_name(format).unwrap()), &against);
        let needs = fit.needs.unwrap();
        let near = |said: f64, is: u64| (0.98..1.1).contains(&(said / is as f64));
        assert!(near(number("bytes"), fit.disk), "{id}: {}", fit.disk);
        assert!(
            near(number("parameters"), fit.card.parameters),
            "{id}: {}",
            fit.card.parameters
        );
        assert!(
            number("minMemory") >= needs.peak as f64 && near(number("minMemory"), needs.peak),
            "{id}: {}",
            needs.peak
        );
    }
}

/// Models that are really loaded: folder, file, cache, largest binding.
const LOADS: [(&str, &str, Option<usize>, Option<u64>); 8] = [
    ("models/TinyStories-656K", "", None, None),
    ("zoo/llama", "", Some(700), None),
    ("zoo/llama3", "model-bf16.gguf", None, None),
    ("zoo/quants/llama", "llama-Q4_0.gguf", Some(300), None),
    ("zoo/llama3", "model-bf16.gguf", Some(600), Some(4096)),
    ("zoo/bert_minilm", "model-f32.gguf", None, None),
    ("zoo/flan_t5", "model-f32.gguf", None, None),
    ("zoo/qwen3_5_text", "", None, None),
];

fn foretold(folder: &Path, entry: &str, mode: Mode, adapter: Option<Caps>) -> Fit {
    let checkpoint = disk::open(&folder.join(entry)).unwrap();
    let against = Against {
        adapter,
        kv: mode.kv,
        context: mode.context,
        max_binding: mode.max_binding,
        ..Against::default()
    };
    fit(&checkpoint, &against)
}

fn prompt_of(model: &mut Model, tokens: u32) {
    let prompt: Vec<u32> = (0..tokens).map(|i| i % 200).collect();
    if model.info().embeds {
        let most = prompt.len().min(model.info().context);
        pollster::block_on(model.embed(&prompt[..most])).unwrap();
        return;
    }
    let request = Request {
        max_tokens: 2,
        sampling: Sampling {
            temperature: 0.0,
            ..Sampling::default()
        },
        stop: Vec::new(),
        ignore_eos: true,
        decoder: Vec::new(),
    };
    let mut generation = model.begin(&prompt, request).unwrap();
    while !matches!(
        pollster::block_on(model.next(&mut generation)).unwrap(),
        Event::End { .. }
    ) {}
}

#[test]
fn real_loads_on_the_gpu_take_what_was_foretold() {
    let kinds = [None, Some(Kv::Q8)];
    for ((folder, entry, context, max_binding), kv) in LOADS.into_iter().flat_map(|load| kinds.map(|kv| (load, kv))) {
        let Some(folder) = shared(folder) else { return };
        let mode = Mode {
            context,
            max_binding,
            kv,
            ..GPU
        }
        .default_precision();
        let Some(mut model) = load(&folder, entry, mode) else {
            return;
        };
        let adapters = pollster::block_on(nomoat::dev::adapters());
        let adapter = adapters.into_iter().find(|a| a.name == model.info().adapter).unwrap();
        let fit = foretold(&folder, entry, mode, Some(adapter));
        let needs = fit.needs.unwrap();
        assert!(fit.fits, "{}", told(&fit));
        let what = format!("{} {entry}: {needs:?}", folder.display());
        assert_eq!(needs.total, model.info().gpu_bytes, "{what}");
        assert_eq!(fit.context_length, model.info().context, "{what}");
        assert_eq!(fit.card, model.info().card, "{what}");
        let before = model.gpu_bytes();
        for tokens in [1, 5, 20, 100, 290] {
            prompt_of(&mut model, tokens);
        }
        assert!(
            (before + 1..=needs.peak).contains(&model.gpu_bytes()),
            "{}: {what}",
            model.gpu_bytes()
        );
    }
}

#[test]
fn real_loads_on_the_cpu_take_what_was_foretold() {
    for (folder, entry, context, _) in LOADS {
        let Some(folder) = shared(folder) else { return };
        let mode = Mode { context, ..CPU };
        let model = load(&folder, entry, mode).unwrap();
        let fit = foretold(&folder, entry, mode, None);
        assert_eq!(
            fit.needs.unwrap().weights,
            model.info().cpu_bytes,
            "{}",
            folder.display()
        );
        assert!(fit.fits && fit.needs.unwrap().peak > fit.needs.unwrap().total);
    }
}
