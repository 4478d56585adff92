package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/ops"
	"github.com/byeolshow/byeolshow/store"
)

// Exit codes of the operator's commands. Success is 0.
const (
	exitFailed     = 1 // a system did not answer, a setting is missing, the books disagree
	exitRefused    = 2 // the workflow is in a state that does not allow it: nothing was done
	exitUnknown    = 3 // there is nothing under that id
	exitStillStuck = 4 // it was tried, and failed again, or has not succeeded so far
	exitNotAgreed  = 5 // the question was not answered with yes: nothing was done
)

var (
	errStillStuck = errors.New("still stuck")
	errStillTried = errors.New("still tried")
	errNotAgreed  = errors.New("not agreed to: nothing was done")
)

func exitCode(err error) int {
	for cause, code := range map[error]int{
		ops.ErrRefused: exitRefused, ops.ErrUnknown: exitUnknown, errNotAgreed: exitNotAgreed,
		errStillStuck: exitStillStuck, errStillTried: exitStillStuck,
	} {
		if errors.Is(err, cause) {
			return code
		}
	}
	return exitFailed
}

func opsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "ops", Short: "What an operator asks of all systems at once",
		Long: "What an operator asks of all systems at once.\n\n" +
			"An ID is an order number, order/refund, a vod id, or the id of a workflow.\n" +
			"Exit codes: 0 done, 1 failed, 2 refused in this state, 3 nothing under that id, 4 tried and not done so far, 5 not agreed to.",
	}
	cmd.AddCommand(stuckCommand(), showCommand(), retryCommand(), resolveCommand(), refundCommand(), broadcastsCommand(), reconcileCommand())
	return cmd
}

// desk is a command over the books. The settings named besides those of Temporal
// are needed.
func desk(use, short string, needed []string, run func(ctx context.Context, s settings, books ops.Books) error) *cobra.Command {
	return command(use, short, func(ctx context.Context, s settings, log *slog.Logger) error {
		if err := s.need(append([]string{"TEMPORAL_ADDRESS", "PAYLOAD_KEYS"}, needed...)...); err != nil {
			return err
		}
		temporal, err := dialTemporal(s, log)
		if err != nil {
			return err
		}
		defer temporal.Close()
		return run(ctx, s, ops.Books{
			Clayful: clayful.New(clayful.Config{BaseURL: s.ClayfulBaseURL, Token: s.ClayfulToken}), Iamport: s.iamport(nil), Temporal: temporal,
		})
	})
}

// vendors are the settings that shop and Iamport are asked with.
var vendors = []string{"CLAYFUL_TOKEN", "IAMPORT_KEY", "IAMPORT_SECRET"}

// reconcileCommand tells on its standard output what the books disagree on, as
// JSON, and fails when they do.
func reconcileCommand() *cobra.Command {
	var age time.Duration
	cmd := desk("reconcile", "Compare the shop's orders, Iamport's payments and our workflows", vendors, func(ctx context.Context, _ settings, books ops.Books) error {
		report, err := books.Reconcile(ctx, age)
		if err != nil {
			return err
		}
		if err := writeJSON(report); err != nil {
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

func stuckCommand() *cobra.Command {
	var asJSON bool
	cmd := desk("stuck", "List what waits longer than it should, and what to do about it", nil, func(ctx context.Context, _ settings, books ops.Books) error {
		stuck, err := books.Stuck(ctx)
		if err != nil {
			return err
		}
		if asJSON {
			return writeJSON(append([]ops.Stuck{}, stuck...))
		}
		if len(stuck) == 0 {
			fmt.Println("Nothing is stuck.")
			return nil
		}
		return table(os.Stdout, "ORDER\tSTAGE\tWAITING FOR\tSINCE\tREASON\tCOMMAND", func(row func(...any)) {
			for _, s := range stuck {
				name := s.OrderID
				if name == "" {
					name = s.Workflow
				}
				row(name, s.Stage, s.WaitingFor, model.FormatSeoul(s.Since), s.Reason, s.Command)
				row("", "", s.LastError, "", "", "")
			}
		})
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, with what to do in words")
	return cmd
}

func broadcastsCommand() *cobra.Command {
	var asJSON bool
	var within time.Duration
	cmd := desk("broadcasts", "List broadcasts that are due, live, late or stuck", []string{"DATABASE_URL"}, func(ctx context.Context, s settings, books ops.Books) error {
		pool, err := openPool(ctx, s.DatabaseURL)
		if err != nil {
			return err
		}
		defer pool.Close()
		shows, err := books.Broadcasts(ctx, store.New(pool), within)
		if err != nil {
			return err
		}
		if asJSON {
			return writeJSON(shows)
		}
		return table(os.Stdout, "VOD\tSTATUS\tSTARTS AT\tLIVE AT\tLATE BY\tSTUCK\tINFLUENCER\tTITLE", func(row func(...any)) {
			for _, b := range shows {
				row(b.VODID, b.Status, seoul(b.StartsAt), seoul(b.LiveAt), b.Late, b.Stuck, b.Influencer, b.Title)
			}
		})
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().DurationVar(&within, "within", time.Hour, "list what is due in this time")
	return cmd
}

func seoul(at *time.Time) string {
	if at == nil {
		return ""
	}
	return model.FormatSeoul(*at)
}

func writeJSON(v any) error {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

func table(to io.Writer, head string, rows func(row func(...any))) error {
	out := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(out, head) // Flush tells of errors
	rows(func(cells ...any) {
		for i, cell := range cells {
			if i > 0 {
				_, _ = fmt.Fprint(out, "\t")
			}
			_, _ = fmt.Fprint(out, cell)
		}
		_, _ = fmt.Fprintln(out)
	})
	return out.Flush()
}
