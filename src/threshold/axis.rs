//! How the samples along one axis of a plane fall into patches and cells.

use super::plane::CELLS;
use super::radiometry::CELL_M;
use crate::tile::PATCH_M;

/// How the samples along one axis of a plane fall into patches and cells.
#[derive(Debug)]
pub(super) struct Axis {
    /// The first sample's index on the scene's grid.
    pub first: u32,
    /// Number of the patch in which the first sample lies.
    pub patch0: i64,
    /// Patch of each sample, counted from `patch0`.
    pub patch: Vec<u32>,
    /// First sample of each patch, and the number of samples.
    pub starts: Vec<usize>,
    /// First cell of the statistics and their number.
    pub cells: (i64, usize),
    step: f64,
}

impl Axis {
    /// Samples `from..to` of the scene's grid (at least one), `step` metres each.
    pub fn new(from: u32, to: u32, step: f64) -> Self {
        let origin = f64::from(from) * step;
        let of = |index: usize, size: f64| ((origin + (index as f64 + 0.5) * step) / size).floor() as i64;
        let count = (to - from) as usize;
        let patch0 = of(0, PATCH_M as f64);
        let patch: Vec<u32> = (0..count).map(|index| (of(index, PATCH_M as f64) - patch0) as u32).collect();
        let mut starts = Vec::new();
        for (index, &patch) in patch.iter().enumerate() {
            starts.resize(starts.len().max(patch as usize + 1), index);
        }
        starts.push(count);
        let first_cell = of(0, CELL_M);
        let cells = (first_cell, (of(count - 1, CELL_M) - first_cell + 1) as usize);
        Self { first: from, patch0, patch, starts, cells, step }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.patch.len()
    }

    /// Number of patches.
    pub fn patches(&self) -> usize {
        self.starts.len() - 1
    }

    /// Cell of a sample, counted from the first cell of the sample's patch.
    pub fn cell_in_patch(&self, index: usize) -> usize {
        let middle = f64::from(self.first) * self.step + (index as f64 + 0.5) * self.step;
        (middle / CELL_M).floor().rem_euclid(CELLS as f64) as usize
    }
}
