package main

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// draining lets a server step aside before it stops. From the end of ctx on,
// /readyz answers 503, so that load balancers look elsewhere; until the delay
// is over everything else is served as ever. Then the returned context ends.
func draining(ctx context.Context, delay time.Duration, next http.Handler) (context.Context, http.Handler) {
	later, stop := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(delay, stop) })
	return later, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() != nil && strings.TrimSuffix(r.URL.Path, "/") == "/readyz" {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"status":"stopping"}`)) // who asked may have gone
			return
		}
		next.ServeHTTP(w, r)
	})
}
