//! Which patches of a plane are in memory: read when they are asked for, dropped when others need the room, longest unused first.
//!
//! A patch is a square of ground of [`PATCH_M`] metres. It holds the samples whose middle lies in it, and the statistics of its cells.
//! The statistics reach [`STATISTICS_PATCHES`] patches further, so those are read along with a patch that is asked for.

use std::collections::BTreeSet;
use std::ops::Range;

use rayon::prelude::*;

use super::axis::Axis;
use super::colours::read_rgb;
use super::fill_colour::is_fill;
use super::plane::{CELLS, NOTHING, Plane, STATISTICS_PATCHES, UNSEEN};
use super::radiometry::{CELL_M, CellSums, LOCAL_REACH, STEPS, local_statistics, log_chroma};
use crate::error::{Error, Result};
use crate::raster::{Scene, Window};
use crate::tile::{Area, Core, PATCH_M};

/// Pixels decoded at a time: about 30 bytes each while they are turned into samples, and 22 more where those are focused.
const PIXELS_AT_A_TIME: usize = 1 << 19;
/// Bytes of a patch beside its samples: its cells' sums and statistics.
const CELL_BYTES: usize = CELLS * CELLS * (size_of::<CellSums>() + size_of::<[f32; 4]>());
/// Patches across which the cores of one row are looked at need so many rows of patches at a time: four of the core, and around it one
/// that the network sees, three that the statistics of those see, less the row above whose statistics are known already.
const ROWS_AT_A_TIME: usize = 10;

/// A patch in memory; what is not known of it is empty.
#[derive(Debug, Default)]
struct Patch {
    samples: Vec<[u16; 3]>,
    sums: Vec<CellSums>,
    local: Vec<[f32; 4]>,
    used: u64,
}

/// The patches of a plane that are in memory.
#[derive(Debug)]
pub(super) struct Held {
    across: usize,
    patches: Vec<Option<Box<Patch>>>,
    /// Which of them are some.
    known: BTreeSet<usize>,
    /// Bytes that patches take as long as one request does not ask for more.
    memory: usize,
    /// Bytes that one request may ask for.
    most: usize,
    /// Number of the request in work.
    now: u64,
}

impl Held {
    /// Shows the samples of some columns of a row that are in memory: the column of the first, and the samples up to a patch's border.
    pub fn row<'a>(&'a self, x: &Axis, y: &Axis, row: usize, cols: Range<usize>, mut show: impl FnMut(usize, &'a [[u16; 3]])) {
        let pr = y.patch[row] as usize;
        let mut from = cols.start;
        while from < cols.end {
            let pc = x.patch[from] as usize;
            let (start, end) = (x.starts[pc], x.starts[pc + 1]);
            let to = end.min(cols.end);
            let at = (row - y.starts[pr]) * (end - start) + from - start;
            let patch = self.patches[pr * self.across + pc].as_ref();
            if let Some(samples) = patch.and_then(|patch| patch.samples.get(at..at + to - from)) {
                show(from, samples);
            }
            from = to;
        }
    }

    /// Nothing yet.
    pub fn new(scene: &Scene, x: &Axis, y: &Axis, memory: usize, most: usize) -> Result<Self> {
        let (across, down) = (x.patches(), y.patches());
        let table = across.saturating_mul(down).saturating_mul(size_of::<Option<Box<Patch>>>());
        if table > most {
            return Err(too_little(scene, "the list of its parts", table, most));
        }
        let patches = std::iter::repeat_with(|| None).take(across * down).collect();
        Ok(Self { across, patches, known: BTreeSet::new(), memory, most, now: 0 })
    }

