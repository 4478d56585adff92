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
	before, err := b.update(ctx, workflowID, workflows.UpdateRetry, "")
	if err != nil {
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
	return b.update(ctx, workflowID, workflows.UpdateResolve, "", r)
}

// Left is what is left of the payment an order is paid by.
func (b Books) Left(ctx context.Context, orderID string) (int64, error) {
	payments, err := b.Iamport.Payments(ctx, orderID)
	if err != nil {
		return 0, err
	}
	var left int64
	for _, p := range payments {
		if p.Paid() {
			left = max(left, p.Left())
		}
	}
	return left, nil
}

// Refund gives money of an order's payment back, outside the shop's refunds.
func (b Books) Refund(ctx context.Context, orderID string, r workflows.GoodwillRefund) (workflows.Progress, error) {
	id := fmt.Sprintf("%s-%d-of-%d", strings.ReplaceAll(model.ByOperator, " ", "-"), r.Amount, r.Left)
	return b.update(ctx, workflows.OrderID(orderID), workflows.UpdateRefund, id, r)
}

func (b Books) update(ctx context.Context, workflowID, name, updateID string, args ...any) (workflows.Progress, error) {
	var progress workflows.Progress
	handle, err := b.Temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: name, UpdateID: updateID, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &progress)
	}
	switch {
	case missing(err):
		return progress, fmt.Errorf("no workflow %s is under way: %w", workflowID, ErrUnknown)
	case Refusal(err) != "":
		return progress, fmt.Errorf("%s %s: %w: %s", name, workflowID, ErrRefused, Refusal(err))
	case err != nil:
		return progress, fmt.Errorf("%s %s: %w", name, workflowID, err)
	}
	return progress, nil
}
