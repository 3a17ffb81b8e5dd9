//! Whom a reply was about: the distinct patients whom its records name, as events keep them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::patient::PatientDigest;
use crate::foundation::digest::{Digest, Digester};

/// So many patients of one reply an event keeps one by one.
pub const LISTED_MAX: usize = 500;

/// The patients whom a reply listed, where its route says that records name them by the numbers of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listed {
    /// Each of them, at most [`LISTED_MAX`].
    Each(Patients),
    /// More than that: one digest (SHA-256) over the digests of all, in rising order. Whoever has the list from elsewhere, such as
    /// the file that went out, and the journal's key makes the same digest of it: then these were the patients, all of them and
    /// nobody else. It names nobody by itself; of one patient alone it shows neither that they were among them nor that they were not.
    Together(Digest),
}

/// Keyed digests of distinct patients, in rising order: one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patients {
    /// One alone, as with most replies.
    One(PatientDigest),
    /// Two or more.
    Several(Vec<PatientDigest>),
}

impl Listed {
    /// What an event keeps of these patients, who may come in any order.
    pub fn of(patients: Patients) -> Self {
        match patients {
            Patients::One(_) => Self::Each(patients),
            Patients::Several(mut several) => {
                several.sort_unstable();
                if several.len() <= LISTED_MAX {
                    return Self::Each(Patients::Several(several));
                }
                let mut all = Digester::default();
                for patient in &several {
                    all.update(patient.digest().as_bytes());
                }
                Self::Together(all.finish())
            }
        }
    }

    /// The patients whom it names; none where they are kept together.
    pub fn each(&self) -> &[PatientDigest] {
        match self {
            Self::Each(patients) => patients.as_slice(),
            Self::Together(_) => &[],
        }
    }

    /// Whether this patient is one of them; none where it does not tell.
    pub fn holds(&self, patient: &PatientDigest) -> Option<bool> {
        match self {
            Self::Each(patients) => Some(patients.as_slice().contains(patient)),
            Self::Together(_) => None,
        }
    }
}

impl Patients {
    /// All of them.
    pub fn as_slice(&self) -> &[PatientDigest] {
        match self {
            Self::One(patient) => std::slice::from_ref(patient),
            Self::Several(several) => several,
        }
    }

    /// These and another one.
    pub fn put(patients: &mut Option<Self>, another: PatientDigest) {
        match patients {
            None => *patients = Some(Self::One(another)),
            Some(Self::One(first)) => *patients = Some(Self::Several(vec![*first, another])),
            Some(Self::Several(several)) => several.push(another),
        }
    }
}

impl Serialize for Patients {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.as_slice())
    }
}

impl<'de> Deserialize<'de> for Patients {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let several = Vec::deserialize(deserializer)?;
        Ok(match several.as_slice() {
            [one] => Self::One(*one),
            _ => Self::Several(several),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::patient::PatientNames;
    use crate::foundation::digest::DigestKey;

    fn patients(numbers: impl Iterator<Item = usize>) -> Option<Patients> {
        let names = PatientNames::of("ehr".parse().unwrap(), DigestKey::from_bytes(&[7; 32]).into());
        let mut patients = None;
        numbers.for_each(|number| Patients::put(&mut patients, names.digest(number.to_string().as_bytes())));
        patients
    }

    #[test]
    fn up_to_five_hundred_patients_are_kept_each_in_order_and_read_back() {
        assert_eq!(patients(0..0), None);
        for number in [1, 2, LISTED_MAX] {
            let listed = Listed::of(patients(0..number).unwrap());
            assert_eq!(listed.each().len(), number);
            assert!(listed.each().is_sorted());
            let json = serde_json::to_string(&listed).unwrap();
            assert!(json.starts_with(r#"{"each":[""#), "{json}");
            assert_eq!(serde_json::from_str::<Listed>(&json).unwrap(), listed);
        }
    }

    #[test]
    fn beyond_that_one_digest_tells_these_from_any_others_whatever_their_order() {
        let listed = |numbers: Box<dyn Iterator<Item = usize>>| Listed::of(patients(numbers).unwrap());
        let all = LISTED_MAX + 1;
        let together = listed(Box::new(0..all));
        assert!(matches!(together, Listed::Together(_)) && together.each().is_empty());
        assert_eq!(together, listed(Box::new((0..all).rev())));
        assert_ne!(together, listed(Box::new(1..=all)), "one is another");
        assert_ne!(together, listed(Box::new(0..=all)), "one more");
        let [first] = *patients(0..1).unwrap().as_slice() else { unreachable!() };
        assert_eq!(together.holds(&first), None);
        assert_eq!(listed(Box::new(0..2)).holds(&first), Some(true));
        assert_eq!(listed(Box::new(1..3)).holds(&first), Some(false));
    }
}
