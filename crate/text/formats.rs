//! Prompt formats of models whose files carry no chat template: one table, and which row a model's files ask for.
//!
//! Nothing is guessed: a row is taken where the vocabulary has tokens that only its models have, where the files end a
//! turn with its token, or where a name that the files state has its words. What was taken is told with its reason.

use super::{side, tokenizer::Tokenizer};
use crate::{
    error::{Error, Result},
    format::{Checkpoint, Container},
};
use serde::Serialize;
use serde_json::Value;

/// A prompt format. Its template sees `messages`, and apart from them `system` (all system messages) and `turns` (the
/// rest), of which `first_user` and `last_user` number those of users; it writes BOS only where the format has it inside a
/// conversation.
pub(super) struct Format {
    /// What users call it.
    pub(super) name: &'static str,
    /// How the names of its model families begin; empty: any family.
    family: &'static str,
    /// Tokens that the vocabulary has.
    tokens: &'static [&'static str],
    /// Tokens that end the assistant's turn, besides those that the files name.
    pub(super) ends: &'static [&'static str],
    /// Whether it is taken where the files end a generation with the first of `ends`.
    told: bool,
    /// Words of a stated name for which it is taken; `!` before one that must not stand there. Empty words: the tokens
    /// tell enough.
    names: &'static [&'static str],
    /// Whether what the system says stands within a user's turn.
    pub(super) within: bool,
    /// Jinja.
    pub(super) template: &'static str,
}

const ROW: Format = Format {
    name: "",
    family: "",
    tokens: &[],
    ends: &[],
    told: false,
    names: &[],
    within: false,
    template: "",
};

