//! Metadata that vendors deliver beside their images: Maxar IMD and XML, Airbus DIMAP, Planet JSON.

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::Value;

use super::bands::Role;
use super::metadata::{Metadata, parse_number, share_of_percent};

/// More elements than this are in no image's metadata.
const MAX_XML_NODES: u32 = 500_000;

/// Parses the text of a Maxar (DigitalGlobe) `.IMD` file.
///
/// # Errors
/// A sentence, when it holds nothing that such files hold.
pub fn parse_imd(text: &str) -> Result<Metadata, String> {
    let mut maxar = Maxar::default();
    for line in text.lines() {
        if let Some((key, value)) = line.split_once('=') {
            maxar.take(key.trim(), value.trim().trim_end_matches(';').trim_matches('"'));
        }
    }
    Some(maxar.0)
        .filter(|metadata| !metadata.is_empty())
        .ok_or_else(|| "the IMD file does not say when the image was acquired".to_owned())
}

/// Parses the text of a vendor's XML: Airbus DIMAP, or Maxar's `isd`.
///
/// # Errors
/// A sentence, when it is not XML or not of a known kind.
pub fn parse_vendor_xml(text: &str) -> Result<Metadata, String> {
    let options = ParsingOptions { nodes_limit: MAX_XML_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| format!("not valid XML: {error}"))?;
    match document.root_element().tag_name().name() {
        "Dimap_Document" => Ok(dimap(&document)),
        "isd" => {
            let mut maxar = Maxar::default();
            for node in document.descendants().filter(Node::is_element) {
                let name = node.tag_name().name();
                if let Some(letter) = name.strip_prefix("BAND_") {
                    maxar.take("BEGIN_GROUP", &format!("BAND_{letter}"));
                } else if let Some(text) = node.text() {
                    maxar.take(name, text.trim());
                }
            }
            Ok(maxar.0)
        }
        other => Err(format!("XML of the kind <{}> is not known", other.chars().take(40).collect::<String>())),
    }
}

/// Parses the text of a Planet `_metadata.json` file (a GeoJSON feature).
///
/// # Errors
/// A sentence, when it is not JSON or not such a feature.
pub fn parse_planet(text: &str) -> Result<Metadata, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))?;
    let properties = value.get("properties").ok_or("there is no member `properties`")?;
    let number = |key: &str| properties.get(key).and_then(Value::as_f64).filter(|value| value.is_finite());
    let text = |key: &str| properties.get(key).and_then(Value::as_str);
    let mut metadata = Metadata {
        gsd_m: number("pixel_resolution").or_else(|| number("gsd")).filter(|&gsd| gsd > 0.0),
        sun_azimuth_deg: number("sun_azimuth"),
        sun_elevation_deg: number("sun_elevation"),
        off_nadir_deg: number("view_angle").map(f64::abs),
        cloud_cover: number("cloud_cover")
            .filter(|share| (0.0..=1.0).contains(share))
            .or_else(|| number("cloud_percent").and_then(share_of_percent)),
        sensor: text("satellite_id").or_else(|| text("instrument")).map(str::to_owned),
        ..Metadata::default()
    };
    text("acquired").into_iter().for_each(|time| metadata.set_time(time));
    Some(metadata).filter(|metadata| !metadata.is_empty()).ok_or_else(|| "there is nothing about the acquisition".to_owned())
}

/// Collects the keys of IMD files, which Maxar's XML has as elements.
#[derive(Default)]
struct Maxar(Metadata);

