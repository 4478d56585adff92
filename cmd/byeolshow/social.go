package main

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/byeolshow/byeolshow/api"
	"github.com/byeolshow/byeolshow/clients/social"
	"github.com/byeolshow/byeolshow/sandbox/oauth"
)

// socialApp is who we are at Kakao, Naver or Facebook: the variables of that
// name before them. Without a client id there is no login with the vendor.
type socialApp struct {
	ClientID     string `env:"CLIENT_ID"`     // Facebook's is the app id
	ClientSecret string `env:"CLIENT_SECRET"` // of the app
	AppID        int64  `env:"APP_ID"`        // Kakao's alone: whose tokens are ours
	Version      string `env:"VERSION"`       // Facebook's alone; v22.0 when empty
	AuthURL      string `env:"AUTH_URL"`      // where people log in; the vendor's own when empty
	APIURL       string `env:"API_URL"`       // where we ask; the vendor's own when empty
}

func (a socialApp) client() social.App {
	return social.App{
		ClientID: a.ClientID, ClientSecret: a.ClientSecret, AppID: a.AppID, Version: a.Version, AuthURL: a.AuthURL, APIURL: a.APIURL,
	}
}

// callback is where a vendor sends people back to.
func (s settings) callback(vendor string) string {
	return strings.TrimSuffix(s.PublicBaseURL, "/") + api.SocialCallback(vendor)
}

func (s settings) social(observe func(http.RoundTripper) http.RoundTripper) (*social.Client, error) {
	return social.New(social.Config{
		Kakao: s.Kakao.client(), Naver: s.Naver.client(), Facebook: s.Facebook.client(), Callback: s.callback, Observe: observe,
	})
}

// registered is an app as the sandbox knows it.
func (s settings) registered(vendor string, app socialApp) oauth.App {
	return oauth.App{ID: strconv.FormatInt(app.AppID, 10), ClientID: app.ClientID, Secret: app.ClientSecret, Callback: s.callback(vendor)}
}
