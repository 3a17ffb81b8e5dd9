//! Codes of DICOM, HL7 and IHE, and those of ours where they have none.

use std::borrow::Cow;

use crate::domain::category::Sensitivity;

/// A code in a code system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Code {
    /// The system's URI.
    pub system: &'static str,
    /// The code.
    pub value: Cow<'static, str>,
    /// What it means.
    pub display: Cow<'static, str>,
}

impl Code {
    const fn new(system: &'static str, code: &'static str, display: &'static str) -> Self {
        Self { system, value: Cow::Borrowed(code), display: Cow::Borrowed(display) }
    }

    /// A code of ours, which means what it says.
    pub(in super::super) const fn own(system: &'static str, value: Cow<'static, str>) -> Self {
        Self { system, display: Cow::Borrowed(""), value }
    }
}

/// The DICOM Controlled Terminology (PS3.16).
pub(in super::super) const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
/// Purposes of use (HL7 v3 `ActReason`).
pub(in super::super) const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
/// Kinds of sensitive data (HL7 v3 `ActCode`).
pub(in super::super) const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
/// Kinds of events, by our words.
pub(in super::super) const OWN_EVENT: &str = "urn:leastway:event";
/// Kinds of data, by the operator's words.
pub(in super::super) const OWN_CATEGORY: &str = "urn:leastway:category";

const AUDIT_EVENT: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const INTERACTION: &str = "http://hl7.org/fhir/restful-interaction";
const AUTHORIZATION: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType";
const BALP_ENTITY: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
const LIFECYCLE: &str = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const PROVENANCE: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
const ROLE_CLASS: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleClass";
const SECURITY_ROLE: &str = "http://terminology.hl7.org/CodeSystem/extra-security-role-type";
const ENTITY: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";

// What an event is.
pub(super) const APPLICATION_ACTIVITY: Code = Code::new(DCM, "110100", "Application Activity");
pub(super) const AUDIT_LOG_USED: Code = Code::new(DCM, "110101", "Audit Log Used");
pub(super) const EXPORT: Code = Code::new(DCM, "110106", "Export");
pub(super) const SECURITY_ALERT: Code = Code::new(DCM, "110113", "Security Alert");
pub(super) const USER_AUTHENTICATION: Code = Code::new(DCM, "110114", "User Authentication");
pub(super) const REST: Code = Code::new(AUDIT_EVENT, "rest", "Restful Operation");

// What it is more closely.
pub(super) const APPLICATION_START: Code = Code::new(DCM, "110120", "Application Start");
pub(super) const APPLICATION_STOP: Code = Code::new(DCM, "110121", "Application Stop");
pub(super) const LOGIN: Code = Code::new(DCM, "110122", "Login");
pub(super) const LOGOUT: Code = Code::new(DCM, "110123", "Logout");
pub(super) const OVERRIDE_STARTED: Code = Code::new(DCM, "110127", "Emergency Override Started");
pub(super) const OVERRIDE_STOPPED: Code = Code::new(DCM, "110138", "Emergency Override Stopped");
pub(super) const SECURITY_CONFIGURATION: Code = Code::new(DCM, "110129", "Security Configuration");
pub(super) const RECORDING_STOPPED: Code = Code::new(DCM, "110133", "Audit Recording Stopped");
pub(super) const RECORDING_STARTED: Code = Code::new(DCM, "110134", "Audit Recording Started");
pub(super) const SECURITY_ROLES_CHANGED: Code = Code::new(DCM, "110136", "Security Roles Changed");
pub(super) const USER_SECURITY_CHANGED: Code = Code::new(DCM, "110137", "User Security Attributes Changed");
pub(super) const AUTHORIZATION_BY_ROLE: Code =
    Code::new(AUTHORIZATION, "AuthZ-Role", "Authorization Decision using only Roles");
pub(super) const DISCLOSE: Code = Code::new(LIFECYCLE, "disclose", "Disclose");
pub(super) const READ: Code = Code::new(INTERACTION, "read", "read");
pub(super) const SEARCH: Code = Code::new(INTERACTION, "search", "search");
pub(super) const CREATE: Code = Code::new(INTERACTION, "create", "create");
pub(super) const UPDATE: Code = Code::new(INTERACTION, "update", "update");
pub(super) const DELETE: Code = Code::new(INTERACTION, "delete", "delete");
pub(super) const OPERATION: Code = Code::new(INTERACTION, "operation", "operation");

// Who takes part as what.
pub(super) const APPLICATION: Code = Code::new(DCM, "110150", "Application");
pub(super) const DESTINATION: Code = Code::new(DCM, "110152", "Destination Role ID");
pub(super) const SOURCE: Code = Code::new(DCM, "110153", "Source Role ID");
pub(super) const CUSTODIAN: Code = Code::new(PROVENANCE, "custodian", "Custodian");
pub(super) const AUTHORIZER: Code = Code::new(SECURITY_ROLE, "authserver", "authorization server");
pub(super) const RECIPIENT: Code = Code::new(PARTICIPATION, "IRCP", "information recipient");
pub(super) const ORGANIZATION: Code = Code::new(ROLE_CLASS, "PROV", "healthcare provider");
pub(super) const AUTHOR: Code = Code::new(PARTICIPATION, "AUT", "author (originator)");

// What it is about.
pub(super) const TRANSACTION: Code = Code::new(BALP_ENTITY, "XrequestId", "X-Request-Id");
pub(super) const PERSON: Code = Code::new(ENTITY, "1", "Person");
pub(super) const SYSTEM_OBJECT: Code = Code::new(ENTITY, "2", "System Object");
pub(super) const OTHER: Code = Code::new(ENTITY, "4", "Other");

/// How sensitive something is, by the words of HL7.
pub(super) const fn sensitivity(sensitivity: Sensitivity) -> Code {
    let display = match sensitivity {
        Sensitivity::Bh => "behavioral health information sensitivity",
        Sensitivity::Cel => "celebrity information sensitivity",
        Sensitivity::Cogn => "cognitive disability information sensitivity",
        Sensitivity::Dvd => "developmental disability information sensitivity",
        Sensitivity::Emotdis => "emotional disturbance information sensitivity",
        Sensitivity::Emp => "employee information sensitivity",
        Sensitivity::Ethud => "alcohol use disorder information sensitivity",
        Sensitivity::Eth => "substance abuse information sensitivity",
        Sensitivity::Gdis => "genetic disease information sensitivity",
        Sensitivity::Hiv => "HIV/AIDS information sensitivity",
        Sensitivity::Mh => "mental health information sensitivity",
        Sensitivity::Mst => "military sexual trauma information sensitivity",
        Sensitivity::Opioidud => "opioid use disorder information sensitivity",
        Sensitivity::Pds => "patient default information sensitivity",
        Sensitivity::Prs => "patient requested information sensitivity",
        Sensitivity::Psy => "psychiatry disorder information sensitivity",
        Sensitivity::Psythpn => "psychotherapy note information sensitivity",
        Sensitivity::Sca => "sickle cell anemia information sensitivity",
        Sensitivity::Sdv => "sexual assault, abuse, or domestic violence information sensitivity",
        Sensitivity::Sex => "sexuality and reproductive health information sensitivity",
        Sensitivity::Spi => "specially protected information sensitivity",
        Sensitivity::Std => "sexually transmitted disease information sensitivity",
        Sensitivity::Sud => "substance use disorder information sensitivity",
        Sensitivity::Taboo => "taboo information sensitivity",
        Sensitivity::Vio => "violence information sensitivity",
    };
    Code::new(ACT_CODE, sensitivity.as_str(), display)
}
