package workflows

import (
	"strings"
	"time"
	"unicode/utf8"

	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
)

// Updates an operator may ask of a workflow. Both answer with its Progress.
const (
	// UpdateRetry has no argument: what pauses is tried now. The refusal is
	// CodeNotStuck when nothing pauses.
	UpdateRetry = "retry"
	// UpdateResolve takes a Resolution: what StuckReason tells of was seen to by
	// hand, and is no longer tried. Money is taken out of the workflow's hands
	// first, and said to be back once it is. Refusals: CodeNotStuck,
	// CodeNotByHand, CodeInvalid.
	UpdateResolve = "resolve"
)

// Resolution is how an operator solved what a workflow is stuck with.
type Resolution struct {
	By, Reason string
	Stuck      Reason // as the operator saw it: it may have changed since
	Returned   bool   // of money: it is back; else a person is about to give it

	// With and Since are StuckWith and StuckSince, as the operator saw them.
	With  string    `json:",omitempty"`
	Since time.Time `json:",omitzero"`
}

// of tells whether it was this trouble that the operator saw. Resolutions of
// before named only the reason.
func (r Resolution) of(t *trouble) bool {
	return t != nil && r.Stuck == t.reason && (r.Since.IsZero() || r.With == t.key && r.Since.Equal(t.since))
}

// Personal marks it to be sealed in histories: it names people.
func (Resolution) Personal() {}

// longestWords is how much an operator may write, in characters.
const longestWords = 500

// signed checks that somebody gave a reason.
func signed(by, reason string) error {
	for _, text := range []string{by, reason} {
		if strings.TrimSpace(text) == "" || !utf8.ValidString(text) || utf8.RuneCountInString(text) > longestWords {
			return activities.Refuse(&model.Error{Code: model.CodeInvalid, Detail: "who did it, and why, has to be said in at most 500 characters"})
		}
	}
	return nil
}

// obey opens a workflow to its operators: the updates retry and resolve.
func (j journal) obey(ctx workflow.Context) error {
	return j.obeyWith(ctx, j.mayRetry, func() {})
}

// open is obey for a workflow that knows nothing but its progress, which it
// also tells who asks.
func (j journal) open(ctx workflow.Context) error {
	if err := workflow.SetQueryHandler(ctx, QueryState, func() (Progress, error) { return *j.progress, nil }); err != nil {
		return err
	}
	return j.obey(ctx)
}

// obeyWith is obey for a workflow with pauses besides those of failing steps:
// it is asked whether there is something to try, and told to.
func (j journal) obeyWith(ctx workflow.Context, mayRetry func() error, retry func()) error {
	err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateRetry, func(workflow.Context) (Progress, error) {
		*j.heard++
		retry()
		return *j.progress, nil
	}, workflow.UpdateHandlerOptions{
		Validator:   func(workflow.Context) error { return mayRetry() },
		Description: "Cut the pause short and try now",
	})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateResolve, j.resolve, workflow.UpdateHandlerOptions{
		Validator:   func(_ workflow.Context, r Resolution) error { return j.mayResolve(r) },
		Description: "It was seen to by hand: do not try any more",
	})
}

// mayRetry refuses unless a step pauses that is the workflow's own to do.
func (j journal) mayRetry() error {
	detail := "nothing is stuck: it waits for what its page says"
	for _, t := range j.progress.troubles {
		switch {
		case t.step && !t.hands.taken():
			return nil
		case t.step:
			detail = "the money is left to a person: it is not tried any more"
		default:
			detail = "nothing is left to try: take note with resolve"
		}
	}
	return activities.Refuse(&model.Error{Code: model.CodeNotStuck, Detail: detail})
}

