package social_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/social"
)

// reply is what a vendor answers on a path.
type reply struct {
	status int
	body   string
}

// vendors are all three at one address, which answer by path.
func vendors(t *testing.T, replies map[string]reply) *social.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for path, reply := range replies {
			if strings.HasSuffix(r.URL.Path, path) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(reply.status)
				_, _ = w.Write([]byte(reply.body))
				return
			}
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(server.Close)
	app := func(id string) social.App {
		return social.App{ClientID: id, ClientSecret: "secret", AppID: 42, AuthURL: server.URL, APIURL: server.URL + "/"}
	}
	client, err := social.New(social.Config{
		Kakao: app("k"), Naver: app("n"), Facebook: app("f"), Timeout: time.Second,
		Callback: func(vendor string) string { return "https://shop.example/" + vendor },
	})
	require.NoError(t, err)
	return client
}

const (
	kakaoMine    = `{"id":1,"app_id":42,"expires_in":100}`
	facebookMine = `{"data":{"app_id":"f","is_valid":true}}`
)

func TestAppsThatAreToldInHalf(t *testing.T) {
	t.Parallel()
	callback := func(string) string { return "" }
	none, err := social.New(social.Config{Callback: callback})
	require.NoError(t, err)
	require.False(t, none.On("naver"))
	require.NoError(t, none.LogOut(t.Context(), social.Kakao, "token"), "there is nothing to leave")
	_, err = social.New(social.Config{Naver: social.App{ClientID: "n"}, Callback: callback})
	require.ErrorContains(t, err, "naver")
	_, err = social.New(social.Config{Kakao: social.App{ClientID: "k", ClientSecret: "s"}, Callback: callback})
	require.ErrorContains(t, err, "app id")
	one, err := social.New(social.Config{Naver: social.App{ClientID: "n", ClientSecret: "s"}, Callback: callback})
	require.NoError(t, err)
	require.True(t, one.On("naver"))
	require.False(t, one.On("kakao"))
}

func TestWherePeopleAreSent(t *testing.T) {
	t.Parallel()
	client, err := social.New(social.Config{
		Kakao: social.App{ClientID: "k", ClientSecret: "s", AppID: 1}, Naver: social.App{ClientID: "n", ClientSecret: "s"},
		Facebook: social.App{ClientID: "f", ClientSecret: "s"}, Callback: func(vendor string) string { return "https://shop.example/" + vendor },
	})
	require.NoError(t, err)
	for vendor, at := range map[string]string{
		social.Kakao:    "https://kauth.kakao.com/oauth/authorize",
		social.Naver:    "https://nid.naver.com/oauth2.0/authorize",
		social.Facebook: "https://www.facebook.com/v22.0/dialog/oauth",
	} {
		sent, err := url.Parse(client.LoginURL(vendor, "the state"))
		require.NoError(t, err)
		q := sent.Query()
		sent.RawQuery = ""
		require.Equal(t, at, sent.String())
		require.Equal(t, "the state", q.Get("state"))
		require.Equal(t, "code", q.Get("response_type"))
		require.Equal(t, "https://shop.example/"+vendor, q.Get("redirect_uri"))
		require.NotContains(t, sent.String(), "secret")
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vendor      string
		reply       reply
		token       string
		unavailable bool
	}{
		"kakao's":                   {vendor: social.Kakao, reply: reply{200, `{"access_token":"T","token_type":"bearer","expires_in":21599}`}, token: "T"},
		"naver's, a string expires": {vendor: social.Naver, reply: reply{200, `{"access_token":"T","token_type":"bearer","expires_in":"3600"}`}, token: "T"},
		"facebook's":                {vendor: social.Facebook, reply: reply{200, `{"access_token":"T","token_type":"bearer","expires_in":5183944}`}, token: "T"},
		"kakao refuses":             {vendor: social.Kakao, reply: reply{400, `{"error":"invalid_grant","error_description":"code=CODE","error_code":"KOE320"}`}},
		"naver refuses with 200":    {vendor: social.Naver, reply: reply{200, `{"error":"invalid_request","error_description":"no valid data in session"}`}},
		"facebook refuses":          {vendor: social.Facebook, reply: reply{400, `{"error":{"message":"used","type":"OAuthException","code":100}}`}},
		"kakao is down":             {vendor: social.Kakao, reply: reply{503, `gone CODE`}, unavailable: true},
		"naver is busy":             {vendor: social.Naver, reply: reply{429, `{}`}, unavailable: true},
		"facebook is busy":          {vendor: social.Facebook, reply: reply{400, `{"error":{"code":4}}`}, unavailable: true},
		"facebook for a moment":     {vendor: social.Facebook, reply: reply{400, `{"error":{"code":999,"is_transient":true}}`}, unavailable: true},
		"our secret is wrong":       {vendor: social.Kakao, reply: reply{401, `{"error":"invalid_client","error_code":"KOE010"}`}, unavailable: true},
		"and naver says so":         {vendor: social.Naver, reply: reply{200, `{"error":"invalid_client"}`}, unavailable: true},
		"naver is broken with 200":  {vendor: social.Naver, reply: reply{200, `{"error":"server_error"}`}, unavailable: true},
		"no token in it":            {vendor: social.Kakao, reply: reply{200, `{}`}, unavailable: true},
		"no JSON":                   {vendor: social.Naver, reply: reply{200, `<html>`}, unavailable: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan url.Values, 10)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				asked <- r.PostForm
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.reply.status)
				_, _ = w.Write([]byte(c.reply.body))
			}))
			defer server.Close()
			app := social.App{ClientID: "id", ClientSecret: "secret", AppID: 1, AuthURL: server.URL, APIURL: server.URL}
			client, err := social.New(social.Config{Kakao: app, Naver: app, Facebook: app, Callback: func(string) string { return "https://back" }})
			require.NoError(t, err)
			token, err := client.Exchange(t.Context(), c.vendor, "CODE", "STATE")
			require.Equal(t, c.token, token)
			require.Equal(t, c.unavailable, social.IsUnavailable(err), "%v", err)
			require.Equal(t, !c.unavailable && c.token == "", social.IsRefused(err), "%v", err)
			if err != nil {
				require.NotContains(t, err.Error(), "CODE")
			}
			require.Len(t, asked, 1, "a code is sent once")
			form := <-asked
			for field, value := range map[string]string{
				"code": "CODE", "state": "STATE", "client_id": "id", "client_secret": "secret", "redirect_uri": "https://back", "grant_type": "authorization_code",
			} {
				require.Equal(t, value, form.Get(field), field)
			}
		})
	}
}

