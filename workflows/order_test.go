package workflows_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

// shop is the shop and Iamport of one order, in memory.
type shop struct {
	mu       sync.Mutex
	t        *testing.T
	env      *testsuite.TestWorkflowEnvironment
	order    model.Order
	payments []model.Payment
	returns  []activities.Return
	synced   int
	stocked  int
	priced   int
	failing  map[string]error
}

var placedAt = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

func newShop(t *testing.T) *shop {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	s := &shop{
		t: t, env: newEnvironment(&suite), failing: map[string]error{},
		order: model.Order{ID: "ORDER2222222", CustomerID: "CUSTXMER2222", Status: model.OrderPlaced, Due: 30000, PlacedAt: placedAt},
	}
	s.env.SetStartTime(placedAt)
	rules := workflows.DefaultRules()
	for name, definition := range map[string]any{workflows.TypeCheckout: rules.Checkout, workflows.TypeOrder: rules.Order, workflows.TypeRefund: rules.Refund} {
		s.env.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name})
	}
	var steps *activities.Activities
	for _, step := range []struct{ method, stand any }{
		{steps.LoadOrder, func(context.Context, activities.OrderRef) (model.Order, error) {
			return s.order, s.fails("load")
		}},
		{steps.Payments, func(context.Context, activities.OrderRef) ([]model.Payment, error) {
			return append([]model.Payment{}, s.payments...), s.fails("payments")
		}},
		{steps.SyncOrder, s.sync}, {steps.SyncPaid, s.sync},
		{steps.CancelOrder, s.cancel},
		{steps.CancelMismatched, func(ctx context.Context, in activities.Cancellation) error { _, err := s.cancel(ctx, in); return err }},
		{steps.GiveBack, s.giveBack},
		{steps.MarkDone, func(context.Context, activities.OrderRef) error { s.order.Done = true; return s.fails("done") }},
		{steps.LoadRefund, func(_ context.Context, in activities.RefundRef) (model.Refund, error) {
			refund, ok := s.order.Refund(in.RefundID)
			if !ok {
				return refund, activities.Refuse(&model.Error{Code: "not-existing-refund"})
			}
			return refund, s.fails("load")
		}},
		{steps.Restock, func(context.Context, activities.RefundRef) error { s.stocked++; return s.fails("restock") }},
		{steps.RegisterPrice, func(context.Context, activities.Price) error { s.priced++; return s.fails("price") }},
	} {
		s.env.OnActivity(step.method, anything, anything).Return(s.locked(step.stand)).Maybe()
	}
	return s
}

const anything = mock.Anything

// locked is a step that no other runs beside.
func (s *shop) locked(step any) any {
	f := reflect.ValueOf(step)
	return reflect.MakeFunc(f.Type(), func(args []reflect.Value) []reflect.Value {
		s.mu.Lock()
		defer s.mu.Unlock()
		return f.Call(args)
	}).Interface()
}

// fails is what a step fails with, until it is mended.
func (s *shop) fails(step string) error { return s.failing[step] }

func (s *shop) sync(context.Context, activities.OrderRef) (string, error) {
	if err := s.fails("sync"); err != nil {
		return "", err
	}
	s.synced++
	for _, p := range s.payments {
		if p.PaidAt != nil && s.order.Status == model.OrderPlaced {
			s.order.Status = "paid"
		}
	}
	return s.order.Status, nil
}

func (s *shop) cancel(context.Context, activities.Cancellation) (activities.CancelledOrder, error) {
	if s.order.Status != model.OrderPlaced && s.order.Status != model.OrderCancelled {
		return activities.CancelledOrder{}, activities.Refuse(&model.Error{Code: model.CodeOrderStatus})
	}
	s.order.Status = model.OrderCancelled
	return activities.CancelledOrder{Answer: []byte(`{}`)}, s.fails("cancel")
}

