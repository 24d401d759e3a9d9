-- Connections of charging stations and the log of their messages.
-- Owner: ocpp/gateway.

-- +goose Up
CREATE TABLE gateway_node (
    node       TEXT PRIMARY KEY,
    started_at BIGINT NOT NULL,
    beat_at    BIGINT NOT NULL,
    stopped_at BIGINT
);

-- One row per station that ever connected: its latest connection.
CREATE TABLE connection (
    station_key       TEXT PRIMARY KEY, -- the identity in lower case
    station           TEXT NOT NULL,
    org               TEXT NOT NULL,
    site              TEXT NOT NULL,
    node              TEXT NOT NULL,
    epoch             BIGINT NOT NULL,
    version           TEXT NOT NULL,
    remote_addr       TEXT NOT NULL,
    host              TEXT NOT NULL,
    security_profile  BIGINT NOT NULL,
    connected_at      BIGINT NOT NULL,
    disconnected_at   BIGINT,
    reason            TEXT NOT NULL DEFAULT '',
    incarnation       TEXT NOT NULL DEFAULT '', -- the serial number last seen
    incarnated_at     BIGINT NOT NULL DEFAULT 0,
    incarnations      BIGINT NOT NULL DEFAULT 0, -- quick changes of it in a row
    previous_host     TEXT NOT NULL DEFAULT '',
    previous_node     TEXT NOT NULL DEFAULT '', -- which held it when the latest connection came
    flaps             BIGINT NOT NULL DEFAULT 0,
    quarantined_until BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX connection_node ON connection (node) WHERE disconnected_at IS NULL;

-- +sqlite
CREATE TABLE message_log (
    id         INTEGER PRIMARY KEY, -- milliseconds, node and counter: sorts by time
    at         BIGINT NOT NULL,
    org        TEXT NOT NULL,
    station    TEXT NOT NULL, -- in lower case
    epoch      BIGINT NOT NULL,
    direction  TEXT NOT NULL,
    type       TEXT NOT NULL,
    action     TEXT NOT NULL,
    message_id TEXT NOT NULL,
    payload    TEXT NOT NULL
);
-- +end
-- +postgres
CREATE TABLE message_log (
    id         BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    org        TEXT NOT NULL,
    station    TEXT NOT NULL, -- in lower case
    epoch      BIGINT NOT NULL,
    direction  TEXT NOT NULL,
    type       TEXT NOT NULL,
    action     TEXT NOT NULL,
    message_id TEXT NOT NULL,
    payload    TEXT NOT NULL
) PARTITION BY RANGE (at);
-- Days are made ahead by a job; what falls outside of them lands here.
CREATE TABLE message_log_default PARTITION OF message_log DEFAULT;
-- +end
CREATE INDEX message_log_station ON message_log (station, at, id);
