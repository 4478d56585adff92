package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// route is one of the API's, and what a caller has to be.
type route struct {
	method, path string
	who          string // "", login, seller
	ok           []int  // what a well-formed call with nothing behind it may bring
	bare         bool   // its errors are JSON strings
}

// nothing is an id of nothing.
const nothing = "NXTHXNG22222"

var routes = []route{
	{"GET", "/ping", "", []int{200}, false},
	{"GET", "/openapi.json", "", []int{200}, false},
	{"GET", "/docs", "", []int{200}, false},
	{"GET", "/docs/docs.js", "", []int{200}, false},
	{"GET", "/healthz", "", []int{200}, false},
	{"GET", "/readyz", "", []int{200}, false},
	{"POST", "/user/auth", "", []int{400}, false},
	{"GET", "/user/auth", "", []int{200}, false},
	{"GET", "/user/auth/kakao/login", "", []int{302}, false},
	{"GET", "/user/auth/kakao/callback", "", []int{403}, false},
	{"POST", "/user/auth/kakao/callback", "", []int{403}, false},
	{"POST", "/user/auth/kakao/token", "", []int{400}, false},
	{"GET", "/user/auth/naver/login", "", []int{302}, false},
	{"GET", "/user/auth/naver/callback", "", []int{403}, false},
	{"POST", "/user/auth/naver/token", "", []int{400}, false},
	{"GET", "/user/auth/facebook/login", "", []int{302}, false},
	{"GET", "/user/auth/facebook/callback", "", []int{403}, false},
	{"POST", "/user/auth/facebook/token", "", []int{400}, false},
	{"GET", "/influencer/streamkey", "seller", []int{200}, false},
	{"GET", "/influencer/reset", "seller", []int{200}, false},
	{"POST", "/influencer/update", "seller", []int{202}, false},
	{"GET", "/influencer/myvod", "", []int{400}, false},
	{"GET", "/influencer/myreadyvod", "seller", []int{200}, false},
	{"GET", "/influencer/list/live", "", []int{200}, false},
	{"GET", "/influencer/info", "", []int{400}, false},
	{"GET", "/influencer/list/popular", "", []int{200}, false},
	{"GET", "/influencer/list/new", "", []int{200}, false},
	{"POST", "/media/reserve", "seller", []int{400}, false},
	{"POST", "/media/start", "seller", []int{400}, false},
	{"POST", "/media/edit", "seller", []int{400}, false},
	{"POST", "/media/end", "seller", []int{400}, false},
	{"DELETE", "/media/delete", "seller", []int{400}, false},
	{"POST", "/media/live_alarm", "seller", []int{400}, false},
	{"GET", "/media/schedule/today/live", "", []int{200}, false},
	{"GET", "/media/schedule/today/ready", "", []int{200}, false},
	{"GET", "/media/schedule/future", "", []int{200}, false},
	{"GET", "/media/schedule/ready", "", []int{200}, false},
	{"GET", "/media/hot", "", []int{200}, false},
	{"GET", "/media/get", "", []int{400}, false},
	{"POST", "/media/alarm", "login", []int{400}, false},
	{"GET", "/media/alarm", "login", []int{200}, false},
	{"POST", "/media/callback", "", []int{401}, false},
	{"POST", "/user/upload_token", "login", []int{400}, false},
	{"POST", "/user/delete_token", "login", []int{400}, false},
	{"GET", "/user", "login", []int{200}, false},
	{"POST", "/user", "login", []int{202}, false},
	{"PUT", "/user", "", []int{400}, false},
	{"DELETE", "/user", "login", []int{202}, false},
	{"POST", "/user/checkalias", "", []int{400}, false},
	{"POST", "/checkalias", "", []int{400}, false},
	{"POST", "/user/unsubscribe", "login", []int{200}, false},
	{"GET", "/user/active", "login", []int{200}, false},
	{"GET", "/user/push_agree", "login", []int{200}, false},
	{"POST", "/user/push_agree", "login", []int{200}, false},
	{"GET", "/user/live-agree", "login", []int{200}, false},
	{"POST", "/user/live-agree", "login", []int{200}, false},
	{"GET", "/user/refund_bank", "login", []int{200}, false},
	{"POST", "/user/refund_bank", "login", []int{400}, false},
	{"POST", "/forgetuser/find_id", "", []int{400}, false},
	{"POST", "/forgetuser/get_certificate", "", []int{400}, false},
	{"GET", "/forgetuser/reset_password", "", []int{400}, false},
	{"POST", "/forgetuser/reset_password", "", []int{400}, false},
	{"POST", "/forgetuser/forgot_change", "", []int{400}, false},
	{"GET", "/influencer/myproduct", "", []int{400}, false},
	{"GET", "/media/related", "", []int{400}, false},
	{"GET", "/product/collection", "", []int{200}, true},
	{"GET", "/product/collection/" + nothing, "", []int{200}, true},
	{"GET", "/product/about/" + nothing, "", []int{200}, true},
	{"GET", "/product/catalog/fixed", "", []int{200}, true},
	{"POST", "/product/search", "", []int{400}, true},
	{"GET", "/product/" + nothing, "", []int{404}, true},
	{"GET", "/catalog", "", []int{200}, true},
	{"GET", "/catalog/special", "", []int{200}, true},
	{"GET", "/catalog/magazine", "", []int{200}, true},
	{"GET", "/collections", "", []int{200}, true},
	{"POST", "/cart", "login", []int{200}, true},
	{"DELETE", "/cart", "login", []int{200}, true},
	{"POST", "/cart/items", "login", []int{400}, true},
	{"PUT", "/cart/items", "login", []int{400}, true},
	{"DELETE", "/cart/items", "login", []int{400}, true},
	{"POST", "/cart/checkout", "login", []int{400}, true},
	{"PUT", "/cart/checkout", "login", []int{400}, true},
	{"GET", "/order", "login", []int{200}, true},
	{"GET", "/order/" + nothing, "login", []int{404}, true},
	{"PUT", "/order/" + nothing, "login", []int{400}, true},
	{"POST", "/order/cancel/" + nothing, "login", []int{400}, true},
	{"POST", "/order/" + nothing + "/receivemark", "login", []int{404}, true},
	{"DELETE", "/order/" + nothing + "/receivemark", "login", []int{404}, true},
	{"DELETE", "/order/history/" + nothing, "login", []int{400}, false},
	{"GET", "/payment/verify", "", []int{400}, true},
	{"POST", "/payment/verify", "", []int{400}, true},
	{"GET", "/payment/pay_info", "", []int{400}, false},
	{"POST", "/refund/" + nothing, "login", []int{400}, true},
	{"POST", "/refund/cancel/" + nothing + "/" + nothing, "login", []int{400}, true},
	{"POST", "/user/influencer/like", "login", []int{400}, false},
	{"GET", "/user/influencer/like", "login", []int{200}, false},
	{"POST", "/user/myvod", "login", []int{400}, false},
	{"GET", "/user/myvod", "login", []int{200}, false},
	{"GET", "/wishlist", "login", []int{200}, false},
	{"POST", "/wishlist", "login", []int{400}, false},
	{"DELETE", "/wishlist", "login", []int{400}, false},
	{"POST", "/coupon/add", "login", []int{400}, true},
	{"GET", "/coupon/add", "login", []int{200}, true},
	{"DELETE", "/coupon/add", "login", []int{400}, true},
	{"POST", "/coupon", "login", []int{400}, true},
	{"GET", "/coupon", "login", []int{200}, true},
	{"DELETE", "/coupon", "login", []int{400}, true},
	{"GET", "/coupon/manager", "", []int{200}, true},
	{"GET", "/images", "login", []int{200}, false},
	{"POST", "/images", "login", []int{400}, false},
	{"DELETE", "/images", "login", []int{400}, false},
	{"POST", "/images/influencer", "seller", []int{400}, false},
	{"DELETE", "/images/influencer", "seller", []int{202}, false},
	{"POST", "/review", "login", []int{400}, true},
	{"GET", "/review/" + nothing, "", []int{404}, true},
	{"PUT", "/review/" + nothing, "login", []int{404}, true},
	{"DELETE", "/review/" + nothing, "login", []int{404}, true},
	{"GET", "/review/list/product/" + nothing, "", []int{200}, true},
	{"GET", "/review/list/customer/" + nothing, "", []int{200}, true},
	{"POST", "/webhook/iamport", "", []int{400}, false},
	{"POST", "/webhook/refund", "", []int{401}, false},
	{"POST", "/webhook/markdone", "", []int{401}, false},
	{"POST", "/webhook/clayful", "", []int{401}, false},
	{"GET", "/ws/chat/0", "", []int{403}, false},
}

