package store

import (
	"context"
	"time"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store/db"
)

// HasAlarm tells whether the customer has an alarm on the broadcast.
func (s *Store) HasAlarm(ctx context.Context, vodID int64, customerID string) (bool, error) {
	has, err := s.queries.HasAlarm(ctx, db.HasAlarmParams{VODID: vodID, UserID: customerID})
	return has, wrap("read alarm", err)
}

// SetAlarm gives the customer an alarm on the broadcast, or takes it, and keeps
// the broadcast's count of alarms true. Setting what is set changes nothing, nor does
// setting one on a broadcast that is completed or deleted.
func (s *Store) SetAlarm(ctx context.Context, vodID int64, customerID string, on bool) error {
	return s.inTx(ctx, func(q *db.Queries) error {
		key := db.AddAlarmParams{VODID: vodID, UserID: customerID}
		change, err := switched(ctx, on, key, q.AddAlarm, func(ctx context.Context, key db.AddAlarmParams) (int64, error) {
			return q.RemoveAlarm(ctx, db.RemoveAlarmParams{VODID: key.VODID, UserID: key.UserID})
		})
		if err != nil || change == 0 {
			return wrap("set alarm", err)
		}
		return wrap("count alarms", q.CountAlarm(ctx, db.CountAlarmParams{VODID: vodID, Change: change}))
	})
}

// Alarmed are the ready broadcasts scheduled at since or later that the
// customer has an alarm on, next first.
func (s *Store) Alarmed(ctx context.Context, customerID string, since time.Time) ([]model.Broadcast, error) {
	return broadcasts(s.queries.AlarmedBroadcasts(ctx, db.AlarmedBroadcastsParams{UserID: customerID, Since: since}))
}

// DropOwnDevice forgets a device of the customer's; another's stays.
func (s *Store) DropOwnDevice(ctx context.Context, token, customerID string) error {
	return wrap("drop device", s.queries.DropOwnDevice(ctx, db.DropOwnDeviceParams{FirebaseToken: token, UserID: customerID}))
}
