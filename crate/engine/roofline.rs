//! What a device can do at best, measured: a streaming read, a chain of multiply-adds, the cost of a dispatch and of a
//! read-back. The benchmark judges operators and models by it.

use super::{Clock, device::Runner};
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::{
    error::Error,
    gpu::{Buffer, Gpu, Program, Staging, Step, Usage},
    op::u32_of,
    shader::{Binding, Source, probe_dequant, probe_fma, probe_read},
    tensor::Format,
};

/// What a device can do at best.
#[derive(Debug, Clone, PartialEq)]
pub struct Roofline {
    /// `gpu` or `cpu`.
    pub device: &'static str,
    /// The adapter with its driver; empty on the CPU.
    pub adapter: String,
    /// Whether the adapter is a software rasterizer.
    pub software: bool,
    /// Streaming read, in bytes a millisecond.
    pub read: f64,
    /// Multiplications and additions in f32 a millisecond.
    pub flops: f64,
    /// Milliseconds that a small dispatch takes within a submission; 0 on the CPU.
    pub dispatch: f64,
    /// Milliseconds from a submission to its result on the host; 0 on the CPU.
    pub read_back: f64,
}

impl Roofline {
    /// The least milliseconds in which so much can be read and computed.
    #[allow(clippy::cast_precision_loss, reason = "sizes far below 2^53")]
    pub fn least(&self, bytes: u64, flops: u64) -> f64 {
        (bytes as f64 / self.read).max(flops as f64 / self.flops)
    }

    /// Measures a device.
    pub(super) async fn measure(runner: &Runner, clock: Clock) -> Result<Self> {
        match runner {
            Runner::Cpu(_) => on_cpu(clock).await,
            #[cfg(feature = "gpu")]
            Runner::Gpu(gpu) => on_gpu(&gpu.gpu, gpu.max_binding, clock).await,
        }
    }
}

/// Most samples of a measurement.
const SAMPLES: usize = 9;
/// Milliseconds after which a measurement is content with the samples it has.
const PATIENCE: f64 = 200.0;

