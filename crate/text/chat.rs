//! Chat templates: Jinja from the model's files, run by `minijinja` with fuel and size limits.
//!
//! The environment is that of `transformers`: trimmed blocks, Python's string methods, `raise_exception`,
//! `strftime_now`, its `tojson`, and `{% generation %}` blocks, which mark text and change nothing. There is no loader,
//! so nothing can be included from outside.

use super::{
    clock::Moment,
    formats::{self, Asked, Format, Origin},
    limits, side,
    tokenizer::Tokenizer,
    written,
};
use crate::{
    error::{Error, Result},
    format::{Checkpoint, Container, Value as Meta},
};
use minijinja::{
    Environment, Error as JinjaError, ErrorKind, Output, State, UndefinedBehavior, Value,
    syntax::SyntaxConfig,
    value::{ValueKind, from_args},
};
use serde_json::{Map, Value as Json};
use std::{borrow::Cow, io};

/// One message of a conversation, as templates see it: `role`, `content` and whatever else was given.
pub type Message = Map<String, Json>;

/// Longest template in bytes; published ones are below 40 KB.
const MAX_SOURCE: usize = 1 << 20;
/// Longest prompt in bytes.
const MAX_OUTPUT: usize = 1 << 20;
/// Steps of one rendering: 200 messages through the longest published templates take below 200 000. A step also pays
/// for 64 bytes, so this bounds the memory to 64 MB.
const FUEL: u64 = 1_000_000;
/// Nesting of blocks, macros and calls while rendering.
const MAX_DEPTH: usize = 100;
/// The one template of its environment.
const NAME: &str = "chat";
/// Special tokens that templates know by name.
const TOKENS: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "pad_token",
    "sep_token",
    "cls_token",
    "mask_token",
];

/// A compiled chat template with the special tokens it may use.
pub struct Template {
    /// Or why the template of the files cannot be used: a model without it is one all the same.
    environment: Result<Environment<'static>>,
    tokens: Map<String, Json>,
    file: String,
    origin: Origin,
    format: Option<&'static Format>,
}

impl Template {
    /// The template to use for a checkpoint. `asked` is what a user wants in its place: a format's name, Jinja, `none`, or
    /// `auto`, which is the same as nothing. Files without one get the format that they ask for, if they do; `None` is a
    /// base model.
    ///
    /// # Errors
    /// `bad-file` if what was asked for does not compile, [`Error::Invalid`] for a name that is none. What is wrong with the
    /// files' own is told when a conversation is to be rendered.
    pub fn choose(checkpoint: &Checkpoint, tokenizer: Option<&Tokenizer>, asked: Option<&str>) -> Result<Option<Self>> {
        let config = side::json(checkpoint, "tokenizer_config.json")?;
        let (mut format, mut reason, mut chosen) = (None, "it was asked for".to_owned(), false);
        let (mut file, mut text) = ("the option template".to_owned(), Ok(Cow::Borrowed("")));
        match asked.filter(|name| *name != "auto").map(formats::asked).transpose()? {
            Some(Asked::None) => return Ok(None),
            Some(Asked::Text(own)) => text = Ok(Cow::Borrowed(own)),
            Some(Asked::Format(named)) => format = Some(named),
            None => match (source(checkpoint, config.as_ref()), tokenizer) {
                (Some((place, own)), _) => {
                    reason = format!("{place} has it");
                    (file, text) = (place, own.map(Cow::Owned));
                }
                (None, Some(tokenizer)) => {
                    let Some((found, why)) = formats::chosen(checkpoint, tokenizer)? else {
                        return Ok(None);
                    };
                    (format, reason, chosen) = (Some(found), why, true);
                }
                (None, None) => return Ok(None),
            },
        }
        let name = match format {
            Some(Format { name, template, .. }) => {
                (file, text) = (format!("the prompt format {name}"), Ok(Cow::Borrowed(*template)));
                name
            }
            None if asked.is_some_and(|name| name != "auto") => "given",
            None => "file",
        };
        let environment = match text.and_then(|text| compile(&file, &text)) {
            Err(error) if name != "file" => return Err(error),
            environment => environment,
        };
        let origin = Origin {
            name: name.to_owned(),
            reason,
            chosen,
        };
        let tokens = special_tokens(checkpoint, config.as_ref())?;
        Ok(Some(Self {
            environment,
            tokens,
            file,
            origin,
            format,
        }))
    }

