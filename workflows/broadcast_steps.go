package workflows

import (
	"errors"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
)

// change is a step of the story that ends in the broadcast's new row. It is
// given up while it fails and the story has something else to do.
func (s *broadcast) change(ctx workflow.Context, summary string, step, in any) error {
	return unlessEnough(s.changeFor(ctx, summary, step, in))
}

// changeFor is change that tells with errEnough that it was given up. When the
// row turns out to have moved on, the newer row is read instead.
func (s *broadcast) changeFor(ctx workflow.Context, summary string, step, in any) error {
	revision, recordings := s.state.Broadcast.Revision, len(s.recordings)
	elsewhere := func() bool {
		return s.loaded && (s.state.Broadcast.Revision != revision || len(s.recordings) > recordings || s.outlasted(ctx) || s.long(ctx))
	}
	err := s.try(ctx, effort{summary: summary, step: step, longest: shortestPause, enough: elsewhere}, in)
	if RefusalOf(err) != nil {
		return s.attempt(ctx, "Read how the broadcast moved on", s.steps.Load, s.command())
	}
	return err
}

// outlasted tells whether the broadcast is live for longer than any may.
func (s *broadcast) outlasted(ctx workflow.Context) bool {
	return s.is(model.StatusLive) && !workflow.Now(ctx).Before(s.state.Broadcast.LiveAt.Add(s.rules.LongestShow))
}

// longestCleanUpPause is between two tries of what keeps failing: short enough
// that little is left for long once the vendor is back.
const longestCleanUpPause = 10 * time.Minute

// attempt is a step that may be refused, and is not given up.
func (s *broadcast) attempt(ctx workflow.Context, summary string, step, in any) error {
	return s.try(ctx, effort{summary: summary, step: step, longest: longestCleanUpPause}, in)
}

// try runs a step at once, as a local activity; what does not succeed in
// seconds becomes a normal one, which an operator sees, and is repeated until it
// does, is refused, or is given up.
func (s *broadcast) try(ctx workflow.Context, e effort, in any) error {
	var row model.Broadcast
	quick := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		Summary:                e.summary,
		ScheduleToCloseTimeout: 5 * time.Second,
		StartToCloseTimeout:    4 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, MaximumAttempts: 3},
	})
	err := workflow.ExecuteLocalActivity(quick, e.step, in).Get(ctx, &row)
	if err != nil && RefusalOf(err) == nil && !temporal.IsCanceledError(err) {
		if workflow.GetVersion(ctx, "failing steps are stuck", workflow.DefaultVersion, 1) == 1 {
			e.in, e.out, e.reason = func() any { return in }, &row, s.reasonOf
			e.needless = func(err error) bool { return RefusalOf(err) != nil }
			err = s.strive(ctx, e)
		} else {
			err = workflow.ExecuteActivity(s.patient(ctx, e.summary), e.step, in).Get(ctx, &row)
		}
	}
	if err != nil {
		if errors.Is(err, errEnough) {
			return errors.Join(err, s.loosen(ctx, e.summary))
		}
		return err
	}
	return s.adopt(ctx, row)
}

// patient are the options of a step that is repeated for as long as it takes.
func (s *broadcast) patient(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary:             summary,
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 30 * time.Second},
	})
}

