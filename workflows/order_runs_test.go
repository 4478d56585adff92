package workflows_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

// nextRun is what a workflow that goes on in a new run gives to that.
func nextRun[T any](t *testing.T, env *testsuite.TestWorkflowEnvironment, workflowType string) (next T) {
	t.Helper()
	var goesOn *workflow.ContinueAsNewError
	require.ErrorAs(t, env.GetWorkflowError(), &goesOn)
	require.Equal(t, workflowType, goesOn.WorkflowType.Name)
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(goesOn.Input, &next))
	return next
}

// TestALongWaitForParcelsGoesOnInANewRun as it was: told of, or taken note of.
func TestALongWaitForParcelsGoesOnInANewRun(t *testing.T) {
	t.Parallel()
	for name, noted := range map[string]bool{"told of": false, "taken note of": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := newShop(t)
			before.pays(30000, model.VerdictSuccess)
			if noted {
				before.after(16*24*time.Hour, func() { before.resolve(workflows.StuckOperator, false) })
			}
			before.after(17*24*time.Hour, func() { before.env.SetContinueAsNewSuggested(true) })
			before.env.ExecuteWorkflow(workflows.TypeOrder, before.input())
			next := nextRun[workflows.OrderInput](t, before.env, workflows.TypeOrder)

			s := newShop(t)
			s.env.SetStartTime(before.env.Now())
			s.order, s.payments = before.order, before.payments
			s.after(time.Hour, func() {
				if noted {
					require.Empty(t, s.state().StuckReason)
				} else {
					s.resolve(workflows.StuckOperator, false)
				}
			})
			s.after(50*time.Hour, func() {
				require.Empty(t, s.state().StuckReason, "somebody took note")
				s.order.Done = true
			})
			state, _ := s.live(next)
			require.Equal(t, model.StageDone, state.Stage)
		})
	}
}

// TestASecondPaymentOfAnOrderTakenUpAnew goes back, whichever of the two took
// the order up, and whatever has become of the first.
func TestASecondPaymentOfAnOrderTakenUpAnew(t *testing.T) {
	t.Parallel()
	for name, becomes := range map[string]func(*shop){
		"placed":   func(*shop) {},
		"paid":     func(s *shop) { s.order.Status = "paid" },
		"done":     func(s *shop) { s.order.Status, s.order.Done = "paid", true },
		"refunded": func(s *shop) { s.order.Status, s.order.Done, s.payments[0].Returned = model.OrderRefunded, true, 30000 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.payments = []model.Payment{s.payment("imp_1", 30000), s.payment("imp_2", 30000)}
			becomes(s)
			s.after(0, func() { s.settle(s.payments[1], model.VerdictFail) })
			s.after(time.Hour, func() { s.order.Done = true })
			state, _ := s.live(workflows.OrderInput{OrderID: s.order.ID})
			require.Equal(t, "imp_1", state.PaidBy)
			require.Equal(t, model.StageDone, state.Stage)
			require.Len(t, s.returns, 1)
			require.Equal(t, "imp_2", s.returns[0].ImpUID)
		})
	}
}

// TestAnOrderToldOfTooMuchGoesOnInANewRun as soon as nothing is half done, and
// keeps its own times.
func TestAnOrderToldOfTooMuchGoesOnInANewRun(t *testing.T) {
	t.Parallel()
	till := placedAt.Add(7 * 24 * time.Hour)
	next := func(t *testing.T, before *shop) workflows.OrderInput {
		t.Helper()
		before.env.ExecuteWorkflow(workflows.TypeOrder, before.input())
		return nextRun[workflows.OrderInput](t, before.env, workflows.TypeOrder)
	}
	follow := func(t *testing.T, before *shop) *shop {
		t.Helper()
		s := newShop(t)
		s.env.SetStartTime(before.env.Now())
		s.order, s.payments = before.order, before.payments
		return s
	}
	t.Run("verified", func(t *testing.T) {
		t.Parallel()
		before := newShop(t)
		before.after(time.Minute, func() { before.account(till) })
		before.after(time.Hour, func() {
			before.env.SetContinueAsNewSuggested(true)
			before.settle(before.payments[0], model.VerdictVBankIssued)
		})
		in := next(t, before)
		require.WithinDuration(t, placedAt.Add(time.Hour), before.env.Now(), time.Second)
		s := follow(t, before)
		state, _ := s.live(in)
		require.Equal(t, model.StageCancelled, state.Stage)
		require.Equal(t, 10*time.Minute, state.StageSince.Sub(till), "it waited for the deposit")
	})
	t.Run("noticed", func(t *testing.T) {
		t.Parallel()
		before := newShop(t)
		before.after(2*time.Hour, func() { // cancelled, and looked at twice
			before.env.SetContinueAsNewSuggested(true)
			before.env.SignalWorkflow(workflows.SignalPayment, nil)
		})
		in := next(t, before)
		require.WithinDuration(t, placedAt.Add(2*time.Hour), before.env.Now(), time.Second)
		s := follow(t, before)
		s.after(time.Hour, func() { s.payments = append(s.payments, s.payment("imp_1", 30000)) })
		state, lasted := s.live(in)
		require.Equal(t, 30*time.Minute, state.StageSince.Sub(placedAt))
		require.Equal(t, 30*time.Minute+24*time.Hour, lasted.Round(time.Minute))
		require.Len(t, s.returns, 1)
	})
	t.Run("while money goes back", func(t *testing.T) {
		t.Parallel()
		before := newShop(t)
		before.failing["give back"] = errors.New("iamport is silent")
		before.after(time.Minute, func() {
			before.payments = append(before.payments, before.payment("imp_1", 30000), before.payment("imp_2", 30000))
			before.settle(before.payments[0], model.VerdictSuccess)
			before.settle(before.payments[1], model.VerdictFail)
		})
		before.after(time.Hour, func() {
			before.env.SetContinueAsNewSuggested(true)
			before.settle(before.payments[0], model.VerdictSuccess)
		})
		before.after(2*time.Hour, func() { delete(before.failing, "give back") })
		in := next(t, before)
		require.True(t, before.env.Now().After(placedAt.Add(2*time.Hour)))
		require.Len(t, before.returns, 1)
		s := follow(t, before)
		s.after(time.Minute, func() { s.settle(s.payments[0], model.VerdictSuccess) })
		s.after(time.Hour, func() { s.order.Done = true })
		state, _ := s.live(in)
		require.Equal(t, model.StageDone, state.Stage)
		require.Equal(t, "imp_1", state.PaidBy)
		require.Empty(t, s.returns)
		require.Zero(t, s.synced)
	})
}
