// Package naver is Naver Login made local.
package naver

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
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
	nickname = "nickname"
	name     = "name"
	email    = "email"
	mobile   = "mobile"
)

var vendor = oauth.Vendor{
	Name: "naver", Title: "네이버", Color: "#03c75a", Lifetime: time.Hour, NeedState: true,
	Fields: []oauth.Field{
		{Name: nickname, Title: "별명"}, {Name: name, Title: "회원이름"}, {Name: email, Title: "연락처 이메일 주소"}, {Name: mobile, Title: "휴대전화번호"},
	},
	Denied:  url.Values{"error": {"access_denied"}, "error_description": {"Canceled By User"}},
	Subject: newSubject,
	Problems: map[error]string{
		oauth.ErrApp:      "네이버 로그인 오류: client_id 파라미터가 올바르지 않습니다.",
		oauth.ErrCallback: "네이버 로그인 오류: 등록된 Callback URL과 일치하지 않습니다.",
		oauth.ErrType:     "네이버 로그인 오류: response_type 파라미터가 올바르지 않습니다.",
		oauth.ErrState:    "네이버 로그인 오류: state 파라미터가 없습니다.",
	},
	Demo: []oauth.Account{
		{Login: "naver1", Nickname: "네이버하나", Name: "이하나", Email: "naver1@naver.example", Phone: "+82 10-2222-0001"},
		{Login: "naver2", Nickname: "네이버둘", Name: "이두리", Email: "naver2@naver.example"},
	},
}

func newSubject() string {
	id := make([]byte, 32)
	_, _ = rand.Read(id) // never fails
	return base64.RawURLEncoding.EncodeToString(id)
}

// Server is Naver.
type Server struct{ *oauth.Server }

// New makes a Naver that one app is registered with.
func New(ctx context.Context, pool *pgxpool.Pool, app oauth.App, logger *slog.Logger) (*Server, error) {
	base, err := oauth.New(ctx, pool, vendor, app, logger)
	return &Server{base}, err
}

// Routes are those of nid.naver.com and openapi.naver.com.
func (s *Server) Routes() chi.Router {
	r := chi.NewRouter()
	r.Get("/oauth2.0/authorize", s.Authorize)
	r.Post("/oauth2.0/authorize", s.Authorize)
	r.Get("/oauth2.0/token", s.token)
	r.Post("/oauth2.0/token", s.token)
	r.Get("/v1/nid/me", s.me)
	return r
}

// token redeems codes and refresh tokens, and ends tokens. A refusal comes with
// status 200.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	err := s.Admit(r.FormValue("client_id"), r.FormValue("client_secret"))
	var t oauth.Token
	if err == nil {
		switch grant := r.FormValue("grant_type"); {
		case grant == "authorization_code" && r.FormValue("state") == "":
			err = oauth.ErrState
		case grant == "authorization_code":
			t, err = s.Redeem(r.Context(), r.FormValue("code"), cmp.Or(r.FormValue("redirect_uri"), s.Callback())) // as not every client sends it
		case grant == "refresh_token":
			t, err = s.Renew(r.Context(), r.FormValue("refresh_token"))
		case grant == "delete":
			err = s.end(w, r)
			if err == nil {
				return
			}
		default:
			refuse(w, "invalid_request", "wrong value for parameter grant_type")
			return
		}
	}
	switch {
	case err == nil:
		oauth.Answer(w, http.StatusOK, map[string]string{
			"access_token": t.Access, "refresh_token": t.Refresh, "token_type": "bearer", "expires_in": strconv.Itoa(t.ExpiresIn()),
		})
	case errors.Is(err, oauth.ErrApp), errors.Is(err, oauth.ErrSecret):
		refuse(w, "invalid_client", "wrong client id / client secret pair")
	case errors.Is(err, oauth.ErrState):
		refuse(w, "invalid_request", "state is missing")
	case errors.Is(err, oauth.ErrCallback):
		refuse(w, "invalid_request", "redirect_uri does not match")
	case errors.Is(err, oauth.ErrCode), errors.Is(err, oauth.ErrUsed), errors.Is(err, oauth.ErrToken):
		refuse(w, "invalid_request", "no valid data in session")
	default:
		s.Fail(r, err)
		oauth.Answer(w, http.StatusInternalServerError, map[string]string{"error": "server_error", "error_description": "internal server error"})
	}
}

func (s *Server) end(w http.ResponseWriter, r *http.Request) error {
	t, err := s.Token(r.Context(), r.FormValue("access_token"))
	if err != nil {
		return err
	}
	if err := s.Revoke(r.Context(), t.Access); err != nil {
		return err
	}
	oauth.Answer(w, http.StatusOK, map[string]string{"access_token": t.Access, "result": "success"})
	return nil
}

func refuse(w http.ResponseWriter, name, text string) {
	oauth.Answer(w, http.StatusOK, map[string]string{"error": name, "error_description": text})
}

func (s *Server) me(w http.ResponseWriter, r *http.Request) {
	access, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !given {
		oauth.Answer(w, http.StatusUnauthorized, map[string]string{"resultcode": "028", "message": "Authentication header not exists (OAuth 인증 헤더가 없습니다.)"})
		return
	}
	t, err := s.Token(r.Context(), access)
	if errors.Is(err, oauth.ErrToken) {
		oauth.Answer(w, http.StatusUnauthorized, map[string]string{"resultcode": "024", "message": "Authentication failed (인증에 실패했습니다.)"})
		return
	}
	if err != nil {
		s.Fail(r, err)
		oauth.Answer(w, http.StatusInternalServerError, map[string]string{"resultcode": "500", "message": "Internal Server Error (내부 서버 에러)"})
		return
	}
	response := map[string]string{"id": t.Subject}
	for field, value := range map[string]string{
		nickname: t.Account.Nickname, name: t.Account.Name, email: t.Account.Email,
		mobile: strings.Replace(t.Account.Phone, "+82 ", "0", 1),
	} {
		if t.Sees(field) && value != "" {
			response[field] = value
		}
	}
	if response[mobile] != "" {
		response["mobile_e164"] = strings.NewReplacer(" ", "", "-", "").Replace(t.Account.Phone)
	}
	oauth.Answer(w, http.StatusOK, map[string]any{"resultcode": "00", "message": "success", "response": response})
}
