package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/ops"
)

func opsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "ops", Short: "What an operator asks of all systems at once"}
	cmd.AddCommand(reconcileCommand())
	return cmd
}

// reconcileCommand tells on its standard output what the books disagree on, as
// JSON, and fails when they do.
func reconcileCommand() *cobra.Command {
	var age time.Duration
	cmd := command("reconcile", "Compare the shop's orders, Iamport's payments and our workflows", func(ctx context.Context, s settings, log *slog.Logger) error {
		if err := s.need("TEMPORAL_ADDRESS", "CLAYFUL_TOKEN", "IAMPORT_KEY", "IAMPORT_SECRET", "PAYLOAD_KEYS"); err != nil {
			return err
		}
		temporal, err := dialTemporal(s, log)
		if err != nil {
			return err
		}
		defer temporal.Close()
		books := ops.Books{
			Clayful: clayful.New(clayful.Config{BaseURL: s.ClayfulBaseURL, Token: s.ClayfulToken}), Iamport: s.iamport(nil), Temporal: temporal,
		}
		report, err := books.Reconcile(ctx, age)
		if err != nil {
			return err
		}
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(report); err != nil {
			return err
		}
		if len(report.Problems) > 0 {
			return fmt.Errorf("the books disagree on %d points", len(report.Problems))
		}
		return nil
	})
	cmd.Flags().DurationVar(&age, "older-than", 2*time.Minute, "leave orders out that are younger: they may be in motion")
	return cmd
}
