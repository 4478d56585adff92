package e2e

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestBackupIsRestored takes a backup of the running system and goes on from it
// with another database: the same lists, the same members, and a broadcast
// whose workflow is lost as well still goes live.
func TestBackupIsRestored(t *testing.T) {
	url := shared.variable("DATABASE_URL")
	sh := func(url string, args ...string) (string, error) {
		cmd := exec.Command(args[0], args[1:]...)
		programs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
		cmd.Env = append(cmd.Environ(), "DATABASE_URL="+url, "PATH="+strings.Join(append(programs, os.Getenv("PATH")), ":"))
		output, err := cmd.CombinedOutput()
		return string(output), err
	}
	must := func(url string, args ...string) {
		t.Helper()
		output, err := sh(url, args...)
		require.NoError(t, err, "%s: %s", args, output)
	}

	star, other := shared.newSeller(t), shared.newSeller(t)
	onAir, _ := other.reserveIn(t, 2*time.Second)
	other.connect(t)
	shared.awaitStatus(t, onAir, "live", time.Minute)
	show, at := star.reserveIn(t, 12*time.Second)
	fan := newShopper(t)
	require.Equal(t, 202, fan.call("POST", "/user/myvod/", map[string]any{"vod_id": onAir}).status)

	file := filepath.Join(t.TempDir(), "backup")
	must(url, "../deploy/backup/backup.sh", file)
	name := "restored_" + strings.ToLower(rand.Text()[:10])
	must(url, "psql", "--dbname", url, "--command", "CREATE DATABASE "+name)
	restored := strings.Replace(url, "/byeolshow?", "/"+name+"?", 1)
	require.NotEqual(t, url, restored)
	must(restored, "../deploy/backup/restore.sh", file)
	output, err := sh(restored, "../deploy/backup/restore.sh", file)
	require.Error(t, err, "a second time")
	require.Contains(t, output, "not empty")
	must(restored, shared.program, "migrate")

	shared.killWorker()
	t.Cleanup(shared.startWorker)
	require.NoError(t, shared.operator(t).TerminateWorkflow(t.Context(), "broadcast/"+strconv.Itoa(show), "", "lost"))
	api := shared.startNode(t, "api", "DATABASE_URL="+restored)
	api.awaitAnswering(t)
	shared.startNode(t, "worker", "DATABASE_URL="+restored)
	for _, path := range []string{
		"/media/schedule/ready/", "/media/schedule/today/live/", "/media/schedule/future/", "/media/get/?media_id=" + strconv.Itoa(onAir),
		"/user/myvod/", "/order/",
	} {
		before, after := fan.call("GET", path, nil), call(t, "GET", "http://"+api.address+path, fan.token, nil)
		require.Equal(t, before.status, after.status, path)
		require.JSONEq(t, string(before.body), string(after.body), path)
	}
	got := call(t, "POST", "http://"+api.address+"/media/reserve/", star.token, reservation(nil))
	require.Equal(t, 202, got.status, string(got.body))
	require.Greater(t, int(got.object(t)["success"].(map[string]any)["data"].(map[string]any)["vod_id"].(float64)), show+99_999)
	star.connect(t)
	require.Eventually(t, func() bool {
		got := call(t, "GET", "http://"+api.address+"/media/get/?media_id="+strconv.Itoa(show), "", nil)
		return strings.Contains(string(got.body), `"status":"live"`)
	}, time.Until(at)+time.Minute, 100*time.Millisecond)
	star.disconnect(t)
	other.disconnect(t)
}
