-- +goose Up
-- Room tariff: tariffs, their versions, and where they apply.

-- A tariff by its OCPI id; id_key is that in lower case, unique within the
-- organisation. What it says is in its versions.
CREATE TABLE tariff (
    uid        TEXT   NOT NULL PRIMARY KEY,
    org        TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    id_key     TEXT   NOT NULL,
    currency   TEXT   NOT NULL,
    status     TEXT   NOT NULL, -- active, retired
    version    BIGINT NOT NULL, -- the newest
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    retired_at BIGINT,
    UNIQUE (org, id_key)
);

-- Never changed after it was written: a price can be repeated years later.
CREATE TABLE tariff_version (
    id         TEXT   NOT NULL PRIMARY KEY,
    org        TEXT   NOT NULL,
    tariff     TEXT   NOT NULL REFERENCES tariff (uid),
    version    BIGINT NOT NULL,
    ocpi       TEXT   NOT NULL, -- the OCPI object
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL,
    UNIQUE (tariff, version)
);

-- Where a tariff applies. target is level/key: organisation/…, site/…,
-- station/… (lower case), evse/<station>/<n>. Two assignments of one target
-- never overlap in time; valid_from 0 is since ever.
CREATE TABLE tariff_assignment (
    id         TEXT   NOT NULL PRIMARY KEY,
    org        TEXT   NOT NULL, -- of the target
    site       TEXT   NOT NULL,
    station    TEXT   NOT NULL,
    evse       BIGINT NOT NULL,
    level      BIGINT NOT NULL, -- 1 organisation, 2 site, 3 station, 4 EVSE
    target     TEXT   NOT NULL,
    tariff     TEXT   NOT NULL REFERENCES tariff (uid),
    valid_from BIGINT NOT NULL,
    valid_to   BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL
);
CREATE INDEX tariff_assignment_target ON tariff_assignment (target, valid_from);
CREATE INDEX tariff_assignment_org ON tariff_assignment (org, created_at);
CREATE INDEX tariff_assignment_tariff ON tariff_assignment (tariff);
