package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/clients/mux"
	"github.com/byeolshow/byeolshow/model"
)

// StartOnTime waits for the broadcast's second and then puts it on air, if its
// stream is active. It answers with the row as it is afterwards: still ready
// when nothing streams or another broadcast is in the way.
func (a *Activities) StartOnTime(ctx context.Context, in OnTime) (model.Broadcast, error) {
	ref := BroadcastRef{in.VODID}
	b, err := a.load(ctx, ref)
	if err != nil || b.Status != model.StatusReady || b.StartedAt == nil {
		return outcome(b, err)
	}
	if err := waitUntil(ctx, *b.StartedAt); err != nil {
		return model.Broadcast{}, err
	}
	stream, err := a.roll.stream(ctx, b.MuxLivestreamID)
	switch {
	case mux.IsRetryable(err) && in.Active:
		activity.GetLogger(ctx).Warn("Mux is silent, trusting its last report", "vod_id", in.VODID, "error", err)
	case err != nil:
		return model.Broadcast{}, fmt.Errorf("ask Mux which streams are active: %w", err)
	case !stream.Active():
		return outcome(a.load(ctx, ref))
	}
	return outcome(a.startDue(ctx, ref, stream))
}

// StartStreaming puts a due broadcast on air after a report that its stream is
// active, unless Mux says otherwise. It answers with the row as it is
// afterwards.
func (a *Activities) StartStreaming(ctx context.Context, ref BroadcastRef) (model.Broadcast, error) {
	b, err := a.load(ctx, ref)
	if err != nil {
		return outcome(b, err)
	}
	stream, err := a.mux.LiveStream(ctx, b.MuxLivestreamID)
	switch {
	case mux.IsRetryable(err):
		activity.GetLogger(ctx).Warn("Mux is silent, trusting its report", "vod_id", ref.VODID, "error", err)
	case errors.Is(err, mux.ErrNotFound), err == nil && !stream.Active():
		return b, nil
	case err != nil:
		return model.Broadcast{}, fmt.Errorf("ask Mux about the stream: %w", err)
	}
	return outcome(a.startDue(ctx, ref, stream))
}

func (a *Activities) startDue(ctx context.Context, ref BroadcastRef, stream mux.LiveStream) (model.Broadcast, error) {
	b, err := a.store.StartDueBroadcast(ctx, ref.VODID, now())
	if errors.Is(err, model.ErrNotReady) || errors.Is(err, model.ErrEarlierLive) {
		return a.load(ctx, ref)
	}
	if err != nil {
		return b, err
	}
	activity.GetMetricsHandler(ctx).Timer(MetricLate).Record(b.LiveAt.Sub(*b.StartedAt))
	if !stream.Active() {
		return b, nil
	}
	return a.store.MarkStreamSeen(ctx, ref.VODID, stream.ActiveAssetID, now())
}

// StreamRef names a stream at Mux.
type StreamRef struct{ StreamID string }

// DeleteStream removes a stream at Mux. One that is gone already is no error.
func (a *Activities) DeleteStream(ctx context.Context, in StreamRef) error {
	return a.mux.DeleteLiveStream(ctx, in.StreamID)
}

// MetricLate is how long after its time a broadcast went live by itself.
const MetricLate = "broadcast_late"

// errWorkerStops hands a wait over to another worker, as soon as this one has
// stopped asking for more.
var errWorkerStops = temporal.NewApplicationErrorWithOptions("the worker stops", "WorkerStops",
	temporal.ApplicationErrorOptions{NextRetryDelay: 100 * time.Millisecond})

// waitUntil returns in the second asked for, telling Temporal meanwhile that
// the worker is alive.
func waitUntil(ctx context.Context, at time.Time) error {
	alarm := time.NewTimer(time.Until(at))
	defer alarm.Stop()
	alive := time.NewTicker(3 * time.Second)
	defer alive.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-activity.GetWorkerStopChannel(ctx):
			return errWorkerStops
		case <-alive.C:
			activity.RecordHeartbeat(ctx)
		case <-alarm.C:
			return nil
		}
	}
}

