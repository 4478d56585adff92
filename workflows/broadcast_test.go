package workflows_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

var began = time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)

// show is a Broadcast workflow over a row that behaves as the database's does,
// with time that skips.
type show struct {
	*testsuite.TestWorkflowEnvironment

	t  *testing.T
	mu sync.Mutex // activities run side by side

	row       model.Broadcast
	streaming bool
	pushes    int
	completed int
	erased    int
	missing   int  // how often Mux still has to fail
	away      int  // how often the database still has to fail
	refusing  bool // the shop notes nothing in its products
	blocked   bool // another broadcast of the influencer is in the way
	linked    []activities.ProductLinks
	made      []model.Recording
	making    bool   // Mux has not finished the recording
	mute      bool   // Mux tells nothing about streams and recordings
	unpushed  bool   // no device can be reached
	beside    func() // happens while it is to go live
	answers   map[string]error
}

// newEnvironment is a test environment that a busy machine does not take for a
// deadlock.
func newEnvironment(suite *testsuite.WorkflowTestSuite) *testsuite.TestWorkflowEnvironment {
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
	env.SetTestTimeout(time.Minute)
	return env
}

func newShow(t *testing.T, in time.Duration) *show {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	s := &show{TestWorkflowEnvironment: newEnvironment(&suite), t: t, answers: map[string]error{}}
	s.SetStartTime(began)
	at := began.Add(in)
	s.row = model.Broadcast{
		VODID: 7, InfluencerID: "STAR", InfluencerName: "별하나", MuxLivestreamID: "stream", Status: model.StatusReady, ArmedAt: began,
		Details: model.Details{Title: "라이브", ProductList: []string{"P1"}, StartedAt: &at}, Revision: 1,
	}
	s.RegisterWorkflowWithOptions(workflows.DefaultRules().Broadcast, workflow.RegisterOptions{Name: workflows.TypeBroadcast})
	var a *activities.Activities
	refuse := func(refusal *model.Error) (model.Broadcast, error) {
		return model.Broadcast{}, activities.Refuse(refusal)
	}
	change := func(do func()) (model.Broadcast, error) {
		do()
		s.row.Revision++
		return s.row, nil
	}
	goLive := func() (model.Broadcast, error) {
		return change(func() {
			now := s.Now()
			s.row.Status, s.row.LiveAt = model.StatusLive, &now
			if s.streaming {
				s.row.StreamSeenAt = &now
			}
		})
	}
	ref := func(do func() (model.Broadcast, error)) any {
		return func(context.Context, activities.BroadcastRef) (model.Broadcast, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return do()
		}
	}
	s.OnActivity(a.Reserve, mock.Anything, mock.Anything).Return(func(context.Context, model.Broadcast) (model.Broadcast, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.row, nil
	}).Maybe()
	s.OnActivity(a.Load, mock.Anything, mock.Anything).Return(ref(func() (model.Broadcast, error) { return s.row, nil })).Maybe()
	s.OnActivity(a.StartOnTime, mock.Anything, mock.Anything).Return(func(context.Context, activities.OnTime) (model.Broadcast, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.row.Status != model.StatusReady || !s.streaming || s.blocked {
			return s.row, nil
		}
		return goLive()
	}).AfterFn(func() time.Duration {
		s.mu.Lock()
		defer s.mu.Unlock()
		return max(0, s.row.StartedAt.Sub(s.Now()))
	}).Maybe()
	s.OnActivity(a.StartStreaming, mock.Anything, mock.Anything).Return(ref(func() (model.Broadcast, error) {
		if s.beside != nil {
			_, _ = change(s.beside)
			s.beside = nil
		}
		if !s.streaming || s.blocked || s.row.Status != model.StatusReady || !s.row.DueAt(s.Now()) {
			return s.row, nil
		}
		return goLive()
	})).Maybe()
	s.OnActivity(a.Start, mock.Anything, mock.Anything).Return(ref(func() (model.Broadcast, error) {
		if s.row.Status != model.StatusReady {
			return refuse(model.ErrNotReady)
		}
		return goLive()
	})).Maybe()
	s.OnActivity(a.SeeStream, mock.Anything, mock.Anything).Return(ref(func() (model.Broadcast, error) {
		return change(func() { now := s.Now(); s.row.StreamSeenAt = &now })
	})).Maybe()
	end := func() (model.Broadcast, error) {
		return change(func() {
			now := s.Now()
			s.row.Status, s.row.FinishedAt = model.StatusClosed, &now
			if s.row.MuxAssetPlaybackID != nil {
				s.row.Status = model.StatusCompleted
			}
		})
	}
	s.OnActivity(a.End, mock.Anything, mock.Anything).Return(ref(end)).Maybe()
	s.OnActivity(a.EndIfIdle, mock.Anything, mock.Anything).Return(ref(func() (model.Broadcast, error) {
		switch {
		case s.mute:
			return s.row, vendor(activities.ErrorDown, activities.VendorMux)
		case s.streaming:
			return s.row, nil
		}
		return end()
	})).Maybe()
	s.OnActivity(a.Miss, mock.Anything, mock.Anything).Return(ref(func() (model.Broadcast, error) {
		if s.away > 0 {
			s.away--
			return model.Broadcast{}, errors.New("connection refused")
		}
		return change(func() { s.row.Status = model.StatusMissed })
	})).Maybe()
	s.OnActivity(a.Delete, mock.Anything, mock.Anything).Return(ref(func() (model.Broadcast, error) {
		return change(func() { now := s.Now(); s.row.DeletedAt = &now })
	})).Maybe()
	s.OnActivity(a.Edit, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.BroadcastEdit) (model.Broadcast, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		edited := s.row
		if err := in.Edit.Apply(&edited, s.Now()); err != nil {
			var refusal *model.Error
			require.ErrorAs(t, err, &refusal)
			return refuse(refusal)
		}
		return change(func() { s.row = edited })
	}).Maybe()
	attach := func(r model.Recording) (model.Broadcast, error) {
		return change(func() {
			s.row.MuxAssetID, s.row.MuxAssetPlaybackID = &r.AssetID, &r.PlaybackID
			if s.row.Status == model.StatusClosed {
				s.row.Status = model.StatusCompleted
			}
		})
	}
	s.OnActivity(a.AttachRecording, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.BroadcastRecording) (model.Broadcast, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return attach(in.Recording)
	}).Maybe()
	s.OnActivity(a.CompleteWithWhatThereIs, mock.Anything, mock.Anything).Return(ref(func() (model.Broadcast, error) {
		switch {
		case s.mute:
			return s.row, vendor(activities.ErrorDown, activities.VendorMux)
		case s.making:
			return s.row, nil
		case len(s.made) > 0:
			return attach(s.made[0])
		}
		return change(func() { s.row.Status = model.StatusCompleted })
	})).Maybe()
	s.OnActivity(a.CompleteStream, mock.Anything, mock.Anything).Return(func(context.Context, activities.BroadcastRef) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.completed++
		return nil
	}).Maybe()
	s.OnActivity(a.SendPush, mock.Anything, mock.Anything).Return(func(context.Context, activities.BroadcastRef) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.unpushed {
			return errors.New("1 of 1 devices could not be reached for now")
		}
		s.pushes++
		return nil
	}).Maybe()
	s.OnActivity(a.LinkProducts, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.ProductLinks) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.refusing {
			return errors.New("the shop answers 500")
		}
		s.linked = append(s.linked, in)
		return nil
	}).Maybe()
	s.OnActivity(a.EraseRecording, mock.Anything, mock.Anything).Return(func(context.Context, activities.BroadcastRef) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.missing > 0 {
			s.missing--
			return errors.New("Mux answers 500")
		}
		s.erased++
		return nil
	}).Maybe()
	return s
}

