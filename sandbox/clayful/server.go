// Package clayful is the Clayful shop made local: it speaks the vendor's REST
// API and keeps every document in Postgres.
package clayful

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byeolshow/byeolshow/sandbox/schema"
	"github.com/byeolshow/byeolshow/sandbox/webhook"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config is how this shop behaves.
type Config struct {
	BackendToken    string            // may do everything
	StorefrontToken string            // may do what a browser may; "" admits none
	TokenSecret     []byte            // signs customer tokens
	TokenLifetime   time.Duration     // of customer tokens; 0 is 7 days
	ResetURL        string            // the mailed link, before ?customer=&secret=
	ImageURL        string            // where images are served, before /stores/…
	BuyersReview    bool              // only who has bought a product may review it
	Iamport         IamportConfig     // where payments are looked up; none when empty
	Social          map[string]string // API addresses of kakao, naver and facebook; their own when empty
	Webhooks        []Webhook
	Sender          *webhook.Sender // delivers them
	Demo            bool
	Logger          *slog.Logger
}

// Server is the shop.
type Server struct {
	config Config
	pool   *pgxpool.Pool
}

// New prepares the tables, with demo data on the first start if asked to.
func New(ctx context.Context, pool *pgxpool.Pool, config Config) (*Server, error) {
	if config.TokenLifetime == 0 {
		config.TokenLifetime = 7 * 24 * time.Hour
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := schema.Migrate(ctx, pool, "sandbox_clayful", files); err != nil {
		return nil, err
	}
	s := &Server{config: config, pool: pool}
	if config.Demo {
		var any bool
		if err := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM sandbox_clayful.document)").Scan(&any); err != nil {
			return nil, fmt.Errorf("look for documents: %w", err)
		}
		if !any {
			return s, s.Reset(ctx)
		}
	}
	return s, nil
}

// access is which client tokens a route takes, and whether a customer's too.
type access int

const (
	public    access = iota // storefront or backend
	backend                 // backend only
	meOnly                  // public, with a registered customer
	anonymous               // public, without a customer
)

// call is a request that was let in.
type call struct {
	*http.Request

	customer string // who the customer token is of, on /me
	backend  bool
}

type route struct {
	method, path string
	access       access
	handler      func(call) (any, error)
}

// Routes is the API, below /v1.
func (s *Server) Routes() chi.Router {
	r := chi.NewRouter()
	r.Use(s.cors)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) { refuse(w, r, &apiError{status: http.StatusNotFound}) })
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) { refuse(w, r, &apiError{status: http.StatusNotFound}) })
	routes := []route{
		{"POST", "/customers/auth", public, s.authenticate},
		{"GET", "/customers/auth", public, s.isAuthenticated},
		{"POST", "/customers/auth/{vendor}", public, s.authenticateSocial},
		{"GET", "/customers", backend, s.list("customers")},
		{"GET", "/customers/count", backend, s.count("customers")},
		{"POST", "/customers", backend, s.createCustomer},
		{"GET", "/customers/{id}", backend, s.get("customers")},
		{"PUT", "/customers/{id}", backend, s.updateCustomer},
		{"DELETE", "/customers/{id}", backend, s.deleteCustomer},
		{"PUT", "/customers/{id}/credentials", backend, s.updateCredentials},
		{"PUT", "/customers/{id}/password", public, s.resetPassword},
		{"POST", "/customers/verifications/emails", public, s.mailVerification},
		{"POST", "/customers/verifications", backend, s.createVerification},
		{"GET", "/me", meOnly, s.getMe},
		{"POST", "/me", anonymous, s.createCustomer},
		{"PUT", "/me", meOnly, s.updateCustomer},
		{"DELETE", "/me", meOnly, s.deleteCustomer},
		{"PUT", "/me/credentials", meOnly, s.updateCredentials},
	}
	for _, more := range [][]route{
		s.shelfRoutes(), s.productRoutes(), s.couponRoutes(), s.wishlistRoutes(), s.cartRoutes(), s.checkoutRoutes(), s.orderRoutes(),
		s.imageRoutes(), s.reviewRoutes(), s.commentRoutes(),
	} {
		routes = append(routes, more...)
	}
	for _, model := range []string{
		"customers", "products", "collections", "groups", "vendors", "wishlists", "catalogs", "brands", "coupons", "orders", "reviews",
		"reviewComments",
	} {
		base := "/" + cmp.Or(metaPaths[model], model) + "/{id}/meta/{field}"
		routes = append(routes,
			route{"POST", base + "/push", backend, s.metaChange(model, pushed)},
			route{"POST", base + "/pull", backend, s.metaChange(model, pulled)},
			route{"POST", base + "/inc", backend, s.metaChange(model, increased)},
			route{"DELETE", base, backend, s.metaChange(model, removed)})
	}
	r.Get("/stores/{store}/images/{image}/{version}/{name}", s.serveImage)
	r.Route("/v1", func(r chi.Router) {
		for _, route := range routes {
			r.Method(route.method, route.path, s.serve(route))
		}
	})
	return r
}

