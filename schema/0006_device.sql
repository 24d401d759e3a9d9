-- +goose Up

-- Every boot, also those answered Pending or Rejected.
CREATE TABLE device_boot (
  station  TEXT   NOT NULL,
  at       BIGINT NOT NULL,
  org      TEXT   NOT NULL,
  vendor   TEXT   NOT NULL,
  model    TEXT   NOT NULL,
  serial   TEXT   NOT NULL,
  firmware TEXT   NOT NULL,
  iccid    TEXT   NOT NULL,
  imsi     TEXT   NOT NULL,
  meter    TEXT   NOT NULL,
  reason   TEXT   NOT NULL,
  status   TEXT   NOT NULL,
  protocol TEXT   NOT NULL,
  address  TEXT   NOT NULL,
  PRIMARY KEY (station, at)
);

-- The device model as far as the station told of it; path names the variable.
CREATE TABLE device_variable (
  station            TEXT   NOT NULL,
  path               TEXT   NOT NULL,
  org                TEXT   NOT NULL,
  component          TEXT   NOT NULL,
  component_instance TEXT   NOT NULL,
  evse               BIGINT NOT NULL,
  connector          BIGINT NOT NULL,
  variable           TEXT   NOT NULL,
  variable_instance  TEXT   NOT NULL,
  attribute          TEXT   NOT NULL,
  value              TEXT   NOT NULL,
  mutability         TEXT   NOT NULL,
  data_type          TEXT   NOT NULL,
  unit               TEXT   NOT NULL,
  min_limit          TEXT   NOT NULL,
  max_limit          TEXT   NOT NULL,
  values_list        TEXT   NOT NULL,
  updated_at         BIGINT NOT NULL,
  PRIMARY KEY (station, path)
);

CREATE TABLE device_variable_history (
  station TEXT   NOT NULL,
  path    TEXT   NOT NULL,
  at      BIGINT NOT NULL,
  org     TEXT   NOT NULL,
  value   TEXT   NOT NULL,
  source  TEXT   NOT NULL,
  PRIMARY KEY (station, path, at)
);
CREATE INDEX device_variable_history_at ON device_variable_history (station, at);

-- What the platform wants a variable to be, and how far that got.
CREATE TABLE device_desired (
  station            TEXT   NOT NULL,
  path               TEXT   NOT NULL,
  org                TEXT   NOT NULL,
  component          TEXT   NOT NULL,
  component_instance TEXT   NOT NULL,
  evse               BIGINT NOT NULL,
  connector          BIGINT NOT NULL,
  variable           TEXT   NOT NULL,
  variable_instance  TEXT   NOT NULL,
  rule        TEXT   NOT NULL,
  value       TEXT   NOT NULL,
  status      TEXT   NOT NULL,
  detail      TEXT   NOT NULL,
  tried_at    BIGINT NOT NULL,
  verified_at BIGINT,
  PRIMARY KEY (station, path)
);

-- One row per station: what is known of the device as a whole, and when it is
-- to be reconciled again.
CREATE TABLE device_state (
  station          TEXT   NOT NULL PRIMARY KEY,
  org              TEXT   NOT NULL,
  read_of          TEXT   NOT NULL,
  read_at          BIGINT,
  report_id        BIGINT NOT NULL,
  report_at        BIGINT,
  report_parts     BIGINT NOT NULL,
  report_last      BIGINT NOT NULL,
  read_failures    BIGINT NOT NULL,
  synced_at        BIGINT,
  next_at          BIGINT NOT NULL,
  firmware_status  TEXT   NOT NULL,
  firmware_request BIGINT,
  firmware_at      BIGINT,
  log_status       TEXT   NOT NULL,
  log_request      BIGINT,
  log_at           BIGINT
);
CREATE INDEX device_state_next ON device_state (next_at);

-- The parts of a report that came; a part that comes twice counts once.
CREATE TABLE device_report_part (
  station   TEXT   NOT NULL,
  report_id BIGINT NOT NULL,
  seq       BIGINT NOT NULL,
  org       TEXT   NOT NULL,
  PRIMARY KEY (station, report_id, seq)
);

CREATE TABLE device_security_event (
  id          TEXT   NOT NULL PRIMARY KEY,
  station     TEXT   NOT NULL,
  org         TEXT   NOT NULL,
  site        TEXT   NOT NULL,
  type        TEXT   NOT NULL,
  tech_info   TEXT   NOT NULL,
  at          BIGINT NOT NULL,
  received_at BIGINT NOT NULL
);
CREATE INDEX device_security_event_station ON device_security_event (station, received_at, id);
CREATE INDEX device_security_event_org ON device_security_event (org, received_at, id);

-- Messages that only tell, kept so that nothing is lost before a room uses them.
CREATE TABLE device_notice (
  id      TEXT   NOT NULL PRIMARY KEY,
  station TEXT   NOT NULL,
  org     TEXT   NOT NULL,
  site    TEXT   NOT NULL,
  kind    TEXT   NOT NULL,
  payload TEXT   NOT NULL,
  at      BIGINT NOT NULL
);
CREATE INDEX device_notice_station ON device_notice (station, at, id);
CREATE INDEX device_notice_at ON device_notice (at);
