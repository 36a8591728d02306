//! Stores that pass calls on to another store.

/// Implements methods of [`ViewStore`](crate::view::ViewStore) by calling those of an inner store. For a store around another one, which
/// writes only the methods that differ: `forward_view_store! { self => self.inner; describe prepare rows }`.
#[macro_export]
macro_rules! forward_view_store {
    ($self:ident => $inner:expr; $($method:ident)+) => {
        $($crate::forward_view_store! { @$method $self $inner })+
    };
    (@describe $self:ident $inner:expr) => {
        fn describe(&$self) -> String {
            $inner.describe()
        }
    };
    (@address $self:ident $inner:expr) => {
        fn address(&$self) -> *const () {
            $inner.address()
        }
    };
    (@prepare $self:ident $inner:expr) => {
        fn prepare<'a>(
            &'a $self,
            shape: &'a $crate::view::ViewShape,
        ) -> $crate::log::BoxFuture<'a, Result<(), $crate::log::StoreError>> {
            $inner.prepare(shape)
        }
    };
    (@rows $self:ident $inner:expr) => {
        fn rows<'a>(
            &'a $self,
            shape: &'a $crate::view::ViewShape,
            keys: &'a [String],
        ) -> $crate::log::BoxFuture<'a, Result<Vec<$crate::view::Row>, $crate::log::StoreError>> {
            $inner.rows(shape, keys)
        }
    };
    (@find $self:ident $inner:expr) => {
        fn find<'a>(
            &'a $self,
            shape: &'a $crate::view::ViewShape,
            query: &'a $crate::view::RowQuery,
        ) -> $crate::log::BoxFuture<'a, Result<Vec<$crate::view::Row>, $crate::log::StoreError>> {
            $inner.find(shape, query)
        }
    };
    (@count $self:ident $inner:expr) => {
        fn count<'a>(
            &'a $self,
            shape: &'a $crate::view::ViewShape,
            filter: &'a $crate::view::Filter,
        ) -> $crate::log::BoxFuture<'a, Result<u64, $crate::log::StoreError>> {
            $inner.count(shape, filter)
        }
    };
    (@exists $self:ident $inner:expr) => {
        fn exists<'a>(
            &'a $self,
            shape: &'a $crate::view::ViewShape,
            filter: &'a $crate::view::Filter,
        ) -> $crate::log::BoxFuture<'a, Result<bool, $crate::log::StoreError>> {
            $inner.exists(shape, filter)
        }
    };
    (@count_by $self:ident $inner:expr) => {
        fn count_by<'a>(
            &'a $self,
            shape: &'a $crate::view::ViewShape,
            filter: &'a $crate::view::Filter,
            index: &'static str,
            limit: Option<u32>,
        ) -> $crate::log::BoxFuture<'a, Result<Vec<($crate::view::Value, u64)>, $crate::log::StoreError>> {
            $inner.count_by(shape, filter, index, limit)
        }
    };
    (@sum $self:ident $inner:expr) => {
        fn sum<'a>(
            &'a $self,
            shape: &'a $crate::view::ViewShape,
            filter: &'a $crate::view::Filter,
            index: &'static str,
        ) -> $crate::log::BoxFuture<'a, Result<$crate::view::Value, $crate::log::StoreError>> {
            $inner.sum(shape, filter, index)
        }
    };
    (@snapshot $self:ident $inner:expr) => {
        fn snapshot(&$self) -> Option<::std::sync::Arc<dyn $crate::view::ViewStore>> {
            $inner.snapshot()
        }
    };
    (@checkpoint $self:ident $inner:expr) => {
        fn checkpoint<'a>(
            &'a $self,
            projection: &'a str,
        ) -> $crate::log::BoxFuture<'a, Result<Option<$crate::view::Checkpoint>, $crate::log::StoreError>> {
            $inner.checkpoint(projection)
        }
    };
    (@parked $self:ident $inner:expr) => {
        fn parked(
            &$self,
        ) -> $crate::log::BoxFuture<'_, Result<Vec<$crate::view::Parked>, $crate::log::StoreError>> {
            $inner.parked()
        }
    };
    (@probe $self:ident $inner:expr) => {
        fn probe(&$self) -> $crate::log::BoxFuture<'_, Result<(), $crate::log::StoreError>> {
            $inner.probe()
        }
    };
    (@begin $self:ident $inner:expr) => {
        fn begin<'a>(
            &'a $self,
            leases: &'a [$crate::view::Lease],
        ) -> $crate::log::BoxFuture<'a, Result<Box<dyn $crate::view::StandaloneTransaction>, $crate::log::StoreError>> {
            $inner.begin(leases)
        }
    };
    (@lease $self:ident $inner:expr) => {
        fn lease<'a>(
            &'a $self,
            projections: &'a [&'static str],
            owner: &'a str,
            time: ::std::time::Duration,
        ) -> $crate::log::BoxFuture<'a, Result<Vec<Option<$crate::view::Lease>>, $crate::log::StoreError>> {
            $inner.lease(projections, owner, time)
        }
    };
    (@holders $self:ident $inner:expr) => {
        fn holders<'a>(
            &'a $self,
            projections: &'a [&'static str],
        ) -> $crate::log::BoxFuture<'a, Result<Vec<Option<String>>, $crate::log::StoreError>> {
            $inner.holders(projections)
        }
    };
    (@release $self:ident $inner:expr) => {
        fn release<'a>(
            &'a $self,
            leases: &'a [$crate::view::Lease],
        ) -> $crate::log::BoxFuture<'a, Result<(), $crate::log::StoreError>> {
            $inner.release(leases)
        }
    };
    (@contents $self:ident $inner:expr) => {
        fn contents(
            &$self,
        ) -> $crate::log::BoxFuture<'_, Result<$crate::view::Contents, $crate::log::StoreError>> {
            $inner.contents()
        }
    };
    (@remove $self:ident $inner:expr) => {
        fn remove<'a>(
            &'a $self,
            removal: &'a $crate::view::Removal,
            mark: &'a str,
            unused: ::std::time::Duration,
        ) -> $crate::log::BoxFuture<'a, Result<bool, $crate::log::StoreError>> {
            $inner.remove(removal, mark, unused)
        }
    };
    (@database $self:ident $inner:expr) => {
        fn database(&$self) -> Option<$crate::log::DatabaseInfo> {
            $inner.database()
        }
    };
    (@reader $self:ident $inner:expr) => {
        fn reader(
            &$self,
        ) -> $crate::log::BoxFuture<'_, Result<Box<dyn ::std::any::Any + Send>, $crate::log::StoreError>> {
            $inner.reader()
        }
    };
}
