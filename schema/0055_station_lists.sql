-- +goose Up
-- Room station: a list of 100,000 stations in any order with any filter.

-- SQLite reads a list either along the index of its order or from the few
-- rows that fit (see ListSpec.Probe), so every order has an index. Its planner
-- is told once and for all what such a table looks like: with guesses of its
-- own it takes the index of the organisation for a good one and sorts all.
-- Measured over what the tables of one installation hold, plans would differ
-- from one installation to the next, and from one day to the next.
-- +sqlite
DROP INDEX charging_station_org;
DROP INDEX charging_station_site;
DROP INDEX charging_station_status;
DROP INDEX charging_station_created;
-- The scope of the caller, with all that a search for a text looks at.
CREATE INDEX charging_station_org ON charging_station (org, key, life, search);
CREATE INDEX charging_station_site ON charging_station (site, key);
CREATE INDEX charging_station_site_name ON charging_station (site_name, key);
CREATE INDEX charging_station_name ON charging_station (name, key);
CREATE INDEX charging_station_profile ON charging_station (profile, key);
CREATE INDEX charging_station_vendor ON charging_station (vendor, key);
CREATE INDEX charging_station_model ON charging_station (model, key);
CREATE INDEX charging_station_serial ON charging_station (serial, key);
CREATE INDEX charging_station_firmware ON charging_station (firmware, key);
CREATE INDEX charging_station_protocol ON charging_station (protocol, key);
CREATE INDEX charging_station_connected ON charging_station (connected, key);
CREATE INDEX charging_station_status ON charging_station (status, key);
CREATE INDEX charging_station_status_since ON charging_station (status_since, key);
CREATE INDEX charging_station_in_use ON charging_station (in_use, key);
CREATE INDEX charging_station_suspect ON charging_station (suspect, key);
CREATE INDEX charging_station_last_seen_at ON charging_station (last_seen_at, key);
CREATE INDEX charging_station_connected_at ON charging_station (connected_at, key);
CREATE INDEX charging_station_created_at ON charging_station (created_at, key);
ANALYZE charging_station;
DELETE FROM sqlite_stat1 WHERE tbl = 'charging_station';
DELETE FROM sqlite_stat4 WHERE tbl = 'charging_station';
-- Rows, then rows with the same first column, and so on.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('charging_station', 'sqlite_autoindex_charging_station_1', '100000 1'),
  ('charging_station', 'sqlite_autoindex_charging_station_2', '100000 1'),
  ('charging_station', 'charging_station_org', '100000 1000 1 1 1'),
  ('charging_station', 'charging_station_site', '100000 50 1'),
  ('charging_station', 'charging_station_site_name', '100000 50 1'),
  ('charging_station', 'charging_station_name', '100000 20 1'),
  ('charging_station', 'charging_station_profile', '100000 20000 1'),
  ('charging_station', 'charging_station_vendor', '100000 10000 1'),
  ('charging_station', 'charging_station_model', '100000 2000 1'),
  ('charging_station', 'charging_station_serial', '100000 2 1'),
  ('charging_station', 'charging_station_firmware', '100000 5000 1'),
  ('charging_station', 'charging_station_protocol', '100000 20000 1'),
  ('charging_station', 'charging_station_connected', '100000 20000 1'),
  ('charging_station', 'charging_station_status', '100000 15000 1'),
  ('charging_station', 'charging_station_status_since', '100000 2 1'),
  ('charging_station', 'charging_station_in_use', '100000 20000 1'),
  ('charging_station', 'charging_station_suspect', '100000 20000 1'),
  ('charging_station', 'charging_station_last_seen_at', '100000 2 1'),
  ('charging_station', 'charging_station_connected_at', '100000 2 1'),
  ('charging_station', 'charging_station_created_at', '100000 20 1'),
  ('charging_station', 'charging_station_silent', '1000 2'),
  ('charging_station', 'charging_station_gone', '1000 2');
ANALYZE sqlite_schema;
-- +end

-- PostgreSQL scans the table for the rest; its indexes cost every change of a
-- row, also of columns that they do not hold.
-- +postgres
CREATE INDEX charging_station_name ON charging_station (name, key);
CREATE INDEX charging_station_site_name ON charging_station (site_name, key);
CREATE INDEX charging_station_vendor ON charging_station (vendor, key);
CREATE INDEX charging_station_model ON charging_station (model, key);
CREATE INDEX charging_station_serial ON charging_station (serial, key);
-- +end
