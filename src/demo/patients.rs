//! A thousand patients who do not exist, the same thousand on every machine.

use crate::foundation::entropy::{Entropy, SeededEntropy, random};

/// A patient.
#[derive(Clone, Debug)]
pub(super) struct Patient {
    /// The medical record number, six digits.
    pub(super) mrn: String,
    /// Family name first, with a comma, as front desks write it.
    pub(super) name: String,
    /// ISO 8601.
    pub(super) birth_date: String,
    /// `female` or `male`, as FHIR has it.
    pub(super) gender: &'static str,
    /// Where they lie or last lay.
    pub(super) ward: &'static str,
    /// From the range kept for fiction.
    pub(super) phone: String,
    /// Some have two lines, so that lines and records are not the same.
    pub(super) address: String,
    /// What they are treated for.
    pub(super) diagnosis: &'static str,
    /// When they come today, if they do: `HH:MM`.
    pub(super) appointment: Option<String>,
    /// Pulse, systolic pressure, temperature in tenths of a degree.
    pub(super) measured: [u16; 3],
}

/// How many there are.
pub(super) const PATIENTS: usize = 1_000;

pub(super) const WARDS: [&str; 8] =
    ["Cardiology", "East", "Maternity", "North", "Oncology", "Pediatrics", "Surgery", "West"];

const FAMILY: [&str; 40] = [
    "Abara",
    "Andersson",
    "Baptiste",
    "Becker",
    "Castillo",
    "Chen",
    "Costa",
    "Dhillon",
    "Duarte",
    "Eriksen",
    "Fischer",
    "Fofana",
    "Garcia",
    "Greene",
    "Haddad",
    "Hughes",
    "Ito",
    "Jensen",
    "Kaplan",
    "Kowalski",
    "Lambert",
    "Lopez",
    "Mbeki",
    "Moreau",
    "Murphy",
    "Nguyen",
    "Novak",
    "O'Brien",
    "Okoye",
    "Park",
    "Patel",
    "Quinn",
    "Reyes",
    "Rossi",
    "Sato",
    "Silva",
    "Tanaka",
    "Tran",
    "Walker",
    "Yilmaz",
];
const FEMALE: [&str; 16] = [
    "Ada", "Beatriz", "Chiara", "Dalia", "Elena", "Fatou", "Grace", "Hana", "Ingrid", "Joy", "Keiko",
    "Lucía", "Mei", "Nadia", "Olga", "Priya",
];
const MALE: [&str; 16] = [
    "Adam", "Bruno", "Carlos", "Dmitri", "Emeka", "Felix", "Goran", "Hugo", "Ivan", "José", "Kofi", "Liam",
    "Marek", "Niels", "Omar", "Pavel",
];
const STREETS: [&str; 10] = [
    "Alder Street",
    "Birch Lane",
    "Cedar Avenue",
    "Harbor Road",
    "Hill Street",
    "Lake Drive",
    "Mill Road",
    "Orchard Way",
    "Park Avenue",
    "Station Road",
];
const DIAGNOSES: [&str; 12] = [
    "Asthma",
    "Atrial fibrillation",
    "Community-acquired pneumonia",
    "Fracture of the radius",
    "Gestational diabetes",
    "Heart failure",
    "Hypertension",
    "Iron deficiency anemia",
    "Migraine",
    "Osteoarthritis of the knee",
    "Type 2 diabetes",
    "Urinary tract infection",
];

/// All of them, by record number.
pub(super) fn all() -> Vec<Patient> {
    let chance = Chance(SeededEntropy::new(164_514));
    (0..PATIENTS).map(|position| patient(position, &chance)).collect()
}

fn patient(position: usize, chance: &Chance) -> Patient {
    let (gender, given) =
        if chance.below(2) == 0 { ("female", chance.of(&FEMALE)) } else { ("male", chance.of(&MALE)) };
    let (year, month, day) = (1930 + chance.below(95), 1 + chance.below(12), 1 + chance.below(28));
    let street = format!("{} {}", 1 + chance.below(180), chance.of(&STREETS));
    let apartment = chance.below(40);
    let address = if apartment < 8 { format!("{street}\nApartment {}", apartment + 1) } else { street };
    let appointment =
        (chance.below(10) == 0).then(|| format!("{:02}:{:02}", 8 + chance.below(9), 15 * chance.below(4)));
    Patient {
        mrn: format!("{}", 100_001 + position * 7),
        name: format!("{}, {given}", chance.of(&FAMILY)),
        birth_date: format!("{year}-{month:02}-{day:02}"),
        gender,
        ward: chance.of(&WARDS),
        phone: format!("555-01{:02}", chance.below(100)),
        address,
        diagnosis: chance.of(&DIAGNOSES),
        appointment,
        measured: [55 + chance.below(50), 100 + chance.below(60), 361 + chance.below(25)],
    }
}

/// Chance that comes out the same every time.
struct Chance(SeededEntropy);

impl Chance {
    fn below(&self, bound: u16) -> u16 {
        let entropy: &dyn Entropy = &self.0;
        let number = u32::from_be_bytes(random(entropy)) % u32::from(bound.max(1));
        u16::try_from(number).unwrap_or(0)
    }

    fn of(&self, list: &[&'static str]) -> &'static str {
        let bound = u16::try_from(list.len()).unwrap_or(u16::MAX);
        list.get(usize::from(self.below(bound))).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thousand_come_every_time() {
        let (once, again) = (all(), all());
        assert_eq!(once.len(), PATIENTS);
        assert!(once.iter().zip(&again).all(|(a, b)| a.name == b.name && a.address == b.address));
    }

    #[test]
    fn no_two_share_a_record_number_and_no_ward_is_beyond_an_export() {
        let patients = all();
        let numbers: std::collections::BTreeSet<_> = patients.iter().map(|patient| &patient.mrn).collect();
        assert_eq!(numbers.len(), PATIENTS);
        for ward in WARDS {
            let there = patients.iter().filter(|patient| patient.ward == ward).count();
            assert!((50..500).contains(&there), "{there} in {ward}");
        }
    }
}
