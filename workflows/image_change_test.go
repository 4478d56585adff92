package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/workflows"
)

func TestImageChange(t *testing.T) {
	t.Parallel()
	rules := workflows.DefaultRules()
	for name, test := range map[string]struct {
		end      *workflows.ImageChangeEnd // after a second; nil is never
		failures int                       // of tidying
		tidied   time.Duration             // after the beginning; 0 is never
	}{
		"all went well":     {&workflows.ImageChangeEnd{Clean: true, Certain: true}, 0, 0},
		"something is left": {&workflows.ImageChangeEnd{Certain: true}, 0, time.Second},
		"nobody knows":      {&workflows.ImageChangeEnd{}, 0, time.Second + rules.Settling},
		"the API died":      {nil, 0, rules.UploadPatience + rules.Settling},
		"the shop is down":  {&workflows.ImageChangeEnd{Certain: true}, 200, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestWorkflowEnvironment()
			in := workflows.ImageChangeInput{CustomerID: "C", Key: "k", Model: "Review", Application: "images", Old: []string{"I"}}
			began := env.Now()
			var tidied time.Duration
			env.RegisterActivityWithOptions(func(_ context.Context, got activities.ImageChange) error {
				if got.Key != in.Key || len(got.Old) != 1 {
					return errors.New("another change")
				}
				if test.failures--; test.failures >= 0 {
					return errors.New("silent")
				}
				tidied = env.Now().Sub(began)
				return nil
			}, activity.RegisterOptions{Name: "TidyImages"})
			if test.end != nil {
				env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalEnded, *test.end) }, time.Second)
			}
			env.RegisterDelayedCallback(func() {
				if test.failures <= 0 {
					return
				}
				state, err := env.QueryWorkflow(workflows.QueryState)
				require.NoError(t, err)
				var progress workflows.Progress
				require.NoError(t, state.Get(&progress))
				require.Equal(t, workflows.StuckUpstream, progress.StuckReason)
				require.Equal(t, "silent", progress.LastError)
			}, 50*time.Second)
			env.ExecuteWorkflow(rules.ImageChange, in)
			require.True(t, env.IsWorkflowCompleted())
			require.NoError(t, env.GetWorkflowError())
			if test.tidied == 0 {
				require.Zero(t, tidied)
				return
			}
			require.GreaterOrEqual(t, tidied, test.tidied)
			if test.tidied < time.Hour {
				require.Less(t, tidied, test.tidied+time.Second)
			}
		})
	}
}
