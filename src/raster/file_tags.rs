//! Tags inside an image file: when it was made, what its bands are, and kinds of pixels that cannot be counted on.

use tiff_reader::{Ifd, OpenOptions, TiffFile};

use super::aux_xml::parse_gdal_metadata;
use super::bands::{BandRoles, Role};
use super::conversion::{shows_rgb, strange_colours};
use super::metadata::{Metadata, parse_time};

const TAG_DATE_TIME: u16 = 306;
const TAG_EXIF: u16 = 34665;
const TAG_DATE_TIME_ORIGINAL: u16 = 36867;
const TAG_OFFSET_TIME_ORIGINAL: u16 = 36881;
const TAG_GDAL_METADATA: u16 = 42112;
/// What is to be done about a colour table.
pub(crate) const COLOUR_INDICES: &str =
    "the samples are colour indices of a palette; convert the image with `gdal_translate -expand rgb IN OUT`";
/// TIFF photometric codes.
const MIN_IS_WHITE: u16 = 0;
const PALETTE: u16 = 3;

/// What the tags of a TIFF directory, or of the EXIF block of a JPEG, say about the time of acquisition: the EXIF time
/// (with its offset to UTC, if there is one), else `TIFFTAG_DATETIME`, which is taken as UTC.
pub(crate) fn acquired(tiff: &TiffFile, ifd: &Ifd) -> Metadata {
    let text = |ifd: &Ifd, tag: u16| ifd.tag(tag).and_then(|tag| tag.value.as_str()).map(str::to_owned);
    let exif = ifd.tag(TAG_EXIF).and_then(|tag| tag.value.as_u64()).and_then(|offset| tiff.read_ifd_at_offset(offset).ok());
    let mut metadata = Metadata::default();
    if let Some(time) = text(ifd, TAG_DATE_TIME) {
        metadata.set_time(&time);
    }
    if let Some((exif, time)) = exif.and_then(|exif| text(&exif, TAG_DATE_TIME_ORIGINAL).map(|time| (exif, time))) {
        metadata.set_time(&time);
        let offset = text(&exif, TAG_OFFSET_TIME_ORIGINAL).unwrap_or_default();
        // `2023:10:05 01:58:01` and `+09:00` make an ISO time.
        if let (Some(day), Some(clock)) = (time.get(..10), time.get(11..19))
            && let Some((time, _)) = parse_time(&format!("{}T{clock}{}", day.replace(':', "-"), offset.trim()))
        {
            metadata.acquired = Some(time);
        }
    }
    metadata
}

/// What the EXIF block of a JPEG, PNG or WebP says about the time of acquisition.
pub fn exif_metadata(exif: Vec<u8>) -> Metadata {
    let bytes = exif.strip_prefix(b"Exif\0\0").map(<[u8]>::to_vec).unwrap_or(exif);
    let tiff = TiffFile::from_bytes_with_options(
        bytes,
        OpenOptions { parse_budgets: super::tiff::PARSE_BUDGETS, ..OpenOptions::default() },
    );
    tiff.ok().and_then(|tiff| tiff.ifd(0).ok().map(|ifd| acquired(&tiff, ifd))).unwrap_or_default()
}

/// Roles of the bands, where the tags say them: GDAL's colour interpretation, and the photometric tag for the first three.
pub(crate) fn bands(ifd: &Ifd, bands: usize, alpha: Option<usize>) -> Option<BandRoles> {
    let mut roles = vec![Role::Other; bands];
    let mut from = "colour interpretation in the file".to_owned();
    if bands >= 3 && shows_rgb(ifd) {
        roles[..3].copy_from_slice(&[Role::Red, Role::Green, Role::Blue]);
        if bands >= 4 && alpha != Some(3) {
            roles[3] = Role::Nir;
            from.push_str("; the fourth band is taken as near infrared");
        }
    }
    if let Some(alpha) = alpha {
        roles[alpha] = Role::Alpha;
    }
    for (role, stated) in roles.iter_mut().zip(gdal_roles(ifd, bands).unwrap_or_default()) {
        *role = if stated == Role::Other { *role } else { stated };
    }
    BandRoles::stated(roles, bands, alpha, &from)
}

/// Roles of the bands as GDAL's metadata in the file state them.
fn gdal_roles(ifd: &Ifd, bands: usize) -> Option<Vec<Role>> {
    ifd.tag(TAG_GDAL_METADATA)?.value.as_str().and_then(|text| parse_gdal_metadata(text, bands))
}

/// The first band behind others that GDAL's metadata state to be alpha, as GDAL masks by it.
pub(crate) fn stated_alpha(ifd: &Ifd, bands: usize) -> Option<usize> {
    let roles = gdal_roles(ifd, bands)?;
    (1..bands).find(|&band| roles.get(band) == Some(&Role::Alpha))
}

/// Why samples of this directory are no measure of brightness, if they are not.
pub(crate) fn not_brightness(ifd: &Ifd) -> Option<String> {
    if let Some(colours) = strange_colours(ifd) {
        return Some(format!("the samples are {colours}; convert the image to RGB with an image editor"));
    }
    let kind = match ifd.photometric_interpretation()? {
        PALETTE => COLOUR_INDICES,
        MIN_IS_WHITE if ifd.samples_per_pixel() == 1 => {
            "the samples are inverted (0 is white); convert the image with `gdal_translate -scale 0 255 255 0 IN OUT` (0 65535 65535 0 for 16 \
             bits)"
        }
        _ => return None,
    };
    Some(kind.to_owned())
}