func (s *show) in(d time.Duration, do func()) {
	s.RegisterDelayedCallback(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		do()
	}, d)
}

func (s *show) report(active bool) {
	s.streaming = active
	s.SignalWorkflow(workflows.SignalStream, workflows.StreamReport{Active: active, At: s.Now()})
}

func (s *show) record(assetID string) {
	s.SignalWorkflow(workflows.SignalRecording, model.Recording{
		AssetID: assetID, PlaybackID: "play-" + assetID, StreamID: "stream", BeganAt: began.Add(hour), EndedAt: s.Now(),
	})
}

// answer collects what an update brings under a name: nil, or its refusal.
type answer struct {
	s    *show
	name string
}

func (a answer) Accept()          {}
func (a answer) Reject(err error) { a.s.answers[a.name] = err }
func (a answer) Complete(_ any, err error) {
	a.s.answers[a.name] = err
}

func (s *show) ask(name, update string, args ...any) {
	s.answers[name] = errors.New("no answer")
	s.UpdateWorkflow(update, name, answer{s, name}, args...)
}

func (s *show) refusal(name string) model.Code {
	if refusal := workflows.RefusalOf(s.answers[name]); refusal != nil {
		return refusal.Code
	}
	require.NoError(s.t, s.answers[name], name)
	return ""
}

