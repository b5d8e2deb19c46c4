//! Finds the files beside an image that say how it was acquired, and reads them.

use std::path::{Path, PathBuf};

use super::beside::{find_beside, is_regular, read_text};
use super::metadata::Metadata;
use super::stac::parse_stac;
use super::vendor::{parse_imd, parse_planet, parse_vendor_xml};

/// Metadata files are smaller than this.
pub(crate) const MAX_BYTES: u64 = 8 << 20;
/// So many JSON files in a folder are asked whether they mean the image.
const MAX_JSON_FILES: usize = 256;

/// What the STAC item of an image says, with the item's path. The item is `IMAGE.json` (or `IMAGE.stac-item.json`,
/// `IMAGE_stac.json`), or any item or item collection in the image's folder or the one above that names the image as an asset.
pub(crate) fn stac(image: &Path, notes: &mut Vec<String>) -> Option<(Metadata, PathBuf)> {
    let folder = image.parent()?;
    let stem = image.file_stem()?.to_string_lossy();
    let named = ["", ".stac-item", "_stac", ".stac"].map(|middle| folder.join(format!("{stem}{middle}.json")));
    let beside = json_files(folder);
    let above = folder.parent().map(json_files).unwrap_or_default();
    let name = name_of(image);
    for path in
        named.iter().filter(|path| is_regular(path)).chain(beside.iter().filter(|path| !named.contains(path))).chain(&above)
    {
        let by_name = named.contains(path);
        let text = read_text(path, MAX_BYTES).map_err(|error| error.to_string());
        // Tracks and outlines are no items, and parsing them takes long. Letters beyond ASCII may be escaped.
        if !by_name && name.is_ascii() && text.as_ref().is_ok_and(|text| !text.contains(&name)) {
            continue;
        }
        let items = match text.and_then(|text| parse_stac(&text)) {
            Ok(items) => items,
            Err(reason) => {
                if by_name {
                    notes.push(format!("{} is left aside: {reason}", name_of(path)));
                }
                continue;
            }
        };
        let only = items.len() == 1;
        for item in items {
            let asset = item.assets.iter().find(|asset| means(&asset.href, path, image));
            if asset.is_some() || (by_name && only) {
                let mut metadata = item.metadata;
                // What the asset says of itself is closer than what the item says of all.
                metadata.bands = asset.and_then(|asset| asset.bands.clone()).or(metadata.bands);
                return Some((metadata, path.clone()));
            }
        }
    }
    None
}

/// What the STAC item and the vendor's metadata of an image say of it, each with the file that says it. Of an item collection this changes only
/// when what it says of this image does.
pub(crate) fn statements(image: &Path) -> Vec<(PathBuf, String)> {
    let mut notes = Vec::new();
    let found = [stac(image, &mut notes), vendor(image, &mut notes)];
    found.into_iter().flatten().map(|(metadata, file)| (file, format!("{metadata:?}"))).collect()
}

/// Whether an asset's address means this image: by its path from the item on; for addresses elsewhere, by the file's name.
fn means(href: &str, item: &Path, image: &Path) -> bool {
    let name = href.rsplit(['/', '\\']).next().unwrap_or(href);
    let name = name.split(['?', '#']).next().unwrap_or(name);
    let same_name = image.file_name().is_some_and(|file| file.to_string_lossy() == name);
    if !same_name || href.contains("://") || href.starts_with('/') {
        return same_name;
    }
    let resolved = item.parent().map(|folder| folder.join(href)).and_then(|path| path.canonicalize().ok());
    resolved.is_none() || resolved == image.canonicalize().ok()
}

/// JSON files of a folder, sorted by name.
fn json_files(folder: &Path) -> Vec<PathBuf> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_json = |path: &PathBuf| {
        let ending =
            path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json") || ending.eq_ignore_ascii_case("geojson"));
        ending && !name_of(path).ends_with("_metadata.json") && is_regular(path)
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_json).collect();
    files.sort();
    files.truncate(MAX_JSON_FILES);
    files
}

/// What the vendor's metadata beside an image says, with the file's path.
pub(crate) fn vendor(image: &Path, notes: &mut Vec<String>) -> Option<(Metadata, PathBuf)> {
    let mut parse = |path: PathBuf, parser: fn(&str) -> Result<Metadata, String>| {
        let result = read_text(&path, MAX_BYTES).map_err(|error| error.to_string()).and_then(|text| parser(&text));
        match result {
            Ok(metadata) => Some((metadata, path)),
            Err(reason) => {
                notes.push(format!("{} is left aside: {reason}", name_of(&path)));
                None
            }
        }
    };
    // Tiles of one product (`_R1C2`) share the product's metadata.
    let product = image.with_file_name(format!("{}.tif", without_tile(&image.file_stem()?.to_string_lossy())));
    for image in [image, product.as_path()] {
        if let Some(found) = find_beside(image, "imd").and_then(|path| parse(path, parse_imd)) {
            return Some(found);
        }
        if let Some(found) = find_beside(image, "xml").and_then(|path| parse(path, parse_vendor_xml)) {
            return Some(found);
        }
        // Airbus: `IMG_<product>` goes with `DIM_<product>.XML`.
        let stem = image.file_stem()?.to_string_lossy().into_owned();
        if let Some(rest) = stem.strip_prefix("IMG_") {
            let dim = image.with_file_name(format!("DIM_{rest}.tif"));
            if let Some(found) = find_beside(&dim, "xml").and_then(|path| parse(path, parse_vendor_xml)) {
                return Some(found);
            }
        }
    }
    // Planet: `<scene>_3B_AnalyticMS.tif` goes with `<scene>_metadata.json`.
    let stem = image.file_stem()?.to_string_lossy();
    let cuts = stem.char_indices().filter(|(_, letter)| *letter == '_').map(|(at, _)| at).chain([stem.len()]);
    let candidates: Vec<PathBuf> = cuts.map(|at| image.with_file_name(format!("{}_metadata.json", &stem[..at]))).collect();
    candidates.into_iter().rev().find(|path| is_regular(path)).and_then(|path| parse(path, parse_planet))
}

/// The stem without the tile's row and column (`_R1C2`, also in the middle: Maxar puts it before the product's name).
fn without_tile(stem: &str) -> String {
    let is_tile = |part: &str| {
        let rest = part.strip_prefix('R').and_then(|rest| rest.split_once('C'));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        rest.is_some_and(|(row, col)| digits(row) && digits(col.split('-').next().unwrap_or_default()))
    };
    let mut product = String::new();
    for (index, part) in stem.split('_').enumerate() {
        if is_tile(part) {
            // `R1C2-M2AS-...`: the rest of the part belongs to the name.
            product.push_str(part.find('-').map_or("", |at| &part[at..]));
        } else {
            product.push_str(if index > 0 { "_" } else { "" });
            product.push_str(part);
        }
    }
    product
}

pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::without_tile;

    #[test]
    fn tiles_of_a_product_lead_to_its_name() {
        assert_eq!(without_tile("IMG_PHR1A_P_202103140212345_ORT_1_R1C2"), "IMG_PHR1A_P_202103140212345_ORT_1");
        assert_eq!(without_tile("19MAR22024512-M2AS_R10C2-010_01_P001"), "19MAR22024512-M2AS-010_01_P001");
        assert_eq!(without_tile("RCA_yard"), "RCA_yard");
    }
}
