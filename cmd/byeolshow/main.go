// Command byeolshow is the live-commerce backend: the API, the worker behind
// it, and for development everything they need.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/byeolshow/byeolshow/api/contract"
	"github.com/byeolshow/byeolshow/telemetry"
)

// version is of the build: the linker sets it. Workers tell it to Temporal.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends at once
	root := &cobra.Command{
		Use:           "byeolshow",
		Short:         "Live-commerce backend on Temporal",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(devCommand(), apiCommand(), routesCommand(), openAPICommand(), workerCommand(), migrateCommand(), sandboxCommand(),
		opsCommand(), codecCommand(), healthcheckCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "byeolshow:", err)
		os.Exit(exitCode(err))
	}
}

func openAPICommand() *cobra.Command {
	return &cobra.Command{
		Use: "openapi", Short: "Print the OpenAPI document of the API", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			document, err := contract.Document()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(document)
			return err
		},
	}
}

// command is a subcommand that needs the settings.
func command(use, short string, run func(ctx context.Context, s settings, log *slog.Logger) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := readSettings()
			if err != nil {
				return err
			}
			log, err := newLogger(s.LogLevel)
			if err != nil {
				return err
			}
			return run(cmd.Context(), s, log)
		},
	}
}

// role is a subcommand that serves, and shows what it does by telemetry.
func role(use, short string, run func(ctx context.Context, s settings, seen *telemetry.Telemetry, log *slog.Logger) error) *cobra.Command {
	return command(use, short, func(ctx context.Context, s settings, log *slog.Logger) error {
		seen, err := telemetry.Start(ctx, "byeolshow-"+use)
		if err != nil {
			return err
		}
		log = seen.Logger(log)
		slog.SetDefault(log)
		return errors.Join(run(ctx, s, seen, log), seen.Stop(ctx))
	})
}

func newLogger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("LOG_LEVEL: %w", err)
	}
	log := telemetry.NewLogger(os.Stderr, l)
	slog.SetDefault(log)
	return log, nil
}
