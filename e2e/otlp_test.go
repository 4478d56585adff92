package e2e

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	logs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	traces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector receives traces and logs as an OpenTelemetry collector does, OTLP
// over HTTP, and keeps them.
type collector struct {
	*httptest.Server

	mu    sync.Mutex
	raw   map[string][]byte // all that came, by path
	spans []*spans.Span
	logs  int
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{raw: map[string][]byte{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = c.take(r.URL.Path, body)
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) take(path string, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw[path] = append(c.raw[path], body...)
	switch path {
	case "/v1/traces":
		var request traces.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &request); err != nil {
			return err
		}
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
	case "/v1/logs":
		var request logs.ExportLogsServiceRequest
		if err := proto.Unmarshal(body, &request); err != nil {
			return err
		}
		for _, resource := range request.GetResourceLogs() {
			for _, scope := range resource.GetScopeLogs() {
				c.logs += len(scope.GetLogRecords())
			}
		}
	}
	return nil
}

func (c *collector) got(path string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte(nil), c.raw[path]...)
}

// traceOf is the newest trace that has a span of that name, as its spans.
func (c *collector) traceOf(name string) tree {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := ""
	for _, span := range c.spans {
		if span.GetName() == name {
			id = string(span.GetTraceId())
		}
	}
	t := tree{}
	for _, span := range c.spans {
		if string(span.GetTraceId()) == id {
			t[string(span.GetSpanId())] = span
		}
	}
	return t
}

// tree are the spans of one trace, by id.
type tree map[string]*spans.Span

// path is a span of that name, as the names from the first span down to it; nil
// when there is none.
func (t tree) path(name string) []string {
	for _, span := range t {
		if span.GetName() != name {
			continue
		}
		var names []string
		for ; span != nil; span = t[string(span.GetParentSpanId())] {
			names = append([]string{span.GetName()}, names...)
		}
		return names
	}
	return nil
}

// requirePath looks for a span that some others led to, in that order.
func (t tree) requirePath(tt *testing.T, names ...string) {
	tt.Helper()
	path := t.path(names[len(names)-1])
	require.NotNil(tt, path, "no span %s in %v", names[len(names)-1], t)
	rest := path
	for _, name := range names {
		i := 0
		for i < len(rest) && rest[i] != name {
			i++
		}
		require.Less(tt, i, len(rest), "%s does not lead through %s: %v", names[len(names)-1], name, path)
		rest = rest[i+1:]
	}
}

// String lists the paths of all spans.
func (t tree) String() string {
	text := ""
	for id, span := range t {
		text += "\n" + hex.EncodeToString([]byte(id)) + " below " + hex.EncodeToString(span.GetParentSpanId()) + " " + span.GetName()
	}
	return text
}
