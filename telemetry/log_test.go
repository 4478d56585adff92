package telemetry

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
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
	logger := seen.Logger(NewLogger(&lines, slog.LevelInfo)).With("order_id", "O1")
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	}))
	logger.InfoContext(ctx, "paid")
	logger.DebugContext(ctx, "too much")
	logger.With("TraceID", "7").Info("elsewhere", "error", errors.New("no phone 01012345678"))
	require.Contains(t, lines.String(), `msg=paid order_id=O1 trace_id=01000000000000000000000000000000 span_id=0200000000000000`)
	require.Contains(t, lines.String(), `msg=elsewhere order_id=O1 trace_id=7 error="no phone …"`)
	require.NotContains(t, lines.String(), "too much")
	require.Len(t, export.records, 2)
	require.Equal(t, trace.TraceID{1}, export.records[0].TraceID())
	require.Equal(t, 1, export.records[0].AttributesLen())
	export.records[1].WalkAttributes(func(a attribute.KeyValue) bool {
		require.NotContains(t, a.Value.AsString(), "010", a.Key)
		return true
	})
}

func TestLinesAloneByDefault(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	log := NewLogger(&lines, slog.LevelInfo)
	require.Same(t, log, (&Telemetry{}).Logger(log))
	log.Info("plain")
	require.Contains(t, lines.String(), "level=INFO msg=plain\n")
}
