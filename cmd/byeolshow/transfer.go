package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	shop "github.com/byeolshow/byeolshow/sandbox/clayful"
)

// exportCommand writes the local shop's data to standard output, importCommand
// reads it from a file, or from standard input when the file is "-".
func exportCommand() *cobra.Command {
	return command("export", "Write the local shop's products, collections, customers and the rest as JSON", func(ctx context.Context, s settings, log *slog.Logger) error {
		return withShop(ctx, s, log, func(server *shop.Server) error { return server.Export(ctx, os.Stdout) })
	})
}

func importCommand() *cobra.Command {
	var file string
	cmd := command("import", "Take over what export wrote", func(ctx context.Context, s settings, log *slog.Logger) error {
		return withShop(ctx, s, log, func(server *shop.Server) error {
			var from io.Reader = os.Stdin
			if file != "-" {
				opened, err := os.Open(file) //nolint:gosec // whoever runs this names it
				if err != nil {
					return fmt.Errorf("open: %w", err)
				}
				defer func() { _ = opened.Close() }()
				from = opened
			}
			return server.Import(ctx, from)
		})
	})
	cmd.Flags().StringVar(&file, "file", "-", "what to read; - is standard input")
	return cmd
}

func withShop(ctx context.Context, s settings, log *slog.Logger, do func(*shop.Server) error) error {
	if err := s.need("DATABASE_URL"); err != nil {
		return err
	}
	pool, err := openPool(ctx, s.DatabaseURL)
	if err != nil {
		return err
	}
	defer pool.Close()
	server, err := shop.New(ctx, pool, shop.Config{Logger: log})
	if err != nil {
		return err
	}
	return do(server)
}
