package main

import (
	"cmp"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	sdklog "go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/api"
	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/iamport"
	"github.com/byeolshow/byeolshow/clients/mux"
	"github.com/byeolshow/byeolshow/clients/push"
	"github.com/byeolshow/byeolshow/clients/social"
	"github.com/byeolshow/byeolshow/health"
	"github.com/byeolshow/byeolshow/live"
	"github.com/byeolshow/byeolshow/ops"
	"github.com/byeolshow/byeolshow/sandbox"
	shop "github.com/byeolshow/byeolshow/sandbox/clayful"
	"github.com/byeolshow/byeolshow/sandbox/fcm"
	payments "github.com/byeolshow/byeolshow/sandbox/iamport"
	video "github.com/byeolshow/byeolshow/sandbox/mux"
	"github.com/byeolshow/byeolshow/store"
	"github.com/byeolshow/byeolshow/telemetry"
	"github.com/byeolshow/byeolshow/worker"
	"github.com/byeolshow/byeolshow/workflows"
)

func routesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "routes", Short: "List the routes of the HTTP API", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			routes, err := api.Routes()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), strings.Join(routes, "\n"))
			return err
		},
	}
}

func apiCommand() *cobra.Command {
	return role("api", "Serve the HTTP API", func(ctx context.Context, s settings, seen *telemetry.Telemetry, log *slog.Logger) error {
		err := s.need("DATABASE_URL", "TEMPORAL_ADDRESS", "CLAYFUL_TOKEN", "CLAYFUL_GROUP_INFLUENCER", "CLAYFUL_GROUP_MEMBER", "PUBLIC_BASE_URL",
			"MUX_TOKEN_ID", "MUX_TOKEN_SECRET", "MUX_WEBHOOK_SECRET", "JWT_KEYS", "PAYLOAD_KEYS", "IAMPORT_KEY", "IAMPORT_SECRET",
			"CLAYFUL_REFUND_WEBHOOK_SECRET", "CLAYFUL_MARKDONE_WEBHOOK_SECRET", "CLAYFUL_WEBHOOK_SECRET")
		if err != nil {
			return err
		}
		keys, err := s.jwtKeys()
		if err != nil {
			return err
		}
		logins, err := s.social(seen.Upstream("social"))
		if err != nil {
			return err
		}
		systems, err := s.connect(ctx, seen, log)
		if err != nil {
			return err
		}
		defer systems.close()
		database := store.New(systems.pool)
		rooms, err := live.New(ctx, live.Config{
			Store: database, NATSURL: s.NATSURL, Logger: log,
			NewViewersPerMinute: s.NewViewersPerMinute, MostMessages: s.ChatMessages, MostConnections: s.ChatConnections,
		})
		if err != nil {
			return err
		}
		handler, err := api.New(api.Config{
			Store: database, Rooms: rooms, Playground: s.playground(), Mux: systems.mux, Temporal: systems.temporal,
			Iamport: s.iamport(seen.Upstream("iamport")), Social: logins,
			RefundWebhookSecret: s.RefundWebhookSecret, MarkdoneWebhookSecret: s.MarkdoneWebhookSecret,
			ClayfulWebhookSecret: s.ClayfulWebhookSecret, TestPayments: s.AllowTestPayments, TapWindow: s.TapWindow,
			HiddenCollections: s.HiddenCollections,
			Clayful:           clayful.New(clayful.Config{BaseURL: s.ClayfulBaseURL, Token: s.ClayfulToken, Observe: seen.Upstream("clayful")}),
			Checks:            systems.checks(), Observe: seen.Requests(),
			MuxWebhookSecret: s.MuxWebhookSecret, JWTKeys: keys, InfluencerGroup: s.InfluencerGroup, MemberGroup: s.MemberGroup,
			Limits: api.Limits{
				LoginPerMinute: s.LoginsPerMinute, CouponPerMinute: s.CouponsPerMinute, UploadPerMinute: s.UploadsPerMinute,
				FindIDPerMinute: s.FindIDsPerMinute, MailPerHour: s.MailsPerHour, MailPerAddress: s.MailsPerAddress,
				ResetPerHour: s.ResetsPerHour, AliasPerMinute: s.AliasesPerMinute, SignUpPerMinute: s.SignUpsPerMinute,
				PaymentPerMinute: s.PaymentsPerMinute,
			}, TrustedProxies: s.TrustedProxies, Logger: log,
		})
		if err != nil {
			return err
		}
		ctx, handler = draining(ctx, s.ShutdownDelay, handler)
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return rooms.Run(ctx) })
		group.Go(func() error { return serve(ctx, "HTTP_ADDR", s.HTTPAddr, handler, log) })
		return group.Wait()
	})
}

