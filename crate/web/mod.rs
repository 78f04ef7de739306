//! The module in the page: JavaScript sees these classes; wasm32 only.
#![allow(
    unreachable_pub,
    reason = "what is exported to JavaScript must be `pub`, and nothing in Rust reaches it"
)]

mod adapter;
mod blob;
mod crew;
mod hash;
mod host;
mod json;
mod relaxed;
mod remote;
#[cfg(all(debug_assertions, feature = "gpu"))]
mod trial;
mod wire;

use crate::{
    engine::{self, Event, Generation, Progress},
    error::{Error, Result},
    format::{
        self,
        source::{ByteSource, Folder, Pending},
    },
};
use host::Host;
use js_sys::{Array, Float32Array, Function, Object, Reflect};
use remote::Extent;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

/// Gives `hear` the text of a panic, which ends this instance: every later call of it is undefined, so throw it away.
#[wasm_bindgen(js_name = onPanic)]
pub fn on_panic(hear: Function) {
    host::tell_panics(hear);
}

/// Bytes of WebAssembly memory, which only ever grows.
#[wasm_bindgen(js_name = heapBytes)]
pub fn heap_bytes() -> f64 {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    let buffer: js_sys::ArrayBuffer = memory.buffer().unchecked_into();
    f64::from(buffer.byte_length())
}

/// Tells the GPU room what only JavaScript can read of the adapter, as JSON; call it before the first load.
#[wasm_bindgen(js_name = setAdapter)]
pub fn set_adapter(identity: &str) -> Result<()> {
    adapter::set(identity)
}

/// A loaded model. One call at a time: the page queues them.
#[wasm_bindgen]
pub struct Model {
    model: engine::Model,
    generation: Option<Generation>,
}

#[wasm_bindgen]
impl Model {
    /// Loads from an address (a string), or from an array of `{ name, blob }`. `options` is JSON (`protocol.js`).
    pub async fn load(source: JsValue, options: String, host: Host) -> Result<Model> {
        relaxed::take();
        let host = Rc::new(host);
        load(&source, &options, &host).await
    }

    /// Brings it onto a device anew after the one that it was on was lost; with what it was loaded with.
    pub async fn revive(&mut self, source: JsValue, options: String, host: Host) -> Result<()> {
        let host = Rc::new(host);
        let options = options_of(&options, &host)?;
        let mut progress = |at: Progress| host.heard(at);
        let (folder, entry) = folder(&source, Extent::All, &host)?;
        self.model.revive(&*folder, &entry, &options, &mut progress).await
    }

    /// What is known of it, as JSON.
    pub fn info(&self) -> String {
        json::info(self.model.info(), heap_bytes())
    }

    /// One thing more that a long prompt would wait for; whether there was one. For when nobody waits.
    pub async fn warm(&mut self) -> Result<bool> {
        self.model.warm().await
    }

    /// Measures one more form of kernels on the GPU; whether there are more. For when nobody waits.
    pub async fn tune(&mut self) -> Result<bool> {
        self.model.tune().await
    }

    /// Keeps it from being measured again, since that failed.
    #[wasm_bindgen(js_name = leaveUntuned)]
    pub fn leave_untuned(&mut self) {
        self.model.leave_untuned();
    }

    /// What was found of the GPU, for the option `verdicts` of another load.
    pub fn verdicts(&self) -> Option<String> {
        self.model.verdicts()
    }

    /// Figures of the last request, as JSON.
    pub fn stats(&self) -> String {
        json::stats(&self.model.stats())
    }

    /// Begins to generate after `prompt`. `request` is JSON (`protocol.js`).
    pub fn begin(&mut self, prompt: &[u32], request: &str) -> Result<()> {
        self.generation = None;
        let request = json::request(request, self.model.sampling())?;
        self.generation = Some(self.model.begin(prompt, request)?);
        Ok(())
    }

    /// Goes one step and says what happened: `{ type: "prefill" | "token" | "end", … }`.
    pub async fn next(&mut self) -> Result<Object> {
        let Some(generation) = &mut self.generation else {
            return Err(Error::internal("next without begin"));
        };
        let event = self.model.next(generation).await?;
        let object = Object::new();
        // setting a property of an object made here cannot fail
        let set = |key: &str, value: JsValue| drop(Reflect::set(&object, &JsValue::from_str(key), &value));
        match event {
            Event::Prefill { done, total } => {
                set("type", "prefill".into());
                set("done", done.into());
                set("total", total.into());
            }
            Event::Token { id, text } => {
                set("type", "token".into());
                set("id", id.into());
                set("text", text.into());
            }
            Event::End { reason, text } => {
                set("type", "end".into());
                set("reason", reason.name().into());
                set("text", text.into());
            }
        }
        Ok(object)
    }

    /// Ends the generation early.
    pub fn stop(&mut self) {
        if let Some(generation) = &mut self.generation {
            self.model.stop(generation);
        }
    }

