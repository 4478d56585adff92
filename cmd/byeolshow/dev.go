package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	"time"

	"github.com/spf13/cobra"

	"github.com/byeolshow/byeolshow/embedded"
	"github.com/byeolshow/byeolshow/sandbox/clayful"
	"github.com/byeolshow/byeolshow/store"
	"github.com/byeolshow/byeolshow/workflows"
)

func devCommand() *cobra.Command {
	var without []string
	cmd := command("dev", "Start everything on this machine", func(ctx context.Context, s settings, log *slog.Logger) error {
		return (&dev{settings: s, log: log, without: without}).run(ctx)
	})
	cmd.Flags().StringSliceVar(&without, "without", nil, "leave out: worker, api, sandbox, codec")
	return cmd
}

// dev is everything byeolshow needs, on one machine: each part that no address
// is set for.
type dev struct {
	settings
	log     *slog.Logger
	without []string
	secrets devSecrets
	env     map[string]string // of the children
	stops   []func()
}

func (d *dev) run(ctx context.Context) (err error) {
	began := time.Now()
	release, err := d.lockFolder()
	if err != nil {
		return err
	}
	defer release()
	if err := d.placeCodec(); err != nil {
		return err
	}
	if err := d.checkPorts(ctx); err != nil {
		return err
	}
	if d.secrets, err = loadSecrets(d.DataDir); err != nil {
		return err
	}
	defer func() {
		for _, stop := range slices.Backward(d.stops) {
			stop()
		}
	}()
	failed := make(chan error, 8)
	if err := d.startPostgres(ctx, failed); err != nil {
		return err
	}
	if err := d.startTemporal(ctx, failed); err != nil {
		return err
	}
	if err := store.Migrate(ctx, d.DatabaseURL); err != nil {
		return err
	}
	if err := d.startRoles(ctx); err != nil {
		return err
	}
	if err := d.seed(ctx); err != nil {
		return err
	}
	d.announce(time.Since(began))
	select {
	case <-ctx.Done():
		fmt.Fprintln(os.Stderr, "stopping")
		return nil
	case err := <-failed:
		return err
	}
}

// lockFolder keeps a second dev off the data folder.
func (d *dev) lockFolder() (release func(), err error) {
	if d.DataDir, err = filepath.Abs(d.DataDir); err != nil {
		return nil, fmt.Errorf("find DATA_DIR: %w", err)
	}
	for _, dir := range []string{d.DataDir, filepath.Join(d.DataDir, "run"), filepath.Join(d.DataDir, "log")} {
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // Postgres runs as another user
			return nil, fmt.Errorf("make %s: %w", dir, err)
		}
	}
	path := filepath.Join(d.DataDir, "run", "lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // our own folder
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("byeolshow already runs on %s: stop it, or set DATA_DIR to another folder", d.DataDir)
	}
	return func() { _ = file.Close() }, nil
}

// placeCodec puts the codec endpoint beside the Temporal UI, which asks it,
// unless an address says otherwise.
func (d *dev) placeCodec() error {
	if d.CodecAddr != "" {
		return nil
	}
	host, text, err := net.SplitHostPort(d.TemporalUIAddr)
	if err != nil {
		return fmt.Errorf("TEMPORAL_UI_ADDR %s: %w", d.TemporalUIAddr, err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("TEMPORAL_UI_ADDR %s: %w", d.TemporalUIAddr, err)
	}
	d.CodecAddr = net.JoinHostPort(host, strconv.Itoa(port+1))
	return nil
}

// checkPorts tells in one sentence which port is taken. After a kill -9 the
// children need a moment to end, so it looks for a while.
func (d *dev) checkPorts(ctx context.Context) error {
	ports := []struct{ variable, address string }{{"HTTP_ADDR", d.HTTPAddr}, {"SANDBOX_ADDR", d.SandboxAddr}, {"CODEC_ADDR", d.CodecAddr}}
	if d.TemporalAddress == "" {
		ports = append(ports, struct{ variable, address string }{"TEMPORAL_DEV_ADDR", d.TemporalDevAt},
			struct{ variable, address string }{"TEMPORAL_UI_ADDR", d.TemporalUIAddr})
	}
	for _, port := range ports {
		var err error
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline) && ctx.Err() == nil; {
			var listener net.Listener
			if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", port.address); err == nil {
				_ = listener.Close()
				break
			}
			if !errors.Is(err, syscall.EADDRINUSE) {
				break
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
		if err != nil {
			return fmt.Errorf("%s is in use or cannot be listened on: end what uses it, or set %s to another address (%w)", port.address, port.variable, err)
		}
	}
	return nil
}

func (d *dev) logFile(name string) (io.WriteCloser, error) {
	path := filepath.Join(d.DataDir, "log", name+".log")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // our own folder
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return file, nil
}

func (d *dev) startPostgres(ctx context.Context, failed chan<- error) error {
	if d.DatabaseURL != "" {
		return nil
	}
	log, err := d.logFile("postgres")
	if err != nil {
		return err
	}
	pg, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{
		Dir: filepath.Join(d.DataDir, "postgres"), Log: log, Say: say, Repository: d.PostgresRepository,
	})
	if err != nil {
		return err
	}
	d.DatabaseURL = pg.URL("byeolshow")
	d.keep("postgres", pg.Process(), pg.Stop, failed)
	return nil
}

