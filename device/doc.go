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
// It runs at least every hour, so that drift is seen within it; later on a
// node at which stations wait, since it gives way (job.Job.Background).
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
// # Security
//
// A station is moved to a higher security profile, or given a new password,
// by an upgrade: steps that are stored one by one and taken whenever the
// station is there (upgrade.go). Who failed to connect as a station is kept
// among its security events.
//
// # Firmware, logs, bundles, displays
//
// An update (firmware_run.go) moves each station through its states as the
// station tells them; its boot with the new version is the proof. A log comes
// by a one-time link of foundation/file and counts when it is there, whatever
// the station says about it. Both stall with a reason when nothing is heard. A
// bundle is a ZIP of what is known of a station. Display messages are desired
// state, compared after each boot and by a job.
//
// Further tables: device_firmware_image, device_firmware_update,
// device_firmware_task, device_step, device_publication, device_log,
// device_bundle, device_display_message, device_display_state,
// device_display_adapter. Further facts: device.firmware_update_finished,
// device.log_finished.
//
// Tables owned: device_boot, device_variable, device_variable_history,
// device_desired, device_state, device_report_part, device_security_event,
// device_notice, device_template, device_monitor, device_event, device_request,
// device_request_part, device_charging_profile, device_charging_limit,
// device_clock, device_upgrade, device_stream, device_stream_value,
// device_der_event, device_der_control, device_battery_swap. Facts recorded: device.security_event, device.event,
// device.der_event, device.battery_swap, device.drifted, device.drift_cleared, device.charging_limit,
// device.clock_wrong, device.clock_right,
// device.firmware_status, device.security_upgrade. Consumed:
// station.command_finished, station.refused.
package device
