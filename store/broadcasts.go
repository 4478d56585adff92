package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store/db"
)

// NextVODID takes a number from the broadcasts' sequence. A number that is
// never used leaves a gap, which is harmless.
func (s *Store) NextVODID(ctx context.Context) (int64, error) {
	id, err := s.queries.NextVODID(ctx)
	return id, wrap("take vod id", err)
}

// InsertBroadcast writes a new ready broadcast. Inserting the same VODID again
// changes nothing and is no error.
func (s *Store) InsertBroadcast(ctx context.Context, b model.Broadcast) error {
	return wrap("insert broadcast", s.queries.InsertBroadcast(ctx, db.InsertBroadcastParams{
		VODID:                   b.VODID,
		MuxLivestreamPlaybackID: b.MuxLivestreamPlaybackID,
		MuxLivestreamID:         b.MuxLivestreamID,
		Title:                   b.Title,
		Notice:                  b.Notice,
		Description:             b.Description,
		InfluencerName:          b.InfluencerName,
		InfluencerID:            b.InfluencerID,
		InfluencerThunmbnail:    b.InfluencerThumbnail,
		ProductID:               b.ProductID,
		ProductName:             b.ProductName,
		ProductPrice:            int32(b.ProductPrice), //nolint:gosec // Details.Validate bounds it
		ProductSale:             int32(b.ProductSale),  //nolint:gosec // Details.Validate bounds it
		ProductBrand:            b.ProductBrand,
		ProductThumbnail:        b.ProductThumbnail,
		ProductList:             joinProducts(b.ProductList),
		StartedAt:               b.StartedAt,
		ArmedAt:                 b.ArmedAt,
	}))
}

// Broadcast is the broadcast of that id, deleted ones included. The error is
// model.ErrNoBroadcast when there is none.
func (s *Store) Broadcast(ctx context.Context, vodID int64) (model.Broadcast, error) {
	row, err := s.queries.GetBroadcast(ctx, vodID)
	if missing(err) {
		return model.Broadcast{}, model.ErrNoBroadcast
	}
	return broadcast(row), wrap("read broadcast", err)
}

// EditBroadcast lets edit change the details, status and arming of a broadcast
// that is not deleted, in one transaction. The error is model.ErrNoBroadcast,
// or the one edit returned.
func (s *Store) EditBroadcast(ctx context.Context, vodID int64, now time.Time, edit func(*model.Broadcast) error) (model.Broadcast, error) {
	var edited model.Broadcast
	err := s.inTx(ctx, func(q *db.Queries) error {
		row, err := q.LockBroadcast(ctx, vodID)
		if missing(err) {
			return model.ErrNoBroadcast
		}
		if err != nil {
			return fmt.Errorf("lock broadcast: %w", err)
		}
		b := broadcast(row)
		if err := edit(&b); err != nil {
			return err
		}
		row, err = q.EditBroadcast(ctx, db.EditBroadcastParams{
			VODID:            vodID,
			Title:            b.Title,
			Notice:           b.Notice,
			Description:      b.Description,
			ProductID:        b.ProductID,
			ProductName:      b.ProductName,
			ProductPrice:     int32(b.ProductPrice), //nolint:gosec // Details.Validate bounds it
			ProductSale:      int32(b.ProductSale),  //nolint:gosec // Details.Validate bounds it
			ProductBrand:     b.ProductBrand,
			ProductThumbnail: b.ProductThumbnail,
			ProductList:      joinProducts(b.ProductList),
			StartedAt:        b.StartedAt,
			Status:           string(b.Status),
			ArmedAt:          b.ArmedAt,
			UpdatedAt:        now,
		})
		edited = broadcast(row)
		return wrap("edit broadcast", err)
	})
	return edited, err
}

// StartBroadcast puts a ready broadcast on air, whatever its time. Errors:
// model.ErrNotReady, model.ErrEarlierLive.
func (s *Store) StartBroadcast(ctx context.Context, vodID int64, now time.Time) (model.Broadcast, error) {
	row, err := s.queries.StartBroadcast(ctx, db.StartBroadcastParams{VODID: vodID, LiveAt: now})
	return started(row, err)
}

