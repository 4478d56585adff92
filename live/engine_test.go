package live

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
)

func TestMistypedAddressKeepsItsPassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"nats://user:geheim/12345678@localhost:4222", "nats://user:geheim%zz12345678@localhost:4222", "nats://user:12345678#geheim@localhost:4222",
		"nats ://user:geheim12345678@localhost:4222", "nats://user:geheim,12345678@localhost:4222",
	} {
		_, err := startEngine(address, slog.New(slog.DiscardHandler))
		require.EqualError(t, err, "NATS_URL is no NATS address", address)
	}
}

func TestWhatIsSaidWhileTheEngineIsAwayIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	engine := startNATS(t, server.RANDOM_PORT)
	w.nats = engine.ClientURL()
	port := engine.Addr().(*net.TCPAddr).Port
	a, room := w.instance(Config{}), w.onAir()
	require.NoError(t, a.engine.check(within(t, 10*time.Second)))
	listens, speaks := a.entered(t, room, "듣는이"), a.entered(t, room, "말하는이")

	engine.Shutdown()
	engine.WaitForShutdown()
	require.Eventually(t, func() bool { return a.engine.check(within(t, time.Second)) != nil }, 5*time.Second, 20*time.Millisecond)
	speaks.say("들려요?")
	_, closed := speaks.awaitClose()
	require.Equal(t, websocket.StatusTryAgainLater, closed.Code)
	ws, response, err := websocket.Dial(t.Context(), a.url+"?viewer=three", nil)
	require.Error(t, err)
	require.Nil(t, ws)
	require.NoError(t, response.Body.Close())

	startNATS(t, port)
	require.Eventually(t, func() bool { return a.engine.check(within(t, time.Second)) == nil }, 10*time.Second, 20*time.Millisecond)
	a.entered(t, room, "말하는이").say("돌아왔어요")
	require.Equal(t, "돌아왔어요", listens.await(func(f frame) bool { return f.Stat == "chat" }).Message)
}

func within(t *testing.T, patience time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
