package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAGeneratedClientShops has a third party's generator make a TypeScript
// client of the OpenAPI document, which logs in and checks out.
func TestAGeneratedClientShops(t *testing.T) {
	t.Parallel()
	who := shared.newPerson(t, members)
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "client"))))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "openapi.json"), shared.call(t, "GET", "/openapi.json", "", nil).body, 0o600))
	for _, command := range [][]string{
		{"npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"},
		{"node_modules/.bin/openapi-typescript", "openapi.json", "--output", "api.d.ts"},
		{"node_modules/.bin/tsc", "--project", "."},
		{"node", "client.js"},
	} {
		run := exec.CommandContext(t.Context(), command[0], command[1:]...)
		run.Dir = dir
		run.Env = append(os.Environ(), "API_URL=http://"+shared.api, "USER_ID="+who.userID, "PASSWORD=pass1234!", "NO_PROXY=127.0.0.1")
		output, err := run.CombinedOutput()
		require.NoError(t, err, "%v\n%s", command, output)
	}
}
