package contract

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io"
	"io/fs"

	"github.com/swaggest/swgui/v5/static"
)

//go:embed docs.html docs.js
var page embed.FS

// Docs is the page that shows the document.
const Docs = "docs.html"

// File is a file of that page; the error is fs.ErrNotExist when it has none of
// that name. Swagger UI comes as a module, most of it gzipped.
func File(name string) ([]byte, error) {
	switch name {
	case Docs, "docs.js":
		return page.ReadFile(name)
	case "favicon-32x32.png":
		return static.FS.ReadFile(name)
	case "swagger-ui-bundle.js", "swagger-ui.css":
		zipped, err := static.FS.ReadFile(name + ".gz")
		if err != nil {
			return nil, err
		}
		reader, err := gzip.NewReader(bytes.NewReader(zipped))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(reader)
	}
	return nil, fs.ErrNotExist
}
