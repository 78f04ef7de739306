//! Threads of the operating system that multiply beside the one that runs a model.

use super::crew::{Helpers, KEPT, Threads};
use crate::{
    cpu::part::Part,
    error::{Error, Result},
    format::source::Pending,
};
use std::{
    rc::Rc,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

/// Terms of a product that takes about 100 µs, while to ask another thread takes 20.
const WORTH: u64 = 2_000_000;
/// Values of a model of which a token takes about a millisecond.
const LEAST: u64 = 32_000_000;

/// So many threads beside the one that asks.
#[derive(Debug, Clone, Copy)]
pub struct OwnThreads {
    /// How many.
    pub count: usize,
    /// A product of so many terms is worth sharing.
    pub worth: u64,
    /// A model whose matrices have so many values is.
    pub least: u64,
    /// Bytes of weights of which this thread keeps all rows.
    pub kept: u64,
}

impl OwnThreads {
    /// So many; of none there is nothing to share with.
    pub fn beside(count: usize) -> Self {
        Self {
            count,
            worth: WORTH,
            least: LEAST,
            kept: KEPT,
        }
    }
}

impl Threads for OwnThreads {
    fn worth(&self) -> u64 {
        self.worth
    }

    fn least(&self) -> u64 {
        self.least
    }

    fn kept(&self) -> u64 {
        self.kept
    }

    fn begin(&self, exact: bool) -> Pending<'static, Option<Rc<dyn Helpers>>> {
        let count = self.count;
        Box::pin(async move {
            if count == 0 {
                return Ok(None);
            }
            let begun: Vec<_> = (0..count).map_while(|_| begin(exact)).collect();
            Ok((begun.len() == count).then(|| Rc::new(Begun(begun)) as Rc<dyn Helpers>))
        })
    }
}

/// What a thread is told.
enum Order {
    Reserve(String, usize, usize),
    Fill(usize, usize, Vec<u8>),
    Multiply(Vec<u32>, Vec<f32>, Sender<Result<Vec<f32>>>),
}

/// Where each is told; they end when nobody can tell them anything.
struct Begun(Vec<Sender<Order>>);

fn begin(exact: bool) -> Option<Sender<Order>> {
    let (tell, told) = channel();
    let named = thread::Builder::new().name("nomoat".into());
    named.spawn(move || obey(&told, exact)).ok().map(|_| tell)
}

fn obey(told: &Receiver<Order>, exact: bool) {
    let (mut part, mut failed) = (Part::new(exact), None);
    for order in told {
        let done = match order {
            Order::Reserve(format, rows, width) => part.reserve(&format, rows, width),
            Order::Fill(weight, first, bytes) => part.fill(weight, first, &bytes),
            Order::Multiply(weights, x, answer) => {
                let values = failed.take().map_or_else(|| part.multiply(&weights, &x), Err);
                // Whoever asked may have ended.
                drop(answer.send(values));
                Ok(())
            }
        };
        failed = failed.or(done.err());
    }
}

impl Begun {
    fn tell(&self, helper: usize, order: Order) {
        // One that ended is noticed when it is asked.
        drop(self.0[helper].send(order));
    }
}

impl Helpers for Begun {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn reserve(&self, helper: usize, format: &str, rows: usize, width: usize) {
        self.tell(helper, Order::Reserve(format.into(), rows, width));
    }

    fn fill(&self, helper: usize, weight: usize, first: usize, bytes: &[u8]) {
        self.tell(helper, Order::Fill(weight, first, bytes.to_vec()));
    }

    fn multiply(&self, helper: usize, weights: &[u32], x: &[f32]) -> Pending<'static, Vec<f32>> {
        let (answer, answered) = channel();
        self.tell(helper, Order::Multiply(weights.to_vec(), x.to_vec(), answer));
        Box::pin(async move {
            let gone = |_| Error::internal("a thread ended");
            answered.recv().map_err(gone)?
        })
    }
}
