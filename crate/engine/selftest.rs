//! Known answers before an adapter is trusted: a layer of a small llama with its head, in each block format that a model has, and
//! what else its layers are made of, on the adapter and on the twins. Kernels that are wrong are not used: first those with
//! subgroups are given up, then the adapter.

use super::{gpu::GpuRunner, verdicts::Verdicts};
use crate::{
    error::{self, Error, Result},
    model::{Head, Kind, Network},
    op::{
        Act, Affine, Attention, Cases, Embed, Fixed, Graph, KvWrite, Node, Norm, Place, RECURRENT, Rope, Route, Sees,
        add, attention,
        case::{Case, Trial},
        choose, drawn, embed_as, gate, kv_write, last_row, matmul, matmul_of, mix, norm, of_experts, packed, plain,
        rope, route, sample, turned,
    },
    tensor::{Format, Kv},
};
use std::fmt::Write;

/// The largest error, normalised and squared. Both sides compute in f32, and the twin sums in f64; a value of the cache may be
/// rounded the other way. What is wrong is off by thousands of times as much.
const TOLERANCE: f64 = 1e-6;
/// Room, tokens, position.
type Step = (usize, usize, usize);
/// One token, a few, and many.
const STEPS: [Step; 3] = [(1, 1, 5), (8, 5, 3), MANY];
const MANY: Step = (32, 19, 0);
/// So many positions later a kernel of attention goes over the keys more than once.
const LATER: usize = 70;
const VOCABULARY: usize = 80;
const EXPERTS: usize = 3;

/// The heads of a layer, by which a kernel of attention differs from others.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    /// Query heads of a key-value head.
    per: usize,
    dim: usize,
}

impl Heads {
    const SMALL: Self = Self { per: 2, dim: 32 };
    /// Values of a key-value head's queries at most: known answers are computed while somebody waits.
    const WIDEST: usize = 1024;

    /// Such that the kernel is the one that attention with so many heads of that size takes.
    fn like(cfg: &Attention, dim: usize) -> Self {
        let group = cfg.heads / cfg.kv_heads;
        let per = (1..=group.min(8)).rev().find(|n| group.is_multiple_of(*n)).unwrap_or(1);
        if per * dim > Self::WIDEST {
            Self::SMALL
        } else {
            Self { per, dim }
        }
    }

    /// Key-value heads whose queries are whole blocks; more than one if they are small.
    fn kv(self, block: usize) -> usize {
        let width = self.per * self.dim;
        (1..=block)
            .find(|kv| (kv * width).is_multiple_of(block) && kv * width >= 128)
            .unwrap_or(1)
    }
}

/// A kernel of attention, with what it may do to scores.
#[derive(Clone, Copy)]
pub(super) struct Attends {
    /// Of two key-value heads.
    cfg: Attention,
    dim: usize,
    /// What keys and values are.
    kv: Kv,
    sinks: bool,
}

impl Attends {
    fn of(node: &Node, kv: Kv) -> Result<Self> {
        let cfg = *node.cfg::<Attention>()?;
        let dim = node.inputs[1].shape.width() / cfg.heads;
        let group = cfg.heads / cfg.kv_heads;
        // Known answers of many heads take long, and fewer of them take the same kernel.
        let group = if group > 16 { Heads::like(&cfg, dim).per } else { group };
        let cfg = Attention {
            heads: 2 * group,
            kv_heads: 2,
            layer: 0,
            window: if cfg.window > 0 { LATER - 3 } else { 0 },
            ..cfg
        };
        Ok(Self {
            cfg,
            dim,
            kv,
            sinks: node.inputs.len() > 3 && cfg.buckets.is_none(),
        })
    }

    fn name(&self) -> String {
        let (cfg, number) = (&self.cfg, self.kv.name());
        let more = [
            (cfg.window > 0, " in a window"),
            (cfg.cap > 0.0, " capped"),
            (cfg.alibi > 0.0, " less by distance"),
            (cfg.buckets.is_some(), " with buckets"),
            (self.sinks, " with sinks"),
        ];
        let more: String = more.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
        format!(
            "attention {:?} of {} x {} in {number}{more}",
            cfg.sees,
            cfg.heads / 2,
            self.dim
        )
    }

