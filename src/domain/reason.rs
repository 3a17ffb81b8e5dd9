//! Why a request went as it did: a closed, frozen list, shared by events, replies, metrics and pages.

use super::closed_list;

closed_list! {
    /// Why.
    Reason {
        // permitted
        /// A rule permits it.
        RuleMatched = "rule-matched",
        /// The route is public.
        PublicRoute = "public-route",
        /// One of our own paths.
        OwnPath = "own-path",
        /// No route matched, and the application is being observed.
        UnmatchedObserved = "unmatched-observed",
        // not yet
        /// Nobody is signed in.
        SignInRequired = "sign-in-required",
        /// The session was idle for too long or has reached its absolute end.
        SessionExpired = "session-expired",
        /// The session waits for its person to come back.
        SessionLocked = "session-locked",
        /// The session was ended.
        SessionRevoked = "session-revoked",
        /// The request does not show what the session is bound to: it comes from elsewhere.
        SessionElsewhere = "session-elsewhere",
        /// A stronger authentication is needed.
        AcrInsufficient = "acr-insufficient",
        /// A fresher authentication is needed.
        AuthTooOld = "auth-too-old",
        /// A reason has to be given first.
        JustificationRequired = "justification-required",
        /// The person has to say first for which of their purposes they work.
        PurposeRequired = "purpose-required",
        /// The person has to say first that it is an emergency: they have nothing to do with the patient.
        BreakGlassRequired = "break-glass-required",
        /// The person has to prove who they are: they were not proven at this browser before.
        DeviceNew = "device-new",
        /// The person has to prove who they are: they were not proven in this network before.
        NetworkNew = "network-new",
        /// The person has to prove who they are: they do not use to work at this hour.
        HourUnusual = "hour-unusual",
        /// The person has to prove who they are: they were denied often in a short while.
        AfterDenials = "after-denials",
        /// The person has to prove who they are: somebody says that they are at risk.
        RiskTold = "risk-told",
        /// The person has to prove who they are: something was found in what is done under their name.
        AfterDetection = "after-detection",
        // no program of ours
        /// An access token does not hold, or is no one's that may come here.
        TokenInvalid = "token-invalid",
        /// An access token holds, but the program that it was given to is not declared.
        ClientUnknown = "client-unknown",
        /// A program came outside its routes, networks or hours, or after its end.
        ClientOutOfBounds = "client-out-of-bounds",
        // denied by policy
        /// No rule permits it.
        NoRuleMatched = "no-rule-matched",
        /// A rule forbids it.
        DeniedByRule = "denied-by-rule",
        /// A rule needs an attribute that nobody has told us.
        AttributeUnavailable = "attribute-unavailable",
        /// The attribute that a rule needs is too old.
        AttributeStale = "attribute-stale",
        /// The provider did not send all groups.
        GroupsIncomplete = "groups-incomplete",
        /// Outside the hours of the rule.
        OutsideShift = "outside-shift",
        /// The person works somewhere else than the rule asks for.
        LocationMismatch = "location-mismatch",
        /// The device is of another class than the rule asks for.
        DeviceMismatch = "device-mismatch",
        /// The patient is not among those that the person cares for.
        NotOnPanel = "not-on-panel",
        /// The patient is the person, or of their household.
        OwnChart = "own-chart",
        /// Psychotherapy notes are their originator's, or opened by an authorization (45 CFR 164.508(a)(2)).
        PsychotherapyNotes = "psychotherapy-notes",
        /// Notes of substance use disorder counselling are their originator's, or opened by a consent of their own (42 CFR 2.31(b)).
        SudCounselingNotes = "sud-counseling-notes",
        /// 42 CFR part 2 does not permit records of a substance use disorder programme for this purpose, or not without consent.
        SudRecords = "sud-records",
        /// The patient has asked for a restriction that keeps it from this purpose (45 CFR 164.522(a)).
        PatientRestriction = "patient-restriction",
        /// A state's law keeps this kind of data from this purpose.
        StateLaw = "state-law",
        /// An elevation would be needed.
        ElevationRequired = "elevation-required",
        /// A policy could not be evaluated.
        PolicyError = "policy-error",
        /// The purpose of the session is not one that the rule is for.
        PurposeMismatch = "purpose-mismatch",
        // not understood
        /// No route of the application matches.
        RouteNotFound = "route-not-found",
        /// No application has this host.
        HostUnknown = "host-unknown",
        /// The path can be read in two ways.
        PathRejected = "path-rejected",
        /// The request's framing, host or a header is malformed or can be read in two ways.
        RequestMalformed = "request-malformed",
        /// The method is not one that we forward.
        MethodRejected = "method-rejected",
        /// The head of the request is too large.
        HeaderTooLarge = "header-too-large",
        /// The body of the request is too large to be read where a route depends on it.
        BodyTooLarge = "body-too-large",
        /// The body of the request cannot be read where a route depends on it.
        BodyUnreadable = "body-unreadable",
        /// The request came from another site.
        CrossSite = "cross-site",
        // beyond the minimum necessary
        /// More records in one reply than the role may see.
        RecordsOverResponseLimit = "records-over-response-limit",
        /// More records in one export than the role may take.
        ExportOverRequestLimit = "export-over-request-limit",
        /// More exports, or more patients, than the role may have in a window.
        ExportOverWindowBudget = "export-over-window-budget",
        /// The records of an export cannot be counted.
        CountUnknown = "count-unknown",
        /// A field that is withheld cannot be taken out of the reply.
        RedactionImpossible = "redaction-impossible",
        /// The reply is longer than can be held until it is known whether it may pass.
        ReplyTooLong = "reply-too-long",
        /// A page size that cannot be brought within the cap.
        PageSizeRejected = "page-size-rejected",
        /// A search for everything, or nearly.
        SearchTooWide = "search-too-wide",
        /// More days, or days longer ago, than may be asked for.
        SpanTooWide = "span-too-wide",
        /// More things are named at once than may be.
        TooManyIds = "too-many-ids",
        /// A format that may not be asked for.
        FormatNotAllowed = "format-not-allowed",
        /// Columns or elements that may not be asked for.
        ColumnsNotAllowed = "columns-not-allowed",
        /// A search that joins what may not be joined.
        JoinNotAllowed = "join-not-allowed",
        /// It would be sent where nothing may be sent.
        DestinationNotAllowed = "destination-not-allowed",
        // not what was given to them
        /// What the request brings was not given to whoever asks: it is another's, too old, forgotten or made up.
        NotYours = "not-yours",
        /// The request is about the patient whose record is open, and who that is is not known.
        PatientUnknown = "patient-unknown",
        /// The reply hands out an address at which nobody guards what is there.
        LeadsElsewhere = "leads-elsewhere",
        // something is down
        /// The application does not accept the account under which we are known to it.
        UpstreamSignInFailed = "upstream-sign-in-failed",
        /// The application's servers have as many requests as they may have.
        UpstreamOverloaded = "upstream-overloaded",
        /// The journal cannot be written.
        AuditUnavailable = "audit-unavailable",
        /// The application does not answer.
        UpstreamUnreachable = "upstream-unreachable",
        /// The application answers too late, or falls silent in the middle of its answer.
        UpstreamTimeout = "upstream-timeout",
        /// The application's reply is malformed.
        UpstreamMalformed = "upstream-malformed",
        /// The application broke its reply off.
        UpstreamAborted = "upstream-aborted",
        /// The provider does not answer, or not as it should.
        ProviderUnavailable = "provider-unavailable",
        /// The provider refused, or the person did.
        SignInRefused = "sign-in-refused",
        /// What came back from the provider does not fit what was asked.
        SignInInvalid = "sign-in-invalid",
        /// The directory says that the person's account is not active, or that it is gone.
        AccountDisabled = "account-disabled",
        /// The directory does not know the person, and has to.
        AccountUnknown = "account-unknown",
        /// Whoever would change the directory does not bring its token, or comes from elsewhere.
        ProvisioningRefused = "provisioning-refused",
        /// Whoever would signal to us does not bring the token, or what they bring does not hold.
        SignalRefused = "signal-refused",
        /// The browser signs in again and again for the same page.
        SignInLoop = "sign-in-loop",
        /// A logout token that was posted to us does not hold.
        LogoutTokenInvalid = "logout-token-invalid",
        /// The provider came back below the assurance that was asked for.
        AssuranceNotProven = "assurance-not-proven",
        /// The store does not answer.
        StoreUnavailable = "store-unavailable",
        /// The person has as many sessions already as they may.
        TooManySessions = "too-many-sessions",
        /// More requests than one caller may make in a while.
        TooManyRequests = "too-many-requests",
        /// Too much at once.
        Overloaded = "overloaded",
        /// The caller was too slow, or a WebSocket lay idle or came to its end.
        RequestTimeout = "request-timeout",
        /// The caller left before the reply was complete.
        CallerLeft = "caller-left",
        /// A mistake of ours.
        InternalError = "internal-error",
    }
}
