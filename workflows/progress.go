package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
)

// Progress is what an operator is told of a workflow: what it waits for, since
// when, and what keeps it.
type Progress struct {
	WaitingFor  string
	Since       time.Time
	StuckReason string `json:",omitempty"`
	LastError   string `json:",omitempty"`
}

// show writes the progress on the workflow's page, below a headline.
func (p *Progress) show(ctx workflow.Context, headline string) {
	details := fmt.Sprintf("%s\n\n%s, since %s (Seoul).", headline, p.WaitingFor, model.FormatSeoul(p.Since))
	if p.StuckReason != "" {
		details += fmt.Sprintf("\n\n**Stuck: %s.** Last error: %s. %s", p.StuckReason, p.LastError, remedies[p.StuckReason])
	}
	workflow.SetCurrentDetails(ctx, details)
}

func (p *Progress) wait(ctx workflow.Context, headline, what string) {
	if p.WaitingFor != what {
		p.WaitingFor, p.Since = what, workflow.Now(ctx)
	}
	p.show(ctx, headline)
}

// stick says that the workflow is stuck, and why.
func (p *Progress) stick(ctx workflow.Context, headline string, cause error) error {
	reason := reasonOf(cause)
	changed := p.StuckReason != reason
	p.StuckReason, p.LastError = reason, lastWords(cause)
	p.show(ctx, headline)
	if !changed {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, AttributeStuck.ValueSet(reason))
}

// loosen takes back what stick said.
func (p *Progress) loosen(ctx workflow.Context, headline string) error {
	if p.StuckReason == "" {
		return nil
	}
	p.StuckReason, p.LastError = "", ""
	p.show(ctx, headline)
	return workflow.UpsertTypedSearchAttributes(ctx, AttributeStuck.ValueUnset())
}

// Reasons in StuckReason of what has to do with money.
const (
	// StuckUpstream: a vendor is silent or broken.
	StuckUpstream = "upstream-down"
	// StuckRefused: a vendor refuses, in the words of the last error.
	StuckRefused = "upstream-refusing"
	// StuckOperator: only a person can go on.
	StuckOperator = "operator-needed"
)

var remedies = map[string]string{
	StuckUpstream: "It is repeated until the vendor answers.",
	StuckRefused:  "It is repeated with growing pauses; see the vendor's console.",
	StuckOperator: "Have the customer register an account for refunds, then send the signal `changed`. " +
		"Or give the money back by hand in the payment console; of a refund, send the signal `by-hand` first and when it is done, and name the refund in the reason.",
}

// reasonOf sorts what keeps a step from succeeding.
func reasonOf(cause error) string {
	var app *temporal.ApplicationError
	if !errors.As(cause, &app) {
		return StuckUpstream
	}
	switch {
	case app.Type() == activities.ErrorNoAccount, app.Type() == activities.ErrorNothingLeft:
		return StuckOperator
	case app.Type() == activities.ErrorRefused, RefusalOf(cause) != nil:
		return StuckRefused
	}
	return StuckUpstream
}

// lastWords is what the failing step itself said.
func lastWords(cause error) string {
	var app *temporal.ApplicationError
	if errors.As(cause, &app) {
		return app.Message()
	}
	return cause.Error()
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

// journal is a workflow's progress with the headline it is shown below.
type journal struct {
	progress *Progress
	headline func() string
	heard    *int // how often somebody asked to look again
}

func (j journal) waitingFor(ctx workflow.Context, what string) {
	j.progress.wait(ctx, j.headline(), what)
}

// trying is how long a step is tried before it is called stuck: long enough for
// another try when the worker of the first one died.
const trying = 45 * time.Second

// insist repeats a step until it succeeds, with growing pauses, which a signal
// cuts short. What has failed that long is stuck, and says so until it
// no longer is.
func (j journal) insist(ctx workflow.Context, summary string, step, in, out any) error {
	return j.insistUnless(ctx, summary, step, in, out, func(error) bool { return false })
}

// insistUnless is insist for a step that may become needless: the error it
// failed with last is answered then.
func (j journal) insistUnless(ctx workflow.Context, summary string, step, in, out any, needless func(error) bool) error {
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		err := workflow.ExecuteActivity(patiently(ctx, summary, trying), step, in).Get(ctx, out)
		if temporal.IsCanceledError(err) {
			return err
		}
		if err == nil || needless(err) {
			return errors.Join(err, j.progress.loosen(ctx, j.headline()))
		}
		if err := j.progress.stick(ctx, j.headline(), err); err != nil {
			return err
		}
		heard := *j.heard
		if _, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
			Timeout: pause, TimerOptions: workflow.TimerOptions{Summary: "Pause before trying again: " + summary},
		}, func() bool { return *j.heard != heard }); err != nil {
			return err
		}
		if needless(err) {
			return errors.Join(err, j.progress.loosen(ctx, j.headline()))
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
	return j.insist(ctx, summary, step, in, out)
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
