package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/ops"
	"github.com/byeolshow/byeolshow/workflows"
)

func retryCommand() *cobra.Command {
	var cmd *cobra.Command
	cmd = desk("retry ID", "Try now what a workflow pauses before", nil, func(ctx context.Context, _ settings, books ops.Books) error {
		id, err := books.Target(ctx, cmd.Flags().Arg(0))
		if err != nil {
			return err
		}
		now, err := books.Retry(ctx, id)
		if err != nil {
			return err
		}
		return report(id, now)
	})
	cmd.Args = cobra.ExactArgs(1)
	return cmd
}

// report tells how a workflow stands, and fails when it is stuck.
func report(id string, now workflows.Progress) error {
	if now.StuckReason == "" {
		fmt.Printf("%s: %s\n", id, now.WaitingFor)
		return nil
	}
	fmt.Printf("%s: %s\n  %s\n  %s\n", id, now.StuckReason, now.LastError, now.ToDo)
	return fmt.Errorf("%s: %w", id, errStillStuck)
}

// signature is who does something by hand, and why.
type signature struct {
	by, reason string
	yes        bool
}

func (s *signature) flags(cmd *cobra.Command) {
	name := os.Getenv("OPERATOR")
	if account, err := user.Current(); name == "" && err == nil {
		name = account.Username
	}
	cmd.Flags().StringVar(&s.by, "by", name, "who does it; OPERATOR in the environment")
	cmd.Flags().StringVar(&s.reason, "reason", "", "how it was solved, or why; it is recorded, sealed")
	cmd.Flags().BoolVar(&s.yes, "yes", false, "do not ask")
	_ = cmd.MarkFlagRequired("reason") // it was defined just now
	cmd.Args = cobra.ExactArgs(1)
}

// agree asks on the terminal, unless told not to.
func (s *signature) agree(question string) error {
	if s.yes {
		return nil
	}
	fmt.Fprintf(os.Stderr, "%s\nType yes to go on: ", question)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		return errors.Join(errNotAgreed, err)
	}
	return nil
}

func resolveCommand() *cobra.Command {
	var cmd *cobra.Command
	var signed signature
	var returned bool
	cmd = desk("resolve ID", "Say that what a workflow is stuck with was seen to by hand", nil, func(ctx context.Context, _ settings, books ops.Books) error {
		id, err := books.Target(ctx, cmd.Flags().Arg(0))
		if err != nil {
			return err
		}
		stuck, err := books.State(ctx, id)
		if err != nil {
			return err
		}
		if stuck.StuckReason == "" {
			return fmt.Errorf("%s: %w: it is not stuck", id, ops.ErrRefused)
		}
		question := fmt.Sprintf("%s is stuck: %s, with: %s\n  %s\n  %s\nIt will no longer be tried.",
			id, stuck.StuckReason, stuck.StuckWith, stuck.LastError, stuck.ToDo)
		if returned {
			question += " You say that the money IS BACK."
		}
		if err := signed.agree(question); err != nil {
			return err
		}
		now, err := books.Resolve(ctx, id, workflows.Resolution{
			By: signed.by, Reason: signed.reason, Returned: returned,
			Stuck: stuck.StuckReason, With: stuck.StuckWith, Since: stuck.StuckSince,
		})
		if err != nil {
			return err
		}
		switch {
		case now.StuckReason == "":
			fmt.Printf("%s: seen to. %s\n", id, now.WaitingFor)
		case now.StuckReason == workflows.StuckOperator && now.StuckWith == stuck.StuckWith && !returned:
			fmt.Printf("%s: it is yours now, and not tried any more.\n  %s\n", id, now.ToDo)
		default:
			fmt.Printf("%s: seen to; next it is stuck with %s\n  %s\n  %s\n", id, now.StuckReason, now.LastError, now.ToDo)
		}
		return nil
	})
	signed.flags(cmd)
	cmd.Flags().BoolVar(&returned, "returned", false, "of money: it is back already, given by hand")
	return cmd
}

func refundCommand() *cobra.Command {
	var cmd *cobra.Command
	var signed signature
	var amount int64
	var again bool
	cmd = desk("refund ORDER", "Give money of an order's payment back, outside the shop's refunds", vendors, func(ctx context.Context, _ settings, books ops.Books) error {
		id, err := ops.WorkflowID(cmd.Flags().Arg(0))
		if err != nil {
			return err
		}
		orderID, ok := strings.CutPrefix(id, "order/")
		if !ok {
			return fmt.Errorf("%s is no order: %w", id, ops.ErrUnknown)
		}
		left, given, err := books.Left(ctx, orderID)
		if err != nil {
			return err
		}
		if amount == 0 {
			amount = left
		}
		if amount <= 0 || amount > left {
			return fmt.Errorf("%w: %d won are left of its payment", ops.ErrRefused, left)
		}
		if slices.Contains(given, amount) && !again {
			return fmt.Errorf("%w: an operator has given %d won back before; say --again if as much is to go once more", ops.ErrRefused, amount)
		}
		if err := signed.agree(fmt.Sprintf("%d of %d won of order %s go back to its customer.", amount, left, orderID)); err != nil {
			return err
		}
		became, err := books.Refund(ctx, orderID, workflows.GoodwillRefund{
			Amount: model.KRW(amount), Left: model.KRW(left), By: signed.by, Reason: signed.reason,
		})
		if err != nil {
			return err
		}
		switch {
		case became.Returned:
			fmt.Printf("%s: %d won are back\n", id, amount)
			return nil
		case became.StuckReason != "":
			return report(id, workflows.Progress{StuckReason: became.StuckReason, LastError: became.LastError, ToDo: became.ToDo})
		}
		fmt.Printf("%s: %d won are not back yet; it is still tried, `byeolshow ops show %s` tells\n", id, amount, orderID)
		return fmt.Errorf("%s: %w", id, errStillTried)
	})
	signed.flags(cmd)
	cmd.Flags().BoolVar(&again, "again", false, "give as much as an operator has given of it before")
	cmd.Flags().Int64Var(&amount, "amount", 0, "won; all that is left when not given")
	return cmd
}