impl Maxar {
    fn take(&mut self, key: &str, value: &str) {
        let metadata = &mut self.0;
        let number = parse_number(value);
        match key.to_ascii_uppercase().as_str() {
            "BEGIN_GROUP" => {
                if let Some(role) = value.strip_prefix("BAND_").and_then(maxar_band) {
                    metadata.bands.get_or_insert_default().push(role);
                }
            }
            "FIRSTLINETIME" => metadata.set_time(value),
            // Map-projected products name the earliest of their strips.
            "EARLIESTACQTIME" | "TLCTIME" if metadata.acquired.is_none() => metadata.set_time(value),
            "SATID" => metadata.sensor = metadata.sensor.take().or(Some(value.to_owned()).filter(|text| !text.is_empty())),
            // Single values follow the minima and maxima, or stand alone in older products.
            "MEANSUNAZ" | "SUNAZ" => metadata.sun_azimuth_deg = number.filter(|value| (-360.0..=360.0).contains(value)),
            "MEANSUNEL" | "SUNEL" => metadata.sun_elevation_deg = number.filter(|value| (-90.0..=90.0).contains(value)),
            "MEANOFFNADIRVIEWANGLE" | "OFFNADIRVIEWANGLE" => {
                metadata.off_nadir_deg = number.filter(|value| (0.0..=90.0).contains(value));
            }
            "CLOUDCOVER" => metadata.cloud_cover = number.filter(|value| (0.0..=1.0).contains(value)),
            "MEANPRODUCTGSD" | "PRODUCTGSD" => metadata.gsd_m = number.filter(|&value| value > 0.0),
            _ => {}
        }
    }
}

/// The role of a band by the letters of its IMD group.
fn maxar_band(letters: &str) -> Option<Role> {
    Some(match letters {
        "P" => Role::Pan,
        "R" => Role::Red,
        "G" => Role::Green,
        "B" => Role::Blue,
        "N" | "N1" => Role::Nir,
        "C" | "Y" | "RE" | "N2" => Role::Other,
        _ if letters.len() == 2 && letters.starts_with('S') => Role::Other,
        _ => return None,
    })
}

/// What an Airbus DIMAP document (version 1 and 2) says.
fn dimap(document: &Document) -> Metadata {
    let text = |name: &str| {
        document
            .descendants()
            .find(|node| node.has_tag_name(name))
            .and_then(|node| node.text())
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    let number = |name: &str| text(name).and_then(parse_number);
    let mut metadata = Metadata {
        gsd_m: number("XDIM").or_else(|| number("RESAMPLING_SPACING")).map(f64::abs).filter(|&gsd| gsd > 0.01 && gsd < 1000.0),
        sun_azimuth_deg: number("SUN_AZIMUTH"),
        sun_elevation_deg: number("SUN_ELEVATION"),
        // At the target; the viewing angle at the satellite is smaller because the Earth is round.
        off_nadir_deg: number("VIEWING_ANGLE").or_else(|| number("INCIDENCE_ANGLE")).map(f64::abs).filter(|&angle| angle <= 90.0),
        cloud_cover: number("CLOUD_COVERAGE").and_then(share_of_percent),
        sensor: text("MISSION")
            .map(|mission| format!("{mission} {}", text("MISSION_INDEX").unwrap_or_default()).trim().to_owned()),
        bands: dimap_bands(document),
        ..Metadata::default()
    };
    match (text("IMAGING_DATE"), text("IMAGING_TIME")) {
        (Some(date), Some(time)) => metadata.set_time(&format!("{date}T{time}")),
        (Some(date), None) => metadata.set_time(date),
        _ => {}
    }
    metadata
}

/// Bands in the order of the file: `Band_Display_Order` is for screens, the order of `Raster_Index` for the file.
fn dimap_bands(document: &Document) -> Option<Vec<Role>> {
    let mut indexed: Vec<(i64, Role)> = document
        .descendants()
        .filter(|node| node.has_tag_name("Raster_Index"))
        .filter_map(|node| {
            let child = |name: &str| node.children().find(|child| child.has_tag_name(name)).and_then(|child| child.text());
            let role = match child("BAND_ID")?.trim() {
                "P" | "PAN" => Role::Pan,
                "B0" | "B" => Role::Blue,
                "B1" | "G" => Role::Green,
                "B2" | "R" => Role::Red,
                "B3" | "NIR" => Role::Nir,
                _ => Role::Other,
            };
            Some((child("BAND_INDEX")?.trim().parse().ok()?, role))
        })
        .collect();
    indexed.sort_by_key(|(index, _)| *index);
    (!indexed.is_empty()).then(|| indexed.into_iter().map(|(_, role)| role).collect())
}