    /// The samples of two columns in two rows, row by row; what is not in memory is unseen.
    pub fn samples(&self, x: &Axis, y: &Axis, [left, right]: [usize; 2], [upper, lower]: [usize; 2]) -> [[u16; 3]; 4] {
        let one = |col: usize, row: usize| {
            let (pc, pr) = (x.patch[col] as usize, y.patch[row] as usize);
            let at = (row - y.starts[pr]) * (x.starts[pc + 1] - x.starts[pc]) + col - x.starts[pc];
            let patch = self.patches[pr * self.across + pc].as_ref();
            patch.and_then(|patch| patch.samples.get(at)).copied().unwrap_or(UNSEEN)
        };
        [one(left, upper), one(right, upper), one(left, lower), one(right, lower)]
    }

    /// The statistics of a cell, counted from the plane's first one.
    pub fn local(&self, x: &Axis, y: &Axis, col: usize, row: usize) -> [f32; 4] {
        let from_patch = |axis: &Axis, cell: usize| cell + (axis.cells.0 - axis.patch0 * CELLS as i64) as usize;
        let (col, row) = (from_patch(x, col), from_patch(y, row));
        let patch = self.patches[row / CELLS * self.across + col / CELLS].as_ref();
        // Statistics are known wherever samples are.
        let local = patch.and_then(|patch| patch.local.get(row % CELLS * CELLS + col % CELLS));
        local.copied().unwrap_or([0.0, 1.0, 0.0, 0.0])
    }

    fn bytes(&self) -> usize {
        self.known
            .iter()
            .filter_map(|&index| self.patches[index].as_ref())
            .map(|patch| patch.samples.len() * size_of::<[u16; 3]>() + CELL_BYTES)
            .sum()
    }

    fn touch(&mut self, index: usize) -> &mut Patch {
        self.known.insert(index);
        let patch = self.patches[index].get_or_insert_default();
        patch.used = self.now;
        patch
    }

    /// Drops what is not part of the request in work, longest unused first, until `incoming` more bytes fit.
    fn make_room(&mut self, incoming: usize) {
        let mut held = self.bytes();
        let used = |index: usize| self.patches[index].as_ref().map_or(0, |patch| patch.used);
        let mut old: Vec<(u64, usize)> = self.known.iter().map(|&index| (used(index), index)).collect();
        old.retain(|(used, _)| *used < self.now);
        old.sort_unstable();
        for (_, index) in old {
            if held + incoming <= self.memory {
                break;
            }
            self.known.remove(&index);
            if let Some(patch) = self.patches[index].take() {
                held -= patch.samples.len() * size_of::<[u16; 3]>() + CELL_BYTES;
            }
        }
    }
}