// SeeStream notes that the stream of a live broadcast is active, and which
// asset records it if Mux tells.
func (a *Activities) SeeStream(ctx context.Context, ref BroadcastRef) (model.Broadcast, error) {
	b, err := a.load(ctx, ref)
	if err != nil {
		return outcome(b, err)
	}
	stream, err := a.mux.LiveStream(ctx, b.MuxLivestreamID)
	if err != nil {
		activity.GetLogger(ctx).Warn("Mux did not tell which asset records the stream", "vod_id", ref.VODID, "error", err)
	}
	return outcome(a.store.MarkStreamSeen(ctx, ref.VODID, stream.ActiveAssetID, now()))
}

// EndIfIdle takes a live broadcast off air if Mux, asked, says its stream is
// not active. It answers with the row as it is afterwards.
func (a *Activities) EndIfIdle(ctx context.Context, ref BroadcastRef) (model.Broadcast, error) {
	b, err := a.load(ctx, ref)
	if err != nil {
		return outcome(b, err)
	}
	stream, err := a.mux.LiveStream(ctx, b.MuxLivestreamID)
	if err != nil && !errors.Is(err, mux.ErrNotFound) {
		return model.Broadcast{}, fmt.Errorf("ask Mux about the stream: %w", err)
	}
	if stream.Active() {
		return b, nil
	}
	return a.End(ctx, ref)
}

// CompleteStream tells Mux that nothing more will be streamed, unless the
// influencer is on air again with another broadcast.
func (a *Activities) CompleteStream(ctx context.Context, ref BroadcastRef) error {
	b, err := a.load(ctx, ref)
	if err != nil {
		return err
	}
	return a.completeStream(ctx, b)
}

func (a *Activities) completeStream(ctx context.Context, b model.Broadcast) error {
	onAir, err := a.store.LiveVODOf(ctx, b.InfluencerID)
	if err != nil || onAir != 0 && onAir != b.VODID {
		return err
	}
	if err := a.mux.Complete(ctx, b.MuxLivestreamID); err != nil && !errors.Is(err, mux.ErrNotFound) {
		return fmt.Errorf("tell Mux that the stream is complete: %w", err)
	}
	return nil
}

// CompleteWithWhatThereIs completes a closed broadcast: with its recording when
// Mux has it, without when Mux has none. While Mux is still making it the row
// is answered as it is.
func (a *Activities) CompleteWithWhatThereIs(ctx context.Context, ref BroadcastRef) (model.Broadcast, error) {
	b, err := a.load(ctx, ref)
	if err != nil {
		return outcome(b, err)
	}
	recordings, err := a.recordings(ctx, b)
	if err != nil {
		return model.Broadcast{}, err
	}
	for _, recording := range recordings {
		if !recording.EndedAt.IsZero() && recording.PlaybackID != "" {
			return outcome(a.attach(ctx, ref.VODID, recording))
		}
	}
	if len(recordings) > 0 { // the encoder streams on as if the show were not over
		return b, a.completeStream(ctx, b)
	}
	b, err = a.store.CompleteBroadcast(ctx, ref.VODID, now())
	if b, err = a.already(ctx, ref, b, err, model.StatusCompleted); err != nil {
		return outcome(b, err)
	}
	return b, a.store.ForgetAlarms(ctx, ref.VODID)
}

// recordings are the broadcast's recordings at Mux, newest first.
func (a *Activities) recordings(ctx context.Context, b model.Broadcast) ([]model.Recording, error) {
	assets, err := a.mux.AssetsOfStream(ctx, b.MuxLivestreamID)
	if err != nil {
		return nil, fmt.Errorf("ask Mux for the recordings of the stream: %w", err)
	}
	var owned []model.Recording
	for _, asset := range assets {
		if r := recording(asset); asset.Status != mux.AssetErrored && b.Owns(r) {
			owned = append(owned, r)
		}
	}
	return owned, nil
}

func recording(asset mux.Asset) model.Recording {
	r := model.Recording{
		AssetID: asset.ID, PlaybackID: asset.PlaybackID, StreamID: asset.LiveStreamID, BeganAt: asset.CreatedAt,
	}
	if !asset.IsLive && asset.Status == mux.AssetReady {
		r.EndedAt = asset.CreatedAt.Add(asset.Duration)
	}
	return r
}

