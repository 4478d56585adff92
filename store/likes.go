package store

import (
	"context"
	"math"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store/db"
)

// SetFollower notes that the customer follows an influencer, or no longer does,
// and has show tell the shop how many do now. Both happen, or neither; whoever
// is noted already is not counted again. Shown is what the shop shows, which
// the count begins with. The caller holds FollowersKey.
func (s *Store) SetFollower(ctx context.Context, influencerID, customerID string, on bool, shown int, show func(context.Context, int) error) error {
	return s.inTx(ctx, func(q *db.Queries) error {
		key := db.AddFollowerParams{InfluencerID: influencerID, UserID: customerID}
		change, err := switched(ctx, on, key, q.AddFollower, func(ctx context.Context, key db.AddFollowerParams) (int64, error) {
			return q.RemoveFollower(ctx, db.RemoveFollowerParams(key))
		})
		if err != nil {
			return wrap("set follower", err)
		}
		first := int32(max(0, min(shown+int(change), math.MaxInt32))) //nolint:gosec // it is within
		count, err := q.CountFollowers(ctx, db.CountFollowersParams{InfluencerID: influencerID, First: first, Change: change})
		if err != nil {
			return wrap("count followers", err)
		}
		return show(ctx, int(count))
	})
}

// Followers are how many follow the influencers whose followers came or went.
func (s *Store) Followers(ctx context.Context) (map[string]int, error) {
	rows, err := s.queries.FollowerCounts(ctx)
	counts := make(map[string]int, len(rows))
	for _, row := range rows {
		counts[row.InfluencerID] = int(row.Followers)
	}
	return counts, wrap("list follower counts", err)
}

// FollowersOf are how many follow one of them.
func (s *Store) FollowersOf(ctx context.Context, influencerID string) (int, error) {
	count, err := s.queries.FollowerCount(ctx, influencerID)
	return int(count), wrap("read follower count", err)
}

// AdoptFollower notes a follower who is counted already: one from before
// followers were noted.
func (s *Store) AdoptFollower(ctx context.Context, influencerID, customerID string) error {
	_, err := s.queries.AddFollower(ctx, db.AddFollowerParams{InfluencerID: influencerID, UserID: customerID})
	return wrap("adopt follower", err)
}

// switched adds what is not there, or removes what is, and answers the change
// of their number.
func switched[K any](ctx context.Context, on bool, key K, add, remove func(context.Context, K) (int64, error)) (change int32, err error) {
	if on {
		n, err := add(ctx, key)
		return int32(n), err //nolint:gosec // one row or none
	}
	n, err := remove(ctx, key)
	return -int32(n), err //nolint:gosec // one row or none
}

// FollowedBy are the influencers the customer follows.
func (s *Store) FollowedBy(ctx context.Context, customerID string) ([]string, error) {
	ids, err := s.queries.FollowedBy(ctx, customerID)
	return ids, wrap("list followed influencers", err)
}

// FollowersKey is what WithLocks takes before an influencer's followers are
// counted anew.
func FollowersKey(influencerID string) string { return "followers/" + influencerID }

// SetLike notes that the customer likes a broadcast, or no longer does, and
// keeps its count true. Setting what is set changes nothing. The error is
// model.ErrNoBroadcast when it is gone.
func (s *Store) SetLike(ctx context.Context, vodID int64, customerID string, on bool) error {
	return s.inTx(ctx, func(q *db.Queries) error {
		key := db.AddLikeParams{VODID: vodID, UserID: customerID}
		change, err := switched(ctx, on, key, q.AddLike, func(ctx context.Context, key db.AddLikeParams) (int64, error) {
			return q.RemoveLike(ctx, db.RemoveLikeParams(key))
		})
		if err != nil {
			return wrap("set like", err)
		}
		n, err := q.CountLike(ctx, db.CountLikeParams{VODID: vodID, Change: change})
		if err == nil && n == 0 {
			return model.ErrNoBroadcast
		}
		return wrap("count likes", err)
	})
}

// AdoptLike notes a like that is counted already: one from before likes were
// noted.
func (s *Store) AdoptLike(ctx context.Context, vodID int64, customerID string) error {
	_, err := s.queries.AddLike(ctx, db.AddLikeParams{VODID: vodID, UserID: customerID})
	return wrap("adopt like", err)
}

// Liked are those of the broadcasts that are not deleted, newest first.
func (s *Store) Liked(ctx context.Context, vodIDs []int64) ([]model.Broadcast, error) {
	return broadcasts(s.queries.LikedBroadcasts(ctx, vodIDs))
}
