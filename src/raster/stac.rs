//! STAC items and item collections (stacspec.org, 1.0 and 1.1): what they say about an image, and which image they mean.

use serde_json::Value;

use super::bands::Role;
use super::metadata::Metadata;

/// A STAC item: its facts and its assets.
#[derive(Debug, Clone, PartialEq)]
pub struct StacItem {
    /// The item's name.
    pub id: String,
    /// What its properties say.
    pub metadata: Metadata,
    /// Its assets, in the order of their keys.
    pub assets: Vec<StacAsset>,
}

/// A file that a STAC item names.
#[derive(Debug, Clone, PartialEq)]
pub struct StacAsset {
    /// The asset's key.
    pub key: String,
    /// Where the file is: relative to the item, absolute, or an address.
    pub href: String,
    /// Whether it may be the image: a raster format, and no thumbnail, mask or metadata.
    pub is_image: bool,
    /// Whether its roles say that it is data.
    pub is_data: bool,
    /// What its bands show, where the asset says it.
    pub bands: Option<Vec<Role>>,
}

impl StacItem {
    /// The asset that is the image: the one with the role `data`, else the most telling key.
    pub fn image(&self) -> Option<&StacAsset> {
        const KEYS: [&str; 8] = ["data", "image", "analytic", "pansharpened", "pan-sharpened", "visual", "panchromatic", "pan"];
        let rank = |asset: &&StacAsset| {
            let key = asset.key.to_ascii_lowercase();
            (!asset.is_data, KEYS.iter().position(|known| *known == key).unwrap_or(KEYS.len()))
        };
        self.assets.iter().filter(|asset| asset.is_image).min_by_key(rank)
    }
}

/// Parses the text of a STAC item or item collection. `Ok` and empty: JSON, but not STAC.
///
/// # Errors
/// A sentence, when it is not JSON.
pub fn parse_stac(text: &str) -> Result<Vec<StacItem>, String> {
    // serde_json refuses nesting deeper than 128.
    let value: Value = serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))?;
    let items = match value.get("type").and_then(Value::as_str) {
        Some("Feature") => item(&value).into_iter().collect(),
        Some("FeatureCollection") => {
            value.get("features").and_then(Value::as_array).into_iter().flatten().filter_map(item).collect()
        }
        _ => Vec::new(),
    };
    Ok(items)
}

fn item(value: &Value) -> Option<StacItem> {
    // Plain GeoJSON features have no assets.
    let assets = value.get("assets")?.as_object()?;
    let properties = value.get("properties").unwrap_or(&Value::Null);
    let number = |key: &str| properties.get(key).and_then(Value::as_f64).filter(|value| value.is_finite());
    let text = |key: &str| properties.get(key).and_then(Value::as_str);

    let mut metadata = Metadata {
        gsd_m: number("gsd").filter(|&gsd| gsd > 0.0),
        sun_azimuth_deg: number("view:sun_azimuth"),
        sun_elevation_deg: number("view:sun_elevation"),
        off_nadir_deg: number("view:off_nadir"),
        cloud_cover: number("eo:cloud_cover").and_then(super::metadata::share_of_percent),
        sensor: text("platform").or_else(|| text("constellation")).map(str::to_owned),
        bands: bands(properties),
        ..Metadata::default()
    };
    // `datetime` may be null; the span's start is then the best that is known.
    if let Some(time) = text("datetime").or_else(|| text("start_datetime")) {
        metadata.set_time(time);
    }
    let assets = assets.iter().filter_map(|(key, value)| asset(key, value)).collect();
    let id = value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(StacItem { id, metadata, assets })
}

fn asset(key: &str, value: &Value) -> Option<StacAsset> {
    let href = value.get("href")?.as_str()?.to_owned();
    let roles: Vec<&str> = value.get("roles").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let aside = ["thumbnail", "overview", "metadata", "cloud", "snow-ice", "mask", "data-mask", "saturation"];
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let raster = match kind.as_str() {
        "" => super::find::is_image_name(std::path::Path::new(&href)),
        kind => ["image/tiff", "image/png", "image/jpeg", "image/webp", "image/vnd.stac.geotiff"]
            .iter()
            .any(|known| kind.starts_with(known)),
    };
    let excluded = roles.iter().any(|role| aside.contains(role)) || ["thumbnail", "overview", "preview"].contains(&key);
    Some(StacAsset {
        key: key.to_owned(),
        href,
        is_image: raster && !excluded,
        is_data: roles.contains(&"data"),
        bands: bands(value),
    })
}

/// Roles from `eo:bands` (1.0) or `bands` (1.1).
fn bands(value: &Value) -> Option<Vec<Role>> {
    let list = value.get("eo:bands").or_else(|| value.get("bands"))?.as_array()?;
    let roles: Vec<Role> = list
        .iter()
        .map(|band| {
            let name = ["eo:common_name", "common_name", "name"].iter().find_map(|key| band.get(*key).and_then(Value::as_str));
            name.map_or(Role::Other, Role::from_name)
        })
        .collect();
    (!roles.is_empty() && roles.iter().any(|&role| role != Role::Other)).then_some(roles)
}
