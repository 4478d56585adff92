package e2e

import (
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
func (s *system) shopping(t *testing.T, p shopper, stop time.Time) (done bool) {
	again := func(do func() (answer, error)) (answer, bool) {
		for time.Now().Before(stop) {
			got, err := do()
			if err == nil && got.status != 503 && got.status != 500 && got.status != 202 && got.status != 401 {
				return got, true
			}
			<-time.After(200 * time.Millisecond)
		}
		return answer{}, false
	}
	send := func(method, path string, body any, headers ...string) (answer, bool) {
		return again(func() (answer, error) { return try(method, "http://"+s.api+path, p.token, body, headers...) })
	}
	got, ok := send("POST", "/cart/checkout/", purchase(line(1, 1)), "Idempotency-Key", key())
	if !ok || got.status != 200 {
		return false
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
	if json.Unmarshal(got.body, &placed) != nil {
		return false
	}
	paid, ok := again(func() (answer, error) {
		return try("POST", "http://"+s.sandbox+"/control/iamport/pay", "", map[string]any{"merchant_uid": placed.Order.ID, "amount": placed.Order.Total.Amount, "notify": true})
	})
	if !ok || paid.status != 200 {
		return false
	}
	var payment struct {
		ImpUID string `json:"imp_uid"`
	}
	if json.Unmarshal(paid.body, &payment) != nil {
		return false
	}
	_, ok = send("POST", "/payment/verify/", map[string]any{"imp_uid": payment.ImpUID, "merchant_uid": placed.Order.ID, "amount": placed.Order.Total.Amount})
	if !ok {
		return false
	}
	got, ok = send("POST", "/refund/"+placed.Order.ID+"/", map[string]any{"payload": map[string]any{
		"reason": "x", "items": []any{map[string]any{"item": placed.Order.Items[0].ID, "quantity": 1}}, "shipments": []any{},
	}})
	var refund struct {
		ID string `json:"_id"`
	}
	if !ok || json.Unmarshal(got.body, &refund) != nil || refund.ID == "" {
		return ok
	}
	_, ok = again(func() (answer, error) {
		return try("POST", "http://"+s.sandbox+"/control/clayful/orders/"+placed.Order.ID+"/refunds/"+refund.ID+"/accept", "", map[string]any{})
	})
	return ok
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
				if shared.shopping(t, p, stop) {
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
	require.Greater(t, finished, checkouts*9/10)
	var report string
	require.Eventually(t, func() bool {
		reconcile := exec.Command(shared.program, "ops", "reconcile", "--older-than", "0s")
		reconcile.Env = append(reconcile.Environ(), shared.env...)
		output, err := reconcile.Output()
		report = string(output)
		return err == nil
	}, 2*time.Minute, 3*time.Second, func() string { return report })
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