    /// The chat template that the files of a checkpoint carry; `None` if there is none.
    ///
    /// # Errors
    /// As [`Self::choose`].
    pub fn open(checkpoint: &Checkpoint) -> Result<Option<Self>> {
        Self::choose(checkpoint, None, None)
    }

    /// Where it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Ids that end its assistant's turns, besides those that the files name.
    pub(crate) fn ends<'a>(&'a self, tokenizer: &'a Tokenizer) -> impl Iterator<Item = u32> + 'a {
        let ends = self.format.map_or(&[][..], |format| format.ends);
        ends.iter().filter_map(|text| tokenizer.id(text))
    }

    /// Ids of a prompt that it rendered. Some templates write the first special token themselves, others leave it to the
    /// tokenizer.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn ids(&self, tokenizer: &Tokenizer, prompt: &str) -> Result<Vec<u32>> {
        tokenizer.prompt(prompt)
    }

    /// The same template with a clock that stands at `unix_seconds`, for templates that write the date
    /// (`strftime_now`). Without it such a template has no date: it uses one that it carries, or is refused.
    #[must_use]
    pub fn at(mut self, unix_seconds: u64) -> Self {
        let now = Moment::new(unix_seconds);
        if let Ok(environment) = &mut self.environment {
            environment.add_function("strftime_now", move |format: String| now.format(&format));
        }
        self
    }

    /// The prompt for `messages`; with `generation_prompt`, up to where the assistant writes.
    ///
    /// # Errors
    /// `bad-file` if it does not compile, and with the template's own words if it refuses the messages, runs out of fuel or
    /// writes too much.
    pub fn render(&self, messages: &[Message], generation_prompt: bool) -> Result<String> {
        self.render_with(messages, generation_prompt, &Map::new())
    }

    /// As [`Self::render`], with more variables: `tools`, `documents`, `enable_thinking` and what else a template asks
    /// for.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_with(
        &self,
        messages: &[Message],
        generation_prompt: bool,
        variables: &Map<String, Json>,
    ) -> Result<String> {
        let environment = self.environment.as_ref().map_err(Error::clone)?;
        let mut context = self.tokens.clone();
        context.insert("tools".to_owned(), Json::Null);
        context.insert("documents".to_owned(), Json::Null);
        context.extend(variables.clone());
        let list = |messages: Vec<&Message>| Json::Array(messages.into_iter().cloned().map(Json::Object).collect());
        context.insert("messages".to_owned(), list(messages.iter().collect()));
        if let Some(format) = self.format {
            let (system, turns) = parted(messages, format.within)?;
            let by_user = |m: &&Message| m.get("role").is_some_and(|role| role == "user");
            let users = [turns.iter().position(by_user), turns.iter().rposition(by_user)];
            for (key, at) in ["first_user", "last_user"].into_iter().zip(users) {
                context.insert(key.to_owned(), at.into());
            }
            context.insert("system".to_owned(), Json::String(system));
            context.insert("turns".to_owned(), list(turns));
        }
        context.insert("add_generation_prompt".to_owned(), Json::Bool(generation_prompt));
        let context = written::value(&Json::Object(context));
        let fail = |expected: &str, found: String| Err(Error::bad(&self.file, "chat_template", expected, found));
        let template = match environment.get_template(NAME) {
            Ok(template) => template,
            Err(e) => return fail("a Jinja template", words(&e)),
        };
        let mut prompt = Prompt(Vec::new());
        match template.render_captured_to(context, &mut prompt) {
            Ok(_) => {}
            Err(_) if prompt.0.len() > MAX_OUTPUT => {
                return fail(
                    &format!("a prompt of at most {MAX_OUTPUT} bytes"),
                    "a longer one".to_owned(),
                );
            }
            Err(e) if e.kind() == ErrorKind::OutOfFuel => {
                return fail(&format!("an end within {FUEL} steps"), "none".to_owned());
            }
            Err(e) => return fail("messages that the template accepts", words(&e)),
        }
        String::from_utf8(prompt.0).map_err(|e| Error::internal(e.to_string()))
    }
}

