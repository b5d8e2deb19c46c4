//! What a result depends on: the bytes of the image and of the files beside it, the settings, the program.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::count::Yard;
use crate::raster::{Acquired, AuxXml, parse_aux_xml, regular_file, statements};
use crate::{Error, Result};

/// Version of the program that counts: the package's, and a hash of the sources and weights of the rooms that count, so that a
/// changed program never passes an old count off as its own.
pub const PROGRAM: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("YARDWATCH_METHOD"));

/// Files beside an image that are larger than this are no metadata.
const MAX_SIDECAR_BYTES: u64 = 64 << 20;

/// Endings of files beside an image that are images themselves, or reduced copies of it.
const NOT_METADATA: [&str; 9] = ["tif", "tiff", "gtiff", "btf", "png", "jpg", "jpeg", "webp", "ovr"];

/// What GDAL appends to the name of an image whose statistics or place it keeps.
const AUX_XML: &str = ".aux.xml";

/// The bytes of an image, hashed once, from which its keys follow.
#[derive(Debug, Clone)]
pub struct Content {
    image: PathBuf,
    bytes: blake3::Hasher,
}

impl Content {
    /// Reads an image.
    ///
    /// # Errors
    /// When the image cannot be read or is no regular file.
    pub fn of(image: &Path) -> Result<Self> {
        regular_file(image)?;
        let mut bytes = blake3::Hasher::new();
        let file = File::open(image).map_err(|e| Error::io(image, e))?;
        bytes.update_reader(file).map_err(|e| Error::io(image, e))?;
        Ok(Self { image: image.to_path_buf(), bytes })
    }

    /// BLAKE3 of the image and of what is read beside it: world file, `.prj`, mask and the vendor's files of its name; what GDAL's side file
    /// says of its place and bands (its statistics change no count); and what STAC items and vendors' files of other names say of it.
    pub fn key(&self) -> String {
        self.keys_as(&[&self.stem()]).pop().unwrap_or_default()
    }

    /// Its keys if it, and what lies beside it, had these stems: an image that was renamed had one of them before.
    pub fn keys_as(&self, stems: &[&str]) -> Vec<String> {
        let said = statements(&self.image);
        let stated_in: Vec<&PathBuf> = said.iter().map(|(file, _)| file).collect();
        let read = sidecars(&self.image, |path, rest| is_read(&self.image, rest) || stated_in.contains(&path));
        let beside: Vec<(String, Vec<u8>)> = read
            .iter()
            .filter_map(|(path, rest)| {
                let bytes = std::fs::read(path).ok()?;
                let bytes = if rest.ends_with(AUX_XML) { said_by_aux_xml(&bytes)?.into_bytes() } else { bytes };
                Some((rest.clone(), bytes))
            })
            .collect();
        // Of files with other names, which may speak of many images, only what they say of this one.
        let others: Vec<&str> =
            said.iter().filter(|(file, _)| !read.iter().any(|(path, _)| path == file)).map(|(_, said)| said.as_str()).collect();
        let named = |stem: &str| beside.iter().map(|(rest, bytes)| (format!("{stem}{rest}"), bytes.as_slice())).collect();
        stems.iter().map(|stem| self.finish(named(stem), &others)).collect()
    }

    /// The key as it was until files that are not read stopped counting: records of then still have it.
    pub fn former_key(&self) -> String {
        let stem = self.stem();
        let beside = sidecars(&self.image, |_, _| true);
        let bytes: Vec<(String, Vec<u8>)> =
            beside.iter().filter_map(|(path, rest)| Some((format!("{stem}{rest}"), std::fs::read(path).ok()?))).collect();
        let said = statements(&self.image);
        let others: Vec<&str> =
            said.iter().filter(|(file, _)| !beside.iter().any(|(path, _)| path == file)).map(|(_, said)| said.as_str()).collect();
        self.finish(bytes.iter().map(|(name, bytes)| (name.clone(), bytes.as_slice())).collect(), &others)
    }

