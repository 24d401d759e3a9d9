-- +goose Up
-- Room station: what an index costs the changes of a station on PostgreSQL.

-- Every change of status wrote all thirteen indexes anew, because one of them
-- held the status (19 of 20 changes under load). Without it such a change
-- writes none (HOT); a list of the stations of one status reads the table. The
-- others now serve the orders of the list.
-- +postgres
DROP INDEX charging_station_status;
DROP INDEX charging_station_org;
DROP INDEX charging_station_site;
DROP INDEX charging_station_created;
CREATE INDEX charging_station_org ON charging_station (org, key);
CREATE INDEX charging_station_site ON charging_station (site, key);
CREATE INDEX charging_station_created ON charging_station (created_at, key);
-- +end
-- +sqlite
SELECT 1;
-- +end
