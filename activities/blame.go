package activities

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/iamport"
	"github.com/byeolshow/byeolshow/clients/mux"
	"github.com/byeolshow/byeolshow/model"
)

// Error types of a step that some system beyond us keeps from succeeding.
const (
	// ErrorDown: it is silent, busy or broken.
	ErrorDown = "upstream-down"
	// ErrorRefused: it refuses, in its own words.
	ErrorRefused = "upstream-refused"
)

// The systems that can be to blame.
const (
	VendorClayful = "clayful"
	VendorIamport = "iamport"
	VendorMux     = "mux"
	Postgres      = "postgres"
)

// blame marks an error with the system whose doing it is. Errors that are
// marked otherwise, and those nobody else is to blame for, stay as they are.
func blame(err error) error {
	var (
		app     *temporal.ApplicationError
		shop    *clayful.Error
		video   *mux.Error
		refused *pgconn.PgError
		lost    *pgconn.ConnectError
	)
	switch {
	case err == nil, errors.As(err, &app), errors.Is(err, context.Canceled):
		return err
	case clayful.IsUnavailable(err):
		return blamed(err, ErrorDown, VendorClayful)
	case errors.As(err, &shop):
		return blamed(err, ErrorRefused, VendorClayful)
	case iamport.IsUnavailable(err):
		return blamed(err, ErrorDown, VendorIamport)
	case iamport.IsRefused(err):
		return blamed(err, ErrorRefused, VendorIamport)
	case errors.As(err, &video) && mux.IsRetryable(err):
		return blamed(err, ErrorDown, VendorMux)
	case errors.As(err, &video):
		return blamed(err, ErrorRefused, VendorMux)
	case errors.As(err, &refused), errors.As(err, &lost):
		return blamed(err, ErrorDown, Postgres)
	}
	return err
}

func blamed(err error, kind, system string) error {
	fault := Fault{System: system}
	var (
		shop     *clayful.Error
		payments *iamport.Error
	)
	switch {
	case errors.As(err, &shop):
		fault.Words = model.Discreet(shop.Message)
	case errors.As(err, &payments):
		fault.Words = model.Discreet(payments.Message)
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), kind, temporal.ApplicationErrorOptions{
		Details: []any{fault}, Cause: err,
	})
}

// Fault names the system that is to blame for an error, and what it said, which
// may repeat what a customer typed.
type Fault struct{ System, Words string }

// Personal seals it in histories.
func (Fault) Personal() {}

// Blamed is the system that is to blame for an error, none when nobody is.
func Blamed(err *temporal.ApplicationError) Fault {
	var fault Fault
	if err.Type() != ErrorDown && err.Type() != ErrorRefused || !err.HasDetails() || err.Details(&fault) != nil {
		return Fault{}
	}
	return fault
}

// Blamer is the interceptor that has every activity's error say which system is
// to blame for it.
type Blamer struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (*Blamer) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &blaming{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type blaming struct {
	interceptor.ActivityInboundInterceptorBase
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (b *blaming) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	answer, err := b.Next.ExecuteActivity(ctx, in)
	return answer, blame(err)
}
