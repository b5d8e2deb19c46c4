//! Which band shows what.

use serde::Serialize;

/// What a band shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Panchromatic, or gray.
    Pan,
    /// Red light.
    Red,
    /// Green light.
    Green,
    /// Blue light.
    Blue,
    /// Near infrared.
    Nir,
    /// How opaque the pixel is.
    Alpha,
    /// Anything else.
    Other,
}

impl Role {
    /// The role that a name means: STAC common names, GDAL's colour interpretations, vendors' names.
    pub(crate) fn from_name(name: &str) -> Self {
        match name.trim().to_ascii_lowercase().as_str() {
            "pan" | "panchromatic" | "gray" | "grey" | "p" => Self::Pan,
            "red" | "r" => Self::Red,
            "green" | "g" => Self::Green,
            "blue" | "b" => Self::Blue,
            "nir" | "nir08" | "near infrared" | "near_infrared" | "near-infrared" | "nir1" | "n" => Self::Nir,
            "alpha" => Self::Alpha,
            _ => Self::Other,
        }
    }

    /// The name used in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pan => "pan",
            Self::Red => "red",
            Self::Green => "green",
            Self::Blue => "blue",
            Self::Nir => "nir",
            Self::Alpha => "alpha",
            Self::Other => "other",
        }
    }
}

/// The roles of an image's bands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BandRoles {
    /// Role of each band, in the file's order.
    pub roles: Vec<Role>,
    /// Whether the file or its metadata say so; else it is assumed from the number of bands.
    pub stated: bool,
    /// Where it comes from, in words.
    pub from: String,
}

impl BandRoles {
    /// Index of the first band of a role.
    pub fn find(&self, role: Role) -> Option<usize> {
        self.roles.iter().position(|&found| found == role)
    }

    /// Bands that make up luminance, each with its weight (they sum up to 1): pan if there is one, else red, green and
    /// blue with the weights of ITU-R BT.709, else the first band that is not alpha.
    pub fn luminance(&self) -> Vec<(usize, f32)> {
        if let Some(pan) = self.find(Role::Pan) {
            return vec![(pan, 1.0)];
        }
        match (self.find(Role::Red), self.find(Role::Green), self.find(Role::Blue)) {
            (Some(red), Some(green), Some(blue)) => vec![(red, 0.2126), (green, 0.7152), (blue, 0.0722)],
            _ => vec![(self.roles.iter().position(|&role| role != Role::Alpha).unwrap_or(0), 1.0)],
        }
    }

    /// Roles that are stated, if they fit the image: one for each band, or for each band but alpha. Roles of which none is
    /// a colour say nothing.
    pub(crate) fn stated(mut roles: Vec<Role>, bands: usize, alpha: Option<usize>, from: &str) -> Option<Self> {
        if let Some(alpha) = alpha.filter(|&alpha| roles.len() + 1 == bands && alpha <= roles.len()) {
            roles.insert(alpha, Role::Alpha);
        }
        let telling = roles.iter().any(|role| matches!(role, Role::Pan | Role::Red | Role::Green | Role::Blue));
        (roles.len() == bands && telling).then(|| Self { roles, stated: true, from: from.to_owned() })
    }

    /// What is assumed when nothing is stated: one band is pan; three or more are red, green, blue and near infrared. Vendors that
    /// deliver blue first (Planet, Maxar) say so in the files beside the image; what has lost those has usually been through
    /// programs that order bands for display.
    pub(crate) fn assumed(bands: usize, alpha: Option<usize>) -> Self {
        let colours = bands - usize::from(alpha.is_some());
        let (order, from): (&[Role], &str) = match colours {
            0 | 1 => (&[Role::Pan], "one band is taken as panchromatic"),
            2 => (&[Role::Pan, Role::Other], "the first of two bands is taken as panchromatic"),
            3 => (&[Role::Red, Role::Green, Role::Blue], "three bands are taken as red, green, blue"),
            _ => (&[Role::Red, Role::Green, Role::Blue, Role::Nir], "bands are taken as red, green, blue, near infrared"),
        };
        let mut order = order.iter();
        let role = |band| if Some(band) == alpha { Role::Alpha } else { *order.next().unwrap_or(&Role::Other) };
        Self { roles: (0..bands).map(role).collect(), stated: false, from: from.to_owned() }
    }
}
