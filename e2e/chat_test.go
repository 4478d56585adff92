package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
)

// process is an API process beside the one of the system.
type process struct {
	address string
	kill    func() // as kill -9 does
}

func (s *system) startAPI(t *testing.T, env ...string) process {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := process{address: listener.Addr().String()}
	require.NoError(t, listener.Close())
	cmd := exec.Command(s.program, "api")
	cmd.Env = append(append(append(os.Environ(), hurry...), s.env...), append(env, "HTTP_ADDR="+p.address)...)
	cmd.Stdout, cmd.Stderr = s.output, s.output
	require.NoError(t, cmd.Start())
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	p.kill = sync.OnceFunc(func() { _ = cmd.Process.Kill(); <-done })
	t.Cleanup(p.kill)
	require.Eventually(t, func() bool {
		got, err := try("GET", "http://"+p.address+"/ping/", "", nil)
		return err == nil && got.status == 200
	}, 30*time.Second, 50*time.Millisecond)
	return p
}

// startNATS is an engine that API processes share, and its address.
func startNATS(t *testing.T) string {
	t.Helper()
	engine, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true})
	require.NoError(t, err)
	engine.Start()
	t.Cleanup(engine.Shutdown)
	require.True(t, engine.ReadyForConnections(10*time.Second))
	return engine.ClientURL()
}

// onAir is a broadcast that was started by hand.
func (s *system) onAir(t *testing.T) (*seller, int) {
	t.Helper()
	star := s.newSeller(t)
	id := star.reserve(t, nil)
	require.Equal(t, 202, star.command(t, "/media/start/", id).status)
	return star, id
}

// chatFrame is what the room says.
type chatFrame struct {
	Stat, Code, Message, Username string
	Count                         *int
}

// guest is a connection to a room.
type guest struct {
	ws     *websocket.Conn
	status int // of the handshake
	header http.Header
	cookie string
}

func dial(address, path string, header http.Header) (*guest, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	ws, response, err := websocket.Dial(ctx, "ws://"+address+path, &websocket.DialOptions{HTTPHeader: header}) //nolint:bodyclose // the library does
	if response == nil {
		return nil, err
	}
	return &guest{ws: ws, status: response.StatusCode, header: response.Header}, err
}

// come connects somebody who has a cookie of their own.
func come(t *testing.T, address string, id int, cookie string) *guest {
	t.Helper()
	g, err := dial(address, fmt.Sprintf("/ws/chat/%d/", id), http.Header{"Cookie": {"viewer=" + cookie}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = g.ws.CloseNow() })
	g.cookie = cookie
	return g
}

func enter(t *testing.T, address string, id int, name string) *guest {
	t.Helper()
	g := come(t, address, id, rand.Text())
	g.send(t, map[string]any{"stat": "entry", "username": name})
	f := g.await(t, func(f chatFrame) bool { return f.Username == "USERIN" && strings.Contains(f.Message, name) })
	require.Equal(t, "entry", f.Stat)
	return g
}

func (g *guest) write(t *testing.T, kind websocket.MessageType, data []byte) {
	t.Helper()
	require.NoError(t, g.ws.Write(t.Context(), kind, data))
}

func (g *guest) send(t *testing.T, what any) {
	t.Helper()
	data, err := json.Marshal(what)
	require.NoError(t, err)
	g.write(t, websocket.MessageText, data)
}

func (g *guest) read() (chatFrame, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	_, data, err := g.ws.Read(ctx)
	if err != nil {
		return chatFrame{}, err
	}
	var f chatFrame
	return f, json.Unmarshal(data, &f)
}

func (g *guest) await(t *testing.T, is func(chatFrame) bool) chatFrame {
	t.Helper()
	for {
		f, err := g.read()
		require.NoError(t, err)
		if is(f) {
			return f
		}
	}
}

// awaitClose reads until the connection is closed.
func (g *guest) awaitClose(t *testing.T) (last chatFrame, code websocket.StatusCode) {
	t.Helper()
	for {
		f, err := g.read()
		if err == nil {
			last = f
			continue
		}
		var closed websocket.CloseError
		require.True(t, errors.As(err, &closed), "%v", err)
		return last, closed.Code
	}
}

func (s *system) views(t *testing.T, id int) int {
	t.Helper()
	return int(s.media(t, id)["vod_view_count"].(float64))
}

