package telemetry

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/trace"
)

// NewLogger writes lines of text, which name the trace they belong to.
func NewLogger(to io.Writer, level slog.Level) *slog.Logger {
	return slog.New(logHandler{lines: slog.NewTextHandler(to, &slog.HandlerOptions{Level: level, ReplaceAttr: oneName})})
}

// oneName calls a trace the same whoever logs: Temporal's library has its own
// words.
func oneName(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case "TraceID":
		a.Key = "trace_id"
	case "SpanID":
		a.Key = "span_id"
	}
	return a
}

// Logger is a logger of NewLogger that also exports what it writes, when the
// environment asks for it.
func (t *Telemetry) Logger(log *slog.Logger) *slog.Logger {
	h, ok := log.Handler().(logHandler)
	if !ok || t.logs == nil {
		return log
	}
	h.export = otelslog.NewHandler("byeolshow", otelslog.WithLoggerProvider(t.logs))
	return slog.New(h)
}

// logHandler adds to each line the trace it belongs to.
type logHandler struct{ lines, export slog.Handler }

// Enabled implements slog.Handler.
func (h logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.lines.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h logHandler) Handle(ctx context.Context, record slog.Record) error {
	if h.export != nil {
		if err := h.export.Handle(ctx, record.Clone()); err != nil {
			return err
		}
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		record.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.lines.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.each(func(inner slog.Handler) slog.Handler { return inner.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (h logHandler) WithGroup(name string) slog.Handler {
	return h.each(func(inner slog.Handler) slog.Handler { return inner.WithGroup(name) })
}

func (h logHandler) each(change func(slog.Handler) slog.Handler) slog.Handler {
	h.lines = change(h.lines)
	if h.export != nil {
		h.export = change(h.export)
	}
	return h
}