impl Plane {
    /// The patches that touch an area, as far as they are the plane's.
    pub fn patches_in(&self, area: Area) -> impl Iterator<Item = Core> + '_ {
        let range = |from: f64, to: f64, axis: &Axis| {
            let (first, last) = ((from / PATCH_M as f64).floor() as i64, (to / PATCH_M as f64).ceil() as i64);
            first.max(axis.patch0)..last.min(axis.patch0 + axis.patches() as i64)
        };
        let cols = range(area.x0, area.x1, &self.x);
        range(area.y0, area.y1, &self.y).flat_map(move |row| cols.clone().map(move |col| Core { row, col }))
    }

    /// Whether nothing was seen of a patch and the eight around it, as far as they are the plane's; they must be in memory.
    pub fn blank_around(&self, patch: Core) -> bool {
        let near = |at: i64, axis: &Axis| {
            let at = at - axis.patch0;
            (at - 1).max(0) as usize..(at + 2).clamp(0, axis.patches() as i64) as usize
        };
        let cols = near(patch.col, &self.x);
        let seen = |patch: &Patch| patch.sums.iter().any(|cell| cell[0] > 0.0);
        near(patch.row, &self.y)
            .flat_map(|row| cols.clone().map(move |col| row * self.held.across + col))
            .all(|index| !self.held.patches[index].as_deref().is_some_and(seen))
    }

    /// Bytes that a whole patch takes.
    pub fn patch_bytes(&self) -> usize {
        let side = |step: f64| (PATCH_M as f64 / step).ceil() as usize;
        side(self.step_m[0]) * side(self.step_m[1]) * size_of::<[u16; 3]>() + CELL_BYTES
    }

    /// Bytes that patches take as long as one request does not ask for more.
    pub fn memory(&self) -> usize {
        self.held.memory
    }

    /// How many patches wide the ground may be that is looked at row by row, so that nothing has to be read twice.
    pub fn patches_across(&self) -> usize {
        let around = 2 * (1 + STATISTICS_PATCHES);
        (self.held.memory / self.patch_bytes() / ROWS_AT_A_TIME).saturating_sub(around).max(1)
    }

    /// Makes sure that the samples and statistics of these patches are in memory; others may be dropped for it. Patches that are not
    /// the plane's are left out.
    ///
    /// # Errors
    /// When the image cannot be decoded there, or the patches do not fit in memory together.
    pub fn require(&mut self, scene: &Scene, patches: &BTreeSet<Core>) -> Result<()> {
        let across = self.held.across;
        let inside = |axis: &Axis, at: i64| usize::try_from(at - axis.patch0).ok().filter(|&at| at < axis.patches());
        let wanted: BTreeSet<usize> =
            patches.iter().filter_map(|patch| Some(inside(&self.y, patch.row)? * across + inside(&self.x, patch.col)?)).collect();
        let needed = wanted.len() * self.patch_bytes();
        if needed > self.held.most {
            return Err(too_little(scene, "the pixels that have to be seen together", needed, self.held.most));
        }
        self.held.now += 1;
        let lacks = |held: &Held, index: usize, what: fn(&Patch) -> bool| held.patches[index].as_ref().is_none_or(|p| what(p));
        let bare: Vec<usize> = wanted.iter().copied().filter(|&i| lacks(&self.held, i, |patch| patch.local.is_empty())).collect();
        let around: BTreeSet<usize> = bare.iter().flat_map(|&index| self.around(index)).collect();
        let mut unread: BTreeSet<usize> =
            around.iter().copied().filter(|&i| lacks(&self.held, i, |p| p.sums.is_empty())).collect();
        unread.extend(wanted.iter().copied().filter(|&i| lacks(&self.held, i, |patch| patch.samples.is_empty())));
        wanted.iter().chain(&around).for_each(|&index| _ = self.held.touch(index));
        self.held.make_room(unread.len() * self.patch_bytes());
        // Patches that only statistics need are kept if there is room: the next request often asks for them.
        let keeps_all = self.held.bytes() + unread.len() * self.patch_bytes() <= self.held.memory;
        for (rows, cols) in self.rectangles(&unread) {
            self.read(scene, rows.clone(), cols.clone())?;
            let read = rows.flat_map(|row| cols.clone().map(move |col| row * across + col));
            if !keeps_all {
                read.filter(|index| !wanted.contains(index)).for_each(|index| self.held.touch(index).samples = Vec::new());
            }
        }
        let columns = columns(&bare, across);
        let locals: Vec<_> = columns.par_iter().map(|(rows, col)| self.local(rows, *col)).collect();
        for ((rows, col), locals) in columns.into_iter().zip(locals) {
            for (row, local) in rows.zip(locals.chunks_exact(CELLS * CELLS)) {
                self.held.touch(row * across + col).local = local.to_vec();
            }
        }
        Ok(())
    }

    /// The patches whose sums the statistics of a patch take in, row by row.
    fn around(&self, index: usize) -> impl Iterator<Item = usize> + use<> {
        let (across, down) = (self.held.across, self.y.patches());
        let near = |at: usize, count: usize| at.saturating_sub(STATISTICS_PATCHES)..(at + STATISTICS_PATCHES + 1).min(count);
        let cols = near(index % across, across);
        near(index / across, down).flat_map(move |row| cols.clone().map(move |col| row * across + col))
    }

    /// Patches as rectangles of rows and columns that are read at a stretch, none larger than half of the memory.
    fn rectangles(&self, patches: &BTreeSet<usize>) -> Vec<(Range<usize>, Range<usize>)> {
        let mut runs: Vec<(usize, Range<usize>)> = Vec::new();
        for &index in patches {
            let (row, col) = (index / self.held.across, index % self.held.across);
            match runs.last_mut() {
                Some((last, cols)) if *last == row && cols.end == col => cols.end += 1,
                _ => runs.push((row, col..col + 1)),
            }
        }
        runs.sort_by_key(|(row, cols)| (cols.start, cols.end, *row));
        let most = self.held.memory / 2 / self.patch_bytes();
        let mut rectangles: Vec<(Range<usize>, Range<usize>)> = Vec::new();
        for (row, cols) in runs {
            match rectangles.last_mut() {
                Some((rows, same)) if *same == cols && rows.end == row && (rows.len() + 1) * cols.len() <= most => rows.end += 1,
                _ => rectangles.push((row..row + 1, cols)),
            }
        }
        rectangles
    }

    /// Reads the samples of a rectangle of patches and sums up their cells.
    fn read(&mut self, scene: &Scene, rows: Range<usize>, cols: Range<usize>) -> Result<()> {
        let across = self.held.across;
        let indices: Vec<usize> = rows.clone().flat_map(|row| cols.clone().map(move |col| row * across + col)).collect();
        for &index in &indices {
            let (width, height) = self.size(index);
            self.held.touch(index).samples = vec![UNSEEN; width * height];
        }
        let columns = self.x.starts[cols.start]..self.x.starts[cols.end];
        let lines = self.y.starts[rows.start]..self.y.starts[rows.end];
        for (columns, lines) in self.pieces(scene, columns, lines) {
            let samples = self.samples(scene, &columns, &lines)?;
            for (row, line) in lines.zip(samples.chunks_exact(columns.len())) {
                let pr = self.y.patch[row] as usize;
                let mut from = columns.start;
                while from < columns.end {
                    let pc = self.x.patch[from] as usize;
                    let to = self.x.starts[pc + 1].min(columns.end);
                    let (start, width) = (self.x.starts[pc], self.x.starts[pc + 1] - self.x.starts[pc]);
                    let at = (row - self.y.starts[pr]) * width + from - start;
                    let target = &mut self.held.touch(pr * across + pc).samples[at..at + to - from];
                    target.copy_from_slice(&line[from - columns.start..to - columns.start]);
                    from = to;
                }
            }
        }
        for &index in &indices {
            let width = self.size(index).0;
            let step_m = self.step_m;
            put_back(&mut self.held.touch(index).samples, width, step_m);
        }
        let sums: Vec<Vec<CellSums>> = indices.par_iter().map(|&index| self.sums(index)).collect();
        indices.into_iter().zip(sums).for_each(|(index, sums)| self.held.touch(index).sums = sums);
        Ok(())
    }

    /// Columns and rows of a patch.
    fn size(&self, index: usize) -> (usize, usize) {
        let (row, col) = (index / self.held.across, index % self.held.across);
        (self.x.starts[col + 1] - self.x.starts[col], self.y.starts[row + 1] - self.y.starts[row])
    }

    /// A rectangle of samples in pieces that follow the blocks of the file as far as [`PIXELS_AT_A_TIME`] allows.
    fn pieces(&self, scene: &Scene, cols: Range<usize>, rows: Range<usize>) -> Vec<(Range<usize>, Range<usize>)> {
        let [block_cols, block_rows] = scene.source.block_size();
        let unit = |block: u32, pixels: u32| block.max(1).div_ceil(pixels) as usize;
        let (unit_x, unit_y) = (unit(block_cols, self.block[0]), unit(block_rows, self.block[1]));
        let pixels = self.block[0] as usize * self.block[1] as usize;
        let units = |size: usize, unit: usize| (PIXELS_AT_A_TIME / pixels / size.max(1) / unit).max(1) * unit;
        let wide = if block_cols < scene.source.width() { units(unit_y, unit_x) } else { usize::MAX };
        let high = (PIXELS_AT_A_TIME / pixels / wide.min(cols.len())).max(1);
        let high = if high > unit_y { high / unit_y * unit_y } else { high };
        // Pieces end at multiples of the units, so that no block of the file is decoded for two of them (but for the few pixels around a piece that
        // are looked at where a scene is focused).
        let cut = |range: Range<usize>, first: u32, length: usize| {
            let mut parts = Vec::new();
            let mut from = range.start;
            while from < range.end {
                let next = ((first as usize + from) / length + 1).saturating_mul(length) - first as usize;
                let to = next.min(range.end);
                parts.push(from..to);
                from = to;
            }
            parts
        };
        let rows = cut(rows, self.y.first, high);
        cut(cols, self.x.first, wide)
            .into_iter()
            .flat_map(|cols| rows.iter().map(move |rows| (cols.clone(), rows.clone())))
            .collect()
    }

    /// Reads samples of the plane, in focus.
    fn samples(&self, scene: &Scene, cols: &Range<usize>, rows: &Range<usize>) -> Result<Vec<[u16; 3]>> {
        let place = |axis: &Axis, range: &Range<usize>| axis.first + range.start as u32..axis.first + range.end as u32;
        let inner = [place(&self.x, cols), place(&self.y, rows)];
        let focus = self.stretch.focus;
        if !focus.changes() {
            return self.stretched(scene, &inner);
        }
        let sizes = [scene.source.width() / self.block[0], scene.source.height() / self.block[1]];
        let reach = focus.reach();
        let around = [0, 1].map(|i| inner[i].start.saturating_sub(reach[i])..(inner[i].end + reach[i]).min(sizes[i]));
        Ok(focus.applied(&self.stretched(scene, &around)?, &around, &inner))
    }

    /// Reads samples, counted from the scene's corner: stretched, and averaged over blocks of pixels.
    fn stretched(&self, scene: &Scene, [cols, rows]: &[Range<u32>; 2]) -> Result<Vec<[u16; 3]>> {
        let [bc, br] = self.block;
        let window = Window::new(cols.start * bc, rows.start * br, cols.len() as u32 * bc, rows.len() as u32 * br);
        let (rgb, valid) = read_rgb(scene, window)?;
        let (bc, br) = (bc as usize, br as usize);
        let width = cols.len() * bc;
        let mut samples = vec![UNSEEN; cols.len() * rows.len()];
        samples.par_chunks_mut(cols.len()).enumerate().for_each(|(row, line)| {
            for (col, target) in line.iter_mut().enumerate() {
                let (mut sum, mut count, mut filled, mut fill) = ([0.0f32; 3], 0u32, 0u32, 0.0);
                for r in row * br..(row + 1) * br {
                    for c in col * bc..(col + 1) * bc {
                        if valid[r * width + c] {
                            let pixel = rgb[r * width + c];
                            if self.stretch.fill.is(pixel) {
                                filled += 1;
                                fill = self.stretch.apply((pixel[0] + pixel[1] + pixel[2]) / 3.0);
                                continue;
                            }
                            count += 1;
                            (0..3).for_each(|band| sum[band] += self.stretch.apply(pixel[band]));
                        }
                    }
                }
                // A block counts as seen when at least half of it was.
                if count as usize * 2 >= bc * br {
                    *target = sum.map(|value| (value / count as f32 * STEPS + 0.5) as u16);
                } else if filled as usize * 2 >= bc * br {
                    let luminance = (fill * STEPS + 0.5) as u16;
                    *target = [NOTHING, luminance, luminance];
                }
            }
        });
        Ok(samples)
    }

    /// The sums of the cells of a patch whose samples are in memory.
    fn sums(&self, index: usize) -> Vec<CellSums> {
        let mut sums: Vec<CellSums> = vec![[0.0; 5]; CELLS * CELLS];
        let Some(patch) = &self.held.patches[index] else { return sums };
        let (first_col, first_row) = (self.x.starts[index % self.held.across], self.y.starts[index / self.held.across]);
        let (width, height) = self.size(index);
        let cells: Vec<usize> = (0..width).map(|col| self.x.cell_in_patch(first_col + col)).collect();
        for row in 0..height {
            let line = self.y.cell_in_patch(first_row + row) * CELLS;
            for (pixel, cell) in patch.samples[row * width..(row + 1) * width].iter().zip(&cells) {
                if pixel[0] != NOTHING {
                    let [log, c1, c2] = log_chroma(pixel.map(|v| f32::from(v) / STEPS));
                    let sum = &mut sums[line + cell];
                    *sum = [sum[0] + 1.0, sum[1] + log, sum[2] + log * log, sum[3] + c1, sum[4] + c2];
                }
            }
        }
        sums
    }

    /// The local statistics of patches below each other, one after the other, from the sums of the patches around them; where there are
    /// none, nothing was seen.
    fn local(&self, rows: &Range<usize>, col: usize) -> Vec<[f32; 4]> {
        let across = self.held.across;
        let (width, height) = (CELLS + 2 * LOCAL_REACH, rows.len() * CELLS + 2 * LOCAL_REACH);
        let mut window: Vec<CellSums> = vec![[0.0; 5]; width * height];
        // A cell's place in the window, whose first cell lies LOCAL_REACH up and left of the first patch's.
        let place = |patch: usize, first: usize, cell: usize, size: usize| {
            (patch * CELLS + cell + LOCAL_REACH).checked_sub(first * CELLS).filter(|&at| at < size)
        };
        let near: BTreeSet<usize> = rows.clone().flat_map(|row| self.around(row * across + col)).collect();
        for near in near {
            let Some(patch) = &self.held.patches[near] else { continue };
            for (cell, sums) in patch.sums.iter().enumerate() {
                let row = place(near / across, rows.start, cell / CELLS, height);
                let column = place(near % across, col, cell % CELLS, width);
                if let (Some(row), Some(column)) = (row, column) {
                    window[row * width + column] = *sums;
                }
            }
        }
        let whole = (CELL_M * CELL_M / (self.step_m[0] * self.step_m[1])) as f32;
        local_statistics(&window, width, whole, LOCAL_REACH)
    }
}