func TestChatHandshake(t *testing.T) {
	star, id := shared.onAir(t)
	ready, gone := star.reserve(t, nil), shared.newSeller(t)
	deleted := gone.reserve(t, nil)
	require.Equal(t, 202, gone.command(t, "/media/start/", deleted).status)
	require.Equal(t, 202, gone.command(t, "/media/delete/", deleted).status)
	for _, room := range []string{strconv.Itoa(ready), strconv.Itoa(deleted), "999999999", "0", "-1", "x", "99999999999999999999"} {
		g, err := dial(shared.api, "/ws/chat/"+room+"/", nil)
		require.Error(t, err, room)
		require.Equal(t, 403, g.status, room)
		got := shared.call(t, "GET", "/ws/chat/"+room, "", nil)
		require.Equal(t, 403, got.status, room)
		requireError(t, got, room)
	}
	got := shared.call(t, "GET", fmt.Sprintf("/ws/chat/%d/", id), "", nil)
	require.Equal(t, 400, got.status)
	requireError(t, got, "no handshake")

	for _, slash := range []string{"", "/"} {
		g, err := dial(shared.api, fmt.Sprint("/ws/chat/", id, slash), nil)
		require.NoError(t, err)
		require.NoError(t, g.ws.CloseNow())
		cookie := g.header.Get("Set-Cookie")
		require.Regexp(t, `^viewer=[A-Za-z0-9_-]{22,};`, cookie)
		for _, attribute := range []string{"HttpOnly", "Secure", "SameSite=Lax", "Max-Age=31536000", "Path=/"} {
			require.Contains(t, cookie, attribute)
		}
	}
	require.Eventually(t, func() bool { return shared.views(t, id) == 2 }, 5*time.Second, 50*time.Millisecond)

	fan := shared.newPerson(t, members)
	for _, way := range []struct {
		query  string
		header http.Header
	}{{"", http.Header{"Custom-Token": {fan.token}}}, {"?token=" + fan.token, nil}} {
		g, err := dial(shared.api, fmt.Sprint("/ws/chat/", id, way.query), way.header)
		require.NoError(t, err)
		require.NoError(t, g.ws.CloseNow())
		require.Empty(t, g.header.Get("Set-Cookie"))
	}
	g, err := dial(shared.api, fmt.Sprint("/ws/chat/", id, "?token=nonsense"), http.Header{"Cookie": {"viewer=" + rand.Text()}})
	require.NoError(t, err)
	require.Empty(t, g.header.Get("Set-Cookie"))
	require.NoError(t, g.ws.CloseNow())
	require.Eventually(t, func() bool { return shared.views(t, id) == 4 }, 5*time.Second, 50*time.Millisecond)
	require.NotContains(t, shared.output.String(), fan.token)
}

