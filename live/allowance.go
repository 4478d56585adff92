package live

import (
	"sync"
	"time"

	"github.com/byeolshow/byeolshow/store"
)

// rateWindow is the time in which messages are counted.
const rateWindow = 10 * time.Second

// allowances bound what one viewer does in one room, over all connections to
// this process, those before included.
type allowances struct {
	connections, messages int

	mu    sync.Mutex
	spent map[store.Viewer]*spending
}

type spending struct {
	connections int
	said        []time.Time // the latest messages, at most allowances.messages
}

func newAllowances(connections, messages int) *allowances {
	return &allowances{connections: connections, messages: messages, spent: map[store.Viewer]*spending{}}
}

// connect is false for a viewer who has all the connections there may be.
// Otherwise disconnect has to follow.
func (a *allowances) connect(viewer store.Viewer) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.spent[viewer]
	if s == nil {
		s = &spending{}
		a.spent[viewer] = s
	}
	if s.connections == a.connections {
		return false
	}
	s.connections++
	return true
}

func (a *allowances) disconnect(viewer store.Viewer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.spent[viewer]
	s.connections--
	if a.forget(viewer); a.spent[viewer] != nil && s.connections == 0 {
		time.AfterFunc(rateWindow, func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.forget(viewer)
		})
	}
}

// forget lets go of a viewer who is not here and has not said anything for a
// while. The lock is held.
func (a *allowances) forget(viewer store.Viewer) {
	s := a.spent[viewer]
	if s != nil && s.connections == 0 && (len(s.said) == 0 || time.Since(s.said[len(s.said)-1]) >= rateWindow) {
		delete(a.spent, viewer)
	}
}

// speak is false for a connected viewer who has said too much of late.
func (a *allowances) speak(viewer store.Viewer) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, now := a.spent[viewer], time.Now()
	if len(s.said) == a.messages {
		if now.Sub(s.said[0]) < rateWindow {
			return false
		}
		s.said = append(s.said[:0], s.said[1:]...)
	}
	s.said = append(s.said, now)
	return true
}
