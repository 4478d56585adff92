package bench

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/model"
)

// chatProcesses are API processes that share an engine, beside the house's own.
func (h *house) chatProcesses(b *testing.B, n int) (addresses, pids []string) {
	b.Helper()
	engine, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true})
	require.NoError(b, err)
	engine.Start()
	b.Cleanup(engine.Shutdown)
	require.True(b, engine.ReadyForConnections(10*time.Second))
	program, err := filepath.Abs("../bin/byeolshow")
	require.NoError(b, err)
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		address := listener.Addr().String()
		require.NoError(b, listener.Close())
		cmd := exec.Command(program, "api")
		cmd.Env = append(append(os.Environ(), h.env...), "HTTP_ADDR="+address, "NATS_URL="+engine.ClientURL(),
			"LIMIT_VIEWERS_PER_MINUTE=1000000", "LOG_LEVEL=error")
		require.NoError(b, cmd.Start())
		b.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		require.Eventually(b, func() bool {
			response, err := http.Get("http://" + address + "/ping/")
			if err == nil {
				_ = response.Body.Close()
			}
			return err == nil
		}, time.Minute, 50*time.Millisecond)
		addresses, pids = append(addresses, address), append(pids, strconv.Itoa(cmd.Process.Pid))
	}
	return addresses, pids
}

// onAir puts broadcasts on air.
func (h *house) onAir(b *testing.B, n int) []int64 {
	b.Helper()
	ids := make([]int64, n)
	for i := range ids {
		var err error
		ids[i], err = h.store.NextVODID(b.Context())
		require.NoError(b, err)
		require.NoError(b, h.store.InsertBroadcast(b.Context(), model.Broadcast{
			VODID: ids[i], InfluencerID: fmt.Sprint("chat-", i), MuxLivestreamID: fmt.Sprint("chat-", i), ArmedAt: time.Now(),
			Details: model.Details{Title: "라이브"},
		}))
		_, err = h.store.StartBroadcast(b.Context(), ids[i], time.Now())
		require.NoError(b, err)
	}
	return ids
}

// join brings somebody into a room.
func join(address string, id int64, name string) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, fmt.Sprintf("ws://%s/ws/chat/%d/", address, id), &websocket.DialOptions{ //nolint:bodyclose // the library does
		HTTPHeader: http.Header{"Cookie": {"viewer=" + name}},
	})
	if err != nil {
		return nil, err
	}
	return ws, ws.Write(ctx, websocket.MessageText, []byte(`{"stat":"entry","username":"`+name+`"}`))
}

// BenchmarkChat: two processes, 1,000 people each in one room, 20 messages a
// second for a minute, by 40 of them in turn. How long a message takes to
// everybody, and how long the end does after the broadcast is over.
func BenchmarkChat(b *testing.B) {
	const people, speakers, messages, pause = 2000, 40, 1200, 50 * time.Millisecond
	h := start(b)
	id := h.onAir(b, 1)[0]
	addresses, _ := h.chatProcesses(b, 2)
	conns := make([]*websocket.Conn, people)
	took := make([][]float64, people) // milliseconds
	told := make([]time.Time, people) // of the end
	var entered, dropped, double, disordered atomic.Int64
	var readers sync.WaitGroup
	for i := range people {
		name := fmt.Sprint("guest", i)
		ws, err := join(addresses[i%2], id, name)
		require.NoError(b, err)
		conns[i] = ws
		readers.Go(func() {
			seen := make([]bool, messages)
			latest := [speakers]int{}
			for {
				_, data, err := ws.Read(context.Background())
				if err != nil {
					dropped.Add(1)
					return
				}
				if bytes.Contains(data, []byte(`"stat":"end"`)) {
					told[i] = time.Now()
					return
				}
				if bytes.Contains(data, []byte(`"message":"`+name+"님")) {
					entered.Add(1)
				}
				_, said, ok := bytes.Cut(data, []byte(`"message":"at `))
				if !ok {
					continue
				}
				var n int
				var at int64
				if _, err := fmt.Sscanf(string(said), "%d %d", &n, &at); err != nil || seen[n] {
					double.Add(1)
					continue
				}
				seen[n] = true
				if n < latest[n%speakers] {
					disordered.Add(1)
				}
				latest[n%speakers] = n
				took[i] = append(took[i], float64(time.Now().UnixMicro()-at)/1000)
			}
		})
	}
	require.Eventually(b, func() bool { return entered.Load() == people }, 2*time.Minute, 50*time.Millisecond)
	ticker := time.NewTicker(pause)
	for n := range messages {
		<-ticker.C
		text := fmt.Appendf(nil, `{"message":"at %d %d"}`, n, time.Now().UnixMicro())
		require.NoError(b, conns[n%speakers].Write(b.Context(), websocket.MessageText, text))
	}
	<-time.After(2 * time.Second) // for the last message
	over := time.Now()
	_, err := h.store.EndBroadcast(b.Context(), id, time.Now())
	require.NoError(b, err)
	readers.Wait()
	for i := range took {
		require.Len(b, took[i], messages, "heard by guest%d", i)
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(all[len(all)/2], "ms-p50")
	b.ReportMetric(all[len(all)*99/100], "ms-p99")
	b.ReportMetric(float64(dropped.Load()), "dropped")
	b.ReportMetric(float64(double.Load()), "double")
	b.ReportMetric(float64(disordered.Load()), "disordered")
	b.ReportMetric(milliseconds(slices.MaxFunc(told, time.Time.Compare).Sub(over)), "ms-to-end-of-all")
	b.ReportMetric(0, "ns/op")
	for _, ws := range conns {
		_ = ws.CloseNow()
	}
}

// BenchmarkIdleChat: memory of a process with 10,000 people who entered 100
// rooms and say nothing.
func BenchmarkIdleChat(b *testing.B) {
	const people, rooms = 10_000, 100
	var files syscall.Rlimit
	require.NoError(b, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files))
	files.Cur = files.Max // the process inherits it
	require.NoError(b, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files))
	require.Greater(b, files.Cur, uint64(people+1000), "the machine lets a process have too few connections")
	h := start(b)
	ids := h.onAir(b, rooms)
	addresses, pids := h.chatProcesses(b, 1)
	before := resident(b, pids[0])
	var dropped atomic.Int64
	var group errgroup.Group
	group.SetLimit(32)
	for i := range people {
		group.Go(func() error {
			ws, err := join(addresses[0], ids[i%rooms], fmt.Sprint("guest", i))
			if err != nil {
				return err
			}
			b.Cleanup(func() { _ = ws.CloseNow() })
			go func() {
				for {
					if _, _, err := ws.Read(context.Background()); err != nil {
						dropped.Add(1)
						return
					}
				}
			}()
			return nil
		})
	}
	require.NoError(b, group.Wait())
	require.Eventually(b, func() bool {
		var n int
		require.NoError(b, h.pool.QueryRow(b.Context(), "SELECT count(*) FROM room_user").Scan(&n))
		return n == people
	}, time.Minute, 100*time.Millisecond)
	<-time.After(30 * time.Second) // idle, pings included
	b.ReportMetric((resident(b, pids[0])-before)*1024/people, "KiB/connection")
	b.ReportMetric(float64(dropped.Load()), "dropped")
	b.ReportMetric(0, "ns/op")
}
