package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

// turnPage runs the broadcast to the end of a run whose history has become
// long, and gives what the next run begins with.
func (s *show) turnPage() workflows.BroadcastInput {
	s.t.Helper()
	reservation := s.row
	s.ExecuteWorkflow(workflows.TypeBroadcast, workflows.BroadcastInput{VODID: 7, Reservation: &reservation})
	return nextRun[workflows.BroadcastInput](s.t, s.TestWorkflowEnvironment, workflows.TypeBroadcast)
}

// goOn is the next run, at that time.
func (s *show) goOn(t *testing.T, at time.Time, in workflows.BroadcastInput, during func(*show)) workflows.BroadcastState {
	t.Helper()
	next := newShow(t, 0)
	next.SetStartTime(at)
	next.row, next.streaming = s.row, s.streaming
	during(next)
	next.ExecuteWorkflow(workflows.TypeBroadcast, in)
	require.NoError(t, next.GetWorkflowError())
	var state workflows.BroadcastState
	require.NoError(t, next.GetWorkflowResult(&state))
	s.pushes, s.linked, s.erased = s.pushes+next.pushes, append(s.linked, next.linked...), s.erased+next.erased
	return state
}

func TestLongHistoryGoesOnInANewRun(t *testing.T) {
	t.Parallel()
	edit := model.Edit{Fields: []model.Field{model.FieldTitle}, Details: model.Details{Title: "또 다른 제목"}}
	for name, test := range map[string]struct{ edited, long time.Duration }{
		"while ready": {30 * time.Minute, 29 * time.Minute},
		"while live":  {hour + 30*time.Minute, hour + 29*time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShow(t, hour)
			s.in(test.long, func() { s.SetContinueAsNewSuggested(true) })
			s.in(hour-time.Second, func() { s.report(true) })
			s.in(test.edited, func() { s.ask("edit", workflows.UpdateEdit, edit) })
			next := s.turnPage()
			require.Empty(t, s.refusal("edit"))
			require.Nil(t, next.Reservation, "it is written already")
			state := s.goOn(t, s.after(test.edited), next, func(s *show) {
				s.in(hour-time.Second-test.edited, func() { s.report(true) })
				s.in(2*hour-test.edited, func() { s.report(false) })
				s.in(2*hour-test.edited+time.Minute, func() { s.record("asset") })
			})
			require.Equal(t, model.StatusCompleted, state.Broadcast.Status)
			require.Equal(t, "또 다른 제목", state.Broadcast.Title)
			require.Equal(t, s.after(hour), *state.Broadcast.StartedAt)
			require.Equal(t, "play-asset", *state.Broadcast.MuxAssetPlaybackID)
		})
	}
}

func TestLongHistoryOfACleanUpGoesOnInANewRun(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.missing, s.refusing = 1<<20, true
	s.in(hour-time.Second, func() { s.report(true) })
	s.in(hour+time.Minute, func() { s.ask("delete", workflows.UpdateDelete) })
	s.in(3*hour, func() { s.SetContinueAsNewSuggested(true) })
	next := s.turnPage()
	require.Equal(t, workflows.StuckCleanUp, next.Carry.State.StuckReason, "it still says so")
	state := s.goOn(t, s.after(4*hour), next, func(*show) {})
	require.Empty(t, state.StuckReason)
	require.Equal(t, 1, s.erased)
	require.Contains(t, s.linked, activities.ProductLinks{VODID: 7, Remove: []string{"P1"}})
}

func TestLongHistoryForgetsNoProduct(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.refusing = true
	s.in(hour-time.Second, func() { s.report(true) })
	s.in(2*hour, func() { s.report(false) })
	s.in(2*hour+time.Minute, func() { s.record("asset") })
	s.in(5*hour, func() { s.SetContinueAsNewSuggested(true) })
	next := s.turnPage()
	require.Equal(t, model.StatusCompleted, next.Carry.State.Broadcast.Status)
	s.goOn(t, s.after(6*hour), next, func(*show) {})
	require.Equal(t, []activities.ProductLinks{{VODID: 7, Add: []string{"P1"}}}, s.linked)
	require.Equal(t, 1, s.pushes)
}
