package clayful

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind is how a value is shown in a formatted document.
type kind int

const (
	asNumber kind = iota + 1
	asPrice
	asTime
	asText     // one language of several
	asDiscount // an object with a value in won or in percent
	asImage
	asReference // to a document, by name
	asProduct   // to a product, with its picture
	asVariant   // to a variant of the product beside it, whole
	asCoupon    // to a coupon, with its discount
	asPolicy    // to a shipping policy
	asCountry
	asLanguage
	asImageOrNull
	asReviewed // to a product, as its reviews show it
	asAuthor   // to a customer, as others see them
	asReview   // to a review, by title
)

// referring kinds need the document they refer to.
var referring = []kind{
	asReference, asProduct, asVariant, asCoupon, asPolicy, asImage, asImageOrNull, asReviewed, asAuthor, asReview,
}

// variantFormats are the fields of a variant.
var variantFormats = map[string]kind{
	"price.original": asPrice, "price.sale": asPrice, "quantity": asNumber, "discount": asDiscount, "thumbnail": asImage,
	"weight": asNumber, "width": asNumber, "height": asNumber, "depth": asNumber,
}

// formats tell the kinds of the fields that look different when formatted. A
// path's "[]" is every element of a list.
var formats = func() map[string]map[string]kind {
	all := map[string]map[string]kind{
		"customers": {
			"createdAt": asTime, "updatedAt": asTime, "birthdate": asTime, "deactivatedAt": asTime, "lastLoggedInAt": asTime,
			"avatar": asImageOrNull, "groups[]": asReference,
			"address.primary.country": asCountry, "address.secondaries[].country": asCountry,
		},
		"groups": {"createdAt": asTime, "updatedAt": asTime, "name": asText},
		"products": {
			"createdAt": asTime, "updatedAt": asTime, "name": asText, "summary": asText, "description": asText, "keywords": asText,
			"price.original": asPrice, "price.sale": asPrice, "discount": asDiscount,
			"rating.count": asNumber, "rating.sum": asNumber, "rating.average": asNumber, "totalReview": asNumber,
			"thumbnail": asImage, "vendor": asReference, "brand": asReference, "shipping.methods[]": asReference,
			"taxCategories[]": asReference, "collections[].path[]": asReference,
			"options[].name": asText, "options[].variations[].value": asText,
			"bundles[].name": asText, "bundles[].items[].product": asProduct,
			"notices[].title": asText, "notices[].items[].title": asText, "notices[].items[].description": asText,
		},
		"collections": {"createdAt": asTime, "updatedAt": asTime, "name": asText, "parent": asReference, "thumbnail": asImage},
		"vendors":     {"createdAt": asTime, "updatedAt": asTime, "name": asText, "description": asText, "logo": asImage},
		"wishlists":   {"createdAt": asTime, "updatedAt": asTime},
		"images":      {"createdAt": asTime, "updatedAt": asTime},
		"reviews":     reviewFormats(),
		"reviewComments": {
			"review": asReview, "customer": asAuthor, "flagged.total": asNumber, "createdAt": asTime, "updatedAt": asTime,
		},
		"carts":   cartFormats(),
		"orders":  orderFormats(),
		"refunds": refundFormats(""),
	}
	for field, kind := range variantFormats {
		all["products"]["variants[]."+field] = kind
	}
	maps.Copy(all, catalogueFormats)
	return all
}()

// hidden are keys of raw documents that are the shop's own business.
var hidden = []string{"collectionIDs"}

// shown is how documents look to a GET: formatted unless raw is asked for, and
// with the asked fields only.
func (s *Server) shown(c call, model string, found []document) ([]document, error) {
	raw := c.URL.Query().Get("raw") == "true"
	refs := references{}
	if !raw {
		var err error
		if refs, err = s.references(c.Context(), model, found); err != nil {
			return nil, err
		}
	}
	list := make([]document, 0, len(found))
	for _, d := range found {
		for _, key := range hidden {
			delete(d, key)
		}
		switch model {
		case "coupons":
			tally(d)
		case "images":
			d["url"] = s.imageURL(d)
			delete(d, "version")
		}
		if !raw {
			refs.render(model, d)
		}
		if fields := c.URL.Query().Get("fields"); fields != "" {
			d = only(d, strings.Split(fields, ","))
		}
		list = append(list, d)
	}
	return list, nil
}

