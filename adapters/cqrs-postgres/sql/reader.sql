-- Rights of the role that answers queries: it can only read. Pass its URL as `reader_url`.
--
--     psql -v schema=shop -v writer=shop_writer -v reader=shop_reader -f reader.sql "$DATABASE_URL"
--
-- Run it as the owner of the schema or as a superuser, before the writer creates its first view.
-- Run it again after each update of cqrs-postgres that adds tables.

GRANT USAGE ON SCHEMA :"schema" TO :"reader";
GRANT SELECT ON ALL TABLES IN SCHEMA :"schema" TO :"reader";
ALTER DEFAULT PRIVILEGES FOR ROLE :"writer" IN SCHEMA :"schema" GRANT SELECT ON TABLES TO :"reader";
