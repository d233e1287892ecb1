//! What people do, and what they must see.

use anyhow::Context;

use crate::{
    browser::{Browser, Driver},
    example::Example,
    home::Home,
};

/// Somebody who opens an example.
#[derive(Clone, Copy, Debug)]
pub enum Visit {
    /// Has a certificate, and may do everything.
    Admin,
    /// Has a certificate, and may not do everything.
    User,
    /// Has no certificate.
    Anonymous,
    /// Has a certificate of an authority that only calls itself ours.
    Impostor,
    /// Has a certificate of an authority that the server does not know.
    Stranger,
    /// Has no certificate, imports one with the browser's knowledge, and loads the page again.
    Newcomer,
    /// Has no certificate, imports one behind the browser's back, and starts the browser again.
    Returner,
}

/// What a visit takes place on.
#[derive(Debug)]
pub struct Stage<'a> {
    /// Who visits.
    pub home: &'a Home<'a>,
    /// With what.
    pub driver: &'a Driver<'a>,
    /// Whom.
    pub example: &'a Example,
    /// What its pictures are called, to begin with.
    pub mark: &'a str,
}

impl Visit {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Admin,
        Self::User,
        Self::Anonymous,
        Self::Impostor,
        Self::Stranger,
        Self::Newcomer,
        Self::Returner,
    ];

    /// What the visit shows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "alice is welcomed",
            Self::User => "bob is no administrator",
            Self::Anonymous => "nobody is told what to do",
            Self::Impostor => "mallory is told why",
            Self::Stranger => "a stranger is told why",
            Self::Newcomer => "who imports a certificate is let in without a restart",
            Self::Returner => "who imports a certificate is let in after a restart",
        }
    }

    /// Goes there.
    ///
    /// # Errors
    ///
    /// If something else is seen than must be.
    pub async fn go(self, stage: &Stage<'_>) -> anyhow::Result<()> {
        match self {
            Self::Admin => stage.admin().await,
            Self::User => stage.user().await,
            Self::Anonymous => stage.anonymous().await,
            Self::Impostor => stage.impostor().await,
            Self::Stranger => stage.stranger().await,
            Self::Newcomer => stage.newcomer().await,
            Self::Returner => stage.returner().await,
        }
    }
}

/// What somebody without a certificate reads.
const NO_CERTIFICATE: &str = "You did not send a certificate";

impl Stage<'_> {
    async fn admin(&self) -> anyhow::Result<()> {
        self.home.import("alice")?;
        self.browse(async |browser| {
            let page = browser.open("/").await?;
            browser.keep(&self.picture("authorized")).await?;
            page.shows(
                200,
                "Authorized",
                &[
                    "Welcome, alice",
                    "Common name (CN) alice",
                    "E-mail (emailAddress) alice@example.com",
                    "Organization (O) Example Ltd",
                    "Unit (OU) Security",
                    "Locality (L) Potsdam",
                    "State (ST) Brandenburg",
                    "Country (C) DE",
                    "Roles admin user",
                    "CN=Portcullis Development CA",
                ],
            )?;
            browser.open("/admin/").await?.shows(200, "Administration", &["alice is one"])
        })
        .await
    }

    async fn user(&self) -> anyhow::Result<()> {
        self.home.import("bob")?;
        self.browse(async |browser| {
            browser.open("/").await?.shows(200, "Authorized", &["Welcome, bob", "Roles user"])?;
            browser.open("/reports/1").await?.shows(200, "Report 1", &["bob"])?;
            browser.open("/admin/").await?.shows(403, "Refused", &["You may not do this"])
        })
        .await
    }

    async fn anonymous(&self) -> anyhow::Result<()> {
        self.browse(async |browser| {
            let page = browser.open("/").await?;
            browser.keep(&self.picture("unauthorized")).await?;
            page.shows(200, "Unauthorized", &[NO_CERTIFICATE, "Import your certificate"])?;
            let page = browser.open("/admin/").await?;
            browser.keep(&self.picture("refused")).await?;
            page.shows(403, "Refused", &["Unauthorized: a client certificate is required"])
        })
        .await
    }

    async fn impostor(&self) -> anyhow::Result<()> {
        self.home.import("mallory")?;
        self.browse(async |browser| {
            let page = browser.open("/").await?;
            browser.keep(&self.picture("untrusted")).await?;
            let reason = ["Your certificate was not trusted", "its signature does not fit the issuer's key"];
            page.shows(200, "Unauthorized", &[&reason[..], &["The certificate is for CN=mallory"]].concat())?;
            browser.open("/admin/").await?.shows(
                403,
                "Refused",
                &["your certificate was not trusted", reason[1]],
            )
        })
        .await
    }

    async fn stranger(&self) -> anyhow::Result<()> {
        self.home.import("stranger")?;
        self.browse(async |browser| {
            let reason = ["Your certificate was not trusted", "unknown issuer", "CN=Other CA"];
            browser.open("/").await?.shows(200, "Unauthorized", &reason)
        })
        .await
    }

    async fn newcomer(&self) -> anyhow::Result<()> {
        self.browse(async |browser| {
            browser.open("/").await?.shows(200, "Unauthorized", &[NO_CERTIFICATE])?;
            self.home.import("alice")?;
            // The dialog for importing wants a file from a person. Whatever else is changed by the browser's own
            // manager makes it look for certificates again as well.
            self.home.import("bob")?;
            browser.delete_certificate("bob").await?;
            // The part of Chromium that speaks with servers hears of it a moment later.
            browser.reload_until("Authorized").await?.shows(200, "Authorized", &["Welcome, alice"])?;
            browser.open("/admin/").await?.shows(200, "Administration", &["alice is one"])
        })
        .await
    }

    async fn returner(&self) -> anyhow::Result<()> {
        self.browse(async |browser| browser.open("/").await?.shows(200, "Unauthorized", &[NO_CERTIFICATE]))
            .await?;
        self.home.import("alice")?;
        self.browse(async |browser| {
            browser.open("/").await?.shows(200, "Authorized", &["Welcome, alice"])?;
            browser.open("/admin/").await?.shows(200, "Administration", &["alice is one"])
        })
        .await
    }

    /// Starts a browser with the profile of this home, and ends it.
    async fn browse(&self, visit: impl AsyncFnOnce(&Browser) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let browser = self.driver.browser(self.example.origin()).await?;
        let outcome = visit(&browser).await;
        if let Err(error) = &outcome {
            browser.keep(&self.picture("failed")).await.with_context(|| format!("{error:#}"))?;
        }
        browser.close().await?;
        outcome
    }

    fn picture(&self, what: &str) -> String {
        format!("{}-{what}", self.mark)
    }
}
