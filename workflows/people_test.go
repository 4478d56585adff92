package workflows_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

// people is the shop and the nicknames of one sign-up, in memory.
type people struct {
	mu        sync.Mutex
	t         *testing.T
	env       *testsuite.TestWorkflowEnvironment
	holder    string // of the nickname, "" when it is free
	account   string // the account at the shop, "" when there is none
	marked    bool   // it is the sign-up's
	grouped   bool
	wishlists int
	filled    int
	forgotten int
	ended     []string // what a withdrawal ended besides the account
	searched  []time.Duration
	failing   map[string]error
}

const newcomer = "CUSTXMER2222"

// asked lies ahead of any real clock, by which local activities run out of time.
var asked = time.Date(2096, 11, 24, 3, 0, 0, 0, time.UTC)

var (
	errShop = errors.New("the shop is silent")
	errOnce = errors.New("the shop is silent for a moment")
)

func newPeople(t *testing.T) *people {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	p := &people{t: t, env: suite.NewTestWorkflowEnvironment(), failing: map[string]error{}}
	p.env.SetStartTime(asked)
	p.env.SetTestTimeout(time.Minute)
	for name, definition := range map[string]any{
		workflows.TypeSignUp: workflows.DefaultRules().SignUp, workflows.TypeWelcome: workflows.Welcome,
		workflows.TypeWithdrawal: workflows.Withdrawal, workflows.TypeResetMail: workflows.ResetMail,
		workflows.TypeRevocation: workflows.Revocation,
	} {
		p.env.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name})
	}
	var steps *activities.Activities
	for _, step := range []struct{ method, stand any }{
		{steps.ClaimAlias, func(_ context.Context, in activities.AliasHold) error {
			if p.holder != "" && p.holder != in.SignUp {
				return activities.Refuse(model.ErrDuplicatedAlias)
			}
			p.holder = in.SignUp
			return p.failing["claim"]
		}},
		{steps.BindAlias, func(_ context.Context, in activities.AliasHold) error {
			require.Contains(p.t, []string{in.SignUp, in.CustomerID}, p.holder)
			p.holder = in.CustomerID
			return p.failing["bind"]
		}},
		{steps.FreeAlias, func(_ context.Context, in activities.AliasHold) error {
			if p.failing["free"] == nil && (p.holder == in.SignUp || p.holder == in.CustomerID) {
				p.holder = ""
			}
			return p.failing["free"]
		}},
		{steps.FindSignUp, func(context.Context, activities.SignUpRef) (activities.MemberRef, error) {
			p.searched = append(p.searched, p.env.Now().Sub(asked))
			if p.marked && p.failing["find"] == nil {
				return activities.MemberRef{CustomerID: p.account}, nil
			}
			return activities.MemberRef{}, p.failing["find"]
		}},
		{steps.MakeWishlist, func(context.Context, activities.MemberRef) error {
			err := p.failing["wishlist"]
			if err == nil && p.wishlists == 0 {
				p.wishlists++
			}
			if errors.Is(err, errOnce) {
				delete(p.failing, "wishlist")
			}
			return err
		}},
		{steps.DeleteAccount, p.delete}, {steps.Unmake, func(ctx context.Context, in activities.MemberRef) error {
			if p.grouped && p.wishlists > 0 {
				return nil
			}
			return p.delete(ctx, in)
		}},
		{steps.JoinMembers, func(context.Context, activities.MemberRef) error {
			p.grouped = p.grouped || p.failing["join"] == nil
			return p.failing["join"]
		}},
		{steps.FillProfile, func(context.Context, activities.Newcomer) error {
			if p.failing["fill"] == nil {
				p.filled++
			}
			return p.failing["fill"]
		}},
		{steps.RevokeSessions, func(context.Context, activities.MemberRef) error {
			require.NotEmpty(p.t, p.account, "the sessions first")
			p.ended = append(p.ended, "sessions")
			return nil
		}},
		{steps.DeleteStream, func(_ context.Context, in activities.StreamRef) error {
			require.Empty(p.t, p.account, "the shop first")
			p.ended = append(p.ended, in.StreamID)
			return nil
		}},
		{steps.ForgetMember, func(context.Context, activities.MemberRef) error {
			require.Empty(p.t, p.account, "the shop first")
			p.forgotten++
			return p.failing["forget"]
		}},
		{steps.EndSessions, func(_ context.Context, in activities.Revocation) error {
			require.Equal(p.t, newcomer, in.CustomerID)
			p.forgotten++
			return p.failing["sessions"]
		}},
		{steps.MailReset, func(context.Context, activities.ResetMail) error { p.filled++; return p.failing["mail"] }},
	} {
		p.env.OnActivity(step.method, anything, anything).Return(p.locked(step.stand)).Maybe()
	}
	return p
}

