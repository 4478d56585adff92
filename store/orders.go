package store

import (
	"context"
	"time"

	"github.com/byeolshow/byeolshow/store/db"
)

// BeginCheckout notes that the shop is about to be asked for an order under the
// key. It answers the zero time to the first, and to others when the last
// attempt was made.
func (s *Store) BeginCheckout(ctx context.Context, customerID, key string, at time.Time) (time.Time, error) {
	n, err := s.queries.BeginCheckout(ctx, db.BeginCheckoutParams{CustomerID: customerID, Key: key, At: at})
	if err != nil || n == 1 {
		return time.Time{}, wrap("begin checkout", err)
	}
	last, err := s.queries.CheckoutAttempt(ctx, db.CheckoutAttemptParams{CustomerID: customerID, Key: key})
	return last, wrap("read checkout attempt", err)
}

// RepeatCheckout notes another attempt, unless somebody else has since last.
func (s *Store) RepeatCheckout(ctx context.Context, customerID, key string, last, at time.Time) (bool, error) {
	n, err := s.queries.RepeatCheckout(ctx, db.RepeatCheckoutParams{CustomerID: customerID, Key: key, Last: last, At: at})
	return n == 1, wrap("repeat checkout", err)
}

// ForgetCheckout frees the key: the attempt did nothing.
func (s *Store) ForgetCheckout(ctx context.Context, customerID, key string) error {
	return wrap("forget checkout", s.queries.ForgetCheckout(ctx, db.ForgetCheckoutParams{CustomerID: customerID, Key: key}))
}

// HideOrder keeps an order out of its customer's list, and tells whether it was
// in it before.
func (s *Store) HideOrder(ctx context.Context, orderID, userID string, placedAt time.Time) (bool, error) {
	n, err := s.queries.HideOrder(ctx, db.HideOrderParams{OrderID: orderID, UserID: userID, PlacedAt: placedAt})
	return n == 1, wrap("hide order", err)
}

// HiddenOrder is an order its customer does not want to see.
type HiddenOrder struct {
	ID       string
	PlacedAt time.Time
}

// HiddenOrders are a customer's, the newest first.
func (s *Store) HiddenOrders(ctx context.Context, userID string) ([]HiddenOrder, error) {
	rows, err := s.queries.HiddenOrders(ctx, userID)
	hidden := make([]HiddenOrder, 0, len(rows))
	for _, row := range rows {
		hidden = append(hidden, HiddenOrder{ID: row.OrderID, PlacedAt: row.PlacedAt})
	}
	return hidden, wrap("list hidden orders", err)
}
