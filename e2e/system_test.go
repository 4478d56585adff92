// Package e2e drives the whole running system over HTTP, as its users do, and
// has bad days happen to it.
package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// system is byeolshow as `make run` starts it, on a data folder and ports of
// its own. Its worker is a process the tests can kill.
type system struct {
	dir, program      string
	api, sandbox      string
	env               []string
	besides           []string // variables of dev and worker, besides the house's
	dev               *exec.Cmd
	devDone           chan struct{}
	worker            *exec.Cmd
	workerDone        chan struct{}
	output            *lockedBuffer
	temporal, console string
	codec             string
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

var shared *system

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "byeolshow-e2e-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // Postgres is another user
		return 1, err
	}
	program := filepath.Join(dir, "byeolshow")
	build := exec.Command("go", "build", "-o", program, "./cmd/byeolshow")
	build.Dir = ".."
	if output, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build: %w\n%s", err, output)
	}
	if shared, err = newSystem(program, filepath.Join(dir, "data")); err != nil {
		return 1, err
	}
	defer shared.stop()
	if err := shared.start(); err != nil {
		return 1, fmt.Errorf("%w\n%s", err, shared.output)
	}
	contract, err := enforceContract(shared.api)
	if err != nil {
		return 1, err
	}
	code := m.Run()
	for _, breach := range contract.breaches {
		fmt.Fprintln(os.Stderr, breach)
		code = 1
	}
	if code != 0 {
		fmt.Fprintln(os.Stderr, shared.output)
	}
	return code, nil
}

