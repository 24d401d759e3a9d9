-- +goose Up
-- Room station: a station comes, goes and is heard of without writing an index.

-- PostgreSQL writes a row anew in its page and no index (HOT) when no indexed
-- column changes. These two changed with every connection, every gap and most
-- signs of life, and each time all twelve indexes of the table were written.
-- The sweeps that used them come by every few seconds and read the table.
-- SQLite writes only the indexes whose columns changed; it keeps them.
-- +postgres
DROP INDEX charging_station_silent;
DROP INDEX charging_station_gone;
-- +end
-- +sqlite
SELECT 1;
-- +end
