package e2e

import (
	"crypto/rand"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newcomer is what somebody says who wants to become a member.
func newcomer() map[string]any {
	name := "n" + strings.ToLower(rand.Text()[:10])
	return map[string]any{
		"userId": name, "email": name + "@byeolshow.example", "password": "pass1234!", "re_password": "pass1234!",
		"alias": "별" + name, "name": "김별", "mobile": "01012345678",
	}
}

// accounts are the customers of a user id at the shop.
func accounts(t *testing.T, userID any) []map[string]any {
	t.Helper()
	return shopGet(t, "/customers?raw=true&userId="+url.QueryEscape(userID.(string))).list(t)
}

func wishlists(t *testing.T, customerID any) []map[string]any {
	t.Helper()
	return shopGet(t, "/wishlists?raw=true&customer="+customerID.(string)).list(t)
}

// requireWhole looks for one account with all that belongs to it.
func requireWhole(t *testing.T, who map[string]any) map[string]any {
	t.Helper()
	found := accounts(t, who["userId"])
	require.Len(t, found, 1)
	require.Equal(t, who["alias"], found[0]["alias"])
	require.Equal(t, []any{members}, found[0]["groups"])
	lists := wishlists(t, found[0]["_id"])
	require.Len(t, lists, 1)
	require.Equal(t, "product_wishlist", lists[0]["name"])
	return found[0]
}

// usable tells whether a nickname may be taken.
func usable(t *testing.T, alias any) bool {
	t.Helper()
	return shared.call(t, "POST", "/user/checkalias/", "", map[string]any{"alias": alias}).status == 200
}

// awaitNothing waits until nothing is left of a sign-up.
func awaitNothing(t *testing.T, who map[string]any) {
	t.Helper()
	require.Eventually(t, func() bool { return len(accounts(t, who["userId"])) == 0 && usable(t, who["alias"]) },
		time.Minute, 200*time.Millisecond, "something is left of a sign-up that failed")
}

func code(t *testing.T, got answer) any {
	t.Helper()
	return got.object(t)["error"].(map[string]any)["code"]
}

func TestUser3SignUp(t *testing.T) {
	who := newcomer()
	who["address"] = map[string]any{"primary": home()}
	who["gender"], who["birthdate"], who["phone"] = "female", "1999-12-24", ""
	got := shared.call(t, "PUT", "/user/", "", who)
	require.Equal(t, 202, got.status, string(got.body))
	require.NotEmpty(t, got.object(t)["success"].(map[string]any)["message"])
	require.Empty(t, got.header.Get("Custom-Token"))
	account := requireWhole(t, who)
	require.Equal(t, map[string]any{"first": who["alias"], "last": nil, "full": "김별"}, account["name"])
	require.Equal(t, "female", account["gender"])
	require.Nil(t, account["phone"])
	require.Equal(t, "강남구", account["address"].(map[string]any)["primary"].(map[string]any)["city"])
	require.NotEmpty(t, shared.logIn(t, who["userId"].(string), "pass1234!"))

	for field := range newcomer() {
		for _, value := range []any{nil, "", " "} {
			if field == "password" || field == "re_password" {
				value = ""
			}
			bad := newcomer()
			bad[field] = value
			got := shared.call(t, "PUT", "/user/", "", bad)
			require.Equal(t, 400, got.status, "%s = %v: %s", field, value, got.body)
			requireError(t, got, field)
			require.Empty(t, accounts(t, newcomerID(bad)))
		}
	}
	for field, values := range map[string][]string{
		"userId": {"a,b", "a b", "any", "none"}, "email": {"no address", "김 <a@b.example>"}, "alias": {strings.Repeat("별", 201)},
		"gender": {"other"}, "birthdate": {"yesterday"},
	} {
		for _, value := range values {
			bad := newcomer()
			bad[field] = value
			got := shared.call(t, "PUT", "/user/", "", bad)
			require.Equal(t, 400, got.status, "%s = %s: %s", field, value, got.body)
			requireError(t, got, field)
		}
	}
	differ := newcomer()
	differ["re_password"] = "pass1234?"
	got = shared.call(t, "PUT", "/user/", "", differ)
	require.Equal(t, 400, got.status)
	var words string
	require.NoError(t, json.Unmarshal(got.body, &words), "a bare string: %s", got.body)
	require.NotEmpty(t, words)

	for field, want := range map[string]string{"email": "duplicated-email", "userId": "duplicated-user-id", "alias": "duplicated-alias"} {
		twin := newcomer()
		twin[field] = who[field]
		if field == "alias" {
			twin[field] = "  " + strings.ToUpper(who["alias"].(string)) + " "
		}
		got := shared.call(t, "PUT", "/user/", "", twin)
		require.Equal(t, 400, got.status, string(got.body))
		require.Equal(t, want, code(t, got))
		requireError(t, got, want)
		if field != "alias" {
			require.Eventually(t, func() bool { return usable(t, twin["alias"]) }, 5*time.Second, 50*time.Millisecond, "its nickname is free again")
		}
	}
	require.Len(t, accounts(t, who["userId"]), 1)

	legacy := newcomer()
	legacy["alias"] = "데모"
	got = shared.call(t, "PUT", "/user/", "", legacy)
	require.Equal(t, 400, got.status, "the nickname of a member from before nicknames were claimed")
	require.Equal(t, "duplicated-alias", code(t, got))
}

// newcomerID is the user id a request named, if it named one.
func newcomerID(who map[string]any) any {
	if id, ok := who["userId"].(string); ok && strings.TrimSpace(id) != "" {
		return id
	}
	return nothing
}

// TestOneNicknameOneAccount has a hundred people want the same nickname at once.
func TestOneNicknameOneAccount(t *testing.T) {
	people := make([]map[string]any, 100)
	answers := make([]answer, len(people))
	alias := newcomer()["alias"]
	var wait sync.WaitGroup
	for i := range people {
		people[i] = newcomer()
		people[i]["alias"] = alias
		wait.Go(func() { answers[i] = shared.call(t, "PUT", "/user/", "", people[i]) })
	}
	wait.Wait()
	made := 0
	for i, got := range answers {
		if got.status == 202 {
			made++
			requireWhole(t, people[i])
			continue
		}
		require.Equal(t, 400, got.status, string(got.body))
		require.Equal(t, "duplicated-alias", code(t, got))
		require.Empty(t, accounts(t, people[i]["userId"]))
	}
	require.Equal(t, 1, made)
	require.Len(t, shopGet(t, "/customers?limit=120&firstName="+url.QueryEscape(alias.(string))).list(t), 1)
}

// TestASignUpLeavesAWholeAccountOrNone has whatever there is fail or die in the
// middle of one.
func TestASignUpLeavesAWholeAccountOrNone(t *testing.T) {
	fault := func(method, path string, more map[string]any) {
		body := map[string]any{"vendor": "clayful", "method": method, "path": path}
		for name, value := range more {
			body[name] = value
		}
		shared.control(t, "POST", "/faults", body)
	}
	mend := func() { shared.control(t, "DELETE", "/faults", nil) }
	t.Cleanup(mend)
	signUp := func(who map[string]any) chan answer {
		done := make(chan answer, 1)
		go func() {
			got, _ := try("PUT", "http://"+shared.api+"/user/", "", who)
			done <- got
		}()
		return done
	}
	claimed := func(who map[string]any) {
		require.Eventually(t, func() bool { return !usable(t, who["alias"]) }, 10*time.Second, 20*time.Millisecond)
	}

	who := newcomer()
	fault("POST", "/v1/customers", map[string]any{"mode": "drop", "times": 1})
	require.Equal(t, 202, (<-signUp(who)).status, "the shop did it and did not say so")
	requireWhole(t, who)

	who = newcomer()
	fault("POST", "/v1/customers", map[string]any{"mode": "error", "status": 503, "times": 1})
	require.Equal(t, 503, (<-signUp(who)).status)
	awaitNothing(t, who)
	require.Equal(t, 202, (<-signUp(who)).status, "and again")
	requireWhole(t, who)

	who = newcomer()
	fault("POST", "/v1/wishlists", map[string]any{"mode": "error"})
	require.Equal(t, 503, (<-signUp(who)).status, "no wishlist, no account")
	mend()
	awaitNothing(t, who)

	who = newcomer()
	fault("POST", "/v1/wishlists", map[string]any{"mode": "drop", "times": 1})
	require.Equal(t, 202, (<-signUp(who)).status)
	requireWhole(t, who)

	// The API dies before the shop has answered; the shop does it all the same.
	who = newcomer()
	fault("POST", "/v1/customers", map[string]any{"mode": "delay", "ms": 1500, "times": 1})
	before := calls(t, "clayful", "POST /v1/customers")
	gone := signUp(who)
	require.Eventually(t, func() bool { return calls(t, "clayful", "POST /v1/customers") > before }, 10*time.Second, 20*time.Millisecond)
	shared.kill(t, "api")
	<-gone
	require.Eventually(t, func() bool { return len(accounts(t, who["userId"])) == 1 }, 10*time.Second, 50*time.Millisecond)
	awaitNothing(t, who)

	// The worker dies, and another comes in time.
	who = newcomer()
	fault("POST", "/v1/customers", map[string]any{"mode": "delay", "ms": 500, "times": 1})
	waiting := signUp(who)
	claimed(who)
	shared.kill(t, "worker")
	require.Equal(t, 202, (<-waiting).status)
	requireWhole(t, who)

	// The worker dies, and another comes when nobody waits any more.
	who = newcomer()
	fault("POST", "/v1/customers", map[string]any{"mode": "delay", "ms": 500, "times": 1})
	waiting = signUp(who)
	claimed(who)
	shared.killWorker()
	require.Eventually(t, func() bool { return len(accounts(t, who["userId"])) == 1 }, 10*time.Second, 50*time.Millisecond)
	_ = syscall.Kill(shared.pid(t, "api"), syscall.SIGKILL)
	<-waiting
	require.Eventually(t, shared.answers, time.Minute, 100*time.Millisecond)
	shared.startWorker()
	require.Eventually(t, func() bool {
		return len(accounts(t, who["userId"])) == 0 || len(wishlists(t, accounts(t, who["userId"])[0]["_id"])) == 1
	},
		time.Minute, 200*time.Millisecond)
}

func TestUser4AliasCheck(t *testing.T) {
	who := newcomer()
	for _, path := range []string{"/user/checkalias/", "/checkalias/"} {
		got := shared.call(t, "POST", path, "", map[string]any{"alias": who["alias"]})
		require.Equal(t, 200, got.status, string(got.body))
		require.NotEmpty(t, got.object(t)["success"].(map[string]any)["message"])
	}
	require.Equal(t, 202, shared.call(t, "PUT", "/user/", "", who).status)
	for _, path := range []string{"/user/checkalias/", "/checkalias/"} {
		for _, alias := range []any{who["alias"], " " + strings.ToUpper(who["alias"].(string)), "데모", "별하나", "", "   "} {
			got := shared.call(t, "POST", path, "", map[string]any{"alias": alias})
			require.Equal(t, 400, got.status, "%q", alias)
			requireError(t, got, path)
		}
	}
	decomposed := newcomer()
	require.True(t, usable(t, "\u1100\u1161"+decomposed["userId"].(string)))
	decomposed["alias"] = "가" + decomposed["userId"].(string)
	require.Equal(t, 202, shared.call(t, "PUT", "/user/", "", decomposed).status)
	require.False(t, usable(t, "\u1100\u1161"+decomposed["userId"].(string)), "the same letters, composed otherwise")
}
