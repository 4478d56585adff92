// Package live is the rooms of the broadcasts on air: who is there, what they
// say, and how many have watched. A room spans any number of processes; NATS
// carries what is said between them, Postgres knows who is in.
package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/byeolshow/byeolshow/store"
)

// Config is what the rooms need. What is 0 gets its default.
type Config struct {
	Store   *store.Store
	NATSURL string // "" is an engine inside the process, for one process alone
	Logger  *slog.Logger

	NewViewersPerMinute int           // counted per address, of those without an account; 30
	MostMessages        int           // of a viewer in a room in 10 s, and as many entries; 10
	MostConnections     int           // of a viewer to a room; 10
	Ping                time.Duration // between pings; 30 s. Who is silent for two is gone
	Beat                time.Duration // between heartbeats; 5 s. Who misses three is given up
	Watch               time.Duration // between looks for broadcasts that ended; 500 ms
}

func (c *Config) setDefaults() {
	if c.NewViewersPerMinute == 0 {
		c.NewViewersPerMinute = 30
	}
	if c.MostMessages == 0 {
		c.MostMessages = 10
	}
	if c.MostConnections == 0 {
		c.MostConnections = 10
	}
	if c.Ping == 0 {
		c.Ping = 30 * time.Second
	}
	if c.Beat == 0 {
		c.Beat = 5 * time.Second
	}
	if c.Watch == 0 {
		c.Watch = 500 * time.Millisecond
	}
}

// Hub is this process's part of all rooms.
type Hub struct {
	Config

	id         uuid.UUID // of this instance
	engine     *engine
	roll       *roll
	views      *views
	allowances *allowances
	measures   measures

	mu      sync.Mutex
	rooms   map[int64]*room
	closing bool
	people  sync.WaitGroup // reading goroutines
}

// New makes a Hub. Run has to follow, and ends it.
func New(ctx context.Context, config Config) (*Hub, error) {
	config.setDefaults()
	h := &Hub{
		Config: config, id: uuid.New(), rooms: map[int64]*room{}, views: newViews(config.Store, config.NewViewersPerMinute),
		allowances: newAllowances(config.MostConnections, config.MostMessages),
	}
	h.roll = newRoll(h)
	var err error
	if h.measures, err = newMeasures(); err != nil {
		return nil, err
	}
	if err := config.Store.RegisterInstance(ctx, h.id); err != nil {
		return nil, err
	}
	h.engine, err = startEngine(config.NATSURL, config.Logger)
	return h, err
}

// ErrClosing refuses people while the process ends.
var ErrClosing = errors.New("chat is closing")

// ErrHandshake is a request that is no WebSocket handshake.
var ErrHandshake = errors.New("no WebSocket handshake")

// ErrTooMany refuses a viewer who has too many connections to the room.
var ErrTooMany = errors.New("too many chat connections")

// Visitor is who comes to a room.
type Visitor struct {
	VODID   int64
	Viewer  string // customer id or cookie hash
	Address string // limits how many new viewers are counted; "" for members
}

// Serve makes the request a connection to the visitor's room, which lives on
// after it. Errors: ErrHandshake, ErrTooMany, ErrClosing, and others when the
// engine cannot be reached; the answer is then the caller's to give.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, visitor Visitor) error {
	if !h.engine.IsConnected() {
		return fmt.Errorf("chat engine: %w", nats.ErrDisconnected)
	}
	viewer := store.Viewer{VODID: visitor.VODID, Name: visitor.Viewer}
	if !h.allowances.connect(viewer) {
		return ErrTooMany
	}
	room, err := h.join(visitor.VODID)
	if err != nil {
		h.allowances.disconnect(viewer)
		return err
	}
	c := newConn(room, visitor.Viewer)
	upgrade := &upgrade{ResponseWriter: w}
	c.ws, err = websocket.Accept(upgrade, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // no page gains anything by another's cookie here
		OnPongReceived:     func(context.Context, []byte) { c.hear() },
	})
	if err != nil {
		h.leave(room)
		h.allowances.disconnect(viewer)
		return errors.Join(ErrHandshake, err)
	}
	c.ws.SetReadLimit(-1) // read has a limit of its own, and a way to say so
	c.line = upgrade.line
	h.views.saw(viewer, visitor.Address)
	h.measures.connections.Add(r.Context(), 1)
	room.add(c)
	go c.read() //nolint:gosec // it outlives the request
	return nil
}

// join holds a room open for one connection, until leave.
func (h *Hub) join(vodID int64) (*room, error) {
	h.mu.Lock()
	if h.closing {
		h.mu.Unlock()
		return nil, ErrClosing
	}
	r := h.rooms[vodID]
	if r == nil {
		r = newRoom(h, vodID)
		h.rooms[vodID] = r
	}
	r.held++
	h.people.Add(1)
	h.mu.Unlock()
	if err := r.open(); err != nil {
		h.leave(r)
		return nil, err
	}
	return r, nil
}

