package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var vendors = []string{"kakao", "naver", "facebook"}

// visitor is a browser without an address bar: it sends its cookie even where
// only loopback makes the line secure.
type visitor struct {
	t      *testing.T
	cookie string
}

func (v *visitor) do(method, at string, form url.Values) answer {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, at, strings.NewReader(form.Encode()))
	require.NoError(v.t, err)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.cookie != "" && strings.Contains(at, shared.api) {
		request.Header.Set("Cookie", v.cookie)
	}
	response, err := plain.Do(request)
	require.NoError(v.t, err)
	defer func() { _ = response.Body.Close() }()
	var body bytes.Buffer
	_, err = body.ReadFrom(response.Body)
	require.NoError(v.t, err)
	for _, cookie := range response.Cookies() {
		v.cookie = cookie.Name + "=" + cookie.Value
	}
	return answer{response.StatusCode, response.Header, body.Bytes()}
}

// begin starts a login and answers where the vendor asks for consent.
func (v *visitor) begin(vendor string) string {
	v.t.Helper()
	got := v.do("GET", "http://"+shared.api+"/user/auth/"+vendor+"/login/", nil)
	require.Equal(v.t, 302, got.status, string(got.body))
	return got.header.Get("Location")
}

// consent does what a person does on the vendor's page, and answers where that
// sends them. Agree are fields; none of them is refused when it is nil.
func (v *visitor) consent(page, account, press string, agree []string) string {
	v.t.Helper()
	got := v.do("GET", page, nil)
	require.Equal(v.t, 200, got.status, string(got.body))
	if agree == nil {
		for _, box := range regexp.MustCompile(`name="agree" value="([^"]+)"`).FindAllSubmatch(got.body, -1) {
			agree = append(agree, string(box[1]))
		}
	}
	got = v.do("POST", page, url.Values{"account": {account}, "press": {press}, "agree": agree})
	require.Equal(v.t, 302, got.status, string(got.body))
	return got.header.Get("Location")
}

// through logs in from the beginning to the end.
func (v *visitor) through(vendor, account string) answer {
	v.t.Helper()
	return v.do("GET", v.consent(v.begin(vendor), account, "agree", nil), nil)
}

// newAccount is a person with an account at a vendor.
func newAccount(t *testing.T, vendor string, changes map[string]string) map[string]string {
	t.Helper()
	name := "s" + strings.ToLower(rand.Text()[:10])
	account := map[string]string{
		"account": name, "nickname": "별명" + name, "name": "이름" + name, "email": name + "@" + vendor + ".example", "phone": "+82 10-1234-5678",
	}
	for field, value := range changes {
		account[field] = value
	}
	shared.control(t, "POST", "/"+vendor+"/accounts", account)
	return account
}

// vendorToken is an access token of an account, of our app or of another.
func vendorToken(t *testing.T, vendor, account string, another bool) string {
	t.Helper()
	got := shared.control(t, "POST", "/"+vendor+"/tokens", map[string]any{"account": account, "another_app": another})
	return got.object(t)["access_token"].(string)
}

func byToken(t *testing.T, vendor, token string) answer {
	t.Helper()
	return shared.call(t, "POST", "/user/auth/"+vendor+"/token/", "", map[string]string{vendor + "_access_token": token})
}

func shop(t *testing.T, method, path string, body any) answer {
	t.Helper()
	got := call(t, method, "http://"+shared.sandbox+"/clayful/v1"+path, "", body, "Authorization", "Bearer "+shared.variable("CLAYFUL_TOKEN"))
	require.Less(t, got.status, 300, string(got.body))
	return got
}

// customersOf are the shop's customers with a mail address.
func customersOf(t *testing.T, email string) []map[string]any {
	t.Helper()
	return shop(t, "GET", "/customers?email="+url.QueryEscape(email), nil).list(t)
}

func words(t *testing.T, got answer) string {
	t.Helper()
	var text string
	require.NoError(t, json.Unmarshal(got.body, &text), string(got.body))
	return text
}

