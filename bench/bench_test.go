// Package bench measures byeolshow as `make run` starts it, on this machine.
package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store"
	"github.com/byeolshow/byeolshow/workflows"
)

// house is a running byeolshow.
type house struct {
	dir, api string
	sandbox  string
	env      []string // of its parts
	pool     *pgxpool.Pool
	store    *store.Store
	temporal client.Client
}

// start starts a house for one benchmark and ends it with it.
func start(b *testing.B) *house {
	b.Helper()
	dir := b.TempDir()
	for _, path := range []string{dir, filepath.Dir(dir)} {
		require.NoError(b, os.Chmod(path, 0o755)) //nolint:gosec // Postgres is another user
	}
	addresses := make([]string, 5)
	for i := range addresses {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		addresses[i] = listener.Addr().String()
		require.NoError(b, listener.Close())
	}
	h := &house{dir: filepath.Join(dir, "data"), api: "http://" + addresses[0], sandbox: "http://" + addresses[1]}
	dev := exec.Command("../bin/byeolshow", "dev")
	dev.Dir = ".."
	dev.Path, _ = filepath.Abs("../bin/byeolshow")
	dev.Env = append(os.Environ(), "DATA_DIR="+h.dir, "HTTP_ADDR="+addresses[0], "SANDBOX_ADDR="+addresses[1],
		"TEMPORAL_DEV_ADDR="+addresses[2], "TEMPORAL_UI_ADDR="+addresses[3], "CODEC_ADDR="+addresses[4], "SANDBOX_AUTO_ENCODER=off", "LOG_LEVEL=error")
	require.NoError(b, dev.Start())
	b.Cleanup(func() {
		require.NoError(b, dev.Process.Signal(syscall.SIGTERM))
		_ = dev.Wait()
	})
	require.Eventually(b, func() bool {
		response, err := http.Get(h.api + "/ping/")
		if err == nil {
			_ = response.Body.Close()
		}
		_, pid := os.Stat(filepath.Join(h.dir, "run", "worker.pid"))
		return err == nil && pid == nil
	}, 10*time.Minute, 100*time.Millisecond)
	text, err := os.ReadFile(filepath.Join(h.dir, "run", "env"))
	require.NoError(b, err)
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		env[name] = strings.Trim(value, "'")
		h.env = append(h.env, name+"="+env[name])
	}
	h.pool, err = pgxpool.New(b.Context(), env["DATABASE_URL"])
	require.NoError(b, err)
	b.Cleanup(h.pool.Close)
	h.store = store.New(h.pool)
	h.temporal, err = client.Dial(client.Options{HostPort: env["TEMPORAL_ADDRESS"]})
	require.NoError(b, err)
	b.Cleanup(h.temporal.Close)
	return h
}

// reserve reserves n broadcasts of as many influencers, whose streams are
// active, as the API does.
func (h *house) reserve(b *testing.B, n int, at func(int) *time.Time) []int64 {
	b.Helper()
	ids := make([]int64, n)
	var group errgroup.Group
	group.SetLimit(16)
	for i := range n {
		group.Go(func() error {
			ctx := context.Background()
			stream, playback := fmt.Sprintf("bench-stream-%d", i), fmt.Sprintf("bench-play-%d", i)
			_, err := h.pool.Exec(ctx, `
				INSERT INTO sandbox_mux.stream (id, stream_key, status, body) VALUES ($1, $1, 'active',
				  jsonb_build_object('id', $1::text, 'stream_key', $1::text, 'status', 'active', 'playback_ids', '[]'::jsonb))
				ON CONFLICT DO NOTHING`, stream)
			if err != nil {
				return err
			}
			if ids[i], err = h.store.NextVODID(ctx); err != nil {
				return err
			}
			now := time.Now().UTC()
			description := strings.Repeat("별쇼에서 만나요. ", 4)
			reservation := model.Broadcast{
				VODID: ids[i], InfluencerID: "bench-" + strconv.Itoa(i), InfluencerName: "별" + strconv.Itoa(i),
				MuxLivestreamID: stream, MuxLivestreamPlaybackID: &playback, Status: model.StatusReady, ArmedAt: now,
				Details: model.Details{Title: "측정 방송 " + strconv.Itoa(i), Description: &description, ProductName: "상품", StartedAt: at(i)},
			}
			_, err = h.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
				ID: workflows.BroadcastID(ids[i]), TaskQueue: workflows.QueueBroadcasts,
			}, workflows.TypeBroadcast, workflows.BroadcastInput{VODID: ids[i], Reservation: &reservation})
			return err
		})
	}
	require.NoError(b, group.Wait())
	return ids
}

