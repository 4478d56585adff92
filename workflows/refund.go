package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
)

// RefundID is the workflow id of a refund: refund/<order_id>/<refund_id>.
func RefundID(orderID, refundID string) string { return "refund/" + orderID + "/" + refundID }

// Names of the Refund workflow. It hears SignalChanged, too.
const (
	TypeRefund = "Refund"
	// SignalByHand has no argument. It is UpdateResolve as it was before there
	// was that: the first says that a person will give the money back, the second
	// that they have.
	SignalByHand = "by-hand"
)

// RefundInput starts a Refund workflow. What is missing is read from the shop.
type RefundInput struct {
	OrderID, RefundID, CustomerID string
	AmountKRW                     model.KRW

	Carry *RefundCarry `json:",omitempty"` // of the run before
}

// RefundCarry is what a run of a requested refund leaves to the next.
type RefundCarry struct {
	Progress Progress
	ByHand   int // how often somebody said that a person gives the money
}

// Summary is what an operator reads in the list of workflows.
func (in RefundInput) Summary() string {
	return fmt.Sprintf("Refund of %s won of order %s", grouped(in.AmountKRW), in.OrderID)
}

// Attributes are what an operator finds it by.
func (in RefundInput) Attributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(AttributeOrder.ValueSet(in.OrderID), AttributeCustomer.ValueSet(in.CustomerID),
		AttributeAmount.ValueSet(int64(in.AmountKRW)), AttributeStage.ValueSet("refund-requested"))
}

// RefundState is all a Refund workflow knows, as its state query tells.
type RefundState struct {
	Progress
	RefundInput

	Status   string // the shop's word
	Returned bool   // the money is back
	Stocked  bool   // the items are
	Over     bool
}

