//! A matrix product for few tokens with what stands before it and after it, in one kernel: what `plan/project.rs` makes of a norm,
//! products of one row, and a sum with the residual stream, a gate, or rotations and the write of the cache. Made for a GPU; its
//! reference is what it takes the place of.

use super::{
    Act, Bind, Fixed, Graph, Lowering, Node, Norm, Op, Run, Tensor, Turn,
    case::Case,
    kv_write::{KvWrite, kv_write, ring, room},
    lowering::u32_of,
    matmul::{VECTOR_TOKENS, matmul, quant},
    norm::{Affine, norm},
    rope::{Rope, rope},
    shard::Shard,
};
use crate::{
    error::{Error, Result},
    shader::{project as kernel, project_turn},
    tensor::{Format, Kv},
};

pub(crate) static OP: Op = Op {
    name: "project",
    twin,
    fast: None,
    lower,
};

/// What is made of the products.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum End {
    /// Nothing.
    Rows,
    /// So much of them, added to what the residual stream is.
    Add(f32),
    /// The function of the first weight's, times those of the second.
    Gate(Act),
    /// Queries, and keys and values in the cache.
    Turn(Turn),
}

/// Configuration of [`project`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Project {
    /// How x is normalised before: by rows, not centred.
    pub(crate) norm: Option<Norm>,
    pub(crate) end: End,
}

/// What [`project`] reads.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) x: Tensor,
    /// Of the norm.
    pub(crate) gain: Option<Tensor>,
    /// What products are added to.
    pub(crate) residual: Option<Tensor>,
    /// Several share a buffer: those of [`End::Gate`] and [`End::Turn`], and of [`End::Rows`] those whose rows y has behind each
    /// other.
    pub(crate) weights: Vec<Tensor>,
}

/// Place of the first weight among the inputs.
const WEIGHT: usize = 4;

/// Whether a step of so many tokens takes this form.
pub(crate) fn takes(bucket: usize) -> bool {
    bucket <= VECTOR_TOKENS
}

/// Whether heads can be rotated in fours.
pub(crate) fn turns(cfg: &Turn, q: Tensor) -> bool {
    let head_dim = q.shape.width() / cfg.queries.heads.max(1);
    head_dim.is_multiple_of(4) && cfg.keys.rotated.is_multiple_of(4)
}

/// Writes into `outputs`, y and with [`End::Turn`] where keys and values go, what `cfg` says of the products of the rows of
/// `parts.x` with `parts.weights`.
pub(crate) fn project(g: &mut Graph, parts: &Parts, cfg: Project, outputs: &[Tensor]) {
    let (x, state) = (parts.x, g.fixed(Fixed::State));
    let mut beside = parts.residual.unwrap_or(x);
    if let End::Turn(turn) = cfg.end {
        beside = g.fixed(Fixed::RopeTable(turn.keys.table));
    }
    let mut inputs = vec![state, x, parts.gain.unwrap_or(x), beside];
    inputs.extend(&parts.weights);
    g.push(&OP, cfg, &inputs, outputs);
}

/// What a node reads and how it is configured, if it is a [`project`].
pub(crate) fn parts(node: &Node) -> Option<(Parts, Project)> {
    let cfg = *node.cfg::<Project>().ok()?;
    let [_, x, gain, beside, ref weights @ ..] = node.inputs[..] else {
        return None;
    };
    let parts = Parts {
        x,
        gain: cfg.norm.map(|_| gain),
        residual: matches!(cfg.end, End::Add(_)).then_some(beside),
        weights: weights.to_vec(),
    };
    Some((parts, cfg))
}

fn twin(_: &mut Run<'_>) -> Result<()> {
    Err(Error::internal("project is not made for the CPU"))
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = *low.node.cfg::<Project>()?;
    match cfg.end {
        End::Turn(turn) => lower_turn(low, cfg, turn),
        _ => lower_rows(low, cfg),
    }
}

/// eps and plus of a norm.
fn terms(norm: Option<Norm>) -> [f32; 2] {
    norm.map_or([0.0; 2], |norm| [norm.eps, norm.plus])
}

/// The buffer of weights that share one, which has so many rows.
fn whole(shards: &[Shard], rows: usize) -> Result<Shard> {
    match shards {
        [shard] if shard.at == 0 && shard.of == rows => Ok(*shard),
        _ => Err(Error::internal(format!(
            "project: {shards:?} are no {rows} rows of one buffer"
        ))),
    }
}

