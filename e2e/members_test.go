package e2e

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// signedUp is a member who signed up, and what they said.
func signedUp(t *testing.T) (person, map[string]any) {
	t.Helper()
	who := newcomer()
	require.Equal(t, 202, shared.call(t, "PUT", "/user/", "", who).status)
	userID := who["userId"].(string)
	return person{accounts(t, userID)[0]["_id"].(string), userID, shared.logIn(t, userID, "pass1234!")}, who
}

// read is a member as they see themselves.
func (p person) read(t *testing.T) map[string]any {
	t.Helper()
	got := shared.call(t, "GET", "/user/", p.token, nil)
	require.Equal(t, 200, got.status, string(got.body))
	return got.object(t)
}

func (p person) edit(t *testing.T, change map[string]any) answer {
	t.Helper()
	return shared.call(t, "POST", "/user/", p.token, change)
}

// admitted is what a guard answers to a token.
func admitted(t *testing.T, token string) int {
	t.Helper()
	return shared.call(t, "GET", "/user/active/", token, nil).status
}

// logsIn tells whether a password is a user's.
func logsIn(t *testing.T, userID, password string) bool {
	t.Helper()
	return shared.call(t, "POST", "/user/auth/", "", map[string]any{"userId": userID, "password": password}).status == 200
}

func TestUser1Read(t *testing.T) {
	who, said := signedUp(t)
	me := who.read(t)
	keys := []string{
		"_id", "userId", "email", "alias", "avatar", "mobile", "address", "social", "country", "language", "currency", "timezone",
		"name", "unipass_number", "influencer", "incomplete",
	}
	require.Len(t, me, len(keys))
	for _, key := range keys {
		require.Contains(t, me, key)
	}
	for _, key := range []string{"userId", "email", "alias", "name", "mobile"} {
		require.Equal(t, said[key], me[key])
	}
	require.Equal(t, who.id, me["_id"])
	require.Nil(t, me["avatar"])
	require.Equal(t, []any{}, me["social"])
	require.Equal(t, []any{}, me["incomplete"])
	require.Equal(t, false, me["influencer"])
	require.Equal(t, map[string]any{"primary": map[string]any{
		"name": map[string]any{"first": "", "last": "", "full": ""}, "mobile": "", "phone": "", "country": "", "state": "", "city": "",
		"address1": "", "address2": "", "postcode": "", "company": "",
	}}, me["address"])
	require.Equal(t, true, shared.newPerson(t, influencers).read(t)["influencer"])
	require.Equal(t, []any{"name", "mobile"}, shared.newPerson(t, members).read(t)["incomplete"])
	require.Equal(t, 202, who.edit(t, map[string]any{"address": map[string]any{"primary": home()}}).status)
	shown := who.read(t)["address"].(map[string]any)
	require.Equal(t, "강남구", shown["primary"].(map[string]any)["city"])
	require.Equal(t, 202, who.edit(t, map[string]any{"address": shown}).status, "as it is shown it is taken back")
	require.Equal(t, shown, who.read(t)["address"])

	require.Eventually(t, func() bool { // once the shop's own notice of the edit has come
		shared.control(t, "DELETE", "/calls", nil)
		for range 5 {
			who.read(t)
		}
		return len(shared.control(t, "GET", "/calls?vendor=clayful", nil).object(t)) == 0
	}, 10*time.Second, 100*time.Millisecond, "the shop is asked no more than once a minute")
}

