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

	Carried *OrderCarry `json:",omitempty"` // only on the way from one run to the next
}

// OrderCarry is what the next run of an order has to know besides.
type OrderCarry struct {
	LateCheck        int  `json:",omitempty"`
	Pressed, Retried bool `json:",omitempty"`
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
	retried   bool // an operator wants everything tried once more
	refunded  bool // an operator's refund is under way
	long      bool // the story is to go on in a run of its own
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
		if carried := o.state.Carried; carried != nil { // looking makes up for signals nobody had read
			o.lateCheck, o.pressed, o.retried, o.hinted, o.look = carried.LateCheck, carried.Pressed, carried.Retried, true, true
			o.state.Carried = nil
		}
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

// measure notes that the history has become long: of payments that are told of
// again and again, or of years.
func (o *order) measure(ctx workflow.Context) { o.long = o.long || long(ctx, "orders") }

// turns tells whether to go on in a new run now: nothing is half done.
func (o *order) turns(ctx workflow.Context) bool { return o.long && o.settled(ctx) }

// nextRun leaves the story to the next run.
func (o *order) nextRun(ctx workflow.Context) error {
	o.state.Progress = o.state.carry()
	o.state.Carried = &OrderCarry{LateCheck: o.lateCheck, Pressed: o.pressed, Retried: o.retried}
	return workflow.NewContinueAsNewError(ctx, TypeOrder, OrderInput{
		OrderID: o.in.OrderID, CustomerID: o.state.CustomerID, AmountKRW: o.state.AmountKRW, PlacedAt: o.state.PlacedAt,
		Stage: o.state.Stage, CheckoutKey: o.in.CheckoutKey, Carry: &o.state,
	})
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

// takeUp learns of the order from the shop, unless its checkout told.
func (o *order) takeUp(ctx workflow.Context) error {
	if o.in.CustomerID != "" {
		o.loaded = true
		return o.enter(ctx, o.state.Stage)
	}
	o.waitingFor(ctx, "Reading the order from the shop")
	facts, err := o.load(ctx)
	if RefusalOf(err) != nil {
		o.loaded = true
		return o.enter(ctx, model.StageUnknown)
	}
	if err != nil {
		return err
	}
	o.adopt(facts)
	if err := o.recall(ctx, facts); err != nil {
		return err
	}
	o.loaded = true
	// A payment may be what took the order up.
	o.hinted = o.hinted || facts.Stage() != model.StageDone
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeOrder.ValueSet(facts.ID),
		AttributeCustomer.ValueSet(facts.CustomerID), AttributeAmount.ValueSet(int64(facts.Due))); err != nil {
		return err
	}
	return o.enter(ctx, facts.Stage())
}

// recall finds out which payment an order is paid by that is taken up anew: the
// earliest that is right, whichever it was that took it up. All that came after
// one whose money is back goes back, too.
func (o *order) recall(ctx workflow.Context, facts model.Order) error {
	if workflow.GetVersion(ctx, "the earliest payment is the first", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return nil
	}
	var payments []model.Payment
	if err := o.soon(ctx, "Ask Iamport by which payment it is paid", o.steps.Payments, o.ref(), &payments); err != nil {
		return err
	}
	for _, p := range payments { // the earliest paid first
		verdict, _ := model.Judge(p, facts, "")
		refunded := facts.Status == model.OrderRefunded && p.PaidAt != nil && p.Pays(facts.Due)
		if verdict == model.VerdictSuccess || refunded {
			o.state.PaidBy = p.ImpUID
			return nil
		}
	}
	return nil
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