func (s *show) run() workflows.BroadcastState {
	s.t.Helper()
	reservation := s.row
	s.ExecuteWorkflow(workflows.TypeBroadcast, workflows.BroadcastInput{VODID: 7, Reservation: &reservation})
	require.True(s.t, s.IsWorkflowCompleted())
	require.NoError(s.t, s.GetWorkflowError())
	var state workflows.BroadcastState
	require.NoError(s.t, s.GetWorkflowResult(&state))
	return state
}

func (s *show) after(d time.Duration) time.Time { return began.Add(d) }

const hour = time.Hour

func TestBroadcastLivesItsLife(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.in(hour-10*time.Second, func() { s.report(true) })
	s.in(2*hour, func() { s.report(false) })
	s.in(2*hour+time.Minute, func() { s.record("asset") })
	state := s.run()
	require.Equal(t, model.StatusCompleted, state.Broadcast.Status)
	require.Equal(t, "play-asset", *state.Broadcast.MuxAssetPlaybackID)
	require.Equal(t, s.after(hour), *state.Broadcast.StartedAt)
	require.Equal(t, 1, s.pushes)
	require.Equal(t, []activities.ProductLinks{{VODID: 7, Add: []string{"P1"}}}, s.linked)
	require.Zero(t, s.completed, "the stream was over by itself")
}

func TestBroadcastWaitsForAnEncoderThatComesLate(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.in(hour+10*time.Minute, func() { s.report(true) })
	s.in(hour+10*time.Minute+time.Second, func() { require.Equal(t, model.StatusLive, s.row.Status) })
	s.in(2*hour, func() { s.report(false) })
	require.Equal(t, model.StatusCompleted, s.run().Broadcast.Status)
	require.WithinDuration(t, s.after(hour+10*time.Minute), *s.row.LiveAt, 0)
}

func TestBroadcastInTheWayIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.blocked = true
	for at := hour - 15*time.Second; at < hour+20*time.Minute; at += 15 * time.Second { // as the stream watch reports
		s.in(at, func() { s.report(true) })
	}
	s.in(hour+10*time.Minute, func() {
		require.Equal(t, model.StatusReady, s.row.Status)
		s.blocked = false
	})
	s.in(2*hour, func() { s.report(false) })
	require.Equal(t, model.StatusCompleted, s.run().Broadcast.Status)
	require.WithinDuration(t, s.after(hour+10*time.Minute), *s.row.LiveAt, 15*time.Second)
	require.Equal(t, 1, s.pushes)
}

