package gateway

import "time"

// Priorities of commands: stop and limits before reports (field note 21).
const (
	background = iota
	ordinary
	driver  // somebody stands at the station and waits
	control // safety of the site, end of a charge
)

// policy says how a command waits and how long the station has to answer.
type policy struct {
	priority int
	timeout  time.Duration
}

var ordinaryPolicy = policy{ordinary, 30 * time.Second}

// policies are by action, in the names of all versions.
var policies = map[string]policy{
	"RequestStopTransaction": {control, 30 * time.Second},
	"RemoteStopTransaction":  {control, 30 * time.Second},
	"SetChargingProfile":     {control, 20 * time.Second},
	"ClearChargingProfile":   {control, 20 * time.Second},
	"UpdateDynamicSchedule":  {control, 20 * time.Second},
	"AFRRSignal":             {control, 10 * time.Second},
	"SetDERControl":          {control, 20 * time.Second},
	"ClearDERControl":        {control, 20 * time.Second},

	"RequestStartTransaction": {driver, 30 * time.Second},
	"RemoteStartTransaction":  {driver, 30 * time.Second},
	"UnlockConnector":         {driver, 45 * time.Second}, // motors are slow
	"ReserveNow":              {driver, 30 * time.Second},
	"CancelReservation":       {driver, 30 * time.Second},
	"CostUpdated":             {driver, 20 * time.Second},
	"ChangeTransactionTariff": {driver, 30 * time.Second},
	"Reset":                   {driver, 30 * time.Second},
	"ChangeAvailability":      {driver, 30 * time.Second},

	"GetBaseReport":              {background, 60 * time.Second},
	"GetReport":                  {background, 60 * time.Second},
	"GetMonitoringReport":        {background, 60 * time.Second},
	"GetChargingProfiles":        {background, 60 * time.Second},
	"GetDisplayMessages":         {background, 60 * time.Second},
	"GetConfiguration":           {background, 60 * time.Second},
	"GetDiagnostics":             {background, 60 * time.Second},
	"GetLog":                     {background, 60 * time.Second},
	"GetInstalledCertificateIds": {background, 60 * time.Second},
	"InstallCertificate":         {background, 60 * time.Second},
	"CertificateSigned":          {background, 60 * time.Second},
	"DeleteCertificate":          {background, 60 * time.Second},
	"SendLocalList":              {background, 120 * time.Second},
	"UpdateFirmware":             {background, 60 * time.Second},
	"SignedUpdateFirmware":       {background, 60 * time.Second},
	"PublishFirmware":            {background, 60 * time.Second},
	"CustomerInformation":        {background, 60 * time.Second},
}

func (c Config) policy(action string) policy {
	p, ok := policies[action]
	if !ok {
		p = ordinaryPolicy
	}
	if t, ok := c.CommandTimeouts[action]; ok && t > 0 {
		p.timeout = t
	}
	return p
}
