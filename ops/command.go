package ops

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

// ErrRefused is that a workflow refused a command: nothing was done.
var ErrRefused = errors.New("refused")

// State is what a workflow says of itself, and what it is stuck with.
func (b Books) State(ctx context.Context, workflowID string) (workflows.Progress, error) {
	progress, err := b.progress(ctx, workflowID)
	if missing(err) {
		return progress, fmt.Errorf("%s: %w", workflowID, ErrUnknown)
	}
	return progress, err
}

// retryPatience is how long the outcome of a retry is waited for.
const retryPatience = 20 * time.Second

// Retry has a workflow try now what it pauses before, and tells how it stands
// afterwards: when it is no longer stuck, has failed once more, or goes on
// trying after a while.
func (b Books) Retry(ctx context.Context, workflowID string) (workflows.Progress, error) {
	var before workflows.Progress
	if err := b.update(ctx, workflowID, workflows.UpdateRetry, &before); err != nil {
		return before, err
	}
	ctx, cancel := context.WithTimeout(ctx, retryPatience)
	defer cancel()
	pause := time.NewTicker(100 * time.Millisecond)
	defer pause.Stop()
	for now := before; ; {
		select {
		case <-ctx.Done():
			return now, nil
		case <-pause.C:
		}
		latest, err := b.progress(ctx, workflowID)
		if err != nil {
			return now, nil //nolint:nilerr // the retry is accepted, and goes on unseen
		}
		if now = latest; now.StuckReason != before.StuckReason || now.Failures > before.Failures {
			return now, nil
		}
	}
}

// Resolve tells a workflow that what it is stuck with was seen to by hand.
func (b Books) Resolve(ctx context.Context, workflowID string, r workflows.Resolution) (workflows.Progress, error) {
	var now workflows.Progress
	err := b.update(ctx, workflowID, workflows.UpdateResolve, &now, r)
	return now, err
}

// Left is what is left of the payment an order is paid by, and the amounts that
// operators have given back of it.
func (b Books) Left(ctx context.Context, orderID string) (left int64, given []int64, err error) {
	payments, err := b.Iamport.Payments(ctx, orderID)
	for _, p := range payments {
		if p.Paid() {
			left = max(left, p.Left())
		}
		for _, back := range p.CancelHistory {
			if strings.Contains(back.Reason, "["+model.ByOperator) {
				given = append(given, back.Amount)
			}
		}
	}
	return left, given, err
}

// Refund gives money of an order's payment back, outside the shop's refunds. It
// is not the update's id that keeps it from going twice: a refusal would be
// remembered under it, too. It is what is left, and Iamport's own record.
func (b Books) Refund(ctx context.Context, orderID string, r workflows.GoodwillRefund) (workflows.Goodwill, error) {
	var became workflows.Goodwill
	err := b.update(ctx, workflows.OrderID(orderID), workflows.UpdateRefund, &became, r)
	return became, err
}

func (b Books) update(ctx context.Context, workflowID, name string, answer any, args ...any) error {
	handle, err := b.Temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: name, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, answer)
	}
	switch {
	case missing(err):
		return fmt.Errorf("no workflow %s is under way: %w", workflowID, ErrUnknown)
	case Refusal(err) != "":
		return fmt.Errorf("%s %s: %w: %s", name, workflowID, ErrRefused, Refusal(err))
	case err != nil:
		return fmt.Errorf("%s %s: %w", name, workflowID, err)
	}
	return nil
}
