package workflows_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

// outcome is what became of an update.
type outcome struct {
	refusal model.Code
	ended   bool
}

// command asks something of the workflow under test, as its operator.
func (s *shop) command(name string, args ...any) *outcome {
	a := &outcome{}
	took := func(err error) {
		if refusal := workflows.RefusalOf(err); refusal != nil {
			a.refusal = refusal.Code
		} else if err != nil {
			s.t.Errorf("%s: %v", name, err)
		}
		a.ended = true
	}
	s.env.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
		OnAccept: func() {}, OnReject: took, OnComplete: func(_ any, err error) { took(err) },
	}, args...)
	return a
}

// resolve says that what an operator sees on the page of the workflow, believed
// to be stuck with a reason, was seen to.
func (s *shop) resolve(stuck workflows.Reason, returned bool) *outcome {
	var seen workflows.Progress
	value, err := s.env.QueryWorkflow(workflows.QueryState)
	require.NoError(s.t, err)
	require.NoError(s.t, value.Get(&seen))
	return s.command(workflows.UpdateResolve, workflows.Resolution{
		By: "kim", Reason: "called", Stuck: stuck, With: seen.StuckWith, Since: seen.StuckSince, Returned: returned,
	})
}

// vendor is an error with a system to blame.
func vendor(kind, system string) error {
	return temporal.NewApplicationErrorWithOptions("400", kind, temporal.ApplicationErrorOptions{
		Details: []any{activities.Fault{System: system, Words: "in its words"}},
	})
}

func TestReasonsComeAndGo(t *testing.T) {
	t.Parallel()
	downIamport := workflows.StuckUpstream.At(activities.VendorIamport)
	for name, c := range map[string]struct {
		before func(*shop)
		at     time.Duration // when it is stuck
		reason workflows.Reason
		mend   func(*shop)
		stage  model.OrderStage
		parts  int // of money given back
	}{
		"Iamport is down": {
			before: func(s *shop) {
				s.mispaid()
				s.failing["give back"] = vendor(activities.ErrorDown, activities.VendorIamport)
			},
			at: 2 * time.Minute, reason: downIamport,
			mend:  func(s *shop) { delete(s.failing, "give back"); s.command(workflows.UpdateRetry) },
			stage: model.StageCancelled, parts: 1,
		},
		"Iamport refuses": {
			before: func(s *shop) {
				s.mispaid()
				s.failing["give back"] = vendor(activities.ErrorRefused, activities.VendorIamport)
			},
			at: 2 * time.Minute, reason: workflows.StuckRefused.At(activities.VendorIamport),
			mend: func(s *shop) {
				s.resolve(workflows.StuckRefused.At(activities.VendorIamport), true)
			},
			stage: model.StageCancelled,
		},
		"Clayful is down after payment": {
			before: func(s *shop) {
				s.pays(30000, model.VerdictSuccess)
				s.failing["sync"] = vendor(activities.ErrorDown, activities.VendorClayful)
				s.after(30*time.Hour, func() { s.order.Done = true })
			},
			at: 3 * time.Minute, reason: workflows.StuckUpstream.At(activities.VendorClayful),
			mend: func(s *shop) {
				delete(s.failing, "sync")
				s.command(workflows.UpdateRetry)
			},
			stage: model.StageDone,
		},
		"a wrong amount": {
			before: func(s *shop) { s.mispaid() },
			at:     2 * time.Minute, reason: workflows.StuckMismatch,
			mend:  func(s *shop) { s.resolve(workflows.StuckMismatch, false) },
			stage: model.StageCancelled, parts: 1,
		},
		"a notice that never came": {
			before: func(s *shop) {
				s.after(time.Minute, func() { s.payments = append(s.payments, s.payment("imp_1", 30000)) })
				s.after(30*time.Hour, func() { s.order.Done = true })
			},
			at: 6 * time.Minute, reason: workflows.StuckNotice,
			mend:  func(s *shop) { s.command(workflows.UpdateRetry) },
			stage: model.StageDone,
		},
		"a notice that is late": {
			before: func(s *shop) {
				s.after(time.Minute, func() { s.payments = append(s.payments, s.payment("imp_1", 30000)) })
				s.after(30*time.Hour, func() { s.order.Done = true })
			},
			at: 6 * time.Minute, reason: workflows.StuckNotice,
			mend:  func(s *shop) { s.env.SignalWorkflow(workflows.SignalPayment, nil) },
			stage: model.StageDone,
		},
		"a virtual account past its deadline": {
			before: func(s *shop) { s.after(time.Minute, func() { s.account(s.env.Now().Add(time.Hour)) }) },
			at:     time.Hour + 2*time.Minute, reason: workflows.StuckOperator,
			mend:  func(s *shop) { s.command(workflows.UpdateRetry) },
			stage: model.StageCancelled,
		},
		"parcels that do not arrive": {
			before: func(s *shop) { s.pays(30000, model.VerdictSuccess) },
			at:     16 * 24 * time.Hour, reason: workflows.StuckOperator,
			mend: func(s *shop) {
				arrived := s.env.Now()
				s.order.ArrivedAt = &arrived
				s.command(workflows.UpdateRetry)
			},
			stage: model.StageDone,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			c.before(s)
			s.after(c.at, func() {
				state := s.state()
				require.Equal(t, c.reason, state.StuckReason)
				require.NotEmpty(t, state.LastError)
				if strings.Contains(string(c.reason), ":") {
					require.Equal(t, "400: in its words", state.LastError)
				}
				require.NotEmpty(t, state.ToDo)
				require.NotEmpty(t, state.Command)
				require.False(t, state.StuckSince.IsZero())
				c.mend(s)
			})
			s.after(c.at+10*time.Second, func() {
				require.NotEqual(t, c.reason, s.state().StuckReason, "it is mended within seconds")
			})
			// A mismatch is pointed out for days, unless somebody takes note.
			s.after(c.at+20*time.Second, func() {
				if s.state().StuckReason == workflows.StuckMismatch {
					s.resolve(workflows.StuckMismatch, false)
				}
			})
			state, _ := s.live(s.input())
			require.Equal(t, c.stage, state.Stage)
			require.Empty(t, state.StuckReason)
			require.Len(t, s.returns, c.parts)
		})
	}
}

