package workflows

import (
	"errors"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
)

// AttributeStuck holds the Reason of a workflow that is stuck.
var AttributeStuck = temporal.NewSearchAttributeKeyKeyword("StuckReason")

// Reason is why a workflow is stuck: one of the kinds below, and where a vendor
// is to blame its name after a colon, as in upstream-down:iamport.
type Reason string

// The kinds of reasons.
const (
	// StuckUpstream: a vendor, or the database, is silent or broken.
	StuckUpstream Reason = "upstream-down"
	// StuckRefused: a vendor refuses, in the words of the last error.
	StuckRefused Reason = "upstream-refusing"
	// StuckCleanUp: a vendor keeps what is left of a deleted broadcast.
	StuckCleanUp Reason = "cleanup-failing"
	// StuckMismatch: an order was paid with another amount than was due. It was
	// cancelled and the money given back; its customer should hear of it.
	StuckMismatch Reason = "mismatch-given-back"
	// StuckNotice: an order is paid, and Iamport's notice of that never came.
	StuckNotice Reason = "notice-missing"
	// StuckOperator: only a person can go on.
	StuckOperator Reason = "operator-needed"
)

// At is the reason with the vendor it is about.
func (r Reason) At(vendor string) Reason {
	if vendor == "" {
		return r
	}
	return r.Kind() + ":" + Reason(vendor)
}

// Kind is the reason without its vendor.
func (r Reason) Kind() Reason {
	kind, _, _ := strings.Cut(string(r), ":")
	return Reason(kind)
}

// Limits are how long a workflow may wait before it says that it is stuck.
type Limits struct {
	// Step is how long a step may fail: long enough for another try when the
	// worker of the first one died.
	Step time.Duration
	// Notice is how long after a payment Iamport's notice of it may take.
	Notice time.Duration
	// Encoder is how long after its time a broadcast may wait for its encoder.
	Encoder time.Duration
	// Recording is how long after its end it may wait for its recording.
	Recording time.Duration
	// Acceptance is how long the shop may take to rule on a refund.
	Acceptance time.Duration
	// Delivery is how long a paid order may be on its way.
	Delivery time.Duration
	// Shown is how long what mended itself is left in the operators' list, unless
	// one of them takes note before.
	Shown time.Duration
}

// DefaultLimits are the limits of the house.
func DefaultLimits() Limits {
	return Limits{
		Step: trying, Notice: 3 * time.Minute, Encoder: 5 * time.Minute, Recording: time.Hour,
		Acceptance: 72 * time.Hour, Delivery: 14 * 24 * time.Hour, Shown: 72 * time.Hour,
	}
}

// trying is the limit of a step where none is set.
const trying = 45 * time.Second

// Commands an operator is told to use.
const (
	commandRetry   = UpdateRetry
	commandResolve = UpdateResolve
)

var remedies = map[Reason]string{
	StuckUpstream: "It is repeated with growing pauses until it answers; `retry` cuts the pause short.",
	StuckRefused:  "It is repeated with growing pauses. See the vendor's console for what it dislikes, then `retry`; or do by hand what it refuses and `resolve`.",
	StuckCleanUp:  "It is repeated with growing pauses; `retry` cuts the pause short. Or remove it in the vendor's dashboard and `resolve`.",
	StuckMismatch: "Tell the customer, then `resolve`.",
	StuckNotice:   "Check the address of the notice in Iamport's console. `retry` has Iamport asked once more.",
	StuckOperator: "Do what is missing, then `retry`; or do it by hand and `resolve`.",
}

// trouble is one thing that keeps a workflow from going on.
type trouble struct {
	key     string // what it is about: one trouble each
	reason  Reason
	since   time.Time
	words   string // of the failing step itself
	theirs  string // the vendor's, which may repeat a customer's: they stay sealed
	toDo    string // "" is the remedy of the reason
	command string // that an operator is advised to use

	step   bool    // a step is tried again and again
	needed bool    // what the step answers is needed: nobody can do it by hand
	hands  *handed // for money
	solved bool    // an operator did it by hand, or took note
}

func (t *trouble) remedy() string {
	if t.toDo != "" {
		return t.toDo
	}
	return remedies[t.reason.Kind()]
}

// stick says that the workflow is stuck, and why. Of several troubles the
// oldest is shown.
func (j journal) stick(ctx workflow.Context, t trouble) (*trouble, error) {
	p := j.progress
	i := slices.IndexFunc(p.troubles, j.about(t.key))
	if i < 0 {
		i, t.since = len(p.troubles), workflow.Now(ctx)
		p.troubles = append(p.troubles, &trouble{})
	} else {
		t.since, t.solved = p.troubles[i].since, p.troubles[i].solved
	}
	*p.troubles[i] = t
	return p.troubles[i], j.tell(ctx, j.repeats)
}

