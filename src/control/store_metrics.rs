//! Metrics of the store: what waits for it, and what of it waits to be acted on.

use prometheus_client::encoding::DescriptorEncoder;

use super::metrics::{Encoded, gauge};
use crate::platform::store::Standing;

pub(super) fn encode(standing: Standing, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    let Standing { waiting, behind, is_writable } = standing;
    gauge(encoder, "store_writable", "Whether the store took the last write", u64::from(is_writable))?;
    gauge(encoder, "store_waiting", "Writes that wait for the store", waiting as u64)?;
    gauge(
        encoder,
        "store_behind",
        "Changes of other nodes that have come and are not yet acted on",
        behind as u64,
    )
}
