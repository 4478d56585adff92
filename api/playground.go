package api

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"

	"github.com/go-chi/chi/v5"
)

// Playground is where the page for developers finds what it links to.
type Playground struct {
	SandboxURL, TemporalUIURL string
}

//go:embed playground
var playgroundFiles embed.FS

var playgroundPage = template.Must(template.ParseFS(playgroundFiles, "playground/index.html"))

// playgroundPolicy lets the page load its own files and pictures, and nothing
// else.
const playgroundPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src https: http: data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// playgroundRoutes serve a page on which a developer sees everything work. They
// are not there in production.
func (a *api) playgroundRoutes(r chi.Router) {
	if a.Playground == nil {
		return
	}
	r.Get("/playground", a.wrapped(func(w http.ResponseWriter, _ *http.Request) error {
		var page bytes.Buffer
		if err := playgroundPage.Execute(&page, a.Playground); err != nil {
			return fmt.Errorf("make playground: %w", err)
		}
		w.Header().Set("Content-Security-Policy", playgroundPolicy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page.Bytes()) // the caller has gone when this fails
		return nil
	}))
	for _, file := range []string{"app.js", "style.css"} {
		r.Get("/playground/"+file, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, playgroundFiles, "playground/"+file)
		})
	}
}
