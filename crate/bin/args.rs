//! The command line as `CONTRACT.md`, 2 fixes it: commands, flags and their defaults; no behaviour.

use clap::{Args, Parser, Subcommand, ValueEnum};
use nomoat::{
    Result, dev,
    engine::{Device, Kv, LoadOptions, OwnThreads, Precision},
    quant,
    tensor::Format,
    text::sample::Sampling,
};
use std::{path::PathBuf, rc::Rc, thread::available_parallelism};

/// Runs open language models on your own GPU or CPU.
#[derive(Debug, Parser)]
#[command(name = "nomoat", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Print a trace to standard error: phases, device, limits, timings
    #[arg(long, global = true)]
    pub(crate) log: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write text after a prompt, or answer it if the model has a chat template
    Run(Run),
    /// Print the logits after a list of token ids
    Logits(Logits),
    /// Print the most likely continuation of a list of token ids
    Greedy(Greedy),
    /// Turn standard input into token ids, or ids into text
    Tokenize(Tokenize),
    /// Print a conversation as the model's chat template renders it
    Template(Template),
    /// Print the embedding of texts or of a list of token ids
    Embed(Embed),
    /// Say what a model file holds, what it states about itself and what memory it needs
    Inspect(Inspect),
    /// Write a model as a GGUF file in another block format
    Quantize(Quantize),
    /// Time operators and models, and compare them with what the device can do at best
    Bench(Bench),
    /// List the devices that models can run on
    Devices,
}

/// What `--device` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeviceArg {
    /// A hardware GPU, else the CPU
    Auto,
    /// A GPU, software adapters too
    Gpu,
    /// The CPU
    Cpu,
}

/// What `--precision` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionArg {
    /// 32-bit arithmetic only
    F32,
    /// The fastest arithmetic there is: f32, and on the CPU integers of 16 bits for activations
    Auto,
}

/// What `--kv` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KvArg {
    /// 32-bit floats
    F32,
    /// 16-bit floats
    F16,
    /// Codes of 8 bits, and a unit for each 32 of them: little more than half of f16
    Q8,
}

/// Flags of every call that runs a model.
#[derive(Debug, Args)]
pub(crate) struct Load {
    /// Where to run
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) device: DeviceArg,
    /// What may be rounded
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) precision: PrecisionArg,
    /// How the key-value cache is stored [default: f16 on a GPU, but f32 for Gemma 4, T5 and models with experts; f32 on the CPU]
    #[arg(long, value_enum)]
    pub(crate) kv: Option<KvArg>,
    /// Tokens that the cache holds [default: the model's context, at most 4096]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) context: Option<usize>,
    /// Weights that the files hold as floats get this block format: q8_0, q4_k …
    #[arg(long, value_name = "TYPE", value_parser = block_format)]
    pub(crate) quantize: Option<&'static Format>,
    /// Threads that multiply on the CPU, where weights are large enough [default: half of the processors, 8 at most; for bench 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) threads: Option<u8>,
    /// Largest GPU binding to use; tests force sharding with it
    #[arg(long, value_name = "BYTES", hide = true)]
    pub(crate) max_binding: Option<u64>,
}

impl Load {
    /// The options of the library.
    pub(crate) fn options(&self) -> Result<LoadOptions> {
        let kv = self.kv.map(|kv| match kv {
            KvArg::F32 => Kv::F32,
            KvArg::F16 => Kv::F16,
            KvArg::Q8 => Kv::Q8,
        });
        Ok(LoadOptions {
            device: match self.device {
                DeviceArg::Auto => Device::Auto,
                DeviceArg::Gpu => Device::Gpu,
                DeviceArg::Cpu => Device::Cpu,
            },
            precision: match self.precision {
                PrecisionArg::Auto => Precision::Auto,
                PrecisionArg::F32 => Precision::F32,
            },
            kv,
            context: self.context,
            quantize: self.quantize,
            max_binding: self.max_binding,
            threads: Some(Rc::new(OwnThreads::beside(
                self.threads.map_or_else(threads, usize::from) - 1,
            ))),
            ..LoadOptions::default()
        })
    }
}