// metaPaths are where models are kept that are not named by their path.
var metaPaths = map[string]string{"reviews": "products/reviews", "reviewComments": "products/reviews/comments"}

func (s *Server) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		if origin := r.Header.Get("Origin"); origin != "" {
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Allow-Credentials", "true")
			header.Set("Access-Control-Expose-Headers", "WWW-Authenticate,Server-Authorization,content-currency,content-time-zone,clayful-product-censored")
		}
		if r.Method == http.MethodOptions {
			header.Set("Access-Control-Allow-Methods", "GET,POST,PUT,DELETE")
			header.Set("Access-Control-Allow-Headers", "Accept,Authorization,Content-Type,If-None-Match,accept-language,accept-currency,accept-time-zone,accept-debug-language,authorization-customer,recaptcha-response,clayful-sdk")
			header.Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) serve(route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(4 << 20)
		if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
			limit = maxMultipart
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		result, err := s.admit(route, r)
		if err != nil {
			var refusal *apiError
			if !errors.As(err, &refusal) {
				s.config.Logger.ErrorContext(r.Context(), "clayful sandbox failed", "route", route.path, "error", err)
				refusal = &apiError{status: http.StatusInternalServerError}
			}
			refuse(w, r, refusal)
			return
		}
		header := w.Header()
		header.Set("Content-Language", headerOr(r, "Accept-Language", "ko"))
		header.Set("Content-Currency", headerOr(r, "Accept-Currency", "KRW"))
		header.Set("Content-Time-Zone", headerOr(r, "Accept-Time-Zone", "Asia/Seoul"))
		_, isNew := result.(created)
		switch {
		case route.method == http.MethodDelete && result == nil:
			w.WriteHeader(http.StatusNoContent)
		case isNew:
			answer(w, http.StatusCreated, result)
		default:
			answer(w, http.StatusOK, result)
		}
	})
}

func (s *Server) admit(route route, r *http.Request) (any, error) {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	isBackend := bearer && same(token, s.config.BackendToken)
	known := isBackend || bearer && same(token, s.config.StorefrontToken)
	if !known {
		return nil, errUnauthorized
	}
	if route.access == backend && !isBackend {
		return nil, &apiError{status: http.StatusForbidden, code: "forbidden"}
	}
	c := call{Request: r, backend: isBackend}
	if shown := r.Header.Get("Authorization-Customer"); route.access == meOnly || route.access == anonymous && shown != "" {
		customer, err := s.whose(r.Context(), shown)
		if err != nil {
			return nil, err
		}
		if route.access == anonymous {
			return nil, errUnauthorized
		}
		c.customer = customer
	}
	return route.handler(c)
}

func same(a, b string) bool {
	return b != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

type customerClaims struct {
	jwt.RegisteredClaims

	ID   string `json:"id"`
	Role string `json:"role"`
}

func (s *Server) customerToken(customer string) (string, error) {
	now := time.Now()
	return jwt.NewWithClaims(jwt.SigningMethodHS256, customerClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject: customer, IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(s.config.TokenLifetime)),
		},
		ID: newID(), Role: "customer",
	}).SignedString(s.config.TokenSecret)
}

// whose is the customer a token was issued to, if they still are one.
func (s *Server) whose(ctx context.Context, token string) (string, error) {
	var claims customerClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return s.config.TokenSecret, nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	if err != nil || claims.Role != "customer" {
		return "", errUnauthorized
	}
	if _, err := s.load(ctx, "customers", claims.Subject); err != nil {
		var refusal *apiError
		if errors.As(err, &refusal) {
			return "", errUnauthorized
		}
		return "", err
	}
	return claims.Subject, nil
}

func headerOr(r *http.Request, name, otherwise string) string {
	if value := r.Header.Get(name); value != "" {
		return value
	}
	return otherwise
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone when this fails
}

// newID makes an id as Clayful does: 12 characters without look-alikes.
func newID() string {
	const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	id := make([]byte, 12)
	_, _ = rand.Read(id) // never fails
	for i := range id {
		id[i] = letters[int(id[i])%len(letters)]
	}
	return string(id)
}
