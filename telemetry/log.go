package telemetry

import (
	"context"
	"io"
	"log/slog"
	"slices"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/trace"

	"github.com/byeolshow/byeolshow/model"
)

// NewLogger writes lines of text, which name the trace they belong to.
func NewLogger(to io.Writer, level slog.Level) *slog.Logger {
	return slog.New(logHandler{lines: slog.NewTextHandler(to, &slog.HandlerOptions{Level: level})})
}

// told is how an attribute is written: a trace is called the same whoever logs
// it, where Temporal's library has words of its own, and errors, which may hold
// a vendor's words, are discreet.
func told(a slog.Attr) slog.Attr {
	switch a.Key {
	case "TraceID":
		a.Key = "trace_id"
	case "SpanID":
		a.Key = "span_id"
	}
	if err, ok := a.Value.Any().(error); ok && err != nil {
		a.Value = slog.StringValue(model.Discreet(err.Error()))
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
	line := slog.NewRecord(record.Time, record.Level, record.Message, record.PC)
	record.Attrs(func(a slog.Attr) bool {
		line.AddAttrs(told(a))
		return true
	})
	if h.export != nil {
		if err := h.export.Handle(ctx, line.Clone()); err != nil {
			return err
		}
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		line.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.lines.Handle(ctx, line)
}

// WithAttrs implements slog.Handler.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	attrs = slices.Clone(attrs)
	for i, a := range attrs {
		attrs[i] = told(a)
	}
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
