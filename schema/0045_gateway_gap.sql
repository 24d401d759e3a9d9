-- +goose Up

-- When the message log was thinned out under pressure, by which node, and how
-- many frames were left out: the page that shows the log says so.
CREATE TABLE message_gap (
    node    TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at   BIGINT NOT NULL,
    frames  BIGINT NOT NULL,
    PRIMARY KEY (node, from_at)
);
CREATE INDEX message_gap_to ON message_gap (to_at);