/// Half of the processors, since two of them often are one core; two of two.
fn threads() -> usize {
    let there = available_parallelism().map_or(1, Into::into);
    (there / 2).clamp(there.min(2), 8)
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// A .gguf file, the first of split GGUF files, a .safetensors file or a folder with config.json [default: Seedling,
    /// a very small model inside this program that tells short stories and answers questions about nomoat]
    pub(crate) model: Option<PathBuf>,
    /// The prompt; without it, standard input if that is not a terminal
    #[arg(short, long, allow_hyphen_values = true)]
    pub(crate) prompt: Option<String>,
    /// At most this many new tokens [default: as many as the context holds]
    #[arg(short = 'n', value_name = "N")]
    pub(crate) max_tokens: Option<usize>,
    /// Temperature; 0 takes the most likely token
    #[arg(long, value_name = "T", value_parser = temperature)]
    pub(crate) temp: Option<f32>,
    /// Keep this many most likely tokens; 0 keeps all
    #[arg(long, value_name = "K")]
    pub(crate) top_k: Option<usize>,
    /// Keep the most likely tokens up to this share of probability
    #[arg(long, value_name = "P", value_parser = share)]
    pub(crate) top_p: Option<f32>,
    /// Keep tokens at least this likely relative to the most likely
    #[arg(long, value_name = "P", value_parser = share)]
    pub(crate) min_p: Option<f32>,
    /// Same seed, same text [default: the time]
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// Continue the prompt as it is, without the chat template
    #[arg(long)]
    pub(crate) raw: bool,
    /// The prompt format: its name, or a file with a chat template in Jinja [default: that of the model's files, else the
    /// one that they ask for]
    #[arg(long, value_name = "NAME", conflicts_with = "raw")]
    pub(crate) template: Option<String>,
    /// Measure first which kernels are the fastest on this GPU with the model's block format, and keep that for later runs
    #[arg(long)]
    pub(crate) tune: bool,
    #[command(flatten)]
    pub(crate) load: Load,
}

