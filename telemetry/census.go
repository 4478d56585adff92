package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/byeolshow/byeolshow/ops"
	"github.com/byeolshow/byeolshow/store"
)

// asOld is how old a census may be that is told again, however often somebody
// asks for the metrics.
const asOld = 10 * time.Second

// censusWait is how long a census may take.
const censusWait = 5 * time.Second

// Count measures what is under way, in one process at a time: whose turn it is
// counts, when its metrics are read.
func (t *Telemetry) Count(census ops.Census, turn *store.Turn, log *slog.Logger) error {
	if !t.metrics {
		return nil
	}
	meter := otel.Meter("byeolshow")
	orders, err := meter.Int64ObservableGauge("byeolshow.orders", metric.WithDescription("Orders and refunds under way, by stage"))
	if err != nil {
		return fmt.Errorf("measure orders: %w", err)
	}
	stuck, err := meter.Int64ObservableGauge("byeolshow.stuck", metric.WithDescription("Workflows that wait longer than they should, by reason"))
	if err != nil {
		return fmt.Errorf("measure what is stuck: %w", err)
	}
	overdue, err := meter.Int64ObservableGauge("byeolshow.broadcasts.overdue", metric.WithDescription("Broadcasts that are due and not live"))
	if err != nil {
		return fmt.Errorf("measure broadcasts: %w", err)
	}
	counter := &counter{census: census, turn: turn}
	_, err = meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		count, mine, err := counter.count(ctx)
		if err != nil {
			log.WarnContext(ctx, "what is under way was not counted", "error", err)
			return nil
		}
		if !mine {
			return nil
		}
		for stage, n := range count.Orders {
			o.ObserveInt64(orders, n, metric.WithAttributes(attribute.String("stage", stage)))
		}
		for reason, n := range count.Stuck {
			o.ObserveInt64(stuck, n, metric.WithAttributes(attribute.String("reason", reason)))
		}
		o.ObserveInt64(overdue, count.Overdue)
		return nil
	}, orders, stuck, overdue)
	if err != nil {
		return fmt.Errorf("measure what is under way: %w", err)
	}
	return nil
}

// counter remembers its last count for a while.
type counter struct {
	census ops.Census
	turn   *store.Turn

	mu   sync.Mutex
	at   time.Time
	last ops.Count
}

func (c *counter) count(ctx context.Context) (count ops.Count, mine bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, censusWait)
	defer cancel()
	if mine, err = c.turn.Mine(ctx); err != nil || !mine {
		return count, false, err
	}
	if time.Since(c.at) < asOld {
		return c.last, true, nil
	}
	if count, err = c.census.Take(ctx); err != nil {
		return count, false, err
	}
	c.last, c.at = count, time.Now()
	return count, true, nil
}
