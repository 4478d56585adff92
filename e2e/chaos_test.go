package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
)

// kill ends a part of the system as kill -9 does. Dev starts the API again by
// itself; when Postgres or Temporal dies, it ends, and is started again here.
func (s *system) kill(t *testing.T, part string) {
	t.Helper()
	switch part {
	case "worker":
		s.killWorker()
		s.startWorker()
	case "api":
		_ = syscall.Kill(s.pid(t, part), syscall.SIGKILL) // it may be between two lives
		require.Eventually(t, s.answers, time.Minute, 100*time.Millisecond)
	default:
		require.NoError(t, syscall.Kill(s.pid(t, part), syscall.SIGKILL))
		<-s.devDone
		s.killWorker()
		require.NoError(t, s.start())
	}
}

// shopping is what one shopper does on a bad day: again and again what was not
// answered, as people do.
// Watch is told of each workflow before, or as, it starts.
func (s *system) shopping(p shopper, stop time.Time, watch func(workflowID string)) (orderID string, err error) {
	again := func(what string, do func() (answer, error)) (answer, error) {
		var got answer
		var err error
		for time.Now().Before(stop) {
			got, err = do()
			if err == nil && !slices.Contains([]int{202, 401, 500, 503}, got.status) {
				return got, nil
			}
			<-time.After(200 * time.Millisecond)
		}
		return got, fmt.Errorf("%s was never answered: %d %s, %w", what, got.status, got.body, err)
	}
	send := func(method, path string, body any, headers ...string) (answer, error) {
		return again(path, func() (answer, error) { return try(method, "http://"+s.api+path, p.token, body, headers...) })
	}
	k := key()
	watch("checkout/" + p.id + "/" + k)
	got, err := send("POST", "/cart/checkout/", purchase(line(1, 1)), "Idempotency-Key", k)
	for err == nil && got.status == 409 { // the first one still runs
		got, err = send("POST", "/cart/checkout/", purchase(line(1, 1)), "Idempotency-Key", k)
	}
	if err != nil || got.status != 200 {
		return "", fmt.Errorf("checkout: %d %s, %w", got.status, got.body, err)
	}
	var placed struct {
		Order struct {
			ID    string `json:"_id"`
			Total struct {
				Amount int `json:"amount"`
			} `json:"total"`
			Items []struct {
				ID string `json:"_id"`
			} `json:"items"`
		} `json:"order"`
	}
	if err := json.Unmarshal(got.body, &placed); err != nil {
		return "", err
	}
	orderID = placed.Order.ID
	watch("order/" + orderID)
	paid, err := again("payment", func() (answer, error) {
		return try("POST", "http://"+s.sandbox+"/control/iamport/pay", "", map[string]any{"merchant_uid": placed.Order.ID, "amount": placed.Order.Total.Amount, "notify": true})
	})
	if err != nil || paid.status != 200 {
		return orderID, fmt.Errorf("payment: %d %s, %w", paid.status, paid.body, err)
	}
	var payment struct {
		ImpUID string `json:"imp_uid"`
	}
	if err := json.Unmarshal(paid.body, &payment); err != nil {
		return orderID, err
	}
	_, err = send("POST", "/payment/verify/", map[string]any{"imp_uid": payment.ImpUID, "merchant_uid": placed.Order.ID, "amount": placed.Order.Total.Amount})
	if err != nil {
		return orderID, err
	}
	got, err = send("POST", "/refund/"+placed.Order.ID+"/", map[string]any{"payload": map[string]any{
		"reason": "x", "items": []any{map[string]any{"item": placed.Order.Items[0].ID, "quantity": 1}}, "shipments": []any{},
	}})
	var refund struct {
		ID string `json:"_id"`
	}
	if err != nil || json.Unmarshal(got.body, &refund) != nil || refund.ID == "" {
		return orderID, fmt.Errorf("refund: %d %s, %w", got.status, got.body, err)
	}
	watch("refund/" + orderID + "/" + refund.ID)
	_, err = again("acceptance", func() (answer, error) {
		return try("POST", "http://"+s.sandbox+"/control/clayful/orders/"+placed.Order.ID+"/refunds/"+refund.ID+"/accept", "", map[string]any{})
	})
	return orderID, err
}

