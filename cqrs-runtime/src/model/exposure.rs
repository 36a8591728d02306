//! How a message is reached from outside, and by whom.

use std::collections::BTreeSet;
use std::fmt;

/// What a message says about the transports that it comes in by: `#[cqrs(http = "..", requires = "..")]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exposure {
    /// Its own method and path over HTTP: `POST /orders/{order}/ship`.
    pub http: Option<&'static str>,
    /// Of a query: over HTTP, an answer `None` is 404.
    pub not_found_if_null: bool,
    /// Who may send it.
    pub access: Access,
}

impl Exposure {
    /// Reached by its name, by everybody unless another message of the app requires a permission.
    pub const NONE: Self = Self { http: None, not_found_if_null: false, access: Access::Undeclared };

    /// Sets the method and path.
    #[must_use]
    pub const fn http(self, route: &'static str) -> Self {
        Self { http: Some(route), ..self }
    }

    /// Answers `None` with 404.
    #[must_use]
    pub const fn not_found_if_null(self) -> Self {
        Self { not_found_if_null: true, ..self }
    }

    /// Everybody may send it.
    #[must_use]
    pub const fn public(self) -> Self {
        Self { access: Access::Public, ..self }
    }

    /// Requires a permission.
    #[must_use]
    pub const fn requires(self, permission: &'static str) -> Self {
        Self { access: Access::Requires(permission), ..self }
    }
}

/// Who may send a message that comes from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It does not say. Refused by transports if another message of the app requires a permission.
    Undeclared,
    /// Everybody: `#[cqrs(public)]`.
    Public,
    /// Who has this permission: `#[cqrs(requires = "orders:write")]`.
    Requires(&'static str),
}

impl Access {
    /// Whether a caller may send the message.
    ///
    /// # Errors
    /// See [`Denied`].
    pub fn check(self, principal: Option<&Principal>) -> Result<(), Denied> {
        match (self, principal) {
            (Self::Undeclared | Self::Public, _) => Ok(()),
            (Self::Requires(permission), None) => Err(Denied::Unauthenticated { permission }),
            (Self::Requires(permission), Some(principal)) if principal.may(permission) => Ok(()),
            (Self::Requires(permission), Some(_)) => Err(Denied::Forbidden { permission }),
        }
    }
}

/// Prints as the overview of an app shows it. Empty if nothing is declared.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undeclared => Ok(()),
            Self::Public => f.write_str("public"),
            Self::Requires(permission) => write!(f, "requires `{permission}`"),
        }
    }
}

/// Why a caller may not send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nobody is logged in.
    #[error("it requires the permission `{permission}`, and nobody is logged in; log in first")]
    Unauthenticated {
        /// The permission.
        permission: &'static str,
    },
    /// The caller does not have the permission.
    #[error("it requires the permission `{permission}`, which the caller does not have")]
    Forbidden {
        /// The permission.
        permission: &'static str,
    },
}

/// Who sends a message, as the authentication of the user's own found out. Transports check permissions with it, and take actor
/// and tenant from it.
///
/// ```
/// use cqrs_runtime::access::Principal;
///
/// let ann = Principal::new("ann").tenant("acme").permission("orders:read").permission("orders:write");
/// assert!(ann.may("orders:write") && !ann.may("orders:delete"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Principal {
    /// Who it is: the [actor](crate::Meta::actor) of the message.
    pub actor: String,
    /// On whose behalf: the [tenant](crate::Meta::tenant) of the message.
    pub tenant: Option<String>,
    /// What the caller may do.
    pub permissions: BTreeSet<String>,
}

impl Principal {
    /// A caller without permissions.
    pub fn new(actor: impl Into<String>) -> Self {
        Self { actor: actor.into(), tenant: None, permissions: BTreeSet::new() }
    }

    /// Sets the tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Adds a permission.
    #[must_use]
    pub fn permission(mut self, permission: impl Into<String>) -> Self {
        self.permissions.insert(permission.into());
        self
    }

    /// Adds permissions.
    #[must_use]
    pub fn permissions<P: Into<String>>(mut self, permissions: impl IntoIterator<Item = P>) -> Self {
        self.permissions.extend(permissions.into_iter().map(Into::into));
        self
    }

    /// Whether the caller has a permission, by its whole name.
    #[must_use]
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
    }
}
