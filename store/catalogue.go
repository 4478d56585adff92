package store

import (
	"context"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store/db"
)

// OfProduct are those of the broadcasts that were not missed, newest first.
func (s *Store) OfProduct(ctx context.Context, vodIDs []int64) ([]model.Broadcast, error) {
	return broadcasts(s.queries.BroadcastsOfProduct(ctx, vodIDs))
}

// RandomCompleted are at most some of the broadcasts that are completed, in
// random order.
func (s *Store) RandomCompleted(ctx context.Context, vodIDs []int64, most int) ([]model.Broadcast, error) {
	return broadcasts(s.queries.RandomCompleted(ctx, db.RandomCompletedParams{VodIds: vodIDs, Most: int32(most)})) //nolint:gosec // at most a page
}

// SoldBy are the products of an influencer's completed broadcasts, each once,
// those of the newest first.
func (s *Store) SoldBy(ctx context.Context, influencerID string) ([]string, error) {
	lists, err := s.queries.SoldBy(ctx, influencerID)
	if err != nil {
		return nil, wrap("list sold products", err)
	}
	products, seen := []string{}, map[string]bool{}
	for _, list := range lists {
		for _, id := range splitProducts(list) {
			if !seen[id] {
				seen[id] = true
				products = append(products, id)
			}
		}
	}
	return products, nil
}
