//! The image resampled along a track.

use super::line::Centreline;
use crate::threshold::network::Maps;
use crate::threshold::{Cutout, POINTS, Plane};
use crate::tile::Area;

/// Distance of the samples along a strip, metres.
pub const ALONG_M: f64 = 0.25;
/// Distance of the samples across a strip, metres.
pub const ACROSS_M: f64 = 0.4;
/// Samples across: +-6.2 m, which takes in both neighbouring tracks and a car's shadow.
pub const ROWS: usize = 32;
/// Planes of a strip that hold the shadow vector.
const VECTOR: std::ops::Range<usize> = 4..6;

/// Lateral place of a row of the strip, metres to the right of travel.
pub fn across(row: usize) -> f64 {
    (row as f64 - (ROWS - 1) as f64 / 2.0) * ACROSS_M
}

/// Columns that are cut out of the scene together.
const TOGETHER: usize = 32;
/// Planes of a strip.
const PLANES: usize = 6;
const _: () = assert!(POINTS == ROWS);

/// Resamples the scene along a line with points every [`ALONG_M`]: six planes of [`ROWS`] rows and one column per point
/// (an even number): four of the image, and the shadow vector to the right of travel and along it.
pub fn strip(plane: &Plane, line: &Centreline) -> Maps {
    let cols = line.points.len() / 2 * 2;
    let mut maps = Maps::zeros(PLANES, ROWS, cols);
    let mut cutout = Cutout::of(plane);
    // Rows of some columns, which are written into the planes together.
    let mut part = [[0.0f32; TOGETHER]; PLANES * ROWS];
    for from in (0..cols).step_by(TOGETHER) {
        let count = TOGETHER.min(cols - from);
        let columns: Vec<_> = (from..from + count).map(|col| across_at(line.points[col], line.tangent(col))).collect();
        cutout.lay(around(&columns));
        for (i, (x, y)) in columns.iter().enumerate() {
            let [tx, ty] = line.tangent(from + i).map(|along| along as f32);
            let shadow = [plane.shadow[1] * tx - plane.shadow[0] * ty, plane.shadow[0] * tx + plane.shadow[1] * ty];
            let planes = cutout.inputs(x, y).into_iter().chain(shadow.map(|shadow| [shadow; ROWS]));
            part.iter_mut().zip(planes.flatten()).for_each(|(row, value)| row[i] = value);
        }
        for (row, part) in maps.data.chunks_exact_mut(cols).zip(&part) {
            row[from..from + count].copy_from_slice(&part[..count]);
        }
    }
    maps
}

/// The points across a strip at a point of its axis.
fn across_at([x, y]: [f64; 2], [tx, ty]: [f64; 2]) -> ([f64; ROWS], [f64; ROWS]) {
    (std::array::from_fn(|row| x - ty * across(row)), std::array::from_fn(|row| y + tx * across(row)))
}

/// The ground that some columns of a strip lie on.
fn around(columns: &[([f64; ROWS], [f64; ROWS])]) -> Area {
    let nothing = Area { x0: f64::INFINITY, y0: f64::INFINITY, x1: f64::NEG_INFINITY, y1: f64::NEG_INFINITY };
    let ends = columns.iter().flat_map(|(x, y)| [[x[0], y[0]], [x[ROWS - 1], y[ROWS - 1]]]);
    ends.fold(nothing, |area, [x, y]| Area { x0: area.x0.min(x), y0: area.y0.min(y), x1: area.x1.max(x), y1: area.y1.max(y) })
}

