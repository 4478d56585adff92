package api

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

func (a *api) deviceRoutes(r chi.Router) {
	r.With(a.login).Post("/user/upload_token", a.wrapped(a.registerDevice))
	r.With(a.login).Post("/user/delete_token", a.wrapped(a.removeDevice))
}

func deviceToken(r *http.Request) (string, error) {
	var body struct {
		Token string `json:"firebase_token"`
	}
	if err := decode(r, &body); err != nil {
		return "", err
	}
	const longest = 2000 // bytes, as the index can hold
	if body.Token == "" || len(body.Token) > longest {
		return "", bad("firebase_token is missing or too long")
	}
	return body.Token, nil
}

func (a *api) registerDevice(w http.ResponseWriter, r *http.Request) error {
	token, err := deviceToken(r)
	if err != nil {
		return err
	}
	if err := a.Store.RegisterDevice(r.Context(), token, caller(r).ID); err != nil {
		return err
	}
	return done(w, http.StatusOK, "등록되었습니다")
}

func (a *api) removeDevice(w http.ResponseWriter, r *http.Request) error {
	token, err := deviceToken(r)
	if err != nil {
		return err
	}
	if err := a.Store.DropOwnDevice(r.Context(), token, caller(r).ID); err != nil {
		return err
	}
	return done(w, http.StatusOK, "삭제되었습니다")
}
