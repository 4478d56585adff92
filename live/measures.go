package live

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// measures are what this process tells of its part of the rooms.
type measures struct {
	connections, people metric.Int64UpDownCounter
	messages, closed    metric.Int64Counter
}

func newMeasures() (measures, error) {
	meter := otel.Meter("byeolshow")
	connections, err1 := meter.Int64UpDownCounter("byeolshow.chat.connections", metric.WithDescription("Open chat connections"))
	people, err2 := meter.Int64UpDownCounter("byeolshow.chat.people", metric.WithDescription("Chat connections that have entered their room"))
	messages, err3 := meter.Int64Counter("byeolshow.chat.messages", metric.WithDescription("Messages said in the chat"))
	closed, err4 := meter.Int64Counter("byeolshow.chat.closed", metric.WithDescription("Chat connections that the server closed, by reason"))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return measures{}, fmt.Errorf("measure the chat: %w", err)
	}
	return measures{connections, people, messages, closed}, nil
}

// close counts a connection closed for a reason, which is one of few.
func (m measures) close(reason string) {
	m.closed.Add(context.Background(), 1, metric.WithAttributes(attribute.String("reason", strings.ReplaceAll(reason, " ", "-"))))
}
