package store

import (
	"context"
	"slices"
	"time"

	"github.com/byeolshow/byeolshow/store/db"
)

// CouponIssue is what is known of a coupon a customer was to be given.
type CouponIssue struct {
	Begun  time.Time // when the shop was about to be asked
	Issued bool      // else the shop's answer is not known
}

// BeginIssue notes that the shop is about to be asked to give the customer a
// coupon, and tells whether nobody ever was before.
func (s *Store) BeginIssue(ctx context.Context, customerID, couponID string, at time.Time) (bool, error) {
	n, err := s.queries.BeginIssue(ctx, db.BeginIssueParams{UserID: customerID, CouponID: couponID, At: at})
	return n == 1, wrap("begin coupon issue", err)
}

// CouponIssue looks a coupon up in the log; known is whether it is in it.
func (s *Store) CouponIssue(ctx context.Context, customerID, couponID string) (issue CouponIssue, known bool, err error) {
	row, err := s.queries.CouponIssue(ctx, db.CouponIssueParams{UserID: customerID, CouponID: couponID})
	if missing(err) {
		return CouponIssue{}, false, nil
	}
	return CouponIssue{Begun: row.CreatedAt, Issued: row.State == "issued"}, err == nil, wrap("read coupon issue", err)
}

// DropIssue forgets that a coupon was asked for, since it was certainly not
// given. It tells whether it did: one that is known to be issued stays.
func (s *Store) DropIssue(ctx context.Context, customerID, couponID string) (bool, error) {
	n, err := s.queries.DropPendingIssue(ctx, db.DropPendingIssueParams{UserID: customerID, CouponID: couponID})
	return n == 1, wrap("drop coupon issue", err)
}

// RecordIssued notes coupons a customer has, however they came by them.
func (s *Store) RecordIssued(ctx context.Context, customerID string, couponIDs ...string) error {
	if len(couponIDs) == 0 {
		return nil
	}
	slices.Sort(couponIDs) // the shop may list one twice, which one statement may not
	couponIDs = slices.Compact(couponIDs)
	return wrap("record coupons", s.queries.RecordIssued(ctx, db.RecordIssuedParams{UserID: customerID, CouponIds: couponIDs}))
}

// PendingIssues are those of the coupons of which it is not known whether the
// customer was given them.
func (s *Store) PendingIssues(ctx context.Context, customerID string, couponIDs []string) ([]string, error) {
	pending, err := s.queries.PendingIssues(ctx, db.PendingIssuesParams{UserID: customerID, CouponIds: couponIDs})
	return pending, wrap("list pending coupons", err)
}

// IssuedCoupons are all coupons in a customer's log.
func (s *Store) IssuedCoupons(ctx context.Context, customerID string) (map[string]bool, error) {
	list, err := s.queries.IssuedCoupons(ctx, customerID)
	issued := make(map[string]bool, len(list))
	for _, id := range list {
		issued[id] = true
	}
	return issued, wrap("list issued coupons", err)
}
