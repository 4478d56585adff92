package activities

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store"
)

// MemberRef names a customer.
type MemberRef struct{ CustomerID string }

// AliasHold is a nickname held by a sign-up, and by its account once there is
// one.
type AliasHold struct{ Key, SignUp, CustomerID string }

// Personal marks it to be sealed in histories.
func (AliasHold) Personal() {}

// SignUpRef is an account that may have been made by a sign-up.
type SignUpRef struct{ UserID, SignUp string }

// Personal marks it to be sealed in histories.
func (SignUpRef) Personal() {}

// ClaimAlias claims the nickname for the sign-up. The refusal is
// CodeDuplicatedAlias when it is another's.
func (a *Activities) ClaimAlias(ctx context.Context, in AliasHold) error {
	mine, err := a.store.ClaimAlias(ctx, in.Key, in.SignUp)
	if err == nil && !mine {
		return Refuse(model.ErrDuplicatedAlias)
	}
	return err
}

// BindAlias turns the sign-up's claim into its account's.
func (a *Activities) BindAlias(ctx context.Context, in AliasHold) error {
	return a.store.BindAlias(ctx, in.Key, in.SignUp, in.CustomerID)
}

// FreeAlias gives up the claim of the sign-up and of its account.
func (a *Activities) FreeAlias(ctx context.Context, in AliasHold) error {
	return a.store.FreeAlias(ctx, in.Key, in.SignUp, in.CustomerID)
}

// FindSignUp looks for the account a sign-up made. CustomerID is "" when there
// is none.
func (a *Activities) FindSignUp(ctx context.Context, in SignUpRef) (MemberRef, error) {
	customers, err := a.clayful.CustomersBy(ctx, clayful.ByUserID, in.UserID)
	for _, customer := range customers {
		if customer.MetaString(model.SignUpKey) == in.SignUp {
			return MemberRef{customer.ID}, nil
		}
	}
	return MemberRef{}, err
}

// MakeWishlist gives a customer their wishlist, unless they have one.
func (a *Activities) MakeWishlist(ctx context.Context, in MemberRef) error {
	has, err := a.clayful.HasWishlist(ctx, in.CustomerID)
	if err != nil || has {
		return err
	}
	return a.clayful.CreateWishlist(ctx, in.CustomerID, model.Wishlist)
}

// DeleteAccount deletes a customer at the shop. One that is not there is
// deleted.
func (a *Activities) DeleteAccount(ctx context.Context, in MemberRef) error {
	err := a.clayful.DeleteCustomer(ctx, in.CustomerID)
	if clayful.IsCode(err, notExisting) {
		return nil
	}
	return err
}

const notExisting = "not-existing-customer"

// followers is the field of an influencer's meta that counts their followers.
const followers = "Follower"

// leaveInfluencers takes a deleted customer out of the counts of those they
// followed.
func (a *Activities) leaveInfluencers(ctx context.Context, in MemberRef) error {
	influencers, err := a.store.FollowedBy(ctx, in.CustomerID)
	if err != nil {
		return err
	}
	for _, influencer := range influencers {
		err := a.store.WithLocks(ctx, []string{store.FollowersKey(influencer)}, func(ctx context.Context) error {
			return a.leave(ctx, influencer, in.CustomerID)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Activities) leave(ctx context.Context, influencer, customerID string) error {
	star, err := a.clayful.Customer(ctx, influencer)
	gone := clayful.IsCode(err, notExisting)
	if err != nil && !gone {
		return err
	}
	show := func(ctx context.Context, count int) error {
		if gone {
			return nil
		}
		return a.showFollowers(ctx, influencer, count)
	}
	return a.store.SetFollower(ctx, influencer, customerID, false, star.MetaInt(followers), show)
}

func (a *Activities) showFollowers(ctx context.Context, influencer string, count int) error {
	return a.clayful.UpdateCustomer(ctx, influencer, map[string]any{"meta": map[string]int{followers: count}})
}

// ShowFollowers puts right how many followers the shop shows of influencers,
// where a change was cut short between here and there.
func (a *Activities) ShowFollowers(ctx context.Context) error {
	counts, err := a.store.Followers(ctx)
	if err != nil {
		return err
	}
	influencers, err := a.clayful.CustomersByID(ctx, slices.Collect(maps.Keys(counts)))
	if err != nil {
		return err
	}
	for _, influencer := range influencers {
		if influencer.MetaInt(followers) == counts[influencer.ID] {
			continue
		}
		err := a.store.WithLocks(ctx, []string{store.FollowersKey(influencer.ID)}, func(ctx context.Context) error {
			count, err := a.store.FollowersOf(ctx, influencer.ID) // they may have come or gone meanwhile
			if err != nil {
				return err
			}
			return a.showFollowers(ctx, influencer.ID, count)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// RevokeSessions ends all sessions of a customer.
func (a *Activities) RevokeSessions(ctx context.Context, in MemberRef) error {
	return a.store.RevokeSessions(ctx, in.CustomerID, uuid.Nil, time.Now())
}

// Revocation ends the sessions of a customer but one, which proved who they are.
type Revocation struct {
	CustomerID string
	But        uuid.UUID // zero: none is kept
}

// EndSessions ends a customer's sessions.
func (a *Activities) EndSessions(ctx context.Context, in Revocation) error {
	return a.store.RevokeSessions(ctx, in.CustomerID, in.But, time.Now())
}

// ForgetMember ends the sessions of a deleted customer and forgets their
// alarms, likes, follows, devices and nickname. What coupons they got is kept.
func (a *Activities) ForgetMember(ctx context.Context, in MemberRef) error {
	if err := a.leaveInfluencers(ctx, in); err != nil {
		return err
	}
	return a.store.ForgetMember(ctx, in.CustomerID, time.Now())
}
