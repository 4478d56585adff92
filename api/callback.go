package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/byeolshow/byeolshow/clients/mux"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

// nearlyDue is how long before its time a reserved broadcast is told about its
// influencer's stream.
const nearlyDue = 15 * time.Minute

const sourceMux = "mux"

// muxCallback hands what Mux reports to the broadcasts it concerns. An event
// is remembered only after they were told, so that nothing is lost in between;
// being told twice changes nothing.
func (a *api) muxCallback(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if errTooLarge(err) {
		return refuse(http.StatusRequestEntityTooLarge, "요청이 너무 큽니다")
	}
	if err != nil {
		return bad("body could not be read")
	}
	event, err := mux.ParseEvent(r.Header.Get("Mux-Signature"), body, a.MuxWebhookSecret, a.Now())
	switch {
	case errors.Is(err, mux.ErrSignature):
		return refuse(http.StatusUnauthorized, "서명이 올바르지 않습니다")
	case err != nil:
		return errBadRequest
	}
	seen, err := a.Store.WebhookEventSeen(r.Context(), sourceMux, event.ID)
	if err != nil {
		return err
	}
	answer := "OK"
	if !seen {
		if answer, err = a.tell(r.Context(), event); err != nil {
			return errors.Join(errTryLater, err)
		}
		if err := a.Store.RecordWebhookEvent(r.Context(), sourceMux, event.ID); err != nil {
			return err
		}
	}
	return bare(w, http.StatusOK, answer)
}

// tell tells the broadcasts, and what Mux is answered: "completed" when it is a
// recording that a broadcast waits for.
func (a *api) tell(ctx context.Context, event mux.Event) (answer string, err error) {
	switch event.Type {
	case mux.EventStreamActive, mux.EventStreamIdle:
		err = a.tellOfStream(ctx, event)
	case mux.EventRecordingComplete:
		wanted, err := a.tellOfRecording(ctx, event)
		if wanted {
			return "completed", err
		}
		return "OK", err
	}
	return "OK", err
}

func (a *api) tellOfStream(ctx context.Context, event mux.Event) error {
	concerned, err := a.Store.OfStream(ctx, event.StreamID, a.Now().Add(nearlyDue))
	if err != nil {
		return err
	}
	report := workflows.StreamReport{Active: event.Type == mux.EventStreamActive, AssetID: event.AssetID, At: event.CreatedAt}
	for _, b := range concerned {
		if b.DeletedAt != nil || b.Status == model.StatusClosed {
			continue
		}
		if err := a.signal(ctx, b, workflows.SignalStream, report); err != nil {
			return err
		}
	}
	return nil
}

func (a *api) tellOfRecording(ctx context.Context, event mux.Event) (wanted bool, err error) {
	asset := event.Asset
	recording := model.Recording{
		AssetID: asset.ID, PlaybackID: asset.PlaybackID, StreamID: asset.LiveStreamID,
		BeganAt: asset.CreatedAt, EndedAt: asset.CreatedAt.Add(asset.Duration),
	}
	if recording.AssetID == "" {
		return false, nil
	}
	concerned, err := a.Store.OfAsset(ctx, recording.AssetID)
	if err != nil {
		return false, err
	}
	if len(concerned) == 0 {
		if concerned, err = a.Store.OfStream(ctx, recording.StreamID, a.Now()); err != nil {
			return false, err
		}
	}
	for _, b := range concerned {
		waiting := b.DeletedAt != nil || b.Status == model.StatusLive || b.Status == model.StatusClosed
		if !waiting || !b.Owns(recording) {
			continue
		}
		if err := a.signal(ctx, b, workflows.SignalRecording, recording); err != nil {
			return false, err
		}
		wanted = true
	}
	return wanted, nil
}

// signal tells a broadcast's workflow something, and takes the workflow up
// anew when it has ended.
func (a *api) signal(ctx context.Context, b model.Broadcast, name string, what any) error {
	_, err := a.Temporal.SignalWithStartWorkflow(ctx, workflows.BroadcastID(b.VODID), name, what, client.StartWorkflowOptions{
		TaskQueue:             workflows.QueueBroadcasts,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowTaskTimeout:   workflows.TaskTimeout,
		StaticSummary:         summaryOf(b),
	}, workflows.TypeBroadcast, workflows.BroadcastInput{VODID: b.VODID})
	return err
}
