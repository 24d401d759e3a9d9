-- Room device: firmware, logs, diagnostics bundles, display messages.
-- +goose Up
CREATE TABLE device_firmware_image (
    id          TEXT PRIMARY KEY,
    org         TEXT NOT NULL,
    vendor      TEXT NOT NULL, -- patterns: * stands for anything
    model       TEXT NOT NULL,
    version     TEXT NOT NULL, -- what a station with it says it has
    file        TEXT NOT NULL, -- of foundation/file; empty: at url, or still to come
    url         TEXT NOT NULL,
    size        BIGINT NOT NULL,
    sha256      TEXT NOT NULL,
    certificate TEXT NOT NULL, -- PEM of the signing certificate
    signature   TEXT NOT NULL, -- base64
    verified    TEXT NOT NULL, -- how the signature was verified; empty: it was not
    notes       TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    actor       TEXT NOT NULL
);
CREATE INDEX device_firmware_image_org ON device_firmware_image (org, created_at, id);

-- An update of one or many stations.
CREATE TABLE device_firmware_update (
    id          TEXT PRIMARY KEY,
    org         TEXT NOT NULL,
    image       TEXT NOT NULL,
    policy      TEXT NOT NULL, -- JSON
    state       TEXT NOT NULL,
    detail      TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT,
    actor       TEXT NOT NULL
);
CREATE INDEX device_firmware_update_org ON device_firmware_update (org, created_at, id);
CREATE INDEX device_firmware_update_state ON device_firmware_update (state);

-- One station of an update.
CREATE TABLE device_firmware_task (
    id           TEXT PRIMARY KEY,
    update_id    TEXT NOT NULL,
    position     BIGINT NOT NULL, -- order within the update; the first are the canaries
    station      TEXT NOT NULL,
    org          TEXT NOT NULL,
    site         TEXT NOT NULL,
    state        TEXT NOT NULL,
    status       TEXT NOT NULL, -- the last one the station told
    reason       TEXT NOT NULL,
    from_version TEXT NOT NULL,
    to_version   TEXT NOT NULL,
    request_id   BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    next_at      BIGINT NOT NULL,
    sent_at      BIGINT,
    deadline_at  BIGINT,
    finished_at  BIGINT
);
CREATE INDEX device_firmware_task_update ON device_firmware_task (update_id, position);
CREATE INDEX device_firmware_task_station ON device_firmware_task (station, state);
CREATE INDEX device_firmware_task_due ON device_firmware_task (state, next_at);
CREATE INDEX device_firmware_task_deadline ON device_firmware_task (deadline_at) WHERE finished_at IS NULL;

-- Every step of a firmware task, a publication or a log.
CREATE TABLE device_step (
    id      TEXT PRIMARY KEY,
    subject TEXT NOT NULL, -- id of the task or log
    org     TEXT NOT NULL,
    at      BIGINT NOT NULL,
    status  TEXT NOT NULL,
    detail  TEXT NOT NULL
);
CREATE INDEX device_step_subject ON device_step (subject, at, id);
CREATE INDEX device_step_at ON device_step (at);

-- Firmware that a local controller offers to the stations behind it.
CREATE TABLE device_publication (
    station    TEXT NOT NULL,
    checksum   TEXT NOT NULL,
    org        TEXT NOT NULL,
    image      TEXT NOT NULL,
    request_id BIGINT NOT NULL,
    state      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    locations  TEXT NOT NULL, -- JSON
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (station, checksum)
);

CREATE TABLE device_log (
    id          TEXT PRIMARY KEY,
    org         TEXT NOT NULL,
    site        TEXT NOT NULL,
    station     TEXT NOT NULL,
    type        TEXT NOT NULL,
    oldest_at   BIGINT,
    latest_at   BIGINT,
    request_id  BIGINT NOT NULL,
    state       TEXT NOT NULL,
    status      TEXT NOT NULL, -- the last one the station told
    reason      TEXT NOT NULL,
    told_name   TEXT NOT NULL, -- the file name in the station's answer
    place       TEXT NOT NULL, -- where an external server keeps it; empty: file
    file        TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    deadline_at BIGINT NOT NULL,
    finished_at BIGINT,
    actor       TEXT NOT NULL
);
CREATE INDEX device_log_station ON device_log (station, created_at, id);
CREATE INDEX device_log_file ON device_log (file);
CREATE INDEX device_log_deadline ON device_log (deadline_at) WHERE finished_at IS NULL;

CREATE TABLE device_bundle (
    id          TEXT PRIMARY KEY,
    org         TEXT NOT NULL,
    station     TEXT NOT NULL,
    from_at     BIGINT NOT NULL,
    to_at       BIGINT NOT NULL,
    frames      BIGINT NOT NULL,
    state       TEXT NOT NULL,
    progress    BIGINT NOT NULL, -- percent
    reason      TEXT NOT NULL,
    file        TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT,
    actor       TEXT NOT NULL
);
CREATE INDEX device_bundle_org ON device_bundle (org, created_at, id);

-- Messages that displays are to show.
CREATE TABLE device_display_message (
    id          TEXT PRIMARY KEY,
    number      BIGINT NOT NULL UNIQUE, -- its id in OCPP
    org         TEXT NOT NULL,
    site        TEXT NOT NULL, -- empty: every site
    station     TEXT NOT NULL, -- empty: every station
    kind        TEXT NOT NULL,
    priority    TEXT NOT NULL,
    state       TEXT NOT NULL,
    start_at    BIGINT,
    end_at      BIGINT,
    transaction_id TEXT NOT NULL,
    contents    TEXT NOT NULL, -- JSON: the text in each language
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    deleted_at  BIGINT
);
CREATE INDEX device_display_message_org ON device_display_message (org, created_at, id);

-- How a message stands at a station; a row stays until the station let go of it.
CREATE TABLE device_display_state (
    station    TEXT NOT NULL,
    message    TEXT NOT NULL,
    org        TEXT NOT NULL,
    number     BIGINT NOT NULL,
    state      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    shown      TEXT NOT NULL, -- fingerprint of what the station has
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (station, message)
);
CREATE INDEX device_display_state_message ON device_display_state (message, station);

-- How stations of a model without display messages are told by DataTransfer.
CREATE TABLE device_display_adapter (
    id         TEXT PRIMARY KEY,
    org        TEXT NOT NULL,
    vendor     TEXT NOT NULL,
    model      TEXT NOT NULL,
    vendor_id  TEXT NOT NULL,
    message_id TEXT NOT NULL,
    template   TEXT NOT NULL,
    clear_id   TEXT NOT NULL,
    clear_text TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
