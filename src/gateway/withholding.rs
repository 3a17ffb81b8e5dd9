//! What is withheld of a reply that may pass: the fields that the rules name, of the route and of all that its body holds; and
//! beyond a limit that asks for it, those that tell whom its records are about, or all records but the first.

use std::sync::Arc;

use super::passage::Passage;
use super::refusal::Refusal;
use crate::domain::decision::Grounds;
use crate::domain::field::Field;
use crate::domain::limit::OnExceed;
use crate::features::guard::redact::{Fault, Plan, Plans};

impl Passage<'_> {
    /// What is taken out of the reply; nothing where the rules withhold nothing. A batch is answered in one reply, so that
    /// what is withheld of the answer to one of its entries is withheld of the whole.
    pub(super) fn plans(&self, grounds: &Grounds) -> Result<Plans, Refusal> {
        let obligations = &grounds.obligations;
        let is_withheld = |field: &Field| obligations.withheld.contains(&field.name);
        let always = self.plan(is_withheld);
        // What cannot be taken out is known before anything is done.
        if always.as_ref().is_some_and(|plan| !self.can_carry_out(plan)) {
            return Err(Refusal::Unredactable(Fault::Undeclared, self.action()));
        }
        let limits = &obligations.limits;
        let asks = [limits.on_exceed, limits.on_unknown_count].contains(&OnExceed::Redact);
        let identifies = asks && self.fields().any(|field| field.identifies);
        let beyond = identifies.then(|| self.plan(|field| field.identifies || is_withheld(field))).flatten();
        let beyond = beyond.filter(|plan| self.can_carry_out(plan));
        let cuts = limits.on_exceed == OnExceed::Truncate;
        let cut = cuts.then(|| self.cut(is_withheld)).flatten().filter(|plan| self.can_carry_out(plan));
        Ok(Plans { always: always.map(Arc::new), beyond: beyond.map(Arc::new), cut: cut.map(Arc::new) })
    }

    /// Only the first records of the reply, without these fields, where the route declares that it may be cut.
    fn cut(&self, takes: impl Fn(&Field) -> bool) -> Option<Plan> {
        let route = self.part.route.as_ref().filter(|route| route.truncate)?;
        Plan::cut(route.reply.as_ref()?, self.fields().filter(|field| takes(field)))
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.parts().filter_map(|part| part.route.as_ref()).flat_map(|route| route.fields.iter())
    }

    fn plan(&self, takes: impl Fn(&Field) -> bool) -> Option<Plan> {
        let shape = self.part.route.as_ref().and_then(|route| route.reply.as_ref());
        Plan::new(shape.map(|shape| &shape.kind), self.fields().filter(|field| takes(field)))
    }

    /// A socket's frames are no reply.
    const fn can_carry_out(&self, plan: &Plan) -> bool {
        self.normalized.head.upgrade.is_none() && plan.can_be_carried_out()
    }
}
