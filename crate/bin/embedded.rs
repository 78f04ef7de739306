//! Seedling, the model that is inside this program: what `run` takes when none is named.

use nomoat::{
    Result,
    format::source::{ByteSource, Bytes, Folder, Pending},
};
use std::rc::Rc;

/// Its name as an entry of [`Embedded`], and in messages.
pub(crate) const NAME: &str = "seedling.gguf";

static FILE: &[u8] = include_bytes!("../../seedling/seedling.gguf");

/// A folder with that file only.
pub(crate) struct Embedded;

impl Folder for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn open<'a>(&'a self, name: &'a str) -> Pending<'a, Option<Rc<dyn ByteSource>>> {
        let file = (name == NAME).then(|| Rc::new(Bytes::new(NAME, FILE.to_vec())) as Rc<dyn ByteSource>);
        Box::pin(std::future::ready(Result::Ok(file)))
    }
}