/// Takes samples of a patch that have a fill's colour, but are none, for what they are.
fn put_back(samples: &mut [[u16; 3]], width: usize, step_m: [f64; 2]) {
    let filled = |sample: &[u16; 3]| sample[0] == NOTHING && *sample != UNSEEN;
    if samples.iter().any(filled) {
        let same: Vec<bool> = samples.iter().map(filled).collect();
        let fill = is_fill(&same, width, step_m);
        let others = samples.iter_mut().zip(same).zip(fill).filter(|((_, same), fill)| *same && !fill);
        others.for_each(|((sample, _), _)| *sample = [sample[1]; 3]);
    }
}

/// Patches as runs of rows within a column: the statistics of a run share most of their work.
fn columns(patches: &[usize], across: usize) -> Vec<(Range<usize>, usize)> {
    let mut sorted: Vec<(usize, usize)> = patches.iter().map(|&index| (index % across, index / across)).collect();
    sorted.sort_unstable();
    let mut runs: Vec<(Range<usize>, usize)> = Vec::new();
    for (col, row) in sorted {
        match runs.last_mut() {
            Some((rows, same)) if *same == col && rows.end == row => rows.end += 1,
            _ => runs.push((row..row + 1, col)),
        }
    }
    runs
}

fn too_little(scene: &Scene, what: &str, needed: usize, memory: usize) -> Error {
    Error::image(
        &scene.path,
        format!(
            "{what} take {} MiB, and {} MiB of --max-memory are set aside for that; raise it {} times",
            needed.div_ceil(1 << 20),
            memory >> 20,
            needed.div_ceil(memory.max(1))
        ),
    )
}
