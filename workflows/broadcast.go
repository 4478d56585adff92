// Package workflows tells how the business proceeds in time. Its functions are
// deterministic: whatever touches the outside is an activity.
package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/model"
)

// Rules are the durations broadcasts, orders, refunds, sign-ups and images live by.
type Rules struct {
	// Grace is how long after its time a broadcast may still go live before it
	// counts as missed.
	Grace time.Duration
	// LongestShow is when a broadcast that nobody ends is ended.
	LongestShow time.Duration
	// RecordingWait is how long after its end a broadcast waits for its
	// recording before it is completed without one.
	RecordingWait time.Duration

	// UnpaidAfter is when an order that nobody pays is cancelled.
	UnpaidAfter time.Duration
	// VBankGrace is how long after a virtual account's own deadline that is.
	VBankGrace time.Duration
	// PaymentPoll is how often Iamport is asked about an unpaid order.
	PaymentPoll time.Duration
	// RefundPoll is how often the shop is asked about a requested refund.
	RefundPoll time.Duration
	// ArrivalPoll is how often the shop is asked about a paid order.
	ArrivalPoll time.Duration
	// DoneAfter is how long after everything arrived an order is done.
	DoneAfter time.Duration

	// Limits are when a workflow says that it is stuck.
	Limits Limits

	// SignUpPatience is how long a sign-up waits to hear what came of its account.
	SignUpPatience time.Duration
	// UploadPatience is how long a change of images may take before it counts as
	// given up.
	UploadPatience time.Duration
	// Settling is how long the shop may take to do what it did not answer.
	Settling time.Duration
}

// DefaultRules are the rules of the house.
func DefaultRules() Rules {
	return Rules{
		Grace: 30 * time.Minute, LongestShow: 12 * time.Hour, RecordingWait: 15 * time.Minute,
		UnpaidAfter: 30 * time.Minute, VBankGrace: 10 * time.Minute, PaymentPoll: 5 * time.Minute, RefundPoll: 5 * time.Minute,
		ArrivalPoll: 24 * time.Hour, DoneAfter: 7 * 24 * time.Hour, Limits: DefaultLimits(),
		SignUpPatience: time.Minute, UploadPatience: 2 * time.Minute, Settling: 3 * time.Second,
	}
}

// pinned are the rules as they were when the workflow began: a change of the
// configuration is not for those under way, whose histories it would break.
func (r Rules) pinned(ctx workflow.Context) (Rules, error) {
	var rules Rules
	err := workflow.SideEffect(ctx, func(workflow.Context) any { return r }).Get(&rules)
	return rules, err
}

// Broadcast is the life of one broadcast: reserved, live by itself when its
// time has come and its influencer streams, ended, and completed by its
// recording; or missed; or deleted, with nothing of it left at Mux. It ends
// when nothing is left to wait for; a later edit or deletion takes it up anew
// from its row. A refusal ends an update, never the workflow.
func (r Rules) Broadcast(ctx workflow.Context, in BroadcastInput) (BroadcastState, error) {
	if workflow.GetVersion(ctx, "rules in history", workflow.DefaultVersion, 1) == 1 {
		var err error
		if r, err = r.pinned(ctx); err != nil {
			return BroadcastState{}, err
		}
	} else {
		r.Limits = Limits{}
	}
	show := newBroadcast(in, r)
	if err := show.listen(ctx); err != nil {
		return BroadcastState{}, err
	}
	err := show.run(ctx)
	show.waitingFor(ctx, "Over: nothing is left to wait for")
	return show.state, err
}

