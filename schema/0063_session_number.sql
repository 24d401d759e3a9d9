-- +goose Up
-- Room session: numbers that PostgreSQL gives out without one start waiting for
-- another's commit. SQLite has one writer and counts in session_counter. Nodes
-- of the version before go on counting there while they are being replaced, so
-- the sequences begin well ahead of it.

-- +postgres
CREATE SEQUENCE session_number_transaction MAXVALUE 2147483647 CYCLE;
CREATE SEQUENCE session_number_remote_start MAXVALUE 2147483647 CYCLE;
SELECT setval('session_number_transaction', (last + 1000000) % 2147483647 + 1) FROM session_counter WHERE name = 'transaction' AND last > 0;
SELECT setval('session_number_remote_start', (last + 1000000) % 2147483647 + 1) FROM session_counter WHERE name = 'remote_start' AND last > 0;
-- +end
