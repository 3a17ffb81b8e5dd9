//! Somebody on the tour: a person with a browser of their own.

use std::sync::Arc;

use http::StatusCode;

use super::{Places, Tour, Trouble};
use crate::demo::browser::{Browser, BrowserError, Reply, form_fields};
use crate::demo::people::{Person, totp_step};
use crate::foundation::clock::Clock;

/// A person with a browser of their own.
pub(super) struct Visitor {
    pub(super) browser: Browser,
    pub(super) places: Places,
    person: &'static Person,
    clock: Arc<dyn Clock>,
}

impl Tour<'_> {
    /// `person` with a browser that knows nothing yet.
    pub(super) fn visitor(&self, person: &'static Person) -> Result<Visitor, BrowserError> {
        let browser = Browser::new(self.directory, Arc::clone(&self.entropy))?;
        Ok(Visitor { browser, places: self.places.clone(), person, clock: Arc::clone(&self.clock) })
    }
}

impl Visitor {
    /// Opens a page, is sent to the provider, gives the password and comes back signed in.
    pub(super) async fn sign_in(&mut self, url: &str) -> Result<Reply, Trouble> {
        let page = self.browser.open(url).await?;
        if page.url.origin().ascii_serialization() != self.places.provider {
            return Err(unexpected("the provider's sign-in page", &page));
        }
        let (username, password) = (self.person.username, self.person.password);
        let back = self
            .answer_provider(&page, "/sign-in", &[("username", username), ("password", password)])
            .await?;
        let expected = format!("Signed in as {}", self.person.name);
        if back.status == StatusCode::OK && back.text().contains(&expected) {
            Ok(back)
        } else {
            Err(unexpected(&format!("a page that says `{expected}`"), &back))
        }
    }

    /// Opens what needs a second factor, proves it and gets what was asked for.
    pub(super) async fn step_up(&mut self, url: &str) -> Result<Reply, Trouble> {
        let mut page = self.browser.open(url).await?;
        if page.url.origin().ascii_serialization() != self.places.provider {
            // Not sent there at once: a page in between offers the way.
            page = self.take_the_way_to(&page, "/.leastway/step-up").await?;
        }
        if form_fields(&page.text(), "/second-factor").is_none() {
            return Err(unexpected("the provider's page for a second factor", &page));
        }
        // One code ahead is accepted too; it is what is shown next if this one was used already.
        let step = totp_step(self.clock.now());
        let code = self.person.totp(step);
        let back = self.answer_provider(&page, "/second-factor", &[("code", &code)]).await?;
        if back.status != StatusCode::UNPROCESSABLE_ENTITY {
            return Ok(back);
        }
        self.answer_provider(&page, "/second-factor", &[("code", &self.person.totp(step + 1))]).await
    }

    /// Opens what needs a reason, gives one and gets what was asked for.
    pub(super) async fn justify(&mut self, url: &str, words: &str) -> Result<Reply, Trouble> {
        const FORM: &str = "/.leastway/justify";
        let mut page = self.browser.open(url).await?;
        if form_fields(&page.text(), FORM).is_none() {
            page = self.take_the_way_to(&page, FORM).await?;
        }
        let Some(mut fields) = form_fields(&page.text(), FORM) else {
            return Err(unexpected("a page that asks for a reason", &page));
        };
        fields.insert("text".to_owned(), words.to_owned());
        let address = address(&page, FORM)?;
        let pairs: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Ok(self.browser.submit(&address, &pairs).await?)
    }

    async fn take_the_way_to(&mut self, page: &Reply, path: &str) -> Result<Reply, Trouble> {
        let text = page.text();
        if let Some(fields) = form_fields(&text, path) {
            let pairs: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            return Ok(self.browser.submit(&address(page, path)?, &pairs).await?);
        }
        let link = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let Some(link) = link
            .map(|link| link.replace("&amp;", "&").replace("&#38;", "&"))
            .find(|link| link.starts_with(path))
        else {
            return Err(unexpected(&format!("a page that leads to `{path}`"), page));
        };
        Ok(self.browser.open(&address(page, &link)?).await?)
    }

    async fn answer_provider(
        &mut self,
        page: &Reply,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Result<Reply, Trouble> {
        let Some(hidden) = form_fields(&page.text(), action) else {
            return Err(unexpected("a form of the provider", page));
        };
        let ticket = hidden.get("ticket").map(String::as_str).unwrap_or_default();
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("ticket", ticket)]).collect();
        Ok(self.browser.submit(&format!("{}{action}", self.places.provider), &fields).await?)
    }
}

fn address(page: &Reply, link: &str) -> Result<String, Trouble> {
    let joined = page.url.join(link).map_err(|_| BrowserError::Address(link.to_owned()))?;
    Ok(joined.to_string())
}

/// What should have come, and what came.
pub(super) fn unexpected(expected: &str, reply: &Reply) -> Trouble {
    let reason = reply.header("x-leastway-reason");
    let reason = if reason.is_empty() { String::new() } else { format!(" {reason}") };
    Trouble::Unexpected(format!("expected {expected}; came {}{reason} from {}", reply.status, reply.url))
}
