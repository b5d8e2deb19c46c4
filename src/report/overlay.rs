//! `overlays/<stem>.jpg`: the yard's part of a scene with what was found in it.
//!
//! The part is read strip by strip and reduced on the way, so a scene of any size takes the memory of its picture.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{ImageEncoder, Rgb, RgbImage, imageops};
use imageproc::drawing::draw_antialiased_line_segment_mut;
use imageproc::pixelops::interpolate;

use super::lettering;
use crate::count::{Class, Count, Status};
use crate::raster::{RasterSource, Window, in_words};
use crate::series::record::{Point, SceneRecord};
use crate::series::store::{class_colour, class_label};
use crate::{Error, Result};

/// Longer side of the picture in pixels, at most.
const LONG_SIDE: f64 = 2000.0;
/// Small scenes are enlarged to at most so many pixels per metre, and at most so many times.
const FINEST_M: f64 = 0.2;
const MAX_ENLARGEMENT: f64 = 3.0;
/// Land round the yard that is shown, in metres (and in pixels where their size is unknown).
const MARGIN: f64 = 25.0;
/// Width of the small picture for the report.
const THUMBNAIL_WIDTH: u32 = 720;
/// Pixels that are read at a time take no more than this, whatever is allowed.
const STRIP_BYTES: usize = 8 << 20;
/// Rows from which the stretch is taken (more of them where fewer met no valid pixel), and how many pixels of each are looked at, at most.
const SAMPLED_ROWS: [u32; 3] = [64, 256, 1024];
const SAMPLED_PIXELS: usize = 2048;
const JPEG_QUALITY: u8 = 88;
const THUMBNAIL_QUALITY: u8 = 72;
/// Shares of the darkest and brightest pixels that may be drawn without detail.
const CLIPPED: f64 = 0.005;
const BACKGROUND: Rgb<u8> = Rgb([24, 26, 30]);
const UNSEEN: [u8; 3] = [60, 60, 66];
const TEXT: [u8; 3] = [235, 235, 235];
const OUTLINE: [u8; 3] = [255, 200, 0];
const TRACK: [u8; 3] = [255, 255, 255];

/// An overlay and its small version, both JPEG.
#[derive(Debug, Clone)]
pub struct Overlay {
    /// The picture with caption and legend.
    pub jpeg: Vec<u8>,
    /// The picture alone, small.
    pub thumbnail: Vec<u8>,
}

/// Draws a scene. `bands` are the indices shown as red, green and blue; `outline` are the rings of the AOI in pixels.
///
/// # Errors
/// When the pixels cannot be read, or the scene does not fit the source.
pub fn draw(
    source: &dyn RasterSource,
    bands: [usize; 3],
    record: &SceneRecord,
    outline: &[Vec<Point>],
    memory: usize,
) -> Result<Overlay> {
    let view = View::new(source, record, outline);
    let mut picture = view.read(source, bands, memory)?;
    for ring in outline {
        view.polyline(&mut picture, ring, OUTLINE, 0.8);
    }
    for track in &record.result.tracks {
        view.polyline(&mut picture, &track.line, TRACK, 0.35);
    }
    for vehicle in record.result.vehicles.iter().filter(|v| v.corners != [[0.0; 2]; 4]) {
        let corners = vehicle.corners.map(|corner| view.place(corner));
        quad(&mut picture, &corners, class_colour(vehicle.class));
    }
    let height =
        (u64::from(picture.height()) * u64::from(THUMBNAIL_WIDTH) / u64::from(picture.width().max(1))).clamp(1, 2000) as u32;
    let small = imageops::thumbnail(&picture, THUMBNAIL_WIDTH.min(picture.width()), height.min(picture.height()));
    view.scale_bar(&mut picture, record.gsd());
    let full = with_caption(picture, record);
    let jpeg = |picture: &RgbImage, quality| {
        encode(picture, quality).map_err(|e| Error::image(&record.image, format!("the overlay cannot be drawn: {e}")))
    };
    Ok(Overlay { jpeg: jpeg(&full, JPEG_QUALITY)?, thumbnail: jpeg(&small, THUMBNAIL_QUALITY)? })
}

