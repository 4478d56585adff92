package workflows

import (
	"errors"
	"strconv"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/model"
)

// BroadcastID is the workflow id of a broadcast: broadcast/<vod_id>.
func BroadcastID(vodID int64) string { return "broadcast/" + strconv.FormatInt(vodID, 10) }

// TypeBroadcast is the name of the Broadcast workflow.
const TypeBroadcast = "Broadcast"

// StreamWatchID is the workflow id of the one stream watch.
const StreamWatchID = "streams/watch"

// Task queues. Starts have a queue of their own, so that a full hour's worth of
// waiting shows takes no worker slot from anything else.
const (
	QueueBroadcasts = "broadcasts"
	QueueStarts     = "broadcast-starts"
	QueuePeople     = "people"
)

// TaskTimeout is after how long what a dead worker had in its hands is given to
// another: it bounds what a caller of the API feels of the death.
const TaskTimeout = 5 * time.Second

// Updates of a Broadcast workflow. Each answers with the broadcast as it is
// afterwards (model.Broadcast), or with a refusal that RefusalOf reads.
const (
	// UpdateReserve has no argument: it waits until the reservation of the
	// workflow's input is written.
	UpdateReserve = "reserve"
	// UpdateStart has no argument: goes live now, whatever the time.
	UpdateStart = "start"
	// UpdateEdit takes a model.Edit.
	UpdateEdit = "edit"
	// UpdateEnd has no argument: takes the broadcast off air.
	UpdateEnd = "end"
	// UpdateDelete has no argument: hides the broadcast, then cleans up.
	UpdateDelete = "delete"
	// UpdateAnnounce has no argument: sends the push unless it was sent.
	UpdateAnnounce = "announce"
)

// Signals of a Broadcast workflow: what Mux reported, by webhook or when the
// stream watch asked.
const (
	// SignalStream takes a StreamReport.
	SignalStream = "stream"
	// SignalRecording takes a model.Recording that is complete.
	SignalRecording = "recording"
)

// QueryState answers with the BroadcastState.
const QueryState = "state"

// BroadcastInput starts a Broadcast workflow. With a Reservation it reserves
// it; without, it takes up the broadcast as its row says: after an edit or a
// deletion of a finished one, or when its workflow was lost.
type BroadcastInput struct {
	VODID       int64
	Reservation *model.Broadcast `json:",omitempty"`
}

// StreamReport is what Mux said about a live stream at a time.
type StreamReport struct {
	Active  bool
	AssetID string `json:",omitempty"` // the asset being recorded, when known
	At      time.Time
}

// RefusalOf is the business refusal that ended an update or an activity, or
// nil when err is something else.
func RefusalOf(err error) *model.Error {
	var app *temporal.ApplicationError
	refusal := new(model.Error)
	if !errors.As(err, &app) || !app.HasDetails() || app.Details(refusal) != nil || refusal.Code == "" {
		return nil
	}
	return refusal
}
