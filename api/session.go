package api

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/store"
)

// Key is a secret that signs and seals session tokens, at least 32 bytes.
type Key struct {
	ID     string
	Secret []byte
}

const (
	tokenHeader   = "Custom-Token"
	tokenIssuer   = "byeolshow"
	longestToken  = 7 * 24 * time.Hour
	memberMemory  = time.Minute // how long GET /me is believed
	sessionsKnown = 20_000      // members remembered at most
)

// sessions issues and checks the tokens members show. A token holds the
// member's shop token sealed, so that it is useless to whoever reads it.
type sessions struct {
	keys    map[string]sessionKey
	first   string
	store   *store.Store
	clayful *clayful.Client
	now     func() time.Time

	logger  *slog.Logger
	changes *fresh[int64] // by session and customer
	flights singleflight.Group
	mu      sync.Mutex
	members map[uuid.UUID]remembered
}

type sessionKey struct {
	sign []byte
	seal cipher.AEAD
}

type remembered struct {
	customer *clayful.Customer
	at       time.Time
	changes  int64 // of the customer before they were asked for
}

type claims struct {
	jwt.RegisteredClaims

	Session    string `json:"sid"`
	Influencer bool   `json:"inf"`
	Sealed     string `json:"ct"`
}

// member is who makes a request.
type member struct {
	ID         string // Clayful customer id
	Session    uuid.UUID
	Token      string // Clayful customer token, a secret
	Customer   *clayful.Customer
	Influencer bool
}

func newSessions(config Config) (*sessions, error) {
	s := &sessions{
		keys: map[string]sessionKey{}, store: config.Store, clayful: config.Clayful, now: config.Now, logger: config.Logger,
		changes: newFresh[int64](), members: map[uuid.UUID]remembered{},
	}
	for i, key := range config.JWTKeys {
		if len(key.Secret) < 32 || key.ID == "" {
			return nil, errors.New("a JWT key needs an id and at least 32 bytes")
		}
		sign, err := hkdf.Key(sha256.New, key.Secret, nil, "byeolshow session signature", 32)
		if err != nil {
			return nil, fmt.Errorf("derive signing key: %w", err)
		}
		sealing, err := hkdf.Key(sha256.New, key.Secret, nil, "byeolshow session seal", 32)
		if err != nil {
			return nil, fmt.Errorf("derive sealing key: %w", err)
		}
		block, err := aes.NewCipher(sealing)
		if err != nil {
			return nil, fmt.Errorf("make seal: %w", err)
		}
		seal, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("make seal: %w", err)
		}
		s.keys[key.ID] = sessionKey{sign: sign, seal: seal}
		if i == 0 {
			s.first = key.ID
		}
	}
	if s.first == "" {
		return nil, errors.New("no JWT key")
	}
	return s, nil
}

// open begins a session for a shop token and returns what the member shows
// from now on.
func (s *sessions) open(ctx context.Context, auth clayful.Auth, influencer bool) (string, error) {
	now := s.now()
	expires := now.Add(longestToken)
	if lasts := time.Duration(float64(auth.ExpiresIn)) * time.Second; lasts > 0 && lasts < longestToken {
		expires = now.Add(lasts)
	}
	if shopExpiry, ok := expiryOf(auth.Token); ok && shopExpiry.Before(expires) {
		expires = shopExpiry
	}
	id := uuid.New()
	key := s.keys[s.first]
	nonce := make([]byte, key.seal.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("make nonce: %w", err)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: tokenIssuer, Subject: string(auth.Customer),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		Session:    id.String(),
		Influencer: influencer,
		Sealed:     base64.RawURLEncoding.EncodeToString(key.seal.Seal(nonce, nonce, []byte(auth.Token), []byte(id.String()))),
	})
	token.Header["kid"] = s.first
	signed, err := token.SignedString(key.sign)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed, s.store.CreateSession(ctx, id, string(auth.Customer), expires)
}

// expiryOf reads the expiry of a shop token, which is a JWT only the shop can
// verify. One that is no JWT has none.
func expiryOf(token string) (time.Time, bool) {
	var c jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &c); err != nil || c.ExpiresAt == nil {
		return time.Time{}, false
	}
	return c.ExpiresAt.Time, true
}

