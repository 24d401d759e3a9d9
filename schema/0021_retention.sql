-- +goose Up
-- How long things are kept (foundation/retain): what the last run over each
-- store did, and how large tables were when that was last measured.
CREATE TABLE retention_run (
    store      TEXT PRIMARY KEY,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT, -- null: it runs, or its node stopped
    before_at  BIGINT NOT NULL,
    removed    BIGINT NOT NULL,
    error      TEXT NOT NULL
);

CREATE TABLE retention_size (
    name        TEXT PRIMARY KEY, -- of a table
    row_count   BIGINT NOT NULL,
    bytes       BIGINT NOT NULL,
    measured_at BIGINT NOT NULL
);

-- Range deletes go along these.
CREATE INDEX evse_status_at ON evse_status (at);
CREATE INDEX station_command_created ON station_command (created_at);
CREATE INDEX device_boot_at ON device_boot (at);
CREATE INDEX device_variable_history_at_only ON device_variable_history (at);
CREATE INDEX audit_entry_at ON audit_entry (at);
CREATE INDEX device_security_event_at ON device_security_event (received_at);
