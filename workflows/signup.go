package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
)

// SignUpID is the workflow id of a sign-up: signup/<random id>. The account's
// meta names it under model.SignUpKey.
func SignUpID(id string) string { return "signup/" + id }

// TypeSignUp is the name of the SignUp workflow.
const TypeSignUp = "SignUp"

// Updates of a SignUp workflow. The password never comes here: between the claim
// and the next word its caller creates the account at the shop.
const (
	// UpdateClaim has no argument: it waits until the nickname is the sign-up's.
	// The refusal is CodeDuplicatedAlias.
	UpdateClaim = "claim"
	// UpdateCreated takes an Outcome with the account: it waits until the account
	// is whole. The refusal is CodeNoUpstream: nothing is left of it.
	UpdateCreated = "created"
	// UpdateUnsure takes an Outcome without: whether there is an account is not
	// known. It waits as UpdateCreated does.
	UpdateUnsure = "unsure"
	// UpdateAbandoned takes an empty Outcome: the shop refused the account. It
	// waits until the nickname is free.
	UpdateAbandoned = "abandoned"
)

// SignUpInput starts a SignUp workflow.
type SignUpInput struct{ Alias, UserID string }

// Personal marks it to be sealed in histories.
func (SignUpInput) Personal() {}

// Outcome is what came of creating the account. An account that nobody waits
// for any more, because Until is over, is not kept.
type Outcome struct {
	CustomerID string `json:",omitempty"`
	Until      time.Time
}

// SignUpState is all a SignUp workflow knows, as its state query tells.
type SignUpState struct {
	Progress

	Claimed    bool
	Word       string `json:",omitempty"` // the update that told what came of it
	CustomerID string `json:",omitempty"`
	Over       bool
}

// SignUp makes an account with a nickname nobody else has and a wishlist, or
// none. It claims the nickname and waits to hear what came of the account. When
// that is not known, or nobody says so, it looks at the shop once that has had
// time to do what it did not answer. What somebody still waits for is made
// whole; else, or when it cannot be, the account is deleted and the nickname
// free again, however long that takes.
func (r Rules) SignUp(ctx workflow.Context, in SignUpInput) (SignUpState, error) {
	r, err := r.pinned(ctx)
	if err != nil {
		return SignUpState{}, err
	}
	s := &signUp{rules: r, alias: activities.AliasHold{
		Key: model.AliasKey(in.Alias), SignUp: workflow.GetInfo(ctx).WorkflowExecution.ID,
	}, userID: in.UserID}
	s.journal = journal{progress: &s.state.Progress, headline: s.headline, heard: new(int), limits: r.Limits}
	if err := s.listen(ctx); err != nil {
		return s.state, err
	}
	if err := s.run(ctx); err != nil {
		return s.state, err
	}
	s.state.Over = true
	return s.state, workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// signUp is a SignUp workflow at work.
type signUp struct {
	journal

	state   SignUpState
	rules   Rules
	steps   *activities.Activities // only names steps; never called
	alias   activities.AliasHold
	userID  string
	until   time.Time
	closed  bool  // no word counts any more
	refusal error // how it ended, nil when the account is whole
}

func (s *signUp) headline() string {
	if s.state.CustomerID == "" {
		return "Sign-up of a new customer"
	}
	return "Sign-up of customer " + s.state.CustomerID
}

func (s *signUp) listen(ctx workflow.Context) error {
	if err := workflow.SetQueryHandler(ctx, QueryState, func() (SignUpState, error) { return s.state, nil }); err != nil {
		return err
	}
	if err := s.obey(ctx); err != nil {
		return err
	}
	err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateClaim, func(ctx workflow.Context) error {
		if err := workflow.Await(ctx, func() bool { return s.state.Claimed || s.state.Over }); err != nil {
			return err
		}
		return s.refusal
	}, workflow.UpdateHandlerOptions{Description: "Wait until the nickname is the sign-up's"})
	if err != nil {
		return err
	}
	for _, word := range []struct{ name, description string }{
		{UpdateCreated, "The shop created the account"},
		{UpdateUnsure, "The shop did not answer"},
		{UpdateAbandoned, "The shop refused the account"},
	} {
		if err := s.hear(ctx, word.name, word.description); err != nil {
			return err
		}
	}
	return nil
}

