//! Metrics of the store: whether this node is in touch with the others, and what waits.

use prometheus_client::encoding::DescriptorEncoder;

use super::metrics::{Encoded, gauge};
use crate::platform::store::Standing;

pub(super) fn encode(standing: Standing, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    let Standing { is_in_touch, waiting, behind } = standing;
    gauge(
        encoder,
        "store_in_touch",
        "Whether it is known what other nodes have changed; without others always so",
        u64::from(is_in_touch),
    )?;
    gauge(encoder, "store_waiting", "Writes that wait for the store", waiting as u64)?;
    gauge(
        encoder,
        "store_behind",
        "Changes of other nodes that have come and are not yet acted on",
        behind as u64,
    )
}
