-- +goose Up
-- Room access: who may charge.

CREATE TABLE id_token (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL,
    value TEXT NOT NULL, -- as it was given
    match_key TEXT NOT NULL, -- what a station's reading of it is compared with
    type TEXT NOT NULL,
    status TEXT NOT NULL, -- active, blocked, lost
    expires_at BIGINT,
    group_value TEXT NOT NULL, -- 2.x groupIdToken, 1.6 parentIdTag; empty: none
    driver TEXT NOT NULL, -- account's driver; empty: none
    max_sessions BIGINT, -- at a time; null: the installation's default
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE UNIQUE INDEX id_token_value ON id_token (org, match_key);
CREATE INDEX id_token_match ON id_token (match_key);
CREATE INDEX id_token_driver ON id_token (driver) WHERE driver <> '';

-- A token in use: a lease that ends with the session, or counts no longer
-- when the station has not been heard of for a while.
CREATE TABLE token_use (
    id TEXT PRIMARY KEY, -- the session
    org TEXT NOT NULL,
    site TEXT NOT NULL,
    station TEXT NOT NULL,
    evse BIGINT NOT NULL,
    token TEXT NOT NULL, -- id_token.id
    taken_at BIGINT NOT NULL
);
CREATE INDEX token_use_token ON token_use (token);

-- A token that is accepted at one station for a short time, though nobody
-- knows it: the platform itself asked the station to start with it.
CREATE TABLE token_grant (
    station TEXT NOT NULL,
    match_key TEXT NOT NULL,
    org TEXT NOT NULL,
    site TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (station, match_key)
);
CREATE INDEX token_grant_expires ON token_grant (expires_at);

-- Whether strangers may charge; a station's own row comes before its
-- organisation's (station empty).
CREATE TABLE access_policy (
    org TEXT NOT NULL,
    station TEXT NOT NULL,
    open_access BOOLEAN NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (org, station)
);