// token is what the route is called with: the one that logs out gets none, and
// those that end a membership get somebody else's.
func (r route) token(t *testing.T, token string) string {
	t.Helper()
	switch {
	case r.path == "/user/auth":
		return ""
	case r.path == "/user/unsubscribe", r.path == "/user" && r.method == http.MethodDelete:
		return shared.newPerson(t, members).token
	}
	return token
}

// requireRefusal looks for an error as the route words them.
func requireRefusal(t *testing.T, r route, got answer, name string) {
	t.Helper()
	if r.path == "/user/auth/kakao/callback" { // 403 in words of ours, without a code
		require.Equal(t, 403, got.status, name)
		return
	}
	if !r.bare || got.status == 401 || got.status == 405 || got.status == 413 {
		requireError(t, got, name)
		return
	}
	var words string
	require.NoError(t, json.Unmarshal(got.body, &words), "%s: %s", name, got.body)
	shape := `^[a-z][a-z-]* .`
	if strings.HasPrefix(r.path, "/coupon") && r.method != http.MethodPost {
		shape = `^[a-z][a-z-]*$`
	}
	require.Regexp(t, shape, words, name)
}

// bodiless tells of routes that read no body.
func bodiless(r route) bool {
	withBody := []string{"/cart/items", "/media/delete", "/wishlist", "/coupon", "/coupon/add"}
	return switches(r) || r.path == "/user/auth/kakao/callback" ||
		r.method == http.MethodDelete && !slices.Contains(withBody, r.path) || strings.HasSuffix(r.path, "/receivemark")
}

