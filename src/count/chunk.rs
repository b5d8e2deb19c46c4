//! A large scene in pieces that fit in memory.

use crate::tile::{Area, cores};

/// Ground that is processed at a time, metres: a yard fits in one piece.
const CHUNK_M: f64 = 1536.0;
/// An area of at most this many square metres is one piece.
const WHOLE_M2: f64 = 4.5e6;
/// Ground read around an area of interest, metres: the networks' reach, and enough for the local statistics.
const MARGIN_M: f64 = 64.0;
/// Ground that neighbouring chunks share, metres: tracks that start in one are long enough to be found in the other.
const OVERLAP_M: f64 = 256.0;

/// A piece of a scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chunk {
    /// Vehicles whose centre lies here belong to this chunk.
    pub core: Area,
    /// Ground that is read.
    pub read: Area,
}

/// Divides an area into chunks. The division depends on the area alone, so the result does not depend on memory or threads.
pub fn chunks(area: Area) -> Vec<Chunk> {
    let read = area.grown(MARGIN_M);
    if area.width() * area.height() <= WHOLE_M2 {
        return vec![Chunk { core: read, read }];
    }
    cores(area, CHUNK_M)
        .into_iter()
        .filter_map(|core| {
            let core = core.area(CHUNK_M);
            let read = core.grown(OVERLAP_M).intersection(read)?;
            Some(Chunk { core, read })
        })
        .collect()
}
