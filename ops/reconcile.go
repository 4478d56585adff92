// Package ops is what an operator asks of all systems at once.
package ops

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/iamport"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

// Books are the three that have to agree: the shop's orders, Iamport's
// payments, and our workflows.
type Books struct {
	Clayful  *clayful.Client
	Iamport  *iamport.Client
	Temporal client.Client
}

// Kind is what is wrong with an order's money.
type Kind string

// What can be wrong.
const (
	PaidTwice       Kind = "paid-twice"       // more than one payment is kept
	NotMarked       Kind = "paid-not-marked"  // the money is there and the shop does not know
	MarkedUnpaid    Kind = "marked-not-paid"  // the shop says paid and the money is not there
	Kept            Kind = "kept"             // money of a dead order was not given back
	WrongAmount     Kind = "wrong-amount"     // what was paid is not what was due
	ReturnedUnasked Kind = "returned-unasked" // given back though no refund asks for it
	NotTakenOver    Kind = "return-not-taken" // given back, and the shop knows of another sum
	RefundMissing   Kind = "refund-missing"   // accepted, and the money was not given back
	RefundDoubled   Kind = "refund-doubled"   // given back more than once, or not as accepted
	RefundTooEarly  Kind = "refund-too-early" // given back though not accepted
	NoWorkflow      Kind = "no-workflow"      // nobody looks after it: there is none, or it was ended before its end
)

// Problem is a disagreement of the books about one order.
type Problem struct {
	OrderID string `json:"order_id"`
	Kind    Kind   `json:"kind"`
	Detail  string `json:"detail"`
}

// Report is what a reconciliation found.
type Report struct {
	Orders   int       `json:"orders"`   // looked at
	Payments int       `json:"payments"` // of them
	Refunds  int       `json:"refunds"`
	Problems []Problem `json:"problems"`
}

// remembered is how long a finished workflow is surely still known.
const remembered = 20 * time.Hour

// atOnce is how many orders are looked at side by side.
const atOnce = 8

