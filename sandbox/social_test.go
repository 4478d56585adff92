package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/social"
)

// form sends a form, follows no redirect, and answers what came.
func (w *world) form(method, path string, values url.Values) (status int, location *url.URL, body string) {
	w.t.Helper()
	at, payload := w.url+path, ""
	if method == http.MethodGet {
		at += "?" + values.Encode()
	} else {
		payload = values.Encode()
	}
	request, err := http.NewRequestWithContext(w.t.Context(), method, at, strings.NewReader(payload))
	require.NoError(w.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	require.NoError(w.t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	location, _ = response.Location() // nil when there is none
	return response.StatusCode, location, string(text)
}

// authorize are the vendors' pages.
var authorize = map[string]string{
	"kakao": "/kakao/oauth/authorize", "naver": "/naver/oauth2.0/authorize", "facebook": "/facebook/v22.0/dialog/oauth",
}

// code is what a person brings back from a vendor.
func (w *world) code(vendor string) string {
	w.t.Helper()
	page := authorize[vendor] + "?" + url.Values{
		"response_type": {"code"}, "client_id": {vendor + "-id"}, "redirect_uri": {"https://shop.example/" + vendor}, "state": {"S"},
	}.Encode()
	status, back, body := w.form("POST", page, url.Values{"account": {vendor + "1"}, "press": {"agree"}})
	require.Equal(w.t, 302, status, body)
	require.Equal(w.t, "S", back.Query().Get("state"))
	return back.Query().Get("code")
}

func TestPagesOfTheVendors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for vendor, path := range authorize {
		right := func() url.Values {
			return url.Values{
				"response_type": {"code"}, "client_id": {vendor + "-id"}, "redirect_uri": {"https://shop.example/" + vendor}, "state": {"S&T"},
			}
		}
		status, _, page := w.form("GET", path, right())
		require.Equal(t, 200, status, page)
		require.Contains(t, page, vendor+"1")
		for field, wrong := range map[string]string{"client_id": "another", "redirect_uri": "https://evil.example/", "response_type": "token"} {
			q := right()
			q.Set(field, wrong)
			for _, method := range []string{"GET", "POST"} {
				status, back, page := w.form(method, path+"?"+q.Encode(), url.Values{"account": {vendor + "1"}, "press": {"agree"}})
				if method == "GET" {
					status, back, page = w.form(method, path, q)
				}
				require.Equal(t, 400, status, "%s %s", vendor, field)
				require.Nil(t, back, "nobody is sent anywhere")
				require.NotContains(t, page, "<form")
			}
		}
		status, _, page = w.form("POST", path+"?"+right().Encode(), url.Values{"account": {"nobody"}, "press": {"agree"}})
		require.Equal(t, 200, status)
		require.Contains(t, page, `role="alert"`)
		status, back, _ := w.form("POST", path+"?"+right().Encode(), url.Values{"press": {"cancel"}})
		require.Equal(t, 302, status)
		require.Equal(t, "access_denied", back.Query().Get("error"))
		require.Equal(t, "S&T", back.Query().Get("state"))
		require.Empty(t, back.Query().Get("code"))
	}
	q := url.Values{"response_type": {"code"}, "client_id": {"naver-id"}, "redirect_uri": {"https://shop.example/naver"}}
	status, _, _ := w.form("GET", authorize["naver"], q)
	require.Equal(t, 400, status, "Naver wants a state")
}

// TestRefusalsInTheVendorsWords sends every vendor wrong codes, secrets and
// tokens.
func TestRefusalsInTheVendorsWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for vendor, v := range map[string]struct {
		path   string
		status int
		words  map[string]string // by what is wrong
	}{
		"kakao": {"/kakao/oauth/token", 0, map[string]string{
			"client_id": `"error":"invalid_client"`, "client_secret": `"KOE010"`, "code": `"KOE320"`, "redirect_uri": `"KOE303"`, "used": `"KOE320"`, "grant_type": `"unsupported_grant_type"`,
		}},
		"naver": {"/naver/oauth2.0/token", 200, map[string]string{
			"client_id": `"error":"invalid_client"`, "client_secret": `"error":"invalid_client"`, "code": `"no valid data in session"`,
			"redirect_uri": `"error":"invalid_request"`, "used": `"no valid data in session"`, "state": `"error":"invalid_request"`, "grant_type": `"error":"invalid_request"`,
		}},
		"facebook": {"/facebook/v22.0/oauth/access_token", 400, map[string]string{
			"client_id": `"code":101`, "client_secret": `"code":1,`, "code": `"error_subcode":36007`, "redirect_uri": `"error_subcode":36008`,
			"used": `"error_subcode":36009`, "grant_type": `"type":"OAuthException"`,
		}},
	} {
		right := func() url.Values {
			return url.Values{
				"grant_type": {"authorization_code"}, "client_id": {vendor + "-id"}, "client_secret": {"secret"}, "code": {w.code(vendor)},
				"redirect_uri": {"https://shop.example/" + vendor}, "state": {"S"},
			}
		}
		for wrong, words := range v.words {
			form := right()
			switch wrong {
			case "used":
				status, _, body := w.form("POST", v.path, form)
				require.Equal(t, 200, status, body)
				require.Contains(t, body, "access_token")
			case "state":
				form.Del("state")
			default:
				form.Set(wrong, "wrong")
			}
			status, _, body := w.form("POST", v.path, form)
			require.Contains(t, body, words, "%s: %s", vendor, wrong)
			require.NotContains(t, body, "access_token")
			if v.status == 0 {
				require.GreaterOrEqual(t, status, 400)
			} else {
				require.Equal(t, v.status, status, "%s: %s", vendor, wrong)
			}
		}
	}
	for path, want := range map[string]string{
		"/kakao/v2/user/me": `{"code":-401,"msg":"this access token does not exist"}`, "/kakao/v1/user/access_token_info": `{"code":-401,"msg":"this access token does not exist"}`,
	} {
		status, body := w.call("GET", path, nil, "Authorization", "Bearer invented")
		require.Equal(t, 401, status)
		text, err := json.Marshal(body)
		require.NoError(t, err)
		require.JSONEq(t, want, string(text))
	}
	status, body := w.call("GET", "/naver/v1/nid/me", nil, "Authorization", "Bearer invented")
	require.Equal(t, 401, status)
	require.Equal(t, "024", body.(map[string]any)["resultcode"])
	status, body = w.call("GET", "/facebook/v22.0/me?fields=id,name,email", nil, "Authorization", "Bearer invented")
	require.Equal(t, 400, status)
	require.InDelta(t, 190, body.(map[string]any)["error"].(map[string]any)["code"], 0)
}

