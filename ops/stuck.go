package ops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/workflows"
)

// Stuck is a workflow that waits longer than it should.
type Stuck struct {
	Workflow   string           `json:"workflow"`
	OrderID    string           `json:"order_id,omitempty"`
	CustomerID string           `json:"customer_id,omitempty"`
	AmountKRW  int64            `json:"amount_krw,omitempty"`
	Stage      string           `json:"stage,omitempty"`
	WaitingFor string           `json:"waiting_for"`
	Since      time.Time        `json:"since"`
	Reason     workflows.Reason `json:"reason"`
	StuckSince time.Time        `json:"stuck_since,omitzero"`
	LastError  string           `json:"last_error,omitempty"`
	ToDo       string           `json:"to_do,omitempty"`
	Command    string           `json:"command"`
}

// queryPatience is how long a workflow is waited for to tell its state: without
// a worker it cannot.
const queryPatience = 5 * time.Second

// Stuck lists the workflows that are stuck, the longest first. Of those a worker
// cannot tell about, Temporal's own record is shown.
func (b Books) Stuck(ctx context.Context) ([]Stuck, error) {
	return b.stuck(ctx, "StuckReason IS NOT NULL AND ExecutionStatus = 'Running'")
}

func (b Books) stuck(ctx context.Context, query string) ([]Stuck, error) {
	found, err := b.list(ctx, query)
	if err != nil {
		return nil, err
	}
	all := make([]Stuck, len(found))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, info := range found {
		all[i] = recorded(info)
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, queryPatience)
			defer cancel()
			progress, err := b.progress(ctx, all[i].Workflow)
			if err != nil {
				all[i].WaitingFor = "a worker to tell: " + err.Error()
				return nil
			}
			all[i].tell(progress)
			return nil
		})
	}
	_ = group.Wait() // none fails
	slices.SortStableFunc(all, func(a, b Stuck) int {
		return cmp.Or(a.StuckSince.Compare(b.StuckSince), cmp.Compare(a.Workflow, b.Workflow))
	})
	return all, nil
}

// recorded is what Temporal's own record tells of a workflow.
func recorded(info *workflowpb.WorkflowExecutionInfo) Stuck {
	fields := info.GetSearchAttributes().GetIndexedFields()
	read := func(name string, into any) {
		if payload := fields[name]; payload != nil {
			_ = converter.GetDefaultDataConverter().FromPayload(payload, into) // of another type: as if absent
		}
	}
	s := Stuck{Workflow: info.GetExecution().GetWorkflowId(), Since: info.GetStartTime().AsTime()}
	read(workflows.AttributeOrder.GetName(), &s.OrderID)
	read(workflows.AttributeCustomer.GetName(), &s.CustomerID)
	read(workflows.AttributeAmount.GetName(), &s.AmountKRW)
	read(workflows.AttributeStage.GetName(), &s.Stage)
	read(workflows.AttributeSince.GetName(), &s.Since)
	read(workflows.AttributeStuck.GetName(), &s.Reason)
	if s.Stage == "" {
		read(workflows.AttributeStatus.GetName(), &s.Stage)
	}
	s.Command = "byeolshow ops show " + s.Workflow
	return s
}

func (s *Stuck) tell(p workflows.Progress) {
	s.WaitingFor, s.Since, s.StuckSince, s.LastError, s.ToDo = p.WaitingFor, p.Since, p.StuckSince, p.LastError, p.ToDo
	if p.StuckReason != "" {
		s.Reason = p.StuckReason
	}
	if p.Command != "" {
		s.Command = "byeolshow ops " + p.Command + " " + s.Workflow
	}
}

// progress is what a workflow says of itself.
func (b Books) progress(ctx context.Context, workflowID string) (workflows.Progress, error) {
	var progress workflows.Progress
	answer, err := b.Temporal.QueryWorkflow(ctx, workflowID, "", workflows.QueryState)
	if err != nil {
		return progress, fmt.Errorf("ask %s: %w", workflowID, err)
	}
	return progress, answer.Get(&progress)
}

func (b Books) list(ctx context.Context, query string) ([]*workflowpb.WorkflowExecutionInfo, error) {
	var all []*workflowpb.WorkflowExecutionInfo
	for request := (&workflowservice.ListWorkflowExecutionsRequest{Query: query}); ; {
		page, err := b.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("list workflows: %w", err)
		}
		all = append(all, page.GetExecutions()...)
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return all, nil
		}
	}
}

// kinds are what workflow ids begin with.
var kinds = []string{"order", "refund", "broadcast", "checkout", "coupon", "signup", "welcome", "withdrawal", "mail", "images"}

// ErrUnknown is that nothing is known under an id.
var ErrUnknown = errors.New("there is nothing under that id")

// WorkflowID is the id of the workflow meant by what an operator writes: an
// order number, order/refund, a vod id, or a workflow id. Malformed ones are
// ErrUnknown.
func WorkflowID(id string) (string, error) {
	parts := strings.Split(strings.Trim(id, "/ "), "/")
	switch {
	case strings.ContainsAny(id, "'\"\\ ") || parts[0] == "":
		return "", fmt.Errorf("%q: %w", id, ErrUnknown)
	case slices.Contains(kinds, parts[0]) && len(parts) > 1:
		return strings.Join(parts, "/"), nil
	case len(parts) == 2:
		return workflows.RefundID(parts[0], parts[1]), nil
	case len(parts) > 2:
		return "", fmt.Errorf("%q: %w", id, ErrUnknown)
	case strings.Trim(parts[0], "0123456789") == "":
		return "broadcast/" + parts[0], nil
	}
	return workflows.OrderID(parts[0]), nil
}

// Target is the workflow a command is for. When the id is of an order that is
// not stuck itself, it is what is stuck of the order; several have to be told
// apart by whoever asks.
func (b Books) Target(ctx context.Context, id string) (string, error) {
	workflowID, err := WorkflowID(id)
	orderID, isOrder := strings.CutPrefix(workflowID, "order/")
	if err != nil || !isOrder {
		return workflowID, err
	}
	found, err := b.list(ctx, fmt.Sprintf("OrderID = '%s' AND StuckReason IS NOT NULL AND ExecutionStatus = 'Running'", orderID))
	if err != nil {
		return "", err
	}
	var stuck []string
	for _, info := range found {
		stuck = append(stuck, info.GetExecution().GetWorkflowId())
	}
	switch {
	case len(stuck) == 1:
		return stuck[0], nil
	case len(stuck) > 1 && !slices.Contains(stuck, id):
		return "", fmt.Errorf("several workflows of the order are stuck, name one: %s", strings.Join(stuck, ", "))
	}
	return workflowID, nil
}

// missing tells whether Temporal has no such workflow running.
func missing(err error) bool {
	var none *serviceerror.NotFound
	return errors.As(err, &none)
}

// Refusal is the business's refusal of a command, in words; "" when err is
// something else.
func Refusal(err error) string {
	if refusal := workflows.RefusalOf(err); refusal != nil {
		return refusal.Detail
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return app.Message()
	}
	return ""
}
