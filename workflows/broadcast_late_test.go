package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

// TestABroadcastSaysThatItIsLate waits for an encoder, and for a recording, that
// do not come in time.
func TestABroadcastSaysThatItIsLate(t *testing.T) {
	t.Parallel()
	state := func(s *show) (state workflows.BroadcastState) {
		value, err := s.QueryWorkflow(workflows.QueryState)
		require.NoError(t, err)
		require.NoError(t, value.Get(&state))
		return state
	}
	t.Run("no encoder", func(t *testing.T) {
		t.Parallel()
		s := newShow(t, hour)
		s.in(hour+4*time.Minute, func() { require.Empty(t, state(s).StuckReason) })
		s.in(hour+6*time.Minute, func() {
			require.Equal(t, workflows.StuckOperator, state(s).StuckReason)
			require.Equal(t, workflows.UpdateResolve, state(s).Command)
			s.UpdateWorkflow(workflows.UpdateResolve, "", &testsuite.TestUpdateCallback{
				OnAccept: func() {}, OnReject: func(err error) { require.NoError(t, err) },
				OnComplete: func(_ any, err error) { require.NoError(t, err) },
			}, workflows.Resolution{
				By: "kim", Reason: "late train", Stuck: workflows.StuckOperator, With: state(s).StuckWith, Since: state(s).StuckSince,
			})
		})
		s.in(hour+7*time.Minute, func() { require.Empty(t, state(s).StuckReason, "somebody took note") })
		s.in(hour+20*time.Minute, func() { s.report(true) })
		s.in(2*hour, func() { s.report(false) })
		s.in(2*hour+time.Minute, func() { s.record("asset") })
		require.Equal(t, model.StatusCompleted, s.run().Broadcast.Status)
	})
	t.Run("an encoder at last", func(t *testing.T) {
		t.Parallel()
		s := newShow(t, hour)
		s.in(hour+6*time.Minute, func() { s.report(true) })
		s.in(hour+7*time.Minute, func() { require.Empty(t, state(s).StuckReason) })
		s.in(2*hour, func() { s.report(false) })
		s.in(2*hour+time.Minute, func() { s.record("asset") })
		require.Empty(t, s.run().StuckReason)
	})
	t.Run("no recording", func(t *testing.T) {
		t.Parallel()
		s := newShow(t, hour)
		s.making = true
		s.in(hour-time.Second, func() { s.report(true) })
		s.in(2*hour, func() { s.report(false) })
		s.in(2*hour+50*time.Minute, func() { require.Empty(t, state(s).StuckReason) })
		s.in(3*hour+16*time.Minute, func() {
			require.Equal(t, workflows.StuckOperator, state(s).StuckReason)
			s.making, s.made = false, []model.Recording{{AssetID: "asset", PlaybackID: "found"}}
			s.ask("retry", workflows.UpdateRetry)
		})
		s.in(3*hour+17*time.Minute, func() { require.Equal(t, model.StatusCompleted, state(s).Broadcast.Status) })
		require.Empty(t, s.run().StuckReason)
	})
}