func TestAuth4SocialLogin(t *testing.T) {
	for _, vendor := range vendors {
		account, v := newAccount(t, vendor, nil), &visitor{t: t}
		page, err := url.Parse(v.begin(vendor))
		require.NoError(t, err)
		q := page.Query()
		require.Equal(t, "code", q.Get("response_type"))
		require.Equal(t, "http://"+shared.api+"/user/auth/"+vendor+"/callback/", q.Get("redirect_uri"))
		state, err := base64.RawURLEncoding.DecodeString(q.Get("state"))
		require.NoError(t, err)
		require.Len(t, state, 32)

		back := v.consent(page.String(), account["account"], "agree", nil)
		require.True(t, strings.HasPrefix(back, q.Get("redirect_uri")+"?"), back)
		got := v.do("GET", back, nil)
		require.Equal(t, 200, got.status, string(got.body))
		token := got.header.Get("Custom-Token")
		require.NotEmpty(t, token)
		require.Equal(t, "<h1 style='color:#ffffff'>"+token+"</h1>", string(got.body))
		require.Contains(t, got.header.Get("Content-Type"), "text/html")
		require.Equal(t, 200, shared.call(t, "GET", "/media/alarm/", token, nil).status)

		found := customersOf(t, account["email"])
		require.Len(t, found, 1)
		who := found[0]
		require.Equal(t, members, who["groups"].([]any)[0].(map[string]any)["_id"])
		require.Equal(t, vendor, who["social"].([]any)[0].(map[string]any)["vendor"])
		lists := shop(t, "GET", "/wishlists?customer="+who["_id"].(string), nil).list(t)
		require.Len(t, lists, 1)
		require.Equal(t, "product_wishlist", lists[0]["name"])
		name := who["name"].(map[string]any)["full"]
		switch vendor {
		case "kakao":
			require.Equal(t, account["nickname"], who["alias"])
			require.Equal(t, account["nickname"], name)
			require.Equal(t, "01012345678", who["mobile"])
		case "naver":
			require.Equal(t, account["nickname"], who["alias"])
			require.Equal(t, account["name"], name)
			require.Equal(t, "01012345678", who["mobile"])
		case "facebook":
			require.Nil(t, who["alias"])
			require.Equal(t, account["name"], name)
			require.Nil(t, who["mobile"])
		}

		again := v.through(vendor, account["account"])
		require.Equal(t, 200, again.status, string(again.body))
		require.Equal(t, 200, shared.call(t, "GET", "/media/alarm/", again.header.Get("Custom-Token"), nil).status)
		require.Equal(t, who["_id"], customersOf(t, account["email"])[0]["_id"])
	}
	require.Equal(t, 404, shared.call(t, "GET", "/user/auth/google/login/", "", nil).status)
	require.Equal(t, 404, shared.call(t, "POST", "/user/auth/google/token/", "", map[string]string{"google_access_token": "x"}).status)
	require.Equal(t, 405, shared.call(t, "POST", "/user/auth/naver/callback/", "", nil).status)
}

func TestAuth4TheStateIsOfOneBrowserOnce(t *testing.T) {
	cookie := call(t, "GET", "http://"+shared.api+"/user/auth/kakao/login/", "", nil).header.Get("Set-Cookie")
	for _, attribute := range []string{"HttpOnly", "Secure", "SameSite=Lax", "Max-Age=600", "Path=/user/auth/"} {
		require.Contains(t, cookie, attribute)
	}
	refused := func(v *visitor, at, why string) {
		t.Helper()
		got := v.do("GET", at, nil)
		require.Equal(t, 403, got.status, why)
		require.NotEmpty(t, words(t, got), why)
		require.Empty(t, got.header.Get("Custom-Token"), why)
	}
	for _, vendor := range vendors {
		account, v := newAccount(t, vendor, nil)["account"], &visitor{t: t}
		back := v.consent(v.begin(vendor), account, "agree", nil)
		began := v.cookie
		at, err := url.Parse(back)
		require.NoError(t, err)
		without := func(change func(url.Values)) string {
			q := at.Query()
			change(q)
			return (&url.URL{Scheme: at.Scheme, Host: at.Host, Path: at.Path, RawQuery: q.Encode()}).String()
		}
		refused(v, without(func(q url.Values) { q.Del("state") }), "without a state")
		refused(v, without(func(q url.Values) { q.Set("state", "unknown") }), "an unknown state")
		refused(&visitor{t: t}, back, "without a cookie")
		other := &visitor{t: t}
		other.begin(vendor)
		refused(other, back, "from another browser")
		another := vendors[0]
		if vendor == another {
			another = vendors[1]
		}
		refused(v, strings.Replace(back, "/"+vendor+"/", "/"+another+"/", 1), "at another vendor")
		v.cookie = began
		require.Equal(t, 200, v.do("GET", back, nil).status, "the right one is still good")
		v.cookie = began
		refused(v, back, "used")
	}
	account, v := newAccount(t, "kakao", nil)["account"], &visitor{t: t}
	late := v.consent(v.begin("kakao"), account, "agree", nil)
	_, state, _ := strings.Cut(late, "state=")
	shared.sql(t, "UPDATE oauth_state SET expires_at = now() WHERE state_hash = sha256(convert_to($1, 'UTF8'))", state)
	refused(v, late, "too late")
	at, form, _ := strings.Cut(v.consent(v.begin("kakao"), account, "agree", nil), "?")
	values, err := url.ParseQuery(form)
	require.NoError(t, err)
	got := v.do("POST", at, values)
	require.Equal(t, 200, got.status, "kakao may post: %s", got.body)
}

