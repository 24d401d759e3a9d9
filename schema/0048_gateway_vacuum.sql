-- +goose Up

-- One row for each station, rewritten by every connect and disconnect.
-- +postgres
ALTER TABLE connection SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE gateway_node SET (fillfactor = 50);
-- +end
-- +sqlite
SELECT 1;
-- +end
