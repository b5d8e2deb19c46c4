//! Snow on the ground: bright, without colour, and nearly everywhere.
//!
//! Snow reflects all visible light alike (Dozier, "Spectral signature of alpine snow cover from the Landsat Thematic Mapper", 1989). Concrete and
//! gravel do so, too, but less brightly, and beside ground that has a colour. So half of the ground must have next to none, and half of its
//! blocks must hold much that is as bright as anything in the image. Indices that need short-wave infrared are out of reach: sensors of half a metre have none.

use super::colours::colour_is_known;
use super::evidence::HIDDEN;
use super::{Evidence, Plane};
use crate::raster::Scene;
use crate::tile::{Area, Core, PATCH_M};

/// Distance of the points that are looked at, metres, and how far from each its four samples lie: as pixels of a metre.
const GRID_M: usize = 2;
const SAMPLE_M: f64 = 0.25;
/// Side of a block, metres.
const BLOCK_M: usize = 32;
/// Blocks of which this share was seen are judged, and so many of them make a ground: a hectare and a half.
const LEAST_SEEN: f64 = 0.5;
const LEAST_BLOCKS: usize = 15;
/// Luminance, of the scene's range, from which a point is bright, and colourfulness (the bands' range over their mean) below which it has no colour.
const BRIGHT: f32 = 0.75;
const COLOURLESS: f32 = 0.12;
/// Luminance below which colourfulness is not divided any further.
const DARK: f32 = 0.1;
/// Share of bright points without colour that more than half of the blocks have, and colourfulness that less than half of the ground has. Along
/// given tracks of rendered images (`docs/sites.md`) 17 of 23 wholly in snow are beyond both limits, none of 99 without snow and with as low a sun is;
/// the brightest of these had .26, but .085 (a yard of pale gravel).
const LEAST_BRIGHT: f64 = 0.2;
const MOST_COLOUR: f32 = 0.08;
/// Height of the sun in the image above which no snow lies, degrees: a late morning at the end of March at 45 degrees north. Salt, sand and quays in summer are bright and colourless, too.
const HIGHEST_SUN_DEG: f64 = 45.0;

/// The look of a scene's ground.
#[derive(Debug, Clone, Default)]
pub struct SnowCover {
    /// Points that were seen, and how many of them have next to no colour.
    seen: usize,
    colourless: usize,
    /// Blocks that were seen, and how many of them are bright.
    blocks: usize,
    bright: usize,
}

impl SnowCover {
    /// Whether snow could be told in a scene: its bands are known, and its sun, which does not stand too high.
    pub fn can_be_told(scene: &Scene) -> bool {
        colour_is_known(scene) && scene.sun.is_some_and(|sun| sun.elevation_deg <= HIGHEST_SUN_DEG)
    }

    /// Adds a patch, whose pixels must be in the plane, without what the evidence of its square metres calls cloud.
    pub fn add(&mut self, patch: Core, plane: &Plane, evidence: &[Evidence]) {
        let ground = patch.area(PATCH_M as f64);
        self.look(ground, |x, y| {
            let cell = (y - ground.y0) as usize * PATCH_M + (x - ground.x0) as usize;
            if evidence.get(cell).is_some_and(|cell| cell.cloud > HIDDEN) {
                return None;
            }
            let (mut sum, mut all) = ([0.0f32; 3], true);
            for [right, down] in [[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]] {
                let (colour, seen) = plane.sample(x + right * SAMPLE_M, y + down * SAMPLE_M);
                sum.iter_mut().zip(colour).for_each(|(sum, band)| *sum += 0.25 * band);
                all &= seen > 0.5;
            }
            all.then_some(sum)
        });
    }

    /// Adds ground by its stretched colours; None where nothing was seen.
    fn look(&mut self, ground: Area, mut colour: impl FnMut(f64, f64) -> Option<[f32; 3]>) {
        const POINTS: usize = BLOCK_M / GRID_M;
        let side = ground.width() as usize / BLOCK_M;
        for block in 0..side * side {
            let corner = [block % side, block / side].map(|place| (place * BLOCK_M) as f64);
            let (mut seen, mut bright) = (0usize, 0usize);
            for point in 0..POINTS * POINTS {
                let [dx, dy] = [point % POINTS, point / POINTS].map(|place| (place as f64 + 0.5) * GRID_M as f64);
                let Some(bands) = colour(ground.x0 + corner[0] + dx, ground.y0 + corner[1] + dy) else { continue };
                let luminance = bands.iter().sum::<f32>() / 3.0;
                let range = bands.iter().copied().fold(f32::MIN, f32::max) - bands.iter().copied().fold(f32::MAX, f32::min);
                let colourful = range / luminance.max(DARK);
                seen += 1;
                self.colourless += usize::from(colourful < MOST_COLOUR);
                bright += usize::from(luminance > BRIGHT && colourful < COLOURLESS);
            }
            self.seen += seen;
            if seen as f64 >= LEAST_SEEN * (POINTS * POINTS) as f64 {
                self.blocks += 1;
                self.bright += usize::from(bright as f64 > LEAST_BRIGHT * seen as f64);
            }
        }
    }

    /// Whether snow lies there.
    pub fn lies(&self) -> bool {
        self.blocks >= LEAST_BLOCKS && 2 * self.colourless > self.seen && 2 * self.bright > self.blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ground of so many metres on a side, every tenth point of which is a dark car.
    fn lies(side_m: f64, ground: impl Fn(f64, f64) -> Option<[f32; 3]>) -> bool {
        let mut snow = SnowCover::default();
        snow.look(Area { x0: 0.0, y0: 0.0, x1: side_m, y1: side_m }, |x, y| {
            if ((x / 2.0) as usize).is_multiple_of(10) { Some([0.2, 0.1, 0.1]) } else { ground(x, y) }
        });
        snow.lies()
    }

    #[test]
    fn snow_is_bright_without_colour_and_nearly_everywhere() {
        const SNOW: Option<[f32; 3]> = Some([0.88, 0.9, 0.93]);
        const GRASS: Option<[f32; 3]> = Some([0.3, 0.4, 0.2]);
        assert!(lies(256.0, |_, _| SNOW));
        assert!(lies(256.0, |x, _| if x % 32.0 < 16.0 { SNOW } else { Some([0.4; 3]) }), "swept tracks");
        assert!(!lies(256.0, |x, _| Some([if x % 8.0 < 4.0 { 0.6 } else { 0.74 }; 3])), "pale gravel");
        assert!(!lies(256.0, |_, _| Some([0.9, 0.8, 0.7])), "sand");
        assert!(!lies(256.0, |x, _| if x < 96.0 { SNOW } else { GRASS }), "quays beside grass");
        assert!(!lies(256.0, |x, _| if x % 32.0 < 14.0 { SNOW } else { GRASS }), "pale roofs among grass");
        assert!(lies(256.0, |_, y| if y < 160.0 { None } else { SNOW }), "in what is seen between clouds");
        assert!(!lies(256.0, |_, y| if y < 250.0 { None } else { SNOW }), "too little of it");
        assert!(!lies(96.0, |_, _| SNOW), "a car park");
    }
}
