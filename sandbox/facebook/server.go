// Package facebook is Facebook Login and what of the Graph API belongs to it,
// made local.
package facebook

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byeolshow/byeolshow/sandbox/oauth"
)

const email = "email" // what a person may keep to themselves

var vendor = oauth.Vendor{
	Name: "facebook", Title: "Facebook", Color: "#8bb9fe", Lifetime: 60 * 24 * time.Hour,
	Fields: []oauth.Field{{Name: email, Title: "이메일 주소"}},
	Denied: url.Values{
		"error": {"access_denied"}, "error_code": {"200"}, "error_description": {"Permissions error"}, "error_reason": {"user_denied"},
	},
	Subject: func() string { return oauth.Number(17) },
	Problems: map[error]string{
		oauth.ErrApp:      "잘못된 앱 ID: 제공된 앱 ID가 유효하지 않습니다.",
		oauth.ErrCallback: "차단된 URL: 리디렉션 URI가 앱의 클라이언트 OAuth 설정에 없습니다.",
		oauth.ErrType:     "잘못된 매개변수: response_type이 올바르지 않습니다.",
	},
	Demo: []oauth.Account{
		{Login: "facebook1", Name: "박하나", Email: "facebook1@facebook.example"},
		{Login: "facebook2", Name: "박두리"},
	},
}

// Server is Facebook.
type Server struct {
	*oauth.Server

	app oauth.App
}

// New makes a Facebook that one app is registered with. The app's id is its
// client id.
func New(ctx context.Context, pool *pgxpool.Pool, app oauth.App, logger *slog.Logger) (*Server, error) {
	app.ID = app.ClientID
	base, err := oauth.New(ctx, pool, vendor, app, logger)
	return &Server{base, app}, err
}

// Routes are those of www.facebook.com and graph.facebook.com, with and without
// a version.
func (s *Server) Routes() chi.Router {
	r := chi.NewRouter()
	for _, version := range []string{"", "/{version:v[0-9]+\\.[0-9]+}"} {
		r.Get(version+"/dialog/oauth", s.Authorize)
		r.Post(version+"/dialog/oauth", s.Authorize)
		r.Get(version+"/oauth/access_token", s.handle(s.token))
		r.Post(version+"/oauth/access_token", s.handle(s.token))
		r.Get(version+"/me", s.handle(s.me))
		r.Get(version+"/debug_token", s.handle(s.debugToken))
	}
	return r
}

// refusal is an answer in Facebook's error envelope.
type refusal struct {
	status        int
	message       string
	code, subcode int
}

// Error implements error.
func (r *refusal) Error() string { return r.message }

// refusals are Facebook's words for what goes wrong.
var refusals = map[error]*refusal{
	oauth.ErrApp:      {400, "Error validating application. Cannot get application info due to a system error.", 101, 0},
	oauth.ErrSecret:   {400, "Error validating client secret.", 1, 0},
	oauth.ErrCallback: {400, "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request", 100, 36008},
	oauth.ErrCode:     {400, "Invalid verification code format.", 100, 36007},
	oauth.ErrUsed:     {400, "This authorization code has been used.", 100, 36009},
	oauth.ErrToken:    {400, "Invalid OAuth access token - Cannot parse access token", 190, 0},
}

func (s *Server) handle(h func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
		body, err := h(r)
		if err == nil {
			oauth.Answer(w, http.StatusOK, body)
			return
		}
		told, known := refusals[err]
		if !known && !errors.As(err, &told) {
			s.Fail(r, err)
			told = &refusal{500, "An unexpected error has occurred. Please retry your request later.", 2, 0}
		}
		fault := map[string]any{"message": told.message, "type": "OAuthException", "code": told.code, "fbtrace_id": "A" + rand.Text()}
		if told.subcode != 0 {
			fault["error_subcode"] = told.subcode
		}
		if told.status >= http.StatusInternalServerError {
			fault["is_transient"] = true
		}
		oauth.Answer(w, told.status, map[string]any{"error": fault})
	}
}

func (s *Server) token(r *http.Request) (any, error) {
	if err := s.Admit(r.FormValue("client_id"), r.FormValue("client_secret")); err != nil {
		return nil, err
	}
	switch grant := r.FormValue("grant_type"); grant {
	case "", "authorization_code":
		t, err := s.Redeem(r.Context(), r.FormValue("code"), r.FormValue("redirect_uri"))
		return map[string]any{"access_token": t.Access, "token_type": "bearer", "expires_in": t.ExpiresIn()}, err
	case "client_credentials":
		return map[string]string{"access_token": s.appToken(), "token_type": "bearer"}, nil
	default:
		return nil, &refusal{400, "(#100) Invalid grant_type: " + grant, 100, 0}
	}
}

// appToken is what the app itself shows.
func (s *Server) appToken() string { return s.app.ClientID + "|" + s.app.Secret }

// shown is the token a call comes with.
func shown(r *http.Request) string {
	if access, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); given {
		return access
	}
	return r.FormValue("access_token")
}

func (s *Server) me(r *http.Request) (any, error) {
	access := shown(r)
	if access == "" {
		return nil, &refusal{400, "An active access token must be used to query information about the current user.", 2500, 0}
	}
	t, err := s.Token(r.Context(), access)
	if err != nil {
		return nil, err
	}
	wanted := []string{"id", "name"}
	if fields := r.FormValue("fields"); fields != "" {
		wanted = append(strings.Split(fields, ","), "id")
	}
	me := map[string]string{}
	for field, value := range map[string]string{"id": t.Subject, "name": t.Account.Name, email: t.Account.Email} {
		if slices.Contains(wanted, field) && value != "" && (field != email || t.Sees(email)) {
			me[field] = value
		}
	}
	return me, nil
}

// debugToken tells the app about a token of its own.
func (s *Server) debugToken(r *http.Request) (any, error) {
	if shown(r) != s.appToken() {
		return nil, oauth.ErrToken
	}
	t, err := s.Token(r.Context(), r.FormValue("input_token"))
	if errors.Is(err, oauth.ErrToken) {
		return map[string]any{"data": map[string]any{
			"error": map[string]any{"code": 190, "message": "Invalid OAuth access token."}, "is_valid": false, "scopes": []string{},
		}}, nil
	}
	if err != nil {
		return nil, err
	}
	if t.AppID != s.app.ID {
		return nil, &refusal{400, "(#100) The App_id in the input_token did not match the Viewing App", 100, 0}
	}
	return map[string]any{"data": map[string]any{
		"app_id": t.AppID, "type": "USER", "application": "byeolshow", "is_valid": true, "user_id": t.Subject,
		"issued_at": t.IssuedAt.Unix(), "expires_at": t.ExpiresAt.Unix(), "data_access_expires_at": t.ExpiresAt.Unix(),
		"scopes": append([]string{"public_profile"}, t.Agreed...),
	}}, nil
}
