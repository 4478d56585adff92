package telemetry

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
)

// probes are routes that machines ask all day.
var probes = []string{"/ping", "/healthz", "/readyz"}

// Requests is middleware of a chi router that traces and measures requests by
// their routes, nil when nobody wants to know. A caller's own trace is linked,
// not continued: strangers decide nothing about ours.
func (t *Telemetry) Requests() func(http.Handler) http.Handler {
	if !t.traces && !t.metrics {
		return nil
	}
	observe := otelhttp.NewMiddleware("",
		otelhttp.WithPublicEndpointFn(func(*http.Request) bool { return true }),
		otelhttp.WithFilter(func(r *http.Request) bool { return !slices.Contains(probes, strings.TrimSuffix(r.URL.Path, "/")) }),
		otelhttp.WithSpanNameFormatter(requestName))
	return func(next http.Handler) http.Handler {
		return observe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			route := semconv.HTTPRoute(chi.RouteContext(r.Context()).RoutePattern())
			span := trace.SpanFromContext(r.Context())
			span.SetName(requestName("", r))
			span.SetAttributes(route)
			labels, _ := otelhttp.LabelerFromContext(r.Context())
			labels.Add(route)
		}))
	}
}

// requestName is a request's method and its route, once that is known.
func requestName(_ string, r *http.Request) string {
	return strings.TrimSpace(r.Method + " " + chi.RouteContext(r.Context()).RoutePattern())
}

// Upstream wraps the transport of a vendor's client, so that its calls are
// traced and measured by their routes; nil when nobody wants to know. The
// vendor itself is told nothing of the trace.
func (t *Telemetry) Upstream(name string) func(http.RoundTripper) http.RoundTripper {
	if !t.traces && !t.metrics {
		return nil
	}
	labels := func(r *http.Request) []attribute.KeyValue {
		return []attribute.KeyValue{vendor.String(name), semconv.HTTPRoute(template(r.URL.Path))}
	}
	return func(next http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(next,
			otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()),
			otelhttp.WithSpanOptions(trace.WithAttributes(vendor.String(name))),
			otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
				return name + " " + r.Method + " " + template(r.URL.Path)
			}),
			otelhttp.WithMetricAttributesFn(labels)) //nolint:staticcheck // a Labeler needs a context of its own for each call
	}
}

// words are all words in the vendors' paths. What is none of them is an id.
var words = strings.Fields(`v1 me all customers auth meta cart items checkout order orders cancellation received done
	transactions refunds restock coupons wishlists products reviews published collections catalogs brands vendors shipping policies inc pull push
	users getToken payments find findAll prepare cancel
	video live-streams assets complete reset-stream-key
	projects messages:send token
	dialog oauth nid authorize v2 user logout credentials verifications emails password images`)

// template is a path without the ids in it, and without what stands before its
// first word, which is where the vendor is.
func template(path string) string {
	known := func(segment string) bool { return slices.Contains(words, segment) }
	segments := strings.Split(strings.Trim(path, "/"), "/")
	segments = segments[max(0, slices.IndexFunc(segments, known)):]
	for i, segment := range segments {
		if !known(segment) {
			segments[i] = "{id}"
		}
	}
	return "/" + strings.Join(segments, "/")
}
