package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/cmd/internal/serve"
	"github.com/tickring/tickring/ring/monitor"
)

func (a *app) serveCommand() *cobra.Command {
	cfg := serve.Config{Version: thisBuild().Version}
	cmd := &cobra.Command{
		Use:   "serve [NAME...]",
		Short: "Show the rings to browsers, Prometheus and programs, over HTTP",
		Long: `serve looks at the rings, all or those named, and answers HTTP requests until it is
interrupted: / is a page for browsers, with percentile curves and a heat map of each
subscriber; /metrics is for Prometheus; /api/v1/rings is JSON, which /openapi.json
describes; /healthz says whether serve itself works. It prints its address when it
listens.

It only reads: nothing that it is asked can change a ring, and publishers and
subscribers do no more for it than without it. It has no password and no encryption, so
it listens on the loopback interface. --allow-remote permits other addresses: then all
who reach them can look. From elsewhere, a tunnel is better:
'ssh -L 8370:127.0.0.1:8370 HOST'. Requests have to call the server by an address, by
localhost or by a name given with --host.`,
		Example: `  tickring serve                                 # then open http://127.0.0.1:8370/
  tickring serve --listen 127.0.0.1:0 es nq      # two rings, on any port that is free
  curl -s http://127.0.0.1:8370/api/v1/rings/es | jq '.subscribers[] | {name, lag, p99: .minute.p99}'
  curl -s http://127.0.0.1:8370/metrics | promtool check metrics`,
		Args:              wantRings("[NAME...]"),
		ValidArgsFunction: a.completeRing(anyNumber),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cfg.Every < minEvery || cfg.Every > maxEvery {
				return usagef("invalid --every %v: want a time from %v to %v", cfg.Every, minEvery, maxEvery)
			}
			if cfg.Requests < 1 {
				return usagef("invalid --requests %d: want 1 or more", cfg.Requests)
			}
			cfg.Log = a.stderr
			cfg.Monitor = monitor.Config{Dir: a.dir, Rings: args}
			server, err := serve.Listen(cfg)
			if errors.Is(err, serve.ErrRemote) || errors.Is(err, serve.ErrAddress) {
				return &usageError{err}
			}
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(a.stdout, server.URL()); err != nil {
				server.Close()
				return err
			}
			return server.Run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Listen, "listen", serve.DefaultListen, "HOST:PORT to listen on; port 0 is any that is free")
	f.BoolVar(&cfg.AllowRemote, "allow-remote", false, "permit an address that other hosts can reach: they all may look")
	f.StringSliceVar(&cfg.Hosts, "host", nil, "another name by which requests may call the server, as behind a proxy")
	f.DurationVar(&cfg.Every, "every", time.Second, "time between two looks at the rings, from 10ms to 1m")
	f.IntVar(&cfg.Requests, "requests", 64, "requests that are answered at once; others are refused")
	return cmd
}

// How often a server may look at the rings.
const (
	minEvery = 10 * time.Millisecond
	maxEvery = time.Minute
)
