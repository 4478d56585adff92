// Package control is what a person, an encoder or a bad day would do to the
// simulated vendors. It exists for development alone.
package control

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/byeolshow/byeolshow/sandbox/clayful"
	"github.com/byeolshow/byeolshow/sandbox/facebook"
	"github.com/byeolshow/byeolshow/sandbox/fault"
	"github.com/byeolshow/byeolshow/sandbox/fcm"
	"github.com/byeolshow/byeolshow/sandbox/iamport"
	"github.com/byeolshow/byeolshow/sandbox/kakao"
	"github.com/byeolshow/byeolshow/sandbox/mux"
	"github.com/byeolshow/byeolshow/sandbox/naver"
)

//go:embed page.html
var page []byte

// Control acts on the vendors that are there.
type Control struct {
	Faults   *fault.Book
	Mux      *mux.Server
	Clayful  *clayful.Server
	FCM      *fcm.Server
	Iamport  *iamport.Server
	Kakao    *kakao.Server
	Naver    *naver.Server
	Facebook *facebook.Server
}

// Routes are the control API, below /control.
func (c *Control) Routes() chi.Router {
	r := chi.NewRouter()
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	})
	r.Get("/mux/streams", list(func(r *http.Request) (any, error) { return c.Mux.Streams(r.Context()) }))
	r.Get("/mux/assets", list(func(r *http.Request) (any, error) { return c.Mux.Assets(r.Context()) }))
	r.Post("/mux/streams/{stream_key}/connect", encoder(func(ctx context.Context, key string) error { return c.Mux.Connect(ctx, key, 0) }))
	r.Post("/mux/streams/{stream_key}/disconnect", encoder(c.Mux.Disconnect))
	r.Get("/push", list(func(r *http.Request) (any, error) { return c.FCM.Messages(r.Context(), r.URL.Query().Get("customer")) }))
	r.Get("/mail", list(func(r *http.Request) (any, error) { return c.Clayful.Mails(r.Context(), r.URL.Query().Get("to")) }))
	r.Mount("/iamport", c.Iamport.ControlRoutes())
	r.Mount("/kakao", c.Kakao.ControlRoutes())
	r.Mount("/naver", c.Naver.ControlRoutes())
	r.Mount("/facebook", c.Facebook.ControlRoutes())
	r.Post("/clayful/orders/{order}/refunds/{refund}/accept", shop(func(r *http.Request) error {
		return c.Clayful.AcceptRefund(r.Context(), chi.URLParam(r, "order"), chi.URLParam(r, "refund"))
	}))
	r.Post("/clayful/orders/{order}/arrive", shop(func(r *http.Request) error {
		at := time.Now()
		if days, err := strconv.Atoi(r.URL.Query().Get("days_ago")); err == nil {
			at = at.AddDate(0, 0, -days)
		}
		return c.Clayful.Arrive(r.Context(), chi.URLParam(r, "order"), at)
	}))
	r.Post("/faults", c.addFault)
	r.Get("/faults", list(func(*http.Request) (any, error) { return c.Faults.Faults(), nil }))
	r.Delete("/faults", func(w http.ResponseWriter, _ *http.Request) {
		c.Faults.Clear()
		w.WriteHeader(http.StatusNoContent)
	})
	r.Get("/calls", list(func(r *http.Request) (any, error) { return c.Faults.Calls(r.URL.Query().Get("vendor")), nil }))
	r.Delete("/calls", func(w http.ResponseWriter, _ *http.Request) {
		c.Faults.ForgetCalls()
		w.WriteHeader(http.StatusNoContent)
	})
	r.Post("/reset", c.reset)
	return r
}

func list(load func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		found, err := load(r)
		if err != nil {
			answer(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusOK, found)
	}
}

func encoder(do func(context.Context, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch err := do(r.Context(), chi.URLParam(r, "stream_key")); {
		case errors.Is(err, mux.ErrNoStream):
			answer(w, http.StatusNotFound, map[string]string{"error": err.Error()})
		case errors.Is(err, mux.ErrRefused):
			answer(w, http.StatusConflict, map[string]string{"error": err.Error()})
		case err != nil:
			answer(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		default:
			answer(w, http.StatusOK, map[string]bool{"ok": true})
		}
	}
}

// shop serves what somebody does in the shop's dashboard.
func shop(do func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch err := do(r); {
		case errors.Is(err, clayful.ErrRefused):
			answer(w, http.StatusConflict, map[string]string{"error": err.Error()})
		case err != nil:
			answer(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		default:
			answer(w, http.StatusOK, map[string]bool{"ok": true})
		}
	}
}

func (c *Control) addFault(w http.ResponseWriter, r *http.Request) {
	var f fault.Fault
	if err := json.NewDecoder(r.Body).Decode(&f); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "no JSON object: " + err.Error()})
		return
	}
	if err := f.Validate(); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	c.Faults.Add(f)
	answer(w, http.StatusCreated, f)
}

// reset puts the demo data of every vendor back and ends the bad days.
func (c *Control) reset(w http.ResponseWriter, r *http.Request) {
	c.Faults.Clear()
	c.Faults.ForgetCalls()
	for _, reset := range []func(context.Context) error{
		c.Mux.Reset, c.Clayful.Reset, c.FCM.Reset, c.Iamport.Reset, c.Kakao.Reset, c.Naver.Reset, c.Facebook.Reset,
	} {
		if err := reset(r.Context()); err != nil {
			answer(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
			return
		}
	}
	answer(w, http.StatusOK, map[string]bool{"ok": true})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone when this fails
}
