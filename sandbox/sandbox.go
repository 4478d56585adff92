// Package sandbox is the outside world made local: each vendor's own HTTP API,
// strict where the real one is, keeping its state in its own Postgres schema.
package sandbox

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/sandbox/clayful"
	"github.com/byeolshow/byeolshow/sandbox/control"
	"github.com/byeolshow/byeolshow/sandbox/facebook"
	"github.com/byeolshow/byeolshow/sandbox/fault"
	"github.com/byeolshow/byeolshow/sandbox/fcm"
	"github.com/byeolshow/byeolshow/sandbox/iamport"
	"github.com/byeolshow/byeolshow/sandbox/kakao"
	"github.com/byeolshow/byeolshow/sandbox/mux"
	"github.com/byeolshow/byeolshow/sandbox/naver"
	"github.com/byeolshow/byeolshow/sandbox/oauth"
	"github.com/byeolshow/byeolshow/sandbox/webhook"
)

// Config is which vendors there are and how they behave.
type Config struct {
	Pool             *pgxpool.Pool
	Only             []string // vendors; all when empty
	Control          bool     // with the control API and demo data
	Clayful          clayful.Config
	Mux              mux.Config
	MuxWebhookSecret string
	FCM              fcm.Config
	Iamport          iamport.Config
	Kakao            oauth.App
	Naver            oauth.App
	Facebook         oauth.App
	Logger           *slog.Logger
}

// Vendors are those there are.
var Vendors = []string{"clayful", "mux", "iamport", "fcm", "kakao", "naver", "facebook"}

// Server is the sandbox.
type Server struct {
	handler http.Handler
	run     []func(context.Context) error
}

// New prepares the vendors and their data.
func New(ctx context.Context, config Config) (*Server, error) {
	for _, vendor := range config.Only {
		if !slices.Contains(Vendors, vendor) {
			return nil, fmt.Errorf("there is no vendor %q: choose of %s", vendor, strings.Join(Vendors, ", "))
		}
	}
	wanted := func(vendor string) bool { return len(config.Only) == 0 || slices.Contains(config.Only, vendor) }
	faults := fault.NewBook()
	router := chi.NewRouter()
	server := &Server{handler: router}
	board := &control.Control{Faults: faults}
	var err error
	if err := webhook.Migrate(ctx, config.Pool); err != nil {
		return nil, fmt.Errorf("webhook sandbox: %w", err)
	}
	if wanted("clayful") {
		config.Clayful.Demo, config.Clayful.Logger = config.Control, config.Logger
		config.Clayful.Sender = &webhook.Sender{
			Pool: config.Pool, Vendor: "clayful", Sign: config.Clayful.Sign, Faults: faults, Logger: config.Logger,
		}
		server.run = append(server.run, config.Clayful.Sender.Run)
		if board.Clayful, err = clayful.New(ctx, config.Pool, config.Clayful); err != nil {
			return nil, fmt.Errorf("clayful sandbox: %w", err)
		}
		router.Mount("/clayful", faults.Before("clayful", board.Clayful.Routes()))
	}
	if wanted("mux") {
		config.Mux.Demo, config.Mux.Logger = config.Control, config.Logger
		config.Mux.Sender = &webhook.Sender{
			Pool: config.Pool, Vendor: "mux", Sign: mux.Sign(config.MuxWebhookSecret), Faults: faults, Logger: config.Logger,
		}
		if board.Mux, err = mux.New(ctx, config.Pool, config.Mux); err != nil {
			return nil, fmt.Errorf("mux sandbox: %w", err)
		}
		router.Mount("/mux", faults.Before("mux", board.Mux.Routes()))
		server.run = append(server.run, board.Mux.Run)
	}
	if wanted("iamport") {
		config.Iamport.Logger = config.Logger
		config.Iamport.Sender = &webhook.Sender{
			Pool: config.Pool, Vendor: "iamport", Sign: func(http.Header, []byte, time.Time) {}, Faults: faults, Logger: config.Logger,
		}
		if board.Iamport, err = iamport.New(ctx, config.Pool, config.Iamport); err != nil {
			return nil, fmt.Errorf("iamport sandbox: %w", err)
		}
		router.Mount("/iamport", faults.Before("iamport", board.Iamport.Routes()))
		server.run = append(server.run, config.Iamport.Sender.Run)
	}
	if wanted("fcm") {
		config.FCM.Logger = config.Logger
		if board.FCM, err = fcm.New(ctx, config.Pool, config.FCM); err != nil {
			return nil, fmt.Errorf("fcm sandbox: %w", err)
		}
		router.Mount("/fcm", faults.Before("fcm", board.FCM.Routes()))
	}
	if err := oauth.Migrate(ctx, config.Pool); err != nil {
		return nil, fmt.Errorf("oauth sandbox: %w", err)
	}
	if wanted("kakao") {
		if board.Kakao, err = kakao.New(ctx, config.Pool, config.Kakao, config.Logger); err != nil {
			return nil, fmt.Errorf("kakao sandbox: %w", err)
		}
		router.Mount("/kakao", faults.Before("kakao", board.Kakao.Routes()))
	}
	if wanted("naver") {
		if board.Naver, err = naver.New(ctx, config.Pool, config.Naver, config.Logger); err != nil {
			return nil, fmt.Errorf("naver sandbox: %w", err)
		}
		router.Mount("/naver", faults.Before("naver", board.Naver.Routes()))
	}
	if wanted("facebook") {
		if board.Facebook, err = facebook.New(ctx, config.Pool, config.Facebook, config.Logger); err != nil {
			return nil, fmt.Errorf("facebook sandbox: %w", err)
		}
		router.Mount("/facebook", faults.Before("facebook", board.Facebook.Routes()))
	}
	if config.Control && len(config.Only) == 0 {
		router.Mount("/control", board.Routes())
	}
	return server, nil
}

// Handler serves the vendors, each below its name.
func (s *Server) Handler() http.Handler { return s.handler }

// Run does what the vendors do by themselves, until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, run := range s.run {
		group.Go(func() error { return run(ctx) })
	}
	return group.Wait()
}