// locked is a step that no other runs beside.
func (p *people) locked(step any) any {
	f := reflect.ValueOf(step)
	return reflect.MakeFunc(f.Type(), func(args []reflect.Value) []reflect.Value {
		p.mu.Lock()
		defer p.mu.Unlock()
		return f.Call(args)
	}).Interface()
}

func (p *people) delete(context.Context, activities.MemberRef) error {
	if p.failing["delete"] != nil {
		return p.failing["delete"]
	}
	p.account, p.marked, p.wishlists, p.grouped = "", false, 0, false
	return nil
}

// after does something some time after the start.
func (p *people) after(d time.Duration, do func()) {
	p.env.RegisterDelayedCallback(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		do()
	}, d)
}

// heard is how an update ended.
type heard struct {
	over bool
	err  error
	at   time.Duration
}

// say sends an update.
func (p *people) say(update string, args ...any) *heard {
	h := &heard{}
	end := func(err error) { h.over, h.err, h.at = true, err, p.env.Now().Sub(asked) }
	p.env.UpdateWorkflow(update, "", &testsuite.TestUpdateCallback{
		OnAccept: func() {}, OnReject: end, OnComplete: func(_ any, err error) { end(err) },
	}, args...)
	return h
}

func (p *people) run(name string, in any) {
	p.t.Helper()
	p.env.ExecuteWorkflow(name, in)
	require.True(p.t, p.env.IsWorkflowCompleted())
	require.NoError(p.t, p.env.GetWorkflowError())
}

// create is what the shop does for the API.
func (p *people) create() { p.account, p.marked = newcomer, true }

func (p *people) until(d time.Duration) workflows.Outcome {
	return workflows.Outcome{Until: asked.Add(d)}
}

func (p *people) made(d time.Duration) workflows.Outcome {
	out := p.until(d)
	out.CustomerID = newcomer
	return out
}