// StartDueBroadcast puts a ready broadcast on air if its time has come and no
// earlier one of the same influencer is waiting to. Errors: model.ErrNotReady
// (not ready, not due, or not its turn), model.ErrEarlierLive.
func (s *Store) StartDueBroadcast(ctx context.Context, vodID int64, now time.Time) (model.Broadcast, error) {
	row, err := s.queries.StartDueBroadcast(ctx, db.StartDueBroadcastParams{VODID: vodID, LiveAt: now})
	return started(row, err)
}

func started(row db.Broadcast, err error) (model.Broadcast, error) {
	var violation *pgconn.PgError
	switch {
	case missing(err):
		return model.Broadcast{}, model.ErrNotReady
	case errors.As(err, &violation) && violation.ConstraintName == "media_stream_one_on_air":
		return model.Broadcast{}, model.ErrEarlierLive
	}
	return broadcast(row), wrap("start broadcast", err)
}

// MarkStreamSeen remembers that Mux reported the stream of a live broadcast
// active, and which asset records it ("" when not known). The first report
// counts. The error is model.ErrNotLive when it is not live.
func (s *Store) MarkStreamSeen(ctx context.Context, vodID int64, assetID string, seenAt time.Time) (model.Broadcast, error) {
	var asset *string
	if assetID != "" {
		asset = &assetID
	}
	row, err := s.queries.MarkStreamSeen(ctx, db.MarkStreamSeenParams{
		VODID: vodID, SeenAt: seenAt, MuxAssetID: asset,
	})
	return changed(row, err, "mark stream seen", model.ErrNotLive)
}

// EndBroadcast takes a live broadcast off air: closed, or completed when its
// recording is already known. The error is model.ErrNotLive otherwise.
func (s *Store) EndBroadcast(ctx context.Context, vodID int64, now time.Time) (model.Broadcast, error) {
	row, err := s.queries.EndBroadcast(ctx, db.EndBroadcastParams{VODID: vodID, FinishedAt: now})
	return changed(row, err, "end broadcast", model.ErrNotLive)
}

// AttachRecording notes the recording of a live or closed broadcast; a closed
// one is completed by it. The error is model.ErrNotLive for any other.
func (s *Store) AttachRecording(ctx context.Context, vodID int64, r model.Recording, now time.Time) (model.Broadcast, error) {
	row, err := s.queries.AttachRecording(ctx, db.AttachRecordingParams{
		VODID: vodID, MuxAssetID: r.AssetID, MuxAssetPlaybackID: r.PlaybackID, Now: now,
	})
	return changed(row, err, "attach recording", model.ErrNotLive)
}

// CompleteBroadcast completes a closed broadcast that left no recording. The
// error is model.ErrNotLive for any other.
func (s *Store) CompleteBroadcast(ctx context.Context, vodID int64, now time.Time) (model.Broadcast, error) {
	row, err := s.queries.CompleteBroadcast(ctx, db.CompleteBroadcastParams{VODID: vodID, Now: now})
	return changed(row, err, "complete broadcast", model.ErrNotLive)
}

// MissBroadcast marks a ready broadcast missed. The error is model.ErrNotReady
// for any other.
func (s *Store) MissBroadcast(ctx context.Context, vodID int64, now time.Time) (model.Broadcast, error) {
	row, err := s.queries.MissBroadcast(ctx, db.MissBroadcastParams{VODID: vodID, Now: now})
	return changed(row, err, "miss broadcast", model.ErrNotReady)
}

