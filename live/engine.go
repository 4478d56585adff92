package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// engine carries what is said in a room to every process that has part of it.
type engine struct {
	*nats.Conn

	embedded *server.Server // nil when the engine is elsewhere
}

// startEngine reaches NATS at the address, or starts one inside the process,
// which nobody else reaches.
func startEngine(address string, log *slog.Logger) (*engine, error) {
	e := &engine{}
	options := []nats.Option{
		nats.Name("byeolshow"), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second), nats.PingInterval(5 * time.Second),
		nats.ReconnectBufSize(-1), // what is said while the engine is away is refused, not told later all at once
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Error("chat engine lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("chat engine is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Error("chat engine", "error", err) }),
	}
	if address == "" {
		embedded, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true})
		if err != nil {
			return nil, fmt.Errorf("make chat engine: %w", err)
		}
		embedded.Start()
		if !embedded.ReadyForConnections(10 * time.Second) {
			return nil, fmt.Errorf("chat engine did not start")
		}
		e.embedded, options = embedded, append(options, nats.InProcessServer(embedded))
	}
	var err error
	if e.Conn, err = nats.Connect(address, options...); err != nil {
		var malformed *url.Error
		var misplaced *net.AddrError
		if errors.As(err, &malformed) || errors.As(err, &misplaced) { // they quote the address, and the password in it
			return nil, errors.New("NATS_URL is no NATS address")
		}
		return nil, fmt.Errorf("reach the chat engine at NATS_URL: %w", err)
	}
	return e, nil
}

// check tells whether the engine answers.
func (e *engine) check(ctx context.Context) error {
	if !e.IsConnected() {
		return nats.ErrDisconnected
	}
	return e.FlushWithContext(ctx)
}

func (e *engine) stop() {
	e.Close()
	if e.embedded != nil {
		e.embedded.Shutdown()
		e.embedded.WaitForShutdown()
	}
}
