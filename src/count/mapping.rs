//! The ground of a scene looked at core by core: the yard map, and how much of the outline's ground was seen.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::coverage::Seen;
use super::fill::Fill;
use super::memory::Memory;
use super::site::Site;
use crate::error::{Error, Result};
use crate::raster::{Scene, Window};
use crate::threshold::shadow::ShadowSide;
use crate::threshold::snow::SnowCover;
use crate::threshold::spare::Spares;
use crate::threshold::yard_map::{HALO_M, look, look_bytes};
use crate::threshold::{Plane, YardMap};
use crate::tile::{self, Area, Core, PATCH_M, Patches};

/// Cores that each thread is given at a time: their pixels are read before any of them is looked at.
const CORES_PER_THREAD: usize = 2;

/// What a yard map is made of.
pub struct Mapping<'a> {
    /// The image.
    pub scene: &'a Scene,
    /// What is known of the yard.
    pub site: &'a Site,
    /// The ground that the image covers.
    pub image: Area,
    /// The ground that is read.
    pub read: Area,
    /// Side of a core, metres: a multiple of [`PATCH_M`]. The result does not depend on it.
    pub core_m: usize,
    /// Memory to keep to.
    pub memory: Memory,
}

/// What the ground of a scene looks like.
#[derive(Default)]
pub struct Mapped {
    /// Tracks and bodies.
    pub map: YardMap,
    /// What was seen of the outline, or of all ground where nothing was given.
    pub seen: Seen,
    /// The fill there is where nothing was given.
    pub fill: Fill,
    /// Its snow, where that can be told.
    pub snow: SnowCover,
}

impl Mapping<'_> {
    /// Looks at all ground of interest.
    ///
    /// # Errors
    /// When the image cannot be decoded, or the map does not fit in memory.
    pub fn run(&self, plane: &mut Plane) -> Result<Mapped> {
        // An outline's ground counts as not seen where there are no pixels; other ground without any near it need not be gone through.
        let empty = |patch: Area| self.site.outline_area().is_none() && self.is_empty(patch.grown(PATCH_M as f64));
        let wanted = |patch: Area| patch.intersection(self.read).is_some() && self.site.wants(patch) && !empty(patch);
        let cores = self.cores(plane, wanted);
        let threads = rayon::current_num_threads();
        let at_once = (self.memory.networks / look_bytes(self.core_m)).clamp(1, threads);
        // All threads may be busy: then a few cores for each keep them so. Else only so many cores are given out as may run.
        let batch = if at_once == threads { CORES_PER_THREAD * threads } else { at_once };
        let around = |cores: &[Patches]| -> BTreeSet<Core> {
            let areas = cores.iter().map(|core| core.area().grown(HALO_M as f64));
            areas.flat_map(|area| plane.patches_in(area).collect::<Vec<_>>()).collect()
        };
        let mut batches: Vec<(&[Patches], BTreeSet<Core>)> = Vec::new();
        let mut rest = cores.as_slice();
        while !rest.is_empty() {
            let mut number = batch.min(rest.len());
            let mut patches = around(&rest[..number]);
            while number > 1 && patches.len() * plane.patch_bytes() > plane.memory() / 2 {
                number = number.div_ceil(2);
                patches = around(&rest[..number]);
            }
            batches.push((&rest[..number], patches));
            rest = &rest[number..];
        }
        let (mapped, shadows) = self.look(plane, &batches, wanted)?;
        if plane.shadow == [0.0; 2]
            && let Some(shadow) = shadows.vector()
        {
            // The sun is not known, but its shadows are seen: look again, knowing where they fall.
            plane.shadow = shadow;
            return Ok(self.look(plane, &batches, wanted)?.0);
        }
        Ok(mapped)
    }

    /// Whether the image is known to have no valid pixel on some ground.
    fn is_empty(&self, ground: Area) -> bool {
        let source = &self.scene.source;
        let pixels = |from: f64, to: f64, gsd: f64, size: u32| {
            let pixel = |metres: f64| (metres / gsd).clamp(0.0, f64::from(size));
            let (first, end) = (pixel(from).floor() as u32, pixel(to).ceil() as u32);
            (first, end - first)
        };
        let (col, width) = pixels(ground.x0, ground.x1, self.scene.gsd_m[0], source.width());
        let (row, height) = pixels(ground.y0, ground.y1, self.scene.gsd_m[1], source.height());
        width > 0 && height > 0 && source.is_empty(Window::new(col, row, width, height))
    }

    fn look(
        &self,
        plane: &mut Plane,
        batches: &[(&[Patches], BTreeSet<Core>)],
        wanted: impl Fn(Area) -> bool + Sync + Copy,
    ) -> Result<(Mapped, ShadowSide)> {
        let (mut mapped, mut shadows) = (Mapped::default(), ShadowSide::default());
        let spares = Spares::default();
        let snow_can_be_told = SnowCover::can_be_told(self.scene);
        for (cores, patches) in batches {
            plane.require(self.scene, patches)?;
            let plane = &*plane;
            let looked: Vec<_> = cores.par_iter().map(|&core| spares.with(|spare| look(plane, core, wanted, spare))).collect();
            for (patch, evidence, clarity) in looked.into_iter().flatten() {
                mapped.seen = mapped.seen.and(Seen::of_ground(self.site, patch, self.image, plane, (&evidence, clarity)));
                if self.site.is_unknown() {
                    mapped.fill.look(patch, self.image, plane);
                }
                if snow_can_be_told {
                    mapped.snow.add(patch, plane, &evidence);
                }
                if plane.shadow == [0.0; 2] {
                    shadows.add(patch, &evidence, |x, y| {
                        let [light, .., seen] = plane.inputs(x, y);
                        (seen > 0.0).then_some(light)
                    });
                }
                mapped.map.insert(patch, &evidence, clarity);
            }
            if mapped.map.bytes() > self.memory.map {
                return Err(Error::image(
                    &self.scene.path,
                    format!(
                        "so much of the image looks like tracks that the map of it takes more than {} MiB; raise --max-memory, or say \
                         where the yard is (--aoi, --tracks)",
                        self.memory.map >> 20
                    ),
                ));
            }
        }
        Ok((mapped, shadows))
    }

    /// The cores that have a wanted patch, cut down to the rectangle of those: row by row within strips of ground so narrow that rows that
    /// see the same ground follow each other before it is dropped.
    fn cores(&self, plane: &Plane, wanted: impl Fn(Area) -> bool) -> Vec<Patches> {
        let (size, patch_m) = (self.core_m as f64, PATCH_M as f64);
        let mut cores = tile::cores(self.read, size);
        let across = (plane.patches_across() * PATCH_M / self.core_m).max(1) as i64;
        cores.sort_by_key(|core| (core.col.div_euclid(across), core.row, core.col));
        let cut = |core: Core| {
            Patches::around(tile::cores(core.area(size), patch_m).into_iter().filter(|patch| wanted(patch.area(patch_m))))
        };
        cores.into_iter().filter_map(cut).collect()
    }
}
