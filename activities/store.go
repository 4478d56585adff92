package activities

import (
	"context"
	"errors"
	"time"

	"github.com/byeolshow/byeolshow/model"
)

// Reserve writes the reservation's row, once, and answers with it.
func (a *Activities) Reserve(ctx context.Context, reservation model.Broadcast) (model.Broadcast, error) {
	if err := a.store.InsertBroadcast(ctx, reservation); err != nil {
		return model.Broadcast{}, err
	}
	return outcome(a.store.Broadcast(ctx, reservation.VODID))
}

// Load reads the broadcast's row.
func (a *Activities) Load(ctx context.Context, ref BroadcastRef) (model.Broadcast, error) {
	return outcome(a.load(ctx, ref))
}

// Start puts a ready broadcast on air, by hand. One that is on air already, as
// after a first run whose answer was lost, is answered as it is.
func (a *Activities) Start(ctx context.Context, ref BroadcastRef) (model.Broadcast, error) {
	b, err := a.store.StartBroadcast(ctx, ref.VODID, now())
	return outcome(a.already(ctx, ref, b, err, model.StatusLive))
}

// End takes a live broadcast off air. One that is off air already is answered
// as it is.
func (a *Activities) End(ctx context.Context, ref BroadcastRef) (model.Broadcast, error) {
	b, err := a.store.EndBroadcast(ctx, ref.VODID, now())
	b, err = a.already(ctx, ref, b, err, model.StatusClosed, model.StatusCompleted)
	if err == nil && b.Status == model.StatusCompleted { // its recording was there first
		err = a.store.ForgetAlarms(ctx, ref.VODID)
	}
	return outcome(b, err)
}

// Miss marks a ready broadcast missed.
func (a *Activities) Miss(ctx context.Context, ref BroadcastRef) (model.Broadcast, error) {
	b, err := a.store.MissBroadcast(ctx, ref.VODID, now())
	return outcome(a.already(ctx, ref, b, err, model.StatusMissed))
}

// Edit applies an edit to the row. Applying it again changes nothing more.
func (a *Activities) Edit(ctx context.Context, in BroadcastEdit) (model.Broadcast, error) {
	at := now()
	return outcome(a.store.EditBroadcast(ctx, in.VODID, at, func(b *model.Broadcast) error {
		return in.Edit.Apply(b, at)
	}))
}

// Delete hides the broadcast from every list and drops its alarms.
func (a *Activities) Delete(ctx context.Context, ref BroadcastRef) (model.Broadcast, error) {
	return outcome(a.store.DeleteBroadcast(ctx, ref.VODID, now()))
}

// AttachRecording notes the recording; a closed broadcast is completed by it,
// and the alarms set on it are over.
func (a *Activities) AttachRecording(ctx context.Context, in BroadcastRecording) (model.Broadcast, error) {
	return outcome(a.attach(ctx, in.VODID, in.Recording))
}

func (a *Activities) attach(ctx context.Context, vodID int64, recording model.Recording) (model.Broadcast, error) {
	b, err := a.store.AttachRecording(ctx, vodID, recording, now())
	b, err = a.already(ctx, BroadcastRef{vodID}, b, err, model.StatusCompleted)
	if err != nil || b.Status != model.StatusCompleted {
		return b, err
	}
	return b, a.store.ForgetAlarms(ctx, vodID)
}

// keptFor is how long what is over is still remembered: longer than any vendor
// repeats a webhook.
const keptFor = 72 * time.Hour

// Purge forgets sessions, webhook events and push deliveries that are long over,
// and tells how many.
func (a *Activities) Purge(ctx context.Context) (int64, error) {
	return a.store.Purge(ctx, now().Add(-keptFor))
}

// already answers with the row as it is when a step was refused because an
// earlier run of it, or another way to the same end, had done it.
func (a *Activities) already(ctx context.Context, ref BroadcastRef, b model.Broadcast, err error, ends ...model.BroadcastStatus) (model.Broadcast, error) {
	if !errors.Is(err, model.ErrNotReady) && !errors.Is(err, model.ErrNotLive) {
		return b, err
	}
	current, loadErr := a.load(ctx, ref)
	if loadErr != nil {
		return model.Broadcast{}, loadErr
	}
	for _, end := range ends {
		if current.Status == end && current.DeletedAt == nil {
			return current, nil
		}
	}
	return b, err
}