// DeleteBroadcast hides a broadcast from every list and forgets who set an
// alarm on it. The row stays as a tombstone, so that a recording Mux makes of
// it later is recognised and removed. Deleting twice is no error.
func (s *Store) DeleteBroadcast(ctx context.Context, vodID int64, now time.Time) (model.Broadcast, error) {
	var deleted model.Broadcast
	err := s.inTx(ctx, func(q *db.Queries) error {
		row, err := q.DeleteBroadcast(ctx, db.DeleteBroadcastParams{VODID: vodID, Now: now})
		if deleted, err = changed(row, err, "delete broadcast", model.ErrNoBroadcast); err != nil {
			return err
		}
		return wrap("delete alarms", q.DeleteLiveAlarms(ctx, vodID))
	})
	return deleted, err
}

// ForgetAlarms drops the alarms set on a broadcast.
func (s *Store) ForgetAlarms(ctx context.Context, vodID int64) error {
	return wrap("delete alarms", s.queries.DeleteLiveAlarms(ctx, vodID))
}

// MarkPushed notes that the broadcast's push was sent.
func (s *Store) MarkPushed(ctx context.Context, vodID int64, now time.Time) (model.Broadcast, error) {
	row, err := s.queries.MarkPushed(ctx, db.MarkPushedParams{VODID: vodID, Now: now})
	return changed(row, err, "mark pushed", model.ErrNoBroadcast)
}

// LiveNow are the broadcasts on air, by scheduled time.
func (s *Store) LiveNow(ctx context.Context) ([]model.Broadcast, error) {
	return broadcasts(s.queries.BroadcastsOnAir(ctx))
}

// ReadyBetween are at most limit ready broadcasts scheduled in [since, before).
func (s *Store) ReadyBetween(ctx context.Context, since, before time.Time, limit int32) ([]model.Broadcast, error) {
	return broadcasts(s.queries.ReadyBetween(ctx, db.ReadyBetweenParams{Since: since, Before: before, MaxRows: limit}))
}

// ReadySince are the ready broadcasts scheduled at since or later.
func (s *Store) ReadySince(ctx context.Context, since time.Time) ([]model.Broadcast, error) {
	return broadcasts(s.queries.ReadySince(ctx, since))
}

// AllReady are all ready broadcasts, those without a time last.
func (s *Store) AllReady(ctx context.Context) ([]model.Broadcast, error) {
	return broadcasts(s.queries.AllReady(ctx))
}

// ReadyVersion is another whenever what AllReady answers is another. It costs
// much less than asking for them.
func (s *Store) ReadyVersion(ctx context.Context) (string, error) {
	version, err := s.queries.ReadyVersion(ctx)
	return version, wrap("read version of ready broadcasts", err)
}

// Hot are the broadcasts on air, most viewers first.
func (s *Store) Hot(ctx context.Context) ([]model.Broadcast, error) {
	return broadcasts(s.queries.HotBroadcasts(ctx))
}

// LivePerInfluencer is the broadcast on air of each influencer who has one.
func (s *Store) LivePerInfluencer(ctx context.Context) ([]model.Broadcast, error) {
	return broadcasts(s.queries.LatestLivePerInfluencer(ctx))
}

// ShownBy are an influencer's live, closed and completed broadcasts, newest
// first.
func (s *Store) ShownBy(ctx context.Context, influencerID string) ([]model.Broadcast, error) {
	return broadcasts(s.queries.ShownBroadcastsOf(ctx, influencerID))
}

// ReadyBy are an influencer's ready broadcasts, next first.
func (s *Store) ReadyBy(ctx context.Context, influencerID string) ([]model.Broadcast, error) {
	return broadcasts(s.queries.ReadyBroadcastsOf(ctx, influencerID))
}

// LiveVODOf is the id of the broadcast an influencer is live with, 0 if none.
func (s *Store) LiveVODOf(ctx context.Context, influencerID string) (int64, error) {
	id, err := s.queries.LiveBroadcastOf(ctx, influencerID)
	if missing(err) {
		return 0, nil
	}
	return id, wrap("read live broadcast", err)
}

// OfStream are the broadcasts an event of that Mux stream can concern: on air,
// waiting for a recording, reserved for a time before dueBefore, or deleted
// after they were on air.
func (s *Store) OfStream(ctx context.Context, streamID string, dueBefore time.Time) ([]model.Broadcast, error) {
	return broadcasts(s.queries.BroadcastsOfStream(ctx, db.BroadcastsOfStreamParams{
		MuxLivestreamID: streamID, DueBefore: dueBefore,
	}))
}

