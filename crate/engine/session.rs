//! A loaded model and its one cache: requests go in, events come out, one at a time.

use super::{
    Clock, Info, LoadOptions, OnProgress, Phase, Stats,
    decode::Together,
    device::{BUCKETS, Key, Output, Runner, Want},
    load,
    pace::Pace,
    pooling::Pooling,
    request::{Finish, Request},
    stats::{Counts, Created, Watch},
};
#[cfg(feature = "text")]
use crate::text::{
    chat::{Message, Template},
    sample::Sampling,
    stop::StopMatcher,
    stream::Stream,
    tokenizer::{Tokenizer, ends},
};
use crate::{
    error::{Error, Result},
    format::{self, source::Folder},
    model::{self, Head, Kind, Network},
};
use std::collections::VecDeque;

/// Bytes of logits that come back at once.
const LOGITS: usize = 16 << 20;

/// What one call of [`Model::next`] did.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A part of the prompt was read.
    Prefill {
        /// Prompt tokens in the cache.
        done: usize,
        /// Prompt tokens in all.
        total: usize,
    },
    /// A token was made. `text` is what it completes: empty while a character or a possible stop string is open.
    Token {
        /// Its id.
        id: u32,
        /// New text.
        text: String,
    },
    /// The generation is over.
    End {
        /// Why.
        reason: Finish,
        /// Text that was held back and is now known to belong to the answer.
        text: String,
    },
}

/// A generation under way. Belongs to the model that began it; a newer one takes its place.
pub struct Generation {
    number: u64,
    /// What an encoder reads before; nothing where there is none.
    source: Vec<u32>,
    pub(super) prompt: Vec<u32>,
    pub(super) answer: Vec<u32>,
    /// Tokens that were made together with the last one given out, the next first.
    pub(super) ahead: VecDeque<u32>,
    pub(super) request: Request,
    end: Option<Finish>,
    #[cfg(feature = "text")]
    text: Option<(Stream, StopMatcher)>,
}

/// A loaded model.
pub struct Model {
    pub(super) info: Info,
    pub(super) network: Network,
    pub(super) runner: Runner,
    /// How an encoder's rows become an embedding.
    pub(super) pooling: Option<Pooling>,
    pub(super) clock: Clock,
    pub(super) capacity: usize,
    /// Tokens of a prompt that are read at once.
    pub(super) pace: Pace,
    /// Tokens that a submission makes: so many, or as many as its time allows.
    pub(super) together: Together,
    /// Ids whose keys and values are in the cache.
    pub(super) cached: Vec<u32>,
    /// What the encoder beside a decoder read last.
    pub(super) encoded: Vec<u32>,
    /// Number of the newest generation.
    newest: u64,
    pub(super) watch: Watch,
    /// What is known of the adapter.
    pub(super) known: Option<load::Known>,
    #[cfg(feature = "gpu")]
    pub(super) tuner: Option<super::tuner::Tuner>,
    #[cfg(feature = "text")]
    pub(super) text: Text,
}

/// What the model's files say of text.
#[cfg(feature = "text")]
pub(super) struct Text {
    tokenizer: Option<Tokenizer>,
    template: Option<Template>,
    sampling: Sampling,
    /// What the files say and is not used.
    notes: Vec<String>,
    /// Ids that end a generation.
    pub(super) eos: Vec<u32>,
}

