package telemetry

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/trace"
)

// kept remembers what is exported.
type kept struct{ records []sdklog.Record }

func (k *kept) OnEmit(_ context.Context, r *sdklog.Record) error {
	k.records = append(k.records, r.Clone())
	return nil
}
func (*kept) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (*kept) Shutdown(context.Context) error                         { return nil }
func (*kept) ForceFlush(context.Context) error                       { return nil }

func TestLinesNameTheirTrace(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	export := &kept{}
	seen := &Telemetry{logs: sdklog.NewLoggerProvider(sdklog.WithProcessor(export))}
	log := seen.Logger(NewLogger(&lines, slog.LevelInfo)).With("order_id", "O1")
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	}))
	log.InfoContext(ctx, "paid")
	log.DebugContext(ctx, "too much")
	log.Info("elsewhere", "TraceID", "7")
	require.Contains(t, lines.String(), `msg=paid order_id=O1 trace_id=01000000000000000000000000000000 span_id=0200000000000000`)
	require.Contains(t, lines.String(), `msg=elsewhere order_id=O1 trace_id=7`)
	require.NotContains(t, lines.String(), "too much")
	require.Len(t, export.records, 2)
	require.Equal(t, trace.TraceID{1}, export.records[0].TraceID())
	require.Equal(t, 1, export.records[0].AttributesLen())
}

func TestLinesAloneByDefault(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	log := NewLogger(&lines, slog.LevelInfo)
	require.Same(t, log, (&Telemetry{}).Logger(log))
	log.Info("plain")
	require.Contains(t, lines.String(), "level=INFO msg=plain\n")
}