func TestWhomATokenIsOf(t *testing.T) {
	t.Parallel()
	const (
		kakao = `{"id":3000000000123,"properties":{"nickname":"옛별명"},"kakao_account":{"profile":{"nickname":"별명"},
			"email":"a@kakao.example","is_email_valid":true,"is_email_verified":true,"phone_number":"+82 10-1234-5678"}}`
		naver    = `{"resultcode":"00","message":"success","response":{"id":"abc","nickname":"별명","name":"이름","email":"a@naver.example","mobile":"010-1234-5678","mobile_e164":"+821012345678"}}`
		facebook = `{"id":"123","name":"이름","email":"a@facebook.example"}`
	)
	full := social.Profile{Nickname: "별명", Name: "별명", Email: "a@kakao.example", Mobile: "01012345678"}
	for name, c := range map[string]struct {
		vendor  string
		me      reply
		about   reply // whose token it is
		want    social.Profile
		refused bool
		silent  bool
	}{
		"kakao":                    {vendor: social.Kakao, me: reply{200, kakao}, about: reply{200, kakaoMine}, want: full},
		"kakao, the least":         {vendor: social.Kakao, me: reply{200, `{"id":1,"kakao_account":{"email_needs_agreement":true}}`}, about: reply{200, kakaoMine}},
		"kakao, old nickname":      {vendor: social.Kakao, me: reply{200, `{"id":1,"properties":{"nickname":"옛별명"}}`}, about: reply{200, kakaoMine}, want: social.Profile{Nickname: "옛별명", Name: "옛별명"}},
		"kakao, mail not verified": {vendor: social.Kakao, me: reply{200, `{"id":1,"kakao_account":{"email":"a@x.example","is_email_valid":true,"is_email_verified":false}}`}, about: reply{200, kakaoMine}},
		"kakao of another app":     {vendor: social.Kakao, me: reply{200, kakao}, about: reply{200, `{"id":1,"app_id":43}`}, refused: true},
		"kakao does not know it":   {vendor: social.Kakao, me: reply{401, `{"code":-401}`}, about: reply{401, `{"code":-401}`}, refused: true},
		"kakao is broken":          {vendor: social.Kakao, me: reply{200, kakao}, about: reply{400, `{"code":-1,"msg":"internal"}`}, silent: true},
		"kakao says nothing":       {vendor: social.Kakao, me: reply{200, `{}`}, about: reply{200, kakaoMine}, silent: true},
		"naver":                    {vendor: social.Naver, me: reply{200, naver}, want: social.Profile{Nickname: "별명", Name: "이름", Email: "a@naver.example", Mobile: "01012345678"}},
		"naver, the least":         {vendor: social.Naver, me: reply{200, `{"resultcode":"00","response":{"id":"x"}}`}},
		"naver, another code":      {vendor: social.Naver, me: reply{200, `{"resultcode":"024","response":{"id":"x"}}`}, refused: true},
		"naver does not know it":   {vendor: social.Naver, me: reply{401, `{"resultcode":"024"}`}, refused: true},
		"naver says nothing":       {vendor: social.Naver, me: reply{200, `{"resultcode":"00"}`}, silent: true},
		"naver is down":            {vendor: social.Naver, me: reply{500, ``}, silent: true},
		"facebook":                 {vendor: social.Facebook, me: reply{200, facebook}, about: reply{200, facebookMine}, want: social.Profile{Name: "이름", Email: "a@facebook.example"}},
		"facebook without mail":    {vendor: social.Facebook, me: reply{200, `{"id":"1","name":"이름"}`}, about: reply{200, facebookMine}, want: social.Profile{Name: "이름"}},
		"facebook of another app":  {vendor: social.Facebook, me: reply{200, facebook}, about: reply{200, `{"data":{"app_id":"g","is_valid":true}}`}, refused: true},
		"facebook, not valid":      {vendor: social.Facebook, me: reply{200, facebook}, about: reply{200, `{"data":{"app_id":"f","is_valid":false}}`}, refused: true},
		"facebook says nothing":    {vendor: social.Facebook, me: reply{200, `{}`}, about: reply{200, facebookMine}, silent: true},
		"facebook about nothing":   {vendor: social.Facebook, me: reply{200, facebook}, about: reply{200, `{}`}, refused: true},
		"no JSON":                  {vendor: social.Facebook, me: reply{200, `<html>`}, about: reply{200, facebookMine}, silent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := vendors(t, map[string]reply{"/me": c.me, "/access_token_info": c.about, "/debug_token": c.about})
			profile, err := client.Profile(t.Context(), c.vendor, "TOKEN")
			require.Equal(t, c.want, profile)
			require.Equal(t, c.refused, social.IsRefused(err), "%v", err)
			require.Equal(t, c.silent, social.IsUnavailable(err), "%v", err)
		})
	}
}