/// Every format, the surest evidence first. Where they come from: the model cards, and the code that their models were
/// trained or served with; the goldens are in `tests/it/prompts.rs`.
#[rustfmt::skip] // a template is read as its prompt is
pub(super) static FORMATS: [Format; 17] = [
    Format {
        name: "harmony",
        tokens: &["<|start|>", "<|channel|>", "<|message|>", "<|return|>"],
        ends: &["<|return|>", "<|call|>"],
        names: &[""],
        template: "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.
Knowledge cutoff: 2024-06
{% if strftime_now is defined %}Current date: {{ strftime_now('%Y-%m-%d') }}
{% endif %}

Reasoning: medium

# Valid channels: analysis, commentary, final. Channel must be included for every message.<|end|>{% if system %}<|start|>developer<|message|># Instructions

{{ system }}<|end|>{% endif %}{% for m in turns %}<|start|>{% if m.role == 'user' %}user{% else %}assistant<|channel|>final{% endif %}<|message|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}",
        ..ROW
    },
    Format {
        name: "open-assistant",
        tokens: &["<|prompter|>", "<|assistant|>"],
        names: &[""],
        template: "{% if system %}<|system|>{{ system }}{{ eos_token }}{% endif %}{% for m in turns %}<|{{ 'prompter' if m.role == 'user' else 'assistant' }}|>{{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
        ..ROW
    },
    Format {
        name: "stablelm",
        tokens: &["<|SYSTEM|>", "<|USER|>", "<|ASSISTANT|>"],
        ends: &["<|USER|>", "<|ASSISTANT|>", "<|SYSTEM|>"],
        names: &[""],
        template: "<|SYSTEM|>{% if system %}{{ system }}{% else %}# StableLM Tuned (Alpha version)
- StableLM is a helpful and harmless open-source AI language model developed by StabilityAI.
- StableLM is excited to be able to help the user, but will refuse to do anything that could be considered harmful to the user.
- StableLM is more than just an information source, StableLM is also able to write poetry, short stories, and make jokes.
- StableLM will refuse to participate in anything that could harm a human.
{% endif %}{% for m in turns %}<|{{ 'USER' if m.role == 'user' else 'ASSISTANT' }}|>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<|ASSISTANT|>{% endif %}",
        ..ROW
    },
    Format {
        name: "dolly",
        tokens: &["### End", "### Instruction:"],
        ends: &["### End"],
        names: &[""],
        template: "{{ system or 'Below is an instruction that describes a task. Write a response that appropriately completes the request.' }}

{% for m in turns %}{% if m.role == 'user' %}### Instruction:
{{ m.content }}

{% else %}### Response:
{{ m.content }}

### End

{% endif %}{% endfor %}{% if add_generation_prompt %}### Response:
{% endif %}",
        ..ROW
    },
    Format {
        name: "phi-3",
        family: "phi3",
        tokens: &["<|user|>", "<|assistant|>", "<|end|>"],
        ends: &["<|end|>"],
        // Phi 4 mini has its tokens and no new lines
        names: &["!4"],
        template: "{% for m in messages %}<|{{ m.role }}|>
{{ m.content }}<|end|>
{% endfor %}{% if add_generation_prompt %}<|assistant|>
{% endif %}",
        ..ROW
    },
    Format {
        name: "phi-4",
        tokens: &["<|im_start|>", "<|im_sep|>", "<|im_end|>"],
        ends: &["<|im_end|>"],
        told: true,
        template: "{% for m in messages %}<|im_start|>{{ m.role }}<|im_sep|>{{ m.content }}<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant<|im_sep|>{% endif %}",
        ..ROW
    },
    Format {
        name: "chatml",
        tokens: &["<|im_start|>", "<|im_end|>"],
        ends: &["<|im_end|>"],
        told: true,
        template: "{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}",
        ..ROW
    },
    Format {
        name: "llama-3",
        tokens: &["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
        ends: &["<|eot_id|>", "<|eom_id|>"],
        told: true,
        names: &["instruct", "chat"],
        template: "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>

{{ m.content | trim }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>

{% endif %}",
        ..ROW
    },
    Format {
        name: "gemma",
        family: "gemma",
        tokens: &["<start_of_turn>", "<end_of_turn>"],
        ends: &["<end_of_turn>"],
        told: true,
        names: &["it", "instruct"],
        within: true,
        template: "{{ bos_token }}{% for m in turns %}<start_of_turn>{{ 'user' if m.role == 'user' else 'model' }}
{% if loop.index0 == first_user and system %}{{ system }}

{% endif %}{{ m.content | trim }}<end_of_turn>
{% endfor %}{% if add_generation_prompt %}<start_of_turn>model
{% endif %}",
    },
    Format {
        name: "zephyr",
        names: &["zephyr"],
        template: "{% for m in messages %}<|{{ m.role }}|>
{{ m.content }}{{ eos_token }}
{% endfor %}{% if add_generation_prompt %}<|assistant|>
{% endif %}",
        ..ROW
    },
    Format {
        name: "vicuna",
        names: &["vicuna !v0 !stable"],
        template: "{{ system or \"A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions.\" }} {% for m in turns %}{% if m.role == 'user' %}USER: {{ m.content }} {% else %}ASSISTANT: {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}",
        ..ROW
    },
    Format {
        name: "koala",
        names: &["koala"],
        template: "BEGINNING OF CONVERSATION: {% if system %}{{ system }} {% endif %}{% for m in turns %}{% if m.role == 'user' %}USER: {{ m.content }} {% else %}GPT: {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}GPT:{% endif %}",
        ..ROW
    },
    Format {
        name: "alpaca",
        names: &["alpaca !chinese"],
        template: "{{ system or 'Below is an instruction that describes a task. Write a response that appropriately completes the request.' }}

{% for m in turns %}{% if m.role == 'user' %}### Instruction:
{{ m.content }}

{% else %}### Response:{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}### Response:{% endif %}",
        ..ROW
    },
    Format {
        name: "llama-2",
        family: "llama",
        names: &["llama 2 chat !3", "llama2 chat", "codellama instruct !70b"],
        within: true,
        template: "{% for m in turns %}{% if m.role == 'user' %}{{ bos_token }}[INST] {% if loop.index0 == first_user and system %}<<SYS>>
{{ system }}
<</SYS>>

{% endif %}{{ m.content | trim }} [/INST]{% else %} {{ m.content | trim }} {{ eos_token }}{% endif %}{% endfor %}",
        ..ROW
    },
    Format {
        name: "mistral-v3",
        tokens: &["[INST]", "[/INST]"],
        names: &["mistral instruct !nemo !small", "mixtral instruct"],
        within: true,
        // before the newest message
        template: "{{ bos_token }}{% for m in turns %}{% if m.role == 'user' %}[INST] {% if loop.index0 == last_user and system %}{{ system }}

{% endif %}{{ m.content }}[/INST]{% else %} {{ m.content | trim }}{{ eos_token }}{% endif %}{% endfor %}",
        ..ROW
    },
    Format {
        name: "mistral",
        names: &["mistral instruct !nemo !small", "mixtral instruct"],
        within: true,
        template: "{{ bos_token }}{% for m in turns %}{% if m.role == 'user' %}[INST] {% if loop.index0 == first_user and system %}{{ system }}

{% endif %}{{ m.content }} [/INST]{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}",
        ..ROW
    },
    Format {
        // What its card writes; a base model all the same, so only a user takes it.
        name: "phi-2",
        template: "{% if system %}{{ system }}
{% endif %}{% for m in turns %}{% if m.role == 'user' %}Instruct: {{ m.content }}
{% else %}Output: {{ m.content }}
{% endif %}{% endfor %}{% if add_generation_prompt %}Output:{% endif %}",
        ..ROW
    },
];

/// How a template came to be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// `file` if the model's files carry it, `given` if the caller wrote it, else the name of a format.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Whether it was chosen for files that carry none, which a user should hear of.
    pub chosen: bool,
}

