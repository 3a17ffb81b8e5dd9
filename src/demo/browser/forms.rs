//! Reads forms off a page, as far as the clinic and Leastway write them.

use std::collections::BTreeMap;

/// The fields of the form on `page` whose action begins with `action`: those that are hidden, and of
/// the others the first value that is offered.
pub fn form_fields(page: &str, action: &str) -> Option<BTreeMap<String, String>> {
    let wanted = |form: &&str| {
        let tag = form.split_once('>').map_or(*form, |(tag, _)| tag);
        attribute(tag, "action").is_some_and(|value| value.starts_with(action))
    };
    let form = page.split("<form").skip(1).find(wanted)?;
    let form = form.split_once("</form").map_or(form, |(inside, _)| inside);
    let mut fields = BTreeMap::new();
    let mut selected: Option<String> = None;
    for tag in form.split('<').skip(1).filter_map(|part| part.split_once('>').map(|(tag, _)| tag)) {
        let (name, text) = (attribute(tag, "name"), attribute(tag, "value"));
        if tag.starts_with("select") {
            selected = name.map(str::to_owned);
        } else if tag.starts_with("option") {
            if let (Some(name), Some(text)) = (&selected, text.filter(|text| !text.is_empty())) {
                fields.entry(name.clone()).or_insert_with(|| plain(text));
            }
        } else if tag.starts_with("input")
            && let (Some(name), Some(text)) = (name, text)
        {
            fields.entry(name.to_owned()).or_insert_with(|| plain(text));
        }
    }
    Some(fields)
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn plain(text: &str) -> String {
    text.replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_its_hidden_fields_and_first_choice() {
        let page = r#"<form action="/other"><input name="no" value="1"></form>
            <form method="post" action="/.leastway/justify"><input type="hidden" name="return_to" value="/a?b=1&amp;c=2">
            <select name="code"><option value="">Choose</option><option value="billing">Billing</option>
            <option value="audit">Audit</option></select><textarea name="text"></textarea></form>"#;
        let fields = form_fields(page, "/.leastway/justify").unwrap();
        assert_eq!(fields["return_to"], "/a?b=1&c=2");
        assert_eq!(fields["code"], "billing");
        assert!(!fields.contains_key("no"));
        assert!(form_fields(page, "/nowhere").is_none());
    }
}
