package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/embedded/embeddedtest"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store"
	"github.com/byeolshow/byeolshow/store/db"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

func newStore(t *testing.T) (*store.Store, *pgxpool.Pool) {
	t.Helper()
	pool := embeddedtest.Pool(t, 4)
	return store.New(pool), pool
}

// TestLocksLeaveConnections has many hold locks of their own and ask the
// database under them: nobody waits for a connection that another waits with.
func TestLocksLeaveConnections(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var together, count atomic.Int32
	var group errgroup.Group
	for i := range 40 {
		keys := []string{fmt.Sprint("own/", i), "everybody's"}
		if i%2 == 1 {
			keys[0], keys[1] = keys[1], keys[0]
		}
		group.Go(func() error {
			return s.WithLocks(ctx, keys, func(ctx context.Context) error {
				if together.Add(1) > 1 {
					return fmt.Errorf("two at once")
				}
				defer together.Add(-1)
				count.Add(1)
				return s.Ping(ctx)
			})
		})
		group.Go(func() error {
			return s.WithLocks(ctx, []string{fmt.Sprint("other/", i)}, s.Ping)
		})
	}
	require.NoError(t, group.Wait())
	require.EqualValues(t, 40, count.Load())
}

func unseen(context.Context, int) error { return nil }

// TestFollowersAreCountedByWhoComesAndGoes begins with followers from before
// they were noted.
func TestFollowersAreCountedByWhoComesAndGoes(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	set := func(customer string, on bool) (count int) {
		require.NoError(t, s.SetFollower(ctx, "STAR", customer, on, 160, func(_ context.Context, n int) error {
			count = n
			return nil
		}))
		return count
	}
	require.Equal(t, 161, set("A", true))
	require.Equal(t, 161, set("A", true))
	require.Equal(t, 162, set("B", true))
	require.Error(t, s.SetFollower(ctx, "STAR", "A", false, 160, func(context.Context, int) error { return errors.New("the shop is down") }))
	require.Equal(t, 161, set("A", false), "what could not be shown was not done")
	require.Equal(t, 161, set("A", false))
	require.NoError(t, s.AdoptFollower(ctx, "STAR", "one of the 160"))
	require.Equal(t, 160, set("one of the 160", false))
}

func TestPushesGoToAlarmsAndFollowersLessThoseWhoOptedOut(t *testing.T) {
	t.Parallel()
	s, pool := newStore(t)
	ctx := t.Context()
	id, err := s.NextVODID(ctx)
	require.NoError(t, err)
	require.NoError(t, s.InsertBroadcast(ctx, model.Broadcast{VODID: id, InfluencerID: "STAR", Details: model.Details{Title: "x"}, ArmedAt: time.Now()}))
	for _, customer := range []string{"alarmed", "follower", "both", "left", "opted out", "of another", "stranger"} {
		require.NoError(t, s.RegisterDevice(ctx, customer+"'s phone", customer))
	}
	require.NoError(t, s.RegisterDevice(ctx, "follower's tablet", "follower"))
	for _, customer := range []string{"alarmed", "both", "opted out"} {
		require.NoError(t, s.SetAlarm(ctx, id, customer, true))
	}
	for _, customer := range []string{"follower", "both", "left", "opted out"} {
		require.NoError(t, s.SetFollower(ctx, "STAR", customer, true, 0, unseen))
		require.NoError(t, s.SetFollower(ctx, "STAR", customer, true, 0, unseen), "twice is once")
	}
	require.NoError(t, s.SetFollower(ctx, "STAR", "left", false, 0, unseen))
	require.NoError(t, s.SetFollower(ctx, "ANOTHER", "of another", true, 0, unseen))
	_, err = pool.Exec(ctx, "INSERT INTO live_not_agree (user_id) VALUES ('opted out')")
	require.NoError(t, err)
	devices, err := s.PushDevices(ctx, id, "STAR")
	require.NoError(t, err)
	require.Equal(t, []string{"alarmed's phone", "both's phone", "follower's phone", "follower's tablet"}, devices)
}

func TestLikesDoNotTouchTheRevision(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	id, err := s.NextVODID(ctx)
	require.NoError(t, err)
	require.NoError(t, s.InsertBroadcast(ctx, model.Broadcast{VODID: id, InfluencerID: "STAR", Details: model.Details{Title: "x"}, ArmedAt: time.Now()}))
	before, err := s.Broadcast(ctx, id)
	require.NoError(t, err)
	for _, on := range []bool{true, true, false, false, false} {
		require.NoError(t, s.SetLike(ctx, id, "C", on))
	}
	require.NoError(t, s.SetLike(ctx, id, "C", true))
	after, err := s.Broadcast(ctx, id)
	require.NoError(t, err)
	require.Equal(t, 1, after.LikeCount, "never below none, and none twice")
	before.LikeCount = 1
	require.Equal(t, before, after)
	require.ErrorIs(t, s.SetLike(ctx, id+1, "C", false), model.ErrNoBroadcast)
}