/// What was asked for in place of the files' own template.
pub(super) enum Asked<'a> {
    /// A row of [`FORMATS`].
    Format(&'static Format),
    /// A template's text.
    Text(&'a str),
    /// No template: text is continued as it is.
    None,
}

/// Reads the option `template`: the name of a format, `none`, or Jinja.
///
/// # Errors
/// [`Error::Invalid`] with all names.
pub(super) fn asked(template: &str) -> Result<Asked<'_>> {
    if template == "none" {
        return Ok(Asked::None);
    }
    if template.contains('{') {
        return Ok(Asked::Text(template));
    }
    let named = FORMATS.iter().find(|f| f.name == template);
    named.map(Asked::Format).ok_or_else(|| Error::Invalid {
        field: "template".to_owned(),
        expected: format!("auto, none, a Jinja template, or one of {}", names()),
        found: template.to_owned(),
    })
}

/// The names of all formats, with commas.
pub fn names() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|f| f.name).collect();
    names.join(", ")
}

/// The format that a checkpoint without a template asks for, and why; `None` is a base model.
///
/// # Errors
/// `bad-file` for a side file that is no JSON.
pub(super) fn chosen(checkpoint: &Checkpoint, tokenizer: &Tokenizer) -> Result<Option<(&'static Format, String)>> {
    let stated = Stated::of(checkpoint, tokenizer)?;
    Ok(FORMATS.iter().find_map(|format| {
        let there = |text: &&str| tokenizer.id(text).is_some();
        if !stated.family.starts_with(format.family) || !format.tokens.iter().all(there) {
            return None;
        }
        let end = format.ends.first().filter(|_| format.told);
        if let Some(end) = end
            && tokenizer.id(end).is_some_and(|id| stated.ends.contains(&id))
        {
            return Some((format, format!("{end} ends its turns")));
        }
        format.names.iter().find_map(|words| {
            if words.is_empty() {
                return Some((format, format!("its vocabulary has {}", format.tokens.join(", "))));
            }
            let unwanted = words.split(' ').filter_map(|word| word.strip_prefix('!'));
            if unwanted
                .flat_map(|word| stated.names.iter().map(move |(_, name)| has(name, word)))
                .any(|has| has)
            {
                return None;
            }
            let wanted = |name: &str| {
                words
                    .split(' ')
                    .filter(|w| !w.starts_with('!'))
                    .all(|word| has(name, word))
            };
            let (place, name) = stated.names.iter().find(|(_, name)| wanted(name))?;
            Some((format, format!("{place} is {name:?}")))
        })
    }))
}

/// What a checkpoint states of itself that formats go by.
struct Stated {
    family: String,
    /// Where each stands, and the name.
    names: Vec<(&'static str, String)>,
    ends: Vec<u32>,
}

impl Stated {
    fn of(checkpoint: &Checkpoint, tokenizer: &Tokenizer) -> Result<Self> {
        let mut names = Vec::new();
        let meta = &checkpoint.meta;
        if checkpoint.container == Container::Gguf {
            let text = |key| side::text(meta, key).unwrap_or_default();
            let parts = [text("general.basename"), text("general.finetune")].join(" ");
            for (place, name) in [
                ("general.name", text("general.name")),
                ("general.basename with general.finetune", parts.trim()),
            ] {
                names.push((place, shown(name)));
            }
            return Ok(Self {
                family: text("general.architecture").to_owned(),
                names,
                // not those that converters state for base models too
                ends: side::id(meta, "tokenizer.ggml.eos_token_id").into_iter().collect(),
            });
        }
        let mut family = String::new();
        for (file, key, place) in [
            ("config.json", "_name_or_path", "_name_or_path in config.json"),
            (
                "tokenizer_config.json",
                "name_or_path",
                "name_or_path in tokenizer_config.json",
            ),
        ] {
            let config = side::json(checkpoint, file)?.unwrap_or(Value::Null);
            let text = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default();
            if file == "config.json" {
                text("model_type").clone_into(&mut family);
            }
            // Of an owner or a folder nothing follows.
            let last = text(key).trim_end_matches('/').rsplit('/').next();
            names.push((place, shown(last.unwrap_or_default())));
        }
        Ok(Self {
            family,
            names,
            ends: super::tokenizer::ends(checkpoint, &|text| tokenizer.id(text))?.eos,
        })
    }
}

/// A name from a file, fit for a message.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// Whether `word` stands in `name`.
fn has(name: &str, word: &str) -> bool {
    let name = name.to_lowercase();
    name.split(|c: char| !c.is_alphanumeric()).any(|w| w == word)
}
