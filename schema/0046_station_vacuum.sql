-- +goose Up

-- Rows that signs of life and statuses change all day: room in their pages for
-- the next version, so that no index is written (HOT), and a vacuum before the
-- dead ones pile up.
-- +postgres
ALTER TABLE charging_station SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE evse SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE connector SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
-- +end
-- +sqlite
SELECT 1;
-- +end