func (j journal) mayResolve(r Resolution) error {
	if err := signed(r.By, r.Reason); err != nil {
		return err
	}
	t := j.progress.shown()
	switch {
	case !r.of(t):
		return activities.Refuse(&model.Error{Code: model.CodeNotStuck, Detail: "it is not, or no longer, stuck so: " + string(r.Stuck) + ", with " + r.With})
	case r.Since.IsZero():
		return activities.Refuse(&model.Error{Code: model.CodeInvalid, Detail: "what it was stuck with, and since when, has to be said"})
	case t.hands != nil && !r.Returned && (j.limits == Limits{}):
		return activities.Refuse(&model.Error{Code: model.CodeNotByHand, Detail: "it began before it could be handed over so: send it the signal by-hand, give the money, and say so"})
	case t.hands.taken() && !t.hands.left:
		return activities.Refuse(&model.Error{Code: model.CodeNotByHand, Detail: "its last attempt has not ended yet: look again in a minute"})
	case t.hands.taken() && !r.Returned:
		return activities.Refuse(&model.Error{Code: model.CodeNotByHand, Detail: "its money is left to a person already: say so when it is back"})
	case t.step && t.needed:
		return activities.Refuse(&model.Error{Code: model.CodeNotByHand, Detail: "its answer is needed to go on: only retry helps"})
	}
	return nil
}

func (j journal) resolve(ctx workflow.Context, r Resolution) (Progress, error) {
	t := j.progress.shown()
	if !r.of(t) {
		return *j.progress, j.mayResolve(r)
	}
	switch {
	case t.hands != nil:
		if err := j.handOver(ctx, t.hands, r.Returned); err != nil {
			return *j.progress, err
		}
	case t.step:
		t.solved = true
	default:
		if j.progress.noted == nil {
			j.progress.noted = map[string]bool{}
		}
		j.progress.noted[t.key] = true
		if err := j.loosen(ctx, t.key); err != nil {
			return *j.progress, err
		}
	}
	if t.hands == nil || r.Returned {
		j.progress.Solved = append(j.progress.Solved, Solved{Stuck: t.reason, At: workflow.Now(ctx)})
	}
	j.progress.show(ctx, j.headline())
	return *j.progress, nil
}

// handOver lets a person give the money, once the attempt under way has ended,
// and takes their word that it is back.
func (j journal) handOver(ctx workflow.Context, h *handed, returned bool) error {
	if !h.taken() {
		h.times = 1
		*j.heard++
		if err := workflow.Await(ctx, func() bool { return h.over || h.left }); err != nil {
			return err
		}
		if h.over && returned {
			return activities.Refuse(&model.Error{Code: model.CodeNotByHand, Detail: "its own last attempt ended it: compare with the payment console whether the money went twice"})
		}
	}
	if !returned {
		return nil
	}
	h.times = 2
	return workflow.Await(ctx, func() bool { return h.over })
}

// handed is whose hands a return of money is in: the workflow's; or, from the
// first time somebody asked for it, a person's, who says so again when the
// money is back.
type handed struct {
	times int  // how often somebody asked
	left  bool // the last attempt of the workflow has ended
	over  bool // the money is back, or is not to go
}

func (h *handed) taken() bool { return h != nil && h.times > 0 }

// payBack gives money back, once: by itself, or, when a person has taken it
// over, by waiting for that person. Of an error the attempt became needless
// with it is nobody's to give.
func (j journal) payBack(ctx workflow.Context, h *handed, amount model.KRW, e effort, needless func(error) bool) error {
	h.over = false
	defer func() { h.over = true }()
	if !h.taken() {
		e.hands, e.needless = h, func(err error) bool { return h.taken() || needless(err) }
		if err := j.strive(ctx, e); err == nil || needless(err) || !h.taken() {
			return err
		}
	}
	h.left = true
	if err := j.flag(ctx, trouble{
		key: e.summary, reason: StuckOperator, words: "its money is left to a person", command: commandResolve, step: true, hands: h,
		toDo: "Give " + grouped(amount) + " won back in the payment console, with the words in brackets in its reason: [" + e.reference() + "]. Then `resolve --returned`.",
	}); err != nil {
		return err
	}
	if err := workflow.Await(ctx, func() bool { return h.times > 1 }); err != nil {
		return err
	}
	return j.lower(ctx, e.summary)
}

// reference is what the payment console's record tells a return of money by.
func (e effort) reference() string {
	if in, ok := e.in().(activities.Return); ok {
		return in.Reference
	}
	return ""
}
