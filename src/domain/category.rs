//! Kinds of data: how sensitive each is (HL7), and which law protects it beyond the general rule of HIPAA.
//!
//! The categories that hospitals have are built in with their law, and no configuration takes that from them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::application::Category;
use super::closed_list;
use super::law::Law;

closed_list! {
    /// A sensitivity of information (HL7 v3 `ActCode`, `InformationSensitivityPolicy`).
    Sensitivity {
        /// Behavioural health.
        Bh = "BH",
        /// A celebrity, or another person whom many would look up.
        Cel = "CEL",
        /// Cognitive disability.
        Cogn = "COGN",
        /// Developmental disability.
        Dvd = "DVD",
        /// Emotional disturbance.
        Emotdis = "EMOTDIS",
        /// An employee.
        Emp = "EMP",
        /// Alcohol use disorder.
        Ethud = "ETHUD",
        /// Substance abuse, be it of alcohol or of drugs: what was said before there was `SUD`.
        Eth = "ETH",
        /// Genetic disease.
        Gdis = "GDIS",
        /// HIV and AIDS.
        Hiv = "HIV",
        /// Mental health.
        Mh = "MH",
        /// Military sexual trauma.
        Mst = "MST",
        /// Opioid use disorder.
        Opioidud = "OPIOIDUD",
        /// What is sensitive by default, be it asked for by the patient or not.
        Pds = "PDS",
        /// What the patient asks to be restricted.
        Prs = "PRS",
        /// Psychiatry.
        Psy = "PSY",
        /// Psychotherapy notes.
        Psythpn = "PSYTHPN",
        /// Sickle cell anaemia.
        Sca = "SCA",
        /// Sexual assault, abuse, or domestic violence.
        Sdv = "SDV",
        /// Sexuality and reproductive health.
        Sex = "SEX",
        /// What is specially protected, without a word of what it is.
        Spi = "SPI",
        /// Sexually transmitted disease.
        Std = "STD",
        /// Substance use disorder.
        Sud = "SUD",
        /// Taboo.
        Taboo = "TBOO",
        /// Violence.
        Vio = "VIO",
    }
}

/// What is said of a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How sensitive it is.
    pub sensitivity: Vec<Sensitivity>,
    /// What protects it.
    pub law: Law,
    /// What marks a patient who has consented, by the word of a feed of patients: where a law asks for that.
    pub consent: Option<Arc<str>>,
}

/// The categories that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Categories(BTreeMap<Category, Terms>);

impl Default for Categories {
    /// Those that are built in.
    fn default() -> Self {
        let terms = |sensitivity: &[Sensitivity], law| Terms {
            sensitivity: sensitivity.to_vec(),
            law,
            consent: None,
        };
        let known = BUILT_IN
            .iter()
            .filter_map(|(name, sensitivity, law)| Some((name.parse().ok()?, terms(sensitivity, *law))));
        Self(known.collect())
    }
}

impl Categories {
    /// What is said of a category; absent if there is none of that name.
    pub fn terms(&self, category: &Category) -> Option<&Terms> {
        self.0.get(category)
    }

    /// What protects a category. One of which nothing is said has what all data have.
    pub fn law(&self, category: &Category) -> Law {
        self.terms(category).map_or(Law::General, |terms| terms.law)
    }

    /// Takes what is declared of a category.
    pub fn declare(&mut self, category: Category, terms: Terms) {
        self.0.insert(category, terms);
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &Category> + Clone {
        self.0.keys()
    }

    /// How data of all these categories are protected together.
    pub fn protection<'c>(&self, categories: impl IntoIterator<Item = &'c Category>) -> Protection {
        let terms = categories.into_iter().filter_map(|category| self.terms(category));
        let (mut sensitivity, mut laws) = (Vec::new(), Vec::new());
        for Terms { sensitivity: codes, law, consent: _ } in terms {
            sensitivity.extend_from_slice(codes);
            laws.extend(law.is_of_its_own().then_some(*law));
        }
        Protection::of(sensitivity, laws)
    }
}

