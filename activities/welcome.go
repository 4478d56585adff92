package activities

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
)

// Newcomer is an account a social login made, and what its vendor tells.
type Newcomer struct {
	CustomerID string
	Profile    model.Profile
}

// Personal marks it to be sealed in histories.
func (Newcomer) Personal() {}

// JoinMembers puts a customer who is in no group into the members'.
func (a *Activities) JoinMembers(ctx context.Context, in MemberRef) error {
	customer, err := a.clayful.Customer(ctx, in.CustomerID)
	if err != nil || len(customer.Groups) > 0 {
		return err
	}
	return a.clayful.UpdateCustomer(ctx, in.CustomerID, map[string]any{"groups": []string{a.memberGroup}})
}

// newcomerFor is how long an account may be taken for one that was never whole.
const newcomerFor = 24 * time.Hour

// Unmake deletes an account that could not be made whole. One that is whole by
// now stays, and so does one that is no newcomer's.
func (a *Activities) Unmake(ctx context.Context, in MemberRef) error {
	customer, err := a.clayful.Customer(ctx, in.CustomerID)
	if clayful.IsCode(err, notExisting) {
		return nil
	}
	if err != nil || time.Since(customer.CreatedAt.Time) > newcomerFor {
		return err
	}
	if len(customer.Groups) > 0 {
		has, err := a.clayful.HasWishlist(ctx, in.CustomerID)
		if err != nil || has {
			return err
		}
	}
	return a.DeleteAccount(ctx, in)
}

// FillProfile writes what the vendor tells of a person where the account says
// nothing yet. What the shop refuses is left out. The nickname gets a number
// when it is another's.
func (a *Activities) FillProfile(ctx context.Context, in Newcomer) error {
	customer, err := a.clayful.Customer(ctx, in.CustomerID)
	if clayful.IsCode(err, notExisting) {
		return nil
	}
	if err != nil {
		return err
	}
	if alias, err := model.Alias(in.Profile.Nickname); err == nil && customer.Alias == nil {
		if err := a.nickname(ctx, in.CustomerID, alias); err != nil {
			return err
		}
	}
	var changes []map[string]any
	if in.Profile.FullName != "" && customer.Name.Full == nil {
		changes = append(changes, map[string]any{"name": map[string]string{"full": in.Profile.FullName}})
	}
	if in.Profile.Email != "" && customer.Email == "" {
		changes = append(changes, map[string]any{"email": in.Profile.Email})
	}
	if in.Profile.Mobile != "" && customer.Mobile == nil {
		changes = append(changes, map[string]any{"mobile": in.Profile.Mobile})
	}
	for _, change := range changes {
		if err := a.clayful.UpdateCustomer(ctx, in.CustomerID, change); err != nil && shopRefusal(err) == nil {
			return err
		}
	}
	return nil
}

// How many numbers are tried behind a nickname that is another's: in turn, and
// then at random.
const (
	numbersInTurn   = 9
	numbersAtRandom = 20
)

// nickname gives a customer who has none a nickname nobody has, with a number
// behind it if need be.
func (a *Activities) nickname(ctx context.Context, customerID, alias string) error {
	for n := 1; n <= numbersInTurn+numbersAtRandom; n++ {
		candidate := alias
		switch {
		case n > numbersInTurn:
			candidate += strconv.Itoa(10 + rand.IntN(9990)) //nolint:gosec // chance, not secrecy
		case n > 1:
			candidate += strconv.Itoa(n)
		}
		mine, err := a.claimUnlessTaken(ctx, candidate, customerID)
		if err != nil {
			return err
		}
		if !mine {
			continue
		}
		err = a.clayful.UpdateCustomer(ctx, customerID, map[string]any{"alias": candidate, "name": map[string]string{"first": candidate}})
		keep := model.AliasKey(candidate)
		if shopRefusal(err) != nil {
			keep, err = "", nil
		}
		return errors.Join(err, a.store.FreeOtherAliases(ctx, customerID, keep))
	}
	return nil
}

// claimUnlessTaken claims a nickname that no member of the shop has, be it one
// from before nicknames were claimed.
func (a *Activities) claimUnlessTaken(ctx context.Context, alias, customerID string) (bool, error) {
	key := model.AliasKey(alias)
	mine, err := a.store.ClaimAlias(ctx, key, customerID)
	if err != nil || !mine {
		return false, err
	}
	holders, err := a.clayful.AliasHolders(ctx, alias, model.SameAlias)
	if err == nil && !slices.ContainsFunc(holders, func(id string) bool { return id != customerID }) {
		return true, nil
	}
	return false, errors.Join(err, a.store.FreeAlias(ctx, key, customerID))
}