impl Model {
    /// Loads the model called `entry` in `folder` (see [`crate::format::open`]).
    ///
    /// # Errors
    /// Whatever reading, the device or the family says; [`Error::Aborted`] if `progress` answered `false`.
    pub async fn load(
        folder: &dyn Folder,
        entry: &str,
        options: &LoadOptions,
        clock: Clock,
        mut progress: OnProgress<'_>,
    ) -> Result<Self> {
        load::tell(&mut progress, Phase::Open, 0, 0)?;
        let mut checkpoint = format::open(folder, entry).await?;
        checkpoint.quantize = options.quantize;
        let network = model::open(&checkpoint)?;
        let pooling = match network.hyper.kind {
            Kind::Encoder => Some(Pooling::read(folder, &checkpoint).await?),
            _ => None,
        };
        #[cfg(feature = "text")]
        let tokenizer = Tokenizer::open(&checkpoint)?;
        #[cfg(feature = "text")]
        let template = Template::choose(&checkpoint, tokenizer.as_ref(), options.template.as_deref())?;
        #[cfg(feature = "text")]
        let (sampling, notes) = Sampling::from_generation_config(&checkpoint)?;
        #[cfg(feature = "text")]
        let text = Text {
            eos: match (&tokenizer, &template) {
                (Some(tokenizer), Some(template)) => {
                    let told = tokenizer.eos().iter().copied();
                    told.chain(template.ends(tokenizer)).collect()
                }
                (Some(tokenizer), None) => tokenizer.eos().to_vec(),
                (None, _) => ends(&checkpoint, &|_| None)?.eos,
            },
            tokenizer,
            template,
            sampling,
            notes,
        };
        let placed = load::place(&checkpoint, &network, options, &mut progress).await?;
        #[allow(unused_mut, reason = "without text there is no template to note")]
        let mut info = load::info(&checkpoint, &network, &placed);
        #[cfg(feature = "text")]
        {
            info.template = text.template.as_ref().map(|template| template.origin().clone());
            info.chat = info.template.is_some();
        }
        load::tell(&mut progress, Phase::Ready, 0, 0)?;
        Ok(Self {
            info,
            network,
            pooling,
            clock,
            capacity: placed.capacity,
            pace: Pace::new(matches!(placed.runner, Runner::Cpu(_)), options.later),
            runner: placed.runner,
            together: Together::new(options.together),
            cached: Vec::new(),
            encoded: Vec::new(),
            newest: 0,
            watch: Watch::default(),
            known: placed.known,
            #[cfg(feature = "gpu")]
            tuner: None,
            #[cfg(feature = "text")]
            text,
        })
    }

    /// What is known of it.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Bytes of GPU buffers now: what loading made, and the steps that were prepared since.
    pub fn gpu_bytes(&self) -> u64 {
        #[cfg(feature = "gpu")]
        return self.counters().map_or(0, |c| c.bytes.get());
        #[cfg(not(feature = "gpu"))]
        return 0;
    }

    /// Objects created and writes made on the GPU so far.
    #[doc(hidden)]
    pub fn created(&self) -> Created {
        Counts::of(self.counters()).created()
    }

    /// Tokens that a GPU is making behind those that the host knows.
    #[doc(hidden)]
    pub fn flying(&self) -> usize {
        self.runner.flying()
    }

    /// Figures of the last request.
    pub fn stats(&self) -> Stats {
        self.watch.stats()
    }

    /// Its tokenizer.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the files have none: such a model takes ids only.
    #[cfg(feature = "text")]
    pub fn tokenizer(&self) -> Result<&Tokenizer> {
        self.text.tokenizer.as_ref().ok_or_else(|| Error::Invalid {
            field: "text".into(),
            expected: "token ids: this model's files have no tokenizer".into(),
            found: "text".into(),
        })
    }

    /// The ids of a text: to go on from, without a second BOS or an end, or for an encoder to read whole.
    ///
    /// # Errors
    /// As [`Model::tokenizer`] and of the tokenizer.
    #[cfg(feature = "text")]
    pub fn prompt(&self, text: &str) -> Result<Vec<u32>> {
        let tokenizer = self.tokenizer()?;
        match self.network.hyper.kind {
            Kind::Decoder => tokenizer.prompt(text),
            _ => tokenizer.encode(text, true),
        }
    }

    /// The ids of a conversation, up to where the assistant writes.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a base model, which continues a text; and what its template says.
    #[cfg(feature = "text")]
    pub fn conversation(&self, messages: &[Message]) -> Result<Vec<u32>> {
        let template = self.chat_template()?;
        template.ids(self.tokenizer()?, &template.render(messages, true)?)
    }

    /// Its chat template.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a base model, which continues a text.
    #[cfg(feature = "text")]
    pub fn chat_template(&self) -> Result<&Template> {
        self.template().ok_or_else(|| Error::Invalid {
            field: "messages".into(),
            expected: "a model with a chat template".into(),
            found: "a base model, which continues a text: use completions, or load it with the option template".into(),
        })
    }

