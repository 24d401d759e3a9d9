package app

import (
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/device"
	"github.com/forecourt-ev/forecourt/ocpp/gateway"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/station"
)

// tuning are the finer settings of the rooms. The defaults fit nearly every
// network.
type tuning struct {
	Access  access.Config  `embed:"" prefix:"access-"`
	Session session.Config `embed:"" prefix:"session-"`

	StationHeartbeat    time.Duration `help:"Heartbeat interval asked of stations, give or take 10 %." default:"5m"`
	StationPendingRetry time.Duration `help:"After which a station that waits for its activation boots again." default:"1m"`
	StationDebounce     time.Duration `help:"A gap in the connection shorter than this is no outage and tells nobody." default:"1m"`

	DeviceSyncAfterBoot time.Duration `help:"How long a station may settle after a boot before it is asked about itself." default:"10s"`
	DeviceReportTimeout time.Duration `help:"After which a report that stopped coming is asked for again." default:"10m"`

	BackgroundPerSecond  int           `help:"Jobs that nobody waits for, such as the reading of stations after their boot, that begin a second on each node; a fortieth of it, one in two seconds at least, while stations wait for the node, and then more by and by." default:"20"`
	MessagesPerMinute    int           `help:"Messages a station may send a minute; it is answered more slowly beyond." default:"600"`
	OrgMessagesPerSecond int           `help:"Messages the stations of an organisation may send a second to one node." default:"20000"`
	MaxMessage           int           `help:"Bytes of one message of a station." default:"1048576"`
	PingInterval         time.Duration `help:"Time between websocket pings to stations; below the shortest idle time-out of proxies on the way." default:"40s"`
	NodeTimeout          time.Duration `help:"Without a sign of life for this long a node counts as dead." default:"20s"`
}

func (t tuning) station(c Config) station.Config {
	return station.Config{
		AllowProfile0: c.AllowProfile0, CommandTimeout: c.CommandTimeout, Heartbeat: t.StationHeartbeat, PendingRetry: t.StationPendingRetry,
		Debounce: t.StationDebounce, MaxMessage: t.MaxMessage, MessagesPerMinute: t.MessagesPerMinute, CertificateOrganisations: c.StationCertO,
	}
}

func (t tuning) device(ftp string) device.Config {
	return device.Config{FTP: ftp, SyncAfterBoot: t.DeviceSyncAfterBoot, ReportTimeout: t.DeviceReportTimeout}
}

func (t tuning) gateway(c gateway.Config) gateway.Config {
	c.OrgMessagesPerSecond, c.PingInterval, c.NodeTimeout = t.OrgMessagesPerSecond, t.PingInterval, t.NodeTimeout
	return c
}
