package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/model"
)

// Progress is what an operator is told of a workflow: what it waits for, since
// when, what keeps it, and what to do about that.
type Progress struct {
	WaitingFor  string
	Since       time.Time
	StuckReason Reason    `json:",omitempty"`
	StuckSince  time.Time `json:",omitzero"`
	StuckWith   string    `json:",omitempty"` // the step, or what else it is about
	LastError   string    `json:",omitempty"`
	ToDo        string    `json:",omitempty"` // what helps, in words
	Command     string    `json:",omitempty"` // the update that helps: retry or resolve
	Failures    int       `json:",omitempty"` // of all steps so far
	Solved      []Solved  `json:",omitempty"` // what operators did by hand

	Kept *Kept `json:",omitempty"` // only on the way from one run to the next

	troubles []*trouble
	noted    map[string]bool // flags an operator took note of
}

// Personal seals it in histories: its last error may repeat what a customer
// typed.
func (Progress) Personal() {}

// Kept is what the next run of a workflow has to know besides.
type Kept struct {
	About string          `json:",omitempty"` // what it is stuck with
	Noted map[string]bool `json:",omitempty"`
}

// carry is the progress for the next run to resume, less a vendor's words: its
// input is not sealed.
func (p Progress) carry() Progress {
	p.Kept = &Kept{Noted: p.noted}
	if t := p.shown(); t != nil {
		p.Kept.About, p.LastError = t.key, t.words
	}
	return p
}

// resume takes up what the run before had carried.
func (p *Progress) resume() {
	if p.Kept == nil {
		return
	}
	p.noted = p.Kept.Noted
	if p.Kept.About != "" {
		p.troubles = []*trouble{{
			key: p.Kept.About, reason: p.StuckReason, since: p.StuckSince, words: p.LastError, toDo: p.ToDo, command: p.Command,
		}}
	}
	p.Kept = nil
}

// Solved is that an operator saw to something by hand. Who, and how, is in the
// history, sealed.
type Solved struct {
	Stuck Reason
	At    time.Time
}

// show writes the progress on the workflow's page, below a headline.
func (p *Progress) show(ctx workflow.Context, headline string) {
	details := fmt.Sprintf("%s\n\n%s, since %s (Seoul).", headline, p.WaitingFor, model.FormatSeoul(p.Since))
	if t := p.shown(); t != nil {
		details += fmt.Sprintf("\n\n**Stuck: %s**, with: %s, since %s. Last error: %s\n\n%s\n\n`byeolshow ops %s %s`",
			p.StuckReason, p.StuckWith, model.FormatSeoul(p.StuckSince), t.words, p.ToDo, p.Command, workflow.GetInfo(ctx).WorkflowExecution.ID)
	}
	for _, s := range p.Solved {
		details += fmt.Sprintf("\n\nSeen to by hand at %s: %s.", model.FormatSeoul(s.At), s.Stuck)
	}
	workflow.SetCurrentDetails(ctx, details)
}

// Pauses between the tries of a step that keeps failing.
const (
	shortestPause = time.Minute
	longestPause  = 30 * time.Minute
)

// quickly runs a step as a local activity, which costs its caller little.
func quickly(ctx workflow.Context, summary string, longest time.Duration, attempts int32) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		Summary:                summary,
		ScheduleToCloseTimeout: longest,
		StartToCloseTimeout:    longest,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, MaximumAttempts: attempts},
	})
}

// patiently runs a step as a normal activity, which an operator sees.
func patiently(ctx workflow.Context, summary string, longest time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary:                summary,
		StartToCloseTimeout:    20 * time.Second,
		ScheduleToCloseTimeout: longest,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 15 * time.Second},
	})
}

// journal is a workflow's progress with the headline it is shown below. A
// workflow that has limits among its rules gives them to it.
type journal struct {
	progress *Progress
	headline func() string
	heard    *int   // how often somebody asked to look again
	limits   Limits // none: a step has its usual one
	repeats  bool   // says that it is stuck after each failure, as broadcasts once did
}

func (j journal) waitingFor(ctx workflow.Context, what string) {
	if p := j.progress; p.WaitingFor != what {
		p.WaitingFor, p.Since = what, workflow.Now(ctx)
	}
	j.progress.show(ctx, j.headline())
}

