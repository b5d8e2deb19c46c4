//! A site and its dated observations: settings, registration, usability, the embedded store.
