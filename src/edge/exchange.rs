//! One request and its answer, from the head of the one to the last byte of the other.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Error as BodyError;
use axum::body::{Body, Bytes};
use axum::http::{Extensions, Request, Version};
use http_body::{Body as _, Frame, SizeHint};

use super::admission::Admission;
use super::origin::Origin;
use super::watch::Watch;
use crate::error::Error;
use crate::permits::{Allowance, Permit};

const UNREAD: &str = "unreadAnswersPerOrganization";

/// One request and its answer. It holds the permits of its caller until the answer has been read, and the connection's watch
/// counts it for as long. Everything that wraps or serves the request finds it among its extensions.
#[derive(Debug)]
pub struct Exchange {
    admission: Arc<Admission>,
    watch: Arc<Watch>,
    number: u64,
    origin: Origin,
    of_origin: OnceLock<Permit>,
    of_organization: OnceLock<Admitted>,
    unread: OnceLock<Permit>,
}

/// What an authenticated caller has been given.
#[derive(Debug)]
struct Admitted {
    _of_organization: Permit,
    _of_all: Permit,
    /// The bytes that the organization may have unread.
    unread: Allowance,
}

impl Exchange {
    /// The next request of a connection from `peer`.
    pub(super) fn begin<B>(
        admission: &Arc<Admission>,
        watch: &Arc<Watch>,
        peer: IpAddr,
        request: &Request<B>,
    ) -> Arc<Self> {
        Arc::new(Self {
            admission: Arc::clone(admission),
            watch: Arc::clone(watch),
            number: watch.begun(request.version() == Version::HTTP_2),
            origin: Origin::of(peer, request.headers(), &admission.trusted),
            of_origin: OnceLock::new(),
            of_organization: OnceLock::new(),
            unread: OnceLock::new(),
        })
    }

    /// The exchange of a request.
    ///
    /// # Errors
    /// 500 where it did not come through the server.
    pub fn of(extensions: &Extensions) -> Result<&Arc<Self>, Error> {
        let exchange = extensions.get();
        exchange.ok_or_else(|| Error::internal("a request came past the server"))
    }

    /// Takes the permit of the address that the request comes from.
    ///
    /// # Errors
    /// 429 `requestsPerAddress`.
    pub(super) fn admit_origin(&self) -> Result<(), Error> {
        let permit = self.admission.by_origin.of(&self.origin).take(1);
        hold(&self.of_origin, permit, "requestsPerAddress")
    }

    /// Where the request comes from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Takes the permit of an authenticated caller's organization, and one of those for all.
    ///
    /// # Errors
    /// 429 `requestsPerOrganization` to whose own requests are too many, and `unreadAnswersPerOrganization` to whom a further
    /// answer could not be given; 503 when the requests of all are too many.
    pub fn admit(&self, organization: &str) -> Result<(), Error> {
        let Admission {
            by_organization,
            unread,
            all,
            ..
        } = &*self.admission;
        let unread = unread.of(organization);
        // Before any work is done for it.
        if unread.is_used_up() {
            return Err(too_many(UNREAD));
        }
        let of_organization = by_organization.of(organization).take(1);
        let busy = || super::unavailable("too many requests at once");
        let _ = self.of_organization.set(Admitted {
            _of_organization: of_organization.ok_or_else(|| too_many("requestsPerOrganization"))?,
            _of_all: all.take(1).ok_or_else(busy)?,
            unread,
        });
        Ok(())
    }

    /// Takes the permit for an answer of so many bytes, where the caller is known: what others get is small, or the same
    /// for all.
    ///
    /// # Errors
    /// 429 `unreadAnswersPerOrganization`.
    pub(super) fn admit_answer(&self, bytes: usize) -> Result<(), Error> {
        match self.of_organization.get() {
            Some(admitted) => hold(&self.unread, admitted.unread.take(bytes), UNREAD),
            None => Ok(()),
        }
    }

    /// The answer, which has begun to wait for its reader.
    pub(super) fn answered(self: Arc<Self>, body: Body) -> Answer {
        self.watch.answered(self.number);
        Answer {
            // An answer without a body is read with its head.
            exchange: (!body.is_end_stream()).then_some(self),
            body,
        }
    }
}

fn hold(
    place: &OnceLock<Permit>,
    permit: Option<Permit>,
    budget: &'static str,
) -> Result<(), Error> {
    let permit = permit.ok_or_else(|| too_many(budget))?;
    let _ = place.set(permit);
    Ok(())
}

fn too_many(budget: &'static str) -> Error {
    Error::over_budget(budget, "too many requests at once", Duration::from_secs(1))
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.watch.ended(self.number);
    }
}

/// The body of an answer. Its exchange ends when the last byte of it has left the buffers of the connection, which is
/// when what `hyper` and `h2` hold of it is dropped.
#[derive(Debug)]
pub struct Answer {
    body: Body,
    exchange: Option<Arc<Exchange>>,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let Some(exchange) = &self.exchange else {
            return polled;
        };
        polled.map_ok(|frame| {
            frame.map_data(|bytes| {
                Bytes::from_owner(Held {
                    bytes,
                    _exchange: Arc::clone(exchange),
                })
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes of an answer, for as long as somebody has them.
struct Held {
    bytes: Bytes,
    _exchange: Arc<Exchange>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
