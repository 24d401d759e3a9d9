-- What OCPP 2.1 stations tell of streams of values, of the control of their
-- power by the grid (DER), and of batteries that were swapped.
-- Owner: device.

-- +goose Up
-- A stream of values that a station opened; closed_at NULL: it runs.
CREATE TABLE device_stream (
  station    TEXT   NOT NULL,
  stream     BIGINT NOT NULL, -- the station's number
  org        TEXT   NOT NULL,
  site       TEXT   NOT NULL,
  monitor    BIGINT NOT NULL, -- variableMonitoringId
  seconds    BIGINT,          -- between two messages; NULL: not told
  most       BIGINT,          -- values in a message; NULL: not told
  pending    BIGINT NOT NULL, -- values that wait at the station, as last told
  opened_at  BIGINT NOT NULL,
  closed_at  BIGINT,
  last_at    BIGINT,          -- when values last came
  PRIMARY KEY (station, stream)
);

CREATE TABLE device_stream_value (
  id          TEXT   NOT NULL PRIMARY KEY,
  station     TEXT   NOT NULL,
  org         TEXT   NOT NULL,
  site        TEXT   NOT NULL,
  stream      BIGINT NOT NULL,
  monitor     BIGINT,         -- NULL: the stream was never opened here
  value       TEXT   NOT NULL,
  at          BIGINT NOT NULL,
  received_at BIGINT NOT NULL
);
CREATE INDEX device_stream_value_station ON device_stream_value (station, at, id);
CREATE INDEX device_stream_value_at ON device_stream_value (received_at);

-- DER alarms, and starts and stops of DER controls, once each.
CREATE TABLE device_der_event (
  id           TEXT    NOT NULL PRIMARY KEY,
  station      TEXT    NOT NULL,
  org          TEXT    NOT NULL,
  site         TEXT    NOT NULL,
  kind         TEXT    NOT NULL, -- alarm, alarm_ended, started, stopped
  control_type TEXT    NOT NULL, -- of an alarm
  control_id   TEXT    NOT NULL, -- of a start or stop
  fault        TEXT    NOT NULL, -- GridEventFaultEnum
  superseded   TEXT    NOT NULL, -- ids of controls, separated by commas
  info         TEXT    NOT NULL,
  at           BIGINT  NOT NULL,
  received_at  BIGINT  NOT NULL
);
CREATE UNIQUE INDEX device_der_event_once ON device_der_event (station, kind, control_type, control_id, fault, at);
CREATE INDEX device_der_event_station ON device_der_event (station, received_at, id);
CREATE INDEX device_der_event_org ON device_der_event (org, received_at, id);
CREATE INDEX device_der_event_at ON device_der_event (received_at);

-- DER controls that a station has, as it last reported or told of them.
CREATE TABLE device_der_control (
  station       TEXT    NOT NULL,
  control_id    TEXT    NOT NULL,
  org           TEXT    NOT NULL,
  site          TEXT    NOT NULL,
  control_type  TEXT    NOT NULL, -- empty: only started, not reported yet
  is_default    BOOLEAN NOT NULL,
  is_superseded BOOLEAN NOT NULL,
  is_active     BOOLEAN,          -- NULL: not told
  setting       TEXT    NOT NULL, -- JSON of the message; empty: not reported
  changed_at    BIGINT  NOT NULL,
  PRIMARY KEY (station, control_id)
);

-- A battery that went in or out, or was not taken in time.
CREATE TABLE device_battery_swap (
  id          TEXT   NOT NULL PRIMARY KEY,
  station     TEXT   NOT NULL,
  org         TEXT   NOT NULL,
  site        TEXT   NOT NULL,
  request     BIGINT NOT NULL, -- what belongs to one swap
  event       TEXT   NOT NULL, -- BatterySwapEventEnum
  token       TEXT   NOT NULL,
  token_type  TEXT   NOT NULL,
  evse        BIGINT NOT NULL,
  serial      TEXT   NOT NULL,
  soc         BIGINT NOT NULL, -- thousandths of a per cent
  soh         BIGINT NOT NULL,
  produced_at BIGINT,
  vendor_info TEXT   NOT NULL,
  received_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX device_battery_swap_once ON device_battery_swap (station, request, event, evse, serial);
CREATE INDEX device_battery_swap_org ON device_battery_swap (org, received_at, id);
CREATE INDEX device_battery_swap_at ON device_battery_swap (received_at);
