//! What the law of a kind of data forbids, whatever roles and files permit.
//!
//! For each category that some route has and whose law is not open to all there is one rule that forbids, in Cedar as
//! every other: neither a rule of the house, nor a reason, nor a feed that is too old goes around it, and what is proven of
//! the rules is proven with it. Fields of replies are withheld by the same law. What a `may` could never lawfully do is told at
//! load, with the section that says so.

use std::collections::BTreeSet;

use super::bundle::Rules;
use super::catalog::{Catalog, CatalogField};
use super::problem::PolicySource;
use super::reads::{Fact, Reads};
use super::settings::{MaySettings, RoleSettings};
use super::wording::{self, quoted, set};
use super::world::Facts;
use crate::domain::application::{ApplicationName, Category};
use crate::domain::category::Terms;
use crate::domain::law::{Law, ORIGINATOR, Opens};
use crate::domain::purpose::Purpose;
use crate::domain::told::FactWords;

/// The categories whose law has a rule: what that is called, and how it reads in Cedar.
pub(super) fn rules(catalog: &Catalog) -> Vec<(Category, Law, String)> {
    let guarded = catalog.routes.iter().filter(|route| !route.public);
    let categories: BTreeSet<&Category> = guarded.flat_map(|route| &route.categories).collect();
    categories
        .into_iter()
        .filter_map(|category| {
            let terms = catalog.categories.terms(category)?;
            is_closed(terms.law).then(|| (category.clone(), terms.law, text(category, terms, &catalog.facts)))
        })
        .collect()
}

/// Its stable id.
pub(super) fn id(category: &Category) -> String {
    format!("law/{category}")
}

/// Whether it is closed to somebody under some purpose.
fn is_closed(law: Law) -> bool {
    Purpose::ALL.iter().any(|purpose| law.opens(*purpose) != Opens::ToAll)
}

/// The purposes under which a law opens so.
fn under(law: Law, opens: Opens) -> impl Iterator<Item = Purpose> {
    Purpose::ALL.iter().copied().filter(move |purpose| law.opens(*purpose) == opens)
}

fn text(category: &Category, terms: &Terms, words: &FactWords) -> String {
    let law = terms.law;
    let purposes = |opens| {
        let purposes: Vec<_> = under(law, opens).map(Purpose::as_str).collect();
        (!purposes.is_empty()).then(|| format!("{}.contains(context.purpose)", set(purposes.into_iter())))
    };
    let originator = words.relationship(ORIGINATOR).and_then(|_| purposes(Opens::ToOriginator));
    let originator = originator.map(|purposes| format!("{purposes} && {}", wording::related(ORIGINATOR)));
    let consent = terms.consent.as_ref().zip(purposes(Opens::WithConsent)).map(|(flag, purposes)| {
        format!("{purposes} && context has patient_flags && context.patient_flags.contains({})", quoted(flag))
    });
    let unless: Vec<_> = [purposes(Opens::ToAll), originator, consent]
        .into_iter()
        .flatten()
        .map(|clause| format!("\nunless {{ {clause} }}"))
        .collect();
    let unless = unless.concat();
    let (id, name) = (quoted(&id(category)), quoted(category.as_str()));
    format!(
        "@id({id})\n@law({})\nforbid (principal, action, resource)\nwhen {{ resource.categories.contains({name}) }}{unless};",
        quoted(law.reference())
    )
}

/// The categories of an application's routes that a rule without `categories` leaves out.
pub(super) fn to_be_named(catalog: &Catalog, application: &ApplicationName) -> Vec<Category> {
    let routes = catalog.routes.iter().filter(|route| route.application == *application);
    let categories: BTreeSet<&Category> = routes.flat_map(|route| &route.categories).collect();
    let named = categories.into_iter().filter(|category| catalog.categories.law(category).has_to_be_named());
    named.cloned().collect()
}

/// What it takes to tell whether fields of these categories are open: part of what an answer depends on.
pub(super) fn read_for(catalog: &Catalog, fields: &[CatalogField], reads: &mut Reads) {
    for terms in
        fields.iter().flat_map(|field| &field.categories).filter_map(|it| catalog.categories.terms(it))
    {
        let any = |opens| under(terms.law, opens).next().is_some();
        if is_closed(terms.law) {
            reads.facts.insert(Fact::Purpose);
        }
        if any(Opens::ToOriginator) {
            reads.facts.insert(Fact::Relationship(ORIGINATOR.into()));
        }
        if any(Opens::WithConsent) && terms.consent.is_some() {
            reads.facts.insert(Fact::PatientFlags);
        }
    }
}

impl Rules {
    /// Whether the law of each category of a field opens it.
    pub(super) fn is_lawful(&self, field: &CatalogField, facts: &Facts<'_>) -> bool {
        field.categories.iter().filter_map(|category| self.catalog.categories.terms(category)).all(|terms| {
            match terms.law.opens(facts.purpose) {
                Opens::ToAll => true,
                Opens::ToNobody => false,
                Opens::ToOriginator => facts.related(ORIGINATOR) == Some(true),
                Opens::WithConsent => terms
                    .consent
                    .as_deref()
                    .zip(facts.flags())
                    .is_some_and(|(consent, mut flags)| flags.any(|flag| flag == consent)),
            }
        })
    }

    /// Whether a rule is the law of a category.
    pub(super) fn is_of_law(&self, position: usize) -> bool {
        self.engine.rule(position).is_some_and(|rule| matches!(rule.source, PolicySource::Law(..)))
    }