func requireError(t *testing.T, got answer, name string) {
	t.Helper()
	message, _ := got.object(t)["error"].(map[string]any)["message"].(string)
	require.NotEmpty(t, message, name)
}

// TestNoRouteIsForgotten compares the API's own table of routes with the one
// here, from which the tests of guards, slashes and owners are made.
func TestNoRouteIsForgotten(t *testing.T) {
	output, err := exec.Command(shared.program, "routes").Output()
	require.NoError(t, err)
	table := strings.Split(strings.TrimSpace(string(output)), "\n")
	parameter := regexp.MustCompile(`\\\{[^}]*\\\}`)
	tested := map[string]bool{}
	for _, r := range routes {
		name, found := r.method+" "+r.path, ""
		for _, served := range table {
			pattern := parameter.ReplaceAllString(regexp.QuoteMeta(served), "[^/]+")
			if served == name || found == "" && regexp.MustCompile("^"+pattern+"$").MatchString(name) {
				found = served
			}
		}
		require.NotEmpty(t, found, "there is no %s %s", r.method, r.path)
		tested[found] = true
	}
	for _, served := range table {
		require.True(t, tested[served], "%s is not tested", served)
	}
}

func TestEveryRouteWithAndWithoutItsSlash(t *testing.T) {
	star := shared.newSeller(t)
	for _, r := range routes {
		for _, path := range []string{r.path, r.path + "/"} {
			name := r.method + " " + path
			var body any
			if r.method != http.MethodGet {
				body = map[string]any{}
			}
			got := shared.call(t, r.method, path, r.token(t, star.token), body)
			require.Contains(t, r.ok, got.status, "%s: %s", name, got.body)
			require.Equal(t, "no-store", got.header.Get("Cache-Control"), name)
			if r.who == "" {
				continue
			}
			for _, token := range []string{"", "nonsense", star.token[:len(star.token)-3] + "AAA"} {
				got = shared.call(t, r.method, path, token, body)
				require.Equal(t, 401, got.status, name)
				requireError(t, got, name)
			}
		}
		got := shared.call(t, "PATCH", r.path+"/", star.token, nil)
		require.Equal(t, 405, got.status, r.path)
		require.Contains(t, got.header.Get("Allow"), r.method)
		requireError(t, got, r.path)
	}
	got := shared.call(t, "GET", "/no/such/thing/", "", nil)
	require.Equal(t, 404, got.status)
	requireError(t, got, "unknown route")
}