func TestUser2Edit(t *testing.T) {
	who, said := signedUp(t)
	other, others := signedUp(t)
	second := shared.logIn(t, who.userID, "pass1234!")
	before := who.read(t)
	refused := func(change map[string]any, want any) {
		t.Helper()
		got := who.edit(t, change)
		require.Equal(t, 400, got.status, "%v: %s", change, got.body)
		requireError(t, got, "edit")
		require.Equal(t, want, code(t, got), "%v", change)
		require.Equal(t, before, who.read(t), "%v", change)
		require.True(t, logsIn(t, who.userID, "pass1234!"))
	}
	for range 2 {
		refused(map[string]any{"new_password": "new1234!"}, nil)
		refused(map[string]any{"email": "x" + said["email"].(string), "name": "새이름"}, nil)
		refused(map[string]any{"old_password": "wrong", "name": "새이름"}, "invalid-password")
		refused(map[string]any{"alias": others["alias"], "name": "새이름", "old_password": "pass1234!", "new_password": "new1234!"}, "duplicated-alias")
		refused(map[string]any{"alias": "데모"}, "duplicated-alias")
		refused(map[string]any{"old_password": "pass1234!", "email": others["email"], "alias": "새별" + who.userID}, "duplicated-email")
		refused(map[string]any{"old_password": "pass1234!", "email": "no address", "new_password": "new1234!"}, "validation")
		refused(map[string]any{"name": 5}, nil)
	}
	require.True(t, usable(t, "새별"+who.userID), "what was refused is free")
	require.Equal(t, 200, admitted(t, second))

	got := who.edit(t, map[string]any{
		"alias": " 새별" + who.userID, "name": "새이름", "mobile": "01099998888", "unipass_number": "P123", "email": "", "old_password": "",
		"address": map[string]any{"primary": home(), "secondaries": []any{home()}},
	})
	require.Equal(t, 202, got.status, string(got.body))
	me := who.read(t)
	require.Equal(t, "새별"+who.userID, me["alias"])
	require.Equal(t, []any{"새이름", "01099998888", "P123", said["email"]}, []any{me["name"], me["mobile"], me["unipass_number"], me["email"]})
	require.Equal(t, "새별"+who.userID, accounts(t, who.userID)[0]["name"].(map[string]any)["first"])
	require.Len(t, me["address"].(map[string]any)["secondaries"], 1)
	require.True(t, usable(t, said["alias"]), "the former nickname is free")
	require.False(t, usable(t, me["alias"]))

	require.Equal(t, 202, who.edit(t, map[string]any{"mobile": "", "address": map[string]any{"primary": map[string]any{"city": ""}}}).status)
	me = who.read(t)
	require.Nil(t, me["mobile"])
	require.Equal(t, "강남구", me["address"].(map[string]any)["primary"].(map[string]any)["city"])
	require.Equal(t, 202, who.edit(t, map[string]any{"address": map[string]any{"primary": home()}}).status)
	require.Len(t, who.read(t)["address"].(map[string]any)["secondaries"], 1, "what is absent stays")
	require.Equal(t, 202, who.edit(t, map[string]any{"alias": strings.ToUpper(me["alias"].(string))}).status, "one's own in other letters")

	require.Equal(t, 202, who.edit(t, map[string]any{"old_password": "pass1234!", "email": "y" + said["email"].(string)}).status)
	require.Equal(t, 200, admitted(t, second), "another mail address ends no session")
	require.Equal(t, 202, who.edit(t, map[string]any{"old_password": "pass1234!", "new_password": "new1234!"}).status)
	require.Equal(t, 401, admitted(t, second))
	require.Equal(t, 200, admitted(t, who.token), "the one that proved the old password stays")
	require.True(t, logsIn(t, who.userID, "new1234!"))
	require.False(t, logsIn(t, who.userID, "pass1234!"))
	require.Equal(t, "y"+said["email"].(string), who.read(t)["email"])
	require.Equal(t, 200, admitted(t, other.token))
}

// TestEditsOfSocialMembersLeaveTheirLogin: mail address and password are the
// vendor's.
func TestEditsOfSocialMembersLeaveTheirLogin(t *testing.T) {
	who, said := signedUp(t)
	shared.socialize(t, who.id)
	got := who.edit(t, map[string]any{"email": "z" + said["email"].(string), "new_password": "new1234!", "old_password": "wrong", "name": "새이름"})
	require.Equal(t, 202, got.status, string(got.body))
	me := who.read(t)
	require.Equal(t, "새이름", me["name"])
	require.Equal(t, said["email"], me["email"])
	require.True(t, logsIn(t, who.userID, "pass1234!"))
}