// Reconcile compares the books about every order our checkouts made that is
// older than age: younger ones may be in motion.
func (b Books) Reconcile(ctx context.Context, age time.Duration) (Report, error) {
	report := Report{Problems: []Problem{}}
	for page := 1; ; page++ {
		orders, err := b.Clayful.OrderPage(ctx, url.Values{}, page)
		if err != nil {
			return report, err
		}
		if len(orders) == 0 {
			return report, nil
		}
		found := make([]Report, len(orders))
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(atOnce)
		for i, order := range orders {
			if order.MetaString(model.CheckoutKey) == "" || time.Since(order.CreatedAt.Time) < age {
				continue
			}
			group.Go(func() (err error) {
				found[i], err = b.examine(ctx, order)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return report, err
		}
		for _, one := range found {
			report.Orders += one.Orders
			report.Payments += one.Payments
			report.Refunds += one.Refunds
			report.Problems = append(report.Problems, one.Problems...)
		}
	}
}

func (b Books) examine(ctx context.Context, order clayful.Order) (Report, error) {
	payments, err := b.Iamport.Payments(ctx, order.ID)
	if err != nil {
		return Report{}, fmt.Errorf("payments of %s: %w", order.ID, err)
	}
	report := Report{Orders: 1, Payments: len(payments), Refunds: len(order.Refunds)}
	report.Problems = append(moneyProblems(order, payments), refundProblems(order, payments)...)
	watched := map[string]string{}
	over := order.Done || order.Status == model.OrderCancelled
	if !over || time.Since(order.CreatedAt.Time) < remembered {
		watched[workflows.OrderID(order.ID)] = "the order"
	}
	for _, refund := range order.Refunds {
		if unfinished(refund, payments) {
			watched[workflows.RefundID(order.ID, refund.ID)] = "refund " + refund.ID
		}
	}
	for id, what := range watched {
		problem, err := b.unwatched(ctx, id)
		if err != nil {
			return report, fmt.Errorf("look for %s: %w", id, err)
		}
		if problem != "" {
			report.Problems = append(report.Problems, Problem{order.ID, NoWorkflow, what + ": " + problem})
		}
	}
	return report, nil
}

// unwatched tells why nobody looks after what a workflow should, "" when it
// does, or has to its end.
func (b Books) unwatched(ctx context.Context, id string) (string, error) {
	found, err := b.Temporal.DescribeWorkflow(ctx, id, "")
	var missing *serviceerror.NotFound
	switch {
	case errors.As(err, &missing):
		return "there is no workflow " + id, nil
	case err != nil:
		return "", err
	}
	switch found.Status {
	case enums.WORKFLOW_EXECUTION_STATUS_RUNNING, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return "", nil
	}
	return "workflow " + id + " ended as " + found.Status.String(), nil
}

// moneyProblems compare what is kept with what is due.
func moneyProblems(order clayful.Order, payments []iamport.Payment) []Problem {
	var problems []Problem
	add := func(kind Kind, format string, args ...any) {
		problems = append(problems, Problem{order.ID, kind, fmt.Sprintf(format, args...)})
	}
	var paid, kept, keptParts, right, unasked, returned int64
	for _, p := range payments {
		unasked += returnedUnasked(order, p)
		if p.Paid() {
			paid += p.Amount
			returned += p.CancelAmount
		}
		if p.Paid() && !returnedAsWrong(p) {
			right++
		}
		if p.Paid() && p.Left() > 0 {
			kept += p.Left()
			keptParts++
		}
	}
	var marked, markedReturned float64
	for _, t := range order.Transactions {
		marked += float64(t.Paid)
		markedReturned += float64(t.Cancelled)
	}
	due := int64(order.Total.Amount)
	live := order.Status != model.OrderPlaced && order.Status != model.OrderCancelled
	switch {
	case keptParts > 1:
		add(PaidTwice, "%d payments are kept, %d won", keptParts, kept)
	case order.Status == model.OrderCancelled && kept > 0:
		add(Kept, "%d won of a cancelled order are kept", kept)
	case order.Status == model.OrderPlaced && kept > 0:
		add(NotMarked, "%d won were paid, and the order is placed", kept)
	case order.Status != model.OrderCancelled && kept > due, order.Status != model.OrderCancelled && keptParts == 1 && paid < due:
		add(WrongAmount, "%d won are kept, %d are due", kept, due)
	case live && unasked > 0:
		add(ReturnedUnasked, "%d won were given back for no refund of it", unasked)
	}
	switch {
	case marked > 0 && paid == 0:
		add(MarkedUnpaid, "the shop knows of %.0f won, Iamport of none", marked)
	case live && due > 0 && right == 0:
		add(MarkedUnpaid, "it is %s, and no payment of it counts", order.Status)
	case live && int64(markedReturned) != returned:
		add(NotTakenOver, "%d won were given back, the shop knows of %.0f", returned, markedReturned)
	}
	return problems
}

// returnedUnasked is what of a payment was given back neither for a refund of
// the order, nor because the payment was not right, nor by an operator's refund.
func returnedUnasked(order clayful.Order, p iamport.Payment) int64 {
	var sum int64
	for _, back := range p.CancelHistory {
		asked := strings.Contains(back.Reason, p.ImpUID) || strings.Contains(back.Reason, "["+model.ByOperator)
		for _, refund := range order.Refunds {
			asked = asked || strings.Contains(back.Reason, refund.ID)
		}
		if !asked {
			sum += back.Amount
		}
	}
	return sum
}

// returnedAsWrong tells whether a payment was given back because it was not right.
func returnedAsWrong(p iamport.Payment) bool {
	return slices.ContainsFunc(p.CancelHistory, func(back iamport.Cancellation) bool { return strings.Contains(back.Reason, p.ImpUID) })
}

// unfinished tells whether a refund still needs its workflow: Temporal forgets
// those of finished ones after a while.
func unfinished(refund clayful.Refund, payments []iamport.Payment) bool {
	_, parts := givenFor(refund, payments)
	return refund.Status == model.RefundRequested || refund.Status == model.RefundAccepted && parts == 0 && refund.Total.Price.WithTax > 0
}

// givenFor is what was given back for a refund, and in how many parts.
func givenFor(refund clayful.Refund, payments []iamport.Payment) (sum, parts int64) {
	for _, p := range payments {
		for _, back := range p.CancelHistory {
			if strings.Contains(back.Reason, refund.ID) {
				sum += back.Amount
				parts++
			}
		}
	}
	return sum, parts
}

// refundProblems look for each refund's trace in Iamport's record.
func refundProblems(order clayful.Order, payments []iamport.Payment) []Problem {
	var problems []Problem
	for _, refund := range order.Refunds {
		sum, parts := givenFor(refund, payments)
		wanted := int64(refund.Total.Price.WithTax)
		switch {
		case refund.Status != model.RefundAccepted && parts > 0:
			problems = append(problems, Problem{order.ID, RefundTooEarly, fmt.Sprintf("%s is %s, and %d won were given back", refund.ID, refund.Status, sum)})
		case refund.Status == model.RefundAccepted && parts == 0 && wanted > 0:
			problems = append(problems, Problem{order.ID, RefundMissing, fmt.Sprintf("%s is accepted, and %d won were not given back", refund.ID, wanted)})
		case refund.Status == model.RefundAccepted && (parts > 1 || sum != wanted):
			problems = append(problems, Problem{order.ID, RefundDoubled, fmt.Sprintf("%s: %d won in %d parts instead of %d", refund.ID, sum, parts, wanted)})
		}
	}
	return problems
}
