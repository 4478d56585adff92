package api

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/social"
	"github.com/byeolshow/byeolshow/workflows"
)

const (
	stateCookie = "social_login"
	stateLife   = 10 * time.Minute
	socialPath  = "/user/auth/"
	// kakaoGoodbye is how long a logout may wait for Kakao's.
	kakaoGoodbye = time.Second
)

// SocialCallback is where a vendor sends people back to, below the public base
// URL.
func SocialCallback(vendor string) string { return socialPath + vendor + "/callback/" }

func (a *api) socialRoutes(r chi.Router) {
	r.Get(socialPath+"{vendor}/login", a.ofVendor(a.toVendor))
	r.Get(socialPath+"{vendor}/callback", a.ofVendor(a.fromVendor))
	r.Post(socialPath+"{vendor}/callback", a.ofVendor(a.postedFromVendor))
	r.Post(socialPath+"{vendor}/token", a.ofVendor(a.logInByToken))
}

// ofVendor serves a route of the vendor in its path, which is none when we are
// not registered there.
func (a *api) ofVendor(serve func(vendor string) handler) http.HandlerFunc {
	return a.wrapped(func(w http.ResponseWriter, r *http.Request) error {
		vendor := chi.URLParam(r, "vendor")
		if !a.Social.On(vendor) {
			return errNoRoute
		}
		return serve(vendor)(w, r)
	})
}

// newStateSecret is 32 random bytes as text.
func newStateSecret() string {
	bytes := make([]byte, 32)
	_, _ = rand.Read(bytes) // never fails
	return base64.RawURLEncoding.EncodeToString(bytes)
}

// toVendor sends the browser to the vendor, with a state that is good once and
// in this browser alone.
func (a *api) toVendor(vendor string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		state, cookie := newStateSecret(), newStateSecret()
		if err := a.Store.CreateOAuthState(r.Context(), state, vendor, cookie, a.Now().Add(stateLife)); err != nil {
			return err
		}
		setStateCookie(w, cookie, stateLife)
		http.Redirect(w, r, a.Social.LoginURL(vendor, state), http.StatusFound)
		return nil
	}
}

// setStateCookie sets the cookie that binds a state to the browser; for no
// time, it removes it. Browsers take loopback for secure.
func setStateCookie(w http.ResponseWriter, value string, life time.Duration) {
	age := int(life.Seconds())
	if age == 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: stateCookie, Value: value, Path: socialPath, MaxAge: age, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	})
}

// fromVendor takes up whoever comes back from the vendor.
func (a *api) fromVendor(vendor string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Referrer-Policy", "no-referrer") // the URL holds the code
		began, err := a.beganHere(r, vendor)
		if err != nil {
			return err
		}
		if !began {
			return bare(w, http.StatusForbidden, "잘못된 접근입니다")
		}
		setStateCookie(w, "", 0)
		code := r.FormValue("code")
		if code == "" { // they changed their mind
			err = &social.RefusedError{Vendor: vendor, Reason: "no code"}
		}
		var vendorToken string
		if err == nil {
			vendorToken, err = a.Social.Exchange(r.Context(), vendor, code, r.FormValue("state"))
		}
		if social.IsRefused(err) && vendor == social.Kakao {
			return bare(w, http.StatusBadRequest, errSocialLogin.Message)
		}
		if err != nil {
			return socialRefusal(err)
		}
		token, err := a.logInSocially(r.Context(), vendor, vendorToken)
		if err != nil {
			return err
		}
		w.Header().Set(tokenHeader, token)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		w.WriteHeader(http.StatusOK)
		_, _ = fmt.Fprintf(w, "<h1 style='color:#ffffff'>%s</h1>", html.EscapeString(token)) // the caller has gone when this fails
		return nil
	}
}