func TestACustomerIsNoSeller(t *testing.T) {
	who := shared.newPerson(t, members)
	for _, r := range routes {
		if r.who == "seller" {
			require.Equal(t, 401, shared.call(t, r.method, r.path, who.token, map[string]any{}).status, r.path)
		}
	}
}

// switches tells of routes that say all by their names.
func switches(r route) bool {
	switch r.path {
	case "/user/unsubscribe", "/user/push_agree", "/user/live-agree":
		return r.method == http.MethodPost
	}
	return r.path == "/user" && r.method == http.MethodDelete
}

// indifferent tells of routes that need no body, or none of the test's keys.
func indifferent(r route) bool {
	return r.path == "/influencer/update" || r.path == "/cart" || r.path == "/payment/verify" || switches(r) ||
		r.path == "/user" && r.method == http.MethodPost || r.method+r.path == "DELETE/images/influencer"
}

// TestBadInputChangesNothing sends every kind of nonsense to every route.
func TestBadInputChangesNothing(t *testing.T) {
	star := shared.newSeller(t)
	id := star.reserve(t, nil)
	before := shared.media(t, id)
	bodies := map[string][]byte{
		"nothing": {}, "null": []byte("null"), "list": []byte("[]"), "text": []byte(`"x"`), "number": []byte("1"), "half": []byte(`{"media_id":`),
		"not UTF-8": []byte("{\"title\":\"\xff\xfe\"}"), "NUL": []byte(`{"media_id":1,"title":"\u0000","userId":"\u0000","password":"x","firebase_token":"\u0000"}`),
		"wrong types": []byte(`{"media_id":{},"title":1,"notice":[],"product_price":"1","product_list":"x","started_at":7,"_id":[],"userId":1,"tag":"x","description":3,"firebase_token":1}`),
		"odd ids":     []byte(`{"media_id":"1e3","_id":-5}`), "huge id": []byte(`{"media_id":99999999999999999999,"_id":99999999999999999999}`),
		"unknown id": []byte(`{"media_id":999999999,"_id":999999999,"title":"x"}`),
		"trailing":   []byte(`{} {}`), "deep": []byte(strings.Repeat(`{"a":`, 20000)),
	}
	for _, r := range routes {
		for name, body := range bodies {
			got := shared.call(t, r.method, r.path+"/", r.token(t, star.token), body)
			require.Less(t, got.status, 500, "%s with %s: %s", r.path, name, got.body)
			if r.method != http.MethodGet && !indifferent(r) {
				require.GreaterOrEqual(t, got.status, 400, "%s with %s: %s", r.path, name, got.body)
				requireRefusal(t, r, got, r.path+" with "+name)
			}
		}
		if r.method != http.MethodGet {
			huge := append([]byte(`{"title":"`), bytes.Repeat([]byte("x"), 2<<20)...)
			got := shared.call(t, r.method, r.path+"/", r.token(t, star.token), huge)
			if !bodiless(r) {
				require.Equal(t, 413, got.status, r.path)
			}
		}
		for _, query := range []string{"?page=0", "?page=x", "?page=-1", "?page=99999999999999999999", "?influencer_id=%00", "?media_id=x&influencer_id=%ff", "?media_id=99999999999999999999", "?media_id=-1"} {
			got := shared.call(t, r.method, r.path+"/"+query, r.token(t, star.token), []byte("{}"))
			require.Less(t, got.status, 500, "%s%s: %s", r.path, query, got.body)
		}
	}
	require.Equal(t, before, shared.media(t, id))
}

