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
	// SignalByHand has no argument. The first says that a person will give the
	// money back: after the attempt under way there is no other. The second says
	// that they have.
	SignalByHand = "by-hand"
)

// RefundInput starts a Refund workflow. What is missing is read from the shop.
type RefundInput struct {
	OrderID, RefundID, CustomerID string
	AmountKRW                     model.KRW
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
	refund.journal = journal{progress: &refund.state.Progress, headline: refund.headline, heard: &refund.looks}
	if err := refund.listen(ctx); err != nil {
		return refund.state, err
	}
	err = refund.run(ctx)
	return refund.state, err
}

// refund is a Refund workflow at work.
type refund struct {
	journal

	state RefundState
	rules Rules
	steps *activities.Activities // only names steps; never called
	look  bool                   // somebody asked to look again
	looks int                    // how often
	hands int                    // how often SignalByHand came
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
	byHand := workflow.GetSignalChannelWithOptions(ctx, SignalByHand, workflow.SignalChannelOptions{
		Description: "First: a person gives the money back, do not try any more. Second: it is back",
	})
	workflow.Go(ctx, func(ctx workflow.Context) {
		for byHand.Receive(ctx, nil) {
			f.hands++
			f.looks++
		}
	})
	return workflow.SetQueryHandler(ctx, QueryState, func() (RefundState, error) { return f.state, nil })
}

func (f *refund) run(ctx workflow.Context) error {
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
	if f.hands == 0 {
		f.waitingFor(ctx, "Accepted: giving the money back at Iamport")
		in := activities.Return{
			OrderID: f.state.OrderID, CustomerID: f.state.CustomerID, Amount: f.state.AmountKRW,
			Reference: "refund " + f.state.RefundID, Reason: "환불", RefundID: f.state.RefundID,
		}
		err := f.insistUnless(ctx, fmt.Sprintf("Give %s won back", grouped(f.state.AmountKRW)), f.steps.GiveBack, in, nil,
			func(err error) bool { return f.hands > 0 || notAccepted(err) })
		f.state.Returned = err == nil
		if err == nil || notAccepted(err) {
			return nil
		}
		if f.hands == 0 {
			return err
		}
	}
	f.waitingFor(ctx, "Left to a person, who sends the signal `by-hand` again when the money is back")
	err := workflow.Await(ctx, func() bool { return f.hands > 1 })
	f.state.Returned = err == nil
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
		at := workflow.Now(ctx).Add(f.rules.RefundPoll)
		if err := until(ctx, at, "Look whether the shop has accepted", func() bool { return f.look }); err != nil {
			return err
		}
	}
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
	return workflow.UpsertTypedSearchAttributes(ctx, AttributeStage.ValueSet(stage))
}

func (f *refund) end(ctx workflow.Context, stage, words string) error {
	f.state.Over = true
	f.waitingFor(ctx, words)
	return f.stage(ctx, stage)
}