func (d *dev) startTemporal(ctx context.Context, failed chan<- error) error {
	if d.TemporalAddress != "" {
		return nil
	}
	program, err := embedded.TemporalProgram(ctx, "tools", say)
	if err != nil {
		return err
	}
	log, err := d.logFile("temporal")
	if err != nil {
		return err
	}
	temporal, err := embedded.StartTemporal(ctx, embedded.TemporalConfig{
		Program: program, Database: filepath.Join(d.DataDir, "temporal.db"), Address: d.TemporalDevAt,
		UIAddress: d.TemporalUIAddr, SearchAttributes: workflows.SearchAttributes(), Log: log,
	})
	if err != nil {
		return err
	}
	d.TemporalAddress = d.TemporalDevAt
	d.keep("temporal", temporal.Process(), temporal.Stop, failed)
	return nil
}

// say tells the person at the terminal of what takes long.
func say(text string) { fmt.Fprintln(os.Stderr, text) }

// keep stops a part at the end, and ends everything when the part dies first.
func (d *dev) keep(name string, process *embedded.Process, stop func() error, failed chan<- error) {
	d.writePID(name, process.PID())
	stopping := make(chan struct{})
	d.stops = append(d.stops, func() {
		close(stopping)
		if err := stop(); err != nil {
			d.log.Error("part did not stop", "part", name, "error", err)
		}
	})
	go func() {
		select {
		case <-stopping:
		case <-process.Done():
			failed <- fmt.Errorf("%s died: see %s; start again, nothing that was confirmed is lost", name, filepath.Join(d.DataDir, "log", name+".log"))
		}
	}()
}

func (d *dev) writePID(name string, pid int) {
	path := filepath.Join(d.DataDir, "run", name+".pid")
	if err := os.WriteFile(path, fmt.Appendln(nil, pid), 0o600); err != nil {
		d.log.Warn("pid not written", "part", name, "error", err)
	}
}

