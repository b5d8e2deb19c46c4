//! What each stage saw, as pictures: the yard map, and every track's strip with its evidence and decisions.

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};

use super::Vehicle;
use super::belief::{FEATURES, Judgement};
use super::elsewhere::stock;
use super::usual::{Compared, Likeness};
use super::walk::Walked;
use crate::error::{Error, Result};
use crate::segment::columns::Column;
use crate::segment::semi_markov::Segment;
use crate::threshold::YardMap;
use crate::threshold::network::Maps;
use crate::track::Centreline;
use crate::track::strip::ROWS;

/// Largest side of a map picture, pixels of one metre.
const LARGEST: i64 = 8000;
/// Distance of the points of a line in `lines.csv`, metres.
const LINE_POINT_M: f64 = 5.0;
/// Height of the bars under a strip, pixels.
const BAR: u32 = 6;

/// Where the pictures of a scene go.
#[derive(Debug, Clone)]
pub struct Debug {
    folder: PathBuf,
}

impl Debug {
    /// In a folder that is this scene's alone.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn save(&self, name: &str, picture: &RgbImage) -> Result<()> {
        let path = self.folder.join(name);
        picture.save(&path).map_err(|e| Error::io(&path, std::io::Error::other(e)))
    }

    /// `map.png`, one pixel per metre: body red, track green, cloud blue, the lines white.
    ///
    /// # Errors
    /// When the picture cannot be written.
    pub fn map(&self, map: &YardMap, lines: &[Centreline]) -> Result<()> {
        let range = |values: &mut dyn Iterator<Item = i64>| values.fold((i64::MAX, i64::MIN), |(a, b), v| (a.min(v), b.max(v)));
        let (c0, c1) = range(&mut map.cells().map(|cell| cell.0));
        let (r0, r1) = range(&mut map.cells().map(|cell| cell.1));
        if c0 > c1 {
            return Ok(());
        }
        let (width, height) = ((c1 - c0 + 1).min(LARGEST), (r1 - r0 + 1).min(LARGEST));
        let mut picture = RgbImage::new(width as u32, height as u32);
        let mut put = |col: i64, row: i64, colour: [u8; 3]| {
            if (0..width).contains(&(col - c0)) && (0..height).contains(&(row - r0)) {
                picture.put_pixel((col - c0) as u32, (row - r0) as u32, Rgb(colour));
            }
        };
        for (col, row, evidence) in map.cells() {
            put(col, row, [evidence.body, evidence.track, evidence.cloud].map(byte));
        }
        for point in lines.iter().flat_map(|line| &line.points) {
            put(point[0].floor() as i64, point[1].floor() as i64, [255; 3]);
        }
        self.save("map.png", &picture)
    }

    /// `lines.csv`: what was thought of every line that holds something like cars, where it lies (column and row of a point every 5 m and of its last
    /// one) and where those stand (column, row and length in metres); `to_pixel` brings metres to columns and rows.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn lines(&self, lines: &[Walked], judgements: &[Judgement], to_pixel: impl Fn([f64; 2]) -> [f64; 2]) -> Result<()> {
        let path = self.folder.join("lines.csv");
        let mut text = format!("{},own,log_odds,believed,line,cars\n", FEATURES.join(","));
        for (walked, judgement) in lines.iter().zip(judgements).filter(|(walked, _)| !walked.candidates.is_empty()) {
            let step = ((LINE_POINT_M / walked.line.step) as usize).max(1);
            let line = walked.line.points.iter().step_by(step).chain(walked.line.points.last());
            let line: Vec<String> = line.map(|&point| to_pixel(point)).map(|[col, row]| format!("{col:.2} {row:.2}")).collect();
            let cars = walked.candidates.iter().map(|candidate| &candidate.vehicle);
            let cars: Vec<String> = cars.map(|car| format!("{:.2} {:.2} {:.2}", car.col, car.row, car.length_m)).collect();
            let features: Vec<String> = judgement.features.iter().map(|feature| format!("{feature:.4}")).collect();
            let believed = u8::from(judgement.is_believed());
            text += &format!(
                "{},{:.4},{:.4},{believed},{},{}\n",
                features.join(","),
                judgement.own,
                judgement.log_odds,
                line.join(" "),
                cars.join(" ")
            );
        }
        std::fs::write(&path, text).map_err(|e| Error::io(&path, e))
    }

    /// `cars.csv`: every car on given tracks, where it stands (column and row), how sure it is, and what else stands in the yard ([`super::elsewhere`]).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn cars(&self, lines: &[Walked], elsewhere: &[f64]) -> Result<()> {
        let path = self.folder.join("cars.csv");
        let mut text = String::from("col,row,confidence,stock,elsewhere\n");
        for (candidate, elsewhere) in lines.iter().flat_map(|walked| &walked.candidates).zip(elsewhere) {
            let Vehicle { col, row, confidence, .. } = candidate.vehicle;
            text += &format!("{col:.2},{row:.2},{confidence:.4},{:.4},{elsewhere:.4}\n", stock(candidate));
        }
        std::fs::write(&path, text).map_err(|e| Error::io(&path, e))
    }

    /// `usual.csv`: everything that looks like a car, where it stands (column and row), how sure it is, and how much its place looks as it always does
    /// ([`super::usual`]).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn usual(&self, compared: &[Compared]) -> Result<()> {
        let path = self.folder.join("usual.csv");
        let mut text = String::from("col,row,confidence,correlation,difference\n");
        for Compared { place: [col, row], confidence, likeness: Likeness { correlation, difference } } in compared {
            text += &format!("{col:.2},{row:.2},{confidence:.4},{correlation:.4},{difference:.4}\n");
        }
        std::fs::write(&path, text).map_err(|e| Error::io(&path, e))
    }

    /// `strip_TRACK.png`: the strip, a column every half metre; under it the evidence (body green, gap red), whether the strip is on a
    /// track (grey), and the decided cars (alternately yellow and blue).
    ///
    /// # Errors
    /// When the picture cannot be written.
    pub fn strip(&self, track: usize, strip: &Maps, columns: &[Column], cars: &[Segment]) -> Result<()> {
        let width = columns.len() as u32;
        let mut picture = RgbImage::new(width.max(1), ROWS as u32 + 3 * BAR);
        for (i, column) in columns.iter().enumerate() {
            for row in 0..ROWS {
                let at = |channel: usize, spread: f32| {
                    byte((strip.plane(channel)[row * strip.cols + 2 * i] + spread) / (2.0 * spread))
                };
                let grey = at(0, 3.0);
                picture.put_pixel(i as u32, row as u32, Rgb([grey, grey, grey]));
            }
            let car = cars.iter().position(|car| (car.from..car.to).contains(&i));
            let decided = car.map_or([0; 3], |k| if k % 2 == 0 { [255, 220, 0] } else { [60, 140, 255] });
            let bars = [[byte(column.state[2].exp()), byte(column.state[1].exp()), 0], [byte(column.on_track); 3], decided];
            for (k, colour) in bars.into_iter().enumerate() {
                for y in 0..BAR {
                    picture.put_pixel(i as u32, ROWS as u32 + k as u32 * BAR + y, Rgb(colour));
                }
            }
        }
        self.save(&format!("strip_{track:03}.png"), &picture)
    }
}

fn byte(share: f32) -> u8 {
    (share.clamp(0.0, 1.0) * 255.0) as u8
}