    /// In these steps; the kernels for a long context come with those for many tokens.
    fn cases(self, steps: &[Step]) -> Vec<Case> {
        let long = steps.contains(&MANY) && self.cfg.sees != Sees::Step;
        let usual = steps.iter().map(|step| self.case(*step, false));
        usual.chain(long.then(|| self.case(STEPS[0], true))).collect()
    }

    fn case(self, (bucket, tokens, pos): Step, long: bool) -> Case {
        let Self { cfg, dim, kv, sinks } = self;
        // So many that they are shared.
        let (pos, capacity) = if long {
            (300, 512)
        } else {
            (pos + LATER, pos + LATER + bucket)
        };
        let window = if long && cfg.window > 0 { 270 } else { cfg.window };
        let cfg = Attention { window, ..cfg };
        let shared = if long { ", keys shared" } else { "" };
        let name = format!("{} with {tokens} tokens{shared}", self.name());
        Case::new(name, bucket, move |c| {
            c.graph.long = long;
            c.valid(tokens);
            c.position(pos);
            c.memory.state.encoded = pos;
            c.graph.kv = kv;
            c.graph.capacity = capacity;
            c.cache(0, cfg.kv_heads, dim)?;
            let q = c.input(bucket, cfg.heads * dim);
            let biases = cfg.buckets.map_or(usize::from(sinks), |b| b.count);
            let of_heads = (biases > 0).then(|| c.vector(biases * cfg.heads));
            let y = attention(c.graph, q, of_heads, cfg)?;
            c.graph.output(y);
            Ok(())
        })
    }
}

/// What is held to known answers beside the llama.
pub(super) enum Layer {
    /// Attention over more keys than the llama's.
    Attends(Box<Attends>),
    /// The choice of a token that is not the likeliest.
    Draws,
    /// Heads with norms or biases before they are rotated.
    Turns { kv: Kv, normed: bool },
    /// Keys and values becoming codes.
    Packs,
    /// Experts in a format.
    Experts(&'static Format),
    /// An operator that keeps a past, with its known answers.
    Past(&'static str, Cases),
}

impl Layer {
    /// What verdicts call it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Attends(attends) => attends.name(),
            Self::Draws => "drawing".into(),
            Self::Turns { kv, normed } => format!(
                "heads with {} in {}",
                if *normed { "norms" } else { "biases" },
                kv.name()
            ),
            Self::Packs => "keys and values in q8".into(),
            Self::Experts(format) => format!("experts of {}", format.name),
            Self::Past(op, _) => (*op).into(),
        }
    }

    /// Whether its kernels are the same for many tokens, or are held to the known answers for those with the llama's.
    pub(super) fn is_usual(&self) -> bool {
        !matches!(self, Self::Experts(_) | Self::Past(..))
    }

    /// Whether it has other kernels for many tokens, which are tried with a format's.
    pub(super) fn waits(&self) -> bool {
        matches!(self, Self::Attends(_))
    }

    /// In these steps, where it matters.
    fn cases(&self, steps: &[Step]) -> Vec<Case> {
        let checked: Vec<Case> = match self {
            Self::Attends(attends) => return attends.cases(steps),
            Self::Experts(format) => return steps.iter().map(|step| experts(format, *step)).collect(),
            Self::Draws => drawn(7).into(),
            Self::Packs => packed(),
            Self::Turns { kv, normed } => turned(*kv, *normed).into(),
            Self::Past(_, cases) => cases().into_iter().filter(|case| case.work.is_none()).collect(),
        };
        let named = |mut case: Case| {
            case.name = format!("{} {}", self.name(), case.name);
            case
        };
        checked.into_iter().map(named).collect()
    }
}

