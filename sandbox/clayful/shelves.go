package clayful

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

// created is the answer to a creation: 201.
type created map[string]any

// fieldKind is what a field of a document takes.
type fieldKind int

const (
	takesText   fieldKind = iota + 1 // per language
	takesString                      // or null
	takesBool
	takesNumber // not below zero, or null
	takesTime   // ISO, or null
	takesObject
	takesList
)

// field is what a request may set. Relation names the model whose ids it takes.
type field struct {
	kind     fieldKind
	relation string
	many     bool
	image    bool
}

func relation(model string) field  { return field{relation: model} }
func relations(model string) field { return field{relation: model, many: true} }

// takesImage is the id of an image made for the field, or null.
var takesImage = field{kind: takesString, image: true}

// shelves are the models an operator keeps, with their fields. Products are
// checked further.
var shelves = map[string]map[string]field{
	"products": {
		"slug": {kind: takesString}, "type": {kind: takesString}, "name": {kind: takesText}, "summary": {kind: takesText},
		"description": {kind: takesText}, "keywords": {kind: takesText}, "price": {kind: takesObject}, "discount": {kind: takesObject},
		"shipping": {kind: takesObject}, "available": {kind: takesBool}, "bundled": {kind: takesBool}, "brand": relation("brands"),
		"vendor": relation("vendors"), "thumbnail": takesImage, "taxCategories": relations("taxCategories"),
		"collections": relations("collections"), "options": {kind: takesList}, "bundles": {kind: takesList}, "notices": {kind: takesList},
		"manufacturer": {kind: takesText}, "origin": {kind: takesObject}, "meta": {kind: takesObject},
	},
	"collections": {
		"slug": {kind: takesString}, "name": {kind: takesText}, "parent": relation("collections"), "thumbnail": takesImage,
		"description": {kind: takesText}, "meta": {kind: takesObject},
	},
	"catalogs": {
		"slug": {kind: takesString}, "title": {kind: takesText}, "description": {kind: takesText}, "items": {kind: takesList},
		"image": takesImage, "meta": {kind: takesObject},
	},
	"brands": {
		"slug": {kind: takesString}, "name": {kind: takesText}, "description": {kind: takesText}, "thumbnail": takesImage,
		"logo": takesImage, "meta": {kind: takesObject},
	},
	"vendors": {
		"slug": {kind: takesString}, "name": {kind: takesText}, "description": {kind: takesText}, "logo": takesImage,
		"meta": {kind: takesObject},
	},
	"coupons": {
		"slug": {kind: takesString}, "name": {kind: takesText}, "description": {kind: takesText}, "type": {kind: takesString},
		"active": {kind: takesBool}, "only": {kind: takesBool}, "discount": {kind: takesObject}, "price": {kind: takesObject},
		"category": {kind: takesObject}, "subscription": {kind: takesObject}, "amount": {kind: takesObject},
		"expiresAt": {kind: takesTime}, "meta": {kind: takesObject},
	},
}

// readOnly are the models that are kept elsewhere, by their path.
var readOnly = map[string]string{
	"shipping/methods": "shippingMethods", "shipping/policies": "shippingPolicies", "taxes/categories": "taxCategories",
	"payments/methods": "paymentMethods", "currencies": "currencies", "countries": "countries", "orders/tags": "orderTags",
}

func (s *Server) shelfRoutes() []route {
	var routes []route
	reads := maps.Clone(readOnly)
	for model := range shelves {
		reads[model] = model
		routes = append(routes,
			route{"POST", "/" + model, backend, s.createOn(model)},
			route{"PUT", "/" + model + "/{id}", backend, s.updateOn(model)},
			route{"DELETE", "/" + model + "/{id}", backend, s.removeFrom(model)})
	}
	reads["groups"] = "groups"
	for path, model := range reads {
		routes = append(routes,
			route{"GET", "/" + path, public, s.list(model)},
			route{"GET", "/" + path + "/count", public, s.count(model)},
			route{"GET", "/" + path + "/{id}", public, s.get(model)})
	}
	return append(routes, route{"GET", "/store", public, s.store})
}

func (s *Server) store(call) (any, error) {
	return map[string]any{
		"_id": "SANDBXSTXRE2", "name": "byeolshow", "slug": "byeolshow", "currency": map[string]any{"code": "KRW", "precision": 0},
		"language": map[string]any{"code": "ko", "name": codeNames["ko"]}, "country": map[string]any{"code": "KR", "name": codeNames["KR"]},
		"timezone": "Asia/Seoul", "meta": map[string]any{},
	}, nil
}

