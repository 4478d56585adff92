package deploy

import (
	"os"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/stretchr/testify/require"
)

// TestDashboardFitsGrafanasTypes reads it as Grafana's own library does, by its
// types of panels and queries, in which nothing is missing or superfluous.
func TestDashboardFitsGrafanasTypes(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	text, err := os.ReadFile(root + "/deploy/grafana/byeolshow.json")
	require.NoError(t, err)
	var read dashboard.Dashboard
	// The library's list of errors is never nil.
	require.Empty(t, read.UnmarshalJSONStrict(text))
	require.NoError(t, read.Validate())
	for _, right := range []string{`"schemaVersion"`, `"gridPos"`, `"expr"`, `"fieldConfig"`} {
		wrong := strings.Replace(string(text), right, `"other"`, 1)
		require.NotEqual(t, string(text), wrong, right)
		require.NotEmpty(t, new(dashboard.Dashboard).UnmarshalJSONStrict([]byte(wrong)), right)
	}
}
