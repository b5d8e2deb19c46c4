//! Where the tracks and cars are: one-metre maps of track centre, car body and heading, from the yard network.
//!
//! The network is a small U-Net (Ronneberger, Fischer and Brox, "U-Net: convolutional networks for biomedical image segmentation",
//! 2015) over half-metre pixels; `training/yard_net.py` makes its weights. It looks up to 45 m around each point, and 39 m beyond a
//! core.

use std::sync::OnceLock;

use super::clarity::{BLUR_M, Clarity};
use super::convolution::{Convolution, Shape};
use super::evidence::Evidence;
use super::network::{Maps, Weights, logistic};
use super::plane::Plane;
use super::spare::Spare;
use crate::tile::{Area, Core, PATCH_M, Patches};

/// Ground around a core that the network takes in, metres, in whole 8 m cells of the coarsest level: it looks 39 m beyond a core, and to the last digit
/// of its answers 45 m.
pub const HALO_M: usize = 48;
/// Side of a core in metres unless the caller asks otherwise; a multiple of [`PATCH_M`].
pub const CORE_M: usize = 256;
// Tiles of four rows end where a core does, at the coarsest level too.
const _: () = assert!(PATCH_M.is_multiple_of(4 * 8));

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
    fn apply(&self, inputs: Maps, spare: &mut Spare) -> Maps {
        fn layer(convolution: &Convolution, input: Maps, spare: &mut Spare) -> Maps {
            let out = convolution.apply(&input, true, spare);
            spare.keep(input.data);
            out
        }
        let a = layer(&self.stem, inputs, spare);
        // Margins of 8, 4 and 4 m around the core: each covers the reach of the layers that follow. What lies beyond is dropped at once. Four rows are
        // computed at a time, and the last digits of each depend a little on what the others look at. With these margins, and the halo, that reaches
        // nothing more: a row just outside the core is the second or third of its tile where the level below is looked at.
        let a = layer(&self.at1, a, spare);
        let b = self.to2.apply(&a, true, spare);
        let a = a.trimmed(HALO_M - 4, spare);
        let b = layer(&self.at2, b, spare);
        let c = self.to4.apply(&b, true, spare);
        let b = b.trimmed((HALO_M - 4) / 2, spare);
        let c = layer(&self.at4, c, spare);
        let d = self.to8.apply(&c, true, spare);
        let c = c.trimmed((HALO_M - 8) / 4, spare);
        let d = layer(&self.at8[0], d, spare);
        let d = layer(&self.at8[1], d, spare).trimmed((HALO_M - 8) / 8, spare);
        let c = layer(&self.up4, d.doubled_with(c, spare), spare).trimmed(1, spare);
        let b = layer(&self.up2, c.doubled_with(b, spare), spare);
        let a = layer(&self.up1, b.doubled_with(a, spare), spare).trimmed(4, spare);
        let out = self.head.apply(&a, false, spare);
        spare.keep(a.data);
        out
    }
}

/// Runs the network over a rectangle of patches: those that are `wanted`, each with the evidence of its square metres, row by row. The plane
/// must hold the patches within [`HALO_M`] of them. Also says how clear each patch is. What a patch is found to show does not depend on the
/// rectangle. Where nothing was seen within a patch's width there is nothing.
pub fn look(
    plane: &Plane,
    patches: Patches,
    wanted: impl Fn(Area) -> bool,
    spare: &mut Spare,
) -> Vec<(Core, Vec<Evidence>, Clarity)> {
    let (area, [down, across]) = (patches.area(), patches.size);
    let place = |i: usize| {
        let (row, col) = (i / across, i % across);
        (row, col, Core { row: patches.first.row + row as i64, col: patches.first.col + col as i64 })
    };
    let wanted: Vec<_> = (0..down * across).map(place).filter(|(_, _, ground)| wanted(ground.area(PATCH_M as f64))).collect();
    let blank: Vec<bool> = wanted.iter().map(|(_, _, ground)| plane.blank_around(*ground)).collect();
    let inputs = blank.contains(&false).then(|| {
        let size = [down, across].map(|patches| patches * PATCH_M + 2 * HALO_M);
        inputs(plane, [area.x0 - HALO_M as f64, area.y0 - HALO_M as f64], size, spare)
    });
    let response = plane.stretch.focus.response(plane.step_m, BLUR_M);
    let clear = |row: usize, col: usize, blank: bool| match &inputs {
        Some(inputs) if !blank => clarity(inputs, row * PATCH_M, col * PATCH_M, response),
        _ => Clarity::Clear,
    };
    let clear: Vec<Clarity> = wanted.iter().zip(&blank).map(|((row, col, _), blank)| clear(*row, *col, *blank)).collect();
    let outputs = inputs.map(|inputs| YardNetwork::shared().apply(inputs, spare));
    let evidence = |row: usize, col: usize, blank: bool| match &outputs {
        Some(outputs) if !blank => patch(outputs, row * PATCH_M, col * PATCH_M),
        _ => vec![Evidence::default(); PATCH_M * PATCH_M],
    };
    let seen = wanted.into_iter().zip(blank).zip(clear);
    let seen = seen.map(|(((row, col, ground), blank), clear)| (ground, evidence(row, col, blank), clear)).collect();
    outputs.into_iter().for_each(|outputs| spare.keep(outputs.data));
    seen
}

