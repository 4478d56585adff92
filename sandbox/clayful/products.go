package clayful

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

func (s *Server) productRoutes() []route {
	base := "/products/{id}"
	return []route{
		{"POST", base + "/variants", backend, s.createVariant},
		{"PUT", base + "/variants/{variant}", backend, s.updateVariant},
		{"DELETE", base + "/variants/{variant}", backend, s.deleteVariant},
		{"POST", base + "/variants/{variant}/quantity", backend, s.adjustQuantity},
		{"PUT", base + "/options/{option}", backend, s.updateOption},
		{"POST", base + "/options/{option}/variations", backend, s.createVariation},
		{"PUT", base + "/options/{option}/variations/{variation}", backend, s.updateVariation},
		{"DELETE", base + "/options/{option}/variations/{variation}", backend, s.deleteVariation},
		{"POST", base + "/censored", backend, s.censor},
		{"DELETE", base + "/censored", backend, s.censor},
	}
}

var productTypes = []string{"tangible", "downloadable", "ticket", "custom"}

// stockProduct completes a product: what the shop derives is derived anew.
func (s *Server) stockProduct(ctx context.Context, tx pgx.Tx, d, in document) error {
	if d["type"] == nil {
		d["type"] = "tangible"
	}
	if kind, _ := d["type"].(string); !slices.Contains(productTypes, kind) {
		return invalid("type")
	}
	if name, _ := lookup(d, "name", "ko").(string); name == "" {
		return invalid("name")
	}
	shipping, _ := d["shipping"].(map[string]any)
	if shipping["methods"] == nil {
		shipping["methods"] = []any{}
	}
	if err := related(ctx, tx, "shippingMethods", shipping["methods"]); err != nil {
		return err
	}
	if _, given := shipping["calculation"]; !given {
		shipping["calculation"] = "bundled"
	}
	for field, start := range map[string]any{
		"rating": map[string]any{"count": 0.0, "sum": 0.0, "average": 0.0}, "totalReview": 0.0, "variants": []any{}, "catalogs": []any{},
	} {
		if d[field] == nil {
			d[field] = start
		}
	}
	for _, option := range objects(d["options"]) {
		ensureID(option)
		for _, variation := range objects(option["variations"]) {
			ensureID(variation)
		}
	}
	if _, given := in["collections"]; given {
		if err := s.placeInCollections(ctx, tx, d, in["collections"]); err != nil {
			return err
		}
	}
	if err := reprice(d, nil); err != nil {
		return err
	}
	for _, variant := range objects(d["variants"]) {
		if err := reprice(variant, d); err != nil {
			return err
		}
	}
	return nil
}

func ensureID(d map[string]any) {
	if id, _ := d["_id"].(string); id == "" {
		d["_id"] = newID()
	}
}

// reprice derives the sale price from the original and the discount. A variant
// without an own price or discount has its product's.
func reprice(d map[string]any, product document) error {
	prices, _ := d["price"].(map[string]any)
	if prices == nil {
		prices = map[string]any{}
		d["price"] = prices
	}
	original, ok := prices["original"].(float64)
	if !ok && product != nil {
		original, ok = lookup(product, "price", "original").(float64)
	}
	if !ok || original < 0 {
		return invalid("price.original")
	}
	given, _ := d["discount"].(map[string]any)
	if given["type"] == nil && product != nil {
		given, _ = product["discount"].(map[string]any)
	}
	if given == nil {
		given = map[string]any{}
	}
	if err := checkDiscount("discount", given); err != nil {
		return err
	}
	value, _ := given["value"].(float64)
	off := int64(0)
	switch given["type"] {
	case "percentage":
		off = share(int64(original), value)
	case "fixed":
		off = min(int64(value), int64(original))
	}
	prices["original"], prices["sale"] = original, original-float64(off)
	d["discount"] = map[string]any{"type": given["type"], "value": given["value"], "discounted": float64(off)}
	return nil
}

// placeInCollections keeps the way to each collection, and all ids on it.
func (s *Server) placeInCollections(ctx context.Context, tx pgx.Tx, d document, value any) error {
	leaves, _ := value.([]any)
	paths, all := []any{}, []any{}
	for _, leaf := range leaves {
		var way []any
		for id, _ := leaf.(string); id != ""; {
			var c document
			if err := tx.QueryRow(ctx, "SELECT body FROM sandbox_clayful.document WHERE model = 'collections' AND id = $1", id).Scan(&c); err != nil {
				return fmt.Errorf("read collection: %w", err)
			}
			way = append([]any{id}, way...)
			if !slices.Contains(all, any(id)) {
				all = append(all, id)
			}
			id, _ = c["parent"].(string)
			if len(way) > 20 {
				return invalid("collections")
			}
		}
		paths = append(paths, map[string]any{"path": way})
	}
	d["collections"], d["collectionIDs"] = paths, all
	return nil
}

// changeProduct lets do change a product and derives the rest.
func (s *Server) changeProduct(c call, do func(document) error) (document, error) {
	return s.change(c.Context(), "products", chi.URLParam(c.Request, "id"), func(tx pgx.Tx, d document) error {
		if err := do(d); err != nil {
			return err
		}
		if err := s.stockProduct(c.Context(), tx, d, nil); err != nil {
			return err
		}
		return s.notify(c.Context(), tx, "product.update", map[string]any{"productId": d.id(), "vendor": d["vendor"]}, d)
	})
}