func TestAuth4CodesThatAreRefused(t *testing.T) {
	for _, vendor := range vendors {
		account, v := newAccount(t, vendor, nil), &visitor{t: t}
		refused := func(at, why string) {
			t.Helper()
			got := v.do("GET", at, nil)
			require.Equal(t, 400, got.status, why)
			require.Empty(t, got.header.Get("Custom-Token"), why)
			if vendor == "kakao" {
				require.NotEmpty(t, words(t, got), why)
			} else {
				requireError(t, got, why)
			}
		}
		withCode := func(code string) string {
			page, err := url.Parse(v.begin(vendor))
			require.NoError(t, err)
			return page.Query().Get("redirect_uri") + "?" + url.Values{"state": {page.Query().Get("state")}, "code": {code}}.Encode()
		}
		refused(withCode("invented"), "an invented code")
		refused(withCode(""), "no code")
		refused(v.consent(v.begin(vendor), account["account"], "cancel", nil), "cancelled")
		require.Empty(t, customersOf(t, account["email"]))

		back := v.consent(v.begin(vendor), account["account"], "agree", nil)
		require.Equal(t, 200, v.do("GET", back, nil).status)
		at, err := url.Parse(back)
		require.NoError(t, err)
		refused(withCode(at.Query().Get("code")), "a code that was used")
	}
}

func TestAuth4TokenOfTheApp(t *testing.T) {
	for _, vendor := range vendors {
		account := newAccount(t, vendor, nil)
		if vendor != "naver" { // which does not tell whose a token is
			got := byToken(t, vendor, vendorToken(t, vendor, account["account"], true))
			require.Equal(t, 400, got.status, "%s: another app's", vendor)
			requireError(t, got, vendor)
			require.Empty(t, got.header.Get("Custom-Token"))
			require.Empty(t, customersOf(t, account["email"]), "nothing is created")
		}
		for _, token := range []string{"invented", "with\nnewline", "별", strings.Repeat("x", 5000)} {
			got := byToken(t, vendor, token)
			require.Equal(t, 400, got.status, "%s: %.10q", vendor, token)
			requireError(t, got, vendor)
		}
		for _, body := range []map[string]any{{}, {"access_token": "x"}, {vendor + "_access_token": 7}, {vendor + "_access_token": nil}} {
			require.Equal(t, 400, shared.call(t, "POST", "/user/auth/"+vendor+"/token/", "", body).status)
		}
		got := byToken(t, vendor, vendorToken(t, vendor, account["account"], false))
		require.Equal(t, 200, got.status, string(got.body))
		require.NotEmpty(t, got.object(t)["success"].(map[string]any)["message"])
		require.Equal(t, 200, shared.call(t, "GET", "/media/alarm/", got.header.Get("Custom-Token"), nil).status)
		require.Len(t, customersOf(t, account["email"]), 1)
	}
	account := newAccount(t, "naver", nil)
	require.Equal(t, 200, byToken(t, "naver", vendorToken(t, "naver", account["account"], false)).status)
	who := customersOf(t, account["email"])[0]["_id"]
	shop(t, "PUT", "/customers/"+who.(string), map[string]any{"email": "moved-" + account["email"]})
	require.Equal(t, 200, byToken(t, "naver", vendorToken(t, "naver", account["account"], true)).status)
	require.NotEqual(t, who, customersOf(t, account["email"])[0]["_id"], "another app's token reaches no member")
}