// playground is where the page for developers finds what it links to.
func (s settings) playground() *api.Playground {
	if s.Playground != "on" {
		return nil
	}
	return &api.Playground{SandboxURL: "http://" + s.SandboxAddr, TemporalUIURL: "http://" + s.TemporalUIAddr}
}

func workerCommand() *cobra.Command {
	return role("worker", "Run the workflows and their steps", func(ctx context.Context, s settings, seen *telemetry.Telemetry, log *slog.Logger) error {
		err := s.need("DATABASE_URL", "TEMPORAL_ADDRESS", "CLAYFUL_TOKEN", "CLAYFUL_GROUP_MEMBER", "MUX_TOKEN_ID", "MUX_TOKEN_SECRET",
			"FCM_CREDENTIALS", "PAYLOAD_KEYS", "IAMPORT_KEY", "IAMPORT_SECRET")
		if err != nil {
			return err
		}
		systems, err := s.connect(ctx, seen, log)
		if err != nil {
			return err
		}
		defer systems.close()
		limits, err := s.Stuck.limits()
		if err != nil {
			return err
		}
		pushes, err := push.New(push.Config{BaseURL: s.FCMBaseURL, Credentials: []byte(s.FCMCredentials), Observe: seen.Upstream("fcm")})
		if err != nil {
			return err
		}
		kept := store.New(systems.pool)
		census := kept.Turn("census")
		defer census.Leave(context.WithoutCancel(ctx))
		if err := seen.Count(ops.Census{Temporal: systems.temporal, Store: kept}, census, log); err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		if s.HealthAddr != "" {
			group.Go(func() error { return serve(ctx, "HEALTH_ADDR", s.HealthAddr, systems.checks().Handler(), log) })
		}
		group.Go(func() error {
			return worker.Run(ctx, worker.Config{
				Temporal: systems.temporal, Deployment: s.WorkerDeployment, BuildID: cmp.Or(s.WorkerBuildID, version),
				Activities: activities.New(activities.Config{
					Store: kept, Mux: systems.mux, Push: pushes, Iamport: s.iamport(seen.Upstream("iamport")), TestPayments: s.AllowTestPayments,
					Clayful: clayful.New(clayful.Config{
						BaseURL: s.ClayfulBaseURL, Token: s.ClayfulToken, Timeout: shopPatience, Observe: seen.Upstream("clayful"),
					}),
					// A call that was given up may still be carried out for a while.
					Settling: shopPatience + s.Settling, MemberGroup: s.MemberGroup,
				}),
				Rules: workflows.Rules{
					Grace: s.MissedAfter, LongestShow: s.LongestShow, RecordingWait: s.RecordingWait,
					UnpaidAfter: s.UnpaidAfter, VBankGrace: s.VBankGrace, PaymentPoll: s.PaymentPoll, RefundPoll: s.RefundPoll,
					ArrivalPoll: s.ArrivalPoll, DoneAfter: s.DoneAfter, SignUpPatience: s.SignUpPatience, UploadPatience: s.UploadPatience,
					Settling: s.Settling, Limits: limits,
				},
			})
		})
		return group.Wait()
	})
}

// systems are what API and worker both stand on.
type systems struct {
	pool     *pgxpool.Pool
	temporal client.Client
	mux      *mux.Client
}

