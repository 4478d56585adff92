package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/httprate"
)

// limit lets so many requests through that are counted together.
func (a *api) limit(requests int, in time.Duration, key httprate.KeyFunc) func(http.Handler) http.Handler {
	return httprate.LimitBy(requests, in, key, httprate.WithLimitHandler(a.wrapped(func(w http.ResponseWriter, _ *http.Request) error {
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", strconv.Itoa(int(in.Seconds())))
		}
		return refuse(http.StatusTooManyRequests, "요청이 너무 많습니다. 잠시 후 다시 시도해 주세요")
	})))
}
