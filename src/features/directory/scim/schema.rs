//! The one list of the attributes that are kept. What is published, what is read, what a PATCH changes and how a
//! filter compares are all made from it, so they cannot disagree.
//!
//! It is the part of RFC 7643 that names an account, its groups and what rules may ask for. Addresses, telephone
//! numbers, photographs and passwords are not kept: a provider may send them, and they are passed over.

/// A schema of RFC 7643.
#[derive(Debug)]
pub(super) struct Schema {
    /// Its URN.
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) attributes: &'static [Attribute],
}

/// An attribute, or a part of one.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) is_multiple: bool,
    pub(super) is_required: bool,
    /// Whether `A` and `a` are two values.
    pub(super) is_case_exact: bool,
    pub(super) mutability: Mutability,
    pub(super) uniqueness: Uniqueness,
    pub(super) canonical: &'static [&'static str],
    pub(super) description: &'static str,
}

/// What an attribute holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Boolean,
    /// The address of a resource of this type.
    Reference(&'static str),
    Complex(&'static [Attribute]),
}

/// Who changes an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutability {
    ReadWrite,
    ReadOnly,
    Immutable,
}

/// Among whom a value is one resource's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Uniqueness {
    /// Several may have it.
    None,
    /// One of the directory's.
    Server,
}

/// A type of resource: its schema, and what may be added to it.
#[derive(Debug)]
pub(in super::super) struct ResourceType {
    pub(super) name: &'static str,
    pub(super) endpoint: &'static str,
    pub(super) description: &'static str,
    pub(super) schema: &'static Schema,
    pub(super) extensions: &'static [&'static Schema],
}

impl Schema {
    /// The attribute of that name, in any case (RFC 7643 2.1).
    pub(super) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.attributes, name)
    }
}

impl Attribute {
    /// The part of that name.
    pub(super) fn part(&self, name: &str) -> Option<&'static Self> {
        match self.kind {
            Kind::Complex(parts) => find(parts, name),
            Kind::Text | Kind::Boolean | Kind::Reference(_) => None,
        }
    }

    const fn multiple(mut self) -> Self {
        self.is_multiple = true;
        self
    }

    const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    const fn unique(mut self) -> Self {
        self.uniqueness = Uniqueness::Server;
        self
    }

    const fn case_exact(mut self) -> Self {
        self.is_case_exact = true;
        self
    }

    const fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    const fn immutable(mut self) -> Self {
        self.mutability = Mutability::Immutable;
        self
    }

    const fn one_of(mut self, canonical: &'static [&'static str]) -> Self {
        self.canonical = canonical;
        self
    }
}

impl ResourceType {
    /// The attribute of that name, of the schema itself or common to all.
    pub(super) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.schema.attribute(name).or_else(|| find(COMMON, name))
    }

    /// The extension with that URN, in any case.
    pub(super) fn extension(&self, urn: &str) -> Option<&'static Schema> {
        self.extensions.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn)).copied()
    }
}

fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

const fn attribute(name: &'static str, kind: Kind, description: &'static str) -> Attribute {
    Attribute {
        name,
        kind,
        is_multiple: false,
        is_required: false,
        is_case_exact: false,
        mutability: Mutability::ReadWrite,
        uniqueness: Uniqueness::None,
        canonical: &[],
        description,
    }
}

const fn text(name: &'static str, description: &'static str) -> Attribute {
    attribute(name, Kind::Text, description)
}

/// What every resource has (RFC 7643 3.1), as far as it is sent to us.
static COMMON: &[Attribute] = &[
    text("id", "What we call it.").case_exact().read_only(),
    text("externalId", "What the provider calls it.").case_exact(),
];

pub(super) static USER: ResourceType = ResourceType {
    name: "User",
    endpoint: "/Users",
    description: "A person's account",
    schema: &Schema {
        id: "urn:ietf:params:scim:schemas:core:2.0:User",
        name: "User",
        description: "A person's account",
        attributes: &[
            text("userName", "The name that the person signs in under; the same in any case.")
                .required()
                .unique(),
            attribute("name", Kind::Complex(NAME), "The parts of the person's name."),
            text("displayName", "What to call the person."),
            text("title", "What they are, such as a head nurse."),
            text("userType", "How they belong to the house, such as an employee or a contractor."),
            attribute("active", Kind::Boolean, "Whether the person may sign in. They may unless it says no."),
            attribute("emails", Kind::Complex(EMAIL), "The person's e-mail addresses.").multiple(),
            attribute("groups", Kind::Complex(GROUP_OF_USER), "The groups that the person is in.")
                .multiple()
                .read_only(),
        ],
    },
    extensions: &[&ENTERPRISE],
};

static NAME: &[Attribute] = &[
    text("formatted", "The whole name."),
    text("familyName", "The family name."),
    text("givenName", "The given name."),
];

static EMAIL: &[Attribute] = &[
    text("value", "The address."),
    text("type", "Whose it is.").one_of(&["work", "home", "other"]),
    attribute("primary", Kind::Boolean, "Whether it is the one to be used; at most one is."),
];

static GROUP_OF_USER: &[Attribute] = &[
    text("value", "What we call the group.").case_exact().read_only(),
    attribute("$ref", Kind::Reference("Group"), "Where the group is.").case_exact().read_only(),
    text("display", "The group's name.").read_only(),
];

/// Under which name a user has what a house knows of those who work there.
pub(in crate::features::directory) const ENTERPRISE_USER: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

static ENTERPRISE: Schema = Schema {
    id: ENTERPRISE_USER,
    name: "EnterpriseUser",
    description: "What a house knows of those who work there",
    attributes: &[
        text("employeeNumber", "The number by which the house knows the person."),
        text("costCenter", "The cost center."),
        text("organization", "The organization."),
        text("division", "The division."),
        text("department", "The department."),
    ],
};

pub(super) static GROUP: ResourceType = ResourceType {
    name: "Group",
    endpoint: "/Groups",
    description: "A group of people",
    schema: &Schema {
        id: "urn:ietf:params:scim:schemas:core:2.0:Group",
        name: "Group",
        description: "A group of people",
        attributes: &[
            text("displayName", "The group's name.").required(),
            attribute("members", Kind::Complex(MEMBER), "Who is in it.").multiple(),
        ],
    },
    extensions: &[],
};

/// The attribute whose values are kept apart from all others.
pub(super) const MEMBERS: &str = "members";

static MEMBER: &[Attribute] = &[
    text("value", "What we call the user.").case_exact().immutable(),
    attribute("$ref", Kind::Reference("User"), "Where the user is.").case_exact().immutable(),
    text("type", "What it is: a user.").one_of(&["User"]).immutable(),
];

pub(super) static SCHEMAS: [&Schema; 3] = [USER.schema, GROUP.schema, &ENTERPRISE];
pub(super) static RESOURCE_TYPES: [&ResourceType; 2] = [&USER, &GROUP];
