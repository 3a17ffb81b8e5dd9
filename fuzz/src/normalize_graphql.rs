//! A GraphQL document is refused, or another parser finds its root fields among ours.
use graphql_parser::query::{Definition, Document, OperationDefinition, Selection, SelectionSet};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyLimits, BodyNeeds};
use leastway::features::route::call::Call;
use leastway::features::route::fields::Fields;

const NEEDS: BodyNeeds = BodyNeeds { form: false, json: false, rpc: false, graphql: true };
const LIMITS: BodyLimits = BodyLimits { bytes_max: 1024 * 1024, ratio_max: 200 };

pub fn check(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/graphql"));
    let Ok(body) = Body::read(&headers, &Fields::none(), bytes, NEEDS, LIMITS) else { return };
    let text = std::str::from_utf8(bytes).expect("it was read as UTF-8");
    let ours = |field: &str| {
        body.calls().iter().any(|call| matches!(call, Call::Root { field: known, .. } if known == field))
    };
    let Ok(document) = graphql_parser::parse_query::<&str>(text) else { return };
    for definition in &document.definitions {
        let Definition::Operation(operation) = definition else { continue };
        let selections = match operation {
            OperationDefinition::SelectionSet(selections) => selections,
            OperationDefinition::Query(query) => &query.selection_set,
            OperationDefinition::Mutation(mutation) => &mutation.selection_set,
            OperationDefinition::Subscription(subscription) => &subscription.selection_set,
        };
        let mut roots = Vec::new();
        collect(&document, selections, &mut Vec::new(), &mut roots);
        for field in roots {
            assert!(field == "__typename" || ours(field), "{field} in {text}");
        }
    }
}

/// The root fields of an operation, by way of its fragments.
fn collect<'t>(
    document: &Document<'t, &'t str>,
    selections: &SelectionSet<'t, &'t str>,
    seen: &mut Vec<&'t str>,
    roots: &mut Vec<&'t str>,
) {
    for selection in &selections.items {
        match selection {
            Selection::Field(field) => roots.push(field.name),
            Selection::InlineFragment(fragment) => collect(document, &fragment.selection_set, seen, roots),
            Selection::FragmentSpread(spread) if seen.contains(&spread.fragment_name) => {}
            Selection::FragmentSpread(spread) => {
                seen.push(spread.fragment_name);
                for definition in &document.definitions {
                    match definition {
                        Definition::Fragment(fragment) if fragment.name == spread.fragment_name => {
                            collect(document, &fragment.selection_set, seen, roots);
                        }
                        Definition::Fragment(_) | Definition::Operation(_) => {}
                    }
                }
            }
        }
    }
}
