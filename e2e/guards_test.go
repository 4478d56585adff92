package e2e

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRequireLogin shows a guarded route every token that is none.
func TestRequireLogin(t *testing.T) {
	who, _ := signedUp(t)
	head, body, _ := strings.Cut(who.token, ".")
	body, signature, _ := strings.Cut(body, ".")
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT","kid":"dev"}`))
	loggedOut := shared.logIn(t, who.userID, "pass1234!")
	require.Equal(t, 200, shared.call(t, "GET", "/user/auth/", loggedOut, nil).status)
	deleted, _ := signedUp(t)
	require.Equal(t, 202, shared.call(t, "DELETE", "/user/", deleted.token, nil).status)
	shut, _ := signedUp(t)
	require.Equal(t, 200, shared.call(t, "POST", "/user/unsubscribe/", shut.token, nil).status)
	tokens := map[string]string{
		"none": "", "nonsense": "x.y.z", "unsigned": head + "." + body + ".", "alg none": unsigned + "." + body + ".",
		"tampered": head + "." + body[:len(body)-2] + "AA." + signature, "logged out": loggedOut, "of a deleted member": deleted.token,
		"of a withdrawn member": shut.token,
	}
	refused := func() {
		t.Helper()
		for name, token := range tokens {
			got := shared.call(t, "GET", "/user/", token, nil)
			require.Equal(t, 401, got.status, name)
			requireError(t, got, name)
			require.Len(t, got.object(t), 1)
		}
	}
	refused()
	got := call(t, "GET", "http://"+shared.api+"/user", "", nil, "custom-token", who.token)
	require.Equal(t, 200, got.status, "the header's letters are any")
	require.Equal(t, 200, shared.call(t, "GET", "/media/hot/", "nonsense", nil).status, "public routes take no offence")

	shared.control(t, "POST", "/faults", map[string]any{"vendor": "clayful", "mode": "error", "status": 503})
	t.Cleanup(func() { shared.control(t, "DELETE", "/faults", nil) })
	refused()
	fresh, err := try("GET", "http://"+shared.api+"/user/", shared.unseen(t, who), nil)
	require.NoError(t, err)
	require.Equal(t, 503, fresh.status, "an outage proves nothing about a token")
	requireError(t, fresh, "outage")
}

// unseen is a token of a member whom the API has not asked the shop about.
func (s *system) unseen(t *testing.T, who person) string {
	t.Helper()
	s.control(t, "DELETE", "/faults", nil)
	token := s.logIn(t, who.userID, "pass1234!")
	s.control(t, "POST", "/faults", map[string]any{"vendor": "clayful", "mode": "error", "status": 503})
	return token
}

// TestIsInfluencer has the shop's group decide, whatever the token says.
func TestIsInfluencer(t *testing.T) {
	who, _ := signedUp(t)
	ready := func(token string) answer { return shared.call(t, "GET", "/influencer/myreadyvod/", token, nil) }
	for _, token := range []string{"", "nonsense", who.token} {
		got := ready(token)
		require.Equal(t, 401, got.status)
		requireError(t, got, "seller")
	}
	promote := func(group string) {
		require.Equal(t, 200, shopSend(t, "PUT", "/customers/"+who.id, map[string]any{"groups": []string{group}}).status)
	}
	promote(influencers)
	require.Eventually(t, func() bool { return ready(who.token).status == 200 }, 10*time.Second, 100*time.Millisecond, "the shop's webhook tells")
	asSeller := shared.logIn(t, who.userID, "pass1234!")
	require.Equal(t, 200, ready(asSeller).status)
	require.Equal(t, true, person{who.id, who.userID, asSeller}.read(t)["influencer"])
	promote(members)
	require.Eventually(t, func() bool { return ready(asSeller).status == 401 && ready(who.token).status == 401 }, 10*time.Second, 100*time.Millisecond)
	require.Equal(t, 200, admitted(t, asSeller), "still a member")
}
