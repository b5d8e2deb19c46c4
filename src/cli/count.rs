//! `yardwatch count`: the freight cars of images.

use std::path::PathBuf;

use clap::Args;

use super::inputs::CountingArgs;
use super::request::Request;
use super::shared::refuse_analyzed;
use super::work::{Workplace, count_all};
use super::{Outcome, Terminal, summary};
use crate::Result;

const EXAMPLES: &str = "\
Examples:
  yardwatch count yard.tif --out out
  yardwatch count images/ --out out --aoi aoi.geojson --tracks tracks.geojson
  yardwatch count photo.png --gsd 0.3 --acquired 2023-10-05T01:58:01Z --out out --format json";

/// Arguments of `yardwatch count`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CountArgs {
    /// Images (TIFF, PNG, JPEG, WebP), or folders of images
    ///
    /// An image says where it lies and how large a pixel is by its own tags (GeoTIFF), by a world file and .prj beside it, or not at
    /// all: then --gsd says how large a pixel is and everything is done in pixels.
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Everything else.
    #[command(flatten)]
    pub counting: CountingArgs,
}

/// Does what the arguments say.
///
/// # Errors
/// When nothing can be done or written, or the folder is one of `analyze`; a single bad image is an [`Outcome`].
pub fn run(args: &CountArgs, terminal: &Terminal) -> Result<Outcome> {
    let request = Request::new(&args.inputs, None, &args.counting, false, terminal)?;
    refuse_analyzed(&request.out)?;
    let mut place = Workplace::open(&request.out)?;
    let results = count_all(&request, &mut place, terminal)?;
    place.store.set_derived(&request.site, &results.yard, &results.observations, &[], &results.strings)?;
    if terminal.json() {
        terminal.print_json(&summary::count_json(&request, &results))?;
    } else {
        terminal.say(&summary::count_text(&request, &results))?;
    }
    Ok(if results.failures.is_empty() { Outcome::Done } else { Outcome::SomeInputsUnused })
}
