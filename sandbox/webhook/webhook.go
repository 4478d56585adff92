// Package webhook delivers a vendor's webhooks: kept until delivered, signed
// anew for each attempt, repeated with growing pauses for a day.
package webhook

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byeolshow/byeolshow/sandbox/fault"
	"github.com/byeolshow/byeolshow/sandbox/schema"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Sender delivers the webhooks of one vendor.
type Sender struct {
	Pool   *pgxpool.Pool
	Vendor string
	// Sign sets the headers that prove where the webhook comes from.
	Sign   func(header http.Header, body []byte, now time.Time)
	Faults *fault.Book // under the vendor's name + "-webhook"
	Logger *slog.Logger
}

const (
	givenUpAfter = 24 * time.Hour
	every        = 50 * time.Millisecond
	atOnce       = 20
)

// Migrate prepares the tables.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return schema.Migrate(ctx, pool, "sandbox_webhook", files)
}

// Enqueue has a webhook delivered once the transaction is committed.
func (s *Sender) Enqueue(ctx context.Context, tx pgx.Tx, url string, body []byte) error {
	if url == "" {
		return nil
	}
	_, err := tx.Exec(ctx, "INSERT INTO sandbox_webhook.delivery (vendor, url, body) VALUES ($1, $2, $3)", s.Vendor, url, body)
	if err != nil {
		return fmt.Errorf("enqueue webhook: %w", err)
	}
	return nil
}

// Run delivers until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	client := &http.Client{Timeout: 10 * time.Second}
	for {
		if err := s.round(ctx, client); err != nil && ctx.Err() == nil {
			s.Logger.WarnContext(ctx, "webhook round failed", "vendor", s.Vendor, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

type delivery struct {
	ID        int64
	URL       string
	Body      []byte
	Attempts  int
	CreatedAt time.Time
}

// round tries what is due. A delivery is put off before it is tried, so that
// one whose attempt is interrupted is tried again.
func (s *Sender) round(ctx context.Context, client *http.Client) error {
	rows, err := s.Pool.Query(ctx, `
		UPDATE sandbox_webhook.delivery SET attempts = attempts + 1,
		    due_at = now() + least(interval '1 second' * power(2, attempts), interval '1 hour')
		WHERE id IN (SELECT id FROM sandbox_webhook.delivery WHERE vendor = $1 AND due_at <= now()
		             ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
		RETURNING id, url, body, attempts, created_at`, s.Vendor, atOnce)
	if err != nil {
		return fmt.Errorf("take deliveries: %w", err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[delivery])
	if err != nil {
		return fmt.Errorf("read deliveries: %w", err)
	}
	for _, d := range due {
		go func() {
			if err := s.deliver(ctx, client, d); err != nil && ctx.Err() == nil {
				s.Logger.InfoContext(ctx, "webhook not delivered yet", "vendor", s.Vendor, "attempt", d.Attempts, "error", err)
			}
		}()
	}
	return nil
}

func (s *Sender) deliver(ctx context.Context, client *http.Client, d delivery) error {
	bad := s.Faults.Take(s.Vendor+"-webhook", http.MethodPost, "")
	switch {
	case bad == nil:
	case bad.Mode == fault.Error: // lost
		return s.forget(ctx, d)
	case bad.Mode == fault.Delay:
		_, err := s.Pool.Exec(ctx, "UPDATE sandbox_webhook.delivery SET due_at = now() + $2 * interval '1 millisecond' WHERE id = $1", d.ID, bad.MS)
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	s.Sign(request.Header, d.Body, time.Now())
	response, err := client.Do(request)
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
		_ = response.Body.Close()
		if response.StatusCode > 299 {
			err = fmt.Errorf("answered %d", response.StatusCode)
		}
	}
	if err == nil && bad != nil { // drop: the vendor does not learn that it arrived
		err = errors.New("simulated: the answer was lost")
	}
	if err == nil || time.Since(d.CreatedAt) > givenUpAfter {
		return errors.Join(err, s.forget(ctx, d))
	}
	return err
}

func (s *Sender) forget(ctx context.Context, d delivery) error {
	_, err := s.Pool.Exec(ctx, "DELETE FROM sandbox_webhook.delivery WHERE id = $1", d.ID)
	return err
}