func (s *Server) createOn(model string) func(call) (any, error) {
	return func(c call) (any, error) {
		in, err := read(c.Request)
		if err != nil {
			return nil, err
		}
		now := stamp(time.Now())
		d := document{"_id": newID(), "createdAt": now, "updatedAt": now}
		for name, field := range shelves[model] {
			d[name] = field.empty()
		}
		err = pgx.BeginFunc(c.Context(), s.pool, func(tx pgx.Tx) error {
			if err := s.set(c.Context(), tx, model, d, in); err != nil {
				return err
			}
			if d["slug"] == nil {
				d["slug"] = d.id()
			}
			if err := s.insert(c.Context(), tx, model, d, nil); err != nil {
				return err
			}
			return s.notify(c.Context(), tx, singular(model)+".create", map[string]any{singular(model) + "Id": d.id()}, d)
		})
		return created(d), err
	}
}

func (s *Server) updateOn(model string) func(call) (any, error) {
	return func(c call) (any, error) {
		in, err := read(c.Request)
		if err != nil {
			return nil, err
		}
		return s.change(c.Context(), model, chi.URLParam(c.Request, "id"), func(tx pgx.Tx, d document) error {
			if err := s.set(c.Context(), tx, model, d, in); err != nil {
				return err
			}
			return s.notify(c.Context(), tx, singular(model)+".update", map[string]any{singular(model) + "Id": d.id()}, d)
		})
	}
}

func (s *Server) removeFrom(model string) func(call) (any, error) {
	return func(c call) (any, error) {
		tag, err := s.pool.Exec(c.Context(), "DELETE FROM sandbox_clayful.document WHERE model = $1 AND id = $2", model, chi.URLParam(c.Request, "id"))
		if err == nil && tag.RowsAffected() == 0 {
			err = notExisting(model)
		}
		return nil, err
	}
}

func singular(model string) string { return strings.TrimSuffix(model, "s") }

// modelName is a model as images name it.
func modelName(model string) string {
	name := singular(model)
	return strings.ToUpper(name[:1]) + name[1:]
}

func (f field) empty() any {
	switch {
	case f.many, f.kind == takesList:
		return []any{}
	case f.kind == takesText:
		return map[string]any{"ko": nil}
	case f.kind == takesObject:
		return map[string]any{}
	case f.kind == takesBool:
		return false
	}
	return nil
}

// set puts the fields of a request on a document. Keys of meta that are not
// given stay.
func (s *Server) set(ctx context.Context, tx pgx.Tx, model string, d, in document) error {
	for name, value := range in {
		field, known := shelves[model][name]
		if !known {
			continue // unknown keys are passed over, as the shop does
		}
		if err := field.check(name, value); err != nil {
			return err
		}
		if field.relation != "" {
			if err := related(ctx, tx, field.relation, value); err != nil {
				return err
			}
		}
		if id, given := value.(string); given && field.image {
			if err := checkImage(ctx, tx, id, modelName(model), name, ""); err != nil {
				return err
			}
		}
		if own, ok := d["meta"].(map[string]any); ok && name == "meta" {
			if err := checkMetaImages(ctx, tx, value.(map[string]any), modelName(model)); err != nil { //nolint:errcheck // checked
				return err
			}
			maps.Copy(own, value.(map[string]any)) //nolint:errcheck // checked
			continue
		}
		d[name] = value
	}
	if slug, ok := d["slug"].(string); ok {
		var taken bool
		err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM sandbox_clayful.document WHERE model = $1 AND body->>'slug' = $2 AND id <> $3)",
			model, slug, d.id()).Scan(&taken)
		if err != nil {
			return fmt.Errorf("look for slug: %w", err)
		}
		if taken {
			return badRequest("duplicated-slug")
		}
	}
	switch model {
	case "products":
		return s.stockProduct(ctx, tx, d, in)
	case "coupons":
		return checkCoupon(d)
	}
	return nil
}

func (f field) check(name string, value any) error {
	ok := true
	switch {
	case value == nil:
		ok = f.kind != takesBool && f.kind != takesList && f.kind != takesObject && !f.many
	case f.many:
		ids, isList := value.([]any)
		ok = isList && !slices.ContainsFunc(ids, func(id any) bool { _, isText := id.(string); return !isText })
	case f.relation != "", f.kind == takesString:
		_, ok = value.(string)
	case f.kind == takesText:
		languages, isObject := value.(map[string]any)
		ok = isObject
		for language, text := range languages {
			if language != "ko" {
				return badRequest("not-supported-language")
			}
			if _, isText := text.(string); !isText && text != nil {
				ok = false
			}
		}
	case f.kind == takesBool:
		_, ok = value.(bool)
	case f.kind == takesNumber:
		n, isNumber := value.(float64)
		ok = isNumber && n >= 0
	case f.kind == takesTime:
		text, _ := value.(string)
		_, err := time.Parse(time.RFC3339, text)
		ok = err == nil
	case f.kind == takesObject:
		_, ok = value.(map[string]any)
	case f.kind == takesList:
		_, ok = value.([]any)
	}
	if !ok {
		return invalid(name)
	}
	return nil
}

