package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/byeolshow/byeolshow/health"
	"github.com/byeolshow/byeolshow/ops"
	"github.com/byeolshow/byeolshow/workflows"
)

func codecCommand() *cobra.Command {
	return command("codec", "Let the Temporal UI show operators what is sealed in histories", func(ctx context.Context, s settings, log *slog.Logger) error {
		if err := s.need("CODEC_ADDR", "CODEC_TOKEN", "CODEC_ORIGINS", "PAYLOAD_KEYS"); err != nil {
			return err
		}
		keys, err := s.payloadKeys()
		if err != nil {
			return err
		}
		codec, err := workflows.NewSealCodec(keys)
		if err != nil {
			return err
		}
		routes := http.NewServeMux()
		routes.HandleFunc("GET /healthz", health.Alive)
		routes.Handle("/", ops.NewCodecHandler(ops.CodecConfig{Codec: codec, Token: s.CodecToken, Origins: s.CodecOrigins, Logger: log}))
		return serve(ctx, "CODEC_ADDR", s.CodecAddr, routes, log)
	})
}
