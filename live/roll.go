package live

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/byeolshow/byeolshow/store"
)

// errTaken refuses a name somebody else has in the room.
var errTaken = errors.New("name is taken")

// errForgotten ends a change of an instance that was given up for dead.
var errForgotten = errors.New("instance was given up")

// mostChanges is how many changes are written at once.
const mostChanges = 500

// roll writes who enters and leaves, many at once, in the order they do, and
// tells the rooms.
type roll struct {
	hub  *Hub
	wake chan struct{}

	mu      sync.Mutex
	pending []change
}

// change is a connection that enters, or leaves when answer is nil.
type change struct {
	conn   *conn
	answer chan error
}

func newRoll(h *Hub) *roll { return &roll{hub: h, wake: make(chan struct{}, 1)} }

// enter waits until the connection is in its room, and the room knows. Errors:
// errTaken, and others when that cannot be known.
func (r *roll) enter(c *conn) error {
	answer := make(chan error, 1)
	r.add(change{c, answer})
	return <-answer
}

func (r *roll) leave(c *conn) { r.add(change{conn: c}) }

func (r *roll) add(c change) {
	r.mu.Lock()
	r.pending = append(r.pending, c)
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run writes until ctx ends, and then what is left, once.
func (r *roll) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			r.flush(context.WithoutCancel(ctx))
			r.forget()
			return
		case <-r.wake:
		}
		if !r.flush(ctx) {
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	}
}

// forget answers who waits to enter, and lets go of who leaves.
func (r *roll) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.pending {
		if c.answer != nil {
			c.answer <- errForgotten
		}
	}
	r.pending = nil
}

// take is what is written next. Of two people who want the same name the second
// has to see what becomes of the first.
func (r *roll) take() []change {
	r.mu.Lock()
	defer r.mu.Unlock()
	type place struct {
		room int64
		key  string
	}
	wanted := map[place]string{}
	var batch, later []change
	for i, c := range r.pending {
		if len(batch) == mostChanges {
			later = append(later, r.pending[i:]...)
			break
		}
		if c.answer != nil {
			at := place{c.conn.user.Room, c.conn.user.NameKey}
			if viewer, ok := wanted[at]; ok && viewer != c.conn.user.Viewer {
				later = append(later, c)
				continue
			}
			wanted[at] = c.conn.user.Viewer
		}
		batch = append(batch, c)
	}
	r.pending = later
	return batch
}

// flush writes until nothing is pending. It is false when it could not.
func (r *roll) flush(ctx context.Context) bool {
	for {
		batch := r.take()
		if len(batch) == 0 {
			return true
		}
		var leaving, entering []store.RoomUser
		for _, c := range batch {
			if c.answer != nil {
				entering = append(entering, c.conn.user)
			} else {
				leaving = append(leaving, c.conn.user)
			}
		}
		limited, cancel := context.WithTimeout(ctx, 5*time.Second)
		changed, counts, err := r.hub.Store.ChangeRooms(limited, r.hub.id, leaving, entering)
		cancel()
		if err != nil {
			r.hub.Logger.Error("who enters and leaves cannot be written", "error", err)
			r.giveUp(batch, err)
			return false
		}
		r.tell(batch, changed, counts)
	}
}

// giveUp tells who wanted to enter. Who left is tried again, and so is to undo
// what may have been written after all.
func (r *roll) giveUp(batch []change, err error) {
	again := make([]change, 0, len(batch))
	for _, c := range batch {
		if c.answer != nil {
			c.answer <- err
		}
		again = append(again, change{conn: c.conn})
	}
	r.mu.Lock()
	r.pending = append(again, r.pending...)
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// tell tells the rooms of every change, with how many there were after it, each
// room all at once, and then answers who entered.
func (r *roll) tell(batch []change, changed map[uuid.UUID]bool, counts map[int64]store.RoomCount) {
	people := map[int64]int{}
	for id, count := range counts {
		people[id] = count.People
	}
	for _, c := range batch { // back to before the batch
		if changed[c.conn.user.ID] {
			people[c.conn.user.Room] -= c.step()
		}
	}
	told := map[int64][]frame{}
	for _, c := range batch {
		user := c.conn.user
		if !changed[user.ID] {
			continue
		}
		people[user.Room] += c.step()
		news := outFrame(people[user.Room])
		if c.answer != nil {
			c.conn.room.admit(c.conn)
			news = inFrame(user.Username, people[user.Room])
		}
		if !c.conn.room.isOver() {
			told[user.Room] = append(told[user.Room], news)
		}
	}
	lost := map[int64]bool{}
	for id, frames := range told {
		if err := r.hub.publish(id, event{frames, counts[id].Version}); err != nil {
			r.hub.Logger.Error("room is not told who came or left", "error", err)
			lost[id] = true
		}
	}
	for _, c := range batch {
		switch {
		case c.answer == nil:
		case !changed[c.conn.user.ID]:
			c.answer <- errTaken
		default:
			if lost[c.conn.user.Room] {
				c.conn.shut(websocket.StatusTryAgainLater, "try again later")
			}
			c.answer <- nil
		}
	}
}

func (c change) step() int {
	if c.answer != nil {
		return 1
	}
	return -1
}
