package api

import (
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/byeolshow/byeolshow/api/contract"
)

func (a *api) docsRoutes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(middleware.Compress(5))
		r.Get("/openapi.json", a.wrapped(a.openAPI))
		r.Get("/docs", a.wrapped(func(w http.ResponseWriter, _ *http.Request) error { return docsFile(w, contract.Docs) }))
		r.Get("/docs/{file}", a.wrapped(func(w http.ResponseWriter, r *http.Request) error {
			return docsFile(w, chi.URLParam(r, "file"))
		}))
	})
}

func (a *api) openAPI(w http.ResponseWriter, _ *http.Request) error {
	document, err := contract.Document()
	if err != nil {
		return err
	}
	write(w, http.StatusOK, document)
	return nil
}

// docsFile serves a file of the page that shows the contract. The page speaks
// to this server alone and runs no script but its own.
func docsFile(w http.ResponseWriter, name string) error {
	file, err := contract.File(name)
	if errors.Is(err, fs.ErrNotExist) {
		return refuse(http.StatusNotFound, "없는 파일입니다")
	}
	if err != nil {
		return err
	}
	head := w.Header()
	head.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	_, _ = w.Write(file) // the caller has gone when this fails
	return nil
}
