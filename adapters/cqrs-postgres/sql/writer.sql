-- What the role of a program that appends to the log may do, and no more: it adds events, and cannot change or remove one.
--
--     psql -v schema=shop -v writer=shop_writer -f writer.sql "$DATABASE_URL"
--
-- Run it as the owner of the schema, after the tables were made: by a first `PostgresLog::builder(url).schema("shop").open()`
-- with the owner's URL; and again after a version of this crate that has new tables. Tables of the application's own, which
-- workflows write, need grants of their own.

GRANT USAGE, CREATE ON SCHEMA :"schema" TO :"writer"; -- CREATE: the tables of views are the writer's
GRANT SELECT ON :"schema".cqrs_schema TO :"writer";
GRANT SELECT, INSERT ON :"schema".cqrs_events, :"schema".cqrs_event_tags, :"schema".cqrs_commands TO :"writer";
GRANT SELECT, INSERT, UPDATE, DELETE
    ON :"schema".cqrs_marks, :"schema".cqrs_shapes, :"schema".cqrs_checkpoints, :"schema".cqrs_parked,
       :"schema".cqrs_leases, :"schema".cqrs_snapshots
    TO :"writer";
