-- +goose Up
-- Room tariff: who pays what, market rules, dynamic prices, changes in bulk,
-- back-tests.

-- A group says which tariff each audience has at the places it is bound to.
CREATE TABLE tariff_group (
    id         TEXT    NOT NULL PRIMARY KEY,
    org        TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    name_key   TEXT    NOT NULL, -- lower case
    closed     BOOLEAN NOT NULL, -- nothing less specific is looked at
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL,
    UNIQUE (org, name_key)
);

-- Where a group holds. target as in tariff_assignment. Rows are ended, not
-- changed, so that any past decision can be repeated.
CREATE TABLE tariff_group_place (
    id         TEXT   NOT NULL PRIMARY KEY,
    org        TEXT   NOT NULL, -- of the place
    tgroup     TEXT   NOT NULL REFERENCES tariff_group (id),
    site       TEXT   NOT NULL,
    station    TEXT   NOT NULL,
    evse       BIGINT NOT NULL,
    level      BIGINT NOT NULL,
    target     TEXT   NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to   BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL
);
CREATE INDEX tariff_group_place_target ON tariff_group_place (target, valid_from);
CREATE INDEX tariff_group_place_group ON tariff_group_place (tgroup, valid_from);

-- What an audience pays in a group. Ended, not changed.
CREATE TABLE tariff_group_entry (
    id         TEXT   NOT NULL PRIMARY KEY,
    org        TEXT   NOT NULL, -- of the group
    tgroup     TEXT   NOT NULL REFERENCES tariff_group (id),
    audience   TEXT   NOT NULL, -- partner, fleet, subscription, driver_group, roaming, ad_hoc, default
    ref        TEXT   NOT NULL, -- which one of that audience; empty: any
    position   BIGINT NOT NULL, -- among entries of one audience the lower comes first
    tariff     TEXT   NOT NULL REFERENCES tariff (uid),
    valid_from BIGINT NOT NULL,
    valid_to   BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL
);
CREATE INDEX tariff_group_entry_group ON tariff_group_entry (tgroup, valid_from);
CREATE INDEX tariff_group_entry_tariff ON tariff_group_entry (tariff);

-- Who belongs to an audience: a token (its match key) or a driver.
CREATE TABLE tariff_member (
    id         TEXT   NOT NULL PRIMARY KEY,
    org        TEXT   NOT NULL,
    audience   TEXT   NOT NULL, -- partner, fleet, subscription, driver_group
    ref        TEXT   NOT NULL,
    kind       TEXT   NOT NULL, -- token, driver
    member     TEXT   NOT NULL, -- token: match key; driver: id
    shown      TEXT   NOT NULL, -- as it was given
    valid_from BIGINT NOT NULL,
    valid_to   BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL
);
CREATE INDEX tariff_member_member ON tariff_member (member, kind, valid_from);
CREATE INDEX tariff_member_ref ON tariff_member (org, audience, ref);

-- A price promised to one token: comes before everything else.
CREATE TABLE tariff_override (
    id         TEXT   NOT NULL PRIMARY KEY,
    org        TEXT   NOT NULL, -- of the place
    site       TEXT   NOT NULL,
    station    TEXT   NOT NULL,
    evse       BIGINT NOT NULL,
    level      BIGINT NOT NULL,
    target     TEXT   NOT NULL,
    token      TEXT   NOT NULL, -- match key
    shown      TEXT   NOT NULL,
    tariff     TEXT   NOT NULL REFERENCES tariff (uid),
    reason     TEXT   NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to   BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL
);
CREATE INDEX tariff_override_token ON tariff_override (token, target);

-- What a version with dynamic prices said when a session took it. Never
-- changed; the id is made from the content.
CREATE TABLE tariff_snapshot (
    id         TEXT   NOT NULL PRIMARY KEY,
    org        TEXT   NOT NULL,
    version    TEXT   NOT NULL REFERENCES tariff_version (id),
    ocpi       TEXT   NOT NULL,
    source     TEXT   NOT NULL, -- series, formula and points it was made from
    created_at BIGINT NOT NULL
);
CREATE INDEX tariff_snapshot_version ON tariff_snapshot (version);

