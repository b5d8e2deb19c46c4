//! Pictures that no longer show what the record says: after corrections by hand, or because somebody deleted them.

use super::{Planned, Results, Workplace, one_image};
use crate::Result;
use crate::cli::{Terminal, request::Request};
use crate::raster::Scene;
use crate::series::atomic::write_whole;
use crate::series::key::content_key;

/// Draws anew what needs it, where the image is among the inputs.
///
/// # Errors
/// When a picture cannot be written. An image that cannot be read any more keeps its old picture.
pub fn bring_up_to_date(
    request: &Request,
    place: &mut Workplace,
    results: &Results,
    planned: &Planned,
    terminal: &Terminal,
) -> Result<()> {
    for scene in &results.scenes {
        let record = &scene.record;
        let file = place.overlay_file(&record.stem);
        if scene.drawn_before == scene.drawn && file.exists() {
            continue;
        }
        let Some(path) = planned.paths.get(&record.image) else { continue };
        // Another image may have taken the name of a corrected one, whose cars are not on it.
        if !content_key(path).is_ok_and(|content| content == record.content) {
            continue;
        }
        let picture = Scene::open(path, &request.scene).and_then(|opened| one_image::draw(&opened, record, request));
        match picture {
            Ok(overlay) => {
                write_whole(&file, &overlay.jpeg)?;
                place.store.set_drawn(&record.image, &scene.drawn, &overlay.thumbnail)?;
            }
            Err(error) => terminal.warn(&format!("the picture cannot be drawn again: {error}")),
        }
    }
    Ok(())
}
