package sandbox_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOthersClientsWorkUnchanged points the vendor's own SDK of Clayful, and
// two of Iamport by others, at the sandbox. They come from npm.
func TestOthersClientsWorkUnchanged(t *testing.T) {
	t.Parallel()
	npm, err := exec.LookPath("npm")
	require.NoError(t, err, "install Node with npm")
	dir := t.TempDir()
	for _, file := range []string{"package.json", "package-lock.json", "clients.js"} {
		text, err := os.ReadFile(filepath.Join("testdata", "clients", file))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), text, 0o600))
	}
	install := exec.CommandContext(t.Context(), npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = dir
	output, err := install.CombinedOutput()
	require.NoError(t, err, string(output))
	w := newWorld(t)
	run := exec.CommandContext(t.Context(), "node", "clients.js")
	run.Dir = dir
	run.Env = append(os.Environ(), "CLAYFUL_URL="+w.url+"/clayful", "CLAYFUL_TOKEN=backend", "CONTROL_URL="+w.url+"/control",
		"IAMPORT_URL="+w.url+"/iamport", "IAMPORT_KEY=key", "IAMPORT_SECRET=secret", "NO_PROXY=127.0.0.1")
	output, err = run.CombinedOutput()
	require.NoError(t, err, string(output))
}