// render formats a raw document in place.
func (refs references) render(model string, d document) {
	options := d["options"]
	// A variant is found through the product beside it, so it comes first.
	fields := slices.SortedFunc(maps.Keys(formats[model]), func(a, b string) int {
		return int(formats[model][b]) - int(formats[model][a])
	})
	if model == "products" {
		for _, variant := range objects(d["variants"]) {
			variant["types"] = typesOf(options, variant)
		}
	}
	if model == "orders" {
		sumTransactions(d)
	}
	for _, field := range fields {
		kind := formats[model][field]
		visit(map[string]any(d), strings.Split(field, "."), func(owner map[string]any, value any) any {
			return refs.formatted(value, kind, owner)
		})
	}
	if meta, ok := d["meta"].(map[string]any); ok {
		for key, value := range meta {
			if n, ok := value.(float64); ok {
				meta[key] = number(n)
			}
		}
	}
}

// sumTransactions shows in an order's total what went through all its payment
// methods.
func sumTransactions(d document) {
	total, ok := d["total"].(map[string]any)
	if !ok {
		return
	}
	for _, field := range []string{"paid", "cancelled", "refunded"} {
		var sum float64
		for _, transaction := range objects(d["transactions"]) {
			amount, _ := transaction[field].(float64)
			sum += amount
		}
		total[field] = sum
	}
}

// visit replaces the values at a path by what replace makes of them and of the
// object they are in.
func visit(at map[string]any, path []string, replace func(owner map[string]any, value any) any) {
	name, list := strings.CutSuffix(path[0], "[]")
	value, ok := at[name]
	if !ok {
		return
	}
	if list {
		elements, _ := value.([]any)
		for i, element := range elements {
			if len(path) == 1 {
				elements[i] = replace(at, element)
			} else if object, ok := element.(map[string]any); ok {
				visit(object, path[1:], replace)
			}
		}
		return
	}
	if len(path) == 1 {
		at[name] = replace(at, value)
	} else if object, ok := value.(map[string]any); ok {
		visit(object, path[1:], replace)
	}
}

func (refs references) formatted(value any, kind kind, owner map[string]any) any {
	switch v := value.(type) {
	case float64:
		switch kind {
		case asNumber:
			return number(v)
		case asPrice:
			return price(v)
		}
	case string:
		switch kind {
		case asTime:
			return moment(v)
		case asImage:
			return refs.image(v)
		case asImageOrNull:
			if _, known := refs[v]; !known {
				return nil // deleted
			}
			return refs.image(v)
		case asReviewed:
			return refs.reviewed(v)
		case asAuthor:
			return refs.author(v)
		case asReview:
			return map[string]any{"_id": v, "title": refs[v]["title"]}
		case asReference:
			return map[string]any{"_id": v, "name": refs.name(v), "slug": refs[v]["slug"]}
		case asProduct:
			return map[string]any{"_id": v, "name": refs.name(v), "slug": refs[v]["slug"], "thumbnail": refs.image(refs[v]["thumbnail"])}
		case asVariant:
			return refs.variant(owner["product"], v)
		case asCoupon:
			return refs.coupon(v)
		case asPolicy:
			return map[string]any{"_id": v, "method": refs[v]["method"], "country": refs[v]["country"]}
		case asCountry, asLanguage:
			return map[string]any{"code": v, "name": codeNames[v]}
		}
	case map[string]any:
		switch kind {
		case asText:
			return v["ko"]
		case asDiscount:
			return shownDiscount(v)
		}
	case nil:
		if kind == asImage {
			return map[string]any{"_id": nil, "url": nil}
		}
	}
	return value
}

var codeNames = map[string]string{"KR": "대한민국", "ko": "한국어"}

func (refs references) name(id string) any {
	switch name := refs[id]["name"].(type) {
	case map[string]any:
		return name["ko"]
	case string:
		return name
	}
	return nil
}

// variant shows a variant as its product does.
func (refs references) variant(product any, id string) any {
	productID, _ := product.(string)
	p := refs[productID]
	for _, found := range objects(p["variants"]) {
		if found["_id"] != id {
			continue
		}
		variant := deepCopy(found)
		variant["types"] = typesOf(p["options"], variant)
		for field, kind := range variantFormats {
			visit(variant, strings.Split(field, "."), func(owner map[string]any, value any) any { return refs.formatted(value, kind, owner) })
		}
		return variant
	}
	return map[string]any{"_id": id, "types": []any{}}
}

func (refs references) coupon(id string) any {
	c := refs[id]
	discount, _ := c["discount"].(map[string]any)
	return map[string]any{
		"_id": id, "slug": c["slug"], "name": refs.name(id), "type": c["type"], "discount": shownDiscount(deepCopy(discount)),
	}
}

// typesOf are the options a variant was made of, by name.
func typesOf(options any, variant map[string]any) []any {
	types := []any{}
	for _, kind := range objects(variant["types"]) {
		for _, option := range objects(options) {
			if option["_id"] != kind["option"] {
				continue
			}
			for _, variation := range objects(option["variations"]) {
				if variation["_id"] == kind["variation"] {
					types = append(types, map[string]any{
						"option":    map[string]any{"_id": option["_id"], "name": ko(option["name"]), "priority": option["priority"]},
						"variation": map[string]any{"_id": variation["_id"], "value": ko(variation["value"]), "priority": variation["priority"]},
					})
				}
			}
		}
	}
	return types
}

