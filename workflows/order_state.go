package workflows

import (
	"fmt"
	"strconv"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
)

// OrderID is the workflow id of an order: order/<order_id>.
func OrderID(orderID string) string { return "order/" + orderID }

// Names of the Order workflow.
const (
	TypeOrder = "Order"
	// QueueOrders is the task queue of checkouts, orders, refunds and coupons.
	QueueOrders = "orders"
	// UpdateSettle takes a model.Payment and answers with its model.Verdict.
	UpdateSettle = "settle"
	// UpdateCancel takes an activities.Cancellation and answers with an
	// activities.CancelledOrder, or with a refusal that RefusalOf reads.
	UpdateCancel = "cancel"
	// SignalPayment has no argument: Iamport has something to tell.
	SignalPayment = "payment"
	// SignalChanged has no argument: the shop, or a person, changed something.
	SignalChanged = "changed"
)

type (
	// Cancellation is what UpdateCancel takes.
	Cancellation = activities.Cancellation
	// CancelledOrder is what UpdateCancel answers.
	CancelledOrder = activities.CancelledOrder
)

var (
	// PaymentOf is what of Iamport's payment decides.
	PaymentOf = activities.PaymentOf
	// OrderOf is what of the shop's order decides about money and time.
	OrderOf = activities.OrderOf
)

// OrderInput starts an Order workflow. Without a customer it is taken up as the
// shop knows it.
type OrderInput struct {
	OrderID     string
	CustomerID  string           `json:",omitempty"`
	AmountKRW   model.KRW        `json:",omitempty"`
	PlacedAt    time.Time        `json:",omitzero"`
	Stage       model.OrderStage `json:",omitempty"`
	CheckoutKey string           `json:",omitempty"`
	Suspect     bool             `json:",omitempty"` // a twin of it may turn up
	Unpriced    bool             `json:",omitempty"` // Iamport does not know its price
	Carry       *OrderState      `json:",omitempty"` // of the run before
}

// Summary is what an operator reads in the list of workflows.
func (in OrderInput) Summary() string {
	if in.CustomerID == "" {
		return "Order " + in.OrderID
	}
	return fmt.Sprintf("Order %s of customer %s: %s won", in.OrderID, in.CustomerID, grouped(in.AmountKRW))
}

func (in OrderInput) attributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(AttributeOrder.ValueSet(in.OrderID), AttributeCustomer.ValueSet(in.CustomerID),
		AttributeAmount.ValueSet(int64(in.AmountKRW)), AttributeStage.ValueSet(string(in.Stage)), AttributeSince.ValueSet(in.PlacedAt))
}

// grouped writes an amount with its thousands apart.
func grouped(amount model.KRW) string {
	text := strconv.FormatInt(int64(amount), 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// tooLong is what an order is stuck with that has been in its stage too long.
const tooLong = "the time it takes"

// Ruling is how a payment was judged.
type Ruling struct {
	Verdict     model.Verdict
	Consequence model.Consequence
	Paid        bool // whether the money had come by then
}

// OrderState is all an Order workflow knows, as its state query tells.
type OrderState struct {
	Progress

	OrderID    string
	CustomerID string
	AmountKRW  model.KRW
	PlacedAt   time.Time
	Stage      model.OrderStage
	StageSince time.Time
	PaidBy     string            `json:",omitempty"` // imp_uid
	OpenTill   *time.Time        `json:",omitempty"` // of its virtual account
	Payments   map[string]Ruling // by imp_uid
	Refunds    map[string]bool   // that have workflows
}

// order is an Order workflow at work.
type order struct {
	journal

	in    OrderInput
	rules Rules
	steps *activities.Activities // only names steps; never called

	state     OrderState
	facts     *model.Order // as the shop said last
	loaded    bool
	hinted    bool // Iamport has something to tell
	look      bool // the shop has
	looks     int  // how often it had
	notices   int  // how often somebody told of a payment
	pressed   bool // an operator does not want to wait for the deadline's grace
	refunded  bool // an operator's refund is under way
	lateCheck int
	beside    int // jobs running beside the story
	money     workflow.Mutex
}

func newOrder(in OrderInput, rules Rules) *order {
	o := &order{in: in, rules: rules}
	o.state = OrderState{OrderID: in.OrderID, CustomerID: in.CustomerID, AmountKRW: in.AmountKRW, PlacedAt: in.PlacedAt, Stage: in.Stage}
	if in.Carry != nil {
		o.state = *in.Carry
		o.state.resume()
	}
	if o.state.Payments == nil {
		o.state.Payments = map[string]Ruling{}
	}
	if o.state.Refunds == nil {
		o.state.Refunds = map[string]bool{}
	}
	o.journal = journal{progress: &o.state.Progress, headline: o.headline, heard: &o.looks, limits: rules.Limits}
	return o
}

func (o *order) headline() string {
	return fmt.Sprintf("**Order %s**, %s won, customer %s: %s", o.in.OrderID, grouped(o.state.AmountKRW), o.state.CustomerID, o.state.Stage)
}

func (o *order) ref() activities.OrderRef { return activities.OrderRef{OrderID: o.in.OrderID} }

// woken tells whether something was heard that nobody has looked at.
func (o *order) woken() bool { return o.hinted || o.look }

// settled tells whether nothing runs beside and everybody has been answered.
func (o *order) settled(ctx workflow.Context) bool {
	return o.beside == 0 && workflow.AllHandlersFinished(ctx)
}

// enter notes the stage the order is in.
func (o *order) enter(ctx workflow.Context, stage model.OrderStage) error {
	fresh := o.state.StageSince.IsZero()
	if o.state.Stage == stage && !fresh {
		return nil
	}
	changed := o.state.Stage != stage
	o.state.Stage, o.state.StageSince = stage, workflow.Now(ctx)
	if err := o.lower(ctx, tooLong); err != nil {
		return err
	}
	if !changed && o.in.CustomerID != "" { // its start carried it
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, AttributeStage.ValueSet(string(stage)), AttributeSince.ValueSet(o.state.StageSince))
}

func (o *order) load(ctx workflow.Context) (model.Order, error) {
	var facts model.Order
	return facts, o.soon(ctx, "Read the order from the shop", o.steps.LoadOrder, o.ref(), &facts)
}

func (o *order) adopt(facts model.Order) {
	o.facts = &facts
	o.state.CustomerID, o.state.AmountKRW, o.state.PlacedAt = facts.CustomerID, facts.Due, facts.PlacedAt
}

// asFacts is the order as far as a payment is judged by it.
func (o *order) asFacts() model.Order {
	facts := model.Order{ID: o.in.OrderID, Due: o.state.AmountKRW, Status: model.OrderPlaced}
	if o.state.Stage == model.StageCancelled {
		facts.Status = model.OrderCancelled
	}
	return facts
}

// deadline is when an unpaid order is given up.
func (o *order) deadline() time.Time {
	if o.state.Stage == model.StageVBankIssued && o.state.OpenTill != nil {
		if o.pressed {
			return *o.state.OpenTill
		}
		return o.state.OpenTill.Add(o.rules.VBankGrace)
	}
	return o.state.PlacedAt.Add(o.rules.UnpaidAfter)
}

// alongside runs a job beside the story. The workflow does not end before it.
func (o *order) alongside(ctx workflow.Context, job func(workflow.Context) error) {
	o.beside++
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { o.beside-- }()
		if err := job(ctx); err != nil {
			workflow.GetLogger(ctx).Error("job beside the order failed", "order_id", o.in.OrderID, "error", err)
		}
	})
}
