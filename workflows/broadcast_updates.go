package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
)

// listen opens the broadcast to its updates, signals and query.
func (s *broadcast) listen(ctx workflow.Context) error {
	if err := workflow.SetQueryHandler(ctx, QueryState, func() (BroadcastState, error) { return s.state, nil }); err != nil {
		return err
	}
	s.hearSignals(ctx)
	if err := s.obeyWith(ctx, s.mayLookAgain, func() { s.pressed++ }); err != nil {
		return err
	}
	for _, update := range []struct {
		name        string
		description string
		handler     any
		mayBe       func() error
	}{
		{UpdateReserve, "Answer when the reservation is written", s.reserved, s.anyTime},
		{UpdateStart, "Go live now", s.startNow, s.mayStart},
		{UpdateEnd, "Take it off air", s.endNow, s.mayEnd},
		{UpdateDelete, "Hide it everywhere and remove its recording", s.delete, s.anyTime},
		{UpdateAnnounce, "Send its push, unless it was sent", s.announceNow, s.mayAnnounce},
	} {
		err := workflow.SetUpdateHandlerWithOptions(ctx, update.name, update.handler, workflow.UpdateHandlerOptions{
			Validator: func(workflow.Context) error { return s.check(update.mayBe) }, Description: update.description,
		})
		if err != nil {
			return err
		}
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateEdit, s.edit, workflow.UpdateHandlerOptions{
		Validator:   func(workflow.Context, model.Edit) error { return s.check(s.anyTime) },
		Description: "Change what the influencer says about it, and its time",
	})
}

func (s *broadcast) hearSignals(ctx workflow.Context) {
	streams := workflow.GetSignalChannelWithOptions(ctx, SignalStream, workflow.SignalChannelOptions{
		Description: "What Mux reported about the influencer's stream",
	})
	recordings := workflow.GetSignalChannelWithOptions(ctx, SignalRecording, workflow.SignalChannelOptions{
		Description: "A finished recording at Mux",
	})
	workflow.Go(ctx, func(ctx workflow.Context) {
		selector := workflow.NewSelector(ctx)
		selector.AddReceive(streams, func(c workflow.ReceiveChannel, _ bool) {
			var report StreamReport
			c.Receive(ctx, &report)
			s.hear(report)
		})
		selector.AddReceive(recordings, func(c workflow.ReceiveChannel, _ bool) {
			var recording model.Recording
			c.Receive(ctx, &recording)
			s.recordings = append(s.recordings, recording)
			s.cleaned = false
		})
		for {
			selector.Select(ctx)
		}
	})
}

// check is a validator: a refusal leaves no trace in the history. Before the
// row is known nothing can be refused; the handler asks again then.
func (s *broadcast) check(mayBe func() error) error {
	if !s.loaded {
		return nil
	}
	return refused(mayBe())
}

// mayLookAgain refuses to try again what does not pause.
func (s *broadcast) mayLookAgain() error {
	if s.is(model.StatusClosed) && !s.deleted() {
		return nil
	}
	return s.mayRetry()
}

func (s *broadcast) anyTime() error {
	if s.deleted() {
		return model.ErrNoBroadcast
	}
	return nil
}

func (s *broadcast) mayStart() error {
	if err := s.anyTime(); err != nil {
		return err
	}
	if !s.is(model.StatusReady) {
		return model.ErrNotReady
	}
	return nil
}

func (s *broadcast) mayEnd() error {
	if err := s.anyTime(); err != nil {
		return err
	}
	if !s.is(model.StatusLive) {
		return model.ErrNotLive
	}
	return nil
}

func (s *broadcast) mayAnnounce() error {
	if err := s.anyTime(); err != nil {
		return err
	}
	if !s.is(model.StatusReady) && !s.is(model.StatusLive) {
		return model.ErrNotAnnounceable
	}
	return nil
}

func (s *broadcast) reserved(ctx workflow.Context) (model.Broadcast, error) {
	return s.answer(ctx, s.anyTime, func() error { return nil })
}

func (s *broadcast) startNow(ctx workflow.Context) (model.Broadcast, error) {
	return s.answer(ctx, s.mayStart, func() error {
		return s.attempt(ctx, "Go live by hand", s.steps.Start, s.command())
	})
}

func (s *broadcast) edit(ctx workflow.Context, edit model.Edit) (model.Broadcast, error) {
	return s.answer(ctx, s.anyTime, func() error {
		before := s.state.Broadcast
		if err := s.attempt(ctx, "Edit it", s.steps.Edit, activities.BroadcastEdit{VODID: s.in.VODID, Edit: edit}); err != nil {
			return err
		}
		if after := s.state.Broadcast; after.LiveAt != nil && !slices.Equal(before.ProductList, after.ProductList) {
			s.linkProducts(ctx, before.ProductList)
		}
		return nil
	})
}

func (s *broadcast) endNow(ctx workflow.Context) (model.Broadcast, error) {
	return s.answer(ctx, s.mayEnd, func() error { return s.end(ctx, "End it by hand") })
}

func (s *broadcast) delete(ctx workflow.Context) (model.Broadcast, error) {
	return s.answer(ctx, s.anyTime, func() error {
		if err := s.attempt(ctx, "Hide it everywhere", s.steps.Delete, s.command()); err != nil {
			return err
		}
		// What the story waits for, as Mux's answer, is not waited for.
		if s.state.Broadcast.LiveAt != nil && workflow.GetVersion(ctx, "products let go at once", workflow.DefaultVersion, 1) == 1 {
			s.letGo = true
			s.linkProducts(ctx, nil)
		}
		return nil
	})
}

func (s *broadcast) announceNow(ctx workflow.Context) (model.Broadcast, error) {
	return s.answer(ctx, s.mayAnnounce, func() error {
		s.announce(ctx)
		return nil
	})
}

// answer is an update: once the row is known it is asked again whether the
// update may be, done, and answered with the broadcast as it is then.
func (s *broadcast) answer(ctx workflow.Context, mayBe, do func() error) (model.Broadcast, error) {
	if err := workflow.Await(ctx, func() bool { return s.loaded }); err != nil {
		return model.Broadcast{}, err
	}
	if err := mayBe(); err != nil {
		return model.Broadcast{}, refused(err)
	}
	if err := do(); err != nil {
		return model.Broadcast{}, refused(err)
	}
	return s.state.Broadcast, nil
}