func TestReservationsAreReadStrictly(t *testing.T) {
	star := shared.newSeller(t)
	nullable := []string{"notice", "description", "product_id", "product_brand", "product_thumbnail", "started_at"}
	for key := range reservation(nil) {
		body := reservation(nil)
		delete(body, key)
		require.Equal(t, 400, shared.call(t, "POST", "/media/reserve/", star.token, body).status, "without %s", key)
		body[key] = nil
		want := 400
		for _, name := range nullable {
			if name == key {
				want = 202
			}
		}
		require.Equal(t, want, shared.call(t, "POST", "/media/reserve/", star.token, body).status, "null %s", key)
	}
	for key, values := range map[string][]any{
		"title":         {1, strings.Repeat("가", 201), []string{}},
		"product_price": {"1000", 1.5, -1, 1 << 40, true},
		"product_list":  {"A,B", []int{1}, []string{strings.Repeat("x", 501)}, []any{"a", nil}},
		"started_at":    {"tomorrow", 5, "2026-13-01T00:00", "0001-01-01T00:00"},
		"product_id":    {5, strings.Repeat("x", 31)},
	} {
		for _, value := range values {
			body := reservation(nil)
			body[key] = value
			got := shared.call(t, "POST", "/media/reserve/", star.token, body)
			require.Equal(t, 400, got.status, "%s = %v: %s", key, value, got.body)
			requireError(t, got, key)
		}
	}
	keyless := shared.newPerson(t, influencers)
	require.Equal(t, 400, shared.call(t, "POST", "/media/reserve/", keyless.token, reservation(nil)).status, "no stream key")
}

func TestOtherPeoplesBroadcasts(t *testing.T) {
	star, stranger := shared.newSeller(t), shared.newSeller(t)
	id := star.reserve(t, nil)
	before := shared.media(t, id)
	for _, path := range []string{"/media/start/", "/media/end/", "/media/delete/", "/media/live_alarm/"} {
		got := stranger.command(t, path, id)
		require.Equal(t, 400, got.status, path)
		requireError(t, got, path)
	}
	got := shared.call(t, "POST", "/media/edit/", stranger.token, map[string]any{"media_id": id, "title": "빼앗은 제목"})
	require.Equal(t, 400, got.status)
	require.NotEmpty(t, got.object(t)["error"].(map[string]any)["detail"])
	require.Equal(t, before, shared.media(t, id))
}

func TestSessions(t *testing.T) {
	who := shared.newPerson(t, members)
	guarded := func(token string) int { return shared.call(t, "GET", "/media/alarm/", token, nil).status }
	other := shared.logIn(t, who.userID, "pass1234!")
	require.Equal(t, 200, guarded(who.token))
	require.Equal(t, 200, shared.call(t, "GET", "/user/auth/", who.token, nil).status)
	require.Equal(t, 401, guarded(who.token), "logged out")
	require.Equal(t, 200, guarded(other), "another session stays")
	require.Equal(t, 200, shared.call(t, "GET", "/user/auth/", "", nil).status)
	require.Equal(t, 400, shared.call(t, "POST", "/user/auth/", "", map[string]string{"userId": who.userID, "password": "wrong"}).status)
	require.Equal(t, 400, shared.call(t, "POST", "/user/auth/", "", map[string]string{"userId": "nobody", "password": "wrong"}).status)

	fresh := shared.logIn(t, who.userID, "pass1234!")
	shared.control(t, "POST", "/faults", map[string]any{"vendor": "clayful", "mode": "error", "status": 503})
	got := shared.call(t, "GET", "/media/alarm/", fresh, nil)
	require.Equal(t, 503, got.status, "an outage proves nothing about a token")
	requireError(t, got, "outage")
	require.Equal(t, 503, shared.call(t, "POST", "/user/auth/", "", map[string]string{"userId": who.userID, "password": "pass1234!"}).status)
	shared.control(t, "DELETE", "/faults", nil)
	require.Equal(t, 200, guarded(fresh))

	update := func(meta map[string]any) {
		got := call(t, "PUT", "http://"+shared.sandbox+"/clayful/v1/customers/"+who.id, "", map[string]any{"meta": meta},
			"Authorization", "Bearer "+shared.variable("CLAYFUL_TOKEN"))
		require.Equal(t, 200, got.status)
	}
	update(map[string]any{"active": false})
	require.Equal(t, 409, shared.call(t, "POST", "/user/auth/", "", map[string]string{"userId": who.userID, "password": "pass1234!"}).status)
}