func TestChatFrames(t *testing.T) {
	_, id := shared.onAir(t)
	watcher := enter(t, shared.api, id, "지켜보는이")
	entry := func(name any) map[string]any { return map[string]any{"stat": "entry", "username": name} }
	for name, test := range map[string]struct {
		before []any // sent first, and fine
		sent   any   // bytes are sent as they are
		code   string
	}{
		"chat before entry":    {nil, map[string]any{"stat": "chat", "message": "m"}, "entry-required"},
		"no stat before entry": {nil, map[string]any{"message": "m"}, "entry-required"},
		"end before entry":     {nil, map[string]any{"stat": "end"}, "entry-required"},
		"entry twice":          {[]any{entry("두번")}, entry("세번"), "already-entered"},
		"forged end":           {[]any{entry("가짜")}, map[string]any{"stat": "end", "message": "x", "username": "LIVEEND"}, "forbidden"},
		"no name":              {nil, map[string]any{"stat": "entry"}, "bad-username"},
		"empty name":           {nil, entry(""), "bad-username"},
		"name is a number":     {nil, entry(7), "bad-username"},
		"long name":            {nil, entry(strings.Repeat("가", 31)), "bad-username"},
		"control characters":   {nil, entry("a\x00b"), "bad-username"},
		"USERIN":               {nil, entry("USERIN"), "bad-username"},
		"userout":              {nil, entry("userout"), "bad-username"},
		"LiveEnd":              {nil, entry("LiveEnd"), "bad-username"},
		"another's name":       {nil, entry("지켜보는이"), "taken-username"},
		"no JSON":              {[]any{entry("글자")}, []byte("hello"), "bad-frame"},
		"an array":             {[]any{entry("배열")}, []byte(`["stat"]`), "bad-frame"},
		"cut off":              {[]any{entry("잘림")}, []byte(`{"stat":"chat","mess`), "bad-frame"},
		"null":                 {[]any{entry("없음")}, []byte(`null`), "bad-frame"},
		"not UTF-8":            {[]any{entry("바이트")}, []byte("{\"message\":\"\xff\"}"), "bad-frame"},
		"empty message":        {[]any{entry("빈말")}, map[string]any{"stat": "chat", "message": ""}, "bad-frame"},
		"no message":           {[]any{entry("말없음")}, map[string]any{"stat": "chat"}, "bad-frame"},
		"message is an object": {[]any{entry("물건")}, map[string]any{"stat": "chat", "message": map[string]any{}}, "bad-frame"},
		"501 characters":       {[]any{entry("길다")}, map[string]any{"stat": "chat", "message": strings.Repeat("가", 501)}, "too-long"},
	} {
		g := come(t, shared.api, id, rand.Text())
		for _, fine := range test.before {
			g.send(t, fine)
			f := g.await(t, func(f chatFrame) bool { return true })
			require.Equal(t, "USERIN", f.Username, "%s: %+v", name, f)
		}
		switch sent := test.sent.(type) {
		case []byte:
			g.write(t, websocket.MessageText, sent)
		default:
			g.send(t, sent)
		}
		f, err := g.read()
		require.NoError(t, err, name)
		require.Equal(t, "error", f.Stat, "%s: %+v", name, f)
		require.Equal(t, test.code, f.Code, name)
		require.NotEmpty(t, f.Message, name)
		// The connection was kept.
		if test.before == nil {
			g.send(t, entry("그대로"))
			g.await(t, func(f chatFrame) bool { return f.Username == "USERIN" })
		}
		g.send(t, map[string]any{"message": "여전히 " + name, "username": "지켜보는이"})
		f = g.await(t, func(f chatFrame) bool { return f.Stat == "chat" })
		require.Equal(t, "여전히 "+name, f.Message)
		require.NotEqual(t, "지켜보는이", f.Username)
		require.NoError(t, g.ws.Close(websocket.StatusNormalClosure, ""))
		// Nobody else heard of the error, and everybody of the rest.
		for _, want := range []string{"USERIN", f.Username, "USEROUT"} {
			heard, err := watcher.read()
			require.NoError(t, err)
			require.Equal(t, want, heard.Username, "%s: %+v", name, heard)
			require.NotEqual(t, "error", heard.Stat, name)
			if want == "USEROUT" {
				require.Equal(t, "USEROUT", heard.Message)
				require.Equal(t, 1, *heard.Count)
			}
		}
	}

	binary := enter(t, shared.api, id, "이진")
	binary.write(t, websocket.MessageBinary, []byte(`{"stat":"chat","message":"m"}`))
	f, err := binary.read()
	require.NoError(t, err)
	require.Equal(t, "bad-frame", f.Code)

	big := enter(t, shared.api, id, "크다")
	big.write(t, websocket.MessageText, fmt.Appendf(nil, `{"stat":"chat","message":"m","more":"%s"}`, strings.Repeat("x", 300<<10)))
	_, code := big.awaitClose(t)
	require.Equal(t, websocket.StatusMessageTooBig, code)

	flood := enter(t, shared.api, id, "홍수")
	go func() {
		for range 50 {
			_ = flood.ws.Write(context.Background(), websocket.MessageText, []byte(`{"stat":"chat","message":"물"}`))
		}
	}()
	refused := 0
	for {
		f, err := flood.read()
		if err != nil {
			require.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err), "%v", err)
			break
		}
		if f.Code == "rate-limited" {
			refused++
		}
	}
	require.Equal(t, 10, refused)
	said := 0
	watcher.await(t, func(f chatFrame) bool {
		if f.Username == "홍수" {
			said++
		}
		return said > 0 && f.Username == "USEROUT"
	})
	require.Equal(t, 10, said)
	watcher.send(t, map[string]any{"message": "조용하네요"})
	watcher.await(t, func(f chatFrame) bool { return f.Message == "조용하네요" })
}