// OfAsset are the broadcasts recorded as that Mux asset.
func (s *Store) OfAsset(ctx context.Context, assetID string) ([]model.Broadcast, error) {
	return broadcasts(s.queries.BroadcastsOfAsset(ctx, assetID))
}

// ToWatch are the broadcasts whose Mux stream matters now: on air, waiting for
// a recording, or reserved for a time before dueBefore.
func (s *Store) ToWatch(ctx context.Context, dueBefore time.Time) ([]model.Broadcast, error) {
	return broadcasts(s.queries.BroadcastsToWatch(ctx, dueBefore))
}

func changed(row db.Broadcast, err error, what string, otherwise error) (model.Broadcast, error) {
	if missing(err) {
		return model.Broadcast{}, otherwise
	}
	return broadcast(row), wrap(what, err)
}

func broadcasts(rows []db.Broadcast, err error) ([]model.Broadcast, error) {
	if err != nil {
		return nil, fmt.Errorf("list broadcasts: %w", err)
	}
	list := make([]model.Broadcast, len(rows))
	for i, row := range rows {
		list[i] = broadcast(row)
	}
	return list, nil
}

func broadcast(row db.Broadcast) model.Broadcast {
	return model.Broadcast{
		VODID:                   row.VODID,
		InfluencerID:            row.InfluencerID,
		InfluencerName:          row.InfluencerName,
		InfluencerThumbnail:     row.InfluencerThunmbnail,
		MuxLivestreamID:         row.MuxLivestreamID,
		MuxLivestreamPlaybackID: row.MuxLivestreamPlaybackID,
		MuxAssetID:              row.MuxAssetID,
		MuxAssetPlaybackID:      row.MuxAssetPlaybackID,
		Details: model.Details{
			Title:            row.Title,
			Notice:           row.Notice,
			Description:      row.Description,
			ProductID:        row.ProductID,
			ProductName:      row.ProductName,
			ProductPrice:     model.KRW(row.ProductPrice),
			ProductSale:      model.KRW(row.ProductSale),
			ProductBrand:     row.ProductBrand,
			ProductThumbnail: row.ProductThumbnail,
			ProductList:      splitProducts(row.ProductList),
			StartedAt:        row.StartedAt,
		},
		Status:       model.BroadcastStatus(row.Status),
		UpdatedAt:    row.UpdatedAt,
		FinishedAt:   row.FinishedAt,
		VODViewCount: int(row.VodViewCount),
		LikeCount:    int(row.LikeCount),
		PushCount:    int(row.PushCount),
		ArmedAt:      row.ArmedAt,
		LiveAt:       row.LiveAt,
		StreamSeenAt: row.StreamSeenAt,
		PushedAt:     row.PushedAt,
		DeletedAt:    row.DeletedAt,
		Revision:     row.Revision,
	}
}

// CountOverdue counts the broadcasts whose time has come and that are not live.
func (s *Store) CountOverdue(ctx context.Context, now time.Time) (int64, error) {
	n, err := s.queries.CountOverdue(ctx, now)
	return n, wrap("count overdue broadcasts", err)
}

// ShowAvatar has an influencer's broadcasts show the picture at a URL, or, "",
// none.
func (s *Store) ShowAvatar(ctx context.Context, influencerID, url string) error {
	return wrap("show avatar in broadcasts", s.queries.ShowAvatar(ctx, db.ShowAvatarParams{Url: url, InfluencerID: influencerID}))
}

func joinProducts(ids []string) *string {
	if ids == nil {
		return nil
	}
	joined := strings.Join(ids, ",")
	return &joined
}

func splitProducts(joined *string) []string {
	switch {
	case joined == nil:
		return nil
	case *joined == "":
		return []string{}
	}
	return strings.Split(*joined, ",")
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
