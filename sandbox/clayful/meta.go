package clayful

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

// metaOperation changes one field of a document's meta; in is the request.
type metaOperation func(meta map[string]any, field string, in metaRequest) error

type metaRequest struct {
	Value  json.RawMessage `json:"value"`
	Unique bool            `json:"unique"`
}

func (s *Server) metaChange(model string, operation metaOperation) func(call) (any, error) {
	return func(c call) (any, error) {
		var in metaRequest
		if c.Method != http.MethodDelete {
			if err := json.NewDecoder(c.Body).Decode(&in); err != nil || in.Value == nil {
				return nil, invalid("value")
			}
		}
		return s.change(c.Context(), model, chi.URLParam(c.Request, "id"), func(_ pgx.Tx, d document) error {
			meta, ok := d["meta"].(map[string]any)
			if !ok {
				meta = map[string]any{}
				d["meta"] = meta
			}
			return operation(meta, chi.URLParam(c.Request, "field"), in)
		})
	}
}

func elements(meta map[string]any, field string, in metaRequest) (list, values []any, err error) {
	if current := meta[field]; current != nil {
		var ok bool
		if list, ok = current.([]any); !ok {
			return nil, nil, invalid("value")
		}
	}
	if err := json.Unmarshal(in.Value, &values); err != nil {
		return nil, nil, invalid("value")
	}
	return list, values, nil
}

func contains(list []any, value any) bool {
	return slices.ContainsFunc(list, func(e any) bool { return reflect.DeepEqual(e, value) })
}

func pushed(meta map[string]any, field string, in metaRequest) error {
	list, values, err := elements(meta, field, in)
	if err != nil {
		return err
	}
	for _, value := range values {
		if !in.Unique || !contains(list, value) {
			list = append(list, value)
		}
	}
	meta[field] = list
	return nil
}

func pulled(meta map[string]any, field string, in metaRequest) error {
	list, values, err := elements(meta, field, in)
	if err != nil {
		return err
	}
	meta[field] = slices.DeleteFunc(append([]any{}, list...), func(e any) bool { return contains(values, e) })
	return nil
}

func increased(meta map[string]any, field string, in metaRequest) error {
	var by float64
	if err := json.Unmarshal(in.Value, &by); err != nil {
		return invalid("value")
	}
	current, ok := meta[field].(float64)
	if !ok && meta[field] != nil {
		return invalid("value")
	}
	meta[field] = current + by
	return nil
}

func removed(meta map[string]any, field string, _ metaRequest) error {
	delete(meta, field)
	return nil
}
