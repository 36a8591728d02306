//! Requests: sent, and sent again where that is safe.

use std::time::{Duration, Instant};

use cqrs_core::random::Random;
use cqrs_core::secrets::hide;
use cqrs_core::store_error::StoreError;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::answer::{Answer, Refusal};
use crate::call::{Call, Request};
use crate::path::Fields;

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The first pause before a message is sent again. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause, also where the server asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Where messages are sent, and how.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) headers: HeaderMap,
    pub(crate) fields: Fields,
    pub(crate) within: Duration,
}

/// What came of a message.
pub(crate) enum Outcome {
    /// A status of success.
    Accepted(Answer),
    /// Any other status.
    Refused(Refusal),
    /// No answer.
    NotReached(StoreError),
}

/// Why there was no answer.
enum Failure {
    /// The request cannot be made. It would never succeed.
    Invalid(String),
    /// The server was not reached.
    NotSent(String),
    /// The server may have handled the message.
    Lost(String),
}

impl Service {
    /// The URL, without what is secret in it.
    pub(crate) fn name(&self) -> String {
        hide(&self.url, &self.url)
    }

    /// Sends a message until there is an answer, or the time is up.
    pub(crate) async fn send(&self, call: &Call, deadline: Option<Instant>) -> Outcome {
        let start = Instant::now();
        let within = deadline.map_or(self.within, |deadline| deadline.saturating_duration_since(start));
        let (mut pause, mut may_be_done) = (FIRST_PAUSE, false);
        let (mut request, mut is_by_name) = (call.own.as_ref().unwrap_or(&call.by_name), call.own.is_none());
        loop {
            let left = within.saturating_sub(start.elapsed());
            let answer = self.send_once(call, request, left, within).await;
            if matches!(&answer, Ok(Err(refusal)) if refusal.does_not_know_the_path()) && !is_by_name {
                (request, is_by_name) = (&call.by_name, true);
                continue;
            }
            let asked = match &answer {
                Ok(Ok(_)) | Err(Failure::Invalid(_)) => None,
                Ok(Err(refusal)) => {
                    may_be_done |= refusal.outcome_is_unknown();
                    refusal.is_temporary().then_some(refusal.retry_after)
                }
                Err(Failure::NotSent(_)) => Some(None),
                Err(Failure::Lost(_)) => {
                    may_be_done = true;
                    Some(None)
                }
            };
            let wait = asked.map(|asked| half_by_chance(asked.unwrap_or(pause).min(LONGEST_PAUSE)));
            match wait {
                Some(wait) if start.elapsed() + wait < within => tokio::time::sleep(wait).await,
                _ => return self.outcome(call, answer, may_be_done),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// What the last attempt came to.
    fn outcome(&self, call: &Call, answer: Result<Result<Answer, Refusal>, Failure>, may_be_done: bool) -> Outcome {
        let is_command = !call.key.is_empty();
        match answer {
            Ok(Ok(answer)) => Outcome::Accepted(answer),
            // An earlier attempt may have taken effect, which this answer does not know of.
            Ok(Err(refusal)) if is_command && may_be_done && refusal.is_temporary() => {
                Outcome::NotReached(self.unknown(refusal.message))
            }
            Ok(Err(refusal)) => Outcome::Refused(refusal),
            Err(Failure::Lost(reason) | Failure::NotSent(reason)) if is_command && may_be_done => {
                Outcome::NotReached(self.unknown(reason))
            }
            Err(Failure::Lost(reason) | Failure::NotSent(reason)) => {
                Outcome::NotReached(StoreError::Unavailable { store: self.name(), reason })
            }
            Err(Failure::Invalid(reason)) => Outcome::NotReached(StoreError::Failed { store: self.name(), reason }),
        }
    }

    /// The error of a command that may have taken effect.
    pub(crate) fn unknown(&self, reason: String) -> StoreError {
        StoreError::Unknown { store: self.name(), reason }
    }

    async fn send_once(
        &self,
        call: &Call,
        Request { method, path, body }: &Request,
        left: Duration,
        within: Duration,
    ) -> Result<Result<Answer, Refusal>, Failure> {
        if !is_http(&self.url) {
            return Err(Failure::Invalid("the service's URL is not one of HTTP; write `http://host:port/path`".into()));
        }
        let request = self.http.request(method.clone(), format!("{}{path}", self.url));
        let seconds = u64::from(left.subsec_nanos() > 0) + left.as_secs();
        let wait = HeaderValue::from_str(&format!("wait={seconds}")).ok();
        let request = request.headers(self.headers.clone()).headers(call.headers.clone());
        // Before the server's own answer to what takes too long.
        let request = request.headers(wait.map(|wait| (PREFER, wait)).into_iter().collect());
        let request = request.timeout(left + within + Duration::from_secs(1)).body(body.clone());
        let response = request.send().await.map_err(|error| self.failure(error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await.map_err(|error| self.failure(error))?;
        Ok(if status.is_success() {
            Ok(Answer::new(&headers, body))
        } else {
            Err(Refusal::new(status, &headers, &body))
        })
    }

    fn failure(&self, error: reqwest::Error) -> Failure {
        let (is_invalid, is_not_sent) = (error.is_builder(), error.is_connect());
        let error = error.without_url();
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        let text = hide(&text, &self.url);
        if is_invalid {
            Failure::Invalid(text)
        } else if is_not_sent {
            Failure::NotSent(text)
        } else {
            Failure::Lost(text)
        }
    }
}

/// Whether a URL names a host to which HTTP is spoken.
fn is_http(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| url.has_host() && ["http", "https"].contains(&url.scheme()))
}

/// A pause, so that those that were refused together do not come back together.
fn half_by_chance(pause: Duration) -> Duration {
    let half = pause / 2;
    let millis = usize::try_from(half.as_millis()).unwrap_or(usize::MAX);
    half + Duration::from_millis(Random::new().below(millis + 1) as u64)
}