fn encode(picture: &RgbImage, quality: u8) -> image::ImageResult<Vec<u8>> {
    let mut out = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, quality);
    encoder.write_image(picture.as_raw(), picture.width(), picture.height(), image::ExtendedColorType::Rgb8)?;
    Ok(out)
}

/// Which part of the scene is drawn, and how large.
struct View {
    window: Window,
    scale: f64,
}

impl View {
    fn new(source: &dyn RasterSource, record: &SceneRecord, outline: &[Vec<Point>]) -> Self {
        let (width, height) = (source.width(), source.height());
        let cars = record.result.vehicles.iter().flat_map(|v| v.corners).filter(|c| *c != [0.0; 2]);
        let around: Vec<Point> = if outline.is_empty() {
            record.result.tracks.iter().flat_map(|track| track.line.iter().copied()).chain(cars).collect()
        } else {
            outline.iter().flatten().copied().chain(cars).collect()
        };
        let margin = MARGIN / record.gsd().unwrap_or(1.0).max(0.01);
        // Lines may reach far beyond the image: only what lies in it counts.
        let inside =
            around.iter().filter(|p| p[0] >= 0.0 && p[1] >= 0.0 && p[0] <= f64::from(width) && p[1] <= f64::from(height));
        let bounds = inside.fold(None, |bounds: Option<[f64; 4]>, p| {
            Some(bounds.map_or([p[0], p[1], p[0], p[1]], |b| [b[0].min(p[0]), b[1].min(p[1]), b[2].max(p[0]), b[3].max(p[1])]))
        });
        let whole = [0.0, 0.0, f64::from(width), f64::from(height)];
        let [left, top, right, bottom] = bounds.map_or(whole, |b| [b[0] - margin, b[1] - margin, b[2] + margin, b[3] + margin]);
        let first = |value: f64, size: u32| (value.floor().max(0.0) as u32).min(size.saturating_sub(1));
        let last = |value: f64, size: u32| (value.ceil().max(1.0) as u32).min(size);
        let (col, row) = (first(left, width), first(top, height));
        let window =
            Window::new(col, row, last(right, width).saturating_sub(col).max(1), last(bottom, height).saturating_sub(row).max(1));
        let long = f64::from(window.width.max(window.height));
        let finest = record.gsd().map_or(1.0, |gsd| (gsd / FINEST_M).max(1.0)).min(MAX_ENLARGEMENT);
        Self { window, scale: (LONG_SIDE / long).min(finest) }
    }

    fn place(&self, [col, row]: Point) -> Point {
        [(col - f64::from(self.window.col)) * self.scale, (row - f64::from(self.window.row)) * self.scale]
    }

    /// Reads the part, reduced to the picture's size where it is larger, and stretched for the eye.
    fn read(&self, source: &dyn RasterSource, bands: [usize; 3], memory: usize) -> Result<RgbImage> {
        let reduce = self.scale.min(1.0);
        let size = |pixels: u32, scale: f64| ((f64::from(pixels) * scale).round() as u32).max(1);
        let (width, height) = (size(self.window.width, reduce), size(self.window.height, reduce));
        let row_bytes = self.window.width as usize * (source.bands() * source.sample_type().bytes() + 16);
        let fits = ((memory / 4).min(STRIP_BYTES) / row_bytes.max(1)).clamp(1, 4096) as u32;
        let mut reduced = Reduced::new(width, height, reduce, self.tones(source, bands)?);
        let block = source.block_size()[1].clamp(1, 4096);
        // Blocks that are too large for that are decoded once all the same: the decoder keeps the last ones.
        let rows = if fits > block { fits / block * block } else { fits };
        let mut top = self.window.row;
        let end = self.window.row + self.window.height;
        while top < end {
            // Strips end where the file's own blocks end, so that each block is decoded once.
            let bottom = (top / rows * rows).saturating_add(rows).clamp(top + 1, end);
            let strip = Window::new(self.window.col, top, self.window.width, bottom - top);
            if !source.is_empty(strip) {
                reduced.add(&source.read(strip)?, bands, top - self.window.row);
            }
            top = bottom;
        }
        let picture = reduced.finish();
        if self.scale <= 1.0 {
            return Ok(picture);
        }
        let (width, height) = (size(self.window.width, self.scale), size(self.window.height, self.scale));
        if (width, height) == picture.dimensions() {
            return Ok(picture);
        }
        let plainly = || imageops::resize(&picture, width, height, imageops::FilterType::CatmullRom);
        Ok(enlarged(&picture, width, height).unwrap_or_else(plainly))
    }

