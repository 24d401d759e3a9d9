-- +goose Up

-- A running session is rewritten by every reading, which changes no indexed
-- column: with room in its page no index is written (HOT).
-- +postgres
ALTER TABLE session SET (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
-- +end
-- +sqlite
SELECT 1;
-- +end
