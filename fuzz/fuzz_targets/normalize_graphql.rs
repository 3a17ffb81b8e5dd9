//! A GraphQL document is refused, or another parser finds its root fields among ours.
#![no_main]

use graphql_parser::query::{OperationDefinition, Selection};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyLimits, BodyNeeds};
use leastway::features::route::call::Call;
use leastway::features::route::fields::Fields;
use libfuzzer_sys::fuzz_target;

const NEEDS: BodyNeeds = BodyNeeds { form: false, json: false, rpc: false, graphql: true };
const LIMITS: BodyLimits = BodyLimits { bytes_max: 1024 * 1024, ratio_max: 200 };

fuzz_target!(|bytes: &[u8]| {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/graphql"));
    let Ok(body) = Body::read(&headers, &Fields::none(), bytes, NEEDS, LIMITS) else { return };
    let text = std::str::from_utf8(bytes).expect("it was read as UTF-8");
    let ours = |field: &str| {
        body.calls().iter().any(|call| matches!(call, Call::Root { field: known, .. } if known == field))
    };
    let Ok(document) = graphql_parser::parse_query::<&str>(text) else { return };
    for definition in &document.definitions {
        let graphql_parser::query::Definition::Operation(operation) = definition else { continue };
        let selections = match operation {
            OperationDefinition::SelectionSet(selections) => selections,
            OperationDefinition::Query(query) => &query.selection_set,
            OperationDefinition::Mutation(mutation) => &mutation.selection_set,
            OperationDefinition::Subscription(subscription) => &subscription.selection_set,
        };
        for selection in &selections.items {
            let Selection::Field(field) = selection else { continue };
            assert!(field.name == "__typename" || ours(field.name), "{} in {text}", field.name);
        }
    }
});
