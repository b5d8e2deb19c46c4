//! How QGIS draws the layers when it opens the store, and the colours of the classes everywhere else.

use rusqlite::{Transaction, params};

use crate::count::Class;

/// Colour of a class as red, green, blue: light enough for ballast, and told apart with colour-blind eyes by lightness
/// (after the palette of Okabe and Ito, 2008).
pub fn class_colour(class: Class) -> [u8; 3] {
    match class {
        Class::Freight => [240, 228, 66],
        Class::Gondola => [230, 159, 0],
        Class::Boxcar => [213, 94, 0],
        Class::Tank => [86, 180, 233],
        Class::Hopper => [0, 158, 115],
        Class::Flat => [204, 121, 167],
        Class::Locomotive => [255, 255, 255],
        Class::Coach => [0, 114, 178],
    }
}

/// What a class is called in a legend.
pub fn class_label(class: Class) -> &'static str {
    match class {
        Class::Freight => "freight car",
        Class::Gondola => "gondola",
        Class::Boxcar => "box car",
        Class::Tank => "tank car",
        Class::Hopper => "hopper",
        Class::Flat => "flat car",
        Class::Locomotive => "locomotive",
        Class::Coach => "coach",
    }
}

/// Writes the default styles.
pub(super) fn insert(t: &Transaction<'_>) -> rusqlite::Result<()> {
    let simple = |kind: &str, layer: &str| {
        qml(
            &format!(
                r#"<renderer-v2 type="singleSymbol" symbollevels="0" forceraster="0" enableorderby="0"><symbols>{}</symbols></renderer-v2>"#,
                symbol(kind, "0", layer, "")
            ),
            "",
        )
    };
    let styles = [
        ("cars", "Vehicles by class, paler where less certain", cars()),
        ("tracks", "Tracks", simple("line", &simple_line("255,255,255,160", "0.3"))),
        ("aoi", "Outline of the yard", simple("fill", &simple_fill("0,0,0,0", "255,200,0,255", "0.5"))),
        ("scene_footprints", "What each image covers", simple("fill", &simple_fill("0,0,0,0", "120,120,120,255", "0.3"))),
    ];
    for (table, description, style) in styles {
        t.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML, styleSLD,
             useAsDefault, description, owner) VALUES ('', '', ?1, 'geom', ?1, ?2, '', 1, ?3, 'yardwatch')",
            params![table, style, description],
        )?;
    }
    Ok(())
}

fn qml(renderer: &str, rest: &str) -> String {
    format!(
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis version=\"3.22\" styleCategories=\"Symbology|Temporal\">{rest}{renderer}</qgis>"
    )
}

fn cars() -> String {
    let mut categories = String::new();
    let mut symbols = String::new();
    // The certainty of a car is the opacity of its symbol.
    let alpha = concat!(
        r#"<data_defined_properties><Option type="Map"><Option type="QString" name="name" value=""/><Option type="Map" name="properties">"#,
        r#"<Option type="Map" name="alpha"><Option type="bool" name="active" value="true"/>"#,
        r#"<Option type="QString" name="expression" value="40 + 60 * coalesce(&quot;confidence&quot;, 1)"/>"#,
        r#"<Option type="int" name="type" value="3"/></Option></Option><Option type="QString" name="type" value="collection"/></Option></data_defined_properties>"#
    );
    for (index, class) in Class::ALL.into_iter().enumerate() {
        let [r, g, b] = class_colour(class);
        categories.push_str(&format!(
            r#"<category symbol="{index}" value="{}" label="{}" render="true" type="string"/>"#,
            class.name(),
            class_label(class)
        ));
        let layer = simple_fill(&format!("{r},{g},{b},90"), &format!("{r},{g},{b},255"), "0.4");
        symbols.push_str(&symbol("fill", &index.to_string(), &layer, alpha));
    }
    let renderer = format!(
        r#"<renderer-v2 type="categorizedSymbol" attr="class" symbollevels="0" forceraster="0" enableorderby="0"><categories>{categories}</categories><symbols>{symbols}</symbols></renderer-v2>"#
    );
    // Mode 1: each feature lives at the instant in a field; the temporal controller then plays the dates.
    let temporal = r#"<temporal enabled="1" mode="1" startField="acquired" endField="" durationField="" durationUnit="d" fixedDuration="0" accumulate="0" startExpression="" endExpression="" limitMode="0"><fixedRange><start></start><end></end></fixedRange></temporal>"#;
    qml(&renderer, temporal)
}

fn symbol(kind: &str, name: &str, layer: &str, rest: &str) -> String {
    format!(r#"<symbol type="{kind}" name="{name}" alpha="1" clip_to_extent="1" force_rhr="0">{rest}{layer}</symbol>"#)
}

fn simple_fill(fill: &str, outline: &str, width: &str) -> String {
    format!(
        r#"<layer class="SimpleFill" enabled="1" pass="0" locked="0"><Option type="Map"><Option type="QString" name="color" value="{fill}"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_color" value="{outline}"/><Option type="QString" name="outline_style" value="solid"/><Option type="QString" name="outline_width" value="{width}"/><Option type="QString" name="outline_width_unit" value="MM"/></Option></layer>"#
    )
}

fn simple_line(colour: &str, width: &str) -> String {
    format!(
        r#"<layer class="SimpleLine" enabled="1" pass="0" locked="0"><Option type="Map"><Option type="QString" name="line_color" value="{colour}"/><Option type="QString" name="line_style" value="solid"/><Option type="QString" name="line_width" value="{width}"/><Option type="QString" name="line_width_unit" value="MM"/></Option></layer>"#
    )
}