func (s *shop) giveBack(_ context.Context, in activities.Return) error {
	if err := s.fails("give back"); err != nil {
		return err
	}
	for _, earlier := range s.returns {
		if earlier.Reference == in.Reference {
			return nil
		}
	}
	s.returns = append(s.returns, in)
	for i := range s.payments {
		if p := &s.payments[i]; in.ImpUID == "" || p.ImpUID == in.ImpUID {
			p.Returned += in.Amount
			if in.Amount == 0 {
				p.Returned = p.Amount
			}
		}
	}
	return nil
}

func (s *shop) payment(impUID string, amount model.KRW) model.Payment {
	at := s.env.Now()
	return model.Payment{ImpUID: impUID, OrderID: s.order.ID, Method: "card", Status: "paid", Currency: "KRW", Amount: amount, PaidAt: &at}
}

// after does something some time after the order was placed.
func (s *shop) after(d time.Duration, do func()) {
	s.env.RegisterDelayedCallback(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		do()
	}, d)
}

func (s *shop) input() workflows.OrderInput {
	return workflows.OrderInput{
		OrderID: s.order.ID, CustomerID: s.order.CustomerID, AmountKRW: s.order.Due, PlacedAt: placedAt, Stage: model.StagePlaced,
	}
}

// live runs the order's workflow to its end, and answers its last state and
// when that was.
func (s *shop) live(in workflows.OrderInput) (workflows.OrderState, time.Duration) {
	s.t.Helper()
	s.env.ExecuteWorkflow(workflows.TypeOrder, in)
	require.True(s.t, s.env.IsWorkflowCompleted())
	require.NoError(s.t, s.env.GetWorkflowError())
	var state workflows.OrderState
	require.NoError(s.t, s.env.GetWorkflowResult(&state))
	return state, s.env.Now().Sub(placedAt)
}

// settle has somebody verify a payment, and checks the verdict.
func (s *shop) settle(p model.Payment, want model.Verdict) {
	s.env.UpdateWorkflow(workflows.UpdateSettle, "", &testsuite.TestUpdateCallback{
		OnAccept: func() {}, OnReject: func(err error) { s.t.Errorf("refused: %v", err) },
		OnComplete: func(result any, err error) {
			require.NoError(s.t, err)
			require.Equal(s.t, want, result)
		},
	}, p)
}

func TestUnpaidOrderIsCancelledInTime(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	state, lasted := s.live(s.input())
	require.Equal(t, model.StageCancelled, state.Stage)
	require.Equal(t, model.OrderCancelled, s.order.Status)
	require.Equal(t, 30*time.Minute, state.StageSince.Sub(placedAt))
	require.Equal(t, 30*time.Minute+24*time.Hour, lasted, "late payments are looked for")
	require.Empty(t, s.returns)
}

func TestPaidOrderIsDoneAWeekAfterItArrived(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.after(time.Minute, func() {
		s.payments = append(s.payments, s.payment("imp_1", 30000))
		s.settle(s.payments[0], model.VerdictSuccess)
		s.settle(s.payments[0], model.VerdictSuccess)
	})
	arrived := placedAt.Add(50 * time.Hour)
	s.after(50*time.Hour, func() { s.order.ArrivedAt = &arrived })
	s.after(60*time.Hour, func() {
		s.order.Refunds = []model.Refund{{ID: "REFUND222222", Status: model.RefundRequested, Amount: 1000}}
	})
	s.after(300*time.Hour, func() {
		require.False(t, s.order.Done, "a refund is being asked for")
		s.order.Refunds[0].Status = model.RefundCancelled
	})
	state, lasted := s.live(s.input())
	require.Equal(t, model.StageDone, state.Stage)
	require.Equal(t, "imp_1", state.PaidBy)
	require.Equal(t, 1, s.synced)
	require.True(t, s.order.Done)
	require.Greater(t, lasted, 300*time.Hour)
	require.True(t, state.Refunds["REFUND222222"])
}