    /// Its chat template; `None` for a base model.
    #[cfg(feature = "text")]
    pub fn template(&self) -> Option<&Template> {
        self.text.template.as_ref()
    }

    /// Sets the clock of its chat template, for templates that write the date.
    #[cfg(feature = "text")]
    pub fn set_date(&mut self, unix_seconds: u64) {
        self.text.template = self.text.template.take().map(|t| t.at(unix_seconds));
    }

    /// Sampling defaults: the model's generation_config over the contract's.
    #[cfg(feature = "text")]
    pub fn sampling(&self) -> Sampling {
        self.text.sampling.clone()
    }

    /// What its files say and is not used, for users to hear of.
    #[cfg(feature = "text")]
    pub fn notes(&self) -> &[String] {
        &self.text.notes
    }

    /// Begins to generate after `prompt`; what of it is a prefix of the cache is not computed again.
    ///
    /// # Errors
    /// [`Error::ContextFull`] if the prompt leaves no room, [`Error::Invalid`] for an empty prompt or an id outside
    /// the vocabulary, `unsupported-architecture` for a model that makes embeddings.
    pub fn begin(&mut self, prompt: &[u32], request: Request) -> Result<Generation> {
        let [source, prompt] = self.sides(prompt, &request.decoder)?;
        #[cfg(feature = "text")]
        if !request.stop.is_empty() {
            // Stop strings are found in text.
            self.tokenizer()?;
        }
        if source != self.encoded {
            self.cached.clear();
        }
        let common = self.cached.iter().zip(&prompt).take_while(|(a, b)| a == b).count();
        // The last token is always computed: its logits are what comes next.
        let mut reused = common.min(prompt.len() - 1);
        if reused < self.cached.len() && !self.network.hyper.pasts.is_empty() {
            // What a recurrent layer keeps is of all tokens so far: it cannot go back, only begin anew.
            reused = 0;
        }
        self.cached.truncate(reused);
        self.newest += 1;
        let known = if source == self.encoded { source.len() } else { 0 };
        self.watch = Watch::start((self.clock)(), source.len() + prompt.len(), known + reused);
        Ok(Generation {
            number: self.newest,
            answer: Vec::new(),
            ahead: VecDeque::new(),
            end: None,
            #[cfg(feature = "text")]
            text: self
                .text
                .tokenizer
                .as_ref()
                .map(|t| (t.stream(&prompt), StopMatcher::new(request.stop.clone()))),
            source,
            prompt,
            request,
        })
    }

