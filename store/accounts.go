package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/byeolshow/byeolshow/store/db"
)

// ClaimAlias gives a nickname, by its key, to a customer or to the sign-up that
// is making one. It is false when the nickname is another's; claiming what one
// holds changes nothing.
func (s *Store) ClaimAlias(ctx context.Context, key, holder string) (bool, error) {
	n, err := s.queries.ClaimAlias(ctx, db.ClaimAliasParams{AliasKey: key, Holder: holder})
	return n == 1, wrap("claim alias", err)
}

// AliasClaimed tells whether anybody holds the nickname.
func (s *Store) AliasClaimed(ctx context.Context, key string) (bool, error) {
	claimed, err := s.queries.AliasClaimed(ctx, key)
	return claimed, wrap("read alias claim", err)
}

// BindAlias turns a sign-up's claim into its customer's. It is an error when
// the sign-up holds none.
func (s *Store) BindAlias(ctx context.Context, key, signUp, customerID string) error {
	n, err := s.queries.BindAlias(ctx, db.BindAliasParams{AliasKey: key, SignUp: signUp, CustomerID: customerID})
	if err == nil && n == 0 {
		err = errors.New("the sign-up holds no such alias")
	}
	return wrap("bind alias", err)
}

// FreeAlias gives a nickname up that one of the holders has.
func (s *Store) FreeAlias(ctx context.Context, key string, holders ...string) error {
	return wrap("free alias", s.queries.FreeAlias(ctx, db.FreeAliasParams{AliasKey: key, Holders: holders}))
}

// FreeOtherAliases gives up all nicknames of a customer but one.
func (s *Store) FreeOtherAliases(ctx context.Context, customerID, keep string) error {
	return wrap("free aliases", s.queries.FreeOtherAliases(ctx, db.FreeOtherAliasesParams{CustomerID: customerID, Keep: keep}))
}

// RevokeSessions ends all sessions of a customer for good, but one; uuid.Nil
// spares none.
func (s *Store) RevokeSessions(ctx context.Context, customerID string, but uuid.UUID, now time.Time) error {
	return wrap("revoke sessions", s.queries.RevokeSessions(ctx, db.RevokeSessionsParams{CustomerID: customerID, But: but, Now: now}))
}

// ForgetMember ends a customer's sessions and removes their alarms, likes,
// follows, devices, settings and nicknames; broadcasts count them no longer.
func (s *Store) ForgetMember(ctx context.Context, customerID string, now time.Time) error {
	return s.inTx(ctx, func(q *db.Queries) error {
		if err := q.RevokeSessions(ctx, db.RevokeSessionsParams{CustomerID: customerID, But: uuid.Nil, Now: now}); err != nil {
			return wrap("revoke sessions", err)
		}
		for _, drop := range []func(context.Context, string) error{
			q.DropAlarmsOf, q.DropLikesOf, q.DropFollowsOf, q.DropFollowerCount, q.DropDevicesOf, q.OptIn,
		} {
			if err := drop(ctx, customerID); err != nil {
				return wrap("forget member", err)
			}
		}
		return wrap("forget member", q.FreeOtherAliases(ctx, db.FreeOtherAliasesParams{CustomerID: customerID, Keep: ""}))
	})
}

// WantsLivePushes tells whether the customer has not opted out of live pushes.
func (s *Store) WantsLivePushes(ctx context.Context, customerID string) (bool, error) {
	out, err := s.queries.OptedOut(ctx, customerID)
	return !out, wrap("read live pushes", err)
}

// SetLivePushes opts the customer in or out of live pushes.
func (s *Store) SetLivePushes(ctx context.Context, customerID string, wanted bool) error {
	set := s.queries.OptOut
	if wanted {
		set = s.queries.OptIn
	}
	return wrap("set live pushes", set(ctx, customerID))
}
