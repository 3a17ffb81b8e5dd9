//! What a subject wants to do: a closed list.

use super::closed_list;

closed_list! {
    /// What a subject wants to do.
    Action {
        /// Opens one patient's record, or a page without patients.
        View = "view",
        /// Looks for patients or records.
        Search = "search",
        /// Lists records on screen.
        List = "list",
        /// Adds something.
        Create = "create",
        /// Changes something.
        Update = "update",
        /// Removes something.
        Delete = "delete",
        /// Takes records away as a file or a machine-readable reply.
        Export = "export",
        /// Prints.
        Print = "print",
        /// Takes a patient's whole record, 45 CFR 164.514(d)(5).
        WholeRecord = "whole_record",
        /// Sends records to somebody outside.
        Disclose = "disclose",
        /// Administers the application.
        Admin = "admin",
        /// Asks a question in a query language of the application's own.
        Query = "query",
        /// Takes the application's configuration or its whole database.
        ConfigExport = "config_export",
        /// Starts a job that will produce a file.
        StartJob = "start_job",
        /// Asks how a job is doing.
        PollJob = "poll_job",
        /// Takes what a job has produced.
        FetchResult = "fetch_result",
    }
}

impl Action {
    /// Whether this shows or takes something of the record of the patient whom the request names.
    pub const fn opens_record(self) -> bool {
        match self {
            Self::View
            | Self::Search
            | Self::List
            | Self::Query
            | Self::Update
            | Self::Print
            | Self::WholeRecord
            | Self::Export
            | Self::Disclose
            | Self::FetchResult => true,
            Self::Create
            | Self::Delete
            | Self::Admin
            | Self::ConfigExport
            | Self::StartJob
            | Self::PollJob => false,
        }
    }

    /// How telling it is: of several, an event names the one that tells the most.
    pub const fn weight(self) -> u8 {
        match self {
            Self::View | Self::PollJob => 0,
            Self::Search => 1,
            Self::List => 2,
            Self::Create => 3,
            Self::Update => 4,
            Self::Delete => 5,
            Self::Query | Self::StartJob => 6,
            Self::Admin => 7,
            Self::Print | Self::FetchResult => 8,
            Self::Export => 9,
            Self::WholeRecord | Self::Disclose => 10,
            Self::ConfigExport => 11,
        }
    }

    /// Whether it is only looking: what may be taken for it must be nothing else.
    pub const fn is_looking(self) -> bool {
        match self {
            Self::View | Self::Search | Self::List | Self::PollJob => true,
            Self::Create
            | Self::Update
            | Self::Delete
            | Self::Export
            | Self::Print
            | Self::WholeRecord
            | Self::Disclose
            | Self::Admin
            | Self::Query
            | Self::ConfigExport
            | Self::StartJob
            | Self::FetchResult => false,
        }
    }

    /// Whether it adds or changes something, and shows, takes or removes nothing beside.
    pub const fn is_writing(self) -> bool {
        match self {
            Self::Create | Self::Update => true,
            Self::Delete
            | Self::View
            | Self::Search
            | Self::List
            | Self::PollJob
            | Self::Export
            | Self::Print
            | Self::WholeRecord
            | Self::Disclose
            | Self::Admin
            | Self::Query
            | Self::ConfigExport
            | Self::StartJob
            | Self::FetchResult => false,
        }
    }

    /// Whether what comes back leaves the application to be kept: an unknown number of records is
    /// then too many.
    pub const fn takes_away(self) -> bool {
        match self {
            Self::Export
            | Self::Print
            | Self::WholeRecord
            | Self::Disclose
            | Self::ConfigExport
            | Self::FetchResult => true,
            Self::View
            | Self::Search
            | Self::List
            | Self::Create
            | Self::Update
            | Self::Delete
            | Self::Admin
            | Self::Query
            | Self::StartJob
            | Self::PollJob => false,
        }
    }
}
