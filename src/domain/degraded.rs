//! What goes on although something of ours is not as it should be: the degraded modes, and how bad each is.

use super::closed_list;

closed_list! {
    /// A degraded mode that people at work are shown, the worst first.
    Degraded {
        /// No entry of the journal can be written. Reads of a treatment go on if the settings announce that gap; nothing else does.
        NoEvent = "no-event",
        /// It is not known here what other nodes have changed: nothing is decided under any session.
        OutOfTouch = "out-of-touch",
        /// The person's provider does not answer: nobody signs in or steps up there, and sessions go on beyond their end.
        ProviderDown = "provider-down",
        /// Something that is known of people or patients is too old to be relied on, or was never read.
        FeedStale = "feed-stale",
        /// The rules that stand in the files could not be taken: those from before are in force.
        RulesOld = "rules-old",
    }
}

closed_list! {
    /// The color of the sign that is shown, which its words never depend on.
    SignColor {
        /// Work goes on, with less.
        Amber = "amber",
        /// What is done may not be recorded.
        Red = "red",
    }
}

impl Degraded {
    /// The color of its sign.
    pub const fn color(self) -> SignColor {
        match self {
            Self::NoEvent => SignColor::Red,
            Self::OutOfTouch | Self::ProviderDown | Self::FeedStale | Self::RulesOld => SignColor::Amber,
        }
    }
}
