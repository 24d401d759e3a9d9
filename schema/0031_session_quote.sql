-- +goose Up
-- Room session: what was promised at the start.

-- What a driver was shown when the session began: the formula of its price.
CREATE TABLE session_quote (
    session    TEXT   NOT NULL PRIMARY KEY,
    org        TEXT   NOT NULL,
    version    TEXT   NOT NULL, -- of the tariff
    quote      TEXT   NOT NULL, -- JSON: session.Quote
    created_at BIGINT NOT NULL
);
