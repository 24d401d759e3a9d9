-- +goose Up
-- Room billing: prices that wait for a person.

-- A price that its quote's formula does not give waits here for a person.
CREATE TABLE cdr_held (
    id          TEXT   NOT NULL PRIMARY KEY,
    org         TEXT   NOT NULL,
    site        TEXT   NOT NULL,
    station     TEXT   NOT NULL,
    session     TEXT   NOT NULL,
    revision    BIGINT NOT NULL,
    state       TEXT   NOT NULL, -- held, released, replaced
    currency    TEXT   NOT NULL,
    excl        BIGINT NOT NULL, -- micro-units, as it would be billed
    incl        BIGINT NOT NULL,
    quoted_excl BIGINT NOT NULL, -- as the quote's formula gives it
    quoted_incl BIGINT NOT NULL,
    reasons     TEXT   NOT NULL, -- JSON list of texts
    settled     TEXT   NOT NULL, -- JSON: session.Finished
    held_at     BIGINT NOT NULL,
    ended_at    BIGINT,          -- released or replaced
    actor       TEXT   NOT NULL, -- who released it
    note        TEXT   NOT NULL
);
CREATE INDEX cdr_held_session ON cdr_held (session, revision);
CREATE INDEX cdr_held_org ON cdr_held (org, held_at);
