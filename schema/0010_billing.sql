-- +goose Up
-- Room billing: charge detail records, sealed when they are issued.

-- A row is never changed. What turns out wrong is taken back by a credit (kind
-- credit, amounts negative, credits names the row) and told anew.
CREATE TABLE cdr (
    id             TEXT   NOT NULL PRIMARY KEY, -- OCPI CDR.id
    org            TEXT   NOT NULL,
    site           TEXT   NOT NULL,
    station        TEXT   NOT NULL,
    evse           BIGINT NOT NULL,
    session        TEXT   NOT NULL,
    revision       BIGINT NOT NULL, -- of the session that was settled
    number         BIGINT NOT NULL, -- counts without gaps within the organisation
    kind           TEXT   NOT NULL, -- cdr, credit
    credits        TEXT   NOT NULL, -- credit: the id it takes back
    token          TEXT   NOT NULL,
    driver         TEXT   NOT NULL,
    tariff         TEXT   NOT NULL, -- its OCPI id; empty: none
    tariff_version TEXT   NOT NULL,
    currency       TEXT   NOT NULL,
    excl           BIGINT NOT NULL, -- micro-units
    incl           BIGINT NOT NULL,
    energy         BIGINT NOT NULL, -- mWh
    started_at     BIGINT NOT NULL,
    ended_at       BIGINT NOT NULL,
    issued_at      BIGINT NOT NULL,
    note           TEXT   NOT NULL,
    digest         TEXT   NOT NULL, -- of what was billed: tells a change from a repetition
    ocpi           TEXT   NOT NULL, -- the OCPI object
    cost           TEXT   NOT NULL  -- lines, periods and their explanation
);
CREATE UNIQUE INDEX cdr_number ON cdr (org, number);
CREATE UNIQUE INDEX cdr_credit ON cdr (credits) WHERE credits <> '';
CREATE INDEX cdr_session ON cdr (session, number);
CREATE INDEX cdr_issued ON cdr (issued_at, id);
CREATE INDEX cdr_station ON cdr (station, issued_at);

CREATE TABLE cdr_sequence (
    org  TEXT   NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
);