    /// How the part is stretched: from rows spread evenly over it. They are read one by one, so that memory has no say in it.
    fn tones(&self, source: &dyn RasterSource, bands: [usize; 3]) -> Result<Tones> {
        let mut values: [Vec<f32>; 3] = Default::default();
        for rows in SAMPLED_ROWS {
            let step = (self.window.height / rows).max(1);
            for top in (self.window.row + step / 2..self.window.row + self.window.height).step_by(step as usize) {
                let row = Window::new(self.window.col, top, self.window.width, 1);
                if source.is_empty(row) {
                    continue;
                }
                let row = source.read(row)?;
                let thin = (row.valid.len() / SAMPLED_PIXELS).max(1);
                for (values, band) in values.iter_mut().zip(bands) {
                    let seen = row.band_f32(band).into_iter().zip(&row.valid).filter(|(v, valid)| **valid && v.is_finite());
                    values.extend(seen.map(|(value, _)| value).step_by(thin));
                }
            }
            if values.iter().any(|values| !values.is_empty()) {
                break;
            }
        }
        Ok(Tones::new(values))
    }

    fn polyline(&self, picture: &mut RgbImage, line: &[Point], colour: [u8; 3], weight: f32) {
        let limit = 4.0 * LONG_SIDE;
        for ends in line.windows(2) {
            let (a, b) = (self.place(ends[0]), self.place(ends[1]));
            let Some((a, b)) = clip(a, b, [-limit, -limit, limit, limit]) else { continue };
            let point = |p: Point| (p[0].round() as i32, p[1].round() as i32);
            draw_antialiased_line_segment_mut(picture, point(a), point(b), Rgb(colour), |line, under, share| {
                interpolate(line, under, share * weight)
            });
        }
    }

    /// A bar of a round number of metres in the lower right corner.
    fn scale_bar(&self, picture: &mut RgbImage, gsd: Option<f64>) {
        let Some(gsd) = gsd.filter(|gsd| *gsd > 0.0) else { return };
        let pixels_per_metre = self.scale / gsd;
        let fits = |metres: &&u32| f64::from(**metres) * pixels_per_metre <= f64::from(picture.width()) / 5.0;
        let Some(metres) = [1000, 500, 200, 100, 50, 20, 10].iter().find(fits) else { return };
        let length = (f64::from(*metres) * pixels_per_metre).round() as u32;
        if picture.height() < 3 * lettering::LINE_HEIGHT || picture.width() < length + 40 {
            return;
        }
        let (left, top) = (picture.width() - length - 16, picture.height() - 14);
        for (grow, colour) in [(2, [0, 0, 0]), (0, [255, 255, 255])] {
            for y in top - grow..top + 4 + grow {
                for x in left - grow..left + length + grow {
                    picture.put_pixel(x, y, Rgb(colour));
                }
            }
        }
        let label = format!("{metres} m");
        let at = (left + length).saturating_sub(lettering::width(&label));
        lettering::draw(picture, at + 1, top - lettering::LINE_HEIGHT + 1, &label, [0, 0, 0]);
        lettering::draw(picture, at, top - lettering::LINE_HEIGHT, &label, [255, 255, 255]);
    }
}

