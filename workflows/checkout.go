package workflows

import (
	"encoding/json"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
)

// CheckoutInput is an order to be made under a key. Fingerprint tells two
// payloads under one key apart.
type CheckoutInput struct {
	CustomerID, Key, Fingerprint string
	Payload                      json.RawMessage
}

// Personal marks it to be sealed in histories.
func (CheckoutInput) Personal() {}

// Attributes are what an operator finds it by.
func (in CheckoutInput) Attributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(AttributeCustomer.ValueSet(in.CustomerID))
}

// CheckoutResult is the order that was made. Answer is the shop's.
type CheckoutResult struct {
	OrderID, Fingerprint string
	AmountKRW            model.KRW
	Answer               json.RawMessage
}

// Personal marks it to be sealed in histories.
func (CheckoutResult) Personal() {}

// CheckoutID is the workflow id of a checkout: checkout/<customer>/<key>.
func CheckoutID(customerID, key string) string { return "checkout/" + customerID + "/" + key }

// TypeCheckout is the name of the Checkout workflow.
const TypeCheckout = "Checkout"

// placing is how long an order is tried to be made. After that it is only
// looked for, and when it was not made the checkout has failed.
const placing = time.Minute

// Checkout makes one order, however the shop behaves: the order is placed, its
// price registered with Iamport, and its workflow started. It ends with the
// shop's answer, or with the shop's refusal, after which its key is free.
func (r Rules) Checkout(ctx workflow.Context, in CheckoutInput) (CheckoutResult, error) {
	var steps *activities.Activities
	progress := &Progress{}
	book := journal{
		progress: progress,
		headline: func() string { return "Checkout of customer " + in.CustomerID },
		heard:    new(int),
	}
	order := activities.NewOrder{CustomerID: in.CustomerID, Key: in.Key, Payload: in.Payload}

	book.waitingFor(ctx, "Placing the order")
	var placed activities.PlacedOrder
	err := workflow.ExecuteLocalActivity(quickly(ctx, "Place the order", 10*time.Second, 1), steps.PlaceOrder, order).Get(ctx, &placed)
	if err != nil && RefusalOf(err) == nil {
		book.waitingFor(ctx, "The shop did not answer: looking whether it made the order, and trying again")
		err = workflow.ExecuteActivity(patiently(ctx, "Place the order, unless it was", placing), steps.PlaceOrder, order).Get(ctx, &placed)
	}
	if err != nil && RefusalOf(err) == nil {
		book.waitingFor(ctx, "The shop does not answer: looking whether it made the order after all")
		err = book.find(ctx, "Look for the order", steps.FindOrder, order, &placed)
	}
	if err != nil {
		return CheckoutResult{}, refused(err)
	}

	priced := true
	if placed.Order.Due > 0 {
		book.waitingFor(ctx, "Registering the price")
		price := activities.Price{OrderID: placed.Order.ID, Due: placed.Order.Due}
		registered := workflow.ExecuteLocalActivity(quickly(ctx, "Register the price with Iamport", 5*time.Second, 2), steps.RegisterPrice, price)
		priced = registered.Get(ctx, nil) == nil // else the order's workflow goes on trying
	}
	book.waitingFor(ctx, "Starting the order's own workflow")
	err = startOrder(ctx, OrderInput{
		OrderID: placed.Order.ID, CustomerID: in.CustomerID, AmountKRW: placed.Order.Due, PlacedAt: placed.Order.PlacedAt,
		Stage: placed.Order.Stage(), CheckoutKey: in.Key, Suspect: placed.Suspect, Unpriced: !priced,
	})
	book.waitingFor(ctx, "Over: order "+placed.Order.ID+" is placed")
	return CheckoutResult{OrderID: placed.Order.ID, Fingerprint: in.Fingerprint, AmountKRW: placed.Order.Due, Answer: placed.Answer}, err
}

// find repeats a search until the shop answers. That there is nothing is an
// answer, too.
func (j journal) find(ctx workflow.Context, summary string, step, in, out any) error {
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		err := workflow.ExecuteActivity(patiently(ctx, summary, trying), step, in).Get(ctx, out)
		if temporal.IsCanceledError(err) {
			return err
		}
		if err == nil || RefusalOf(err) != nil {
			return errors.Join(err, j.progress.loosen(ctx, j.headline()))
		}
		if err := j.progress.stick(ctx, j.headline(), err); err != nil {
			return err
		}
		if err := workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{Summary: "Pause before looking again"}).Get(ctx, nil); err != nil {
			return err
		}
	}
}

// startOrder starts the order's workflow, unless a payment already did.
func startOrder(ctx workflow.Context, in OrderInput) error {
	child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            OrderID(in.OrderID),
		TaskQueue:             QueueOrders,
		WorkflowTaskTimeout:   TaskTimeout,
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		StaticSummary:         in.Summary(),
		TypedSearchAttributes: in.attributes(),
	}), TypeOrder, in)
	return unlessStarted(child.GetChildWorkflowExecution().Get(ctx, nil))
}

// unlessStarted passes over that a child runs already, or has.
func unlessStarted(err error) error {
	var started *temporal.ChildWorkflowExecutionAlreadyStartedError
	if errors.As(err, &started) {
		return nil
	}
	return err
}