// TestANicknameIsOnePersonsThroughEdits has two members want the same one at
// once, and a silent shop.
func TestANicknameIsOnePersonsThroughEdits(t *testing.T) {
	people := make([]person, 6)
	for i := range people {
		people[i], _ = signedUp(t)
	}
	wanted := "하나뿐" + people[0].userID
	statuses := make([]int, len(people))
	var wait sync.WaitGroup
	for i, p := range people {
		wait.Go(func() { statuses[i] = p.edit(t, map[string]any{"alias": wanted}).status })
	}
	wait.Wait()
	won := 0
	for i, status := range statuses {
		if status == 202 {
			won++
			require.Equal(t, wanted, people[i].read(t)["alias"])
		} else {
			require.Equal(t, 400, status)
			require.NotEqual(t, wanted, people[i].read(t)["alias"])
		}
	}
	require.Equal(t, 1, won)

	p, said := signedUp(t)
	fault := func(mode string) {
		shared.control(t, "POST", "/faults", map[string]any{"vendor": "clayful", "method": "PUT", "path": "/v1/me", "mode": mode, "times": 1})
	}
	t.Cleanup(func() { shared.control(t, "DELETE", "/faults", nil) })
	fault("drop")
	require.Equal(t, 202, p.edit(t, map[string]any{"alias": "했다" + p.userID}).status, "the shop did it and did not say so")
	require.True(t, usable(t, said["alias"]))
	fault("error")
	require.Equal(t, 503, p.edit(t, map[string]any{"alias": "안했다" + p.userID}).status)
	require.True(t, usable(t, "안했다"+p.userID))
	require.False(t, usable(t, "했다"+p.userID))
	fault("drop")
	require.Equal(t, 202, p.edit(t, map[string]any{"old_password": "pass1234!", "new_password": "new1234!"}).status)
	require.True(t, logsIn(t, p.userID, "new1234!"))

	half := map[string]any{"old_password": "new1234!", "new_password": "third1234!", "email": "h" + said["email"].(string), "name": "반쪽"}
	first := func() { // so that the next fault meets the rest of the edit
		shared.control(t, "POST", "/faults", map[string]any{"vendor": "clayful", "method": "PUT", "path": "/v1/me/credentials", "mode": "delay", "ms": 1, "times": 1})
	}
	first()
	fault("error")
	require.Equal(t, 503, p.edit(t, half).status)
	require.True(t, logsIn(t, p.userID, "new1234!"), "an edit is made whole or not at all")
	require.Equal(t, said["email"], p.read(t)["email"])
	first()
	fault("drop")
	require.Equal(t, 202, p.edit(t, half).status)
	require.Equal(t, "반쪽", p.read(t)["name"])
	require.True(t, logsIn(t, p.userID, "third1234!"))
}

func TestUserDelete(t *testing.T) {
	who, said := signedUp(t)
	second := shared.logIn(t, who.userID, "pass1234!")
	star := shared.newSeller(t)
	id, _ := star.reserveIn(t, time.Hour)
	require.Equal(t, 202, shared.call(t, "POST", "/media/alarm/", who.token, map[string]any{"_id": id}).status)
	require.Equal(t, 200, shared.call(t, "POST", "/user/upload_token/", who.token, map[string]any{"firebase_token": "device-" + who.id}).status)
	require.Equal(t, 200, shared.call(t, "POST", "/user/live-agree/", who.token, nil).status)
	shopper{who, t}.issue(cart3k)
	require.InDelta(t, 1, shared.media(t, id)["push_count"], 0)
	require.Equal(t, 202, shared.call(t, "POST", "/user/influencer/like/", who.token, map[string]any{"influencer_id": star.id}).status)
	followers := func() float64 {
		return shopGet(t, "/customers/"+star.id+"?raw=true").object(t)["meta"].(map[string]any)["Follower"].(float64)
	}
	require.InDelta(t, 1, followers(), 0)

	shared.control(t, "POST", "/faults", map[string]any{"vendor": "clayful", "method": "DELETE", "path": "/v1/customers", "mode": "drop", "times": 1})
	shared.control(t, "POST", "/faults", map[string]any{"vendor": "clayful", "method": "PUT", "path": "/v1/customers/" + star.id, "mode": "drop", "times": 1})
	got := shared.call(t, "DELETE", "/user/", who.token, nil)
	require.Equal(t, 202, got.status, string(got.body))
	for _, token := range []string{who.token, second} {
		require.Equal(t, 401, admitted(t, token))
	}
	require.Empty(t, accounts(t, who.userID))
	require.Empty(t, wishlists(t, who.id))
	require.False(t, logsIn(t, who.userID, "pass1234!"))
	require.InDelta(t, 0, shared.media(t, id)["push_count"], 0)
	require.InDelta(t, 0, followers(), 0)
	require.True(t, usable(t, said["alias"]))
	require.Equal(t, 202, shared.call(t, "PUT", "/user/", "", said).status, "and they may come back")
	again := shared.logIn(t, who.userID, "pass1234!")
	require.Equal(t, 401, admitted(t, second))
	require.JSONEq(t, `{"success":{"live_push_agree":true}}`, string(shared.call(t, "GET", "/user/live-agree/", again, nil).body))
	require.JSONEq(t, `[]`, string(shared.call(t, "GET", "/media/alarm/", again, nil).body))
	star.command(t, "/media/live_alarm/", id)
	require.Zero(t, shared.pushes(t, "device-"+who.id))
}

