package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// operator is what an operator's Temporal tools see.
func (s *system) operator(t *testing.T) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: s.temporal})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// keepHouse does what is done each hour.
func (s *system) keepHouse(t *testing.T) {
	t.Helper()
	run, err := s.operator(t).ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: "broadcasts"}, "Housekeeping")
	require.NoError(t, err)
	require.NoError(t, run.Get(t.Context(), nil))
}

// stuck is why a workflow is stuck, "" when it is not.
func (s *system) stuck(t *testing.T, workflowID string) string {
	t.Helper()
	found, err := s.operator(t).DescribeWorkflow(t.Context(), workflowID, "")
	require.NoError(t, err)
	reason, _ := found.TypedSearchAttributes.GetKeyword(temporal.NewSearchAttributeKeyKeyword("StuckReason"))
	return reason
}

func (s *system) signal(t *testing.T, workflowID, name string) {
	t.Helper()
	require.NoError(t, s.operator(t).SignalWorkflow(t.Context(), workflowID, "", name, nil))
}