// startOnTime lets a worker wait for the broadcast's second and put it on air,
// while it is not missed. A change of the broadcast calls the worker off.
func (s *broadcast) startOnTime(ctx workflow.Context) error {
	ctx, callOff := workflow.WithCancel(ctx)
	defer callOff()
	revision := s.state.Broadcast.Revision
	missedAt, _ := s.state.Broadcast.MissedAt(s.rules.Grace)
	start := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              QueueStarts,
		Summary:                "Go live at " + model.FormatSeoul(*s.state.Broadcast.StartedAt),
		ScheduleToCloseTimeout: max(time.Second, missedAt.Sub(workflow.Now(ctx))),
		StartToCloseTimeout:    s.lead() + time.Minute,
		HeartbeatTimeout:       10 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 10 * time.Second},
	}), s.steps.StartOnTime, activities.OnTime{VODID: s.in.VODID, Active: s.state.Stream.Active})
	startsAt := *s.state.Broadcast.StartedAt
	err := workflow.Await(ctx, func() bool {
		reported := s.state.Stream.Active && s.state.Stream.At.After(startsAt)
		return start.IsReady() || reported || s.state.Broadcast.Revision != revision
	})
	if err != nil || !start.IsReady() {
		return err
	}
	var row model.Broadcast
	if err := start.Get(ctx, &row); err != nil {
		workflow.GetLogger(ctx).Warn("broadcast did not start on time", "vod_id", s.in.VODID, "error", err)
		return ctx.Err()
	}
	return s.adopt(ctx, row)
}

// end takes the broadcast off air and tells Mux that the stream is complete.
func (s *broadcast) end(ctx workflow.Context, summary string) error {
	if err := s.attempt(ctx, summary, s.steps.End, s.command()); err != nil {
		return err
	}
	s.alongside(ctx, func(ctx workflow.Context) error {
		ctx = workflow.WithScheduleToCloseTimeout(s.patient(ctx, "Tell Mux that the stream is complete"), time.Hour)
		return workflow.ExecuteActivity(ctx, s.steps.CompleteStream, s.command()).Get(ctx, nil)
	})
	return nil
}

// announce sends the push to everyone who waits for the broadcast, once.
func (s *broadcast) announce(ctx workflow.Context) {
	if s.announced || s.state.Broadcast.PushedAt != nil {
		return
	}
	s.announced = true
	s.alongside(ctx, func(ctx workflow.Context) error {
		ctx = workflow.WithScheduleToCloseTimeout(s.patient(ctx, "Send its push"), 15*time.Minute)
		ctx = workflow.WithStartToCloseTimeout(ctx, 10*time.Minute)
		ctx = workflow.WithHeartbeatTimeout(ctx, 30*time.Second)
		err := workflow.ExecuteActivity(ctx, s.steps.SendPush, s.command()).Get(ctx, nil)
		if err == nil || temporal.IsCanceledError(err) || workflow.GetVersion(ctx, "a push is given up", workflow.DefaultVersion, 1) != 1 {
			return err
		}
		s.announced = false
		return s.pointOut(ctx, trouble{
			key: "push", reason: StuckOperator, words: lastWords(err), command: commandResolve,
			toDo: "Not everybody was told that it starts. See what keeps the pushes back; announcing it once more reaches those who were left out. Then `resolve`.",
		}, func() bool { return s.announced || s.deleted() })
	})
}

// linkProducts notes the broadcast in the products it sells, and removes it
// from the former ones and, once it is deleted, from all. One job does so at a
// time, by what is right then: a note that is late never undoes a removal.
func (s *broadcast) linkProducts(ctx workflow.Context, former []string) {
	s.noted = union(s.noted, former, s.state.Broadcast.ProductList)
	if len(s.noted) == 0 {
		return
	}
	s.linksAsked++
	s.looks++
	if s.linking {
		return
	}
	s.linking = true
	s.alongside(ctx, func(ctx workflow.Context) error {
		defer func() { s.linking = false }()
		for done := 0; done != s.linksAsked; {
			right, err := s.insist(ctx, "Note it in its products", s.steps.LinkProducts, func() any {
				done = s.linksAsked
				return s.links()
			})
			if err != nil || !right {
				return err
			}
		}
		s.noted = nil
		return nil
	})
}

func (s *broadcast) links() activities.ProductLinks {
	links := activities.ProductLinks{VODID: s.in.VODID, Remove: s.noted}
	if !s.deleted() {
		links.Add = s.state.Broadcast.ProductList
		links.Remove = without(s.noted, links.Add)
	}
	return links
}

