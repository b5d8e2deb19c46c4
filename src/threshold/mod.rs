//! Radiometry and evidence: from the pixels of a tile to maps of what is track, car and heading.
