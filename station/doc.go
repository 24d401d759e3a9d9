// Package station holds the charging stations of the installation: what
// stands where, who may connect under which name, what each port is doing
// and did, and the commands people send.
//
// # The tree
//
// A station (identity, device, connection, credentials) has ports (EVSEs:
// one car at a time) and these have connectors. The tree grows from what the
// station tells: statuses, boot, device model; people may describe it better,
// and nothing they change loses history. Statuses of connectors are merged
// into one report per port, and StatusOf makes of that report, the
// connection, the life of the station, the transaction and claims on the
// port the one status that the console, OCPI and the uptime regimes read
// (A2). Every change of it is a row in evse_status, so the state at any past
// instant is the last row up to it.
//
// # How a change travels
//
// Status, connect, disconnect and silence go through batches (change.go):
// many stations are loaded, changed in memory by tree methods, settled and
// written in one transaction, answered on commit; connections that open or end
// yield to the rest. Rare changes do the same
// for one station inside their own transaction (alter). Facts are recorded
// in that transaction; after the commit a signal goes to dashboards. A gap in
// the connection shows at once, but its facts wait until it has lasted
// (Config.Debounce, field note 25).
//
// 1.6 counts connectors over the whole station. Which EVSE each belongs to is
// the station's own map, or its model's, else connector n is EVSE n (field
// note 12). Changing it moves what the ports show; the past keeps its ids.
//
// # Who may connect
//
// Connect decides from memory, before the socket is accepted: known station,
// security profile (OCPP 2.0.1 part 2 A00), password as HMAC under the secret
// of the installation. A stranger is created inactive through an enrolment
// window, or goes to the bounded list of knocking stations (field note 3).
//
// # Commands
//
// A command is stored before it is sent and after it is answered: queued,
// sent, then accepted, rejected, failed or timed_out. One whose node stopped
// is ended by a job.
//
// # Files
//
// Import (bulk*.go) takes stations from CSV or XLSX in one transaction, all or
// none: rows are read and checked first, then compared with the inventory in
// the order of their keys, five hundred at a time. Export writes the same
// columns, and importing it changes nothing.
//
// # What goes
//
// Stores (stores.go) says what is kept for a limited time: status history, of
// which the last row of each port before the horizon stays, and commands.
//
// Tables owned: charging_station, evse, connector, evse_status, port_plan,
// station_incarnation, station_switch, station_deviation, station_command,
// adhoc_token, station_number, knocking_station, enrolment_window,
// station_connector_map, model_connector_map.
//
// Facts recorded: station.created, changed, activated, deactivated, retired,
// boot, replaced, quarantined, connected, disconnected, status_changed,
// command_finished. Consumed: site.changed. Signals: station.live.
package station