// EraseRecording removes a deleted broadcast's recordings from Mux. It fails,
// to be repeated, until Mux has confirmed that nothing is left or coming.
func (a *Activities) EraseRecording(ctx context.Context, ref BroadcastRef) error {
	b, err := a.load(ctx, ref)
	if err != nil {
		return err
	}
	if b.FinishedAt == nil {
		if err := a.completeStream(ctx, b); err != nil {
			return err
		}
	}
	recordings, err := a.recordings(ctx, b)
	if err != nil {
		return err
	}
	others, err := a.store.OfStream(ctx, b.MuxLivestreamID, now())
	if err != nil {
		return err
	}
	for _, r := range recordings {
		recorded, err := a.store.OfAsset(ctx, r.AssetID) // finished ones, too
		if err != nil {
			return err
		}
		if shared(r, slices.Concat(others, recorded)) {
			continue
		}
		if err := a.mux.DeleteAsset(ctx, r.AssetID); err != nil {
			return fmt.Errorf("remove recording %s from Mux: %w", r.AssetID, err)
		}
	}
	return nil
}

// shared tells whether a broadcast that is not deleted needs the recording.
func shared(r model.Recording, others []model.Broadcast) bool {
	for _, other := range others {
		if other.DeletedAt == nil && other.Owns(r) {
			return true
		}
	}
	return false
}

// Finding is something the stream watch saw that a broadcast may not know.
type Finding struct {
	VODID     int64
	Active    bool
	AssetID   string           `json:",omitempty"`
	Recording *model.Recording `json:",omitempty"`
	At        time.Time
}

// Watch is how the stream watch goes about it.
type Watch struct {
	Every     time.Duration // between two rounds
	Rounds    int           // before it returns with nothing found
	Recording time.Duration // between two looks for a closed broadcast's recording
}

// WatchStreams looks, in rounds, whether Mux knows of a stream or a recording
// what a broadcast would have been told by a webhook, and returns with the
// first round that found something.
func (a *Activities) WatchStreams(ctx context.Context, watch Watch) ([]Finding, error) {
	for round := range watch.Rounds {
		next := now().Add(watch.Every)
		recordings := round%max(1, int(watch.Recording/watch.Every)) == 0
		findings, err := a.lookAround(ctx, recordings)
		if err != nil || len(findings) > 0 {
			return findings, err
		}
		switch err := waitUntil(ctx, next); {
		case errors.Is(err, errWorkerStops):
			return nil, nil
		case err != nil:
			return nil, err
		}
	}
	return nil, nil
}

func (a *Activities) lookAround(ctx context.Context, recordings bool) ([]Finding, error) {
	watched, err := a.store.ToWatch(ctx, now())
	if err != nil || len(watched) == 0 {
		return nil, err
	}
	at := now()
	active, err := a.mux.ActiveLiveStreams(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask Mux which streams are active: %w", err)
	}
	var findings []Finding
	for _, b := range watched {
		activity.RecordHeartbeat(ctx)
		stream, isActive := active[b.MuxLivestreamID]
		switch {
		case b.Status == model.StatusClosed && recordings:
			made, err := a.recordings(ctx, b)
			if err != nil {
				slog.WarnContext(ctx, "stream watch could not look for a recording", "vod_id", b.VODID, "error", err)
			}
			for _, r := range made {
				if !r.EndedAt.IsZero() && r.PlaybackID != "" {
					findings = append(findings, Finding{VODID: b.VODID, Recording: &r, At: at})
				}
			}
		case isActive && (b.Status == model.StatusReady || b.Status == model.StatusLive && b.StreamSeenAt == nil):
			findings = append(findings, Finding{VODID: b.VODID, Active: true, AssetID: stream.ActiveAssetID, At: at})
		case !isActive && b.Status == model.StatusLive && b.StreamSeenAt != nil:
			findings = append(findings, Finding{VODID: b.VODID, At: at})
		}
	}
	return findings, nil
}

// rollCall asks Mux once for all who want to know at the same moment which
// streams are active. No answer, and no failure, is older than a second.
type rollCall struct {
	mux *mux.Client

	mu     sync.Mutex
	called time.Time
	active map[string]mux.LiveStream
	err    error
}

func (r *rollCall) stream(ctx context.Context, id string) (mux.LiveStream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.called) > time.Second {
		r.called = time.Now()
		r.active, r.err = r.mux.ActiveLiveStreams(context.WithoutCancel(ctx))
		if r.err != nil {
			r.called = time.Now()
		}
	}
	return r.active[id], r.err
}
