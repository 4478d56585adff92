// Package mux is Mux Video made local: live streams that encoders connect to,
// the recordings they leave, and the webhooks that tell of both.
package mux

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/byeolshow/byeolshow/sandbox/schema"
	"github.com/byeolshow/byeolshow/sandbox/webhook"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config is how this Mux behaves.
type Config struct {
	TokenID, TokenSecret string
	WebhookURL           string
	Sender               *webhook.Sender
	Encoder              EncoderConfig
	// ConnectDelay lies between an encoder's connection and the active stream.
	ConnectDelay time.Duration
	// LongestReconnect caps the streams' own reconnect windows, so that a show
	// ends sooner here than it would at Mux; 0 does not.
	LongestReconnect time.Duration
	// CutAfter is how long a completed stream's encoder stays connected.
	CutAfter time.Duration
	Demo     bool
	Logger   *slog.Logger
}

// Server is Mux.
type Server struct {
	config Config
	pool   *pgxpool.Pool
	posts  *rate.Limiter
	others *rate.Limiter
}

// Sustained rates of the Video API, calls a second, and the bursts above them.
const (
	postRate, postBurst   = 1, 60
	otherRate, otherBurst = 5, 100
)

// New prepares the tables, with demo data on the first start if asked to.
func New(ctx context.Context, pool *pgxpool.Pool, config Config) (*Server, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := schema.Migrate(ctx, pool, "sandbox_mux", files); err != nil {
		return nil, err
	}
	s := &Server{
		config: config, pool: pool,
		posts: rate.NewLimiter(postRate, postBurst), others: rate.NewLimiter(otherRate, otherBurst),
	}
	if config.Demo {
		var any bool
		if err := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM sandbox_mux.stream)").Scan(&any); err != nil {
			return nil, fmt.Errorf("look for streams: %w", err)
		}
		if !any {
			return s, s.Reset(ctx)
		}
	}
	return s, nil
}

// Run does what happens by itself, until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.config.Sender.Run(ctx) })
	group.Go(func() error { return s.live(ctx) })
	if s.config.Encoder.BroadcastsURL != "" {
		group.Go(func() error { return s.encode(ctx) })
	}
	return group.Wait()
}

// Routes is the Video API.
func (s *Server) Routes() chi.Router {
	r := chi.NewRouter()
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) { refuse(w, errNotFound) })
	r.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, &apiError{http.StatusMethodNotAllowed, "method_not_allowed", "Method not allowed"})
	})
	const stream, asset = "/video/v1/live-streams/{LIVE_STREAM_ID}", "/video/v1/assets/{ASSET_ID}"
	for _, route := range []struct {
		method, path string
		handler      func(*http.Request) (int, any, error)
	}{
		{"POST", "/video/v1/live-streams", s.createStream},
		{"GET", "/video/v1/live-streams", s.listStreams},
		{"GET", stream, s.getStream},
		{"PATCH", stream, s.patchStream},
		{"DELETE", stream, s.deleteStream},
		{"POST", stream + "/reset-stream-key", s.resetStreamKey},
		{"PUT", stream + "/complete", s.completeStream},
		{"PUT", stream + "/enable", s.enableStream},
		{"PUT", stream + "/disable", s.disableStream},
		{"POST", stream + "/playback-ids", s.createStreamPlaybackID},
		{"GET", stream + "/playback-ids/{PLAYBACK_ID}", s.getStreamPlaybackID},
		{"DELETE", stream + "/playback-ids/{PLAYBACK_ID}", s.deleteStreamPlaybackID},
		{"POST", stream + "/simulcast-targets", s.createSimulcastTarget},
		{"GET", stream + "/simulcast-targets/{TARGET_ID}", s.getSimulcastTarget},
		{"DELETE", stream + "/simulcast-targets/{TARGET_ID}", s.deleteSimulcastTarget},
		{"GET", "/video/v1/playback-ids/{PLAYBACK_ID}", s.getPlaybackID},
		{"POST", "/video/v1/assets", s.createAsset},
		{"GET", "/video/v1/assets", s.listAssets},
		{"GET", asset, s.getAsset},
		{"PATCH", asset, s.patchAsset},
		{"DELETE", asset, s.deleteAsset},
		{"POST", asset + "/playback-ids", s.createAssetPlaybackID},
		{"GET", asset + "/playback-ids/{PLAYBACK_ID}", s.getAssetPlaybackID},
		{"DELETE", asset + "/playback-ids/{PLAYBACK_ID}", s.deleteAssetPlaybackID},
	} {
		r.Method(route.method, route.path, s.serve(route.handler))
	}
	return r
}

type apiError struct {
	status  int
	kind    string
	message string
}

// Error implements error.
func (e *apiError) Error() string { return e.kind + ": " + e.message }

var errNotFound = &apiError{http.StatusNotFound, "not_found", "The requested resource either doesn't exist or you don't have access to it."}

func invalid(message string) error {
	return &apiError{http.StatusBadRequest, "invalid_parameters", message}
}

func refuse(w http.ResponseWriter, err *apiError) {
	answer(w, err.status, map[string]any{"error": map[string]any{"type": err.kind, "messages": []string{err.message}}})
}

func answer(w http.ResponseWriter, status int, body any) {
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone when this fails
}

// serve checks who calls and how often, and wraps what the handler returns.
func (s *Server) serve(handle func(*http.Request) (int, any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		known := subtle.ConstantTimeCompare([]byte(id+"\x00"+secret), []byte(s.config.TokenID+"\x00"+s.config.TokenSecret)) == 1
		if !known || s.config.TokenID == "" {
			refuse(w, &apiError{http.StatusUnauthorized, "unauthorized", "Unauthorized request"})
			return
		}
		limiter := s.others
		if r.Method == http.MethodPost {
			limiter = s.posts
		}
		allowed := limiter.Allow()
		w.Header().Set("X-RateLimit-Limit", strconv.Itoa(limiter.Burst()))
		w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(max(0, int(limiter.Tokens()))))
		if !allowed {
			refuse(w, &apiError{http.StatusTooManyRequests, "too_many_requests", "Too many requests"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		status, data, err := handle(r)
		if err == nil {
			answer(w, status, map[string]any{"data": data})
			return
		}
		refusal, ok := err.(*apiError) //nolint:errorlint // made here, never wrapped
		if !ok {
			s.config.Logger.ErrorContext(r.Context(), "mux sandbox failed", "error", err)
			refusal = &apiError{http.StatusInternalServerError, "internal_error", "Internal error"}
		}
		refuse(w, refusal)
	})
}

// newID makes an id as Mux does: long, of letters and digits.
func newID() string { return rand.Text() + rand.Text()[:18] }

// paging reads page and limit; limit is 10, at most 100.
func paging(r *http.Request) (limit, offset int, err error) {
	limit, page := 10, 1
	for name, into := range map[string]*int{"limit": &limit, "page": &page} {
		if text := r.URL.Query().Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return 0, 0, invalid(name + " must be a positive integer")
			}
			*into = n
		}
	}
	limit = min(limit, 100)
	return limit, (page - 1) * limit, nil
}

func decode(r *http.Request, into any) error {
	if r.ContentLength == 0 {
		return nil
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return invalid("Failed to parse JSON body: " + err.Error())
	}
	return nil
}
