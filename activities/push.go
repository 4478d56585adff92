package activities

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/clients/push"
)

// sendersAtOnce bounds how many pushes are on their way at the same time.
const sendersAtOnce = 16

// SendPush tells everyone who waits for the broadcast that it starts. A device
// is claimed before it is written to, so that no run and no repetition reaches
// it twice; what certainly did not go out is tried again by the next run.
func (a *Activities) SendPush(ctx context.Context, ref BroadcastRef) error {
	b, err := a.load(ctx, ref)
	if err != nil || b.DeletedAt != nil || b.FinishedAt != nil { // meanwhile
		return err
	}
	devices, err := a.store.PushDevices(ctx, b.VODID, b.InfluencerID)
	if err != nil {
		return err
	}
	message := push.Message{
		Title: b.InfluencerName + "님의 방송이 지금 시작됩니다",
		Body:  b.Title,
		Data:  map[string]string{"Live": strconv.FormatInt(b.VODID, 10)},
	}
	if b.ProductThumbnail != nil {
		message.Image = *b.ProductThumbnail
	}
	var unsent atomic.Int64
	var reason atomic.Pointer[error] // of one of them
	var senders errgroup.Group       // one in trouble does not interrupt the others
	senders.SetLimit(sendersAtOnce)
	for i, device := range devices {
		activity.RecordHeartbeat(ctx, i)
		senders.Go(func() error {
			message := message
			message.Token = device
			refused, err := a.deliver(ctx, ref.VODID, message)
			if refused != nil {
				unsent.Add(1)
				reason.Store(&refused)
			}
			return err
		})
	}
	if err := senders.Wait(); err != nil {
		return err
	}
	if n := unsent.Load(); n > 0 {
		return fmt.Errorf("%d of %d devices could not be reached for now: %w", n, len(devices), *reason.Load())
	}
	_, err = a.store.MarkPushed(ctx, ref.VODID, now())
	return err
}

// deliver sends the push to one device, unless it was sent before. Refused is
// why it certainly was not and should be tried again.
func (a *Activities) deliver(ctx context.Context, vodID int64, message push.Message) (refused, err error) {
	mine, err := a.store.ClaimDelivery(ctx, vodID, message.Token)
	if err != nil || !mine {
		return nil, err
	}
	err = a.push.Send(ctx, message)
	switch {
	case err == nil:
		return nil, nil
	case errors.Is(err, push.ErrUnregistered):
		return nil, a.store.DropDevice(ctx, message.Token)
	case push.IsUnsent(err):
		return err, a.store.ReleaseDelivery(ctx, vodID, message.Token)
	default:
		activity.GetLogger(ctx).Warn("a push has not, or may not have, arrived", "vod_id", vodID, "error", err)
		return nil, nil
	}
}
