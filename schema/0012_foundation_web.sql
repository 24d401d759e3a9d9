-- +goose Up
-- Package foundation/web: answers kept for the header Idempotency-Key.
CREATE TABLE idempotency_key (
    id TEXT PRIMARY KEY, -- SHA-256 of caller, organisation and key
    org TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    status BIGINT, -- empty while the request runs
    answer TEXT -- encrypted under the key itself
);
CREATE INDEX idempotency_key_expires_at ON idempotency_key (expires_at);