// loosen takes back what stick said about something.
func (j journal) loosen(ctx workflow.Context, key string) error {
	j.progress.troubles = slices.DeleteFunc(j.progress.troubles, j.about(key))
	return j.tell(ctx, false)
}

// about finds the trouble about something. Workflows that began before their
// limits were among their rules knew one trouble at a time.
func (j journal) about(key string) func(*trouble) bool {
	return func(t *trouble) bool { return t.key == key || j.limits == Limits{} }
}

// tell shows the oldest trouble, or that there is none.
func (j journal) tell(ctx workflow.Context, again bool) error {
	p, was := j.progress, j.progress.StuckReason
	p.StuckReason, p.StuckSince, p.StuckWith, p.LastError, p.ToDo, p.Command = "", time.Time{}, "", "", "", ""
	if t := p.shown(); t != nil {
		p.StuckReason, p.StuckSince, p.StuckWith, p.LastError, p.ToDo, p.Command = t.reason, t.since, t.key, t.words, t.remedy(), t.command
		if t.theirs != "" {
			p.LastError += ": " + t.theirs
		}
	}
	p.show(ctx, j.headline())
	switch {
	case p.StuckReason == was && !again:
		return nil
	case p.StuckReason == "":
		return workflow.UpsertTypedSearchAttributes(ctx, AttributeStuck.ValueUnset())
	}
	return workflow.UpsertTypedSearchAttributes(ctx, AttributeStuck.ValueSet(string(p.StuckReason)))
}

// shown is the trouble an operator is told of, nil when there is none.
func (p *Progress) shown() *trouble {
	if len(p.troubles) == 0 {
		return nil
	}
	return p.troubles[0]
}

// flag says that a person should look, until loosen, or until one took note:
// then it is not said again.
func (j journal) flag(ctx workflow.Context, t trouble) error {
	if (j.limits == Limits{}) || j.progress.noted[t.key] {
		return nil
	}
	_, err := j.stick(ctx, t)
	return err
}

// lower takes a flag down, and lets it be raised again.
func (j journal) lower(ctx workflow.Context, key string) error {
	delete(j.progress.noted, key)
	if j.stuckWith(key) {
		return j.loosen(ctx, key)
	}
	return nil
}

func (j journal) stuckWith(key string) bool { return j.trouble(key) != nil }

// trouble is the trouble about something, nil when there is none.
func (j journal) trouble(key string) *trouble {
	for _, t := range j.progress.troubles {
		if t.key == key {
			return t
		}
	}
	return nil
}

// pointOut keeps in the operators' list what has mended itself, until one of
// them took note, it is over, or it has been there long enough.
func (j journal) pointOut(ctx workflow.Context, t trouble, over func() bool) error {
	if (j.limits == Limits{}) || over() {
		return nil
	}
	if err := j.flag(ctx, t); err != nil {
		return err
	}
	if _, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: j.limits.Shown, TimerOptions: workflow.TimerOptions{Summary: "Leave it in the operators' list: " + string(t.reason)},
	}, func() bool { return over() || j.progress.noted[t.key] }); err != nil {
		return err
	}
	return j.lower(ctx, t.key)
}

// errorRefusedOnce is how a refusal by Iamport is called in older histories.
const errorRefusedOnce = "iamport-refused"

// reasonOf sorts what keeps a step from succeeding.
func reasonOf(cause error) Reason {
	var app *temporal.ApplicationError
	if !errors.As(cause, &app) {
		return StuckUpstream
	}
	switch app.Type() {
	case activities.ErrorNoAccount, activities.ErrorNothingLeft:
		return StuckOperator
	case activities.ErrorDown:
		return StuckUpstream.At(activities.Blamed(app).System)
	case activities.ErrorRefused, errorRefusedOnce:
		return StuckRefused.At(activities.Blamed(app).System)
	}
	if RefusalOf(cause) != nil { // of all systems the shop alone words its refusals so
		return StuckRefused.At(activities.VendorClayful)
	}
	return StuckUpstream
}

// lastWords is what the failing step itself said, without its vendor's words.
func lastWords(cause error) string {
	var app *temporal.ApplicationError
	if errors.As(cause, &app) {
		return app.Message()
	}
	return cause.Error()
}

// theirWords is what the vendor said to the failing step, "" when nothing.
func theirWords(cause error) string {
	if refusal := RefusalOf(cause); refusal != nil && refusal.Status != 0 {
		return refusal.Detail
	}
	var app *temporal.ApplicationError
	if !errors.As(cause, &app) {
		return ""
	}
	return activities.Blamed(app).Words
}