    fn stem(&self) -> String {
        self.image.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn finish(&self, beside: Vec<(String, &[u8])>, others: &[&str]) -> String {
        let mut hasher = self.bytes.clone();
        for (name, bytes) in beside.into_iter().chain(others.iter().map(|said| (String::new(), said.as_bytes()))) {
            // Lengths first: no two lists of files give the same bytes.
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
            hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// The key of an image and of what is read beside it: see [`Content::key`].
///
/// # Errors
/// When the image cannot be read or is no regular file.
pub fn content_key(image: &Path) -> Result<String> {
    Ok(Content::of(image)?.key())
}

/// Whether a file beside an image that is called like it is read for what it is; `rest` is its name without the image's stem. What STAC items
/// and vendors' files say is known from elsewhere.
fn is_read(image: &Path, rest: &str) -> bool {
    let ending = image.extension().unwrap_or_default().to_string_lossy();
    if [AUX_XML, ".msk"].iter().any(|appended| rest.strip_suffix(appended).is_some_and(|own| own == format!(".{ending}"))) {
        return true;
    }
    // World files: `.pgw` or `.pngw` of a `.png`, and `.wld` of any.
    let short = ending.chars().next().zip(ending.chars().last()).map(|(first, last)| format!(".{first}{last}w"));
    let known = [short.unwrap_or_default(), format!(".{ending}w"), ".wld".to_owned(), ".prj".to_owned()];
    known.iter().any(|known| known.eq_ignore_ascii_case(rest))
}

/// What GDAL's side file says of place, nodata and bands, if it says anything of these; not its statistics.
fn said_by_aux_xml(bytes: &[u8]) -> Option<String> {
    // One by one: what else is read of it some day must not make other images of all.
    let text = |aux: &AuxXml| format!("{:?}", (&aux.geotransform, &aux.crs, aux.control_points, aux.nodata, &aux.bands));
    let said = text(&parse_aux_xml(String::from_utf8_lossy(bytes).trim_start_matches('\u{feff}')).ok()?);
    (said != text(&AuxXml::default())).then_some(said)
}

/// By what a file that is written to shows it: its length and the time of its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp(u64, Option<SystemTime>);

/// The stamp of an image as it is now.
///
/// # Errors
/// When it is not there (any more) or is no regular file.
pub fn stamp(image: &Path) -> Result<Stamp> {
    let metadata = regular_file(image)?;
    Ok(Stamp(metadata.len(), metadata.modified().ok()))
}

/// Files beside an image that are called like it and wanted, by name, each with what its name has after the image's stem.
fn sidecars(image: &Path, wanted: impl Fn(&PathBuf, &str) -> bool) -> Vec<(PathBuf, String)> {
    let (Some(folder), Some(stem), Some(own)) = (image.parent(), image.file_stem(), image.file_name()) else { return Vec::new() };
    let (stem, own) = (stem.to_string_lossy(), own.to_string_lossy());
    // Without a `.` in front, as the reader has the paths of what it reads.
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(listed) else { return Vec::new() };
    let mut found: Vec<(PathBuf, String)> = entries
        .flatten()
        .filter_map(|entry| {
            let (path, name) = (folder.join(entry.file_name()), entry.file_name());
            let name = name.to_string_lossy();
            let rest = name.strip_prefix(stem.as_ref())?;
            let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
            let is_beside = name != own
                && (rest.starts_with('.') || rest.starts_with("_metadata"))
                && !NOT_METADATA.contains(&ending.as_str())
                && wanted(&path, rest)
                && entry.metadata().is_ok_and(|m| m.is_file() && m.len() <= MAX_SIDECAR_BYTES);
            is_beside.then(|| (path, rest.to_owned()))
        })
        .collect();
    found.sort();
    found
}

/// BLAKE3 of the settings that touch a count; `acquired` only where the image has no date of its own, `survey` is
/// the survey's own key, where the site has one.
pub fn settings_key(yard: &Yard, gsd_m: Option<f64>, acquired: Option<Acquired>, survey: Option<&str>) -> String {
    let tracks: Vec<_> = yard.tracks.iter().map(|track| (&track.name, &track.line)).collect();
    // Numbers, texts and lists always become JSON.
    let text = serde_json::to_vec(&(tracks, &yard.aoi, gsd_m, acquired, survey)).unwrap_or_default();
    blake3::hash(&text).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_follows_the_image_and_what_lies_beside_it_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("a.png");
        std::fs::write(&image, "pixels").unwrap();
        let bare = content_key(&image).unwrap();
        for other in
            ["ab.pgw", "b.pgw", "a.jpg", "a.tif.ovr", "a.png.ovr", "a.qml", "a.txt", "a.tif.aux.xml", "a.xml", "a.png.aux.xml"]
        {
            std::fs::write(folder.path().join(other), "x").unwrap();
        }
        assert_eq!(content_key(&image).unwrap(), bare, "files of other images, and such as are not read");
        std::fs::write(folder.path().join("a.pgw"), "0.5").unwrap();
        let tied = content_key(&image).unwrap();
        assert_ne!(tied, bare);
        std::fs::write(folder.path().join("a.pgw"), "0.6").unwrap();
        assert_ne!(content_key(&image).unwrap(), tied);
        std::fs::write(folder.path().join("a.pgw"), "0.5").unwrap();
        assert_eq!(content_key(&image).unwrap(), tied);
        std::fs::write(&image, "other pixels").unwrap();
        assert_ne!(content_key(&image).unwrap(), tied);
    }

    /// Opened once in QGIS, which keeps statistics beside it, an image was another one, and its corrections were said to be of the one before.
    #[test]
    fn a_key_follows_what_a_side_file_of_gdal_says_of_the_place_and_not_its_statistics() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("a.png");
        std::fs::write(&image, "pixels").unwrap();
        let says = |inner: &str| {
            std::fs::write(folder.path().join("a.png.aux.xml"), format!("<PAMDataset>{inner}</PAMDataset>")).unwrap();
            content_key(&image).unwrap()
        };
        let bare = content_key(&image).unwrap();
        let statistics = r#"<PAMRasterBand band="1"><Metadata><MDI key="STATISTICS_MEAN">7</MDI></Metadata></PAMRasterBand>"#;
        let place = "<GeoTransform>1, 0.5, 0, 2, 0, -0.5</GeoTransform>";
        assert_eq!(says(statistics), bare);
        let placed = says(place);
        assert_ne!(placed, bare);
        assert_eq!(says(&format!("{place}{statistics}")), placed);
        assert_ne!(says(&place.replace("0.5", "0.6")), placed);
    }

    #[test]
    fn a_renamed_image_has_its_former_key_under_its_former_name() {
        let folder = tempfile::tempdir().unwrap();
        let write = |stem: &str| {
            let image = folder.path().join(format!("{stem}.png"));
            std::fs::write(&image, "pixels").unwrap();
            std::fs::write(folder.path().join(format!("{stem}.pgw")), "0.5").unwrap();
            Content::of(&image).unwrap()
        };
        let (a, b) = (write("a"), write("b"));
        assert_ne!(a.key(), b.key());
        assert_eq!(b.keys_as(&["c", "a"])[1], a.key());
        assert_eq!(a.key(), a.former_key(), "only files that are read lie beside it");
    }

    /// A date that was added or put right in a file of another name was never heard of.
    #[test]
    fn a_key_follows_what_a_stac_item_of_another_name_says_of_the_image_and_not_what_it_says_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let (image, item) = (folder.path().join("a.png"), folder.path().join("all.json"));
        std::fs::write(&image, "pixels").unwrap();
        let says = |a: &str, b: &str| {
            let feature = |name: &str, time: &str| {
                format!(
                    r#"{{"type":"Feature","stac_version":"1.0.0","id":"{name}","geometry":null,"properties":{{"datetime":"{time}"}},
                        "links":[],"assets":{{"data":{{"href":"./{name}.png"}}}}}}"#
                )
            };
            let text = format!(r#"{{"type":"FeatureCollection","features":[{},{}]}}"#, feature("a", a), feature("b", b));
            std::fs::write(&item, text).unwrap();
            content_key(&image).unwrap()
        };
        let (early, late) = ("2021-05-05T03:00:00Z", "2022-05-05T03:00:00Z");
        let dated = says(early, early);
        assert_eq!(says(early, late), dated);
        assert_ne!(says(late, late), dated);
        std::fs::remove_file(&item).unwrap();
        assert_ne!(content_key(&image).unwrap(), dated);
    }
}
