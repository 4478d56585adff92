package api

import (
	"context"
	"encoding/json"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

// linesOf are the lines of a customer's cart by what they are of.
func (a *api) linesOf(ctx context.Context, token string) (map[cartLine]string, error) {
	raw, err := a.Clayful.Cart(ctx, token, map[string]any{})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Cart struct {
			Items []struct {
				ID      string      `json:"_id"`
				Product clayful.Ref `json:"product"`
				Variant clayful.Ref `json:"variant"`
			} `json:"items"`
		} `json:"cart"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, err
	}
	lines := map[cartLine]string{}
	for _, item := range answer.Cart.Items {
		line := cartLine{string(item.Product), string(item.Variant)}
		if _, known := lines[line]; !known {
			lines[line] = item.ID
		}
	}
	return lines, nil
}

// firstMethods are the first shipping method of each product, nil when it has
// none.
func (a *api) firstMethods(ctx context.Context, ids []string) (map[string]any, error) {
	products, err := a.productDocuments(ctx, ids)
	if err != nil {
		return nil, err
	}
	methods := map[string]any{}
	for id, product := range products {
		if list, ok := object(product, "shipping")["methods"].([]any); ok && len(list) > 0 {
			methods[id] = idOf(list[0])
		}
	}
	return methods, nil
}