func TestAuth4FirstLoginsSideBySide(t *testing.T) {
	account := newAccount(t, "kakao", nil)
	token := vendorToken(t, "kakao", account["account"], false)
	var wait sync.WaitGroup
	answers := make([]answer, 8)
	for i := range answers {
		wait.Go(func() { answers[i] = byToken(t, "kakao", token) })
	}
	wait.Wait()
	for _, got := range answers {
		require.Equal(t, 200, got.status, string(got.body))
		require.Equal(t, 200, shared.call(t, "GET", "/media/alarm/", got.header.Get("Custom-Token"), nil).status)
	}
	found := customersOf(t, account["email"])
	require.Len(t, found, 1)
	require.Equal(t, account["nickname"], found[0]["alias"])
	require.Len(t, shop(t, "GET", "/wishlists?customer="+found[0]["_id"].(string), nil).list(t), 1)
}

// TestAuth4TheAPIDiesMidway kills the API when the shop has made the customer
// and nothing else. The next login makes a member of them.
func TestAuth4TheAPIDiesMidway(t *testing.T) {
	account := newAccount(t, "naver", nil)
	token := vendorToken(t, "naver", account["account"], false)
	shared.control(t, "POST", "/faults", map[string]any{"vendor": "clayful", "method": "POST", "path": "/v1/customers/auth/naver", "mode": "drop", "times": 1})
	shared.control(t, "POST", "/faults", map[string]any{"vendor": "clayful", "method": "POST", "path": "/v1/customers/auth/naver", "mode": "hang", "times": 1})
	defer shared.control(t, "DELETE", "/faults", nil)
	require.Equal(t, 503, byToken(t, "naver", token).status, "the shop did, and did not say so")
	require.Empty(t, customersOf(t, account["email"])[0]["groups"])
	cut := make(chan error, 1)
	go func() {
		_, err := try("POST", "http://"+shared.api+"/user/auth/naver/token/", "", map[string]string{"naver_access_token": token})
		cut <- err
	}()
	require.Eventually(t, func() bool { return len(shared.control(t, "GET", "/faults", nil).list(t)) == 0 }, 10*time.Second, 20*time.Millisecond)
	shared.kill(t, "api")
	require.Error(t, <-cut)
	require.Empty(t, customersOf(t, account["email"])[0]["groups"])

	require.Equal(t, 200, byToken(t, "naver", token).status)
	who := customersOf(t, account["email"])
	require.Len(t, who, 1)
	require.Equal(t, members, who[0]["groups"].([]any)[0].(map[string]any)["_id"])
	require.Equal(t, account["nickname"], who[0]["alias"])
	require.Len(t, shop(t, "GET", "/wishlists?customer="+who[0]["_id"].(string), nil).list(t), 1)
}

func TestAuth4VendorsInTrouble(t *testing.T) {
	defer shared.control(t, "DELETE", "/faults", nil)
	backs := map[*visitor]string{}
	for _, vendor := range vendors {
		account := newAccount(t, vendor, nil)
		token := vendorToken(t, vendor, account["account"], false)
		shared.control(t, "POST", "/faults", map[string]any{"vendor": vendor, "mode": "error", "status": 503})
		got := byToken(t, vendor, token)
		require.Equal(t, 503, got.status, vendor)
		requireError(t, got, vendor)
		shared.control(t, "DELETE", "/faults", nil)
		require.Empty(t, customersOf(t, account["email"]))
		require.Equal(t, 200, byToken(t, vendor, token).status, "all is well again")
		v := &visitor{t: t}
		backs[v] = v.consent(v.begin(vendor), account["account"], "agree", nil)
	}
	for _, vendor := range vendors {
		shared.control(t, "POST", "/faults", map[string]any{"vendor": vendor, "mode": "hang"})
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	var statuses []int
	for v, back := range backs {
		wait.Go(func() {
			got, err := try("GET", back, "", nil, "Cookie", v.cookie)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				statuses = append(statuses, got.status)
			}
		})
	}
	wait.Wait()
	require.Equal(t, []int{503, 503, 503}, statuses, "nobody waits for as long as the test would")
}

