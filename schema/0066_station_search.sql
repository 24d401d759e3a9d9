-- +goose Up
-- Room station: a search for a text reads an index, not the table.

-- What a search looks at, as SQLite has it since 0055: an eighth of the table,
-- and nothing of a row has to be unpacked. None of its columns changes with a
-- status or a sign of life, so those still write no index (HOT).
-- +postgres
-- An index takes no more than 2,700 bytes of a row.
UPDATE charging_station SET search = left(search, 500) WHERE octet_length(search) > 2000;
DROP INDEX charging_station_org;
CREATE INDEX charging_station_org ON charging_station (org, key, life, search);
-- +end
-- +sqlite
SELECT 1;
-- +end