func TestLostNoticeIsFoundByAsking(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.after(12*time.Minute, func() { s.payments = append(s.payments, s.payment("imp_1", 30000)) })
	s.after(16*time.Minute, func() { require.Equal(t, "paid", s.order.Status); s.order.Done = true })
	state, _ := s.live(s.input())
	require.Equal(t, model.StageDone, state.Stage)
}

func TestWrongMoneyGoesBackOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(*shop)
		returns []string // of which payments
		stage   model.OrderStage
	}{
		"another amount": {func(s *shop) {
			s.after(time.Minute, func() {
				s.payments = append(s.payments, s.payment("imp_1", 100))
				s.settle(s.payments[0], model.VerdictFail)
				s.settle(s.payments[0], model.VerdictFail)
			})
		}, []string{"imp_1"}, model.StageCancelled},
		"after it was cancelled": {func(s *shop) {
			s.after(40*time.Minute, func() {
				s.payments = append(s.payments, s.payment("imp_1", 30000))
				s.env.SignalWorkflow(workflows.SignalPayment, nil)
				s.env.SignalWorkflow(workflows.SignalPayment, nil)
			})
		}, []string{"imp_1"}, model.StageCancelled},
		"after it was cancelled, and nobody tells": {func(s *shop) {
			s.after(50*time.Minute, func() { s.payments = append(s.payments, s.payment("imp_1", 30000)) })
		}, []string{"imp_1"}, model.StageCancelled},
		"a second payment": {func(s *shop) {
			s.after(time.Minute, func() {
				s.payments = append(s.payments, s.payment("imp_1", 30000), s.payment("imp_2", 30000))
				s.settle(s.payments[0], model.VerdictSuccess)
				s.settle(s.payments[1], model.VerdictFail)
			})
			s.after(30*time.Hour, func() { s.order.Done = true })
		}, []string{"imp_2"}, model.StageDone},
		"a second payment, and nobody tells": {func(s *shop) {
			s.after(time.Minute, func() {
				s.payments = append(s.payments, s.payment("imp_1", 30000))
				s.settle(s.payments[0], model.VerdictSuccess)
			})
			s.after(time.Hour, func() { s.payments = append(s.payments, s.payment("imp_2", 30000)) })
			s.after(30*time.Hour, func() { s.order.Done = true })
		}, []string{"imp_2"}, model.StageDone},
		"cancelled in the shop a moment before": {func(s *shop) {
			s.after(time.Minute, func() {
				s.order.Status = model.OrderCancelled
				s.payments = append(s.payments, s.payment("imp_1", 30000))
				s.settle(s.payments[0], model.VerdictFail)
			})
		}, []string{"imp_1"}, model.StageCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			c.happens(s)
			state, _ := s.live(s.input())
			require.Equal(t, c.stage, state.Stage)
			var returned []string
			for _, r := range s.returns {
				returned = append(returned, r.ImpUID)
				require.Zero(t, r.Amount, "all of it")
			}
			require.Equal(t, c.returns, returned)
		})
	}
}

func TestVirtualAccountHasItsOwnDeadline(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	till := placedAt.Add(48 * time.Hour)
	s.after(time.Minute, func() {
		p := model.Payment{ImpUID: "imp_1", OrderID: s.order.ID, Method: "vbank", Status: "ready", Currency: "KRW", Amount: 30000, OpenTill: &till}
		s.payments = []model.Payment{p}
		s.settle(p, model.VerdictVBankIssued)
		s.settle(p, model.VerdictVBankIssued)
	})
	s.after(47*time.Hour, func() { require.Equal(t, model.OrderPlaced, s.order.Status) })
	state, _ := s.live(s.input())
	require.Equal(t, model.StageCancelled, state.Stage)
	require.Equal(t, 48*time.Hour+10*time.Minute, state.StageSince.Sub(placedAt))
}

