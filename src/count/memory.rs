//! How the memory that a scene may take is divided. The decoder's caches have their own share (see `raster`).

use crate::threshold::yard_map::look_bytes;
use crate::tile::PATCH_M;

/// Pixels in memory take no more than this, whatever is allowed, but for a track that needs more by itself: a strip of ground 4 km wide at 0.5 m is then read only once.
const PIXELS_BYTES: usize = 64 << 20;
/// Networks at work take no more than this, whatever is allowed: four cores of 256 m at a time, or eleven of 128 m.
const NETWORK_BYTES: usize = 112 << 20;
/// Cores are made no smaller than this only to have one for each thread, metres: around smaller ones most of what is computed is thrown away.
const SMALL_CORE_M: usize = 128;

/// Shares of the memory of a scene, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    /// Pixels and their statistics.
    pub pixels: usize,
    /// Pixels and their statistics of a single long track: 10 km at 0.2 m in 256 MiB.
    pub track_pixels: usize,
    /// Networks at work.
    pub networks: usize,
    /// The yard map; finding tracks in it takes as much again.
    pub map: usize,
}

impl Memory {
    /// Of so many MiB.
    pub fn of(mib: usize) -> Self {
        let all = mib.saturating_mul(1 << 20);
        Self { pixels: (all / 4).min(PIXELS_BYTES), track_pixels: all / 4, networks: (all / 4).min(NETWORK_BYTES), map: all / 8 }
    }

    /// The largest core up to `core_m` metres (a multiple of [`PATCH_M`]) of which so many `threads` can look at one each.
    pub fn core_m(&self, core_m: usize, threads: usize) -> usize {
        let mut core_m = core_m.max(1).next_multiple_of(PATCH_M);
        let least = |core_m: usize| if core_m > SMALL_CORE_M { threads.max(1) } else { 1 };
        while core_m > PATCH_M && look_bytes(core_m).saturating_mul(least(core_m)) > self.networks {
            core_m = (core_m / 2).next_multiple_of(PATCH_M);
        }
        core_m
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_shrink_to_what_fits_and_no_further() {
        let core = |mib: usize, threads: usize| Memory::of(mib).core_m(256, threads);
        assert_eq!((core(1024, 2), core(1024, 4), core(1024, 16)), (256, 256, 128));
        assert_eq!((core(64, 7), core(256, 2), core(1, 1)), (128, 256, 64));
        assert_eq!(Memory::of(1024).core_m(100, 64), 128);
    }
}
