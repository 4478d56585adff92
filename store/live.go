package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/byeolshow/byeolshow/store/db"
)

// RoomUser is one entered chat connection.
type RoomUser struct {
	ID       uuid.UUID
	Room     int64 // VODID
	Username string
	NameKey  string // Username as it is compared
	Viewer   string
}

// RoomCount is how many connections had entered a room. Of two counts of a
// room the one with the higher version is the later.
type RoomCount struct {
	People  int
	Version int64
}

// Viewer is somebody who watches a broadcast.
type Viewer struct {
	VODID int64
	Name  string // customer id or cookie hash
}

// RegisterInstance makes a process that holds chat connections known.
func (s *Store) RegisterInstance(ctx context.Context, id uuid.UUID) error {
	return wrap("register instance", s.queries.RegisterInstance(ctx, id))
}

// Heartbeat tells that an instance lives, and answers how many others do. One
// that was silent for too long may have been given up, with all its users: it
// is not known.
func (s *Store) Heartbeat(ctx context.Context, id uuid.UUID, silence time.Duration) (others int, known bool, err error) {
	n, err := s.queries.Heartbeat(ctx, db.HeartbeatParams{ID: id, Silence: silence.Seconds()})
	if missing(err) {
		return 0, false, nil
	}
	return int(n), err == nil, wrap("heartbeat", err)
}

// DropInstance forgets an instance and whoever is connected to it.
func (s *Store) DropInstance(ctx context.Context, id uuid.UUID) error {
	return wrap("drop instance", s.queries.DropInstance(ctx, id))
}

// DropSilentInstances gives up instances without a heartbeat for that long, and
// whoever was connected to them.
func (s *Store) DropSilentInstances(ctx context.Context, silence time.Duration) error {
	return wrap("drop silent instances", s.queries.DropSilentInstances(ctx, silence.Seconds()))
}

// CountRooms tells how many connections have entered each room. It waits for
// whoever changes one of them: only then is a later version a later count.
func (s *Store) CountRooms(ctx context.Context, rooms []int64) (counts map[int64]RoomCount, err error) {
	rooms = slices.Sorted(slices.Values(rooms))
	err = s.inTx(ctx, func(q *db.Queries) error {
		if err := q.LockRooms(ctx, rooms); err != nil {
			return wrap("lock rooms", err)
		}
		counts, err = countRooms(ctx, q, rooms)
		return err
	})
	return counts, err
}

// ChangeRooms lets connections leave rooms and others enter them, and answers
// who did, and how many are in each room afterwards. A connection does not
// enter while somebody else has its name in the room.
func (s *Store) ChangeRooms(ctx context.Context, instance uuid.UUID, leaving, entering []RoomUser) (changed map[uuid.UUID]bool, counts map[int64]RoomCount, err error) {
	touched := map[int64]bool{}
	left := make([]uuid.UUID, 0, len(leaving))
	for _, user := range leaving {
		touched[user.Room] = true
		left = append(left, user.ID)
	}
	in := db.EnterRoomsParams{Instance: instance}
	for _, user := range entering {
		touched[user.Room] = true
		in.Ids = append(in.Ids, user.ID)
		in.Rooms = append(in.Rooms, user.Room)
		in.Usernames = append(in.Usernames, user.Username)
		in.NameKeys = append(in.NameKeys, user.NameKey)
		in.Viewers = append(in.Viewers, user.Viewer)
	}
	rooms := slices.Sorted(maps.Keys(touched))
	changed = map[uuid.UUID]bool{}
	err = s.inTx(ctx, func(q *db.Queries) error {
		if err := q.LockRooms(ctx, rooms); err != nil {
			return wrap("lock rooms", err)
		}
		gone, err := q.LeaveRooms(ctx, left)
		if err != nil {
			return wrap("leave rooms", err)
		}
		come, err := q.EnterRooms(ctx, in)
		if err != nil {
			return wrap("enter rooms", err)
		}
		for _, id := range slices.Concat(gone, come) {
			changed[id] = true
		}
		counts, err = countRooms(ctx, q, rooms)
		return err
	})
	return changed, counts, err
}

func countRooms(ctx context.Context, q *db.Queries, rooms []int64) (map[int64]RoomCount, error) {
	rows, err := q.CountRooms(ctx, rooms)
	counts := make(map[int64]RoomCount, len(rows))
	for _, row := range rows {
		counts[row.Name] = RoomCount{People: int(row.People), Version: row.Version}
	}
	return counts, wrap("count rooms", err)
}

// RoomsOver are those of the rooms whose broadcast is not on air.
func (s *Store) RoomsOver(ctx context.Context, rooms []int64) ([]int64, error) {
	over, err := s.queries.RoomsOver(ctx, rooms)
	return over, wrap("list rooms that are over", err)
}

// NewViewers are those who have not been counted.
func (s *Store) NewViewers(ctx context.Context, seen []Viewer) ([]Viewer, error) {
	ids, names := splitViewers(seen)
	rows, err := s.queries.NewViewers(ctx, db.NewViewersParams{VodIds: ids, Viewers: names})
	viewers := make([]Viewer, 0, len(rows))
	for _, row := range rows {
		viewers = append(viewers, Viewer{VODID: row.VODID, Name: row.Viewer})
	}
	return viewers, wrap("list new viewers", err)
}

// CountViewers counts viewers, each once per broadcast however often it is
// asked to.
func (s *Store) CountViewers(ctx context.Context, seen []Viewer) error {
	ids, names := splitViewers(seen)
	return s.inTx(ctx, func(q *db.Queries) error {
		if err := q.LockViewerCounts(ctx); err != nil { // two at once could wait for each other's rows
			return wrap("lock viewer counts", err)
		}
		return wrap("count viewers", q.CountViewers(ctx, db.CountViewersParams{VodIds: ids, Viewers: names}))
	})
}

func splitViewers(viewers []Viewer) (ids []int64, names []string) {
	for _, viewer := range viewers {
		ids, names = append(ids, viewer.VODID), append(names, viewer.Name)
	}
	return ids, names
}
