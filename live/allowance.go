package live

import (
	"sync"
	"time"

	"github.com/byeolshow/byeolshow/store"
)

// rateWindow is the time in which messages and entries are counted.
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
	said        moments // messages
	came        moments // entries, as many as messages
}

// moments are the latest at which something was done, as many as may be in a
// rateWindow.
type moments []time.Time

// add is false when it was done too often of late.
func (m *moments) add(most int) bool {
	now := time.Now()
	if len(*m) == most {
		if now.Sub((*m)[0]) < rateWindow {
			return false
		}
		*m = append((*m)[:0], (*m)[1:]...)
	}
	*m = append(*m, now)
	return true
}

// past tells whether nothing was done of late.
func (m moments) past() bool { return len(m) == 0 || time.Since(m[len(m)-1]) >= rateWindow }

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

// forget lets go of a viewer who is not here and has not done anything for a
// while. The lock is held.
func (a *allowances) forget(viewer store.Viewer) {
	s := a.spent[viewer]
	if s != nil && s.connections == 0 && s.said.past() && s.came.past() {
		delete(a.spent, viewer)
	}
}

// speak is false for a connected viewer who has said too much of late.
func (a *allowances) speak(viewer store.Viewer) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.spent[viewer].said.add(a.messages)
}

// enter is false for a connected viewer who has come and gone too often of
// late.
func (a *allowances) enter(viewer store.Viewer) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.spent[viewer].came.add(a.messages)
}
