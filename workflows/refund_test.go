package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

func (s *shop) refund(in workflows.RefundInput) workflows.RefundState {
	s.t.Helper()
	s.env.ExecuteWorkflow(workflows.TypeRefund, in)
	require.True(s.t, s.env.IsWorkflowCompleted())
	require.NoError(s.t, s.env.GetWorkflowError())
	var state workflows.RefundState
	require.NoError(s.t, s.env.GetWorkflowResult(&state))
	return state
}

func TestRefundWaitsForAcceptance(t *testing.T) {
	t.Parallel()
	in := workflows.RefundInput{OrderID: "ORDER2222222", RefundID: "REFUND222222", CustomerID: "CUSTXMER2222", AmountKRW: 1000}
	requested := []model.Refund{{ID: in.RefundID, Status: model.RefundRequested, Amount: 1000}}
	t.Run("accepted, and nobody tells", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.order.Status, s.order.Refunds = "under-refunded", append([]model.Refund{}, requested...)
		s.payments = []model.Payment{s.payment("imp_1", 30000)}
		s.after(30*time.Hour, func() {
			require.Empty(t, s.returns)
			s.order.Refunds[0].Status = model.RefundAccepted
		})
		state := s.refund(in)
		require.True(t, state.Returned && state.Stocked && state.Over)
		require.Len(t, s.returns, 1)
		require.Equal(t, model.KRW(1000), s.returns[0].Amount)
		require.Contains(t, s.returns[0].Reference, in.RefundID)
		require.Equal(t, 1, s.stocked)
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.order.Refunds = append([]model.Refund{}, requested...)
		s.after(time.Hour, func() {
			s.order.Refunds[0].Status = model.RefundCancelled
			s.env.SignalWorkflow(workflows.SignalChanged, nil)
		})
		state := s.refund(in)
		require.False(t, state.Returned)
		require.Empty(t, s.returns)
	})
	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		state := s.refund(in)
		require.True(t, state.Over)
		require.Empty(t, s.returns)
	})
	t.Run("refused for an hour", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.order.Refunds = append([]model.Refund{}, requested...)
		s.order.Refunds[0].Status = model.RefundAccepted
		s.payments = []model.Payment{s.payment("imp_1", 30000)}
		s.failing["give back"] = temporal.NewApplicationError("점검 중입니다", activities.ErrorRefused)
		s.after(time.Hour, func() { delete(s.failing, "give back") })
		state := s.refund(in)
		require.True(t, state.Returned)
		require.Empty(t, state.StuckReason)
		require.Len(t, s.returns, 1)
	})
	t.Run("accepted no more while Iamport refuses", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.order.Refunds = append([]model.Refund{}, requested...)
		s.order.Refunds[0].Status = model.RefundAccepted
		s.failing["give back"] = temporal.NewApplicationError("점검 중입니다", activities.ErrorRefused)
		s.after(time.Hour, func() {
			s.order.Refunds[0].Status = model.RefundCancelled
			s.failing["give back"] = temporal.NewNonRetryableApplicationError("", activities.ErrorNotAccepted, nil)
		})
		state := s.refund(in)
		require.True(t, state.Over)
		require.False(t, state.Returned || state.Stocked)
		require.Empty(t, state.StuckReason)
		require.Empty(t, s.returns)
	})
	t.Run("given back by hand", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.order.Refunds = append([]model.Refund{}, requested...)
		s.order.Refunds[0].Status = model.RefundAccepted
		s.failing["give back"] = temporal.NewApplicationError("nothing", activities.ErrorNothingLeft)
		s.after(time.Hour, func() { s.env.SignalWorkflow(workflows.SignalByHand, nil) })
		s.after(2*time.Hour, func() { // from now on it would be a second time
			delete(s.failing, "give back")
			s.env.SignalWorkflow(workflows.SignalChanged, nil)
		})
		s.after(3*time.Hour, func() {
			require.Zero(t, s.stocked, "the money is not back")
			s.env.SignalWorkflow(workflows.SignalByHand, nil)
		})
		state := s.refund(in)
		require.True(t, state.Returned && state.Stocked && state.Over)
		require.Empty(t, state.StuckReason)
		require.Empty(t, s.returns)
	})
}

// TestALongWaitForAcceptanceGoesOnInANewRun remembers what people had said.
func TestALongWaitForAcceptanceGoesOnInANewRun(t *testing.T) {
	t.Parallel()
	in := workflows.RefundInput{OrderID: "ORDER2222222", RefundID: "REFUND222222", CustomerID: "CUSTXMER2222", AmountKRW: 1000}
	requested := []model.Refund{{ID: in.RefundID, Status: model.RefundRequested, Amount: 1000}}
	before := newShop(t)
	before.order.Refunds = requested
	before.after(73*time.Hour, func() { before.resolve(workflows.StuckOperator, false) })
	before.after(80*time.Hour, func() {
		before.env.SignalWorkflow(workflows.SignalByHand, nil)
		before.env.SetContinueAsNewSuggested(true)
	})
	before.env.ExecuteWorkflow(workflows.TypeRefund, in)
	next := nextRun[workflows.RefundInput](t, before.env, workflows.TypeRefund)

	s := newShop(t)
	s.env.SetStartTime(before.env.Now())
	s.order.Refunds = requested
	s.after(time.Hour, func() {
		require.Empty(t, s.refundState().StuckReason, "somebody took note")
		require.WithinDuration(t, placedAt, s.refundState().Since, time.Minute)
		s.order.Refunds = []model.Refund{{ID: in.RefundID, Status: model.RefundAccepted, Amount: 1000}}
	})
	s.after(2*time.Hour, func() { s.env.SignalWorkflow(workflows.SignalByHand, nil) })
	state := s.refund(next)
	require.True(t, state.Returned && state.Over)
	require.Empty(t, s.returns, "a person has given it")
}