/// The strip as one sees it who travels the other way.
pub fn turned(strip: &Maps) -> Maps {
    let mut turned = strip.clone();
    for (channel, plane) in turned.data.chunks_exact_mut(strip.rows * strip.cols).enumerate() {
        plane.reverse();
        // What points to the right and forwards now points to the left and backwards.
        if VECTOR.contains(&channel) {
            plane.iter_mut().for_each(|value| *value = -*value);
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::{Scene, SceneOptions};
    use crate::threshold::scene_stretch;
    use crate::tile::{Area, Core};
    use std::collections::BTreeSet;

    /// 330 x 250 m at 1.1 m, with a corner that is not valid: six by four patches, none of them as wide as another in pixels.
    fn scene(folder: &std::path::Path) -> Scene {
        let path = folder.join("scene.png");
        let picture = image::RgbaImage::from_fn(300, 227, |col, row| {
            let noise = ((col * 7919 + row * 104_729) % 251) as u8;
            image::Rgba([noise, (row % 256) as u8, (col / 2) as u8, if col + row < 40 { 0 } else { 255 }])
        });
        picture.save(&path).unwrap();
        Scene::open(&path, &SceneOptions { gsd_m: Some(1.1), ..SceneOptions::default() }).unwrap()
    }

    #[test]
    fn a_strip_is_the_same_to_the_bit_whatever_else_is_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let scene = scene(folder.path());
        let area = Area { x0: 0.0, y0: 0.0, x1: 330.0, y1: 249.7 };
        let stretch = scene_stretch(&scene, area).unwrap().unwrap();
        let lines: Vec<Centreline> =
            [[[5.0, 8.0], [320.0, 240.0]], [[64.0, -20.0], [64.5, 260.0]], [[-9.0, 191.0], [340.0, 193.0]]]
                .iter()
                .map(|line| Centreline::resampled(line, ALONG_M).unwrap())
                .collect();
        let mut whole = Plane::new(&scene, stretch, area, 64 << 20, 64 << 20).unwrap().unwrap();
        let all: BTreeSet<Core> = whole.patches_in(area).collect();
        assert_eq!(all.len(), 6 * 4);
        whole.require(&scene, &all).unwrap();
        let expected: Vec<Maps> = lines.iter().map(|line| strip(&whole, line)).collect();
        assert!(expected.iter().any(|strip| strip.plane(3).contains(&0.0)) && expected.iter().all(|s| s.plane(3).contains(&1.0)));
        // Room for nine patches: what the statistics take in around them is read, summed up and dropped.
        let room = 9 * whole.patch_bytes();
        let mut small = Plane::new(&scene, stretch, area, room, room).unwrap().unwrap();
        assert!(small.require(&scene, &all).unwrap_err().to_string().contains("--max-memory"));
        for (line, expected) in lines.iter().zip(&expected) {
            for from in (0..expected.cols).step_by(200).rev() {
                let part = line.points[from..(from + 200).min(line.points.len())].to_vec();
                let near = |p: &[f64; 2]| Area { x0: p[0], y0: p[1], x1: p[0], y1: p[1] }.grown(12.0);
                let patches = part.iter().flat_map(|p| small.patches_in(near(p)).collect::<Vec<_>>()).collect();
                small.require(&scene, &patches).unwrap();
                let own = strip(&small, line);
                for (row, col) in (0..4 * ROWS).flat_map(|row| (from..(from + 200).min(expected.cols)).map(move |col| (row, col)))
                {
                    let at = row * expected.cols + col;
                    assert_eq!(own.data[at].to_bits(), expected.data[at].to_bits(), "row {row}, column {col}");
                }
            }
        }
    }

    #[test]
    fn a_strip_shows_what_the_plane_has_at_its_points_also_across_borders() {
        let folder = tempfile::tempdir().unwrap();
        let scene = scene(folder.path());
        let stretch = scene_stretch(&scene, Area { x0: 0.0, y0: 0.0, x1: 330.0, y1: 249.7 }).unwrap().unwrap();
        // All of it, a part of it, and one column of pixels.
        for x1 in [330.0, 100.0, 1.0] {
            let area = Area { x0: 0.0, y0: 0.0, x1, y1: 249.7 };
            let mut plane = Plane::new(&scene, stretch, area, 64 << 20, 64 << 20).unwrap().unwrap();
            let all = plane.patches_in(area).collect();
            plane.require(&scene, &all).unwrap();
            let (mut seen, mut unseen, mut either) = (0, 0, 0);
            for line in [[[5.0, 8.0], [320.0, 240.0]], [[64.0, -20.0], [64.5, 260.0]], [[0.0, 20.0], [4.0, 240.0]]] {
                let line = Centreline::resampled(&line, ALONG_M).unwrap();
                let strip = strip(&plane, &line);
                for (row, col) in (0..ROWS).flat_map(|row| (0..strip.cols).map(move |col| (row, col))) {
                    let ([x, y], [tx, ty]) = (line.points[col], line.tangent(col));
                    let [x, y] = [x - ty * across(row), y + tx * across(row)];
                    let own: [f32; 4] = std::array::from_fn(|k| strip.plane(k)[row * strip.cols + col]);
                    let expected = plane.inputs(x, y);
                    // Half seen, both ways of computing it may say either.
                    if own[3] == expected[3] {
                        assert!(own.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-3), "{x} {y}: {own:?} {expected:?}");
                        *if own[3] > 0.0 { &mut seen } else { &mut unseen } += 1;
                    } else {
                        either += 1;
                    }
                }
            }
            assert!(seen > 1000 && unseen > 1000 && either < 20, "{x1}: {seen} {unseen} {either}");
        }
    }

    #[test]
    fn a_turned_strip_is_the_strip_of_the_line_walked_the_other_way() {
        let folder = tempfile::tempdir().unwrap();
        let scene = scene(folder.path());
        let area = Area { x0: 0.0, y0: 0.0, x1: 330.0, y1: 249.7 };
        let stretch = scene_stretch(&scene, area).unwrap().unwrap();
        let mut plane = Plane::new(&scene, stretch, area, 64 << 20, 64 << 20).unwrap().unwrap();
        let all = plane.patches_in(area).collect();
        plane.require(&scene, &all).unwrap();
        plane.shadow = [3.0, -2.0];
        let mut there = Centreline::resampled(&[[30.0, 60.0], [120.0, 90.0], [200.0, 100.0]], ALONG_M).unwrap();
        there.points.truncate(there.points.len() / 2 * 2);
        let mut back = there.clone();
        back.points.reverse();
        let (turned, walked) = (turned(&strip(&plane, &there)), strip(&plane, &back));
        for (i, (a, b)) in turned.data.iter().zip(&walked.data).enumerate() {
            assert!((a - b).abs() < 1e-3 * b.abs().max(1.0), "plane {}: {a} against {b}", i / (ROWS * walked.cols));
        }
    }
}
