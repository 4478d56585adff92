package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/converter"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/ops"
	"github.com/byeolshow/byeolshow/workflows"
)

func showCommand() *cobra.Command {
	var cmd *cobra.Command
	var asJSON, personal bool
	cmd = desk("show ID", "Tell the whole story of an order, a refund or a broadcast", vendors, func(ctx context.Context, s settings, books ops.Books) error {
		id, err := ops.WorkflowID(cmd.Flags().Arg(0))
		if err != nil {
			return err
		}
		var open converter.DataConverter
		if personal {
			keys, err := s.payloadKeys()
			if err != nil {
				return err
			}
			if open, err = workflows.NewDataConverter(keys); err != nil {
				return err
			}
		}
		story, err := books.Story(ctx, id, open)
		if err != nil {
			return err
		}
		if asJSON {
			return writeJSON(story)
		}
		return tell(story)
	})
	cmd.Args = cobra.ExactArgs(1)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().BoolVar(&personal, "personal", false, "with personal data, which PAYLOAD_KEYS opens")
	return cmd
}

func tell(story ops.Story) error {
	for _, m := range story.Timeline {
		if m.Times > 1 {
			m.What += fmt.Sprintf(" (%d times)", m.Times)
		}
		fmt.Printf("%s  %-28s %s\n", m.At.In(model.Seoul).Format("2006-01-02 15:04:05.000"), strings.TrimPrefix(m.Workflow, "order/"), m.What)
		if m.Personal != "" {
			fmt.Printf("%54s %s\n", "", m.Personal)
		}
	}
	if now := story.Now; now != nil {
		fmt.Printf("\nNow: %s, since %s\n", now.WaitingFor, model.FormatSeoul(now.Since))
	}
	for _, s := range story.Stuck {
		fmt.Printf("STUCK: %s: %s, since %s\n  %s\n  %s\n  %s\n", s.Workflow, s.Reason, model.FormatSeoul(s.StuckSince), s.LastError, s.ToDo, s.Command)
	}
	if shop := story.Shop; shop != nil {
		fmt.Printf("\nClayful: %s, %d won, placed %s, done: %t\n", shop.Status, shop.DueKRW, model.FormatSeoul(shop.PlacedAt), shop.Done)
		if len(shop.Parcels) > 0 {
			fmt.Println("  parcels:", strings.Join(shop.Parcels, ", "))
		}
		for _, r := range shop.Refunds {
			fmt.Printf("  refund %s: %s, %d won\n", r.ID, r.Status, r.AmountKRW)
		}
	}
	for _, p := range story.Payments {
		fmt.Printf("\nIamport: payment %s (%s): %s, %d won, paid %s\n", p.ImpUID, p.Method, p.Status, p.AmountKRW, orNever(seoul(p.PaidAt)))
		for _, back := range p.Back {
			fmt.Printf("  %d won back at %s: %s\n", back.AmountKRW, model.FormatSeoul(back.At), back.Reason)
		}
	}
	for _, silent := range story.Silent {
		_, _ = fmt.Fprintln(os.Stderr, "not asked:", silent)
	}
	return nil
}

func orNever(at string) string {
	if at == "" {
		return "never"
	}
	return at
}
