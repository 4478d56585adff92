package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

func (s *show) state() (state workflows.BroadcastState) {
	s.t.Helper()
	value, err := s.QueryWorkflow(workflows.QueryState)
	require.NoError(s.t, err)
	require.NoError(s.t, value.Get(&state))
	return state
}

// TestABroadcastSaysThatItIsLate waits for an encoder, and for a recording, that
// do not come in time.
func TestABroadcastSaysThatItIsLate(t *testing.T) {
	t.Parallel()
	t.Run("no encoder", func(t *testing.T) {
		t.Parallel()
		s := newShow(t, hour)
		s.in(hour+4*time.Minute, func() { require.Empty(t, s.state().StuckReason) })
		s.in(hour+6*time.Minute, func() {
			require.Equal(t, workflows.StuckOperator, s.state().StuckReason)
			require.Equal(t, workflows.UpdateResolve, s.state().Command)
			s.UpdateWorkflow(workflows.UpdateResolve, "", &testsuite.TestUpdateCallback{
				OnAccept: func() {}, OnReject: func(err error) { require.NoError(t, err) },
				OnComplete: func(_ any, err error) { require.NoError(t, err) },
			}, workflows.Resolution{
				By: "kim", Reason: "late train", Stuck: workflows.StuckOperator, With: s.state().StuckWith, Since: s.state().StuckSince,
			})
		})
		s.in(hour+7*time.Minute, func() { require.Empty(t, s.state().StuckReason, "somebody took note") })
		s.in(hour+20*time.Minute, func() { s.report(true) })
		s.in(2*hour, func() { s.report(false) })
		s.in(2*hour+time.Minute, func() { s.record("asset") })
		require.Equal(t, model.StatusCompleted, s.run().Broadcast.Status)
	})
	t.Run("an encoder at last", func(t *testing.T) {
		t.Parallel()
		s := newShow(t, hour)
		s.in(hour+6*time.Minute, func() { s.report(true) })
		s.in(hour+7*time.Minute, func() { require.Empty(t, s.state().StuckReason) })
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
		s.in(2*hour+50*time.Minute, func() { require.Empty(t, s.state().StuckReason) })
		s.in(3*hour+16*time.Minute, func() {
			require.Equal(t, workflows.StuckOperator, s.state().StuckReason)
			s.making, s.made = false, []model.Recording{{AssetID: "asset", PlaybackID: "found"}}
			s.ask("retry", workflows.UpdateRetry)
		})
		s.in(3*hour+17*time.Minute, func() { require.Equal(t, model.StatusCompleted, s.state().Broadcast.Status) })
		require.Empty(t, s.run().StuckReason)
	})
}

// TestABroadcastSaysThatMuxIsDown has Mux tell nothing when the stream ends, and
// again when its recording is asked for.
func TestABroadcastSaysThatMuxIsDown(t *testing.T) {
	t.Parallel()
	down := workflows.StuckUpstream.At(activities.VendorMux)
	begin := func(t *testing.T) *show {
		t.Helper()
		s := newShow(t, hour)
		s.mute = true
		s.in(hour-time.Second, func() { s.report(true) })
		s.in(2*hour, func() { s.report(false) })
		s.in(2*hour+2*time.Minute, func() {
			require.Equal(t, down, s.state().StuckReason)
			require.Equal(t, model.StatusLive, s.state().Broadcast.Status)
			require.Equal(t, "400: in its words", s.state().LastError)
		})
		return s
	}
	t.Run("until an operator retries", func(t *testing.T) {
		t.Parallel()
		s := begin(t)
		s.in(3*hour, func() { s.mute = false; s.ask("retry", workflows.UpdateRetry) })
		s.in(3*hour+5*time.Second, func() {
			require.Equal(t, model.StatusClosed, s.state().Broadcast.Status)
			require.Empty(t, s.state().StuckReason)
			s.mute = true
		})
		s.in(3*hour+20*time.Minute, func() {
			require.Equal(t, down, s.state().StuckReason)
			s.mute = false
		})
		require.Equal(t, model.StatusCompleted, s.run().Broadcast.Status)
		require.Empty(t, s.refusal("retry"))
	})
	t.Run("until it is ended by hand and its recording comes", func(t *testing.T) {
		t.Parallel()
		s := begin(t)
		s.in(3*hour, func() { s.ask("end", workflows.UpdateEnd) })
		s.in(3*hour+20*time.Minute, func() { s.record("asset") })
		state := s.run()
		require.Equal(t, "play-asset", *state.Broadcast.MuxAssetPlaybackID)
		require.Empty(t, state.StuckReason)
	})
	t.Run("and it is deleted: its products let go at once", func(t *testing.T) {
		t.Parallel()
		s := newShow(t, hour)
		s.mute = true
		s.in(hour-time.Second, func() { s.report(true) })
		s.in(2*hour, func() { s.report(false) })
		s.in(2*hour+10*time.Second, func() { s.ask("delete", workflows.UpdateDelete) })
		links := []activities.ProductLinks{{VODID: 7, Add: []string{"P1"}}, {VODID: 7, Remove: []string{"P1"}}}
		s.in(2*hour+20*time.Second, func() {
			require.Zero(t, s.erased, "Mux is still being asked")
			require.Equal(t, links, s.linked)
		})
		state := s.run()
		require.Empty(t, state.StuckReason)
		require.Equal(t, 1, s.erased)
		require.Equal(t, links, s.linked, "once")
	})
	t.Run("until the longest length", func(t *testing.T) {
		t.Parallel()
		s := begin(t)
		s.in(13*hour+5*time.Minute, func() { require.Equal(t, model.StatusClosed, s.state().Broadcast.Status) })
		s.in(14*hour, func() { s.mute = false })
		require.Equal(t, model.StatusCompleted, s.run().Broadcast.Status)
	})
}

func TestAPushThatWasGivenUpIsToldOf(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.unpushed = true
	s.in(hour-time.Second, func() { s.report(true) })
	s.in(hour+20*time.Minute, func() {
		require.Equal(t, workflows.StuckOperator, s.state().StuckReason)
		s.unpushed = false
		s.ask("announce", workflows.UpdateAnnounce)
	})
	s.in(hour+21*time.Minute, func() {
		require.Empty(t, s.state().StuckReason)
		require.Equal(t, 1, s.pushes)
	})
	s.in(2*hour, func() { s.report(false) })
	require.Equal(t, model.StatusCompleted, s.run().Broadcast.Status)
	require.Empty(t, s.refusal("announce"))
}