/// How the data of a route are protected beyond all others: what events and applications are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Protection {
    /// How sensitive they are, in order.
    pub sensitivity: Arc<[Sensitivity]>,
    /// The laws of their own that they have, in order.
    pub laws: Arc<[Law]>,
}

impl Protection {
    fn of(mut sensitivity: Vec<Sensitivity>, mut laws: Vec<Law>) -> Self {
        sensitivity.sort_unstable();
        sensitivity.dedup();
        laws.sort_unstable();
        laws.dedup();
        Self { sensitivity: sensitivity.into(), laws: laws.into() }
    }

    /// Both together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        if *other == Self::default() || self == other {
            return self.clone();
        }
        if *self == Self::default() {
            return other.clone();
        }
        Self::of([&*self.sensitivity, &*other.sensitivity].concat(), [&*self.laws, &*other.laws].concat())
    }

    /// Whether the notice of 42 CFR 2.32 goes with them.
    pub fn has_notice(&self) -> bool {
        self.laws.iter().any(|law| law.has_notice())
    }
}

/// Name, sensitivity and law.
type BuiltIn = (&'static str, &'static [Sensitivity], Law);

/// The categories that are built in: those with a law or a sensitivity of their own first.
const BUILT_IN: &[BuiltIn] = &[
    ("psychotherapy", &[Sensitivity::Psythpn], Law::PsychotherapyNotes),
    ("sud_counseling", &[Sensitivity::Sud], Law::SudCounselingNotes),
    ("sud", &[Sensitivity::Ethud, Sensitivity::Opioidud, Sensitivity::Sud], Law::SudRecords),
    ("mental_health", &[Sensitivity::Bh, Sensitivity::Mh, Sensitivity::Psy], Law::State),
    ("hiv", &[Sensitivity::Hiv], Law::State),
    ("reproductive", &[Sensitivity::Sex, Sensitivity::Std], Law::State),
    ("violence", &[Sensitivity::Sdv, Sensitivity::Vio], Law::State),
    ("genetic", &[Sensitivity::Gdis], Law::State),
    ("restricted", &[Sensitivity::Prs], Law::Restriction),
    ("employee", &[Sensitivity::Emp], Law::Policy),
    ("vip", &[Sensitivity::Cel], Law::Policy),
    ("billing", &[], Law::General),
    ("clinical", &[], Law::General),
    ("configuration", &[], Law::General),
    ("credential", &[], Law::General),
    ("demographics", &[], Law::General),
    ("directory", &[], Law::General),
    ("identity", &[], Law::General),
    ("imaging", &[], Law::General),
    ("insurance", &[], Law::General),
    ("interfaces", &[], Law::General),
    ("laboratory", &[], Law::General),
    ("medication", &[], Law::General),
    ("schedule", &[], Law::General),
    ("to-be-sorted", &[], Law::General),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_that_is_built_in_is_one_and_its_own() {
        let categories = Categories::default();
        assert_eq!(categories.names().count(), BUILT_IN.len());
        assert_eq!(categories.law(&"hiv".parse().unwrap()), Law::State);
        assert_eq!(categories.law(&"of-nobody".parse().unwrap()), Law::General);
    }

    #[test]
    fn several_categories_are_protected_by_what_each_has() {
        let categories = Categories::default();
        let of = |names: &[&str]| {
            let names: Vec<Category> = names.iter().map(|name| name.parse().unwrap()).collect();
            categories.protection(&names)
        };
        let both = of(&["sud", "hiv", "clinical", "vip"]);
        assert_eq!(
            &*both.sensitivity,
            [Sensitivity::Cel, Sensitivity::Ethud, Sensitivity::Hiv, Sensitivity::Opioidud, Sensitivity::Sud]
        );
        assert_eq!(&*both.laws, [Law::State, Law::SudRecords]);
        assert!(both.has_notice() && !of(&["hiv"]).has_notice());
        assert_eq!(of(&["sud"]).and(&of(&["hiv", "vip"])), both);
        assert_eq!(of(&["clinical"]), Protection::default());
    }
}