-- Prices of electricity over time.
CREATE TABLE tariff_series (
    id         TEXT   NOT NULL PRIMARY KEY,
    org        TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    currency   TEXT   NOT NULL,
    minutes    BIGINT NOT NULL, -- length of an interval: 15, 30 or 60
    source     TEXT   NOT NULL,
    last_at    BIGINT, -- end of the newest interval
    fed_at     BIGINT,
    late_at    BIGINT, -- since when it is told to be late
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX tariff_series_org ON tariff_series (org, name);

CREATE TABLE tariff_series_point (
    series   TEXT   NOT NULL REFERENCES tariff_series (id),
    start_at BIGINT NOT NULL,
    org      TEXT   NOT NULL,
    price    BIGINT NOT NULL, -- micro-units per kWh; may be negative
    told_at  BIGINT NOT NULL,
    PRIMARY KEY (series, start_at)
);

-- How a tariff's energy price follows a series, from an instant on. Never
-- changed: the newest row that is not later than the session's start counts.
CREATE TABLE tariff_dynamic (
    id         TEXT   NOT NULL PRIMARY KEY,
    org        TEXT   NOT NULL,
    tariff     TEXT   NOT NULL REFERENCES tariff (uid),
    series     TEXT   NOT NULL, -- empty: follows none any more
    formula    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL
);
CREATE INDEX tariff_dynamic_tariff ON tariff_dynamic (tariff, created_at);

-- Which market rules hold for a site, where it is not simply its country's.
CREATE TABLE tariff_site_market (
    site       TEXT    NOT NULL PRIMARY KEY,
    org        TEXT    NOT NULL,
    profiles   TEXT    NOT NULL, -- JSON list; null: by country
    is_public  BOOLEAN NOT NULL,
    updated_at BIGINT  NOT NULL,
    updated_by TEXT    NOT NULL
);
CREATE INDEX tariff_site_market_org ON tariff_site_market (org);

-- Rules that an organisation adds to those we know.
CREATE TABLE tariff_market_profile (
    org        TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    profile    TEXT   NOT NULL, -- JSON
    updated_at BIGINT NOT NULL,
    updated_by TEXT   NOT NULL,
    PRIMARY KEY (org, id)
);

-- Changes of many prices at once.
CREATE TABLE tariff_change (
    id          TEXT    NOT NULL PRIMARY KEY,
    org         TEXT    NOT NULL,
    title       TEXT    NOT NULL,
    request     TEXT    NOT NULL, -- filter and change
    status      TEXT    NOT NULL, -- draft, waiting, scheduled, running, applied, failed, rolling_back, rolled_back, cancelled
    approval    BOOLEAN NOT NULL, -- a second person must approve
    total       BIGINT  NOT NULL, -- items
    done        BIGINT  NOT NULL,
    failed      BIGINT  NOT NULL,
    evses       BIGINT  NOT NULL,
    apply_at    BIGINT,
    created_at  BIGINT  NOT NULL,
    created_by  TEXT    NOT NULL,
    approved_at BIGINT,
    approved_by TEXT    NOT NULL,
    started_at  BIGINT,
    finished_at BIGINT
);
CREATE INDEX tariff_change_org ON tariff_change (org, created_at);

CREATE TABLE tariff_change_item (
    change  TEXT   NOT NULL REFERENCES tariff_change (id),
    seq     BIGINT NOT NULL,
    org     TEXT   NOT NULL,
    kind    TEXT   NOT NULL, -- version, assign
    target  TEXT   NOT NULL, -- version: tariff uid; assign: target of the place
    state   TEXT   NOT NULL, -- planned, applied, failed, rolled_back
    plan    TEXT   NOT NULL, -- what is to be done, before and after
    undo    TEXT   NOT NULL, -- what takes it back
    problem TEXT   NOT NULL,
    PRIMARY KEY (change, seq)
);

-- Every settled session's usage, to be priced again under another tariff.
CREATE TABLE tariff_usage (
    session    TEXT   NOT NULL PRIMARY KEY,
    org        TEXT   NOT NULL,
    site       TEXT   NOT NULL,
    station    TEXT   NOT NULL,
    evse       BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    revision   BIGINT NOT NULL,
    zone       TEXT   NOT NULL,
    currency   TEXT   NOT NULL,
    version    TEXT   NOT NULL, -- tariff version or snapshot; empty: none
    tgroup     TEXT   NOT NULL, -- tariff group that gave the price; empty: an assignment or none
    audience   TEXT   NOT NULL,
    excl       BIGINT NOT NULL,
    incl       BIGINT NOT NULL,
    energy     BIGINT NOT NULL, -- mWh
    usage      TEXT   NOT NULL -- packed
);
CREATE INDEX tariff_usage_org ON tariff_usage (org, started_at, session);
CREATE INDEX tariff_usage_site ON tariff_usage (site, started_at, session);

CREATE TABLE tariff_backtest (
    id          TEXT   NOT NULL PRIMARY KEY,
    org         TEXT   NOT NULL,
    title       TEXT   NOT NULL,
    request     TEXT   NOT NULL,
    status      TEXT   NOT NULL, -- waiting, running, done, failed
    total       BIGINT NOT NULL,
    done        BIGINT NOT NULL,
    result      TEXT   NOT NULL,
    problem     TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    created_by  TEXT   NOT NULL,
    started_at  BIGINT,
    finished_at BIGINT
);
CREATE INDEX tariff_backtest_org ON tariff_backtest (org, created_at);