// beganHere tells whether the login of the request's state began in this
// browser. It is true once.
func (a *api) beganHere(r *http.Request, vendor string) (bool, error) {
	state := r.FormValue("state")
	cookie, err := r.Cookie(stateCookie)
	if state == "" || err != nil {
		return false, nil //nolint:nilerr // there is no cookie
	}
	return a.Store.UseOAuthState(r.Context(), state, vendor, cookie.Value, a.Now())
}

// postedFromVendor is fromVendor for Kakao, which alone may send people back by
// POST.
func (a *api) postedFromVendor(vendor string) handler {
	if vendor == social.Kakao {
		return a.fromVendor(vendor)
	}
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", http.MethodGet)
		return errNoMethod
	}
}

// logInByToken takes a token that the app got from the vendor by itself.
func (a *api) logInByToken(vendor string) handler {
	key := vendor + "_access_token"
	return func(w http.ResponseWriter, r *http.Request) error {
		var body map[string]any
		if err := decode(r, &body); err != nil {
			return err
		}
		vendorToken, _ := body[key].(string)
		if vendorToken == "" {
			return bad(key + " is missing or no string")
		}
		token, err := a.logInSocially(r.Context(), vendor, vendorToken)
		if err != nil {
			return err
		}
		w.Header().Set(tokenHeader, token)
		return done(w, http.StatusOK, "로그인되었습니다")
	}
}

var errSocialLogin = refuse(http.StatusBadRequest, "로그인에 실패했습니다")

// socialRefusal is what a vendor's or the shop's refusal is answered with; other
// errors stay.
func socialRefusal(err error) error {
	var (
		vendor *social.RefusedError
		shop   *clayful.Error
	)
	switch {
	case errors.As(err, &vendor):
		return &refusal{Status: errSocialLogin.Status, Message: errSocialLogin.Message, Detail: vendor.Reason}
	case errors.As(err, &shop) && !clayful.IsUnavailable(err):
		return &refusal{Status: errSocialLogin.Status, Message: errSocialLogin.Message, Detail: shop.Message, Code: shop.Code}
	}
	return err
}

// logInSocially opens a session for whoever the vendor's token is of, and makes
// them a member first if they are none yet: the first time, or when that was
// cut short.
func (a *api) logInSocially(ctx context.Context, vendor, vendorToken string) (string, error) {
	profile, err := a.Social.Profile(ctx, vendor, vendorToken)
	if err != nil {
		return "", socialRefusal(err)
	}
	auth, err := a.Clayful.AuthenticateSocial(ctx, vendor, vendorToken)
	if err != nil {
		return "", socialRefusal(err)
	}
	customer, err := a.Clayful.Customer(ctx, string(auth.Customer))
	if err != nil {
		return "", socialRefusal(err)
	}
	if customer.MetaFalse("active") {
		return "", errWithdrawn
	}
	if len(customer.Groups) == 0 {
		err := a.welcome(ctx, customer.ID, workflows.Profile{
			Nickname: profile.Nickname, FullName: profile.Name, Email: profile.Email, Mobile: profile.Mobile,
		})
		if err != nil {
			return "", err
		}
		if auth, err = a.Clayful.AuthenticateSocial(ctx, vendor, vendorToken); err != nil {
			return "", socialRefusal(err)
		}
	}
	if auth.Token == "" {
		return "", errors.New("the shop gave no token for a social login")
	}
	return a.sessions.open(ctx, auth, customer.InGroup(a.InfluencerGroup))
}

// logOutOfKakao ends the Kakao token of whoever logs out, if they show it. What
// comes of it does not matter.
func (a *api) logOutOfKakao(r *http.Request) {
	token := r.Header.Get("Kakao-Token")
	if token == "" {
		token = r.Header.Get("kakao_token")
	}
	if token == "" {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), kakaoGoodbye)
	defer cancel()
	if err := a.Social.LogOut(ctx, social.Kakao, token); err != nil {
		a.Logger.DebugContext(r.Context(), "kakao logout failed", "error", err)
	}
}
