package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/embedded/embeddedtest"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// world is instances over one database and one NATS.
type world struct {
	t    *testing.T
	pool *pgxpool.Pool
	nats string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t, embeddedtest.Pool(t, 16), startNATS(t, server.RANDOM_PORT).ClientURL()}
}

func startNATS(t *testing.T, port int) *server.Server {
	t.Helper()
	engine, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoSigs: true})
	require.NoError(t, err)
	engine.Start()
	require.True(t, engine.ReadyForConnections(10*time.Second))
	t.Cleanup(engine.Shutdown)
	return engine
}

// onAir puts a broadcast on air.
func (w *world) onAir() int64 {
	w.t.Helper()
	s := store.New(w.pool)
	id, err := s.NextVODID(w.t.Context())
	require.NoError(w.t, err)
	require.NoError(w.t, s.InsertBroadcast(w.t.Context(), model.Broadcast{
		VODID: id, InfluencerID: fmt.Sprint("I", id), MuxLivestreamID: fmt.Sprint("S", id), ArmedAt: time.Now(),
		Details: model.Details{Title: "라이브"},
	}))
	_, err = s.StartBroadcast(w.t.Context(), id, time.Now())
	require.NoError(w.t, err)
	return id
}

// instance is a process that holds connections.
type instance struct {
	*Hub

	url  string
	stop func() error
}

func (w *world) instance(config Config) *instance {
	w.t.Helper()
	config.Store, config.NATSURL, config.Logger = store.New(w.pool), w.nats, slog.New(slog.DiscardHandler)
	hub, err := New(w.t.Context(), config)
	require.NoError(w.t, err)
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		vodID, _ := strconv.ParseInt(r.URL.Query().Get("vod"), 10, 64)
		err := hub.Serve(rw, r, Visitor{VODID: vodID, Viewer: r.URL.Query().Get("viewer"), Address: r.URL.Query().Get("address")})
		if err != nil {
			http.Error(rw, err.Error(), http.StatusTeapot)
		}
	}))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- hub.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		defer web.Close()
		return <-ended
	})
	w.t.Cleanup(func() { _ = stop() })
	return &instance{Hub: hub, url: "ws" + strings.TrimPrefix(web.URL, "http"), stop: stop}
}

// guest is somebody connected.
type guest struct {
	t  *testing.T
	ws *websocket.Conn
}

