package bench

import (
	"context"
	"fmt"
	"os"
	"sync"
)

const profileSeconds = 20

// profiled begins the profiles that --profile asks for; what it returns takes
// those of the end and waits for the others. What was allocated counts from the
// start of the server: of the load is what the end has above FILE.before
// (go tool pprof -base).
func (g *ground) profiled(ctx context.Context) (end func()) {
	if file, wanted := g.Profile["allocs"]; wanted {
		g.profile(ctx, "allocs", file+".before")
	}
	var watching sync.WaitGroup
	watching.Go(func() {
		for name, file := range g.Profile {
			if watches(name) {
				g.profile(ctx, name, file) // the server takes one at a time
			}
		}
	})
	return func() {
		watching.Wait()
		for name, file := range g.Profile {
			if !watches(name) {
				g.profile(ctx, name, file)
			}
		}
	}
}

func watches(profile string) bool { return profile == "cpu" || profile == "trace" }

// profile asks the first server for one and says what went wrong: a run is
// not lost for it.
func (g *ground) profile(ctx context.Context, name, file string) {
	text, err := g.api.Raw(ctx, fmt.Sprintf("/api/v1/system/profiles/%s?seconds=%d", name, profileSeconds))
	if err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		g.say("no profile %s: %v", name, err)
	}
}
