-- +goose Up

-- What more a station tells of its variables, and of whom a wish is.
ALTER TABLE device_variable ADD COLUMN monitorable BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE device_desired ADD COLUMN attribute TEXT NOT NULL DEFAULT 'Actual';
ALTER TABLE device_desired ADD COLUMN actual TEXT NOT NULL DEFAULT '';
ALTER TABLE device_desired ADD COLUMN wished_by TEXT NOT NULL DEFAULT '';
ALTER TABLE device_desired ADD COLUMN wished_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE device_desired ADD COLUMN drifted_at BIGINT;
CREATE INDEX device_desired_rule ON device_desired (rule, station);
CREATE INDEX device_desired_drifted ON device_desired (org, drifted_at);

-- wanted_at: when a wish for this device last changed. paused_at: since when
-- it is only compared, not corrected. told: the drift that was last recorded.
ALTER TABLE device_state ADD COLUMN wanted_at BIGINT;
ALTER TABLE device_state ADD COLUMN paused_at BIGINT;
ALTER TABLE device_state ADD COLUMN paused_by TEXT NOT NULL DEFAULT '';
ALTER TABLE device_state ADD COLUMN drift TEXT NOT NULL DEFAULT '';
ALTER TABLE device_state ADD COLUMN monitoring_base TEXT NOT NULL DEFAULT '';
ALTER TABLE device_state ADD COLUMN monitoring_level BIGINT NOT NULL DEFAULT -1;

-- Desired variables and monitors for every station of a kind. vendor, model
-- and firmware are patterns with * and ?; versions is a list with commas.
-- A template applies at its organisation and below, or at its site only.
CREATE TABLE device_template (
  id         TEXT    NOT NULL PRIMARY KEY,
  org        TEXT    NOT NULL,
  site       TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  notes      TEXT    NOT NULL,
  vendor     TEXT    NOT NULL,
  model      TEXT    NOT NULL,
  firmware   TEXT    NOT NULL,
  versions   TEXT    NOT NULL,
  priority   BIGINT  NOT NULL,
  enabled    BOOLEAN NOT NULL,
  variables  TEXT    NOT NULL,
  monitors   TEXT    NOT NULL,
  created_at BIGINT  NOT NULL,
  created_by TEXT    NOT NULL,
  changed_at BIGINT  NOT NULL,
  changed_by TEXT    NOT NULL
);
CREATE INDEX device_template_org ON device_template (org, id);

-- The monitors a station has, as it last told (OCPP 2.0.1 N). template names
-- the one that asked for it; empty: somebody else, or the station itself.
CREATE TABLE device_monitor (
  station            TEXT    NOT NULL,
  monitor            BIGINT  NOT NULL,
  org                TEXT    NOT NULL,
  component          TEXT    NOT NULL,
  component_instance TEXT    NOT NULL,
  evse               BIGINT  NOT NULL,
  connector          BIGINT  NOT NULL,
  variable           TEXT    NOT NULL,
  variable_instance  TEXT    NOT NULL,
  type               TEXT    NOT NULL,
  value              TEXT    NOT NULL,
  severity           BIGINT  NOT NULL,
  in_transaction     BOOLEAN NOT NULL,
  kind               TEXT    NOT NULL,
  template           TEXT    NOT NULL,
  seen_at            BIGINT  NOT NULL,
  PRIMARY KEY (station, monitor)
);

-- Events that monitoring told (NotifyEvent). cause is the event_id of another
-- event of the same station.
CREATE TABLE device_event (
  id                 TEXT    NOT NULL PRIMARY KEY,
  station            TEXT    NOT NULL,
  org                TEXT    NOT NULL,
  site               TEXT    NOT NULL,
  event_id           BIGINT  NOT NULL,
  cause              BIGINT,
  event_trigger      TEXT    NOT NULL,
  kind               TEXT    NOT NULL,
  component          TEXT    NOT NULL,
  component_instance TEXT    NOT NULL,
  evse               BIGINT  NOT NULL,
  connector          BIGINT  NOT NULL,
  variable           TEXT    NOT NULL,
  variable_instance  TEXT    NOT NULL,
  value              TEXT    NOT NULL,
  severity           BIGINT,
  cleared            BOOLEAN NOT NULL,
  tech_code          TEXT    NOT NULL,
  tech_info          TEXT    NOT NULL,
  monitor            BIGINT,
  transaction_id     TEXT    NOT NULL,
  at                 BIGINT  NOT NULL,
  received_at        BIGINT  NOT NULL
);
CREATE UNIQUE INDEX device_event_once ON device_event (station, event_id, at, component, variable, evse, connector);
CREATE INDEX device_event_station ON device_event (station, received_at, id);
CREATE INDEX device_event_org ON device_event (org, received_at, id);
CREATE INDEX device_event_at ON device_event (received_at);

-- Something asked of a station that is answered in parts later: a monitoring
-- report, charging profiles, display messages, customer information.
CREATE TABLE device_request (
  station     TEXT   NOT NULL,
  kind        TEXT   NOT NULL,
  request     BIGINT NOT NULL,
  org         TEXT   NOT NULL,
  site        TEXT   NOT NULL,
  status      TEXT   NOT NULL,
  subject     TEXT   NOT NULL,
  everything  BOOLEAN NOT NULL,
  asked_by    TEXT   NOT NULL,
  asked_at    BIGINT NOT NULL,
  last_at     BIGINT NOT NULL,
  parts       BIGINT NOT NULL,
  last        BIGINT NOT NULL,
  PRIMARY KEY (station, kind, request)
);
CREATE INDEX device_request_open ON device_request (status, last_at);

CREATE TABLE device_request_part (
  station TEXT   NOT NULL,
  kind    TEXT   NOT NULL,
  request BIGINT NOT NULL,
  seq     BIGINT NOT NULL,
  org     TEXT   NOT NULL,
  payload TEXT   NOT NULL,
  PRIMARY KEY (station, kind, request, seq)
);

-- The charging profiles a station has installed, as it last reported them.
CREATE TABLE device_charging_profile (
  station        TEXT   NOT NULL,
  evse           BIGINT NOT NULL,
  profile        BIGINT NOT NULL,
  source         TEXT   NOT NULL,
  org            TEXT   NOT NULL,
  purpose        TEXT   NOT NULL,
  kind           TEXT   NOT NULL,
  stack_level    BIGINT NOT NULL,
  transaction_id TEXT   NOT NULL,
  payload        TEXT   NOT NULL,
  seen_at        BIGINT NOT NULL,
  PRIMARY KEY (station, evse, profile, source)
);

-- Limits that came to a station from elsewhere (NotifyChargingLimit), until
-- it says that they are gone.
CREATE TABLE device_charging_limit (
  station          TEXT    NOT NULL,
  evse             BIGINT  NOT NULL,
  source           TEXT    NOT NULL,
  org              TEXT    NOT NULL,
  site             TEXT    NOT NULL,
  local_generation BOOLEAN NOT NULL,
  grid_critical    BOOLEAN NOT NULL,
  schedule         TEXT    NOT NULL,
  since            BIGINT  NOT NULL,
  PRIMARY KEY (station, evse, source)
);

-- Stations whose clock is wrong, and since when; told: a fact says so.
CREATE TABLE device_clock (
  station TEXT    NOT NULL PRIMARY KEY,
  org     TEXT    NOT NULL,
  site    TEXT    NOT NULL,
  since   BIGINT  NOT NULL,
  told    BOOLEAN NOT NULL
);

CREATE INDEX device_variable_history_time ON device_variable_history (at);
CREATE INDEX device_boot_time ON device_boot (at);