// childEnv is what the roles are told, beside what we were.
func (d *dev) childEnv() map[string]string {
	sandbox := "http://" + d.SandboxAddr
	values := map[string]string{
		"DATABASE_URL": d.DatabaseURL, "TEMPORAL_ADDRESS": d.TemporalAddress,
		"HTTP_ADDR": d.HTTPAddr, "SANDBOX_ADDR": d.SandboxAddr, "TEMPORAL_UI_ADDR": d.TemporalUIAddr, "PLAYGROUND": "on",
		"CODEC_ADDR": d.CodecAddr,
	}
	for name, otherwise := range map[string]struct{ set, value string }{
		"CLAYFUL_BASE_URL":                {d.ClayfulBaseURL, sandbox + "/clayful"},
		"CLAYFUL_TOKEN":                   {d.ClayfulToken, d.secrets.ClayfulToken},
		"CLAYFUL_GROUP_INFLUENCER":        {d.InfluencerGroup, clayful.DemoInfluencers},
		"CLAYFUL_GROUP_MEMBER":            {d.MemberGroup, clayful.DemoMembers},
		"MUX_BASE_URL":                    {d.MuxBaseURL, sandbox + "/mux"},
		"MUX_TOKEN_ID":                    {d.MuxTokenID, d.secrets.MuxTokenID},
		"MUX_TOKEN_SECRET":                {d.MuxTokenSecret, d.secrets.MuxSecret},
		"MUX_WEBHOOK_SECRET":              {d.MuxWebhookSecret, d.secrets.MuxWebhook},
		"FCM_BASE_URL":                    {d.FCMBaseURL, sandbox + "/fcm"},
		"FCM_CREDENTIALS":                 {d.FCMCredentials, d.secrets.fcmCredentials(sandbox)},
		"JWT_KEYS":                        {d.JWTKeys, d.secrets.JWTKey},
		"PAYLOAD_KEYS":                    {d.PayloadKeys, d.secrets.PayloadKey},
		"IAMPORT_BASE_URL":                {d.IamportBaseURL, sandbox + "/iamport"},
		"IAMPORT_KEY":                     {d.IamportKey, d.secrets.IamportKey},
		"IAMPORT_SECRET":                  {d.IamportSecret, d.secrets.IamportSecret},
		"CLAYFUL_REFUND_WEBHOOK_SECRET":   {d.RefundWebhookSecret, d.secrets.RefundWebhook},
		"CLAYFUL_MARKDONE_WEBHOOK_SECRET": {d.MarkdoneWebhookSecret, d.secrets.MarkdoneWebhook},
		"CLAYFUL_WEBHOOK_SECRET":          {d.ClayfulWebhookSecret, d.secrets.ClayfulWebhook},
		"CODEC_TOKEN":                     {d.CodecToken, d.secrets.CodecToken},
		"CODEC_ORIGINS":                   {strings.Join(d.CodecOrigins, ","), "http://" + d.TemporalUIAddr},
		"SANDBOX_CUSTOMER_TOKEN_SECRET":   {d.CustomerSecret, d.secrets.CustomerToken},
		"KAKAO_AUTH_URL":                  {d.Kakao.AuthURL, sandbox + "/kakao"},
		"KAKAO_API_URL":                   {d.Kakao.APIURL, sandbox + "/kakao"},
		"KAKAO_CLIENT_ID":                 {d.Kakao.ClientID, d.secrets.KakaoClientID},
		"KAKAO_CLIENT_SECRET":             {d.Kakao.ClientSecret, d.secrets.KakaoSecret},
		"KAKAO_APP_ID":                    {os.Getenv("KAKAO_APP_ID"), "1000001"},
		"NAVER_AUTH_URL":                  {d.Naver.AuthURL, sandbox + "/naver"},
		"NAVER_API_URL":                   {d.Naver.APIURL, sandbox + "/naver"},
		"NAVER_CLIENT_ID":                 {d.Naver.ClientID, d.secrets.NaverClientID},
		"NAVER_CLIENT_SECRET":             {d.Naver.ClientSecret, d.secrets.NaverSecret},
		"FACEBOOK_AUTH_URL":               {d.Facebook.AuthURL, sandbox + "/facebook"},
		"FACEBOOK_API_URL":                {d.Facebook.APIURL, sandbox + "/facebook"},
		"FACEBOOK_CLIENT_ID":              {d.Facebook.ClientID, "1000000000000001"},
		"FACEBOOK_CLIENT_SECRET":          {d.Facebook.ClientSecret, d.secrets.FacebookSecret},
		"PUBLIC_BASE_URL":                 {d.PublicBaseURL, "http://" + d.HTTPAddr},
	} {
		values[name] = otherwise.value
		if otherwise.set != "" {
			values[name] = otherwise.set
		}
	}
	return values
}

func (d *dev) startRoles(ctx context.Context) error {
	d.env = d.childEnv()
	var lines strings.Builder
	for name, value := range d.env {
		fmt.Fprintf(&lines, "export %s='%s'\n", name, value)
	}
	if err := os.WriteFile(filepath.Join(d.DataDir, "run", "env"), []byte(lines.String()), 0o600); err != nil {
		return fmt.Errorf("write env: %w", err)
	}
	for _, role := range []struct {
		name  string
		args  []string
		ready string
	}{
		{"sandbox", []string{"sandbox", "--control"}, "http://" + d.SandboxAddr + "/control/calls"},
		{"api", []string{"api"}, "http://" + d.HTTPAddr + "/ping/"},
		{"worker", []string{"worker"}, ""},
		{"codec", []string{"codec"}, ""},
	} {
		if slices.Contains(d.without, role.name) {
			continue
		}
		if err := d.supervise(ctx, role.name, role.args, role.ready); err != nil {
			return err
		}
	}
	return nil
}

