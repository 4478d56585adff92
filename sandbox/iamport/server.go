// Package iamport is Iamport (PortOne V1) made local: its REST API, and the
// payment window and the bank behind it, for the control API.
package iamport

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byeolshow/byeolshow/sandbox/schema"
	"github.com/byeolshow/byeolshow/sandbox/webhook"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config is how this Iamport behaves.
type Config struct {
	Key, Secret string
	NoticeURL   string          // where notices go
	Sender      *webhook.Sender // delivers them
	Logger      *slog.Logger
}

// Server is Iamport.
type Server struct {
	config Config
	pool   *pgxpool.Pool
}

// New prepares the tables.
func New(ctx context.Context, pool *pgxpool.Pool, config Config) (*Server, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return &Server{config: config, pool: pool}, schema.Migrate(ctx, pool, "sandbox_iamport", files)
}

// Reset forgets every payment.
func (s *Server) Reset(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, "TRUNCATE sandbox_iamport.payment, sandbox_iamport.prepared, sandbox_iamport.token")
	return err
}

// Routes is the API.
func (s *Server) Routes() chi.Router {
	r := chi.NewRouter()
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, nil, &refusal{http.StatusNotFound, -1, "존재하지 않는 경로입니다."})
	})
	r.Post("/users/getToken", s.handle(s.getToken))
	for path, handler := range map[string]func(*http.Request, input) (any, error){
		"GET /payments":                                s.byUIDs,
		"GET /payments/{imp_uid}":                      s.payment,
		"GET /payments/{imp_uid}/balance":              s.balance,
		"GET /payments/find/{merchant_uid}":            s.find,
		"GET /payments/find/{merchant_uid}/{status}":   s.find,
		"GET /payments/findAll/{merchant_uid}":         s.findAll,
		"GET /payments/findAll/{merchant_uid}/":        s.findAll, // as iamporter asks for any status
		"GET /payments/findAll/{merchant_uid}/{state}": s.findAll,
		"GET /payments/status/{state}":                 s.byStatus,
		"POST /payments/prepare":                       s.prepare,
		"PUT /payments/prepare":                        s.prepare,
		"GET /payments/prepare/{merchant_uid}":         s.prepared,
		"POST /payments/cancel":                        s.cancel,
		"POST /vbanks":                                 s.openVBank,
		"PUT /vbanks":                                  s.amendVBank, // as iamport-server-api does
		"PUT /vbanks/{imp_uid}":                        s.amendVBank,
		"DELETE /vbanks/{imp_uid}":                     s.closeVBank,
	} {
		method, pattern, _ := strings.Cut(path, " ")
		r.Method(method, pattern, s.handle(s.admit(handler)))
	}
	return r
}

// refusal is an answer with a code other than 0.
type refusal struct {
	status  int
	code    int
	message string
}

// Error implements error.
func (r *refusal) Error() string { return r.message }

func refuse(message string) error { return &refusal{http.StatusOK, 1, message} }

func missing(message string) error { return &refusal{http.StatusNotFound, -1, message} }

func badRequest(message string) error { return &refusal{http.StatusBadRequest, -1, message} }

// input are a request's fields, of its JSON, its form or its query.
type input map[string]any

func (in input) text(name string) string {
	switch v := in[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// has tells whether a field is given. One of a kind no field is of is: it must
// not pass for an absent one, which for an amount would be everything.
func (in input) has(name string) bool { return in[name] != nil && in[name] != "" }

func (in input) amount(name string) (int64, error) {
	n, err := strconv.ParseFloat(in.text(name), 64)
	if err != nil || n < 0 || n != float64(int64(n)) {
		return 0, badRequest(name + "가 올바르지 않습니다.")
	}
	return int64(n), nil
}

func read(r *http.Request) (input, error) {
	in := input{}
	for name, values := range r.URL.Query() {
		in[name] = values[0]
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, badRequest("본문을 읽을 수 없습니다.")
	}
	if len(body) == 0 {
		return in, nil
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, badRequest("본문을 읽을 수 없습니다.")
		}
		for name, values := range form {
			in[name] = values[0]
		}
		return in, nil
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	if err := decoder.Decode(&in); err != nil {
		return nil, badRequest("JSON이 아닙니다.")
	}
	return in, nil
}

func (s *Server) handle(h func(*http.Request, input) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in, err := read(r)
		var response any
		if err == nil {
			response, err = h(r, in)
		}
		var known *refusal
		if err != nil && !errors.As(err, &known) {
			s.config.Logger.ErrorContext(r.Context(), "iamport sandbox failed", "path", r.URL.Path, "error", err)
			err = &refusal{http.StatusInternalServerError, -1, "서버 오류입니다."}
		}
		answer(w, response, err)
	}
}

func answer(w http.ResponseWriter, response any, err error) {
	status, body := http.StatusOK, map[string]any{"code": 0, "message": nil, "response": response}
	var known *refusal
	if errors.As(err, &known) {
		status, body = known.status, map[string]any{"code": known.code, "message": known.message, "response": nil}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone when this fails
}

// Token lives.
const (
	tokenLife     = 30 * time.Minute
	lastMinute    = time.Minute
	tokenExtended = 5 * time.Minute
)

// getToken gives the token that is valid, extended in its last minute, or a new
// one.
func (s *Server) getToken(r *http.Request, in input) (any, error) {
	same := func(a, b string) bool { return b != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	if !same(in.text("imp_key"), s.config.Key) || !same(in.text("imp_secret"), s.config.Secret) {
		return nil, &refusal{http.StatusUnauthorized, -1, "imp_key, imp_secret이 올바르지 않습니다."}
	}
	now := time.Now()
	var token string
	var expires time.Time
	err := s.pool.QueryRow(r.Context(), `
		INSERT INTO sandbox_iamport.token AS t (token, expires_at) VALUES ($1, $2)
		ON CONFLICT (one) DO UPDATE SET
		    token = CASE WHEN t.expires_at > $3 THEN t.token ELSE excluded.token END,
		    expires_at = CASE WHEN t.expires_at <= $3 THEN excluded.expires_at
		                      WHEN t.expires_at <= $4 THEN t.expires_at + $5 ELSE t.expires_at END
		RETURNING token, expires_at`, strings.ToLower(rand.Text()), now.Add(tokenLife), now, now.Add(lastMinute), tokenExtended).Scan(&token, &expires)
	if err != nil {
		return nil, fmt.Errorf("give token: %w", err)
	}
	return map[string]any{"access_token": token, "now": now.Unix(), "expired_at": expires.Unix()}, nil
}

func (s *Server) admit(h func(*http.Request, input) (any, error)) func(*http.Request, input) (any, error) {
	return func(r *http.Request, in input) (any, error) {
		shown := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		var valid bool
		err := s.pool.QueryRow(r.Context(), "SELECT EXISTS (SELECT FROM sandbox_iamport.token WHERE token = $1 AND expires_at > now())", shown).Scan(&valid)
		if err != nil {
			return nil, fmt.Errorf("check token: %w", err)
		}
		if !valid {
			return nil, &refusal{http.StatusUnauthorized, -1, "Unauthorized"}
		}
		return h(r, in)
	}
}

// inTx runs do in one transaction.
func (s *Server) inTx(ctx context.Context, do func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, do)
}
