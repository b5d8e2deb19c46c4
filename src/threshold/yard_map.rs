//! Where the tracks and cars are: one-metre maps of track centre, car body and heading, from the yard network.
//!
//! The network is a small U-Net (Ronneberger, Fischer and Brox, "U-Net: convolutional networks for biomedical image segmentation",
//! 2015) over half-metre pixels; `training/yard_net.py` makes its weights. It looks about 47 m around each point.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use rayon::prelude::*;

use super::network::{Convolution, Maps, Shape, Weights, logistic};
use super::plane::Plane;
use crate::tile::{Area, Core};

/// Ground around a core that the network takes in, metres: its reach of 47 m, in whole 8 m cells of the coarsest level.
const HALO_M: usize = 48;
/// Side of a core in metres unless the caller asks otherwise; a multiple of 8.
pub const CORE_M: usize = 256;
/// Side of the squares in which maps are kept, metres; cores are multiples of it.
pub const PATCH_M: usize = 64;

struct YardNetwork {
    stem: Convolution,
    at1: Convolution,
    to2: Convolution,
    at2: Convolution,
    to4: Convolution,
    at4: Convolution,
    to8: Convolution,
    at8: [Convolution; 2],
    up4: Convolution,
    up2: Convolution,
    up1: Convolution,
    head: Convolution,
}

impl YardNetwork {
    fn shared() -> &'static Self {
        static NETWORK: OnceLock<YardNetwork> = OnceLock::new();
        NETWORK.get_or_init(|| Self::read(&mut Weights::new(include_bytes!("yard_weights.bin"))))
    }

    fn read(weights: &mut Weights) -> Self {
        // In the order of the file.
        fn three(weights: &mut Weights, inputs: usize, outputs: usize, stride: usize) -> Convolution {
            weights.convolution(inputs, outputs, Shape::three(stride))
        }
        let stem = weights.convolution(6, 16, Shape { kernel: (5, 5), stride: (2, 2), padding: (2, 2), dilation: 1 });
        let at1 = three(weights, 16, 16, 1);
        let (to2, at2) = (three(weights, 16, 32, 2), three(weights, 32, 32, 1));
        let (to4, at4) = (three(weights, 32, 48, 2), three(weights, 48, 48, 1));
        let (to8, at8) = (three(weights, 48, 64, 2), [three(weights, 64, 64, 1), three(weights, 64, 64, 1)]);
        let (up4, up2, up1) = (three(weights, 112, 48, 1), three(weights, 80, 24, 1), three(weights, 40, 16, 1));
        let head = weights.convolution(16, 5, Shape::point());
        Self { stem, at1, to2, at2, to4, at4, to8, at8, up4, up2, up1, head }
    }

    /// Half-metre inputs of a core with its halo to one-metre outputs of the core. Fine levels are computed only where they are needed.
    fn apply(&self, inputs: &Maps) -> Maps {
        let a = self.at1.apply(&self.stem.apply(inputs, true), true);
        let b = self.at2.apply(&self.to2.apply(&a, true), true);
        let c = self.at4.apply(&self.to4.apply(&b, true), true);
        let d = self.at8[1].apply(&self.at8[0].apply(&self.to8.apply(&c, true), true), true);
        // Margins of 16, 8 and 4 m around the core: each covers the reach of the layers that follow.
        let c = self.up4.apply(&d.trimmed((HALO_M - 16) / 8).doubled_with(&c.trimmed((HALO_M - 16) / 4)), true);
        let b = self.up2.apply(&c.trimmed(8 / 4).doubled_with(&b.trimmed((HALO_M - 8) / 2)), true);
        let a = self.up1.apply(&b.trimmed(4 / 2).doubled_with(&a.trimmed(HALO_M - 4)), true);
        self.head.apply(&a.trimmed(4), false)
    }
}

/// What the network says of one square metre.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Evidence {
    /// Nearness of a track's centre line: 1 on it, falling off with a standard deviation of 0.8 m.
    pub track: f32,
    /// Probability of a car's roof.
    pub body: f32,
    /// Cosine and sine of twice the heading (x to the right, y down).
    pub heading: [f32; 2],
    /// Probability that a cloud hides the ground.
    pub cloud: f32,
}

/// One-metre evidence over the parts of a scene that were looked at, kept in squares of [`PATCH_M`].
#[derive(Debug, Default)]
pub struct YardMap {
    patches: BTreeMap<(i64, i64), Vec<Evidence>>,
}

