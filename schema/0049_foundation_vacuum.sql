-- +goose Up

-- Few rows that change many times a second (cursors), and a queue whose rows
-- come and go (jobs): vacuum by number, not by share, or they bloat between
-- two looks.
-- +postgres
ALTER TABLE fact_cursor SET (fillfactor = 50, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0);
ALTER TABLE job SET (fillfactor = 70, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
-- +end
-- +sqlite
SELECT 1;
-- +end
