// Command forecourt runs a network of EV charging stations.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/forecourt-ev/forecourt/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(app.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