// mispaid has somebody pay another amount a minute after the order was placed.
func (s *shop) mispaid() { s.pays(100, model.VerdictFail) }

func (s *shop) pays(amount model.KRW, verdict model.Verdict) {
	s.after(time.Minute, func() {
		s.payments = append(s.payments, s.payment("imp_1", amount))
		s.settle(s.payments[0], verdict)
	})
}

// account issues a virtual account.
func (s *shop) account(till time.Time) {
	p := model.Payment{ImpUID: "imp_1", OrderID: s.order.ID, Method: "vbank", Status: "ready", Currency: "KRW", Amount: 30000, OpenTill: &till}
	s.payments = []model.Payment{p}
	s.settle(p, model.VerdictVBankIssued)
}

func TestAMismatchIsPointedOutForDays(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.mispaid()
	s.after(71*time.Hour, func() { require.Equal(t, workflows.StuckMismatch, s.state().StuckReason) })
	state, lasted := s.live(s.input())
	require.Empty(t, state.StuckReason)
	require.InDelta(t, 72*time.Hour, lasted, float64(10*time.Minute))
}

// TestALookAtAnOrderThatWaitsForADeposit does not make it one that waits for a
// payment, whose deadline is over.
func TestALookAtAnOrderThatWaitsForADeposit(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.after(time.Minute, func() { s.account(placedAt.Add(48 * time.Hour)) })
	s.after(5*time.Hour, func() { s.env.SignalWorkflow(workflows.SignalChanged, nil) })
	state, _ := s.live(s.input())
	require.Equal(t, 48*time.Hour+10*time.Minute, state.StageSince.Sub(placedAt))
}

func TestOperatorsAreRefusedWhatTheStateDoesNotAllow(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.pays(30000, model.VerdictSuccess)
	down := workflows.StuckUpstream.At(activities.VendorClayful)
	s.failing["sync"] = vendor(activities.ErrorDown, activities.VendorClayful)
	type attempt struct {
		do   func() *outcome
		want model.Code
	}
	ask := func(at time.Duration, attempts ...attempt) {
		for i, a := range attempts {
			var got *outcome
			s.after(at+time.Duration(i)*time.Millisecond, func() { got = a.do() })
			s.after(at+time.Second, func() { require.Equal(t, outcome{a.want, true}, *got, "attempt %d at %s", i, at) })
		}
	}
	refund := func(in workflows.GoodwillRefund) func() *outcome {
		return func() *outcome { return s.command(workflows.UpdateRefund, in) }
	}
	goodwill := workflows.GoodwillRefund{Amount: 1000, Left: 30000, By: "kim", Reason: "late"}
	ask(10*time.Second,
		attempt{func() *outcome { return s.resolve(down, false) }, model.CodeNotStuck},
		attempt{refund(goodwill), model.CodeNotRefundable})
	ask(3*time.Minute,
		attempt{func() *outcome { return s.resolve(workflows.StuckMismatch, false) }, model.CodeNotStuck},
		attempt{func() *outcome { return s.resolve(down, false) }, model.CodeNotByHand},
		attempt{func() *outcome {
			return s.command(workflows.UpdateResolve, workflows.Resolution{By: "kim", Stuck: down})
		}, model.CodeInvalid},
		attempt{func() *outcome {
			return s.command(workflows.UpdateResolve, workflows.Resolution{By: "kim", Reason: "called", Stuck: down})
		}, model.CodeInvalid},
		attempt{refund(workflows.GoodwillRefund{Amount: 30001, Left: 30000, By: "kim", Reason: "late"}), model.CodeInvalid},
		attempt{refund(workflows.GoodwillRefund{Amount: 1, Left: 30000, Reason: "late"}), model.CodeInvalid})
	s.after(10*time.Minute, func() {
		delete(s.failing, "sync")
		s.command(workflows.UpdateRetry)
	})
	ask(20*time.Minute, attempt{refund(goodwill), ""})
	s.after(21*time.Minute, func() {
		require.Len(t, s.returns, 1)
		require.Equal(t, model.KRW(1000), s.returns[0].Amount)
		s.failing["give back"] = temporal.NewNonRetryableApplicationError("29000 won are left of the payment, not 30000", activities.ErrorNotRefundable, nil)
	})
	ask(22*time.Minute, attempt{refund(goodwill), model.CodeNotRefundable})
	s.after(23*time.Minute, func() { s.order.Done = true; s.command(workflows.UpdateRetry) })
	state, _ := s.live(s.input())
	require.Equal(t, model.StageDone, state.Stage)
	require.Len(t, s.returns, 1, "once")
}

