package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
)

// UpdateRefund of an Order workflow takes a GoodwillRefund: money of the payment
// the order is paid by goes back, outside the shop's refunds. It answers with a
// Goodwill. Asked again with the same figures it gives nothing more, and what
// was refused may be asked again. Refusals: CodeNotRefundable, CodeInvalid.
const UpdateRefund = "refund"

// GoodwillRefund is money an operator gives back. Left is what the operator saw
// to be left of the payment: two who act on the same sight give once.
type GoodwillRefund struct {
	Amount, Left model.KRW
	By, Reason   string
}

// Personal marks it to be sealed in histories: it names people.
func (GoodwillRefund) Personal() {}

// Goodwill is what became of a GoodwillRefund while its operator waited: the
// money is back; or this refund, not something else of the order, is stuck; or,
// with neither, it is still tried.
type Goodwill struct {
	Returned        bool
	StuckReason     Reason `json:",omitempty"`
	LastError, ToDo string `json:",omitempty"`
}

// refunding is how long an operator waits for the outcome.
const refunding = 30 * time.Second

func (o *order) listenRefund(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateRefund, o.refund, workflow.UpdateHandlerOptions{
		Validator:   func(_ workflow.Context, in GoodwillRefund) error { return o.mayRefund(in) },
		Description: "Give money of its payment back, outside the shop's refunds",
	})
}

func (o *order) mayRefund(in GoodwillRefund) error {
	if err := signed(in.By, in.Reason); err != nil {
		return err
	}
	var detail string
	switch {
	case in.Amount <= 0 || in.Amount > in.Left:
		return activities.Refuse(&model.Error{Code: model.CodeInvalid, Detail: "the amount is not between 1 and what is left"})
	case o.state.Stage != model.StagePaid:
		detail = "the order is " + string(o.state.Stage) + ": only a paid one is refunded so"
	case o.state.PaidBy == "":
		detail = "it is not known which payment it is paid by: retry first"
	case o.refunded:
		detail = "another refund by an operator is under way"
	default:
		return nil
	}
	return activities.Refuse(&model.Error{Code: model.CodeNotRefundable, Detail: detail})
}

// refund gives money back for an operator who waits. What Iamport does not do
// at once is tried until it does, and shown.
func (o *order) refund(ctx workflow.Context, in GoodwillRefund) (Goodwill, error) {
	if err := o.mayRefund(in); err != nil {
		return Goodwill{}, err
	}
	o.refunded = true
	back := activities.Return{
		OrderID: o.in.OrderID, CustomerID: o.state.CustomerID, ImpUID: o.state.PaidBy, Amount: in.Amount, Left: in.Left,
		Reference: fmt.Sprintf("%s %d of %d won", model.ByOperator, in.Amount, in.Left), Reason: "운영자 환불",
	}
	summary := fmt.Sprintf("Give %s won of payment %s back, as an operator asked", grouped(in.Amount), back.ImpUID)
	var answer Goodwill
	var refusal error
	ended, answered := false, false
	o.alongside(ctx, func(ctx workflow.Context) error {
		defer func() { o.refunded, ended = false, true }()
		effort := effort{summary: summary, step: o.steps.GiveBack, in: func() any { return back }}
		err := o.payBack(ctx, &handed{}, in.Amount, effort, notRefundable)
		if notRefundable(err) && answered {
			o.alongside(ctx, func(ctx workflow.Context) error { return o.notGiven(ctx, back, err) })
			return nil
		}
		if notRefundable(err) {
			refusal = activities.Refuse(&model.Error{Code: model.CodeNotRefundable, Detail: lastWords(err)})
			return nil
		}
		if err != nil {
			return err
		}
		answer.Returned, ended = true, true
		return o.insist(ctx, "Let the shop take over what an operator gave back", o.steps.SyncOrder, o.ref(), nil)
	})
	if _, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: refunding, TimerOptions: workflow.TimerOptions{Summary: "Answer the operator who waits for the refund"},
	}, func() bool { return ended || o.stuckWith(summary) }); err != nil {
		return answer, err
	}
	answered = true
	if t := o.trouble(summary); t != nil && !ended {
		answer = Goodwill{StuckReason: t.reason, LastError: t.words, ToDo: t.remedy()}
	}
	return answer, refusal
}

// notGiven tells operators that a refund came to nothing after whoever asked for
// it had been answered, until one of them takes note.
func (o *order) notGiven(ctx workflow.Context, back activities.Return, cause error) error {
	key := back.Reference + ", not given"
	if (o.limits == Limits{}) || workflow.GetVersion(ctx, "refund-not-given", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return nil
	}
	if err := o.flag(ctx, trouble{
		key: key, reason: StuckOperator, command: commandResolve,
		words: "[" + back.Reference + "] was not given: " + lastWords(cause),
		toDo:  "Give it anew with `refund` if it is still due, then `resolve`.",
	}); err != nil {
		return err
	}
	if err := workflow.Await(ctx, func() bool { return !o.stuckWith(key) }); err != nil {
		return err
	}
	return o.lower(ctx, key)
}

func notRefundable(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.Type() == activities.ErrorNotRefundable
}
