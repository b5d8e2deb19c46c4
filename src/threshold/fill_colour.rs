//! Undeclared nodata: the colour with which a producer filled the corners of a rotated scene, or the ground beyond a mosaic, without saying so.
//!
//! Taken for ground, black fill takes its part of the stretch and drags the local statistics of what lies beside it: of 124 freight cars of a
//! rendered yard, a third of its image filled, 109 to 118 were counted, and 124 where the fill was declared.

/// Side of a constant square that no roof, shadow or saturated load fills, metres, and most pixels of it, as windows have only so many (fine pixels
/// must be constant over less).
const WIDE_M: f64 = 20.0;
const MOST_PX: usize = 64;
/// Share of the pixels looked at that must lie in such squares.
const LEAST_SHARE: f64 = 0.01;
/// Side of the least square that is fill in a scene that has some, metres: twice the width of a car, so that a roof or a shadow that is clipped to
/// the same colour is none.
const NARROW_M: f64 = 6.0;

/// The colours of a scene's fill in the file's own numbers: its darkest, and what a cloud saturates. White alone is none: overexposed ground and snow are white,
/// too, with cars on them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FillColour {
    dark: Option<[f32; 3]>,
    cloud: Option<[f32; 3]>,
}

impl FillColour {
    /// With the saturated colour of a cloud.
    pub(super) fn with_cloud(self, colour: [f32; 3]) -> Self {
        Self { cloud: Some(colour), ..self }
    }

    /// Whether a pixel has one of them.
    pub fn is(&self, pixel: [f32; 3]) -> bool {
        self.dark == Some(pixel) || self.cloud == Some(pixel)
    }

    /// Whether a luminance is one of theirs.
    pub fn is_luminance(&self, value: f32) -> bool {
        [self.dark, self.cloud].into_iter().flatten().any(|fill| (luminance(fill) - value).abs() <= 1e-4 * value.abs())
    }
}

/// Windows of a scene, searched for fill.
pub(super) struct Search {
    side: usize,
    seen: usize,
    darkest: Option<(f32, [f32; 3])>,
    brightest: Option<(f32, [f32; 3])>,
    /// Pixels in wide squares of the darkest colour.
    wide: usize,
}

impl Search {
    /// Of a scene with pixels of so many metres.
    pub fn new(gsd_m: f64) -> Self {
        let side = ((WIDE_M / gsd_m).ceil() as usize).clamp(2, MOST_PX);
        Self { side, seen: 0, darkest: None, brightest: None, wide: 0 }
    }

    /// Looks at a window, row by row.
    pub fn look(&mut self, rgb: &[[f32; 3]], valid: &[bool], width: usize) {
        for pixel in rgb.iter().zip(valid).filter(|(_, valid)| **valid).map(|(pixel, _)| *pixel) {
            let value = luminance(pixel);
            self.seen += 1;
            if self.brightest.is_none_or(|(brightest, _)| value > brightest) {
                self.brightest = Some((value, pixel));
            }
            if self.darkest.is_none_or(|(darkest, _)| value < darkest) {
                self.darkest = Some((value, pixel));
                self.wide = 0;
            }
        }
        let Some((_, darkest)) = self.darkest else { return };
        let mask: Vec<bool> = rgb.iter().zip(valid).map(|(pixel, valid)| *valid && *pixel == darkest).collect();
        if mask.iter().filter(|same| **same).count() >= self.side * self.side {
            self.wide += opened(&mask, width, self.side).into_iter().filter(|same| *same).count();
        }
    }

    /// The brightest colour of all.
    pub fn brightest(&self) -> Option<[f32; 3]> {
        self.brightest.map(|(_, colour)| colour)
    }

    /// The darkest colour, if it fills enough; not where nothing else was seen.
    pub fn found(&self) -> FillColour {
        let fills = self.wide as f64 >= LEAST_SHARE * self.seen as f64 && self.wide < self.seen;
        FillColour { dark: self.darkest.filter(|_| fills).map(|(_, colour)| colour), cloud: None }
    }
}

/// Which samples of a patch that have a fill's colour are fill: those in a square of them of [`NARROW_M`], as far as it lies in the patch.
pub(super) fn is_fill(same: &[bool], width: usize, step_m: [f64; 2]) -> Vec<bool> {
    let side = ((NARROW_M / step_m[0].max(step_m[1])).round() as usize).max(2);
    let beyond = side - 1;
    let (wide, height) = (width + 2 * beyond, same.len() / width.max(1));
    // What lies beyond the patch may be fill as well.
    let mut around = vec![true; wide * (height + 2 * beyond)];
    for (row, line) in same.chunks_exact(width.max(1)).enumerate() {
        let from = (row + beyond) * wide + beyond;
        around[from..from + width].copy_from_slice(line);
    }
    let opened = opened(&around, wide, side);
    (0..height).flat_map(|row| opened[(row + beyond) * wide + beyond..][..width].iter().copied()).collect()
}