/// An environment with the template `source`, which stands in `file`.
fn compile(file: &str, source: &str) -> Result<Environment<'static>> {
    if source.len() > MAX_SOURCE {
        let expected = format!("at most {MAX_SOURCE} bytes");
        return Err(Error::bad(file, "chat_template", expected, source.len()));
    }
    if let Some(excess) = limits::excess(source) {
        return Err(Error::bad(file, "chat_template", "a template of usual size", excess));
    }
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(|e| Error::internal(e.to_string()))?);
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(MAX_DEPTH);
    environment.set_unknown_method_callback(python_method);
    environment.set_formatter(python_format);
    environment.add_filter("tojson", written::tojson);
    environment.add_function(
        "raise_exception",
        |message: String| -> std::result::Result<Value, JinjaError> {
            Err(JinjaError::new(ErrorKind::InvalidOperation, message))
        },
    );
    let source = without_generation_blocks(source).into_owned();
    if let Err(e) = environment.add_template_owned(NAME, source) {
        return Err(Error::bad(file, "chat_template", "a Jinja template", words(&e)));
    }
    Ok(environment)
}

/// System messages, joined, and the others, which are of users and assistants: a prompt format knows no other, and text
/// only; one that has the former `within` a user's turn needs such a turn.
fn parted(messages: &[Message], within: bool) -> Result<(String, Vec<&Message>)> {
    let invalid = |field: &str, expected: &str, found: Option<&Json>| {
        let found = found.map_or_else(|| "none".to_owned(), Json::to_string);
        Err(Error::Invalid {
            field: format!("messages: {field}"),
            expected: format!("{expected}: this model's prompt format knows no other"),
            found,
        })
    };
    let mut system = Vec::new();
    let mut turns = Vec::new();
    for message in messages {
        let Some(content) = message.get("content").and_then(Json::as_str) else {
            return invalid("content", "text", message.get("content"));
        };
        match message.get("role").and_then(Json::as_str) {
            Some("system") => system.push(content),
            Some("user" | "assistant") => turns.push(message),
            _ => return invalid("role", "system, user or assistant", message.get("role")),
        }
    }
    if within && !system.is_empty() && turns.iter().all(|turn| turn["role"] != "user") {
        return invalid("role", "a user beside the system", Some(&Json::from("system")));
    }
    Ok((system.join("\n\n"), turns))
}

/// Collects the prompt, up to the limit.
struct Prompt(Vec<u8>);

