-- +goose Up

-- One charging station, with everything a list of 100,000 of them filters and
-- sorts by on the row itself. id is shown as created, key compares without case.
CREATE TABLE charging_station (
  id              TEXT    NOT NULL PRIMARY KEY,
  key             TEXT    NOT NULL UNIQUE,
  org             TEXT    NOT NULL,
  site            TEXT    NOT NULL,
  site_name       TEXT    NOT NULL,
  name            TEXT    NOT NULL,
  life            TEXT    NOT NULL,
  profile         BIGINT  NOT NULL,
  password        TEXT    NOT NULL,
  password_next   TEXT    NOT NULL,
  password_shared BOOLEAN NOT NULL,
  vendor          TEXT    NOT NULL,
  model           TEXT    NOT NULL,
  serial          TEXT    NOT NULL,
  firmware        TEXT    NOT NULL,
  iccid           TEXT    NOT NULL,
  imsi            TEXT    NOT NULL,
  protocol        TEXT    NOT NULL,
  incarnation     TEXT    NOT NULL,
  connected       BOOLEAN NOT NULL,
  epoch           BIGINT  NOT NULL,
  remote_addr     TEXT    NOT NULL,
  connected_at    BIGINT,
  disconnected_at BIGINT,
  last_seen_at    BIGINT,
  silent_at       BIGINT  NOT NULL,
  booted_at       BIGINT,
  heartbeat       BIGINT  NOT NULL,
  announced       BOOLEAN NOT NULL,
  report          TEXT    NOT NULL,
  operative       BOOLEAN NOT NULL,
  status          TEXT    NOT NULL,
  status_since    BIGINT  NOT NULL,
  in_use          BOOLEAN NOT NULL,
  suspect         BOOLEAN NOT NULL,
  skew            BIGINT  NOT NULL,
  quarantined_at  BIGINT,
  search          TEXT    NOT NULL,
  created_at      BIGINT  NOT NULL,
  activated_at    BIGINT,
  retired_at      BIGINT
);
CREATE INDEX charging_station_org ON charging_station (org, id);
CREATE INDEX charging_station_site ON charging_station (site, id);
CREATE INDEX charging_station_status ON charging_station (status, id);
CREATE INDEX charging_station_created ON charging_station (created_at, id);
-- The sweeps read only what may need them.
CREATE INDEX charging_station_silent ON charging_station (silent_at) WHERE connected;
CREATE INDEX charging_station_gone ON charging_station (disconnected_at) WHERE NOT announced;

-- A port: one car at a time.
CREATE TABLE evse (
  station    TEXT    NOT NULL,
  evse       BIGINT  NOT NULL,
  org        TEXT    NOT NULL,
  site       TEXT    NOT NULL,
  label      TEXT    NOT NULL,
  operative  BOOLEAN NOT NULL,
  report     TEXT    NOT NULL,
  report_at  BIGINT  NOT NULL,
  sibling    BOOLEAN NOT NULL,
  use_state  TEXT    NOT NULL,
  session    TEXT    NOT NULL,
  power      BIGINT  NOT NULL,
  energised  BOOLEAN NOT NULL,
  hold       TEXT    NOT NULL,
  hold_ref   TEXT    NOT NULL,
  failed     BIGINT  NOT NULL,
  status     TEXT    NOT NULL,
  ocpi       TEXT    NOT NULL,
  in_use     BOOLEAN NOT NULL,
  suspect    BOOLEAN NOT NULL,
  since      BIGINT  NOT NULL,
  changed_at BIGINT  NOT NULL,
  max_power  BIGINT  NOT NULL,
  edited     BOOLEAN NOT NULL,
  removed_at BIGINT,
  PRIMARY KEY (station, evse)
);

CREATE TABLE connector (
  station      TEXT   NOT NULL,
  evse         BIGINT NOT NULL,
  connector    BIGINT NOT NULL,
  org          TEXT   NOT NULL,
  type         TEXT   NOT NULL,
  format       TEXT   NOT NULL,
  power_type   TEXT   NOT NULL,
  max_power    BIGINT NOT NULL,
  report       TEXT   NOT NULL,
  reported_at  BIGINT NOT NULL,
  error_code   TEXT   NOT NULL,
  vendor_error TEXT   NOT NULL,
  info         TEXT   NOT NULL,
  PRIMARY KEY (station, evse, connector)
);

