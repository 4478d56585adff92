package clayful

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// references are the documents that others refer to, by id.
type references map[string]document

// references reads all that the documents refer to, at once.
func (s *Server) references(ctx context.Context, model string, found []document) (references, error) {
	wanted := map[string]bool{}
	for field, kind := range formats[model] {
		if !slices.Contains(referring, kind) {
			continue
		}
		for _, d := range found {
			visit(map[string]any(d), strings.Split(field, "."), func(_ map[string]any, value any) any {
				if id, ok := value.(string); ok {
					wanted[id] = true
				}
				return value
			})
		}
	}
	refs := references{}
	if err := s.refer(ctx, refs, wanted); err != nil {
		return nil, err
	}
	shown := map[string]bool{} // images of what is referred to
	for _, d := range refs {
		pictures := []any{d["thumbnail"], d["avatar"]}
		for _, variant := range objects(d["variants"]) {
			pictures = append(pictures, variant["thumbnail"])
		}
		for _, picture := range pictures {
			if id, ok := picture.(string); ok {
				shown[id] = true
			}
		}
	}
	return refs, s.refer(ctx, refs, shown)
}

// refer reads the documents of those ids.
func (s *Server) refer(ctx context.Context, refs references, wanted map[string]bool) error {
	if len(wanted) == 0 {
		return nil
	}
	rows, err := s.pool.Query(ctx, "SELECT body FROM sandbox_clayful.document WHERE id = ANY($1)", slices.Collect(maps.Keys(wanted)))
	if err != nil {
		return fmt.Errorf("read references: %w", err)
	}
	documents, err := pgx.CollectRows(rows, pgx.RowTo[document])
	if err != nil {
		return fmt.Errorf("read references: %w", err)
	}
	for _, d := range documents {
		if d["model"] != nil {
			d["url"] = s.imageURL(d)
		}
		refs[d.id()] = d
	}
	return nil
}

// image shows an image; one that is not there has neither id nor URL.
func (refs references) image(id any) map[string]any {
	text, _ := id.(string)
	d, known := refs[text]
	if !known {
		return map[string]any{"_id": nil, "url": nil}
	}
	return map[string]any{"_id": text, "url": d["url"]}
}

// reviewed is a product as its reviews show it.
func (refs references) reviewed(id string) any {
	p, known := refs[id]
	if !known {
		return nil
	}
	prices, discount := map[string]any{}, map[string]any{}
	for name, value := range objectOf(p["price"]) {
		prices[name] = refs.formatted(value, asPrice, nil)
	}
	maps.Copy(discount, objectOf(p["discount"]))
	return map[string]any{
		"_id": id, "slug": p["slug"], "name": refs.name(id), "price": prices, "discount": shownDiscount(discount),
		"thumbnail": refs.image(p["thumbnail"]),
	}
}

// author is a customer as others see them.
func (refs references) author(id string) any {
	c, known := refs[id]
	if !known {
		return nil
	}
	author := map[string]any{"_id": id, "name": c["name"], "alias": c["alias"], "userId": c["userId"], "avatar": nil}
	if avatar, _ := c["avatar"].(string); refs[avatar] != nil {
		author["avatar"] = refs.image(avatar)
	}
	return author
}

func objectOf(value any) map[string]any {
	object, _ := value.(map[string]any)
	return object
}