func TestAlarms(t *testing.T) {
	star, who := shared.newSeller(t), shared.newPerson(t, members)
	id, _ := star.reserveIn(t, time.Hour)
	toggle := func() bool {
		got := shared.call(t, "POST", "/media/alarm/", who.token, map[string]any{"_id": id})
		require.Equal(t, 202, got.status, string(got.body))
		return got.object(t)["status"].(bool)
	}
	require.True(t, toggle())
	require.InDelta(t, 1, shared.media(t, id)["push_count"], 0)
	require.Len(t, shared.call(t, "GET", "/media/alarm/", who.token, nil).list(t), 1)
	shared.control(t, "POST", "/faults", map[string]any{"vendor": "clayful", "method": "POST", "mode": "error", "status": 500})
	got := shared.call(t, "POST", "/media/alarm/", who.token, map[string]any{"_id": id})
	shared.control(t, "DELETE", "/faults", nil)
	require.Equal(t, 503, got.status)
	require.InDelta(t, 1, shared.media(t, id)["push_count"], 0, "undone")
	for _, want := range []bool{false, true} { // done, and the answer lost
		fault(t, map[string]any{"vendor": "clayful", "path": "/v1/customers/" + who.id + "/meta/Live_id", "mode": "drop", "times": 1})
		require.Equal(t, want, toggle())
	}
	require.InDelta(t, 1, shared.media(t, id)["push_count"], 0)
	require.False(t, toggle())
	require.InDelta(t, 0, shared.media(t, id)["push_count"], 0)
	require.Empty(t, shared.call(t, "GET", "/media/alarm/", who.token, nil).list(t))
}

func TestInfluencersAreShownAsAgreed(t *testing.T) {
	got := shared.call(t, "GET", "/influencer/list/popular/", "", nil).object(t)["success"].(map[string]any)["Influencer_List"].([]any)
	require.GreaterOrEqual(t, len(got), 3)
	keys := []string{
		"_id", "alias", "avatar", "country", "language", "currency", "timezone", "social", "Follower",
		"description", "tag", "thumbnail_url",
	}
	followers := got[0].(map[string]any)["Follower"].(float64)
	for _, element := range got {
		influencer := element.(map[string]any)
		require.Len(t, influencer, len(keys))
		for _, key := range keys {
			require.Contains(t, influencer, key)
		}
		require.LessOrEqual(t, influencer["Follower"].(float64), followers)
		followers = influencer["Follower"].(float64)
	}
	require.JSONEq(t, `{"success":{"Influencer_List":[]}}`, string(shared.call(t, "GET", "/influencer/list/new/?page=2", "", nil).body))
	star := shared.newSeller(t)
	require.Equal(t, 202, shared.call(t, "POST", "/influencer/update/", star.token, map[string]any{
		"description": "소개", "tag": []string{"뷰티"}, "youtube": "https://youtube.example/x",
	}).status)
	info := shared.call(t, "GET", "/influencer/info/?influencer_id="+star.id, "", nil).object(t)["success"].(map[string]any)["data"].(map[string]any)
	require.Equal(t, "소개", info["description"])
	require.Equal(t, []any{"뷰티"}, info["tag"])
	require.Equal(t, "https://youtube.example/x", info["youtube"])
	require.Equal(t, "", info["instagram"])
	require.InDelta(t, 0, info["live_vod"], 0)
	require.NotContains(t, info, "meta")
	customer := shared.newPerson(t, members)
	require.Equal(t, 400, shared.call(t, "GET", "/influencer/info/?influencer_id="+customer.id, "", nil).status)
}
