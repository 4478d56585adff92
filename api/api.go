// Package api is byeolshow's HTTP interface: one file per resource of the
// contract that the frontends rely on.
package api

import (
	"log/slog"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/iamport"
	"github.com/byeolshow/byeolshow/clients/mux"
	"github.com/byeolshow/byeolshow/health"
	"github.com/byeolshow/byeolshow/store"
)

// Config is what the API needs.
type Config struct {
	Store    *store.Store
	Clayful  *clayful.Client
	Mux      *mux.Client
	Iamport  *iamport.Client
	Temporal client.Client

	MuxWebhookSecret string
	// Secrets of the shop's webhooks to /webhook/refund/, /webhook/markdone/ and
	// /webhook/clayful/.
	RefundWebhookSecret, MarkdoneWebhookSecret, ClayfulWebhookSecret string

	TestPayments      bool          // payments of Iamport's test channels count
	TapWindow         time.Duration // in which the same checkout is a double tap; 0 is 30 s
	HiddenCollections []string      // names of collections that are the shop's own business
	JWTKeys           []Key         // the first signs, all verify
	InfluencerGroup   string        // Clayful group id
	Limits            Limits
	Checks            health.Checks                   // what /readyz asks
	Observe           func(http.Handler) http.Handler // traces and measures requests; nil: nothing does
	TrustedProxies    []string                        // CIDRs whose X-Forwarded-For is believed; none by default
	Logger            *slog.Logger
	Now               func() time.Time // nil is time.Now
}

// Limits are how often one client may do what invites guessing.
type Limits struct {
	LoginPerMinute  int // per IP and user id; 0 is 10
	CouponPerMinute int // per customer; 0 is 100
}

type api struct {
	Config
	sessions    *sessions
	lists       *fresh
	catalogue   *catalogue
	influencers *influencerList
	keyLocks    *keyLocks
}

// New makes the API.
func New(config Config) (http.Handler, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Limits.LoginPerMinute == 0 {
		config.Limits.LoginPerMinute = 10
	}
	if config.Limits.CouponPerMinute == 0 {
		config.Limits.CouponPerMinute = 100
	}
	if config.TapWindow == 0 {
		config.TapWindow = 30 * time.Second
	}
	a := &api{Config: config, lists: newFresh(), catalogue: newCatalogue(config.Now), influencers: &influencerList{}, keyLocks: newKeyLocks()}
	var err error
	if a.sessions, err = newSessions(config); err != nil {
		return nil, err
	}
	return a.routes()
}
