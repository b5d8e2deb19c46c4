//! The image resampled along a track.

use super::line::Centreline;
use crate::threshold::Plane;
use crate::threshold::network::Maps;

/// Distance of the samples along a strip, metres.
pub const ALONG_M: f64 = 0.25;
/// Distance of the samples across a strip, metres.
pub const ACROSS_M: f64 = 0.4;
/// Samples across: +-6.2 m, which takes in both neighbouring tracks and a car's shadow.
pub const ROWS: usize = 32;

/// Lateral place of a row of the strip, metres to the right of travel.
pub fn across(row: usize) -> f64 {
    (row as f64 - (ROWS - 1) as f64 / 2.0) * ACROSS_M
}

/// Resamples the scene along a line with points every [`ALONG_M`]: six planes of [`ROWS`] rows and one column per point
/// (an even number): four of the image, and the shadow vector to the right of travel and along it.
pub fn strip(plane: &Plane, line: &Centreline) -> Maps {
    let cols = line.points.len() / 2 * 2;
    let mut maps = Maps::zeros(6, ROWS, cols);
    for col in 0..cols {
        let ([x, y], [tx, ty]) = (line.points[col], line.tangent(col));
        for row in 0..ROWS {
            let v = across(row);
            let values = plane.inputs(x - ty * v, y + tx * v);
            (0..4).for_each(|channel| maps.data[(channel * ROWS + row) * cols + col] = values[channel]);
            let (tx, ty) = (tx as f32, ty as f32);
            maps.data[(4 * ROWS + row) * cols + col] = plane.shadow[1] * tx - plane.shadow[0] * ty;
            maps.data[(5 * ROWS + row) * cols + col] = plane.shadow[0] * tx + plane.shadow[1] * ty;
        }
    }
    maps
}