func TestReadyVersionFollowsTheList(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	now := time.Now().UTC().Truncate(time.Microsecond)
	insert := func(id int64) error {
		return s.InsertBroadcast(ctx, model.Broadcast{VODID: id, InfluencerID: fmt.Sprint("STAR", id), Details: model.Details{Title: "x"}, ArmedAt: now})
	}
	edit := func(change func(*model.Broadcast) error) error {
		_, err := s.EditBroadcast(ctx, 1, now, change)
		return err
	}
	steps := []struct {
		name string
		do   func() error
	}{
		{"the first", func() error { return insert(1) }},
		{"another", func() error { return insert(2) }},
		{"a like", func() error { return s.SetLike(ctx, 1, "C", true) }},
		{"a viewer", func() error { return s.CountViewers(ctx, []store.Viewer{{VODID: 1, Name: "C"}}) }},
		{"an edit", func() error { return edit(func(b *model.Broadcast) error { b.Title = "y"; return nil }) }},
		{"and back", func() error { return edit(func(b *model.Broadcast) error { b.Title = "x"; return nil }) }},
		{"a picture", func() error { return s.ShowAvatar(ctx, "STAR1", "https://image.example/1.png") }},
		{"a nickname", func() error { return s.ShowName(ctx, "STAR1", "별") }},
		{"another stream", func() error { return s.MoveToStream(ctx, "STAR1", "S2", "P2") }},
		{"gone live", func() error { _, err := s.StartBroadcast(ctx, 1, now); return err }},
		{"deleted", func() error { _, err := s.DeleteBroadcast(ctx, 2, now); return err }},
	}
	seen := map[string]string{}
	version, err := s.ReadyVersion(ctx)
	require.NoError(t, err)
	nothing := version
	for _, step := range steps {
		require.NoError(t, step.do(), step.name)
		before := version
		version, err = s.ReadyVersion(ctx)
		require.NoError(t, err)
		require.NotEqual(t, before, version, step.name)
		require.Empty(t, seen[version], step.name)
		seen[version] = step.name
		again, err := s.ReadyVersion(ctx)
		require.NoError(t, err)
		require.Equal(t, version, again)
	}
	require.Equal(t, nothing, version)
	require.NoError(t, s.SetLike(ctx, 1, "D", true), "one that is live")
	again, err := s.ReadyVersion(ctx)
	require.NoError(t, err)
	require.Equal(t, version, again)
}

func TestCouponLog(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx, at := t.Context(), time.Now().UTC().Truncate(time.Second)
	begin := func(coupon string) bool {
		first, err := s.BeginIssue(ctx, "C", coupon, at)
		require.NoError(t, err)
		return first
	}
	drop := func(coupon string) bool {
		dropped, err := s.DropIssue(ctx, "C", coupon)
		require.NoError(t, err)
		return dropped
	}
	require.True(t, begin("A"))
	require.False(t, begin("A"))
	issue, known, err := s.CouponIssue(ctx, "C", "A")
	require.NoError(t, err)
	require.True(t, known)
	require.False(t, issue.Issued)
	require.True(t, at.Equal(issue.Begun))
	require.True(t, drop("A"))
	require.False(t, drop("A"))
	require.True(t, begin("A"))
	require.True(t, begin("B"))
	require.NoError(t, s.RecordIssued(ctx, "C", "A", "X", "A"))
	require.NoError(t, s.RecordIssued(ctx, "C"))
	require.False(t, drop("A"), "issued for ever")
	pending, err := s.PendingIssues(ctx, "C", []string{"A", "B", "X", "Y"})
	require.NoError(t, err)
	require.Equal(t, []string{"B"}, pending)
	issued, err := s.IssuedCoupons(ctx, "C")
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"A": true, "B": true, "X": true}, issued)
	_, known, err = s.CouponIssue(ctx, "D", "A")
	require.NoError(t, err)
	require.False(t, known, "another's")
}

