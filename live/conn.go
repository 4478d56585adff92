package live

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/byeolshow/byeolshow/store"
)

const (
	longestQueue = 1024             // events that wait for a slow reader
	writeWait    = 10 * time.Second // for what is written at once

	// Refused frames in a rateWindow after which a connection is closed. One
	// that was sent in spite of errRateLimited weighs as much as ten others.
	mostStrikes   = 100
	limitedWeight = 10
)

// conn is one connection to a room.
type conn struct {
	room   *room
	user   store.RoomUser
	ws     *websocket.Conn
	line   *line
	heard  atomic.Int64 // unix nanoseconds
	pinged time.Time    // of the pinging goroutine

	// Of the reading goroutine.
	entered bool
	strikes int
	struck  time.Time // when strikes began to count

	mu      sync.Mutex
	queue   [][]byte
	writing bool // a goroutine writes, or everything was written for good
	closing *websocket.CloseError
}

func newConn(r *room, viewer string) *conn {
	c := &conn{room: r, user: store.RoomUser{ID: uuid.New(), Room: r.vodID, Viewer: viewer}, pinged: time.Now()}
	c.hear()
	return c
}

func (c *conn) viewer() store.Viewer { return store.Viewer{VODID: c.room.vodID, Name: c.user.Viewer} }

func (c *conn) hear()                { c.heard.Store(time.Now().UnixNano()) }
func (c *conn) lastHeard() time.Time { return time.Unix(0, c.heard.Load()) }

// read does what the person asks for, until the connection ends.
func (c *conn) read() {
	defer func() {
		hub := c.room.hub
		if c.entered {
			hub.roll.leave(c)
			hub.measures.people.Add(context.Background(), -1)
		}
		c.room.remove(c)
		hub.allowances.disconnect(c.viewer())
		hub.measures.connections.Add(context.Background(), -1)
		_ = c.ws.CloseNow() // it may be closed
	}()
	for {
		kind, message, err := c.ws.Reader(context.Background())
		if err != nil {
			return
		}
		data, err := io.ReadAll(io.LimitReader(message, maxFrame+1))
		if err != nil {
			return
		}
		c.hear()
		if len(data) > maxFrame {
			c.shut(websocket.StatusMessageTooBig, "frame too big")
			if _, err := io.Copy(io.Discard, message); err != nil {
				return
			}
		}
		if c.isClosing() {
			continue
		}
		if fault := c.do(kind, data); fault != nil {
			c.refuse(fault)
		}
	}
}

func (c *conn) do(kind websocket.MessageType, data []byte) *frame {
	asked, ok := parse(data)
	switch {
	case !ok || kind != websocket.MessageText:
		return errBadFrame
	case asked.stat == "entry":
		return c.enter(asked.username)
	case !c.entered:
		return errEntryRequired
	case asked.stat == "end":
		return errForbidden
	}
	return c.say(asked.message)
}

func (c *conn) enter(name string) *frame {
	if c.entered {
		return errAlreadyEntered
	}
	if !goodUsername(name) {
		return errBadUsername
	}
	if !c.room.hub.allowances.enter(c.viewer()) {
		return errRateLimited
	}
	c.user.Username, c.user.NameKey = name, nameKey(name)
	switch err := c.room.hub.roll.enter(c); {
	case errors.Is(err, errTaken):
		return errTakenUsername
	case err != nil:
		c.shut(websocket.StatusTryAgainLater, "try again later")
	default:
		c.entered = true
		c.room.hub.measures.people.Add(context.Background(), 1)
	}
	return nil
}

func (c *conn) say(message string) *frame {
	if fault := goodMessage(message); fault != nil {
		return fault
	}
	hub := c.room.hub
	if !hub.allowances.speak(c.viewer()) {
		return errRateLimited
	}
	if err := hub.publish(c.room.vodID, event{Frames: []frame{chatFrame(c.user.Username, message)}}); err != nil {
		hub.Logger.Error("chat message lost", "error", err)
		c.shut(websocket.StatusTryAgainLater, "try again later")
		return nil
	}
	hub.measures.messages.Add(context.Background(), 1)
	return nil
}

// refuse tells the sender, and closes on who goes on and on.
func (c *conn) refuse(fault *frame) {
	if now := time.Now(); now.Sub(c.struck) >= rateWindow {
		c.struck, c.strikes = now, 0
	}
	c.strikes++
	if fault == errRateLimited {
		c.strikes += limitedWeight - 1
	}
	wire, err := fault.wire()
	if err != nil {
		c.room.hub.Logger.Error("chat error cannot be told", "error", err)
		return
	}
	c.send(wire)
	if c.strikes >= mostStrikes {
		c.shut(websocket.StatusPolicyViolation, "too many messages")
	}
}

// send queues bytes for the person and never waits. A reader who is too slow is
// closed on.
func (c *conn) send(wire []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil {
		return
	}
	if len(c.queue) == longestQueue {
		c.queue = nil
		c.close(websocket.StatusTryAgainLater, "too slow")
		c.room.hub.Logger.Info("slow chat reader dropped", "vod_id", c.room.vodID)
		return // whoever writes sees it
	}
	c.queue = append(c.queue, wire)
	c.write()
}

// shut closes the connection once what is queued is written.
func (c *conn) shut(code websocket.StatusCode, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing == nil {
		c.close(code, reason)
		c.write()
	}
}

// close has the connection closed by whoever writes next. The lock is held.
func (c *conn) close(code websocket.StatusCode, reason string) {
	c.closing = &websocket.CloseError{Code: code, Reason: reason}
	c.room.hub.measures.close(reason)
}

func (c *conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing != nil
}

// write lets a goroutine write what is queued: an idle connection has none. The
// lock is held.
func (c *conn) write() {
	if !c.writing {
		c.writing = true
		go c.drain()
	}
}

func (c *conn) drain() {
	for {
		c.mu.Lock()
		batch, closing := c.queue, c.closing
		c.queue = nil
		if len(batch) == 0 && closing == nil {
			c.writing = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		if len(batch) == 0 {
			_ = c.ws.Close(closing.Code, closing.Reason) // the person may be gone
			return
		}
		if err := c.line.write(batch); err != nil {
			_ = c.ws.CloseNow() // and reading ends
			return
		}
	}
}