func TestAuth4WhoIsNoMember(t *testing.T) {
	for _, vendor := range vendors {
		account := newAccount(t, vendor, nil)
		token := vendorToken(t, vendor, account["account"], false)
		require.Equal(t, 200, byToken(t, vendor, token).status)
		id := customersOf(t, account["email"])[0]["_id"].(string)
		shop(t, "PUT", "/customers/"+id, map[string]any{"meta": map[string]any{"active": false}})
		for _, got := range []answer{byToken(t, vendor, token), (&visitor{t: t}).through(vendor, account["account"])} {
			require.Equal(t, 409, got.status, "withdrawn")
			requireError(t, got, "withdrawn")
			require.Empty(t, got.header.Get("Custom-Token"))
		}

		native := shared.newPerson(t, members)
		account = newAccount(t, vendor, map[string]string{"email": native.userID + "@byeolshow.example"})
		got := byToken(t, vendor, vendorToken(t, vendor, account["account"], false))
		require.Equal(t, 400, got.status, "the mail address is another's")
		require.Equal(t, "duplicated-email", got.object(t)["error"].(map[string]any)["code"])
		require.Len(t, customersOf(t, account["email"]), 1)
	}
}

func TestAuth4ANicknameThatIsTaken(t *testing.T) {
	first := newAccount(t, "kakao", nil)
	second := newAccount(t, "naver", map[string]string{"nickname": first["nickname"]})
	for vendor, account := range map[string]map[string]string{"kakao": first, "naver": second} {
		require.Equal(t, 200, byToken(t, vendor, vendorToken(t, vendor, account["account"], false)).status)
	}
	aliases := []any{customersOf(t, first["email"])[0]["alias"], customersOf(t, second["email"])[0]["alias"]}
	require.ElementsMatch(t, []any{first["nickname"], first["nickname"] + "2"}, aliases)
}

func TestAuth4KakaoIsLeftToo(t *testing.T) {
	alive := func(token string) bool {
		got := call(t, "GET", "http://"+shared.sandbox+"/kakao/v1/user/access_token_info", "", nil, "Authorization", "Bearer "+token)
		return got.status == 200
	}
	account := newAccount(t, "kakao", nil)
	for _, header := range []string{"kakao_token", "Kakao-Token"} {
		kakao := vendorToken(t, "kakao", account["account"], false)
		session := byToken(t, "kakao", kakao).header.Get("Custom-Token")
		require.True(t, alive(kakao))
		got := call(t, "GET", "http://"+shared.api+"/user/auth/", session, nil, header, kakao)
		require.Equal(t, 200, got.status)
		require.False(t, alive(kakao), header)
		require.Equal(t, 401, shared.call(t, "GET", "/media/alarm/", session, nil).status)
	}
	defer shared.control(t, "DELETE", "/faults", nil)
	for _, mode := range []string{"error", "hang"} {
		session := byToken(t, "kakao", vendorToken(t, "kakao", account["account"], false)).header.Get("Custom-Token")
		shared.control(t, "POST", "/faults", map[string]any{"vendor": "kakao", "mode": mode})
		got := call(t, "GET", "http://"+shared.api+"/user/auth/", session, nil, "Kakao-Token", "x")
		shared.control(t, "DELETE", "/faults", nil)
		require.Equal(t, 200, got.status, mode)
		require.Equal(t, 401, shared.call(t, "GET", "/media/alarm/", session, nil).status)
	}
}

// TestAuth4WhatIsMissing has people share nothing that they need not.
func TestAuth4WhatIsMissing(t *testing.T) {
	for vendor, missing := range map[string][]any{
		"kakao": {"alias", "name", "email", "mobile"}, "naver": {"alias", "name", "email", "mobile"}, "facebook": {"alias", "email", "mobile"},
	} {
		account, v := newAccount(t, vendor, nil), &visitor{t: t}
		got := v.do("GET", v.consent(v.begin(vendor), account["account"], "agree", []string{}), nil)
		require.Equal(t, 200, got.status, string(got.body))
		me := shared.call(t, "GET", "/user/", got.header.Get("Custom-Token"), nil).object(t)
		require.ElementsMatch(t, missing, me["incomplete"], vendor)
	}
}
