package live

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats.go"

	"github.com/byeolshow/byeolshow/store"
)

// room is this process's part of a broadcast's room.
type room struct {
	hub   *Hub
	vodID int64
	held  int          // connections; under the hub's lock
	open  func() error // hears the room from then on

	mu            sync.Mutex
	sub           *nats.Subscription
	conns         map[*conn]bool // true for those who entered
	count         int            // the latest known, and
	version       int64          // its version
	ended, closed bool
}

func subject(vodID int64) string { return "byeolshow.room." + strconv.FormatInt(vodID, 10) }

func newRoom(h *Hub, vodID int64) *room {
	r := &room{hub: h, vodID: vodID, conns: map[*conn]bool{}}
	r.open = sync.OnceValue(r.subscribe)
	return r
}

func (r *room) subscribe() error {
	sub, err := r.hub.engine.Subscribe(subject(r.vodID), r.hear)
	if err != nil {
		return fmt.Errorf("hear room: %w", err)
	}
	r.mu.Lock()
	r.sub = sub
	r.mu.Unlock()
	if err := sub.SetPendingLimits(-1, 64<<20); err != nil {
		return fmt.Errorf("hear room: %w", err)
	}
	// Whoever enters after this hears what is said after they entered.
	if err := r.hub.engine.FlushTimeout(5 * time.Second); err != nil {
		return fmt.Errorf("hear room: %w", err)
	}
	return nil
}

func (r *room) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.sub == nil {
		return
	}
	r.closed = true
	_ = r.sub.Unsubscribe() // fails when the engine is gone, and the subscription with it
}

// event is frames on their way between processes. Version orders those with
// counts.
type event struct {
	Frames  []frame `json:"frames"`
	Version int64   `json:"version,omitempty"`
}

func (e *event) encode() ([]byte, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return data, nil
}

// hear passes on what is said in the room to those who are in it here.
func (r *room) hear(message *nats.Msg) {
	var e event
	if err := json.Unmarshal(message.Data, &e); err != nil {
		r.hub.Logger.Error("chat event cannot be read", "error", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	for i := range e.Frames {
		count := &e.Frames[i].Count
		if *count == nil {
			continue
		}
		// Two processes may overtake each other; nobody is told an older count
		// after a newer one.
		if e.Version >= r.version {
			r.count, r.version = **count, e.Version
		}
		told := r.count
		*count = &told
	}
	r.tell(e.Frames...)
}

// tell passes frames on to those who are in. The lock is held.
func (r *room) tell(frames ...frame) {
	var wire []byte
	for _, f := range frames {
		one, err := f.wire()
		if err != nil {
			r.hub.Logger.Error("chat frame cannot be passed on", "error", err)
			return
		}
		wire = append(wire, one...)
	}
	for c, entered := range r.conns {
		if entered {
			c.send(wire)
		}
	}
}

// correct tells a count that no event has told.
func (r *room) correct(count store.RoomCount) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || count.Version < r.version || count.People == r.count {
		return
	}
	r.count, r.version = count.People, count.Version
	r.tell(outFrame(count.People))
}

func (r *room) add(c *conn) {
	r.mu.Lock()
	r.conns[c] = false
	ended := r.ended
	r.mu.Unlock()
	if ended { // while the handshake was made
		farewell([]*conn{c})
	}
}

// admit makes a connection hear the room.
func (r *room) admit(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, here := r.conns[c]; here {
		r.conns[c] = true
	}
}

func (r *room) remove(c *conn) {
	r.mu.Lock()
	delete(r.conns, c)
	r.mu.Unlock()
	r.hub.leave(r)
}

func (r *room) all() []*conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.conns))
}

func (r *room) isOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended
}

// end tells everybody that the broadcast is over, then closes. Whoever is added
// later is told by add.
func (r *room) end() {
	r.mu.Lock()
	r.ended = true
	conns := slices.Collect(maps.Keys(r.conns))
	r.mu.Unlock()
	farewell(conns)
}

func farewell(conns []*conn) {
	end := endFrame()
	if wire, err := end.wire(); err == nil {
		for _, c := range conns {
			c.send(wire)
		}
	}
	spread(conns, websocket.StatusNormalClosure, "broadcast ended")
}

// ping asks the silent whether they are there, and gives up those who are not.
func (r *room) ping() {
	now := time.Now()
	for _, c := range r.all() {
		switch {
		case now.Sub(c.lastHeard()) >= 2*r.hub.Ping:
			c.shut(websocket.StatusGoingAway, "silent")
		case now.Sub(c.pinged) >= r.hub.Ping:
			c.pinged = now
			c.send(pingWire)
		}
	}
}

// longestSpread is how long closing connections takes at most.
const longestSpread = 5 * time.Second

// spread closes connections at random moments, about two thousand a second, and
// more when there are more than ten thousand: whoever is closed does something
// next.
func spread(conns []*conn, code websocket.StatusCode, reason string) {
	within := min(time.Duration(len(conns))*500*time.Microsecond, longestSpread)
	for _, c := range conns {
		time.AfterFunc(rand.N(within+1), func() { c.shut(code, reason) }) //nolint:gosec // no secret
	}
}
