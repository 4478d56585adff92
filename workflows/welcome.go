package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
)

// WelcomeID is the workflow id of the completion of an account a social login
// made: welcome/<customer id>.
func WelcomeID(customerID string) string { return "welcome/" + customerID }

// TypeWelcome is the name of the Welcome workflow.
const TypeWelcome = "Welcome"

// UpdateWelcome of a Welcome workflow has no argument: it waits until the
// account is whole, or undone (CodeNoUpstream).
const UpdateWelcome = "welcome"

// Profile is what a social vendor tells of a person.
type Profile = model.Profile

// WelcomeInput starts a Welcome workflow.
type WelcomeInput struct {
	CustomerID string
	Profile    Profile
}

// Personal marks it to be sealed in histories.
func (WelcomeInput) Personal() {}

// Attributes are what an operator finds it by.
func (in WelcomeInput) Attributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(AttributeCustomer.ValueSet(in.CustomerID))
}

// Bounds of what a login waits for.
const (
	settingUp = 3 * time.Second // of each step
	filling   = time.Hour       // how long the profile is tried afterwards
)

// Welcome makes a whole member of an account that a social login made: it gets
// the member group and a wishlist, or is deleted when it cannot; then it is
// told what the vendor knows, as far as the shop takes it and nobody has it.
// Every step looks first, so that running it again changes nothing more.
func Welcome(ctx workflow.Context, in WelcomeInput) error {
	var steps *activities.Activities
	book := journal{
		progress: &Progress{},
		headline: func() string { return "Welcome of customer " + in.CustomerID },
		heard:    new(int),
	}
	if err := book.open(ctx); err != nil {
		return err
	}
	var answered bool
	var refusal error
	err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateWelcome, func(ctx workflow.Context) error {
		if err := workflow.Await(ctx, func() bool { return answered }); err != nil {
			return err
		}
		return refusal
	}, workflow.UpdateHandlerOptions{Description: "Wait until the account is whole, or undone"})
	if err != nil {
		return err
	}
	member := activities.MemberRef{CustomerID: in.CustomerID}

	book.waitingFor(ctx, "Joining the members")
	err = workflow.ExecuteLocalActivity(quickly(ctx, "Join the members", settingUp, 3), steps.JoinMembers, member).Get(ctx, nil)
	if err == nil {
		book.waitingFor(ctx, "Making the wishlist")
		err = workflow.ExecuteLocalActivity(quickly(ctx, "Make the wishlist", settingUp, 3), steps.MakeWishlist, member).Get(ctx, nil)
	}
	if err != nil {
		refusal = nothingDone()
		book.waitingFor(ctx, "The shop does not make it whole: deleting the account")
		if err := book.insist(ctx, "Delete the account, unless it is whole", steps.Unmake, member, nil); err != nil {
			return err
		}
		answered = true
		book.waitingFor(ctx, "Over: the account could not be made whole")
		return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
	}

	book.waitingFor(ctx, "Writing what the vendor told")
	newcomer := activities.Newcomer{CustomerID: in.CustomerID, Profile: in.Profile}
	err = workflow.ExecuteLocalActivity(quickly(ctx, "Write the profile", settingUp, 2), steps.FillProfile, newcomer).Get(ctx, nil)
	answered = true
	if err != nil {
		err = workflow.ExecuteActivity(patiently(ctx, "Write the profile", filling), steps.FillProfile, newcomer).Get(ctx, nil)
	}
	if temporal.IsCanceledError(err) {
		return err
	}
	book.waitingFor(ctx, "Over: the account is whole")
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// nothingDone is the refusal of what had no effect because the shop was silent.
func nothingDone() error {
	return activities.Refuse(&model.Error{Code: model.CodeNoUpstream, Detail: "the shop did not answer, and nothing was done"})
}
