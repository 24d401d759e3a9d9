// Package device looks after the device behind a station: its boots, its
// device model (components and variables, OCPP 2.x B05–B08; configuration
// keys of 1.6), the readings it is to send, its security events and whatever
// else it only tells.
//
// # After a boot
//
// An accepted boot enqueues one sync per station. It asks for the full
// inventory when the device, its firmware or its OCPP version is new
// (GetBaseReport; the 1.6 dialect reads the configuration instead), and then
// brings the baseline about: baseline.json says which variables must have
// which values so that sessions can be measured, with fall-backs per vendor
// and model (field note 14). The baseline is desired state: compared, set,
// read back, and compared again after every boot and by a job; nothing is
// queued for a station that is offline.
//
// # What a device is to have
//
// Wishes come in layers: what people set at one station, templates (the higher
// priority, then the more specific), the baseline. A sync reads all wished
// variables in few messages, sets what differs one by one and reads it back.
// It runs at least every hour, so that drift is seen within it.
//
// # Reports
//
// NotifyReport comes in parts, on whatever connection and node. Each part is
// stored when it comes; a report is complete when the part without tbc and
// all before it are there. What it says of EVSEs and connectors goes to the
// station room.
//
// Values that are secrets by their name are masked before they are stored.
//
// Tables owned: device_boot, device_variable, device_variable_history,
// device_desired, device_state, device_report_part, device_security_event,
// device_notice, device_template, device_monitor, device_event, device_request,
// device_request_part, device_charging_profile, device_charging_limit,
// device_clock. Facts recorded: device.security_event, device.event,
// device.drifted, device.drift_cleared, device.charging_limit,
// device.clock_wrong, device.clock_right,
// device.firmware_status. Consumed: station.command_finished.
package device