/// Those of a network whose cache is stored so, and its heads.
pub(super) fn layers(network: &Network, kv: Kv) -> Result<(Vec<Layer>, Heads)> {
    let kind = network.hyper.kind;
    let both = [Head::Encode, kind.head()];
    let heads_of = if matches!(kind, Kind::EncoderDecoder(_)) {
        &both[..]
    } else {
        &both[1..]
    };
    let (mut found, mut heads): (Vec<Layer>, _) = (Vec::new(), None);
    let mut add = |layer: Layer| {
        if found.iter().all(|other| other.name() != layer.name()) {
            found.push(layer);
        }
    };
    for head in heads_of {
        let mut graph = Graph::new(1, 1, Kv::F32);
        (network.forward)(&mut graph, *head)?;
        for node in &graph.nodes {
            let past = |place| matches!(place, Place::Fixed(Fixed::Past(_)));
            if node.op.name == "attention" {
                let cfg = node.cfg::<Attention>()?;
                heads = heads.or(Some(Heads::like(cfg, node.inputs[1].shape.width() / cfg.heads)));
                add(Layer::Attends(Box::new(Attends::of(node, kv)?)));
            } else if node.op.name == "rope" {
                let before = |other: &&Node| other.outputs.iter().any(|tensor| node.inputs.contains(tensor));
                let before = graph.nodes.iter().find(before);
                match before.map(|other| other.op.name) {
                    Some("norm") => add(Layer::Turns { kv, normed: true }),
                    Some("add") => add(Layer::Turns { kv, normed: false }),
                    _ => {}
                }
            } else if let Some(weight) = of_experts(node) {
                add(Layer::Experts(graph.format(node.op.name, weight)?.1));
            } else if node.outputs.iter().any(|tensor| past(graph.places[tensor.id])) {
                let row = RECURRENT.iter().find(|(op, _)| op.name == node.op.name);
                let (op, cases) =
                    row.ok_or_else(|| Error::internal(format!("{} has no known answers", node.op.name)))?;
                add(Layer::Past(op.name, *cases));
            }
        }
    }
    if kv == Kv::Q8 {
        add(Layer::Packs);
    }
    if kind != Kind::Encoder {
        add(Layer::Draws);
    }
    Ok((found, heads.unwrap_or(Heads::SMALL)))
}

/// Experts in a format, each token going to all but one of them.
fn experts(format: &'static Format, (bucket, tokens, _): Step) -> Case {
    let width = format.block.max(64);
    Case::new(
        format!("experts of {} with {tokens} tokens", format.name),
        bucket,
        move |c| {
            c.valid(tokens);
            let (x, logits) = (c.input(bucket, width), c.input(bucket, EXPERTS));
            let [w0, w1, w2] = [0; 3].map(|_| c.weight_about(0.1, format, EXPERTS * width, width));
            let few = Route {
                used: EXPERTS - 1,
                ..Route::default()
            };
            let routes = route(c.graph, logits, None, few)?;
            let chosen = choose(c.graph, routes, EXPERTS)?;
            let a = matmul_of(c.graph, w0, x, chosen)?;
            let b = matmul_of(c.graph, w1, x, chosen)?;
            let h = gate(c.graph, a, (b, 0), Act::Silu)?;
            let each = matmul_of(c.graph, w2, h, chosen)?;
            let y = mix(c.graph, each, routes, None)?;
            c.graph.output(y);
            Ok(())
        },
    )
}

