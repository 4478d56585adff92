// Package api is byeolshow's HTTP interface: one file per resource of the
// contract that the frontends rely on.
package api

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-chi/httprate"
	"go.temporal.io/sdk/client"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/iamport"
	"github.com/byeolshow/byeolshow/clients/mux"
	"github.com/byeolshow/byeolshow/clients/social"
	"github.com/byeolshow/byeolshow/health"
	"github.com/byeolshow/byeolshow/live"
	"github.com/byeolshow/byeolshow/store"
)

// Config is what the API needs.
type Config struct {
	Store    *store.Store
	Clayful  *clayful.Client
	Mux      *mux.Client
	Iamport  *iamport.Client
	Social   *social.Client
	Temporal client.Client
	Rooms    *live.Hub

	Playground *Playground // nil in production

	MuxWebhookSecret string
	// Secrets of the shop's webhooks to /webhook/refund/, /webhook/markdone/ and
	// /webhook/clayful/.
	RefundWebhookSecret, MarkdoneWebhookSecret, ClayfulWebhookSecret string

	TestPayments      bool          // payments of Iamport's test channels count
	TapWindow         time.Duration // in which the same checkout is a double tap; 0 is 30 s
	HiddenCollections []string      // names of collections that are the shop's own business
	JWTKeys           []Key         // the first signs, all verify
	InfluencerGroup   string        // Clayful group id
	MemberGroup       string        // Clayful group id of ordinary members
	Limits            Limits
	Checks            health.Checks                   // what /readyz asks
	Observe           func(http.Handler) http.Handler // traces and measures requests; nil: nothing does
	TrustedProxies    []string                        // CIDRs whose X-Forwarded-For is believed; none by default
	Logger            *slog.Logger
	Now               func() time.Time // nil is time.Now
}

type api struct {
	Config
	sessions    *sessions
	lists       *fresh[[]byte]
	ready       readyList
	catalogue   *catalogue
	influencers *influencerList
	keyLocks    *keyLocks
	imageTurns  chan struct{}                   // changes of images at once
	uploads     func(http.Handler) http.Handler // limits uploads
	payments    *httprate.RateLimiter           // limits what an order is told of payments
	reviews     atomic.Int64                    // changes of reviews so far
}

// New makes the API.
func New(config Config) (http.Handler, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	config.Limits.fill()
	if config.TapWindow == 0 {
		config.TapWindow = 30 * time.Second
	}
	a := &api{
		Config: config, lists: newFresh[[]byte](), catalogue: newCatalogue(config.Now), influencers: &influencerList{}, keyLocks: newKeyLocks(),
		imageTurns: make(chan struct{}, imageChangesAtOnce),
	}
	var err error
	if a.sessions, err = newSessions(config); err != nil {
		return nil, err
	}
	return a.routes()
}
