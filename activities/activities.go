// Package activities is what a step of a workflow does to the outside, one file
// per system. Every activity may run twice: it looks before it acts, and what
// it acts on guards itself besides.
package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/iamport"
	"github.com/byeolshow/byeolshow/clients/mux"
	"github.com/byeolshow/byeolshow/clients/push"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store"
)

// Activities are all activities, over the systems they act on.
type Activities struct {
	store   *store.Store
	mux     *mux.Client
	clayful *clayful.Client
	iamport *iamport.Client
	push    *push.Client
	roll    *rollCall

	testPayments bool
	settling     time.Duration
}

// Config is what activities act on, and their rules.
type Config struct {
	Store   *store.Store
	Mux     *mux.Client
	Clayful *clayful.Client
	Iamport *iamport.Client
	Push    *push.Client

	TestPayments bool          // payments of Iamport's test channels count
	Settling     time.Duration // how long after an attempt the shop may still act
}

// New makes the activities of a worker.
func New(c Config) *Activities {
	return &Activities{
		store: c.Store, mux: c.Mux, clayful: c.Clayful, iamport: c.Iamport, push: c.Push, roll: &rollCall{mux: c.Mux},
		testPayments: c.TestPayments, settling: c.Settling,
	}
}

// BroadcastRef names a broadcast.
type BroadcastRef struct{ VODID int64 }

// BroadcastEdit is an edit of a broadcast.
type BroadcastEdit struct {
	VODID int64
	Edit  model.Edit
}

// BroadcastRecording is a recording said to be of a broadcast.
type BroadcastRecording struct {
	VODID     int64
	Recording model.Recording
}

// OnTime asks for a broadcast to go live in its very second. Active is what the
// workflow last heard about its stream; it counts only while Mux is silent.
type OnTime struct {
	VODID  int64
	Active bool
}

// ProductLinks are products to note a broadcast in, and to remove it from.
type ProductLinks struct {
	VODID       int64
	Add, Remove []string `json:",omitempty"`
}

// Refuse turns a business refusal into an error that Temporal does not retry
// and that carries the refusal to whoever reads it.
func Refuse(refusal *model.Error) error {
	return temporal.NewApplicationErrorWithOptions(refusal.Error(), string(refusal.Code), temporal.ApplicationErrorOptions{
		NonRetryable: true, Details: []any{*refusal}, Category: temporal.ApplicationErrorCategoryBenign,
	})
}

// outcome is the answer of a step: refusals are marked as such.
func outcome(b model.Broadcast, err error) (model.Broadcast, error) {
	var refusal *model.Error
	if errors.As(err, &refusal) {
		return model.Broadcast{}, Refuse(refusal)
	}
	return b, err
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func (a *Activities) load(ctx context.Context, ref BroadcastRef) (model.Broadcast, error) {
	return a.store.Broadcast(ctx, ref.VODID)
}
