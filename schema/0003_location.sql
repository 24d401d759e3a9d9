-- +goose Up

-- A place where stations stand. Coordinates are text: their digits are data.
CREATE TABLE site (
  id             TEXT NOT NULL PRIMARY KEY,
  org            TEXT NOT NULL,
  name           TEXT NOT NULL,
  street         TEXT NOT NULL,
  city           TEXT NOT NULL,
  postal_code    TEXT NOT NULL,
  country        TEXT NOT NULL,
  latitude       TEXT NOT NULL,
  longitude      TEXT NOT NULL,
  time_zone      TEXT NOT NULL,
  currency       TEXT NOT NULL,
  supply_phases  BIGINT NOT NULL,
  supply_voltage BIGINT NOT NULL,
  supply_current BIGINT NOT NULL,
  search         TEXT NOT NULL,
  created_at     BIGINT NOT NULL,
  changed_at     BIGINT NOT NULL
);
CREATE INDEX site_org_name ON site (org, name, id);
CREATE INDEX site_created ON site (created_at, id);
