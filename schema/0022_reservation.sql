-- +goose Up
-- Room reservation: EVSEs kept for somebody.

CREATE TABLE reservation (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL,
    site TEXT NOT NULL,
    station TEXT NOT NULL,
    number BIGINT NOT NULL, -- the station's name for it: a positive int32
    evse BIGINT NOT NULL, -- 0: any of the station
    connector_type TEXT NOT NULL, -- empty: any
    token TEXT NOT NULL,
    token_type TEXT NOT NULL,
    token_group TEXT NOT NULL, -- empty: none
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    kept_by TEXT NOT NULL, -- station, platform
    at_station BOOLEAN NOT NULL, -- the station may still hold it
    actor TEXT NOT NULL,
    session TEXT NOT NULL, -- that used it
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX reservation_number ON reservation (station, number);
CREATE INDEX reservation_org ON reservation (org, created_at);
CREATE INDEX reservation_open ON reservation (station, evse) WHERE state IN ('requested', 'active');
CREATE INDEX reservation_expiry ON reservation (expires_at) WHERE state IN ('requested', 'active');
CREATE INDEX reservation_left ON reservation (station) WHERE at_station;

CREATE TABLE reservation_counter (
    station TEXT PRIMARY KEY,
    org TEXT NOT NULL,
    last BIGINT NOT NULL
);