// effort is a step that is repeated until it succeeds.
type effort struct {
	summary   string
	step, out any
	in        func() any // as it is then

	each     time.Duration // bounds one attempt; 0 is 20 seconds
	longest  time.Duration // bounds the pauses; 0 is half an hour
	needless func(error) bool
	enough   func() bool // whether to give up after a pause
	reason   func(error) Reason
	hands    *handed // of a step that moves money
}

// errEnough is that an effort was given up.
var errEnough = errors.New("given up")

// insist repeats a step until it succeeds, with growing pauses, which a retry
// cuts short. What has failed for longer than the limit is stuck, and says so
// until it no longer is. A step whose answer nobody needs may also be done by
// hand.
func (j journal) insist(ctx workflow.Context, summary string, step, in, out any) error {
	return j.strive(ctx, effort{summary: summary, step: step, in: func() any { return in }, out: out})
}

// find repeats a search until the shop answers. That there is nothing is an
// answer, too.
func (j journal) find(ctx workflow.Context, summary string, step, in, out any) error {
	return j.strive(ctx, effort{
		summary: summary, step: step, in: func() any { return in }, out: out,
		needless: func(err error) bool { return RefusalOf(err) != nil },
	})
}

// strive makes an effort. An error it became needless with is answered.
func (j journal) strive(ctx workflow.Context, e effort) error {
	limit := j.limits.Step
	if limit == 0 {
		limit = trying
	}
	if e.longest == 0 {
		e.longest = longestPause
	}
	if e.reason == nil {
		e.reason = reasonOf
	}
	needless := func(err error) bool { return err == nil || e.needless != nil && e.needless(err) }
	for pause := shortestPause; ; pause = min(2*pause, e.longest) {
		options := patiently(ctx, e.summary, limit)
		if e.each > 0 {
			options = workflow.WithStartToCloseTimeout(options, e.each)
		}
		err := workflow.ExecuteActivity(options, e.step, e.in()).Get(ctx, e.out)
		if temporal.IsCanceledError(err) {
			return err
		}
		if needless(err) {
			return errors.Join(err, j.loosen(ctx, e.summary))
		}
		j.progress.Failures++
		t, stickErr := j.stick(ctx, trouble{
			key: e.summary, reason: e.reason(err), words: lastWords(err), theirs: theirWords(err), command: commandRetry,
			step: true, needed: e.out != nil, hands: e.hands,
		})
		if stickErr != nil {
			return stickErr
		}
		heard := *j.heard
		if _, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
			Timeout: pause, TimerOptions: workflow.TimerOptions{Summary: "Pause before trying again: " + e.summary},
		}, func() bool { return *j.heard != heard || t.solved }); err != nil {
			return err
		}
		switch {
		case needless(err):
			return errors.Join(err, j.loosen(ctx, e.summary))
		case t.solved:
			return j.loosen(ctx, e.summary)
		case e.enough != nil && e.enough():
			return errEnough
		}
	}
}

// soon runs a step at once, and, when that fails, for as long as it takes. A
// refusal by the business is answered.
func (j journal) soon(ctx workflow.Context, summary string, step, in, out any) error {
	err := workflow.ExecuteLocalActivity(quickly(ctx, summary, 5*time.Second, 2), step, in).Get(ctx, out)
	if err == nil || RefusalOf(err) != nil || temporal.IsCanceledError(err) {
		return err
	}
	if (j.limits == Limits{}) { // those of before went on asking, whatever was answered
		return j.insist(ctx, summary, step, in, out)
	}
	return j.find(ctx, summary, step, in, out)
}

// long tells whether a workflow should go on in a run of its own. One that was
// long before its kind could do so may with its next thousands of events.
func long(ctx workflow.Context, kind string) bool {
	info := workflow.GetInfo(ctx)
	return info.GetContinueAsNewSuggested() &&
		workflow.GetVersion(ctx, fmt.Sprintf("long %s %d", kind, info.GetCurrentHistoryLength()/10_000), workflow.DefaultVersion, 1) == 1
}

// until waits for a condition, or a time. The timer carries the summary.
func until(ctx workflow.Context, at time.Time, summary string, woken func() bool) error {
	wait := at.Sub(workflow.Now(ctx))
	if wait <= 0 {
		return nil
	}
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: wait, TimerOptions: workflow.TimerOptions{Summary: summary},
	}, woken)
	return err
}
