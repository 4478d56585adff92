package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
)

// lateChecks are when, after an order was cancelled, Iamport is asked whether
// somebody paid it all the same.
var lateChecks = []time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour}

// twinsAfter is when twins of an order are looked for, whose making was not
// answered: longer than the shop takes to do anything.
const twinsAfter = time.Minute

// Order is the life of one order: it waits for its payment, which has to be of
// the amount due, or is cancelled when none comes in time; paid, it waits for
// its parcels, and is done when they have been there for a week. Money that
// came for nothing goes back, once. It ends when the order is done, or when no
// late payment is to be expected any more; a later notice takes it up anew.
func (r Rules) Order(ctx workflow.Context, in OrderInput) (OrderState, error) {
	r, err := r.pinned(ctx)
	if err != nil {
		return OrderState{}, err
	}
	o := newOrder(in, r)
	if err := o.listen(ctx); err != nil {
		return OrderState{}, err
	}
	err = o.run(ctx)
	if err == nil {
		o.waitingFor(ctx, "Over: nothing is left to wait for")
	}
	return o.state, err
}

func (o *order) run(ctx workflow.Context) error {
	if err := o.takeUp(ctx); err != nil {
		return err
	}
	if o.in.Suspect {
		o.alongside(ctx, o.cancelTwins)
	}
	if o.in.Unpriced {
		o.alongside(ctx, func(ctx workflow.Context) error {
			price := activities.Price{OrderID: o.in.OrderID, Due: o.in.AmountKRW}
			return o.insist(ctx, "Register the price with Iamport", o.steps.RegisterPrice, price, nil)
		})
	}
	for {
		o.measure(ctx)
		var err error
		switch {
		case o.turns(ctx):
			return o.nextRun(ctx)
		case o.state.Stage == model.StagePlaced, o.state.Stage == model.StageVBankIssued:
			err = o.awaitPayment(ctx)
		case o.state.Stage == model.StagePaid:
			err = o.awaitDelivery(ctx)
		case o.state.Stage == model.StageCancelled && o.lateCheck < len(o.lateLooks(ctx)):
			err = o.awaitLatePayment(ctx)
		default:
			if o.woken() {
				err = o.attend(ctx)
				break
			}
			o.waitingFor(ctx, "Nothing more: finishing what runs beside")
			if err := workflow.Await(ctx, func() bool { return o.settled(ctx) || o.woken() }); err != nil || !o.woken() {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// awaitPayment is an order nobody has paid. Iamport is asked when a notice
// comes, now and then without one, and before the order is given up.
func (o *order) awaitPayment(ctx workflow.Context) error {
	deadline := o.deadline()
	shown := model.FormatSeoul(deadline)
	if o.state.Stage == model.StageVBankIssued {
		o.waitingFor(ctx, "Waiting for the deposit at its virtual account until "+shown)
	} else {
		o.waitingFor(ctx, "Waiting for its payment until "+shown)
	}
	stage := o.state.Stage
	at := earlier(workflow.Now(ctx).Add(o.rules.PaymentPoll), deadline)
	if closes := o.state.OpenTill; closes != nil && stage == model.StageVBankIssued && (o.limits != Limits{}) {
		if workflow.Now(ctx).Before(*closes) {
			at = earlier(at, *closes)
		} else if err := o.flag(ctx, trouble{
			key: tooLong, reason: StuckOperator, words: "no deposit came to the virtual account until " + model.FormatSeoul(*closes), command: commandRetry,
			toDo: "It is cancelled at " + shown + " by itself. `retry` has Iamport asked once more, and cancels it now if no deposit came.",
		}); err != nil {
			return err
		}
	}
	err := until(ctx, at, "Ask Iamport about payments, give up at "+shown, func() bool {
		return o.woken() || o.turns(ctx) || o.state.Stage != stage
	})
	if err != nil || o.turns(ctx) || o.state.Stage != stage {
		return err
	}
	if o.look {
		return o.attend(ctx)
	}
	if err := o.checkPayments(ctx); err != nil || o.state.Stage != stage {
		return err
	}
	if workflow.Now(ctx).Before(o.deadline()) {
		return nil
	}
	return o.giveUp(ctx)
}

// giveUp cancels an order that nobody paid in time; its stock comes back.
func (o *order) giveUp(ctx workflow.Context) error {
	if err := o.money.Lock(ctx); err != nil {
		return err
	}
	defer o.money.Unlock()
	if o.state.Stage != model.StagePlaced && o.state.Stage != model.StageVBankIssued {
		return nil
	}
	o.waitingFor(ctx, "Cancelling the order: nobody paid it in time")
	in := activities.Cancellation{OrderID: o.in.OrderID, By: "store", Reason: "결제 기한이 지나 취소되었습니다"}
	var cancelled activities.CancelledOrder
	err := o.soon(ctx, "Cancel the unpaid order", o.steps.CancelOrder, in, &cancelled)
	if RefusalOf(err) != nil { // somebody paid it, or cancelled it elsewhere
		return o.reload(ctx)
	}
	if err != nil {
		return err
	}
	return o.enter(ctx, model.StageCancelled)
}

// lateLooks are when a cancelled order is looked at once more: at the times of
// lateChecks, and then daily while its virtual account takes money.
func (o *order) lateLooks(ctx workflow.Context) []time.Time {
	var looks []time.Time
	for _, after := range lateChecks {
		looks = append(looks, o.state.StageSince.Add(after))
	}
	last := looks[len(looks)-1]
	if o.state.OpenTill == nil || !o.state.OpenTill.After(last) ||
		workflow.GetVersion(ctx, "late looks last as long as the account", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return looks
	}
	closes := o.state.OpenTill.Add(o.rules.VBankGrace)
	for last.Before(closes) {
		last = earlier(last.Add(24*time.Hour), closes)
		looks = append(looks, last)
	}
	return looks
}

// awaitLatePayment is a cancelled order. Somebody may still pay it, with a
// payment window left open or into its virtual account.
func (o *order) awaitLatePayment(ctx workflow.Context) error {
	looks := o.lateLooks(ctx)
	o.waitingFor(ctx, "Cancelled: looking for payments that come too late until "+model.FormatSeoul(looks[len(looks)-1]))
	if err := until(ctx, looks[o.lateCheck], "Look for payments that came too late", func() bool { return o.woken() || o.turns(ctx) }); err != nil {
		return err
	}
	if o.woken() || o.turns(ctx) {
		return o.attend(ctx)
	}
	o.lateCheck++
	return o.checkPayments(ctx)
}

// attend does what was asked for from outside.
func (o *order) attend(ctx workflow.Context) error {
	if o.look {
		if err := o.reload(ctx); err != nil {
			return err
		}
	}
	if o.hinted {
		return o.checkPayments(ctx)
	}
	return nil
}

// awaitDelivery is a paid order: it is looked at when something is heard of it,
// and daily, until all of it has arrived and a week has passed, or all of its
// money is back. Iamport is asked daily, too.
func (o *order) awaitDelivery(ctx workflow.Context) error {
	at, doing := workflow.Now(ctx).Add(o.rules.ArrivalPoll), "Paid: waiting for its parcels to arrive"
	if o.facts != nil {
		if done, ok := o.facts.DoneAt(o.rules.DoneAfter); ok {
			at, doing = earlier(at, done), "Arrived: waiting until "+model.FormatSeoul(done)+", then it is done"
		}
	}
	o.waitingFor(ctx, doing)
	late := workflow.Now(ctx).Sub(o.state.StageSince) >= o.limits.Delivery
	switch {
	case o.facts == nil: // the shop has not been asked yet
	case late && o.facts.ArrivedAt == nil:
		if err := o.flag(ctx, trouble{
			key: tooLong, reason: StuckOperator, words: "not all of its parcels have arrived since it was paid", command: commandResolve,
			toDo: "Ask the vendor for the parcels. `resolve` when that is known and waiting is right.",
		}); err != nil {
			return err
		}
	default:
		if err := o.lower(ctx, tooLong); err != nil {
			return err
		}
	}
	if err := until(ctx, at, "Look at the order again", func() bool { return o.woken() || o.turns(ctx) }); err != nil {
		return err
	}
	if o.hinted || o.turns(ctx) {
		return o.attend(ctx)
	}
	// Somebody may have paid it once more, and all notices of that been lost.
	if !o.look && workflow.GetVersion(ctx, "payments-of-paid-orders", workflow.DefaultVersion, 1) == 1 {
		o.hinted = true
	}
	return o.reload(ctx)
}

// reload reads the order anew, and does what it asks for: its refunds have
// workflows of their own, and it is done when its time has come.
func (o *order) reload(ctx workflow.Context) error {
	o.look = false
	facts, err := o.load(ctx)
	if RefusalOf(err) != nil {
		return o.enter(ctx, model.StageUnknown)
	}
	if err != nil {
		return err
	}
	o.adopt(facts)
	anew := o.retried && workflow.GetVersion(ctx, "a retry starts refunds anew", workflow.DefaultVersion, 1) == 1
	o.retried = false
	for _, refund := range facts.Refunds {
		if refund.Status == model.RefundCancelled || o.state.Refunds[refund.ID] && !anew {
			continue
		}
		if err := o.startRefund(ctx, refund); err != nil {
			return err
		}
		o.state.Refunds[refund.ID] = true
	}
	done, due := facts.DoneAt(o.rules.DoneAfter)
	due = due && !workflow.Now(ctx).Before(done)
	if due || facts.Undone() && workflow.GetVersion(ctx, "refunded orders are done", workflow.DefaultVersion, 1) == 1 {
		if err := o.soon(ctx, "Mark the order done", o.steps.MarkDone, o.ref(), nil); err != nil {
			return err
		}
		return o.enter(ctx, model.StageDone)
	}
	stage := facts.Stage()
	if known := o.state.Stage == model.StageVBankIssued || o.state.PaidBy != ""; known && stage == model.StagePlaced && (o.limits != Limits{}) {
		return nil // the shop knows no deposits that are waited for, and may not have heard of the payment yet
	}
	return o.enter(ctx, stage)
}

// startRefund starts a refund's workflow, unless it runs or has run to its end.
func (o *order) startRefund(ctx workflow.Context, refund model.Refund) error {
	in := RefundInput{OrderID: o.in.OrderID, RefundID: refund.ID, CustomerID: o.state.CustomerID, AmountKRW: refund.Amount}
	child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            RefundID(in.OrderID, in.RefundID),
		TaskQueue:             QueueOrders,
		WorkflowTaskTimeout:   TaskTimeout,
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		StaticSummary:         in.Summary(),
		TypedSearchAttributes: in.Attributes(),
	}), TypeRefund, in)
	return unlessStarted(child.GetChildWorkflowExecution().Get(ctx, nil))
}

// cancelTwins removes what a late shop made of the same checkout.
func (o *order) cancelTwins(ctx workflow.Context) error {
	timer := workflow.NewTimerWithOptions(ctx, twinsAfter, workflow.TimerOptions{Summary: "Wait for a twin of the order to turn up"})
	if err := timer.Get(ctx, nil); err != nil {
		return err
	}
	in := activities.Twins{CustomerID: o.state.CustomerID, Key: o.in.CheckoutKey, Keep: o.in.OrderID}
	return o.insist(ctx, "Cancel twins of the order", o.steps.CancelTwins, in, nil)
}

// checkPayments rules on every payment Iamport knows of the order.
func (o *order) checkPayments(ctx workflow.Context) error {
	told, notices := o.hinted, o.notices
	o.hinted = false
	var payments []model.Payment
	if err := o.soon(ctx, "Ask Iamport about its payments", o.steps.Payments, o.ref(), &payments); err != nil {
		return err
	}
	for _, payment := range payments {
		_, known := o.state.Payments[payment.ImpUID]
		verdict, err := o.rule(ctx, payment)
		if err != nil {
			return err
		}
		if verdict == model.VerdictSuccess && !told && !known && o.notices == notices {
			o.alongside(ctx, func(ctx workflow.Context) error { return o.awaitNotice(ctx, payment, notices) })
		}
	}
	return nil
}

// awaitNotice is a payment that was found by asking: its notice is late, or
// lost, and operators should know that before many are.
func (o *order) awaitNotice(ctx workflow.Context, payment model.Payment, before int) error {
	heard := func() bool { return o.notices != before || o.state.Stage != model.StagePaid }
	if (o.limits == Limits{}) {
		return nil
	}
	if err := until(ctx, payment.PaidAt.Add(o.limits.Notice), "Wait for Iamport's notice of payment "+payment.ImpUID, heard); err != nil {
		return err
	}
	return o.pointOut(ctx, trouble{
		key: "notice of " + payment.ImpUID, reason: StuckNotice, command: commandRetry,
		words: "Iamport told of payment " + payment.ImpUID + " only when asked; its notice did not come",
	}, heard)
}

// rule judges one payment and does what follows. One at a time: verify calls
// and notices race and repeat.
func (o *order) rule(ctx workflow.Context, payment model.Payment) (model.Verdict, error) {
	if err := o.money.Lock(ctx); err != nil {
		return "", err
	}
	defer o.money.Unlock()
	if o.state.Stage == model.StageUnknown {
		return model.VerdictFail, nil
	}
	known, seen := o.state.Payments[payment.ImpUID]
	verdict, consequence := model.Judge(payment, o.asFacts(), o.state.PaidBy)
	if seen && known.Consequence == consequence && known.Paid == (payment.PaidAt != nil) {
		return verdict, nil
	}
	if consequence != model.Nothing {
		o.state.Payments[payment.ImpUID] = Ruling{Verdict: verdict, Consequence: consequence, Paid: payment.PaidAt != nil}
	}
	switch consequence {
	case model.Sync:
		return verdict, o.take(ctx, payment, verdict)
	case model.GiveBack:
		o.giveBack(ctx, payment)
	}
	unpaid := o.state.Stage == model.StagePlaced || o.state.Stage == model.StageVBankIssued
	if consequence == model.GiveBackAndCancel {
		o.alongside(ctx, func(ctx workflow.Context) error {
			if unpaid {
				if err := o.cancelMismatched(ctx); err != nil {
					return err
				}
			}
			o.giveBack(ctx, payment)
			return nil
		})
	}
	return verdict, nil
}

// cancelMismatched cancels an order that was paid with another amount, before
// the shop hears of that payment.
func (o *order) cancelMismatched(ctx workflow.Context) error {
	if err := o.money.Lock(ctx); err != nil {
		return err
	}
	defer o.money.Unlock()
	in := activities.Cancellation{OrderID: o.in.OrderID, By: "store", Reason: "결제 금액이 주문 금액과 달라 취소되었습니다"}
	err := o.soon(ctx, "Cancel the order that was paid with another amount", o.steps.CancelMismatched, in, nil)
	if RefusalOf(err) != nil {
		o.look = true
		return nil
	}
	if err != nil {
		return err
	}
	return o.enter(ctx, model.StageCancelled)
}

// take lets the shop take over a payment that is right. When the shop says that
// the order had died meanwhile, the money goes back.
func (o *order) take(ctx workflow.Context, payment model.Payment, verdict model.Verdict) error {
	if verdict == model.VerdictVBankIssued {
		o.state.OpenTill = payment.OpenTill
		if err := o.enter(ctx, model.StageVBankIssued); err != nil {
			return err
		}
	} else {
		o.state.PaidBy = payment.ImpUID
	}
	var status string
	step := o.steps.SyncOrder
	if verdict == model.VerdictSuccess {
		step = o.steps.SyncPaid
	}
	err := workflow.ExecuteLocalActivity(quickly(ctx, "Let the shop take over the payment", 4*time.Second, 2), step, o.ref()).Get(ctx, &status)
	if err != nil {
		o.alongside(ctx, func(ctx workflow.Context) error {
			var status string
			if err := o.insist(ctx, "Let the shop take over the payment", step, o.ref(), &status); err != nil {
				return err
			}
			return o.taken(ctx, payment, verdict, status)
		})
		status = ""
	}
	return o.taken(ctx, payment, verdict, status)
}

// taken is what follows from the shop's word on a payment it took over.
func (o *order) taken(ctx workflow.Context, payment model.Payment, verdict model.Verdict, status string) error {
	if verdict != model.VerdictSuccess {
		return nil
	}
	if status == model.OrderCancelled {
		o.state.PaidBy = ""
		o.state.Payments[payment.ImpUID] = Ruling{Verdict: model.VerdictFail, Consequence: model.GiveBack, Paid: true}
		o.giveBack(ctx, payment)
		return o.enter(ctx, model.StageCancelled)
	}
	if status == "over-paid" {
		o.hinted = true
	}
	return o.enter(ctx, model.StagePaid)
}

// giveBack returns all that is left of a payment. When it was of another amount
// than was due, an operator is told.
func (o *order) giveBack(ctx workflow.Context, payment model.Payment) {
	in := activities.Return{
		OrderID: o.in.OrderID, CustomerID: o.state.CustomerID, ImpUID: payment.ImpUID,
		Reference: "return " + payment.ImpUID, Reason: "주문과 맞지 않는 결제의 반환",
	}
	mismatch := o.state.Payments[payment.ImpUID].Consequence == model.GiveBackAndCancel
	o.alongside(ctx, func(ctx workflow.Context) error {
		effort := effort{
			summary: fmt.Sprintf("Give %d won of payment %s back", payment.Left(), payment.ImpUID),
			step:    o.steps.GiveBack, in: func() any { return in },
		}
		if err := o.payBack(ctx, &handed{}, payment.Left(), effort, func(error) bool { return false }); err != nil {
			return err
		}
		if err := o.insist(ctx, "Let the shop take over the return of payment "+payment.ImpUID, o.steps.SyncOrder, o.ref(), nil); err != nil || !mismatch {
			return err
		}
		return o.pointOut(ctx, trouble{
			key: "mismatch of " + payment.ImpUID, reason: StuckMismatch, command: commandResolve,
			words: fmt.Sprintf("%s won were paid where %s were due, and given back", grouped(payment.Amount), grouped(o.state.AmountKRW)),
		}, func() bool { return false })
	})
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