/// How clear the patch is whose first square metre has this row and column in the core; see [`Clarity::of`].
fn clarity(inputs: &Maps, row: usize, col: usize, response: f64) -> Clarity {
    let (luminance, seen) = (inputs.plane(0), inputs.plane(3));
    Clarity::of(2 * PATCH_M, response, |r, c| {
        let at = (2 * (HALO_M + row) + r) * inputs.cols + 2 * (HALO_M + col) + c;
        (seen[at] > 0.0).then(|| luminance[at])
    })
}

/// Bytes that [`look`] takes for a core of this side while it runs, and leaves as spare: the inputs and the first maps, into which later ones are
/// written, and what is kept of three levels for the way back.
pub fn look_bytes(core_m: usize) -> usize {
    let (side, inner) = (core_m + 2 * HALO_M, core_m + 8);
    ((6 * 4 + 16) * side * side + (16 + 32 / 4 + 48 / 16) * inner * inner) * size_of::<f32>()
}

/// Network inputs of a square of ground at half a metre: four of the image, and the shadow vector.
fn inputs(plane: &Plane, start: [f64; 2], [down_m, across_m]: [usize; 2], spare: &mut Spare) -> Maps {
    let mut maps = Maps::of_spare(spare, 6, 2 * down_m, 2 * across_m);
    let size = maps.rows * maps.cols;
    let (image, shadow) = maps.data.split_at_mut(4 * size);
    plane.half_metre(start, [maps.rows, maps.cols], image);
    shadow.chunks_exact_mut(size).zip(plane.shadow).for_each(|(plane, shadow)| plane.fill(shadow));
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
        let out = network.apply(probe(6, 256, 256), &mut Spare::default());
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

    #[test]
    fn a_patch_is_the_same_to_the_bit_whatever_is_looked_at_with_it() {
        let network = YardNetwork::shared();
        let side = 2 * (2 * PATCH_M + 2 * HALO_M);
        let both = probe(6, side, side);
        // One memory for all, as a thread has.
        let mut spare = Spare::default();
        let looked = network.apply(both.clone(), &mut spare);
        let part = side - 2 * PATCH_M;
        for (row, col) in [(0, 0), (0, PATCH_M), (PATCH_M, 0), (PATCH_M, PATCH_M)] {
            let mut one = Maps::zeros(6, part, part);
            for (number, target) in one.data.chunks_exact_mut(part).enumerate() {
                let (channel, r) = (number / part, number % part);
                target.copy_from_slice(&both.plane(channel)[(2 * row + r) * side + 2 * col..][..part]);
            }
            let alone = network.apply(one, &mut spare);
            let differ = (0..5 * PATCH_M * PATCH_M).filter(|i| {
                let (channel, r, c) = (i / PATCH_M / PATCH_M, i / PATCH_M % PATCH_M, i % PATCH_M);
                alone.plane(channel)[r * PATCH_M + c].to_bits()
                    != looked.plane(channel)[(row + r) * 2 * PATCH_M + col + c].to_bits()
            });
            assert_eq!(differ.count(), 0, "the patch {row} m down and {col} m to the right");
        }
    }

    /// Ground without data far from any pixel had evidence of track all over, and a mosaic of which little was filled did not fit in memory.
    #[test]
    fn far_from_any_pixel_there_is_nothing() {
        use crate::raster::{Scene, SceneOptions};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mosaic.png");
        let picture = image::GrayAlphaImage::from_fn(640, 128, |col, row| {
            image::LumaA([((col * 7919 + row * 104_729) % 251) as u8, if col < 200 { 255 } else { 0 }])
        });
        picture.save(&path).unwrap();
        let scene = Scene::open(&path, &SceneOptions { gsd_m: Some(0.5), ..SceneOptions::default() }).unwrap();
        let area = Area { x0: 0.0, y0: 0.0, x1: 320.0, y1: 64.0 };
        let stretch = crate::threshold::scene_stretch(&scene, area).unwrap().unwrap();
        let mut plane = Plane::new(&scene, stretch, area, 64 << 20, 64 << 20).unwrap().unwrap();
        let all = plane.patches_in(area).collect();
        plane.require(&scene, &all).unwrap();
        let looked = look(&plane, Patches { first: Core { row: 0, col: 0 }, size: [1, 5] }, |_| true, &mut Spare::default());
        let empty: Vec<bool> =
            looked.iter().map(|(_, evidence, _)| evidence.iter().all(|cell| *cell == Evidence::default())).collect();
        assert_eq!(empty, [false, false, false, true, true], "100 m are filled: two patches, and one beside them");
    }
}
