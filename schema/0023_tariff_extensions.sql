-- +goose Up
-- Rooms tariff, session, billing: what was shown, what was used up, what is held.

-- What sessions took of allowances and of day caps, by whom: a driver, else a
-- token. A session's rows are written anew each time it is settled.
CREATE TABLE tariff_allowance (
    session  TEXT   NOT NULL,
    kind     TEXT   NOT NULL, -- day, month, plan; spent: towards a day cap
    key      TEXT   NOT NULL, -- the local day or month, or plan
    org      TEXT   NOT NULL,
    tariff   TEXT   NOT NULL REFERENCES tariff (uid),
    holder   TEXT   NOT NULL,
    energy   BIGINT NOT NULL, -- mWh
    duration BIGINT NOT NULL, -- µs
    excl     BIGINT NOT NULL, -- micro-units
    incl     BIGINT NOT NULL,
    PRIMARY KEY (session, kind, key)
);
CREATE INDEX tariff_allowance_holder ON tariff_allowance (tariff, holder, key);

-- What a driver was shown when the session began: the formula of its price.
CREATE TABLE session_quote (
    session    TEXT   NOT NULL PRIMARY KEY,
    org        TEXT   NOT NULL,
    version    TEXT   NOT NULL, -- of the tariff
    quote      TEXT   NOT NULL, -- JSON: session.Quote
    created_at BIGINT NOT NULL
);

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