// TestSilenceTellsNoSecrets has nobody listen: what is logged then names no
// token.
func TestSilenceTellsNoSecrets(t *testing.T) {
	t.Parallel()
	app := social.App{ClientID: "id", ClientSecret: "SECRET", AppID: 1, AuthURL: "http://127.0.0.1:1", APIURL: "http://127.0.0.1:1"}
	client, err := social.New(social.Config{Kakao: app, Naver: app, Facebook: app, Callback: func(string) string { return "" }})
	require.NoError(t, err)
	for _, vendor := range social.Vendors {
		_, err := client.Profile(t.Context(), vendor, "TOKEN")
		require.True(t, social.IsUnavailable(err))
		require.NotContains(t, err.Error(), "TOKEN")
		require.NotContains(t, err.Error(), "SECRET")
		_, err = client.Exchange(t.Context(), vendor, "CODE", "STATE")
		require.True(t, social.IsUnavailable(err))
		require.NotContains(t, err.Error(), "CODE")
		for _, token := range []string{"", "a b", "a\r\nX: y", "별", strings.Repeat("x", 3000)} {
			_, err = client.Profile(t.Context(), vendor, token)
			require.True(t, social.IsRefused(err), "%q is no token", token)
		}
	}
}

func TestAVendorThatHangsIsLeft(t *testing.T) {
	t.Parallel()
	open := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-open }))
	defer server.Close()
	defer close(open)
	app := social.App{ClientID: "id", ClientSecret: "s", AuthURL: server.URL, APIURL: server.URL}
	client, err := social.New(social.Config{Naver: app, Timeout: 50 * time.Millisecond, Callback: func(string) string { return "" }})
	require.NoError(t, err)
	_, err = client.Profile(t.Context(), social.Naver, "TOKEN")
	require.True(t, social.IsUnavailable(err))
	_, err = client.Exchange(t.Context(), social.Naver, "CODE", "STATE")
	require.True(t, social.IsUnavailable(err))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.Profile(ctx, social.Naver, "TOKEN")
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, social.IsUnavailable(err), "whoever asked has gone")
}