func (h *house) count(b *testing.B, where string) int {
	b.Helper()
	var n int
	require.NoError(b, h.pool.QueryRow(b.Context(), "SELECT count(*) FROM media_stream WHERE influencer_id LIKE 'bench-%' AND "+where).Scan(&n))
	return n
}

func (h *house) lateness(b *testing.B, at func(int) *time.Time) {
	b.Helper()
	const shows = 500
	h.reserve(b, shows, at)
	seen := map[int64]float64{} // lateness of what everybody can see
	require.Eventually(b, func() bool {
		rows, err := h.pool.Query(b.Context(), "SELECT vod_id, started_at FROM media_stream WHERE influencer_id LIKE 'bench-%' AND status = 'live'")
		require.NoError(b, err)
		for rows.Next() {
			var id int64
			var at time.Time
			require.NoError(b, rows.Scan(&id, &at))
			if _, known := seen[id]; !known {
				seen[id] = time.Since(at).Seconds()
			}
		}
		require.NoError(b, rows.Err())
		return len(seen) == shows
	}, 5*time.Minute, 10*time.Millisecond)
	late := slices.Sorted(maps.Values(seen))
	b.ReportMetric(late[len(late)/2], "s-late-p50")
	b.ReportMetric(late[len(late)*99/100], "s-late-p99")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStart500InOneSecond: how late broadcasts of the same second start.
func BenchmarkStart500InOneSecond(b *testing.B) {
	h := start(b)
	at := time.Now().Add(75 * time.Second).Truncate(time.Second)
	h.lateness(b, func(int) *time.Time { return &at })
}

// BenchmarkStart500InOneMinute: how late broadcasts spread over a minute start.
func BenchmarkStart500InOneMinute(b *testing.B) {
	h := start(b)
	began := time.Now().Add(75 * time.Second)
	h.lateness(b, func(i int) *time.Time {
		at := began.Add(time.Duration(i) * 120 * time.Millisecond)
		return &at
	})
}

// BenchmarkTenThousandPending: memory of worker and API with 10,000 reserved
// broadcasts, against none.
func BenchmarkTenThousandPending(b *testing.B) {
	h := start(b)
	const shows = 10_000
	worker, api := h.memory(b, "worker"), h.memory(b, "api")
	at := time.Now().Add(24 * time.Hour)
	h.reserve(b, shows, func(int) *time.Time { return &at })
	require.Eventually(b, func() bool { return h.count(b, "true") == shows }, 10*time.Minute, time.Second)
	b.ReportMetric(worker, "MiB-worker-0")
	b.ReportMetric(h.memory(b, "worker"), "MiB-worker-10k")
	b.ReportMetric(api, "MiB-api-0")
	b.ReportMetric(h.memory(b, "api"), "MiB-api-10k")
	b.ReportMetric(0, "ns/op")
}

// memory is what a part of the house holds, in MiB.
func (h *house) memory(b *testing.B, part string) float64 {
	b.Helper()
	pid, err := os.ReadFile(filepath.Join(h.dir, "run", part+".pid"))
	require.NoError(b, err)
	return resident(b, strings.TrimSpace(string(pid)))
}

// resident is what a process holds, in MiB.
func resident(b *testing.B, pid string) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/" + pid + "/status")
	require.NoError(b, err)
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(b, err)
	return float64(kib) / 1024
}