    /// Logits after `ids`, or of a decoder's ids: an array of `Float32Array`, of the last position or of all.
    pub async fn logits(&mut self, ids: Vec<u32>, decoder: Vec<u32>, all: bool) -> Result<Array> {
        self.generation = None;
        let rows = self.model.logits_from(&ids, &decoder, all).await?;
        Ok(rows.iter().map(|row| Float32Array::from(row.as_slice())).collect())
    }

    /// The embedding of a text of these ids.
    pub async fn embed(&mut self, ids: Vec<u32>) -> Result<Vec<f32>> {
        self.generation = None;
        self.model.embed(&ids).await
    }

    /// Ids of a text; with `special`, the tokens that the tokenizer puts round it are added.
    pub fn encode(&self, text: &str, special: bool) -> Result<Vec<u32>> {
        let tokenizer = self.model.tokenizer()?;
        tokenizer.encode(text, special)
    }

    /// Ids of a text to go on from, or for an encoder to read.
    #[wasm_bindgen(js_name = encodePrompt)]
    pub fn encode_prompt(&self, text: &str) -> Result<Vec<u32>> {
        self.model.prompt(text)
    }

    /// Text of ids; with `skip`, without special tokens.
    pub fn decode(&self, ids: &[u32], skip: bool) -> Result<String> {
        let tokenizer = self.model.tokenizer()?;
        tokenizer.decode(ids, skip)
    }

    /// The prompt that the model's chat template makes of `messages` (JSON). `now`: seconds since 1970, local time, for
    /// templates that write the date.
    pub fn template(&mut self, messages: &str, generation_prompt: bool, now: u32) -> Result<String> {
        let messages = json::messages(messages)?;
        self.model.set_date(now.into());
        self.model.chat_template()?.render(&messages, generation_prompt)
    }

    /// The ids of a conversation, up to where the assistant writes; as [`Self::template`].
    pub fn conversation(&mut self, messages: &str, now: u32) -> Result<Vec<u32>> {
        let messages = json::messages(messages)?;
        self.model.set_date(now.into());
        self.model.conversation(&messages)
    }
}

/// How the model at `source` (as [`Model::load`] takes it) would fit, from its headers alone. `options` and the answer
/// are JSON (`protocol.js`).
#[wasm_bindgen]
pub async fn fit(source: JsValue, options: String, host: Host) -> Result<String> {
    let (against, quantize) = json::against(&options)?;
    let (folder, entry) = folder(&source, Extent::Header, &Rc::new(host))?;
    let headers = Headers {
        folder,
        entry: entry.clone(),
    };
    let mut checkpoint = format::open(&headers, &entry).await?;
    checkpoint.quantize = quantize;
    json::fit(&engine::fit::fit(&checkpoint, &against))
}

/// A folder without its vocabularies, which may be large and say nothing of what a model takes.
struct Headers {
    folder: Box<dyn Folder>,
    /// The file that was asked for, whatever it is called.
    entry: String,
}

impl Folder for Headers {
    fn name(&self) -> &str {
        self.folder.name()
    }

    fn open<'a>(&'a self, name: &'a str) -> Pending<'a, Option<Rc<dyn ByteSource>>> {
        if format::is_vocabulary(name) && name != self.entry {
            return Box::pin(std::future::ready(Ok(None)));
        }
        self.folder.open(name)
    }
}

/// Where the model lies, and which of the files there it is.
fn folder(source: &JsValue, extent: Extent, host: &Rc<Host>) -> Result<(Box<dyn Folder>, String)> {
    Ok(match source.as_string() {
        Some(address) => {
            let (folder, entry) = remote::UrlFolder::new(&address, extent, host)?;
            (Box::new(folder), entry)
        }
        None => {
            let (folder, entry) = blob::FilesFolder::new(source)?;
            (Box::new(folder), entry)
        }
    })
}

fn options_of(json: &str, host: &Rc<Host>) -> Result<engine::LoadOptions> {
    Ok(engine::LoadOptions {
        threads: Some(Rc::new(crew::Pages(host.clone()))),
        ..json::load_options(json)?
    })
}

async fn load(source: &JsValue, options: &str, host: &Rc<Host>) -> Result<Model> {
    let options = options_of(options, host)?;
    let mut progress = |at: Progress| host.heard(at);
    let (folder, entry) = folder(source, Extent::All, host)?;
    let model = engine::Model::load(&*folder, &entry, &options, now, &mut progress).await?;
    model.notes().iter().for_each(|note| host.warn("bad-file", note));
    Ok(Model {
        model,
        generation: None,
    })
}

/// What JavaScript catches: an `Error` with the stable `code`.
impl From<Error> for JsValue {
    fn from(error: Error) -> Self {
        let object = js_sys::Error::new(&error.to_string());
        // setting a property of an object made here cannot fail
        let _ = Reflect::set(&object, &"code".into(), &error.code().into());
        object.into()
    }
}

impl Host {
    /// Tells how far loading is; `false` asks to stop.
    fn heard(&self, at: Progress) -> bool {
        self.progress(at.phase.name(), float(at.done), float(at.total))
    }
}

/// JavaScript counts bytes in floats, exact to 2^53.
#[allow(clippy::cast_precision_loss, reason = "sizes of files are far below 2^53")]
fn float(bytes: u64) -> f64 {
    bytes as f64
}
