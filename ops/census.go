package ops

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store"
	"github.com/byeolshow/byeolshow/workflows"
)

// Census counts what is under way.
type Census struct {
	Temporal client.Client
	Store    *store.Store
}

// Count is what is under way at a moment.
type Count struct {
	Orders  map[string]int64 // orders and refunds that are looked after, by OrderStage
	Stuck   map[string]int64 // workflows, by StuckReason
	Overdue int64            // broadcasts that are due and not live
}

var stages = []string{
	string(model.StagePlaced), string(model.StageVBankIssued), string(model.StagePaid), string(model.StageCancelled),
	"refund-requested", "refund-accepted",
}

const running = "ExecutionStatus = 'Running'"

// Take counts. What was started in the last second may be missing, as in
// Temporal's lists.
func (c Census) Take(ctx context.Context) (Count, error) {
	count := Count{Orders: map[string]int64{}}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, stage := range stages {
		group.Go(func() error {
			n, err := c.workflows(ctx, fmt.Sprintf("OrderStage = '%s' AND %s", stage, running))
			mu.Lock()
			defer mu.Unlock()
			count.Orders[stage] = n
			return err
		})
	}
	group.Go(func() (err error) {
		count.Stuck, err = c.stuck(ctx)
		return err
	})
	group.Go(func() (err error) {
		count.Overdue, err = c.Store.CountOverdue(ctx, time.Now())
		return err
	})
	return count, group.Wait()
}

func (c Census) workflows(ctx context.Context, query string) (int64, error) {
	answer, err := c.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err != nil {
		return 0, fmt.Errorf("count workflows where %s: %w", query, err)
	}
	return answer.GetCount(), nil
}

// stuck looks for a reason it has not counted yet until there is none.
func (c Census) stuck(ctx context.Context) (map[string]int64, error) {
	count, rest := map[string]int64{}, "StuckReason IS NOT NULL AND "+running
	for {
		answer, err := c.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: rest, PageSize: 1})
		if err != nil {
			return nil, fmt.Errorf("look for stuck workflows: %w", err)
		}
		if len(answer.GetExecutions()) == 0 {
			return count, nil
		}
		var reason string
		payload := answer.GetExecutions()[0].GetSearchAttributes().GetIndexedFields()[workflows.AttributeStuck.GetName()]
		if err := converter.GetDefaultDataConverter().FromPayload(payload, &reason); err != nil {
			return nil, fmt.Errorf("read StuckReason: %w", err)
		}
		quoted := "'" + strings.ReplaceAll(reason, "'", `\'`) + "'"
		if count[reason], err = c.workflows(ctx, "StuckReason = "+quoted+" AND "+running); err != nil {
			return nil, err
		}
		rest += " AND StuckReason != " + quoted
	}
}
