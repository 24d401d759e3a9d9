-- +goose Up
-- Room session: real-world rules.

ALTER TABLE session ADD COLUMN limit_at BIGINT; -- when the allotted time or energy was used up
ALTER TABLE session ADD COLUMN tariff_id TEXT NOT NULL DEFAULT ''; -- OCPI id of the tariff whose version is locked
ALTER TABLE session ADD COLUMN tariff_number BIGINT NOT NULL DEFAULT 0;

-- A station that learns a new version counts its transactions in its own way:
-- the numbers we gave it under 1.6 and its own ids under 2.x are two series.
DROP INDEX session_transaction;
CREATE UNIQUE INDEX session_transaction ON session (station, transaction_id, incarnation, (CASE WHEN protocol = '1.6' THEN 0 ELSE 1 END));

ALTER TABLE meter_sample ADD COLUMN current_sum_ma BIGINT; -- over the phases
ALTER TABLE session_interval ADD COLUMN min_power_w BIGINT NOT NULL DEFAULT 0; -- 0: not measured
ALTER TABLE session_interval ADD COLUMN min_current_ma BIGINT NOT NULL DEFAULT 0; -- sum over the phases
ALTER TABLE session_interval ADD COLUMN max_current_ma BIGINT NOT NULL DEFAULT 0;
