-- +goose Up
-- Room account: who drives.

CREATE TABLE driver (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL, -- empty: none
    email_key TEXT NOT NULL, -- lower case
    language TEXT NOT NULL, -- empty: the organisation's
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX driver_org ON driver (org, name);
-- An address belongs to one driver of an organisation.
CREATE UNIQUE INDEX driver_email ON driver (org, email_key) WHERE email_key <> '';