/// Milliseconds that `run` takes, sorted, after one run to warm up. If it takes less than `least`, once will do.
pub(super) async fn samples(clock: Clock, least: f64, mut run: impl AsyncFnMut() -> Result<()>) -> Result<Vec<f64>> {
    let (begun, mut times) = (clock(), Vec::with_capacity(SAMPLES));
    run().await?;
    loop {
        let start = clock();
        run().await?;
        // A clock of coarse ticks may not have moved.
        let ms = (clock() - start).max(1e-6);
        times.push(ms);
        if ms < least || times.len() == SAMPLES || clock() - begun >= PATIENCE {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// Words that the CPU reads: more than its caches hold.
const HOST_WORDS: usize = 16 << 20;
/// Rounds of a chain of multiply-adds in 64 lanes.
const HOST_ROUNDS: u32 = 100_000;

#[allow(clippy::cast_precision_loss, reason = "sizes far below 2^53")]
async fn on_cpu(clock: Clock) -> Result<Roofline> {
    let data = vec![1_u64; HOST_WORDS];
    let read = samples(clock, 0.0, async || {
        let mut sums = [0_u64; 8];
        for words in std::hint::black_box(&data).as_chunks::<8>().0 {
            for (sum, word) in sums.iter_mut().zip(words) {
                *sum = sum.wrapping_add(*word);
            }
        }
        std::hint::black_box(sums);
        Ok(())
    })
    .await?;
    let flops = samples(clock, 0.0, async || {
        let (scale, step) = std::hint::black_box((0.999_f32, 0.001_f32));
        let mut lanes = [1.0_f32; 64];
        for _ in 0..HOST_ROUNDS {
            for lane in &mut lanes {
                *lane = *lane * scale + step;
            }
        }
        std::hint::black_box(lanes);
        Ok(())
    })
    .await?;
    Ok(Roofline {
        device: "cpu",
        adapter: String::new(),
        software: false,
        read: (8 * HOST_WORDS) as f64 / read[0],
        flops: 2.0 * 64.0 * f64::from(HOST_ROUNDS) / flops[0],
        dispatch: 0.0,
        read_back: 0.0,
    })
}

/// Quads that an invocation of the streaming read takes.
#[cfg(feature = "gpu")]
const QUADS: u64 = 16;
/// Small dispatches whose cost is measured together.
#[cfg(feature = "gpu")]
const SMALL: usize = 256;

#[cfg(feature = "gpu")]
#[allow(clippy::cast_precision_loss, reason = "sizes far below 2^53")]
async fn on_gpu(gpu: &Gpu, max_binding: u64, clock: Clock) -> Result<Roofline> {
    let caps = gpu.caps();
    // More than eight times the largest cache of a GPU today; a rasterizer has its processor's.
    let most: u64 = if caps.software { 128 << 20 } else { 512 << 20 };
    let bytes = most.min(max_binding) / 4096 * 4096;
    let wg = u64::from(probe_read::Consts::default().wg);
    let groups = (bytes / 16).div_ceil(wg * QUADS);
    // As many invocations as keep any GPU busy.
    let chains: u64 = if caps.software { 64 * wg } else { 8192 * wg };
    let rounds: u32 = if caps.software { 64 } else { 256 };

    let scopes = gpu.watch("measuring the device");
    let data = gpu.buffer("read", bytes, Usage::Storage)?;
    let out = gpu.buffer("sums", 4 * chains.max(groups * wg), Usage::Storage)?;
    let staging = gpu.staging(4)?;
    let word = |n: u64| u32_of("probe", usize::try_from(n).unwrap_or(usize::MAX));
    let args = probe_read::Args {
        data: &data,
        sums: &out,
    };
    let read = step(
        probe_read::Variant {}.source(),
        &probe_read::Params {
            quads: word(bytes / 16)?,
        },
        args.bindings(),
        word(groups)?,
    );
    let chain = |rounds: u32, count: u64| {
        let params = probe_fma::Params {
            rounds,
            count: word(count)?,
            scale: 0.999,
            step: 0.001,
        };
        let (source, args) = (probe_fma::Variant {}.source(), probe_fma::Args { y: &out });
        Ok::<_, Error>(step(source, &params, args.bindings(), word(count.div_ceil(wg))?))
    };
    let small = (0..SMALL).map(|_| chain(1, 1)).collect::<Result<Vec<_>>>()?;
    let programs = [
        gpu.program("read", &[read])?,
        gpu.program("chain", &[chain(rounds, chains)?])?,
        gpu.program("small", &small)?,
    ];
    scopes.close().await?;

    let read_back = fastest(gpu, None, &staging, &out, clock).await?;
    let [read, chain, small] = [&programs[0], &programs[1], &programs[2]];
    // What a read-back takes by itself is no part of the kernel's time.
    let alone = |ms: f64| (ms - read_back).max(0.1 * ms);
    let read = alone(fastest(gpu, Some(read), &staging, &out, clock).await?);
    let chain = alone(fastest(gpu, Some(chain), &staging, &out, clock).await?);
    let small = alone(fastest(gpu, Some(small), &staging, &out, clock).await?);
    Ok(Roofline {
        device: "gpu",
        adapter: format!("{}, {}", caps.name, caps.driver),
        software: caps.software,
        read: bytes as f64 / read,
        flops: (2 * 64 * u64::from(rounds) * chains) as f64 / chain,
        dispatch: small / SMALL as f64,
        read_back,
    })
}

/// Values of a block format that a GPU dequantises and multiplies at best, a millisecond: those of a row of 256 that stays in registers.
#[cfg(feature = "gpu")]
#[allow(clippy::cast_precision_loss, reason = "sizes far below 2^53")]
pub(super) async fn dequantising(gpu: &Gpu, format: &'static Format, clock: Clock) -> Result<f64> {
    const WIDTH: usize = 256;
    let caps = gpu.caps();
    let [words0, words1] = (format.plane_words)(WIDTH);
    let consts = probe_dequant::Consts {
        lanes: caps.cpu_lanes(),
        row0: u32_of("probe", words0 / 4)?,
        ..probe_dequant::Consts::default()
    };
    let quant = probe_dequant::Quant::from_name(format.shader)
        .ok_or_else(|| Error::internal(format!("{} has no probe", format.name)))?;
    let groups: u32 = if caps.software { 64 } else { 8192 };
    let (count, rounds) = (groups * consts.wg, if caps.software { 1024 } else { 4096 });

    let scopes = gpu.watch("measuring a format");
    // the probe looks at packets that some formats do not have
    let packets = 8;
    let data = gpu.buffer("row", (4 * (words0 + words1) + 16 * packets) as u64, Usage::Storage)?;
    let out = gpu.buffer("sums", 4 * (u64::from(count) + 1), Usage::Storage)?;
    let staging = gpu.staging(4)?;
    let args = probe_dequant::Args { data: &data, y: &out };
    let params = probe_dequant::Params { rounds, count };
    let mut probe = step(
        probe_dequant::Variant { quant }.source(),
        &params,
        args.bindings(),
        groups,
    );
    probe.consts = consts.entries();
    let program = gpu.program("dequantise", &[probe])?;
    scopes.close().await?;
    let read_back = fastest(gpu, None, &staging, &out, clock).await?;
    let ms = fastest(gpu, Some(&program), &staging, &out, clock).await?;
    let unit = gpu.read(None, &staging, &out, 4 * u64::from(count), 4).await?;
    let unit = f64::from(bytemuck::pod_read_unaligned::<f32>(&unit));
    Ok(unit * f64::from(rounds) * f64::from(count) / (ms - read_back).max(0.1 * ms))
}

#[cfg(feature = "gpu")]
fn step<P: bytemuck::Pod>(source: &'static Source, params: &P, bindings: Vec<Binding<&Buffer>>, groups: u32) -> Step {
    let owned = |b: Binding<&Buffer>| Binding {
        index: b.index,
        buffer: b.buffer.clone(),
        write: b.write,
    };
    Step {
        source,
        consts: vec![],
        params: bytemuck::bytes_of(params).to_vec(),
        bindings: bindings.into_iter().map(owned).collect(),
        grid: [groups, 1, 1],
    }
}

/// Milliseconds of the fastest run, read-back included.
#[cfg(feature = "gpu")]
async fn fastest(gpu: &Gpu, program: Option<&Program>, staging: &Staging, out: &Buffer, clock: Clock) -> Result<f64> {
    let times = samples(clock, 0.0, async || {
        gpu.read(program.map(|p| (p, 1)), staging, out, 0, 4).await.map(drop)
    });
    Ok(times.await?[0])
}
