-- +goose Up

-- Facts (foundation/event): what became true, numbered in the order in which
-- it is told. On PostgreSQL xid stands before seq so that a transaction has
-- its number before it draws one from the sequence: the reader of a gap in
-- seq relies on that.
-- +sqlite
CREATE TABLE fact (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    at      BIGINT NOT NULL,
    org     TEXT NOT NULL,
    site    TEXT NOT NULL,
    station TEXT NOT NULL,
    subject TEXT NOT NULL,
    kind    TEXT NOT NULL,
    data    TEXT NOT NULL
);
-- +end
-- +postgres
CREATE TABLE fact (
    xid     BIGINT NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    seq     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      BIGINT NOT NULL,
    org     TEXT NOT NULL,
    site    TEXT NOT NULL,
    station TEXT NOT NULL,
    subject TEXT NOT NULL,
    kind    TEXT NOT NULL,
    data    TEXT NOT NULL
);
-- +end
CREATE INDEX fact_subject ON fact (subject, seq);
CREATE INDEX fact_at ON fact (at);

-- How far each consumer has come, and which node works for it.
CREATE TABLE fact_cursor (
    consumer    TEXT PRIMARY KEY,
    seq         BIGINT NOT NULL,
    lease_owner TEXT NOT NULL,
    lease_boot  TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

-- Subjects whose fact failed in a consumer: seq is the fact to try next, the
-- subject's later facts up to the cursor wait behind it.
CREATE TABLE fact_parked (
    consumer  TEXT NOT NULL,
    subject   TEXT NOT NULL,
    org       TEXT NOT NULL,
    seq       BIGINT NOT NULL,
    kind      TEXT NOT NULL,
    error     TEXT NOT NULL,
    attempts  BIGINT NOT NULL,
    parked_at BIGINT NOT NULL,
    next_at   BIGINT NOT NULL,
    PRIMARY KEY (consumer, subject)
);

-- Jobs (foundation/job). key makes a job unique within its kind. run_at is
-- when the job may be taken: its time, its next attempt, or the end of the
-- lease of the worker that has it.
CREATE TABLE job (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    key          TEXT,
    org          TEXT NOT NULL,
    payload      TEXT NOT NULL,
    state        TEXT NOT NULL,
    again        BOOLEAN NOT NULL,
    run_at       BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    lease_owner  TEXT NOT NULL,
    lease_boot   TEXT NOT NULL,
    error        TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX job_key ON job (kind, key);
CREATE INDEX job_due ON job (run_at) WHERE state <> 'failed';

-- Periodic work: one node at a time.
CREATE TABLE job_periodic (
    name        TEXT PRIMARY KEY,
    next_at     BIGINT NOT NULL,
    lease_owner TEXT NOT NULL,
    lease_boot  TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    last_at     BIGINT,
    error       TEXT NOT NULL
);
