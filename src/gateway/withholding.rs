//! What is withheld of a reply that may pass: the fields that the rules name, of the route and of all that its body holds.

use std::sync::Arc;

use super::passage::Passage;
use super::refusal::Refusal;
use crate::domain::decision::Grounds;
use crate::domain::field::Field;
use crate::features::guard::redact::{Fault, Plan};

impl Passage<'_> {
    /// What is taken out of the reply; nothing where the rules withhold nothing. A batch is answered in one reply, so that
    /// what is withheld of the answer to one of its entries is withheld of the whole.
    pub(super) fn plan(&self, grounds: &Grounds) -> Result<Option<Arc<Plan>>, Refusal> {
        let withheld = &grounds.obligations.withheld;
        if withheld.is_empty() {
            return Ok(None);
        }
        let declared =
            self.parts().filter_map(|part| part.route.as_ref()).flat_map(|route| route.fields.iter());
        let fields = declared.filter(|field: &&Field| withheld.contains(&field.name));
        let shape = self.part.route.as_ref().and_then(|route| route.reply.as_ref());
        let plan = Plan::new(shape.map(|shape| &shape.kind), fields);
        // What cannot be taken out is known before anything is done; and a socket's frames are no reply.
        let is_socket = self.normalized.head.upgrade.is_some();
        if plan.as_ref().is_some_and(|plan| is_socket || !plan.can_be_carried_out()) {
            return Err(Refusal::Unredactable(Fault::Undeclared, self.action()));
        }
        Ok(plan.map(Arc::new))
    }
}
