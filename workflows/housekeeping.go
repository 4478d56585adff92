package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
)

// HousekeepingID is the workflow id of the hourly housekeeping.
const HousekeepingID = "housekeeping"

// HousekeepingTimes are when it runs, as cron says it, in UTC.
const HousekeepingTimes = "17 * * * *"

// Housekeeping forgets what nobody needs any more: sessions that are over, and
// webhook events too old to come again. It puts right the followers the shop
// shows.
func Housekeeping(ctx workflow.Context) error {
	var steps *activities.Activities
	var failed error
	for _, step := range []struct {
		summary string
		run     any
	}{
		{"Forget old sessions and webhook events", steps.Purge},
		{"Put right the followers the shop shows", steps.ShowFollowers},
	} {
		ctx := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			Summary:                step.summary,
			StartToCloseTimeout:    time.Minute,
			ScheduleToCloseTimeout: 20 * time.Minute,
			RetryPolicy:            &temporal.RetryPolicy{MaximumInterval: time.Minute},
		})
		failed = errors.Join(failed, workflow.ExecuteActivity(ctx, step.run).Get(ctx, nil))
	}
	return failed
}