// related sees that the ids a request names exist.
func related(ctx context.Context, tx pgx.Tx, model string, value any) error {
	var ids []string
	switch v := value.(type) {
	case string:
		ids = []string{v}
	case []any:
		for _, id := range v {
			text, _ := id.(string)
			ids = append(ids, text)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var n int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM sandbox_clayful.document WHERE model = $1 AND id = ANY($2)", model, ids).Scan(&n); err != nil {
		return fmt.Errorf("look for %s: %w", model, err)
	}
	if n != len(ids) {
		return badRequest("not-existing-" + kebab(singular(model)) + "-relation")
	}
	return nil
}

// kebab writes taxCategorie as tax-category.
func kebab(camel string) string {
	var out strings.Builder
	for _, r := range camel {
		if r >= 'A' && r <= 'Z' {
			out.WriteByte('-')
			r += 'a' - 'A'
		}
		out.WriteRune(r)
	}
	return strings.Replace(strings.Replace(out.String(), "categorie", "category", 1), "policie", "policy", 1)
}

func checkCoupon(d document) error {
	kind, _ := d["type"].(string)
	if !slices.Contains([]string{"product", "cart", "shipping"}, kind) {
		return invalid("type")
	}
	if err := checkDiscount("discount", lookup(d, "discount")); err != nil {
		return err
	}
	if lookup(d, "discount", "type") == nil {
		return invalid("discount.type")
	}
	category, _ := d["category"].(map[string]any)
	if category["type"] == nil {
		d["category"] = map[string]any{"type": "any", "products": []any{}, "brands": []any{}, "collections": []any{}}
	}
	amounts, _ := d["amount"].(map[string]any)
	for field, start := range map[string]any{"total": nil, "used": 0.0, "issued": 0.0} {
		if _, set := amounts[field]; !set {
			amounts[field] = start
		}
	}
	return nil
}

func checkDiscount(name string, value any) error {
	d, ok := value.(map[string]any)
	if !ok {
		return invalid(name)
	}
	n, isNumber := d["value"].(float64)
	switch d["type"] {
	case nil:
	case "percentage":
		if !isNumber || n < 0 || n > 100 {
			return invalid(name + ".value")
		}
	case "fixed":
		if !isNumber || n < 0 {
			return invalid(name + ".value")
		}
	default:
		return invalid(name + ".type")
	}
	return nil
}

// catalogueFormats are the formatted fields of what shelves hold besides.
var catalogueFormats = map[string]map[string]kind{
	"catalogs": {
		"title": asText, "description": asText, "image": asImage, "createdAt": asTime, "updatedAt": asTime,
		"items[].title": asText, "items[].description": asText, "items[].image": asImage,
	},
	"brands": {"name": asText, "description": asText, "thumbnail": asImage, "logo": asImage, "createdAt": asTime, "updatedAt": asTime},
	"coupons": {
		"name": asText, "description": asText, "discount": asDiscount, "price.min": asPrice, "price.max": asPrice,
		"category.products[]": asReference, "category.brands[]": asReference, "category.collections[]": asReference,
		"amount.total": asNumber, "amount.used": asNumber, "amount.left": asNumber, "amount.issued": asNumber, "amount.unissued": asNumber,
		"expiresAt": asTime, "issuedAt": asTime, "createdAt": asTime, "updatedAt": asTime,
	},
	"shippingMethods": {"name": asText, "createdAt": asTime, "updatedAt": asTime},
	"shippingPolicies": {
		"name": asText, "method": asReference, "vendor": asReference, "country": asCountry, "createdAt": asTime, "updatedAt": asTime,
		"rules[].weightOver": asNumber, "rules[].fee": asPrice, "rules[].free.priceOver": asPrice, "regions[].name": asText,
		"regions[].rules[].weightOver": asNumber, "regions[].rules[].fee": asPrice, "regions[].rules[].free.priceOver": asPrice,
	},
	"taxCategories":  {"name": asText, "rules[].name": asText, "rules[].rate": asNumber, "createdAt": asTime, "updatedAt": asTime},
	"paymentMethods": {"name": asText, "createdAt": asTime, "updatedAt": asTime},
	"currencies":     {}, "countries": {"name": asText}, "orderTags": {"name": asText},
}
