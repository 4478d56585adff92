// Package telemetry shows from outside what byeolshow does: traces, metrics and
// logs by OpenTelemetry, as its standard OTEL_* variables say. Without them
// nothing is wrapped and nothing is measured.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
)

// Telemetry is what a process shows of itself.
type Telemetry struct {
	traces, metrics bool
	logs            *sdklog.LoggerProvider // nil: only standard error gets them
	stops           []func(context.Context) error
}

// wanted tells whether the environment asks for a signal: TRACES, METRICS or
// LOGS. Unlike the specification's default, an exporter has to be named, or an
// address to send to.
func wanted(signal string) bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	if exporter := os.Getenv("OTEL_" + signal + "_EXPORTER"); exporter != "" {
		return exporter != "none"
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") != ""
}

// Start sets up what the environment asks for. The service is called name
// unless OTEL_SERVICE_NAME says otherwise. The error is about a setting that
// cannot be followed.
func Start(ctx context.Context, name string) (*Telemetry, error) {
	t := &Telemetry{traces: wanted("TRACES"), metrics: wanted("METRICS")}
	who, err := resource.New(ctx, resource.WithAttributes(semconv.ServiceName(name), semconv.ServiceInstanceID(uuid.NewString())), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("name the service: %w", err)
	}
	if t.traces {
		exporter, err := autoexport.NewSpanExporter(ctx)
		if err != nil {
			return nil, fmt.Errorf("export traces: %w", err)
		}
		provider := trace.NewTracerProvider(trace.WithBatcher(discreet{exporter}), trace.WithResource(who))
		otel.SetTracerProvider(provider)
		// No baggage: what a stranger sends is not carried on.
		otel.SetTextMapPropagator(propagation.TraceContext{})
		t.stops = append(t.stops, provider.Shutdown)
	}
	if t.metrics {
		reader, err := autoexport.NewMetricReader(ctx)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("export metrics: %w", err), t.Stop(ctx))
		}
		provider := metric.NewMeterProvider(metric.WithReader(reader), metric.WithView(view), metric.WithResource(who))
		otel.SetMeterProvider(provider)
		t.stops = append(t.stops, provider.Shutdown)
	}
	if wanted("LOGS") {
		exporter, err := autoexport.NewLogExporter(ctx)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("export logs: %w", err), t.Stop(ctx))
		}
		t.logs = sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)), sdklog.WithResource(who))
		t.stops = append(t.stops, t.logs.Shutdown)
	}
	return t, nil
}

// Stop sends what is not sent yet. It takes no longer than five seconds.
func (t *Telemetry) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	var err error
	for _, stop := range t.stops {
		err = errors.Join(err, stop(ctx))
	}
	return err
}
