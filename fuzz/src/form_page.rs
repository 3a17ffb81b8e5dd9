//! The hidden fields of a page: however it is broken off or cut short, it comes to an end, holds no more than its
//! bounds, and each field's name stands in the page.

use leastway::features::upstream::form_page::hidden_fields;

pub fn check(bytes: &[u8]) {
    let fields = hidden_fields(bytes);
    assert!(fields.len() <= 64);
    let Ok(page) = std::str::from_utf8(bytes) else { return assert!(fields.is_empty()) };
    for (name, value) in &fields {
        assert!(name.len() <= page.len() && value.len() <= page.len());
        // A letter may be written by its number, or as a reference.
        let is_written = |text: &str| page.contains('&') || page.contains(text);
        assert!(is_written(name) && is_written(value));
    }
    // Written anew in one plain way, the same is read.
    let escaped = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;");
    let anew: String = fields
        .iter()
        .map(|(name, value)| {
            format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value))
        })
        .collect();
    assert_eq!(hidden_fields(anew.as_bytes()), fields);
}
