-- +goose Up
-- Room job: work that nobody waits for.

-- background marks a job that nobody waits for, such as the reading of a
-- station after its boot: it is done when the node has time for it, a few at
-- a time, and never before one that somebody waits for.
ALTER TABLE job ADD COLUMN background BOOLEAN NOT NULL DEFAULT FALSE;
DROP INDEX job_due;
CREATE INDEX job_due ON job (background, run_at) WHERE state <> 'failed';
