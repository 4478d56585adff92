package e2e

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// socialize makes a customer one who logs in with Kakao.
func (s *system) socialize(t *testing.T, customerID string) {
	t.Helper()
	s.sql(t, `UPDATE sandbox_clayful.document SET body = jsonb_set(body, '{social}', '[{"vendor":"kakao"}]') WHERE id = $1`, customerID)
}

// sql changes what the vendors know, as time would.
func (s *system) sql(t *testing.T, statement string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.variable("DATABASE_URL"))
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	tag, err := conn.Exec(t.Context(), statement, args...)
	require.NoError(t, err)
	require.EqualValues(t, 1, tag.RowsAffected())
}

// link is what a mailed link leads to.
type link struct{ path, customer, secret string }

// mailed has a link to set a new password mailed, and reads the mail.
func mailed(t *testing.T, userID, email string) link {
	t.Helper()
	earlier := len(shared.control(t, "GET", "/mail?to="+email, nil).list(t))
	got := shared.call(t, "POST", "/forgetuser/get_certificate/", "", map[string]any{"userId": userID, "email": email})
	require.Equal(t, 202, got.status, string(got.body))
	var mails []map[string]any
	require.Eventually(t, func() bool {
		mails = shared.control(t, "GET", "/mail?to="+email, nil).list(t)
		return len(mails) > earlier
	}, 20*time.Second, 50*time.Millisecond, "no mail came")
	require.Contains(t, mails[0]["body"], mails[0]["link"])
	at, err := url.Parse(mails[0]["link"].(string))
	require.NoError(t, err)
	require.Equal(t, shared.api, at.Host)
	return link{at.RequestURI(), at.Query().Get("customer"), at.Query().Get("secret")}
}

