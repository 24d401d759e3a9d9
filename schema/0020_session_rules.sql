-- +goose Up
-- Room session: real-world rules. Room access: local authorisation lists.

ALTER TABLE session ADD COLUMN limit_at BIGINT; -- when the allotted time or energy was used up
ALTER TABLE session ADD COLUMN tariff_id TEXT NOT NULL DEFAULT ''; -- OCPI id of the tariff whose version is locked
ALTER TABLE session ADD COLUMN tariff_number BIGINT NOT NULL DEFAULT 0;

-- A station that learns a new version counts its transactions in its own way:
-- the numbers we gave it under 1.6 and its own ids under 2.x are two series.
DROP INDEX session_transaction;
CREATE UNIQUE INDEX session_transaction ON session (station, transaction_id, incarnation, (CASE WHEN protocol = '1.6' THEN 0 ELSE 1 END));

ALTER TABLE meter_sample ADD COLUMN current_sum_ma BIGINT; -- over the phases
ALTER TABLE session_interval ADD COLUMN min_power_w BIGINT NOT NULL DEFAULT 0; -- 0: not measured
ALTER TABLE session_interval ADD COLUMN min_current_ma BIGINT NOT NULL DEFAULT 0; -- sum over the phases
ALTER TABLE session_interval ADD COLUMN max_current_ma BIGINT NOT NULL DEFAULT 0;

-- What a station has of the tokens that may charge there.
CREATE TABLE local_list (
    station TEXT PRIMARY KEY,
    org TEXT NOT NULL,
    site TEXT NOT NULL,
    status TEXT NOT NULL, -- unknown, synced, pending, failed, unsupported, off
    version BIGINT NOT NULL, -- of what we believe it has; 0: nothing
    entries BIGINT NOT NULL,
    left_out BIGINT NOT NULL, -- tokens that do not fit
    result TEXT NOT NULL, -- of the last attempt
    known BOOLEAN NOT NULL, -- local_list_entry is what the station has
    dirty BOOLEAN NOT NULL, -- tokens have changed since
    failures BIGINT NOT NULL, -- in a row
    tried_at BIGINT,
    synced_at BIGINT,
    next_at BIGINT NOT NULL
);
CREATE INDEX local_list_next ON local_list (next_at);

CREATE TABLE local_list_entry (
    station TEXT NOT NULL,
    token TEXT NOT NULL, -- idToken as it was sent
    match_key TEXT NOT NULL,
    org TEXT NOT NULL, -- of the station
    type TEXT NOT NULL,
    digest BIGINT NOT NULL, -- of what was sent about it
    PRIMARY KEY (station, token)
);
CREATE INDEX local_list_entry_match ON local_list_entry (match_key);

-- Where a token was accepted lately, and so may be in a cache.
CREATE TABLE token_seen (
    token TEXT NOT NULL, -- id_token.id
    station TEXT NOT NULL,
    org TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (token, station)
);
CREATE INDEX token_seen_at ON token_seen (at);
