package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/httprate"

	"github.com/byeolshow/byeolshow/live"
	"github.com/byeolshow/byeolshow/model"
)

func (a *api) chatRoutes(r chi.Router) {
	r.Get("/ws/chat/{vod_id}", a.wrapped(a.chat))
}

var errNoRoom = refuse(http.StatusForbidden, "진행 중인 방송이 아닙니다")

// chat opens a connection to a broadcast's room. Its token may stand in the
// URL, which browsers need and nothing logs.
func (a *api) chat(w http.ResponseWriter, r *http.Request) error {
	vodID, err := strconv.ParseInt(chi.URLParam(r, "vod_id"), 10, 64)
	if err != nil {
		return errNoRoom
	}
	b, err := a.Store.Broadcast(r.Context(), vodID)
	if errors.Is(err, model.ErrNoBroadcast) || err == nil && (b.DeletedAt != nil || b.Status != model.StatusLive) {
		return errNoRoom
	}
	if err != nil {
		return err
	}
	token := r.Header.Get(tokenHeader)
	if token == "" {
		token = r.URL.Query().Get("token")
	}
	m, err := a.sessions.member(r.Context(), token)
	if err != nil {
		return errors.Join(errTryLater, err)
	}
	visitor := live.Visitor{VODID: vodID}
	if m != nil {
		visitor.Viewer = m.ID
	} else {
		visitor.Viewer, visitor.Address = viewerOf(w, r), httprate.CanonicalizeIP(middleware.GetClientIP(r.Context()))
	}
	err = a.Rooms.Serve(w, r, visitor)
	switch {
	case errors.Is(err, live.ErrHandshake):
		return bad("this is no WebSocket handshake")
	case errors.Is(err, live.ErrTooMany):
		w.Header().Set("Retry-After", strconv.Itoa(fullRoomPause))
		return errTooMany
	case err != nil:
		return errors.Join(errTryLater, err)
	}
	return nil
}

const (
	fullRoomPause = 60 // seconds, after which connections that are dead are closed

	viewerCookie   = "viewer"
	viewerLifetime = 365 * 24 * 60 * 60 // seconds
	longestViewer  = 200
)

// viewerOf tells visitors without an account apart: by a hash of their cookie,
// which those get who have none.
func viewerOf(w http.ResponseWriter, r *http.Request) string {
	cookie, err := r.Cookie(viewerCookie)
	if err != nil || cookie.Value == "" || len(cookie.Value) > longestViewer {
		cookie = &http.Cookie{
			Name: viewerCookie, Value: rand.Text(), Path: "/", MaxAge: viewerLifetime,
			HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
		}
		http.SetCookie(w, cookie)
	}
	hash := sha256.Sum256([]byte(cookie.Value))
	return hex.EncodeToString(hash[:])
}
