//! Scales that leave the least error: what encoders search. The error of a value counts by how large it is, since large
//! weights decide more, and by how large its neighbours are, so that small ones are not given up.

/// How much the errors of a run count.
pub(super) fn importance<const N: usize>(x: &[f32; N]) -> [f32; N] {
    let square: f32 = x.iter().map(|v| v * v).sum();
    let typical = (square / N as f32).sqrt();
    x.map(|v| typical + v.abs())
}

/// The code nearest to `v`, of 0 to `most`; 0 for what is not a number.
#[inline]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0..=most")]
pub(super) fn code(v: f32, most: f32) -> u8 {
    v.round_ties_even().max(0.0).min(most) as u8
}

/// The weighted error of a run as `scale * code + offset` with the nearest codes of 0 to `most`.
pub(super) fn error<const N: usize>(x: &[f32; N], weight: &[f32; N], scale: f32, offset: f32, most: f32) -> f32 {
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    let mut sum = 0.0;
    for (x, w) in x.iter().zip(weight) {
        let q = ((x - offset) * inverse).round_ties_even().max(0.0).min(most);
        let off = scale * q + offset - x;
        sum += w * off * off;
    }
    sum
}

/// Sums of a run's codes by which the best scale and offset for them are found.
#[derive(Default)]
struct Sums {
    w: f32,
    q: f32,
    qq: f32,
    x: f32,
    qx: f32,
}

impl Sums {
    fn of<const N: usize>(x: &[f32; N], weight: &[f32; N], inverse: f32, offset: f32, most: f32) -> Self {
        let mut sums = Self::default();
        for (x, w) in x.iter().zip(weight) {
            let q = ((x - offset) * inverse).round_ties_even().max(0.0).min(most);
            sums.w += w;
            sums.q += w * q;
            sums.qq += w * q * q;
            sums.x += w * x;
            sums.qx += w * q * x;
        }
        sums
    }

    /// Least squares for `scale * code + offset`, no offset being above 0.
    fn line(&self) -> Option<(f32, f32)> {
        let det = self.w * self.qq - self.q * self.q;
        let offset = (self.qq * self.x - self.q * self.qx) / det;
        match () {
            () if det > 0.0 && offset <= 0.0 => Some(((self.w * self.qx - self.q * self.x) / det, offset)),
            () if self.qq > 0.0 => Some((self.qx / self.qq, 0.0)),
            () => None,
        }
    }
}

/// Grids that are tried: steps beside the one that just holds all values.
const TRIES: i8 = 10;

/// The best `(scale, offset)` for codes of 0 to `most`, the offset being 0 or less.
#[inline(never)]
pub(super) fn line<const N: usize>(x: &[f32; N], weight: &[f32; N], most: f32) -> (f32, f32) {
    let low = x.iter().copied().fold(0.0, f32::min);
    let high = x.iter().copied().fold(low, f32::max);
    if high <= low {
        return (0.0, low);
    }
    let mut best = ((high - low) / most, low);
    let mut least = error(x, weight, best.0, best.1, most);
    for step in -TRIES..=TRIES {
        let (mut inverse, mut offset) = ((most + 0.1 * f32::from(step)) / (high - low), low);
        // Codes decide a line, and a line decides codes: twice is nearly where that ends.
        for _ in 0..2 {
            let Some((scale, at)) = Sums::of(x, weight, inverse, offset, most).line() else {
                break;
            };
            let error = error(x, weight, scale, at, most);
            if error < least {
                (best, least) = ((scale, at), error);
            }
            if scale <= 0.0 {
                break;
            }
            (inverse, offset) = (1.0 / scale, at);
        }
    }
    best
}

/// The best scale for codes of 0 to `2 * half - 1` that stand for `code - half`; it may be negative.
#[inline(never)]
pub(super) fn even<const N: usize>(x: &[f32; N], weight: &[f32; N], half: f32) -> f32 {
    let most = 2.0 * half - 1.0;
    // The value of the largest size is at the end that is one step longer.
    let largest = x.iter().fold(0f32, |a, v| if v.abs() > a.abs() { *v } else { a });
    if largest == 0.0 {
        return 0.0;
    }
    let mut best = -largest / half;
    let mut least = error(x, weight, best, -half * best, most);
    for step in -TRIES..=TRIES {
        let mut inverse = -(half + 0.1 * f32::from(step)) / largest;
        for _ in 0..2 {
            let sums = Sums::of(x, weight, inverse, -half / inverse, most);
            // Least squares for `scale * (code - half)`.
            let scale = (sums.qx - half * sums.x) / (sums.qq - 2.0 * half * sums.q + half * half * sums.w);
            let error = error(x, weight, scale, -half * scale, most);
            if error < least {
                (best, least) = (scale, error);
            }
            inverse = 1.0 / scale;
            if !inverse.is_finite() {
                break;
            }
        }
    }
    best
}

/// That of `codes` whose error is the least.
pub(super) fn least<T: Copy>(codes: impl Iterator<Item = T>, error: impl Fn(T) -> f32) -> Option<T> {
    let errors = codes.map(|c| (c, error(c)));
    errors
        .reduce(|a, b| if b.1 < a.1 { b } else { a })
        .map(|(code, _)| code)
}
