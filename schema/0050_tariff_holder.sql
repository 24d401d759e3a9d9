-- +goose Up
-- Room tariff: allowance holders.

-- The row that those who settle sessions of one driver under one tariff take,
-- so that no two of them use the same allowance.
CREATE TABLE tariff_holder (
    tariff  TEXT   NOT NULL REFERENCES tariff (uid),
    holder  TEXT   NOT NULL,
    org     TEXT   NOT NULL,
    settled BIGINT NOT NULL, -- sessions so far, repetitions included
    PRIMARY KEY (tariff, holder)
);
