// Package api is byeolshow's HTTP interface: one file per resource of the
// contract that the frontends rely on.
package api

import (
	"log/slog"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/mux"
	"github.com/byeolshow/byeolshow/store"
)

// Config is what the API needs.
type Config struct {
	Store    *store.Store
	Clayful  *clayful.Client
	Mux      *mux.Client
	Temporal client.Client

	MuxWebhookSecret string
	JWTKeys          []Key  // the first signs, all verify
	InfluencerGroup  string // Clayful group id
	Limits           Limits
	TrustedProxies   []string // CIDRs whose X-Forwarded-For is believed; none by default
	Logger           *slog.Logger
	Now              func() time.Time // nil is time.Now
}

// Limits are how often one client may do what invites guessing.
type Limits struct {
	LoginPerMinute int // per IP and user id
}

type api struct {
	Config
	sessions    *sessions
	lists       *fresh
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
	a := &api{Config: config, lists: newFresh(), influencers: &influencerList{}, keyLocks: newKeyLocks()}
	var err error
	if a.sessions, err = newSessions(config); err != nil {
		return nil, err
	}
	return a.routes()
}
