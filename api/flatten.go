package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// flattener replaces the shop's {"raw": …} objects by what is in them, at the
// places it names. Everything else stays as it is.
type flattener [][]string

// rawAt makes a flattener of paths. In them "x[]" is every element of a list,
// "{a,b}" either, "*" every key, and "**" everything below.
func rawAt(paths ...string) flattener {
	var f flattener
	for _, path := range paths {
		for _, one := range alternatives(path) {
			f = append(f, strings.Split(one, "."))
		}
	}
	return f
}

// alternatives writes a path with braces out.
func alternatives(path string) []string {
	open := strings.IndexByte(path, '{')
	if open < 0 {
		return []string{path}
	}
	depth, start := 0, open+1
	var choices []string
	for i := open; i < len(path); i++ {
		switch path[i] {
		case '{':
			depth++
		case ',':
			if depth == 1 {
				choices, start = append(choices, path[start:i]), i+1
			}
		case '}':
			if depth--; depth == 0 {
				choices = append(choices, path[start:i])
				var all []string
				for _, choice := range choices {
					all = append(all, alternatives(path[:open]+choice+path[i+1:])...)
				}
				return all
			}
		}
	}
	panic("unbalanced braces in " + path)
}

// apply flattens a decoded document in place.
func (f flattener) apply(v any) any {
	for _, path := range f {
		v = flattenAt(v, path)
	}
	return v
}

func flattenAt(v any, path []string) any {
	if len(path) == 0 {
		return unwrap(v)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return v
	}
	switch path[0] {
	case "**":
		return flattenAll(v)
	case "*":
		for key, value := range object {
			object[key] = flattenAt(value, path[1:])
		}
		return v
	}
	name, list := strings.CutSuffix(path[0], "[]")
	value, ok := object[name]
	if !ok {
		return v
	}
	if !list {
		object[name] = flattenAt(value, path[1:])
		return v
	}
	if elements, ok := value.([]any); ok {
		for i, element := range elements {
			elements[i] = flattenAt(element, path[1:])
		}
	}
	return v
}

func unwrap(v any) any {
	if object, ok := v.(map[string]any); ok {
		if raw, wrapped := object["raw"]; wrapped {
			return raw
		}
	}
	return v
}

func flattenAll(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if raw, wrapped := v["raw"]; wrapped {
			return raw
		}
		for key, value := range v {
			v[key] = flattenAll(value)
		}
	case []any:
		for i, element := range v {
			v[i] = flattenAll(element)
		}
	}
	return v
}

// parse decodes a document of the shop; its numbers keep their digits.
func parse(raw json.RawMessage) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var document map[string]any
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("decode the shop's document: %w", err)
	}
	if document == nil {
		return nil, errors.New("the shop's document is null")
	}
	return document, nil
}

// all decodes documents and flattens each.
func (f flattener) all(list []json.RawMessage) ([]map[string]any, error) {
	documents := make([]map[string]any, 0, len(list))
	for _, raw := range list {
		document, err := parse(raw)
		if err != nil {
			return nil, err
		}
		f.apply(document)
		documents = append(documents, document)
	}
	return documents, nil
}

// object is a member of a document that is an object, nil otherwise.
func object(v any, path ...string) map[string]any {
	for _, name := range path {
		of, _ := v.(map[string]any)
		v = of[name]
	}
	found, _ := v.(map[string]any)
	return found
}

// objects are the elements of a list that are objects.
func objects(v any) []map[string]any {
	elements, _ := v.([]any)
	found := make([]map[string]any, 0, len(elements))
	for _, element := range elements {
		if object, ok := element.(map[string]any); ok {
			found = append(found, object)
		}
	}
	return found
}

// idOf is the id of a reference: the id itself, or an object's.
func idOf(v any) string {
	if object, ok := v.(map[string]any); ok {
		v = object["_id"]
	}
	id, _ := v.(string)
	return id
}

// number is a number of the shop, plain or wrapped.
func number(v any) (json.Number, bool) {
	n, ok := unwrap(v).(json.Number)
	return n, ok
}