// supervise runs a role as a child and starts it again when it dies.
func (d *dev) supervise(ctx context.Context, name string, args []string, readyURL string) error {
	process, err := d.startRole(name, args)
	if err != nil {
		return err
	}
	supervised, stop := context.WithCancel(context.WithoutCancel(ctx))
	var ended sync.WaitGroup
	ended.Go(func() {
		pause := time.Second
		for {
			began := time.Now()
			select {
			case <-supervised.Done():
				graceful, cancel := context.WithTimeout(context.Background(), 15*time.Second)
				defer cancel()
				_ = process.Stop(graceful, syscall.SIGTERM) // it may have ended by now
				return
			case <-process.Done():
			}
			if time.Since(began) > time.Minute {
				pause = time.Second
			}
			d.log.Warn("part died, starting it again", "part", name, "cause", process.Err(), "in", pause)
			for {
				select {
				case <-supervised.Done():
					return
				case <-time.After(pause):
				}
				pause = min(2*pause, 30*time.Second)
				if process, err = d.startRole(name, args); err == nil {
					break
				}
				d.log.Error("part cannot be started", "part", name, "error", err)
			}
		}
	})
	d.stops = append(d.stops, func() { stop(); ended.Wait() })
	return d.awaitRole(ctx, name, process, readyURL)
}

func (d *dev) startRole(name string, args []string) (*embedded.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	cmd := exec.Command(self, args...) //nolint:noctx,gosec // it outlives ctx until stopped; ourselves
	cmd.Env = os.Environ()
	for variable, value := range d.env {
		cmd.Env = append(cmd.Env, variable+"="+value)
	}
	if name == "worker" { // whose metrics are served beside the API's
		cmd.Env = append(cmd.Env, "OTEL_EXPORTER_PROMETHEUS_PORT="+nextPort(os.Getenv("OTEL_EXPORTER_PROMETHEUS_PORT")))
	}
	output, input := io.Pipe()
	cmd.Stdout, cmd.Stderr = input, input
	go relay(os.Stderr, name, output)
	process, err := embedded.Start(cmd, nil)
	if err != nil {
		return nil, err
	}
	go func() {
		<-process.Done()
		_ = input.Close()
	}()
	d.writePID(name, process.PID())
	return process, nil
}

// nextPort is the port after one, or after Prometheus's own.
func nextPort(port string) string {
	n, err := strconv.Atoi(port)
	if err != nil {
		n = 9464
	}
	return strconv.Itoa(n + 1)
}

// relay shows what a role says, line by line and however long, until it ends.
func relay(to io.Writer, name string, from io.Reader) {
	for lines := bufio.NewReader(from); ; {
		line, err := lines.ReadString('\n')
		if line != "" {
			_, _ = fmt.Fprintf(to, "%-8s %s\n", name, strings.TrimSuffix(line, "\n")) // a closed terminal ends nothing
		}
		if err != nil {
			return
		}
	}
}

func (d *dev) awaitRole(ctx context.Context, name string, process *embedded.Process, url string) error {
	if url == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	client := &http.Client{Timeout: time.Second}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if response, err := client.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: see what it said above", name)
		case <-process.Done():
			return fmt.Errorf("%s ended at once: see what it said above", name)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (d *dev) announce(took time.Duration) {
	fmt.Printf(`
byeolshow is up (%s)

  Playground   http://%s/playground
  API          http://%s
  Temporal UI  http://%s (sealed data: log in at http://%[7]s/codec/, the password is CODEC_TOKEN in %[6]s/run/env)
  Sandbox      http://%[5]s/control/
  Data         %[6]s

  influencers  star1, star2, star3   password star1234!
  customers    demo, demo2           password demo1234!
  social       http://%[2]s/user/auth/kakao/login/ (naver, facebook) with account kakao1 (naver1, facebook1)

Ctrl-C stops everything; the data stays.
`, took.Round(100*time.Millisecond), d.HTTPAddr, d.HTTPAddr, d.TemporalUIAddr, d.SandboxAddr, d.DataDir, d.CodecAddr)
}
