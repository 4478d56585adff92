package telemetry

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
)

// vendor labels whom a call went to: clayful, iamport, mux, fcm, or social for
// Kakao, Naver and Facebook.
const vendor = attribute.Key("vendor")

// Buckets in seconds: of a call, and of what people wait for.
var (
	quick = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	slow  = []float64{.1, .25, .5, 1, 2, 5, 10, 30, 60, 300, 900, 1800}
)

// view decides how an instrument is aggregated. Requests and calls are labelled
// by nothing that a caller can make up.
func view(i metric.Instrument) (metric.Stream, bool) {
	stream := metric.Stream{Name: i.Name, Description: i.Description, Unit: i.Unit}
	switch {
	case strings.HasPrefix(i.Name, "http.") && strings.HasSuffix(i.Name, ".body.size"):
		stream.Aggregation = metric.AggregationDrop{}
	case i.Name == "http.server.request.duration", i.Name == "http.client.request.duration":
		stream.Aggregation = metric.AggregationExplicitBucketHistogram{Boundaries: quick}
		stream.AttributeFilter = attribute.NewAllowKeysFilter(
			vendor, semconv.HTTPRequestMethodKey, semconv.HTTPRouteKey, semconv.HTTPResponseStatusCodeKey, semconv.ErrorTypeKey)
	case i.Name == "broadcast_late":
		stream.Aggregation = metric.AggregationExplicitBucketHistogram{Boundaries: slow}
		stream.AttributeFilter = attribute.NewAllowKeysFilter()
	case i.Kind == metric.InstrumentKindHistogram && strings.HasPrefix(i.Name, "temporal_"):
		stream.Aggregation = metric.AggregationExplicitBucketHistogram{Boundaries: quick}
	default:
		return stream, false
	}
	return stream, true
}
