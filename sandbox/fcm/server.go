// Package fcm is Firebase Cloud Messaging made local: it takes messages as the
// real one does, and keeps them instead of ringing phones.
package fcm

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byeolshow/byeolshow/sandbox/schema"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config is how this FCM behaves.
type Config struct {
	PublicKey *rsa.PublicKey // of the service account; nil refuses everybody
	Logger    *slog.Logger
}

// Server is FCM and the token service before it.
type Server struct {
	config Config
	pool   *pgxpool.Pool

	mu     sync.Mutex
	tokens map[string]time.Time
}

const tokenLifetime = time.Hour

// New prepares the tables.
func New(ctx context.Context, pool *pgxpool.Pool, config Config) (*Server, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := schema.Migrate(ctx, pool, "sandbox_fcm", files); err != nil {
		return nil, err
	}
	return &Server{config: config, pool: pool, tokens: map[string]time.Time{}}, nil
}

// Routes are the token service and the sending of messages.
func (s *Server) Routes() chi.Router {
	r := chi.NewRouter()
	r.Post("/token", s.token)
	r.Post("/v1/projects/{project}/messages:send", s.send)
	return r
}

// token grants an access token for an assertion signed by the service account.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		answer(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type"})
		return
	}
	_, err := jwt.Parse(r.PostFormValue("assertion"), func(*jwt.Token) (any, error) {
		if s.config.PublicKey == nil {
			return nil, errors.New("no service account")
		}
		return s.config.PublicKey, nil
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired())
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
		return
	}
	token := rand.Text()
	s.mu.Lock()
	s.tokens[token] = time.Now().Add(tokenLifetime)
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(tokenLifetime.Seconds()),
	})
}

type message struct {
	Message struct {
		Token        string            `json:"token"`
		Topic        string            `json:"topic,omitempty"`
		Condition    string            `json:"condition,omitempty"`
		Notification json.RawMessage   `json:"notification,omitempty"`
		Data         map[string]string `json:"data,omitempty"`
		Android      json.RawMessage   `json:"android,omitempty"`
		APNS         json.RawMessage   `json:"apns,omitempty"`
		Webpush      json.RawMessage   `json:"webpush,omitempty"`
		FCMOptions   json.RawMessage   `json:"fcm_options,omitempty"`
	} `json:"message"`
	ValidateOnly bool `json:"validate_only,omitempty"`
}

func (s *Server) send(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	until := s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	s.mu.Unlock()
	if time.Now().After(until) {
		refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", "Request had invalid authentication credentials.")
		return
	}
	var m message
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil || m.Message.Token == "" {
		refuse(w, http.StatusBadRequest, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "The message is not valid.")
		return
	}
	if strings.HasPrefix(m.Message.Token, "dead-") {
		refuse(w, http.StatusNotFound, "NOT_FOUND", "UNREGISTERED", "Requested entity was not found.")
		return
	}
	var id int64
	err := s.pool.QueryRow(r.Context(), "INSERT INTO sandbox_fcm.message (body) VALUES ($1) RETURNING id", m.Message).Scan(&id)
	if err != nil {
		s.config.Logger.ErrorContext(r.Context(), "fcm sandbox failed", "error", err)
		refuse(w, http.StatusInternalServerError, "INTERNAL", "INTERNAL", "Internal error.")
		return
	}
	answer(w, http.StatusOK, map[string]string{"name": fmt.Sprintf("projects/%s/messages/%d", chi.URLParam(r, "project"), id)})
}

func refuse(w http.ResponseWriter, status int, name, code, text string) {
	answer(w, status, map[string]any{"error": map[string]any{
		"code": status, "status": name, "message": text,
		"details": []map[string]string{{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}},
	}})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone when this fails
}

// Messages are those sent to devices whose token begins with prefix, newest
// first, whole.
func (s *Server) Messages(ctx context.Context, prefix string) ([]json.RawMessage, error) {
	var list []json.RawMessage
	err := s.pool.QueryRow(ctx, `
		SELECT coalesce(jsonb_agg(body || jsonb_build_object('sent_at', sent_at) ORDER BY id DESC), '[]')
		FROM sandbox_fcm.message WHERE starts_with(body->>'token', $1)`, prefix).Scan(&list)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	return list, nil
}

// Reset forgets all messages.
func (s *Server) Reset(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, "TRUNCATE sandbox_fcm.message")
	return err
}