func (s settings) connect(ctx context.Context, seen *telemetry.Telemetry, log *slog.Logger) (systems, error) {
	muxClient, err := mux.New(mux.Config{
		BaseURL: s.MuxBaseURL, TokenID: s.MuxTokenID, TokenSecret: s.MuxTokenSecret, Observe: seen.Upstream("mux"),
	})
	if err != nil {
		return systems{}, err
	}
	pool, err := openPool(ctx, s.DatabaseURL, seen.SQL)
	if err != nil {
		return systems{}, err
	}
	temporal, err := dialTemporal(s, log, seen.Temporal)
	if err == nil {
		err = seen.Pool(pool)
	}
	if err != nil {
		pool.Close()
		return systems{}, err
	}
	return systems{pool, temporal, muxClient}, nil
}

// checks ask what API and worker both stand on.
func (s systems) checks() health.Checks {
	return health.Checks{
		"postgres": s.pool.Ping,
		"temporal": func(ctx context.Context) error {
			_, err := s.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
			return err
		},
	}
}

func (s systems) close() {
	s.temporal.Close()
	s.pool.Close()
}

func migrateCommand() *cobra.Command {
	return command("migrate", "Bring the database up to date", func(ctx context.Context, s settings, _ *slog.Logger) error {
		if err := s.need("DATABASE_URL"); err != nil {
			return err
		}
		return store.Migrate(ctx, s.DatabaseURL)
	})
}

func sandboxCommand() *cobra.Command {
	var only []string
	var control bool
	cmd := command("sandbox", "Serve the vendors' APIs, made local", func(ctx context.Context, s settings, log *slog.Logger) error {
		err := s.need("DATABASE_URL", "CLAYFUL_TOKEN", "SANDBOX_CUSTOMER_TOKEN_SECRET")
		if err != nil {
			return err
		}
		pool, err := openPool(ctx, s.DatabaseURL)
		if err != nil {
			return err
		}
		defer pool.Close()
		key, err := publicKey(s.FCMCredentials)
		if err != nil {
			return err
		}
		encoder := video.EncoderConfig{}
		if control && s.AutoEncoder != "off" {
			encoder = video.EncoderConfig{BroadcastsURL: "http://" + s.HTTPAddr, Lead: 5 * time.Second, Length: s.EncoderLength}
		}
		server, err := sandbox.New(ctx, sandbox.Config{
			Pool: pool, Only: only, Control: control, Logger: log,
			Clayful: shop.Config{
				BackendToken: s.ClayfulToken, StorefrontToken: s.StorefrontToken,
				TokenSecret: []byte(s.CustomerSecret), ResetURL: strings.TrimSuffix(s.PublicBaseURL, "/") + "/forgetuser/reset_password/",
				ImageURL: cmp.Or(s.ImageURL, "http://"+s.SandboxAddr+"/clayful"), BuyersReview: s.BuyersReview,
				Iamport:  shop.IamportConfig{BaseURL: s.IamportBaseURL, Key: s.IamportKey, Secret: s.IamportSecret},
				Social:   map[string]string{social.Kakao: s.Kakao.APIURL, social.Naver: s.Naver.APIURL, social.Facebook: s.Facebook.APIURL},
				Webhooks: s.shopWebhooks(),
			},
			Kakao: s.registered(social.Kakao, s.Kakao), Naver: s.registered(social.Naver, s.Naver),
			Facebook: s.registered(social.Facebook, s.Facebook),
			Iamport:  payments.Config{Key: s.IamportKey, Secret: s.IamportSecret, NoticeURL: "http://" + s.HTTPAddr + "/webhook/iamport/"},
			Mux: video.Config{
				TokenID: s.MuxTokenID, TokenSecret: s.MuxTokenSecret, WebhookURL: "http://" + s.HTTPAddr + "/media/callback/",
				Encoder: encoder, ConnectDelay: time.Second, LongestReconnect: 3 * time.Second, CutAfter: time.Minute,
			},
			MuxWebhookSecret: s.MuxWebhookSecret,
			FCM:              fcm.Config{PublicKey: key},
		})
		if err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return server.Run(ctx) })
		group.Go(func() error { return serve(ctx, "SANDBOX_ADDR", s.SandboxAddr, server.Handler(), log) })
		return group.Wait()
	})
	cmd.AddCommand(importCommand(), exportCommand(), sandboxEnvCommand())
	cmd.Flags().StringSliceVar(&only, "only", nil, "serve these vendors only: "+strings.Join(sandbox.Vendors, ", "))
	cmd.Flags().BoolVar(&control, "control", false, "with demo data and the control API; for development alone")
	return cmd
}

