package api

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/api/contract"
)

// parameter is a part of a path that varies; its name does not matter.
var parameter = regexp.MustCompile(`\{[^}]*\}`)

// TestTheDocumentHasEveryRouteAndNoOther keeps the OpenAPI document and the
// router the same.
func TestTheDocumentHasEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	text, err := contract.Document()
	require.NoError(t, err)
	var document struct {
		Paths map[string]map[string]any
	}
	require.NoError(t, json.Unmarshal(text, &document))
	var documented, served []string
	for path, item := range document.Paths {
		for key := range item {
			if key != "parameters" {
				documented = append(documented, strings.ToUpper(key)+" "+parameter.ReplaceAllString(path, "{}"))
			}
		}
	}
	router := newShelf(t, false).api.(chi.Routes)
	require.NoError(t, chi.Walk(router, func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		served = append(served, method+" "+parameter.ReplaceAllString(path, "{}"))
		return nil
	}))
	slices.Sort(documented)
	slices.Sort(served)
	require.Equal(t, strings.Join(served, "\n"), strings.Join(documented, "\n"))
}

func TestDocsAreServedByThemselves(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	page := s.get(t, "/docs/")
	require.Equal(t, 200, page.Code)
	require.Contains(t, page.Header().Get("Content-Security-Policy"), "default-src 'none'; script-src 'self';")
	for _, match := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1) {
		file := s.get(t, match[1])
		require.Equal(t, 200, file.Code, match[1])
		require.NotEmpty(t, file.Body.Bytes(), match[1])
		require.Equal(t, "no-store", file.Header().Get("Cache-Control"), match[1])
	}
	for name, kind := range map[string]string{
		"docs.js": "text/javascript; charset=utf-8", "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
		"swagger-ui.css": "text/css; charset=utf-8", "favicon-32x32.png": "image/png",
	} {
		require.Equal(t, kind, s.get(t, "/docs/"+name).Header().Get("Content-Type"))
	}
	for _, name := range []string{"contract.go", "openapi.yaml", "..%2fcontract.go", "%2e%2e", "swagger-ui.css.gz%00", "."} {
		require.Equal(t, 404, s.get(t, "/docs/"+name).Code, name)
	}
}