// TestMoneyInTheAccountOfACancelledOrderGoesBack days later, though nobody tells.
func TestMoneyInTheAccountOfACancelledOrderGoesBack(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.after(time.Minute, func() { s.account(placedAt.Add(7 * 24 * time.Hour)) })
	s.after(time.Hour, func() {
		s.env.UpdateWorkflow(workflows.UpdateCancel, "", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { require.NoError(t, err) }, OnComplete: func(_ any, err error) { require.NoError(t, err) },
		}, workflows.Cancellation{OrderID: s.order.ID, By: "customer"})
	})
	s.after(6*24*time.Hour, func() {
		at := s.env.Now()
		s.payments[0].Status, s.payments[0].PaidAt = "paid", &at
	})
	state, _ := s.live(s.input())
	require.Equal(t, model.StageCancelled, state.Stage)
	require.Len(t, s.returns, 1)
}

func TestOrderSaysWhyItIsStuck(t *testing.T) {
	t.Parallel()
	for reason, cause := range map[workflows.Reason]error{
		workflows.StuckUpstream: errors.New("iamport is silent"),
		workflows.StuckOperator: temporal.NewApplicationError("no account", activities.ErrorNoAccount),
		workflows.StuckRefused:  temporal.NewApplicationError("not today", activities.ErrorRefused),
	} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.failing["give back"] = cause
			s.after(time.Minute, func() {
				s.payments = append(s.payments, s.payment("imp_1", 100))
				s.settle(s.payments[0], model.VerdictFail)
			})
			s.after(5*time.Minute, func() {
				require.Equal(t, reason, s.state().StuckReason)
				require.NotEmpty(t, s.state().LastError)
				delete(s.failing, "give back")
				s.env.SignalWorkflow(workflows.SignalChanged, nil)
			})
			state, _ := s.live(s.input())
			require.Empty(t, state.StuckReason)
			require.Len(t, s.returns, 1)
		})
	}
}

func (s *shop) state() workflows.OrderState {
	var state workflows.OrderState
	value, err := s.env.QueryWorkflow(workflows.QueryState)
	require.NoError(s.t, err)
	require.NoError(s.t, value.Get(&state))
	return state
}

func TestOrderIsTakenUpFromTheShop(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.order.Status, s.order.PlacedAt = model.OrderCancelled, placedAt.Add(-time.Hour)
	s.payments = []model.Payment{s.payment("imp_1", 30000)}
	state, _ := s.live(workflows.OrderInput{OrderID: s.order.ID})
	require.Equal(t, model.StageCancelled, state.Stage)
	require.Equal(t, s.order.CustomerID, state.CustomerID)
	require.Len(t, s.returns, 1)

	s = newShop(t)
	s.failing["load"] = activities.Refuse(&model.Error{Code: "not-existing-order"})
	state, _ = s.live(workflows.OrderInput{OrderID: s.order.ID})
	require.Equal(t, model.StageUnknown, state.Stage)
}

func TestCancelUpdate(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ask := func(accepted bool) {
		s.env.UpdateWorkflow(workflows.UpdateCancel, "", &testsuite.TestUpdateCallback{
			OnAccept: func() { require.True(t, accepted) }, OnReject: func(error) { require.False(t, accepted) },
			OnComplete: func(_ any, err error) { require.NoError(t, err) },
		}, workflows.Cancellation{OrderID: s.order.ID, By: "customer"})
	}
	s.after(time.Minute, func() { ask(true) })
	s.after(2*time.Minute, func() { ask(false) })
	state, _ := s.live(s.input())
	require.Equal(t, model.StageCancelled, state.Stage)
	require.Equal(t, time.Minute, state.StageSince.Sub(placedAt))
}

