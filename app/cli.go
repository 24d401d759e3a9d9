package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/forecourt-ev/forecourt/bench"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/trial"
)

// version is set by the linker; a plain `go build` leaves it to what Go
// itself wrote down.
var version = builtVersion()

func builtVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	revision := set["vcs.revision"]
	switch {
	case info.Main.Version != "" && info.Main.Version != "(devel)":
		return info.Main.Version
	case revision == "":
		return "unknown"
	case set["vcs.modified"] == "true":
		return revision[:min(12, len(revision))] + "-dirty"
	}
	return revision[:min(12, len(revision))]
}

// cli is the command line: one struct field a command.
type cli struct {
	ConfigFile kong.ConfigFlag `name:"config" help:"File with name = value lines." placeholder:"FILE"`

	Serve    serveCmd    `cmd:"" help:"Run the platform."`
	Demo     demoCmd     `cmd:"" help:"Run the platform with simulated stations and drivers."`
	Simulate simulateCmd `cmd:"" help:"Run simulated stations against any platform."`
	Migrate  migrateCmd  `cmd:"" help:"Bring the database to this version's schema, then stop."`
	Config   configCmd   `cmd:"" help:"Print the commented default configuration."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
	Backup   backupCmd   `cmd:"" help:"Write a consistent copy of the SQLite database and the secret; works while the server runs."`
	Restore  restoreCmd  `cmd:"" help:"Put a backup into an empty data directory."`
	APIKey   apiKeyCmd   `cmd:"" name:"api-key" help:"Manage API keys."`
	Tariff   tariffCmd   `cmd:"" help:"Price and check OCPI tariffs and CDRs from files."`
	Bench    benchCmd    `cmd:"" help:"Measure the platform under load; see docs/benchmarks.md."`
	Trial    trialCmd    `cmd:"" help:"Break the platform on purpose and count what is lost; see docs/reliability.md."`
	OpenAPI  openAPICmd  `cmd:"" name:"openapi" help:"Print the OpenAPI document of the REST API."`
}

type (
	benchCmd = bench.Command
	trialCmd = trial.Command
)

// streams are where a command writes.
type streams struct{ out, err io.Writer }

// Main runs the command line and gives the process's exit code: 0 done,
// 1 failed, 2 misused. It never calls os.Exit, so that tests may call it.
func Main(ctx context.Context, args []string, out, errOut io.Writer) int {
	var c cli
	code, exited := 0, false
	parser, err := kong.New(&c,
		kong.Name("forecourt"),
		kong.Description("Runs a network of EV charging stations. Every flag is also a line of the file that --config names and an environment variable: --public-url, public-url = …, FORECOURT_PUBLIC_URL."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Writers(out, errOut),
		kong.Exit(func(n int) { code, exited = n, true }),
		kong.DefaultEnvars("FORECOURT"),
		kong.Configuration(fileConfig),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams{out, errOut}),
		kong.Bind(bench.Streams{Out: out, Err: errOut}),
		kong.Bind(trial.Streams{Out: out, Err: errOut}),
	)
	if err != nil {
		fmt.Fprintln(errOut, "forecourt:", err)
		return 1
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited { // --help has printed
		return code
	}
	if err != nil {
		fmt.Fprintln(errOut, "forecourt:", err)
		return 2
	}
	if err := command.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(errOut, "forecourt:", explain(err))
		return 1
	}
	return code
}

// explain prints an error for a person at a terminal.
func explain(err error) string {
	e := fault.Of(err)
	if e == nil {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(e.Message)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "\n  %s: %s", f.Location, f.Message)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, " (%v)", e.Err)
	}
	return b.String()
}

type versionCmd struct{}

func (versionCmd) Run(s streams) error {
	_, err := fmt.Fprintln(s.out, version)
	return err
}

type configCmd struct{}

// Run prints every setting of serve with its help and default, commented out.
func (configCmd) Run(s streams, k *kong.Kong) error {
	fmt.Fprint(s.out, "# Forecourt configuration: name = value. What is commented out shows the default.\n# The environment variable FORECOURT_<NAME> and the flag --name win over this file.\n")
	for _, node := range k.Model.Leaves(true) {
		if node.Name != "serve" {
			continue
		}
		group := ""
		for _, flag := range node.Flags {
			if flag.Hidden {
				continue
			}
			if flag.Group != nil && flag.Group.Title != group {
				group = flag.Group.Title
				fmt.Fprintf(s.out, "\n## %s\n", group)
			}
			value := flag.Default
			if !flag.HasDefault {
				value = flag.PlaceHolder
			}
			fmt.Fprintf(s.out, "\n# %s\n# %s = %s\n", flag.Help, flag.Name, value)
		}
	}
	return nil
}
