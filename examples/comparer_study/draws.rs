//! Random counts from a fixed seed, without a dependency.

/// xoshiro256++ (Blackman and Vigna), seeded by splitmix64.
pub struct Draws([u64; 4]);

impl Draws {
    pub fn new(seed: u64) -> Self {
        let mut x = seed;
        Self([(); 4].map(|()| {
            x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }))
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Above 0, below 1.
    pub fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Mean 1, so many degrees: Marsaglia and Tsang.
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * (shape + 1.0) / shape * self.uniform().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v / shape;
            }
        }
    }

    /// Poisson count.
    pub fn poisson(&mut self, mean: f64) -> f64 {
        // A sum of parts, so that none underflows.
        let (parts, mut count) = ((mean / 400.0).ceil().max(1.0), 0.0);
        for _ in 0..parts as usize {
            let limit = (-mean / parts).exp();
            let mut product = self.uniform();
            while product > limit {
                product *= self.uniform();
                count += 1.0;
            }
        }
        count
    }

    /// Negative-binomial count; an infinite size is Poisson.
    pub fn negative_binomial(&mut self, mean: f64, size: f64) -> f64 {
        let rate = if size.is_finite() { mean * self.gamma(size) } else { mean };
        self.poisson(rate)
    }

    pub fn binomial(&mut self, trials: usize, p: f64) -> f64 {
        (0..trials).filter(|_| self.uniform() < p).count() as f64
    }
}