func TestCheckoutEnds(t *testing.T) {
	t.Parallel()
	in := workflows.CheckoutInput{CustomerID: "CUSTXMER2222", Key: "k", Fingerprint: "f", Payload: []byte(`{}`)}
	unknown := temporal.NewApplicationError("cut", "outcome-unknown")
	nothing := activities.Refuse(&model.Error{Code: model.CodeNoUpstream})
	for name, c := range map[string]struct {
		place   []error // of each attempt; after them it succeeds
		find    error
		silent  time.Duration // how long the search is not answered
		price   error
		refused model.Code
	}{
		"at once":                         {},
		"after an unknown end":            {place: []error{unknown, unknown}},
		"refused":                         {place: []error{activities.Refuse(&model.Error{Code: "sold-out-variant", Status: 400})}, refused: "sold-out-variant"},
		"never answered, and not made":    {place: repeat(unknown, 1000), find: nothing, refused: model.CodeNoUpstream},
		"never answered, and found after": {place: repeat(unknown, 1000)},
		"found after a long silence":      {place: repeat(unknown, 1000), silent: time.Hour},
		"without a price":                 {price: errors.New("iamport is silent")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			var steps *activities.Activities
			placed := activities.PlacedOrder{Order: s.order, Answer: []byte(`{"order":{}}`)}
			attempts := 0
			s.env.OnActivity(steps.PlaceOrder, anything, anything).Return(func(context.Context, activities.NewOrder) (activities.PlacedOrder, error) {
				attempts++
				if attempts <= len(c.place) {
					return activities.PlacedOrder{}, c.place[attempts-1]
				}
				return placed, nil
			})
			s.env.OnActivity(steps.FindOrder, anything, anything).Return(func(context.Context, activities.NewOrder) (activities.PlacedOrder, error) {
				if s.env.Now().Before(placedAt.Add(c.silent)) {
					return activities.PlacedOrder{}, unknown
				}
				return placed, c.find
			}).Maybe()
			var stuck []string
			s.env.OnUpsertTypedSearchAttributes(anything).Run(func(args mock.Arguments) {
				attributes := args.Get(0).(temporal.SearchAttributes)
				reason, _ := attributes.GetKeyword(workflows.AttributeStuck)
				stuck = append(stuck, reason)
			}).Return(nil).Maybe()
			s.failing["price"] = c.price
			s.env.OnWorkflow(workflows.TypeOrder, anything, anything).Return(func(_ workflow.Context, in workflows.OrderInput) (workflows.OrderState, error) {
				require.Equal(t, c.price != nil, in.Unpriced)
				require.Equal(t, s.order.ID, in.OrderID)
				return workflows.OrderState{}, nil
			}).Maybe()
			s.env.ExecuteWorkflow(workflows.TypeCheckout, in)
			require.True(t, s.env.IsWorkflowCompleted())
			if c.silent > 0 {
				require.Equal(t, []string{string(workflows.StuckUpstream), ""}, stuck, "it was stuck, and no longer is")
			}
			err := s.env.GetWorkflowError()
			if c.refused != "" {
				require.Equal(t, c.refused, workflows.RefusalOf(err).Code)
				return
			}
			require.NoError(t, err)
			var result workflows.CheckoutResult
			require.NoError(t, s.env.GetWorkflowResult(&result))
			require.Equal(t, s.order.ID, result.OrderID)
			require.JSONEq(t, `{"order":{}}`, string(result.Answer))
		})
	}
}

func repeat(err error, n int) []error {
	list := make([]error, n)
	for i := range list {
		list[i] = err
	}
	return list
}

func TestAnOrderRefundedBeforeItWasSentIsDone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.pays(30000, model.VerdictSuccess)
	s.after(50*time.Hour, func() {
		s.order.Status = model.OrderRefunded
		s.order.Refunds = []model.Refund{{ID: "REFUND222222", Status: model.RefundAccepted, Amount: 30000}}
	})
	state, lasted := s.live(s.input())
	require.Equal(t, model.StageDone, state.Stage)
	require.Less(t, lasted, 75*time.Hour)
	require.Empty(t, state.StuckReason)
}
