-- +goose Up

-- Which connector of which EVSE each 1.6 connector is (field note 12). The
-- latest row of a station counts; earlier ones tell what its history means.
-- places is JSON; empty: what its model says.
CREATE TABLE station_connector_map (
  station TEXT   NOT NULL,
  since   BIGINT NOT NULL,
  org     TEXT   NOT NULL,
  places  TEXT   NOT NULL,
  actor   TEXT   NOT NULL,
  PRIMARY KEY (station, since)
);

-- What stations of a model have unless somebody says otherwise. vendor and
-- model are compared without case; * stands for any text.
CREATE TABLE model_connector_map (
  id         TEXT   NOT NULL PRIMARY KEY,
  org        TEXT   NOT NULL,
  vendor     TEXT   NOT NULL,
  model      TEXT   NOT NULL,
  places     TEXT   NOT NULL,
  note       TEXT   NOT NULL,
  actor      TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (org, vendor, model)
);

-- The 1.6 connector of a session, which stays its own when the map changes.
ALTER TABLE session ADD COLUMN wire_connector BIGINT NOT NULL DEFAULT 0;