// TestMoneyAPersonGivesIsNotGivenTwice hands a refund over while Iamport
// refuses it, and lets Iamport take it again afterwards.
func TestMoneyAPersonGivesIsNotGivenTwice(t *testing.T) {
	t.Parallel()
	in := workflows.RefundInput{OrderID: "ORDER2222222", RefundID: "REFUND222222", CustomerID: "CUSTXMER2222", AmountKRW: 1000}
	refusing := workflows.StuckRefused.At(activities.VendorIamport)
	begin := func(t *testing.T) *shop {
		t.Helper()
		s := newShop(t)
		s.order.Refunds = []model.Refund{{ID: in.RefundID, Status: model.RefundAccepted, Amount: 1000}}
		s.failing["give back"] = vendor(activities.ErrorRefused, activities.VendorIamport)
		return s
	}
	t.Run("step by step", func(t *testing.T) {
		t.Parallel()
		s := begin(t)
		s.after(10*time.Minute, func() { s.resolve(refusing, false) })
		var retried, again *outcome
		s.after(20*time.Minute, func() {
			delete(s.failing, "give back") // from now on it would be a second time
			require.Equal(t, workflows.StuckOperator, s.refundState().StuckReason)
			require.Contains(t, s.refundState().ToDo, "[refund "+in.RefundID+"]")
			retried = s.command(workflows.UpdateRetry)
			again = s.resolve(workflows.StuckOperator, false)
		})
		s.after(3*time.Hour, func() {
			require.Equal(t, model.CodeNotStuck, retried.refusal)
			require.Equal(t, model.CodeNotByHand, again.refusal)
			require.Zero(t, s.stocked)
			s.resolve(workflows.StuckOperator, true)
		})
		state := s.refund(in)
		require.True(t, state.Returned && state.Stocked && state.Over)
		require.Empty(t, state.StuckReason)
		require.Len(t, state.Solved, 1)
		require.Empty(t, s.returns)
	})
	t.Run("given already", func(t *testing.T) {
		t.Parallel()
		s := begin(t)
		s.after(10*time.Minute, func() { s.resolve(refusing, true) })
		state := s.refund(in)
		require.True(t, state.Returned && state.Stocked)
		require.Empty(t, s.returns)
	})
	t.Run("the shop does not rule", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.order.Refunds = []model.Refund{{ID: in.RefundID, Status: model.RefundRequested, Amount: 1000}}
		s.after(73*time.Hour, func() {
			require.Equal(t, workflows.StuckOperator, s.refundState().StuckReason)
			s.resolve(workflows.StuckOperator, false)
		})
		s.after(90*time.Hour, func() {
			require.Empty(t, s.refundState().StuckReason, "somebody took note")
			s.order.Refunds[0].Status = model.RefundAccepted
			s.command(workflows.UpdateRetry)
		})
		require.True(t, s.refund(in).Returned)
	})
}

func (s *shop) refundState() workflows.RefundState {
	var state workflows.RefundState
	value, err := s.env.QueryWorkflow(workflows.QueryState)
	require.NoError(s.t, err)
	require.NoError(s.t, value.Get(&state))
	return state
}

// TestTwoTroublesAreTwo mends one of two, and the other is still told of.
func TestTwoTroublesAreTwo(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.failing["price"], s.failing["give back"] = errors.New("silent"), vendor(activities.ErrorDown, activities.VendorIamport)
	s.mispaid()
	in := s.input()
	in.Unpriced = true
	s.after(3*time.Minute, func() {
		require.Equal(t, workflows.StuckUpstream, s.state().StuckReason, "the oldest")
		delete(s.failing, "price")
		s.command(workflows.UpdateRetry)
	})
	s.after(4*time.Minute, func() {
		require.Equal(t, workflows.StuckUpstream.At(activities.VendorIamport), s.state().StuckReason)
		delete(s.failing, "give back")
		s.command(workflows.UpdateRetry)
	})
	state, _ := s.live(in)
	require.Empty(t, state.StuckReason)
	require.Len(t, s.returns, 1)
}
