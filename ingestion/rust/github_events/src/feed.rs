//! Requests to GitHub's public events (CONTRACT.md, section 3).

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};
use reqwest::{Client, redirect};

use crate::answer::{Answer, ErrorKind};
use crate::settings::Settings;

pub const PAGES: [u8; 3] = [1, 2, 3];
pub const PAGE_SIZE: usize = 100;
const TIMEOUT: Duration = Duration::from_secs(15);

/// The pages of one GitHub API.
pub struct Feed {
    client: Client,
    url: String,
}

impl Feed {
    /// Prepares requests; nothing is sent yet.
    pub fn new(settings: &Settings) -> Self {
        rustls::crypto::ring::default_provider().install_default().expect("the only place that sets one");
        let client = Client::builder()
            .user_agent("github-events-poller (rust)")
            .default_headers(headers(settings.token.as_deref()))
            .connect_timeout(TIMEOUT)
            .read_timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            .expect("TLS works here");
        Self { client, url: format!("{}/events?per_page={PAGE_SIZE}&page=", settings.api_url) }
    }

    /// Asks for one page; errors of the network come back as answers.
    pub async fn get(&self, page: u8, etag: Option<&str>) -> Answer {
        let mut request = self.client.get(format!("{}{page}", self.url));
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        match exchange(request).await {
            Ok(answer) => answer,
            Err(error) if error.is_timeout() => Answer::failed(ErrorKind::Timeout),
            Err(_) => Answer::failed(ErrorKind::Network),
        }
    }
}

fn headers(token: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
    headers.insert(HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28"));
    if let Some(token) = token {
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).expect("settings take visible ASCII only");
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    headers
}

async fn exchange(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let mut response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
    Ok(Answer::new(status, headers, &response.bytes().await?))
}
