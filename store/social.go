package store

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/byeolshow/byeolshow/store/db"
)

// CreateOAuthState remembers a social login that began in the browser with the
// cookie. Of both texts it keeps hashes.
func (s *Store) CreateOAuthState(ctx context.Context, state, vendor, cookie string, expiresAt time.Time) error {
	return wrap("create oauth state", s.queries.CreateOAuthState(ctx, db.CreateOAuthStateParams{
		StateHash: hash(state), Vendor: vendor, CookieHash: hash(cookie), ExpiresAt: expiresAt,
	}))
}

// UseOAuthState is true once for a state that has not expired, with the vendor
// and the cookie it began with.
func (s *Store) UseOAuthState(ctx context.Context, state, vendor, cookie string, now time.Time) (bool, error) {
	n, err := s.queries.UseOAuthState(ctx, db.UseOAuthStateParams{
		StateHash: hash(state), Vendor: vendor, CookieHash: hash(cookie), Now: now,
	})
	return n == 1, wrap("use oauth state", err)
}

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