// crowd is people in one room over several processes, and what each heard.
type crowd struct {
	guests []*guest
	heard  [][]string
	wait   sync.WaitGroup
}

func (c *crowd) enter(t *testing.T, id, people int, processes ...process) {
	t.Helper()
	for i := range people {
		c.guests = append(c.guests, enter(t, processes[i%len(processes)].address, id, fmt.Sprint("손님", i)))
	}
}

// hear lets everybody listen until they heard so many messages.
func (c *crowd) hear(messages int) {
	c.heard = make([][]string, len(c.guests))
	for i, g := range c.guests {
		c.wait.Go(func() {
			for len(c.heard[i]) < messages {
				f, err := g.read()
				if err != nil {
					return
				}
				if f.Stat == "chat" {
					c.heard[i] = append(c.heard[i], f.Username+" "+f.Message)
				}
			}
		})
	}
}

func TestOneRoomOverTwoProcesses(t *testing.T) {
	star, id := shared.onAir(t)
	star.connect(t)
	engine := "NATS_URL=" + startNATS(t)
	one, two := shared.startAPI(t, engine), shared.startAPI(t, engine)
	const people, speakers, each = 200, 20, 5
	var c crowd
	c.enter(t, id, people, one, two)
	require.Eventually(t, func() bool { return shared.views(t, id) == people }, 5*time.Second, 50*time.Millisecond)

	c.hear(speakers * each)
	for n := range each { // 20 a second
		for _, speaker := range c.guests[:speakers] {
			speaker.send(t, map[string]any{"stat": "chat", "message": strconv.Itoa(n)})
			<-time.After(50 * time.Millisecond)
		}
	}
	c.wait.Wait()
	for i, heard := range c.heard {
		require.Len(t, heard, speakers*each, "guest %d was dropped", i)
		next := map[string]int{}
		for _, message := range heard {
			speaker, n, _ := strings.Cut(message, " ")
			require.Equal(t, strconv.Itoa(next[speaker]), n, "guest %d heard %s twice or out of order", i, speaker)
			next[speaker]++
		}
		require.Len(t, next, speakers)
	}

	// One process is killed. Its people come back to the other.
	two.kill()
	killed := time.Now()
	for i := 1; i < people; i += 2 {
		old := c.guests[i]
		c.guests[i] = come(t, one.address, id, old.cookie)
		c.guests[i].send(t, map[string]any{"stat": "entry", "username": fmt.Sprint("손님", i)})
		f := c.guests[i].await(t, func(f chatFrame) bool {
			return f.Stat == "error" || strings.HasSuffix(f.Message, "입장하셨습니다")
		})
		require.Equal(t, "USERIN", f.Username, "%+v", f)
	}
	for f := (chatFrame{}); f.Count == nil || *f.Count != people; {
		f = c.guests[0].await(t, func(f chatFrame) bool { return f.Count != nil })
		require.Less(t, time.Since(killed), 30*time.Second, "count is still %d", *f.Count)
	}
	require.Equal(t, people, shared.views(t, id))

	// The stream goes away, and the show ends by itself.
	star.disconnect(t)
	require.Eventually(t, func() bool { return shared.status(t, id) != "live" }, 20*time.Second, 50*time.Millisecond)
	ended := time.Now()
	for i, g := range c.guests {
		last, code := g.awaitClose(t)
		require.Equal(t, chatFrame{Stat: "end", Message: last.Message, Username: "LIVEEND"}, last, "guest %d", i)
		require.Equal(t, websocket.StatusNormalClosure, code)
	}
	require.Less(t, time.Since(ended), 10*time.Second)
}

func TestOrderedEndOfAProcess(t *testing.T) {
	_, id := shared.onAir(t)
	g := enter(t, shared.api, id, "손님")
	old := shared.pid(t, "api")
	require.NoError(t, syscall.Kill(old, syscall.SIGTERM))
	_, code := g.awaitClose(t)
	require.Equal(t, websocket.StatusServiceRestart, code)
	require.Eventually(t, func() bool { return shared.pid(t, "api") != old && shared.answers() }, time.Minute, 100*time.Millisecond)
	enter(t, shared.api, id, "손님")
}
