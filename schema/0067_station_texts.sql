-- +goose Up
-- Room station: what PostgreSQL has to know of a text anywhere in a name.

-- A filter "contains" compares lower(column), of which there are no statistics
-- unless asked for. With a guess in their place, a text that nothing contains
-- was looked for along the whole index of the order, row by row.
-- +postgres
CREATE STATISTICS charging_station_lower_name ON (lower(name)) FROM charging_station;
CREATE STATISTICS charging_station_lower_site_name ON (lower(site_name)) FROM charging_station;
CREATE STATISTICS charging_station_lower_vendor ON (lower(vendor)) FROM charging_station;
CREATE STATISTICS charging_station_lower_model ON (lower(model)) FROM charging_station;
CREATE STATISTICS charging_station_lower_serial ON (lower(serial)) FROM charging_station;
CREATE STATISTICS charging_station_lower_firmware ON (lower(firmware)) FROM charging_station;
CREATE STATISTICS charging_station_lower_protocol ON (lower(protocol)) FROM charging_station;
ANALYZE charging_station;
-- +end
-- +sqlite
SELECT 1;
-- +end
