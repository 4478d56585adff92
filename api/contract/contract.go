// Package contract is the HTTP contract as an OpenAPI 3.1 document, written by
// hand, one file per resource, and the page that shows it.
package contract

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed *.yaml
var sources embed.FS

const (
	frame   = "openapi.yaml" // all but the paths, and the schemas that one resource alone needs
	answers = "answers.yaml" // sets of answers, which the files of resources name
)

// Document is the whole document as JSON.
var Document = sync.OnceValues(func() ([]byte, error) {
	document, err := read(frame)
	if err != nil {
		return nil, err
	}
	entries, err := sources.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if slices.Contains([]string{frame, answers}, entry.Name()) {
			continue
		}
		resource, err := read(answers, entry.Name())
		if err == nil {
			err = join(document, resource, "paths")
		}
		if err == nil {
			err = join(document, resource, "components", "schemas")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
	}
	return json.Marshal(document)
})

// read decodes files as one text, so that the later can name what the earlier
// anchor.
func read(names ...string) (map[string]any, error) {
	var text []byte
	for _, name := range names {
		file, err := sources.ReadFile(name)
		if err != nil {
			return nil, err
		}
		text = append(text, file...)
	}
	var content map[string]any
	return content, yaml.Unmarshal(text, &content)
}

// join adds what a resource has at a path to the document.
func join(document, resource map[string]any, path ...string) error {
	for _, name := range path {
		inner, ok := resource[name].(map[string]any)
		if !ok {
			return nil
		}
		if document[name] == nil {
			document[name] = map[string]any{}
		}
		resource, document = inner, document[name].(map[string]any) //nolint:errcheck // the frame's own text
	}
	for name, value := range resource {
		if _, taken := document[name]; taken {
			return fmt.Errorf("%s is there already", name)
		}
		document[name] = value
	}
	return nil
}
