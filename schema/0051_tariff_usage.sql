-- +goose Up
-- Room tariff: who charged and where, for back-tests.

ALTER TABLE tariff_usage ADD COLUMN rated BIGINT NOT NULL DEFAULT 0; -- W, of the EVSE; 0: not known
ALTER TABLE tariff_usage ADD COLUMN driver_groups TEXT NOT NULL DEFAULT ''; -- JSON list; empty: none
