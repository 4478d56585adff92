package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
)

// listen opens the order to its updates, signals and query.
func (o *order) listen(ctx workflow.Context) error {
	o.money = workflow.NewMutex(ctx)
	if err := workflow.SetQueryHandler(ctx, QueryState, func() (OrderState, error) { return o.state, nil }); err != nil {
		return err
	}
	payments := workflow.GetSignalChannelWithOptions(ctx, SignalPayment, workflow.SignalChannelOptions{
		Description: "Iamport has something to tell about its payments",
	})
	changes := workflow.GetSignalChannelWithOptions(ctx, SignalChanged, workflow.SignalChannelOptions{
		Description: "The shop or a person changed something: look again",
	})
	workflow.Go(ctx, func(ctx workflow.Context) {
		selector := workflow.NewSelector(ctx)
		selector.AddReceive(payments, func(c workflow.ReceiveChannel, _ bool) {
			c.Receive(ctx, nil)
			o.hinted = true
			o.notices++
		})
		selector.AddReceive(changes, func(c workflow.ReceiveChannel, _ bool) {
			c.Receive(ctx, nil)
			o.look = true
			o.looks++
		})
		for {
			selector.Select(ctx)
		}
	})
	if err := o.obeyWith(ctx, o.mayLookAgain, o.lookAgain); err != nil {
		return err
	}
	if err := o.listenRefund(ctx); err != nil {
		return err
	}
	err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateSettle, o.settle, workflow.UpdateHandlerOptions{
		Validator:   func(_ workflow.Context, p model.Payment) error { return o.mayBePaidBy(p) },
		Description: "Rule on a payment that Iamport has told us of",
	})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateCancel, o.cancel, workflow.UpdateHandlerOptions{
		Validator:   func(workflow.Context, activities.Cancellation) error { return o.mayBeCancelled() },
		Description: "Cancel it, unless somebody has paid",
	})
}

// mayLookAgain refuses to try again what is over, or not the workflow's to do.
func (o *order) mayLookAgain() error {
	if t := o.state.shown(); t != nil && t.reason != StuckNotice && t.key != tooLong {
		return o.mayRetry()
	}
	if o.state.Stage == model.StageDone || o.state.Stage == model.StageUnknown {
		return activities.Refuse(&model.Error{Code: model.CodeNotStuck, Detail: "the order is " + string(o.state.Stage) + ": nothing is left to try"})
	}
	return nil
}

// lookAgain asks Iamport and the shop about the order now.
func (o *order) lookAgain() {
	o.hinted, o.look, o.retried = true, true, true
	o.notices++
	o.pressed = o.state.Stage == model.StageVBankIssued && o.stuckWith(tooLong)
}

// mayBePaidBy keeps payments of other orders out.
func (o *order) mayBePaidBy(p model.Payment) error {
	if p.OrderID != o.in.OrderID || p.ImpUID == "" {
		return activities.Refuse(&model.Error{Code: model.CodeInvalid, Detail: "the payment is of another order"})
	}
	return nil
}

func (o *order) mayBeCancelled() error {
	if !o.loaded || o.state.Stage == model.StagePlaced || o.state.Stage == model.StageVBankIssued {
		return nil
	}
	return activities.Refuse(&model.Error{Code: model.CodeOrderStatus, Detail: "취소할 수 있는 주문이 아닙니다"})
}

// settle rules on a payment for somebody who waits.
func (o *order) settle(ctx workflow.Context, payment model.Payment) (model.Verdict, error) {
	if err := workflow.Await(ctx, func() bool { return o.loaded }); err != nil {
		return "", err
	}
	o.measure(ctx)
	o.notices++
	verdict, err := o.rule(ctx, payment)
	if ruling, ok := o.state.Payments[payment.ImpUID]; ok && err == nil {
		verdict = ruling.Verdict // the shop may have had the last word
	}
	return verdict, err
}

// cancelling is how long a customer waits for a cancellation.
const cancelling = 12 * time.Second

// cancel cancels the order for somebody who waits.
func (o *order) cancel(ctx workflow.Context, in activities.Cancellation) (activities.CancelledOrder, error) {
	if err := workflow.Await(ctx, func() bool { return o.loaded }); err != nil {
		return activities.CancelledOrder{}, err
	}
	if err := o.money.Lock(ctx); err != nil {
		return activities.CancelledOrder{}, err
	}
	defer o.money.Unlock()
	if err := o.mayBeCancelled(); err != nil {
		return activities.CancelledOrder{}, err
	}
	var cancelled activities.CancelledOrder
	err := workflow.ExecuteLocalActivity(quickly(ctx, "Cancel the order for its customer", cancelling, 3), o.steps.CancelOrder, in).Get(ctx, &cancelled)
	switch {
	case err == nil:
		return cancelled, o.enter(ctx, model.StageCancelled)
	case RefusalOf(err) != nil:
		o.hinted, o.look = true, true
		return cancelled, refused(err)
	}
	// Whether it was cancelled is not known: the order is looked at again.
	o.look = true
	return cancelled, activities.Refuse(&model.Error{Code: model.CodeNoUpstream, Detail: "잠시 후 다시 시도해 주세요"})
}
