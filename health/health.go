// Package health tells those who run byeolshow whether a process lives, and
// whether what it stands on answers.
package health

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// patience is how long a part may take to answer.
const patience = 2 * time.Second

// Checks ask the parts a process stands on, by name.
type Checks map[string]func(context.Context) error

// Alive answers 200 for as long as the process serves at all.
func Alive(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"status": "ok"})
}

// Ready answers 200 when every part answers, and 503 otherwise. It names each
// part: {"status":"ok","parts":{"postgres":"ok"}}, where what does not answer
// is "unreachable".
func (c Checks) Ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	var (
		mu     sync.Mutex
		wait   sync.WaitGroup
		status = http.StatusOK
		parts  = map[string]string{}
	)
	for name, check := range c {
		wait.Go(func() {
			err := check(ctx)
			mu.Lock()
			defer mu.Unlock()
			parts[name] = "ok"
			if err != nil {
				parts[name], status = "unreachable", http.StatusServiceUnavailable
			}
		})
	}
	wait.Wait()
	word := "ok"
	if status != http.StatusOK {
		word = "unavailable"
	}
	answer(w, status, map[string]any{"status": word, "parts": parts})
}

// Handler serves /healthz and /readyz, for a process that serves nothing else.
func (c Checks) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", Alive)
	mux.HandleFunc("GET /readyz", c.Ready)
	return mux
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who asked may have gone
}