func TestBroadcastIsMissedWithoutAnEncoder(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.in(hour+29*time.Minute, func() { require.Equal(t, model.StatusReady, s.row.Status) })
	require.Equal(t, model.StatusMissed, s.run().Broadcast.Status)
	require.Zero(t, s.pushes)
}

func TestBroadcastWithoutATimeWaitsForItsInfluencer(t *testing.T) {
	t.Parallel()
	s := newShow(t, 0)
	s.row.StartedAt = nil
	s.in(48*hour, func() { s.ask("start", workflows.UpdateStart) })
	s.in(49*hour, func() { s.ask("end", workflows.UpdateEnd) })
	s.in(49*hour+time.Minute, func() { s.record("asset") })
	require.Equal(t, model.StatusCompleted, s.run().Broadcast.Status)
	require.Empty(t, s.refusal("start"))
	require.Empty(t, s.refusal("end"))
	require.Equal(t, 1, s.pushes)
	require.Equal(t, 1, s.completed, "Mux is told")
}

func TestBroadcastRefuses(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.in(time.Minute, func() { s.ask("end while ready", workflows.UpdateEnd) })
	s.in(2*time.Minute, func() { s.ask("announce while ready", workflows.UpdateAnnounce) })
	s.in(hour-time.Second, func() { s.report(true) })
	s.in(hour+time.Minute, func() { s.ask("start while live", workflows.UpdateStart) })
	s.in(hour+2*time.Minute, func() { s.ask("announce while live", workflows.UpdateAnnounce) })
	s.in(hour+3*time.Minute, func() { s.ask("end", workflows.UpdateEnd) })
	s.in(hour+4*time.Minute, func() { s.ask("end again", workflows.UpdateEnd) })
	s.in(hour+4*time.Minute, func() { s.ask("start while closed", workflows.UpdateStart) })
	s.in(hour+4*time.Minute, func() { s.ask("announce while closed", workflows.UpdateAnnounce) })
	s.run()
	require.Equal(t, model.CodeNotLive, s.refusal("end while ready"))
	require.Empty(t, s.refusal("announce while ready"))
	require.Equal(t, model.CodeNotReady, s.refusal("start while live"))
	require.Empty(t, s.refusal("announce while live"))
	require.Empty(t, s.refusal("end"))
	require.Equal(t, model.CodeNotLive, s.refusal("end again"))
	require.Equal(t, model.CodeNotReady, s.refusal("start while closed"))
	require.Equal(t, model.CodeNotAnnounceable, s.refusal("announce while closed"))
	require.Equal(t, 1, s.pushes, "once, whoever asks")
}

func TestEditMovesTheStart(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	later := s.after(3 * hour)
	s.in(30*time.Minute, func() {
		s.ask("edit", workflows.UpdateEdit, model.Edit{Fields: []model.Field{model.FieldStartedAt}, Details: model.Details{StartedAt: &later}})
	})
	s.in(hour-time.Minute, func() { s.report(true) })
	s.in(2*hour, func() { require.Equal(t, model.StatusReady, s.row.Status) })
	s.in(4*hour, func() { s.report(false) })
	s.in(4*hour+time.Minute, func() { s.record("asset") })
	require.Equal(t, model.StatusCompleted, s.run().Broadcast.Status)
	require.Empty(t, s.refusal("edit"))
	require.False(t, s.row.LiveAt.Before(later.Add(-time.Minute)))
}

func TestEditOfTheProductsWhileLive(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.in(hour-time.Second, func() { s.report(true) })
	s.in(hour+time.Minute, func() {
		s.ask("edit", workflows.UpdateEdit, model.Edit{Fields: []model.Field{model.FieldProductList}, Details: model.Details{ProductList: []string{"P2"}}})
	})
	s.in(2*hour, func() { s.report(false) })
	s.run()
	require.Contains(t, s.linked, activities.ProductLinks{VODID: 7, Add: []string{"P2"}, Remove: []string{"P1"}})
}