impl YardMap {
    /// Runs the network over the given cores (squares of `core_m` metres, a multiple of [`PATCH_M`]); `wanted` says which patches are kept.
    pub fn look(plane: &Plane, cores: &[Core], core_m: usize, wanted: impl Fn(Area) -> bool + Sync) -> Self {
        let network = YardNetwork::shared();
        let parts: Vec<_> = cores
            .par_iter()
            .map(|core| {
                let area = core.area(core_m as f64);
                let side = core_m + 2 * HALO_M;
                let outputs = network.apply(&inputs(plane, [area.x0 - HALO_M as f64, area.y0 - HALO_M as f64], side));
                let mut patches = Vec::new();
                for row in 0..core_m / PATCH_M {
                    for col in 0..core_m / PATCH_M {
                        let per = (core_m / PATCH_M) as i64;
                        let key = (core.row * per + row as i64, core.col * per + col as i64);
                        let ground = Core { row: key.0, col: key.1 }.area(PATCH_M as f64);
                        if wanted(ground) {
                            patches.push((key, patch(&outputs, row * PATCH_M, col * PATCH_M)));
                        }
                    }
                }
                patches
            })
            .collect();
        Self { patches: parts.into_iter().flatten().collect() }
    }

    /// Evidence of the square metre with this column and row (metres from the scene's corner); none where nothing was looked at.
    pub fn cell(&self, col: i64, row: i64) -> Evidence {
        let side = PATCH_M as i64;
        let patch = self.patches.get(&(row.div_euclid(side), col.div_euclid(side)));
        patch.map_or_else(Evidence::default, |patch| patch[(row.rem_euclid(side) * side + col.rem_euclid(side)) as usize])
    }

    /// Evidence at a point of ground, bilinear.
    pub fn at(&self, x: f64, y: f64) -> Evidence {
        let (u, v) = (x - 0.5, y - 0.5);
        let (col, row) = (u.floor(), v.floor());
        let (fu, fv) = ((u - col) as f32, (v - row) as f32);
        let (col, row) = (col as i64, row as i64);
        let mut sum = Evidence::default();
        for (dr, wr) in [(0, 1.0 - fv), (1, fv)] {
            for (dc, wc) in [(0, 1.0 - fu), (1, fu)] {
                let (cell, weight) = (self.cell(col + dc, row + dr), wr * wc);
                sum.track += weight * cell.track;
                sum.body += weight * cell.body;
                sum.cloud += weight * cell.cloud;
                (0..2).for_each(|i| sum.heading[i] += weight * cell.heading[i]);
            }
        }
        sum
    }

    /// Every cell that was looked at, as (column, row, evidence), in a fixed order.
    pub fn cells(&self) -> impl Iterator<Item = (i64, i64, Evidence)> + '_ {
        let side = PATCH_M as i64;
        self.patches.iter().flat_map(move |(&(row, col), patch)| {
            patch
                .iter()
                .enumerate()
                .map(move |(i, &evidence)| (col * side + i as i64 % side, row * side + i as i64 / side, evidence))
        })
    }
}

/// Network inputs of a square of ground at half a metre.
fn inputs(plane: &Plane, origin: [f64; 2], side_m: usize) -> Maps {
    let side = side_m * 2;
    let mut maps = Maps::zeros(6, side, side);
    let size = side * side;
    maps.data[4 * size..5 * size].fill(plane.shadow[0]);
    maps.data[5 * size..].fill(plane.shadow[1]);
    for row in 0..side {
        let y = origin[1] + (row as f64 + 0.5) * 0.5;
        for col in 0..side {
            let x = origin[0] + (col as f64 + 0.5) * 0.5;
            let values = plane.inputs_averaged(x, y, 0.125);
            (0..4).for_each(|channel| maps.data[channel * size + row * side + col] = values[channel]);
        }
    }
    maps
}

fn patch(outputs: &Maps, row: usize, col: usize) -> Vec<Evidence> {
    let at = |channel: usize, r: usize, c: usize| outputs.plane(channel)[(row + r) * outputs.cols + col + c];
    (0..PATCH_M * PATCH_M)
        .map(|i| {
            let (r, c) = (i / PATCH_M, i % PATCH_M);
            let (cos, sin) = (at(2, r, c), at(3, r, c));
            let norm = cos.hypot(sin).max(1e-6);
            Evidence {
                track: logistic(at(0, r, c)),
                body: logistic(at(1, r, c)),
                heading: [cos / norm, sin / norm],
                cloud: logistic(at(4, r, c)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::network::probe;

    #[test]
    fn the_weight_file_is_read_to_its_end_and_answers_as_the_training_framework_did() {
        let mut weights = Weights::new(include_bytes!("yard_weights.bin"));
        let network = YardNetwork::read(&mut weights);
        assert_eq!(weights.left(), 0);
        // 128 m with the halo leave a core of 32 m; the numbers are those of `training/export.py`.
        let out = network.apply(&probe(6, 256, 256));
        assert_eq!((out.channels, out.rows, out.cols), (5, 32, 32));
        let answers: serde_json::Value = serde_json::from_str(include_str!("probe.json")).unwrap();
        for (i, answer) in answers["yard"].as_array().unwrap().iter().enumerate() {
            let (channel, col) = (i / 4, i % 4 * 8);
            let own = f64::from(out.plane(channel)[(64 - HALO_M) * out.cols + col]);
            let answer = answer.as_f64().unwrap();
            assert!(
                (own - answer).abs() < 2e-3 * answer.abs().max(1.0),
                "channel {channel}, column {col}: {own} against {answer}"
            );
        }
    }
}