func (s *broadcast) attachRecordings(ctx workflow.Context) error {
	for len(s.recordings) > 0 {
		recording := s.recordings[0]
		if s.state.Broadcast.Owns(recording) {
			in := activities.BroadcastRecording{VODID: s.in.VODID, Recording: recording}
			if err := s.changeFor(ctx, "Attach its recording", s.steps.AttachRecording, in); err != nil {
				return unlessEnough(err)
			}
		}
		s.recordings = s.recordings[1:]
	}
	return nil
}

// insist repeats a step until it succeeds, each time with the input as it is
// then. It gives up when the history has become too long, for the next run to
// begin again.
func (s *broadcast) insist(ctx workflow.Context, summary string, step any, in func() any) (done bool, err error) {
	err = s.strive(ctx, effort{
		summary: summary, step: step, in: in, each: time.Minute, longest: longestCleanUpPause,
		enough: func() bool { return s.long(ctx) }, reason: s.reasonOf,
	})
	return err == nil, unlessEnough(err)
}

func unlessEnough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// reasonOf calls a failing step of a deleted broadcast a clean-up.
func (s *broadcast) reasonOf(cause error) Reason {
	reason := reasonOf(cause)
	if _, vendor, named := strings.Cut(string(reason), ":"); s.deleted() && named {
		return StuckCleanUp.At(vendor)
	}
	if s.deleted() {
		return StuckCleanUp
	}
	return reason
}

// alongside runs a job beside the story. The workflow does not end before it;
// its failure is logged and does not change the story.
func (s *broadcast) alongside(ctx workflow.Context, job func(workflow.Context) error) {
	s.beside++
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { s.beside-- }()
		if err := job(ctx); err != nil {
			workflow.GetLogger(ctx).Error("job beside the broadcast failed", "vod_id", s.in.VODID, "error", err)
		}
	})
}

// wake says what ended a wait.
type wake int

const (
	wokeByTime wake = iota + 1
	wokeByChange
	wokeByReport
	wokeByRecording
)

// wakeUps are what may end a wait besides a change of the broadcast.
type wakeUps struct {
	at                  time.Time
	reports, recordings bool
	retries             bool // an operator's, as if it were time
}

// until waits for the first of: the time, a change of the broadcast, a new
// report, a recording. The timer carries the summary.
func (s *broadcast) until(ctx workflow.Context, by wakeUps, summary string) (wake, error) {
	revision := s.state.Broadcast.Revision
	ctx, stop := workflow.WithCancel(ctx)
	defer stop()
	if wait := by.at.Sub(workflow.Now(ctx)); wait <= 0 {
		return wokeByTime, nil
	}
	timer := workflow.NewTimerWithOptions(ctx, by.at.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: summary})
	woke, pressed := wake(0), s.pressed
	err := workflow.Await(ctx, func() bool {
		switch {
		case s.state.Broadcast.Revision != revision:
			woke = wokeByChange
		case by.recordings && len(s.recordings) > 0:
			woke = wokeByRecording
		case by.reports && s.state.Stream != s.acted:
			woke = wokeByReport
		case timer.IsReady(), by.retries && s.pressed != pressed:
			woke = wokeByTime
		}
		return woke != 0
	})
	return woke, err
}

func (s *broadcast) untilChanged(ctx workflow.Context) error {
	revision := s.state.Broadcast.Revision
	return workflow.Await(ctx, func() bool { return s.state.Broadcast.Revision != revision })
}

// refused turns a business refusal into an error that survives the way to the
// caller; other errors stay as they are.
func refused(err error) error {
	if refusal := RefusalOf(err); refusal != nil {
		return activities.Refuse(refusal)
	}
	var refusal *model.Error
	if errors.As(err, &refusal) {
		return activities.Refuse(refusal)
	}
	return err
}

func union(lists ...[]string) []string {
	var all []string
	for _, id := range slices.Concat(lists...) {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

func without(ids, others []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(others, id) })
}