-- Every state a port took, from its instant on. The row before any instant
-- tells the state at that instant.
CREATE TABLE evse_status (
  station TEXT    NOT NULL,
  evse    BIGINT  NOT NULL,
  at      BIGINT  NOT NULL,
  org     TEXT    NOT NULL,
  site    TEXT    NOT NULL,
  status  TEXT    NOT NULL,
  ocpi    TEXT    NOT NULL,
  in_use  BOOLEAN NOT NULL,
  suspect BOOLEAN NOT NULL,
  session TEXT    NOT NULL,
  error   TEXT    NOT NULL,
  PRIMARY KEY (station, evse, at)
);

-- What each port was activated with, over time (evse 0: ports yet unknown).
CREATE TABLE port_plan (
  station  TEXT   NOT NULL,
  evse     BIGINT NOT NULL,
  from_at  BIGINT NOT NULL,
  org      TEXT   NOT NULL,
  plan     TEXT   NOT NULL,
  until_at BIGINT,
  PRIMARY KEY (station, evse, from_at)
);

-- The devices that used the id of a station, told apart by serial number.
CREATE TABLE station_incarnation (
  station     TEXT   NOT NULL,
  serial      TEXT   NOT NULL,
  org         TEXT   NOT NULL,
  vendor      TEXT   NOT NULL,
  model       TEXT   NOT NULL,
  firmware    TEXT   NOT NULL,
  first_at    BIGINT NOT NULL,
  last_at     BIGINT NOT NULL,
  PRIMARY KEY (station, serial)
);

-- When the device behind an id changed; to and fro means two devices.
CREATE TABLE station_switch (
  station TEXT   NOT NULL,
  at      BIGINT NOT NULL,
  org     TEXT   NOT NULL,
  serial  TEXT   NOT NULL,
  PRIMARY KEY (station, at)
);

CREATE TABLE station_deviation (
  station  TEXT   NOT NULL,
  code     TEXT   NOT NULL,
  org      TEXT   NOT NULL,
  action   TEXT   NOT NULL,
  detail   TEXT   NOT NULL,
  count    BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at  BIGINT NOT NULL,
  PRIMARY KEY (station, code)
);

CREATE TABLE station_command (
  id          TEXT    NOT NULL PRIMARY KEY,
  station     TEXT    NOT NULL,
  org         TEXT    NOT NULL,
  site        TEXT    NOT NULL,
  action      TEXT    NOT NULL,
  payload     TEXT    NOT NULL,
  raw         BOOLEAN NOT NULL,
  status      TEXT    NOT NULL,
  response    TEXT    NOT NULL,
  error       TEXT    NOT NULL,
  created_at  BIGINT  NOT NULL,
  sent_at     BIGINT,
  finished_at BIGINT,
  verified_at BIGINT,
  deadline_at BIGINT  NOT NULL,
  actor       TEXT    NOT NULL,
  actor_name  TEXT    NOT NULL,
  reason      TEXT    NOT NULL
);
CREATE INDEX station_command_station ON station_command (station, created_at, id);
CREATE INDEX station_command_org ON station_command (org, created_at, id);
CREATE INDEX station_command_open ON station_command (deadline_at) WHERE finished_at IS NULL;

-- Tokens made up for a remote start without one; authorising accepts them
-- at their station until they expire.
CREATE TABLE adhoc_token (
  token      TEXT   NOT NULL PRIMARY KEY,
  station    TEXT   NOT NULL,
  org        TEXT   NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE TABLE station_number (
  name TEXT   NOT NULL PRIMARY KEY,
  org  TEXT   NOT NULL,
  next BIGINT NOT NULL
);

-- Stations that knocked and that nobody knows; bounded.
CREATE TABLE knocking_station (
  key         TEXT   NOT NULL PRIMARY KEY,
  id          TEXT   NOT NULL,
  org         TEXT   NOT NULL,
  first_at    BIGINT NOT NULL,
  last_at     BIGINT NOT NULL,
  count       BIGINT NOT NULL,
  remote_addr TEXT   NOT NULL,
  user_agent  TEXT   NOT NULL,
  protocols   TEXT   NOT NULL,
  reason      TEXT   NOT NULL
);
CREATE INDEX knocking_station_last ON knocking_station (last_at);

CREATE TABLE enrolment_window (
  id           TEXT   NOT NULL PRIMARY KEY,
  org          TEXT   NOT NULL,
  site         TEXT   NOT NULL,
  label        TEXT   NOT NULL,
  opens_at     BIGINT NOT NULL,
  closes_at    BIGINT NOT NULL,
  max_stations BIGINT NOT NULL,
  used         BIGINT NOT NULL,
  token        TEXT   NOT NULL,
  actor        TEXT   NOT NULL,
  created_at   BIGINT NOT NULL
);
CREATE INDEX enrolment_window_org ON enrolment_window (org, created_at, id);
