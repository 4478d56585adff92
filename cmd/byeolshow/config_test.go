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

func TestPoolIsAsLargeAsTheAddressSays(t *testing.T) {
	t.Parallel()
	for query, connections := range map[string]int32{"": 16, "?pool_max_conns=4": 4, "?pool_max_conns=40": 40} {
		pool, err := openPool(t.Context(), "postgres://nobody@127.0.0.1:1/none"+query)
		require.NoError(t, err)
		require.Equal(t, connections, pool.Config().MaxConns, query)
		pool.Close()
	}
}

func TestSocialLoginsAreOffWithoutAClientID(t *testing.T) {
	for _, variable := range []string{"KAKAO_CLIENT_ID", "KAKAO_APP_ID", "FACEBOOK_CLIENT_ID", "FACEBOOK_VERSION"} {
		t.Setenv(variable, "")
	}
	t.Setenv("NAVER_CLIENT_ID", "id")
	s, err := readSettings()
	require.NoError(t, err)
	_, err = s.social(nil)
	require.ErrorContains(t, err, "naver")
	t.Setenv("NAVER_CLIENT_SECRET", "secret")
	t.Setenv("PUBLIC_BASE_URL", "https://www.byeolshowco.com/")
	s, err = readSettings()
	require.NoError(t, err)
	logins, err := s.social(nil)
	require.NoError(t, err)
	require.True(t, logins.On("naver"))
	require.False(t, logins.On("kakao"))
	require.Contains(t, logins.LoginURL("naver", "x"), "redirect_uri=https%3A%2F%2Fwww.byeolshowco.com%2Fuser%2Fauth%2Fnaver%2Fcallback%2F")
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
