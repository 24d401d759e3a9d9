-- What OCPP 2.1 stations tell of payments at their own terminal, and of
-- charging with priority.
-- Owner: session.

-- +goose Up
CREATE TABLE session_settlement (
  id             TEXT   NOT NULL PRIMARY KEY,
  org            TEXT   NOT NULL,
  site           TEXT   NOT NULL,
  station        TEXT   NOT NULL,
  session        TEXT   NOT NULL, -- empty: of none that is known
  transaction_id TEXT   NOT NULL,
  psp_ref        TEXT   NOT NULL,
  status         TEXT   NOT NULL, -- PaymentStatusEnum
  info           TEXT   NOT NULL,
  amount         TEXT   NOT NULL, -- a decimal, in the currency of the terminal
  receipt_id     TEXT   NOT NULL,
  receipt_url    TEXT   NOT NULL,
  vat_number     TEXT   NOT NULL,
  vat_company    TEXT   NOT NULL, -- JSON; empty: none
  settled_at     BIGINT NOT NULL,
  received_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX session_settlement_once ON session_settlement (station, psp_ref, status, transaction_id, settled_at);
CREATE INDEX session_settlement_org ON session_settlement (org, received_at, id);
CREATE INDEX session_settlement_session ON session_settlement (session);

CREATE TABLE session_priority (
  id             TEXT    NOT NULL PRIMARY KEY,
  org            TEXT    NOT NULL,
  site           TEXT    NOT NULL,
  station        TEXT    NOT NULL,
  session        TEXT    NOT NULL, -- empty: of none that is known
  transaction_id TEXT    NOT NULL,
  activated      BOOLEAN NOT NULL,
  at             BIGINT  NOT NULL
);
CREATE INDEX session_priority_org ON session_priority (org, at, id);
CREATE INDEX session_priority_session ON session_priority (session);
