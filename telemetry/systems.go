package telemetry

import (
	"fmt"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// Temporal has a client, and the workers made of it, trace and measure. Baggage
// does not travel.
func (t *Telemetry) Temporal(options *client.Options) error {
	if t.traces {
		tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{DisableBaggage: true, AllowInvalidParentSpans: true})
		if err != nil {
			return fmt.Errorf("trace Temporal: %w", err)
		}
		options.Interceptors = append(options.Interceptors, interceptor.ClientInterceptor(tracing))
	}
	if t.metrics {
		options.MetricsHandler = opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{UseMonotonicCounters: true, OnError: func(error) {}})
	}
	return nil
}

// Pool measures how much of a pool is in use.
func (t *Telemetry) Pool(pool *pgxpool.Pool) error {
	if !t.metrics {
		return nil
	}
	if err := otelpgx.RecordStats(pool); err != nil {
		return fmt.Errorf("measure the pool: %w", err)
	}
	return nil
}

// SQL has the connections of a pool to be opened trace and measure their
// statements, without their parameters.
func (t *Telemetry) SQL(config *pgxpool.Config) {
	if t.traces || t.metrics {
		config.ConnConfig.Tracer = otelpgx.NewTracer(otelpgx.WithDisableConnectionDetailsInAttributes(), otelpgx.WithDisableAcquireTracer())
	}
}
