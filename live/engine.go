package live

import (
	"fmt"
	"log/slog"
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
func startEngine(url string, log *slog.Logger) (*engine, error) {
	e := &engine{}
	options := []nats.Option{
		nats.Name("byeolshow"), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Error("chat engine lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("chat engine is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Error("chat engine", "error", err) }),
	}
	if url == "" {
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
	if e.Conn, err = nats.Connect(url, options...); err != nil {
		return nil, fmt.Errorf("reach the chat engine at NATS_URL: %w", err)
	}
	return e, nil
}

func (e *engine) stop() {
	e.Close()
	if e.embedded != nil {
		e.embedded.Shutdown()
		e.embedded.WaitForShutdown()
	}
}
