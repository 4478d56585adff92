package live

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/store"
)

func TestAllowancesOutliveConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAllowances(2, 3)
		known := func() int {
			a.mu.Lock()
			defer a.mu.Unlock()
			return len(a.spent)
		}
		one, other := store.Viewer{VODID: 1, Name: "one"}, store.Viewer{VODID: 2, Name: "one"}
		require.True(t, a.connect(one))
		require.True(t, a.connect(one))
		require.False(t, a.connect(one), "a third connection")
		require.True(t, a.connect(other), "another room")
		for range 3 {
			require.True(t, a.speak(one))
			<-time.After(time.Second) // of a clock that only this moves
		}
		require.False(t, a.speak(one))
		require.True(t, a.speak(other))
		for range 3 {
			require.True(t, a.enter(one), "what was said leaves entries alone")
		}
		require.False(t, a.enter(one))
		require.True(t, a.enter(other))
		a.disconnect(other)
		a.disconnect(one)
		a.disconnect(one)
		require.True(t, a.connect(one))
		require.False(t, a.speak(one), "connecting again changes nothing")
		require.False(t, a.enter(one), "nor does it for entries")
		<-time.After(rateWindow - 3*time.Second) // of a clock that only this moves
		require.True(t, a.speak(one))
		require.False(t, a.speak(one))
		a.disconnect(one)
		require.Equal(t, 2, known())
		<-time.After(rateWindow) // of a clock that only this moves
		synctest.Wait()
		require.Zero(t, known(), "whoever is gone is forgotten")
	})
}
