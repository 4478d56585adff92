package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"
)

// sandboxEnvCommand writes what docker-compose.yml asks of its .env file, for
// trying everything against the sandbox at SANDBOX_ADDR.
func sandboxEnvCommand() *cobra.Command {
	return command("env", "Write a .env file: fresh secrets, and the sandbox as all vendors", func(_ context.Context, s settings, _ *slog.Logger) error {
		values, err := sandboxEnv(s)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if _, err := fmt.Fprintf(os.Stdout, "%s='%s'\n", name, values[name]); err != nil {
				return err
			}
		}
		return nil
	})
}

func sandboxEnv(s settings) (map[string]string, error) {
	d := &dev{settings: s}
	if _, err := d.secrets.fill(); err != nil {
		return nil, err
	}
	values := d.childEnv()
	for _, inside := range []string{"DATABASE_URL", "TEMPORAL_ADDRESS", "HTTP_ADDR", "SANDBOX_ADDR", "SANDBOX_RESET_URL"} {
		delete(values, inside) // the compose file says it
	}
	values["POSTGRES_PASSWORD"] = rand.Text()
	return values, nil
}
