package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

func (a *api) authRoutes(r chi.Router) {
	r.With(a.limit(a.Limits.LoginPerMinute, time.Minute, byIPAndUser)).Post("/user/auth", a.wrapped(a.logIn))
	r.Get("/user/auth", a.wrapped(a.logOut))
}

func (a *api) logIn(w http.ResponseWriter, r *http.Request) error {
	var login struct {
		UserID   string `json:"userId"`
		Password string `json:"password"`
	}
	if err := decode(r, &login); err != nil {
		return err
	}
	if login.UserID == "" || login.Password == "" {
		return refuse(http.StatusBadRequest, "아이디와 비밀번호를 입력해 주세요")
	}
	auth, err := a.Clayful.Authenticate(r.Context(), login.UserID, login.Password)
	switch {
	case clayful.IsUnavailable(err):
		return err
	case clayful.IsCode(err, "unauthorized"): // it is us whom the shop does not know
		return errors.Join(errTryLater, err)
	case err != nil:
		return refuse(http.StatusBadRequest, "아이디 또는 비밀번호가 올바르지 않습니다")
	}
	customer, err := a.Clayful.Me(r.Context(), auth.Token)
	if err != nil {
		return err
	}
	if customer.MetaFalse("active") {
		return errWithdrawn
	}
	token, err := a.sessions.open(r.Context(), auth, customer.InGroup(a.InfluencerGroup))
	if err != nil {
		return err
	}
	w.Header().Set(tokenHeader, token)
	return done(w, http.StatusOK, "로그인되었습니다")
}

var errWithdrawn = refuse(http.StatusConflict, "탈퇴한 회원입니다")

// logOut ends the session the token names, if it names one.
func (a *api) logOut(w http.ResponseWriter, r *http.Request) error {
	if m, err := a.sessions.read(r.Header.Get(tokenHeader)); err == nil {
		if err := a.sessions.revoke(r.Context(), m.Session); err != nil {
			return err
		}
	}
	a.logOutOfKakao(r)
	return bare(w, http.StatusOK, "로그아웃되었습니다")
}
