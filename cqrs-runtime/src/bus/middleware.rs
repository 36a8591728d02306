//! Middleware: [`tower::Layer`](tower_layer::Layer)s around both buses.
//!
//! A layer sees a message's name and [`Meta`]. It may change the [`Meta`], refuse, wait, count, or time out; it cannot
//! change the message. Without layers a bus calls the handler directly, and nothing in this module runs.
//!
//! ```
//! use cqrs_runtime::middleware::{BoxError, CommandRequest, CommandService};
//! use std::task::{Context, Poll};
//!
//! /// Refuses requests without an actor.
//! #[derive(Clone)]
//! struct Named<S>(S);
//!
//! impl<S> tower_service::Service<CommandRequest> for Named<S>
//! where
//!     S: tower_service::Service<CommandRequest, Error = BoxError>,
//!     S::Future: Send + 'static,
//! {
//!     type Response = S::Response;
//!     type Error = BoxError;
//!     type Future = std::pin::Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;
//!
//!     fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
//!         self.0.poll_ready(cx)
//!     }
//!
//!     fn call(&mut self, request: CommandRequest) -> Self::Future {
//!         if request.meta.actor.is_none() {
//!             return Box::pin(async { Err("who is asking?".into()) });
//!         }
//!         Box::pin(self.0.call(request))
//!     }
//! }
//! # struct Layer;
//! # impl<S> tower_layer::Layer<S> for Layer { type Service = Named<S>; fn layer(&self, services: S) -> Named<S> { Named(services) } }
//! # let builder = cqrs_runtime::App::builder().command_layer(Layer);
//! ```

use std::any::Any;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use cqrs_core::debug::opaque_debug;
use cqrs_core::meta::Meta;
use cqrs_core::store_error::BoxFuture;

/// The error of a layer.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The service inside a command layer.
pub type CommandService = BusService<CommandRequest, CommandResponse>;

/// The service inside a query layer.
pub type QueryService = BusService<QueryRequest, QueryResponse>;

type Run<R> = Box<dyn FnOnce(Meta) -> BoxFuture<'static, R> + Send>;

macro_rules! request_and_response {
    ($message:literal, $request:ident, $response:ident) => {
        #[doc = concat!("A ", $message, " on its way to its handler.")]
        pub struct $request {
            /// The message's name.
            pub name: &'static str,
            /// The request's metadata. The handler gets it as the layers leave it.
            pub meta: Meta,
            run: Run<$response>,
        }

        opaque_debug!($request { name, meta });

        impl $request {
            pub(super) fn new(
                name: &'static str,
                meta: Meta,
                run: impl FnOnce(Meta) -> BoxFuture<'static, $response> + Send + 'static,
            ) -> Self {
                Self { name, meta, run: Box::new(run) }
            }
        }

        impl Request for $request {
            type Response = $response;
            fn run(self) -> BoxFuture<'static, $response> {
                (self.run)(self.meta)
            }
        }

        #[doc = concat!("The outcome of a ", $message, ".")]
        pub struct $response {
            outcome: Result<(), &'static str>,
            typed: Box<dyn Any + Send>,
        }

        opaque_debug!($response { outcome });

        impl $response {
            /// `Ok`, or the kind of the error in one word.
            ///
            /// # Errors
            /// The kind.
            pub fn outcome(&self) -> Result<(), &'static str> {
                self.outcome
            }

            pub(super) fn new<T: Send + 'static>(outcome: Result<(), &'static str>, answer: T) -> Self {
                Self { outcome, typed: Box::new(answer) }
            }

            pub(super) fn into_typed<T: 'static>(self) -> T {
                *self.typed.downcast().expect("a layer returns the response to its request")
            }
        }
    };
}
request_and_response!("command", CommandRequest, CommandResponse);
request_and_response!("query", QueryRequest, QueryResponse);

/// A request that can run itself.
pub trait Request: Send + 'static {
    /// Its outcome.
    type Response: Send + 'static;
    /// Runs the handler.
    fn run(self) -> BoxFuture<'static, Self::Response>;
}

/// A bus as a [`Service`]: the handlers, with any layers around them.
pub struct BusService<Q, R>(Box<dyn CloneCall<Q, R>>);

opaque_debug!([Q, R] BusService<Q, R>);

impl<Q: Request<Response = R>, R: Send + 'static> BusService<Q, R> {
    /// The handlers, without a layer.
    pub(crate) fn innermost() -> Self {
        Self(Box::new(Innermost))
    }

    /// Wraps this in another layer.
    pub(crate) fn layered<L>(self, layer: &L) -> Self
    where
        L: Layer<Self>,
        L::Service: Service<Q, Response = R, Error: Into<BoxError>, Future: Send> + Clone + Send + Sync + 'static,
    {
        Self(Box::new(Layered(layer.layer(self))))
    }

    pub(crate) fn run(&self, request: Q) -> BoxFuture<'static, Result<R, BoxError>> {
        self.0.call(request)
    }
}

impl<Q, R> Clone for BusService<Q, R> {
    fn clone(&self) -> Self {
        Self(self.0.clone_box())
    }
}

impl<Q: Request<Response = R>, R: Send + 'static> Service<Q> for BusService<Q, R> {
    type Response = R;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<R, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Each call uses its own clone.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        self.run(request)
    }
}

trait CloneCall<Q, R>: Send + Sync {
    fn clone_box(&self) -> Box<dyn CloneCall<Q, R>>;
    fn call(&self, request: Q) -> BoxFuture<'static, Result<R, BoxError>>;
}

struct Innermost;

impl<Q: Request<Response = R>, R: Send + 'static> CloneCall<Q, R> for Innermost {
    fn clone_box(&self) -> Box<dyn CloneCall<Q, R>> {
        Box::new(Self)
    }

    fn call(&self, request: Q) -> BoxFuture<'static, Result<R, BoxError>> {
        Box::pin(async move { Ok(request.run().await) })
    }
}

struct Layered<S>(S);

impl<Q, R, S> CloneCall<Q, R> for Layered<S>
where
    Q: Request<Response = R>,
    R: Send + 'static,
    S: Service<Q, Response = R, Error: Into<BoxError>, Future: Send> + Clone + Send + Sync + 'static,
{
    fn clone_box(&self) -> Box<dyn CloneCall<Q, R>> {
        Box::new(Self(self.0.clone()))
    }

    fn call(&self, request: Q) -> BoxFuture<'static, Result<R, BoxError>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            std::future::poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
            service.call(request).await.map_err(Into::into)
        })
    }
}