// TestTheBooksAgreeAfterABadDay kills whatever there is while 200 checkouts are
// made, paid and refunded. Afterwards the shop, Iamport and the workflows agree
// about every won.
func TestTheBooksAgreeAfterABadDay(t *testing.T) {
	const checkouts, shoppers = 200, 10
	people := make([]shopper, shoppers)
	for i := range people {
		people[i] = newShopper(t)
	}
	stop := time.Now().Add(3 * time.Minute)
	var wait sync.WaitGroup
	var mu sync.Mutex
	left, finished := checkouts, 0
	for _, p := range people {
		wait.Go(func() {
			for {
				mu.Lock()
				mine := left > 0
				left--
				mu.Unlock()
				if !mine {
					return
				}
				if _, err := shared.shopping(p, stop, func(string) {}); err == nil {
					mu.Lock()
					finished++
					mu.Unlock()
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { wait.Wait(); close(over) }()
	victims := []string{"worker", "api", "temporal", "postgres", "worker", "api"}
	rand.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	t.Log("killed in this order:", victims)
	for _, victim := range victims {
		select {
		case <-over:
		case <-time.After(time.Duration(500+rand.IntN(1500)) * time.Millisecond):
			shared.kill(t, victim)
		}
	}
	<-over
	require.Eventually(t, shared.answers, time.Minute, 100*time.Millisecond)
	require.Greater(t, finished, checkouts*8/10)
	var report string
	defer func() {
		if t.Failed() {
			t.Log(report)
		}
	}()
	require.Eventually(t, func() bool {
		reconcile := exec.Command(shared.program, "ops", "reconcile", "--older-than", "0s")
		reconcile.Env = append(reconcile.Environ(), shared.env...)
		output, err := reconcile.Output()
		report = string(output)
		return err == nil
	}, 2*time.Minute, 3*time.Second)
	var books struct {
		Orders   int   `json:"orders"`
		Payments int   `json:"payments"`
		Problems []any `json:"problems"`
	}
	require.NoError(t, json.Unmarshal([]byte(report), &books))
	require.GreaterOrEqual(t, books.Orders, finished)
	require.Empty(t, books.Problems)
	for _, p := range people {
		keys := map[string]bool{}
		for _, o := range p.orders() {
			k := o["meta"].(map[string]any)["checkout_key"].(string)
			if o["status"] != "cancelled" {
				require.False(t, keys[k], "two orders of one checkout")
				keys[k] = true
			}
		}
	}
}

func (s *system) pid(t *testing.T, part string) int {
	t.Helper()
	text := readFile(t, s.dir, "run", part+".pid")
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	require.NoError(t, err)
	return pid
}

func (s *system) answers() bool {
	got, err := try("GET", "http://"+s.api+"/ping/", "", nil)
	return err == nil && got.status == 200
}

// TestWorkerKilledAtEachEvent kills the worker when a workflow's history has
// reached its first event, its second, and so on to its last: each time another
// order's. All orders end as the undisturbed one does, and so does the ledger.
func TestWorkerKilledAtEachEvent(t *testing.T) {
	temporal := shared.operator(t)
	length := func(id string) (events int64, over bool) {
		found, err := temporal.DescribeWorkflow(t.Context(), id, "")
		if err != nil {
			return 0, false
		}
		return int64(found.HistoryLength), found.Status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	}
	buy := func(p shopper, watch func(string)) order {
		id, err := shared.shopping(p, time.Now().Add(4*time.Minute), watch)
		if err != nil {
			t.Errorf("order %s: %s", id, err)
		}
		return order{shopper: p, id: id}
	}
	var seen []string
	calm := buy(newShopper(t), func(id string) { seen = append(seen, id) })
	calm.awaitStatus("partially-refunded", 30*time.Second)
	ends := calm.end()
	kind := func(id string) string { name, _, _ := strings.Cut(id, "/"); return name }
	type moment struct {
		kind  string
		event int64
	}
	var moments []moment
	for _, id := range seen {
		last, _ := length(id)
		require.Positive(t, last, id)
		for event := range last {
			moments = append(moments, moment{kind(id), event + 1})
		}
	}
	t.Log("the worker is killed", len(moments), "times")

	people := make([]shopper, len(moments))
	for i := range people {
		people[i] = newShopper(t)
	}
	var killing sync.Mutex
	var wait sync.WaitGroup
	slots := make(chan struct{}, 8)
	orders := make([]order, len(moments))
	for i, m := range moments {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			var watching sync.WaitGroup
			orders[i] = buy(people[i], func(id string) {
				if kind(id) != m.kind {
					return
				}
				watching.Go(func() {
					for {
						if events, over := length(id); events >= m.event || over {
							break
						}
						<-time.After(2 * time.Millisecond)
					}
					killing.Lock()
					defer killing.Unlock()
					shared.killWorker()
					shared.startWorker()
				})
			})
			watching.Wait()
		})
	}
	wait.Wait()
	require.False(t, t.Failed())
	for i, o := range orders {
		o.awaitStatus("partially-refunded", 2*time.Minute)
		require.Equal(t, ends, o.end(), "%+v", moments[i])
		require.Len(t, people[i].orders(), 1)
	}
}

// end is how an order and its money ended, less what differs by nature.
func (o order) end() string {
	now := o.now()
	return fmt.Sprint(now["status"], now["total"], now["refunds"].([]any)[0].(map[string]any)["items"].([]any)[0].(map[string]any)["restocked"],
		len(o.ledger()), o.ledger()[0]["amount"], o.ledger()[0]["cancel_amount"], len(o.ledger()[0]["cancels"].([]any)))
}