func (s *broadcast) run(ctx workflow.Context) error {
	if err := s.takeUp(ctx); err != nil {
		return err
	}
	if len(s.noted) > 0 { // left by the run before
		s.linkProducts(ctx, nil)
	}
	for !s.over(ctx) {
		var err error
		switch {
		case s.turnsPage(ctx):
			return s.nextPage(ctx)
		case s.deleted():
			err = s.cleanUp(ctx)
		case s.is(model.StatusReady):
			err = s.waitForStart(ctx)
		case s.is(model.StatusLive):
			err = s.beLive(ctx)
		case s.is(model.StatusClosed):
			err = s.waitForRecording(ctx)
		default:
			err = s.settle(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// takeUp writes the reservation, or reads the row of a broadcast whose
// workflow had ended.
func (s *broadcast) takeUp(ctx workflow.Context) error {
	if s.in.Reservation == nil {
		return s.change(ctx, "Read the broadcast", s.steps.Load, s.command())
	}
	return s.change(ctx, "Write the reservation", s.steps.Reserve, *s.in.Reservation)
}

// waitForStart is a ready broadcast: it goes live at its time, or at the first
// moment after it that the stream is active, or is missed. Whatever changes the
// broadcast meanwhile ends the wait, and it is taken up anew.
func (s *broadcast) waitForStart(ctx workflow.Context) error {
	startsAt := s.state.Broadcast.StartedAt
	if startsAt == nil {
		s.waitingFor(ctx, "Waiting for the influencer to start it: no time is set")
		return s.untilChanged(ctx)
	}
	shown := model.FormatSeoul(*startsAt)
	s.waitingFor(ctx, "Waiting for its time, "+shown+" in Seoul")
	if woke, err := s.until(ctx, wakeUps{at: startsAt.Add(-s.lead())}, "Wait until shortly before "+shown); err != nil || woke == wokeByChange {
		return err
	}
	s.waitingFor(ctx, "Its time is near, "+shown+" in Seoul: about to go live")
	revision := s.state.Broadcast.Revision
	if err := s.startOnTime(ctx); err != nil || s.state.Broadcast.Revision != revision {
		return err
	}
	return s.waitForEncoder(ctx)
}

// waitForEncoder is a ready broadcast whose time has come while nothing was
// streaming, or while an earlier one was still on air.
func (s *broadcast) waitForEncoder(ctx workflow.Context) error {
	missedAt, due := s.state.Broadcast.MissedAt(s.rules.Grace)
	for due && s.is(model.StatusReady) && !s.deleted() {
		if report, fresh := s.freshReport(); fresh && report.Active {
			revision := s.state.Broadcast.Revision
			if err := s.change(ctx, "Go live", s.steps.StartStreaming, s.command()); err != nil {
				return err
			}
			edited := s.is(model.StatusReady) && s.state.Broadcast.Revision != revision
			if edited && workflow.GetVersion(ctx, "an edit beside going live", workflow.DefaultVersion, 1) > workflow.DefaultVersion {
				return nil
			}
			continue
		}
		s.waitingFor(ctx, "Its time has come: waiting for the influencer's encoder until "+model.FormatSeoul(missedAt)+" in Seoul")
		at := missedAt
		if late := s.state.Broadcast.StartedAt.Add(s.limits.Encoder); s.limits.Encoder > 0 && workflow.Now(ctx).Before(late) {
			at = earlier(at, late)
		}
		woke, err := s.until(ctx, wakeUps{at: at, reports: true}, "Wait for the encoder until "+model.FormatSeoul(missedAt))
		switch {
		case err != nil:
			return err
		case woke == wokeByTime && at.Before(missedAt):
			err = s.flag(ctx, trouble{
				key: tooLong, reason: StuckOperator, words: "its time has come, and nothing streams", command: commandResolve,
				toDo: "Call the influencer. It goes live by itself when the encoder connects. `resolve` when they are known to come late.",
			})
			if err != nil {
				return err
			}
		case woke == wokeByTime:
			return s.change(ctx, "Mark it missed", s.steps.Miss, s.command())
		case woke == wokeByChange:
			return nil
		}
	}
	return nil
}

// beLive is a live broadcast. What going live sets off runs beside it; it ends
// by hand, when its stream has ended, or at the longest length.
func (s *broadcast) beLive(ctx workflow.Context) error {
	s.announce(ctx)
	s.linkProducts(ctx, nil)
	endsAt := s.state.Broadcast.LiveAt.Add(s.rules.LongestShow)
	for s.is(model.StatusLive) && !s.deleted() && !s.turnsPage(ctx) {
		report, fresh := s.freshReport()
		var err error
		switch {
		case s.firstSeen():
			err = s.change(ctx, "Note that the stream is active", s.steps.SeeStream, s.command())
		case fresh && !report.Active && s.state.Broadcast.StreamSeenAt != nil:
			s.waitingFor(ctx, "On air: the stream was reported idle, asking Mux whether it still is")
			err = s.change(ctx, "End it if the stream is still idle", s.steps.EndIfIdle, s.command())
		case len(s.recordings) > 0:
			err = s.attachRecordings(ctx)
		default:
			s.waitingFor(ctx, "On air: waiting for the end of its stream")
			var woke wake
			woke, err = s.until(ctx, wakeUps{at: endsAt, reports: true, recordings: true}, "End it at the longest length")
			if woke == wokeByTime {
				err = s.end(ctx, "End it at the longest length")
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// waitForRecording is a closed broadcast: completed by its recording, or
// without one when Mux has none in time.
func (s *broadcast) waitForRecording(ctx workflow.Context) error {
	until := s.state.Broadcast.FinishedAt.Add(s.rules.RecordingWait)
	for s.is(model.StatusClosed) && !s.deleted() && !s.turnsPage(ctx) {
		if err := s.attachRecordings(ctx); err != nil || !s.is(model.StatusClosed) {
			return err
		}
		shown := model.FormatSeoul(until)
		s.waitingFor(ctx, "Ended: waiting for its recording until "+shown+" in Seoul")
		woke, err := s.until(ctx, wakeUps{at: until, recordings: true, retries: true}, "Wait for the recording until "+shown)
		if err != nil {
			return err
		}
		if woke == wokeByTime {
			if err := s.change(ctx, "Complete it with what Mux has", s.steps.CompleteWithWhatThereIs, s.command()); err != nil {
				return err
			}
			until = workflow.Now(ctx).Add(s.rules.RecordingWait)
			if late := s.state.Broadcast.FinishedAt.Add(s.limits.Recording); s.is(model.StatusClosed) && !workflow.Now(ctx).Before(late) {
				err := s.flag(ctx, trouble{
					key: tooLong, reason: StuckOperator, words: "Mux has not finished its recording", command: commandRetry,
					toDo: "Look for the recording in Mux's dashboard. `retry` has Mux asked once more.",
				})
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// cleanUp removes what is left of a deleted broadcast outside our own tables,
// and goes on until nothing is.
func (s *broadcast) cleanUp(ctx workflow.Context) error {
	s.recordings = nil
	if s.state.Broadcast.LiveAt != nil && !s.cleaned {
		s.waitingFor(ctx, "Deleted: removing what is left of it at Mux and in its products")
		if !s.letGo {
			s.linkProducts(ctx, nil)
		}
		erased, err := s.insist(ctx, "Remove its recording from Mux", s.steps.EraseRecording, func() any { return s.command() })
		if err != nil {
			return err
		}
		if !erased {
			return workflow.Await(ctx, func() bool { return s.settled(ctx) })
		}
	}
	s.cleaned = len(s.recordings) == 0
	return s.settle(ctx)
}

// settle waits, once nothing is left to wait for, until what runs beside has
// ended and everybody has been answered.
func (s *broadcast) settle(ctx workflow.Context) error {
	s.waitingFor(ctx, "Nothing more: finishing what runs beside")
	revision := s.state.Broadcast.Revision
	return workflow.Await(ctx, func() bool {
		return s.state.Broadcast.Revision != revision || s.deleted() && len(s.recordings) > 0 ||
			s.settled(ctx)
	})
}