// TestSellerWithdraws expects nothing that shows, or streams, to stay behind.
func TestSellerWithdraws(t *testing.T) {
	t.Parallel()
	star := shared.newSeller(t)
	stream := streamOf(t, star)
	later, _ := star.reserveIn(t, time.Hour)
	live, _ := star.reserveIn(t, time.Hour)
	star.connect(t)
	require.Equal(t, 202, star.command(t, "/media/start/", live).status)
	streams := func() string { return string(shared.control(t, "GET", "/mux/streams", nil).body) }
	require.Contains(t, streams(), stream)

	got := shared.call(t, "DELETE", "/user/", star.token, nil)
	require.Equal(t, 202, got.status, string(got.body))
	require.Equal(t, "gone", shared.status(t, later))
	require.Equal(t, "gone", shared.status(t, live))
	require.NotContains(t, streams(), stream)
	require.Eventually(t, func() bool {
		return !strings.Contains(string(shared.control(t, "GET", "/mux/assets", nil).body), stream)
	}, 20*time.Second, 100*time.Millisecond, "its recordings too")
	require.Equal(t, 401, admitted(t, star.token))
}

func TestUserUnsubscribe(t *testing.T) {
	who, _ := signedUp(t)
	second := shared.logIn(t, who.userID, "pass1234!")
	got := shared.call(t, "POST", "/user/unsubscribe/", who.token, nil)
	require.Equal(t, 200, got.status, string(got.body))
	require.JSONEq(t, `{"success":{"active":false}}`, string(got.body))
	for _, token := range []string{who.token, second} {
		require.Equal(t, 401, admitted(t, token))
	}
	got = shared.call(t, "POST", "/user/auth/", "", map[string]any{"userId": who.userID, "password": "pass1234!"})
	require.Equal(t, 409, got.status)
	require.Empty(t, got.header.Get("Custom-Token"))
	require.Equal(t, false, accounts(t, who.userID)[0]["meta"].(map[string]any)["active"])
}

func TestUserActive(t *testing.T) {
	who := shared.newPerson(t, members)
	require.JSONEq(t, `{"active":true}`, string(shared.call(t, "GET", "/user/active/", who.token, nil).body))
}

func TestUserPushAgree(t *testing.T) {
	requireSwitch(t, "/user/push_agree/", "push_agree", false)
}

func TestUserLiveAgree(t *testing.T) {
	requireSwitch(t, "/user/live-agree/", "live_push_agree", true)
	star, who := shared.newSeller(t), shared.newPerson(t, members)
	id, _ := star.reserveIn(t, time.Hour)
	require.Equal(t, 202, shared.call(t, "POST", "/media/alarm/", who.token, map[string]any{"_id": id}).status)
	require.Equal(t, 200, shared.call(t, "POST", "/user/upload_token/", who.token, map[string]any{"firebase_token": "deaf-" + who.id}).status)
	require.Equal(t, 200, shared.call(t, "POST", "/user/live-agree/", who.token, nil).status)
	listener := shared.newPerson(t, members)
	require.Equal(t, 202, shared.call(t, "POST", "/media/alarm/", listener.token, map[string]any{"_id": id}).status)
	require.Equal(t, 200, shared.call(t, "POST", "/user/upload_token/", listener.token, map[string]any{"firebase_token": "keen-" + who.id}).status)
	require.Equal(t, 202, star.command(t, "/media/live_alarm/", id).status)
	require.Eventually(t, func() bool { return shared.pushes(t, "keen-"+who.id) == 1 }, 20*time.Second, 100*time.Millisecond)
	require.Zero(t, shared.pushes(t, "deaf-"+who.id))
}