/// A picture drawn larger, by the vectors of the processor; None where the library refuses.
fn enlarged(picture: &RgbImage, width: u32, height: u32) -> Option<RgbImage> {
    let from = ImageRef::new(picture.width(), picture.height(), picture.as_raw(), PixelType::U8x3).ok()?;
    let mut to = Image::new(width, height, PixelType::U8x3);
    let cubic = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize(&from, &mut to, &cubic).ok()?;
    RgbImage::from_raw(width, height, to.into_vec())
}

/// Cuts a segment to a rectangle (Liang and Barsky, 1984); `None` when it lies outside.
fn clip(a: Point, b: Point, [left, top, right, bottom]: [f64; 4]) -> Option<(Point, Point)> {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let (mut from, mut to) = (0.0f64, 1.0f64);
    for (p, q) in [(-dx, a[0] - left), (dx, right - a[0]), (-dy, a[1] - top), (dy, bottom - a[1])] {
        if !(p.is_finite() && q.is_finite()) || (p == 0.0 && q < 0.0) {
            return None;
        }
        if p < 0.0 {
            from = from.max(q / p);
        } else if p > 0.0 {
            to = to.min(q / p);
        }
    }
    (from <= to).then(|| ([a[0] + from * dx, a[1] + from * dy], [a[0] + to * dx, a[1] + to * dy]))
}

/// Steps between the darkest and the lightest tone of a picture: four for each of its own.
const TONES: usize = 1024;

/// A linear stretch: each band from its own dark end, all bands by one factor, so that colours stay.
struct Tones {
    dark: [f32; 3],
    range: f32,
    /// A little lighter than linear: yards are dark.
    tones: [u8; TONES + 1],
}

impl Tones {
    /// From samples of each band.
    fn new(values: [Vec<f32>; 3]) -> Self {
        let ends = values.map(|mut values| {
            values.sort_unstable_by(f32::total_cmp);
            let at =
                |share: f64| values.get((share * values.len().saturating_sub(1) as f64).round() as usize).copied().unwrap_or(0.0);
            [at(CLIPPED), at(1.0 - CLIPPED)]
        });
        Self {
            dark: ends.map(|[dark, _]| dark),
            range: ends.iter().map(|[dark, light]| light - dark).fold(0.0f32, f32::max).max(f32::MIN_POSITIVE),
            tones: std::array::from_fn(|tone| ((tone as f32 / TONES as f32).powf(0.85) * 255.0).round() as u8),
        }
    }

    fn of(&self, value: f32, band: usize) -> u8 {
        self.tones[(((value - self.dark[band]) / self.range).clamp(0.0, 1.0) * TONES as f32 + 0.5) as usize]
    }
}

/// A picture that is made row by row of means of the source's pixels.
struct Reduced {
    picture: RgbImage,
    scale: f64,
    tones: Tones,
    /// The row in work: sums of its pixels so far, and how many they are.
    row: u32,
    sums: Vec<([f32; 3], f32)>,
}

impl Reduced {
    fn new(width: u32, height: u32, scale: f64, tones: Tones) -> Self {
        let picture = RgbImage::from_pixel(width, height, Rgb(UNSEEN));
        Self { picture, scale, tones, row: 0, sums: vec![([0.0; 3], 0.0); width as usize] }
    }

    /// Takes in the next rows of the source.
    fn add(&mut self, strip: &crate::raster::Block, bands: [usize; 3], first_row: u32) {
        let [red, green, blue] = bands.map(|band| strip.band_f32(band));
        let at = |index: u32, size: u32, scale: f64| ((f64::from(index) + 0.5) * scale).min(f64::from(size - 1)) as u32;
        let columns: Vec<usize> = (0..strip.window.width).map(|col| at(col, self.picture.width(), self.scale) as usize).collect();
        for row in 0..strip.window.height {
            let out = at(first_row + row, self.picture.height(), self.scale);
            if out != self.row {
                self.put_row();
                self.row = out;
            }
            let start = row as usize * columns.len();
            let line = start..start + columns.len();
            let Some(valid) = strip.valid.get(line.clone()) else { continue };
            let (Some(red), Some(green), Some(blue)) = (red.get(line.clone()), green.get(line.clone()), blue.get(line)) else {
                continue;
            };
            let colours = red.iter().zip(green).zip(blue).map(|((r, g), b)| [r, g, b]);
            for ((colour, &column), _) in colours.zip(&columns).zip(valid).filter(|(_, valid)| **valid) {
                let (sum, number) = &mut self.sums[column];
                sum.iter_mut().zip(colour).for_each(|(sum, value)| *sum += value);
                *number += 1.0;
            }
        }
    }

