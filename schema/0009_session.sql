-- +goose Up
-- Room session: what was charged.

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL,
    site TEXT NOT NULL,
    station TEXT NOT NULL,
    incarnation TEXT NOT NULL, -- a replaced station counts its transactions anew
    transaction_id TEXT NOT NULL, -- 1.6: our number in decimal
    protocol TEXT NOT NULL,
    evse BIGINT NOT NULL, -- 0: not known yet
    connector BIGINT NOT NULL,
    token TEXT NOT NULL,
    token_type TEXT NOT NULL,
    token_ref TEXT NOT NULL, -- access's id_token; empty: nobody's
    driver TEXT NOT NULL,
    authorisation TEXT NOT NULL, -- what the station was last told about the token
    status TEXT NOT NULL,
    phase BIGINT NOT NULL,
    charging TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    energy_started_at BIGINT,
    energy_ended_at BIGINT,
    ended_at BIGINT,
    unplugged_at BIGINT,
    stop_reason TEXT NOT NULL,
    energy_mwh BIGINT NOT NULL,
    meter_start_mwh BIGINT NOT NULL,
    meter_stop_mwh BIGINT NOT NULL,
    power_w BIGINT NOT NULL,
    max_power_w BIGINT NOT NULL,
    soc_mpct BIGINT,
    readings BIGINT NOT NULL,
    flags BIGINT NOT NULL, -- from the events
    marks BIGINT NOT NULL, -- from the platform
    tariff TEXT NOT NULL, -- tariff version, locked at the start; empty: none
    currency TEXT NOT NULL,
    cost_excl BIGINT NOT NULL, -- micro-units
    cost_incl BIGINT NOT NULL,
    priced_at BIGINT,
    start_key TEXT NOT NULL, -- 1.6: what makes a repeated start the same
    used_id BOOLEAN NOT NULL, -- 1.6: the station has used the number it was given
    boot BIGINT NOT NULL, -- the station's boot in which it started
    remote_start BIGINT, -- the remote start that it answers
    limit_energy_mwh BIGINT, -- at which the platform stops it
    limit_seconds BIGINT,
    limit_reached BOOLEAN NOT NULL,
    heard_at BIGINT NOT NULL, -- receipt of the latest message
    told_at BIGINT NOT NULL, -- latest session.updated
    settle_at BIGINT, -- when to look whether it can be settled
    settled_at BIGINT,
    revision BIGINT NOT NULL, -- how often it was settled
    version BIGINT NOT NULL,
    memory TEXT NOT NULL -- bounded: what the next event needs
);
CREATE UNIQUE INDEX session_transaction ON session (station, transaction_id, incarnation);
CREATE INDEX session_start ON session (station, start_key) WHERE start_key <> '';
CREATE INDEX session_started ON session (started_at, id);
CREATE INDEX session_org ON session (org, started_at);
CREATE INDEX session_by_station ON session (station, started_at);
CREATE INDEX session_open ON session (station, evse) WHERE settled_at IS NULL;
CREATE INDEX session_settle ON session (settle_at) WHERE settled_at IS NULL;
CREATE INDEX session_token ON session (token, started_at);

-- Every message about a transaction but its readings, as it was told.
CREATE TABLE session_event (
    session TEXT NOT NULL,
    kind BIGINT NOT NULL,
    seq BIGINT NOT NULL, -- -1: the station gave none
    station_at BIGINT NOT NULL, -- as the station stated it
    digest BIGINT NOT NULL, -- the same place with another content is a conflict, not a repetition
    org TEXT NOT NULL,
    site TEXT NOT NULL,
    station TEXT NOT NULL,
    at BIGINT NOT NULL, -- corrected
    received_at BIGINT NOT NULL,
    skew_us BIGINT NOT NULL,
    offline BOOLEAN NOT NULL,
    answer TEXT NOT NULL, -- authorisation status given
    payload TEXT NOT NULL,
    PRIMARY KEY (session, kind, seq, station_at, digest)
);