fn lower_rows(low: &mut Lowering<'_>, cfg: Project) -> Result<()> {
    let (number, format, shards) = low.weight(WEIGHT)?;
    let ([mut rows, width], x) = (low.node.inputs[WEIGHT].shape.dims2(OP.name)?, low.node.inputs[1].shape);
    let (behind, mut shards) = (&low.node.inputs[WEIGHT + 1..], shards.to_vec());
    if cfg.end == End::Rows && !behind.is_empty() {
        rows += behind.iter().map(|w| w.shape.rows()).sum::<usize>();
        shards = vec![Shard {
            rows,
            ..whole(&shards, rows)?
        }];
    }
    let words = (format.plane_words)(width);
    let (end, scale, (kind, [ka, kb])) = match cfg.end {
        End::Add(scale) => (1, scale, (0, [0.0; 2])),
        End::Gate(act) => (2, 1.0, act.code()),
        _ => (0, 1.0, (0, [0.0; 2])),
    };
    let ([eps, plus], form) = (terms(cfg.norm), low.form(format));
    let consts = kernel::Consts {
        wg: form.invocations,
        normed: u32::from(cfg.norm.is_some()),
        end,
        kind,
        quads: form.quads,
        lanes: low.caps.cpu_lanes(),
    };
    let variant = kernel::Variant {
        quant: quant(kernel::Quant::from_name(format.shader), format)?,
        subgroups: form.subgroups,
    };
    if end == 2 {
        whole(&shards, 2 * rows)?;
    }
    for (i, shard) in shards.iter().enumerate() {
        let args = kernel::Args {
            state: low.input(0)?,
            w: Bind::Shard(number, i),
            x: low.input(1)?,
            gain: low.input(2)?,
            residual: low.input(3)?,
            y: low.output(0)?,
        };
        let size = |n| u32_of(OP.name, n);
        let params = kernel::Params {
            rows: size(shard.rows)?,
            width: size(width)?,
            first: size(shard.first)?,
            out_width: size(rows)?,
            row0: size(words[0] / 4)?,
            row1: size(words[1] / 4)?,
            plane1: size(shard.of * words[0] / 4)?,
            at: size(shard.at)?,
            eps,
            plus,
            scale,
            ka,
            kb,
        };
        let each = if end == 2 { 2 } else { 4 };
        let grid = form.grid(low.caps, shard.rows.div_ceil(each * form.quads as usize), x.rows());
        low.dispatch(variant.source(), consts.entries(), &params, args.bindings(), grid)?;
    }
    Ok(())
}

fn lower_turn(low: &mut Lowering<'_>, cfg: Project, turn: Turn) -> Result<()> {
    let (number, format, shards) = low.weight(WEIGHT)?;
    let (width, x) = (low.node.inputs[WEIGHT].shape.width(), low.node.inputs[1].shape);
    let head_dim = low.node.outputs[0].shape.width() / turn.queries.heads;
    let words = (format.plane_words)(width);
    let shard = whole(shards, (turn.queries.heads + 2 * turn.keys.heads) * head_dim)?;
    let args = project_turn::Args {
        state: low.input(0)?,
        w: Bind::Shard(number, 0),
        x: low.input(1)?,
        gain: low.input(2)?,
        table: low.input(3)?,
        y: low.output(0)?,
        kv: low.output(1)?,
    };
    let ([eps, plus], form) = (terms(cfg.norm), low.form(format));
    let size = |n| u32_of(OP.name, n);
    let params = project_turn::Params {
        width: size(width)?,
        row0: size(words[0] / 4)?,
        row1: size(words[1] / 4)?,
        plane1: size(shard.of * words[0] / 4)?,
        heads: size(turn.queries.heads)?,
        kv_heads: size(turn.keys.heads)?,
        head_dim: size(head_dim)?,
        rotated: size(turn.keys.rotated)?,
        capacity: room(low)?,
        eps,
        plus,
    };
    let consts = project_turn::Consts {
        ring: ring(low),
        wg: form.invocations,
        normed: u32::from(cfg.norm.is_some()),
        quads: form.quads,
        lanes: low.caps.cpu_lanes(),
    };
    let variant = project_turn::Variant {
        quant: quant(project_turn::Quant::from_name(format.shader), format)?,
        subgroups: form.subgroups,
        store: match low.graph.kv {
            Kv::F32 | Kv::Q8 => project_turn::Store::KvStoreF32,
            Kv::F16 => project_turn::Store::KvStoreF16,
        },
    };
    let grid = form.grid(low.caps, shard.of.div_ceil(4 * form.quads as usize), x.rows());
    low.dispatch(variant.source(), consts.entries(), &params, args.bindings(), grid)
}

/// How cases normalise.
const NORM: Norm = Norm {
    eps: 1e-5,
    centred: false,
    plus: 0.5,
    heads: 1,
};

