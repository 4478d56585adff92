package store

import (
	"context"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store/db"
)

// SetFollower notes that the customer follows an influencer, or no longer does,
// for the pushes. Setting what is set changes nothing.
func (s *Store) SetFollower(ctx context.Context, influencerID, customerID string, on bool) error {
	if on {
		return wrap("add follower", s.queries.AddFollower(ctx, db.AddFollowerParams{InfluencerID: influencerID, UserID: customerID}))
	}
	_, err := s.RemoveFollower(ctx, influencerID, customerID)
	return err
}

// RemoveFollower notes that the customer no longer follows the influencer, and
// tells whether they did.
func (s *Store) RemoveFollower(ctx context.Context, influencerID, customerID string) (bool, error) {
	n, err := s.queries.RemoveFollower(ctx, db.RemoveFollowerParams{InfluencerID: influencerID, UserID: customerID})
	return n == 1, wrap("remove follower", err)
}

// FollowedBy are the influencers the customer follows.
func (s *Store) FollowedBy(ctx context.Context, customerID string) ([]string, error) {
	ids, err := s.queries.FollowedBy(ctx, customerID)
	return ids, wrap("list followed influencers", err)
}

// FollowersKey is what WithLocks takes before an influencer's followers are
// counted anew.
func FollowersKey(influencerID string) string { return "followers/" + influencerID }

// CountLike adds a like to a broadcast's count, or takes one off it while there
// are any. The error is model.ErrNoBroadcast when it is gone.
func (s *Store) CountLike(ctx context.Context, vodID int64, on bool) error {
	change := int32(1)
	if !on {
		change = -1
	}
	n, err := s.queries.CountLike(ctx, db.CountLikeParams{VODID: vodID, Change: change})
	if err == nil && n == 0 {
		return model.ErrNoBroadcast
	}
	return wrap("count like", err)
}

// Liked are those of the broadcasts that are not deleted, newest first.
func (s *Store) Liked(ctx context.Context, vodIDs []int64) ([]model.Broadcast, error) {
	return broadcasts(s.queries.LikedBroadcasts(ctx, vodIDs))
}
