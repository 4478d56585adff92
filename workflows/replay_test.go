package workflows_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/workflows"
)

// TestHistoriesReplay replays what real broadcasts went through. A change that
// fails here would break those that are under way; it needs workflow.GetVersion.
func TestHistoriesReplay(t *testing.T) {
	t.Parallel()
	histories, err := filepath.Glob("testdata/histories/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, histories)
	for _, history := range histories {
		t.Run(filepath.Base(history), func(t *testing.T) {
			t.Parallel()
			replayer := worker.NewWorkflowReplayer()
			replayer.RegisterWorkflowWithOptions(workflows.DefaultRules().Broadcast, workflow.RegisterOptions{Name: workflows.TypeBroadcast})
			replayer.RegisterWorkflow(workflows.StreamWatch)
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(nil, history))
		})
	}
}
