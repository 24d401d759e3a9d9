-- +goose Up
-- Room access: local authorisation lists.

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