// Refund gives the money of one refund back: once the shop has accepted it, and
// not before; exactly its amount, and exactly once. Then the items go back into
// stock and the shop learns of the money. It ends with that, or when the refund
// is cancelled while it is only requested.
func (r Rules) Refund(ctx workflow.Context, in RefundInput) (RefundState, error) {
	r, err := r.pinned(ctx)
	if err != nil {
		return RefundState{}, err
	}
	refund := &refund{state: RefundState{RefundInput: in}, rules: r}
	if carry := in.Carry; carry != nil {
		refund.state.Carry, refund.state.Progress, refund.hands.times, refund.carried = nil, carry.Progress, carry.ByHand, true
		refund.state.resume()
	}
	refund.journal = journal{progress: &refund.state.Progress, headline: refund.headline, heard: &refund.looks, limits: r.Limits}
	if err := refund.listen(ctx); err != nil {
		return refund.state, err
	}
	if err := refund.run(ctx); err != nil {
		return refund.state, err
	}
	return refund.state, workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// refund is a Refund workflow at work.
type refund struct {
	journal

	state RefundState
	rules Rules
	steps *activities.Activities // only names steps; never called
	look  bool                   // somebody asked to look again
	looks int                    // how often
	hands handed

	byHand  workflow.ReceiveChannel
	carried bool // a run before told the stage already
}

func (f *refund) headline() string {
	return fmt.Sprintf("**Refund %s** of order %s, %s won, customer %s", f.state.RefundID, f.state.OrderID, grouped(f.state.AmountKRW), f.state.CustomerID)
}

func (f *refund) listen(ctx workflow.Context) error {
	channel := workflow.GetSignalChannelWithOptions(ctx, SignalChanged, workflow.SignalChannelOptions{
		Description: "The shop or a person changed something: look again",
	})
	workflow.Go(ctx, func(ctx workflow.Context) {
		for channel.Receive(ctx, nil) {
			f.look = true
			f.looks++
		}
	})
	f.byHand = workflow.GetSignalChannelWithOptions(ctx, SignalByHand, workflow.SignalChannelOptions{
		Description: "First: a person gives the money back, do not try any more. Second: it is back",
	})
	workflow.Go(ctx, func(ctx workflow.Context) {
		for f.byHand.Receive(ctx, nil) {
			f.hands.times++
			f.looks++
		}
	})
	if err := f.obeyWith(ctx, f.mayLookAgain, func() { f.look = true }); err != nil {
		return err
	}
	return workflow.SetQueryHandler(ctx, QueryState, func() (RefundState, error) { return f.state, nil })
}

// mayLookAgain refuses to try again what is not the workflow's to do.
func (f *refund) mayLookAgain() error {
	if t := f.state.shown(); f.state.Status == model.RefundRequested && (t == nil || t.key == tooLong) {
		return nil
	}
	return f.mayRetry()
}

func (f *refund) run(ctx workflow.Context) error {
	if (f.limits != Limits{}) && !f.carried {
		if err := f.stage(ctx, "refund-requested"); err != nil {
			return err
		}
	}
	for !f.state.Returned {
		if err := f.awaitAcceptance(ctx); err != nil || f.state.Status != model.RefundAccepted {
			return err
		}
		if err := f.giveBack(ctx); err != nil {
			return err
		}
	}
	ref := activities.RefundRef{OrderID: f.state.OrderID, RefundID: f.state.RefundID}
	f.waitingFor(ctx, "The money is back: putting the items into stock")
	if err := f.insist(ctx, "Put the items back into stock", f.steps.Restock, ref, nil); err != nil {
		return err
	}
	f.state.Stocked = true
	f.waitingFor(ctx, "The items are back: letting the shop take over the return")
	if err := f.insist(ctx, "Let the shop take over the return", f.steps.SyncOrder, activities.OrderRef{OrderID: f.state.OrderID}, nil); err != nil {
		return err
	}
	return f.end(ctx, "refunded", "Over: the money and the items are back")
}

// giveBack sends the money, or lets a person do it. It is not sent when the shop
// has taken its acceptance back.
func (f *refund) giveBack(ctx workflow.Context) error {
	if f.state.AmountKRW == 0 {
		f.state.Returned = true
		return nil
	}
	f.waitingFor(ctx, "Accepted: giving the money back at Iamport")
	in := activities.Return{
		OrderID: f.state.OrderID, CustomerID: f.state.CustomerID, Amount: f.state.AmountKRW,
		Reference: "refund " + f.state.RefundID, Reason: "환불", RefundID: f.state.RefundID,
	}
	effort := effort{
		summary: fmt.Sprintf("Give %s won back", grouped(f.state.AmountKRW)), step: f.steps.GiveBack, in: func() any { return in },
	}
	err := f.payBack(ctx, &f.hands, f.state.AmountKRW, effort, notAccepted)
	f.state.Returned = err == nil
	if notAccepted(err) {
		return nil
	}
	return err
}

func notAccepted(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.Type() == activities.ErrorNotAccepted
}

// awaitAcceptance looks at the refund when something is heard of it, and now
// and then without. What the shop says counts, whoever said so before.
func (f *refund) awaitAcceptance(ctx workflow.Context) error {
	for {
		f.look = false
		var facts model.Refund
		ref := activities.RefundRef{OrderID: f.state.OrderID, RefundID: f.state.RefundID}
		err := f.soon(ctx, "Read the refund from the shop", f.steps.LoadRefund, ref, &facts)
		if RefusalOf(err) != nil {
			return f.end(ctx, "refund-unknown", "Over: the shop has no such refund")
		}
		if err != nil {
			return err
		}
		f.state.Status, f.state.AmountKRW = facts.Status, facts.Amount
		if facts.Status != model.RefundRequested {
			if err := f.lower(ctx, tooLong); err != nil {
				return err
			}
		}
		switch facts.Status {
		case model.RefundAccepted:
			if err := f.know(ctx); err != nil {
				return err
			}
			return f.stage(ctx, "refund-accepted")
		case model.RefundCancelled:
			return f.end(ctx, "refund-cancelled", "Over: the refund was cancelled")
		}
		f.waitingFor(ctx, "Requested: waiting for the shop to accept it")
		if workflow.Now(ctx).Sub(f.state.Since) >= f.limits.Acceptance {
			if err := f.flag(ctx, trouble{
				key: tooLong, reason: StuckOperator, words: "the shop has neither accepted nor cancelled it", command: commandResolve,
				toDo: "Accept or cancel it in the shop's dashboard. `resolve` when waiting is right.",
			}); err != nil {
				return err
			}
		}
		if long(ctx, "refunds") {
			return f.nextRun(ctx)
		}
		at := workflow.Now(ctx).Add(f.rules.RefundPoll)
		if err := until(ctx, at, "Look whether the shop has accepted", func() bool { return f.look }); err != nil {
			return err
		}
	}
}

// nextRun leaves the waiting to the next run, which looks at the refund first:
// of all signals only those about a person's hands have to be counted before.
func (f *refund) nextRun(ctx workflow.Context) error {
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return err
	}
	for f.byHand.ReceiveAsync(nil) {
		f.hands.times++
	}
	next := f.state.RefundInput
	next.Carry = &RefundCarry{Progress: f.state.carry(), ByHand: f.hands.times}
	return workflow.NewContinueAsNewError(ctx, TypeRefund, next)
}

// know finds out whose refund it is when a webhook did not tell.
func (f *refund) know(ctx workflow.Context) error {
	if f.state.CustomerID != "" {
		return nil
	}
	var facts model.Order
	if err := f.soon(ctx, "Read the order from the shop", f.steps.LoadOrder, activities.OrderRef{OrderID: f.state.OrderID}, &facts); err != nil {
		return err
	}
	f.state.CustomerID = facts.CustomerID
	return workflow.UpsertTypedSearchAttributes(ctx, AttributeCustomer.ValueSet(facts.CustomerID), AttributeAmount.ValueSet(int64(f.state.AmountKRW)))
}

func (f *refund) stage(ctx workflow.Context, stage string) error {
	return workflow.UpsertTypedSearchAttributes(ctx, AttributeStage.ValueSet(stage), AttributeSince.ValueSet(workflow.Now(ctx)))
}

func (f *refund) end(ctx workflow.Context, stage, words string) error {
	f.state.Over = true
	f.waitingFor(ctx, words)
	return f.stage(ctx, stage)
}
