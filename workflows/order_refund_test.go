package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

// goodwill asks for a refund, and is what its operator is answered in the end.
func (s *shop) goodwill(in workflows.GoodwillRefund) *workflows.Goodwill {
	var became workflows.Goodwill
	s.env.UpdateWorkflow(workflows.UpdateRefund, "", &testsuite.TestUpdateCallback{
		OnAccept: func() {}, OnReject: func(err error) { s.t.Errorf("refused: %v", err) },
		OnComplete: func(answer any, err error) {
			require.NoError(s.t, err)
			became = answer.(workflows.Goodwill)
		},
	}, in)
	return &became
}

// TestAnOperatorIsToldWhatBecameOfTheirRefund: that the money is back, only when
// it is, and not of what else the order is stuck with.
func TestAnOperatorIsToldWhatBecameOfTheirRefund(t *testing.T) {
	t.Parallel()
	in := workflows.GoodwillRefund{Amount: 1000, Left: 30000, By: "kim", Reason: "late"}
	t.Run("of an order that is flagged", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.after(time.Minute, func() { s.payments = append(s.payments, s.payment("imp_1", 30000)) })
		var became *workflows.Goodwill
		s.after(6*time.Minute, func() {
			require.Equal(t, workflows.StuckNotice, s.state().StuckReason)
			became = s.goodwill(in)
		})
		s.after(7*time.Minute, func() {
			require.Equal(t, workflows.StuckNotice, s.state().StuckReason)
			require.Equal(t, workflows.Goodwill{Returned: true}, *became)
			s.failing["give back"] = temporal.NewNonRetryableApplicationError("no account", activities.ErrorNoAccount, nil)
			became = s.goodwill(workflows.GoodwillRefund{Amount: 2000, Left: 29000, By: "kim", Reason: "late"})
		})
		s.after(8*time.Minute, func() {
			require.Equal(t, workflows.StuckNotice, s.state().StuckReason)
			require.Equal(t, workflows.StuckOperator, became.StuckReason)
			require.Equal(t, "no account", became.LastError)
			require.NotEmpty(t, became.ToDo)
			require.False(t, became.Returned)
			delete(s.failing, "give back")
			s.order.Done = true
			s.command(workflows.UpdateRetry)
		})
		s.live(s.input())
		require.Len(t, s.returns, 2)
	})
	t.Run("while Iamport is down", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.pays(30000, model.VerdictSuccess)
		s.failing["give back"] = vendor(activities.ErrorDown, activities.VendorIamport)
		var became *workflows.Goodwill
		var beside *outcome
		s.after(10*time.Minute, func() { became = s.goodwill(in) })
		s.after(11*time.Minute, func() {
			require.False(t, became.Returned)
			require.Equal(t, workflows.StuckUpstream.At(activities.VendorIamport), s.state().StuckReason)
			beside = s.command(workflows.UpdateRefund, in)
		})
		s.after(12*time.Minute, func() {
			require.Equal(t, model.CodeNotRefundable, beside.refusal, "one at a time")
			s.failing["give back"] = temporal.NewNonRetryableApplicationError("29000 won are left of the payment, not 30000", activities.ErrorNotRefundable, nil)
			s.command(workflows.UpdateRetry)
		})
		// It came to nothing after its operator had been answered.
		s.after(20*time.Minute, func() {
			require.Equal(t, workflows.StuckOperator, s.state().StuckReason)
			require.Contains(t, s.state().LastError, "was not given: 29000 won are left")
			delete(s.failing, "give back")
			became = s.goodwill(in)
		})
		s.after(21*time.Minute, func() {
			require.True(t, became.Returned, "what was refused may be asked again")
			require.Equal(t, workflows.StuckOperator, s.state().StuckReason, "nobody took note yet")
			require.Len(t, s.returns, 1)
			became = s.goodwill(in)
		})
		s.after(22*time.Minute, func() {
			require.True(t, became.Returned)
			s.resolve(workflows.StuckOperator, false)
		})
		s.after(23*time.Minute, func() {
			require.Empty(t, s.state().StuckReason)
			s.order.Done = true
			s.command(workflows.UpdateRetry)
		})
		s.live(s.input())
		require.Len(t, s.returns, 1, "the same figures, once")
	})
}

// TestAResolutionIsOfOneTrouble: what was seen to by hand is what the operator
// saw, not the next that is stuck for the same reason.
func TestAResolutionIsOfOneTrouble(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.failing["give back"] = vendor(activities.ErrorRefused, activities.VendorIamport)
	refusing := workflows.StuckRefused.At(activities.VendorIamport)
	s.after(time.Minute, func() {
		s.payments = append(s.payments, s.payment("imp_1", 100), s.payment("imp_2", 200))
		s.settle(s.payments[0], model.VerdictFail)
		s.settle(s.payments[1], model.VerdictFail)
	})
	var first, second *outcome
	var seen string
	s.after(10*time.Minute, func() {
		seen = s.state().StuckWith
		first, second = s.resolve(refusing, true), s.resolve(refusing, true) // two operators before the same screen
	})
	s.after(11*time.Minute, func() {
		require.Equal(t, outcome{ended: true}, *first)
		require.Equal(t, outcome{model.CodeNotStuck, true}, *second)
		require.Equal(t, refusing, s.state().StuckReason)
		require.NotEqual(t, seen, s.state().StuckWith)
		delete(s.failing, "give back")
		s.command(workflows.UpdateRetry)
	})
	s.after(12*time.Minute, func() { s.resolve(workflows.StuckMismatch, false) })
	s.after(13*time.Minute, func() { s.resolve(workflows.StuckMismatch, false) })
	s.live(s.input())
	require.Len(t, s.returns, 1)
	require.NotContains(t, seen, s.returns[0].ImpUID, "what was given by hand is not given again")
}