impl Run {
    /// The model's own defaults with what the user asked for put over them.
    pub(crate) fn sampling(&self, defaults: Sampling) -> Sampling {
        Sampling {
            temperature: self.temp.unwrap_or(defaults.temperature),
            top_k: self.top_k.unwrap_or(defaults.top_k),
            top_p: self.top_p.unwrap_or(defaults.top_p),
            min_p: self.min_p.unwrap_or(defaults.min_p),
            ..defaults
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Logits {
    /// A .gguf file, the first of split GGUF files, a .safetensors file or a folder with config.json
    pub(crate) model: PathBuf,
    /// Token ids, taken as they are
    #[arg(long, value_delimiter = ',', required = true, value_name = "IDS")]
    pub(crate) tokens: Vec<u32>,
    /// Ids for the decoder of an encoder-decoder model
    #[arg(long, value_delimiter = ',', value_name = "IDS")]
    pub(crate) decoder_tokens: Vec<u32>,
    /// A row for each position, not only the last
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) load: Load,
}

#[derive(Debug, Args)]
pub(crate) struct Greedy {
    /// A .gguf file, the first of split GGUF files, a .safetensors file or a folder with config.json
    pub(crate) model: PathBuf,
    /// Token ids, taken as they are
    #[arg(long, value_delimiter = ',', required = true, value_name = "IDS")]
    pub(crate) tokens: Vec<u32>,
    /// At most this many new tokens
    #[arg(short = 'n', value_name = "N", default_value_t = 24)]
    pub(crate) max_tokens: usize,
    /// Ids for the decoder of an encoder-decoder model
    #[arg(long, value_delimiter = ',', value_name = "IDS")]
    pub(crate) decoder_tokens: Vec<u32>,
    /// Go on after an end-of-sequence id
    #[arg(long)]
    pub(crate) ignore_eos: bool,
    #[command(flatten)]
    pub(crate) load: Load,
}

#[derive(Debug, Args)]
pub(crate) struct Tokenize {
    /// A model with a tokenizer, as for the other commands
    pub(crate) model: PathBuf,
    /// Add the special tokens that the tokenizer puts round a text; with --decode, keep special tokens
    #[arg(long)]
    pub(crate) special: bool,
    /// Read ids (a JSON array, or numbers with commas or spaces between) and print their text
    #[arg(long)]
    pub(crate) decode: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Template {
    /// A model with a chat template, as for the other commands
    pub(crate) model: PathBuf,
    /// A JSON array of {"role", "content"}; without it, standard input, or else one short greeting
    #[arg(long, value_name = "FILE.json")]
    pub(crate) messages: Option<PathBuf>,
    /// The prompt format: its name, or a file with a chat template in Jinja
    #[arg(long, value_name = "NAME")]
    pub(crate) template: Option<String>,
    /// Do not open the assistant's turn
    #[arg(long)]
    pub(crate) no_generation_prompt: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Embed {
    /// An embedding model, as for the other commands
    pub(crate) model: PathBuf,
    /// Token ids, taken as they are
    #[arg(long, value_delimiter = ',', value_name = "IDS")]
    pub(crate) tokens: Vec<u32>,
    /// Texts, whose rows come behind that of the ids; needed where there are none
    #[arg(required_unless_present = "tokens")]
    pub(crate) text: Vec<String>,
    #[command(flatten)]
    pub(crate) load: Load,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// A .gguf file, the first of split GGUF files, a .safetensors file or a folder with config.json
    pub(crate) model: PathBuf,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The context length to count memory for [default: the model's own, at most 4096]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) context: Option<usize>,
    /// The largest GPU binding to count with
    #[arg(long, value_name = "BYTES", hide = true)]
    pub(crate) max_binding: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Quantize {
    /// A model as GGUF or safetensors
    pub(crate) input: PathBuf,
    /// The GGUF file to write
    pub(crate) output: PathBuf,
    /// The block format of the matrices, for example f16, q8_0 or q4_0
    #[arg(long = "type", value_name = "TYPE", value_parser = block_format)]
    pub(crate) format: &'static Format,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Models to time; without any, every operator is timed
    pub(crate) models: Vec<PathBuf>,
    /// Time this operator only
    #[arg(long, value_name = "NAME", value_parser = operator)]
    pub(crate) op: Option<&'static str>,
    /// Lengths of the prompts that are read, where the context has room for them
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = positive, default_value = "16,512,2048")]
    pub(crate) prompts: Vec<usize>,
    /// What each kernel takes, by the GPU's clock
    #[arg(long)]
    pub(crate) kernels: bool,
    /// Compare what two runs wrote with --json
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"], conflicts_with_all = ["models", "op", "json", "kernels"])]
    pub(crate) compare: Vec<PathBuf>,
    /// A JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) load: Load,
}

fn operator(text: &str) -> std::result::Result<&'static str, String> {
    dev::operators()
        .find(|name| *name == text)
        .ok_or_else(|| format!("one of {}", dev::operators().collect::<Vec<_>>().join(", ")))
}

fn positive(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1".into()),
        Ok(n) => Ok(n),
        Err(e) => Err(e.to_string()),
    }
}

fn temperature(text: &str) -> std::result::Result<f32, String> {
    match text.parse::<f32>() {
        Ok(t) if t.is_finite() && t >= 0.0 => Ok(t),
        _ => Err("a number of at least 0".into()),
    }
}

fn share(text: &str) -> std::result::Result<f32, String> {
    match text.parse::<f32>() {
        Ok(p) if (0.0..=1.0).contains(&p) => Ok(p),
        _ => Err("a number from 0 to 1".into()),
    }
}

fn block_format(text: &str) -> std::result::Result<&'static Format, String> {
    quant::to_write(text).ok_or_else(|| format!("one of {}", quant::written().to_lowercase()))
}
