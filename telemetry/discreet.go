package telemetry

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"

	"github.com/byeolshow/byeolshow/model"
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

// discreetSpan says of errors what a vendor said, without what may be a
// customer's.
type discreetSpan struct{ trace.ReadOnlySpan }

// Attributes implements trace.ReadOnlySpan.
func (s discreetSpan) Attributes() []attribute.KeyValue {
	return slices.DeleteFunc(slices.Clone(s.ReadOnlySpan.Attributes()), func(a attribute.KeyValue) bool {
		return slices.Contains(unsaid, a.Key)
	})
}

// Status implements trace.ReadOnlySpan.
func (s discreetSpan) Status() trace.Status {
	status := s.ReadOnlySpan.Status()
	status.Description = model.Discreet(status.Description)
	return status
}

// Events implements trace.ReadOnlySpan.
func (s discreetSpan) Events() []trace.Event {
	events := slices.Clone(s.ReadOnlySpan.Events())
	for i, event := range events {
		events[i].Attributes = slices.Clone(event.Attributes)
		for j, a := range event.Attributes {
			if a.Value.Type() == attribute.STRING {
				events[i].Attributes[j] = a.Key.String(model.Discreet(a.Value.AsString()))
			}
		}
	}
	return events
}
