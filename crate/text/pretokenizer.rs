//! How text is cut into words before byte-level BPE, by the name that GGUF files carry (`tokenizer.ggml.pre`).
//!
//! Each row is what the `tokenizer.json` of the published model says. An unknown name is an error: a wrong cut gives
//! plausible ids and worse answers, which nobody would notice.

use super::tokenizer_json::stage;
use crate::error::{Error, Result, Unsupported};
use serde_json::{Value, json};

/// The cut of GPT-2, built into `tokenizers`' `ByteLevel`; written out for `Split`.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Three cuts of DeepSeek V3, in this order.
const DEEPSEEK_V3: [&str; 3] = [
    r"\p{N}{1,3}",
    r"[一-龥\x{3040}-ゟ゠-ヿ]+",
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##,
];
/// Han and Hangul of the DeepSeek tokenizers; the middle range is written so in their files.
const DEEPSEEK_CJK: &str = r"[一-龥\x{0800}-一가-\x{D7FF}]+";
/// The letters of DeepSeek LLM: cased scripts, as its file lists them. Escaped where an editor that normalises text would
/// change the range.
const DEEPSEEK_LETTERS: &str = r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\x{1F7D}ᾀ-ᾴᾶ-ᾼ\x{1FBE}ῂ-ῄῆ-ῌῐ-\x{1FD3}ῖ-\x{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\x{2126}ℨ\x{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+";
const DEEPSEEK_PUNCTUATION: &str = r"\s?[!-/:-~！-／：-～‘-‟\x{3000}-。]+";
/// Bloom: everything up to white space and the sentence punctuation of several scripts.
const BLOOM: &str = r" ?[^(\s|.,!?…。，、।۔،)]+";

/// Four cuts, in this order, of files that name none: llama.cpp's, nearly those of Falcon.
const DEFAULT: [&str; 4] = [
    r"[\p{P}\$\+<=>\^~\|]+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
    r"\p{N}+",
    "[0-9][0-9][0-9]",
];

/// A way to cut, with what else its name implies.
pub(crate) struct Cut {
    /// The `pre_tokenizer` of `tokenizer.json`.
    pub(crate) json: Value,
    /// Text is brought to NFC first.
    pub(crate) nfc: bool,
    /// Words that are tokens are not merged.
    pub(crate) ignore_merges: bool,
    /// BOS is added unless the file says otherwise.
    pub(crate) add_bos: bool,
}

impl Cut {
    /// The `normalizer` of `tokenizer.json`.
    pub(crate) fn normalizer(&self) -> Value {
        if self.nfc {
            stage(r#"{"type": "NFC"}"#)
        } else {
            Value::Null
        }
    }
}

/// Every name that [`cut`] knows, for the error message.
const NAMES: &str = "bloom, chatglm-bpe, command-r, dbrx, deepseek-coder, deepseek-llm, deepseek-r1-qwen, deepseek-v3, default, \
    exaone4, falcon, falcon-h1, falcon3, glm4, gpt-2, gpt-4o, hunyuan-dense, lfm2, llama-bpe, llama-v3, llama3, llama4, \
    megrez, mpt, olmo, phi-2, pixtral, qwen2, qwen35, refact, smaug-bpe, smollm, stablelm2, starcoder, tekken";

/// The cut called `name`.
pub(crate) fn cut(file: &str, name: &str) -> Result<Cut> {
    let plain = |json| Cut {
        json,
        nfc: false,
        ignore_merges: false,
        add_bos: false,
    };
    Ok(match name {
        "gpt-2" | "phi-2" | "exaone4" => plain(gpt2()),
        "mpt" | "olmo" => Cut {
            nfc: true,
            ..plain(gpt2())
        },
        "llama3" | "llama-v3" | "llama-bpe" | "falcon3" | "falcon-h1" | "pixtral" | "lfm2" => Cut {
            ignore_merges: true,
            add_bos: true,
            ..plain(regexes(&[LLAMA3]))
        },
        "dbrx" | "smaug-bpe" | "glm4" | "chatglm-bpe" => plain(regexes(&[LLAMA3])),
        "qwen2" | "deepseek-r1-qwen" | "megrez" => Cut {
            nfc: true,
            ..plain(regexes(&[QWEN2]))
        },
        "stablelm2" => plain(regexes(&[QWEN2])),
        "qwen35" => Cut {
            nfc: true,
            ..plain(regexes(&[QWEN35]))
        },
        "tekken" => Cut {
            ignore_merges: true,
            add_bos: true,
            ..plain(regexes(&[TEKKEN]))
        },
        "gpt-4o" | "llama4" => plain(regexes(&[GPT4O])),
        "deepseek-v3" | "hunyuan-dense" => plain(regexes(&DEEPSEEK_V3)),
        "deepseek-llm" => plain(regexes(&[
            r"[\r\n]",
            DEEPSEEK_LETTERS,
            DEEPSEEK_PUNCTUATION,
            r"\s+$",
            DEEPSEEK_CJK,
            r"\p{N}+",
        ])),
        "deepseek-coder" => plain(regexes(&[
            r"[\r\n]",
            r"\s?\p{L}+",
            r"\s?\p{P}+",
            DEEPSEEK_CJK,
            r"\p{N}",
        ])),
        "bloom" => plain(regexes(&[BLOOM])),
        "smollm" | "starcoder" | "refact" => plain(digits_then_gpt2()),
        "command-r" => Cut {
            nfc: true,
            ..plain(digits_then_gpt2())
        },
        "falcon" => plain(falcon()),
        "default" => plain(regexes(&DEFAULT)),
        _ => {
            return Err(Error::Unsupported {
                kind: Unsupported::Tokenizer,
                file: file.to_owned(),
                what: format!("pre-tokenizer {name:?}"),
                supported: NAMES.to_owned(),
            });
        }
    })
}

/// The cut of Gemma 4, which has no name: new lines from all else. Nothing becomes bytes.
pub(crate) fn lines() -> Cut {
    Cut {
        json: split(r"[^\n]+|\n+"),
        nfc: false,
        ignore_merges: false,
        add_bos: true,
    }
}

/// The stage that writes bytes as letters, cutting as GPT-2 did or not at all; the decoder is the same.
pub(crate) fn byte_level(cut: bool) -> Value {
    stage(&format!(
        r#"{{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": {cut}}}"#
    ))
}

fn sequence(list: Vec<Value>) -> Value {
    json!({"type": "Sequence", "pretokenizers": list})
}

fn split(regex: &str) -> Value {
    json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false})
}

fn gpt2() -> Value {
    byte_level(true)
}

fn regexes(list: &[&str]) -> Value {
    sequence(
        list.iter()
            .map(|regex| split(regex))
            .chain([byte_level(false)])
            .collect(),
    )
}

fn digits_then_gpt2() -> Value {
    sequence(vec![
        stage(r#"{"type": "Digits", "individual_digits": true}"#),
        byte_level(true),
    ])
}

fn falcon() -> Value {
    sequence(vec![
        stage(r#"{"type": "Punctuation", "behavior": "Contiguous"}"#),
        byte_level(true),
        stage(r#"{"type": "Digits", "individual_digits": false}"#),
        split("[0-9][0-9][0-9]"),
    ])
}