    pub(super) fn check(&self, ids: &[u32]) -> Result<()> {
        let invalid = |expected: String, found: String| Error::Invalid {
            field: "tokens".into(),
            expected,
            found,
        };
        if ids.is_empty() {
            return Err(invalid("at least one id".into(), "none".into()));
        }
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.info.vocabulary) {
            return Err(invalid(format!("ids below {}", self.info.vocabulary), id.to_string()));
        }
        if ids.len() > self.capacity {
            return Err(Error::ContextFull {
                tokens: ids.len(),
                context: self.capacity,
            });
        }
        Ok(())
    }

    /// Goes one step: a chunk of the prompt, or one token. After [`Event::End`] it keeps answering the same.
    ///
    /// # Errors
    /// [`Error::Gpu`], after which the generation can go on: see [`Model::revive`]. Others end it: [`Error::NotFinite`] if the
    /// logits are not numbers.
    pub async fn next(&mut self, generation: &mut Generation) -> Result<Event> {
        if generation.number != self.newest {
            generation.end = Some(Finish::Abort);
        }
        if generation.end.is_none() {
            if generation.answer.len() >= generation.request.max_tokens {
                generation.end = Some(Finish::Length);
            } else if generation.ahead.is_empty() && self.cached.len() >= self.capacity {
                generation.end = Some(Finish::Context);
            }
        }
        if let Some(reason) = generation.end {
            return Ok(Event::End {
                reason,
                text: self.rest(generation, reason)?,
            });
        }
        let id = match self.advance(generation).await {
            Ok(Ok(id)) => id,
            Ok(Err(prefill)) => return Ok(prefill),
            Err(error) => {
                // What the cache holds is not known any more.
                self.cached.clear();
                self.encoded.clear();
                if !matches!(error, Error::Gpu { .. }) {
                    generation.end = Some(Finish::Abort);
                }
                return Err(error);
            }
        };
        if !generation.request.ignore_eos && self.is_eos(id) {
            generation.end = Some(Finish::Stop);
            return Ok(Event::End {
                reason: Finish::Stop,
                text: self.rest(generation, Finish::Stop)?,
            });
        }
        generation.answer.push(id);
        let counts = Counts::of(self.counters());
        let (ahead, flying) = (generation.ahead.len(), self.runner.flying());
        self.watch.token((self.clock)(), counts, ahead, flying);
        let text = self.show(generation, id)?;
        Ok(Event::Token { id, text })
    }

    /// One chunk of the prompt, whose event is the inner error; or what is left of it, and the next token.
    async fn advance(&mut self, generation: &mut Generation) -> Result<std::result::Result<u32, Event>> {
        if let Some(id) = generation.ahead.pop_front() {
            return Ok(Ok(id));
        }
        if generation.source != self.encoded {
            self.read(&generation.source).await?;
            let total = generation.source.len();
            return Ok(Err(Event::Prefill { done: total, total }));
        }
        // After a lost device the answer so far is read like a prompt.
        let (done, total) = (self.cached.len(), generation.prompt.len() + generation.answer.len());
        self.ready_for(total - done).await?;
        let part = self.pace.part(total - done);
        if part > 0 {
            let so_far = generation.prompt.iter().chain(&generation.answer);
            let chunk: Vec<u32> = so_far.skip(done).take(part).copied().collect();
            let (begun, length) = ((self.clock)(), chunk.len());
            self.step(&chunk, Head::None, Want::Nothing).await?;
            self.pace.took((self.clock)() - begun, length);
            let done = done + length;
            return Ok(Err(Event::Prefill { done, total }));
        }
        self.choose(generation).await.map(Ok)
    }

    #[cfg(not(feature = "gpu"))]
    #[allow(clippy::unused_async, reason = "as on a GPU")]
    async fn ready_for(&mut self, _: usize) -> Result<()> {
        Ok(())
    }

    /// Runs `tokens` behind the cache, which then holds them.
    pub(super) async fn step(&mut self, tokens: &[u32], head: Head, want: Want) -> Result<Output> {
        if tokens.is_empty() {
            return Err(Error::internal("a step of no tokens"));
        }
        let key = Key::new(tokens.len(), head);
        #[cfg(feature = "gpu")]
        let key = match &self.runner {
            Runner::Gpu(gpu) if self.pace.many == super::pace::Many::Used => gpu.behind(key, self.cached.len()),
            _ => key,
        };
        self.runner.prepare(&self.network, key).await?;
        // Until the step is known to have run, nothing is known of the cache; a past must not take the same step twice.
        let mut cached = std::mem::take(&mut self.cached);
        let begun = (self.clock)();
        let output = self.runner.run(key, cached.len(), tokens, want).await?;
        if let (Runner::Cpu(cpu), 1) = (&mut self.runner, tokens.len()) {
            cpu.took((self.clock)() - begun);
        }
        cached.extend_from_slice(tokens);
        self.cached = cached;
        Ok(output)
    }

    #[cfg(feature = "text")]
    fn is_eos(&self, id: u32) -> bool {
        self.text.eos.contains(&id)
    }

    #[cfg(not(feature = "text"))]
    fn is_eos(&self, _: u32) -> bool {
        false
    }

    /// The text that a token completes; a stop string ends the generation.
    #[cfg(feature = "text")]
    fn show(&self, generation: &mut Generation, id: u32) -> Result<String> {
        let (Some((stream, stops)), Some(tokenizer)) = (&mut generation.text, &self.text.tokenizer) else {
            return Ok(String::new());
        };
        let (text, stopped) = stops.push(&stream.push(tokenizer, id)?);
        if stopped {
            generation.end = Some(Finish::Stop);
            generation.text = None;
        }
        Ok(text)
    }

    #[cfg(not(feature = "text"))]
    fn show(&self, _: &mut Generation, _: u32) -> Result<String> {
        Ok(String::new())
    }

    /// What was held back, given out once.
    #[cfg(feature = "text")]
    fn rest(&self, generation: &mut Generation, reason: Finish) -> Result<String> {
        let (Some((mut stream, mut stops)), Some(tokenizer)) = (generation.text.take(), &self.text.tokenizer) else {
            return Ok(String::new());
        };
        if reason == Finish::Abort {
            return Ok(String::new());
        }
        let (mut text, stopped) = stops.push(&stream.finish(tokenizer)?);
        if !stopped {
            text.push_str(&stops.finish());
        }
        Ok(text)
    }

    #[cfg(not(feature = "text"))]
    fn rest(&self, _: &mut Generation, _: Finish) -> Result<String> {
        Ok(String::new())
    }

    /// Ends a generation early: what is held back is dropped. The cache holds what was fed.
    pub fn stop(&mut self, generation: &mut Generation) {
        if generation.end.is_none() {
            generation.end = Some(Finish::Abort);
        }
    }

    /// Logits after `ids`: of the last position, or with `all` a row for each. `ids` are taken as they are, and the
    /// cache is not reused.
    ///
    /// # Errors
    /// `unsupported-architecture` for a model that makes embeddings; as [`Model::begin`] and [`Model::next`].
    pub async fn logits(&mut self, ids: &[u32], all: bool) -> Result<Vec<Vec<f32>>> {
        self.logits_from(ids, &[], all).await
    }

    /// The same of an encoder-decoder model, whose encoder reads `ids`: positions are those of `decoder`.
    ///
    /// # Errors
    /// As [`Model::logits`]; [`Error::Invalid`] for ids for the decoder of another model.
    pub async fn logits_from(&mut self, ids: &[u32], decoder: &[u32], all: bool) -> Result<Vec<Vec<f32>>> {
        let [source, ids] = self.sides(ids, decoder)?;
        self.cached.clear();
        self.newest += 1;
        if !source.is_empty() {
            self.read(&source).await?;
        }
        // Whoever wants logits is not waiting for a first word.
        self.ready_for(usize::MAX).await?;
        let most = if all { self.most_rows() } else { self.pace.steady() };
        let mut rows = Vec::new();
        let chunks = ids.chunks(most).count();
        for (i, chunk) in ids.chunks(most).enumerate() {
            let (head, want) = match (all, i + 1 == chunks) {
                (true, _) => (Head::All, Want::Logits),
                (false, true) => (Head::Last, Want::Logits),
                (false, false) => (Head::None, Want::Nothing),
            };
            if let Output::Logits(values) = self.step(chunk, head, want).await? {
                finite(&values)?;
                rows.extend(values.chunks_exact(self.info.vocabulary).map(<[f32]>::to_vec));
            }
        }
        Ok(rows)
    }

    /// The longest step whose logits, a row for each token, are no more than is brought back at once.
    fn most_rows(&self) -> usize {
        let fits = |b: &usize| *b <= self.pace.steady() && 4 * b * self.info.vocabulary <= LOGITS;
        BUCKETS.into_iter().rev().find(fits).unwrap_or(1)
    }

    /// Bytes of all weights in the file.
    pub(super) fn file_bytes(&self) -> u64 {
        self.network.weights.iter().map(|w| w.bytes()).sum()
    }

    /// Records a step of one token, to be looked at.
    pub(super) fn record(&self, head: Head) -> Result<crate::op::Graph> {
        let mut graph = crate::op::Graph::new(1, self.capacity, crate::tensor::Kv::F32);
        (self.network.forward)(&mut graph, head)?;
        Ok(graph)
    }

    #[cfg(feature = "gpu")]
    pub(super) fn counters(&self) -> Option<&crate::gpu::Counters> {
        match &self.runner {
            Runner::Gpu(gpu) => Some(gpu.gpu.counters()),
            Runner::Cpu(_) => None,
        }
    }

    #[cfg(not(feature = "gpu"))]
    pub(super) fn counters(&self) -> Option<&super::stats::NoCounters> {
        None
    }
}

/// An error unless all are finite numbers.
pub(super) fn finite(logits: &[f32]) -> Result<()> {
    if logits.iter().all(|v| v.is_finite()) {
        Ok(())
    } else {
        Err(Error::NotFinite { place: "logits".into() })
    }
}
