//! Chromium without a window, told by its driver what to do.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use fantoccini::{Client, ClientBuilder, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
};

use crate::{artefact, example, home::Home, programs};

/// How often a driver is started that does not come up; on a busy machine one may not.
const ATTEMPTS: u32 = 3;

/// How long what happens by itself may take on a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// A `chromedriver`, whose browsers live in one home.
#[derive(Debug)]
pub struct Driver<'a> {
    home: &'a Home<'a>,
    port: u16,
    process: Child,
    // Closed, it would break the pipe of a driver that still has something to say.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl<'a> Driver<'a> {
    /// Starts one, on a port of its own.
    ///
    /// # Errors
    ///
    /// If it does not come up, three times.
    pub async fn start(home: &'a Home<'a>, log: &Path) -> anyhow::Result<Self> {
        let mut attempt = 1;
        loop {
            match Self::try_to_start(home, log).await {
                Err(error) if attempt < ATTEMPTS => eprintln!("attempt {attempt} to start: {error:#}"),
                outcome => return outcome,
            }
            attempt += 1;
        }
    }

    async fn try_to_start(home: &'a Home<'a>, log: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").arg(format!("--log-path={}", log.display()));
        // The one place where Chromium looks for the NSS database, unless these say otherwise.
        command.env("HOME", home.path()).env_remove("XDG_CONFIG_HOME").env_remove("XDG_DATA_HOME");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().context("`chromedriver` cannot be started")?;
        let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        let port = example::said(&mut lines, "started successfully on port ", ".").await;
        let port = port.context("`chromedriver`")?.parse()?;
        Ok(Self { home, port, process, _lines: lines })
    }

    /// A browser with the profile of this home, that chooses a certificate for this origin by itself.
    ///
    /// # Errors
    ///
    /// If Chromium does not start.
    pub async fn browser(&self, origin: &str) -> anyhow::Result<Browser> {
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(self.capabilities(origin)?);
        let client = builder.connect(&format!("http://127.0.0.1:{}", self.port)).await?;
        Ok(Browser { client, origin: origin.to_owned() })
    }

    fn capabilities(&self, origin: &str) -> anyhow::Result<Capabilities> {
        let mut arguments = vec![
            "--headless=new".to_owned(),
            format!("--user-data-dir={}", self.home.path().join("profile").display()),
            "--window-size=800,900".into(),
            "--lang=en-US".into(),
            "--no-first-run".into(),
            "--disable-extensions".into(),
            "--disable-gpu".into(),
            // The shared memory of a container is often too small.
            "--disable-dev-shm-usage".into(),
        ];
        if programs::is_root()? {
            arguments.push("--no-sandbox".into());
        }
        // Nobody is there to choose in the dialog. This is what the enterprise policy AutoSelectCertificateForUrls
        // sets, as a setting of the profile: that needs no file below `/etc`.
        let choice = json!({ format!("{origin},*"): { "setting": { "filters": [{}] } } });
        let preferences = json!({ "profile.content_settings.exceptions.auto_select_certificate": choice });
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments, "prefs": preferences },
            "timeouts": { "pageLoad": 30_000, "script": 10_000 },
        });
        Ok(serde_json::from_value(capabilities)?)
    }

    /// Ends it with all its browsers.
    pub async fn quit(mut self) {
        let asked = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            let request = format!("GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port);
            stream.write_all(request.as_bytes()).await?;
            self.process.wait().await
        };
        let outcome = tokio::time::timeout(Duration::from_secs(10), asked).await;
        if !matches!(outcome, Ok(Ok(_))) {
            eprintln!("`chromedriver` does not end by itself: {outcome:?}");
        }
    }
}

/// A running Chromium.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    origin: String,
}

impl Browser {
    /// Opens a page of the example.
    ///
    /// # Errors
    ///
    /// If it does not load.
    pub async fn open(&self, path: &str) -> anyhow::Result<Page> {
        self.client.goto(&format!("{}{path}", self.origin)).await?;
        self.page().await
    }

    async fn reload(&self) -> anyhow::Result<Page> {
        self.client.refresh().await?;
        self.page().await
    }

    async fn page(&self) -> anyhow::Result<Page> {
        let title = self.client.title().await?;
        let status = "return performance.getEntriesByType('navigation')[0].responseStatus";
        let status = self.client.execute(status, Vec::new()).await?;
        let text = self.client.execute(include_str!("text.js"), Vec::new()).await?;
        let text = text.as_str().context("no text")?.to_owned();
        Ok(Page { title, status: status.as_u64().context("no status")?, text })
    }

    /// Loads the page again until it has this title, for a while.
    ///
    /// # Errors
    ///
    /// If it does not load.
    pub async fn reload_until(&self, title: &str) -> anyhow::Result<Page> {
        let deadline = Instant::now() + SOON;
        loop {
            let page = self.reload().await?;
            if page.title == title || Instant::now() > deadline {
                return Ok(page);
            }
        }
    }

    /// Deletes a client certificate in the browser's own manager, in a tab of its own.
    ///
    /// # Errors
    ///
    /// If the manager does not show it.
    pub async fn delete_certificate(&self, name: &str) -> anyhow::Result<()> {
        let page = self.client.window().await?;
        let manager = self.client.new_window(true).await?.handle;
        self.client.switch_to_window(manager).await?;
        self.client.goto("chrome://certificate-manager/clientcerts/platformclientcerts").await?;
        for (button, title) in [("delete", name), ("ok", "")] {
            let deadline = Instant::now() + SOON;
            while !self.press(button, title).await? {
                ensure!(Instant::now() < deadline, "Chromium's certificate manager has no button `{button}`");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        self.client.close_window().await?;
        Ok(self.client.switch_to_window(page).await?)
    }

    /// Presses a button of the manager, unless it has none.
    async fn press(&self, id: &str, title: &str) -> anyhow::Result<bool> {
        let pressed = self.client.execute(include_str!("button.js"), vec![id.into(), title.into()]).await?;
        Ok(pressed == true)
    }

    /// Keeps a picture of what is seen.
    ///
    /// # Errors
    ///
    /// If it cannot be taken or written.
    pub async fn keep(&self, name: &str) -> anyhow::Result<()> {
        std::fs::write(artefact(&format!("{name}.png"))?, self.client.screenshot().await?)?;
        Ok(())
    }

    /// Ends this browser; its profile stays.
    ///
    /// # Errors
    ///
    /// If the driver does not answer.
    pub async fn close(self) -> anyhow::Result<()> {
        Ok(self.client.close().await?)
    }
}

/// What somebody sees.
#[derive(Debug)]
pub struct Page {
    title: String,
    status: u64,
    text: String,
}

impl Page {
    /// That it is this page, and says all of that.
    ///
    /// # Errors
    ///
    /// If it is another page, or a text is missing.
    pub fn shows(&self, status: u64, title: &str, texts: &[&str]) -> anyhow::Result<()> {
        ensure!((self.status, self.title.as_str()) == (status, title), "not {status} `{title}`: {self:?}");
        for text in texts {
            ensure!(self.text.contains(text), "`{text}` is not on the page: {self:?}");
        }
        Ok(())
    }
}
