package app

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Config is everything `forecourt serve` can be told. Each field is a flag,
// a line of the configuration file and an environment variable of the same
// name (--station-listen, station-listen = …, FORECOURT_STATION_LISTEN);
// flags win over the environment, the environment over the file.
type Config struct {
	Data        string `help:"Directory of the SQLite database, the secret and uploaded files." default:"data" placeholder:"DIR"`
	DatabaseURL string `help:"PostgreSQL to use instead of SQLite in the data directory." placeholder:"postgres://…"`
	NatsURL     string `help:"NATS server shared by the nodes; none runs one inside this process." placeholder:"nats://…"`
	Node        string `help:"Name of this node, unique in the cluster; none takes the host name and listen port."`
	SecretFile  string `help:"Key shared by all nodes, made on first start; none uses secret.key in the data directory." placeholder:"FILE"`

	Listen        string   `help:"Address of the console, the API and, without --station-listen, the stations." default:"localhost:8080" placeholder:"HOST:PORT"`
	StationListen string   `help:"A separate address for stations only." placeholder:"HOST:PORT"`
	StationPlain  string   `name:"station-plain-listen" help:"An address for stations that cannot speak TLS yet (security profiles 0 and 1), beside those with TLS." placeholder:"HOST:PORT"`
	StationMTLS   string   `name:"station-mtls-listen" help:"An address that asks stations for their certificate (security profile 3)." placeholder:"HOST:PORT"`
	StationHost   string   `name:"station-mtls-host" help:"Host name (SNI) under which the station address asks for certificates, instead of an address of its own." placeholder:"HOST"`
	StationURL3   string   `name:"station-mtls-url" help:"Where stations reach security profile 3, when a proxy stands in front." placeholder:"wss://…/ocpp"`
	StationCA     string   `name:"station-client-ca" help:"CA certificates (PEM) that sign station certificates, beside those of this installation." placeholder:"FILE"`
	StationCertO  []string `name:"station-cert-organisation" help:"Organisation names (O) that a station certificate may have; none accepts any of an accepted CA." placeholder:"NAME"`
	TLSOwnCA      bool     `name:"tls-own-ca" help:"Speak TLS with certificates of the installation's own authority, for the host of --public-url and those listened on; stations need its root (see --pki-install-root)."`
	TLSCert       []string `name:"tls-cert" help:"Certificate chains (PEM) for all addresses; stations want one of RSA and one of ECDSA." placeholder:"FILE"`
	TLSKey        []string `name:"tls-key" help:"Private keys (PEM) of the certificates, in the same order." placeholder:"FILE"`
	PublicURL     string   `help:"The address people and stations use, when it differs from --listen." placeholder:"https://…"`
	FileURL       string   `name:"file-url" help:"Address below which stations without TLS fetch and bring files, when it is not the public one; it must lead to /files/ of this platform." placeholder:"http://…"`
	FileQuota     int64    `help:"Bytes of firmware, logs and bundles that one organisation may store." default:"10737418240"`
	FileMaxSize   int64    `help:"Bytes of one such file." default:"1073741824"`
	FTPURL        string   `name:"ftp-url" help:"An external FTP server to which stations may upload logs that ask for it; none is run here." placeholder:"ftp://user:password@host/dir"`
	TrustedProxy  []string `help:"Networks whose X-Forwarded-* headers are believed." placeholder:"CIDR"`

	AllowProfile0    bool          `name:"allow-profile-0" help:"Let stations that are set to security profile 0 connect without a password."`
	HandshakesPerSec int           `name:"handshakes-per-second" help:"New station connections accepted per second; more wait, or are told when to come back." default:"500"`
	DrainFor         time.Duration `name:"drain-for" help:"Over how long stations are sent away when the node stops, so that they do not all come back at once." default:"20s"`
	CommandTimeout   time.Duration `help:"How long a station may take to answer a command." default:"30s"`

	Archive archiveConfig `embed:""`

	Retention retentionConfig `embed:""`

	PKIFlags `embed:""`

	TileURL         string `help:"Map tiles for the console, {z}/{x}/{y}; none draws the offline world outline only."`
	TileAttribution string `help:"Credit line shown on the map for --tile-url."`

	SMTPHost     string `name:"smtp-host" help:"Mail server; none sends no mail and says so."`
	SMTPPort     int    `name:"smtp-port" help:"Port of the mail server." default:"587"`
	SMTPUser     string `name:"smtp-user" help:"User name at the mail server."`
	SMTPPassword string `name:"smtp-password" help:"Password at the mail server."`
	SMTPTLS      string `name:"smtp-tls" help:"starttls, tls or none." enum:"starttls,tls,none" default:"starttls"`
	MailFrom     string `help:"Sender of mails." default:"forecourt@localhost"`

	LogLevel  string `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
	LogFormat string `help:"text or json." enum:"text,json" default:"text"`

	CommitDelay time.Duration `name:"sqlite-commit-delay" hidden:"" help:"Each fsync of SQLite's log takes this much longer, like a slow disk. For bench and trial."`

	Tuning tuning `embed:"" group:"Finer settings; the defaults fit nearly every network:"`
}

// check refuses combinations that cannot work, naming what is allowed.
func (c *Config) check() error {
	bad := fault.New(fault.Invalid, "config.invalid", "the configuration cannot be used")
	c.checkTLS(bad)
	for _, p := range c.TrustedProxy {
		if _, err := netip.ParsePrefix(p); err != nil {
			bad.With("trusted-proxy", "must be a network such as 10.0.0.0/8", p)
		}
	}
	for name, v := range map[string]string{"database-url": c.DatabaseURL, "nats-url": c.NatsURL, "public-url": c.PublicURL, "file-url": c.FileURL, "ftp-url": c.FTPURL} {
		if u, err := url.Parse(v); err != nil || v != "" && (u.Scheme == "" || u.Host == "" && u.RawQuery == "") {
			bad.With(name, "must be a URL with a scheme and a host", redact(v))
		}
	}
	if c.DatabaseURL != "" && !strings.HasPrefix(c.DatabaseURL, "postgres://") && !strings.HasPrefix(c.DatabaseURL, "postgresql://") {
		bad.With("database-url", "must begin with postgres:// ; for SQLite leave it out and set --data", redact(c.DatabaseURL))
	}
	c.Archive.check(bad, c.DatabaseURL)
	c.Retention.check(bad)
	if c.DrainFor < 0 || c.DrainFor > 10*time.Minute {
		bad.With("drain-for", "between 0s and 10m", c.DrainFor.String())
	}
	if c.Data == "" {
		bad.With("data", "must name a directory", "")
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

func (c *Config) checkTLS(bad *fault.Error) {
	if len(c.TLSCert) != len(c.TLSKey) {
		bad.With("tls-cert", "--tls-cert and --tls-key go together, one key for each certificate", c.TLSCert)
	}
	if c.TLSOwnCA && len(c.TLSCert) > 0 {
		bad.With("tls-own-ca", "goes without --tls-cert and --tls-key", c.TLSCert)
	}
	if !c.tls() {
		if c.StationMTLS != "" {
			bad.With("station-mtls-listen", "needs --tls-cert and --tls-key, or --tls-own-ca", c.StationMTLS)
		}
		if c.StationHost != "" {
			bad.With("station-mtls-host", "needs --tls-cert and --tls-key, or --tls-own-ca", c.StationHost)
		}
		if c.StationPlain != "" {
			bad.With("station-plain-listen", "needs --tls-cert and --tls-key, or --tls-own-ca; without them every address is plain", c.StationPlain)
		}
	}
	if c.StationCA != "" && len(c.TrustedProxy) == 0 && (!c.tls() || c.StationListen == "" && c.StationMTLS == "" && c.StationHost == "") {
		bad.With("station-client-ca", "needs --tls-cert and --tls-key (or --tls-own-ca) and an address that asks stations for certificates (--station-mtls-listen, --station-mtls-host or --station-listen), or a proxy that does (--trusted-proxy)", c.StationCA)
	}
	if u, err := url.Parse(c.StationURL3); err != nil || c.StationURL3 != "" && (u.Scheme != "wss" || u.Host == "") {
		bad.With("station-mtls-url", "must be a wss:// URL with a host", c.StationURL3)
	}
}

// tls reports whether this process speaks TLS itself.
func (c *Config) tls() bool { return len(c.TLSCert) > 0 || c.TLSOwnCA }

func redact(raw string) string {
	if u, err := url.Parse(raw); err == nil {
		return u.Redacted()
	}
	return "(unreadable URL)"
}

func (c *Config) databasePath() string { return filepath.Join(c.Data, "forecourt.db") }

func (c *Config) secretPath() string {
	if c.SecretFile != "" {
		return c.SecretFile
	}
	return filepath.Join(c.Data, "secret.key")
}

func (c *Config) nodeName() string {
	if c.Node != "" {
		return c.Node
	}
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return host + "-" + c.Listen[strings.LastIndex(c.Listen, ":")+1:]
}

// publicURL is where people reach this installation; bound is the address
// actually listened on, which knows the port that --listen :0 was given.
func (c *Config) publicURL(bound string) string {
	if c.PublicURL != "" {
		return strings.TrimRight(c.PublicURL, "/")
	}
	scheme := "http"
	if c.tls() {
		scheme = "https"
	}
	for _, any := range []string{"[::]:", "0.0.0.0:"} {
		if port, ok := strings.CutPrefix(bound, any); ok {
			bound = "localhost:" + port
		}
	}
	if strings.HasPrefix(c.Listen, "localhost:") { // as it was asked for, and as people type it
		bound = strings.Replace(bound, "127.0.0.1:", "localhost:", 1)
	}
	return scheme + "://" + bound
}

func (c *Config) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // kong checked the name
	opts := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// fileConfig reads "name = value" lines; # begins a comment. An unknown name
// or a line of another form is refused with its number.
func fileConfig(r io.Reader) (kong.Resolver, error) {
	values := map[string]string{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fault.New(fault.Invalid, "config.line", "line %d is not of the form name = value: %q", n, line)
		}
		values[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the configuration file: %w", err)
	}
	return fileResolver(values), nil
}

type fileResolver map[string]string

// Validate refuses names that no flag has.
func (f fileResolver) Validate(app *kong.Application) error {
	known := map[string]bool{}
	var names []string
	for _, cmd := range app.Leaves(true) {
		for _, group := range cmd.AllFlags(true) {
			for _, flag := range group {
				known[flag.Name] = true
			}
		}
	}
	for name := range f {
		if !known[name] {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		return fault.New(fault.Invalid, "config.name", "the configuration file sets %s, which is no setting; `forecourt config` prints them all", strings.Join(names, ", "))
	}
	return nil
}

// Resolve gives the file's value of a flag.
func (f fileResolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if v, ok := f[flag.Name]; ok {
		return v, nil
	}
	return nil, nil
}
