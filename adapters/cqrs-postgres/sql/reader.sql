-- What the role that queries are answered with may do: read. Give it to the log as `reader_url`.
--
--     psql -v schema=shop -v writer=shop_writer -v reader=shop_reader -f reader.sql "$DATABASE_URL"
--
-- Run it as the owner of the schema, or as a superuser, before the writer makes its first view; and
-- again after a version of this crate that has new tables.

GRANT USAGE ON SCHEMA :"schema" TO :"reader";
GRANT SELECT ON ALL TABLES IN SCHEMA :"schema" TO :"reader";
ALTER DEFAULT PRIVILEGES FOR ROLE :"writer" IN SCHEMA :"schema" GRANT SELECT ON TABLES TO :"reader";