func (h *Hub) leave(r *room) {
	h.mu.Lock()
	r.held--
	last := r.held == 0
	if last && h.rooms[r.vodID] == r {
		delete(h.rooms, r.vodID)
	}
	h.mu.Unlock()
	if last {
		r.close()
	}
	h.people.Done()
}

func (h *Hub) open() map[int64]*room {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.rooms)
}

// Run keeps the rooms until ctx ends. Then it sends everybody elsewhere, which
// takes some seconds.
func (h *Hub) Run(ctx context.Context) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	loops.Go(func() { h.roll.run(working) })
	loops.Go(func() { h.each(working, h.Beat, h.beat()) })
	loops.Go(func() { h.each(working, h.Watch, h.watch) })
	loops.Go(func() { h.each(working, time.Second, h.views.flush) })
	loops.Go(func() {
		h.each(working, h.Ping/30, func(context.Context) error {
			for _, r := range h.open() {
				r.ping()
			}
			return nil
		})
	})
	<-ctx.Done()
	h.close()
	stop()
	loops.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	err := errors.Join(h.views.flush(last), h.Store.DropInstance(last, h.id))
	h.engine.stop()
	return err
}

// each does something again and again. Of a trouble that lasts it says so once.
func (h *Hub) each(ctx context.Context, pause time.Duration, do func(context.Context) error) {
	failing := false
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		limited, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := do(limited)
		cancel()
		if err != nil && !failing && ctx.Err() == nil {
			h.Logger.Error("live rooms", "error", err)
		}
		failing = err != nil
	}
}

// watch ends the rooms of broadcasts that are no longer on air.
func (h *Hub) watch(ctx context.Context) error {
	open := h.open()
	if len(open) == 0 {
		return nil
	}
	over, err := h.Store.RoomsOver(ctx, slices.Collect(maps.Keys(open)))
	for _, id := range over {
		h.mu.Lock()
		if h.rooms[id] == open[id] {
			delete(h.rooms, id)
		}
		h.mu.Unlock()
		open[id].end()
	}
	return err
}

// beat tells that this instance lives, and gives up those that do not. After an
// outage of the database it first lets the others tell that they live, too.
func (h *Hub) beat() func(context.Context) error {
	steady, alone := false, true
	return func(ctx context.Context) error {
		silence := 3 * h.Beat
		others, known, err := h.Store.Heartbeat(ctx, h.id, silence)
		if err != nil {
			steady = false
			return err
		}
		if !known { // whoever is in here counts nowhere
			h.Logger.Warn("this instance was given up for dead; its chat connections are sent away to come again")
			h.roll.forget()
			h.sendAway()
			return h.Store.RegisterInstance(ctx, h.id)
		}
		if alone && others > 0 && h.engine.embedded != nil {
			h.Logger.Warn("other instances run, and the chat rooms are split: set NATS_URL for all of them", "others", others)
		}
		alone = others == 0
		if !steady {
			steady = true
			return nil
		}
		if err := h.Store.DropSilentInstances(ctx, silence); err != nil {
			return err
		}
		return h.recount(ctx)
	}
}

// settling is how long news of a change may be on its way.
const settling = 300 * time.Millisecond

// recount puts right what rooms believe about who is in them: after an instance
// was given up, or the engine was away.
func (h *Hub) recount(ctx context.Context) error {
	open := h.open()
	if len(open) == 0 {
		return nil
	}
	counts, err := h.Store.CountRooms(ctx, slices.Collect(maps.Keys(open)))
	if err != nil {
		return err
	}
	time.AfterFunc(settling, func() {
		for id, count := range counts {
			open[id].correct(count)
		}
	})
	return nil
}

// sendAway closes all connections, which may come again at once, elsewhere.
func (h *Hub) sendAway() {
	var conns []*conn
	for _, r := range h.open() {
		conns = append(conns, r.all()...)
	}
	spread(conns, websocket.StatusServiceRestart, "come again")
}

// close lets nobody in any more, sends everybody away and waits until they are
// gone.
func (h *Hub) close() {
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	h.sendAway()
	gone := make(chan struct{})
	go func() { h.people.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-time.After(longestSpread + 3*time.Second):
	}
}

// publish tells everybody in a room, wherever they are connected.
func (h *Hub) publish(vodID int64, e event) error {
	data, err := e.encode()
	if err != nil {
		return err
	}
	if err := h.engine.Publish(subject(vodID), data); err != nil {
		return fmt.Errorf("publish to room: %w", err)
	}
	return nil
}
