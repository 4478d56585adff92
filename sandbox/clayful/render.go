package clayful

import (
	"context"
	"fmt"
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
	asText // one language of several
	asImage
	asReference // to a document, by name
)

// formats tell the kinds of the fields that look different when formatted. A
// path's "[]" is every element of a list.
var formats = map[string]map[string]kind{
	"customers": {
		"createdAt": asTime, "updatedAt": asTime, "birthdate": asTime, "deactivatedAt": asTime, "lastLoggedInAt": asTime,
		"avatar": asImage, "groups[]": asReference,
	},
	"groups": {"createdAt": asTime, "updatedAt": asTime, "name": asText},
	"products": {
		"createdAt": asTime, "updatedAt": asTime, "name": asText, "summary": asText, "description": asText, "keywords": asText,
		"price.original": asPrice, "price.sale": asPrice, "discount.value": asNumber, "discount.discounted": asPrice,
		"rating.count": asNumber, "rating.sum": asNumber, "rating.average": asNumber, "totalReview": asNumber,
		"thumbnail": asImage, "vendor": asReference, "brand": asReference, "shipping.methods[]": asReference,
		"collections[].path[]":      asReference,
		"variants[].price.original": asPrice, "variants[].price.sale": asPrice, "variants[].quantity": asNumber,
		"variants[].discount.value": asNumber, "variants[].discount.discounted": asPrice,
		"variants[].weight": asNumber, "variants[].width": asNumber, "variants[].height": asNumber, "variants[].depth": asNumber,
	},
	"collections": {"createdAt": asTime, "updatedAt": asTime, "name": asText, "parent": asReference},
	"vendors":     {"createdAt": asTime, "updatedAt": asTime, "name": asText, "description": asText},
	"wishlists":   {"createdAt": asTime, "updatedAt": asTime},
}

// shown is how documents look to a GET: formatted unless raw is asked for, and
// with the asked fields only.
func (s *Server) shown(c call, model string, found []document) []document {
	list := make([]document, 0, len(found))
	names := s.names(c.Context())
	for _, d := range found {
		delete(d, "collectionIDs")
		if c.URL.Query().Get("raw") != "true" {
			for field, kind := range formats[model] {
				format(map[string]any(d), strings.Split(field, "."), kind, names)
			}
			if meta, ok := d["meta"].(map[string]any); ok {
				for key, value := range meta {
					if n, ok := value.(float64); ok {
						meta[key] = number(n)
					}
				}
			}
		}
		if fields := c.URL.Query().Get("fields"); fields != "" {
			d = only(d, strings.Split(fields, ","))
		}
		list = append(list, d)
	}
	return list
}

// names are what references are shown by.
func (s *Server) names(ctx context.Context) map[string]string {
	names := map[string]string{}
	rows, err := s.pool.Query(ctx, `SELECT id, coalesce(body #>> '{name,ko}', body->>'name', '') FROM sandbox_clayful.document
		WHERE model IN ('groups', 'collections', 'vendors', 'shippingMethods')`)
	if err != nil {
		return names
	}
	defer rows.Close()
	for rows.Next() {
		var id, name string
		if rows.Scan(&id, &name) == nil {
			names[id] = name
		}
	}
	return names
}

func format(at map[string]any, path []string, kind kind, names map[string]string) {
	name, list := strings.CutSuffix(path[0], "[]")
	value, ok := at[name]
	if !ok {
		return
	}
	if list {
		elements, _ := value.([]any)
		for i, element := range elements {
			if len(path) == 1 {
				elements[i] = formatted(element, kind, names)
			} else if object, ok := element.(map[string]any); ok {
				format(object, path[1:], kind, names)
			}
		}
		return
	}
	if len(path) == 1 {
		at[name] = formatted(value, kind, names)
	} else if object, ok := value.(map[string]any); ok {
		format(object, path[1:], kind, names)
	}
}

func formatted(value any, kind kind, names map[string]string) any {
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
			return map[string]any{"_id": v, "url": "https://cdn.clayful.io/stores/SANDBOX.local/images/" + v + "/v1/image.jpg"}
		case asReference:
			return map[string]any{"_id": v, "name": names[v]}
		}
	case map[string]any:
		if kind == asText {
			return v["ko"]
		}
	}
	return value
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
	inner, isObject := value.(map[string]any)
	if len(path) == 1 || !isObject {
		to[path[0]] = value
		return
	}
	next, ok := to[path[0]].(map[string]any)
	if !ok {
		next = map[string]any{}
		to[path[0]] = next
	}
	copyField(inner, next, path[1:])
}