func (i *instance) guest(t *testing.T, vodID int64, viewer string, more ...string) *guest {
	t.Helper()
	ws, response, err := websocket.Dial(t.Context(), fmt.Sprintf("%s?vod=%d&viewer=%s%s", i.url, vodID, viewer, strings.Join(more, "")), nil)
	require.NoError(t, err)
	if response.Body != nil {
		_ = response.Body.Close()
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &guest{t, ws}
}

// entered is a guest who is in.
func (i *instance) entered(t *testing.T, vodID int64, name string) *guest {
	t.Helper()
	g := i.guest(t, vodID, "viewer-"+name)
	g.send(`{"stat":"entry","username":"` + name + `"}`)
	g.await(func(f frame) bool { return f.Username == markerIn && strings.HasPrefix(f.Message, name) })
	return g
}

func (g *guest) send(text string) {
	g.t.Helper()
	require.NoError(g.t, g.ws.Write(g.t.Context(), websocket.MessageText, []byte(text)))
}

func (g *guest) say(message string) { g.send(`{"stat":"chat","message":"` + message + `"}`) }

func (g *guest) next() (frame, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, data, err := g.ws.Read(ctx)
	if err != nil {
		return frame{}, err
	}
	var f frame
	return f, json.Unmarshal(data, &f)
}

// await reads until a frame is the one.
func (g *guest) await(is func(frame) bool) frame {
	g.t.Helper()
	for {
		f, err := g.next()
		require.NoError(g.t, err)
		if is(f) {
			return f
		}
	}
}

// awaitClose reads until the connection is closed, and tells how.
func (g *guest) awaitClose() (last frame, closed websocket.CloseError) {
	g.t.Helper()
	for {
		f, err := g.next()
		if err == nil {
			last = f
			continue
		}
		require.True(g.t, errors.As(err, &closed), "%v", err)
		return last, closed
	}
}

func (w *world) inRoom(vodID int64) (n int) {
	w.t.Helper()
	require.NoError(w.t, w.pool.QueryRow(w.t.Context(), "SELECT count(*) FROM room_user WHERE room_name = $1", vodID).Scan(&n))
	return n
}

func (w *world) views(vodID int64) (n int) {
	w.t.Helper()
	require.NoError(w.t, w.pool.QueryRow(w.t.Context(), "SELECT vod_view_count FROM media_stream WHERE vod_id = $1", vodID).Scan(&n))
	return n
}

func TestTwoInstancesAreOneRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, room := w.instance(Config{}), w.instance(Config{}), w.onAir()
	first := a.entered(t, room, "하나")
	second := b.guest(t, room, "two")
	second.send(`{"stat":"entry","username":"둘"}`)
	for _, g := range []*guest{first, second} {
		f := g.await(func(f frame) bool { return strings.HasPrefix(f.Message, "둘") })
		require.Equal(t, 2, *f.Count)
		require.Equal(t, "entry", f.Stat)
	}
	second.say("안녕")
	for _, g := range []*guest{first, second} {
		f, err := g.next()
		require.NoError(t, err)
		require.Equal(t, frame{Stat: "chat", Message: "안녕", Username: "둘"}, f)
	}
	require.NoError(t, second.ws.Close(websocket.StatusNormalClosure, ""))
	f, err := first.next()
	require.NoError(t, err)
	require.Equal(t, outFrame(1), f)
}

func TestNameIsOnePersonsAcrossInstancesAndRaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	instances, room := []*instance{w.instance(Config{}), w.instance(Config{})}, w.onAir()
	answers := make(chan frame, 20)
	for n := range cap(answers) {
		g := instances[n%2].guest(t, room, fmt.Sprint("viewer", n))
		go func() {
			_ = g.ws.Write(context.Background(), websocket.MessageText, []byte(`{"stat":"entry","username":"`+[]string{"Star", "star", "ＳＴＡＲ"}[n%3]+`"}`))
			f, _ := g.next()
			answers <- f
		}()
	}
	got := map[string]int{}
	for range cap(answers) {
		f := <-answers
		got[f.Stat+f.Code]++
	}
	require.Equal(t, map[string]int{"entry": 1, "errortaken-username": cap(answers) - 1}, got)
	require.Equal(t, 1, w.inRoom(room))
}

func TestSamePersonMayHoldANameTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, room := w.instance(Config{}), w.instance(Config{}), w.onAir()
	a.entered(t, room, "하나")
	b.entered(t, room, "하나")
	require.Equal(t, 2, w.inRoom(room))
}

func TestSilentInstanceFallsOutOfTheCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, room := w.instance(Config{Beat: 100 * time.Millisecond}), w.onAir()
	g := a.entered(t, room, "하나")
	// What an instance leaves behind that was killed.
	var dead string
	require.NoError(t, w.pool.QueryRow(t.Context(), "INSERT INTO chat_instance (id) VALUES (gen_random_uuid()) RETURNING id::text").Scan(&dead))
	_, err := w.pool.Exec(t.Context(), `INSERT INTO room_user (id, room_name, username, name_key, viewer, instance)
		SELECT gen_random_uuid(), $1, n::text, n::text, n::text, $2::uuid FROM generate_series(1, 3) n`, room, dead)
	require.NoError(t, err)
	g.await(func(f frame) bool { return f.Username == markerOut && *f.Count == 1 })
	require.Equal(t, 1, w.inRoom(room))
}

func TestInstanceThatWasGivenUpBeginsAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, room := w.instance(Config{Beat: 100 * time.Millisecond}), w.onAir()
	g := a.entered(t, room, "하나")
	_, err := w.pool.Exec(t.Context(), "DELETE FROM chat_instance")
	require.NoError(t, err)
	_, closed := g.awaitClose()
	require.Equal(t, websocket.StatusServiceRestart, closed.Code)
	require.Eventually(t, func() bool {
		var n int
		return w.pool.QueryRow(t.Context(), "SELECT count(*) FROM chat_instance").Scan(&n) == nil && n == 1
	}, 5*time.Second, 20*time.Millisecond)
	a.entered(t, room, "하나")
	require.Equal(t, 1, w.inRoom(room))
}

func TestInstanceThatEndsSendsEverybodyElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, room := w.instance(Config{}), w.instance(Config{}), w.onAir()
	stays, goes := a.entered(t, room, "하나"), b.entered(t, room, "둘")
	stopped := make(chan error, 1)
	go func() { stopped <- b.stop() }()
	_, closed := goes.awaitClose()
	require.Equal(t, websocket.StatusServiceRestart, closed.Code)
	require.NoError(t, <-stopped)
	f := stays.await(func(f frame) bool { return f.Username == markerOut })
	require.Equal(t, 1, *f.Count)
	var n int
	require.NoError(t, w.pool.QueryRow(t.Context(), "SELECT count(*) FROM chat_instance").Scan(&n))
	require.Equal(t, 1, n)
}

func TestEndReachesEverybody(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"status = 'close'", "deleted_at = now()"} {
		w := newWorld(t)
		a, b, room, other := w.instance(Config{}), w.instance(Config{}), w.onAir(), w.onAir()
		undisturbed := a.entered(t, other, "다른")
		guests := []*guest{a.entered(t, room, "하나"), b.entered(t, room, "둘"), b.guest(t, room, "silent")}
		_, err := w.pool.Exec(t.Context(), "UPDATE media_stream SET "+end+" WHERE vod_id = $1", room)
		require.NoError(t, err)
		for _, g := range guests {
			last, closed := g.awaitClose()
			require.Equal(t, endFrame(), last, end)
			require.Equal(t, websocket.StatusNormalClosure, closed.Code, end)
		}
		undisturbed.say("여기는 계속")
		f, err := undisturbed.next()
		require.NoError(t, err)
		require.Equal(t, "여기는 계속", f.Message)
		require.Eventually(t, func() bool { return w.inRoom(room) == 0 }, 5*time.Second, 20*time.Millisecond)
	}
}

func TestSilentPersonIsClosedOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, room := w.instance(Config{Ping: time.Second}), w.onAir()
	ws, _, err := websocket.Dial(t.Context(), fmt.Sprintf("%s?vod=%d&viewer=silent", a.url, room), &websocket.DialOptions{ //nolint:bodyclose // the library does
		OnPingReceived: func(context.Context, []byte) bool { return false }, // no pong is sent
	})
	require.NoError(t, err)
	silent := &guest{t, ws}
	silent.send(`{"stat":"entry","username":"말없이"}`)
	answers := a.entered(t, room, "하나")
	f := answers.await(func(f frame) bool { return f.Username == markerOut })
	require.Equal(t, 1, *f.Count)
	answers.say("아직 있어요")
	require.Equal(t, "아직 있어요", answers.await(func(f frame) bool { return f.Stat == "chat" }).Message)
	_, closed := silent.awaitClose()
	require.Equal(t, websocket.StatusGoingAway, closed.Code)
	require.Equal(t, "silent", closed.Reason)
}

func TestSlowReaderIsDroppedAndSlowsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, room := w.instance(Config{}), w.onAir()
	slow, quick := a.entered(t, room, "느림"), a.entered(t, room, "빠름")
	text := strings.Repeat("가", 450)
	ahead := make(chan struct{}, 500) // of the quick one
	dropped := make(chan struct{})
	go func() {
		defer close(dropped)
		for n := 0; !a.closesOn(room, "느림"); n++ {
			ahead <- struct{}{}
			_ = a.publish(room, event{Frames: []frame{chatFrame("빠름", fmt.Sprint(n, text))}})
		}
		_ = a.publish(room, event{Frames: []frame{chatFrame("빠름", "끝")}})
	}()
	for n := 0; ; n++ {
		f := quick.await(func(f frame) bool { return f.Stat == "chat" })
		if f.Message == "끝" {
			break
		}
		require.Equal(t, fmt.Sprint(n, text), f.Message)
		<-ahead
	}
	<-dropped
	_, closed := slow.awaitClose()
	require.Equal(t, websocket.StatusTryAgainLater, closed.Code)
	require.Equal(t, "too slow", closed.Reason)
	require.Eventually(t, func() bool { return w.inRoom(room) == 1 }, 15*time.Second, 50*time.Millisecond)
}

// closesOn tells whether somebody in the room is about to be closed on.
func (i *instance) closesOn(vodID int64, name string) bool {
	for _, c := range i.open()[vodID].all() {
		if c.user.Username == name {
			return c.isClosing()
		}
	}
	return true
}

func TestViewersAreCountedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, room, other := w.instance(Config{NewViewersPerMinute: 3}), w.instance(Config{NewViewersPerMinute: 3}), w.onAir(), w.onAir()
	var revision int
	require.NoError(t, w.pool.QueryRow(t.Context(), "SELECT revision FROM media_stream WHERE vod_id = $1", room).Scan(&revision))
	for range 3 {
		a.guest(t, room, "one")
		b.guest(t, room, "one")
		b.guest(t, room, "two")
	}
	a.guest(t, other, "one")
	require.Eventually(t, func() bool { return w.views(room) == 2 && w.views(other) == 1 }, 5*time.Second, 20*time.Millisecond)
	for n := range 10 {
		a.guest(t, room, fmt.Sprint("cookie", n), "&address=192.0.2.1")
	}
	a.guest(t, room, "elsewhere", "&address=192.0.2.2")
	require.Eventually(t, func() bool { return w.views(room) == 2+3+1 }, 5*time.Second, 20*time.Millisecond)
	var after int
	require.NoError(t, w.pool.QueryRow(t.Context(), "SELECT revision FROM media_stream WHERE vod_id = $1", room).Scan(&after))
	require.Equal(t, revision, after)
}

func TestWhoEntersWhileTheDatabaseIsAwayComesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, room := w.instance(Config{}), w.onAir()
	stays := a.entered(t, room, "하나")
	_, err := w.pool.Exec(t.Context(), "ALTER TABLE room_user RENAME TO elsewhere")
	require.NoError(t, err)
	g := a.guest(t, room, "two")
	g.send(`{"stat":"entry","username":"둘"}`)
	_, closed := g.awaitClose()
	require.Equal(t, websocket.StatusTryAgainLater, closed.Code)
	stays.say("안녕")
	require.Equal(t, "안녕", stays.await(func(f frame) bool { return f.Stat == "chat" }).Message)
	_, err = w.pool.Exec(t.Context(), "ALTER TABLE elsewhere RENAME TO room_user")
	require.NoError(t, err)
	b := a.entered(t, room, "둘")
	b.say("다시 왔어요")
	require.Equal(t, 2, w.inRoom(room))
}

func TestOneViewersConnectionsShareTheirLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, room, other := w.instance(Config{MostConnections: 2, MostMessages: 3}), w.onAir(), w.onAir()
	first := a.entered(t, room, "하나") // viewer-하나
	second := a.entered(t, room, "하나")
	_, response, err := websocket.Dial(t.Context(), fmt.Sprintf("%s?vod=%d&viewer=viewer-하나", a.url, room), nil)
	require.Error(t, err)
	require.NoError(t, response.Body.Close())
	a.entered(t, other, "하나")
	for range 2 {
		first.say("하나 더")
	}
	for range 2 {
		second.await(func(f frame) bool { return f.Stat == "chat" })
	}
	second.say("셋")
	first.await(func(f frame) bool { return f.Message == "셋" })
	second.say("넷")
	second.await(func(f frame) bool { return f.Code == errRateLimited.Code })
	require.NoError(t, first.ws.Close(websocket.StatusNormalClosure, ""))
	require.NoError(t, second.ws.Close(websocket.StatusNormalClosure, ""))
	require.Eventually(t, func() bool { return w.inRoom(room) == 0 }, 5*time.Second, 20*time.Millisecond)
	again := a.entered(t, room, "하나")
	again.say("또")
	again.await(func(f frame) bool { return f.Code == errRateLimited.Code })
	fourth := a.guest(t, room, "viewer-하나")
	fourth.send(`{"stat":"entry","username":"하나"}`)
	fourth.await(func(f frame) bool { return f.Code == errRateLimited.Code })
}

func TestThoseWhoComeTogetherAreOneEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hub, err := New(t.Context(), Config{Store: store.New(w.pool), NATSURL: w.nats, Logger: slog.New(slog.DiscardHandler)}) // which does not run
	require.NoError(t, err)
	t.Cleanup(hub.engine.stop)
	id := w.onAir()
	room, err := hub.join(id)
	require.NoError(t, err)
	var together []change
	for n := range 3 {
		c := newConn(room, fmt.Sprint("viewer", n))
		c.user.Username, c.user.NameKey = fmt.Sprint("손님", n), fmt.Sprint("손님", n)
		together = append(together, change{c, make(chan error, 1)})
	}
	heard, err := hub.engine.SubscribeSync(subject(id))
	require.NoError(t, err)
	flush := func(changes ...change) []frame {
		hub.roll.pending = changes
		require.True(t, hub.roll.flush(t.Context()))
		message, err := heard.NextMsg(5 * time.Second)
		require.NoError(t, err)
		var e event
		require.NoError(t, json.Unmarshal(message.Data, &e))
		return e.Frames
	}
	require.Equal(t, []frame{inFrame("손님0", 1), inFrame("손님1", 2), inFrame("손님2", 3)}, flush(together...))
	for _, c := range together {
		require.NoError(t, <-c.answer)
	}
	require.Equal(t, []frame{outFrame(2), outFrame(1)}, flush(change{conn: together[0].conn}, change{conn: together[2].conn}))
	require.NoError(t, hub.engine.Flush())
	left, _, err := heard.Pending()
	require.NoError(t, err)
	require.Zero(t, left)
}

func TestWhoComesAsTheRoomEndsIsToldOnce(t *testing.T) {
	t.Parallel()
	h := &Hub{Config: Config{Logger: slog.New(slog.DiscardHandler)}}
	var err error
	h.measures, err = newMeasures()
	require.NoError(t, err)
	for range 50 {
		r := newRoom(h, 1)
		conns := make([]*conn, 2000)
		for i := range conns {
			conns[i] = newConn(r, "viewer")
			conns[i].writing = true // so that what is queued stays
		}
		half := make(chan struct{})
		var both sync.WaitGroup
		both.Go(func() {
			for i, c := range conns {
				if i == 10 {
					close(half)
				}
				r.add(c)
			}
		})
		both.Go(func() { <-half; r.end() })
		both.Wait()
		for _, c := range conns {
			c.mu.Lock()
			told := len(c.queue)
			c.mu.Unlock()
			require.Equal(t, 1, told)
		}
	}
}

func TestViewersWhoCouldNotBeCountedCostNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	room, v := w.onAir(), newViews(store.New(w.pool), 3)
	for n := range 3 {
		v.saw(store.Viewer{VODID: room, Name: fmt.Sprint("cookie", n)}, "192.0.2.1")
	}
	_, err := w.pool.Exec(t.Context(), "ALTER TABLE media_stream RENAME vod_view_count TO elsewhere")
	require.NoError(t, err)
	require.Error(t, v.flush(t.Context()))
	_, err = w.pool.Exec(t.Context(), "ALTER TABLE media_stream RENAME elsewhere TO vod_view_count")
	require.NoError(t, err)
	require.NoError(t, v.flush(t.Context()))
	require.Equal(t, 3, w.views(room))
}
