package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/workflows"
)

func TestStreamWatchTakesUpABroadcastThatLostItsWorkflow(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := newEnvironment(&suite)
	env.RegisterWorkflowWithOptions(workflows.DefaultRules().Broadcast, workflow.RegisterOptions{Name: workflows.TypeBroadcast})
	var a *activities.Activities
	env.OnActivity(a.WatchStreams, mock.Anything, mock.Anything).Return([]activities.Finding{{VODID: 7, Active: true}, {VODID: 8}}, nil)
	tookUp := make(chan int64, 10)
	env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, workflows.SignalStream, mock.Anything).Return(
		func(_, id, _, _ string, _ any) error {
			if id == workflows.BroadcastID(7) {
				return &temporal.UnknownExternalWorkflowExecutionError{}
			}
			return nil
		})
	env.OnWorkflow(workflows.TypeBroadcast, mock.Anything, mock.Anything).Return(
		func(_ workflow.Context, in workflows.BroadcastInput) (workflows.BroadcastState, error) {
			tookUp <- in.VODID
			return workflows.BroadcastState{}, nil
		})
	env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, 20*time.Second)
	env.ExecuteWorkflow(workflows.StreamWatch)
	var goesOn *workflow.ContinueAsNewError
	require.ErrorAs(t, env.GetWorkflowError(), &goesOn)
	require.Eventually(t, func() bool { return len(tookUp) > 0 }, 5*time.Second, 10*time.Millisecond)
	for len(tookUp) > 0 {
		require.Equal(t, int64(7), <-tookUp, "the other one has its workflow")
	}
}