func TestProductsAreLeftAsTheLastChangeWantsThem(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		update string
		args   []any
		links  activities.ProductLinks
	}{
		"edited": {
			workflows.UpdateEdit,
			[]any{model.Edit{Fields: []model.Field{model.FieldProductList}, Details: model.Details{ProductList: []string{"P2"}}}},
			activities.ProductLinks{VODID: 7, Add: []string{"P2"}, Remove: []string{"P1"}},
		},
		"deleted": {workflows.UpdateDelete, nil, activities.ProductLinks{VODID: 7, Remove: []string{"P1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShow(t, hour)
			s.refusing = true
			s.in(hour-time.Second, func() { s.report(true) })
			s.in(hour+time.Minute, func() { s.ask("change", test.update, test.args...) })
			s.in(hour+20*time.Minute, func() { s.refusing = false })
			s.in(2*hour, func() { s.report(false) })
			state := s.run()
			require.Empty(t, s.refusal("change"))
			require.Equal(t, []activities.ProductLinks{test.links}, s.linked, "nothing late comes after it")
			require.Empty(t, state.StuckReason)
		})
	}
}

func TestReportsMayComeTwiceLateAndOutOfOrder(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.in(hour-time.Second, func() { s.report(true); s.report(true) })
	s.in(90*time.Minute, func() { // an old "idle", while the stream is active
		s.SignalWorkflow(workflows.SignalStream, workflows.StreamReport{Active: false, At: began})
	})
	s.in(95*time.Minute, func() { // a new "idle" that Mux takes back when asked
		s.SignalWorkflow(workflows.SignalStream, workflows.StreamReport{Active: false, At: s.Now()})
	})
	s.in(100*time.Minute, func() { require.Equal(t, model.StatusLive, s.row.Status) })
	s.in(2*hour, func() { s.record("asset") }) // before the end
	s.in(2*hour+time.Minute, func() { s.record("asset"); s.report(false); s.report(false) })
	require.Equal(t, model.StatusCompleted, s.run().Broadcast.Status)
	require.Equal(t, "play-asset", *s.row.MuxAssetPlaybackID)
	require.Equal(t, 1, s.pushes)
}

func TestRecordingOfAnotherShowIsNotTaken(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.in(hour-time.Second, func() { s.report(true) })
	s.in(hour+time.Minute, func() {
		s.SignalWorkflow(workflows.SignalRecording, model.Recording{
			AssetID: "old", PlaybackID: "old", StreamID: "stream", BeganAt: began.Add(-hour), EndedAt: began,
		})
	})
	s.in(2*hour, func() { s.report(false) })
	require.Nil(t, s.run().Broadcast.MuxAssetPlaybackID)
}

func TestBroadcastEndsAtTheLongestLength(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.in(hour-time.Second, func() { s.report(true) })
	state := s.run()
	require.Equal(t, model.StatusCompleted, state.Broadcast.Status)
	require.WithinDuration(t, s.after(13*hour), *state.Broadcast.FinishedAt, time.Minute)
	require.Equal(t, 1, s.completed)
}

func TestLostRecordingIsLookedFor(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.made = []model.Recording{{AssetID: "asset", PlaybackID: "found"}}
	s.in(hour-time.Second, func() { s.report(true) })
	s.in(2*hour, func() { s.report(false) })
	require.Equal(t, "found", *s.run().Broadcast.MuxAssetPlaybackID)
}

func TestLateRecordingOfADeletedBroadcastIsRemovedToo(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	live, deleted := began.Add(-hour), began
	s.row.Status, s.row.LiveAt, s.row.DeletedAt = model.StatusLive, &live, &deleted
	s.in(0, func() { s.record("asset") })
	s.ExecuteWorkflow(workflows.TypeBroadcast, workflows.BroadcastInput{VODID: 7})
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, 1, s.erased)
	require.Nil(t, s.row.MuxAssetPlaybackID)
}

