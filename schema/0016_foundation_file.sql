-- Package foundation/file: files kept in the database, so that every node can
-- serve them.
-- +goose Up
CREATE TABLE stored_file (
    id           TEXT PRIMARY KEY,
    org          TEXT NOT NULL,
    purpose      TEXT NOT NULL,
    subject      TEXT NOT NULL, -- what it belongs to, in the words of its room
    name         TEXT NOT NULL,
    content_type TEXT NOT NULL,
    content      TEXT NOT NULL, -- the stored_content it holds; empty until it came
    size         BIGINT NOT NULL,
    sha256       TEXT NOT NULL,
    md5          TEXT NOT NULL,
    partial      BOOLEAN NOT NULL, -- an upload that broke off, kept as far as it came
    created_at   BIGINT NOT NULL,
    completed_at BIGINT,
    expires_at   BIGINT
);
CREATE INDEX stored_file_org ON stored_file (org, purpose, created_at, id);
CREATE INDEX stored_file_expires ON stored_file (expires_at) WHERE expires_at IS NOT NULL;

-- One attempt to bring a file's content; the one that ends well becomes it.
CREATE TABLE stored_content (
    id         TEXT PRIMARY KEY,
    file       TEXT NOT NULL,
    org        TEXT NOT NULL,
    size       BIGINT NOT NULL,
    sha256     TEXT NOT NULL, -- of what came, once the attempt ended
    md5        TEXT NOT NULL,
    name       TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    touched_at BIGINT NOT NULL,
    dropped    BOOLEAN NOT NULL -- its pieces are to be removed
);
CREATE INDEX stored_content_file ON stored_content (file);

-- +sqlite
CREATE TABLE stored_piece (
    content TEXT NOT NULL,
    seq     BIGINT NOT NULL,
    data    BLOB NOT NULL,
    PRIMARY KEY (content, seq)
);
-- +end
-- +postgres
CREATE TABLE stored_piece (
    content TEXT NOT NULL,
    seq     BIGINT NOT NULL,
    data    BYTEA NOT NULL,
    PRIMARY KEY (content, seq)
);
ALTER TABLE stored_piece ALTER COLUMN data SET STORAGE EXTERNAL; -- most of it is compressed already
-- +end

-- Bytes that an organisation's files take, attempts included.
CREATE TABLE file_usage (
    org   TEXT PRIMARY KEY,
    bytes BIGINT NOT NULL
);

CREATE TABLE file_link (
    hash       TEXT PRIMARY KEY, -- SHA-256 of the token
    file       TEXT NOT NULL,
    org        TEXT NOT NULL,
    upload     BOOLEAN NOT NULL,
    uses_left  BIGINT NOT NULL,
    max_size   BIGINT NOT NULL,
    login      TEXT NOT NULL,    -- Basic user name; empty: none is asked for
    password   TEXT NOT NULL,    -- SHA-256 of it
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked    BOOLEAN NOT NULL
);
CREATE INDEX file_link_file ON file_link (file);
CREATE INDEX file_link_expires ON file_link (expires_at);
