package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/httprate"

	"github.com/byeolshow/byeolshow/health"
)

// Bounds of what is read of one request, in bytes.
const (
	maxBody  = 1 << 20
	maxFiles = 75 << 20 // where files are taken
)

func (a *api) routes() (http.Handler, error) {
	a.uploads = a.limitUploads()
	a.payments = httprate.NewRateLimiter(a.Limits.PaymentPerMinute, time.Minute)
	r := chi.NewRouter()
	if len(a.TrustedProxies) > 0 {
		for _, cidr := range a.TrustedProxies {
			if _, err := netip.ParsePrefix(cidr); err != nil {
				return nil, fmt.Errorf("trusted proxy: %w", err)
			}
		}
		r.Use(middleware.ClientIPFromXFF(a.TrustedProxies...))
	} else {
		r.Use(middleware.ClientIPFromRemoteAddr)
	}
	if a.Observe != nil {
		r.Use(a.Observe)
	}
	r.Use(middleware.RequestID, a.logRequests, a.recoverPanics, noStore, stripSlash, limitBody)
	r.NotFound(a.wrapped(func(http.ResponseWriter, *http.Request) error { return errNoRoute }))
	r.MethodNotAllowed(a.wrapped(func(w http.ResponseWriter, req *http.Request) error {
		methods := allowed(r, req)
		if len(methods) == 0 { // a method nobody knows, for a route there is not
			return errNoRoute
		}
		w.Header().Set("Allow", strings.Join(methods, ", "))
		return errNoMethod
	}))
	r.Get("/ping", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("pong"))
	})
	r.Get("/healthz", health.Alive)
	r.Get("/readyz", a.Checks.Ready)
	a.docsRoutes(r)
	a.authRoutes(r)
	a.socialRoutes(r)
	a.signUpRoutes(r)
	a.aliasRoutes(r)
	a.userRoutes(r)
	a.settingRoutes(r)
	a.withdrawalRoutes(r)
	a.forgetUserRoutes(r)
	a.resetRoutes(r)
	a.influencerRoutes(r)
	a.broadcastRoutes(r)
	a.mediaRoutes(r)
	a.alarmRoutes(r)
	a.deviceRoutes(r)
	a.followRoutes(r)
	a.likedVODRoutes(r)
	a.wishlistRoutes(r)
	a.couponRoutes(r)
	a.imageRoutes(r)
	a.reviewRoutes(r)
	a.productRoutes(r)
	a.catalogRoutes(r)
	a.cartRoutes(r)
	a.orderRoutes(r)
	a.paymentRoutes(r)
	a.refundRoutes(r)
	a.webhookRoutes(r)
	a.chatRoutes(r)
	a.playgroundRoutes(r)
	r.Post("/media/callback", a.wrapped(a.muxCallback))
	return r, nil
}

// Routes are all routes of the API, each as "GET /order/{order_id}".
func Routes() ([]string, error) {
	handler, err := (&api{}).routes()
	if err != nil {
		return nil, err
	}
	var all []string
	err = chi.Walk(handler.(chi.Routes), func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error { //nolint:errcheck // it is one
		all = append(all, method+" "+path)
		return nil
	})
	slices.Sort(all)
	return all, err
}

func allowed(routes chi.Routes, r *http.Request) []string {
	var methods []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if routes.Match(chi.NewRouteContext(), method, r.URL.Path) {
			methods = append(methods, method)
		}
	}
	slices.Sort(methods)
	return methods
}

// stripSlash serves every route with and without a final slash.
func stripSlash(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := r.URL.Path; len(path) > 1 && strings.HasSuffix(path, "/") {
			r.URL.Path = strings.TrimSuffix(path, "/")
			r.URL.RawPath = strings.TrimSuffix(r.URL.RawPath, "/")
		}
		next.ServeHTTP(w, r)
	})
}

func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxBody)
		if takesFiles(r) {
			limit = maxFiles
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

func takesFiles(r *http.Request) bool {
	path, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return isMultipart(r) && (path == "images" || path == "review")
}

// logRequests writes one line per request: no query and no header, for those
// may hold secrets.
func (a *api) logRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		answer := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(answer, r)
		a.Logger.DebugContext(r.Context(), "request",
			"method", r.Method, "route", chi.RouteContext(r.Context()).RoutePattern(), "status", answer.Status(),
			"ms", time.Since(began).Milliseconds(), "request_id", middleware.GetReqID(r.Context()))
	})
}

func (a *api) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(cause)
			}
			a.fail(w, r, fmt.Errorf("panic: %v", cause))
		}()
		next.ServeHTTP(w, r)
	})
}

// errTooLarge reports whether reading failed on the size of the body.
func errTooLarge(err error) bool {
	var tooLarge *http.MaxBytesError
	return errors.As(err, &tooLarge)
}