// requireSwitch looks whether a setting is as it should be at first, flips, and
// loses no flip.
func requireSwitch(t *testing.T, path, key string, first bool) {
	t.Helper()
	who := shared.newPerson(t, members)
	state := func(method string) bool {
		got := shared.call(t, method, path, who.token, nil)
		require.Equal(t, 200, got.status, string(got.body))
		shown := got.object(t)["success"].(map[string]any)
		require.Len(t, shown, 1)
		return shown[key].(bool)
	}
	require.Equal(t, first, state("GET"))
	require.Equal(t, !first, state("POST"))
	require.Equal(t, !first, state("GET"))
	require.Equal(t, first, state("POST"))
	var wait sync.WaitGroup
	for range 5 {
		wait.Go(func() { shared.call(t, "POST", path, who.token, nil) })
	}
	wait.Wait()
	require.Equal(t, !first, state("GET"), "five flips at once")
}

func TestUserUploadToken(t *testing.T) {
	first, second := shared.newPerson(t, members), shared.newPerson(t, members)
	star := shared.newSeller(t)
	id, _ := star.reserveIn(t, time.Hour)
	require.Equal(t, 202, shared.call(t, "POST", "/media/alarm/", second.token, map[string]any{"_id": id}).status)
	device := map[string]any{"firebase_token": "moving-" + first.id}
	for _, who := range []person{first, second} {
		require.Equal(t, 200, shared.call(t, "POST", "/user/upload_token/", who.token, device).status)
	}
	require.Equal(t, 400, shared.call(t, "POST", "/user/upload_token/", first.token, map[string]any{"firebase_token": ""}).status)
	require.Equal(t, 202, star.command(t, "/media/live_alarm/", id).status)
	require.Eventually(t, func() bool { return shared.pushes(t, "moving-"+first.id) == 1 }, 20*time.Second, 100*time.Millisecond, "it is the second's now")
}

func TestUserDeleteToken(t *testing.T) {
	owner, stranger := shared.newPerson(t, members), shared.newPerson(t, members)
	star := shared.newSeller(t)
	kept, dropped := map[string]any{"firebase_token": "kept-" + owner.id}, map[string]any{"firebase_token": "dropped-" + owner.id}
	id, _ := star.reserveIn(t, time.Hour)
	require.Equal(t, 202, shared.call(t, "POST", "/media/alarm/", owner.token, map[string]any{"_id": id}).status)
	for _, device := range []map[string]any{kept, dropped} {
		require.Equal(t, 200, shared.call(t, "POST", "/user/upload_token/", owner.token, device).status)
	}
	require.Equal(t, 200, shared.call(t, "POST", "/user/delete_token/", stranger.token, kept).status, "and does nothing")
	for range 2 {
		require.Equal(t, 200, shared.call(t, "POST", "/user/delete_token/", owner.token, dropped).status)
	}
	require.Equal(t, 202, star.command(t, "/media/live_alarm/", id).status)
	require.Eventually(t, func() bool { return shared.pushes(t, "kept-"+owner.id) == 1 }, 20*time.Second, 100*time.Millisecond)
	require.Zero(t, shared.pushes(t, "dropped-"+owner.id))
}

func TestUserRefundBank(t *testing.T) {
	who := shared.newPerson(t, members)
	get := func() string { return string(shared.call(t, "GET", "/user/refund_bank/", who.token, nil).body) }
	require.JSONEq(t, `{"refund_holder":null,"refund_bank":null,"refund_account":null}`, get())
	account := map[string]any{"refund_holder": "김별", "refund_bank": "04", "refund_account": "123-456-789"}
	for key := range account {
		short := map[string]any{}
		for name, value := range account {
			if name != key {
				short[name] = value
			}
		}
		require.Equal(t, 400, shared.call(t, "POST", "/user/refund_bank/", who.token, short).status, "without %s", key)
	}
	account["refund_bank"] = "국민은행"
	require.Equal(t, 400, shared.call(t, "POST", "/user/refund_bank/", who.token, account).status, "no bank's code")
	account["refund_bank"] = "04"
	got := shared.call(t, "POST", "/user/refund_bank/", who.token, account)
	require.Equal(t, 200, got.status, string(got.body))
	want := `{"refund_holder":"김별","refund_bank":"04","refund_account":"123-456-789"}`
	require.JSONEq(t, want, string(got.body))
	require.JSONEq(t, want, get())
}
