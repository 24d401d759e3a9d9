-- +goose Up
-- Room session: the tariffs that stations compute with.

-- The default tariff that each EVSE of a 2.1 station was last sent.
CREATE TABLE session_tariff (
    station TEXT   NOT NULL,
    evse    BIGINT NOT NULL, -- 0: a station whose EVSEs nobody has described
    org     TEXT   NOT NULL,
    version TEXT   NOT NULL, -- tariff version or snapshot; empty: none
    sent_at BIGINT NOT NULL,
    PRIMARY KEY (station, evse)
);