// read checks a token by itself: no database, no shop.
func (s *sessions) read(token string) (*member, error) {
	var c claims
	var key sessionKey
	_, err := jwt.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		var known bool
		if key, known = s.keys[kid]; !known {
			return nil, errors.New("unknown key id")
		}
		return key.sign, nil
	}, jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer(tokenIssuer), jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(s.now))
	if err != nil {
		return nil, err
	}
	id, err := uuid.Parse(c.Session)
	if err != nil || c.Subject == "" {
		return nil, errors.New("token names no session")
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.Sealed)
	if err != nil || len(sealed) < key.seal.NonceSize() {
		return nil, errors.New("token is not sealed")
	}
	nonce := sealed[:key.seal.NonceSize()]
	shopToken, err := key.seal.Open(nil, nonce, sealed[len(nonce):], []byte(c.Session))
	if err != nil {
		return nil, fmt.Errorf("unseal token: %w", err)
	}
	return &member{ID: c.Subject, Session: id, Token: string(shopToken), Influencer: c.Influencer}, nil
}

// member is who shows the token: nil when it is unusable. The error is about an
// outage, which proves nothing about the token.
func (s *sessions) member(ctx context.Context, token string) (*member, error) {
	if token == "" {
		return nil, nil
	}
	m, err := s.read(token)
	if err != nil {
		return nil, nil //nolint:nilerr // an unusable token is no token
	}
	changes, err := s.changes.get(ctx, m.Session.String()+m.ID, func(ctx context.Context) (int64, error) {
		return s.store.LiveSession(ctx, m.Session, m.ID, s.now())
	})
	if err != nil {
		return nil, err
	}
	if changes == store.Over {
		return nil, nil
	}
	m.Customer, err = s.customer(ctx, m, changes)
	if clayful.IsCode(err, "unauthorized") {
		return nil, s.revoke(ctx, m.Session)
	}
	if err != nil {
		return nil, err
	}
	if m.Customer.ID != m.ID || m.Customer.MetaFalse("active") {
		return nil, nil
	}
	return m, nil
}

// customer is the member as the shop knows them: at most a minute ago, and
// after the last of their changes, of which there were so many.
func (s *sessions) customer(ctx context.Context, m *member, changes int64) (*clayful.Customer, error) {
	s.mu.Lock()
	known, ok := s.members[m.Session]
	s.mu.Unlock()
	if ok && known.changes >= changes && s.now().Sub(known.at) < memberMemory {
		return known.customer, nil
	}
	// What is asked after a change does not join a flight from before it.
	flight, err, _ := s.flights.Do(fmt.Sprint(m.Session, changes), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		at := s.now()
		customer, err := s.clayful.Me(ctx, m.Token)
		if err != nil {
			return nil, err
		}
		s.remember(m.Session, remembered{customer, at, changes})
		return customer, nil
	})
	if err != nil {
		return nil, err
	}
	return flight.(*clayful.Customer), nil
}

// remember keeps a customer, unless one asked for after a later change is known.
func (s *sessions) remember(id uuid.UUID, asked remembered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.members[id].changes > asked.changes {
		return
	}
	if len(s.members) >= sessionsKnown {
		for id, known := range s.members {
			if asked.at.Sub(known.at) >= memberMemory {
				delete(s.members, id)
			}
		}
		if len(s.members) >= sessionsKnown {
			clear(s.members)
		}
	}
	s.members[id] = asked
}

// forget makes the next request of the customer ask the shop again, in every
// process.
func (s *sessions) forget(ctx context.Context, customerID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := s.store.CustomerChanged(ctx, customerID); err != nil {
		s.logger.ErrorContext(ctx, "what is remembered of a customer may be a minute old", "customer", customerID, "error", err)
	}
}

func (s *sessions) revoke(ctx context.Context, id uuid.UUID) error {
	s.mu.Lock()
	delete(s.members, id)
	s.mu.Unlock()
	return s.store.RevokeSession(ctx, id, s.now())
}

type callerKey struct{}

// caller is the member a guard let through, nil when none was needed.
func caller(r *http.Request) *member {
	m, _ := r.Context().Value(callerKey{}).(*member)
	return m
}

// optional lets everybody through, members as themselves.
func (a *api) optional(next http.Handler) http.Handler {
	return a.guard(next, func(*member) error { return nil })
}

// login lets members through.
func (a *api) login(next http.Handler) http.Handler {
	return a.guard(next, func(m *member) error {
		if m == nil {
			return errNotLoggedIn
		}
		return nil
	})
}

// seller lets influencers through: members the shop has in its influencer
// group, whatever their token says.
func (a *api) seller(next http.Handler) http.Handler {
	return a.guard(next, func(m *member) error {
		if m == nil || !m.Customer.InGroup(a.InfluencerGroup) {
			return errNoSeller
		}
		return nil
	})
}

func (a *api) guard(next http.Handler, admit func(*member) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, err := a.sessions.member(r.Context(), r.Header.Get(tokenHeader))
		if err != nil {
			a.fail(w, r, errors.Join(errTryLater, err))
			return
		}
		if err := admit(m); err != nil {
			a.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, m)))
	})
}