// BenchmarkReadyList: the list of 1,000 reserved broadcasts against a bare
// handler that writes the same bytes, by 32 clients, in turns.
func BenchmarkReadyList(b *testing.B) {
	h := start(b)
	const shows = 1000
	at := time.Now().Add(24 * time.Hour)
	h.reserve(b, shows, func(int) *time.Time { return &at })
	require.Eventually(b, func() bool { return h.count(b, "true") == shows }, 2*time.Minute, 200*time.Millisecond)
	response, err := http.Get(h.api + "/media/schedule/ready/")
	require.NoError(b, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(b, err)
	require.NoError(b, response.Body.Close())
	var list []json.RawMessage
	require.NoError(b, json.Unmarshal(body, &list))
	require.GreaterOrEqual(b, len(list), shows)
	againstBare(b, h.api+"/media/schedule/ready/", "", body)
}

// againstBare measures a read against a bare handler that writes the same
// bytes, in turns. Token is whose the read is, "" nobody's.
func againstBare(b *testing.B, url, token string, body []byte) {
	b.Helper()
	bare := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	go func() { _ = bare.Serve(listener) }()
	defer func() { _ = bare.Close() }()
	var ours, theirs []float64
	var slow float64
	for range 3 {
		rate, p99 := load(b, url, token)
		ours, slow = append(ours, rate), max(slow, p99)
		rate, _ = load(b, "http://"+listener.Addr().String(), "")
		theirs = append(theirs, rate)
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	b.ReportMetric(ours[1], "req/s")
	b.ReportMetric(slow, "ms-p99")
	b.ReportMetric(theirs[1], "bare-req/s")
	b.ReportMetric(ours[1]/theirs[1], "of-bare")
	b.ReportMetric(0, "ns/op")
}

// load is how many requests a second 32 clients get answered for four seconds,
// and the 99th percentile of how long one takes, in milliseconds.
func load(b *testing.B, url, token string) (rate, p99 float64) {
	b.Helper()
	const clients, seconds = 32, 4
	httpClient := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	var mu sync.Mutex
	var took []float64
	var group errgroup.Group
	deadline := time.Now().Add(seconds * time.Second)
	for range clients {
		group.Go(func() error {
			var own []float64
			for time.Now().Before(deadline) {
				began := time.Now()
				request, err := http.NewRequest(http.MethodGet, url, nil) //nolint:noctx // a benchmark
				if err != nil {
					return err
				}
				if token != "" {
					request.Header.Set("Custom-Token", token)
				}
				response, err := httpClient.Do(request)
				if err != nil {
					return err
				}
				_, err = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				if err != nil || response.StatusCode != http.StatusOK {
					return fmt.Errorf("%d %w", response.StatusCode, err)
				}
				own = append(own, time.Since(began).Seconds()*1000)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
			return nil
		})
	}
	require.NoError(b, group.Wait())
	slices.Sort(took)
	return float64(len(took)) / seconds, took[len(took)*99/100]
}

// BenchmarkHistory: the events of one broadcast from reserve to completed.
func BenchmarkHistory(b *testing.B) {
	h := start(b)
	at := time.Now().Add(65 * time.Second)
	id := h.reserve(b, 1, func(int) *time.Time { return &at })[0]
	require.Eventually(b, func() bool { return h.count(b, "status = 'live'") == 1 }, 2*time.Minute, 100*time.Millisecond)
	signal := func(name string, what any) {
		require.NoError(b, h.temporal.SignalWorkflow(b.Context(), workflows.BroadcastID(id), "", name, what))
	}
	signal(workflows.SignalStream, workflows.StreamReport{Active: true, At: time.Now()})
	_, err := h.pool.Exec(b.Context(), "UPDATE sandbox_mux.stream SET status = 'idle', body = jsonb_set(body, '{status}', '\"idle\"') WHERE id = 'bench-stream-0'")
	require.NoError(b, err)
	signal(workflows.SignalStream, workflows.StreamReport{At: time.Now()})
	require.Eventually(b, func() bool { return h.count(b, "status = 'close'") == 1 }, time.Minute, 100*time.Millisecond)
	signal(workflows.SignalRecording, model.Recording{
		AssetID: "a", PlaybackID: "p", StreamID: "bench-stream-0", BeganAt: at.Add(-time.Second), EndedAt: time.Now(),
	})
	require.Eventually(b, func() bool { return h.count(b, "status = 'completed'") == 1 }, time.Minute, 100*time.Millisecond)
	var events int64
	require.Eventually(b, func() bool {
		described, err := h.temporal.DescribeWorkflowExecution(b.Context(), workflows.BroadcastID(id), "")
		if err != nil || described.GetWorkflowExecutionInfo().GetCloseTime() == nil {
			return false
		}
		events = described.GetWorkflowExecutionInfo().GetHistoryLength()
		return true
	}, time.Minute, 100*time.Millisecond)
	b.ReportMetric(float64(events), "events")
	b.ReportMetric(0, "ns/op")
}
