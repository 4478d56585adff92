package telemetry

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestTemplateKnowsNoIDs(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/v1/customers/DEM222222AA2/cart/checkout/order":     "/v1/customers/{id}/cart/checkout/order",
		"/clayful/v1/orders/ABC/refunds/DEF/restock/all":     "/v1/orders/{id}/refunds/{id}/restock/all",
		"/payments/imp_123456789012":                         "/payments/{id}",
		"/payments/find/ABC":                                 "/payments/find/{id}",
		"/mux/video/v1/live-streams/x/complete":              "/video/v1/live-streams/{id}/complete",
		"/fcm/v1/projects/byeolshow-dev/messages:send":       "/v1/projects/{id}/messages:send",
		"/v1/customers/demo@byeolshow.example/meta/Live/inc": "/v1/customers/{id}/meta/{id}/inc",
		"/":         "/{id}",
		"/somebody": "/{id}",
	} {
		require.Equal(t, want, template(path), path)
	}
}

// TestEveryWordOfTheClientsIsKnown reads the paths in the clients' own code.
func TestEveryWordOfTheClientsIsKnown(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../clients/*/*.go")
	require.NoError(t, err)
	path := regexp.MustCompile(`^/[A-Za-z0-9/:-]+$`)
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			literal, ok := node.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			text, _, _ = strings.Cut(text, "?")
			if !path.MatchString(text) {
				return true
			}
			for segment := range strings.SplitSeq(strings.Trim(text, "/"), "/") {
				require.Contains(t, words, segment, "%s: %s", name, text)
				seen++
			}
			return true
		})
	}
	require.Greater(t, seen, 50)
}

// watched has spans and metrics kept in memory while a test runs.
func watched(t *testing.T) (*Telemetry, *tracetest.InMemoryExporter, metric.Reader) {
	t.Helper()
	spans, reader := tracetest.NewInMemoryExporter(), metric.NewManualReader()
	traces := trace.NewTracerProvider(trace.WithSyncer(discreet{spans}))
	otel.SetTracerProvider(traces)
	otel.SetMeterProvider(metric.NewMeterProvider(metric.WithReader(reader), metric.WithView(view)))
	return &Telemetry{traces: true, metrics: true}, spans, reader
}

func attributes(span tracetest.SpanStub) map[string]string {
	all := map[string]string{}
	for _, a := range span.Attributes {
		all[string(a.Key)] = a.Value.String()
	}
	return all
}

// TestOneRequestAndItsCall has a request call a vendor. Nothing that the caller
// typed is in what is told of them.
func TestOneRequestAndItsCall(t *testing.T) { //nolint:paralleltest // the providers are global
	seen, spans, reader := watched(t)
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Traceparent") != "" || r.URL.RawQuery != "phone=01012345678" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	defer vendor.Close()
	client := &http.Client{Transport: seen.Upstream("clayful")(http.DefaultTransport)}
	router := chi.NewRouter()
	router.Use(seen.Requests())
	router.Get("/order/{order_id}", func(w http.ResponseWriter, r *http.Request) {
		call, err := http.NewRequestWithContext(r.Context(), http.MethodGet, vendor.URL+"/v1/orders/SECRET?phone=01012345678", nil)
		if err != nil {
			panic(err)
		}
		answer, err := client.Do(call)
		if err != nil {
			panic(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		w.WriteHeader(http.StatusBadGateway)
	})
	router.Get("/healthz", func(http.ResponseWriter, *http.Request) {})
	front := httptest.NewServer(router)
	defer front.Close()
	for _, path := range []string{"/order/SECRET?token=SECRET", "/nowhere/SECRET", "/healthz"} {
		request, err := http.NewRequest(http.MethodGet, front.URL+path, nil)
		require.NoError(t, err)
		request.Header.Set("User-Agent", "SECRET")
		request.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		_ = answer.Body.Close()
	}
	got := spans.GetSpans()
	require.Len(t, got, 3)
	call, request, nowhere := got[0], got[1], got[2]
	require.Equal(t, "clayful GET /v1/orders/{id}", call.Name)
	require.Equal(t, "GET /order/{order_id}", request.Name)
	require.Equal(t, "GET", nowhere.Name)
	require.Equal(t, request.SpanContext.SpanID(), call.Parent.SpanID())
	require.NotEqual(t, "0af7651916cd43dd8448eb211c80319c", request.SpanContext.TraceID().String(), "strangers start no trace of ours")
	require.Equal(t, "502", attributes(request)["http.response.status_code"])
	require.Equal(t, "404", attributes(call)["http.response.status_code"])
	for _, span := range got {
		for key, value := range attributes(span) {
			require.NotContains(t, value, "SECRET", "%s %s", span.Name, key)
			require.NotContains(t, value, "010123", "%s %s", span.Name, key)
			require.NotEqual(t, "client.address", key)
		}
	}
	require.Equal(t, []string{
		"http.client.request.duration http.request.method=GET http.response.status_code=404 http.route=/v1/orders/{id} vendor=clayful",
		"http.server.request.duration http.request.method=GET http.response.status_code=404 http.route=",
		"http.server.request.duration http.request.method=GET http.response.status_code=502 http.route=/order/{order_id}",
	}, measured(t, reader))
}

// measured are the histograms there are, with their labels.
func measured(t *testing.T, reader metric.Reader) []string {
	t.Helper()
	var found metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(context.Background(), &found))
	lines := map[string]bool{}
	for _, scope := range found.ScopeMetrics {
		for _, m := range scope.Metrics {
			histogram, ok := m.Data.(metricdata.Histogram[float64])
			require.True(t, ok, m.Name)
			for _, point := range histogram.DataPoints {
				line := m.Name
				for _, a := range point.Attributes.ToSlice() {
					line += " " + string(a.Key) + "=" + a.Value.String()
				}
				lines[line] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(lines))
}

func TestErrorsAreDiscreet(t *testing.T) {
	t.Parallel()
	kept := tracetest.NewInMemoryExporter()
	_, span := trace.NewTracerProvider(trace.WithSyncer(discreet{kept})).Tracer("test").Start(t.Context(), "refund")
	err := errors.New("account 110-123-456789 is closed")
	span.RecordError(err)
	span.SetStatus(codes.Error, err.Error())
	span.End()
	got := kept.GetSpans()[0]
	require.Equal(t, "account … is closed", got.Status.Description)
	require.Contains(t, got.Events[0].Attributes, attribute.String("exception.message", "account … is closed"))
}

func TestOffWrapsNothing(t *testing.T) {
	for _, variable := range []string{"OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		t.Setenv(variable, "")
	}
	seen, err := Start(t.Context(), "test")
	require.NoError(t, err)
	require.Nil(t, seen.Requests())
	require.Nil(t, seen.Upstream("mux"))
	require.Empty(t, seen.stops)
	require.NoError(t, seen.Stop(t.Context()))
}

func TestWhatTheEnvironmentWants(t *testing.T) {
	for name, set := range map[string]struct {
		variables map[string]string
		traces    bool
		metrics   bool
	}{
		"nothing":          {map[string]string{}, false, false},
		"an address":       {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, true, true},
		"one address":      {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, true, false},
		"an exporter":      {map[string]string{"OTEL_METRICS_EXPORTER": "prometheus"}, false, true},
		"all but one":      {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"}, false, true},
		"all and then not": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{
				"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_METRICS_EXPORTER", "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED",
			} {
				t.Setenv(variable, set.variables[variable])
			}
			require.Equal(t, set.traces, wanted("TRACES"))
			require.Equal(t, set.metrics, wanted("METRICS"))
		})
	}
}

func TestASettingThatCannotBeFollowed(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "carrier pigeon")
	_, err := Start(t.Context(), "test")
	require.ErrorContains(t, err, "export traces")
}