/// Products with all that may stand around them: a residual sum, then a gate, then the head.
fn rows_case(format: &'static Format, bucket: usize, valid: usize, [rows, width]: [usize; 2]) -> Case {
    let name = format!("{} t{valid}/{bucket} n{rows} k{width}", format.name);
    Case::new(name, bucket, move |c| {
        c.valid(valid);
        let normed = |c: &mut super::case::Trial<'_>, x| {
            let affine = Affine {
                gain: Some(c.vector(width)),
                bias: None,
            };
            norm(c.graph, x, affine, NORM)
        };
        let [down, gate, up] = [width, rows, rows].map(|rows| c.weight(format, rows, width));
        let (x, hidden) = (c.input(bucket, width), c.input(bucket, width));
        let y = matmul(c.graph, down, hidden)?;
        let scaled = super::Blend {
            of_b: 0.7,
            ..super::SUM
        };
        let x = super::blend(c.graph, x, y, scaled)?;
        c.graph.output(x);
        let z = normed(c, x)?;
        let (a, b) = (matmul(c.graph, gate, z)?, matmul(c.graph, up, z)?);
        let y = super::gate(c.graph, a, (b, 0), Act::Silu)?;
        c.graph.output(y);
        let z = normed(c, x)?;
        let head = c.weight(format, rows + 1, width);
        let y = matmul(c.graph, head, z)?;
        c.graph.output(y);
        Ok(())
    })
}

/// Queries, keys and values of a row that is normalised before or not.
pub(super) fn turn_case(format: &'static Format, kv: Kv, normed: bool, shape: [usize; 7]) -> Case {
    let [pos, bucket, valid, heads, kv_heads, rotated, width] = shape;
    let head_dim = 32;
    let name = format!(
        "{} pos{pos} t{valid}/{bucket} h{heads}/{kv_heads} dr{rotated} k{width} {}",
        format.name,
        kv.name()
    );
    Case::new(name, bucket, move |c| {
        c.position(pos);
        c.valid(valid);
        c.graph.kv = kv;
        c.graph.capacity = pos + bucket;
        c.rope_table(60, rotated);
        c.cache(0, kv_heads, head_dim)?;
        let mut x = c.input(bucket, width);
        if normed {
            let affine = Affine {
                gain: Some(c.vector(width)),
                bias: None,
            };
            x = norm(c.graph, x, affine, NORM)?;
        }
        let weights = [heads, kv_heads, kv_heads].map(|n| c.weight_about(0.1, format, n * head_dim, width));
        let [q, k, v] = weights.map(|w| matmul(c.graph, w, x));
        let by = |heads| Rope {
            heads,
            rotated,
            table: 0,
        };
        let (q, k) = (rope(c.graph, q?, by(heads))?, rope(c.graph, k?, by(kv_heads))?);
        let cfg = KvWrite {
            heads: kv_heads,
            layer: 0,
        };
        kv_write(c.graph, k, v?, cfg)?;
        c.graph.output(q);
        let y = super::attention(c.graph, q, None, super::attention::plain(heads, kv_heads))?;
        c.graph.output(y);
        Ok(())
    })
}

pub(super) fn cases() -> Vec<Case> {
    // One of each kind of unit that x is taken by; how the rest decode, the cases of `matmul` say.
    let kinds = ["F32", "F16", "BF16", "Q8_0", "F8_E4M3", "Q4_K", "Q2_K"];
    let mut all = Vec::new();
    for format in crate::quant::FORMATS.iter().filter(|f| kinds.contains(&f.name)) {
        let block = format.block.max(32);
        all.push(rows_case(format, 1, 1, [77, block]));
        all.push(rows_case(format, 8, 5, [6, 3 * block]));
        all.push(turn_case(format, Kv::F16, true, [9, 1, 1, 4, 2, 32, block]));
        all.push(turn_case(format, Kv::F32, false, [3, 8, 5, 2, 1, 16, block]));
        if format.block == 1 {
            // Half of the last unit of F16 and BF16; and more rows of the head than a small binding holds.
            all.push(rows_case(format, 1, 1, [330, 172]));
            all.push(turn_case(format, Kv::F16, true, [9, 8, 3, 2, 2, 32, 20]));
        }
        if format.name == "Q8_0" {
            all.push(turn_case(format, Kv::Q8, true, [3, 8, 7, 6, 2, 16, 2 * block]));
            // So many that a workgroup takes one token after the other.
            all.push(rows_case(format, 8, 7, [4100, 2 * block]));
            all.push(turn_case(format, Kv::F16, true, [3, 8, 7, 96, 16, 32, 2 * block]));
        }
    }
    let timed = |name, rows, width| {
        let format = crate::quant::by_name(name)?;
        let bytes = (3 * rows + width + 1) * format.row_bytes_gpu(width) + 4 * (4 * rows + 6 * width);
        Some(rows_case(format, 1, 1, [rows, width]).timed(bytes, 2 * (3 * rows + width + 1) * width))
    };
    all.extend(
        ["F16", "Q8_0", "Q4_K"]
            .into_iter()
            .filter_map(|name| timed(name, 4096, 2048)),
    );
    all
}