// shopWebhooks are those the local shop is set up to send.
func (s settings) shopWebhooks() []shop.Webhook {
	at := "http://" + s.HTTPAddr + "/webhook/"
	var hooks []shop.Webhook
	for _, hook := range []shop.Webhook{
		{ID: "WEBHXXKREFND", URL: at + "refund/", Secret: s.RefundWebhookSecret, Modules: []string{"order.acceptRefund"}},
		{ID: "WEBHXXKDXNE2", URL: at + "markdone/", Secret: s.MarkdoneWebhookSecret, Modules: []string{
			"order.markAsReceived", "order.createFulfillment", "order.updateFulfillment",
		}},
		{ID: "WEBHXXKALL22", URL: at + "clayful/", Secret: s.ClayfulWebhookSecret, Modules: []string{
			"order.acceptRefund", "order.cancel", "customer.update", "customer.delete",
		}},
	} {
		if hook.Secret != "" {
			hooks = append(hooks, hook)
		}
	}
	return hooks
}

func openPool(ctx context.Context, url string, prepare ...func(*pgxpool.Config)) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("DATABASE_URL is no Postgres address")
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = 16
	}
	for _, change := range prepare {
		change(config)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return pool, nil
}

// shopPatience is how long the worker waits for one answer of the shop.
const shopPatience = 8 * time.Second

func (s settings) iamport(observe func(http.RoundTripper) http.RoundTripper) *iamport.Client {
	return iamport.New(iamport.Config{
		BaseURL: s.IamportBaseURL, Key: s.IamportKey, Secret: s.IamportSecret, IncludeSandbox: s.AllowTestPayments, Observe: observe,
	})
}

func dialTemporal(s settings, log *slog.Logger, prepare ...func(*client.Options) error) (client.Client, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, fmt.Errorf("read Temporal's settings: %w", err)
	}
	keys, err := s.payloadKeys()
	if err != nil {
		return nil, err
	}
	if options.DataConverter, err = workflows.NewDataConverter(keys); err != nil {
		return nil, err
	}
	options.FailureConverter = workflows.NewFailureConverter(options.DataConverter)
	options.Logger = sdklog.NewStructuredLogger(log)
	for _, change := range prepare {
		if err := change(&options); err != nil {
			return nil, err
		}
	}
	temporal, err := client.Dial(options)
	if err != nil {
		return nil, fmt.Errorf("reach Temporal at TEMPORAL_ADDRESS: %w", err)
	}
	return temporal, nil
}

// publicKey is the key that verifies what a service account signs.
func publicKey(credentials string) (*rsa.PublicKey, error) {
	if credentials == "" {
		return nil, nil
	}
	var account struct {
		PrivateKey string `json:"private_key"`
	}
	if err := json.Unmarshal([]byte(credentials), &account); err != nil {
		return nil, errors.New("FCM_CREDENTIALS is no service account JSON")
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(account.PrivateKey))
	if err != nil {
		return nil, errors.New("FCM_CREDENTIALS holds no RSA key")
	}
	return &key.PublicKey, nil
}

// longestRequest is how long a request that is being answered may still take
// when the server stops.
const longestRequest = 40 * time.Second

// serve listens until ctx ends, then lets running requests finish.
func serve(ctx context.Context, variable, address string, handler http.Handler, log *slog.Logger) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: end what uses the port, or set %s to another address (%w)", address, variable, err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	graceful, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestRequest)
	defer cancel()
	if err := server.Shutdown(graceful); err != nil {
		return server.Close()
	}
	return nil
}