// TestOneTurnAtATime has two processes want the same job, and the one that has
// it lose its connection.
func TestOneTurnAtATime(t *testing.T) {
	t.Parallel()
	s, pool := newStore(t)
	other := store.New(pool)
	one, two := s.Turn("census"), other.Turn("census")
	t.Cleanup(func() { one.Leave(context.Background()); two.Leave(context.Background()) })
	requireTurn := func(turn *store.Turn, want bool) {
		t.Helper()
		mine, err := turn.Mine(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, mine)
	}
	requireTurn(one, true)
	requireTurn(two, false)
	requireTurn(one, true)
	_, err := pool.Exec(t.Context(), `
		SELECT pg_terminate_backend(pid) FROM pg_locks
		WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	require.NoError(t, err)
	becomes := func(turn *store.Turn) { // when Postgres has seen that the other's connection is gone
		t.Helper()
		require.Eventually(t, func() bool {
			mine, err := turn.Mine(t.Context())
			return err == nil && mine
		}, 10*time.Second, 10*time.Millisecond)
	}
	becomes(two)
	requireTurn(one, false)
	two.Leave(t.Context())
	becomes(one)
}

func TestOverdueBroadcastsAreCounted(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	now := time.Now().UTC().Truncate(time.Microsecond)
	for i, at := range []time.Duration{-time.Hour, -time.Second, time.Hour} {
		id, err := s.NextVODID(t.Context())
		require.NoError(t, err)
		due := now.Add(at)
		require.NoError(t, s.InsertBroadcast(t.Context(), model.Broadcast{
			VODID: id, InfluencerID: fmt.Sprint("star", i), MuxLivestreamID: fmt.Sprint("stream", i), Status: model.StatusReady, ArmedAt: now,
			Details: model.Details{Title: "라이브", ProductName: "상품", StartedAt: &due},
		}))
	}
	n, err := s.CountOverdue(t.Context(), now)
	require.NoError(t, err)
	require.EqualValues(t, 2, n)
	_, err = s.StartDueBroadcast(t.Context(), 1, now)
	require.NoError(t, err)
	n, err = s.CountOverdue(t.Context(), now)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
}

// TestLaterCountIsTheNewerOne has somebody change a room while another counts:
// what the count says is not older than its version.
func TestLaterCountIsTheNewerOne(t *testing.T) {
	t.Parallel()
	s, pool := newStore(t)
	const room = 7
	instance := uuid.New()
	require.NoError(t, s.RegisterInstance(t.Context(), instance))
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	changing := db.New(tx)
	require.NoError(t, changing.LockRooms(t.Context(), []int64{room}))
	_, err = changing.EnterRooms(t.Context(), db.EnterRoomsParams{
		Instance: instance, Ids: []uuid.UUID{uuid.New()}, Rooms: []int64{room}, Usernames: []string{"a"}, NameKeys: []string{"a"}, Viewers: []string{"a"},
	})
	require.NoError(t, err)
	counted := make(chan store.RoomCount, 1)
	go func() {
		counts, err := s.CountRooms(context.WithoutCancel(t.Context()), []int64{room})
		assert.NoError(t, err)
		counted <- counts[room]
	}()
	require.Eventually(t, func() bool {
		var waits bool
		err := pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
			WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted)`).Scan(&waits)
		return err == nil && waits || len(counted) > 0
	}, 10*time.Second, 10*time.Millisecond)
	counts, err := changing.CountRooms(t.Context(), []int64{room})
	require.NoError(t, err)
	require.NoError(t, tx.Commit(t.Context()))
	later := <-counted
	require.Equal(t, 1, later.People)
	require.Greater(t, later.Version, counts[0].Version)
}

// TestDeliveriesOfBroadcastsOnAirAreKept purges who was told of those that are
// over for good.
func TestDeliveriesOfBroadcastsOnAirAreKept(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx, now := t.Context(), time.Now()
	told := map[string]int64{}
	for _, name := range []string{"on air", "finished", "deleted", "just finished"} {
		id, err := s.NextVODID(ctx)
		require.NoError(t, err)
		require.NoError(t, s.InsertBroadcast(ctx, model.Broadcast{VODID: id, InfluencerID: name, MuxLivestreamID: "stream", ArmedAt: now}))
		_, err = s.StartBroadcast(ctx, id, now.Add(-100*time.Hour))
		require.NoError(t, err)
		mine, err := s.ClaimDelivery(ctx, id, "device")
		require.NoError(t, err)
		require.True(t, mine)
		told[name] = id
	}
	_, err := s.EndBroadcast(ctx, told["finished"], now.Add(-99*time.Hour))
	require.NoError(t, err)
	_, err = s.EndBroadcast(ctx, told["just finished"], now)
	require.NoError(t, err)
	_, err = s.DeleteBroadcast(ctx, told["deleted"], now.Add(-99*time.Hour))
	require.NoError(t, err)
	n, err := s.Purge(ctx, now.Add(-72*time.Hour))
	require.NoError(t, err)
	require.EqualValues(t, 2, n)
	for name, id := range told {
		gone, err := s.ClaimDelivery(ctx, id, "device")
		require.NoError(t, err)
		require.Equal(t, name == "finished" || name == "deleted", gone, name)
	}
}
