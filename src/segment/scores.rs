//! What stands where on a strip, and how likely each part of it looks so: empty track, gaps, and bodies of every length.

use super::columns::{COLUMN_M, Column};
use super::lengths::{ANY_SHARE, BODY_M, Lengths, Neighbours, flat};
use super::log_sum::log_add;

/// Shortest visible part of a body that the edge of the image cuts off, metres.
const CUT_M: f64 = 5.0;
/// Share of the flats of 12 m and more that show two loads, and the most columns of the gap between them: it looks like the gap between two cars.
const TWO_LOADS: f64 = 0.2;
const TWO_LOADS_M: f64 = 12.0;
const LOAD_GAP: usize = 4;
/// Shortest load of two, metres: 20 feet are 6.1, and an end may be read a metre wrong.
const LOAD_M: f64 = 5.0;
/// Whether a column is occupied at all: neighbouring columns say much the same, so their log probabilities count for this share.
const OCCUPIED_WEIGHT: f64 = 0.30;
/// Whether an occupied column is body or gap: gaps are short, and each stands for a place of its own.
const GAP_WEIGHT: f64 = 0.90;
/// Least log probability of a column: the network is never surer than this.
const LEAST_LOG: f64 = -7.0;
/// Most columns of a gap, at a free end as between two coupled cars: 2.5 m.
const GAP: usize = 5;

/// What each part of a strip is worth as empty track, gap or body: logarithms of likelihoods. Boundaries lie between columns.
pub struct Scores {
    /// Columns.
    pub n: usize,
    /// Prefix sums of the scores of empty, body and gap columns.
    sums: [Vec<f64>; 3],
    /// Prefix sums of the probability of being a flat.
    flats: Vec<f64>,
    /// For a gap between two loads of 1 to [`LOAD_GAP`] columns, prefix sums of how much likelier than body it is that it begins at a column.
    parted: [Vec<f64>; LOAD_GAP],
    lengths: Lengths,
    /// Score of a body that ends at each boundary, by its columns.
    bodies: Vec<f64>,
    shortest: usize,
    /// The most columns of a body.
    pub longest: usize,
    /// The fewest, of one that the edge cuts.
    pub cut: usize,
}

fn columns_of(metres: f64) -> usize {
    (metres / COLUMN_M).round() as usize
}

impl Scores {
    /// Of columns that were all seen.
    pub fn new(columns: &[Column]) -> Self {
        let mut sums: [Vec<f64>; 3] = std::array::from_fn(|_| vec![0.0]);
        for column in columns {
            let [empty, body, gap] = column.state.map(|log| f64::from(log).max(LEAST_LOG));
            let occupied = log_add(body, gap);
            let of_column = [
                OCCUPIED_WEIGHT * empty,
                OCCUPIED_WEIGHT * occupied + GAP_WEIGHT * (body - occupied),
                OCCUPIED_WEIGHT * occupied + GAP_WEIGHT * (gap - occupied),
            ];
            for (sum, score) in sums.iter_mut().zip(of_column) {
                sum.push(sum[sum.len() - 1] + score);
            }
        }
        let mut flats = vec![0.0];
        for column in columns {
            flats.push(flats[flats.len() - 1] + flat(&column.class));
        }
        let parted = std::array::from_fn(|width| {
            let odds = |ends: usize| {
                let begins = ends - width - 1;
                (sums[2][ends] - sums[2][begins] - sums[1][ends] + sums[1][begins]).exp()
            };
            let mut sum = 0.0;
            let places = (width + 1..=columns.len()).map(|ends| {
                sum += odds(ends);
                sum
            });
            std::iter::once(0.0).chain(places).collect()
        });
        let longest = columns_of(BODY_M[1]);
        let mut scores = Self {
            n: columns.len(),
            sums,
            flats,
            parted,
            lengths: Lengths::of_the_world(longest),
            bodies: Vec::new(),
            shortest: columns_of(BODY_M[0]),
            longest,
            cut: columns_of(CUT_M),
        };
        scores.score_bodies(None);
        scores
    }

    fn sum(&self, kind: usize, from: usize, to: usize) -> f64 {
        self.sums[kind][to] - self.sums[kind][from]
    }

    /// Scores every possible body, with what the cars beside it say if they are known.
    pub fn score_bodies(&mut self, neighbours: Option<&Neighbours>) {
        let width = self.longest + 1;
        let mut bodies = vec![f64::NEG_INFINITY; (self.n + 1) * width];
        for (to, scores) in bodies.chunks_exact_mut(width).enumerate() {
            for (k, score) in scores.iter_mut().enumerate().take(to + 1).skip(self.cut) {
                let from = to - k;
                // A body cut by the edge may be of any length.
                let edge = from == 0 || to == self.n;
                if edge || k >= self.shortest {
                    let prior = if edge { ANY_SHARE } else { self.prior(from, to, neighbours) };
                    *score = self.sum(1, from, to) + prior.ln();
                }
            }
        }
        self.bodies = bodies;
    }

    /// How much likelier than on average a body between two boundaries is: by its length, and by the gap that two loads may leave on a flat.
    fn prior(&self, from: usize, to: usize, neighbours: Option<&Neighbours>) -> f64 {
        let flat = (self.flats[to] - self.flats[from]) / (to - from) as f64;
        let length = self.lengths.of(to - from, flat, neighbours.map(|neighbours| neighbours.beside(from, to)));
        if to - from < columns_of(TWO_LOADS_M) {
            return length;
        }
        let (first, last) = (from + columns_of(LOAD_M), to - columns_of(LOAD_M));
        let (mut likelier, mut places) = (0.0, 0);
        for (width, odds) in self.parted.iter().enumerate() {
            let end = last - width;
            likelier += odds[end] - odds[first];
            places += end - first;
        }
        let parted = likelier / places as f64;
        length * (1.0 + TWO_LOADS * flat * (parted - 1.0))
    }

    /// Score of empty track in the column that ends at a boundary.
    pub fn empty(&self, to: usize) -> f64 {
        self.sum(0, to - 1, to)
    }

    /// Every gap that ends at a boundary: where it begins, and its score.
    pub fn gaps_to(&self, to: usize) -> impl Iterator<Item = (usize, f64)> + Clone {
        (1..=GAP.min(to)).map(move |k| (to - k, self.sum(2, to - k, to)))
    }

    /// Every gap that begins at a boundary: where it ends, and its score.
    pub fn gaps_from(&self, from: usize) -> impl Iterator<Item = (usize, f64)> + Clone {
        (1..=GAP.min(self.n - from)).map(move |k| (from + k, self.sum(2, from, from + k)))
    }

    /// The score of every body that ends at a boundary, the shortest first: those of [`Self::cut`] columns, and each of one more. Impossible ones, and
    /// at the start some that would begin before it, are among them.
    pub fn bodies_to(&self, to: usize) -> &[f64] {
        let width = self.longest + 1;
        &self.bodies[to * width + self.cut..(to + 1) * width]
    }

    /// The same of those that begin at a boundary, none that would end beyond the strip.
    pub fn bodies_from(&self, from: usize) -> impl Iterator<Item = f64> {
        let width = self.longest + 1;
        let bodies = self.bodies.get(from * width + self.cut * (width + 1)..).unwrap_or_default();
        bodies.iter().step_by(width + 1).take(width - self.cut).copied()
    }
}