// hear takes the word that tells what came of the account. The first counts,
// unless it comes too late.
func (s *signUp) hear(ctx workflow.Context, word, description string) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, word, func(ctx workflow.Context, out Outcome) error {
		s.state.Word, s.state.CustomerID, s.until = word, out.CustomerID, out.Until
		if err := workflow.Await(ctx, func() bool { return s.state.Over }); err != nil {
			return err
		}
		return s.refusal
	}, workflow.UpdateHandlerOptions{Description: description, Validator: func(_ workflow.Context, out Outcome) error {
		switch {
		case s.closed || s.state.Word != "":
			return nothingDone()
		case word == UpdateCreated && out.CustomerID == "":
			return activities.Refuse(&model.Error{Code: model.CodeInvalid, Detail: "no customer id"})
		}
		return nil
	}})
}

func (s *signUp) run(ctx workflow.Context) error {
	s.waitingFor(ctx, "Claiming the nickname")
	err := s.soon(ctx, "Claim the nickname", s.steps.ClaimAlias, s.alias, nil)
	if RefusalOf(err) != nil {
		s.refusal = refused(err)
		s.waitingFor(ctx, "Over: the nickname is another's")
		return nil
	}
	if err != nil {
		return err
	}
	s.state.Claimed = true
	s.waitingFor(ctx, "The nickname is claimed: waiting to hear what came of the account")
	if _, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: s.rules.SignUpPatience, TimerOptions: workflow.TimerOptions{Summary: "Nobody says what came of the account"},
	}, func() bool { return s.state.Word != "" }); err != nil {
		return err
	}
	s.closed = true
	switch s.state.Word {
	case UpdateCreated:
	case UpdateAbandoned:
		return s.free(ctx, "Over: the shop refused the account")
	default:
		if err := s.search(ctx); err != nil {
			return err
		}
	}
	if s.state.CustomerID == "" {
		s.refusal = nothingDone()
		return s.free(ctx, "Over: there is no account")
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeCustomer.ValueSet(s.state.CustomerID)); err != nil {
		return err
	}
	return s.complete(ctx)
}

// search looks whether there is an account after all.
func (s *signUp) search(ctx workflow.Context) error {
	s.waitingFor(ctx, "What came of the account is not known: giving the shop time")
	settle := workflow.TimerOptions{Summary: "What the shop did not answer it may still do"}
	if err := workflow.NewTimerWithOptions(ctx, s.rules.Settling, settle).Get(ctx, nil); err != nil {
		return err
	}
	s.waitingFor(ctx, "Looking for the account at the shop")
	found := activities.MemberRef{}
	if err := s.soon(ctx, "Look for the account", s.steps.FindSignUp, activities.SignUpRef{UserID: s.userID, SignUp: s.alias.SignUp}, &found); err != nil {
		return err
	}
	s.state.CustomerID = found.CustomerID
	return nil
}

// complete makes the account whole for whoever waits for it, or undoes it.
func (s *signUp) complete(ctx workflow.Context) error {
	member := activities.MemberRef{CustomerID: s.state.CustomerID}
	s.alias.CustomerID = member.CustomerID
	awaited := workflow.Now(ctx).Before(s.until)
	if awaited {
		s.waitingFor(ctx, "There is an account: making it whole")
		err := workflow.ExecuteLocalActivity(quickly(ctx, "Give it the nickname", settingUp, 3), s.steps.BindAlias, s.alias).Get(ctx, nil)
		if err == nil {
			err = workflow.ExecuteLocalActivity(quickly(ctx, "Make the wishlist", settingUp, 3), s.steps.MakeWishlist, member).Get(ctx, nil)
		}
		if err == nil && (workflow.Now(ctx).Before(s.until) || workflow.GetVersion(ctx, "still awaited", workflow.DefaultVersion, 1) != 1) {
			s.waitingFor(ctx, "Over: the account is whole")
			return nil
		}
		if temporal.IsCanceledError(err) {
			return err
		}
	}
	s.refusal = nothingDone()
	s.waitingFor(ctx, "The account cannot be made whole, or nobody waits for it: deleting it")
	if err := s.insist(ctx, "Delete the account", s.steps.DeleteAccount, member, nil); err != nil {
		return err
	}
	return s.free(ctx, "Over: the account was deleted")
}

// free gives the nickname back.
func (s *signUp) free(ctx workflow.Context, words string) error {
	if err := s.soon(ctx, "Free the nickname", s.steps.FreeAlias, s.alias, nil); err != nil {
		return err
	}
	s.waitingFor(ctx, words)
	return nil
}