// ko is the Korean of a text in languages.
func ko(text any) any {
	if languages, ok := text.(map[string]any); ok {
		return languages["ko"]
	}
	return text
}

// objects are the elements of a list that are objects.
func objects(list any) []map[string]any {
	var found []map[string]any
	elements, _ := list.([]any)
	for _, element := range elements {
		if object, ok := element.(map[string]any); ok {
			found = append(found, object)
		}
	}
	return found
}

func deepCopy(object map[string]any) map[string]any {
	copied := make(map[string]any, len(object))
	for key, value := range object {
		copied[key] = deepCopyValue(value)
	}
	return copied
}

func deepCopyValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return deepCopy(v)
	case []any:
		elements := make([]any, len(v))
		for i, element := range v {
			elements[i] = deepCopyValue(element)
		}
		return elements
	}
	return value
}

// shownDiscount formats the amounts of a discount, which are shares when it is
// one of a percentage.
func shownDiscount(discount map[string]any) map[string]any {
	for _, field := range []string{"value", "min", "max", "discounted"} {
		n, ok := discount[field].(float64)
		switch {
		case !ok:
		case field == "value" && discount["type"] == "percentage":
			shown := number(n)
			shown["converted"] = fmt.Sprint(shown["formatted"]) + "%"
			discount[field] = shown
		default:
			discount[field] = price(n)
		}
	}
	return discount
}

func number(n float64) map[string]any {
	text := strconv.FormatFloat(n, 'f', -1, 64)
	return map[string]any{"raw": n, "formatted": grouped(text), "converted": grouped(text)}
}

func price(n float64) map[string]any {
	text := grouped(strconv.FormatFloat(n, 'f', -1, 64)) + "원"
	return map[string]any{"raw": n, "convertedRaw": n, "formatted": text, "converted": text}
}

// grouped writes thousands apart.
func grouped(number string) string {
	whole, fraction, _ := strings.Cut(number, ".")
	sign := ""
	if rest, negative := strings.CutPrefix(whole, "-"); negative {
		sign, whole = "-", rest
	}
	var parts []string
	for len(whole) > 3 {
		parts = append([]string{whole[len(whole)-3:]}, parts...)
		whole = whole[:len(whole)-3]
	}
	text := sign + strings.Join(append([]string{whole}, parts...), ",")
	if fraction != "" {
		text += "." + fraction
	}
	return text
}

var seoul = time.FixedZone("KST", 9*60*60)

func moment(raw string) map[string]any {
	at, err := time.Parse(time.RFC3339, raw)
	if err != nil {
		return map[string]any{"raw": raw, "formatted": raw, "ago": ""}
	}
	weekdays := [...]string{"일", "월", "화", "수", "목", "금", "토"}
	local := at.In(seoul)
	ago := fmt.Sprintf("%d분 전", int(time.Since(at).Minutes()))
	if hours := int(time.Since(at).Hours()); hours >= 24 {
		ago = fmt.Sprintf("%d일 전", hours/24)
	} else if hours >= 1 {
		ago = fmt.Sprintf("%d시간 전", hours)
	}
	return map[string]any{
		"raw":       raw,
		"formatted": fmt.Sprintf("%d년 %d월 %d일 %s요일", local.Year(), local.Month(), local.Day(), weekdays[local.Weekday()]),
		"ago":       ago,
	}
}

// only keeps the fields asked for, and the id.
func only(d document, fields []string) document {
	kept := document{"_id": d["_id"]}
	for _, field := range fields {
		copyField(map[string]any(d), kept, strings.Split(field, "."))
	}
	return kept
}

func copyField(from, to map[string]any, path []string) {
	value, ok := from[path[0]]
	if !ok {
		return
	}
	if len(path) == 1 {
		to[path[0]] = value
		return
	}
	switch inner := value.(type) {
	case map[string]any:
		next, ok := to[path[0]].(map[string]any)
		if !ok {
			next = map[string]any{}
			to[path[0]] = next
		}
		copyField(inner, next, path[1:])
	case []any:
		kept, ok := to[path[0]].([]any)
		if !ok {
			kept = make([]any, len(inner))
			to[path[0]] = kept
		}
		for i, element := range inner {
			object, isObject := element.(map[string]any)
			if !isObject {
				kept[i] = element
				continue
			}
			next, ok := kept[i].(map[string]any)
			if !ok {
				next = map[string]any{}
				if id, has := object["_id"]; has {
					next["_id"] = id
				}
				kept[i] = next
			}
			copyField(object, next, path[1:])
		}
	default:
		to[path[0]] = value
	}
}