// fillVariant sets the fields of a request on a variant.
func fillVariant(variant, in document) error {
	for field, value := range in {
		n, isNumber := value.(float64)
		var ok bool
		switch field {
		case "available":
			_, ok = value.(bool)
		case "sku", "thumbnail":
			_, isText := value.(string)
			ok = isText || value == nil
		case "quantity", "weight", "width", "height", "depth":
			ok = value == nil || isNumber && n >= 0
		case "types":
			_, ok = value.([]any)
		case "price":
			if isNumber {
				value = map[string]any{"original": n}
			}
			_, ok = value.(map[string]any)
		case "discount":
			_, ok = value.(map[string]any)
		default:
			continue
		}
		if !ok {
			return invalid(field)
		}
		variant[field] = value
	}
	return nil
}

func (s *Server) createVariant(c call) (any, error) {
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	variant := document{
		"_id": newID(), "sku": nil, "available": true, "thumbnail": nil, "quantity": nil, "types": []any{},
		"weight": nil, "width": nil, "height": nil, "depth": nil,
	}
	if err := fillVariant(variant, in); err != nil {
		return nil, err
	}
	_, err = s.changeProduct(c, func(d document) error {
		list, _ := d["variants"].([]any)
		d["variants"] = append(list, map[string]any(variant))
		return nil
	})
	return created(variant), err
}

// inList finds an object in a list by its id.
func inList(list any, id string) (map[string]any, error) {
	for _, object := range objects(list) {
		if object["_id"] == id {
			return object, nil
		}
	}
	return nil, &apiError{status: http.StatusNotFound, code: "not-existing-document"}
}

// without is a list less the object of that id.
func without(list any, id string) ([]any, error) {
	if _, err := inList(list, id); err != nil {
		return nil, err
	}
	elements, _ := list.([]any)
	return slices.DeleteFunc(elements, func(e any) bool {
		object, ok := e.(map[string]any)
		return ok && object["_id"] == id
	}), nil
}

func (s *Server) updateVariant(c call) (any, error) {
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	var changed map[string]any
	_, err = s.changeProduct(c, func(d document) (err error) {
		if changed, err = inList(d["variants"], chi.URLParam(c.Request, "variant")); err != nil {
			return err
		}
		return fillVariant(changed, in)
	})
	return changed, err
}

func (s *Server) deleteVariant(c call) (any, error) {
	_, err := s.changeProduct(c, func(d document) (err error) {
		d["variants"], err = without(d["variants"], chi.URLParam(c.Request, "variant"))
		return err
	})
	return nil, err
}

// adjustQuantity sets the stock ({"quantity": n}), or changes it by a number
// ({"value": ±n}).
func (s *Server) adjustQuantity(c call) (any, error) {
	var in struct {
		Quantity *int64 `json:"quantity"`
		Value    *int64 `json:"value"`
	}
	if err := json.NewDecoder(c.Body).Decode(&in); err != nil || (in.Quantity == nil) == (in.Value == nil) {
		return nil, invalid("quantity")
	}
	var changed map[string]any
	_, err := s.changeProduct(c, func(d document) (err error) {
		if changed, err = inList(d["variants"], chi.URLParam(c.Request, "variant")); err != nil {
			return err
		}
		stock, _ := changed["quantity"].(float64)
		if in.Value != nil {
			stock += float64(*in.Value)
		} else {
			stock = float64(*in.Quantity)
		}
		if stock < 0 {
			return invalid("quantity")
		}
		changed["quantity"] = stock
		return nil
	})
	return changed, err
}

func (s *Server) updateOption(c call) (any, error) { return s.changeOption(c, "name", "priority") }

func (s *Server) changeOption(c call, fields ...string) (any, error) {
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	return s.changeProduct(c, func(d document) error {
		option, err := inList(d["options"], chi.URLParam(c.Request, "option"))
		if err != nil {
			return err
		}
		for _, field := range fields {
			if value, given := in[field]; given {
				option[field] = value
			}
		}
		return nil
	})
}

func (s *Server) createVariation(c call) (any, error) {
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	variation := map[string]any{"_id": newID(), "value": in["value"], "priority": in["priority"]}
	_, err = s.changeProduct(c, func(d document) error {
		option, err := inList(d["options"], chi.URLParam(c.Request, "option"))
		if err != nil {
			return err
		}
		list, _ := option["variations"].([]any)
		option["variations"] = append(list, variation)
		return nil
	})
	return created(variation), err
}

func (s *Server) updateVariation(c call) (any, error) {
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	return s.changeProduct(c, func(d document) error {
		option, err := inList(d["options"], chi.URLParam(c.Request, "option"))
		if err != nil {
			return err
		}
		variation, err := inList(option["variations"], chi.URLParam(c.Request, "variation"))
		if err != nil {
			return err
		}
		for _, field := range []string{"value", "priority"} {
			if value, given := in[field]; given {
				variation[field] = value
			}
		}
		return nil
	})
}

func (s *Server) deleteVariation(c call) (any, error) {
	_, err := s.changeProduct(c, func(d document) error {
		option, err := inList(d["options"], chi.URLParam(c.Request, "option"))
		if err != nil {
			return err
		}
		option["variations"], err = without(option["variations"], chi.URLParam(c.Request, "variation"))
		return err
	})
	return nil, err
}

// censor takes a product from sale until it is uncensored.
func (s *Server) censor(c call) (any, error) {
	return s.changeProduct(c, func(d document) error {
		d["available"] = c.Method == http.MethodDelete
		return nil
	})
}