/// The small llama in a format, its feed-forward part so wide.
fn llama(format: &'static Format, (bucket, tokens, pos): Step, hidden: usize, heads: Heads) -> Case {
    let width = format.block.max(128);
    let hidden = hidden.max(width).next_multiple_of(format.block);
    let (head_dim, kv_heads) = (heads.dim, heads.kv(format.block));
    let heads = heads.per * kv_heads;
    Case::new(format!("{} with {tokens} tokens", format.name), bucket, move |c| {
        let ids: Vec<u32> = (0..80).step_by(7).cycle().take(tokens).collect();
        c.tokens(&ids);
        c.position(pos);
        c.graph.kv = Kv::F16;
        c.graph.capacity = pos + bucket;
        c.rope_table(40, head_dim);
        c.cache(0, kv_heads, head_dim)?;
        let rms = Norm {
            eps: 1e-5,
            centred: false,
            plus: 0.0,
            heads: 1,
        };
        let by = |heads| Rope {
            heads,
            rotated: head_dim,
            table: 0,
        };
        // Small enough that sums are about 1.
        let matrix = |c: &mut Trial<'_>, rows| c.weight_about(0.1, format, rows, width);
        #[allow(clippy::cast_precision_loss, reason = "sizes are small")]
        let less = (width as f32 / hidden as f32).sqrt();
        let look = Embed {
            scale: 1.0,
            positions: false,
        };
        let table = matrix(c, VOCABULARY);
        let x = embed_as(c.graph, table, look)?;
        let normed = |c: &mut Trial<'_>, x| {
            let affine = Affine {
                gain: Some(c.vector(width)),
                bias: None,
            };
            norm(c.graph, x, affine, rms)
        };
        let n = normed(c, x)?;
        let [wq, wk, wv] = [heads, kv_heads, kv_heads].map(|heads| matrix(c, heads * head_dim));
        let q = matmul(c.graph, wq, n)?;
        let k = matmul(c.graph, wk, n)?;
        let v = matmul(c.graph, wv, n)?;
        let q = rope(c.graph, q, by(heads))?;
        let k = rope(c.graph, k, by(kv_heads))?;
        let written = KvWrite {
            heads: kv_heads,
            layer: 0,
        };
        kv_write(c.graph, k, v, written)?;
        let seen = attention(c.graph, q, None, plain(heads, kv_heads))?;
        let out = c.weight_about(0.1, format, width, heads * head_dim);
        let y = matmul(c.graph, out, seen)?;
        let x = add(c.graph, x, y)?;
        let n = normed(c, x)?;
        let [w0, w1] = [hidden, hidden].map(|rows| matrix(c, rows));
        let w2 = c.weight_about(0.1 * less, format, width, hidden);
        let a = matmul(c.graph, w0, n)?;
        let b = matmul(c.graph, w1, n)?;
        let h = gate(c.graph, a, (b, 0), Act::Silu)?;
        let y = matmul(c.graph, w2, h)?;
        let x = add(c.graph, x, y)?;
        let x = last_row(c.graph, x)?;
        let n = normed(c, x)?;
        let logits = matmul(c.graph, table, n)?;
        c.graph.output(logits);
        sample(c.graph, logits)
    })
}

/// Holds the adapter to the known answers, and gives up kernels that do not give them; says what is known then. What `kept` says
/// was found before is taken from there. With `later`, what is new is not asked for many tokens, and new formats not said to hold.
///
/// # Errors
/// [`error::Gpu::Wrong`] if nothing is left that is right; others of the device.
pub(super) async fn run(
    runner: &mut GpuRunner,
    formats: &[&'static Format],
    (layers, heads): (&[Layer], Heads),
    kept: Option<&str>,
    later: bool,
) -> Result<Verdicts> {
    let before = runner.gpu.counters().clone();
    let caps = runner.gpu.caps();
    let mut known = Verdicts::read(kept.unwrap_or_default(), caps);
    if !known.subgroups {
        runner.forget_subgroups()?;
    }
    loop {
        let kernels = kernels(known.subgroups);
        runner.forms = known.forms();
        let new: Vec<_> = formats.iter().filter(|f| !known.holds(f)).copied().collect();
        let more: Vec<_> = layers.iter().filter(|l| !known.layers.contains(&l.name())).collect();
        // Formats that are held to them later bring the layers along.
        let few = later && !new.is_empty();
        let steps = if few { &STEPS[..2] } else { &STEPS[..] };
        let llamas = new
            .iter()
            .flat_map(|f| steps.iter().map(|step| llama(f, *step, 0, heads)));
        match wrong(runner, llamas.chain(more.iter().flat_map(|l| l.cases(steps)))).await {
            Ok(None) => {
                runner.gpu.uncount(&before);
                if !later {
                    known.note(&new);
                }
                let held = more.into_iter().filter(|layer| !few || !layer.waits());
                known.layers.extend(held.map(Layer::name));
                return Ok(known);
            }
            Ok(Some(found)) => {
                // writing to a string cannot fail
                let _ = write!(known.refused, "; not used {kernels}: {found}");
            }
            // kernels that do not compile are no better
            Err(Error::Gpu {
                kind: error::Gpu::Refused,
                cause,
                ..
            }) => {
                let _ = write!(known.refused, "; not used {kernels}: {cause}");
            }
            Err(error) => return Err(error),
        }
        if !known.subgroups {
            return Err(Error::Gpu {
                kind: error::Gpu::Wrong,
                doing: "comparing known answers".into(),
                cause: format!("{}{}", runner.gpu.caps().name, known.refused),
            });
        }
        known.give_up_subgroups();
        runner.forget_subgroups()?;
    }
}

fn kernels(subgroups: bool) -> &'static str {
    if subgroups {
        "with subgroups"
    } else {
        "without subgroups"
    }
}