/// Morphological opening with a square (Serra, "Image analysis and mathematical morphology", 1982): what is left are squares of `side` that
/// are set throughout.
fn opened(mask: &[bool], width: usize, side: usize) -> Vec<bool> {
    // Side of the largest set square with its lower right corner here.
    let mut largest = vec![0usize; mask.len()];
    for at in (0..mask.len()).filter(|&at| mask[at]) {
        let near = |back: usize, inside: bool| if inside { largest[at - back] } else { 0 };
        let (left, up) = (at % width > 0, at >= width);
        largest[at] = 1 + near(1, left).min(near(width, up)).min(near(width + 1, left && up));
    }
    // How many more pixels to the left, and then up, a square's lower right corner covers.
    let mut covered: Vec<usize> = largest.into_iter().map(|square| if square >= side { side } else { 0 }).collect();
    for at in (0..mask.len().saturating_sub(1)).rev().filter(|at| at % width + 1 < width) {
        covered[at] = covered[at].max(covered[at + 1].saturating_sub(1));
    }
    let mut down: Vec<usize> = covered.into_iter().map(|covered| if covered > 0 { side } else { 0 }).collect();
    for at in (0..mask.len().saturating_sub(width)).rev() {
        down[at] = down[at].max(down[at + width].saturating_sub(1));
    }
    down.into_iter().map(|left| left > 0).collect()
}

fn luminance(pixel: [f32; 3]) -> f32 {
    pixel.iter().sum::<f32>() / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_leaves_whole_squares_only() {
        #[rustfmt::skip]
        let mask = [
            1, 1, 0, 1, 1,
            1, 1, 1, 1, 1,
            0, 1, 1, 0, 1,
            1, 0, 0, 1, 0,
        ];
        #[rustfmt::skip]
        let left = [
            1, 1, 0, 1, 1,
            1, 1, 1, 1, 1,
            0, 1, 1, 0, 0,
            0, 0, 0, 0, 0,
        ];
        let opened = opened(&mask.map(|set| set == 1), 5, 2);
        assert_eq!(opened, left.map(|set| set == 1));
    }

    #[test]
    fn fill_is_the_darkest_colour_of_wide_squares_that_do_not_cover_all() {
        let search = |dark: usize, ground: f32| {
            let mut search = Search::new(0.5);
            let pixels: Vec<[f32; 3]> =
                (0..96 * 96).map(|at| if at / 96 < dark { [7.0; 3] } else { [ground + (at % 5) as f32; 3] }).collect();
            search.look(&pixels, &vec![true; pixels.len()], 96);
            search.found()
        };
        assert!(search(50, 20.0).is([7.0; 3]));
        assert!(!search(50, 20.0).is([20.0; 3]));
        assert!(!search(50, 1.0).is([7.0; 3]), "brighter than the ground");
        assert!(!search(30, 20.0).is([7.0; 3]), "a band of 15 m");
        assert!(!search(96, 20.0).is([7.0; 3]), "nothing else");
        assert!(!search(50, 5.0).is([7.0; 3]), "not the darkest");
    }

    /// Of an overexposed yard 18 cars were counted, where 102 had been: its white ground was taken for fill.
    #[test]
    fn white_is_no_fill() {
        let mut search = Search::new(0.5);
        let pixels: Vec<[f32; 3]> = (0..96 * 96).map(|at| [if at / 96 < 50 { 255.0 } else { (at % 5) as f32 }; 3]).collect();
        search.look(&pixels, &[true; 96 * 96], 96);
        assert!(!search.found().is([255.0; 3]));
        assert_eq!(search.brightest(), Some([255.0; 3]));
    }

    /// In most windows there is nothing else.
    #[test]
    fn fill_of_most_of_a_scene_is_found() {
        let mut search = Search::new(0.5);
        (0..9).for_each(|_| search.look(&[[0.0; 3]; 96 * 96], &[true; 96 * 96], 96));
        let ground: Vec<[f32; 3]> = (0..96 * 96).map(|at| [20.0 + (at % 5) as f32; 3]).collect();
        search.look(&ground, &[true; 96 * 96], 96);
        assert!(search.found().is([0.0; 3]));
    }

    #[test]
    fn what_is_narrower_than_two_cars_is_no_fill_but_where_the_patch_ends() {
        let patch: Vec<bool> = (0..128 * 128)
            .map(|at| {
                let col = at % 128;
                col < 3 || (50..61).contains(&col) || (80..93).contains(&col)
            })
            .collect();
        let fill = is_fill(&patch, 128, [0.5; 2]);
        let cols: Vec<usize> = (0..128).filter(|col| fill[64 * 128 + col]).collect();
        assert_eq!(cols, (0..3).chain(80..93).collect::<Vec<_>>());
    }
}
