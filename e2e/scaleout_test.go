package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

// node is one process of several of a role.
type node struct {
	role, address string
	extra         []string // of its environment
	cmd           *exec.Cmd
	done          chan struct{}
}

// startNode starts a process of a role beside those that run. It is ended with
// the test, if it was not before.
func (s *system) startNode(t *testing.T, role string, extra ...string) *node {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	n := &node{role: role, address: listener.Addr().String(), extra: extra}
	s.run(t, n)
	t.Cleanup(func() { n.stop(t) })
	return n
}

func (s *system) run(t *testing.T, n *node) {
	t.Helper()
	n.cmd = exec.Command(s.program, n.role)
	n.cmd.Env = append(append(append(os.Environ(), hurry...), s.env...), n.extra...)
	n.cmd.Env = append(n.cmd.Env, "HTTP_ADDR="+n.address, "SHUTDOWN_DELAY=1s")
	n.cmd.Stdout, n.cmd.Stderr = s.output, s.output
	require.NoError(t, n.cmd.Start())
	n.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) { _ = cmd.Wait(); close(done) }(n.cmd, n.done)
}

// stop asks the process to end and waits until it has, by itself and well.
func (n *node) stop(t *testing.T) {
	t.Helper()
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.done:
	case <-time.After(time.Minute):
		_ = n.cmd.Process.Kill()
		<-n.done
	}
	require.Zero(t, n.cmd.ProcessState.ExitCode(), "%s: %s", n.role, n.cmd.ProcessState)
}

// awaitPolling waits until the worker takes work from both its main queues.
func (s *system) awaitPolling(t *testing.T, n *node) {
	t.Helper()
	temporal := s.operator(t)
	identity := strconv.Itoa(n.cmd.Process.Pid) + "@"
	for _, queue := range []string{"broadcasts", "orders"} {
		require.Eventually(t, func() bool {
			found, err := temporal.DescribeTaskQueueEnhanced(t.Context(), client.DescribeTaskQueueEnhancedOptions{
				TaskQueue: queue, TaskQueueTypes: []client.TaskQueueType{client.TaskQueueTypeWorkflow}, ReportPollers: true,
			})
			if err != nil {
				return false
			}
			pollers := found.VersionsInfo[""].TypesInfo[client.TaskQueueTypeWorkflow].Pollers //nolint:staticcheck // of all partitions, which nothing else tells
			return slices.ContainsFunc(pollers, func(p client.TaskQueuePollerInfo) bool { return strings.HasPrefix(p.Identity, identity) })
		}, 30*time.Second, 50*time.Millisecond, "worker does not poll %s", queue)
	}
}

// awaitAnswering waits until the API answers.
func (n *node) awaitAnswering(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		got, err := try("GET", "http://"+n.address+"/ping/", "", nil)
		return err == nil && got.status == http.StatusOK
	}, 30*time.Second, 20*time.Millisecond, "API does not answer")
}

// balancer hands requests to the nodes that say they are ready, in turn. It
// repeats nothing.
type balancer struct {
	nodes []*backend
	turn  atomic.Int64
}

type backend struct {
	address string
	ready   atomic.Bool
	proxy   *httputil.ReverseProxy
}

func newBalancer(ctx context.Context, nodes ...*node) *balancer {
	b := &balancer{}
	for _, n := range nodes {
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: n.address})
		proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
		proxy.ErrorLog = log.New(io.Discard, "", 0)
		one := &backend{address: n.address, proxy: proxy}
		b.nodes = append(b.nodes, one)
		go one.probe(ctx)
	}
	return b
}