// browse is what a browser sends.
func (l link) browse(t *testing.T, method string) answer {
	t.Helper()
	return call(t, method, "http://"+shared.api+l.path, "", nil, "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
}

func (l link) changed(secret string) link {
	return link{strings.Replace(l.path, l.secret, secret, 1), l.customer, secret}
}

func TestAuth1Login(t *testing.T) {
	who, _ := signedUp(t)
	got := shared.call(t, "POST", "/user/auth/", "", map[string]any{"userId": who.userID, "password": "pass1234!"})
	require.Equal(t, 200, got.status)
	require.NotEmpty(t, got.object(t)["success"].(map[string]any)["message"])
	token := got.header.Get("Custom-Token")
	require.NotContains(t, string(got.body), token)
	require.Equal(t, 200, admitted(t, token))
	for _, body := range []map[string]any{
		{"userId": who.userID, "password": "wrong"}, {"userId": "nobody" + who.userID, "password": "pass1234!"},
		{"userId": who.userID}, {"password": "pass1234!"}, {},
	} {
		got := shared.call(t, "POST", "/user/auth/", "", body)
		require.Equal(t, 400, got.status)
		requireError(t, got, "login")
		require.Empty(t, got.header.Get("Custom-Token"))
	}
	require.JSONEq(t, `"로그아웃되었습니다"`, string(shared.call(t, "GET", "/user/auth/", token, nil).body))
	require.Equal(t, 401, admitted(t, token))
}

func TestAuth2FindID(t *testing.T) {
	who, said := signedUp(t)
	find := func(email any) answer {
		return shared.call(t, "POST", "/forgetuser/find_id/", "", map[string]any{"email": email})
	}
	masked := who.userID[:4] + strings.Repeat("*", len(who.userID)-4)
	for _, email := range []string{said["email"].(string), strings.ToUpper(said["email"].(string))} {
		got := find(email)
		require.Equal(t, 202, got.status, string(got.body))
		require.JSONEq(t, `{"success":{"id":"`+masked+`"}}`, string(got.body))
	}
	for _, email := range []any{"nobody@byeolshow.example", "", "any", "none", who.userID} {
		got := find(email)
		require.Equal(t, 400, got.status, "%v", email)
		requireError(t, got, "find_id")
	}
	shared.socialize(t, who.id)
	got := find(said["email"])
	require.Equal(t, 400, got.status)
	requireError(t, got, "social")
	require.Equal(t, "kakao", got.object(t)["error"].(map[string]any)["social"])
	require.NotContains(t, string(got.body), who.userID[:4])
}

func TestAuth3Password(t *testing.T) {
	who, said := signedUp(t)
	email := said["email"].(string)
	ask := func(body map[string]any) answer {
		return shared.call(t, "POST", "/forgetuser/get_certificate/", "", body)
	}
	known := ask(map[string]any{"userId": who.userID, "email": strings.ToUpper(email)})
	require.Equal(t, 202, known.status)
	require.Eventually(t, func() bool { return len(shared.control(t, "GET", "/mail?to="+email, nil).list(t)) == 1 }, 20*time.Second, 50*time.Millisecond)
	social, socials := signedUp(t)
	shared.socialize(t, social.id)
	for _, pair := range [][2]any{
		{"nobody" + who.userID, email}, {who.userID, "other" + email}, {"x", "y"}, {socials["userId"], socials["email"]},
	} {
		got := ask(map[string]any{"userId": pair[0], "email": pair[1]})
		require.Equal(t, known.status, got.status)
		require.Equal(t, known.body, got.body)
		require.Equal(t, len(known.header), len(got.header))
	}
	for _, body := range []map[string]any{{"userId": who.userID}, {"email": email}, {"userId": "", "email": email}, {}} {
		got := ask(body)
		require.Equal(t, 400, got.status)
		requireError(t, got, "get_certificate")
	}
	mailed(t, who.userID, email) // by now the others would have come, too
	require.Len(t, shared.control(t, "GET", "/mail?to="+email, nil).list(t), 2)
	for _, address := range []any{"other" + email, "y", socials["email"]} {
		require.Empty(t, shared.control(t, "GET", "/mail?to="+address.(string), nil).list(t))
	}
}

func TestAuth3aResetPage(t *testing.T) {
	who, said := signedUp(t)
	l := mailed(t, who.userID, said["email"].(string))
	require.Equal(t, who.id, l.customer)
	for range 5 { // a link's preview
		got := l.browse(t, "GET")
		require.Equal(t, 200, got.status)
		requirePage(t, got)
		require.Contains(t, string(got.body), "<button")
		require.NotContains(t, string(got.body), l.secret)
	}
	require.True(t, logsIn(t, who.userID, "pass1234!"))
	require.Equal(t, 200, admitted(t, who.token))
	for _, path := range []string{"/forgetuser/reset_password/", "/forgetuser/reset_password/?customer=../x&secret=x", "/forgetuser/reset_password/?customer=" + who.id} {
		got := link{path: path}.browse(t, "GET")
		require.Equal(t, 400, got.status)
		requirePage(t, got)
		require.NotContains(t, string(got.body), "<button")
	}
}

// requirePage looks for a page that nobody frames, keeps, indexes or learns the
// address of.
func requirePage(t *testing.T, got answer) {
	t.Helper()
	require.Equal(t, "text/html; charset=utf-8", got.header.Get("Content-Type"))
	require.Contains(t, got.header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Contains(t, got.header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	require.Equal(t, "no-referrer", got.header.Get("Referrer-Policy"))
	require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
	require.Equal(t, "DENY", got.header.Get("X-Frame-Options"))
	require.Equal(t, "no-store", got.header.Get("Cache-Control"))
	require.Contains(t, got.header.Get("X-Robots-Tag"), "noindex")
	require.NotContains(t, string(got.body), "<script")
	require.NotContains(t, string(got.body), "http")
}

const passwordLetters = `^[A-HJ-NP-Za-hj-km-np-z2-9]{12}$`

func TestAuth3bResetPassword(t *testing.T) {
	who, said := signedUp(t)
	second := shared.logIn(t, who.userID, "pass1234!")
	l := mailed(t, who.userID, said["email"].(string))
	refused := func(l link) {
		t.Helper()
		got := l.browse(t, "POST")
		require.Equal(t, 400, got.status, string(got.body))
		requirePage(t, got)
		got = call(t, "POST", "http://"+shared.api+l.path, "", nil)
		require.Equal(t, 400, got.status, string(got.body))
		requireError(t, got, "reset")
	}
	refused(l.changed("WRONG" + l.secret[5:]))
	refused(link{strings.Replace(l.path, l.customer, "DEM222222AA2", 1), "", l.secret})
	require.True(t, logsIn(t, who.userID, "pass1234!"))

	got := call(t, "POST", "http://"+shared.api+l.path, "", nil)
	require.Equal(t, 202, got.status, string(got.body))
	require.Equal(t, "no-referrer", got.header.Get("Referrer-Policy"))
	password := got.object(t)["success"].(map[string]any)["message"].(string)
	require.Regexp(t, passwordLetters, password)
	require.True(t, logsIn(t, who.userID, password))
	require.False(t, logsIn(t, who.userID, "pass1234!"))
	for _, token := range []string{who.token, second} {
		require.Equal(t, 401, admitted(t, token))
	}
	refused(l) // used

	// As JSON, and as a form.
	for kind, body := range map[string]func(link) []byte{
		"application/json": func(l link) []byte { return []byte(`{"customer":"` + l.customer + `","secret":"` + l.secret + `"}`) },
		"application/x-www-form-urlencoded": func(l link) []byte {
			return []byte(url.Values{"customer": {l.customer}, "secret": {l.secret}}.Encode())
		},
	} {
		l = mailed(t, who.userID, said["email"].(string))
		got := call(t, "POST", "http://"+shared.api+"/forgetuser/reset_password", "", body(l), "Content-Type", kind, "Accept", "application/json, text/html;q=0.5")
		require.Equal(t, 202, got.status, "%s: %s", kind, got.body)
		next := got.object(t)["success"].(map[string]any)["message"].(string)
		require.NotEqual(t, password, next)
		password = next
		require.True(t, logsIn(t, who.userID, password))
	}

	// A silent shop that did it, one that did not, and one that forgot.
	fault := func(mode string) {
		shared.control(t, "POST", "/faults", map[string]any{"vendor": "clayful", "method": "PUT", "path": "/v1/customers/" + who.id + "/password", "mode": mode, "times": 1})
	}
	l = mailed(t, who.userID, said["email"].(string))
	fault("error")
	got = l.browse(t, "POST")
	require.Equal(t, 503, got.status)
	requirePage(t, got)
	fault("drop")
	got = l.browse(t, "POST")
	require.Equal(t, 200, got.status, "it is looked whether the password is in force")
	requirePage(t, got)

	l = mailed(t, who.userID, said["email"].(string))
	shared.sql(t, `UPDATE sandbox_clayful.verification SET expires_at = expires_at - interval '71 hours 59 minutes'
		WHERE secret_hash = encode(sha256($1::bytea), 'hex') AND expires_at BETWEEN now() + interval '71 hours' AND now() + interval '72 hours'`, []byte(l.secret))
	require.Equal(t, 200, l.browse(t, "POST").status, "a minute before its 72 hours are over")
	l = mailed(t, who.userID, said["email"].(string))
	shared.sql(t, `UPDATE sandbox_clayful.verification SET expires_at = expires_at - interval '72 hours'
		WHERE secret_hash = encode(sha256($1::bytea), 'hex')`, []byte(l.secret))
	refused(l)
}

func TestAuth3cForgotChange(t *testing.T) {
	who, said := signedUp(t)
	l := mailed(t, who.userID, said["email"].(string))
	change := func(secret, customer, password string) answer {
		return shared.call(t, "POST", "/forgetuser/forgot_change/", "", map[string]any{"secret": secret, "customer_id": customer, "password": password})
	}
	for _, got := range []answer{
		change("WRONG"+l.secret[5:], who.id, "new1234!"), change(l.secret, "DEM222222AA2", "new1234!"), change(l.secret, who.id, ""),
		change("", who.id, "new1234!"), change(l.secret, "", "new1234!"), change(l.secret, who.id, strings.Repeat("x", 100)),
	} {
		require.Equal(t, 400, got.status, string(got.body))
		requireError(t, got, "forgot_change")
		require.Equal(t, "no-referrer", got.header.Get("Referrer-Policy"))
	}
	require.True(t, logsIn(t, who.userID, "pass1234!"))
	require.Equal(t, 200, admitted(t, who.token))
	got := change(l.secret, who.id, "new1234!")
	require.Equal(t, 202, got.status, string(got.body))
	require.NotEmpty(t, got.object(t)["success"].(map[string]any)["message"])
	require.True(t, logsIn(t, who.userID, "new1234!"))
	require.Equal(t, 401, admitted(t, who.token))
	require.Equal(t, 400, change(l.secret, who.id, "newer1234!").status)
	require.Equal(t, 400, l.browse(t, "POST").status)
	require.True(t, logsIn(t, who.userID, "new1234!"))
}
