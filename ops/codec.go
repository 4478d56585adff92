package ops

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"go.temporal.io/sdk/converter"
)

// CodecConfig is who may read what is sealed in histories, and from where.
type CodecConfig struct {
	Codec   converter.PayloadCodec
	Token   string   // of the operators; never ""
	Origins []string // of the Temporal UIs that may ask, as https://temporal.example
	Logger  *slog.Logger
}

// NewCodecHandler serves POST /codec/decode, Temporal's remote codec protocol,
// for its UI and CLI. Who asks shows the token: as a bearer, or as the password
// of any name, which a browser asks for at GET /codec/ and keeps. It seals
// nothing.
func NewCodecHandler(config CodecConfig) http.Handler {
	decode := http.StripPrefix("/codec", converter.NewPayloadCodecHTTPHandler(config.Codec))
	routes := http.NewServeMux()
	routes.HandleFunc("GET /codec/{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("You may read sealed data: set this address, less the last slash, as codec endpoint in the UI, with cross-origin credentials.\n")) // its reader has gone when this fails
	})
	routes.HandleFunc("POST /codec/decode", func(w http.ResponseWriter, r *http.Request) {
		config.Logger.InfoContext(r.Context(), "sealed data is read", "remote", r.RemoteAddr, "namespace", r.Header.Get("X-Namespace"))
		r.Body = http.MaxBytesReader(w, r.Body, 8<<20)
		decode.ServeHTTP(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !config.crossOrigin(w, r) {
			return
		}
		if !config.admits(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="byeolshow codec", charset="UTF-8"`)
			http.Error(w, "the token is missing or wrong", http.StatusUnauthorized)
			return
		}
		routes.ServeHTTP(w, r)
	})
}

// crossOrigin tells the browser whether the page may ask, and tells whether the
// request goes on.
func (c CodecConfig) crossOrigin(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if !slices.Contains(c.Origins, origin) {
		http.Error(w, "no page of this origin may read sealed data", http.StatusForbidden)
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Allow-Credentials", "true")
	if r.Method != http.MethodOptions {
		return true
	}
	w.Header().Set("Access-Control-Allow-Methods", "POST")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Namespace")
	w.Header().Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return false
}

// admits tells whether the request shows the token, in a time that does not
// depend on how much of it is right.
func (c CodecConfig) admits(r *http.Request) bool {
	shown, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		_, shown, _ = r.BasicAuth()
	}
	want, got := sha256.Sum256([]byte(c.Token)), sha256.Sum256([]byte(shown))
	return c.Token != "" && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}