/// What is known of an adapter for these formats and layers, in words.
pub(super) fn words(known: &Verdicts, formats: &[&'static Format], layers: &[String]) -> String {
    let names: Vec<&str> = formats
        .iter()
        .map(|f| f.name)
        .chain(layers.iter().map(|l| &**l))
        .collect();
    let (kernels, fastest) = (kernels(known.subgroups), known.words(formats));
    let fastest = if fastest.is_empty() {
        fastest
    } else {
        format!("; {fastest}")
    };
    format!("right {kernels} ({}){}{fastest}", names.join(", "), known.refused)
}

/// Holds the adapter to what `run` left for later of a format and of layers, beside a model; what is wrong, in words.
pub(super) async fn many(
    gpu: &GpuRunner,
    format: &'static Format,
    (layers, heads): &(Vec<Layer>, Heads),
) -> Result<Option<String>> {
    let layers = layers.iter().filter(|layer| layer.waits());
    let cases = std::iter::once(llama(format, MANY, 0, *heads));
    match wrong(gpu, cases.chain(layers.flat_map(|l| l.cases(&[MANY])))).await {
        Err(Error::Gpu {
            kind: error::Gpu::Refused,
            cause,
            ..
        }) => Ok(Some(cause)),
        other => other,
    }
}

/// Whether the kernels for few tokens give the known answers in the form that is set for a format, which has so many invocations:
/// of more rows than one workgroup takes, and with `mixed` for experts.
pub(super) async fn holds(gpu: &GpuRunner, format: &'static Format, invocations: usize, mixed: bool) -> Result<bool> {
    let (few, hidden) = (&STEPS[..2], 32 * (invocations + 5));
    let of_experts = few.iter().filter(|_| mixed).map(|step| experts(format, *step));
    let llamas = few.iter().map(|step| llama(format, *step, hidden, Heads::SMALL));
    Ok(wrong(gpu, llamas.chain(of_experts)).await?.is_none())
}

/// The first case whose answer is not the known one, in words. All of them are brought first, so that kernels are compiled together;
/// where not all are waited for, none is kept.
async fn wrong(gpu: &GpuRunner, cases: impl Iterator<Item = Case>) -> Result<Option<String>> {
    let found = first_wrong(gpu, cases).await;
    if !matches!(found, Ok(None)) {
        gpu.gpu.forget_pipelines();
    }
    found
}

async fn first_wrong(gpu: &GpuRunner, cases: impl Iterator<Item = Case>) -> Result<Option<String>> {
    let mut held = Vec::new();
    for case in cases {
        held.push(gpu.hold(case.name.clone(), &case, false).await?);
    }
    for case in held {
        let report = case.compare().await?.1;
        if report.nmse > TOLERANCE {
            return Ok(Some(format!("{} is off by {}", report.name, report.nmse)));
        }
    }
    Ok(None)
}
