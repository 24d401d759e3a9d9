-- +goose Up
-- Room tariff: a version can be written before it holds.

ALTER TABLE tariff_version ADD COLUMN valid_from BIGINT NOT NULL DEFAULT 0; -- since when it holds
UPDATE tariff_version SET valid_from = created_at;