// probe asks again and again whether the node is ready.
func (b *backend) probe(ctx context.Context) {
	for {
		got, err := try("GET", "http://"+b.address+"/readyz", "", nil)
		b.ready.Store(err == nil && got.status != http.StatusServiceUnavailable)
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	turn := int(b.turn.Add(1))
	for i := range b.nodes {
		if n := b.nodes[(turn+i)%len(b.nodes)]; n.ready.Load() {
			n.proxy.ServeHTTP(w, r)
			return
		}
	}
	http.Error(w, "nobody is ready", http.StatusBadGateway)
}

func (b *balancer) awaitReady(t *testing.T, n *node) {
	t.Helper()
	require.Eventually(t, func() bool {
		return slices.ContainsFunc(b.nodes, func(one *backend) bool { return one.address == n.address && one.ready.Load() })
	}, 30*time.Second, 20*time.Millisecond, "not ready: %s", n.address)
}

// load is what users do all the time, and what of it went wrong.
type load struct {
	api    string
	mu     sync.Mutex
	done   map[string]int
	failed []string
	orders []string
}

func (l *load) call(what, method, path, token string, body any, headers ...string) (answer, bool) {
	got, err := try(method, l.api+path, token, body, headers...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[what]++
	if err != nil || got.status >= 300 || got.status == http.StatusAccepted && what == "checkout" {
		l.failed = append(l.failed, fmt.Sprintf("%s %s: %d %v %s", method, path, got.status, err, got.body))
		return got, false
	}
	return got, true
}

func (l *load) read() {
	for _, path := range []string{"/media/schedule/ready/", "/media/schedule/today/live/", "/product/collection/"} {
		l.call("read", "GET", path, "", nil)
	}
}

// buy is a checkout, its payment, and the page that asks whether it was taken.
func (l *load) buy(p shopper) {
	got, ok := l.call("checkout", "POST", "/cart/checkout/", p.token, purchase(line(1, 1)), "Idempotency-Key", key())
	if !ok {
		return
	}
	var placed struct {
		Order struct {
			ID    string `json:"_id"`
			Total struct {
				Amount int `json:"amount"`
			} `json:"total"`
		} `json:"order"`
	}
	var payment struct {
		ImpUID string `json:"imp_uid"`
	}
	err := json.Unmarshal(got.body, &placed)
	if err == nil {
		paid, _ := try("POST", "http://"+shared.sandbox+"/control/iamport/pay", "", map[string]any{"merchant_uid": placed.Order.ID, "notify": false})
		err = json.Unmarshal(paid.body, &payment)
	}
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.failed = append(l.failed, err.Error())
		return
	}
	l.call("verify", "POST", "/payment/verify/", p.token, map[string]any{
		"imp_uid": payment.ImpUID, "merchant_uid": placed.Order.ID, "amount": placed.Order.Total.Amount,
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.orders = append(l.orders, placed.Order.ID)
}

// show reserves a broadcast and watches for it to go live. It answers how long
// after its time it was seen.
func (l *load) show(star *seller, at time.Time) (late time.Duration, live bool) {
	got, ok := l.call("reserve", "POST", "/media/reserve/", star.token, reservation(&at))
	var reserved struct {
		Success struct {
			Data struct {
				ID int `json:"vod_id"`
			} `json:"data"`
		} `json:"success"`
	}
	if !ok || json.Unmarshal(got.body, &reserved) != nil {
		return 0, false
	}
	for <-time.After(time.Until(at)); time.Since(at) < time.Minute; <-time.After(100 * time.Millisecond) {
		got, _ := l.call("watch", "GET", "/media/get/?media_id="+strconv.Itoa(reserved.Success.Data.ID), "", nil)
		if strings.Contains(string(got.body), `"status":"live"`) {
			return time.Since(at), true
		}
	}
	return 0, false
}

// TestRollingRestartUnderLoad restarts two APIs and three workers one after
// another, while people read, buy, and reserve broadcasts that go live. Nobody
// notices.
func TestRollingRestartUnderLoad(t *testing.T) {
	shared.killWorker()
	t.Cleanup(shared.startWorker)
	apis := []*node{shared.startNode(t, "api"), shared.startNode(t, "api")}
	workers := []*node{shared.startNode(t, "worker"), shared.startNode(t, "worker"), shared.startNode(t, "worker")}
	balance := newBalancer(t.Context(), apis...)
	front := httptest.NewServer(balance)
	defer front.Close()
	for _, n := range apis {
		balance.awaitReady(t, n)
	}
	for _, n := range workers {
		shared.awaitPolling(t, n)
	}
	const shoppers, shows = 3, 10
	people, stars := make([]shopper, shoppers), make([]*seller, shows)
	for i := range people {
		people[i] = newShopper(t)
	}
	for i := range stars {
		stars[i] = shared.newSeller(t)
		stars[i].connect(t)
	}

	users := &load{api: front.URL, done: map[string]int{}}
	over := make(chan struct{})
	var wait sync.WaitGroup
	again := func(do func()) {
		wait.Go(func() {
			for {
				do()
				select {
				case <-over:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	for range 2 {
		again(users.read)
	}
	for _, p := range people {
		again(func() { users.buy(p) })
	}
	late := make([]time.Duration, shows)
	began := time.Now().Truncate(time.Second)
	last := began.Add((3 + shows) * time.Second)
	for i, star := range stars {
		wait.Go(func() {
			var live bool
			if late[i], live = users.show(star, began.Add(time.Duration(4+i)*time.Second)); !live {
				late[i] = time.Hour
			}
		})
	}

	restarts := 0
	for ; time.Now().Before(last); restarts++ {
		for _, n := range apis {
			n.stop(t)
			shared.run(t, n)
			balance.awaitReady(t, n)
		}
		for _, n := range workers {
			n.stop(t)
			shared.run(t, n)
			shared.awaitPolling(t, n)
		}
	}
	t.Log("all restarted", restarts, "times in", time.Since(began))
	close(over)
	wait.Wait()
	t.Log(users.done, "shows late by", late)
	require.Empty(t, users.failed)
	require.NotZero(t, users.done["reserve"])
	for i := range late {
		require.Less(t, late[i], 20*time.Second, "show %d waited for more than a dead worker is", i)
	}
	require.Greater(t, len(users.orders), shoppers)
	slices.Sort(users.orders)
	require.Len(t, slices.Compact(slices.Clone(users.orders)), len(users.orders))
	made := 0
	for _, p := range people {
		made += len(p.orders())
	}
	require.Equal(t, len(users.orders), made, "as many orders as checkouts")
	for _, id := range users.orders {
		order{shopper: people[0], id: id}.awaitStatus("paid", 20*time.Second)
	}
}