impl io::Write for Prompt {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        if self.0.len() > MAX_OUTPUT {
            return Err(io::Error::other("too long"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An error in the template's own words, with the line where there is one.
fn words(error: &JinjaError) -> String {
    let text = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("{text} (line {line})"),
        None => text,
    }
}

/// The file that the template stands in, and its text or what is wrong with it. A `chat_template.jinja` goes before
/// `tokenizer_config.json`.
fn source(checkpoint: &Checkpoint, config: Option<&Json>) -> Option<(String, Result<String>)> {
    if checkpoint.container == Container::Gguf
        && let Some(text) = side::text(&checkpoint.meta, "tokenizer.chat_template")
    {
        return Some((checkpoint.name.clone(), Ok(text.to_owned())));
    }
    if let Some(bytes) = checkpoint.side.get("chat_template.jinja") {
        let file = side::place(checkpoint, "chat_template.jinja");
        let text = std::str::from_utf8(bytes).map(str::to_owned);
        let text = text.map_err(|e| Error::bad(&file, "chat_template", "UTF-8", e));
        return Some((file, text));
    }
    let file = side::place(checkpoint, "tokenizer_config.json");
    match config?.get("chat_template")? {
        Json::String(text) => Some((file, Ok(text.clone()))),
        Json::Array(list) => {
            let named = |entry: &&Json| entry.get("name").and_then(Json::as_str) == Some("default");
            let entry = list.iter().find(named).or(match list.as_slice() {
                [only] => Some(only),
                _ => None,
            });
            let text = entry.and_then(|e| e.get("template")).and_then(Json::as_str);
            let text = text.ok_or_else(|| Error::bad(&file, "chat_template", "a template named default", "none"));
            let text = text.map(str::to_owned);
            Some((file, text))
        }
        _ => None,
    }
}

/// The special tokens that the files name, by the names that templates use.
fn special_tokens(checkpoint: &Checkpoint, config: Option<&Json>) -> Result<Map<String, Json>> {
    let mut tokens = Map::new();
    let mut set = |key: &str, text: String| {
        tokens.entry(key).or_insert(Json::String(text));
    };
    let meta = &checkpoint.meta;
    if let Some(Meta::Strs(texts)) = meta.get("tokenizer.ggml.tokens") {
        for (key, name) in [
            ("bos_token", "bos"),
            ("eos_token", "eos"),
            ("unk_token", "unknown"),
            ("pad_token", "padding"),
            ("sep_token", "seperator"), // sic: GGUF's spelling
            ("cls_token", "cls"),
            ("mask_token", "mask"),
        ] {
            let id = side::id(meta, &format!("tokenizer.ggml.{name}_token_id"));
            if let Some(text) = id.and_then(|id| texts.get(id as usize)) {
                set(key, text.clone());
            }
        }
    }
    let map = side::json(checkpoint, "special_tokens_map.json")?;
    // A converted file may have no list of its tokens.
    let travelled = side::text(meta, "tokenizer.huggingface.config").and_then(|text| serde_json::from_str(text).ok());
    for config in config.into_iter().chain(map.as_ref()).chain(travelled.as_ref()) {
        for key in TOKENS {
            if let Some(text) = side::special(config, key) {
                set(key, text);
            }
        }
    }
    Ok(tokens)
}

/// `{% generation %}` and `{% endgeneration %}`, an extension of `transformers` that marks what the assistant wrote,
/// become a condition that always holds, with the same trimming.
fn without_generation_blocks(source: &str) -> Cow<'_, str> {
    if !source.contains("generation") {
        return Cow::Borrowed(source);
    }
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{%") {
        let (before, tag) = rest.split_at(at);
        text.push_str(before);
        let Some(end) = tag.find("%}") else {
            rest = tag;
            break;
        };
        let (tag, after) = tag.split_at(end + 2);
        let name = tag.trim_matches(|c: char| c.is_whitespace() || "{%-+}".contains(c));
        match name {
            "generation" => text.push_str(&tag.replacen("generation", "if true", 1)),
            "endgeneration" => text.push_str(&tag.replacen("endgeneration", "endif", 1)),
            _ => text.push_str(tag),
        }
        rest = after;
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Methods of Python's strings that `minijinja-contrib` lacks, then those that it has.
fn python_method(
    state: &mut State,
    value: &Value,
    method: &str,
    args: &[Value],
) -> std::result::Result<Value, JinjaError> {
    if value.kind() == ValueKind::String
        && let Some(text) = value.as_str()
    {
        let cut = match method {
            "removeprefix" => {
                let (prefix,): (&str,) = from_args(args)?;
                Some(text.strip_prefix(prefix).unwrap_or(text))
            }
            // The width of a field is allocated before it is paid for.
            "format" if long_number(text) => {
                let words = "a format whose width has more than four digits";
                return Err(JinjaError::new(ErrorKind::InvalidOperation, words));
            }
            "removesuffix" => {
                let (suffix,): (&str,) = from_args(args)?;
                Some(text.strip_suffix(suffix).unwrap_or(text))
            }
            _ => None,
        };
        if let Some(cut) = cut {
            return Ok(Value::from(cut));
        }
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}

/// Whether five or more digits stand in a row.
fn long_number(text: &str) -> bool {
    text.as_bytes()
        .windows(5)
        .any(|window| window.iter().all(u8::is_ascii_digit))
}

/// Writes values as Python does.
fn python_format(out: &mut Output, state: &mut State, value: &Value) -> std::result::Result<(), JinjaError> {
    match value.kind() {
        ValueKind::None | ValueKind::Bool | ValueKind::Map | ValueKind::Seq | ValueKind::Iterable => {
            Ok(out.write_str(&written::repr(state, value)?)?)
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}
