package ops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/iamport"
	"github.com/byeolshow/byeolshow/workflows"
)

// Story is all that is known about an order, a refund or a broadcast.
type Story struct {
	Workflow string              `json:"workflow"`
	Timeline []Moment            `json:"timeline"`
	Now      *workflows.Progress `json:"now,omitempty"`     // nil when nothing is under way
	Stuck    []Stuck             `json:"stuck,omitempty"`   // it, or what belongs to it
	Shop     *ShopSays           `json:"clayful,omitempty"` // of orders and refunds
	Payments []PaymentSays       `json:"iamport,omitempty"` // of orders and refunds
	Silent   []string            `json:"silent,omitempty"`  // who could not be asked, and why
}

// Moment is something that happened.
type Moment struct {
	At       time.Time `json:"at"`
	Workflow string    `json:"workflow"`
	What     string    `json:"what"`
	Personal string    `json:"personal,omitempty"` // only when asked for
	Times    int       `json:"times,omitempty"`    // how often it happened in a row, when more than once
}

// ShopSays is what Clayful says of an order now.
type ShopSays struct {
	Status   string       `json:"status"`
	Done     bool         `json:"done"`
	DueKRW   int64        `json:"due_krw"`
	PlacedAt time.Time    `json:"placed_at"`
	Parcels  []string     `json:"parcels,omitempty"`
	Refunds  []RefundSays `json:"refunds,omitempty"`
}

// RefundSays is what Clayful says of a refund now.
type RefundSays struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	AmountKRW int64  `json:"amount_krw"`
}

// PaymentSays is what Iamport says of a payment now.
type PaymentSays struct {
	ImpUID    string     `json:"imp_uid"`
	Method    string     `json:"method"`
	Status    string     `json:"status"`
	AmountKRW int64      `json:"amount_krw"`
	PaidAt    *time.Time `json:"paid_at,omitempty"`
	Back      []Back     `json:"back,omitempty"`
}

// Back is money given back.
type Back struct {
	AmountKRW int64     `json:"amount_krw"`
	Reason    string    `json:"reason"`
	At        time.Time `json:"at"`
}

// Story tells of a workflow, and of those that belong to it: of an order its
// checkout and its refunds. With a converter it tells what is personal, too.
func (b Books) Story(ctx context.Context, workflowID string, personal converter.DataConverter) (Story, error) {
	story := Story{Workflow: workflowID, Timeline: []Moment{}}
	runs, err := b.runs(ctx, workflowID)
	if err != nil {
		return story, err
	}
	for _, r := range runs {
		checkout, err := b.read(ctx, r, personal, &story)
		if err != nil {
			return story, err
		}
		if checkout != "" {
			if _, err := b.read(ctx, run{id: checkout}, personal, &story); err != nil && !missing(err) {
				return story, err
			}
		}
	}
	slices.SortStableFunc(story.Timeline, func(a, b Moment) int { return a.At.Compare(b.At) })
	story.Timeline = condensed(story.Timeline)
	if now, err := b.progress(ctx, workflowID); err == nil {
		story.Now = &now
	} else if !missing(err) {
		story.Silent = append(story.Silent, err.Error())
	}
	if story.Stuck, err = b.stuck(ctx, family(workflowID)+" AND StuckReason IS NOT NULL AND ExecutionStatus = 'Running'"); err != nil {
		return story, err
	}
	if parts := strings.Split(workflowID, "/"); parts[0] == "order" || parts[0] == "refund" {
		b.ask(ctx, parts[1], &story)
	}
	if len(story.Timeline) == 0 && story.Shop == nil && len(story.Payments) == 0 && len(story.Silent) == 0 {
		return story, fmt.Errorf("%s: %w", workflowID, ErrUnknown)
	}
	return story, nil
}

// condensed tells once of what went on in turns: of waiting and looking, again
// and again.
func condensed(moments []Moment) []Moment {
	same := func(a, b Moment) bool {
		return a.Workflow == b.Workflow && a.What == b.What && a.Personal == b.Personal
	}
	short := []Moment{}
	for i, m := range moments {
		last := len(short) - 1
		switch {
		case last >= 0 && same(m, short[last]):
			short[last].Times = max(short[last].Times, 1) + 1
		case last >= 1 && same(m, short[last-1]) && i+1 < len(moments) && same(moments[i+1], short[last]):
			short[last-1].Times = max(short[last-1].Times, 1) + 1
		default:
			short = append(short, m)
		}
	}
	return short
}