func TestSignUp(t *testing.T) {
	t.Parallel()
	const second = time.Second
	for name, c := range map[string]struct {
		happens func(p *people, word **heard)
		whole   bool
		refusal model.Code // of the word
		by      time.Duration
	}{
		"all goes well": {func(p *people, word **heard) {
			p.after(second, func() { p.create(); *word = p.say(workflows.UpdateCreated, p.made(20*second)) })
		}, true, "", second},
		"the shop refuses": {func(p *people, word **heard) {
			p.after(second, func() { *word = p.say(workflows.UpdateAbandoned, workflows.Outcome{}) })
		}, false, "", second},
		"nobody says a word, and there is none": {func(*people, **heard) {}, false, "", 63 * second},
		"nobody says a word, and there is one":  {func(p *people, _ **heard) { p.after(second, p.create) }, false, "", 63 * second},
		"it is created as late as can be":       {func(p *people, _ **heard) { p.after(62*second, p.create) }, false, "", 63 * second},
		"not known, and there is one": {func(p *people, word **heard) {
			p.after(second, func() { *word = p.say(workflows.UpdateUnsure, p.until(20*second)) })
			p.after(3*second, p.create)
		}, true, "", 4 * second},
		"not known, and there is none": {func(p *people, word **heard) {
			p.after(second, func() { *word = p.say(workflows.UpdateUnsure, p.until(20*second)) })
		}, false, model.CodeNoUpstream, 4 * second},
		"not known, and nobody waits": {func(p *people, word **heard) {
			p.after(second, func() { p.create(); *word = p.say(workflows.UpdateUnsure, p.until(2*second)) })
		}, false, model.CodeNoUpstream, 4 * second},
		"the word comes when nobody waits": {func(p *people, word **heard) {
			p.after(30*second, func() { p.create(); *word = p.say(workflows.UpdateCreated, p.made(20*second)) })
		}, false, model.CodeNoUpstream, 30 * second},
		"the word comes too late": {func(p *people, word **heard) {
			p.after(61*second, func() { p.create(); *word = p.say(workflows.UpdateCreated, p.made(90*second)) })
		}, false, model.CodeNoUpstream, 63 * second},
		"the first word counts": {func(p *people, word **heard) {
			p.after(second, func() { *word = p.say(workflows.UpdateAbandoned, workflows.Outcome{}) })
			p.after(second, func() { p.say(workflows.UpdateCreated, p.made(20*second)) })
		}, false, "", second},
		"no wishlist": {func(p *people, word **heard) {
			p.failing["wishlist"] = errShop
			p.after(second, func() { p.create(); *word = p.say(workflows.UpdateCreated, p.made(20*second)) })
		}, false, model.CodeNoUpstream, 10 * second},
		"a wishlist at the second try": {func(p *people, word **heard) {
			p.failing["wishlist"] = errOnce
			p.after(second, func() { p.create(); *word = p.say(workflows.UpdateCreated, p.made(20*second)) })
		}, true, "", 3 * second},
		"a wishlist when nobody waits any more": {func(p *people, word **heard) {
			p.failing["wishlist"] = errOnce
			p.after(second, func() { p.create(); *word = p.say(workflows.UpdateCreated, p.made(second+100*time.Millisecond)) })
		}, false, model.CodeNoUpstream, 3 * second},
		"no wishlist, and it cannot be deleted for hours": {func(p *people, word **heard) {
			p.failing["wishlist"], p.failing["delete"] = errShop, errShop
			p.after(second, func() { p.create(); *word = p.say(workflows.UpdateCreated, p.made(20*second)) })
			p.after(3*time.Hour, func() {
				require.Equal(p.t, newcomer, p.holder, "held until it is certain")
				delete(p.failing, "delete")
			})
		}, false, model.CodeNoUpstream, 4 * time.Hour},
		"the shop is silent for hours when it is asked": {func(p *people, _ **heard) {
			p.failing["find"] = errShop
			p.after(second, p.create)
			p.after(3*time.Hour, func() { require.NotEmpty(p.t, p.holder); delete(p.failing, "find") })
		}, false, "", 4 * time.Hour},
		"the database is away when it is freed": {func(p *people, word **heard) {
			p.failing["free"] = errShop
			p.after(second, func() { *word = p.say(workflows.UpdateAbandoned, workflows.Outcome{}) })
			p.after(time.Hour, func() { delete(p.failing, "free") })
		}, false, "", 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeople(t)
			var claim, word *heard
			p.after(0, func() { claim = p.say(workflows.UpdateClaim) })
			c.happens(p, &word)
			p.run(workflows.TypeSignUp, workflows.SignUpInput{Alias: "별", UserID: "byeol"})
			require.True(t, claim.over)
			require.NoError(t, claim.err)
			if word != nil {
				require.True(t, word.over)
				if c.refusal == "" {
					require.NoError(t, word.err)
				} else {
					require.Equal(t, c.refusal, workflows.RefusalOf(word.err).Code)
				}
			}
			if c.whole {
				require.Equal(t, []any{newcomer, newcomer, 1}, []any{p.account, p.holder, p.wishlists})
			} else {
				require.Equal(t, []any{"", "", 0}, []any{p.account, p.holder, p.wishlists})
			}
			require.LessOrEqual(t, p.env.Now().Sub(asked), c.by)
			for _, at := range p.searched {
				require.GreaterOrEqual(t, at, 3*second, "not before the shop had time")
			}
		})
	}
}

func TestSignUpWithAnothersNickname(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.holder = "somebody"
	var claim *heard
	p.after(0, func() { claim = p.say(workflows.UpdateClaim) })
	p.run(workflows.TypeSignUp, workflows.SignUpInput{Alias: "별", UserID: "byeol"})
	require.Equal(t, model.CodeDuplicatedAlias, workflows.RefusalOf(claim.err).Code)
	require.Equal(t, "somebody", p.holder)
}

