-- +goose Up

-- The certificate authorities of this installation. slot is kind/algorithm
-- while the authority is the one that signs, its id once another took over.
-- sealed is the private key under the installation's secret.
CREATE TABLE pki_authority (
  id          TEXT   NOT NULL PRIMARY KEY,
  org         TEXT   NOT NULL,
  slot        TEXT   NOT NULL UNIQUE,
  kind        TEXT   NOT NULL,
  algorithm   TEXT   NOT NULL,
  parent      TEXT   NOT NULL,
  subject     TEXT   NOT NULL,
  serial      TEXT   NOT NULL,
  fingerprint TEXT   NOT NULL,
  pem         TEXT   NOT NULL,
  sealed      TEXT   NOT NULL,
  not_before  BIGINT NOT NULL,
  not_after   BIGINT NOT NULL,
  crl_number  BIGINT NOT NULL,
  alerted_at  BIGINT,
  created_at  BIGINT NOT NULL
);

-- What a station asked to have signed. open names the station and the type
-- while the request is being worked on: one at a time.
CREATE TABLE pki_request (
  id          TEXT   NOT NULL PRIMARY KEY,
  org         TEXT   NOT NULL,
  site        TEXT   NOT NULL,
  station     TEXT   NOT NULL,
  type        TEXT   NOT NULL,
  request_id  BIGINT,
  open        TEXT   NOT NULL UNIQUE,
  csr         TEXT   NOT NULL,
  subject     TEXT   NOT NULL,
  key_type    TEXT   NOT NULL,
  status      TEXT   NOT NULL,
  detail      TEXT   NOT NULL,
  certificate TEXT   NOT NULL,
  repeats     BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  updated_at  BIGINT NOT NULL
);
CREATE INDEX pki_request_station ON pki_request (station, received_at, id);
CREATE INDEX pki_request_org ON pki_request (org, received_at, id);

CREATE TABLE pki_certificate (
  id          TEXT   NOT NULL PRIMARY KEY,
  org         TEXT   NOT NULL,
  site        TEXT   NOT NULL,
  station     TEXT   NOT NULL,
  type        TEXT   NOT NULL,
  authority   TEXT   NOT NULL,
  subject     TEXT   NOT NULL,
  issuer      TEXT   NOT NULL,
  serial      TEXT   NOT NULL,
  fingerprint TEXT   NOT NULL UNIQUE,
  key_type    TEXT   NOT NULL,
  chain       TEXT   NOT NULL,
  status      TEXT   NOT NULL,
  not_before  BIGINT NOT NULL,
  not_after   BIGINT NOT NULL,
  first_used_at BIGINT,
  revoked_at  BIGINT,
  reason      BIGINT NOT NULL,
  alerted_at  BIGINT,
  renewing_at BIGINT,
  created_at  BIGINT NOT NULL
);
CREATE INDEX pki_certificate_station ON pki_certificate (station, type, status);
CREATE INDEX pki_certificate_org ON pki_certificate (org, created_at, id);
CREATE INDEX pki_certificate_serial ON pki_certificate (authority, serial);
CREATE INDEX pki_certificate_expiry ON pki_certificate (status, not_after);

-- Trust roots that stations shall have, or that sign stations' certificates.
-- Without site and station a root is for the organisation and below.
CREATE TABLE pki_root (
  id          TEXT   NOT NULL PRIMARY KEY,
  org         TEXT   NOT NULL,
  site        TEXT   NOT NULL,
  station     TEXT   NOT NULL,
  purpose     TEXT   NOT NULL,
  subject     TEXT   NOT NULL,
  issuer      TEXT   NOT NULL,
  serial      TEXT   NOT NULL,
  fingerprint TEXT   NOT NULL,
  pem         TEXT   NOT NULL,
  not_before  BIGINT NOT NULL,
  not_after   BIGINT NOT NULL,
  alerted_at  BIGINT,
  removed_at  BIGINT,
  created_at  BIGINT NOT NULL
);
CREATE INDEX pki_root_org ON pki_root (org, purpose);

-- How far a station is with its roots, and when it is compared again.
CREATE TABLE pki_station (
  station   TEXT   NOT NULL PRIMARY KEY,
  org       TEXT   NOT NULL,
  site      TEXT   NOT NULL,
  read_at   BIGINT,
  next_at   BIGINT NOT NULL,
  detail    TEXT   NOT NULL
);
CREATE INDEX pki_station_next ON pki_station (next_at);

-- The certificates that a station says it has. parent is the entry above a
-- certificate that came as a child.
CREATE TABLE pki_installed (
  station          TEXT   NOT NULL,
  ref              TEXT   NOT NULL,
  org              TEXT   NOT NULL,
  type             TEXT   NOT NULL,
  parent           TEXT   NOT NULL,
  hash_algorithm   TEXT   NOT NULL,
  issuer_name_hash TEXT   NOT NULL,
  issuer_key_hash  TEXT   NOT NULL,
  serial           TEXT   NOT NULL,
  reported_at      BIGINT NOT NULL,
  PRIMARY KEY (station, ref)
);

-- What became of each root on each station.
CREATE TABLE pki_root_state (
  station     TEXT   NOT NULL,
  fingerprint TEXT   NOT NULL,
  purpose     TEXT   NOT NULL,
  org         TEXT   NOT NULL,
  status      TEXT   NOT NULL,
  detail      TEXT   NOT NULL,
  tried_at    BIGINT NOT NULL,
  PRIMARY KEY (station, fingerprint, purpose)
);