    /// The law of each category that has one of its own, in a line each.
    pub fn laws(&self) -> Vec<String> {
        let routes = self.catalog.routes.iter();
        let fields = routes.clone().flat_map(|route| &route.fields).flat_map(|field| &field.categories);
        let used: BTreeSet<&Category> = routes.flat_map(|route| &route.categories).chain(fields).collect();
        used.into_iter()
            .filter_map(|category| Some((category, self.catalog.categories.terms(category)?)))
            .filter(|(_, terms)| terms.law.is_of_its_own() || !terms.sensitivity.is_empty())
            .map(|(category, terms)| format!("category/{category}: {}", told(terms)))
            .collect()
    }
}

/// What is said of a category, in one line.
pub(super) fn told(terms: &Terms) -> String {
    let law = terms.law;
    let codes: Vec<_> = terms.sensitivity.iter().map(|code| code.as_str()).collect();
    let codes = if codes.is_empty() { String::new() } else { format!("; sensitivity {}", codes.join(", ")) };
    let listed = |opens| under(law, opens).map(Purpose::as_str).collect::<Vec<_>>().join(", ");
    let consent = terms.consent.as_deref().map_or_else(
        || "with the patient's consent, which no feed tells,".to_owned(),
        |flag| format!("with the patient's consent (`{flag}`)"),
    );
    let opens = [
        (Opens::ToOriginator, "to its originator".to_owned()),
        (Opens::WithConsent, consent),
        (Opens::ToNobody, "to nobody".to_owned()),
    ];
    let opens = opens.into_iter().map(|(opens, whom)| (listed(opens), whom));
    let opens: Vec<_> = opens
        .filter(|(purposes, _)| !purposes.is_empty())
        .map(|(purposes, whom)| format!("; open {whom} under {purposes}"))
        .collect();
    format!("{}{codes}{}", law.reference(), opens.concat())
}

/// What a `may` could not lawfully give, and what would be right.
pub(super) fn problems(role: &RoleSettings, may: &MaySettings, catalog: &Catalog) -> Vec<(String, String)> {
    let purposes: Vec<Purpose> =
        wording::purposes(role, may).iter().copied().filter(|it| role.purposes.contains(it)).collect();
    let given = may.categories.iter().filter_map(|category| unlawful(category, &purposes, may, catalog));
    let withheld = withheld(may, catalog).filter_map(|field| kept_from(&field, &purposes, catalog));
    given.chain(withheld).collect()
}

/// Under which purpose a category cannot be given by this rule.
fn unlawful(
    category: &Category,
    purposes: &[Purpose],
    may: &MaySettings,
    catalog: &Catalog,
) -> Option<(String, String)> {
    let terms = catalog.categories.terms(category)?;
    let (law, reference) = (terms.law, terms.law.reference());
    let is_originators = || {
        let asked = &may.when.relationship;
        !asked.is_empty() && asked.iter().all(|word| word == ORIGINATOR)
    };
    let open: Vec<_> = under(law, Opens::ToAll).map(Purpose::as_str).collect();
    let open = format!("`purpose` in its `when` with some of {}", open.join(", "));
    purposes.iter().find_map(|purpose| match law.opens(*purpose) {
        Opens::ToAll => None,
        Opens::ToOriginator => (!is_originators()).then(|| {
            let what = format!("under {purpose}, `{category}` is open to its originator alone ({reference})");
            (
                what,
                format!("`relationship = [\"{ORIGINATOR}\"]` in its `when`, as a feed tells it, or {open}"),
            )
        }),
        Opens::WithConsent => terms.consent.is_none().then(|| {
            let what =
                format!("under {purpose}, `{category}` takes the patient's consent (42 CFR 2.31 and 2.33)");
            let right =
                "`consent` in `[category.…]`: by which flag a feed of patients tells who has consented";
            (what, format!("{right}; or {open}"))
        }),
        Opens::ToNobody => {
            let what = format!("under {purpose}, `{category}` is open to nobody ({reference})");
            Some((what, format!("no `{category}` among `categories`, or {open}")))
        }
    })
}

/// The fields that a rule withholds on its routes.
fn withheld<'c>(may: &'c MaySettings, catalog: &'c Catalog) -> impl Iterator<Item = CatalogField> + 'c {
    let routes = catalog.routes.iter().filter(|route| {
        may.is_about(&route.application, &route.route, route.action)
            && !route.public
            && (may.categories.is_empty() || route.categories.iter().all(|it| may.categories.contains(it)))
    });
    let is_withheld = |field: &&CatalogField| {
        may.withhold.contains(&field.name)
            || !may.categories.is_empty() && field.categories.iter().any(|it| !may.categories.contains(it))
    };
    let mut seen = BTreeSet::new();
    let fields = routes.flat_map(|route| &route.fields).filter(is_withheld);
    fields.filter(move |field| seen.insert(field.name.clone())).cloned()
}

/// Under which purpose a field may not be kept from somebody who may see the rest.
pub(super) fn kept_from(
    field: &CatalogField,
    purposes: &[Purpose],
    catalog: &Catalog,
) -> Option<(String, String)> {
    let may_be = |purpose: &&Purpose| {
        // What belongs to no kind of data beyond those of its route has what all data have.
        let laws = field.categories.iter().map(|category| catalog.categories.law(category));
        laws.chain([Law::General]).any(|law| law.may_be_withheld(purpose.basis()))
    };
    let purpose = purposes.iter().find(|purpose| !may_be(purpose))?;
    let basis = purpose.basis();
    let what = format!(
        "under {purpose}, only what has a law of its own is withheld, and `{}` has none that counts here ({})",
        field.name,
        basis.reference()
    );
    let categories: Vec<_> = catalog
        .categories
        .names()
        .filter(|category| catalog.categories.law(category).may_be_withheld(basis))
        .map(|category| format!("`{category}`"))
        .collect();
    let right = format!(
        "a `category` of the field such as {}, or a role of its own for work under another purpose",
        categories.join(", ")
    );
    Some((what, right))
}