// TestOurClientAtTheSandbox goes the whole way with each vendor, and on to the
// shop.
func TestOurClientAtTheSandbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := func(vendor string) social.App {
		return social.App{ClientID: vendor + "-id", ClientSecret: "secret", AppID: 42, AuthURL: w.url + "/" + vendor, APIURL: w.url + "/" + vendor}
	}
	client, err := social.New(social.Config{
		Kakao: app("kakao"), Naver: app("naver"), Facebook: app("facebook"),
		Callback: func(vendor string) string { return "https://shop.example/" + vendor },
	})
	require.NoError(t, err)
	shop := clayful.New(clayful.Config{BaseURL: w.url + "/clayful", Token: "backend"})
	for _, vendor := range social.Vendors {
		token, err := client.Exchange(t.Context(), vendor, w.code(vendor), "S")
		require.NoError(t, err)
		profile, err := client.Profile(t.Context(), vendor, token)
		require.NoError(t, err)
		require.Empty(t, profile.Email, "not agreed to")

		first, err := shop.AuthenticateSocial(t.Context(), vendor, token)
		require.NoError(t, err)
		again, err := shop.AuthenticateSocial(t.Context(), vendor, token)
		require.NoError(t, err)
		require.Equal(t, first.Customer, again.Customer)
		me, err := shop.Me(t.Context(), again.Token)
		require.NoError(t, err)
		require.Empty(t, me.Groups)
		require.JSONEq(t, `[{"vendor":"`+vendor+`"}]`, string(me.Social))

		status, given := w.call("POST", "/control/"+vendor+"/tokens", map[string]any{"account": vendor + "1", "another_app": true})
		require.Equal(t, 200, status)
		foreign := given.(map[string]any)["access_token"].(string)
		_, err = client.Profile(t.Context(), vendor, foreign)
		require.Equal(t, vendor != "naver", social.IsRefused(err), "%v", err)
		_, err = shop.AuthenticateSocial(t.Context(), vendor, "invented")
		require.True(t, clayful.IsCode(err, "invalid-token"))
	}
	token, err := client.Exchange(t.Context(), "kakao", w.code("kakao"), "S")
	require.NoError(t, err)
	require.NoError(t, client.LogOut(t.Context(), "kakao", token))
	_, err = client.Profile(t.Context(), "kakao", token)
	require.True(t, social.IsRefused(err))
	status, _ := w.call("POST", "/control/faults", map[string]any{"vendor": "naver", "mode": "error"})
	require.Equal(t, 201, status)
	_, err = shop.AuthenticateSocial(t.Context(), "naver", token)
	require.True(t, clayful.IsUnavailable(err), "the vendor's trouble is no refusal")
	status, _ = w.call("POST", "/clayful/v1/customers/auth/myspace", map[string]string{"token": "x"}, "Authorization", "Bearer backend")
	require.Equal(t, 404, status)
}

func TestTokensAreRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for vendor, path := range map[string]string{"kakao": "/kakao/oauth/token", "naver": "/naver/oauth2.0/token"} {
		app := url.Values{"client_id": {vendor + "-id"}, "client_secret": {"secret"}, "state": {"S"}, "redirect_uri": {"https://shop.example/" + vendor}}
		ask := func(fields ...string) map[string]any {
			form := url.Values{}
			for field := range app {
				form.Set(field, app.Get(field))
			}
			for i := 0; i < len(fields); i += 2 {
				form.Set(fields[i], fields[i+1])
			}
			_, _, body := w.form("POST", path, form)
			answer := map[string]any{}
			require.NoError(t, json.Unmarshal([]byte(body), &answer))
			return answer
		}
		first := ask("grant_type", "authorization_code", "code", w.code(vendor))
		second := ask("grant_type", "refresh_token", "refresh_token", first["refresh_token"].(string))
		require.NotEqual(t, first["access_token"], second["access_token"])
		require.NotEmpty(t, second["access_token"])
		require.Contains(t, ask("grant_type", "refresh_token", "refresh_token", "invented"), "error")
		if vendor == "naver" {
			seconds, err := strconv.Atoi(second["expires_in"].(string))
			require.NoError(t, err, "Naver writes a string")
			require.Positive(t, seconds)
			require.Equal(t, "success", ask("grant_type", "delete", "access_token", second["access_token"].(string))["result"])
			status, _ := w.call("GET", "/naver/v1/nid/me", nil, "Authorization", "Bearer "+second["access_token"].(string))
			require.Equal(t, 401, status)
		}
	}
}
