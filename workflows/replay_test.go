package workflows_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/workflows"
)

// TestHistoriesReplay replays what real broadcasts, checkouts, orders, refunds,
// sign-ups and the like went through. A change that fails here would break those
// that are under way; it needs workflow.GetVersion.
func TestHistoriesReplay(t *testing.T) {
	t.Parallel()
	histories, err := filepath.Glob("testdata/histories/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, histories)
	for _, history := range histories {
		t.Run(filepath.Base(history), func(t *testing.T) {
			t.Parallel()
			sealed, err := workflows.NewDataConverter([]workflows.SealKey{{ID: "test", Secret: []byte("0123456789abcdef0123456789abcdef")}})
			require.NoError(t, err)
			replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DataConverter: sealed})
			require.NoError(t, err)
			rules := workflows.DefaultRules()
			for name, definition := range map[string]any{
				workflows.TypeBroadcast: rules.Broadcast, workflows.TypeCheckout: rules.Checkout,
				workflows.TypeOrder: rules.Order, workflows.TypeRefund: rules.Refund, workflows.TypeCoupon: rules.Coupon,
				workflows.TypeSignUp: rules.SignUp, workflows.TypeWelcome: workflows.Welcome, workflows.TypeWithdrawal: workflows.Withdrawal,
				workflows.TypeResetMail: workflows.ResetMail, workflows.TypeImageChange: rules.ImageChange,
				workflows.TypeRevocation: workflows.Revocation,
			} {
				replayer.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name})
			}
			replayer.RegisterWorkflow(workflows.StreamWatch)
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(nil, history))
		})
	}
}