// newSystem is one on ports that are free.
func newSystem(program, dir string, besides ...string) (*system, error) {
	s := &system{dir: dir, program: program, output: &lockedBuffer{}, besides: besides}
	for _, address := range []*string{&s.api, &s.sandbox, &s.temporal, &s.console, &s.codec} {
		var err error
		if *address, err = freeAddress(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// start starts everything and waits until it answers.
func (s *system) start() error {
	if err := s.startDev(); err != nil {
		return err
	}
	s.startWorker()
	return nil
}

// hurry are rules that take less time than those of the house.
var hurry = []string{
	"BROADCAST_RECORDING_WAIT=10s", "LIMIT_LOGIN_PER_MINUTE=1000", "ORDER_UNPAID_AFTER=20s", "ORDER_VBANK_GRACE=12s",
	"PAYMENT_POLL=2s", "REFUND_POLL=2s", "ORDER_ARRIVAL_POLL=20s", "CHECKOUT_SETTLING=1s", "CHECKOUT_TAP_WINDOW=5s", "STUCK_STEP=25s", "STUCK_NOTICE=3s",
	"SIGN_UP_PATIENCE=10s", "LIMIT_FIND_ID_PER_MINUTE=1000", "LIMIT_RESET_MAIL_PER_HOUR=1000", "LIMIT_RESET_MAIL_PER_ADDRESS=1000",
	"LIMIT_PASSWORD_RESET_PER_HOUR=1000", "LIMIT_CHECK_ALIAS_PER_MINUTE=1000", "LIMIT_SIGN_UP_PER_MINUTE=10000",
	"IMAGE_UPLOAD_PATIENCE=3s",
	"LIMIT_VIEWERS_PER_MINUTE=100000",
}

func (s *system) startDev() error {
	s.dev = exec.Command(s.program, "dev", "--without", "worker")
	s.dev.Dir = ".."
	s.dev.Env = append(os.Environ(), slices.Concat([]string{
		"DATA_DIR=" + s.dir, "HTTP_ADDR=" + s.api, "SANDBOX_ADDR=" + s.sandbox,
		"TEMPORAL_DEV_ADDR=" + s.temporal, "TEMPORAL_UI_ADDR=" + s.console, "CODEC_ADDR=" + s.codec, "SANDBOX_AUTO_ENCODER=off",
	}, hurry, s.besides)...)
	s.dev.Stdout, s.dev.Stderr = s.output, s.output
	before := strings.Count(s.output.String(), "byeolshow is up")
	if err := s.dev.Start(); err != nil {
		return err
	}
	s.devDone = make(chan struct{})
	go func() { _ = s.dev.Wait(); close(s.devDone) }()
	deadline := time.After(10 * time.Minute) // a first build of Temporal takes minutes
	for strings.Count(s.output.String(), "byeolshow is up") == before {
		select {
		case <-s.devDone:
			lines := strings.Split(strings.TrimSpace(s.output.String()), "\n")
			return fmt.Errorf("dev ended: %s", strings.Join(lines[max(0, len(lines)-5):], "\n"))
		case <-deadline:
			return fmt.Errorf("dev is not up in time")
		case <-time.After(50 * time.Millisecond):
		}
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "run", "env"))
	if err != nil {
		return err
	}
	s.env = nil
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		s.env = append(s.env, name+"="+strings.Trim(value, "'"))
	}
	return nil
}

func (s *system) startWorker() {
	s.worker = exec.Command(s.program, "worker")
	s.worker.Env = slices.Concat(os.Environ(), hurry, s.env, s.besides)
	s.worker.Stdout, s.worker.Stderr = s.output, s.output
	if err := s.worker.Start(); err != nil {
		panic(err)
	}
	s.workerDone = make(chan struct{})
	go func(w *exec.Cmd, done chan struct{}) { _ = w.Wait(); close(done) }(s.worker, s.workerDone)
}

// killWorker is a kill -9.
func (s *system) killWorker() {
	_ = s.worker.Process.Kill()
	<-s.workerDone
}

// killEverything is a kill -9 of every process of the system.
func (s *system) killEverything() {
	s.killWorker()
	_ = s.dev.Process.Signal(syscall.SIGSTOP) // so that it revives nothing
	files, _ := filepath.Glob(filepath.Join(s.dir, "run", "*.pid"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	_ = s.dev.Process.Kill()
	<-s.devDone
}

func (s *system) stop() {
	if s.worker != nil {
		s.killWorker()
	}
	if s.dev == nil || s.dev.Process == nil {
		return
	}
	_ = s.dev.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.devDone:
	case <-time.After(time.Minute):
		_ = s.dev.Process.Kill()
	}
}

func (s *system) variable(name string) string {
	for _, line := range s.env {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	return ""
}

// answer is what an HTTP call brought.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// object reads the answer as a JSON object.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var object map[string]any
	require.NoError(t, json.Unmarshal(a.body, &object), "%d %s", a.status, a.body)
	return object
}

func (a answer) list(t *testing.T) []map[string]any {
	t.Helper()
	var list []map[string]any
	require.NoError(t, json.Unmarshal(a.body, &list), "%d %s", a.status, a.body)
	return list
}

// call makes a request. Body is encoded as JSON unless it is bytes.
func call(t *testing.T, method, url, token string, body any, headers ...string) answer {
	t.Helper()
	got, err := try(method, url, token, body, headers...)
	require.NoError(t, err)
	return got
}

// plain follows no redirects.
var plain = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// try is call on a day on which nobody may answer.
func try(method, url, token string, body any, headers ...string) (answer, error) {
	payload, isBytes := body.([]byte)
	if !isBytes && body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		payload = encoded
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(payload))
	if err != nil {
		return answer{}, err
	}
	if token != "" {
		request.Header.Set("Custom-Token", token)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := plain.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, text}, err
}

func readFile(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(text)
}

func (s *system) call(t *testing.T, method, path, token string, body any) answer {
	t.Helper()
	return call(t, method, "http://"+s.api+path, token, body)
}

func (s *system) control(t *testing.T, method, path string, body any) answer {
	t.Helper()
	got := call(t, method, "http://"+s.sandbox+"/control"+path, "", body)
	require.Less(t, got.status, 300, "%s %s: %s", method, path, got.body)
	return got
}

func (s *system) logIn(t *testing.T, userID, password string) string {
	t.Helper()
	got := s.call(t, "POST", "/user/auth/", "", map[string]string{"userId": userID, "password": password})
	require.Equal(t, 200, got.status, string(got.body))
	return got.header.Get("Custom-Token")
}

// The demo shop's groups.
const (
	influencers = "GRPZNFUENCER"
	members     = "GRPMEMBER234"
)

// person is a member made for one test.
type person struct {
	id, userID, token string
}

func (s *system) newPerson(t *testing.T, group string) person {
	t.Helper()
	name := "t" + strings.ToLower(rand.Text()[:10])
	got := call(t, "POST", "http://"+s.sandbox+"/clayful/v1/customers", "", map[string]any{
		"userId": name, "email": name + "@byeolshow.example", "password": "pass1234!", "alias": name,
		"groups": []string{group}, "meta": map[string]any{"active": true},
	}, "Authorization", "Bearer "+s.variable("CLAYFUL_TOKEN"))
	require.Equal(t, 201, got.status, string(got.body))
	return person{got.object(t)["_id"].(string), name, s.logIn(t, name, "pass1234!")}
}

// seller is an influencer with a stream.
type seller struct {
	person

	s   *system
	key string
}

func (s *system) newSeller(t *testing.T) *seller {
	t.Helper()
	who := s.newPerson(t, influencers)
	got := s.call(t, "GET", "/influencer/streamkey/", who.token, nil)
	require.Equal(t, 200, got.status, string(got.body))
	return &seller{who, s, got.object(t)["success"].(map[string]any)["Stream_key"].(string)}
}

func reservation(at *time.Time) map[string]any {
	body := map[string]any{
		"title": "라이브", "notice": nil, "description": nil, "product_id": nil, "product_name": "상품", "product_price": 1000,
		"product_sale": 900, "product_brand": nil, "product_thumbnail": nil, "product_list": []string{}, "started_at": nil,
	}
	if at != nil {
		body["started_at"] = at.Format(time.RFC3339)
	}
	return body
}

func (p *seller) reserve(t *testing.T, at *time.Time) int {
	t.Helper()
	got := p.s.call(t, "POST", "/media/reserve/", p.token, reservation(at))
	require.Equal(t, 202, got.status, string(got.body))
	return int(got.object(t)["success"].(map[string]any)["data"].(map[string]any)["vod_id"].(float64))
}

func (p *seller) reserveIn(t *testing.T, d time.Duration) (int, time.Time) {
	t.Helper()
	at := time.Now().Add(d).Truncate(time.Second)
	return p.reserve(t, &at), at
}

func (p *seller) command(t *testing.T, path string, id int) answer {
	t.Helper()
	method := "POST"
	if strings.Contains(path, "delete") {
		method = "DELETE"
	}
	return p.s.call(t, method, path, p.token, map[string]any{"media_id": id})
}

func (p *seller) connect(t *testing.T) {
	t.Helper()
	p.s.control(t, "POST", "/mux/streams/"+p.key+"/connect", nil)
}

func (p *seller) disconnect(t *testing.T) {
	t.Helper()
	p.s.control(t, "POST", "/mux/streams/"+p.key+"/disconnect", nil)
}

func (s *system) media(t *testing.T, id int) map[string]any {
	t.Helper()
	got := s.call(t, "GET", "/media/get/?media_id="+strconv.Itoa(id), "", nil)
	if got.status != 200 {
		return map[string]any{"status": "gone"}
	}
	return got.object(t)["success"].(map[string]any)
}

func (s *system) status(t *testing.T, id int) string {
	t.Helper()
	return s.media(t, id)["status"].(string)
}

func (s *system) awaitStatus(t *testing.T, id int, status string, within time.Duration) {
	t.Helper()
	require.Eventually(t, func() bool { return s.status(t, id) == status }, within, 50*time.Millisecond,
		"broadcast %d is not %s", id, status)
}

func (s *system) listed(t *testing.T, path string, id int) bool {
	t.Helper()
	got := s.call(t, "GET", path, "", nil)
	require.Equal(t, 200, got.status)
	return bytes.Contains(got.body, fmt.Appendf(nil, `"vod_id":%d,`, id))
}

// pushes counts what was sent about a broadcast to devices with a prefix.
func (s *system) pushes(t *testing.T, device string) int {
	t.Helper()
	return len(s.control(t, "GET", "/push?customer="+device, nil).list(t))
}
