package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/httprate"
)

// limit lets those who are counted together do something so often in a time.
func (a *api) limit(often int, in time.Duration, counted httprate.KeyFunc) func(http.Handler) http.Handler {
	return httprate.LimitBy(often, in, counted, httprate.WithLimitHandler(a.wrapped(func(w http.ResponseWriter, _ *http.Request) error {
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", strconv.Itoa(int(in.Seconds())))
		}
		return refuse(http.StatusTooManyRequests, "요청이 너무 많습니다. 잠시 후 다시 시도해 주세요")
	})))
}

// perCustomer counts by who is logged in.
func perCustomer(r *http.Request) (string, error) { return caller(r).ID, nil }
