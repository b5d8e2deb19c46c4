//! GDAL's side files (`IMAGE.aux.xml`, "PAM") and the XML that it puts into a TIFF tag (`GDAL_METADATA`).

use roxmltree::{Document, Node, ParsingOptions};

use super::bands::Role;
use super::metadata::parse_number;
use super::stated_crs::StatedCrs;
use super::wkt::stated_by_wkt;

/// More elements than this are in no such file.
const MAX_XML_NODES: u32 = 200_000;

/// What a `.aux.xml` file says.
#[derive(Debug, Clone, Default)]
pub struct AuxXml {
    /// Geotransform in GDAL's order.
    pub geotransform: Option<[f64; 6]>,
    /// The CRS, be it understood or not.
    pub crs: Option<StatedCrs>,
    /// Control points are listed.
    pub control_points: bool,
    /// Nodata of the first band.
    pub nodata: Option<f64>,
    /// Colour interpretation of the bands.
    pub bands: Option<Vec<Role>>,
    /// Samples of the first band are indices of a colour table.
    pub palette: bool,
}

/// Parses the text of an `.aux.xml` file.
///
/// # Errors
/// A sentence, when it is not such a file.
pub fn parse_aux_xml(text: &str) -> Result<AuxXml, String> {
    let document = parse(text)?;
    let root = document.root_element();
    if root.tag_name().name() != "PAMDataset" {
        return Err("not a GDAL side file".to_owned());
    }
    let child = |name: &str| root.children().find(|node| node.has_tag_name(name));
    let geotransform = child("GeoTransform").and_then(|node| node.text()).and_then(|text| {
        let numbers: Vec<f64> = text.split(',').map_while(parse_number).collect();
        numbers.try_into().ok()
    });
    let bands: Vec<Node> = root.children().filter(|node| node.has_tag_name("PAMRasterBand")).collect();
    let of_band = |band: &Node, name: &str| {
        band.children().find(|node| node.has_tag_name(name)).and_then(|node| node.text()).map(str::to_owned)
    };
    let roles: Vec<Role> =
        bands.iter().filter_map(|band| of_band(band, "ColorInterp")).map(|name| Role::from_name(&name)).collect();
    let interpretation = bands.first().and_then(|band| of_band(band, "ColorInterp"));
    Ok(AuxXml {
        palette: interpretation.is_some_and(|name| name.trim().eq_ignore_ascii_case("palette")),
        geotransform,
        crs: child("SRS").and_then(|node| node.text()).map(stated_by_wkt),
        control_points: child("GCPList").is_some(),
        nodata: bands.first().and_then(|band| of_band(band, "NoDataValue")).and_then(|text| text.trim().parse().ok()),
        bands: (!roles.is_empty() && roles.len() == bands.len()).then_some(roles),
    })
}

/// Roles of the bands out of the TIFF tag `GDAL_METADATA`: colour interpretations, else descriptions.
pub fn parse_gdal_metadata(text: &str, bands: usize) -> Option<Vec<Role>> {
    let document = parse(text).ok()?;
    let roles = |wanted: &str| {
        let mut roles = vec![Role::Other; bands];
        let items = document.descendants().filter(|node| node.has_tag_name("Item") && node.attribute("role") == Some(wanted));
        for item in items {
            let sample: usize = item.attribute("sample")?.parse().ok()?;
            *roles.get_mut(sample)? = Role::from_name(item.text().unwrap_or_default());
        }
        roles.iter().any(|&role| role != Role::Other).then_some(roles)
    };
    roles("colorinterp").or_else(|| roles("description"))
}

fn parse(text: &str) -> Result<Document<'_>, String> {
    let options = ParsingOptions { nodes_limit: MAX_XML_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| format!("not valid XML: {error}"))
}
