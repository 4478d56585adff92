package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNeedNamesEverythingMissing(t *testing.T) {
	t.Parallel()
	s := settings{DatabaseURL: "postgres://", MuxTokenID: "id"}
	require.EqualError(t, s.need("DATABASE_URL", "MUX_TOKEN_ID", "MUX_TOKEN_SECRET", "JWT_KEYS"), "not set: MUX_TOKEN_SECRET, JWT_KEYS")
	require.NoError(t, s.need("DATABASE_URL"))
}

func TestJWTKeys(t *testing.T) {
	t.Parallel()
	const key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	keys, err := settings{JWTKeys: "new:" + key + ", old:" + key + "="}.jwtKeys()
	require.NoError(t, err)
	require.Equal(t, "new", keys[0].ID)
	require.Equal(t, "old", keys[1].ID)
	for _, bad := range []string{"", "x", "k:", "k:short", key, "k:***"} {
		_, err := settings{JWTKeys: bad}.jwtKeys()
		require.Error(t, err, bad)
	}
}
