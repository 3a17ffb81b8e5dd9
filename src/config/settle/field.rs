//! Fields of replies that may be withheld.

use super::route::pointer;
use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::domain::field::{FhirElement, Field, Place};
use crate::domain::reply_shape::{RecordsPointer, ReplyShape};
use crate::domain::row_selector::RowSelector;
use crate::features::guard::redact::can_be_taken_out;
use crate::features::route::settings::Access;

/// Reads `field` of a route with this reply. What nobody could take out is a problem, and never passed over.
pub(super) fn fields(
    reader: &Reader<'_>,
    shape: Option<&ReplyShape>,
    access: Option<Access>,
) -> Option<Vec<Field>> {
    let tables = reader.tables("field", 1);
    let fields = collect_all(tables.iter().map(|table| field(table, shape)))?;
    if !fields.is_empty() && access == Some(Access::Public) {
        let what = "a public route is decided about by nobody, and nothing is withheld there";
        reader.error("field", what, "`access = \"policy\"`");
        return None;
    }
    let is_twice = |field: &&Field| fields.iter().filter(|other| other.name == field.name).count() > 1;
    if let Some(twice) = fields.iter().find(is_twice) {
        let what = format!("`{}` is declared twice", twice.name);
        reader.error("field", what, "one `field`, with several places in `at`");
        return None;
    }
    Some(fields)
}

fn field(reader: &Reader<'_>, shape: Option<&ReplyShape>) -> Option<Field> {
    let (name, categories) = (reader.parsed("name"), reader.list("category"));
    let identifies = reader.yes_no("identifies");
    let places = reader.list_with("at", place)?;
    let Some(shape) = shape else {
        let what = "nobody knows what the reply is: without `reply`, nothing can be taken out of it";
        reader.error("at", what, "a `reply` of the kind that the route answers with");
        return None;
    };
    if !places.iter().all(|place| can_be_taken_out(place, &shape.kind)) {
        reader.error("at", "nothing can be taken out of this kind of reply there", FITTING);
        return None;
    }
    Some(Field { name: name?, categories: categories?, identifies: identifies?, places })
}

const FITTING: &str = "a pointer or `\"member:NAME\"` for `json` and `ndjson`, an element for `fhir`, `\"column:NAME\"` for `csv` and \
                       `tsv` with a header, `\"column:NAME\"`, `\"cell:NUMBER\"` or `\"css:SELECTOR\"` for `html`; of any other kind, \
                       such as documents, only the whole can be refused, by `may`";

/// The last column of a page that can be named: a table has no more (HTML, section 4.9.11).
const CELL_MAX: u16 = 1000;
const CELL_BEYOND: u16 = CELL_MAX + 1;

fn place(text: &str) -> Result<Place, Mistake> {
    let wrong = || {
        let right = "`\"/patients/*/ssn\"`, `\"member:NAME\"`, `\"column:NAME\"`, `\"cell:NUMBER\"`, `\"css:SELECTOR\"` or an element \
                     such as `\"Patient.identifier\"`";
        Mistake::new(format!("`{text}` does not say where a field stands"), right)
    };
    if text.starts_with('/') {
        return pointer(text).map(|text| Place::Pointer(RecordsPointer::read(&text)));
    }
    match text.split_once(':') {
        Some(("member", name)) if !name.is_empty() => Ok(Place::Member(name.into())),
        Some(("column", name)) if !name.trim().is_empty() => Ok(Place::Column(name.into())),
        Some(("cell", number)) => match number.parse() {
            Ok(number @ 1..=CELL_MAX) => Ok(Place::Cell(number)),
            Ok(0 | CELL_BEYOND..) | Err(_) => Err(wrong()),
        },
        Some(("css", text)) => RowSelector::read(text).map(Place::Selector).map_err(|error| {
            let right = "elements by what they are and stand in, such as `\"css:#patient .ssn\"`";
            Mistake::new(format!("`{text}` {error}"), right)
        }),
        Some(_) => Err(wrong()),
        None => FhirElement::read(text).map(Place::Element).ok_or_else(wrong),
    }
}