type run struct{ id, run string }

// family finds a workflow, and of an order its refunds.
func family(workflowID string) string {
	if orderID, ok := strings.CutPrefix(workflowID, "order/"); ok {
		return fmt.Sprintf("(WorkflowId = '%s' OR OrderID = '%s')", workflowID, orderID)
	}
	return fmt.Sprintf("WorkflowId = '%s'", workflowID)
}

// runs are all runs that belong to a story, as far as Temporal remembers them.
func (b Books) runs(ctx context.Context, workflowID string) ([]run, error) {
	found, err := b.list(ctx, family(workflowID))
	if err != nil {
		return nil, err
	}
	runs := make([]run, len(found))
	for i, info := range found {
		runs[i] = run{info.GetExecution().GetWorkflowId(), info.GetExecution().GetRunId()}
	}
	slices.SortFunc(runs, func(a, b run) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.run, b.run)) })
	return runs, nil
}

// read adds the moments of a run's history, and answers the id of the checkout
// an order came from.
func (b Books) read(ctx context.Context, r run, personal converter.DataConverter, story *Story) (checkout string, err error) {
	reader := reader{personal: personal, steps: map[int64]string{}}
	events := b.Temporal.GetWorkflowHistory(ctx, r.id, r.run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return "", fmt.Errorf("read the history of %s: %w", r.id, err)
		}
		if what, secret := reader.tell(event); what != "" {
			story.Timeline = append(story.Timeline, Moment{At: event.GetEventTime().AsTime(), Workflow: r.id, What: what, Personal: secret})
		}
		if in := event.GetWorkflowExecutionStartedEventAttributes(); in.GetWorkflowType().GetName() == workflows.TypeOrder {
			checkout = checkoutOf(in)
		}
	}
	return checkout, nil
}

func checkoutOf(in *historypb.WorkflowExecutionStartedEventAttributes) string {
	var order workflows.OrderInput
	err := converter.GetDefaultDataConverter().FromPayloads(in.GetInput(), &order)
	if err != nil || order.CheckoutKey == "" {
		return ""
	}
	return workflows.CheckoutID(order.CustomerID, order.CheckoutKey)
}

// ask has the shop and Iamport say what they know of an order now.
func (b Books) ask(ctx context.Context, orderID string, story *Story) {
	order, err := b.Clayful.Order(ctx, orderID)
	var refusal *clayful.Error
	switch {
	case err == nil:
		story.Shop = shopSays(order)
	case !errors.As(err, &refusal) || refusal.Status != http.StatusNotFound:
		story.Silent = append(story.Silent, "Clayful: "+err.Error())
	}
	payments, err := b.Iamport.Payments(ctx, orderID)
	if err != nil {
		story.Silent = append(story.Silent, "Iamport: "+err.Error())
	}
	for _, p := range payments {
		story.Payments = append(story.Payments, paymentSays(p))
	}
}

func shopSays(order *clayful.Order) *ShopSays {
	says := &ShopSays{Status: order.Status, Done: order.Done, DueKRW: int64(order.Total.Amount), PlacedAt: order.CreatedAt.Time}
	for _, parcel := range order.Fulfillments {
		says.Parcels = append(says.Parcels, parcel.Status)
	}
	for _, r := range order.Refunds {
		says.Refunds = append(says.Refunds, RefundSays{r.ID, r.Status, int64(r.Total.Price.WithTax)})
	}
	return says
}

func paymentSays(p iamport.Payment) PaymentSays {
	says := PaymentSays{ImpUID: p.ImpUID, Method: p.PayMethod, Status: p.Status, AmountKRW: p.Amount}
	if p.Paid() {
		at := time.Unix(p.PaidAt, 0)
		says.PaidAt = &at
	}
	for _, back := range p.CancelHistory {
		says.Back = append(says.Back, Back{back.Amount, back.Reason, time.Unix(back.At, 0)})
	}
	return says
}
