//! What a scene says of the tracks, before any is followed: the part of counting that a site's survey does for many scenes.

use super::mapping::Mapping;
use super::memory::Memory;
use super::scene::Yard;
use super::site::{Ground, Site};
use crate::error::Result;
use crate::raster::Scene;
use crate::threshold::{Evidence, MARGIN_M, Plane, scene_stretch, yard_map};
use crate::tile::{PATCH_M, cores};

/// Shows every square metre of a scene in which the yard may lie to `show`: its middle on the ground of the scene (metres from the
/// image's corner) and its evidence. `shift_m` says how far east and north of its place the scene shows everything. Ground without data
/// counts as ground without tracks.
///
/// # Errors
/// When the image cannot be decoded there, or its map does not fit in memory.
pub fn each_cell(
    scene: &Scene,
    yard: &Yard,
    shift_m: [f64; 2],
    max_memory_mib: usize,
    mut show: impl FnMut([f64; 2], Evidence),
) -> Result<()> {
    let ground = Ground::of(scene, None);
    let (site, image) = (Site::new(yard, &ground, Some(shift_m)), ground.area());
    let Some(area) = site.area(image) else { return Ok(()) };
    let Some(stretch) = scene_stretch(scene, area)? else { return Ok(()) };
    let memory = Memory::of(max_memory_mib);
    let read = area.grown(MARGIN_M);
    let Some(mut plane) = Plane::new(scene, stretch, read, memory.pixels, memory.pixels)? else { return Ok(()) };
    let core_m = memory.core_m(yard_map::CORE_M, rayon::current_num_threads());
    let map = Mapping { scene, site: &site, image, read, core_m, memory }.run(&mut plane)?.map;
    let side = PATCH_M as i64;
    for patch in cores(area, PATCH_M as f64).into_iter().filter(|patch| site.wants(patch.area(PATCH_M as f64))) {
        for (row, col) in (0..side).flat_map(|row| (0..side).map(move |col| (row, col))) {
            let (col, row) = (patch.col * side + col, patch.row * side + row);
            let middle = [col as f64 + 0.5, row as f64 + 0.5];
            if image.contains(middle) {
                show(middle, map.cell(col, row));
            }
        }
    }
    Ok(())
}
