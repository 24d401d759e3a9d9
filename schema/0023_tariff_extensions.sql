-- +goose Up
-- Room tariff: what sessions used up of allowances.

-- What sessions took of allowances and of day caps, by whom: a driver, else a
-- token. A session's rows are written anew each time it is settled.
CREATE TABLE tariff_allowance (
    session  TEXT   NOT NULL,
    kind     TEXT   NOT NULL, -- day, month, plan; spent: towards a day cap
    key      TEXT   NOT NULL, -- the local day or month, or plan
    org      TEXT   NOT NULL,
    tariff   TEXT   NOT NULL REFERENCES tariff (uid),
    holder   TEXT   NOT NULL,
    energy   BIGINT NOT NULL, -- mWh
    duration BIGINT NOT NULL, -- µs
    excl     BIGINT NOT NULL, -- micro-units
    incl     BIGINT NOT NULL,
    PRIMARY KEY (session, kind, key)
);
CREATE INDEX tariff_allowance_holder ON tariff_allowance (tariff, holder, key);
