//! Exponentials and logarithms of many numbers, written so that the compiler works on several at once. Correct to a few units in the
//! last place (tested), and the same on every machine.

use std::f64::consts::LOG2_E;

/// Adding this rounds to a whole number, which then stands in the last bits.
const ROUNDING: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52

/// `ln 2` in two parts, of which the first has so few digits that whole multiples of it are exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// `e^x` for `x` up to 700. What is below `e^-700` becomes that.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let x = if x > -700.0 { x } else { -700.0 };
    let rounded = x * LOG2_E + ROUNDING;
    let n = rounded - ROUNDING;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    // The Taylor series; r is at most ln(2) / 2.
    let mut sum = 1.0 / 6_227_020_800.0;
    for inverse in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = sum * r + inverse;
    }
    sum * f64::from_bits(rounded.to_bits().wrapping_add(1023) << 52)
}

/// `ln x` for normal positive numbers.
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    /// Bits of the square root of a half: mantissas from there to the square root of two.
    const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const EXPONENT: u64 = 0xfff << 52;
    let bits = x.to_bits().wrapping_sub(ROOT_HALF);
    // The exponent is signed; a bias makes it a positive number, which the last bits of a float then hold.
    let n = f64::from_bits((bits.wrapping_add(1023 << 52) >> 52) | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
    let mantissa = f64::from_bits(x.to_bits().wrapping_sub(bits & EXPONENT));
    let f = mantissa - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    // ln((1 + s) / (1 - s)) is 2 s (1 + z/3 + z^2/5 + ...).
    let mut sum = 2.0 / 23.0;
    for odd in [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        sum = sum * z + 2.0 / odd;
    }
    let half = 0.5 * f * f;
    // Arranged so that the greatest term is exact (as in fdlibm): f - f^2/2 + s (f^2/2 + z sum).
    n * LN_2_HIGH - ((half - (s * (half + z * sum) + n * LN_2_LOW)) - f)
}

/// `ln(1 + x)` for `x` not negative.
#[inline(always)]
pub(super) fn ln_1p(x: f64) -> f64 {
    let u = 1.0 + x;
    // What rounding lost of x, in proportion.
    ln(u) + (x - (u - 1.0)) / u
}

/// A function of arithmetic that uses the widest registers of the machine. Nothing is fused or reordered: the numbers are the same on
/// all. What it calls should be inlined always, and loops be loops: what stays a call of its own is narrow.
macro_rules! widest {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        $visibility fn $name($($argument: $kind),*) $(-> $result)? {
            #[inline(always)]
            fn narrow($($argument: $kind),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = pulp::x86::V3::try_new() {
                return simd.vectorize(|| narrow($($argument),*));
            }
            narrow($($argument),*)
        }
    };
}
pub(super) use widest;

widest! {
    /// Adds so many times the values to the sums.
    pub(super) fn add(sums: &mut [f64], times: f64, values: &[f64]) {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += times * value);
    }
}

widest! {
    /// The same of four tables at once: each pass over the sums takes its time, and each table that has to be fetched from afar.
    pub(super) fn add_four(sums: &mut [f64], times: [f64; 4], values: [&[f64]; 4]) {
        let [a, b, c, d] = values;
        for ((((sum, a), b), c), d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *sum += (times[0] * a + times[1] * b) + (times[2] * c + times[3] * d);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_usual_functions() {
        for i in 0..200_000 {
            let x = -f64::from(i) / 290.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-15, "exp({x})");
            let y = x.exp();
            assert!((ln(y) - y.ln()).abs() <= 4e-16 * y.ln().abs(), "ln({y}): {} {}", ln(y), y.ln());
            let y = f64::from(i) / 1e5;
            assert!((ln(1.0 + y) - (1.0 + y).ln()).abs() <= 4e-16 * (1.0 + y).ln(), "ln({})", 1.0 + y);
            let y = (f64::from(i) / 5000.0 - 30.0).exp();
            assert!((ln_1p(y) / y.ln_1p() - 1.0).abs() < 1e-15, "ln_1p({y})");
        }
        assert_eq!((exp(0.0), ln(1.0), ln_1p(0.0)), (1.0, 0.0, 0.0));
        assert!(exp(-1e300) > 0.0 && exp(f64::NEG_INFINITY) < 1e-300);
        assert!((ln(f64::MIN_POSITIVE) / f64::MIN_POSITIVE.ln() - 1.0).abs() < 1e-15);
    }
}