func TestWelcome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(*people)
		whole   bool
		filled  int
	}{
		"all goes well": {func(*people) {}, true, 1},
		"no wishlist":   {func(p *people) { p.failing["wishlist"] = errShop }, false, 0},
		"no group":      {func(p *people) { p.failing["join"] = errShop }, false, 0},
		"no group, and it cannot be deleted for hours": {func(p *people) {
			p.failing["join"], p.failing["delete"] = errShop, errShop
			p.after(3*time.Hour, func() { delete(p.failing, "delete") })
		}, false, 0},
		"it was whole, and the shop is silent": {func(p *people) {
			p.grouped, p.wishlists = true, 1
			p.failing["join"] = errShop
		}, true, 0},
		"no profile for a while": {func(p *people) {
			p.failing["fill"] = errShop
			p.after(40*time.Second, func() { delete(p.failing, "fill") })
		}, true, 1},
		"no profile ever": {func(p *people) { p.failing["fill"] = errShop }, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeople(t)
			p.account = newcomer
			var waiting *heard
			p.after(0, func() { waiting = p.say(workflows.UpdateWelcome) })
			c.happens(p)
			p.run(workflows.TypeWelcome, workflows.WelcomeInput{CustomerID: newcomer, Profile: workflows.Profile{Nickname: "별"}})
			require.True(t, waiting.over)
			require.Equal(t, c.filled, p.filled)
			if !c.whole {
				require.Empty(t, p.account)
				require.Equal(t, model.CodeNoUpstream, workflows.RefusalOf(waiting.err).Code)
				return
			}
			require.Equal(t, []any{newcomer, true, 1}, []any{p.account, p.grouped, p.wishlists})
			require.LessOrEqual(t, waiting.at, 10*time.Second, "the profile keeps nobody waiting")
		})
	}
}

func TestWithdrawalIsFinished(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.account, p.failing["delete"], p.failing["forget"] = newcomer, errShop, errShop
	p.after(time.Hour, func() { delete(p.failing, "delete") })
	p.after(5*time.Hour, func() { delete(p.failing, "forget") })
	p.run(workflows.TypeWithdrawal, workflows.WithdrawalInput{CustomerID: newcomer, StreamID: "STREAM"})
	require.Equal(t, []string{"sessions", "STREAM"}, p.ended)
	require.Empty(t, p.account)
	require.Greater(t, p.forgotten, 1)
}

// TestResetMailIsRepeated while none was sent for certain.
func TestResetMailIsRepeated(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.failing["mail"] = temporal.NewNonRetryableApplicationError("perhaps sent", activities.ErrorDown, nil)
	p.env.ExecuteWorkflow(workflows.TypeResetMail, workflows.ResetMailInput{UserID: "byeol", Email: "byeol@byeolshow.example"})
	require.Error(t, p.env.GetWorkflowError())
	require.Equal(t, 1, p.filled)

	p = newPeople(t)
	p.failing["mail"] = errShop
	p.after(40*time.Second, func() { delete(p.failing, "mail") })
	p.run(workflows.TypeResetMail, workflows.ResetMailInput{UserID: "byeol", Email: "byeol@byeolshow.example"})
	require.Greater(t, p.filled, 3)
}

func TestSessionsEndWithTheirPassword(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(*people)
		ended   bool
	}{
		"all went well":           {func(p *people) { p.after(time.Second, func() { p.env.SignalWorkflow(workflows.SignalEnded, true) }) }, false},
		"the database was away":   {func(p *people) { p.after(time.Second, func() { p.env.SignalWorkflow(workflows.SignalEnded, false) }) }, true},
		"who changed it has died": {func(*people) {}, true},
		"the database is away, too": {func(p *people) {
			p.failing["sessions"] = errShop
			p.after(time.Hour, func() { require.NotZero(p.t, p.forgotten); p.forgotten = 0; delete(p.failing, "sessions") })
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeople(t)
			c.happens(p)
			p.run(workflows.TypeRevocation, workflows.RevocationInput{CustomerID: newcomer})
			require.Equal(t, c.ended, p.forgotten > 0)
		})
	}
}
