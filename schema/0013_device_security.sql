-- Security profiles of stations and the moves between them.
-- Owners: station (charging_station, knocking_station), device (device_upgrade).

-- +goose Up
ALTER TABLE charging_station ADD COLUMN proven BIGINT NOT NULL DEFAULT 0; -- the highest profile it connected with; below it only with leave
ALTER TABLE charging_station ADD COLUMN link_profile BIGINT NOT NULL DEFAULT 0; -- of the last connection
ALTER TABLE knocking_station ADD COLUMN detail TEXT NOT NULL DEFAULT '';

-- One row per station: its last move to another profile, or change of password.
CREATE TABLE device_upgrade (
  station     TEXT   NOT NULL PRIMARY KEY,
  org         TEXT   NOT NULL,
  site        TEXT   NOT NULL,
  kind        TEXT   NOT NULL,
  target      BIGINT NOT NULL,
  origin      BIGINT NOT NULL,
  step        TEXT   NOT NULL,
  reason      TEXT   NOT NULL,
  attempts    BIGINT NOT NULL,
  nonce       TEXT   NOT NULL, -- of the password; the password itself is nowhere
  slot        BIGINT NOT NULL,
  priority    TEXT   NOT NULL, -- NetworkConfigurationPriority before the move
  options     TEXT   NOT NULL,
  epoch       BIGINT NOT NULL, -- the connection over which the station was told
  actor       TEXT   NOT NULL,
  created_at  BIGINT NOT NULL,
  step_at     BIGINT NOT NULL,
  next_at     BIGINT NOT NULL,
  deadline_at BIGINT NOT NULL,
  finished_at BIGINT
);
CREATE INDEX device_upgrade_due ON device_upgrade (next_at) WHERE finished_at IS NULL;
CREATE INDEX device_upgrade_org ON device_upgrade (org, created_at, station);
