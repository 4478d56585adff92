// Package kakao is Kakao Login made local.
package kakao

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byeolshow/byeolshow/sandbox/oauth"
)

// What a person may keep to themselves.
const (
	nickname = "profile_nickname"
	email    = "account_email"
	phone    = "phone_number"
)

var vendor = oauth.Vendor{
	Name: "kakao", Title: "카카오", Color: "#fee500", Lifetime: 6 * time.Hour,
	Fields:  []oauth.Field{{Name: nickname, Title: "닉네임"}, {Name: email, Title: "카카오계정(이메일)"}, {Name: phone, Title: "전화번호"}},
	Denied:  url.Values{"error": {"access_denied"}, "error_description": {"User denied access"}},
	Subject: func() string { return oauth.Number(10) },
	Problems: map[error]string{
		oauth.ErrApp:      "앱 관리자 설정 오류 (KOE101): 잘못된 앱 키입니다.",
		oauth.ErrCallback: "앱 관리자 설정 오류 (KOE006): 등록되지 않은 리다이렉트 URI입니다.",
		oauth.ErrType:     "잘못된 요청 (KOE009): response_type이 올바르지 않습니다.",
	},
	Demo: []oauth.Account{
		{Login: "kakao1", Nickname: "카카오하나", Name: "김하나", Email: "kakao1@kakao.example", Phone: "+82 10-1111-0001"},
		{Login: "kakao2", Nickname: "카카오둘", Name: "김두리"},
	},
}

// Server is Kakao.
type Server struct{ *oauth.Server }

// New makes a Kakao that one app is registered with. The app's id is a number.
func New(ctx context.Context, pool *pgxpool.Pool, app oauth.App, logger *slog.Logger) (*Server, error) {
	if _, err := strconv.ParseInt(app.ID, 10, 64); err != nil {
		return nil, errors.New("a Kakao app's id is a number")
	}
	base, err := oauth.New(ctx, pool, vendor, app, logger)
	return &Server{base}, err
}

// Routes are those of kauth.kakao.com and kapi.kakao.com.
func (s *Server) Routes() chi.Router {
	r := chi.NewRouter()
	r.Get("/oauth/authorize", s.Authorize)
	r.Post("/oauth/authorize", s.Authorize)
	r.Post("/oauth/token", s.token)
	r.Get("/v2/user/me", s.admit(s.me))
	r.Post("/v2/user/me", s.admit(s.me))
	r.Get("/v1/user/access_token_info", s.admit(s.tokenInfo))
	r.Post("/v1/user/logout", s.admit(s.logOut))
	return r
}

// token redeems codes and refresh tokens.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	err := s.Admit(r.PostFormValue("client_id"), r.PostFormValue("client_secret"))
	var t oauth.Token
	if err == nil {
		switch r.PostFormValue("grant_type") {
		case "authorization_code":
			t, err = s.Redeem(r.Context(), r.PostFormValue("code"), r.PostFormValue("redirect_uri"))
		case "refresh_token":
			t, err = s.Renew(r.Context(), r.PostFormValue("refresh_token"))
		default:
			refuse(w, http.StatusBadRequest, "unsupported_grant_type", "unsupported grant_type", "KOE203")
			return
		}
	}
	switch {
	case err == nil:
		oauth.Answer(w, http.StatusOK, map[string]any{
			"token_type": "bearer", "access_token": t.Access, "expires_in": t.ExpiresIn(), "refresh_token": t.Refresh,
			"refresh_token_expires_in": int((60 * 24 * time.Hour).Seconds()), "scope": strings.Join(t.Agreed, " "),
		})
	case errors.Is(err, oauth.ErrApp):
		refuse(w, http.StatusUnauthorized, "invalid_client", "Not exist client_id ["+r.PostFormValue("client_id")+"]", "KOE101")
	case errors.Is(err, oauth.ErrSecret):
		refuse(w, http.StatusUnauthorized, "invalid_client", "Bad client credentials", "KOE010")
	case errors.Is(err, oauth.ErrCallback):
		refuse(w, http.StatusBadRequest, "invalid_grant", "Redirect URI mismatch.", "KOE303")
	case errors.Is(err, oauth.ErrCode), errors.Is(err, oauth.ErrUsed):
		refuse(w, http.StatusBadRequest, "invalid_grant", "authorization code not found for code="+r.PostFormValue("code"), "KOE320")
	case errors.Is(err, oauth.ErrToken):
		refuse(w, http.StatusBadRequest, "invalid_grant", "expired_or_invalid_refresh_token", "KOE322")
	default:
		s.Fail(r, err)
		refuse(w, http.StatusInternalServerError, "server_error", "internal server error", "KOE999")
	}
}

func refuse(w http.ResponseWriter, status int, name, text, code string) {
	oauth.Answer(w, status, map[string]string{"error": name, "error_description": text, "error_code": code})
}

// admit lets calls with a token in.
func (s *Server) admit(handler func(http.ResponseWriter, *http.Request, oauth.Token, int64)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		access, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		t, err := s.Token(r.Context(), access)
		id, _ := strconv.ParseInt(t.Subject, 10, 64) // we made it
		switch {
		case errors.Is(err, oauth.ErrToken):
			oauth.Answer(w, http.StatusUnauthorized, map[string]any{"msg": "this access token does not exist", "code": -401})
		case err != nil:
			s.Fail(r, err)
			oauth.Answer(w, http.StatusBadRequest, map[string]any{"msg": "internal error", "code": -1})
		default:
			handler(w, r, t, id)
		}
	}
}

func (s *Server) me(w http.ResponseWriter, _ *http.Request, t oauth.Token, id int64) {
	account := map[string]any{
		"profile_nickname_needs_agreement": !t.Sees(nickname),
		"has_email":                        t.Account.Email != "", "email_needs_agreement": !t.Sees(email),
		"has_phone_number": t.Account.Phone != "", "phone_number_needs_agreement": !t.Sees(phone),
	}
	properties := map[string]string{}
	if t.Sees(nickname) {
		properties["nickname"] = t.Account.Nickname
		account["profile"] = map[string]any{"nickname": t.Account.Nickname, "is_default_nickname": false}
	}
	if t.Sees(email) && t.Account.Email != "" {
		account["email"], account["is_email_valid"], account["is_email_verified"] = t.Account.Email, true, true
	}
	if t.Sees(phone) && t.Account.Phone != "" {
		account["phone_number"] = t.Account.Phone
	}
	oauth.Answer(w, http.StatusOK, map[string]any{
		"id": id, "connected_at": t.ConnectedAt.UTC().Format(time.RFC3339), "properties": properties, "kakao_account": account,
	})
}

func (s *Server) tokenInfo(w http.ResponseWriter, _ *http.Request, t oauth.Token, id int64) {
	app, _ := strconv.ParseInt(t.AppID, 10, 64) // New saw to it
	oauth.Answer(w, http.StatusOK, map[string]any{"id": id, "expires_in": t.ExpiresIn(), "app_id": app})
}

func (s *Server) logOut(w http.ResponseWriter, r *http.Request, t oauth.Token, id int64) {
	if err := s.Revoke(r.Context(), t.Access); err != nil {
		s.Fail(r, err)
		oauth.Answer(w, http.StatusBadRequest, map[string]any{"msg": "internal error", "code": -1})
		return
	}
	oauth.Answer(w, http.StatusOK, map[string]any{"id": id})
}
