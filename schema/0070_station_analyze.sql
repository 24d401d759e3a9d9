-- +goose Up

-- Signs of life and statuses rewrite these rows all day without changing what
-- a plan depends on: looked at anew after a twentieth of the rows was written,
-- 100,000 stations were sampled every minute, for a second of a core. Imports
-- have their tables looked at by themselves.
-- +postgres
ALTER TABLE charging_station SET (autovacuum_analyze_scale_factor = 2);
ALTER TABLE evse SET (autovacuum_analyze_scale_factor = 2);
ALTER TABLE connector SET (autovacuum_analyze_scale_factor = 2);
-- +end
-- +sqlite
SELECT 1;
-- +end