func TestDeletionInEveryState(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		after  time.Duration
		erased int
	}{
		{"while ready", 30 * time.Minute, 0},
		{"while about to go live", hour - 5*time.Second, 0},
		{"while waiting for the encoder", hour + time.Minute, 0},
		{"while live", hour + 15*time.Minute, 1},
		{"while closed", 2*hour + time.Second, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newShow(t, hour)
			s.in(hour+10*time.Minute, func() { s.report(true) })
			s.in(2*hour, func() { s.report(false) })
			s.in(test.after, func() { s.ask("delete", workflows.UpdateDelete) })
			state := s.run()
			require.Empty(t, s.refusal("delete"))
			require.NotNil(t, state.Broadcast.DeletedAt)
			require.Equal(t, test.erased, s.erased)
			if test.erased > 0 {
				require.Contains(t, s.linked, activities.ProductLinks{VODID: 7, Remove: []string{"P1"}})
			}
		})
	}
}

func TestCleanUpThatFailsIsStuckAndGoesOn(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.missing = 40
	s.in(hour-time.Second, func() { s.report(true) })
	s.in(hour+time.Minute, func() { s.ask("delete", workflows.UpdateDelete) })
	seen := workflows.Reason("")
	s.in(hour+10*time.Minute, func() {
		value, err := s.QueryWorkflow(workflows.QueryState)
		require.NoError(t, err)
		var state workflows.BroadcastState
		require.NoError(t, value.Get(&state))
		seen = state.StuckReason
		require.NotEmpty(t, state.LastError)
	})
	state := s.run()
	require.Equal(t, workflows.StuckCleanUp, seen)
	require.Empty(t, state.StuckReason, "no longer stuck")
	require.Equal(t, 1, s.erased)
}

func TestFinishedBroadcastIsTakenUpAnew(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	live := began.Add(-hour)
	s.row.Status, s.row.LiveAt, s.row.FinishedAt = model.StatusCompleted, &live, &began
	s.in(0, func() { s.ask("delete", workflows.UpdateDelete) })
	s.ExecuteWorkflow(workflows.TypeBroadcast, workflows.BroadcastInput{VODID: 7})
	require.NoError(t, s.GetWorkflowError())
	require.Empty(t, s.refusal("delete"))
	require.Equal(t, 1, s.erased)
}

func TestMissedBroadcastIsRevivedByANewTime(t *testing.T) {
	t.Parallel()
	s := newShow(t, -hour)
	s.row.Status = model.StatusMissed
	later := s.after(hour)
	s.in(0, func() {
		s.ask("edit", workflows.UpdateEdit, model.Edit{Fields: []model.Field{model.FieldStartedAt}, Details: model.Details{StartedAt: &later}})
	})
	s.in(hour-time.Second, func() { s.report(true) })
	s.in(2*hour, func() { s.report(false) })
	s.ExecuteWorkflow(workflows.TypeBroadcast, workflows.BroadcastInput{VODID: 7})
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, model.StatusCompleted, s.row.Status)
}

func TestDatabaseThatIsAwayDelaysAndLosesNothing(t *testing.T) {
	t.Parallel()
	s := newShow(t, hour)
	s.away = 8 // the test environment gives a step up after ten
	require.Equal(t, model.StatusMissed, s.run().Broadcast.Status)
}

// TestAnEditBesideGoingLive is not overlooked: the broadcast waits for its new
// time, and is not missed at the old one.
func TestAnEditBesideGoingLive(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]*time.Time{"to tomorrow": new(began.Add(24 * time.Hour)), "to no time": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShow(t, hour)
			s.beside = func() { s.row.StartedAt = at }
			s.in(hour+time.Minute, func() { s.report(true) })
			s.in(hour+2*time.Minute, func() { s.report(false) })
			s.in(23*time.Hour, func() {
				require.Equal(t, model.StatusReady, s.row.Status)
				s.ask("delete", workflows.UpdateDelete)
			})
			require.NotNil(t, s.run().Broadcast.DeletedAt)
			require.NoError(t, s.answers["delete"])
		})
	}
}