-- One row per meter value, whatever message carried it. stream is the
-- session, or where it waits for one: "tx:…" a transaction not known,
-- "evse:…" no transaction at all. Retention by station_at.
-- +sqlite
CREATE TABLE meter_sample (
    stream TEXT NOT NULL,
    station_at BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    digest BIGINT NOT NULL,
    org TEXT NOT NULL,
    site TEXT NOT NULL,
    station TEXT NOT NULL,
    evse BIGINT NOT NULL,
    at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    skew_us BIGINT NOT NULL,
    anchor BIGINT NOT NULL,
    location BIGINT NOT NULL,
    clock BOOLEAN NOT NULL,
    register_mwh BIGINT,
    interval_mwh BIGINT,
    power_w BIGINT,
    offered_w BIGINT,
    current_ma BIGINT,
    voltage_mv BIGINT,
    soc_mpct BIGINT,
    detail TEXT NOT NULL,
    PRIMARY KEY (stream, station_at, seq, digest)
) WITHOUT ROWID;
-- +end
-- +postgres
CREATE TABLE meter_sample (
    stream TEXT NOT NULL,
    station_at BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    digest BIGINT NOT NULL,
    org TEXT NOT NULL,
    site TEXT NOT NULL,
    station TEXT NOT NULL,
    evse BIGINT NOT NULL,
    at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    skew_us BIGINT NOT NULL,
    anchor BIGINT NOT NULL,
    location BIGINT NOT NULL,
    clock BOOLEAN NOT NULL,
    register_mwh BIGINT,
    interval_mwh BIGINT,
    power_w BIGINT,
    offered_w BIGINT,
    current_ma BIGINT,
    voltage_mv BIGINT,
    soc_mpct BIGINT,
    detail TEXT NOT NULL,
    PRIMARY KEY (stream, station_at, seq, digest)
) PARTITION BY RANGE (station_at);
CREATE TABLE meter_sample_default PARTITION OF meter_sample DEFAULT;
-- +end

-- The session cut at quarters of an hour and at changes of the charging
-- state; without holes, and summing to its energy.
CREATE TABLE session_interval (
    session TEXT NOT NULL,
    start_at BIGINT NOT NULL,
    end_at BIGINT NOT NULL,
    org TEXT NOT NULL,
    site TEXT NOT NULL,
    station TEXT NOT NULL,
    charging BIGINT NOT NULL,
    energy_mwh BIGINT NOT NULL,
    max_power_w BIGINT NOT NULL,
    measured BOOLEAN NOT NULL,
    PRIMARY KEY (session, start_at, end_at)
);

-- A start that the platform asked a station for.
CREATE TABLE remote_start (
    id BIGINT PRIMARY KEY, -- remoteStartId: positive int32
    org TEXT NOT NULL,
    site TEXT NOT NULL,
    station TEXT NOT NULL,
    evse BIGINT NOT NULL, -- 0: any
    token TEXT NOT NULL,
    token_type TEXT NOT NULL,
    match_key TEXT NOT NULL,
    state TEXT NOT NULL, -- pending, started, rejected, expired, overtaken
    session TEXT NOT NULL, -- that it became, or that came first
    limit_energy_mwh BIGINT,
    limit_seconds BIGINT,
    actor TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX remote_start_pending ON remote_start (station) WHERE state = 'pending';
CREATE INDEX remote_start_expires ON remote_start (expires_at) WHERE state = 'pending';

-- What the room knows of a station; its row serialises the starts of one.
CREATE TABLE session_station (
    station TEXT PRIMARY KEY,
    org TEXT NOT NULL,
    boot BIGINT NOT NULL, -- counts the boots
    starts BIGINT NOT NULL,
    skew_us BIGINT NOT NULL,
    skew_known BOOLEAN NOT NULL
);

-- Numbers that standards want as positive int32.
CREATE TABLE session_counter (
    name TEXT PRIMARY KEY,
    org TEXT NOT NULL, -- empty: the installation's
    last BIGINT NOT NULL
);
INSERT INTO session_counter (name, org, last) VALUES ('transaction', '', 0), ('remote_start', '', 0);
