package telemetry

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
)

// unsaid are attributes that the libraries set and that may tell who somebody
// is, or hold what was typed into an address.
var unsaid = []attribute.Key{
	semconv.ClientAddressKey, semconv.NetworkPeerAddressKey, semconv.NetworkPeerPortKey, semconv.UserAgentOriginalKey,
	semconv.URLFullKey, semconv.URLPathKey, semconv.URLQueryKey, semconv.URLFragmentKey,
}

// discreet exports spans without what is to stay unsaid.
type discreet struct{ trace.SpanExporter }

// ExportSpans implements trace.SpanExporter.
func (d discreet) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	told := make([]trace.ReadOnlySpan, len(spans))
	for i, span := range spans {
		told[i] = discreetSpan{span}
	}
	return d.SpanExporter.ExportSpans(ctx, told)
}

type discreetSpan struct{ trace.ReadOnlySpan }

// Attributes implements trace.ReadOnlySpan.
func (s discreetSpan) Attributes() []attribute.KeyValue {
	return slices.DeleteFunc(slices.Clone(s.ReadOnlySpan.Attributes()), func(a attribute.KeyValue) bool {
		return slices.Contains(unsaid, a.Key)
	})
}
