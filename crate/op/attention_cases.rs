//! Cases of attention: few keys and many, of one token and of some, and all that is done to scores.

use super::{Attention, Buckets, KvWrite, Sees, attention, case::Case, kv_write};
use crate::tensor::Kv;

/// Cases of (pos, bucket, valid, configuration, Dh): a first step fills the cache up to `pos`, the case goes on.
pub(super) fn written(kv: Kv, rows: &[(usize, usize, usize, Attention, usize)], sunk: bool, long: bool) -> Vec<Case> {
    let case = |&(pos, bucket, valid, cfg, head_dim): &(usize, usize, usize, Attention, usize), kv: Kv| {
        let name = format!(
            "{} pos{pos} t{valid} h{}/{} dh{head_dim} w{} cap{} {:?} {}{}{}{}",
            kv.name(),
            cfg.heads,
            cfg.kv_heads,
            cfg.window,
            cfg.cap,
            cfg.sees,
            if cfg.buckets.is_some() { "buckets " } else { "" },
            if cfg.alibi > 0.0 { "alibi " } else { "" },
            if sunk { "sinks" } else { "" },
            if long { "long" } else { "" },
        );
        Case::new(name, bucket, move |c| {
            c.position(pos);
            c.valid(valid);
            c.memory.state.encoded = 133;
            c.graph.kv = kv;
            c.graph.long = long;
            c.graph.capacity = if long { 1024 } else { 256 };
            c.cache(cfg.layer, cfg.kv_heads, head_dim)?;
            let q = c.input(bucket, cfg.heads * head_dim);
            let (k, v) = (
                c.input(bucket, cfg.kv_heads * head_dim),
                c.input(bucket, cfg.kv_heads * head_dim),
            );
            kv_write(
                c.graph,
                k,
                v,
                KvWrite {
                    heads: cfg.kv_heads,
                    layer: cfg.layer,
                },
            )?;
            let biases = cfg.buckets.map_or(usize::from(sunk), |b| b.count);
            let of_heads = (biases > 0).then(|| c.vector(biases * cfg.heads));
            let y = attention(c.graph, q, of_heads, cfg)?;
            c.graph.output(y);
            Ok(())
        })
    };
    rows.iter().map(|row| case(row, kv)).collect()
}

pub(super) fn cases() -> Vec<Case> {
    let cfg = |heads, kv_heads, window| Attention {
        heads,
        kv_heads,
        layer: 0,
        sees: Sees::Before,
        scale: 0.2,
        window,
        cap: 0.0,
        alibi: 0.0,
        buckets: None,
    };
    let with = |cap, alibi| Attention {
        cap,
        alibi,
        scale: 1.0,
        ..cfg(6, 2, 0)
    };
    let seeing = |sees, count| Attention {
        sees,
        buckets: Some(Buckets { count, most: 128 }).filter(|b| b.count > 0),
        ..cfg(4, 4, 0)
    };
    let timed = |kv: Kv, pos: usize, t: usize| {
        let (cfg, head_dim) = (cfg(32, 8, 0), 128);
        let case = Case::new(format!("{} pos{pos} t{t} h32/8 dh128", kv.name()), t, move |c| {
            c.position(pos);
            c.graph.kv = kv;
            c.graph.long = t == 1;
            c.graph.capacity = pos + t;
            c.cache(0, cfg.kv_heads, head_dim)?;
            let q = c.input(t, cfg.heads * head_dim);
            let y = attention(c.graph, q, None, cfg)?;
            c.graph.output(y);
            Ok(())
        });
        let pairs = t * pos + t * (t + 1) / 2;
        let values = (2 * cfg.kv_heads * (pos + t) * head_dim) as u64;
        let bytes = usize::try_from(kv.bytes(values, head_dim)).unwrap_or(0) + 2 * 4 * t * cfg.heads * head_dim;
        case.timed(bytes, 4 * pairs * cfg.heads * head_dim)
    };
    let checked = [
        (0, 1, 1, cfg(5, 5, 0), 16),
        (3, 8, 7, cfg(4, 2, 0), 24),
        (63, 8, 8, cfg(4, 1, 0), 32),
        (130, 32, 31, cfg(8, 4, 0), 64),
        (100, 1, 1, cfg(16, 1, 0), 128),
        (90, 8, 6, cfg(4, 2, 33), 32),
        (20, 8, 3, cfg(8, 1, 0), 256),
        (2, 1, 1, cfg(2, 1, 0), 1024),
        (70, 8, 5, with(4.0, 0.0), 24),
        (70, 8, 5, with(0.0, 1.0), 12),
        (70, 1, 1, with(0.0, 0.25), 16),
        (0, 32, 19, seeing(Sees::Step, 0), 12),
        (0, 256, 201, seeing(Sees::Step, 32), 16),
        (200, 8, 3, seeing(Sees::Before, 32), 16),
        (3, 8, 2, seeing(Sees::Encoded, 0), 16),
        // Several tokens a workgroup.
        (90, 32, 29, cfg(4, 4, 20), 32),
        (90, 32, 30, cfg(6, 2, 33), 24),
        (70, 32, 21, with(4.0, 1.0), 24),
        (40, 32, 19, seeing(Sees::Before, 32), 16),
        (3, 32, 18, seeing(Sees::Encoded, 0), 16),
    ];
    let sunk = [
        (66, 8, 5, cfg(4, 2, 16), 16),
        (0, 1, 1, cfg(4, 2, 0), 16),
        (66, 32, 27, cfg(4, 2, 16), 16),
    ];
    let long = [
        (0, 1, 1, cfg(5, 5, 0), 16),
        (200, 1, 1, cfg(9, 3, 0), 48),
        (255, 1, 1, cfg(2, 1, 0), 1024),
        (400, 1, 1, cfg(16, 1, 300), 64),
        // Some chunks for each, and fewer for the last.
        (900, 1, 1, cfg(64, 64, 0), 12),
        // Too few keys to be shared.
        (100, 1, 1, cfg(16, 1, 90), 64),
        (99, 1, 1, with(4.0, 1.0), 24),
        (150, 1, 1, seeing(Sees::Before, 32), 16),
        (3, 1, 1, seeing(Sees::Encoded, 0), 12),
    ];
    let long_sunk = [(130, 1, 1, cfg(6, 2, 0), 16), (0, 1, 1, cfg(4, 2, 0), 16)];
    let timed = [
        timed(Kv::F16, 511, 1),
        timed(Kv::F16, 2047, 1),
        timed(Kv::F16, 448, 64),
        timed(Kv::Q8, 2047, 1),
        timed(Kv::Q8, 448, 64),
    ];
    let all = [Kv::F32, Kv::F16, Kv::Q8].map(|kv| {
        [
            written(kv, &checked, false, false),
            written(kv, &sunk, true, false),
            written(kv, &long, false, true),
            written(kv, &long_sunk, true, true),
        ]
    });
    all.into_iter().flatten().flatten().chain(timed).collect()
}
