-- Rights of the role that appends to the log: it can add events, but not change or remove any.
--
--     psql -v schema=shop -v writer=shop_writer -f writer.sql "$DATABASE_URL"
--
-- Run it as the owner of the schema, after the tables were created: for that, open the log once with
-- the owner's URL (`PostgresLog::builder(url).schema("shop").open()`). Run it again after each update
-- of cqrs-postgres that adds tables. The application's own tables, which workflows write, need their
-- own grants.

GRANT USAGE, CREATE ON SCHEMA :"schema" TO :"writer"; -- CREATE: the writer owns the tables of views
GRANT SELECT ON :"schema".cqrs_schema TO :"writer";
GRANT SELECT, INSERT ON :"schema".cqrs_events, :"schema".cqrs_event_tags, :"schema".cqrs_commands TO :"writer";
GRANT SELECT, INSERT, UPDATE (replaced_by) ON :"schema".cqrs_names TO :"writer";
GRANT SELECT, INSERT, UPDATE, DELETE
    ON :"schema".cqrs_marks, :"schema".cqrs_shapes, :"schema".cqrs_checkpoints, :"schema".cqrs_parked,
       :"schema".cqrs_leases, :"schema".cqrs_snapshots
    TO :"writer";