    fn put_row(&mut self) {
        let Some(row) = self.picture.rows_mut().nth(self.row as usize) else { return };
        for (pixel, (sum, number)) in row.zip(&mut self.sums).filter(|(_, (_, number))| *number > 0.0) {
            *pixel = Rgb(std::array::from_fn(|band| self.tones.of(sum[band] / *number, band)));
            (*sum, *number) = ([0.0; 3], 0.0);
        }
    }

    fn finish(mut self) -> RgbImage {
        self.put_row();
        self.picture
    }
}

/// Draws a car: its outline, soft at the edges, and a breath of its colour inside.
fn quad(picture: &mut RgbImage, corners: &[Point; 4], colour: [u8; 3]) {
    let turn: f64 = (0..4).map(|i| corners[i][0] * corners[(i + 1) % 4][1] - corners[(i + 1) % 4][0] * corners[i][1]).sum();
    let bound = |axis: usize, pick: fn(f64, f64) -> f64| corners.iter().map(|c| c[axis]).reduce(pick).unwrap_or(0.0);
    let from = |value: f64| (value - 2.0).max(0.0) as u32;
    let to = |value: f64, size: u32| ((value + 3.0).max(0.0) as u32).min(size);
    let sides = [0, 1, 2, 3].map(|i| {
        let (a, b) = (corners[i], corners[(i + 1) % 4]);
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        (a, dx, dy, dx.hypot(dy).max(1e-9))
    });
    for y in from(bound(1, f64::min))..to(bound(1, f64::max), picture.height()) {
        for x in from(bound(0, f64::min))..to(bound(0, f64::max), picture.width()) {
            let (px, py) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
            // Distance to the nearest side, positive inside.
            let to_side = sides.map(|(a, dx, dy, length)| (dx * (py - a[1]) - dy * (px - a[0])) / length * turn.signum());
            let inside = to_side.into_iter().fold(f64::INFINITY, f64::min);
            let line = (1.6 - inside.abs()).clamp(0.0, 1.0);
            let weight = if inside > 0.0 { line.max(0.12) } else { line };
            if weight > 0.0 {
                let under = picture.get_pixel_mut(x, y);
                *under = interpolate(Rgb(colour), *under, weight as f32);
            }
        }
    }
}

/// Sets the picture on its caption: what was counted, and what the colours mean.
fn with_caption(picture: RgbImage, record: &SceneRecord) -> RgbImage {
    const PAD: u32 = 12;
    let width = picture.width().max(640);
    let mut lines = wrap(&caption(record), (width - 2 * PAD) / lettering::CHARACTER_WIDTH);
    if !record.result.count.reason.is_empty() {
        lines.extend(wrap(&record.result.count.reason, (width - 2 * PAD) / lettering::CHARACTER_WIDTH));
    }
    let classes: Vec<(Class, usize)> = Class::ALL
        .into_iter()
        .map(|class| (class, record.result.vehicles.iter().filter(|v| v.class == class).count()))
        .filter(|(_, number)| *number > 0)
        .collect();
    let legend = legend_places(&classes, width - 2 * PAD);
    let legend_lines = legend.last().map_or(0, |last| last.1 + 1);
    let height = (lines.len() as u32 + legend_lines) * lettering::LINE_HEIGHT + 2 * PAD;
    let mut y = picture.height() + PAD;
    let mut out = lengthened(picture, width, height);
    for line in &lines {
        lettering::draw(&mut out, PAD, y, line, TEXT);
        y += lettering::LINE_HEIGHT;
    }
    for ((class, number), (x, line)) in classes.iter().zip(legend) {
        let (x, y) = (PAD + x, y + line * lettering::LINE_HEIGHT);
        let [r, g, b] = class_colour(*class);
        for dy in 6..20 {
            for dx in 0..14 {
                out.put_pixel(x + dx, y + dy, Rgb([r, g, b]));
            }
        }
        lettering::draw(&mut out, x + 22, y, &legend_text(*class, *number), TEXT);
    }
    out
}

/// A picture with so many rows of background under it, in the middle of so many columns.
fn lengthened(picture: RgbImage, width: u32, rows: u32) -> RgbImage {
    let height = picture.height() + rows;
    if picture.width() == width {
        // Large pictures are not held twice.
        let mut pixels = picture.into_raw();
        pixels.extend(std::iter::repeat_n(BACKGROUND.0, width as usize * rows as usize).flatten());
        return RgbImage::from_raw(width, height, pixels).unwrap_or_default();
    }
    let mut out = RgbImage::from_pixel(width, height, BACKGROUND);
    imageops::replace(&mut out, &picture, i64::from((width - picture.width()) / 2), 0);
    out
}

fn legend_text(class: Class, number: usize) -> String {
    format!("{number} {}", class_label(class))
}

/// Position and line of each entry of the legend.
fn legend_places(classes: &[(Class, usize)], width: u32) -> Vec<(u32, u32)> {
    let (mut x, mut line) = (0, 0);
    classes
        .iter()
        .map(|(class, number)| {
            let needed = lettering::width(&legend_text(*class, *number)) + 50;
            if x > 0 && x + needed > width {
                (x, line) = (0, line + 1);
            }
            let place = (x, line);
            x += needed;
            place
        })
        .collect()
}

/// What the picture shows, in one line.
fn caption(record: &SceneRecord) -> String {
    let count = &record.result.count;
    let when = record.acquired.map_or_else(|| record.image.clone(), |time| in_words(time, record.date_only));
    if count.status == Status::Unusable {
        return format!("{when}   not counted   coverage {:.2}", count.coverage);
    }
    format!("{when}   {}   coverage {:.2} ({})", counted(count), count.coverage, count.status.name())
}

/// A count in words: `73 freight cars (69 to 77), 1 locomotive`.
pub fn counted(count: &Count) -> String {
    let some = |number: u32, one: &str, many: &str| match number {
        0 => String::new(),
        1 => format!(", 1 {one}"),
        number => format!(", {number} {many}"),
    };
    let cars = if count.freight_cars == 1 { "car" } else { "cars" };
    let range = if count.low == count.high { String::new() } else { format!(" ({} to {})", count.low, count.high) };
    format!(
        "{} freight {cars}{range}{}{}",
        count.freight_cars,
        some(count.locomotives, "locomotive", "locomotives"),
        some(count.coaches, "coach", "coaches")
    )
}

fn wrap(text: &str, columns: u32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns as usize => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::open_raster;

    #[test]
    fn rows_are_means_of_their_own_pixels_however_the_part_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slope.png");
        let slope =
            image::GrayAlphaImage::from_fn(64, 63, |col, row| image::LumaA([4 * row as u8, if col < 8 { 0 } else { 255 }]));
        slope.save(&path).unwrap();
        let source = open_raster(&path, 64).unwrap();
        let view = View { window: Window::new(0, 0, 64, 63), scale: 1.0 / 3.0 };
        let read = |memory: usize| view.read(&*source, [0; 3], memory).unwrap();
        let picture = read(64 << 20);
        assert_eq!(picture.dimensions(), (21, 21));
        assert_eq!(picture, read(1), "read row by row");
        let tone = |row: u32| picture.get_pixel(10, row).0[0];
        assert!((1..21).all(|row| tone(row) > tone(row - 1)) && tone(0) < 20 && tone(20) > 230, "{:?}", [tone(0), tone(20)]);
        assert!((0..21).all(|row| picture.get_pixel(1, row).0 == UNSEEN), "without data");
    }
}
